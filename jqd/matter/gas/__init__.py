"""Gases: hard discs event by event, soft ones, Boltzmann's equation, and packets.

Positions and velocities are (N, d); the dimension d is 1 (rods), 2 (discs) or 3
(spheres). k_B = 1, except where a function says SI.
"""

from .dilute import DiluteAverages as DiluteAverages
from .dilute import dilute_averages as dilute_averages
from .dsmc import Relaxation as Relaxation
from .dsmc import dsmc as dsmc
from .energies import contact_energy_cdf as contact_energy_cdf
from .energies import contact_energy_density as contact_energy_density
from .energies import printed_energy_cdf as printed_energy_cdf
from .energies import printed_energy_distribution as printed_energy_distribution
from .energies import recoil_time_printed as recoil_time_printed
from .energies import recoil_time_ramp as recoil_time_ramp
from .energies import recoil_time_spring as recoil_time_spring
from .enskog import collision_rate as collision_rate
from .enskog import compressibility as compressibility
from .enskog import contact_value as contact_value
from .enskog import mean_free_path as mean_free_path
from .enskog import mean_speed as mean_speed
from .enskog import self_diffusion as self_diffusion
from .enskog import shear_viscosity as shear_viscosity
from .events import Encounters as Encounters
from .events import EventRun as EventRun
from .events import event_driven as event_driven
from .packets import FirstCollision as FirstCollision
from .packets import energy_spread as energy_spread
from .packets import first_collision as first_collision
from .packets import printed_energy_spread as printed_energy_spread
from .packets import spread_width as spread_width
from .packets import spreading_time as spreading_time
from .relaxation import energy_cdf as energy_cdf
from .relaxation import energy_density as energy_density
from .relaxation import fourth_cumulant as fourth_cumulant
from .relaxation import h_function as h_function
from .relaxation import kinetic_temperature as kinetic_temperature
from .relaxation import kolmogorov_smirnov as kolmogorov_smirnov
from .relaxation import relative_entropy as relative_entropy
from .relaxation import speed_density as speed_density
from .soft import SoftRun as SoftRun
from .soft import SoftSpheres as SoftSpheres
from .soft import Springs as Springs
from .starts import equal_speeds as equal_speeds
from .starts import lattice as lattice
from .starts import maxwell as maxwell
from .starts import number_density as number_density
from .tangents import Widths as Widths
from .tangents import packet_widths as packet_widths

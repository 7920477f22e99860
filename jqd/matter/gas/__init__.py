"""Gases: hard discs event by event, Boltzmann's equation, and packets.

Positions and velocities are (N, d); the dimension d is 1 (rods), 2 (discs) or 3
(spheres). k_B = 1.
"""

from .dsmc import Relaxation as Relaxation
from .dsmc import dsmc as dsmc
from .enskog import collision_rate as collision_rate
from .enskog import compressibility as compressibility
from .enskog import contact_value as contact_value
from .enskog import mean_free_path as mean_free_path
from .enskog import mean_speed as mean_speed
from .events import Encounters as Encounters
from .events import EventRun as EventRun
from .events import event_driven as event_driven
from .relaxation import energy_cdf as energy_cdf
from .relaxation import energy_density as energy_density
from .relaxation import fourth_cumulant as fourth_cumulant
from .relaxation import kinetic_temperature as kinetic_temperature
from .relaxation import relative_entropy as relative_entropy
from .starts import equal_speeds as equal_speeds
from .starts import lattice as lattice
from .starts import maxwell as maxwell
from .starts import number_density as number_density
from .tangents import Widths as Widths
from .tangents import packet_widths as packet_widths

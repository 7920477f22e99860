"""Photons: their norm and number, emission by few levels, rates, thermal light.

k_B = 1; ħ = 1 where it is no argument.
"""

from .counts import count_information as count_information
from .counts import count_log_likelihood as count_log_likelihood
from .counts import count_temperature as count_temperature
from .counts import occupation_information as occupation_information
from .counts import occupation_log_likelihood as occupation_log_likelihood
from .counts import occupation_residuals as occupation_residuals
from .counts import sample_counts as sample_counts
from .counts import sample_occupations as sample_occupations
from .counts import truncated_moments as truncated_moments
from .emission import SharedExcitation as SharedExcitation
from .emission import first_recurrence as first_recurrence
from .emission import flat_band as flat_band
from .emission import lorentzian as lorentzian
from .planck import bose_einstein as bose_einstein
from .planck import density_temperature as density_temperature
from .planck import level_distribution as level_distribution
from .planck import photon_density as photon_density
from .planck import planck_law as planck_law
from .plane_waves import energy_density as energy_density
from .plane_waves import energy_density_complex as energy_density_complex
from .plane_waves import norm_bracket_printed as norm_bracket_printed
from .plane_waves import norm_density as norm_density
from .plane_waves import norm_density_printed as norm_density_printed
from .plane_waves import photon_norm as photon_norm
from .plane_waves import photon_norm_printed as photon_norm_printed
from .plane_waves import photon_number as photon_number
from .plane_waves import plane_wave as plane_wave
from .plane_waves import plane_wave_printed as plane_wave_printed
from .rabi import Oscillation as Oscillation
from .rabi import TwoLevelMode as TwoLevelMode
from .rates import Equilibrium as Equilibrium
from .rates import HeatCapacity as HeatCapacity
from .rates import PhotonRates as PhotonRates
from .symmetrise import coordinates_printed as coordinates_printed
from .symmetrise import offsets_printed as offsets_printed
from .symmetrise import phonon_state_printed as phonon_state_printed
from .symmetrise import symmetrised as symmetrised
from .symmetrise import symmetrised_printed as symmetrised_printed
from .tower_energy import adjoint_residual_printed as adjoint_residual_printed
from .tower_energy import dirac_adjoint as dirac_adjoint
from .tower_energy import level_energy as level_energy
from .tower_energy import level_energy_printed as level_energy_printed

"""Photons: emission by few levels, rates, thermal light and its photon counts.

k_B = 1; ħ = 1 where it is not an argument.
"""

from .counts import count_information as count_information
from .counts import sample_counts as sample_counts
from .counts import sample_occupations as sample_occupations
from .counts import truncated_moments as truncated_moments
from .emission import Oscillation as Oscillation
from .emission import SharedExcitation as SharedExcitation
from .emission import TwoLevelMode as TwoLevelMode
from .emission import first_recurrence as first_recurrence
from .emission import flat_band as flat_band
from .emission import lorentzian as lorentzian
from .planck import bose_einstein as bose_einstein
from .planck import level_distribution as level_distribution
from .planck import photon_density as photon_density
from .planck import planck_law as planck_law
from .rates import Equilibrium as Equilibrium
from .rates import HeatCapacity as HeatCapacity
from .rates import PhotonRates as PhotonRates

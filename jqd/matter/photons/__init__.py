"""Photons: thermal light and its photon counts.

k_B = 1; ħ = 1 where it is not an argument.
"""

from .counts import count_information as count_information
from .counts import sample_counts as sample_counts
from .counts import sample_occupations as sample_occupations
from .counts import truncated_moments as truncated_moments
from .planck import bose_einstein as bose_einstein
from .planck import level_distribution as level_distribution
from .planck import photon_density as photon_density
from .planck import planck_law as planck_law

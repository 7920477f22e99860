"""Paths that a wave guides: Nelson's diffusion and Bohm's, with |ψ|² at all times."""

from .observables import Average as Average
from .observables import mean_square_displacement as mean_square_displacement
from .observables import two_time_correlation as two_time_correlation
from .processes import bohm as bohm
from .processes import nelson as nelson
from .result import Paths as Paths
from .result import PathStatus as PathStatus
from .sampling import kolmogorov_smirnov as kolmogorov_smirnov

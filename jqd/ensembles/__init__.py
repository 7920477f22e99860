"""Random processes of individuals: Nelson's diffusion and Bohm's paths."""

from .observables import Average as Average
from .observables import mean_square_displacement as mean_square_displacement
from .observables import two_time_correlation as two_time_correlation
from .paths import Paths as Paths
from .paths import PathStatus as PathStatus
from .processes import bohm as bohm
from .processes import nelson as nelson
from .sampling import kolmogorov_smirnov as kolmogorov_smirnov

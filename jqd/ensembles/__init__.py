"""Random processes of individuals: guided paths, and systems that copy each other."""

from .paths import Average as Average
from .paths import Paths as Paths
from .paths import PathStatus as PathStatus
from .paths import bohm as bohm
from .paths import kolmogorov_smirnov as kolmogorov_smirnov
from .paths import mean_square_displacement as mean_square_displacement
from .paths import nelson as nelson
from .paths import two_time_correlation as two_time_correlation

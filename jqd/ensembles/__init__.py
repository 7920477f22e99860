"""Random processes of individuals: guided paths, and systems that copy each other."""

from .arrival.absorbing import absorbing_boundary as absorbing_boundary
from .arrival.backflow import backflow_limit as backflow_limit
from .arrival.flux import arrival_flux as arrival_flux
from .arrival.kijowski import kijowski as kijowski
from .arrival.paths import arrival as arrival
from .arrival.survival import survival as survival
from .paths.observables import Average as Average
from .paths.observables import mean_square_displacement as mean_square_displacement
from .paths.observables import two_time_correlation as two_time_correlation
from .paths.processes import bohm as bohm
from .paths.processes import nelson as nelson
from .paths.result import Paths as Paths
from .paths.sampling import kolmogorov_smirnov as kolmogorov_smirnov
from .paths.spin import path_spin as path_spin

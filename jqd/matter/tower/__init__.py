"""The photon tower: matter, photon configurations, propagation, levels, averages."""

from .averages import Eigenbasis as Eigenbasis
from .averages import eigenbasis as eigenbasis
from .configurations import Configurations as Configurations
from .configurations import photon_configurations as photon_configurations
from .density import ExponentialDensity as ExponentialDensity
from .density import GaussianShape as GaussianShape
from .density import LevelDensity as LevelDensity
from .levels import Levels as Levels
from .levels import configuration_weights as configuration_weights
from .levels import interaction_energy as interaction_energy
from .levels import level_norms as level_norms
from .levels import levels as levels
from .levels import occupations as occupations
from .levels import schmidt_numbers as schmidt_numbers
from .matter import Matter as Matter
from .matter import harmonic_ladder as harmonic_ladder
from .matter import random_matter as random_matter
from .matter import user_matter as user_matter
from .random_tower import RandomTower as RandomTower
from .states import level_state as level_state
from .tower import Tower as Tower

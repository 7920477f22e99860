"""Evolving a state by a law: methods and trajectories."""

from .adaptive import Adaptive as Adaptive
from .evolution import evolve as evolve
from .fixed import Fixed as Fixed
from .imaginary_time import StationaryState as StationaryState
from .imaginary_time import ground_state as ground_state
from .one_path import draw_noise as draw_noise
from .propagator import Propagator as Propagator
from .trajectory import Trajectory as Trajectory

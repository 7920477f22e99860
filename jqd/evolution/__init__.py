"""Evolving a state by a law: methods, status, trajectories."""

from ..laws.status import Status as Status
from .adaptive import Adaptive as Adaptive
from .evolution import evolve as evolve
from .fixed import Fixed as Fixed
from .imaginary_time import StationaryState as StationaryState
from .imaginary_time import ground_state as ground_state
from .propagator import Propagator as Propagator
from .trajectory import Trajectory as Trajectory

"""Evolving a state by a law: methods, status, trajectories."""

from .adaptive import Adaptive as Adaptive
from .evolution import evolve as evolve
from .fixed import Fixed as Fixed
from .propagator import Propagator as Propagator
from .status import Status as Status
from .trajectory import Trajectory as Trajectory

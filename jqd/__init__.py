"""jqd: a wind tunnel for theories of quantum motion."""

from . import exact as exact
from ._version import __version__ as __version__
from .evolve import Adaptive as Adaptive
from .evolve import Fixed as Fixed
from .evolve import Propagator as Propagator
from .evolve import Status as Status
from .evolve import Trajectory as Trajectory
from .evolve import evolve as evolve
from .laws import CopyDynamics as CopyDynamics
from .laws import DensityPhase as DensityPhase
from .laws import Harmonics as Harmonics
from .laws import Law as Law
from .laws import Schrodinger as Schrodinger
from .spaces import Grid as Grid
from .steppers import Splitting as Splitting
from .steppers import chin4a as chin4a
from .steppers import rk4 as rk4
from .steppers import srkn11 as srkn11
from .steppers import strang as strang

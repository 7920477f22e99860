"""The laws of motion, one a file."""

from .copying import CopyDynamics as CopyDynamics
from .copying import DensityPhase as DensityPhase
from .copying import Harmonics as Harmonics
from .law import Law as Law
from .law import constant as constant
from .schrodinger import Schrodinger as Schrodinger

"""The laws of motion, one a file."""

from .alignment import PhaseAlignment as PhaseAlignment
from .copying import CopyDynamics as CopyDynamics
from .copying import DensityPhase as DensityPhase
from .copying import Harmonics as Harmonics
from .diffusion import AmplitudeAction as AmplitudeAction
from .diffusion import ClassicalDiffusion as ClassicalDiffusion
from .diffusion import ConservativeDiffusion as ConservativeDiffusion
from .diffusion import Madelung as Madelung
from .husimi import HusimiFokkerPlanck as HusimiFokkerPlanck
from .law import Law as Law
from .motion import Generator as Generator
from .motion import Motion as Motion
from .motion import Resolution as Resolution
from .motion import StepNoise as StepNoise
from .rivals import Collapse as Collapse
from .rivals import Dephasing as Dephasing
from .rivals import Jump as Jump
from .rivals import Lindblad as Lindblad
from .rivals import PhaseKicks as PhaseKicks
from .rivals import QuantumJumps as QuantumJumps
from .rivals import RandomFrequencies as RandomFrequencies
from .schrodinger import Schrodinger as Schrodinger

"""Rival laws, one a file."""

from .collapse import Collapse as Collapse
from .dephasing import Dephasing as Dephasing
from .lindblad import Jump as Jump
from .lindblad import Lindblad as Lindblad
from .noisy_copies import PhaseKicks as PhaseKicks
from .noisy_copies import RandomFrequencies as RandomFrequencies
from .quantum_jumps import JumpingKet as JumpingKet
from .quantum_jumps import QuantumJumps as QuantumJumps

"""Rival laws, one a file."""

from .beretta import Beretta as Beretta
from .collapse import Collapse as Collapse
from .departure import Departure as Departure
from .departure import DepartureOfKets as DepartureOfKets
from .dephasing import Dephasing as Dephasing
from .doebner_goldin import DoebnerGoldin as DoebnerGoldin
from .doebner_goldin import DoebnerGoldinLine as DoebnerGoldinLine
from .gisin import Gisin as Gisin
from .gross_pitaevskii import GrossPitaevskii as GrossPitaevskii
from .lindblad import Jump as Jump
from .lindblad import Lindblad as Lindblad
from .logarithmic import Logarithmic as Logarithmic
from .noisy_copies import PhaseKicks as PhaseKicks
from .noisy_copies import RandomFrequencies as RandomFrequencies
from .quantum_jumps import JumpingKet as JumpingKet
from .quantum_jumps import QuantumJumps as QuantumJumps
from .schrodinger_newton import SchrodingerNewton as SchrodingerNewton
from .schrodinger_newton import kaplan_rajendran as kaplan_rajendran
from .self_potential import SelfPotential as SelfPotential
from .self_potential import read_quantum as read_quantum
from .weinberg import Weinberg as Weinberg

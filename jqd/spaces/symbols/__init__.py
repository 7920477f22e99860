"""Phase-space symbols of bosonic Hamiltonians."""

from .builders import bose_hubbard as bose_hubbard
from .builders import cross_kerr as cross_kerr
from .builders import harmonic as harmonic
from .builders import kerr as kerr
from .builders import parametric_amplifier as parametric_amplifier
from .builders import squeezed_oscillator as squeezed_oscillator
from .builders import three_wave as three_wave
from .builders import two_body as two_body
from .builders import two_mode_squeezing as two_mode_squeezing
from .fields import complex_field as complex_field
from .fields import gauge_bosons as gauge_bosons
from .fields import phi4 as phi4
from .fields import polynomial_qp as polynomial_qp
from .operators import commutator as commutator
from .operators import coupling_pattern as coupling_pattern
from .operators import diagonal as diagonal
from .operators import matrix as matrix
from .operators import star as star
from .parametric import ParametricSymbol as ParametricSymbol
from .parametric import parse_hamiltonian as parse_hamiltonian
from .recognition import from_matrix as from_matrix
from .recognition import from_operator as from_operator
from .symbol import Symbol as Symbol
from .truncation import FokkerPlanckCheck as FokkerPlanckCheck

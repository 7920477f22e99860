"""Where states live, and the Hamiltonians on them."""

from .grids import Grid as Grid
from .hamiltonians import MatrixHamiltonian as MatrixHamiltonian
from .hamiltonians import ParticleOnGrid as ParticleOnGrid
from .potentials import FunctionPotential as FunctionPotential
from .potentials import SampledPotential as SampledPotential
from .potentials import potential as potential
from .symbols import ParametricSymbol as ParametricSymbol
from .symbols import Symbol as Symbol
from .symbols import parse_hamiltonian as parse_hamiltonian

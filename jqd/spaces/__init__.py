"""Where states live, and the Hamiltonians on them."""

from .absorbers import absorbing_layer as absorbing_layer
from .graphs import Graph as Graph
from .grids import Grid as Grid
from .hamiltonians import MatrixHamiltonian as MatrixHamiltonian
from .hamiltonians import ParticleOnGrid as ParticleOnGrid
from .potentials import FunctionPotential as FunctionPotential
from .potentials import SampledPotential as SampledPotential
from .potentials import potential as potential
from .resolution import cutoff_weight as cutoff_weight
from .resolution import dispersion_bound as dispersion_bound
from .resolution import edge_density as edge_density
from .symbols import ParametricSymbol as ParametricSymbol
from .symbols import Symbol as Symbol
from .symbols import parse_hamiltonian as parse_hamiltonian

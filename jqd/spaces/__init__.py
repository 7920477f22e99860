"""Where states live, and the Hamiltonians on them."""

from .absorbers import absorbing_layer as absorbing_layer
from .driven import DrivenHamiltonian as DrivenHamiltonian
from .driven import driven as driven
from .graphs import Graph as Graph
from .grids import Grid as Grid
from .hamiltonians import MatrixHamiltonian as MatrixHamiltonian
from .hamiltonians import ParticleOnGrid as ParticleOnGrid
from .identical import Exchange as Exchange
from .identical import Particles as Particles
from .particles import ParticlesOnGrid as ParticlesOnGrid
from .potentials import FunctionPotential as FunctionPotential
from .potentials import SampledPotential as SampledPotential
from .potentials import potential as potential
from .pulses import Impulse as Impulse
from .pulses import Pulse as Pulse
from .pulses import SampledPulse as SampledPulse
from .pulses import impulse as impulse
from .pulses import named_pulse as named_pulse
from .pulses import pulse as pulse
from .pulses import sampled_pulse as sampled_pulse
from .resolution import cutoff_weight as cutoff_weight
from .resolution import dispersion_bound as dispersion_bound
from .resolution import edge_density as edge_density
from .symbols import ParametricSymbol as ParametricSymbol
from .symbols import Symbol as Symbol
from .symbols import parse_hamiltonian as parse_hamiltonian

"""Statistics of many particles: how N particles occupy M states.

One constant g covers Maxwell-Boltzmann (0), Bose-Einstein (1) and Fermi-Dirac (-1).
"""

from ._family import log_rising as log_rising
from .equilibrium import Equilibrium as Equilibrium
from .equilibrium import entropy as entropy
from .equilibrium import maximum_entropy as maximum_entropy
from .occupation import chemical_potential as chemical_potential
from .occupation import count_information as count_information
from .occupation import occupation as occupation
from .probabilities import BOSE_EINSTEIN as BOSE_EINSTEIN
from .probabilities import FERMI_DIRAC as FERMI_DIRAC
from .probabilities import MAXWELL_BOLTZMANN as MAXWELL_BOLTZMANN
from .probabilities import configurations as configurations
from .probabilities import log_marginal as log_marginal
from .probabilities import log_probability as log_probability
from .probabilities import variance as variance
from .sampling import sample_occupations as sample_occupations
from .sampling import sample_weights as sample_weights

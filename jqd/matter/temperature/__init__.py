"""Temperature from energy levels: densities of states, saddle points, Gibbs states.

k_B = 1: temperatures are energies. The temperature is negative where the density of
states falls with the energy, as it does above the middle of a bounded spectrum.
"""

from .canonical import Cumulants as Cumulants
from .canonical import canonical_beta as canonical_beta
from .canonical import canonical_temperature as canonical_temperature
from .canonical import level_cumulants as level_cumulants
from .canonical import saddle_beta as saddle_beta
from .estimate import Temperatures as Temperatures
from .estimate import temperatures as temperatures
from .kde import Bandwidth as Bandwidth
from .kde import bandwidth as bandwidth
from .kde import kde_beta as kde_beta
from .kde import log_density_of_states as log_density_of_states

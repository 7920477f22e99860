"""States of bosonic modes, and their functions on phase space."""

from . import composite as composite
from .bosonic import cat as cat
from .bosonic import coherent as coherent
from .bosonic import number_state as number_state
from .bosonic import product as product
from .bosonic import squeezed as squeezed
from .bosonic import thermal as thermal
from .ensemble import Ensemble as Ensemble
from .ensemble import as_ensemble as as_ensemble
from .heterodyne import sample_husimi as sample_husimi
from .husimi import antinormal_moment as antinormal_moment
from .husimi import covariance as covariance
from .husimi import husimi as husimi
from .husimi import marginal as marginal
from .husimi import negativity as negativity
from .husimi import read_powers as read_powers
from .maps import husimi_map as husimi_map
from .maps import phase_grid as phase_grid
from .quasiprobability import quasiprobability as quasiprobability

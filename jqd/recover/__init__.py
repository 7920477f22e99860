"""Fitting the free constants of laws to records of quantum evolution."""

from .data import Data as Data
from .data import Gaussian as Gaussian
from .data import Multinomial as Multinomial
from .data import NoNoise as NoNoise
from .fit import recover as recover
from .identifiability import Identifiability as Identifiability
from .identifiability import Unidentifiable as Unidentifiable
from .polish import Polish as Polish
from .recovery import Constant as Constant
from .recovery import Recovery as Recovery
from .search import Search as Search

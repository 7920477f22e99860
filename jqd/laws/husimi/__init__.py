"""The Husimi-function Fokker-Planck law, and the ways to carry its state."""

from .bath import Bath as Bath
from .chains import ChainMoments as ChainMoments
from .chains import chain_moments as chain_moments
from .exact import Exact as Exact
from .fock import Fock as Fock
from .form import Form as Form
from .gaussian import GaussianForm as GaussianForm
from .gaussian_sum import GaussianSum as GaussianSum
from .law import ALIASES as ALIASES
from .law import FORMS as FORMS
from .law import HusimiFokkerPlanck as HusimiFokkerPlanck
from .levels import Levels as Levels
from .literal import LiteralGrid as LiteralGrid
from .sectors import Sectors as Sectors
from .starts import FirstOrder as FirstOrder
from .starts import PSamples as PSamples
from .starts import Series as Series
from .thermal import DisplacedThermal as DisplacedThermal
from .wigner import WignerGrid as WignerGrid
from .window import BeyondWindow as BeyondWindow
from .window import Window as Window
from .window import largest_C as largest_C

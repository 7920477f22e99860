"""The Husimi-function Fokker-Planck law, and the ways to carry its state."""

from .blocks import Blocks as Blocks
from .fock import Fock as Fock
from .form import Form as Form
from .form import largest_C as largest_C
from .gaussian import GaussianForm as GaussianForm
from .gaussian_sum import GaussianSum as GaussianSum
from .heff import Heff as Heff
from .law import FORMS as FORMS
from .law import HusimiFokkerPlanck as HusimiFokkerPlanck
from .literal import LiteralGrid as LiteralGrid
from .response import Response as Response
from .sampled import Sampled as Sampled
from .thermal import DisplacedThermal as DisplacedThermal
from .wigner import WignerGrid as WignerGrid

"""The Husimi-function Fokker-Planck law, and the ways to carry its state."""

from .fock import Fock as Fock
from .form import Form as Form
from .gaussian import GaussianForm as GaussianForm
from .gaussian_sum import GaussianSum as GaussianSum
from .heff import Heff as Heff
from .literal import LiteralGrid as LiteralGrid
from .wigner import WignerGrid as WignerGrid

FORMS = {
    "heff": Heff,
    "fock": Fock,
    "gaussian": GaussianForm,
    "wigner": WignerGrid,
    "literal": LiteralGrid,
}

from .truncation import Horizon as Horizon  # noqa: E402
from .truncation import horizon as horizon  # noqa: E402
from .truncation import truncation_deviation as truncation_deviation  # noqa: E402
from .law import HusimiFokkerPlanck as HusimiFokkerPlanck  # noqa: E402
from .window import largest_C as largest_C  # noqa: E402

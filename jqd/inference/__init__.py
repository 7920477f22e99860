"""Fitting the free constants of laws to records of quantum evolution."""

from .answer import Recovery as Recovery
from .answer import recover as recover
from .design import Design as Design
from .design import design as design
from .errors import StandardErrors as StandardErrors
from .errors import standard_errors as standard_errors
from .fisher import Fisher as Fisher
from .fisher import fisher as fisher
from .fit import Constant as Constant
from .fit import Fit as Fit
from .fit import fit as fit
from .identifiability import Horizon as Horizon
from .identifiability import Identifiability as Identifiability
from .identifiability import Unidentifiable as Unidentifiable
from .identifiability import horizon as horizon
from .identifiability import identifiability as identifiability
from .likelihood import LikelihoodFit as LikelihoodFit
from .likelihood import fit_likelihood as fit_likelihood
from .likelihood import log_likelihood as log_likelihood
from .polish import Polish as Polish
from .polish import loss_line as loss_line
from .polish import loss_plane as loss_plane
from .priors import Normal as Normal
from .search import Search as Search
from .study import Study as Study

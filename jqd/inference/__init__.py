"""Fitting the free constants of laws to records of quantum evolution."""

from .data import Correlated as Correlated
from .data import Data as Data
from .data import Gaussian as Gaussian
from .data import Multinomial as Multinomial
from .data import NoNoise as NoNoise
from .ensemble_noise import EnsembleNoise as EnsembleNoise
from .host import recover as recover
from .identifiability import Identifiability as Identifiability
from .identifiability import Unidentifiable as Unidentifiable
from .likelihood import LikelihoodFit as LikelihoodFit
from .likelihood import fit_likelihood as fit_likelihood
from .likelihood import log_likelihood as log_likelihood
from .polish import Polish as Polish
from .polish import loss_line as loss_line
from .polish import loss_plane as loss_plane
from .problem import FitProblem as FitProblem
from .recovery import Constant as Constant
from .recovery import Recovery as Recovery
from .search import Search as Search
from .setup import identifiability as identifiability
from .traced import Fit as Fit
from .traced import FitStatus as FitStatus
from .traced import fit as fit

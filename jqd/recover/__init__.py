"""Fitting the free constants of laws to records of quantum evolution."""

from .data import Correlated as Correlated
from .data import Data as Data
from .data import Gaussian as Gaussian
from .data import Multinomial as Multinomial
from .data import NoNoise as NoNoise
from .files import load_matrix as load_matrix
from .files import load_record as load_record
from .files import load_state as load_state
from .fit import recover as recover
from .identifiability import Identifiability as Identifiability
from .identifiability import Unidentifiable as Unidentifiable
from .lengths import LengthScales as LengthScales
from .lengths import length_scales as length_scales
from .likelihood import LikelihoodFit as LikelihoodFit
from .likelihood import fit_likelihood as fit_likelihood
from .likelihood import log_likelihood as log_likelihood
from .phase_space import PhaseSpaceRecord as PhaseSpaceRecord
from .phase_space import load_phase_space as load_phase_space
from .polish import Polish as Polish
from .polish import loss_plane as loss_plane
from .problem import FitProblem as FitProblem
from .recovery import Constant as Constant
from .recovery import Recovery as Recovery
from .search import Search as Search
from .setup import identifiability as identifiability

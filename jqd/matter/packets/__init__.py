"""Wave packets of many particles: exact, thawed, truncated Wigner, and on a grid."""

from .ehrenfest import ThawedRun as ThawedRun
from .ehrenfest import thawed_run as thawed_run
from .gaussian import GaussianState as GaussianState
from .gaussian import Packet as Packet
from .gaussian import from_packet as from_packet
from .gaussian import to_packet as to_packet
from .gaussian import wave_function as wave_function
from .harmonic import harmonic_evolution as harmonic_evolution
from .harmonic import symplectic_matrix as symplectic_matrix
from .motion import ClassicalMotion as ClassicalMotion
from .motion import PhasePoint as PhasePoint
from .oscillators import ground_state as ground_state
from .oscillators import squeezed_state as squeezed_state
from .reference import GridRun as GridRun
from .reference import check_momenta as check_momenta
from .reference import exact_packet as exact_packet
from .thawed import ThawedGaussian as ThawedGaussian
from .thawed import symplectic_defect as symplectic_defect
from .wigner import WignerRun as WignerRun
from .wigner import sample_wigner as sample_wigner
from .wigner import truncated_wigner as truncated_wigner

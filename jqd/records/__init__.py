"""The one gate through which files and arrays enter: one file a kind of data."""

from .atoms import AtomPositions as AtomPositions
from .atoms import AtomRecord as AtomRecord
from .atoms import load_atoms as load_atoms
from .density import DensityRecord as DensityRecord
from .density import load_density as load_density
from .drawn import simulate as simulate
from .formats import help_text as help_text
from .occupations import CountsRecord as CountsRecord
from .occupations import CurveRecord as CurveRecord
from .occupations import PhotonCounts as PhotonCounts
from .occupations import PhotonCurve as PhotonCurve
from .occupations import load_photons as load_photons
from .occupations import load_statistics as load_statistics
from .phase_space import PhaseSpaceRecord as PhaseSpaceRecord
from .phase_space import load_phase_space as load_phase_space
from .populations import load_record as load_record
from .reading import load_matrix as load_matrix
from .reading import load_state as load_state
from .reading import naming as naming
from .record import Record as Record

"""What data show of a motion, and how they scatter about that."""

from .counts import Binomial as Binomial
from .counts import DirichletMultinomial as DirichletMultinomial
from .counts import Multinomial as Multinomial
from .ensemble_noise import EnsembleNoise as EnsembleNoise
from .heterodyne import Heterodyne as Heterodyne
from .image import Image as Image
from .instrument import Confusion as Confusion
from .instrument import Direct as Direct
from .instrument import Displaced as Displaced
from .instrument import Instrument as Instrument
from .noise import Correlated as Correlated
from .noise import Drawable as Drawable
from .noise import Gaussian as Gaussian
from .noise import Noise as Noise
from .noise import NoNoise as NoNoise
from .sample_moments import SampleMoments as SampleMoments
from .thinned import Thinned as Thinned

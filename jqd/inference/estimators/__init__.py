"""Constants from data without a run: nothing here evolves a law."""

from .counts import StatisticsFit as StatisticsFit
from .counts import fit_counts as fit_counts
from .curve import CURVE_CONSTANTS as CURVE_CONSTANTS
from .curve import fit_curve as fit_curve
from .diffusion import Estimate as Estimate
from .diffusion import diffusion_from_energy as diffusion_from_energy
from .diffusion import diffusion_from_levels as diffusion_from_levels
from .diffusion import diffusion_from_residual as diffusion_from_residual
from .lengths import LengthScales as LengthScales
from .lengths import length_scales as length_scales
from .noise_of_paths import NoiseFit as NoiseFit
from .noise_of_paths import nu_from_arrivals as nu_from_arrivals
from .noise_of_paths import nu_from_relaxation as nu_from_relaxation
from .temperature import TemperatureFit as TemperatureFit
from .temperature import fit_photon_counts as fit_photon_counts
from .temperature import fit_photon_curve as fit_photon_curve

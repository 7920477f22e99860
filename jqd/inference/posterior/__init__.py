"""Draws of constants from their posterior, and tests of the samplers."""

from .answer import Posterior as Posterior
from .calibration import Calibration as Calibration
from .calibration import sbc as sbc
from .posterior import posterior as posterior

"""Bounds of published experiments on the free constants, and how far they go.

`published/` holds one file for each published number, `mappings` the functions that
turn it into a bound on a constant, `table` the table of bounds.
"""

from .copies import CopiesBound as CopiesBound
from .copies import bounds_on_copies as bounds_on_copies
from .copies import failure_limit as failure_limit
from .pulses import PulseResponse as PulseResponse
from .pulses import cardinal_infidelity as cardinal_infidelity
from .pulses import pulse_response as pulse_response
from .table import Bound as Bound
from .table import Bounds as Bounds
from .table import bounds as bounds
from .table import constants as constants

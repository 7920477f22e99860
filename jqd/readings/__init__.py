"""Formulas that read a law or a state, which experiments share: no law needs them.

Each file is a topic. Equations named by number alone are those of the paper that its
docstring names; `jqd equations` has them all.
"""

from . import brackets as brackets
from . import circulation as circulation
from . import cold_spots as cold_spots
from . import energies as energies
from . import fields as fields
from . import gases as gases
from . import observables as observables
from . import packets as packets
from . import slits as slits
from . import time_scales as time_scales

"""Formulas that read a law or a state, which experiments share: no law needs them.

Each file is a topic. Equations named by number alone are those of the paper that its
docstring names; `jqd equations` has them all.
"""

from . import gases as gases
from . import time_scales as time_scales

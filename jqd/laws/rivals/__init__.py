"""Rival laws, one a file."""

from .collapse import Collapse as Collapse
from .dephasing import Dephasing as Dephasing

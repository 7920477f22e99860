"""Where states live, and the operators on them."""

from .grids import Grid as Grid

"""Sweeps: one function at many points, by any number of workers, in a store."""

from .engines import Local as Local
from .on_ray import Ray as Ray
from .points import Points as Points
from .run import open_sweep as open_sweep
from .run import sweep as sweep
from .store import Store as Store
from .store import SweepError as SweepError

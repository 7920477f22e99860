"""Sweeps: one function at many points, on all devices, resumable on disk."""

from .hosts import connect as connect
from .points import Points as Points
from .run import open_sweep as open_sweep
from .run import sweep as sweep
from .store import Store as Store

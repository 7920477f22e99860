"""Measured speed and error of jqd beside other programs: `python -m benchmarks`."""

import importlib
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

# Before NumPy is loaded. On matrices of these sizes the threads of a BLAS cost more
# than they bring, many times more on a busy machine, to jqd and to its peers alike.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

NAMES = (
    "copy_dynamics", "kerr_sweep", "bose_hubbard", "driven_qutrit",
    "driven_kerr",
    "grid_schrodinger", "work_precision", "reversible_gradient", "husimi_maps",
    "husimi_kerr", "husimi_bose_hubbard", "husimi_kraus", "two_slits", "grid_3d",
    "link_form", "statistics_sampler", "copy_ensembles", "hard_discs",
    "solids", "photon_tower", "growth", "sweep", "shared_sweep", "sharded_grid",
    "pulls", "coverage", "collapse", "warm_calls", "plane_paths", "grid_4d",
)  # fmt: skip
# Those that are asked for by name: for a GPU or for one that is not there, and half an
# hour of starts of commands.
ON_REQUEST = ("first_gpu", "gpu_programs", "gpu_compiled", "commands", "signal_map")
ON_GPU = ("first_gpu", "gpu_programs", "sweep")
# Files with several benchmarks, a function of its name for each; else it is `run`.
WHERE = dict.fromkeys(("grid_schrodinger", "two_slits", "grid_3d", "grid_4d"), "grids")


def module_of(name: str) -> ModuleType:
    """The file of a benchmark."""
    return importlib.import_module(f".{WHERE.get(name, name)}", __package__)


def function_of(name: str) -> Callable[..., Any]:
    """From `quick` to its report, or to reports that grow."""
    return getattr(module_of(name), name if name in WHERE else "run")

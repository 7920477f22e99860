"""Hamiltonians as matrices, and states as vectors."""

from pathlib import Path

import numpy as np

from .archives import npy_array, npz_arrays, npz_names
from .file import File
from .reading import complex_csv, existing


def load_matrix(path: str | Path) -> np.ndarray:
    """A matrix from .npy, .npz (one array, or one named `hamiltonian`) or CSV.

    Args:
        path: file; complex CSV entries read as `1.5-0.2j`.

    Returns:
        Array of rank 2.

    Raises:
        ValueError: unreadable, truncated or pickled file, or another rank.
    """
    return _load(existing(path, "matrix"), 2)


def load_state(path: str | Path) -> np.ndarray:
    """A state from .npy, .npz (one array, or one named `psi0`) or CSV.

    Args:
        path: file.

    Returns:
        Array of rank 1.

    Raises:
        ValueError: unreadable, truncated or pickled file, or another rank.
    """
    return _load(existing(path, "state"), 1)


def _load(file: File, rank: int) -> np.ndarray:
    name = file.argument
    if file.path.suffix == ".csv":
        array = complex_csv(file)
    elif file.path.suffix == ".npz":
        array = _member(file, name)
    else:
        array = npy_array(file)
    if array.dtype.kind not in "biufc":
        raise file.complaint("hold numbers", f"holds {array.dtype}")
    file.check_size(name, array)
    array = array.reshape(-1) if rank == 1 and array.size in array.shape else array
    if array.ndim != rank:
        raise file.complaint(f"have {rank} axes", f"has shape {array.shape}")
    return array


def _member(file: File, name: str) -> np.ndarray:
    """The array of this name, or the only one."""
    names = npz_names(file)
    if name not in names and len(names) != 1:
        raise file.complaint(
            f"hold an array `{name}`", f"has {', '.join(names) or 'none'}"
        )
    key = name if name in names else names[0]
    return npz_arrays(file, [key])[key]

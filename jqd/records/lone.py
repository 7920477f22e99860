"""A matrix, a state, a pulse: files of one array, with or without a name."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from .. import _checks
from .._outside import plain
from ..spaces import SampledPulse, sampled_pulse
from .contents import MOST, Contents
from .file import File, naming
from .formats import CSV, Format, Kind
from .reading import existing, npy_array, npz_arrays, opened, there
from .record import between, spaced
from .tables import matrix

# What a command takes as `--hamiltonian` and as `--state`.
HERMITIAN, NORMALISED = "a Hermitian matrix", "a state"
# How far the squared norm of a state may be from 1, as in `_checks.check_state`.
_NORM = 1e-6


def load_matrix(path: str | Path) -> np.ndarray:
    """Load a matrix from .npy, .npz (one array, or one named `hamiltonian`) or CSV.

    Args:
        path: the file; complex CSV entries are written as `1.5-0.2j`.

    Returns:
        Array of rank 2.

    Raises:
        ValueError: unreadable, truncated or pickled file, or another rank.
    """
    return _array_of(existing(path, MATRIX), 2)


def load_correlation(path: str | Path) -> np.ndarray:
    """Load correlations of errors: like `load_matrix`, but named `correlation`."""
    return _array_of(there(path, "correlation", MATRIX.suffixes), 2)


def load_state(path: str | Path) -> np.ndarray:
    """Load a state from .npy, .npz (one array, or one named `psi0`) or CSV.

    Args:
        path: the file; complex CSV entries are written as `1.5-0.2j`.

    Returns:
        Array of rank 1.

    Raises:
        ValueError: unreadable, truncated or pickled file, or another rank.
    """
    return _array_of(existing(path, STATE), 1)


def load_pulse(path: str | Path) -> SampledPulse:
    """Load a pulse from a table of its values, joined by a cubic spline.

    Args:
        path: .csv with the columns t and f.

    Raises:
        ValueError: unreadable file, other columns, fewer than four times or times that
            do not increase.
    """
    file, _ = opened(path, PULSE)
    with naming(file.path):
        return sampled_pulse(file["t"], file["f"])


def _array_of(file: File, rank: int) -> np.ndarray:
    """The array of a file, under the name of the argument or alone."""
    name = file.argument
    if file.path.suffix == ".csv":
        array = matrix(file)
    elif file.path.suffix == ".npz":
        (array,) = npz_arrays(file, name).values()
    else:
        array = npy_array(file)
    if array.dtype.kind not in "biufc":
        raise file.complaint("hold numbers", f"holds {array.dtype}")
    if not array.size:
        raise file.complaint("hold numbers", "holds none")
    replace(file, arrays={name: array}).check_finite()
    array = plain(array, name)  # in the byte order of this machine, of 64 bits at most
    array = array.reshape(-1) if rank == 1 and array.size in array.shape else array
    if array.ndim != rank:
        raise file.complaint(f"have {rank} axes", f"has shape {array.shape}")
    return array


def _show_matrix(given: np.ndarray) -> Contents:
    matrix = _of_64_bits(given)
    rows, columns = matrix.shape
    lines = {"size": f"{rows} x {columns}", "entries": _entries(matrix)}
    none = Contents("a matrix", lines, ("level", np.zeros(0)), {})
    try:
        _checks.check_hermitian(matrix, "hamiltonian")
    except ValueError as error:
        # without the name of an argument that nobody typed here
        lines["Hermitian"] = f"no: {str(error).partition(', but ')[2]}"
        return none
    levels = np.linalg.eigvalsh(matrix)
    lines |= {"Hermitian": "yes", "levels": between(levels)}
    return none._replace(
        data=HERMITIAN, along=("level", np.arange(rows)),
        columns={"energy over ħ": levels},
    )  # fmt: skip


def _show_state(given: np.ndarray) -> Contents:
    psi = _of_64_bits(given)
    shares = np.abs(psi) ** 2
    norm = float(shares.sum())
    lines = {
        "classes": str(len(psi)),
        "entries": _entries(psi),
        "squared norm": f"{norm:.9g}",
    }
    if empty := np.flatnonzero(shares == 0).tolist():
        lines["empty classes"] = ", ".join(map(str, empty[:MOST]))
    classes = np.arange(len(psi))
    data = NORMALISED if abs(norm - 1) <= _NORM else "a vector, not normalised"
    return Contents(data, lines, ("class", classes), {"|ψ|²": shares})


def _of_64_bits(array: np.ndarray) -> np.ndarray:
    """Short floats have no eigenvalues, and squares of short integers overflow."""
    return array.astype(complex if np.iscomplexobj(array) else float)


def _entries(array: np.ndarray) -> str:
    return "complex" if np.iscomplexobj(array) else "real"


def _show_pulse(pulse: SampledPulse) -> Contents:
    ts, values = np.asarray(pulse.ts), np.asarray(pulse.values)
    lines = {"times": spaced(ts), "values": between(values)}
    return Contents("a pulse", lines, ("t", ts), {"f": values})


MATRIX = Kind(
    "matrix", "hamiltonian",
    "`--hamiltonian` of `jqd recover copying`, `law`, `jqd sample copying`",
    (
        Format("Hermitian matrices", (".npy", ".npz", ".csv"),
               "`0,1-2j` / `1+2j,3`",
               {"hamiltonian": "[a, b] real or complex, energy over ħ; a lone "
                               "array may have any name, a .csv has no header"}),
    ),
    load_matrix, (), _show_matrix,
    lambda matrix, _: ("Hermitian matrices", {"hamiltonian": matrix}),
)  # fmt: skip
STATE = Kind(
    "state", "psi0",
    "`--state` of `jqd recover copying`, `law`, `jqd sample copying`",
    (
        Format("states", (".npy", ".npz", ".csv"), '`np.save("psi0.npy", psi)`',
               {"psi0": "[a] real or complex, of norm 1, at the first time; names "
                        "as for matrices"}),
    ),
    load_state, (), _show_state, lambda psi0, _: ("states", {"psi0": psi0}),
)  # fmt: skip
PULSE = Kind(
    "pulse", "pulse", "`--pulse` of `jqd recover husimi`",
    (
        Format("pulses", CSV, "`t,f` / `0,0.1` / `0.5,0.3`",
               {"t": "times, increasing",
                "f": "value at `t`; a cubic spline between, 0 before and after"}),
    ),
    load_pulse, SampledPulse, _show_pulse,
)  # fmt: skip

"""Reading records, matrices and states from files. Nothing is unpickled."""

from pathlib import Path
from typing import Any

import numpy as np

from .. import _checks
from .archives import npy_array, npz_arrays, npz_names
from .data import Data, check_populations
from .ensemble_noise import EnsembleNoise
from .noise import Gaussian, Multinomial, Noise
from .reading import (
    arrays_in,
    check_numbers,
    check_size,
    complex_csv,
    csv_table,
    existing,
    kinds_error,
    naming,
    real,
)

TABLES = (".csv", ".npz", ".zarr", ".nc")
ARRAYS = (".npy", ".npz", ".csv")
NOISES = ("auto", "none", "gaussian", "multinomial", "ensemble")


def load_record(
    path: str | Path, noise: str = "auto", sigma: float | None = None
) -> Data:
    """A record of populations or counts over time.

    Args:
        path: CSV with a header `t,p0,p1,..` (populations) or `t,n0,n1,..` (counts);
            .npz with arrays `t` and `p` or `n`; netCDF or Zarr with a coordinate `t`
            and a variable `populations` or `counts`.
        noise: "auto" (multinomial for counts, none for populations), "none",
            "gaussian", "multinomial" or "ensemble" (counts of one ensemble of systems
            that copy each other, looked at again and again).
        sigma: standard deviation, for "gaussian".

    Returns:
        The record.

    Raises:
        ValueError: unreadable or truncated file, columns missing or unknown, values
            that are not finite, negative or not normalised, noise that does not fit.
    """
    _checks.check_choice(noise, "noise", NOISES)
    path = existing(path)
    if path.suffix == ".csv":
        ts, values, kind = _read_csv(path)
    elif path.suffix == ".npz":
        ts, values, kind = _read_npz(path)
    elif path.suffix in (".zarr", ".nc"):
        ts, values, kind = _read_dataset(path)
    else:
        raise ValueError(kinds_error("data", TABLES, path))
    check_numbers(path, ts, values)
    with naming(path):
        return Data(ts, values, _noise(path, kind, values, noise, sigma))


def _noise(
    path: Path, kind: str, values: np.ndarray, noise: str, sigma: float | None
) -> Noise | None:
    if noise == "auto":
        noise = "multinomial" if kind == "n" else "none"
    counted = noise in ("multinomial", "ensemble")
    if counted and kind != "n":
        raise ValueError(
            f"Argument `noise` must not be {noise!r} for populations, but is; "
            f"{path.name} has columns p0.., counts have n0.."
        )
    if not counted and kind == "n":
        raise ValueError(
            "Argument `noise` must be 'multinomial' or 'ensemble' for counts, but is "
            f"{noise!r}."
        )
    if noise == "ensemble":
        return EnsembleNoise(values[0].sum())
    if kind == "n":
        return Multinomial()
    # with known noise single values may stray below 0 and sums from 1 by some sigmas
    slack = 1e-6 if sigma is None else 6 * sigma * np.sqrt(values.shape[1])
    check_populations(values, path.name, slack)
    if noise != "gaussian":
        return None
    if sigma is None:
        raise ValueError(
            "Argument `noise` must give the standard deviation, as gaussian:0.01, but "
            "is 'gaussian'."
        )
    return Gaussian(sigma)


def load_matrix(path: str | Path) -> np.ndarray:
    """A matrix from .npy, .npz (one array, or one named `hamiltonian`) or CSV.

    Args:
        path: file; complex CSV entries read as `1.5-0.2j`.

    Returns:
        Array of rank 2.

    Raises:
        ValueError: unreadable, truncated or pickled file, or another rank.
    """
    return _load(path, "hamiltonian", 2)


def load_state(path: str | Path) -> np.ndarray:
    """A state from .npy, .npz (one array, or one named `psi0`) or CSV.

    Args:
        path: file.

    Returns:
        Array of rank 1.

    Raises:
        ValueError: unreadable, truncated or pickled file, or another rank.
    """
    return _load(path, "psi0", 1)


def _load(path: str | Path, name: str, rank: int) -> np.ndarray:
    path = existing(path)
    if path.suffix not in ARRAYS:
        raise ValueError(kinds_error(name, ARRAYS, path))
    if path.suffix == ".csv":
        array = complex_csv(path)
    elif path.suffix == ".npz":
        array = _member(path, name)
    else:
        array = npy_array(path)
    if array.dtype.kind not in "biufc":
        raise ValueError(
            f"Argument `{name}` must hold numbers, but {path.name} holds {array.dtype}."
        )
    check_size(path, name, array)
    array = array.reshape(-1) if rank == 1 and array.size in array.shape else array
    if array.ndim != rank:
        raise ValueError(
            f"Argument `{name}` must have {rank} axes, but {path.name} has shape "
            f"{array.shape}."
        )
    return array


def _member(path: Path, name: str) -> np.ndarray:
    """The array of this name, or the only one."""
    names = npz_names(path)
    if name not in names and len(names) != 1:
        raise ValueError(
            f"Argument `path` must hold an array `{name}`, but {path.name} has "
            f"{', '.join(names) or 'none'}."
        )
    key = name if name in names else names[0]
    return npz_arrays(path, [key])[key]


def _read_npz(path: Path) -> tuple[np.ndarray, np.ndarray, str]:
    arrays = arrays_in(path)
    kinds = [kind for kind in ("p", "n") if kind in arrays]
    if "t" not in arrays or len(kinds) != 1:
        raise ValueError(
            f"Argument `data` must hold arrays `t` and `p` or `n`, but {path.name} "
            f"has {', '.join(arrays) or 'none'}."
        )
    return real(path, arrays, "t"), real(path, arrays, kinds[0]), kinds[0]


def _read_dataset(path: Path) -> tuple[np.ndarray, np.ndarray, str]:
    arrays = arrays_in(path)
    kinds = {"populations": "p", "counts": "n"}
    found = [name for name in kinds if name in arrays]
    if "t" not in arrays or len(found) != 1:
        raise ValueError(
            "Argument `data` must have a coordinate `t` and a variable "
            f"`populations` or `counts`, but {path.name} has {sorted(arrays)}."
        )
    (name,) = found
    return real(path, arrays, "t"), real(path, arrays, name), kinds[name]


def _read_csv(path: Path) -> tuple[np.ndarray, np.ndarray, str]:
    header, table = csv_table(path)
    kind, columns = _columns(path.name, header)
    return table[:, header.index("t")], table[:, columns], kind


def record_of_table(table: Any) -> Data:
    """The record in a pandas DataFrame with the columns of a CSV file.

    Args:
        table: columns `t` (or an index of that name) and p0, p1, .. or n0, n1, ..

    Raises:
        ValueError: other columns, entries that are no finite numbers.
    """
    if "t" not in table.columns and table.index.name == "t":
        table = table.reset_index()
    header = [str(column) for column in table.columns]
    if len(set(header)) < len(header):
        raise ValueError(
            "Argument `data` must have each column once, but the DataFrame has "
            f"{','.join(header)}."
        )
    kind, columns = _columns("the DataFrame", header)
    try:
        numbers = table.to_numpy(dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            "Argument `data` must hold numbers, but the DataFrame has the types "
            f"{', '.join(map(str, table.dtypes))}."
        ) from None
    values = numbers[:, columns]
    noise = Multinomial() if kind == "n" else None
    if kind == "p" and values.size:
        check_populations(values, "data")
    return Data(numbers[:, header.index("t")], values, noise)


def _columns(name: str, header: list[str]) -> tuple[str, list[int]]:
    """The kind of record and where its columns stand, in order."""
    others = [one for one in header if one != "t"]
    kinds = {one[:1] for one in others}
    expected = "`t,p0,p1,..` or `t,n0,n1,..`"
    if "t" not in header or not others:
        raise ValueError(
            f"Argument `data` must have columns {expected}, but {name} lacks "
            f"{'`t`' if 't' not in header else 'all but `t`'}: {','.join(header)}."
        )
    for kind in ("p", "n"):
        wanted = [f"{kind}{i}" for i in range(len(others))]
        if kinds == {kind} and sorted(others) == sorted(wanted):
            return kind, [header.index(one) for one in wanted]
    odd = [one for one in others if not (one[:1] in "pn" and one[1:].isdigit())]
    complaint = (
        f"has unknown `{odd[0]}`"
        if odd
        else f"has {','.join(others)}, which is not a full numbering from 0"
    )
    raise ValueError(
        f"Argument `data` must have columns {expected}, but {name} {complaint}."
    )

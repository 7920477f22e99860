"""Reading records, matrices and states from files. Nothing is unpickled."""

from pathlib import Path

import numpy as np

from .data import Data, Gaussian, Multinomial, Noise, check_populations
from .ensemble_noise import EnsembleNoise
from .reading import (
    broken,
    check_numbers,
    complex_csv,
    csv_table,
    entry,
    existing,
    kinds_error,
    member,
    numpy_file,
)

TABLES = (".csv", ".npz", ".zarr", ".nc")
ARRAYS = (".npy", ".npz", ".csv")


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
    else:
        array = numpy_file(path)
        if not isinstance(array, np.ndarray):
            array = member(path, array, name)
    if array.dtype.kind not in "biufc":
        raise ValueError(
            f"Argument `{name}` must hold numbers, but {path.name} holds {array.dtype}."
        )
    array = array.reshape(-1) if rank == 1 and array.size in array.shape else array
    if array.ndim != rank:
        raise ValueError(
            f"Argument `{name}` must have {rank} axes, but {path.name} has shape "
            f"{array.shape}."
        )
    return array


def _read_npz(path: Path) -> tuple[np.ndarray, np.ndarray, str]:
    archive = numpy_file(path)
    if isinstance(archive, np.ndarray):
        raise ValueError(broken(path, ValueError("not an archive")))
    with archive:
        kinds = [kind for kind in ("p", "n") if kind in archive.files]
        if "t" not in archive.files or len(kinds) != 1:
            raise ValueError(
                f"Argument `data` must hold arrays `t` and `p` or `n`, but {path.name} "
                f"has {', '.join(archive.files)}."
            )
        ts, values = (entry(path, archive, key) for key in ("t", kinds[0]))
    return np.asarray(ts, float), np.asarray(values, float), kinds[0]


def _read_dataset(path: Path) -> tuple[np.ndarray, np.ndarray, str]:
    import xarray as xr

    try:
        with xr.open_dataset(path) as dataset:
            kinds = {"populations": "p", "counts": "n"}
            found = [name for name in kinds if name in dataset.data_vars]
            if "t" not in dataset.coords or len(found) != 1:
                raise ValueError(
                    "Argument `data` must have a coordinate `t` and a variable "
                    f"`populations` or `counts`, but {path.name} has "
                    f"{sorted(map(str, dataset.variables))}."
                )
            values = dataset[found[0]].transpose("t", ...)
            return (
                np.asarray(dataset["t"], float),
                np.asarray(values, float),
                kinds[found[0]],
            )
    except ValueError as error:
        if str(error).startswith("Argument"):
            raise
        raise ValueError(broken(path, error)) from None
    except (OSError, KeyError) as error:
        raise ValueError(broken(path, error)) from None


def _read_csv(path: Path) -> tuple[np.ndarray, np.ndarray, str]:
    header, table = csv_table(path)
    kind, columns = _columns(path, header)
    return table[:, header.index("t")], table[:, columns], kind


def _columns(path: Path, header: list[str]) -> tuple[str, list[int]]:
    """The kind of record and where its columns stand, in order."""
    others = [name for name in header if name != "t"]
    kinds = {name[:1] for name in others}
    expected = "`t,p0,p1,..` or `t,n0,n1,..`"
    if "t" not in header or not others:
        raise ValueError(
            f"Argument `data` must have columns {expected}, but {path.name} lacks "
            f"{'`t`' if 't' not in header else 'all but `t`'}: {','.join(header)}."
        )
    for kind in ("p", "n"):
        wanted = [f"{kind}{i}" for i in range(len(others))]
        if kinds == {kind} and sorted(others) == sorted(wanted):
            return kind, [header.index(name) for name in wanted]
    odd = [name for name in others if not (name[:1] in "pn" and name[1:].isdigit())]
    complaint = (
        f"has unknown `{odd[0]}`"
        if odd
        else f"has {','.join(others)}, which is not a full numbering from 0"
    )
    raise ValueError(
        f"Argument `data` must have columns {expected}, but {path.name} {complaint}."
    )

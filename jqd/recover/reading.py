"""Reading single files safely: nothing is unpickled, every fault is one sentence."""

import csv
from pathlib import Path
from typing import Any

import numpy as np


def existing(path: str | Path) -> Path:
    path = Path(path)
    if not path.exists():
        raise ValueError(f"Argument `path` must be a file, but {path} does not exist.")
    if path.is_file() and path.stat().st_size == 0:
        raise ValueError(f"Argument `path` must hold data, but {path} is empty.")
    return path


def kinds_error(name: str, kinds: tuple[str, ...], path: Path) -> str:
    return (
        f"Argument `{name}` must be a file ending in {', '.join(kinds)}, but is {path}."
    )


def numpy_file(path: Path) -> Any:
    """np.load without pickle, with one clear error."""
    with path.open("rb") as file:
        head = file.read(6)
    if not head.startswith((b"\x93NUMPY", b"PK")):
        raise ValueError(
            f"Argument `path` must be a NumPy file, but {path.name} is not one "
            "(a pickle is refused)."
        )
    try:
        return np.load(path, allow_pickle=False)
    except ValueError as error:
        if "pickle" in str(error).lower() or "object" in str(error).lower():
            raise ValueError(
                f"Argument `path` must hold plain numbers, but {path.name} holds "
                "pickled objects, which are never unpickled."
            ) from None
        raise ValueError(broken(path, error)) from None
    except (OSError, EOFError, KeyError) as error:
        raise ValueError(broken(path, error)) from None


def broken(path: Path, error: Exception) -> str:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return (
        f"Argument `path` must be a whole file, but {path.name} is broken or "
        f"truncated: {reason.rstrip('.')}."
    )


def member(path: Path, archive: Any, name: str) -> np.ndarray:
    with archive:
        if name not in archive.files and len(archive.files) != 1:
            raise ValueError(
                f"Argument `path` must hold an array `{name}`, but {path.name} has "
                f"{', '.join(archive.files)}."
            )
        key = name if name in archive.files else archive.files[0]
        return entry(path, archive, key)


def entry(path: Path, archive: Any, key: str) -> np.ndarray:
    """One array of an .npz, with the errors of `_numpy_file`."""
    import zipfile
    import zlib

    try:
        return archive[key]
    except ValueError as error:
        if "pickle" in str(error).lower() or "object" in str(error).lower():
            raise ValueError(
                f"Argument `path` must hold plain numbers, but `{key}` in {path.name} "
                "is a pickled object, which is never unpickled."
            ) from None
        raise ValueError(broken(path, error)) from None
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(broken(path, error)) from None


def complex_csv(path: Path) -> np.ndarray:
    try:
        array = np.loadtxt(path, delimiter=",", dtype=complex, ndmin=2)
    except (ValueError, UnicodeDecodeError) as error:
        raise ValueError(broken(path, error)) from None
    return np.real(array) if not np.imag(array).any() else array


def csv_table(path: Path) -> tuple[list[str], np.ndarray]:
    """The header of a CSV file and the numbers below it; lines with # are skipped."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            rows = [
                (reader.line_num, [cell.strip() for cell in row])
                for row in reader
                if row and not row[0].lstrip().startswith("#")
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(broken(path, error)) from None
    if len(rows) < 2:
        raise ValueError(
            f"Argument `data` must have a header and rows, but {path.name} has "
            f"{len(rows)} lines."
        )
    (_, header), *body = rows
    if len(set(header)) < len(header):
        raise ValueError(
            f"Argument `data` must have each column once, but {path.name} has "
            f"{','.join(header)}."
        )
    for line, row in body:
        if len(row) != len(header):
            raise ValueError(
                f"Argument `data` must have {len(header)} columns, but line {line} of "
                f"{path.name} has {len(row)}."
            )
        bad = [cell for cell in row if not is_number(cell)]
        if bad:
            raise ValueError(
                f"Argument `data` must hold numbers, but line {line} of {path.name} "
                f"has {bad[0]!r}."
            )
    return header, np.array([row for _, row in body], float)


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def check_numbers(path: Path, ts: np.ndarray, values: np.ndarray) -> None:
    if values.ndim != 2 or ts.ndim != 1 or len(ts) != len(values):
        raise ValueError(
            f"Argument `data` must have one row of values a time, but {path.name} has "
            f"shapes {ts.shape} and {values.shape}."
        )
    for name, array in (("t", ts), ("values", values)):
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            raise ValueError(
                f"Argument `data` must be finite, but `{name}` in {path.name} is "
                f"{array[tuple(bad[0])]} in row {bad[0][0]}."
            )


ARCHIVES = (".npz", ".zarr", ".nc")


def arrays_in(path: str | Path) -> dict[str, np.ndarray]:
    """All arrays of an .npz, Zarr or netCDF file by name; numbers, all finite.

    Raises:
        ValueError: another kind of file, a broken one, values that are not finite.
    """
    path = existing(path)
    if path.suffix not in ARCHIVES:
        raise ValueError(kinds_error("data", ARCHIVES, path))
    arrays = _npz(path) if path.suffix == ".npz" else _dataset(path)
    for name, array in arrays.items():
        if array.dtype.kind not in "iufcb":
            continue
        if not np.all(np.isfinite(array)):
            raise ValueError(
                f"Argument `data` must be finite, but `{name}` in {path.name} is not."
            )
    return arrays


def _npz(path: Path) -> dict[str, np.ndarray]:
    archive = numpy_file(path)
    if isinstance(archive, np.ndarray):
        raise ValueError(broken(path, ValueError("not an archive")))
    with archive:
        return {name: entry(path, archive, name) for name in archive.files}


def _dataset(path: Path) -> dict[str, np.ndarray]:
    import xarray as xr

    try:
        # stores with and without consolidated metadata
        zarr: dict[str, Any] = {"engine": "zarr", "consolidated": False}
        with xr.open_dataset(
            path, **(zarr if path.suffix == ".zarr" else {})
        ) as dataset:
            arrays = {
                str(name): np.asarray(dataset[name]) for name in dataset.variables
            }
            arrays |= {
                str(name): np.asarray(value)
                for name, value in dataset.attrs.items()
                if isinstance(value, int | float)
            }
            return arrays
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(broken(path, error)) from None

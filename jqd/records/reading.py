"""Reading single files safely: nothing is unpickled, every fault is one sentence."""

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from .. import _checks
from .archives import broken, dataset_arrays, npz_arrays

# The scatter of fourth moments takes eighth powers.
LARGEST = 1e30


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
    table = np.array([row for _, row in body], float)
    for k, name in enumerate(header):
        check_size(path, name, table[:, k])
    return header, table


def check_size(path: Path, name: str, array: np.ndarray) -> None:
    """Raise where a number is so large that its powers overflow."""
    if array.size and LARGEST < np.max(np.abs(array)) < np.inf:
        raise ValueError(
            f"Argument `data` must hold numbers up to {LARGEST:g}, but `{name}` in "
            f"{path.name} goes to {np.max(np.abs(array)):g}."
        )


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
    if not values.size:
        raise ValueError(f"Argument `data` must hold values, but {path.name} has none.")
    for name, array in (("t", ts), ("values", values)):
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            raise ValueError(
                f"Argument `data` must be finite, but `{name}` in {path.name} is "
                f"{array[tuple(bad[0])]} in row {bad[0][0]}."
            )


ARCHIVES = (".npz", ".zarr", ".nc")


def arrays_in(path: str | Path) -> dict[str, np.ndarray]:
    """All arrays of numbers in an .npz, Zarr or netCDF file by name, all finite.

    Raises:
        ValueError: another kind of file, a broken one, values that are not finite.
    """
    path = existing(path)
    if path.suffix not in ARCHIVES:
        raise ValueError(kinds_error("data", ARCHIVES, path))
    arrays = npz_arrays(path) if path.suffix == ".npz" else dataset_arrays(path)
    numbers = {k: v for k, v in arrays.items() if v.dtype.kind in "biufc"}
    for name, array in numbers.items():
        if not np.all(np.isfinite(array)):
            raise ValueError(
                f"Argument `data` must be finite, but `{name}` in {path.name} is not."
            )
        check_size(path, name, array)
    return numbers


@contextmanager
def naming(path: str | Path | None, argument: str = "") -> Iterator[None]:
    """Let a complaint about what a file holds name the file.

    Args:
        path: the file, or None for values that came from none.
        argument: only complaints about this argument, or about any.
    """
    try:
        yield
    except ValueError as error:
        name, message = "" if path is None else Path(path).name, str(error)
        about = f"Argument `{argument}`" if argument else "Argument `"
        if not name or name in message or not message.startswith(about):
            raise
        named = f"{message.rstrip('.')} (in {name})."
        raise type(error)(named).with_traceback(error.__traceback__) from None


def real(path: Path, arrays: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """An array as floats; the imaginary part of a complex one is not dropped.

    Raises:
        ValueError: a complex array.
    """
    if np.iscomplexobj(arrays[name]):
        raise ValueError(
            f"Argument `data` must hold real `{name}`, but in {path.name} it is "
            f"{arrays[name].dtype}."
        )
    return arrays[name].astype(float)


def scalar(
    path: Path,
    arrays: Mapping[str, np.ndarray],
    name: str,
    default: float,
    *,
    positive: bool = False,
) -> float:
    """A real number of a file, or what it is where the file has none.

    Raises:
        ValueError: an array, a complex number, or one that must be positive and is not.
    """
    if name not in arrays:
        return default
    if arrays[name].size != 1:
        raise ValueError(
            f"Argument `data` must hold one number as `{name}`, but {path.name} has "
            f"shape {arrays[name].shape}."
        )
    value = real(path, arrays, name).item()
    if positive and value <= 0:
        raise ValueError(
            f"Argument `{name}` must be positive, but in {path.name} it is {value:g}."
        )
    return value


def times(path: Path, arrays: Mapping[str, np.ndarray]) -> tuple[np.ndarray, float]:
    """`t`, strictly increasing, and `t0` (0 unless given), no later than the first.

    Raises:
        ValueError: they are not.
    """
    ts, t0 = np.atleast_1d(real(path, arrays, "t")), scalar(path, arrays, "t0", 0.0)
    with naming(path):
        _checks.check_times(ts, "t")
    if t0 > ts[0]:
        raise ValueError(
            f"Argument `data` must hold times from `t0` on, but {path.name} has t0 = "
            f"{t0:g} and t[0] = {ts[0]:g}."
        )
    return ts, t0

"""Reading tables and archives safely: nothing is unpickled, every fault is one line."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np

from .archives import dataset_arrays, npz_arrays
from .file import File
from .formats import KINDS


def existing(path: str | Path, kind: str) -> File:
    """The file, not read yet: there, not empty, and ending as files of this kind do.

    Args:
        path: the file.
        kind: one of `formats.KINDS`.

    Raises:
        ValueError: no such file, an empty one, another ending.
    """
    of, path = KINDS[kind], Path(path)
    argument = f"Argument `{of.argument}` must"
    if not path.exists():
        raise ValueError(f"{argument} be a file, but {path} does not exist.")
    if path.suffix not in of.suffixes:
        endings = ", ".join(of.suffixes)
        raise ValueError(f"{argument} be a file ending in {endings}, but is {path}.")
    if path.is_file() and path.stat().st_size == 0:
        raise ValueError(f"{argument} hold data, but {path} is empty.")
    return File(path, of.argument)


def read(path: str | Path, kind: str) -> File:
    """All columns of a table, or arrays of numbers of an archive; all finite.

    Args:
        path: .csv with a header, of which lines with # are skipped; .npz, Zarr, netCDF.
        kind: one of `formats.KINDS`.

    Raises:
        ValueError: another kind of file, a broken one, values that are not finite.
    """
    file = existing(path, kind)
    if file.path.suffix == ".csv":
        arrays = _columns(file)
    elif file.path.suffix == ".npz":
        arrays = npz_arrays(file)
    else:
        arrays = dataset_arrays(file)
    numbers = {k: v for k, v in arrays.items() if v.dtype.kind in "biufc"}
    file = replace(file, arrays=numbers)
    file.check_finite()
    return file


def _columns(file: File) -> dict[str, np.ndarray]:
    try:
        with file.path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.reader(handle)
            rows = [
                (reader.line_num, [cell.strip() for cell in row])
                for row in reader
                if row and not row[0].lstrip().startswith("#")
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise file.broken(error) from None
    if len(rows) < 2:
        raise file.complaint("have a header and rows", f"has {len(rows)} lines")
    (_, header), *body = rows
    check_header(file, header)
    for line, row in body:
        if len(row) != len(header):
            raise ValueError(
                f"Argument `{file.argument}` must have {len(header)} columns, but line "
                f"{line} of {file.path.name} has {len(row)}."
            )
        bad = [cell for cell in row if not _is_number(cell)]
        if bad:
            raise ValueError(
                f"Argument `{file.argument}` must hold numbers, but line {line} of "
                f"{file.path.name} has {bad[0]!r}."
            )
    table = np.array([row for _, row in body], float)
    return {name: table[:, k] for k, name in enumerate(header)}


def check_header(file: File, header: list[str]) -> None:
    """Raise where a table has a column twice."""
    if len(set(header)) < len(header):
        raise file.complaint("have each column once", f"has {','.join(header)}")


def complex_csv(file: File) -> np.ndarray:
    """The numbers of a CSV file without a header, such as `1.5-0.2j`."""
    try:
        array = np.loadtxt(file.path, delimiter=",", dtype=complex, ndmin=2)
    except (ValueError, UnicodeDecodeError) as error:
        raise file.broken(error) from None
    return np.real(array) if not np.imag(array).any() else array


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True

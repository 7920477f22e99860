"""Reading counts of particles, or curves of occupations, from CSV files."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import _checks
from .reading import csv_table, existing, kinds_error, naming

_EXPECTED = "`E,nbar`, `E,nbar,sigma` or `n0,n1,..`"


class CountsRecord(NamedTuple):
    """Draws of occupation numbers.

    Attributes:
        counts: shape (R, M), a draw in each row.
    """

    counts: np.ndarray


class CurveRecord(NamedTuple):
    """Mean occupations of states by energy.

    Attributes:
        E: energies, shape (L,).
        nbar: mean occupations, shape (L,).
        sigma: their standard errors, shape (L,), or None if not given.
    """

    E: np.ndarray
    nbar: np.ndarray
    sigma: np.ndarray | None


def load_statistics(path: str | Path) -> CountsRecord | CurveRecord:
    """Counts or a curve of occupations from a CSV file with a header.

    Args:
        path: columns `n0,n1,..`, a draw in each row, or `E,nbar` with or without
            `sigma`. Lines that begin with # are skipped.

    Returns:
        The record.

    Raises:
        ValueError: unreadable file, unknown or missing columns, entries that are no
            finite numbers, counts that are no whole numbers from 0 on.
    """
    path = existing(path)
    if path.suffix != ".csv":
        raise ValueError(kinds_error("data", (".csv",), path))
    header, table = csv_table(path)
    bad = np.argwhere(~np.isfinite(table))
    if len(bad):
        raise ValueError(
            f"Argument `data` must hold finite numbers, but `{header[bad[0][1]]}` in "
            f"row {bad[0][0]} of {path.name} is {table[tuple(bad[0])]}."
        )
    if {"E", "nbar"} <= set(header) <= {"E", "nbar", "sigma"}:
        columns = {name: table[:, header.index(name)] for name in header}
        with naming(path):
            if "sigma" in columns:
                _checks.check_positive(columns["sigma"], "sigma")
            if not np.any(columns["nbar"] > 0):
                raise ValueError(
                    "Argument `nbar` must have positive entries, but has none."
                )
        return CurveRecord(columns["E"], columns["nbar"], columns.get("sigma"))
    wanted = [f"n{i}" for i in range(len(header))]
    if len(header) < 2 or sorted(header) != sorted(wanted):
        raise ValueError(
            f"Argument `data` must have columns {_EXPECTED}, but {path.name} has "
            f"{','.join(header)}."
        )
    counts = table[:, [header.index(name) for name in wanted]]
    bad = np.argwhere((counts < 0) | (counts != np.floor(counts)))
    if len(bad):
        row, column = bad[0]
        raise ValueError(
            f"Argument `data` must hold whole numbers from 0 on, but `n{column}` in "
            f"row {row} of {path.name} is {counts[row, column]:g}."
        )
    return CountsRecord(counts.astype(int))

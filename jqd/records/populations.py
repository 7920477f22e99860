"""Data of populations or counts of classes over time."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import ArrayLike

from .. import _checks
from ..instruments import EnsembleNoise, Gaussian, Multinomial, Noise
from .axes import ordered
from .file import File, naming
from .reading import format_of, read
from .record import Record
from .tables import check_header

NOISES = ("auto", "none", "gaussian", "multinomial", "ensemble")


def load_record(
    path: str | Path, noise: str = "auto", sigma: float | None = None
) -> Record:
    """Load populations or counts over time.

    Args:
        path: the file; `formats.KINDS["populations"]` lists its contents.
        noise: "auto" (multinomial for counts, none for populations), "none",
            "gaussian", "multinomial" or "ensemble" (counts of a single ensemble of
            systems that copy each other, measured repeatedly).
        sigma: standard deviation, for "gaussian".

    Raises:
        ValueError: unreadable or truncated file, columns missing or unknown, values
            that are not finite, negative or not normalised, noise that does not fit.
    """
    _checks.check_choice(noise, "noise", NOISES)
    file = read(path, "populations")
    ts, values, counted = _rows(file, file.path.suffix)
    if values.ndim != 2 or ts.ndim != 1 or len(ts) != len(values):
        raise file.complaint(
            "have one row of values a time", f"has shapes {ts.shape} and {values.shape}"
        )
    if not values.size:
        raise file.complaint("hold values", "has none")
    t0 = file.scalar("t0", float(ts[0])) if "t0" in file else None
    with naming(path):
        return Record(ts, values, _noise(file, counted, values, noise, sigma), t0)


def record_of_table(table: Any) -> Record:
    """The record in a pandas DataFrame with the columns of a CSV file.

    Args:
        table: columns `t` (or an index of that name) and p0, p1, .. or n0, n1, ..

    Raises:
        ValueError: other columns, entries that are not finite numbers.
    """
    if "t" not in table.columns and table.index.name == "t":
        table = table.reset_index()
    file, header = File(Path("the DataFrame")), [str(name) for name in table.columns]
    check_header(file, header)
    try:
        numbers = table.to_numpy(dtype=float)
    except (TypeError, ValueError):
        types = ", ".join(map(str, table.dtypes))
        raise file.complaint("hold numbers", f"has the types {types}") from None
    file = replace(file, arrays=dict(zip(header, numbers.T, strict=True)))
    ts, values, counted = _rows(file, ".csv")
    if not counted and values.size:
        check_populations(values, "data")
    return Record(ts, values, Multinomial() if counted else None)


def _rows(file: File, suffix: str) -> tuple[np.ndarray, np.ndarray, bool]:
    """Times, values by time and class, and whether these are counts."""
    form = format_of("populations", file, suffix)
    file = ordered(file, form)
    part = form.needed[1]
    if stem := part.stem:
        columns = [file.arrays[f"{stem}{i}"] for i in range(len(file.arrays) - 1)]
        values = np.stack(columns, axis=-1)
    else:
        values = file.real(part.name)
    return file.real("t"), values, form.data == "counts"


def _noise(
    file: File, counted: bool, values: np.ndarray, noise: str, sigma: float | None
) -> Noise | None:
    if noise == "auto":
        noise = "multinomial" if counted else "none"
    of_counts = noise in ("multinomial", "ensemble")
    if of_counts and not counted:
        raise ValueError(
            f"Argument `noise` must not be {noise!r} for populations, but is; "
            f"{file.path.name} has columns p0.., counts have n0.."
        )
    if counted and not of_counts:
        raise ValueError(
            "Argument `noise` must be 'multinomial' or 'ensemble' for counts, but is "
            f"{noise!r}."
        )
    if noise == "ensemble":
        return EnsembleNoise(values[0].sum())
    if counted:
        return Multinomial()
    # with known noise single values may stray below 0 and sums from 1 by some sigmas
    slack = 1e-6 if sigma is None else 6 * sigma * np.sqrt(values.shape[1])
    check_populations(values, file.path.name, slack)
    if noise != "gaussian":
        return None
    if sigma is None:
        raise ValueError(
            "Argument `noise` must give the standard deviation, as gaussian:0.01, but "
            "is 'gaussian'."
        )
    return Gaussian(sigma)


def check_populations(values: ArrayLike, name: str, tolerance: float = 1e-6) -> None:
    """Raise unless rows are probabilities.

    Args:
        values: shape (T, M).
        name: name for the message.
        tolerance: largest deviation of a row's sum from 1; files hold few digits.

    Raises:
        ValueError: a negative entry or a row that does not sum to 1.
    """
    rows = np.asarray(values)
    if rows.min() < -tolerance:
        row, column = np.unravel_index(rows.argmin(), rows.shape)
        raise ValueError(
            f"Argument `{name}` must not hold negative populations, but row {row} has "
            f"{rows.min():.3g} in column {column}."
        )
    excess = np.abs(rows.sum(axis=-1) - 1)
    if excess.max() > tolerance:
        row = int(excess.argmax())
        raise ValueError(
            f"Argument `{name}` must hold populations that sum to 1, but row {row} "
            f"sums to {rows[row].sum():.8g}."
        )

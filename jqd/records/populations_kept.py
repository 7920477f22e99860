"""Populations that a file holds: what they are in words, their sums and errors."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import ArrayLike

from ..instruments import EnsembleNoise, Gaussian, Multinomial, Noise, NoNoise
from .clusters import Clusters
from .contents import Contents
from .file import File
from .formats import CSV, NPZ
from .record import Record
from .scan import Scan


def held(record: Record, path: Path) -> tuple[str, dict[str, Any]]:
    """Counts where the noise is that of counts. Errors of `Gaussian` go with the
    values; `EnsembleNoise` is asked of `load_record` again, by noise="ensemble".

    Raises:
        ValueError: a record for a .csv that does not begin at its t0 (a table cannot
            hold t0) or has several errors in a row, clusters of shots for another file,
            a scan, noise that no file holds, such as `DirichletMultinomial`.
    """
    table, clusters = path.suffix in CSV, isinstance(record, Clusters)
    if isinstance(record, Scan):
        raise ValueError(
            "Argument `record` must have rows over time, but is a Scan; write a table "
            "with a column for each of its settings."
        )
    if not record.from_start and table:
        raise ValueError(
            "Argument `record` must have its t0 as first time, which is all that a "
            ".csv can say of it, but has another; write a .npz, .zarr or .nc."
        )
    if clusters and not table:
        raise ValueError(
            "Argument `path` must be a .csv for clusters of shots, which a table alone "
            f"can number, but is {path}."
        )
    _check_held(record.noise)
    data, stem, values = _seen(record)
    if data == "counts":
        values = values.astype(int)
    found: dict[str, Any] = {"t": record.ts}
    if table:
        found |= {f"{stem}{i}": column for i, column in enumerate(values.T)}
    else:
        found[stem if path.suffix in NPZ else data] = values
        if not record.from_start:
            found["t0"] = record.t0
    if clusters:
        found["cluster"] = np.arange(len(values))
    if isinstance(record.noise, Gaussian):
        found["sigma"] = _sigma(record.noise, values, table=table)
    return data, found


def _seen(record: Record) -> tuple[str, str, np.ndarray]:
    """The name of the data, the letter of their columns, and the values."""
    counted = isinstance(record.noise, Multinomial | EnsembleNoise)
    data, stem = ("counts", "n") if counted else ("populations", "p")
    return data, stem, np.asarray(record.values)


def _check_held(noise: Noise) -> None:
    """Raise ValueError for noise that would be lost: a file holds values, errors of
    each, and counts."""
    kept = NoNoise, Gaussian, Multinomial, EnsembleNoise
    if type(noise) in kept:
        return
    as_counts = isinstance(noise, Multinomial)
    raise ValueError(
        "Argument `record` must have noise that a file holds, "
        f"{', '.join(one.__name__ for one in kept)}, but has a {type(noise).__name__}, "
        "which would be lost; write a record of the same values with "
        f"{'Multinomial' if as_counts else 'Gaussian'}, and give this noise to the "
        "record that is read."
    )


def _sigma(noise: Gaussian, values: np.ndarray, *, table: bool) -> np.ndarray:
    """Errors of values; of a table, one for each time."""
    sigma = np.asarray(noise.sigma)
    each = np.broadcast_to(sigma, values.shape)
    if not table:
        return sigma if sigma.ndim == 0 else each
    if np.any(each != each[:, :1]):
        raise ValueError(
            "Argument `record` must have one error for each time, which is all that a "
            ".csv can say of them, but has several; write a .npz, .zarr or .nc."
        )
    return each[:, 0]


def show(record: Record) -> Contents:
    """The columns of the classes; those of a scan over the numbers of the rows, since
    their times may be equal."""
    data, stem, values = _seen(record)
    sigma = None
    if isinstance(record.noise, Gaussian):
        sigma = np.broadcast_to(np.asarray(record.noise.sigma), values.shape)
    elif isinstance(record.noise, Multinomial):
        sigma = np.sqrt(values * (1 - values / values.sum(axis=-1, keepdims=True)))
    scan = isinstance(record, Scan)
    columns = {f"{stem}{k}": column for k, column in enumerate(values.T)}
    lines = {"classes": str(len(columns)), **record.lines()}
    if empty := [name for name, column in columns.items() if not column.any()]:
        lines[f"empty {'in all rows' if scan else 'at all times'}"] = ", ".join(empty)
    if scan:
        along = "row", np.arange(len(record.ts))
        return Contents(f"{data} in rows of settings", lines, along, columns, sigma)
    return Contents(data, lines, ("t", np.asarray(record.ts)), columns, sigma)


NOISES = ("auto", "none", "gaussian", "multinomial", "ensemble")


def errors_of(file: File, sigma: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Errors of a file: one, or shaped as one for each row or each value."""
    if sigma.size == 1:
        sigma = sigma.reshape(())
    elif sigma.shape == values.shape[:1]:
        sigma = sigma[:, None]
    elif sigma.shape != values.shape:
        raise file.complaint(
            "hold `sigma` as one number, one for each time or one for each value",
            f"has shape {sigma.shape} for values of shape {values.shape}",
        )
    if not (sigma > 0).all():
        raise file.complaint("hold a positive `sigma`", f"has {sigma.min():g}")
    return sigma


def _slack(sigma: np.ndarray | None, values: np.ndarray) -> float:
    """How far a row's sum may be from 1.

    With known errors single values may stray below 0 and sums from 1 by some of them;
    without, files hold six digits.
    """
    if sigma is None:
        return 1e-6
    return 6 * float(np.max(sigma)) * math.sqrt(values.shape[1])


def noise_of(
    name: str,
    counted: bool,
    values: np.ndarray,
    noise: str,
    sigma: np.ndarray | None,
) -> Noise | None:
    """The noise of values, by its name; None for that which is not known.

    Args:
        name: of the file.
        sigma: errors of populations.
    """
    if noise == "auto" and counted:
        noise = "multinomial"
    elif noise == "auto":
        noise = "none" if sigma is None else "gaussian"
    of_counts = noise in ("multinomial", "ensemble")
    if of_counts and not counted:
        raise ValueError(
            f"Argument `noise` must not be {noise!r} for populations, but is; "
            f"{name} has columns p0.., counts have n0.."
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
    check_populations(values, _slack(sigma, values))
    if noise != "gaussian":
        return None
    if sigma is None:
        raise ValueError(
            "Argument `noise` must give the standard deviation, as gaussian:0.01, for "
            f"a file without `sigma` such as {name}, but is 'gaussian'."
        )
    return Gaussian(sigma)


def check_populations(values: ArrayLike, tolerance: float = 1e-6) -> None:
    """Raise unless rows are probabilities.

    Args:
        values: shape (T, M).
        tolerance: largest deviation of a row's sum from 1; files hold few digits.
    """
    rows = np.asarray(values)
    if rows.min() < -tolerance:
        row, column = np.unravel_index(rows.argmin(), rows.shape)
        raise ValueError(
            f"Argument `data` must not hold negative populations, but row {row} has "
            f"{rows.min():.3g} in column {column}."
        )
    excess = np.abs(rows.sum(axis=-1) - 1)
    if excess.max() > tolerance:
        row = int(excess.argmax())
        raise ValueError(
            f"Argument `data` must hold populations that sum to 1, but row {row} "
            f"sums to {rows[row].sum():.8g}."
        )

"""What a file holds of populations or counts over time, and what they are in words."""

from pathlib import Path
from typing import Any

import numpy as np

from ..instruments import EnsembleNoise, Gaussian, Multinomial, Noise, NoNoise
from .clusters import Clusters
from .contents import Contents
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

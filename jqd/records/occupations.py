"""Numbers of particles or photons, and curves of their means: tables without time."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import _checks
from .file import naming
from .reading import format_of, read

# Tables are read as floats, which tell whole numbers apart up to here.
_MOST = 2.0**53


class CountsRecord(NamedTuple):
    """Draws of occupation numbers.

    Attributes:
        counts: shape (R, M), each row a draw.
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


class PhotonCounts(NamedTuple):
    """Photons counted in modes.

    Attributes:
        omega: frequency of the mode of each count, shape (S,).
        n: counts, shape (S,).
        n_max: largest number that the mode of each count can hold, shape (S,) or (),
            or None for no cut-off.
    """

    omega: np.ndarray
    n: np.ndarray
    n_max: np.ndarray | None = None


class PhotonCurve(NamedTuple):
    """Mean occupations over frequency.

    Attributes:
        omega: frequencies, shape (L,).
        nbar: mean occupations, shape (L,).
        sigma: their standard errors, shape (L,), or None if not known.
    """

    omega: np.ndarray
    nbar: np.ndarray
    sigma: np.ndarray | None


def load_statistics(path: str | Path) -> CountsRecord | CurveRecord:
    """Load counts or a curve of occupations from a CSV file with a header.

    Args:
        path: the file; `formats.KINDS["statistics"]` lists its columns.

    Raises:
        ValueError: unreadable file, unknown or missing columns, entries that are not
            finite numbers, counts that are not integers from 0 to 2**53.
    """
    file = read(path, "statistics")
    format_of("statistics", file, ".csv")
    if "nbar" in file:
        with naming(path):
            if "sigma" in file:
                _checks.check_positive(file["sigma"], "sigma")
            if not np.any(file["nbar"] > 0):
                raise ValueError(
                    "Argument `nbar` must have positive entries, but has none."
                )
        return CurveRecord(file["E"], file["nbar"], file.arrays.get("sigma"))
    size = len(file.arrays)
    if size < 2:
        raise file.complaint("hold at least two states", "holds `n0` alone")
    counts = np.stack([file[f"n{i}"] for i in range(size)], axis=-1)
    good = (counts >= 0) & (counts == np.floor(counts)) & (counts <= _MOST)
    bad = np.argwhere(~good)
    if len(bad):
        row, column = bad[0]
        raise ValueError(
            f"Argument `data` must hold whole numbers from 0 to 2**53, but `n{column}` "
            f"in row {row} of {file.path.name} is {counts[row, column]:g}."
        )
    return CountsRecord(counts.astype(int))


def load_photons(path: str | Path) -> PhotonCounts | PhotonCurve:
    """Load photon counts or a curve of occupations from a CSV file with a header.

    Args:
        path: the file; `formats.KINDS["light"]` lists its columns.

    Raises:
        ValueError: unreadable file, other columns, numbers that are not finite.
    """
    file = read(path, "light")
    format_of("light", file, ".csv")
    if "n" in file:
        return PhotonCounts(file["omega"], file["n"], file.arrays.get("n_max"))
    return PhotonCurve(file["omega"], file["nbar"], file.arrays.get("sigma"))

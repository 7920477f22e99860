"""Numbers of particles or photons, and curves of their means: tables without time."""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np

from .. import _checks
from .contents import Contents, errors_in_file
from .file import naming
from .formats import CSV, Format, Kind
from .parts import described
from .reading import opened
from .record import between

# Tables are read as floats, which tell whole numbers apart up to here.
_MOST = 2.0**53
_SIGMA = "its standard error; else it is estimated"


class CountsRecord(NamedTuple):
    """Draws of occupation numbers.

    Attributes:
        counts: shape (R, M), each row a draw.
    """

    counts: np.ndarray


@described
class CurveRecord(NamedTuple):
    """Mean occupations of states by energy, (L,) each."""

    E: Annotated[np.ndarray, "energy"]
    nbar: Annotated[np.ndarray, "mean occupation of a state there"]
    sigma: Annotated[np.ndarray | None, _SIGMA, _checks.check_positive] = None
    background: Annotated[
        np.ndarray | None, "shape of a background, whose size is fitted; else none"
    ] = None


@described
class PhotonCounts(NamedTuple):
    """Photons counted in modes, (S,) each."""

    omega: Annotated[np.ndarray, "frequency of the mode, ħ = 1", _checks.check_positive]
    n: Annotated[np.ndarray, "whole numbers: photons counted", _checks.check_whole]
    n_max: Annotated[
        np.ndarray | None, "largest number that the mode can hold; else any"
    ] = None


@described
class PhotonCurve(NamedTuple):
    """Mean occupations over frequency, (L,) each."""

    omega: Annotated[np.ndarray, "frequency, ħ = 1", _checks.check_positive]
    nbar: Annotated[np.ndarray, "mean occupation"]
    sigma: Annotated[np.ndarray | None, _SIGMA] = None


def load_statistics(path: str | Path) -> CountsRecord | CurveRecord:
    """Load counts or a curve of occupations from a CSV file with a header.

    Args:
        path: the file; docs/files.md lists its columns.

    Raises:
        ValueError: unreadable file, unknown or missing columns, entries that are not
            finite numbers, counts that are not integers from 0 to 2**53.
    """
    file, form = opened(path, STATISTICS)
    if form.record is CurveRecord:
        curve = form.made(file)
        with naming(path):
            if not np.any(curve.nbar > 0):
                raise ValueError(
                    "Argument `nbar` must have positive entries, but has none."
                )
        return curve
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
        path: the file; docs/files.md lists its columns.

    Raises:
        ValueError: unreadable file, other columns, numbers that are not finite.
    """
    file, form = opened(path, LIGHT)
    return form.made(file)


def _show_statistics(record: CountsRecord | CurveRecord) -> Contents:
    if isinstance(record, CurveRecord):
        return _show_curve(_CURVE.data, "E", record.E, record)
    draws, states = record.counts.shape
    lines = {
        "draws": str(draws),
        "states": str(states),
        "particles": f"{between(record.counts.sum(axis=1))} in each draw",
    }
    # numbers that occur: of all up to the largest there may be too many to hold
    n, times = np.unique(record.counts, return_counts=True)
    along, share = ("particles in a state", n), times / record.counts.size
    return Contents(_DRAWS.data, lines, along, {"share of states": share})


def _show_light(record: PhotonCounts | PhotonCurve) -> Contents:
    if isinstance(record, PhotonCurve):
        return _show_curve(_SPECTRUM.data, "omega", record.omega, record)
    most = "none" if record.n_max is None else between(record.n_max)
    lines = {
        "counts": str(len(record.n)),
        "frequencies": f"{len(np.unique(record.omega))}, {between(record.omega)}",
        "photons": between(record.n),
        "largest number": most,
    }
    return Contents(_PHOTONS.data, lines, ("omega", record.omega), {"n": record.n})


def _show_curve(
    data: str, name: str, at: np.ndarray, record: CurveRecord | PhotonCurve
) -> Contents:
    lines = {
        "rows": str(len(at)),
        name: between(at),
        "mean occupation": between(record.nbar),
        "errors": errors_in_file(record.sigma),
    }
    sigma = None if record.sigma is None else record.sigma[:, None]
    return Contents(data, lines, (name, at), {"nbar": record.nbar}, sigma)


def _statistics_in_file(record: Any, _: Path) -> tuple[str, dict[str, Any]]:
    if isinstance(record, CurveRecord):
        return _CURVE.data, _CURVE.held(record)
    return _DRAWS.data, {f"n{i}": n for i, n in enumerate(record.counts.T)}


_CURVE = Format(
    "occupations over energy", CSV, "`E,nbar,sigma` / `0,2,0.1`", CurveRecord
)
_DRAWS = Format(
    "occupation numbers", CSV, "`n0,n1` / `3,1`",
    {"n0,n1,..": "whole numbers: particles in each of M > 1 states"},
)  # fmt: skip
_PHOTONS = Format("photon counts", CSV, "`omega,n` / `1,3`", PhotonCounts)
_SPECTRUM = Format(
    "occupations over frequency", CSV, "`omega,nbar,sigma` / `1,0.6,0.1`", PhotonCurve
)
STATISTICS = Kind(
    "statistics", "data", "`--data` of `jqd recover statistics`", (_CURVE, _DRAWS),
    load_statistics, (CountsRecord, CurveRecord), _show_statistics, _statistics_in_file,
)  # fmt: skip
LIGHT = Kind(
    "light", "data", "`--data` of `jqd recover temperature`", (_PHOTONS, _SPECTRUM),
    load_photons, (PhotonCounts, PhotonCurve), _show_light,
)  # fmt: skip

"""Tables of counts: preparations by measurements, at some waits, in some runs."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import ArrayLike

from .. import _checks
from ..interop import as_array
from .contents import Contents
from .file import File, naming
from .formats import CSV, NPZ, Format, Kind
from .reading import existing, format_of, read
from .record import between
from .tables import matrix

# Units of time by the ends of the names of waits.
_UNITS = ("", "s", "ms", "us", "ns")
WAITS = tuple(f"wait_{unit}" if unit else "wait" for unit in _UNITS)


class Tables(NamedTuple):
    """Tables of counts, one for each run at each wait.

    Attributes:
        counts: how often a measurement came out as 1 after a preparation, whole
            numbers, (n, P, M); frequencies where `shots` is None.
        shots: number of shots of each cell of a table, (n,), or None.
        wait: time between preparation and measurement, of each table, (n,).
        run: number of the run, of each table, (n,).
        unit: of `wait`, such as "ns", or "".
    """

    counts: np.ndarray
    shots: np.ndarray | None
    wait: np.ndarray
    run: np.ndarray
    unit: str = ""


def load_tables(path: str | Path, shots: int | None = None) -> Tables:
    """Load tables of counts; docs/files.md lists the contents of the file.

    Args:
        path: the file: .npz, or a .csv of one table without a header, a row for each
            preparation. A .csv may hold frequencies.
        shots: number of shots of each cell, where the file does not hold it.

    Raises:
        ValueError: unreadable file, a missing part, shots given beside those of the
            file, counts that are not whole numbers up to the shots.
    """
    if shots is not None:
        shots = _checks.whole_number(shots, "shots", 1)
    file = existing(path, TABLES)
    suffix = file.path.suffix
    if suffix in CSV:
        file = File(file.path, file.argument, {"counts": matrix(file)})
        file.check_finite()
    else:
        file = read(path, TABLES)
        if shots is not None:
            if "shots" in file:
                raise ValueError(
                    f"Argument `shots` must not be given for {file.path.name}, which "
                    "has them, but is."
                )
            whole = {**file.arrays, "shots": np.asarray(shots)}
            file = File(file.path, file.argument, whole)
    format_of(TABLES, file, suffix)
    names = [name for name in WAITS if name in file]
    if len(names) > 1:
        raise file.complaint("hold one array of waits", f"has {' and '.join(names)}")
    with naming(path):
        return tables_of(
            file.real("counts"),
            file.arrays.get("shots", shots),
            wait=file.real(names[0]) if names else None,
            run=file.arrays.get("run"),
            unit=names[0].removeprefix("wait").removeprefix("_") if names else "",
        )


def tables_of(
    counts: ArrayLike,
    shots: ArrayLike | None = None,
    *,
    wait: ArrayLike | None = None,
    run: ArrayLike | None = None,
    unit: str = "",
) -> Tables:
    """Tables of arrays, checked.

    Args:
        counts: (P, M), (table, P, M) or (wait, run, P, M).
        shots: of each cell of a table: (), or with the axes before P and M.
        wait: of each table, or of each row of tables; None for 0, 1, ..
        run: of each table, or of each column of tables; None to number those of equal
            wait.
    """
    values = _real(counts, "counts")
    if values.ndim not in (2, 3, 4) or min(values.shape) < 1:
        raise ValueError(
            "Argument `counts` must be a table (preparation, measurement), or have "
            "axes (table, preparation, measurement) or (wait, run, preparation, "
            f"measurement), but its shape is {values.shape}."
        )
    if min(values.shape[-2:]) < 3:
        raise ValueError(
            "Argument `counts` must have three preparations and three measurements or "
            f"more, but its shape is {values.shape}."
        )
    before = values.shape[:-2]
    number = int(np.prod(before))
    given = None if shots is None else _real(shots, "shots")
    if given is not None:
        _checks.check_whole(given, "shots")
        _checks.check_positive(given, "shots")
        given = _spread(given, "shots", before)
        _checks.check_whole(values, "counts")
        more = np.argwhere(values > given[..., None, None])
        if len(more):
            place = tuple(more[0])
            raise ValueError(
                "Argument `shots` must be no less than any of the counts, but counts"
                f"{list(map(int, place))} is {values[place]:g} of "
                f"{given[place[:-2]]:g} shots."
            )
    elif np.any((values < 0) | (values > 1)):
        raise ValueError(
            "Argument `shots` must be given for counts: how often each cell of a table "
            "was measured. It is not, and counts are no frequencies between 0 and 1."
        )
    default = np.arange(before[0]) if before else np.asarray(0)
    waits = default if wait is None else _real(wait, "wait")
    if len(before) == 2 and waits.ndim == 1:
        waits = waits[:, None]
    waits = _spread(waits, "wait", before).reshape(number)
    if run is None:
        runs = np.array([1 + int(np.sum(waits[:i] == w)) for i, w in enumerate(waits)])
    else:
        runs = _real(run, "run")
        _checks.check_whole(runs, "run")
        runs = _spread(runs, "run", before).reshape(number).astype(int)
    if len({*zip(waits.tolist(), runs.tolist(), strict=True)}) < number:
        raise ValueError(
            "Argument `run` must differ between tables of one wait, but does not."
        )
    return Tables(
        values.reshape(number, *values.shape[-2:]),
        None if given is None else given.reshape(number),
        waits,
        runs,
        unit,
    )


def _real(x: Any, name: str) -> np.ndarray:
    """An array of finite real numbers; whole numbers stay so."""
    array = np.asarray(x if _checks.is_native(x) else as_array(x, name))
    _checks.check_reals(array, name)
    return array


def _spread(x: np.ndarray, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """`x` as one number for each table; of two axes only runs may be one alone."""
    try:
        # of as many waits as runs, one list fits both
        if name != "run" and x.ndim not in (0, len(shape)):
            raise ValueError
        return np.broadcast_to(x, shape)
    except ValueError:
        raise ValueError(
            f"Argument `{name}` must have one number for all tables, or one for each "
            f"of shape {shape}, but its shape is {x.shape}."
        ) from None


def _show(tables: Tables) -> Contents:
    number, rows, columns = tables.counts.shape
    unit = f" {tables.unit}" if tables.unit else ""
    waits = np.unique(tables.wait)
    lines = {
        "tables": f"{number} of {rows} preparations by {columns} measurements",
        "waits": f"{len(waits)}, {between(waits)}{unit}",
        "runs": f"{len(np.unique(tables.run))}, {between(tables.run)}",
    }
    shares = tables.counts.astype(float)
    if tables.shots is None:
        lines["shots"] = "none in the file: `jqd linear` infers them from frequencies"
    else:
        shares = shares / tables.shots[:, None, None]
        lines["shots"] = f"{between(tables.shots)} of each cell"
    along = f"wait,{unit}" if unit else "wait", tables.wait
    shown = {"smallest": shares.min, "mean": shares.mean, "largest": shares.max}
    return Contents(
        TABLES.formats[0].data, lines, along,
        {f"{name} share": of(axis=(1, 2)) for name, of in shown.items()},
    )  # fmt: skip


TABLES = Kind(
    "tables", "table", "`TABLE` of `jqd linear`",
    (
        Format("tables of preparations by measurements", NPZ,
               '`np.savez("n.npz", counts=n, shots=1000, wait_us=[0, 10])`',
               {"shots": "of each cell, () or [table] or [wait, run]; or --shots",
                "counts": "[preparation, measurement] or [table, preparation, "
                          "measurement] or [wait, run, preparation, measurement] "
                          "whole numbers"},
               {"|".join(WAITS):
                    "times between the two, [table] or [wait]; else 0, 1, ..",
                "run": "whole numbers, [table] or [run]; else numbered from 1"}),
        Format("one table of preparations by measurements", CSV,
               "`310,402,120` / `122,690,155` / `480,501,230`",
               {"counts": "[preparation, measurement] whole numbers of --shots, or "
                          "frequencies; a .csv has no header"}),
    ),
    load_tables, Tables, _show,
)  # fmt: skip

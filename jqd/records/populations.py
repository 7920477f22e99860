"""Files and tables of populations or counts of classes over time."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import _checks
from ..instruments import Multinomial
from .clusters import Clusters, clusters_of
from .columns import (
    NAMED_ALONE,
    OTHER_NAMES,
    check_columns,
    clustered,
    completed,
    is_setting,
    tells_classes,
    without_settings,
)
from .datasets import ordered, parts_of
from .file import File, naming
from .formats import CSV, NPZ, STORES, Format, Kind, T
from .populations_kept import NOISES, errors_of, held, noise_of, show
from .reading import existing, format_of, numbers_of, read
from .record import Record
from .scan import Scan
from .tables import check_header, header_of


def load_record(
    path: str | Path,
    noise: str = "auto",
    sigma: float | None = None,
    t0: float | None = None,
    columns: Mapping[str, str] | None = None,
    shots: int | None = None,
) -> Record:
    """Load populations or counts over time.

    Args:
        path: the file; docs/files.md lists its contents. A table may leave out one of
            two classes of shares, and one class of counts where the shots are known.
            Counts of independent shots may be in any order of time;
            those of one time are added. With a column `cluster`, only those of one time
            and cluster are; with a column `multiplicity`, a row stands for so many
            clusters of its counts. A column whose name has a dot, as "pulse[1].start"
            or "start.alpha", is a setting: each row is then a run of its own up to its
            time, in any order.
        noise: "auto" (multinomial for counts; gaussian for populations with a sigma,
            else none), "none", "gaussian", "multinomial" or "ensemble"
            (counts of a single ensemble of systems that copy each other, measured
            repeatedly).
        sigma: standard deviation, for "gaussian"; None for that of the file.
        t0: time of the state; None for that of the file, or its first time, or for 0
            where rows are runs of their own.
        columns: names of the columns of a .csv by what they hold, {"t": "time_us",
            "n1": "ones"}, out of t, n0, n1, .. or p0, p1, .., sigma, shots, cluster,
            multiplicity and names with a dot; all others are left out. None where they
            have these names.
        shots: how often each row of a .csv was measured: shares become counts. None for
            the column of this name, or where counts or errors make it needless.

    Returns:
        The record; a `Scan` where the table has settings, `Clusters` where it keeps
        clusters of shots apart.

    Raises:
        ValueError: unreadable or truncated file, columns missing or unknown, values
            that are not finite, negative or not normalised, noise or shots that do not
            fit.
    """
    _checks.check_choice(noise, "noise", NOISES)
    file = existing(path, POPULATIONS)
    table = file.path.suffix in CSV
    if columns is not None:
        check_columns(columns)
    elif table:
        _check_names(file)
    file = read(path, POPULATIONS, columns)
    settings: dict[str, np.ndarray] = {}
    cluster = None
    if table:
        file, cluster = clustered(file)
        file, settings = without_settings(file)
    file = completed(file, shots, table=table)
    return _record(
        file, file.path.suffix, settings, cluster, path=path, noise=noise, sigma=sigma,
        t0=t0, more=OTHER_NAMES if columns is None else NAMED_ALONE,
    )  # fmt: skip


def rows_of_times(
    path: str | Path, columns: Mapping[str, str] | None = None, shots: int | None = None
) -> np.ndarray:
    """How many rows a file of counts has at each of its times, (T,)."""
    table = Path(path).suffix in CSV
    file = completed(read(path, POPULATIONS, columns), shots, table=table)
    ts, *_ = _rows(file, file.path.suffix, OTHER_NAMES)
    return np.unique(ts, return_counts=True)[1]


def _check_names(file: File) -> None:
    """Raise for a table with columns of other names, before one is read that holds no
    numbers, such as a date."""
    suffix = file.path.suffix
    header = header_of(file, lambda names: bool(POPULATIONS.fitting(names, suffix)))
    names = [name for name in header if not is_setting(name)]
    if names and not tells_classes(names):
        headed = replace(file, arrays=dict.fromkeys(names, np.zeros(0)))
        format_of(POPULATIONS, headed, suffix, OTHER_NAMES)


def _by_time(
    settings: Mapping[str, np.ndarray],
    ts: np.ndarray,
    values: np.ndarray,
    errors: np.ndarray | None,
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, np.ndarray | None]:
    """Rows that are runs of their own, in the order of their times."""
    order = np.argsort(ts, kind="stable")
    sorted_ = {name: column[order] for name, column in settings.items()}
    if errors is not None and errors.ndim:
        errors = errors[order]
    return sorted_, ts[order], values[order], errors


def _check_clusters(file: File, cluster: np.ndarray | None, counted: bool) -> None:
    """Raise for clusters of what are no counts."""
    if cluster is not None and not counted:
        raise file.complaint(
            "hold counts, or shares of known `shots`, beside clusters", "holds shares"
        )


def as_data(data: Any) -> Record:
    """Data from a pair, from xarray over "t", or from a DataFrame."""
    if isinstance(data, Record):
        return data
    if hasattr(data, "data_vars"):
        return record_of_dataset(data)
    if hasattr(data, "dims") and hasattr(data, "coords"):
        if "t" not in data.coords:
            raise ValueError(
                "Argument `data` must have a coordinate `t`, but has "
                f"{sorted(map(str, data.coords))}."
            )
        return Record(
            np.asarray(data.coords["t"]), np.asarray(data.transpose("t", ...))
        )
    if hasattr(data, "columns") and hasattr(data, "to_numpy"):
        return record_of_table(data)
    if isinstance(data, tuple) and len(data) == 2:
        return Record(*data)
    raise ValueError(
        "Argument `data` must be a Record, a Scan, a pair (ts, values), a DataArray or "
        "Dataset of xarray or a DataFrame of pandas or polars, but is a "
        f"{type(data).__name__}."
    )


def record_of_table(table: Any) -> Record:
    """The record in a DataFrame of pandas or polars with the columns of a CSV file.

    Args:
        table: columns `t` (or an index of that name) and n0, n1, .. or p0, p1, ..,
            these with or without a column `sigma` of their errors, or `shots`; what a
            file may leave out, it may leave out as well. A column with a dot in its
            name is a setting, and `cluster` and `multiplicity` are as in a file.

    Returns:
        The record; a `Scan` where the table has settings, `Clusters` where it keeps
        clusters of shots apart.
    """
    index = getattr(table, "index", None)  # polars has none
    if "t" not in table.columns and getattr(index, "name", None) == "t":
        table = table.reset_index()
    file, header = File(Path("the DataFrame")), [str(name) for name in table.columns]
    check_header(file, header)
    held = np.asarray(table.to_numpy())
    if held.dtype.kind == "O":  # columns of several types, each with its own
        good = not any(isinstance(one, str) for one in held.flat)
    else:
        good = held.dtype.kind in "biuf"
    try:
        if not good:  # 0110 would be read as 110, and a complex number be cut
            raise TypeError
        numbers = held.astype(float)
    except (TypeError, ValueError):
        types = ", ".join(map(str, table.dtypes))
        raise file.complaint("hold numbers", f"has the types {types}") from None
    if not numbers.size:
        raise file.complaint("hold values", "has none")
    file = replace(file, arrays=dict(zip(header, numbers.T, strict=True)))
    file.check_finite()
    file, cluster = clustered(file)
    file, settings = without_settings(file)
    return _record(completed(file, table=True), ".csv", settings, cluster)


def record_of_dataset(dataset: Any) -> Record:
    """The record in an `xarray.Dataset` with the variables of a netCDF file.

    Args:
        dataset: `populations` or `counts` over `t` and classes; `sigma`, `t0`.
    """
    file = numbers_of(File(Path("the Dataset")), *parts_of(dataset))
    return _record(file, ".nc")


def _record(
    file: File,
    suffix: str,
    settings: Mapping[str, np.ndarray] | None = None,
    cluster: np.ndarray | None = None,
    *,
    path: str | Path | None = None,
    noise: str = "auto",
    sigma: float | None = None,
    t0: float | None = None,
    more: str = "",
) -> Record:
    """The record of what a file that ends so holds.

    Args:
        settings, cluster: of its rows.
        path: the file; None for data in memory.
        noise, sigma, t0: as for `load_record`.
        more: what to say to those whose table has other columns.
    """
    ts, values, counted, errors = _rows(file, suffix, more)
    _check_clusters(file, cluster, counted)
    if t0 is None and "t0" in file:
        t0 = file.scalar("t0", float(ts[0]))
    if sigma is not None:
        errors = np.asarray(sigma)
    elif errors is not None:
        errors = errors_of(file, errors, values)
    if settings:
        settings, ts, values, errors = _by_time(settings, ts, values, errors)
    with naming(path, called={"values": "data", "ts": "t"}):
        name = "data" if path is None else file.path.name
        model = noise_of(name, counted, values, noise, errors)
        if isinstance(model, Multinomial):
            # of each row: a sum may be one of counts alone
            model.check(values)
        if settings:
            return Scan(settings, values, model, ts=ts, t0=0.0 if t0 is None else t0)
        if cluster is not None:
            return Clusters(*clusters_of(ts, values, cluster), model, t0)
        if isinstance(model, Multinomial) and not np.all(np.diff(ts) > 0):
            # of independent shots in any order, the sums of each time say as much
            ts, values = clusters_of(ts, values, np.zeros(len(ts)))
        return Record(ts, values, model, t0)


def _rows(
    file: File, suffix: str, more: str = ""
) -> tuple[np.ndarray, np.ndarray, bool, np.ndarray | None]:
    """Times, values by time and class, whether these are counts, and their errors."""
    form = format_of(POPULATIONS, file, suffix, more)
    file = ordered(file, form)
    part = form.needed[1]
    if stem := part.stem:
        many = sum(map(part.numbers, file.arrays))
        columns = [file.arrays[f"{stem}{i}"] for i in range(many)]
        values = np.stack(columns, axis=-1)
    else:
        values = file.real(part.name)
    ts, counted = file.real("t"), form.data == "counts"
    if values.ndim != 2 or ts.ndim != 1 or len(ts) != len(values):
        raise file.complaint(
            "have a row of values for each time",
            f"has shapes {ts.shape} and {values.shape}",
        )
    if not values.size:
        raise file.complaint("hold values", "has none")
    errors = None if counted or "sigma" not in file else file.real("sigma")
    return ts, values, counted, errors


_SHARES, _COUNTS = "[t, class], rows of sum 1", "[t, class] whole numbers"
_FIRST = {"t0": "time of the state; else the first of `t`"}
_MORE = _FIRST | {
    "sigma": "error of the values, (), [t] or [t, class]; else none"
}  # fmt: skip
POPULATIONS = Kind(
    "populations", "data", "`--data` of `jqd recover copying`, `law`, `tower`",
    (
        Format("populations", CSV, "`t,p0,p1` / `0,0.9,0.1`",
               T | {"p0,p1,..": _SHARES},
               {"sigma": "[t] error of the values; else none"}),
        Format("counts", CSV, "`t,n0,n1` / `0,90,10`",
               T | {"n0,n1,..": _COUNTS},
               {"cluster": "[t] its number: rows of one time and cluster are "
                           "added, others are not",
                "multiplicity": "[t] how many clusters of shots had these counts; "
                                "instead of `cluster`"}),
        Format("populations", NPZ, '`np.savez("p.npz", t=ts, p=shares)`',
               T | {"p": _SHARES}, _MORE),
        Format("counts", NPZ, '`np.savez("n.npz", t=ts, n=counts)`',
               T | {"n": _COUNTS}, _FIRST),
        Format("populations", STORES,
               '`Dataset({"populations": (("t", "a"), p)}, {"t": ts})`',
               T | {"populations": _SHARES}, _MORE),
        Format("counts", STORES,
               '`Dataset({"counts": (("t", "a"), n)}, {"t": ts})`',
               T | {"counts": _COUNTS}, _FIRST),
    ),
    load_record, Record, show, held,
)  # fmt: skip

"""Tables of a laboratory: columns of other names, and the class that has none."""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from .. import _checks
from .._words import did_you_mean
from .clusters import repeated_rows
from .file import File

# of fewer digits than Python would refuse to read
_CLASS = re.compile(r"[np](?:0|[1-9]\d{0,5})")
# To those whose table has columns of other names, and those who named too few of them.
OTHER_NAMES = "; say by `columns` which is which, as t=time_us,n1=ones"
NAMED_ALONE = "; columns that are not named by `columns` are left out"
# Dotted names of constants, such as pulse[1].start; not 0.9, of a table without header.
_SETTING = re.compile(r"[^\W\d]\w*(?:\[\d+\])?(?:\.[^\W\d]\w*(?:\[\d+\])?)+")
# Shares of shots that are given in digits, times their number, are this close to whole
# numbers; those that were corrected or averaged are anywhere, and as often as not
# farther.
_WHOLE = 0.25
# Columns that keep rows of one time apart: which cluster a row is of, and how many
# clusters had the counts of the row.
OF_CLUSTERS = ("cluster", "multiplicity")


def check_columns(columns: Mapping[str, str]) -> None:
    """Raise unless each name is one of a table of populations or counts."""
    _checks.check_type(columns, "columns", Mapping, "names of columns by names")
    known = ("t", "n0", "n1", "p0", "p1", "sigma", "shots", *OF_CLUSTERS)
    for name in columns:
        text = str(name)
        if not (text in known or _CLASS.fullmatch(text) or is_setting(text)):
            raise ValueError(
                "Argument `columns` must name the columns of t, n0, n1, .. or p0, p1, "
                ".., sigma, shots, cluster, multiplicity or settings such as "
                f"pulse.start, but names that of {name!r}"
                f"{did_you_mean(name, known)}"
            )
    taken = list(columns.values())
    for column in taken:
        if taken.count(column) > 1:
            raise ValueError(
                f"Argument `columns` must name each column once, but names {column!r} "
                "twice."
            )


def tells_classes(names: Collection[str]) -> bool:
    """Whether a table has columns of populations or counts, if not of each class."""
    classes = {name for name in names if _CLASS.fullmatch(name)}
    others = {*names} - classes
    return (
        bool(classes)
        and "t" in others
        and others <= {"t", "sigma", "shots", *OF_CLUSTERS}
    )


def is_setting(name: str) -> bool:
    """Whether a name of a column is that of a constant which each row sets."""
    return _SETTING.fullmatch(name) is not None


def without_settings(file: File) -> tuple[File, dict[str, np.ndarray]]:
    """A table without columns that set constants, and these: names with dots."""
    names = [name for name in file.arrays if is_setting(name)]
    others = {name: x for name, x in file.arrays.items() if name not in names}
    return replace(file, arrays=others), {name: file.real(name) for name in names}


def clustered(file: File) -> tuple[File, np.ndarray | None]:
    """A table without its columns of clusters, and the cluster of each row.

    A row that stands for several clusters is there as often.

    Returns:
        The table, and numbers of clusters, (R,); None where rows of one time are not
        kept apart.
    """
    cluster, often = (file.real(n) if n in file else None for n in OF_CLUSTERS)
    arrays = {n: column for n, column in file.arrays.items() if n not in OF_CLUSTERS}
    if often is None:
        if cluster is not None and any(map(is_setting, arrays)):
            raise file.complaint(
                "leave out `cluster` beside settings, whose rows are never added",
                "has it",
            )
        return replace(file, arrays=arrays), cluster
    if cluster is not None:
        raise file.complaint("have a column `cluster` or `multiplicity`", "has both")
    file.require(
        bool(np.all((often >= 1) & (often == np.round(often)))),
        "whole numbers from 1 on as `multiplicity`",
    )
    rows = repeated_rows(often, len(arrays), "multiplicity")
    arrays = {name: column[rows] for name, column in arrays.items()}
    return replace(file, arrays=arrays), np.arange(len(rows))


def completed(file: File, shots: int | None = None, *, table: bool) -> File:
    """The file with the class that its table leaves out, as counts where shots are
    known.

    Of two classes either column is enough for shares; for counts the column of one
    class may be missing where the shots are known.

    Args:
        file: the file read. A column `shots` of a table tells those of each row.
    """
    if shots is not None:
        shots = _checks.whole_number(shots, "shots", 1)
        if not table:
            raise ValueError(
                "Argument `shots` must be given for a .csv alone, but is given for "
                f"{file.path.name}; counts in it need no shots."
            )
        if "shots" in file:
            raise ValueError(
                f"Argument `shots` must not be given for {file.path.name}, which has a "
                "column of them, but is."
            )
    classes = [name for name in file.arrays if _CLASS.fullmatch(name)]
    if not table or len({name[0] for name in classes}) != 1:
        return file
    stem = classes[0][0]
    many = max(2, 1 + max(int(name[1:]) for name in classes))
    arrays = dict(file.arrays)
    each = _shots(file, arrays.pop("shots", None), shots)
    lacking = _lacking(classes, stem, many)
    if stem == "n":
        arrays |= _counts(file, classes, lacking, each)
    elif each is not None:
        if "sigma" in arrays:
            raise file.complaint("hold a `sigma` or have shots", "has both")
        shares = {name: arrays.pop(name) for name in classes}
        arrays |= _counted(file, shares, lacking, each)
    elif lacking and many == 2:
        arrays[lacking] = 1 - arrays[classes[0]]
    return replace(file, arrays=arrays)


def _lacking(classes: list[str], stem: str, many: int) -> str:
    """The one class without a column; "" where there is none, or more than one."""
    if many - len(classes) != 1:
        return ""
    return next(f"{stem}{i}" for i in range(many) if f"{stem}{i}" not in classes)


def _shots(file: File, column: np.ndarray | None, shots: int | None) -> Any:
    """Shots of each row, or of all; None where nothing tells them."""
    if column is None:
        return shots
    file.require(
        bool(np.all((column >= 1) & (column == np.round(column)))),
        "whole numbers from 1 on as `shots`",
    )
    return column


def _counts(
    file: File, classes: list[str], lacking: str, shots: Any
) -> dict[str, np.ndarray]:
    """Counts of the class that has no column, as what others leave of the shots."""
    if shots is None:
        if lacking:
            raise file.complaint(
                "have a column for each class; say by `shots` how many a row is of",
                f"has none for {lacking}",
            )
        return {}
    left = shots - sum(file.real(name) for name in classes)
    bad = np.flatnonzero(left < 0 if lacking else left != 0)
    if len(bad):
        row = int(bad[0])
        each = np.broadcast_to(shots, left.shape)[row]
        rule = "no more counts than" if lacking else "as many counts as"
        raise file.complaint(
            f"hold {rule} shots",
            f"has {each - left[row]:g} of {each:g} in row {row}",
        )
    return {lacking: left} if lacking else {}


def _counted(
    file: File, shares: dict[str, np.ndarray], lacking: str, shots: Any
) -> dict[str, np.ndarray]:
    """Counts of shares of so many shots."""
    counts = {}
    for name, share in shares.items():
        whole = np.round(share * shots)
        apart = np.abs(share * shots - whole)
        row = int(np.argmax(apart))
        if apart[row] > _WHOLE:
            each = np.broadcast_to(shots, apart.shape)[row]
            raise file.complaint(
                f"hold shares of {each:g} shots",
                f"has {share[row]:g} in row {row}, {share[row] * each:.6g} shots; "
                "shares that were corrected, averaged or cut to few digits need a "
                "`sigma` instead",
            )
        counts[f"n{name[1:]}"] = whole
    named = replace(file, arrays=counts)
    other = lacking and f"n{lacking[1:]}"
    return counts | _counts(named, list(counts), other, shots)

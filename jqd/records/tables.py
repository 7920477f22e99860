"""Tables and matrices in .csv files; errors name variants that other programs write.

The text is read line by line; the numbers are kept, not their digits.
"""

import csv
import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TypeVar

import numpy as np

from .columns import is_setting, tells_classes
from .file import File

# Byte-order marks of UTF-16, little and big endian.
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SEPARATORS = {";": "semicolons", "\t": "tabs"}
# Outcomes of several bits: Python would read 0110 as the number 110.
_BITS = re.compile("[01]{2,}")
_WITH_I = re.compile(r"[-+.\d()e]*i\)?", re.IGNORECASE)
Number = TypeVar("Number", float, complex)
Row = tuple[int, list[str]]


def columns(
    file: File, chosen: Mapping[str, str] | None = None
) -> dict[str, np.ndarray]:
    """Columns of a table by the names of its header.

    Args:
        chosen: names in the header by those that are wanted; the other columns are left
            out, and may hold anything. None for all, by their own names.
    """
    rows = _rows(file, headed=True)
    _, header = next(rows, (0, []))
    first = next(rows, None)
    if first is None:
        lines = 1 if header else 0
        raise file.complaint("have a header and rows", f"has {lines} lines")
    _check_separator(file, header, first[1])
    if chosen is None:
        check_header(file, header)
        chosen = {name: name for name in header}
    places = [_place(file, header, name) for name in chosen.values()]
    numbers = array("d")
    # columns of zeros and ones alone so far, with an entry that begins with 0
    bits = dict.fromkeys(places, "")
    for line, row in chain([first], rows):
        numbers.extend(_numbers(file, line, row, len(header), float, places))
        bits = {
            k: entry or row[k] * row[k].startswith("0")
            for k, entry in bits.items()
            if _BITS.fullmatch(row[k])
        }
    for k, entry in bits.items():
        if entry:
            raise file.complaint(
                "hold numbers, such as a column of counts for each outcome",
                f"has outcomes bit by bit in {header[k]!r}, such as {entry!r}",
            )
    table = np.asarray(numbers).reshape(-1, len(places))
    return {name: table[:, k].copy() for k, name in enumerate(chosen)}


def _place(file: File, header: list[str], name: str) -> int:
    """Where in a header a column stands."""
    if header.count(name) != 1:
        said = f"has {','.join(header)}"
        raise file.complaint(f"have one column {name!r}", said)
    return header.index(name)


def header_of(file: File, fits: Callable[[list[str]], bool]) -> list[str]:
    """Names of the columns of a table; none where the first line holds numbers.

    Args:
        fits: whether names are those of a kind of data. A # before others is that of a
            comment, unless they name some classes.
    """
    rows = _rows(file, headed=True)
    _, first = next(rows, (0, []))
    _, below = next(rows, (0, first))
    _check_separator(file, first, below)
    if _is_numeric(first):
        return []
    names = [name for name in first if not is_setting(name)]
    said = tells_classes(names) or fits(names)
    _, plain = next(_rows(file), (0, []))
    if not said and plain != first:
        return []
    check_header(file, first)
    return first


def matrix(file: File) -> np.ndarray:
    """The numbers of a .csv without a header, (n, m); real unless one is complex.

    Raises:
        ValueError: as for `columns`.
    """
    numbers, width = array("d"), 0
    for line, row in _rows(file):
        _check_separator(file, row, row)
        width = width or len(row)
        for z in _numbers(file, line, row, width, complex):
            numbers.extend((z.real, z.imag))
    if not numbers:
        raise file.complaint("hold numbers", "holds none")
    values = np.asarray(numbers).view(complex).reshape(-1, width)
    return values if np.imag(values).any() else np.real(values)


def check_header(file: File, header: list[str]) -> None:
    """Raise where a table has a column twice, or one without a name of one line."""
    long = [k for k, name in enumerate(header, 1) if len(name.splitlines()) > 1]
    if long:
        raise file.complaint(
            "have a name of one line for each column",
            f"has one of several lines for column {long[0]}, as of an open quotation",
        )
    if "" in header:
        said = f"has none for column {header.index('') + 1}"
        if not header[0]:
            said += ", such as pandas writes for an index; write it with index=False"
        raise file.complaint("have a name for each column", said)
    if len(set(header)) < len(header):
        raise file.complaint("have each column once", f"has {','.join(header)}")


def _is_numeric(cells: list[str]) -> bool:
    """Whether each cell is a number."""
    try:
        return all(complex(cell) is not None for cell in cells)
    except ValueError:
        return False


def _rows(file: File, *, headed: bool = False) -> Iterator[Row]:
    """Cells of each line with its number; empty lines and comments are left out.

    Args:
        headed: whether the last comment before numbers is a line of its own where it
            holds a name for each column: `# t,n0,n1`, as NumPy writes a header.
    """
    said: Row | None = None
    try:
        with file.path.open("rb") as raw:
            head = raw.read(2)
            if head in _UTF_16 or 0 in head:  # half of a letter, without a mark
                raise file.complaint("be text in UTF-8", "is in UTF-16")
        with file.path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.reader(handle)
            for row in reader:
                if not row:
                    continue
                cells = [cell.strip() for cell in row]
                if cells[0].startswith("#"):
                    said = reader.line_num, [cells[0].lstrip("# "), *cells[1:]]
                    continue
                if headed and said is not None and _names(said[1], cells):
                    yield said
                headed = False
                yield reader.line_num, cells
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise file.complaint(
            "be text in UTF-8",
            f"is not: it has the byte 0x{byte:02x}, as Latin-1 (cp1252) writes letters",
        ) from None
    except (OSError, csv.Error) as error:
        raise file.broken(error) from None


def _names(said: list[str], cells: list[str]) -> bool:
    """Whether a comment names the columns of a row of numbers."""
    names = (cell.isidentifier() or is_setting(cell) for cell in said)
    return len(said) == len(cells) and all(names) and _is_numeric(cells)


def _check_separator(file: File, header: list[str], row: list[str]) -> None:
    """Raise where columns are not separated by commas, in a line without quotes."""
    text, below = ",".join(header), ",".join(row)
    marked = any(mark in below for mark in _SEPARATORS)
    pieces = below.split() if len(row) == 1 and not marked else []
    if len(pieces) > 1 and _is_numeric(pieces):
        raise file.complaint("separate columns by commas", "separates them by spaces")
    for mark, name in _SEPARATORS.items():
        if mark in text:
            decimals = re.search(rf"\d,\d+({mark}|$)", below) is not None
            more = " and writes decimal commas" if decimals else ""
            raise file.complaint(
                "separate columns by commas, with decimal points",
                f"separates them by {name}{more}",
            )


def _numbers(
    file: File,
    line: int,
    row: list[str],
    width: int,
    kind: Callable[[str], Number],
    places: Sequence[int] | None = None,
) -> Iterator[Number]:
    """The numbers of one line, as many as there are columns, or those at `places`."""
    if len(row) != width:
        raise ValueError(
            f"Argument `{file.argument}` must have {width} columns, but line {line} of "
            f"{file.path.name} has {len(row)}."
        )
    for cell in row if places is None else [row[k] for k in places]:
        try:
            if "_" in cell:  # a number of Python's, but of nobody else's
                raise ValueError
            yield kind(cell)
        except ValueError:
            raise ValueError(
                f"Argument `{file.argument}` must hold numbers{_hint(cell)}, but line "
                f"{line} of {file.path.name} has {cell!r}."
            ) from None


def _hint(cell: str) -> str:
    """What a cell that is no number would have to be, if that can be seen."""
    if re.fullmatch(r"[-+]?\d+,\d+", cell):
        return " with decimal points"
    if _WITH_I.fullmatch(cell.replace(" ", "")):
        return " with `j` for the imaginary unit"
    return ""

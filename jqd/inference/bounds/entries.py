"""The published numbers: one TOML file each, read and checked.

Keys of a file: quantity, number, sd (optional: its standard error), unit, authors,
source, quoted (what stands there), read_in_text (whether the number was read there
itself) and any number of [[bound]], each with constant, mapping (one of `MAPPINGS`),
reference (another file's name, where the mapping compares), one_sided, confidence,
indicative (optional: an order of magnitude, no more) and assumptions.
"""

import functools
import math
import tomllib
from collections.abc import Callable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

from .mappings import MAPPINGS


class Claim(NamedTuple):
    """What a published number is taken to say of a constant.

    Attributes:
        constant: name.
        mapping: one of `MAPPINGS`.
        reference: name of the number that it is compared with, or None.
        one_sided: whether the confidence is that of a limit on one side.
        confidence: of the limit.
        assumptions: sentences.
        indicative: whether the limit is an order of magnitude, no more.
    """

    constant: str
    mapping: str
    reference: str | None
    one_sided: bool
    confidence: float
    assumptions: tuple[str, ...]
    indicative: bool = False


class Published(NamedTuple):
    """A published number.

    Attributes:
        name: of its file.
        quantity: what was measured.
        number: as published, in `unit`.
        sd: its standard error, or None.
        unit: SI; "1" for a pure number.
        authors: of the publication.
        source: journal or preprint.
        quoted: what stands there.
        read_in_text: whether the number was read there itself.
        claims: what it is taken to say.
    """

    name: str
    quantity: str
    number: float
    sd: float | None
    unit: str
    authors: str
    source: str
    quoted: str
    read_in_text: bool
    claims: tuple[Claim, ...]

    @property
    def cited(self) -> str:
        """Its publication, by the first author."""
        first, *others = self.authors.split(", ")
        return f"{first} et al., {self.source}" if others else f"{first}, {self.source}"


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _number(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value > 0
    )


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_text, value))


class _Key(NamedTuple):
    """What a key must hold."""

    holds: Callable[[Any], bool]
    words: str
    optional: bool = False


_TEXT = _Key(_text, "text")
_POSITIVE = _Key(_number, "a positive number")
_FLAG = _Key(lambda value: isinstance(value, bool), "true or false")
_NUMBER_KEYS = {
    "quantity": _TEXT,
    "number": _POSITIVE,
    "sd": _POSITIVE._replace(optional=True),
    "unit": _TEXT,
    "authors": _TEXT,
    "source": _TEXT,
    "quoted": _TEXT,
    "read_in_text": _FLAG,
    "bound": _Key(lambda value: isinstance(value, list), "tables", optional=True),
}
_CLAIM_KEYS = {
    "constant": _TEXT,
    "mapping": _Key(
        lambda value: isinstance(value, str) and value in MAPPINGS,
        f"one of {', '.join(MAPPINGS)}",
    ),
    "reference": _TEXT._replace(optional=True),
    "one_sided": _FLAG,
    "confidence": _Key(
        lambda value: _number(value) and value < 1, "a number between 0 and 1"
    ),
    "indicative": _FLAG._replace(optional=True),
    "assumptions": _Key(_texts, "a list of sentences"),
}


def _check(place: str, table: Any, keys: Mapping[str, _Key]) -> None:
    """Raise ValueError, naming the place and the key, unless a table fits."""
    if not isinstance(table, dict):
        raise ValueError(f"{place} must be a table, but is {table!r}.")
    for name in table:
        if name not in keys:
            known = ", ".join(keys)
            raise ValueError(f"{place}, key `{name}`: must be one of {known}.")
    for name, key in keys.items():
        if name not in table:
            if key.optional:
                continue
            raise ValueError(f"{place}, key `{name}`: must be given, but is not.")
        if not key.holds(table[name]):
            raise ValueError(
                f"{place}, key `{name}`: must be {key.words}, but is {table[name]!r}."
            )


def read_entry(file: Traversable) -> Published:
    """Read one published number.

    Args:
        file: a TOML file; its stem is the name of the entry.

    Raises:
        ValueError: no TOML, or a key that is missing, unknown or holds something else;
            the message names the file and the key.
    """
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file.name} must be a TOML file, but: {error}") from None
    _check(file.name, table, _NUMBER_KEYS)
    claims = []
    for index, claim in enumerate(table.pop("bound", [])):
        place = f"{file.name}, bound {index + 1}"
        _check(place, claim, _CLAIM_KEYS)
        _check_link(place, claim)
        given = {"reference": None, **claim, "assumptions": tuple(claim["assumptions"])}
        claims.append(Claim(**given))
    name = file.name.removesuffix(".toml")
    return Published(**{"name": name, "sd": None, **table, "claims": tuple(claims)})


def _check_link(place: str, claim: Mapping[str, Any]) -> None:
    """The mapping is of this constant and has the reference that it needs."""
    link = MAPPINGS[claim["mapping"]]
    if claim["constant"] != link.constant:
        raise ValueError(
            f"{place}, key `constant`: must be {link.constant!r}, of which the mapping "
            f"speaks, but is {claim['constant']!r}."
        )
    if link.needs_reference != ("reference" in claim):
        need = "be given" if link.needs_reference else "not be given"
        raise ValueError(f"{place}, key `reference`: must {need} with this mapping.")


def read_folder(folder: Traversable) -> dict[str, Published]:
    """Read all published numbers of a folder.

    Returns:
        The entries by name, in alphabetical order.

    Raises:
        ValueError: as of `read_entry`, or a reference that is not there or has another
            unit.
    """
    found = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".toml")),
        key=lambda file: file.name,
    )
    entries = {entry.name: entry for entry in map(read_entry, found)}
    for entry in entries.values():
        for claim in entry.claims:
            if claim.reference is None:
                continue
            place = f"{entry.name}.toml, key `reference`"
            if claim.reference not in entries:
                known = ", ".join(entries)
                raise ValueError(
                    f"{place}: must be one of {known}, but is {claim.reference!r}."
                )
            other = entries[claim.reference].unit
            if other != entry.unit:
                raise ValueError(
                    f"{place}: must have the unit {entry.unit}, but has {other}."
                )
    return entries


@functools.cache
def published() -> dict[str, Published]:
    """The entries that come with the library, by name."""
    return read_folder(files("jqd.inference.bounds").joinpath("published"))

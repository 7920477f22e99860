"""The published numbers and limits: one TOML file each, its keys, read and checked.

Keys of a number: quantity, number, sd (optional: its standard error), unit, authors,
source, quoted (the words of the source), read_in_text (whether the number was read in
the source itself) and any number of [[bound]], each with constant, mapping (one of
`MAPPINGS`), reference (another file's name, where the mapping compares), one_sided,
confidence, indicative (optional: whether it is only an order of magnitude) and
assumptions.

Keys of a limit, which is taken as printed: limit in place of number, sense ("<", "<=",
">" or ">="), authors optional, and one [[bound]] or more, each with constant (one of
`PRINTED`), confidence, which may be "not stated", and assumptions.
"""

import functools
import math
import tomllib
from collections.abc import Callable, Collection, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

from .mappings import MAPPINGS, PRINTED, Link

# In place of a confidence that the source of a limit does not give.
NOT_STATED = "not stated"


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _number(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value > 0
    )


def _level(value: Any) -> bool:
    return _number(value) and value < 1


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_text, value))


class Key(NamedTuple):
    """What a key must hold."""

    holds: Callable[[Any], bool]
    words: str
    optional: bool = False


def _one_of(words: Collection[str]) -> Key:
    return Key(
        lambda value: isinstance(value, str) and value in words,
        f"one of {', '.join(words)}",
    )


_TEXT = Key(_text, "text")
_POSITIVE = Key(_number, "a positive number")
_FLAG = Key(lambda value: isinstance(value, bool), "true or false")
NUMBER = {
    "quantity": _TEXT,
    "number": _POSITIVE,
    "sd": _POSITIVE._replace(optional=True),
    "unit": _TEXT,
    "authors": _TEXT,
    "source": _TEXT,
    "quoted": _TEXT,
    "read_in_text": _FLAG,
    "bound": Key(lambda value: isinstance(value, list), "tables", optional=True),
}
CLAIM = {
    "constant": _TEXT,
    "mapping": _one_of(MAPPINGS),
    "reference": _TEXT._replace(optional=True),
    "one_sided": _FLAG,
    "confidence": Key(_level, "a number between 0 and 1"),
    "indicative": _FLAG._replace(optional=True),
    "assumptions": Key(_texts, "a list of sentences"),
}
LIMIT = {
    "quantity": _TEXT,
    "limit": _POSITIVE,
    "sd": _POSITIVE._replace(optional=True),
    "sense": _one_of(("<", "<=", ">", ">=")),
    "unit": _TEXT,
    "authors": _TEXT._replace(optional=True),
    "source": _TEXT,
    "quoted": _TEXT,
    "read_in_text": _FLAG,
    "bound": Key(lambda value: isinstance(value, list) and bool(value), "a table"),
}
LIMIT_CLAIM = {
    "constant": _one_of(PRINTED),
    "confidence": Key(
        lambda value: value == NOT_STATED or _level(value),
        f"a number between 0 and 1 or {NOT_STATED!r}",
    ),
    "assumptions": CLAIM["assumptions"],
}


def check(place: str, table: Any, keys: Mapping[str, Key]) -> None:
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


class Claim(NamedTuple):
    """What a published number implies for a constant.

    Attributes:
        constant: name.
        mapping: one of `MAPPINGS`; None for a limit that is taken as printed.
        reference: name of the number with which it is compared, or None.
        one_sided: whether the confidence is that of a limit on one side.
        confidence: confidence of the limit; None where its source does not state it.
        assumptions: sentences.
        indicative: whether the limit is only an order of magnitude.
    """

    constant: str
    mapping: str | None
    reference: str | None
    one_sided: bool
    confidence: float | None
    assumptions: tuple[str, ...]
    indicative: bool = False


class Published(NamedTuple):
    """A published number or limit.

    Attributes:
        name: name of its file.
        quantity: what was measured.
        number: as published, in `unit`.
        sd: its standard error, or None.
        unit: SI; "1" for a pure number.
        authors: authors of the publication; None where the source alone names it.
        source: journal or preprint.
        quoted: words of the source.
        read_in_text: whether the number was read in the source itself.
        claims: what it implies for constants.
        sense: "<", "<=", ">" or ">=" of a limit; None of a number.
    """

    name: str
    quantity: str
    number: float
    sd: float | None
    unit: str
    authors: str | None
    source: str
    quoted: str
    read_in_text: bool
    claims: tuple[Claim, ...]
    sense: str | None = None

    @property
    def cited(self) -> str:
        """The publication, named by its first author."""
        if self.authors is None:
            return self.source
        first, *others = self.authors.split(", ")
        return f"{first} et al., {self.source}" if others else f"{first}, {self.source}"


def read_entry(file: Traversable) -> Published:
    """Read one published number or limit."""
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file.name} must be a TOML file, but: {error}") from None
    printed = "limit" in table
    check(file.name, table, LIMIT if printed else NUMBER)
    claims = []
    for index, claim in enumerate(table.pop("bound", [])):
        place = f"{file.name}, bound {index + 1}"
        check(place, claim, LIMIT_CLAIM if printed else CLAIM)
        if printed:
            _check_printed(file.name, table, PRINTED[claim["constant"]])
        else:
            _check_link(place, claim)
        given = {**_DEFAULTS, **claim, "assumptions": tuple(claim["assumptions"])}
        if given["confidence"] == NOT_STATED:
            given["confidence"] = None
        claims.append(Claim(**given))
    if printed:
        table["number"] = table.pop("limit")
    name = file.name.removesuffix(".toml")
    optional = {"sd": None, "authors": None}
    return Published(**{"name": name, **optional, **table, "claims": tuple(claims)})


_DEFAULTS = {"mapping": None, "reference": None, "one_sided": False}


def _check_printed(place: str, entry: Mapping[str, Any], link: Link) -> None:
    """The constant is limited on this side and has this unit."""
    if entry["unit"] != link.unit:
        raise ValueError(
            f"{place}, key `unit`: must be {link.unit!r}, that of {link.constant}, but "
            f"is {entry['unit']!r}."
        )
    if not entry["sense"].startswith(link.sense):
        raise ValueError(
            f"{place}, key `sense`: must be '{link.sense}' or '{link.sense}=' for "
            f"{link.constant}, but is {entry['sense']!r}."
        )


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
    """Read all published numbers of a folder."""
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

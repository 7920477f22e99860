"""The keys of the files of published numbers, and what each must hold."""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from .mappings import MAPPINGS, PRINTED

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

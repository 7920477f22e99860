"""A store's description of its sweep, checked once before any of it is used.

A store may come from somebody else, and its numbers set the size of loops and memory.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .points import MOST_CHUNKS, MOST_POINTS, STATUS

FORMAT = 2
# Bytes of one result in one chunk, and characters of a text.
MOST_BYTES, MOST_TEXT = 2**36, 10_000
# Seconds that a lease may last: a year.
LONGEST = 3.2e7
Rule = Callable[[Any], bool]


def checked_manifest(manifest: Any) -> dict[str, Any]:
    """The manifest of a store, if it is one of `manifest_of`, with a lease.

    Raises:
        ValueError: an entry is not as it must be; the message names it.
    """
    _check_entries(manifest, _RULES, "")
    shape, block = manifest["shape"], manifest["block"]
    first = [axis["shape"][0] for axis in manifest["axes"].values()]
    points = first if manifest["outer"] else first[:1]
    _demand(len(set(first)) == 1 or manifest["outer"], "axes")
    _demand(shape == points, "shape")
    _demand(math.prod(shape) <= MOST_POINTS, "shape")
    _demand(_is_block(block, shape), "block")
    chunks = math.prod(-(-n // b) for n, b in zip(shape, block, strict=True))
    _demand(chunks <= MOST_CHUNKS, "block")
    _demand(STATUS in manifest["outputs"], "outputs")
    for spec in manifest["outputs"].values():
        size = math.prod((*block, *spec["shape"])) * np.dtype(spec["dtype"]).itemsize
        _demand(size <= MOST_BYTES, "outputs")
    status = manifest["outputs"][STATUS]
    _demand(status == {"shape": [], "dtype": np.dtype(np.int32).str}, "outputs")
    return manifest


def read_root(text: bytes) -> dict[str, Any]:
    """The attributes of a root group, read from its metadata.

    Raises:
        ValueError: not JSON, or no attributes.
    """
    try:
        attributes = json.loads(text).get("attributes", {})
    except (AttributeError, RecursionError):
        raise ValueError("it is no metadata of a group") from None
    if not isinstance(attributes, dict):
        raise ValueError("its attributes are none")
    return attributes


def read_mark(text: bytes | None, outputs: Mapping[str, Any]) -> dict[str, Any] | None:
    """The content of a chunk's commit; None where it is missing or incomplete."""
    try:
        mark = json.loads(text or b"")
        _check_entries(mark, {"sha256": _mapping(_is_text)}, "")
        failures = mark.get("failures", {})
        _demand(_mapping(_is_text, name=str.isdecimal, least=0)(failures), "failures")
        _demand(set(mark["sha256"]) == set(outputs), "sha256")
    except (ValueError, RecursionError):
        return None
    return mark


# -- rules of entries ------------------------------------------------------------------


def _demand(good: bool, name: str) -> None:
    if not good:
        raise ValueError(f"its entry {name!r} is not that of a sweep")


def _check_entries(held: Any, rules: Mapping[str, Rule], where: str) -> None:
    _demand(isinstance(held, dict), where or "sweep")
    for name, rule in rules.items():
        _demand(name in held and rule(held[name]), where + name)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MOST_TEXT


def _is_name(value: Any) -> bool:
    return _is_text(value) and value.isidentifier()


def _whole(least: int, most: int = 2**63) -> Rule:
    return lambda n: type(n) is int and least <= n < most


def _numbers(least: int, shortest: int) -> Rule:
    one = _whole(least)
    return lambda held: (
        isinstance(held, list) and shortest <= len(held) <= 32 and all(map(one, held))
    )


def _mapping(rule: Rule, *, name: Rule = _is_text, least: int = 1) -> Rule:
    return lambda held: (
        isinstance(held, dict)
        and len(held) >= least
        and all(name(key) and rule(value) for key, value in held.items())
    )


def _entries(**rules: Rule) -> Rule:
    def rule(held: Any) -> bool:
        return isinstance(held, dict) and all(
            name in held and one(held[name]) for name, one in rules.items()
        )

    return rule


def _is_dtype(value: Any) -> bool:
    """Whether it is the name of a type of plain numbers, as in <f8."""
    if not _is_text(value):
        return False
    try:
        dtype = np.dtype(value)
    except (TypeError, ValueError, SyntaxError):
        return False
    return dtype.kind in "biufc" and dtype.str == value


def _is_seconds(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 < value < LONGEST


def _is_block(block: list[int], shape: list[int]) -> bool:
    """Whether it is ones, then a part of one dimension, then whole ones."""
    if len(block) != len(shape) or any(
        b > n for b, n in zip(block, shape, strict=True)
    ):
        return False
    part = next((i for i, b in enumerate(block) if b > 1), len(block))
    return block[part + 1 :] == shape[part + 1 :]


_RULES: dict[str, Rule] = {
    "format": lambda value: value == FORMAT,
    "function": _is_text,
    "program": _is_text,
    "outer": lambda value: isinstance(value, bool),
    "axes": _mapping(
        _entries(shape=_numbers(1, 1), dtype=_is_dtype, sha256=_is_text), name=_is_name
    ),
    "seed": _whole(-(2**63)),
    "tile": _whole(1, MOST_POINTS + 1),
    "shape": _numbers(1, 1),
    "block": _numbers(1, 1),
    "outputs": _mapping(_entries(shape=_numbers(0, 0), dtype=_is_dtype), name=_is_name),
    "device": _is_text,
    "x64": lambda value: isinstance(value, bool),
    "versions": _mapping(_is_text),
    "lease": _is_seconds,
}

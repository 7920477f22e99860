"""Limits of a fit as summary.json and `--json` hold them."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..inference.limits import Limit

_KINDS = {
    "constant": str,
    "bound": str,
    "limit": float,
    "low": float,
    "high": float,
    "level": str,
    "more": str,
}


def read_answer(kept: Any) -> Limit:
    """A limit as summary.json keeps it, without published bounds.

    Raises:
        ValueError: something else.
    """
    if not isinstance(kept, Mapping) or not all(
        isinstance(kept.get(name), kind) for name, kind in _KINDS.items()
    ):
        raise ValueError(f"{kept!r} is no limit")
    return Limit(**{name: kept[name] for name in _KINDS})


def kept_answers(said: Sequence[Limit]) -> list[dict[str, Any]]:
    """Limits as summary.json keeps them, each with its sentence."""
    return [one._asdict() | {"said": str(one)} for one in said]

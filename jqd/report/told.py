"""What a kind of results says of itself, and what all kinds share."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from .cells import Block, Section

NOTHING = "Nothing of this kind is stored with these results."
UNTOLD = "What the data cannot tell"
Summary = Mapping[str, Any]


class Told(NamedTuple):
    """What a kind of results says of itself."""

    title: str
    verdict: str
    numbers: Section
    trust: Section
    untold: Section


def ended(what: str, status: str) -> str:
    """What is said of a status that is no success."""
    return f"{what} ended with the status “{status}”."


def of_block(title: str, block: Block) -> Section:
    """A section of one table."""
    return Section(title, (), (block,))

"""The text of a report for a kind of results, and parts that all kinds share."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from .cells import Block, Section

NOTHING = "Nothing of this kind is stored with these results."
UNTOLD = "What the data cannot determine"
Summary = Mapping[str, Any]


class Told(NamedTuple):
    """The text of a report for a kind of results."""

    title: str
    verdict: str
    numbers: Section
    trust: Section
    untold: Section = Section(UNTOLD, (NOTHING,))


def ended(what: str, status: str) -> str:
    """The text for a status that is not a success."""
    return f"{what} ended with the status “{status}”."


def of_block(title: str, block: Block) -> Section:
    """A section with a single table."""
    return Section(title, (), (block,))

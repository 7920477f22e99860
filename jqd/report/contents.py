"""The contents of a report on results: a verdict and sections, for each kind.

No sentence claims more than the summary stores.
"""

import shlex
from collections.abc import Callable, Mapping
from typing import NamedTuple

from . import told_fits, told_others
from .cells import Block, Section, listing
from .results import Results
from .told import Told

GOOD = ("ok", "converged")


class Contents(NamedTuple):
    """The contents of a report.

    Attributes:
        title: what was done, and to which law or data.
        status: as stored, or "not stored".
        good: whether the status is a success.
        verdict: one or two sentences, which claim no more than the status.
        sections: the question, constants or numbers, trust, and what is not covered.
        provenance: the origin of the results.
        again: commands that repeat the run, or read it.
    """

    title: str
    status: str
    good: bool
    verdict: str
    sections: tuple[Section, ...]
    provenance: Block
    again: tuple[str, ...]


def contents(results: Results) -> Contents:
    """The contents of a report on results.

    Raises:
        KeyError, TypeError, AttributeError, ValueError: results that are not as jqd
            writes them.
    """
    summary = results.summary
    told = _KINDS[results.kind](results)
    origin = dict(summary["provenance"])
    command = origin.pop("command", None)
    asked = {"command": command} if command else {}
    settings = summary.get("settings")
    if isinstance(settings, Mapping):
        asked |= settings
    sentences = () if asked else ("The command and its settings are not stored.",)
    tables = (listing("Command and settings", asked),) if asked else ()
    status = str(summary.get("status", "not stored"))
    return Contents(
        told.title,
        status,
        status in GOOD,
        told.verdict,
        (
            Section("What was asked", sentences, tables),
            told.numbers,
            told.trust,
            told.untold,
        ),
        listing("Versions, device, date", origin),
        tuple(_again(results, command)),
    )


def _again(results: Results, command: str | None) -> list[str]:
    place = shlex.quote(results.place)
    lines = [command] if command else []
    if results.kind == "sweep":
        return [*lines, f"jqd sweep status {place}", f"jqd report {place}"]
    if results.kind == "design" and results.summary.get("simulate"):
        lines.append(str(results.summary["simulate"]))
    return [*lines, f"jqd report {place}"]


_KINDS: Mapping[str, Callable[[Results], Told]] = {
    "recovery": told_fits.recovery,
    "sample": told_others.sample,
    "design": told_others.design,
    "comparison": told_others.comparison,
    "cards": told_others.cards,
    "linearity": told_others.linearity,
    "experiment": told_others.experiment,
    "sweep": told_others.sweep,
}

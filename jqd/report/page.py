"""Results as a single, self-contained HTML file."""

import shlex
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from .._files import atomic_file
from .._version import __version__
from . import told_fits, told_others
from .cells import Block, Section, Told, listing
from .pictures import pictures
from .results import Results, damaged

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


# Mark of a page made here, which may then be replaced.
GENERATOR = "jqd report"
# First cells that name their row.
NAMED = (
    "name",
    "constant",
    "property",
    "law",
    "axis",
    "result",
    "status",
    "class",
    "test",
)


def page(results: Results, drawn: Mapping[str, str] | None = None) -> str:
    """Results as an HTML page without scripts, which loads nothing from elsewhere.

    Args:
        drawn: figures drawn for this page, SVG by name.

    Returns:
        The page; at most 3 MB.
    """
    # not needed for anything else
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    try:
        said = contents(results)
    except (
        KeyError, TypeError, AttributeError, ValueError, IndexError, OverflowError
    ) as error:  # fmt: skip
        raise damaged(results.place, error) from None
    rules = Environment(autoescape=True, undefined=StrictUndefined)
    rules.filters["exact"] = repr
    text = files("jqd.report").joinpath("page.html").read_text(encoding="utf-8")
    shown = pictures(results.figures, drawn or {})
    return rules.from_string(text).render(
        said=said,
        pictures=[
            {"name": one.name, "alt": one.alt, "markup": Markup(one.markup)}
            for one in shown
        ],
        generator=GENERATOR,
        named=NAMED,
        version=__version__,
        place=results.place,
    )


def write_page(text: str, path: str | Path) -> Path:
    """Write a page; this replaces an earlier page of results, but no other file."""
    path = Path(path)
    if path.exists() and not _is_page(path):
        raise ValueError(
            f"Argument `--out` must be a new file, or an earlier report, but {path} is "
            "something else."
        )
    with atomic_file(path) as draft:
        draft.write_text(text, encoding="utf-8")
    return path


def _is_page(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return f'<meta name="generator" content="{GENERATOR}">' in file.read(1000)

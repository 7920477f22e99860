"""`jqd equations`."""

import dataclasses
import json
from collections import Counter

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from .._words import did_you_mean
from ..papers import registry
from .options import AsJson

_COLORS = {"holds": "green", "corrected": "yellow", "refuted": "red"}


def equations(
    paper: str = typer.Argument(None, help="One paper only, e.g. copying."),
    verdict: str = typer.Option(
        None, help=f"One verdict only: {', '.join(registry.VERDICTS)}."
    ),
    as_json: AsJson = False,
) -> int:
    """Print the equations of the papers, each with its verdict, function and tests."""
    if verdict is not None and verdict not in registry.VERDICTS:
        raise ValueError(
            f"Argument `--verdict` must be one of {', '.join(registry.VERDICTS)}, but "
            f"{verdict!r} was given{did_you_mean(verdict, registry.VERDICTS)}"
        )
    papers = registry.papers() if paper is None else (paper,)
    entries = {
        name: [e for e in registry.load(name) if verdict in (None, e.verdict)]
        for name in papers
    }
    if as_json:
        plain = {n: [dataclasses.asdict(e) for e in es] for n, es in entries.items()}
        print(json.dumps(plain, indent=2, ensure_ascii=False))
        return 0
    console = Console()
    for name, found in entries.items():
        _print(name, found, console)
    return 0


def _print(paper: str, entries: list[registry.Equation], console: Console) -> None:
    counts = Counter(entry.verdict for entry in entries)
    total = ", ".join(f"{counts[v]} {v}" for v in registry.VERDICTS if counts[v])
    console.print(Text(f"{paper}: {total or 'no entry'}", "bold"))
    for entry in entries:
        color = _COLORS.get(entry.verdict, "default")
        console.print(
            Text.assemble((entry.number, "bold"), "  ", (entry.verdict, color))
        )
        text = Text(entry.statement)
        if entry.printed:
            text.append(f"\nIn print: {entry.printed}")
        decided = "decided by" if entry.decided else "looked at by"
        if not entry.function:
            decided = f"computed and {decided}"
        named = ("computed by", entry.function), (decided, ", ".join(entry.tests))
        for role, names in named:
            if names:
                text.append(f"\n{role} {names}", "dim")
        console.print(Padding(text, (0, 0, 0, 4)))

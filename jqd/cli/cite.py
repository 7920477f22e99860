"""`jqd cite`."""

import inspect
import json
import re
from typing import Any

import typer

from .. import laws
from .._words import did_you_mean
from ..papers.citations import PAPERS, SOFTWARE, Reference
from .options import AsJson

_SOURCE = re.compile(r"^Source: (.*?)(?:\n\s*\n|\Z)", re.DOTALL | re.MULTILINE)


def cite(
    law: str = typer.Argument(
        None, help="One law only, by its class (GRW) or its paper (copying)."
    ),
    bibtex: bool = typer.Option(
        False, help="Print BibTeX, with the source of the law as a comment."
    ),
    as_json: AsJson = False,
) -> int:
    """Print how to cite jqd, the papers of its laws, and the source of one law."""
    papers, source = _wanted(law)
    references = [SOFTWARE, *papers]
    if as_json:
        shown = [{**r._asdict(), "fields": dict(r.fields)} for r in references]
        print(json.dumps({"references": shown, "source": source}, indent=2))
        return 0
    for reference in references:
        print(reference.bibtex if bibtex else reference.text)
    if source:
        print(f"{'% ' if bibtex else ''}Source of {law}: {source}")
    return 0


def _wanted(law: str | None) -> tuple[list[Reference], str]:
    """Papers to cite for a law, and what its docstring names as its source."""
    if law is None:
        return list(PAPERS.values()), ""
    if law in PAPERS:
        return [PAPERS[law]], ""
    known = makers()
    if law not in known:
        raise ValueError(
            f"Argument `law` must be one of {', '.join((*PAPERS, *sorted(known)))}, "
            f"but {law!r} was given{did_you_mean(law, (*PAPERS, *known))}"
        )
    found = _SOURCE.search(inspect.getdoc(known[law]) or "")
    of_paper = [name for name in PAPERS if f".{name}" in known[law].__module__]
    source = "" if found is None else " ".join(found[1].split())
    return [PAPERS[name] for name in of_paper], source


def makers() -> dict[str, Any]:
    """What makes the laws of the library, classes and functions, by their names."""
    found = {name: getattr(laws, name) for name in dir(laws)}
    return {name: one for name, one in found.items() if _makes_a_law(one)}


def _makes_a_law(one: Any) -> bool:
    made = inspect.get_annotations(one).get("return") if inspect.isroutine(one) else one
    return inspect.isclass(made) and issubclass(made, laws.Law) and made is not laws.Law

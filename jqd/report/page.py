"""Results as one HTML file that needs nothing beside it."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from .._files import atomic_file
from .._version import __version__
from .contents import contents
from .pictures import pictures
from .results import Results, damaged

# How a page tells that it was made here, so that it may be made anew.
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
    """Results as an HTML page: no script, nothing that is loaded from elsewhere.

    Args:
        results: what a command has written.
        drawn: figures that were drawn for this page, SVG by name.

    Returns:
        The page; at most 3 MB.

    Raises:
        ValueError: the results are damaged, in one line.
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
    """Write a page; an earlier page of results may be replaced, nothing else.

    Args:
        text: of `page`.
        path: the file.

    Raises:
        ValueError: something else is there.
        OutputError: it cannot be written.
    """
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

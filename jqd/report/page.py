"""Results as a single, self-contained HTML file."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from .._files import atomic_file
from .._version import __version__
from .contents import contents
from .pictures import pictures
from .results import Results, damaged

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

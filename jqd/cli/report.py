"""`jqd report`: results as one page."""

import io
import webbrowser
from pathlib import Path
from typing import Any

import typer

from ..figures.style import house_style
from ..report.page import page, write_page
from ..report.results import Results, damaged, read_results
from ..report.sweep_figure import figure_sweep
from ..report.sweep_words import STATUS, status_counts
from ..sweeps import Store
from ..sweeps.leases import given_up
from ..sweeps.store import MANIFEST, ROOT


def report(
    results: str = typer.Argument(
        metavar="RESULTS",
        help="Output of a command: the folder of a run, the store of a sweep or the "
        "plan of a design.",
    ),
    out: Path | None = typer.Option(
        None,
        metavar="FILE.html",
        help="File for the page; an earlier one is replaced. By default report.html in "
        "the folder of a run, NAME.html beside a store or a plan, and here for a URL.",
    ),
    show: bool = typer.Option(False, "--open", help="Open the page in the browser."),
) -> int:
    """Write results as one HTML file: verdict, numbers, figures and provenance.

    The file needs no other: it has no scripts, and loads nothing from the network.
    """
    if "://" in results or (Path(results) / ROOT).is_file():
        found, drawn = _of_sweep(results)
        name = results.rstrip("/").rpartition("/")[2] or "sweep"
        path = Path(results).with_name(f"{name}.html")
        if "://" in results:
            path = Path(f"{name}.html")
    else:
        found, drawn = read_results(results), {}
        path = Path(results)
        path = path / "report.html" if path.is_dir() else path.with_suffix(".html")
    written = write_page(page(found, drawn), path if out is None else out)
    print(f"Written: {written}")
    if show:
        webbrowser.open(written.resolve().as_uri())
    return 0


def _of_sweep(place: str) -> tuple[Results, dict[str, str]]:
    """The results of a sweep, and a figure drawn from them."""
    store = Store(place)
    dataset = store.dataset()
    try:
        counts = status_counts(dataset[STATUS])
        figure = figure_sweep(dataset)
        attributes = {k: v for k, v in dataset.attrs.items() if k != MANIFEST}
        manifest = store.manifest
        settings = {
            "axes": {name: axis["shape"] for name, axis in manifest["axes"].items()},
            "constants": attributes.pop("constants", {}),
            "seed": attributes.pop("seed", None),
            "tile": manifest["tile"],
            "chunks given up": len(given_up(store)),
        }
        summary: dict[str, Any] = {
            "function": manifest["function"],
            "points": store.blocks.size,
            "counts": counts,
            "settings": settings,
            "provenance": attributes,
            "status": _status(counts, store.blocks.size),
        }
    except ValueError as error:
        raise error from None
    except Exception as error:  # whatever a codec says of half a chunk
        raise damaged(place, error) from None
    drawn = {} if figure is None else {"sweep": _svg(figure)}
    return Results(place, "sweep", summary, (), dataset), drawn


def _status(counts: dict[str, int], points: int) -> str:
    """How a sweep stands, in a word or two."""
    if counts.get("pending"):
        return "not finished"
    return "ok" if counts.get("ok", 0) == points else "some points are not sound"


def _svg(figure: Any) -> str:
    file = io.StringIO()
    with house_style():
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()

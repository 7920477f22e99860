"""`jqd run`."""

import contextlib
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from .. import report
from .._bars import plain_console
from .._files import to_json
from ..report.tables import summary_table
from ..report.user_code import ExperimentError
from .options import MODEL, OUTPUT, AsJson, quick_in, with_options
from .sweeping import Workers


@with_options()
def run(
    file: Path = typer.Argument(
        metavar="FILE", help="A Python file with a function run(context)."
    ),
    out: Path = OUTPUT.option(
        None,
        help="Folder for the results, results/NAME by default; if it holds files, "
        "FOLDER-2, FOLDER-3, ..",
    ),
    quick: Annotated[bool, quick_in(MODEL)] = False,
    resume: Path = OUTPUT.option(
        None, help="Folder of a run of FILE that was stopped, to continue there."
    ),
    store: str = OUTPUT.option(
        None,
        help="Folder or URL for the stores of its sweeps, which several runs may "
        "share; in --out by default.",
    ),
    *,
    workers: Workers,
    as_json: AsJson = False,
    show_traceback: bool = OUTPUT.option(
        False, "--traceback", help="Show where in the code the experiment failed."
    ),
) -> int:
    """Run an experiment: your own, or one of those that come with jqd."""
    # An experiment may print; with --json that must not mix with the result.
    as_it_is = contextlib.nullcontext()
    output = contextlib.redirect_stdout(sys.stderr) if as_json else as_it_is
    try:
        with output:
            summary, folder = report.run_experiment(
                file, out, quick=quick, resume=resume, store=store,
                engine=workers.engine(),
            )  # fmt: skip
    except ExperimentError as error:
        if show_traceback:
            traceback.print_exception(error.__cause__)
        raise
    if as_json:
        print(to_json(summary))
    else:
        shown = {key: item for key, item in summary.items() if key != "provenance"}
        plain_console().print(summary_table(shown, file.stem))
        print(f"Results are in {folder}")
    return 0 if summary.get("status", "ok") == "ok" else 1

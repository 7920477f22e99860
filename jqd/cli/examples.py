"""`jqd examples`."""

from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from ..report.examples import copy_example, examples
from .options import AsJson
from .session import conclude

examples_app = typer.Typer(
    help="List and copy the experiments that come with jqd, each of which tests a "
    "claim.",
    no_args_is_help=True,
)


@examples_app.command(name="list", epilog="Example: jqd examples list")
def list_examples(as_json: AsJson = False) -> int:
    """Print the experiments and their claims."""
    found = examples()
    facts: dict[str, Any] = {
        "examples": [
            {"name": e.name, "file": str(e.file), "claim": e.claim, "text": e.text}
            for e in found.values()
        ]
    }
    table = Table("experiment", "claim", title="jqd examples copy NAME; jqd run FILE")
    for one in found.values():
        table.add_row(one.name, one.claim)
    return conclude(facts, [table], as_json=as_json)


@examples_app.command(name="copy", epilog="Example: jqd examples copy copy_nodes")
def copy(
    name: str = typer.Argument(help="Name of the experiment, see `jqd examples list`."),
    out: Path = typer.Option(Path("."), help="Folder to copy into."),
) -> int:
    """Copy an experiment, with the files it shares with others, to run or change it."""
    file = copy_example(name, out)
    print(f"Wrote {file}; run it with: jqd run {file} --quick")
    return 0

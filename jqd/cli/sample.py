"""`jqd sample`: its commands."""

import typer

from .sample_copying import copying

sample_app = typer.Typer(
    help="Sample the random processes behind a law, trajectory by trajectory.",
    no_args_is_help=True,
)
sample_app.command()(copying)

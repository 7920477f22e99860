"""`jqd design`: its commands."""

import typer

from .design_husimi import husimi
from .design_quantum import copying, diffusion, law

design_app = typer.Typer(
    help="Find when to look, and how often, before an experiment, for `jqd simulate "
    "--settings`.",
    no_args_is_help=True,
)
for command in (copying, law, husimi, diffusion):
    design_app.command()(command)

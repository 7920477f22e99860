"""`jqd simulate`: its commands."""

import typer

from .simulate_husimi import husimi
from .simulate_matter import springs, statistics, temperature, tower
from .simulate_quantum import copying, diffusion, law

simulate_app = typer.Typer(
    help="Draw a record as an experiment would see it, for `jqd recover --data`.",
    no_args_is_help=True,
)
for command in (
    copying,
    law,
    husimi,
    diffusion,
    statistics,
    springs,
    tower,
    temperature,
):
    simulate_app.command()(command)

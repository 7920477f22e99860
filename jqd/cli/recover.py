"""`jqd recover`: its commands."""

import typer

from .recover_atoms import anharmonicity, springs
from .recover_copying import copying
from .recover_diffusion import diffusion
from .recover_husimi import husimi
from .recover_law import law
from .recover_statistics import statistics
from .recover_temperature import temperature
from .recover_tower import tower

recover_app = typer.Typer(
    help="Recover the free constants of a law from data, with their errors.",
    no_args_is_help=True,
)
for command in (
    copying, law, husimi, diffusion, statistics, springs, anharmonicity, tower,
    temperature,
):  # fmt: skip
    recover_app.command()(command)

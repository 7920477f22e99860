"""Options that several commands share."""

from typing import Annotated

import typer

Seed = Annotated[int, typer.Option(min=0, help="Seed of all that is drawn.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Quick = Annotated[bool, typer.Option("--quick", help="The smaller version.")]

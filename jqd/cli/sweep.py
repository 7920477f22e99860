"""`jqd sweep`: a function or a law at many points; `status`: how far it is."""

from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from ..report.tables import summary_table
from ..report.user_code import failures_of, import_folder, load_file
from ..sweeps.points import STATUS
from ..sweeps.store import Store
from .options import AsJson, Quick, Seed, with_options
from .session import conclude
from .sweep_law import law
from .sweeping import Sweeping, counts

SETTINGS = ("dims", "coords", "units", "constants", "statuses")


class FileOrCommand(TyperGroup):
    """`jqd sweep FILE` is `jqd sweep run FILE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command in where a file stands."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


sweep_app = typer.Typer(
    cls=FileOrCommand,
    help="Compute a function at many points, on all devices; a sweep that was stopped "
    "goes on where it was. `jqd sweep FILE.py --out STORE` is short for `run`.",
    no_args_is_help=True,
)


@sweep_app.command()
@with_options()
def run(
    file: Path = typer.Argument(
        metavar="FILE", help="A Python file with `axes` and a function `point`."
    ),
    *,
    sweeping: Sweeping,
    seed: Seed = 0,
    quick: Quick = False,
) -> int:
    """Sweep, or go on with a sweep that was stopped.

    FILE defines `axes`, a dict of coordinates (or a table, or a function of `quick`
    that returns one of these), and `point`, a function of one value of each by name.
    It may define dims, coords, units, constants, statuses, as `jqd.sweep` takes them.
    """
    sweeping.prepare()
    with import_folder(file.parent):
        module = load_file(file, "point", "**coordinates")
        with failures_of(file, own_only=True):
            axes = _axes(module, file, quick=quick)
            settings = {n: getattr(module, n) for n in SETTINGS if hasattr(module, n)}
            dataset = sweeping.sweep(module.point, axes, seed=seed, **settings)
    return sweeping.conclude(dataset, file.stem)


sweep_app.command()(law)


@sweep_app.command()
def status(
    store: Path = typer.Argument(metavar="STORE", help="The store of a sweep."),
    quick: bool = typer.Option(
        False, "--quick", help="Do not read the files to compare their checksums."
    ),
    as_json: AsJson = False,
) -> int:
    """How far a sweep is, and whether its files are sound."""
    opened = Store(store)
    manifest = opened.manifest
    done = len(opened.committed())
    damage = {} if quick else opened.damage()
    failures = opened.failures()
    summary = {
        "function": manifest["function"],
        "axes": {name: axis["shape"] for name, axis in manifest["axes"].items()},
        "points": opened.blocks.size,
        "chunks": f"{done} of {opened.blocks.count}",
        "status": {} if damage else counts(opened.dataset()[STATUS]),
        "damaged chunks": damage,
        "errors": {str(i): text for i, text in list(failures.items())[:5]},
        "seed": manifest["seed"],
        "versions": manifest["versions"],
        "begun": opened.attributes.get("date"),
    }
    conclude(summary, [summary_table(summary, str(store))], as_json=as_json)
    return 0 if done == opened.blocks.count and not damage else 1


def _axes(module: Any, file: Path, *, quick: bool) -> Any:
    axes = getattr(module, "axes", None)
    if axes is None:
        raise ValueError(
            f"Argument `FILE` must define `axes`, a dict of coordinates, but {file} "
            "does not."
        )
    if callable(axes):
        return axes(quick)
    if quick:
        raise ValueError(
            f"Argument `--quick` must not be given where `axes` is no function of it, "
            f"but is: so it is in {file}."
        )
    return axes

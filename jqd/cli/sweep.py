"""`jqd sweep`: a function or a law at many points; `status`: how far it is."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from .._checks import check_memory
from ..report.sweep_words import status_counts
from ..report.tables import summary_table
from ..report.user_code import failures_of, import_folder, load_file
from ..sweeps import Store
from ..sweeps.layout import FAILED
from ..sweeps.leases import given_up, running
from ..sweeps.objects import ARGUMENT
from ..sweeps.points import STATUS
from .options import MODEL, AsJson, quick_in, seed_in, with_options
from .session import conclude
from .setups import SETUPS, Verb
from .sweep_law import law
from .sweeping import PLACE, Sweeping, Worker, Workers

SETTINGS = ("dims", "coords", "units", "constants", "statuses", "trace")


class FileOrCommand(Verb):
    """`jqd sweep FILE` is `jqd sweep run FILE`."""

    unnamed = "run"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command in where a file stands."""
        if args and args[0] not in (*self.commands, *SETUPS, "-h", "--help"):
            args = [self.unnamed, *args]
        return super().parse_args(ctx, args)


sweep_app = typer.Typer(
    cls=FileOrCommand,
    help="Compute a function at many points, on all devices and with any number of "
    "workers; a sweep that was stopped continues where it was. `jqd sweep FILE.py "
    "--out STORE` is short for `jqd sweep run`.",
    no_args_is_help=True,
)


@sweep_app.command(
    epilog="Example: jqd sweep run experiments/sweeps/copying_exponents.py --out "
    "results/exponents.zarr"
)
@with_options()
def run(
    context: typer.Context,
    file: Path = typer.Argument(
        metavar="FILE", help="A Python file with `axes` and a function `point`."
    ),
    *,
    sweeping: Sweeping,
    workers: Workers,
    worker: Worker,
    seed: Annotated[int, seed_in(MODEL)] = 0,
    quick: Annotated[bool, quick_in(MODEL)] = False,
    as_json: AsJson = False,
) -> int:
    """Run a sweep, continue one that was stopped, or join one that is running.

    FILE defines `axes`, a dict of coordinates (or a table, or a function of
    `quick` that returns one of these), and `point`, a function of one value of
    each by name. It may also define dims, coords, units, constants, statuses
    and trace, as `jqd.sweep` takes them.
    """

    def alone() -> Any:
        with import_folder(file.parent):
            module = load_file(file, "point", "**coordinates")
            with failures_of(file, own_only=True):
                axes = _axes(module, file, quick=quick)
                own = {n: getattr(module, n) for n in SETTINGS if hasattr(module, n)}
                return worker.sweep(
                    module.point, axes, sweeping.out, seed=seed, **own,
                    **sweeping.settings,
                )  # fmt: skip

    dataset = workers.sweep(context.obj, sweeping.out, worker, alone)
    return worker.conclude(dataset, sweeping.out, file.stem, as_json=as_json)


@sweep_app.command(
    epilog="Example: jqd sweep work results/exponents.zarr "
    "experiments/sweeps/copying_exponents.py"
)
@with_options()
def work(
    store: str = typer.Argument(metavar="STORE", help=f"{PLACE} of a sweep."),
    file: Path = typer.Argument(
        metavar="FILE", help="The Python file with the function `point` of the sweep."
    ),
    *,
    worker: Worker,
    as_json: AsJson = False,
) -> int:
    """Join a sweep that is running; the store has its points and settings."""
    worker.prepare()
    Store(store)  # it must be there, before FILE is run
    with import_folder(file.parent):
        module = load_file(file, "point", "**coordinates")
        with failures_of(file, own_only=True):
            trace = getattr(module, "trace", True)
            dataset = worker.sweep(module.point, None, store, trace=trace)
    return worker.conclude(dataset, store, file.stem, as_json=as_json)


sweep_app.command(
    epilog="Example: jqd sweep law my_law.py --vary g=0:0.5:101 --out g.zarr"
)(law)


@sweep_app.command(epilog="Example: jqd sweep status results/exponents.zarr")
def status(
    store: str = typer.Argument(metavar="STORE", help=PLACE),
    check: bool = typer.Option(
        False, "--check", help="Read all data and compare them with their checksums."
    ),
    as_json: AsJson = False,
) -> int:
    """Print how far a sweep is, who computes which chunk, and how its points ended.

    Each lease has its chunk, host, process, and the seconds since its last
    sign of life.
    """
    opened = Store(store)
    manifest, committed = opened.manifest, opened.committed()
    damage = opened.damage() if check else {}
    points, failures = {}, {}
    if not damage:
        codes = opened.dataset()[STATUS]
        check_memory(4 * codes.nbytes, ARGUMENT, f"the status of {store}")
        codes = codes.load()
        points, raised = status_counts(codes), codes.values == FAILED
        some = (c for c in committed if raised[opened.blocks.region(c)].any())
        failures = opened.failures(islice(some, 5))
    summary = {
        "function": manifest["function"],
        "axes": {name: axis["shape"] for name, axis in manifest["axes"].items()},
        "points": opened.blocks.size,
        "chunks": f"{len(committed)} of {opened.blocks.count}",
        "status": points,
        "leases": running(opened),
        "failed chunks": given_up(opened),
        "damaged chunks": damage if check else None,
        "errors": dict(islice(failures.items(), 5)),
        "seed": manifest["seed"],
        "device": manifest["device"],
        "versions": manifest["versions"],
        "begun": opened.attributes.get("date"),
    }
    conclude(summary, [summary_table(summary, str(store))], as_json=as_json)
    return 0 if len(committed) == opened.blocks.count and not damage else 1


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

"""`jqd sweep`: a file's function at many points; `jqd sweep status`: how far it is."""

import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import jax
import numpy as np
import typer
from typer.core import TyperGroup

from ..report.tables import summary_table
from ..report.user_code import failures_of, import_folder, load_file
from ..sweeps import connect, sweep
from ..sweeps.hosts import is_first
from ..sweeps.points import STATUS
from ..sweeps.program import processor_threads
from ..sweeps.run import DamagedChunk
from ..sweeps.store import Store
from .options import AsJson, Quick, Seed
from .session import conclude

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
def run(
    file: Path = typer.Argument(
        metavar="FILE", help="A Python file with `axes` and a function `point`."
    ),
    out: Path = typer.Option(
        ..., metavar="STORE", help="Zarr store; one that is there is gone on with."
    ),
    hosts: str = typer.Option(
        None,
        help="Share the work with other processes: auto (SLURM, MPI, Kubernetes) or "
        "ADDRESS:PORT,PROCESSES,INDEX.",
    ),
    devices: int = typer.Option(
        None, min=1, help="On CPUs: how many to use; all by custom."
    ),
    batch: int = typer.Option(
        None, min=1, help="Points in one call; what memory admits by custom."
    ),
    tile: int = typer.Option(
        None, min=1, help="Points computed together. It may change the last bits."
    ),
    chunk: int = typer.Option(
        None, min=1, help="Points written together; 1/256 of all by custom."
    ),
    seed: Seed = 0,
    quick: Quick = False,
    as_json: AsJson = False,
) -> int:
    """Sweep, or go on with a sweep that was stopped.

    FILE defines `axes`, a dict of coordinates (or a table, or a function of `quick`
    that returns one of these), and `point`, a function of one value of each by name.
    It may define dims, coords, units, constants, statuses, as `jqd.sweep` takes them.
    """
    _use_processors(devices)
    warnings.simplefilter("always", DamagedChunk)
    warnings.showwarning = _note
    if hosts is not None:
        connect(hosts)
    began = time.monotonic()
    with import_folder(file.parent):
        module = load_file(file, "point", "**coordinates")
        with failures_of(file, own_only=True):
            axes = _axes(module, file, quick=quick)
            settings = {n: getattr(module, n) for n in SETTINGS if hasattr(module, n)}
            dataset = sweep(
                module.point, axes, store=out, batch=batch or "auto", seed=seed,
                tile=tile, chunk=chunk, **settings,
            )  # fmt: skip
    seconds = time.monotonic() - began
    counts = _counts(dataset[STATUS])
    summary = {
        "points": int(dataset[STATUS].size),
        "status": counts,
        "seconds": seconds,
        "store": str(out),
    }
    if is_first():
        conclude(summary, [summary_table(summary, file.stem)], as_json=as_json)
    return 0 if (dataset[STATUS] == 0).any() else 1


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
        "status": {} if damage else _counts(opened.dataset()[STATUS]),
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


def _use_processors(wanted: int | None) -> None:
    """Let every processor be a device of its own, before JAX starts.

    XLA computes the small arrays of a tile on one of them alone.
    """
    if "host_platform_device_count" in os.environ.get("XLA_FLAGS", ""):
        return
    count = processor_threads()
    # threads beside those of the devices: see `jqd.sweeps.program.usable`
    os.environ.setdefault("NPROC", str(2 * count))
    try:
        jax.config.update("jax_num_cpu_devices", wanted or count)
    except RuntimeError:  # JAX runs already, in a test for instance
        if wanted is not None and jax.local_device_count() != wanted:
            raise ValueError(
                f"Argument `--devices` must be {jax.local_device_count()} in this "
                f"process, but is {wanted}."
            ) from None


def _note(message: Any, category: Any, *where: Any, **rest: Any) -> None:
    """Warnings of a sweep are lines for its user, not for programmers."""
    del category, where, rest
    print(f"Note: {message}", file=sys.stderr)


def _counts(status: Any) -> dict[str, int]:
    """Number of points of each status, by name."""
    meanings = status.attrs["flag_meanings"].split()
    names = dict(zip(status.attrs["flag_values"], meanings, strict=True))
    codes, numbers = np.unique(status.values, return_counts=True)
    return {
        names.get(code, str(code)): number
        for code, number in zip(codes.tolist(), numbers.tolist(), strict=True)
    }

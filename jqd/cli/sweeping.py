"""What the commands that sweep share: their options, processors, what is printed."""

import dataclasses
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
import typer

from ..report.tables import summary_table
from ..sweeps import connect, sweep
from ..sweeps.hosts import is_first
from ..sweeps.points import STATUS
from ..sweeps.program import processor_threads
from ..sweeps.run import DamagedChunk
from .options import AsJson
from .session import conclude


@dataclasses.dataclass(frozen=True)
class Sweeping:
    """What every command that sweeps takes, and when it began."""

    out: Annotated[
        Path,
        typer.Option(
            metavar="STORE", help="Zarr store; one that is there is gone on with."
        ),
    ]
    hosts: Annotated[
        str | None,
        typer.Option(
            help="Share the work with other processes: auto (SLURM, MPI, Kubernetes) "
            "or ADDRESS:PORT,PROCESSES,INDEX."
        ),
    ] = None
    devices: Annotated[
        int | None,
        typer.Option(min=1, help="On CPUs: how many to use; all by custom."),
    ] = None
    batch: Annotated[
        int | None,
        typer.Option(min=1, help="Points in one call; what memory admits by custom."),
    ] = None
    tile: Annotated[
        int | None,
        typer.Option(
            min=1, help="Points computed together. It may change the last bits."
        ),
    ] = None
    chunk: Annotated[
        int | None,
        typer.Option(min=1, help="Points written together; 1/256 of all by custom."),
    ] = None
    as_json: AsJson = False
    began: float = dataclasses.field(init=False, default_factory=time.monotonic)

    def prepare(self) -> None:
        """Take processors and hosts, before anything is computed."""
        _use_processors(self.devices)
        warnings.simplefilter("always", DamagedChunk)
        warnings.showwarning = _note
        if self.hosts is not None:
            connect(self.hosts)

    def sweep(self, function: Callable[..., Any], axes: Any, **settings: Any) -> Any:
        """The dataset of a sweep into the store; see `jqd.sweep`."""
        return sweep(
            function, axes, store=self.out, batch=self.batch or "auto", tile=self.tile,
            chunk=self.chunk, **settings,
        )  # fmt: skip

    def conclude(self, dataset: Any, title: str) -> int:
        """Print how points ended; exit code 0 if one of them is sound, else 1."""
        summary = {
            "points": int(dataset[STATUS].size),
            "status": counts(dataset[STATUS]),
            "seconds": time.monotonic() - self.began,
            "store": str(self.out),
        }
        if is_first():
            conclude(summary, [summary_table(summary, title)], as_json=self.as_json)
        return 0 if (dataset[STATUS] == 0).any() else 1


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


def counts(status: Any) -> dict[str, int]:
    """Number of points of each status, by name."""
    meanings = status.attrs["flag_meanings"].split()
    names = dict(zip(status.attrs["flag_values"], meanings, strict=True))
    codes, numbers = np.unique(status.values, return_counts=True)
    return {
        names.get(code, str(code)): number
        for code, number in zip(codes.tolist(), numbers.tolist(), strict=True)
    }

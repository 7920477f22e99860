"""What the commands that sweep share: options, processors, workers, what is printed."""

import dataclasses
import os
import re
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import jax
import typer

from ..report.sweep_words import status_counts
from ..report.tables import summary_table
from ..sweeps import Local, Ray, Store, sweep
from ..sweeps.engines import through
from ..sweeps.leases import given_up, take_back
from ..sweeps.objects import Objects
from ..sweeps.points import STATUS
from ..sweeps.program import processor_threads
from ..sweeps.run import FailedChunk
from ..sweeps.work import DamagedChunk
from .options import AsJson
from .session import conclude

PLACE = "Folder, or s3://, gs:// or az:// URL, of a Zarr store"
# Who starts the workers: they themselves get the command without it.
ENGINES = ("--workers", "--ray", "--gpus-per-worker")
_ADDRESS = re.compile(r"auto|local|ray://\S+|\S+:\d+")


@dataclasses.dataclass(frozen=True)
class Worker:
    """What every worker of a sweep takes, and when it began."""

    devices: Annotated[
        int | None,
        typer.Option(min=1, help="On CPUs: how many to use; all by custom."),
    ] = None
    batch: Annotated[
        int | None,
        typer.Option(min=1, help="Points in one call; what memory admits by custom."),
    ] = None
    mixed: Annotated[
        bool,
        typer.Option("--mixed", help="Take part even on another kind of device."),
    ] = False
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Try again what was given up."),
    ] = False
    as_json: AsJson = False
    began: float = dataclasses.field(init=False, default_factory=time.monotonic)

    def sweep(
        self, function: Callable[..., Any], axes: Any, store: str, **settings: Any
    ) -> Any:
        """Be a worker; the dataset. See `jqd.sweep`."""
        here = threading.current_thread() is threading.main_thread()
        if here and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            # a worker that is told to end gives back what it has begun
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        return sweep(
            function, axes, store=store, batch=self.batch or "auto", mixed=self.mixed,
            retry_failed=self.retry_failed, **settings,
        )  # fmt: skip

    def prepare(self) -> None:
        """Take processors, before anything is computed."""
        _use_processors(self.devices)
        for category in (DamagedChunk, FailedChunk):
            warnings.simplefilter("always", category)
        warnings.showwarning = _note

    def conclude(self, dataset: Any, store: str, title: str) -> int:
        """Print how points ended; 0 if all were computed and one is sound, else 1."""
        failed = given_up(Store(store))
        summary = {
            "points": int(dataset[STATUS].size),
            "status": status_counts(dataset[STATUS]),
            "failed chunks": failed,
            "seconds": time.monotonic() - self.began,
            "store": store,
        }
        conclude(summary, [summary_table(summary, title)], as_json=self.as_json)
        return 0 if (dataset[STATUS] == 0).any() and not failed else 1


@dataclasses.dataclass(frozen=True)
class Sweeping:
    """What every command that begins a sweep takes beside."""

    out: Annotated[
        str,
        typer.Option(
            metavar="STORE", help=f"{PLACE}; one that is there is gone on with."
        ),
    ]
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Processes that share the work; on this machine, or Ray's."
        ),
    ] = None
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="[ADDRESS]", help="Let Ray start workers: on its cluster, or here."
        ),
    ] = None
    gpus_per_worker: Annotated[
        float | None,
        typer.Option(min=0, help="With --ray: 1 if there are any."),
    ] = None
    lease: Annotated[
        float | None,
        typer.Option(
            min=1,
            help="Seconds without a sign of life after which a worker has lost its "
            "chunk; 120 by custom.",
        ),
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

    @property
    def settings(self) -> dict[str, Any]:
        """Of a new store."""
        return {"lease": self.lease, "tile": self.tile, "chunk": self.chunk}

    def carry_out(
        self,
        words: Sequence[str],
        worker: Worker,
        title: str,
        alone: Callable[[], Any],
    ) -> int:
        """Sweep, alone or by workers that are given the same command.

        Args:
            words: the command.
            worker: its options as a worker.
            title: of what is printed.
            alone: sweeps in this process, and returns the dataset.
        """
        if self.ray is None and self.workers in (None, 1):
            worker.prepare()
            return worker.conclude(alone(), self.out, title)
        if self.ray is None:
            engine = Local(self.workers or 1)
        else:
            address = None if self.ray == "local" else self.ray
            engine = Ray(address, self.workers, self.gpus_per_worker)
        if worker.retry_failed and Objects(self.out).is_there():
            take_back(Store(self.out))  # once, not by each worker that begins
        arguments = (os.getcwd(), _without(words, ENGINES, ("--retry-failed",)))
        store = through(
            engine, f"{__name__}:run_command", arguments, self.out, show=True
        )
        return worker.conclude(store.dataset(), self.out, title)


def run_command(folder: str, words: Sequence[str]) -> int:
    """`jqd` in a folder, as a worker of an engine."""
    from . import main

    os.chdir(folder)
    return main(words)


def with_address(words: Sequence[str]) -> list[str]:
    """Let `--ray` without an address be one for this machine."""
    found = []
    for word, after in zip(words, (*words[1:], ""), strict=True):
        found.append(word)
        if word == "--ray" and not _ADDRESS.fullmatch(after):
            found.append("local")
    return found


def _without(
    words: Sequence[str], options: Sequence[str], flags: Sequence[str] = ()
) -> list[str]:
    """A command without some options and their values, and without some flags."""
    words = with_address(words)
    before = ("", *words[:-1])
    return [
        word
        for word, last in zip(words, before, strict=True)
        if last not in options and word.partition("=")[0] not in (*options, *flags)
    ]


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

"""What the commands that sweep share: options, processors, workers, what is printed."""

import dataclasses
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from ..report.sweep_words import status_counts
from ..report.tables import summary_table
from ..sweeps import Local, Ray, Store, sweep
from ..sweeps.engines import Engine, through
from ..sweeps.leases import given_up, take_back
from ..sweeps.objects import Objects
from ..sweeps.points import STATUS
from ..sweeps.program import use_processors
from ..sweeps.run import FailedChunk
from ..sweeps.work import DamagedChunk
from .options import OUTPUT, WORKERS
from .session import conclude

PLACE = "Folder, or s3://, gs:// or az:// URL, of a Zarr store"
# Who starts the workers: they themselves get the command without it.
ENGINES = ("--workers", "--ray", "--gpus-per-worker")


def lease_of(default: str) -> Any:
    """The option `--lease`, with what holds without it."""
    return WORKERS.option(
        min=1,
        help="Seconds without a sign of life after which a worker loses its chunk.",
        show_default=default,
    )


@dataclasses.dataclass(frozen=True)
class Worker:
    """What every worker of a sweep takes, and when it began."""

    devices: Annotated[
        int | None,
        WORKERS.option(
            min=1, help="Number of processors to use, on CPUs; all by default."
        ),
    ] = None
    batch: Annotated[
        int | None,
        WORKERS.option(
            min=1,
            help="Points computed in one call; as many as memory admits by default.",
        ),
    ] = None
    mixed: Annotated[
        bool,
        WORKERS.option(
            "--mixed",
            help="Take part even on another kind of device, which may round "
            "differently.",
        ),
    ] = False
    retry_failed: Annotated[
        bool,
        WORKERS.option("--retry-failed", help="Retry the chunks that were given up."),
    ] = False
    began: float = dataclasses.field(init=False, default_factory=time.monotonic)

    def sweep(
        self, function: Callable[..., Any], axes: Any, store: str, **settings: Any
    ) -> Any:
        """Be a worker, or let an engine start some; the dataset. See `jqd.sweep`."""
        if settings.get("engine") is not None and self.devices is not None:
            raise ValueError(
                "Argument `--devices` must not be given with --workers or --ray, whose "
                "workers take what they have, but is."
            )
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
        use_processors(self.devices)
        for category in (DamagedChunk, FailedChunk):
            warnings.simplefilter("always", category)
        warnings.showwarning = _note

    def conclude(
        self, dataset: Any, store: str, title: str, *, as_json: bool = False
    ) -> int:
        """Print how points ended; 0 if all were computed and one is sound, else 1."""
        failed = given_up(Store(store))
        summary = {
            "points": int(dataset[STATUS].size),
            "status": status_counts(dataset[STATUS]),
            "failed chunks": failed,
            "seconds": time.monotonic() - self.began,
            "store": store,
        }
        conclude(summary, [summary_table(summary, title)], as_json=as_json)
        return 0 if (dataset[STATUS] == 0).any() and not failed else 1


@dataclasses.dataclass(frozen=True)
class Workers:
    """Who shares the work, for commands that may take long."""

    workers: Annotated[
        int | None,
        WORKERS.option(
            min=1,
            help="Number of processes that share the work, on this machine or, with "
            "--ray, where Ray starts them.",
        ),
    ] = None
    ray: Annotated[
        str | None,
        WORKERS.option(
            metavar="[ADDRESS]",
            help="Let Ray start the workers: on the cluster at ADDRESS, or, without "
            "one, on this machine.",
        ),
    ] = None
    gpus_per_worker: Annotated[
        float | None,
        WORKERS.option(
            min=0,
            help="GPUs of each worker, with --ray; 1 by default if there are any.",
        ),
    ] = None

    def engine(self) -> Engine | None:
        """Who starts them; None for this process alone."""
        if self.ray is not None:
            address = None if self.ray == "local" else self.ray
            return Ray(address, self.workers, self.gpus_per_worker)
        return None if self.workers in (None, 1) else Local(self.workers)

    def sweep(
        self,
        words: Sequence[str],
        store: str,
        worker: Worker,
        alone: Callable[[], Any],
    ) -> Any:
        """Sweep, alone or by workers that are given a command; the dataset.

        Args:
            store: where it works.
            alone: sweeps in this process, and returns the dataset.
        """
        engine = self.engine()
        if engine is None:
            worker.prepare()
            return alone()
        if worker.retry_failed and Objects(store).is_there():
            take_back(Store(store))  # once, not by each worker that begins
        arguments = (os.getcwd(), _without(words, ENGINES, ("--retry-failed",)))
        target = f"{__name__}:run_command"
        return through(engine, target, arguments, store, show=True).dataset()


@dataclasses.dataclass(frozen=True)
class Sweeping:
    """What every command that begins a sweep takes beside."""

    out: Annotated[
        str,
        OUTPUT.option(
            metavar="STORE", help=f"{PLACE}; a sweep that is there already continues."
        ),
    ]
    lease: Annotated[float | None, lease_of("120")] = None
    tile: Annotated[
        int | None,
        WORKERS.option(
            min=1,
            help="Points computed together. Another number may change the last bits.",
        ),
    ] = None
    chunk: Annotated[
        int | None,
        WORKERS.option(min=1, help="Points written together; 1/256 of all by default."),
    ] = None

    @property
    def settings(self) -> dict[str, Any]:
        """Of a new store."""
        return {"lease": self.lease, "tile": self.tile, "chunk": self.chunk}


def run_command(folder: str, words: Sequence[str]) -> int:
    """`jqd` in a folder, as a worker of an engine."""
    from . import main

    os.chdir(folder)
    return main(words)


def _without(
    words: Sequence[str], options: Sequence[str], flags: Sequence[str] = ()
) -> list[str]:
    """A command without some options and their values, and without some flags."""
    before = ("", *words[:-1])
    return [
        word
        for word, last in zip(words, before, strict=True)
        if last not in options and word.partition("=")[0] not in (*options, *flags)
    ]


def _note(message: Any, category: Any, *where: Any, **rest: Any) -> None:
    """Warnings of a sweep are lines for its user, not for programmers."""
    del category, where, rest
    print(f"Note: {message}", file=sys.stderr)

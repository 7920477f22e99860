"""Engines start the workers of a sweep. Only the store says which chunks are done.

An engine makes a number of fresh processes call a function of a module with plain
arguments. Each process is a worker, which takes chunks until none is left.
"""

import contextlib
import importlib
import io
import multiprocessing
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .claims import PAUSE
from .leases import given_up
from .objects import Objects
from .progress import Progress, how_far
from .store import ROOT, Store, SweepError

# Seconds between two checks while waiting for workers.
LOOK = 0.2
PREFIX = "Error: "


class Engine(Protocol):
    """Starts workers."""

    def run(
        self, target: str, arguments: tuple[Any, ...], look: Callable[[], bool]
    ) -> list[tuple[int, str]]:
        """Make workers call a function, and return when they have ended.

        Args:
            target: MODULE:FUNCTION.
            arguments: its arguments; plain data.
            look: called from time to time: shows the progress, and says whether all is
                done.

        Returns:
            Exit code and last line of each worker that ended by itself.
        """
        ...


@dataclass(frozen=True)
class Local:
    """Processes on this machine, each with its share of the processors.

    Attributes:
        workers: number of processes.
    """

    workers: int

    def run(
        self, target: str, arguments: tuple[Any, ...], look: Callable[[], bool]
    ) -> list[tuple[int, str]]:
        """See `Engine`."""
        # a fork of a process in which JAX runs may hang
        context = multiprocessing.get_context("spawn")
        with tempfile.TemporaryDirectory(prefix="jqd-workers-") as folder:
            workers = {
                log: context.Process(target=_child, args=(str(log), target, arguments))
                for log in (Path(folder) / str(i) for i in range(self.workers))
            }
            try:
                for worker, cores in zip(
                    workers.values(), shares(self.workers), strict=True
                ):
                    with _on(cores):
                        worker.start()
                while any(worker.is_alive() for worker in workers.values()):
                    time.sleep(LOOK)
                    look()
            finally:
                for worker in workers.values():
                    if worker.is_alive():
                        worker.terminate()  # it gives its leases back
                for worker in workers.values():
                    worker.join()
            return [
                (worker.exitcode or 0, last_line(log.read_text(errors="replace")))
                for log, worker in workers.items()
            ]


def shares(workers: int) -> list[list[int]]:
    """The processors of each worker; empty where the system does not list them."""
    if not hasattr(os, "sched_getaffinity"):
        return [[]] * workers
    cores = sorted(os.sched_getaffinity(0))
    n = len(cores)
    if workers > n:
        return [[cores[i % n]] for i in range(workers)]
    return [cores[i * n // workers : (i + 1) * n // workers] for i in range(workers)]


@contextlib.contextmanager
def _on(cores: list[int]) -> Iterator[None]:
    """Let processes that are started here run on some processors alone."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _child(log: str, target: str, arguments: tuple[Any, ...]) -> None:
    # the parent handles an interrupt from the keyboard, and ends this process in order
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ.pop("NPROC", None)  # its share of the processors says more
    with open(log, "w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.exit(call(target, arguments))


def call(target: str, arguments: tuple[Any, ...]) -> int:
    """Call MODULE:FUNCTION; errors give a code and a last line, as in `jqd`."""
    module, _, name = target.partition(":")
    try:
        return getattr(importlib.import_module(module), name)(*arguments)
    except KeyboardInterrupt as error:
        print(f"{PREFIX}interrupted; {error}", file=sys.stderr)
        return 1
    except (ValueError, OSError) as error:
        print(f"{PREFIX}{error}", file=sys.stderr)
        return 2
    except Exception as error:
        traceback.print_exc()
        print(f"{PREFIX}{type(error).__name__}: {error}", file=sys.stderr)
        return 1


def call_quietly(target: str, arguments: tuple[Any, ...]) -> tuple[int, str]:
    """As `call`, with its last line instead of all that it prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        code = call(target, arguments)
    return code, last_line(said.getvalue())


def last_line(text: str) -> str:
    """The last line that is not empty."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


def through(
    engine: Engine,
    target: str,
    arguments: tuple[Any, ...],
    place: str | Path,
    *,
    show: bool,
) -> Store:
    """Run a sweep with the workers of an engine.

    Args:
        engine: starts the workers.
        target: MODULE:FUNCTION, which each of them calls.
        arguments: its arguments.
        place: the store.
        show: whether to show the progress.

    Returns:
        The store, with all chunks that were not given up.

    Raises:
        ValueError: a worker refused its arguments.
        SweepError: a worker failed otherwise, or all of them were lost.
    """
    objects, known = Objects(place), set()
    store: Store | None = None
    looked = 0.0
    with contextlib.ExitStack() as bars:
        bar: Progress | None = None

        def look(*, now: bool = False) -> bool:
            nonlocal store, bar, looked
            if bar is not None:
                bar.look()
            if not now and time.monotonic() - looked < PAUSE:
                return False
            looked = time.monotonic()
            if store is None:
                if not objects.is_there() or objects.get(ROOT) is None:
                    return False
                store = Store(objects)
                bar = bars.enter_context(Progress(store, known, show=show))
            known.update(store.committed())
            missing = store.blocks.count - len(known)
            return not missing or missing == len(given_up(store))

        for code, line in engine.run(target, arguments, look):
            if line.startswith(PREFIX) and not line.startswith(f"{PREFIX}interrupted"):
                kind = ValueError if code == 2 else SweepError
                raise kind(line.removeprefix(PREFIX))
        if not look(now=True):
            where = how_far(store) if store else "nothing is done"
            raise SweepError(f"workers were lost; {where}; the same call goes on")
    return Store(objects)

"""Live progress of a sweep: points, rate, remaining time."""

import sys
import time
from typing import Any

from .store import Store

# Seconds between two looks at the store, and between two lines of a log.
LOOK, LINE = 0.5, 60.0


class Progress:
    """A bar on a terminal, a line a minute in a log; both on standard error.

    Under several hosts each shows what all have committed.
    """

    def __init__(self, store: Store, size: int, *, show: bool):
        """A bar.

        Args:
            store: the store.
            size: points of the sweep.
            show: whether to show anything at all.
        """
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self._store, self._size = store, size
        self._lines = show and not console.is_terminal
        self._bar = Progress(
            TextColumn("Sweeping"),
            BarColumn(),
            TextColumn("{task.completed:,}/{task.total:,} points"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not (show and console.is_terminal),
        )
        self._first = self._done()
        self._began = self._looked = self._told = time.monotonic()
        self._task = self._bar.add_task(
            "sweep", total=size, completed=self._first, rate=""
        )

    def look(self) -> None:
        """Look how far all are, twice a second at most."""
        now = time.monotonic()
        if now - self._looked < LOOK:
            return
        self._looked = now
        done = self._done()
        rate = (done - self._first) / max(now - self._began, 1e-9)
        self._bar.update(self._task, completed=done, rate=f"{rate:,.0f}/s")
        if self._lines and now - self._told >= LINE:
            self._told = now
            left = (self._size - done) / rate / 60 if rate > 0 else float("inf")
            print(
                f"{done:,} of {self._size:,} points, {rate:,.0f}/s, "
                f"{left:.0f} min left",
                file=sys.stderr,
                flush=True,
            )

    def _done(self) -> int:
        """Points committed; the last chunks of a row may be shorter than the rest."""
        chunks = len(self._store.committed())
        if chunks == self._store.blocks.count:
            return self._size
        return min(chunks * self._store.blocks.most, self._size)

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._looked = float("-inf")
        self.look()
        self._bar.stop()

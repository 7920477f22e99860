"""The progress of a sweep: a bar on a terminal, a line a minute in a log."""

import sys
import time
from typing import Any

from .._bars import bars
from .claims import PAUSE
from .store import Store

# Seconds between two checks of what is done, and between two lines of a log.
LOOK, LINE = 0.5, 60.0
# Fraction of the time that may be spent on listing commits.
SHARE = 0.02


class Progress:
    """Shows on standard error what all workers have committed."""

    def __init__(self, store: Store, known: set[int], *, show: bool):
        """Prepare a progress bar.

        Args:
            store: the store.
            known: chunks known to be committed; grows.
            show: whether to show anything at all.
        """
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

        self._store, self._known, self._show = store, known, show
        self._bar = bars(
            TextColumn("Sweeping"),
            BarColumn(),
            TextColumn("{task.completed:,}/{task.total:,} points"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            show=show,
        )
        self._lines = show and getattr(self._bar, "disable", False)
        self._first, self._pause = self._done(), PAUSE
        self._began = self._looked = self._told = self._listed = time.monotonic()
        self._task = self._bar.add_task(
            "Sweeping", total=store.blocks.size, completed=self._first, rate=""
        )

    def look(self) -> None:
        """Show the progress of all workers, at most twice a second."""
        now = time.monotonic()
        if not self._show or now - self._looked < LOOK:
            return
        if now - self._listed > self._pause:
            self._known.update(self._store.committed())
            self._listed = time.monotonic()
            self._pause = max(PAUSE, (self._listed - now) / SHARE)
        self._looked = now
        done, size = self._done(), self._store.blocks.size
        rate = (done - self._first) / max(now - self._began, 1e-9)
        self._bar.update(self._task, completed=done, rate=f"{rate:,.0f}/s")
        if self._lines and now - self._told >= LINE:
            self._told = now
            left = f", {(size - done) / rate / 60:.0f} min left" if rate > 0 else ""
            text = f"{done:,} of {size:,} points, {rate:,.0f}/s{left}"
            print(text, file=sys.stderr, flush=True)

    def _done(self) -> int:
        """Points committed."""
        return self._store.blocks.points(self._known)

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._looked = float("-inf")
        self.look()
        self._bar.stop()


def how_far(store: Store) -> str:
    """The number of chunks that are done, in words."""
    return (
        f"{len(store.committed())} of {store.blocks.count} chunks are in {store.place}"
    )

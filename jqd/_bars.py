"""Bars of progress: rich's in a terminal, plain text in a notebook; in a log none, or
lines."""

import re
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

# Seconds between two looks of a bar of text, and its width.
PAUSE, WIDTH = 0.2, 30

# A space between a number and its unit.
_UNIT = re.compile(r"(?<=\d) (?=(?:%|s|min|h|[kMG]i?B)(?!\w))")

# Seconds of a task before a log has a line of it: a short one needs none.
PATIENCE = 2.0


def plain_console(*, stderr: bool = False) -> Any:
    """A console of rich that prints texts as they are.

    Names and messages of the user may hold what rich takes for markup or emojis.
    """
    from rich.console import Console

    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def in_lines(text: str, width: int) -> str:
    """A text in lines of this width, of which none breaks before a unit.

    Rich breaks a line at every space, of those that are no place to break as well.
    """

    def lines(one: str) -> str:
        return textwrap.fill(
            _UNIT.sub("\xa0", one), width, expand_tabs=False, replace_whitespace=False,
            break_on_hyphens=False,
        )  # fmt: skip

    each = map(lines, text.split("\n"))
    return "\n".join(each).replace("\xa0", " ")


def bars(
    *columns: Any, transient: bool = False, show: bool = True, lines: bool = False
) -> Any:
    """Bars that fit where the program runs.

    A terminal has rich's bars on standard error. A notebook has a line of text, which
    needs no widgets. A log, or a pipe, has none, or lines of text.

    Args:
        columns: of rich's bars; its own by default.
        transient: whether rich's bars go when they are done.
        show: whether there are any at all.
        lines: whether a log has a line for each tenth of the work.

    Returns:
        `rich.progress.Progress`, or what has its `start`, `stop`, `add_task`, `update`,
        `track` and `console`.
    """
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    console = plain_console(stderr=True)
    if console.is_jupyter and show:
        return TextBars()
    if lines and show and not console.is_terminal:
        return Lines()
    if not columns:  # rich's own take markup
        text = TextColumn("{task.description}", markup=False)
        columns = (text, BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    silent = not (show and console.is_terminal)
    return Progress(*columns, console=console, transient=transient, disable=silent)


@contextmanager
def progress(
    label: str = "Working", *, lines: bool = False
) -> Iterator[Callable[[str, int, int], None]]:
    """Show progress in a bar, by the argument `report` of `jqd.recover` and others.

    This is a context manager. In a terminal the bar is rich's, in a notebook a line of
    text, elsewhere there is none; nor is there one before something is reported.

    Args:
        label: what is being done; a second stage of it has a bar of its own.
        lines: whether a log has a line for each tenth of the work.

    Yields:
        A function of (stage, done, total).
    """
    shown = bars(transient=True, lines=lines)
    tasks: dict[str, Any] = {}

    def report(stage: str, done: int, total: int) -> None:
        if not tasks:
            shown.start()
        if stage not in tasks:
            name = f"{label}: {stage}" if tasks else label
            tasks[stage] = shown.add_task(name, total=total)
        shown.update(tasks[stage], completed=done, total=total)

    try:
        yield report
    finally:
        if tasks:
            shown.stop()


class Lines:
    """Lines on standard error: one for each tenth of a task that takes a while."""

    def __init__(self) -> None:
        self._tasks: list[dict[str, Any]] = []

    def start(self) -> None:
        """Nothing is to be prepared."""

    def stop(self) -> None:
        """The lines stay."""

    def add_task(self, description: str, total: float | None = None, **_: Any) -> int:
        """A new task; its number."""
        begun = {"text": description, "total": total, "tenths": -1}
        self._tasks.append(begun | {"began": time.monotonic()})
        return len(self._tasks) - 1

    def update(
        self, task: int, *, completed: float, total: float | None = None, **_: Any
    ) -> None:
        """How far a task is; said once for each tenth."""
        own = self._tasks[task]
        own["total"] = own["total"] if total is None else total
        tenths = int(10 * completed / own["total"]) if own["total"] else 0
        seconds = time.monotonic() - own["began"]
        if tenths > own["tenths"] and seconds >= PATIENCE:
            own["tenths"] = tenths
            said = f"{own['text']} {completed:,}/{own['total']:,} ({seconds:.0f} s)"
            print(said, file=sys.stderr, flush=True)

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


class TextBars:
    """Bars of text on standard output, each on a line that is written over."""

    def __init__(self) -> None:
        self._tasks: list[dict[str, Any]] = []
        self._last: int | None = None
        self._looked = 0.0

    @property
    def console(self) -> Any:
        """Where other lines are printed."""
        from rich.console import Console

        self._end_line()
        return Console(force_jupyter=False, force_terminal=False, width=100)

    def start(self) -> None:
        """Nothing is to be prepared."""

    def stop(self) -> None:
        """The last state of each bar stays."""
        if self._last is not None:
            self._show(self._last)
        self._end_line()

    def add_task(
        self, description: str, total: float | None = None, completed: float = 0,
        **_: Any,
    ) -> int:  # fmt: skip
        """A new bar; its number."""
        task = {"text": description, "total": total, "done": completed}
        self._tasks.append(task | {"began": time.monotonic(), "first": completed})
        return len(self._tasks) - 1

    def update(
        self, task: int, *, completed: float | None = None, total: float | None = None,
        **_: Any,
    ) -> None:  # fmt: skip
        """Move a bar; it is written again a few times a second, and at its end."""
        own = self._tasks[task]
        own["done"] = own["done"] if completed is None else completed
        own["total"] = own["total"] if total is None else total
        now, ends = time.monotonic(), own["done"] == own["total"]
        if task != self._last or ends or now - self._looked >= PAUSE:
            self._looked = now
            self._show(task)

    def track(self, items: Iterable[Any], description: str = "") -> Iterator[Any]:
        """The items, with a bar."""
        total = len(items) if hasattr(items, "__len__") else None  # pyright: ignore
        task = self.add_task(description, total=total)
        for done, item in enumerate(items, 1):
            yield item
            self.update(task, completed=done)

    def __enter__(self) -> "TextBars":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _show(self, task: int) -> None:
        if self._last not in (None, task):
            self._end_line()
        own, self._last = self._tasks[task], task
        seconds = time.monotonic() - own["began"]
        done, total = own["done"], own["total"]
        text = f"{own['text']} {done:,}"
        if total:
            full = round(WIDTH * min(done / total, 1))
            bar = "█" * full + "░" * (WIDTH - full)
            text = f"{own['text']} {bar} {done:,}/{total:,}"
            rate = (done - own["first"]) / max(seconds, 1e-9)
            if rate > 0 and done < total:
                text += f", {(total - done) / rate:.0f} s left"
        text += f" ({seconds:.0f} s)"
        # spaces hide what a longer line has left
        sys.stdout.write(f"\r{text:<90}")
        sys.stdout.flush()

    def _end_line(self) -> None:
        if self._last is not None:
            sys.stdout.write("\n")
            sys.stdout.flush()
            self._last = None

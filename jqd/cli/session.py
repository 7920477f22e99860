"""What commands share: progress, the run folder, what is written, what is printed."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import jax
import numpy as np
import typer
from rich.console import RenderableType
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from .. import report
from .._bars import bars, in_lines, plain_console
from .._files import OutputError, atomic_file, finished_work_in, to_json, writing
from .._redaction import without_secrets
from ..records import help_text
from ..report.store import TAKEN
from .options import DATA, MODEL, Common, HelpSection

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


def takes(kind: str, more: str = "", panel: HelpSection = DATA) -> Any:
    """An option for a file, described by the table of formats.

    Args:
        kind: one of `records.kinds.KINDS`.
    """
    return panel.option(help=f"{help_text(kind)} {more}".strip())


def takes_argument(kind: str) -> Any:
    """The argument of a command that is a file, described likewise."""
    return typer.Argument(help=help_text(kind))


Matrix = Annotated[Path | None, takes("matrix", panel=MODEL)]
State = Annotated[Path | None, takes("state", panel=MODEL)]
STAGES = {
    "search": "Searching",
    "polish": "Polishing",
    "limits": "Finding limits",
    "sample": "Sampling",
}
SUCCESS = ("converged", "ok")


class Session:
    """Progress bars and the run folder, from the first report on.

    Input that `recover` refuses leaves neither bars nor a folder; a folder that cannot
    be written is found out before the search, not after it.
    """

    def __init__(
        self,
        out: Path,
        *,
        resume_with: str = "",
        resume: bool = False,
        plan: str = "",
    ):
        """Bars and folder.

        Args:
            out: the wanted folder, never overwritten.
            resume_with: command that goes on, if any, with the folder after it.
            resume: whether to go on in that folder itself.
            plan: what is said on standard error before anything is computed.
        """
        self._out, self._resume, self._resume_with = out, resume, resume_with
        self._folder: Path | None = None
        self._plan = plan
        self._progress = bars(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
            lines=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._stack = ExitStack()

    @property
    def folder(self) -> Path:
        """The run folder, taken when it is first asked for."""
        if self._folder is None:
            new = report.new_run_folder
            self._folder = self._out if self._resume else new(self._out)
            self._stack.enter_context(finished_work_in(self._folder, self._resume_with))
            if self._plan:
                typer.echo(self._plan, err=True)
        return self._folder

    def advance(self, stage: str, done: int, total: int) -> None:
        """Move the bar of one stage."""
        if not self._tasks:
            _ = self.folder
            self._stack.enter_context(self._progress)
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(STAGES[stage], total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)

    def hide(self) -> None:
        """Leave the bars as they are: what is printed now is the result."""
        self._progress.stop()

    def keep(self, starts: jax.Array, ends: jax.Array, history: jax.Array) -> None:
        """Write what the search has found so far, whole or not at all."""
        path = self.folder / "search.npz"
        with atomic_file(path) as draft, draft.open("wb") as file:
            np.savez(file, starts=starts, ends=ends, history=history)

    def __enter__(self) -> "Session":
        check_parent(self._out / "summary.json")
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)


class Outcome(NamedTuple):
    """What a command has found.

    Attributes:
        summary: what `--json` prints; its status decides on the exit code.
        printed: tables and sentences for a person.
        details: what summary.json holds beyond the summary.
        dataset: makes the dataset for data.zarr, or None. It is called when the result
            is printed: what writes takes as long to import as JAX.
        figures: draws the figures, by name, once the numbers are written.
        scratch: what the run kept in its folder in case that it is stopped.
    """

    summary: Mapping[str, Any]
    printed: Sequence[RenderableType]
    details: Mapping[str, Any]
    dataset: "Callable[[], xr.Dataset | None]"
    figures: "Callable[[], Mapping[str, Figure]]"
    scratch: str = "search.npz"


def carry_out(
    common: Common,
    work: Callable[[Session], Outcome],
    session: Session | None = None,
) -> int:
    """Do the work of a command under progress bars, print what it finds, write it.

    Args:
        session: another one than that of `common.out`.

    Returns:
        Exit code: 0 if the status is a success, else 1.
    """
    with session or Session(common.out) as session:
        found, folder = work(session), session.folder
        session.hide()
        try:
            code = conclude(found.summary, found.printed, as_json=common.as_json)
        finally:  # also where who reads a pipe has gone
            # the numbers first: a figure may fail, and a fit may have taken hours
            kept = {**found.summary, **found.details}
            report.write_json(kept, folder / "summary.json")
        dataset = found.dataset()
        if dataset is not None:
            report.write_dataset(dataset, folder / "data.zarr")
        write_figures(found.figures, folder)
        _discard(folder / found.scratch)  # the results hold it now
    if not common.as_json:
        seconds = common.seconds()
        plain_console().print(f"Results in {folder} ({seconds:.0f} s)")
    return code


def write_figures(
    draw: "Callable[[], Mapping[str, Figure]]", folder: Path
) -> list[Path]:
    """Draw figures and write them: their files, or none and a line on what failed."""
    with unless_it_fails("figures"):
        figures = draw()
        return report.save_figures(figures, folder) if figures else []
    return []


def check_parent(file: Path) -> None:
    """Raise where a file of `--out` can have no folder, before anything is computed."""
    above = next(one for one in file.absolute().parents if one.exists())
    reason = "Permission denied" if above.is_dir() else "Not a directory"
    if not (above.is_dir() and os.access(above, os.W_OK | os.X_OK)):
        raise OutputError.of(file.parent, "--out", reason)


def make_parent(file: Path) -> None:
    """Make the folder of a file of `--out`, once there is something to write."""
    with writing(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)


@contextmanager
def run_folder(out: Path | None) -> Iterator[Path | None]:
    """A new run folder; where the block fails, none that is empty is left."""
    if out is None:
        yield None
        return
    own = out.exists()  # a folder of the user stays
    folder = report.new_run_folder(out)
    try:
        yield folder
    except BaseException:
        if [one.name for one in folder.iterdir()] == [TAKEN]:
            (folder / TAKEN).unlink()
            if not (own and folder.samefile(out)):
                folder.rmdir()
        raise


@contextmanager
def unless_it_fails(what: str) -> Iterator[None]:
    """Let trouble with a picture be one line: the numbers do without it."""
    try:
        yield
    except Exception as error:
        line = " ".join(f"{type(error).__name__}: {error}".split())
        typer.echo(f"There are no {what}: {without_secrets(line)}", err=True)


def conclude(
    summary: Mapping[str, Any], printed: Sequence[RenderableType], *, as_json: bool
) -> int:
    """Print what was found; the exit code: 0 if its status is a success, else 1."""
    if as_json:
        print(to_json(summary))
    else:
        console = plain_console()
        for part in printed:
            text = isinstance(part, str)
            console.print(in_lines(part, console.width) if text else part)
    return 0 if summary.get("status", "ok") in SUCCESS else 1


def conclude_in(
    folder: Path | None,
    summary: Mapping[str, Any],
    printed: Sequence[RenderableType],
    figures: "Callable[[], Mapping[str, Figure]]",
    *,
    as_json: bool,
) -> int:
    """Write and draw what was found, where there is a folder; then `conclude`."""
    if folder is not None:
        with finished_work_in(folder, ""):
            kept = {**summary, "provenance": report.provenance()}
            report.write_json(kept, folder / "summary.json")
            write_figures(figures, folder)
        printed = [*printed, f"Results in {folder}"]
    return conclude(summary, printed, as_json=as_json)


def table_of(
    title: str, headings: Sequence[str], lines: Sequence[Sequence[str]]
) -> Table:
    """A table whose first column keeps in one line at any width, if it is short."""
    table = Table(
        title=title or None,
        title_justify="left",
        show_edge=False,
        pad_edge=False,
    )
    # the first column holds names; of numbers, digits fold
    names = min(18, max(len(line[0]) for line in lines))
    table.add_column(headings[0], style="bold", overflow="fold", min_width=names)
    for heading in headings[1:]:
        table.add_column(heading, overflow="fold")
    for line in lines:
        table.add_row(*line)
    return table


def overall(statuses: Iterable[str]) -> str:
    """The status of several fits together: the first that is no success."""
    return next((one for one in statuses if one not in SUCCESS), "converged")


def _discard(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

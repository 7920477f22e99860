"""What `jqd recover` and `jqd sample` share: progress, folder, figures, tables."""

import importlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from .. import report
from .._files import atomic_file, finished_work_in, to_json
from ..inference import Recovery, loss_plane

Plane = tuple[np.ndarray, np.ndarray, np.ndarray]

STAGES = {
    "search": "Searching",
    "polish": "Polishing",
    "sample": "Sampling",
    "report": "Drawing",
}


class Session:
    """Progress bars and the run folder, from the first report on.

    Input that `recover` refuses leaves neither bars nor a folder; a folder that cannot
    be written is found out before the search, not after it.
    """

    def __init__(self, out: Path, *, resume_with: str = "", resume: bool = False):
        """Bars and folder.

        Args:
            out: the wanted folder, never overwritten.
            resume_with: command that goes on, if any, with the folder after it.
            resume: whether to go on in that folder itself.
        """
        self._out, self._resume, self._resume_with = out, resume, resume_with
        self._folder: Path | None = None
        self._progress = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
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
        return self._folder

    def advance(self, stage: str, done: int, total: int) -> None:
        """Move the bar of one stage."""
        if not self._tasks:
            _ = self.folder
            # while the machine computes, Python has time
            threading.Thread(target=_import_what_draws).start()
            self._stack.enter_context(self._progress)
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(STAGES[stage], total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)

    def keep(self, starts: jax.Array, ends: jax.Array, history: jax.Array) -> None:
        """Write what the search has found so far, whole or not at all."""
        path = self.folder / "search.npz"
        with atomic_file(path) as draft, draft.open("wb") as file:
            np.savez(file, starts=starts, ends=ends, history=history)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)


def _import_what_draws() -> None:
    """Import what the results are drawn and written with."""
    with suppress(ImportError):  # it will be said where it is needed
        for kind in ("agg", "svg"):
            importlib.import_module(f"matplotlib.backends.backend_{kind}")
        importlib.import_module("jqd.report.recovery_figures")
        importlib.import_module("xarray").backends.list_engines()


def landscape_of(recovery: Recovery) -> Plane | None:
    """The loss over the plane of the first two constants, where there are two."""
    if len(recovery.constants) < 2:
        return None
    low, high = map(np.asarray, recovery.study.bounds())
    starts = np.asarray(recovery.starts)
    low = np.minimum(low, starts.min(axis=0))
    high = np.maximum(high, starts.max(axis=0))
    x, y = (np.linspace(low[i], high[i], 41) for i in (0, 1))
    # a picture needs no more than coarse steps
    study = recovery.study.with_substeps(4)
    loss = loss_plane(
        study, jnp.asarray(recovery.theta), jnp.asarray(x), jnp.asarray(y)
    )
    return x, y, np.asarray(loss)


def draw(
    folder: Path, recovery: Recovery, names: Sequence[str], *, landscape: bool = True
) -> Plane | None:
    """The figures of a fit: data and law, residuals, loss plane, which is returned."""
    if not landscape:
        _draw_fit(folder, recovery, names)
        return None
    with ThreadPoolExecutor(1) as beside:
        plane = beside.submit(landscape_of, recovery)
        _draw_fit(folder, recovery, names)
        draw_landscape(folder, recovery, plane.result())
    return plane.result()


def _draw_fit(folder: Path, recovery: Recovery, names: Sequence[str]) -> None:
    ts, observed = np.asarray(recovery.ts), _table(recovery.observed)
    fitted, start = _table(recovery.prediction), _table(recovery.start_prediction)
    held = None
    if recovery.held_out_rows:
        held = float(ts[-recovery.held_out_rows])
    with report.house_style():
        figures = {
            "fit": report.figure_fit(ts, observed, fitted, start, names, held),
            "residuals": report.figure_residuals(
                ts, observed - fitted, held, names=names
            ),
        }
        for name, figure in figures.items():
            report.save_figure(figure, folder, name)


def draw_landscape(folder: Path, recovery: Recovery, landscape: Plane | None) -> None:
    """The loss over the first two constants, where there are two, and the starts."""
    if landscape is None:
        return
    first, second = list(recovery.constants.values())[:2]
    both = None
    if first.reference is not None and second.reference is not None:
        both = (first.reference, second.reference)
    with report.house_style():
        figure = report.figure_landscape(
            *landscape, np.asarray(recovery.starts)[:, :2],
            np.asarray(recovery.ends)[:, :2], np.asarray(recovery.agree),
            both, (first.name, second.name),
        )  # fmt: skip
        report.save_figure(figure, folder, "loss")


def write(
    folder: Path,
    recovery: Recovery,
    names: Sequence[str],
    landscape: Plane | None,
    settings: Mapping[str, Any],
    seconds: float,
) -> None:
    """Dataset and summary; the search's own file has then served its turn."""
    settings = {
        **settings,
        "free": ",".join(recovery.study.free),
        "starts": len(recovery.starts),
        "substeps": recovery.substeps,
        "held_out_rows": recovery.held_out_rows,
    }
    dataset = report.recovery_dataset(
        recovery, ts=recovery.ts, data=_table(recovery.observed),
        fitted=_table(recovery.prediction), start=_table(recovery.start_prediction),
        names=names, landscape=landscape, attributes=settings,
    )  # fmt: skip
    report.write_dataset(dataset, folder / "data.zarr")
    summary = report.recovery_summary(recovery, seconds)
    details = report.recovery_details(recovery)
    report.write_json(
        summary | details | {"settings": settings}, folder / "summary.json"
    )
    (folder / "search.npz").unlink(missing_ok=True)


def show(recovery: Recovery, folder: Path, seconds: float, *, as_json: bool) -> int:
    """Print the result; the exit code: 0 if the fit converged, else 1."""
    if as_json:
        print(to_json(report.recovery_summary(recovery, seconds)))
    else:
        console = Console()
        report.print_recovery(recovery, console)
        console.print(f"Results in {folder} ({seconds:.0f} s)", highlight=False)
    return 0 if recovery.status == "converged" else 1


def overall(statuses: Iterable[str]) -> str:
    """The status of several fits together: the first that is no success."""
    return next((one for one in statuses if one != "converged"), "converged")


def _table(values: Any) -> np.ndarray:
    """Values with all axes but time in one, (T, M)."""
    values = np.asarray(values)
    return values.reshape(len(values), -1)

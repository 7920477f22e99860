"""What `jqd recover copying` does: read, fit, draw, print."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
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

from .. import problems, report
from ..laws import CopyDynamics
from ..recover import (
    Data,
    Recovery,
    Search,
    load_matrix,
    load_record,
    load_state,
    loss_plane,
    recover,
)
from ..report.store import atomic_file, finished_work_in, to_json

Plane = tuple[np.ndarray, np.ndarray, np.ndarray]

STAGES = {"search": "Searching", "polish": "Polishing", "report": "Drawing"}
NOISE = ("auto", "none", "gaussian", "multinomial")


@dataclass(frozen=True)
class RecoverOptions:
    """What the user asked for, checked as far as that goes without reading files.

    Attributes:
        data: file of populations (t,p0,p1..) or counts (t,n0,n1..), or None for the
            built-in problem.
        hamiltonian: file of the Hermitian matrix; given with `data`, and only then.
        state: file of psi at the first time; likewise.
        free: names of the constants to recover.
        start: the first start, by name of the constant; the others are drawn.
        starts: number of starts.
        noise: name of the noise model, one of `NOISE`.
        sigma: standard error for Gaussian noise, or None to estimate it.
        out: folder for the results; never overwritten.
        seed: of the random starts and of everything else that is drawn.
        as_json: whether standard output gets the JSON and nothing else.
        quick: whether a smaller version is asked for.
    """

    data: Path | None
    hamiltonian: Path | None
    state: Path | None
    free: tuple[str, ...]
    start: dict[str, float]
    starts: int
    noise: str
    sigma: float | None
    out: Path
    seed: int
    as_json: bool
    quick: bool


def recover_copying(options: RecoverOptions) -> int:
    """Recover the constants, write the results, print them.

    Args:
        options: what the user asked for.

    Returns:
        Exit code: 0 if the fit converged, else 1.

    Raises:
        ValueError: bad input, in one line.
    """
    began = perf_counter()
    law, psi0, data = _read(options)
    with _Session(options.out) as session:
        recovery = recover(
            law,
            data,
            psi0=psi0,
            free=options.free,
            start=options.start or None,
            starts=min(options.starts, 8) if options.quick else options.starts,
            search=Search(steps=20, windows=4, chunk=10) if options.quick else Search(),
            key=jax.random.key(options.seed),
            report=session.advance,
            keep=session.keep,
        )
        session.advance("report", 0, 1)
        folder = session.folder
        landscape = _landscape(recovery)
        _draw(folder, recovery, landscape)
        seconds = perf_counter() - began
        _write(folder, recovery, landscape, options, seconds)
        session.advance("report", 1, 1)
    if options.as_json:
        print(to_json(report.recovery_summary(recovery, seconds)))
    else:
        console = Console()
        report.print_recovery(recovery, console)
        console.print(f"Results in {folder} ({seconds:.0f} s)", highlight=False)
    return 0 if recovery.status == "converged" else 1


def _read(options: RecoverOptions) -> tuple[CopyDynamics, np.ndarray, Data]:
    """The law, the state and the record; the built-in ones without files."""
    if options.data is None:
        problem = problems.four_level()
        H, psi0, data = problem.hamiltonian, problem.psi0, problem.populations
        if options.noise == "multinomial":
            data = problem.counts
        elif options.noise == "gaussian":
            raise ValueError(
                "Argument `--noise` must be auto, none or multinomial for the built-in "
                "data, but is gaussian."
            )
    else:
        H = load_matrix(options.hamiltonian or "")
        psi0 = load_state(options.state or "")
        data = load_record(options.data, options.noise, options.sigma)
    return CopyDynamics.from_hamiltonian(H), np.asarray(psi0), data


class _Session:
    """Progress bars and the run folder, from the first report on.

    Input that `recover` refuses leaves neither bars nor a folder; a folder that cannot
    be written is found out before the search, not after it.
    """

    def __init__(self, out: Path):
        self._out = out
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
            self._folder = report.new_run_folder(self._out)
            self._stack.enter_context(finished_work_in(self._folder))
        return self._folder

    def advance(self, stage: str, done: int, total: int) -> None:
        """Move the bar of one stage."""
        if not self._tasks:
            _ = self.folder
            self._stack.enter_context(self._progress)
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(STAGES[stage], total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)

    def keep(self, starts: jax.Array, ends: jax.Array, history: jax.Array) -> None:
        """Write what the search has found so far, whole or not at all."""
        path = self.folder / "search.npz"
        with atomic_file(path) as draft, draft.open("wb") as file:
            np.savez(file, starts=starts, ends=ends, history=history)

    def __enter__(self) -> "_Session":
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)


def _landscape(recovery: Recovery) -> Plane | None:
    """The loss over the plane of the first two constants, where there are two."""
    if len(recovery.constants) < 2:
        return None
    low, high = recovery.problem.bounds()
    x, y = (
        jnp.linspace(
            jnp.minimum(low[i], recovery.starts[:, i].min()),
            jnp.maximum(high[i], recovery.starts[:, i].max()),
            41,
        )
        for i in (0, 1)
    )
    # a picture needs no more than coarse steps
    problem = recovery.problem.with_substeps(4)
    loss = loss_plane(problem, jnp.asarray(recovery.theta), x, y)
    return np.asarray(x), np.asarray(y), np.asarray(loss)


def _names(recovery: Recovery) -> list[str]:
    return [f"p{i}" for i in range(recovery.observed.shape[1])]


def _draw(folder: Path, recovery: Recovery, landscape: Plane | None) -> None:
    """The figures: fit, loss plane, residuals."""
    ts, observed = np.asarray(recovery.ts), np.asarray(recovery.observed)
    fitted = np.asarray(recovery.prediction)
    held = None
    if recovery.held_out_rows:
        held = float(ts[-recovery.held_out_rows])
    names = _names(recovery)
    with report.house_style():
        figures = {
            "fit": report.figure_fit(
                ts, observed, fitted, np.asarray(recovery.start_prediction), names, held
            ),
            "residuals": report.figure_residuals(
                ts, observed - fitted, held, names=names
            ),
        }
        if landscape is not None:
            first, second = list(recovery.constants.values())[:2]
            both = None
            if first.reference is not None and second.reference is not None:
                both = (first.reference, second.reference)
            figures["loss"] = report.figure_landscape(
                *landscape, np.asarray(recovery.starts)[:, :2],
                np.asarray(recovery.ends)[:, :2], np.asarray(recovery.converged),
                both, (first.name, second.name),
            )  # fmt: skip
        for name, figure in figures.items():
            report.save_figure(figure, folder, name)


def _write(
    folder: Path,
    recovery: Recovery,
    landscape: Plane | None,
    options: RecoverOptions,
    seconds: float,
) -> None:
    """Dataset and summary; the search's own file has then served its turn."""
    settings = {
        "seed": options.seed,
        "free": ",".join(options.free),
        "starts": len(recovery.starts),
        "noise": type(recovery.problem.data.noise).__name__,
        "substeps": recovery.substeps,
        "held_out_rows": recovery.held_out_rows,
    }
    dataset = report.recovery_dataset(
        recovery, ts=recovery.ts, data=recovery.observed, fitted=recovery.prediction,
        start=recovery.start_prediction, names=_names(recovery), landscape=landscape,
        attributes=settings,
    )  # fmt: skip
    report.write_dataset(dataset, folder / "data.zarr")
    summary = report.recovery_summary(recovery, seconds)
    details = report.recovery_details(recovery)
    report.write_json(
        summary | details | {"settings": settings}, folder / "summary.json"
    )
    (folder / "search.npz").unlink(missing_ok=True)

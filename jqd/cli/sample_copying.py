"""What `jqd sample copying` does: sample in parts, compare, draw, print."""

import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from time import perf_counter
from typing import Any

import jax
import numpy as np
from rich.console import Console

from .. import _checks, problems, report
from .._files import to_json
from ..ensembles.copying import Copies, sample
from ..ensembles.copying.sampler import STEP_OF
from ..laws import CopyDynamics
from ..records import load_matrix, load_state
from ..report.parts import PARTS, Parts
from .session import Session

REMEDIES = ("none", "spectators:NUMBER", "admixture:SHARE")
COMMAND = "jqd sample copying --resume"
MAX_STEPS = 10**9  # of one trajectory
PROBE_SHARE = 8  # one trajectory in so many is run again with half the step


@dataclass(frozen=True)
class SampleOptions:
    """What the user asked for.

    Attributes:
        copies: N.
        trajectories: how many ensembles.
        time: how long.
        rows: times recorded, both ends included.
        q: exponent of the copy rate.
        r: exponent of the phase rate.
        method: "leap" or "exact".
        spectators: systems of each class that never copy.
        admixture: share of the uniform density that is mixed in at first.
        printed: whether eq. (39) has its printed sign.
        seed: of all that is drawn.
    """

    copies: float
    trajectories: int
    time: float
    rows: int
    q: float
    r: float
    method: str
    spectators: int
    admixture: float
    printed: bool
    seed: int


def parse_remedy(text: str) -> tuple[int, float]:
    """Read the option `--remedy`.

    Args:
        text: none, spectators:3 or admixture:0.01.

    Returns:
        (spectators, admixture).

    Raises:
        ValueError: an unknown remedy, or no number where one belongs.
    """
    name, _, value = text.partition(":")
    rule = f"Argument `--remedy` must be one of {', '.join(REMEDIES)}, but"
    if name == "none" and not value:
        return 0, 0.0
    if name not in ("spectators", "admixture"):
        raise ValueError(f"{rule} {text!r} was given.")
    try:
        return (int(value), 0.0) if name == "spectators" else (0, float(value))
    except ValueError:
        raise ValueError(f"{rule} {text!r} has no number that will do.") from None


def sample_copying(
    options: SampleOptions,
    hamiltonian: Path | None,
    state: Path | None,
    out: Path,
    *,
    as_json: bool,
) -> int:
    """Sample, write the results, print them.

    Args:
        options: what the user asked for.
        hamiltonian: file of the matrix, or None for the built-in problem.
        state: file of psi at t = 0; likewise.
        out: folder for the results; never overwritten.
        as_json: whether standard output gets the JSON and nothing else.

    Returns:
        Exit code: 0 if every trajectory reached the end with all its classes, else 1.

    Raises:
        ValueError: bad input, in one line.
    """
    if not (np.isfinite(options.time) and options.time > 0):
        raise ValueError(f"Argument `--time` must be positive, but is {options.time}.")
    if hamiltonian is None or state is None:
        problem = problems.four_level()
        H, psi = np.asarray(problem.hamiltonian), np.asarray(problem.psi0)
    else:
        H, psi = load_matrix(hamiltonian), load_state(state)
    arrays = {"hamiltonian": H, "psi0": psi}
    _check_size(options, np.asarray(H), len(psi))
    # bad input is refused before a folder is made, by a run of one step
    _part(options, arrays, *next(iter(_plan(options, len(psi)).values())), max_steps=1)
    with Session(out, resume_with=COMMAND) as session:
        parts = Parts.begin(session.folder, asdict(options), arrays)
        return _go(session, parts, options, arrays, as_json=as_json)


def resume_copying(folder: Path, *, as_json: bool) -> int:
    """Go on with a run that was stopped: the parts that are done stay as they are.

    Args:
        folder: of the run.
        as_json: whether standard output gets the JSON and nothing else.

    Returns:
        Exit code as of `sample_copying`.

    Raises:
        ValueError: no such run, damaged files, or nothing is left to do.
    """
    parts, settings, arrays = Parts.resume(folder)
    if (folder / "summary.json").exists():
        raise ValueError(
            f"Argument `--resume` must be a run that was stopped, but {folder} has its "
            "summary: it is done."
        )
    if set(settings) != {field.name for field in fields(SampleOptions)}:
        raise ValueError(
            f"Argument `--resume` must be a run of `jqd sample copying`, but {folder} "
            "has other settings."
        )
    options = SampleOptions(**settings)
    with Session(folder, resume_with=COMMAND, resume=True) as session:
        return _go(session, parts, options, arrays, as_json=as_json)


def _go(
    session: Session,
    parts: Parts,
    options: SampleOptions,
    arrays: Mapping[str, Any],
    *,
    as_json: bool,
) -> int:
    began = perf_counter()
    plan = _plan(options, len(arrays["psi0"]))
    waiting = parts.missing(list(plan))
    done = len(plan) - len(waiting)
    session.advance("sample", done, len(plan))

    def work(name: str) -> None:
        parts.keep(name, _arrays(_part(options, arrays, *plan[name])))

    # one thread a core: a part is one program that runs on one of them
    cores = (os.cpu_count() or 1) if jax.default_backend() == "cpu" else 1
    with ThreadPoolExecutor(min(cores, max(len(waiting), 1))) as pool:
        tasks = [pool.submit(work, name) for name in waiting]
        try:
            for task in as_completed(tasks):
                task.result()
                done += 1
                session.advance("sample", done, len(plan))
        except BaseException:
            # parts under way are finished and kept
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    session.advance("report", 0, 1)
    main = parts.joined([name for name in plan if not plan[name][2]])
    main = {key: leaf[: options.trajectories] for key, leaf in main.items()}
    halves = [name for name in plan if plan[name][2]]
    halved = parts.joined(halves) if halves else None
    law = _law(options, arrays)
    from ..report.copies import compare, copies_table, dataset_of, figure_copies

    result = compare(law, arrays["psi0"], asdict(options), main, halved)
    seconds = perf_counter() - began
    dataset = dataset_of(result, asdict(options))
    report.write_dataset(dataset, session.folder / "data.zarr")
    with report.house_style():
        figure = figure_copies(result)
        report.save_figure(figure, session.folder, "copies")
    summary = result.summary | {"seconds": seconds}
    report.write_json(
        summary | {"settings": asdict(options)} | {"provenance": report.provenance()},
        session.folder / "summary.json",
    )
    # the dataset holds them now
    shutil.rmtree(session.folder / PARTS, ignore_errors=True)
    session.advance("report", 1, 1)
    if as_json:
        print(to_json(summary))
    else:
        console = Console()
        console.print(copies_table(result))
        console.print(f"Results in {session.folder} ({seconds:.0f} s)", highlight=False)
    return 0 if summary["status"] == "ok" else 1


def _check_size(options: SampleOptions, H: np.ndarray, size: int) -> None:
    """Raise before memory or time is taken that nobody has."""
    # counts, phases and densities of all at the end, and the states made from them
    entries = options.trajectories * options.rows * size
    what = f"to compare {options.trajectories} of them at {options.rows} times"
    _checks.check_memory(100 * entries, "--trajectories", what)
    # classes turn each other at least at the rate |H_ab|
    fastest = np.abs(H * (1 - np.eye(len(H)))).max(initial=0)
    steps = options.time * fastest / STEP_OF.get(options.method, 1)
    if steps > MAX_STEPS:
        raise ValueError(
            f"Argument `--time` must be reached in {MAX_STEPS:.0e} steps, but "
            f"{options.time:g} takes {steps:.2g} and more."
        )


def _plan(options: SampleOptions, size: int) -> dict[str, tuple[int, int, bool]]:
    """The parts: name to (first trajectory, how many, whether with half the step).

    All parts have one size, so that one program serves them; what the last has beyond
    the number asked for is dropped.
    """
    width = min(part_width(size), options.trajectories)
    probes = 0 if options.method == "exact" else -(-options.trajectories // PROBE_SHARE)
    plan = {
        f"{first:09d}": (first, width, False)
        for first in range(0, options.trajectories, width)
    }
    halves = {f"half-{first:09d}": (first, width, True)
              for first in range(0, probes, width)}  # fmt: skip
    return plan | halves


def part_width(size: int) -> int:
    """Trajectories in a part: enough to fill vector units, few enough to be watched.

    Args:
        size: number of classes.

    Returns:
        The number.
    """
    return min(max(8192 // size**2, 32), 256)


def _part(
    options: SampleOptions,
    arrays: Mapping[str, Any],
    first: int,
    count: int,
    halved: bool,
    max_steps: int = MAX_STEPS,
) -> Copies:
    step = STEP_OF[options.method]
    # other random numbers than those of the same trajectories with the whole step
    key = jax.random.fold_in(jax.random.key(options.seed), int(halved))
    return sample(
        _law(options, arrays), arrays["psi0"],
        np.linspace(0, options.time, options.rows), key,
        copies=options.copies, trajectories=count, first=first, method=options.method,
        spectators=options.spectators, admixture=options.admixture,
        printed=options.printed, step=step / 2 if halved else step,
        error_trajectories=0, max_steps=max_steps,
    )  # fmt: skip


def _law(options: SampleOptions, arrays: Mapping[str, Any]) -> CopyDynamics:
    return CopyDynamics.from_hamiltonian(arrays["hamiltonian"], options.q, options.r)


def _arrays(copies: Copies) -> dict[str, Any]:
    return {
        "occupation": copies.occupation,
        "phase": copies.phase,
        "status": copies.status,
        "extinction_time": copies.extinction_time,
        "steps": copies.steps,
    }

"""`jqd sample copying`: sample in parts, compare, draw."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
import typer

from .. import _checks, problems, report
from ..ensembles.copying import Copies, sample
from ..ensembles.copying.sampler import STEP_OF
from ..laws import CopyDynamics
from ..records import load_matrix, load_state
from ..report.parts import PARTS, Parts
from .options import Common, check_word, with_options
from .session import Matrix, Outcome, Session, State, carry_out

REMEDIES = ("none", "spectators:NUMBER", "admixture:SHARE")
METHODS = ("leap", "exact")
COMMAND = "jqd sample copying --resume"
MAX_STEPS = 10**9  # of one trajectory
PROBE_SHARE = 8  # one trajectory in so many is run again with half the step


@dataclass(frozen=True)
class Sampling:
    """What is sampled; the folder of a run keeps these settings.

    Attributes:
        spectators: systems of each class that never copy.
        admixture: share of the uniform density that is mixed in at first.
        seed: of all that is drawn.
    """

    copies: Annotated[float, typer.Option(help="N, systems in the ensemble.")] = 1e6
    trajectories: Annotated[int, typer.Option(min=2, help="Ensembles to sample.")] = (
        1000
    )
    time: Annotated[float, typer.Option(help="How long; h/H has this unit.")] = 10.0
    rows: Annotated[
        int, typer.Option(min=2, help="Times to record, 0 and the end.")
    ] = 101
    q: Annotated[float, typer.Option(help="Exponent of the copy rate.")] = 0.5
    r: Annotated[float, typer.Option(help="Exponent of the phase rate.")] = -0.5
    method: Annotated[str, typer.Option(help=f"One of {', '.join(METHODS)}.")] = "leap"
    printed: Annotated[
        bool,
        typer.Option("--printed", help="Take eq. (39) with its printed sign."),
    ] = False
    spectators: int = 0
    admixture: float = 0.0
    seed: int = 0


@with_options(out=Path("results/copies"))
def copying(
    *,
    hamiltonian: Matrix = None,
    state: State = None,
    sampling: Sampling,
    remedy: str = typer.Option(
        "none", help="For nodes: none, spectators:NUMBER or admixture:SHARE."
    ),
    resume: Path | None = typer.Option(
        None, help="Folder of a run that was stopped; it has all other options."
    ),
    common: Common,
) -> int:
    """Sample N systems that copy each other, beside quantum mechanics."""
    if resume is not None:
        return _resume(resume, common)
    if (hamiltonian is None) != (state is None):
        raise ValueError(
            "Arguments `--hamiltonian` and `--state` must be given together, but "
            f"{'--hamiltonian' if hamiltonian is None else '--state'} is missing."
        )
    check_word("method", sampling.method, METHODS)
    spectators, admixture = _parse_remedy(remedy)
    options = replace(
        sampling, spectators=spectators, admixture=admixture, seed=common.seed
    )
    if common.quick:
        few, short = min(sampling.trajectories, 64), min(sampling.rows, 21)
        options = replace(options, trajectories=few, rows=short)
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

    def work(session: Session) -> Outcome:
        parts = Parts.begin(session.folder, asdict(options), arrays)
        return _sampled(session, parts, options, arrays, common)

    return carry_out(common, work, Session(common.out, resume_with=COMMAND))


def _resume(folder: Path, common: Common) -> int:
    """Go on with a run that was stopped: the parts that are done stay as they are."""
    parts, settings, arrays = Parts.resume(folder)
    if (folder / "summary.json").exists():
        raise ValueError(
            f"Argument `--resume` must be a run that was stopped, but {folder} has its "
            "summary: it is done."
        )
    if set(settings) != {field.name for field in fields(Sampling)}:
        raise ValueError(
            f"Argument `--resume` must be a run of `jqd sample copying`, but {folder} "
            "has other settings."
        )
    options = Sampling(**settings)
    return carry_out(
        common,
        lambda session: _sampled(session, parts, options, arrays, common),
        Session(folder, resume_with=COMMAND, resume=True),
    )


def _sampled(
    session: Session,
    parts: Parts,
    options: Sampling,
    arrays: Mapping[str, Any],
    common: Common,
) -> Outcome:
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
    main = parts.joined([name for name in plan if not plan[name][2]])
    main = {key: leaf[: options.trajectories] for key, leaf in main.items()}
    halves = [name for name in plan if plan[name][2]]
    halved = parts.joined(halves) if halves else None
    law = _law(options, arrays)
    from ..report.copies import compare, copies_table, dataset_of, figure_copies

    result = compare(law, arrays["psi0"], asdict(options), main, halved)

    def rest() -> tuple[Any, Any]:
        settings = asdict(options)
        with report.house_style():
            report.save_figure(figure_copies(result), session.folder, "copies")
        details = {"settings": settings, "provenance": report.provenance()}
        return details, dataset_of(result, settings)

    return Outcome(
        result.summary | {"seconds": common.seconds()}, [copies_table(result)], rest,
        scratch=PARTS,
    )  # fmt: skip


def _parse_remedy(text: str) -> tuple[int, float]:
    """Spectators and admixture of none, spectators:3 or admixture:0.01."""
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


def _check_size(options: Sampling, H: np.ndarray, size: int) -> None:
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


def _plan(options: Sampling, size: int) -> dict[str, tuple[int, int, bool]]:
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
    """Trajectories in a part, for so many classes.

    Enough to fill vector units, few enough to be watched.
    """
    return min(max(8192 // size**2, 32), 256)


def _part(
    options: Sampling,
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


def _law(options: Sampling, arrays: Mapping[str, Any]) -> CopyDynamics:
    return CopyDynamics.from_hamiltonian(arrays["hamiltonian"], options.q, options.r)


def _arrays(copies: Copies) -> dict[str, Any]:
    return {
        "occupation": copies.occupation,
        "phase": copies.phase,
        "status": copies.status,
        "extinction_time": copies.extinction_time,
        "steps": copies.steps,
    }


sample_app = typer.Typer(
    help="Sample the random processes behind a law, trajectory by trajectory.",
    no_args_is_help=True,
)
sample_app.command()(copying)

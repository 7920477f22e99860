"""`jqd sample copying`: sample in blocks, which are a sweep; compare, draw."""

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from .. import _checks, report
from ..ensembles.copying.sampler import STEP_OF
from ..sweeps import Store, SweepError
from ..sweeps.claims import OWN_LEASE
from ..sweeps.objects import Objects
from ..sweeps.points import STATUS
from .copy_blocks import DIMS, MAX_STEPS, METHODS, Run, Sampling, block_width, sampled
from .options import MODEL, OUTPUT, Common, check_word, refuse_beside, with_options
from .recover_copying import read_problem, time_scale
from .session import Matrix, Outcome, Session, State, carry_out
from .setups import verb_of
from .sweeping import PLACE, Worker, Workers, lease_of

REMEDIES = ("none", "spectators:NUMBER", "admixture:SHARE")
COMMAND = "jqd sample copying --resume"
BLOCKS = "blocks.zarr"  # store of a run, in its folder
# What a run that was begun holds already.
SETTLED = (
    "--hamiltonian", "--state", "--copies", "--trajectories", "--time", "--rows", "--q",
    "--r", "--method", "--printed", "--remedy", "--seed", "--quick",
)  # fmt: skip


@with_options(out=Path("results/copies"))
def copying(
    *,
    hamiltonian: Matrix = None,
    state: State = None,
    sampling: Sampling,
    remedy: str = MODEL.option(
        "none",
        help="Remedy against populations that reach zero: none, spectators:NUMBER or "
        "admixture:SHARE.",
    ),
    store: str | None = OUTPUT.option(
        None, help=f"{PLACE} that all workers can reach; in --out by default."
    ),
    resume: str | None = OUTPUT.option(
        None,
        help="Folder or store of a run to continue, or to join; what it samples is "
        "stored there.",
    ),
    lease: Annotated[float | None, lease_of("30; 120 with --store")] = None,
    workers: Workers,
    worker: Worker,
    common: Common,
) -> int:
    """Sample N systems that copy each other, and compare with quantum mechanics."""
    worker.prepare()
    folder = None
    if resume is None:
        options = _options(sampling, remedy, common)
        run = _asked(options, hamiltonian, state)
    elif store is not None:
        raise ValueError(
            "Argument `--store` must not be given with `--resume`, but is."
        )
    else:
        folder, store = _stopped(resume)
        run = _stored(store)
        refuse_beside("--resume", *SETTLED, *([] if folder is None else ["--out"]))

    def work(session: Session) -> Outcome:
        place = store or str(session.folder / BLOCKS)
        plain = run.plain()
        lasts = lease or OWN_LEASE if store is None else lease
        dataset = worker.sweep(
            partial(sampled, run=plain), {"block": np.arange(run.blocks)}, place,
            engine=workers.engine(), lease=lasts, seed=run.options.seed, tile=1,
            dims=DIMS, coords={"t": run.ts}, constants=plain,
        )  # fmt: skip
        undone = int((dataset[STATUS] < 0).sum())
        if undone:
            raise SweepError(
                f"{undone} of {run.blocks} blocks in {place} have no values; "
                "--retry-failed tries them again"
            )
        return _compared(run, dataset, common)

    session = Session(
        folder or common.out, resume_with=COMMAND, resume=folder is not None
    )
    return carry_out(common, work, session)


def _options(sampling: Sampling, remedy: str, common: Common) -> Sampling:
    check_word("method", sampling.method, METHODS)
    spectators, admixture = _parse_remedy(remedy)
    options = replace(
        sampling, spectators=spectators, admixture=admixture, seed=common.seed
    )
    if common.quick:
        few, short = min(sampling.trajectories, 64), min(sampling.rows, 21)
        options = replace(options, trajectories=few, rows=short)
    time = options.time
    if time is not None and not (np.isfinite(time) and time > 0):
        raise ValueError(f"Argument `--time` must be positive, but is {time}.")
    return options


def _asked(options: Sampling, hamiltonian: Path | None, state: Path | None) -> Run:
    """The run that is asked for; bad input is refused here, before a folder is made."""
    H, psi = read_problem(hamiltonian, state)
    if options.time is None:
        time = 10 * time_scale(np.asarray(H), hamiltonian)
        options = replace(options, time=time)
    _check_size(options, np.asarray(H), len(psi))
    width = min(block_width(len(psi)), options.trajectories)
    run = Run(options, width, H, psi)
    run.check()
    return run


def _stopped(place: str) -> tuple[Path | None, str]:
    """Folder of a run that was stopped, if it has one, and its store."""
    folder = Path(place)
    inside = folder / BLOCKS
    if inside.exists():  # it goes last, after the figures
        return folder, str(inside)
    if (folder / "summary.json").exists():
        raise ValueError(
            f"Argument `--resume` must be a run that was stopped, but {place} has its "
            "summary: it is done."
        )
    return None, place


def _stored(store: str) -> Run:
    """The run that a store holds."""
    rule = "Argument `--resume` must be a run of `jqd sample copying`, or its store,"
    if not Objects(store).is_there():
        raise ValueError(f"{rule} but {store} holds nothing.")
    try:
        return Run.read(Store(store).attributes["constants"])
    except (KeyError, TypeError):
        raise ValueError(f"{rule} but {store} is another sweep.") from None


def _compared(run: Run, dataset: Any, common: Common) -> Outcome:
    from ..report.copies import compare, copies_table, dataset_of, figure_copies

    def trajectories(blocks: slice) -> dict[str, np.ndarray]:
        found = {name: dataset[name][blocks].values for name in DIMS}
        return {name: x.reshape(-1, *x.shape[2:]) for name, x in found.items()}

    main = trajectories(slice(run.whole))
    main = {name: x[: run.options.trajectories] for name, x in main.items()}
    rest_of = slice(run.whole, None)
    halved = trajectories(rest_of) if run.blocks > run.whole else None
    settings = asdict(run.options)
    result = compare(run.law(), run.psi0, settings, main, halved)

    def figures() -> dict[str, Any]:
        with report.house_style():
            return {"copies": figure_copies(result)}

    return Outcome(
        result.summary | {"seconds": common.seconds()}, [copies_table(result)],
        {"settings": settings, "provenance": report.provenance()},
        lambda: dataset_of(result, settings), figures, scratch=BLOCKS,
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
        number = float(value)
    except ValueError:
        raise ValueError(f"{rule} {text!r} has no valid number.") from None
    if name == "admixture":
        return 0, number
    if not number.is_integer():
        raise ValueError(f"{rule} {text!r} has no whole number.")
    return int(number), 0.0


def _check_size(options: Sampling, H: np.ndarray, size: int) -> None:
    """Raise before memory or time is taken that nobody has."""
    # counts, phases and densities of all at the end, and the states made from them
    entries = options.trajectories * options.rows * size
    what = f"to compare {options.trajectories} of them at {options.rows} times"
    _checks.check_memory(100 * entries, "--trajectories", what)
    # classes turn each other at least at the rate |H_ab|
    fastest = np.abs(H * (1 - np.eye(len(H)))).max(initial=0)
    steps = options.last * fastest / STEP_OF.get(options.method, 1)
    if steps > MAX_STEPS:
        raise ValueError(
            f"Argument `--time` must be reached in {MAX_STEPS:.0e} steps, but "
            f"{options.last:g} takes {steps:.2g} and more."
        )


sample_app = verb_of(
    "sample",
    help="Sample the random processes behind a law, trajectory by trajectory.",
    commands={copying: "copying --copies 1e6 --trajectories 1000"},
)

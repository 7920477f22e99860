"""`jqd design copying`, `law`, `diffusion`: counts of classes, of positions."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .. import problems
from ..evolution import Fixed, Trajectory
from ..inference import Prior, Study
from ..instruments import Confusion, Direct, Instrument, Multinomial
from ..laws import ConservativeDiffusion, CopyDynamics, Law
from ..observe import Occupations
from ..records import Record, naming
from ..status import Status
from .design_options import MEASURED, Candidates, Designing, Measured, ScaledCandidates
from .designing import Planned, carry_out
from .law_words import Wanted
from .lifetimes import in_bath
from .on_grid import Ground, StateOrPacket, ground_of, method_of, stepper_of
from .one_law import Assigned, LawWord, free_of, law_that_runs, parse_law, words_of
from .options import FIT, Bath, only_with, parse_bath, parse_free, with_options
from .recover_copying import CONSTANTS, law_of, read_problem, time_scale
from .recover_diffusion import CONSTANTS as OF_DIFFUSION
from .session import Matrix, State
from .simulation import follow, parse_times, rows, sets, spaced, true_values

# Counts that stand for a record until there is one; only their scatter counts.
COUNTED = 1e6


@with_options()
def copying(
    *,
    hamiltonian: Matrix = None,
    state: State = None,
    assigned: Annotated[list[str] | None, sets("q (0.5), r (-0.5)")] = None,
    times: ScaledCandidates = None,
    free: Measured = "q,r",
    bath: Bath = "",
    designing: Designing,
) -> int:
    """Find the times at which counts best determine q and r of copy dynamics."""
    truth = true_values(assigned, {"q": 0.5, "r": -0.5})
    names = parse_free(free, CONSTANTS)
    sets = [word for text in assigned or () for word in ("--set", text)]
    return _of_counts(
        "copying",
        lambda H: CopyDynamics.from_hamiltonian(H, truth["q"], truth["r"]),
        names, sets, designing, hamiltonian, state, times, bath,
    )  # fmt: skip


@with_options()
def law(
    law: LawWord,
    *,
    hamiltonian: Matrix = None,
    state: StateOrPacket = None,
    assigned: Assigned = None,
    times: ScaledCandidates = None,
    free: Annotated[
        str | None,
        FIT.option(help=MEASURED, show_default="those declared with jqd.free"),
    ] = None,
    bath: Bath = "",
    designing: Designing,
) -> int:
    """Find the times at which counts best determine a law, your own for instance."""
    wanted = parse_law(law, assigned)
    make = partial(law_that_runs, wanted)
    ground = ground_of(wanted, hamiltonian, state)
    if ground is not None:
        only_with("--bath", "laws of a matrix", given=bool(bath), there=False)
        return _on_ground(ground, make, wanted, state, free, times, designing)
    H, psi0 = read_problem(hamiltonian, state)
    made = law_of(make, jnp.asarray(H), psi0, hamiltonian, state)
    names = free_of(wanted, made, free, given=True)
    return _of_counts(
        "law", make, names, words_of(wanted), designing, hamiltonian, state, times,
        bath,
    )  # fmt: skip


def _on_ground(
    ground: Ground,
    make: Callable[[Any], Law],
    wanted: Wanted,
    state: Path | None,
    free: str | None,
    times: str | None,
    designing: Designing,
) -> int:
    """Design counts of positions under a law on the grid of its file."""
    law = ground.law_of(make)
    names = free_of(wanted, law, free, given=True)
    unit = 1.0 if times is not None else ground.time_scale()
    ts = parse_times(spaced(0.1, 6, 60, unit) if times is None else times)
    priors = designing.priors(names)

    def prepare() -> Planned:
        instrument = Direct(of=Occupations(), noise=Multinomial())
        run = follow(
            law, ground.psi0, ts, instrument, stepper=stepper_of(law),
            shots=designing.number(),
        )  # fmt: skip
        study, ended = _counts(
            law, run, ts, instrument, ground.psi0, names, priors, method_of(law)
        )
        words: list[Any] = words_of(wanted)
        words += [] if state is None else ["--state", state]
        return Planned("law", type(law).__name__, study, ended, words)

    return carry_out(designing, ",".join(names), prepare)


def _of_counts(
    name: str,
    make: Callable[[Array], Law],
    names: tuple[str, ...],
    simulate: Sequence[str],
    designing: Designing,
    hamiltonian: Path | None,
    state: Path | None,
    times: str | None,
    bath: str,
) -> int:
    """Design counts of classes under a law of a matrix.

    Args:
        make: the law of H, at the true constants.
        simulate: words for the command that draws the record, of the law alone.
    """
    H, psi0 = read_problem(hamiltonian, state)
    default = spaced(0.1, 6, 60, time_scale(H, hamiltonian))
    ts = parse_times(default if times is None else times)
    priors = designing.priors(names)
    readout = _readout(priors)
    words: list[Any] = [*simulate]
    if hamiltonian is not None:
        words += ["--hamiltonian", hamiltonian, "--state", state]
    words += ["--readout", f"{readout:g}"] if readout > 0 else []
    lifetimes = parse_bath(bath)
    words += ["--bath", bath] if lifetimes else []

    def prepare() -> Planned:
        law = law_of(make, jnp.asarray(H), psi0, hamiltonian, state)
        bathed = in_bath(law, priors, H, lifetimes)
        bathed.announce()
        instrument = Confusion(
            readout=jnp.asarray(readout), fading=jnp.asarray(bathed.fading or 0.0)
        )
        with naming(state):
            run = follow(bathed.law, psi0, ts, instrument)
        study, ended = _counts(
            bathed.law, run, ts, instrument, psi0, names, bathed.priors
        )
        return Planned(name, type(law).__name__, study, ended, words)

    return carry_out(designing, ",".join(names), prepare)


def _readout(priors: Mapping[str, Prior]) -> float:
    """The readout error that a prior names; 0 without one."""
    for name, prior in priors.items():
        if name.rpartition(".")[2] in ("flip", "fading"):
            raise ValueError(
                f"Argument `--nuisance` must not name {name} in a design, but does; "
                "`readout` is the share of shots that show a random class."
            )
        if name.rpartition(".")[2] == "readout":
            mean = float(prior.centre)
            if not 0 <= mean < 1:
                raise ValueError(
                    "Argument `--nuisance readout` must have a mean in [0, 1), the "
                    "share of read-outs that show a random class (an error of M "
                    f"classes is below (M-1)/M), but has {mean:g}."
                )
            return mean
    return 0.0


def _counts(
    law: Any,
    run: Trajectory,
    ts: np.ndarray,
    instrument: Instrument,
    psi0: Any,
    free: tuple[str, ...],
    priors: Mapping[str, Prior],
    method: Fixed | None = None,
) -> tuple[Study | None, Status]:
    """The study of counts at these times, and how the run of the law ended."""
    ended = Status(int(run.status))
    if ended is not Status.OK:
        return None, ended
    p = np.asarray(rows(run, ts))
    counts = np.round(COUNTED * np.maximum(p, 0))
    record = Record(ts, counts, Multinomial(), t0=0.0)
    study = Study(
        law, record, psi0=psi0, free=free, instrument=instrument, nuisances=priors,
        method=method,
    )  # fmt: skip
    return study, ended


@with_options()
def diffusion(
    *,
    assigned: Annotated[
        list[str] | None, sets("D (0.5), friction (0), classical_diffusion (0)")
    ] = None,
    times: Candidates = "0.25:4:16",
    free: Measured = "D",
    designing: Designing,
) -> int:
    """Find the times at which positions in a double well best determine D."""
    base = problems.double_well()
    dissipative = ("friction", "classical_diffusion")
    known = {"D": base.hbar / (2 * base.mass)} | dict.fromkeys(dissipative, 0.0)
    truth = true_values(assigned, known)
    names, ts = parse_free(free, OF_DIFFUSION), parse_times(times)
    priors = designing.priors(names)
    used = {"D", *(n for n in dissipative if truth[n] != 0 or n in (*names, *priors))}
    words = [word for text in assigned or () for word in ("--set", text)]

    def prepare() -> Planned:
        form: Any = "amplitude" if used == {"D"} else "window"
        values: dict[str, Any] = {name: truth[name] for name in sorted(used)}
        law = ConservativeDiffusion(
            base.grid, base.potential, mass=base.mass, hbar=base.hbar, form=form,
            **values,
        )  # fmt: skip
        instrument = Direct(of=Occupations(), noise=Multinomial())
        run = follow(
            law, base.initial, ts, instrument, stepper=law.stepper,
            shots=designing.number(),
        )  # fmt: skip
        study, ended = _counts(law, run, ts, instrument, base.initial, names, priors)
        return Planned("diffusion", type(law).__name__, study, ended, words)

    return carry_out(designing, free, prepare)

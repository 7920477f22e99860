"""`jqd simulate copying`, `law`, `diffusion`: counts of classes, positions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .. import constants, problems
from ..evolution import Trajectory
from ..instruments import (
    Confusion,
    Direct,
    DirichletMultinomial,
    Instrument,
    Multinomial,
)
from ..laws import ConservativeDiffusion, CopyDynamics, Law
from ..observe import Occupations
from ..records import DensityRecord, Record, naming
from .law_words import Wanted
from .lifetimes import centre, in_bath
from .looks import Looks, Plan, looks, times_or
from .on_grid import Ground, StateOrPacket, ground_of, stepper_of
from .one_law import (
    Assigned,
    LawWord,
    declared_by,
    law_that_runs,
    parse_law,
    told,
    words_of,
)
from .options import DATA, Bath, only_with, parse_bath, typed, with_errors, with_options
from .recover_copying import law_of, read_problem, time_scale
from .session import Matrix, State
from .simulation import (
    SCALED,
    Simulated,
    Simulation,
    drawn,
    follow,
    sets,
    simulate,
    spaced,
    true_values,
)


@dataclass(frozen=True)
class Counting:
    """When counts of classes are drawn, and what stands between them and the law."""

    times: Annotated[str | None, times_or(f"0:6:61, {SCALED}")] = None
    plan: Plan = None
    readout: Annotated[
        float,
        DATA.option(
            min=0.0,
            max=1.0,
            help="Readout error: share of the shots that show a random class, twice "
            "the probability of a flip for two classes.",
        ),
    ] = 0.0
    rho: Annotated[
        float,
        DATA.option(
            min=0.0,
            max=1.0,
            help="Correlation of two shots of one time: N of them scatter with 1 + (N "
            "- 1) RHO times the variance of independent ones.",
        ),
    ] = 0.0
    bath: Bath = ""


# The prior that the printed command gives rho: it ends at so many times the true one.
WIDE = 10


@with_options(out=..., shots=None)
def copying(
    *,
    hamiltonian: Matrix = None,
    state: State = None,
    assigned: Annotated[list[str] | None, sets("q (0.5), r (-0.5)")] = None,
    counting: Counting,
    simulation: Simulation,
) -> int:
    """Simulate counts of classes under copy dynamics.

    FILE gets the counts, by default 1000 shots at each time. The Hamiltonian
    and the initial state go beside it: FILE_hamiltonian.npy, FILE_psi0.npy.
    """
    truth = true_values(assigned, {"q": 0.5, "r": -0.5})

    def make(H: Array) -> CopyDynamics:
        return CopyDynamics.from_hamiltonian(H, truth["q"], truth["r"])

    return counts_of(
        "copying", make, lambda law: truth, partial(_reader_of_copies, truth),
        counting, simulation, hamiltonian, state,
    )  # fmt: skip


def _reader_of_copies(
    truth: Mapping[str, float], law: Law, free: str
) -> tuple[str, list[str]]:
    """Verb and first words of the command that reads data of copies, as `_reader`.

    `recover copying` holds an exponent that a plan does not free at its value in
    quantum mechanics; where it has another one, `recover law copying` takes it.
    """
    fitted = set(map(str.strip, free.split(","))) if free else {*truth}
    known = constants.quantum_values(law)
    held = {n: x for n, x in truth.items() if n not in fitted and x != known[n]}
    if not held:
        return "recover", ["copying"]
    return "recover", ["law", *words_of(Wanted("copying", (), held))]


@with_options(out=..., shots=None)
def law(
    law: LawWord,
    *,
    hamiltonian: Matrix = None,
    state: StateOrPacket = None,
    assigned: Assigned = None,
    counting: Counting,
    simulation: Simulation,
) -> int:
    """Simulate counts under your own law, or one of the library, as for `copying`.

    On a grid, where the file of the law has a function ground(), FILE gets
    counted positions, the grid and the state.
    """
    wanted = parse_law(law, assigned)
    if wanted.free:
        raise ValueError(
            f"Argument `LAW` must give {wanted.free[0]} a value, as in "
            f"[{wanted.free[0]}=0.4], but {law!r} does not."
        )

    make, read = partial(law_that_runs, wanted), partial(_reader, wanted)
    ground = ground_of(wanted, hamiltonian, state)
    if ground is not None:
        for option in ("--readout", "--rho", "--bath"):
            only_with(option, "laws of a matrix", given=typed(option), there=False)
        return _on_ground(
            ground, make, wanted, read, simulation, counting.times, counting.plan
        )
    return counts_of(
        "law", make, partial(told, wanted), read, counting, simulation, hamiltonian,
        state,
    )  # fmt: skip


def _reader(wanted: Wanted, law: Law, free: str) -> tuple[str, list[str]]:
    """Verb and first words of the command that reads data of a law.

    A law without constants to recover is compared with others.

    Args:
        wanted: the law as it was asked for.
        law: the law that was made of it.
        free: constants that a plan frees; empty for none.
    """
    fitted = declared_by(wanted, law)
    if free:  # what a plan holds keeps its value
        fitted = tuple(map(str.strip, free.split(",")))
    if fitted:
        return "recover", ["law", *words_of(wanted, without=fitted)]
    if wanted.law == "schrodinger":
        return "compare", []
    values = ",".join(f"{name}={value!r}" for name, value in wanted.values.items())
    named = f"{wanted.law}[{values}]" if values else wanted.law
    return "compare", ["--laws", f"schrodinger,{named}"]


def counts_of(
    name: str,
    make: Callable[[Array], Law],
    truth: Callable[[Any], Mapping[str, float]],
    read: Callable[[Any, str], tuple[str, Sequence[str]]],
    counting: Counting,
    simulation: Simulation,
    hamiltonian: Path | None,
    state: Path | None,
) -> int:
    """Draw counts of classes under a law of a matrix.

    Args:
        read: verb and first words of the command that reads the data, of the law and
            of what a plan frees.
    """
    out = simulation.out
    H, psi0 = read_problem(hamiltonian, state)
    default = spaced(0, 6, 61, time_scale(H, hamiltonian))
    seen = looks(name, counting.plan, counting.times, default, simulation.shots, 1000)
    if seen.ts[0] != 0 and out.suffix == ".csv":
        option = "--times" if counting.plan is None else "--settings"
        raise ValueError(
            f"Argument `{option}` must begin at 0 "
            "for counts in a .csv, which holds no other time of the state, but begins "
            f"at {seen.ts[0]:g}; give --out a .npz, .zarr or .nc."
        )
    beside = {
        option: out.with_name(f"{out.stem}_{name}.npy")
        for option, name in (("hamiltonian", "hamiltonian"), ("state", "psi0"))
    }
    readout, rho = counting.readout, counting.rho
    noise = DirichletMultinomial(jnp.asarray(rho)) if rho > 0 else Multinomial()
    lifetimes = parse_bath(counting.bath)
    times_of_bath = {name: centre(name, one) for name, one in lifetimes.items()}
    # as if a calibration had found it to a tenth
    priors = [f"readout={readout:g}+-{readout / 10:g}"] if readout > 0 else []
    # of the scatter nothing is known before
    priors += [f"rho=uniform(0,{min(WIDE * rho, 1):g})"] if rho > 0 else []

    def prepare() -> Simulated:
        law = law_of(make, jnp.asarray(H), psi0, hamiltonian, state)
        bathed = in_bath(law, {}, H, lifetimes)
        bathed.announce()
        verb, words = read(law, seen.free)
        instrument = Confusion(
            readout=jnp.asarray(readout),
            fading=jnp.asarray(bathed.fading or 0.0),
            noise=noise,
        )
        with naming(state):
            run = follow(bathed.law, psi0, seen.ts, instrument)

        def draw() -> dict[Path, Any]:
            counts = drawn(run, seen.ts, instrument, simulation, seen.shots).values
            # a file holds counts; how they scatter is for a fit to say
            record = Record(seen.ts, counts, Multinomial(), t0=0.0)
            return {
                out: record,
                beside["hamiltonian"]: H,
                beside["state"]: psi0,
            }

        return Simulated(
            type(law).__name__, {**truth(law), **times_of_bath},
            f"counts of {len(psi0)} classes", draw,
            [*words, "--data", out, "--hamiltonian", beside["hamiltonian"],
             "--state", beside["state"], *seen.recover_beside(priors),
             *(["--bath", with_errors(counting.bath)] if lifetimes else [])],
            len(seen.ts), run, seen.told, verb,
        )  # fmt: skip

    kinds = {out: "populations", beside["hamiltonian"]: "matrix"}
    return simulate(simulation, kinds | {beside["state"]: "state"}, prepare)


def _on_ground(
    ground: Ground,
    make: Callable[[Any], Law],
    wanted: Wanted,
    read: Callable[[Any, str], tuple[str, Sequence[str]]],
    simulation: Simulation,
    times: str | None,
    plan: Path | None,
) -> int:
    """Draw counted positions under a law on the grid of its file; `read` is as for
    `counts_of`."""
    # a plan or times need no levels
    known = plan is not None or times is not None
    default = spaced(0, 6, 61, 1.0 if known else ground.time_scale())
    seen = looks("law", plan, times, default, simulation.shots, 1000)

    def prepare() -> Simulated:
        law = ground.law_of(make)
        verb, words = read(law, seen.free)
        instrument = Direct(of=Occupations(), noise=Multinomial())
        run = follow(
            law, ground.psi0, seen.ts, instrument, stepper=stepper_of(law),
            shots=int(np.max(seen.shots)),
        )  # fmt: skip
        return Simulated(
            type(law).__name__, told(wanted, law),
            f"positions counted at {ground.grid.size} points",
            partial(_positions, ground.record(), run, seen, instrument, simulation),
            [*words, "--data", simulation.out, *seen.recover],
            len(seen.ts), run, seen.told, verb,
        )  # fmt: skip

    return simulate(simulation, {simulation.out: "density"}, prepare)


def _positions(
    base: DensityRecord,
    run: Trajectory,
    seen: Looks,
    instrument: Instrument,
    simulation: Simulation,
) -> dict[Path, Any]:
    """Draw positions of a run, by file."""
    each = drawn(run, seen.ts, instrument, simulation, seen.shots).values
    counts = np.asarray(each).reshape(len(seen.ts), *base.grid.shape)
    totals = np.reshape(seen.shots, (-1, *(1,) * base.grid.ndim))
    record = replace(
        base, ts=seen.ts, density=counts / (totals * base.grid.cell), counts=counts,
        action=None, sigma=None, levels=None, action_rate=None, t0=0.0,
    )  # fmt: skip
    return {simulation.out: record}


@with_options(out=..., shots=None)
def diffusion(
    *,
    assigned: Annotated[
        list[str] | None, sets("D (0.5), friction (0), classical_diffusion (0)")
    ] = None,
    times: Annotated[str | None, times_or("0:4:5")] = None,
    plan: Plan = None,
    simulation: Simulation,
) -> int:
    """Simulate positions of a packet in a double well under conservative diffusion.

    By default there are 1000 shots at each time.
    """
    base = problems.double_well()
    known = {"D": base.hbar / (2 * base.mass)}
    dissipative = ("friction", "classical_diffusion")
    truth = true_values(assigned, known | dict.fromkeys(dissipative, 0.0))
    seen = looks("diffusion", plan, times, "0:4:5", simulation.shots, 1000)
    ts = seen.ts
    dissipates = [name for name in dissipative if truth[name] != 0]

    def prepare() -> Simulated:
        form: Any = "window" if dissipates else "amplitude"
        given: dict[str, Any] = {name: truth[name] for name in ("D", *dissipates)}
        law = ConservativeDiffusion(
            base.grid, base.potential, mass=base.mass, hbar=base.hbar, form=form,
            **given,
        )  # fmt: skip
        instrument = Direct(of=Occupations(), noise=Multinomial())
        run = follow(
            law, base.initial, ts, instrument, stepper=law.stepper,
            shots=int(np.max(seen.shots)),
        )  # fmt: skip

        words = ["diffusion", "--data", simulation.out]
        other = ["D"] if truth["D"] != known["D"] else []
        words += seen.freeing([*other, *dissipates], "D").recover
        return Simulated(
            type(law).__name__, given, f"positions counted at {base.grid.size} points",
            partial(_positions, base, run, seen, instrument, simulation), words,
            len(ts), run, seen.told,
        )  # fmt: skip

    return simulate(simulation, {simulation.out: "density"}, prepare)

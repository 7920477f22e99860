"""`jqd simulate copying` and `jqd simulate diffusion`: counts of classes, positions."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import jax.numpy as jnp
import numpy as np
import typer

from .. import problems
from ..instruments import Confusion, Direct, Multinomial
from ..laws import ConservativeDiffusion, CopyDynamics
from ..observe import Occupations
from ..records import (
    Record,
    load_matrix,
    load_state,
    naming,
    write_density,
    write_matrix,
    write_record,
    write_state,
)
from .options import with_options
from .session import Matrix, State
from .simulation import (
    Simulated,
    Simulation,
    Times,
    drawn,
    follow,
    parse_times,
    sets,
    simulate,
    true_values,
)


@with_options(out=...)
def copying(
    *,
    hamiltonian: Matrix = None,
    state: State = None,
    assigned: Annotated[list[str] | None, sets("q (0.5), r (-0.5)")] = None,
    times: Times = "0:6:61",
    readout: float = typer.Option(
        0.0, min=0.0, max=1.0, help="Share of read-outs that tell nothing: any class."
    ),
    simulation: Simulation,
) -> int:
    """Counts of classes under copy dynamics, with the files of H and of the state.

    FILE gets the counts, FILE_hamiltonian.npy and FILE_psi0.npy beside it the rest.
    """
    if (hamiltonian is None) != (state is None):
        raise ValueError(
            "Arguments `--hamiltonian` and `--state` must be given together, but "
            f"{'--hamiltonian' if hamiltonian is None else '--state'} is missing."
        )
    truth = true_values(assigned, {"q": 0.5, "r": -0.5})
    ts, out = parse_times(times), simulation.out
    if ts[0] != 0:
        raise ValueError(
            "Argument `--times` must begin at 0 for counts of classes, since their "
            "file holds no other time of the state, but begins at "
            f"{ts[0]:g}."
        )
    beside = {
        option: out.with_name(f"{out.stem}_{name}.npy")
        for option, name in (("hamiltonian", "hamiltonian"), ("state", "psi0"))
    }
    if hamiltonian is None or state is None:
        problem = problems.four_level()
        H, psi0 = np.asarray(problem.hamiltonian), np.asarray(problem.psi0)
    else:
        H, psi0 = load_matrix(hamiltonian), load_state(state)

    instrument = Confusion(readout=jnp.asarray(readout))
    # as if a calibration had found it to a tenth
    nuisance = f"readout={readout:g}+-{readout / 10:g}"
    prior = ["--nuisance", nuisance] if readout > 0 else []

    def prepare() -> Simulated:
        with naming(hamiltonian):
            law = CopyDynamics.from_hamiltonian(H, truth["q"], truth["r"])
        with naming(state):
            run = follow(law, psi0, ts, instrument)

        def draw() -> dict[Path, Any]:
            counts = drawn(run, ts, instrument, simulation).values
            record = Record(ts, counts, instrument.noise)
            return {
                out: partial(write_record, record=record),
                beside["hamiltonian"]: partial(write_matrix, matrix=H),
                beside["state"]: partial(write_state, psi0=psi0),
            }

        return Simulated(
            type(law).__name__, truth, f"counts of {len(psi0)} classes", draw,
            ["copying", "--data", out, "--hamiltonian", beside["hamiltonian"],
             "--state", beside["state"], *prior],
            len(ts), run,
        )  # fmt: skip

    kinds = {out: "populations", beside["hamiltonian"]: "matrix"}
    return simulate(simulation, kinds | {beside["state"]: "state"}, prepare)


@with_options(out=...)
def diffusion(
    *,
    assigned: Annotated[
        list[str] | None, sets("D (0.5), friction (0), classical_diffusion (0)")
    ] = None,
    times: Times = "0:4:5",
    simulation: Simulation,
) -> int:
    """Positions counted under conservative diffusion, of a packet in a double well."""
    base = problems.double_well()
    known = {"D": base.hbar / (2 * base.mass)}
    dissipative = ("friction", "classical_diffusion")
    truth = true_values(assigned, known | dict.fromkeys(dissipative, 0.0))
    ts = parse_times(times)
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
            shots=simulation.shots,
        )  # fmt: skip

        def draw() -> dict[Path, Any]:
            seen = np.asarray(drawn(run, ts, instrument, simulation).values)
            counts = seen.reshape(len(ts), *base.grid.shape)
            record = replace(
                base, ts=ts, density=counts / (simulation.shots * base.grid.cell),
                counts=counts, action=None, sigma=None, levels=None, action_rate=None,
                t0=0.0,
            )  # fmt: skip
            return {simulation.out: partial(write_density, record=record)}

        words = ["diffusion", "--data", simulation.out]
        words += ["--free", ",".join(["D", *dissipates])] if dissipates else []
        return Simulated(
            type(law).__name__, given, f"positions counted at {base.grid.size} points",
            draw, words, len(ts), run,
        )  # fmt: skip

    return simulate(simulation, {simulation.out: "density"}, prepare)

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
    load_matrix,
    load_state,
    naming,
    write_density,
    write_matrix,
    write_record,
    write_state,
)
from .looks import Plan, looks, times_or
from .options import with_options
from .session import Matrix, State
from .simulation import (
    Simulated,
    Simulation,
    drawn,
    follow,
    sets,
    simulate,
    true_values,
)


@with_options(out=..., shots=None)
def copying(
    *,
    hamiltonian: Matrix = None,
    state: State = None,
    assigned: Annotated[list[str] | None, sets("q (0.5), r (-0.5)")] = None,
    times: Annotated[str | None, times_or("0:6:61")] = None,
    plan: Plan = None,
    readout: float = typer.Option(
        0.0, min=0.0, max=1.0, help="Share of read-outs that tell nothing: any class."
    ),
    simulation: Simulation,
) -> int:
    """Counts of classes under copy dynamics, with the files of H and of the state.

    FILE gets the counts, 1000 a time unless said, FILE_hamiltonian.npy and
    FILE_psi0.npy beside it the rest.
    """
    if (hamiltonian is None) != (state is None):
        raise ValueError(
            "Arguments `--hamiltonian` and `--state` must be given together, but "
            f"{'--hamiltonian' if hamiltonian is None else '--state'} is missing."
        )
    truth = true_values(assigned, {"q": 0.5, "r": -0.5})
    out = simulation.out
    seen = looks("copying", plan, times, "0:6:61", simulation.shots, 1000)
    if seen.ts[0] != 0 and out.suffix == ".csv":
        raise ValueError(
            f"Argument `{'--times' if plan is None else '--settings'}` must begin at 0 "
            "for counts in a .csv, which holds no other time of the state, but begins "
            f"at {seen.ts[0]:g}; give --out a .npz, .zarr or .nc."
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
    prior = list(seen.recover) if plan is not None else prior

    def prepare() -> Simulated:
        with naming(hamiltonian):
            law = CopyDynamics.from_hamiltonian(H, truth["q"], truth["r"])
        with naming(state):
            run = follow(law, psi0, seen.ts, instrument)

        def draw() -> dict[Path, Any]:
            record = drawn(run, seen.ts, instrument, simulation, seen.shots)
            return {
                out: partial(write_record, record=record),
                beside["hamiltonian"]: partial(write_matrix, matrix=H),
                beside["state"]: partial(write_state, psi0=psi0),
            }

        return Simulated(
            type(law).__name__, truth, f"counts of {len(psi0)} classes", draw,
            ["copying", "--data", out, "--hamiltonian", beside["hamiltonian"],
             "--state", beside["state"], *prior],
            len(seen.ts), run, seen.told,
        )  # fmt: skip

    kinds = {out: "populations", beside["hamiltonian"]: "matrix"}
    return simulate(simulation, kinds | {beside["state"]: "state"}, prepare)


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
    """Positions counted under conservative diffusion, of a packet in a double well.

    1000 a time unless said.
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

        def draw() -> dict[Path, Any]:
            each = drawn(run, ts, instrument, simulation, seen.shots).values
            counts = np.asarray(each).reshape(len(ts), *base.grid.shape)
            totals = np.reshape(seen.shots, (-1, *(1,) * base.grid.ndim))
            record = replace(
                base, ts=ts, density=counts / (totals * base.grid.cell),
                counts=counts, action=None, sigma=None, levels=None, action_rate=None,
                t0=0.0,
            )  # fmt: skip
            return {simulation.out: partial(write_density, record=record)}

        words = ["diffusion", "--data", simulation.out]
        if plan is not None:
            words += seen.recover
        elif dissipates:
            words += ["--free", ",".join(["D", *dissipates])]
        return Simulated(
            type(law).__name__, given, f"positions counted at {base.grid.size} points",
            draw, words, len(ts), run, seen.told,
        )  # fmt: skip

    return simulate(simulation, {simulation.out: "density"}, prepare)

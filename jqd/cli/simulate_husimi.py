"""`jqd simulate husimi`: heterodyne samples, or a map, of the Husimi law."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import jax
import numpy as np
import typer

from ..evolution import Propagator, Trajectory
from ..instruments import Direct, Gaussian
from ..laws.husimi import Heff, HusimiFokkerPlanck
from ..records import PhaseSpaceRecord, write_phase_space
from ..spaces.symbols import ParametricSymbol, parameters_of, parse_hamiltonian
from ..states import sample_husimi
from .options import check_word, with_options
from .recover_husimi import initial_state, levels_for
from .simulation import (
    Simulated,
    Simulation,
    Times,
    check_positive,
    drawn,
    follow,
    parse_times,
    rows,
    sets,
    simulate,
    true_values,
)

WORDS = {"samples": "heterodyne samples", "map": "a map with normal errors"}
KERR = "0.5*U*ad^2*a^2"
# Points of an axis of a map, and how far it reaches beyond the amplitude: there Q is
# below exp(-10) of its peak.
POINTS, REACH = 41, 3.2


@with_options(out=..., shots=2000)
def husimi(
    *,
    hamiltonian: str = typer.Option(KERR, help="Operator in a, ad, q, p, parameters."),
    assigned: Annotated[
        list[str] | None, sets("C (1), parameters of --hamiltonian (U 1)")
    ] = None,
    alpha0: str = typer.Option("1.2+0.5i", help="Amplitude of the coherent state."),
    times: Times = "0.2,0.5,1",
    record: str = typer.Option("samples", help=f"One of {', '.join(WORDS)}."),
    sigma: float = typer.Option(1e-2, help="Of a map: standard error of one look."),
    simulation: Simulation,
) -> int:
    """Heterodyne samples of one mode, or a map, under the Husimi law.

    Samples are so many outcomes at each time; a value of a map is the mean of so many
    looks.
    """
    check_word("record", record, tuple(WORDS))
    check_positive(sigma=sigma)
    ts, amplitude = parse_times(times), _amplitude(alpha0)
    truth = _truth(hamiltonian, assigned or ())
    parameters: dict[str, Any] = {
        name: value for name, value in truth.items() if name != "C"
    }
    operator = parse_hamiltonian(hamiltonian, modes=1, **parameters)
    _check_followed(operator)
    if record == "samples" and truth["C"] > 1:
        raise ValueError(
            "Argument `--set` must give C at most 1 for samples, since above it the "
            f"density is negative somewhere, but gives {truth['C']:g}; a map may have "
            "more: --record map."
        )
    seen = PhaseSpaceRecord(
        record, ts, np.zeros((len(ts), 0)), None, None, None,
        {"alpha0": np.asarray(amplitude)}, parameters,
    )  # fmt: skip
    words = ["husimi", "--data", simulation.out]
    words += [] if hamiltonian == KERR else ["--hamiltonian", hamiltonian]

    def prepare() -> Simulated:
        form = Heff(levels_for(seen))
        look = _map if record == "map" else _samples
        law, run, drawn = look(operator, truth["C"], form, seen, sigma, simulation)
        return Simulated(
            type(law).__name__, truth, WORDS[record],
            lambda: {simulation.out: partial(write_phase_space, record=drawn())},
            words, len(ts), run,
        )  # fmt: skip

    return simulate(simulation, {simulation.out: "phase space"}, prepare)


# The law, its run, and what draws the record.
_Look = tuple[HusimiFokkerPlanck, Trajectory, Callable[[], PhaseSpaceRecord]]


def _samples(
    operator: ParametricSymbol,
    C: float,
    form: Heff,
    record: PhaseSpaceRecord,
    sigma: float,
    simulation: Simulation,
) -> _Look:
    """Outcomes at each time, from the kets at C ħ whose Husimi function is Q."""
    del sigma
    law, ts = HusimiFokkerPlanck(operator, C, form=form), record.ts
    psi0 = initial_state(record, levels_for(record))
    run = follow(law, psi0, ts, Direct(of=None), Propagator())

    def draw() -> PhaseSpaceRecord:
        keys = jax.random.split(simulation.key, len(ts))
        one = partial(sample_husimi, shots=simulation.shots, hbar=law.equation.hbar_eff)
        return replace(record, values=np.asarray(jax.vmap(one)(keys, rows(run, ts))))

    return law, run, draw


def _map(
    operator: ParametricSymbol,
    C: float,
    form: Heff,
    record: PhaseSpaceRecord,
    sigma: float,
    simulation: Simulation,
) -> _Look:
    """Q on points around all of a state of so many quanta, with normal errors."""
    reach = abs(complex(record.initial["alpha0"])) + REACH
    x = np.linspace(-reach, reach, POINTS)
    points = (x[None, :] + 1j * x[:, None]).ravel()
    law, ts = HusimiFokkerPlanck(operator, C, points=points, form=form), record.ts
    psi0 = initial_state(record, levels_for(record))
    instrument = Direct(of="density", noise=Gaussian(sigma))
    run = follow(law, psi0, ts, instrument, Propagator())

    def draw() -> PhaseSpaceRecord:
        values = np.asarray(drawn(run, ts, instrument, simulation).values)
        error = sigma * simulation.shots**-0.5
        return replace(
            record, kind="husimi", values=values, points=points, axes=(x, x),
            sigma=error, g=2.0,
        )  # fmt: skip

    return law, run, draw


def _check_followed(operator: ParametricSymbol) -> None:
    """Raise unless the law of this Hamiltonian is exactly that of kets at C ħ."""
    verdict = operator.symbol().is_fokker_planck()
    if not verdict:
        raise ValueError(
            "Argument `--hamiltonian` must have at most two powers of a and two of ad "
            f"in each term, but has {', '.join(verdict.offending)}."
        )


def _amplitude(text: str) -> complex:
    """The amplitude of a coherent state, as in 1.2+0.5i."""
    try:
        value = complex(text.replace(" ", "").replace("i", "j"))
    except ValueError:
        value = complex(math.nan)
    if not (math.isfinite(value.real) and math.isfinite(value.imag)):
        raise ValueError(
            f"Argument `--alpha0` must be a number like 1.2+0.5i, but is {text!r}."
        )
    return value


def _truth(hamiltonian: str, assigned: Sequence[str]) -> dict[str, float]:
    """C and the parameters of the Hamiltonian; those of the built-in one are 1."""
    custom = 1.0 if hamiltonian == KERR else math.nan
    names = parameters_of(hamiltonian, modes=1)
    truth = true_values(assigned, {"C": 1.0, **dict.fromkeys(names, custom)})
    missing = [name for name, value in truth.items() if math.isnan(value)]
    if missing:
        raise ValueError(
            "Argument `--set` must give every parameter of --hamiltonian, but does not "
            f"give {', '.join(missing)}; add --set {missing[0]}=NUMBER."
        )
    return truth

"""`jqd simulate husimi`: heterodyne samples, or a map, of the Husimi law."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np

from ..evolution import Propagator
from ..instruments import Direct, Gaussian
from ..laws.husimi import Exact, HusimiFokkerPlanck
from ..records import PhaseSpaceRecord
from ..spaces.driven import Driven
from ..spaces.symbols import parameters_of, parse_hamiltonian
from ..states import sample_husimi
from .husimi_levels import levels_for
from .looks import Looks, Plan, looks, times_or
from .options import DATA, MODEL, check_word, with_options
from .recover_husimi import initial_state
from .simulation import (
    Simulated,
    Simulation,
    check_positive,
    drawn,
    follow,
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
# Options that are those of `jqd design husimi` as well.
OfOneMode = Annotated[
    str, MODEL.option(help="Hamiltonian in a, ad, q, p and parameters.")
]
Amplitude = Annotated[
    str, MODEL.option(help="Amplitude of the initial coherent state.")
]
Kind = Annotated[str, DATA.option(help=f"Kind of data: {' or '.join(WORDS)}.")]
OfMap = Annotated[
    float, DATA.option(help="Standard error of a single measurement of a map.")
]


@with_options(out=..., shots=None)
def husimi(
    *,
    hamiltonian: OfOneMode = KERR,
    assigned: Annotated[
        list[str] | None, sets("C (1), parameters of --hamiltonian (U 1)")
    ] = None,
    alpha0: Amplitude = "1.2+0.5i",
    times: Annotated[str | None, times_or("0.2,0.5,1")] = None,
    plan: Plan = None,
    record: Kind = "samples",
    sigma: OfMap = 1e-2,
    simulation: Simulation,
) -> int:
    """Simulate heterodyne samples of one mode, or a map, under the Husimi law.

    By default there are 2000 shots at each time: as many samples, or as many
    measurements of a map, whose values are their mean.
    """
    check_word("record", record, tuple(WORDS))
    check_positive(sigma=sigma)
    amplitude = read_amplitude(alpha0)
    seen = looks("husimi", plan, times, "0.2,0.5,1", simulation.shots, 2000)
    truth = true_parameters(hamiltonian, assigned or ())
    operator = operator_of(hamiltonian, truth)
    refuse_negative(record, truth["C"])
    blank = blank_record(record, seen.ts, amplitude, truth)
    words = ["husimi", "--data", simulation.out]
    words += [] if hamiltonian == KERR else ["--hamiltonian", hamiltonian]
    words += seen.freeing(["C"] if truth["C"] != 1 else [], "C").recover

    def prepare() -> Simulated:
        law, psi0 = law_of_kets(operator, truth["C"], blank)
        instrument = instrument_of(blank, sigma)
        run = follow(law, psi0, seen.ts, instrument, Propagator())

        def draw() -> dict[Path, Any]:
            if record == "map":
                values = drawn(run, seen.ts, instrument, simulation, seen.shots).values
                error = sigma / np.sqrt(seen.shots)
                made = replace(blank, values=np.asarray(values), sigma=error)
            else:
                made = _samples(blank, law, rows(run, seen.ts), seen, simulation)
            return {simulation.out: made}

        return Simulated(
            type(law).__name__, truth, WORDS[record], draw, words,
            len(seen.ts), run, seen.told,
        )  # fmt: skip

    return simulate(simulation, {simulation.out: "phase space"}, prepare)


def refuse_negative(record: str, C: float) -> None:
    """Raise ValueError for samples of a density that is negative somewhere."""
    if record == "samples" and C > 1:
        raise ValueError(
            "Argument `--set` must give C at most 1 for samples, since above it the "
            f"density is negative somewhere, but gives {C:g}; a map may have "
            "more: --record map."
        )


def blank_record(
    kind: str, ts: np.ndarray, amplitude: complex, truth: Mapping[str, float]
) -> PhaseSpaceRecord:
    """A record of one mode without values yet; a map has its points."""
    points = axes = None
    if kind == "map":
        # all of a state of so many quanta
        reach = abs(amplitude) + REACH
        x = np.linspace(-reach, reach, POINTS)
        points, axes = (x[None, :] + 1j * x[:, None]).ravel(), (x, x)
    parameters = {name: value for name, value in truth.items() if name != "C"}
    name = "husimi" if kind == "map" else kind
    values = np.zeros((len(ts), 0 if points is None else points.size))
    return PhaseSpaceRecord(
        name, ts, values, points, axes, None, {"alpha0": np.asarray(amplitude)},
        parameters, g=None if axes is None else 2.0,
    )  # fmt: skip


def law_of_kets(
    operator: Driven, C: float, record: PhaseSpaceRecord
) -> tuple[HusimiFokkerPlanck, Any]:
    """The law on enough levels, with the points of the record, and the state."""
    levels = levels_for(record, operator)
    law = HusimiFokkerPlanck(operator, C, points=record.points, form=Exact(levels))
    return law, initial_state(record, levels)


def instrument_of(record: PhaseSpaceRecord, sigma: float) -> Direct:
    """Q with normal errors for a map; else the state itself, of which samples are."""
    if record.points is None:
        return Direct(of=None)
    # one a row, so that rows may be looked at more often than others
    errors = np.full((len(record.ts), 1), sigma)
    return Direct(of="density", noise=Gaussian(errors))


def _samples(
    record: PhaseSpaceRecord,
    law: HusimiFokkerPlanck,
    states: Any,
    seen: Looks,
    simulation: Simulation,
) -> PhaseSpaceRecord:
    """Outcomes at each time, from the kets at C ħ whose Husimi function is Q.

    Rows of fewer outcomes are filled up with zeros; then `shots` says how many count.
    """
    keys = jax.random.split(simulation.key, len(record.ts))
    most = int(np.max(seen.shots))
    one = partial(sample_husimi, shots=most, hbar=law.equation.hbar_eff)
    values = np.asarray(jax.vmap(one)(keys, states))
    if seen.each is None:
        return replace(record, values=values)
    shots = np.asarray(seen.each)
    counts = np.arange(most)[None, :] < shots[:, None]
    return replace(record, values=np.where(counts, values, 0), shots=shots)


def operator_of(hamiltonian: str, truth: Mapping[str, float]) -> Driven:
    """The Hamiltonian with its true parameters; one that kets at C ħ follow."""
    parameters: dict[str, Any] = {
        name: value for name, value in truth.items() if name != "C"
    }
    operator = parse_hamiltonian(hamiltonian, modes=1, **parameters)
    check_followed(operator)
    return operator


def check_followed(operator: Driven) -> None:
    """Raise unless the law of this Hamiltonian is exactly that of kets at C ħ."""
    verdict = operator.at().is_fokker_planck()
    if not verdict:
        raise ValueError(
            "Argument `--hamiltonian` must have at most two powers of a and two of ad "
            f"in each term, but has {', '.join(verdict.offending)}."
        )


def read_amplitude(text: str) -> complex:
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


def true_parameters(hamiltonian: str, assigned: Sequence[str]) -> dict[str, float]:
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

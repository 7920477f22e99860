"""The set-up of one mode under the Husimi law: heterodyne samples, or a map."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ..evolution import Propagator, Trajectory
from ..instruments import Direct, Gaussian, SampleMoments
from ..laws.husimi import Exact, HusimiFokkerPlanck
from ..observe import Moments
from ..records import PhaseSpaceRecord, Record
from ..records.phase_space import least_samples, sample_orders
from ..spaces.driven import Driven
from ..spaces.symbols import parameters_of, parse_hamiltonian
from ..states import sample_husimi
from .following import Asked, Followed, Looks, SetUp
from .husimi_levels import levels_for
from .options import DATA, MODEL, check_word
from .recover_husimi import initial_state
from .simulation import Simulation, check_positive, drawn, rows, sets, true_values

WORDS = {"samples": "heterodyne samples", "map": "a map with normal errors"}
KERR = "0.5*U*ad^2*a^2"
# Points of an axis of a map, and how far it reaches beyond the amplitude: there Q is
# below exp(-10) of its peak.
POINTS, REACH = 41, 3.2
# Points of a map that a design compares.
FEWER = 600


@dataclass(frozen=True, kw_only=True)
class OneMode(SetUp):
    """One mode from a coherent state, of which samples or maps are taken."""

    NAME: ClassVar = "husimi"
    SHOTS: ClassVar = 2000
    SPANS: ClassVar = {"simulate": "0.2,0.5,1", "design": "0.1:3:30"}

    hamiltonian: Annotated[
        str, MODEL.option(help="Hamiltonian in a, ad, q, p and parameters.")
    ] = KERR
    assigned: Annotated[
        list[str] | None, sets("C (1), parameters of --hamiltonian (U 1)")
    ] = None
    alpha0: Annotated[
        str, MODEL.option(help="Amplitude of the initial coherent state.")
    ] = "1.2+0.5i"
    times: str | None = None
    plan: Path | None = None
    record: Annotated[str, DATA.option(help=f"Kind of data: {' or '.join(WORDS)}.")] = (
        "samples"
    )
    sigma: Annotated[
        float, DATA.option(help="Standard error of a single measurement of a map.")
    ] = 1e-2

    @cached_property
    def truth(self) -> dict[str, float]:
        """True values by name."""
        return true_parameters(self.hamiltonian, self.assigned or ())

    @cached_property
    def operator(self) -> Driven:
        """The Hamiltonian with its true parameters."""
        return operator_of(self.hamiltonian, self.truth)

    def check(self, asked: Asked) -> None:
        del asked
        check_word("record", self.record, tuple(WORDS))
        check_positive(sigma=self.sigma)
        _ = read_amplitude(self.alpha0), self.operator
        C = self.truth["C"]
        if self.record == "samples" and C > 1:
            raise ValueError(
                "Argument `--set` must give C at most 1 for samples, since above it "
                f"the density is negative somewhere, but gives {C:g}; a map may have "
                "more: --record map."
            )

    def followed(self, ts: np.ndarray, asked: Asked) -> Followed:
        """Kets at C hbar, whose Husimi function is that of the law."""
        blank = self._blank(ts)
        blank = blank.thinned(FEWER) if asked.free else blank
        levels = levels_for(blank, self.operator)
        law = HusimiFokkerPlanck(
            self.operator, self.truth["C"], points=blank.points, form=Exact(levels)
        )
        return Followed(
            law, initial_state(blank, levels), instrument_of(blank, self.sigma),
            type(law).__name__, self.truth, WORDS[self.record], asked.priors,
            Propagator(),
        )  # fmt: skip

    def files(self, out: Path, ts: np.ndarray) -> dict[Path, str]:
        """One file, which holds the initial state as well."""
        del ts
        return {out: "phase space"}

    def drawn(
        self, made: Followed, run: Trajectory, seen: Looks, simulation: Simulation
    ) -> Mapping[Path, Any]:
        blank = self._blank(seen.ts)
        if self.record == "map":
            values = drawn(run, seen.ts, made.instrument, simulation, seen.shots).values
            error = self.sigma / np.sqrt(seen.shots)
            record = replace(blank, values=np.asarray(values), sigma=error)
        else:
            record = _samples(blank, made.law, rows(run, seen.ts), seen, simulation)
        return {simulation.out: record}

    def reader(self, seen: Looks, simulation: Simulation) -> tuple[str, list[Any]]:
        """The command that reads the data; it frees C where that is not 1."""
        words: list[Any] = ["husimi", "--data", simulation.out]
        words += [] if self.hamiltonian == KERR else ["--hamiltonian", self.hamiltonian]
        apart = ["C"] if self.truth["C"] != 1 else []
        return "recover", words + seen.freeing(apart, "C").recover

    def words(self, asked: Asked) -> list[Any]:
        words = super().words(asked)
        words += [] if self.hamiltonian == KERR else ["--hamiltonian", self.hamiltonian]
        words += ["--alpha0", self.alpha0, "--record", self.record]
        return words + (["--sigma", self.sigma] if self.record == "map" else [])

    def data(self, made: Followed, run: Trajectory, ts: np.ndarray) -> Any:
        """Moments of samples, as `jqd recover husimi` compares them; or maps."""
        values, noise, shown = rows(run, ts), made.instrument.noise, made.instrument
        if self.record == "samples":
            orders = sample_orders(1)
            noise = SampleMoments(orders)
            shown = Direct(of=Moments(orders), noise=noise)
            look = Moments(orders).bind(made.law)
            values = jax.vmap(look)(jnp.asarray(ts), values)
        return Record(ts, np.asarray(values), noise, t0=0.0), shown

    @property
    def least(self) -> int:
        """Fewest shots: of fewer samples, moments would not show how they scatter."""
        return 1 if self.record == "map" else least_samples(1)

    def _blank(self, ts: np.ndarray) -> PhaseSpaceRecord:
        """The record at these times, without values yet; a map has its points."""
        amplitude = read_amplitude(self.alpha0)
        points = axes = None
        if self.record == "map":
            # all of a state of so many quanta
            reach = abs(amplitude) + REACH
            x = np.linspace(-reach, reach, POINTS)
            points, axes = (x[None, :] + 1j * x[:, None]).ravel(), (x, x)
        parameters = {name: value for name, value in self.truth.items() if name != "C"}
        name = "husimi" if self.record == "map" else self.record
        values = np.zeros((len(ts), 0 if points is None else points.size))
        return PhaseSpaceRecord(
            name, ts, values, points, axes, None, {"alpha0": np.asarray(amplitude)},
            parameters, g=None if axes is None else 2.0,
        )  # fmt: skip


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
    """The Hamiltonian with its true parameters; one that kets at C ħ follow exactly."""
    parameters: dict[str, Any] = {
        name: value for name, value in truth.items() if name != "C"
    }
    operator = parse_hamiltonian(hamiltonian, modes=1, **parameters)
    verdict = operator.at().is_fokker_planck()
    if not verdict:
        raise ValueError(
            "Argument `--hamiltonian` must have at most two powers of a and two of ad "
            f"in each term, but has {', '.join(verdict.offending)}."
        )
    return operator


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

"""`jqd simulate statistics`, `springs`, `tower`, `temperature`: records of matter."""

import math
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import problems
from ..evolution import Propagator
from ..instruments import Direct, Multinomial
from ..matter.photons import sample_counts
from ..matter.tower import RandomTower
from ..matter.tower.level_norms import FOOT, LevelNorms
from ..records import (
    CountsRecord,
    PhotonCounts,
    Record,
    write_atoms,
    write_photons,
    write_record,
    write_statistics,
)
from ..statistics import sample_occupations
from .options import DATA, MODEL, finite_number, with_options
from .simulation import (
    Simulated,
    Simulation,
    Times,
    check_positive,
    drawn,
    follow,
    parse_times,
    sets,
    simulate,
    true_values,
)


@with_options(out=..., shots=400)
def statistics(
    *,
    assigned: Annotated[list[str] | None, sets("g (1)")] = None,
    particles: int = MODEL.option(50, min=1, help="Number of particles in each draw."),
    states: int = MODEL.option(20, min=2, help="Number of states they can occupy."),
    simulation: Simulation,
) -> int:
    """Simulate occupation numbers of N particles in M states, one draw per shot."""
    truth = true_values(assigned, {"g": 1.0})

    def draw() -> dict[Path, Any]:
        shape = (simulation.shots,)
        key, g = simulation.key, truth["g"]
        counts = np.asarray(sample_occupations(key, particles, states, g, shape))
        return {simulation.out: partial(write_statistics, record=CountsRecord(counts))}

    what = f"draws of {particles} particles in {states} states"
    words = ["statistics", "--data", simulation.out]
    made = Simulated("statistics", truth, what, draw, words)
    return simulate(simulation, {simulation.out: "statistics"}, lambda: made)


@with_options(out=..., shots=1)
def springs(
    *,
    assigned: Annotated[
        list[str] | None, sets("K of all springs, or K[0], K[1], .. (random)")
    ] = None,
    number_of: int = MODEL.option(
        10, "--springs", min=1, help="Number of springs in the chain."
    ),
    time: Annotated[float, MODEL.option(min=1.0, help="Duration of the data.")] = 60.0,
    sigma: float = DATA.option(1e-3, help="Standard error of a single measurement."),
    simulation: Simulation,
) -> int:
    """Simulate positions of the kicked end of a chain, each a mean over the shots."""
    check_positive(sigma=sigma)
    # the chain and its scatter, drawn as by `recover springs` of the same seed
    drawn = problems.unlike_springs(number_of, simulation.seed)
    labels = [f"K[{i}]" for i in range(number_of)]
    known = dict(zip(labels, np.asarray(drawn).tolist(), strict=True))
    given = true_values(assigned, {"K": math.nan, **known})
    every = given.pop("K")
    if not math.isnan(every):
        set_alone = {text.partition("=")[0].strip() for text in assigned or ()}
        given |= {name: every for name in labels if name not in set_alone}

    def prepare() -> Simulated:
        record = problems.spring_chain(
            time, sigma=sigma * simulation.shots**-0.5, seed=simulation.seed,
            K=np.array([given[label] for label in labels]), springs=number_of,
        )  # fmt: skip
        return Simulated(
            "AtomMotion", given, "positions of the first atom",
            lambda: {simulation.out: partial(write_atoms, record=record)},
            ["springs", "--data", simulation.out], len(record.ts),
        )  # fmt: skip

    return simulate(simulation, {simulation.out: "atoms"}, prepare)


@with_options(out=..., shots=20000)
def tower(
    *,
    assigned: Annotated[
        list[str] | None, sets("strength (0.15), omega (0.8), beta (0.7)")
    ] = None,
    times: Times = "0.5:30:60",
    levels: int = MODEL.option(60, min=2, help="Number of levels of the matter."),
    photons: int = MODEL.option(8, min=1, help="Largest number of photons."),
    simulation: Simulation,
) -> int:
    """Simulate photon counts in a tower over random matter, which --seed draws too."""
    truth = true_values(assigned, {"strength": 0.15, "omega": 0.8, "beta": 0.7})
    ts = parse_times(times)

    def prepare() -> Simulated:
        law = RandomTower(jax.random.key(simulation.seed), levels, photons, **truth)
        instrument = Direct(of=LevelNorms(photons + 1), noise=Multinomial())
        run = follow(law, law.foot(FOOT), ts, instrument, Propagator())

        def draw() -> dict[Path, Any]:
            counts = drawn(run, ts, instrument, simulation).values
            record = Record(ts, counts, instrument.noise)
            return {simulation.out: partial(write_record, record=record)}

        words = ["tower", "--data", simulation.out, "--seed", simulation.seed]
        return Simulated(
            type(law).__name__, truth, f"counts of 0 to {photons} photons", draw,
            [*words, "--levels", levels, "--photons", photons], len(ts), run,
        )  # fmt: skip

    return simulate(simulation, {simulation.out: "populations"}, prepare)


@with_options(out=..., shots=2000)
def temperature(
    *,
    assigned: Annotated[list[str] | None, sets("T (1)")] = None,
    omega: str = MODEL.option(
        "1", help="Frequencies of the modes, separated by commas."
    ),
    n_max: int | None = MODEL.option(
        None,
        min=1,
        help="Largest number of photons that a mode can hold; unlimited by default.",
    ),
    simulation: Simulation,
) -> int:
    """Simulate photon counts in modes of thermal light, --shots of each mode."""
    truth = true_values(assigned, {"T": 1.0})
    rule = "`--omega` must be positive numbers with commas between"
    modes = np.array([finite_number(part, rule) for part in omega.split(",")])
    if np.any(modes <= 0):
        raise ValueError(f"Argument {rule}, but {omega!r} was given.")
    check_positive(**{"set T": truth["T"]})

    def draw() -> dict[Path, Any]:
        each = np.repeat(modes, simulation.shots)
        n = sample_counts(
            simulation.key, jnp.asarray(each), truth["T"], each.shape, n_max
        )
        most = None if n_max is None else np.full(each.shape, n_max)
        record = PhotonCounts(each, np.asarray(n), most)
        return {simulation.out: partial(write_photons, record=record)}

    what, words = f"photon counts of {len(modes)} modes", ["temperature", "--data"]
    made = Simulated("Planck", truth, what, draw, [*words, simulation.out])
    return simulate(simulation, {simulation.out: "light"}, lambda: made)

"""`jqd simulate`: draw data of a set-up; its commands."""

import math
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import jax.numpy as jnp
import numpy as np

from .. import problems
from ..matter.photons import sample_counts
from ..records import CountsRecord, PhotonCounts
from ..statistics import sample_occupations
from .followed_classes import ERRORS, Copies, OneLaw
from .followed_mode import OneMode
from .followed_positions import DoubleWell
from .following import PLAN, Asked, SetUp, looks
from .options import DATA, MODEL, finite_number, with_options
from .recover_tower import Tower
from .setups import command_of, verb_of
from .simulation import (
    Simulated,
    Simulation,
    check_positive,
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
        return {simulation.out: CountsRecord(counts)}

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
            lambda: {simulation.out: record},
            ["springs", "--data", simulation.out], len(record.ts),
        )  # fmt: skip

    return simulate(simulation, {simulation.out: "atoms"}, prepare)


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
        return {simulation.out: record}

    what, words = f"photon counts of {len(modes)} modes", ["temperature", "--data"]
    made = Simulated("Planck", truth, what, draw, [*words, simulation.out])
    return simulate(simulation, {simulation.out: "light"}, lambda: made)


def follow_and_draw(*, setup: SetUp, simulation: Simulation) -> int:
    """Follow the law of a set-up, and draw what is seen of it."""
    setup = setup.chosen()
    asked = Asked(seed=simulation.seed)
    setup.check(asked)
    known = setup.plan is not None or setup.times is not None
    default = "" if known else setup.span("simulate")
    seen = looks(
        setup.NAME, setup.plan, setup.times, default, simulation.shots, setup.SHOTS
    )

    def prepare() -> Simulated:
        made = setup.followed(seen.ts, asked)
        verb, words = setup.reader(seen, simulation)
        run = made.run(seen.ts, int(np.max(seen.shots)))
        return Simulated(
            made.name, made.constants, made.shown,
            partial(setup.drawn, made, run, seen, simulation), words, len(seen.ts), run,
            seen.told, verb,
        )  # fmt: skip

    return simulate(simulation, setup.files(simulation.out, seen.ts), prepare)


def _planned(setup: type[SetUp], help: str, **options: Any) -> Any:
    """The command of a set-up that takes a plan as well."""
    times = setup.times_of("simulate", "Measurement times", beside_plan=True)
    return command_of(
        follow_and_draw, setup, help, out=..., shots=None, times=times, plan=PLAN,
        **options,
    )  # fmt: skip


simulate_app = verb_of(
    "simulate",
    help="Draw synthetic data, as an experiment would see them, for `jqd recover`.",
    commands={
        _planned(
            Copies,
            "Simulate counts of classes under copy dynamics.\n\n"
            "FILE gets the counts, by default 1000 shots at each time. The Hamiltonian"
            "\nand the initial state go beside it: FILE_hamiltonian.npy, "
            "FILE_psi0.npy.",
            **ERRORS,
        ): "copying --set q=0.45 --shots 2000 --out counts.csv",
        _planned(
            OneLaw,
            "Simulate counts under your own law, or one of the library, as for "
            "`copying`.\n\n"
            "On a grid, where the file of the law has a function ground(), FILE gets\n"
            "counted positions, the grid and the state.",
            **ERRORS,
        ): 'law "gisin[lam=0.1]" --times 0:2:5 --out gisin.csv',
        _planned(
            OneMode,
            "Simulate heterodyne samples of one mode, or a map, under the Husimi "
            "law.\n\n"
            "By default there are 2000 shots at each time: as many samples, or as many"
            "\nmeasurements of a map, whose values are their mean.",
        ): "husimi --set C=0.9 --out samples.npz",
        _planned(
            DoubleWell,
            "Simulate positions of a packet in a double well under conservative "
            "diffusion.\n\n"
            "By default there are 1000 shots at each time.",
        ): "diffusion --set D=0.45 --times 0:2:3 --out positions.npz",
        statistics: "statistics --set g=0.5 --shots 100 --out draws.csv",
        springs: "springs --springs 3 --time 15 --out chain.npz",
        command_of(
            follow_and_draw, Tower,
            "Simulate photon counts in a tower over random matter, which --seed draws "
            "too.",
            out=..., shots=20000, times=Tower.times_of("simulate", "Measurement times"),
        ): "tower --levels 20 --photons 5 --times 0.5:10:20 --out tower.zarr",
        temperature: "temperature --set T=1.5 --omega 0.5,2 --out light.csv",
    },
)  # fmt: skip

"""`jqd simulate`: draw data of a set-up; its commands."""

from functools import partial
from typing import Any

import numpy as np

from .followed_classes import ERRORS, Copies, OneLaw
from .followed_mode import OneMode
from .followed_positions import DoubleWell
from .followed_tower import Tower
from .following import Asked, SetUp
from .looks import PLAN, looks
from .setups import command_of, verb_of
from .simulate_matter import springs, statistics, temperature
from .simulation import Simulated, Simulation, simulate


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

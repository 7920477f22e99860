"""The set-up of a photon tower over random matter: counts of photons."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar

import jax
import numpy as np

from ..evolution import Propagator, Trajectory
from ..instruments import Direct, Multinomial
from ..matter.tower import RandomTower
from ..matter.tower.observed import FOOT, MATTER, LevelNorms
from ..records import Record
from .following import Asked, Followed, SetUp
from .looks import Looks
from .options import MODEL
from .simulation import Simulation, drawn, sets, true_values

# Options of `jqd recover tower` as well.
Levels = Annotated[int, MODEL.option(min=2, help="Number of levels of the matter.")]
Photons = Annotated[int, MODEL.option(min=1, help="Largest number of photons.")]


@dataclass(frozen=True, kw_only=True)
class Tower(SetUp):
    """Light in the foot of a tower, and counts of photons."""

    NAME: ClassVar = "tower"
    SPANS: ClassVar = {"simulate": "0.5:30:60"}

    assigned: Annotated[
        list[str] | None, sets("strength (0.15), omega (0.8), beta (0.7)")
    ] = None
    times: str | None = None
    plan: Path | None = None
    levels: Levels = 60
    photons: Photons = 8

    @cached_property
    def truth(self) -> dict[str, float]:
        """True values by name."""
        known = {"strength": 0.15, "omega": 0.8, "beta": 0.7}
        return true_values(self.assigned, known)

    def check(self, asked: Asked) -> None:
        del asked
        _ = self.truth

    def followed(self, ts: np.ndarray, asked: Asked) -> Followed:
        """The tower over the matter that the seed draws."""
        del ts
        key = jax.random.key(asked.seed)
        size = (self.levels, self.photons)
        law = RandomTower(key, *size, **self.truth, **MATTER)
        return Followed(
            law, law.foot(FOOT),
            Direct(of=LevelNorms(self.photons + 1), noise=Multinomial()),
            type(law).__name__, self.truth, f"counts of 0 to {self.photons} photons",
            method=Propagator(),
        )  # fmt: skip

    def files(self, out: Path, ts: np.ndarray) -> dict[Path, str]:
        del ts
        return {out: "populations"}

    def drawn(
        self, made: Followed, run: Trajectory, seen: Looks, simulation: Simulation
    ) -> Mapping[Path, Any]:
        counts = drawn(run, seen.ts, made.instrument, simulation, seen.shots).values
        record = Record(seen.ts, counts, made.instrument.noise)
        return {simulation.out: record}

    def reader(self, seen: Looks, simulation: Simulation) -> tuple[str, list[Any]]:
        words = ["tower", "--data", simulation.out, "--seed", simulation.seed]
        return "recover", [*words, "--levels", self.levels, "--photons", self.photons]

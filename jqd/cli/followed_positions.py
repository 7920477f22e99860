"""Set-ups of a law of a particle on a grid, of whose positions counts are taken."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np

from .. import problems
from ..evolution import Trajectory
from ..instruments import Direct, Multinomial
from ..laws import ConservativeDiffusion, Law
from ..observe import Occupations
from ..records import DensityRecord
from ..spaces.grids import Grid
from .following import Asked, Followed, Looks, SetUp
from .law_words import Wanted
from .on_grid import Ground, method_of, stepper_of
from .one_law import check_settled, free_of, law_that_runs, reader_of, told, words_of
from .recover_diffusion import CONSTANTS
from .simulation import Simulation, drawn, sets, true_values

DISSIPATIVE = ("friction", "classical_diffusion")
# The built-in problem, read once.
_double_well = cache(problems.double_well)


@dataclass(frozen=True)
class Positions(SetUp):
    """A law of a particle, and counts of its positions."""

    @property
    @abstractmethod
    def base(self) -> DensityRecord:
        """What data say of the particle, beside counts."""

    def files(self, out: Path, ts: np.ndarray) -> dict[Path, str]:
        """One file, which holds the grid and the state as well."""
        del ts
        return {out: "density"}

    def drawn(
        self, made: Followed, run: Trajectory, seen: Looks, simulation: Simulation
    ) -> Mapping[Path, Any]:
        base = self.base
        each = drawn(run, seen.ts, made.instrument, simulation, seen.shots).values
        counts = np.asarray(each).reshape(len(seen.ts), *base.grid.shape)
        totals = np.reshape(seen.shots, (-1, *(1,) * base.grid.ndim))
        record = replace(
            base, ts=seen.ts, density=counts / (totals * base.grid.cell), counts=counts,
            action=None, sigma=None, levels=None, action_rate=None, t0=0.0,
        )  # fmt: skip
        return {simulation.out: record}


@dataclass(frozen=True, kw_only=True)
class DoubleWell(Positions):
    """Conservative diffusion of a packet in the built-in double well."""

    NAME: ClassVar = "diffusion"
    SPANS: ClassVar = {"simulate": "0:4:5", "design": "0.25:4:16"}
    CONSTANTS: ClassVar = CONSTANTS

    assigned: Annotated[
        list[str] | None, sets("D (0.5), friction (0), classical_diffusion (0)")
    ] = None
    times: str | None = None
    plan: Path | None = None

    @property
    def base(self) -> DensityRecord:
        return _double_well()

    @cached_property
    def _known(self) -> dict[str, float]:
        """Values in quantum mechanics."""
        quantum = {"D": self.base.hbar / (2 * self.base.mass)}
        return quantum | dict.fromkeys(DISSIPATIVE, 0.0)

    @cached_property
    def truth(self) -> dict[str, float]:
        """True values by name."""
        return true_values(self.assigned, self._known)

    def check(self, asked: Asked) -> None:
        del asked
        _ = self.truth

    def followed(self, ts: np.ndarray, asked: Asked) -> Followed:
        del ts
        base, truth = self.base, self.truth
        named = (*asked.free, *asked.priors)
        used = [name for name in DISSIPATIVE if truth[name] != 0 or name in named]
        form: Any = "window" if used else "amplitude"
        given: dict[str, Any] = {name: truth[name] for name in ("D", *used)}
        law = ConservativeDiffusion(
            base.grid, base.potential, mass=base.mass, hbar=base.hbar, form=form,
            **given,
        )  # fmt: skip
        return _counted(
            law, base.initial, base.grid, given, stepper=law.stepper,
            priors=asked.priors,
        )  # fmt: skip

    def reader(self, seen: Looks, simulation: Simulation) -> tuple[str, list[Any]]:
        """The command that reads the counts; it frees what is not quantum mechanics."""
        apart = [name for name, x in self.truth.items() if x != self._known[name]]
        words = ["diffusion", "--data", simulation.out]
        return "recover", [*words, *seen.freeing(apart, "D").recover]


@dataclass(frozen=True)
class OnGround(Positions):
    """A law on the grid of its file.

    Attributes:
        text: the law, as the user typed it.
        wanted: the law as it was asked for.
        ground: where it is tried.
        state: file or words of the state; None for that of the ground.
    """

    NAME: ClassVar = "law"
    SPANS: ClassVar = {"simulate": "0:6:61", "design": "0.1:6:60"}
    SCALED: ClassVar = True

    text: str
    wanted: Wanted
    ground: Ground
    state: Path | None
    times: str | None
    plan: Path | None
    assigned: list[str] | None = None

    @property
    def base(self) -> DensityRecord:
        return self.ground.record()

    @cached_property
    def made(self) -> Law:
        """The law."""
        return self.ground.law_of(partial(law_that_runs, self.wanted))

    def check(self, asked: Asked) -> None:
        check_settled(self.wanted, self.text, asked.free)

    def names(self, free: str | None) -> tuple[str, ...]:
        return free_of(self.wanted, self.made, free, given=True)

    def scale(self) -> float:
        return self.ground.time_scale()

    def followed(self, ts: np.ndarray, asked: Asked) -> Followed:
        del ts
        law, ground = self.made, self.ground
        return _counted(
            law, ground.psi0, ground.grid, told(self.wanted, law),
            stepper=stepper_of(law), fitted=method_of(law), priors=asked.priors,
        )  # fmt: skip

    def reader(self, seen: Looks, simulation: Simulation) -> tuple[str, list[Any]]:
        verb, words = reader_of(self.wanted, self.made, seen.free)
        return verb, [*words, "--data", simulation.out, *seen.recover]

    def words(self, asked: Asked) -> list[Any]:
        del asked
        words: list[Any] = words_of(self.wanted)
        return words + ([] if self.state is None else ["--state", self.state])


def _counted(
    law: Law, psi0: Any, grid: Grid, constants: Mapping[str, float], **more: Any
) -> Followed:
    """A law on a grid, and counts of positions without errors."""
    return Followed(
        law, psi0, Direct(of=Occupations(), noise=Multinomial()), type(law).__name__,
        constants, f"positions counted at {grid.size} points", **more,
    )  # fmt: skip

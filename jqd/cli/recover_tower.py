"""`jqd simulate tower` and `jqd recover tower`: levels of a photon tower."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from .. import constants, problems
from ..evolution import Propagator, Trajectory, evolve
from ..inference import Polish
from ..instruments import Direct, Gaussian, Multinomial
from ..matter.tower import RandomTower
from ..matter.tower.random_tower import FOOT, MATTER, LevelNorms
from ..records import Record, load_record, naming
from ..records.populations import POPULATIONS
from ..records.reading import read
from .fit import fit
from .following import Asked, Followed, Looks, SetUp
from .options import (
    DATA,
    MODEL,
    Common,
    Free,
    Starts,
    check_sigma,
    only_with,
    parse_free,
    parse_start,
    start_like,
    with_options,
)
from .recover_copying import check_course
from .session import takes
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


# The constants, and where a fit begins.
FIRST = {"strength": 0.13, "omega": 0.85, "beta": 0.62}
# Standard error of norms that nothing else says.
SIGMA = 2e-3


@with_options(out=Path("results/tower"))
def tower(
    *,
    data: Annotated[
        Path | None,
        takes("populations", "Here they are the norms of the tower's levels."),
    ] = None,
    free: Free = "strength,omega,beta",
    start: Annotated[str, start_like("omega=0.9")] = "",
    starts: Starts = 1,
    levels: Levels = 60,
    photons: Photons = 8,
    sigma: float | None = DATA.option(
        None,
        help="Standard error of the norms; counts have their own.",
        show_default=f"that of the file, or {SIGMA:g}",
    ),
    t0: float | None = DATA.option(
        None,
        "--t0",
        help="Time at which the light is in the foot of the tower.",
        show_default="that of the data, or 0",
    ),
    common: Common,
) -> int:
    """Recover coupling, frequency and temperature of matter from a photon tower."""
    check_sigma(sigma)
    only_with("--t0", "--data", given=t0 is not None, there=data is not None)
    wanted = parse_free(free, tuple(FIRST))
    levels = min(levels, 40) if common.quick else levels
    first = parse_start(start, tuple(FIRST))
    size = (levels, photons)
    # what is refused is better refused before a record is computed
    RandomTower(jax.random.key(common.seed), *size, **FIRST | first, **MATTER)
    truth: dict[str, float] = {}
    if data is None:
        made = problems.tower_record(
            levels=levels, photons=photons, sigma=SIGMA if sigma is None else sigma,
            seed=common.seed,
        )  # fmt: skip
        key, record = made.law.key, made.data
        truth = {name: float(getattr(made.law, name)) for name in FIRST}
    else:
        key, record = jax.random.key(common.seed), _read(data, photons, sigma, t0)
    # constants that are not free keep the value they are known to have
    begin = FIRST | truth | {name: FIRST[name] for name in wanted} | first
    law = RandomTower(key, *size, **begin, **MATTER)
    psi0 = law.foot(FOOT)
    shown = record.values.shape[1]
    names = [f"p{k}" for k in range(shown)]
    return fit(
        common, law, record, psi0=psi0, free=wanted, instrument=LevelNorms(shown),
        start={name: constants.pack(law, name) for name in wanted}, starts=starts,
        search=None, polish=Polish(windows=3), method=_method(law, psi0, record),
        truth=truth, names=names, settings={"levels": levels, "photons": photons},
        file=data,
        landscape=not common.quick,
    )  # fmt: skip


def _read(file: Path, photons: int, sigma: float | None, t0: float | None) -> Record:
    if t0 is None and "t0" not in read(file, POPULATIONS):
        t0 = 0.0
    found = load_record(file, t0=t0)
    check_course(found, file)
    shown = photons + 1
    if found.values.shape[1] > shown:
        raise ValueError(
            f"Argument `data` must hold at most {shown} levels of the tower, p0 to "
            f"p{shown - 1}, but {file.name} holds {found.values.shape[1]}."
        )
    counted = isinstance(found.noise, Multinomial)
    if counted and sigma is not None:
        raise ValueError(
            "Argument `--sigma` must not be given for counts, which have errors of "
            "their own, but is."
        )
    # counts scatter as counts do; of shares the user says it, or the file
    noise = found.noise
    if sigma is not None or not noise.known:
        noise = Gaussian(SIGMA if sigma is None else sigma)
    with naming(file):
        return Record(found.ts, found.values, noise, found.t0)


def _method(law: RandomTower, psi0: jax.Array, data: Record) -> Propagator:
    """Chebyshev series with room for other constants than those of the start."""
    ts = jnp.concatenate([jnp.zeros(1), jnp.max(jnp.diff(data.ts))[None]])
    run = evolve(law, psi0, ts, method=Propagator())
    return Propagator(terms=int(1.5 * int(run.diagnostics["num_terms"])))

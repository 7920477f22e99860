"""`jqd recover tower`: norms of the levels of a photon tower."""

from pathlib import Path
from typing import Annotated

import jax
import jax.numpy as jnp

from .. import constants, problems
from ..evolution import Propagator, evolve
from ..inference import Polish
from ..instruments import Gaussian, Multinomial
from ..matter.tower import RandomTower
from ..matter.tower.observed import FOOT, MATTER, LevelNorms
from ..records import Record, load_record, naming
from ..records.populations import POPULATIONS
from ..records.reading import read
from .fit import fit
from .followed_tower import Levels, Photons
from .options import (
    DATA,
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

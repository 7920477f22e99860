"""`jqd recover tower`: norms of the levels of a photon tower."""

from pathlib import Path
from typing import Annotated

import jax
import jax.numpy as jnp
import typer

from .. import constants, problems
from ..evolution import Propagator, evolve
from ..inference import Polish
from ..inference.tower import FOOT, LevelNorms
from ..instruments import Gaussian
from ..matter.tower import RandomTower
from ..records import Record, load_record, naming
from .fit import fit
from .options import (
    DATA,
    MODEL,
    Common,
    Free,
    Starts,
    check_sigma,
    parse_free,
    parse_start,
    start_like,
    with_options,
)
from .session import takes

# The constants, and where a fit begins.
FIRST = {"strength": 0.13, "omega": 0.85, "beta": 0.62}


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
    levels: int = typer.Option(
        60, min=2, help="Number of levels of the matter.", rich_help_panel=MODEL
    ),
    photons: int = typer.Option(
        8, min=1, help="Largest number of photons.", rich_help_panel=MODEL
    ),
    sigma: float = typer.Option(
        2e-3,
        help="Standard error of the norms; counts have their own.",
        rich_help_panel=DATA,
    ),
    common: Common,
) -> int:
    """Recover coupling, frequency and temperature of matter from a photon tower."""
    check_sigma(sigma)
    wanted = parse_free(free, tuple(FIRST))
    levels = min(levels, 40) if common.quick else levels
    first = parse_start(start, tuple(FIRST))
    size = (levels, photons)
    # what is refused is better refused before a record is computed
    RandomTower(jax.random.key(common.seed), *size, **FIRST | first)
    truth: dict[str, float] = {}
    if data is None:
        made = problems.tower_record(
            levels=levels, photons=photons, sigma=sigma, seed=common.seed
        )
        key, record = made.law.key, made.data
        truth = {name: float(getattr(made.law, name)) for name in FIRST}
    else:
        key, record = jax.random.key(common.seed), _read(data, photons, sigma)
    # constants that are not free keep the value they are known to have
    begin = FIRST | truth | {name: FIRST[name] for name in wanted} | first
    law = RandomTower(key, *size, **begin)
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


def _read(file: Path, photons: int, sigma: float) -> Record:
    read = load_record(file)
    shown = photons + 1
    if read.values.shape[1] > shown:
        raise ValueError(
            f"Argument `data` must hold at most {shown} levels of the tower, p0 to "
            f"p{shown - 1}, but {file.name} holds {read.values.shape[1]}."
        )
    # counts scatter as counts do; of shares the user says it
    noise = read.noise if read.noise.known else Gaussian(sigma)
    with naming(file):
        return Record(read.ts, read.values, noise, t0=0.0)


def _method(law: RandomTower, psi0: jax.Array, data: Record) -> Propagator:
    """Chebyshev series with room for other constants than those of the start."""
    ts = jnp.concatenate([jnp.zeros(1), jnp.max(jnp.diff(data.ts))[None]])
    run = evolve(law, psi0, ts, method=Propagator())
    return Propagator(terms=int(1.5 * int(run.diagnostics["num_terms"])))

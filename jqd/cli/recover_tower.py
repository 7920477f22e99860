"""What `jqd recover tower` does: read or compute norms of levels, fit, draw, print."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import jax
import jax.numpy as jnp
import numpy as np

from .. import problems
from ..evolution import Propagator, evolve
from ..inference import Data, Gaussian, Polish, recover
from ..inference.tower import FOOT, LevelNorms
from ..laws import constants
from ..matter.tower import RandomTower
from ..records import load_record, naming
from .session import Session, draw, show, write


@dataclass(frozen=True)
class TowerOptions:
    """What the user asked for, checked as far as that goes without reading files.

    Attributes:
        data: CSV of the norms of levels, or None for a computed record.
        free: names of the constants to recover.
        start: the first start, by name.
        starts: number of starts.
        levels: levels of the matter.
        photons: photons kept.
        sigma: standard deviation of the norms.
        out: folder for the results; never overwritten.
        seed: of the random matrix, the noise and the starts.
        as_json: whether standard output gets the JSON and nothing else.
        quick: whether a smaller version is asked for.
    """

    data: Path | None
    free: tuple[str, ...]
    start: dict[str, float]
    starts: int
    levels: int
    photons: int
    sigma: float
    out: Path
    seed: int
    as_json: bool
    quick: bool


def recover_tower(options: TowerOptions) -> int:
    """Recover the constants of a tower, write the results, print them.

    Args:
        options: what the user asked for.

    Returns:
        Exit code: 0 if the fit converged, else 1.

    Raises:
        ValueError: bad input, in one line.
    """
    began = perf_counter()
    law, data, truth = _problem(options)
    observe = LevelNorms(data.values.shape[1])
    psi0 = law.foot(FOOT)
    with Session(options.out) as session, naming(options.data, "data"):
        recovery = recover(
            law, data, psi0=psi0, free=options.free, observe=observe,
            start={name: constants.pack(law, name) for name in options.free},
            starts=options.starts, search=None, polish=Polish(windows=3),
            method=_method(law, psi0, data), key=jax.random.key(options.seed),
            report=session.advance, keep=session.keep,
        )  # fmt: skip
        recovery = recovery.beside(truth)
        session.advance("report", 0, 1)
        names = [f"p{k}" for k in range(data.values.shape[1])]
        landscape = draw(session.folder, recovery, names, landscape=not options.quick)
        settings = {
            "levels": options.levels,
            "photons": options.photons,
            "seed": options.seed,
        }
        seconds = perf_counter() - began
        write(session.folder, recovery, names, landscape, settings, seconds)
        session.advance("report", 1, 1)
    return show(recovery, session.folder, seconds, as_json=options.as_json)


def _problem(options: TowerOptions) -> tuple[RandomTower, Data, dict]:
    """The law at the first start, the record, and the constants that made it."""
    values = {"strength": 0.13, "omega": 0.85, "beta": 0.62}
    # what is refused is better refused before a record is computed
    first = values | options.start
    key, size = jax.random.key(options.seed), (options.levels, options.photons)
    RandomTower(key, *size, first["strength"], first["omega"], first["beta"])
    if options.data is None:
        record = problems.tower_record(
            levels=options.levels, photons=options.photons, sigma=options.sigma,
            seed=options.seed,
        )  # fmt: skip
        law, data = record.law, record.data
        truth = {name: np.asarray(getattr(law, name)) for name in values}
    else:
        law = None
        read = load_record(options.data, "none")
        shown = options.photons + 1
        if read.values.shape[1] > shown:
            raise ValueError(
                f"Argument `data` must hold at most {shown} levels of the tower, p0 to "
                f"p{shown - 1}, but {options.data.name} holds {read.values.shape[1]}."
            )
        with naming(options.data):
            data = Data(read.ts, read.values, Gaussian(options.sigma), t0=0.0)
        truth = {}
    known = {name: float(value) for name, value in truth.items()}
    # constants that are not free keep the value they are known to have
    start = known | {name: values[name] for name in options.free} | options.start
    at = values | start
    key = key if law is None else law.key
    law = RandomTower(key, *size, at["strength"], at["omega"], at["beta"])
    return law, data, truth


def _method(law: RandomTower, psi0: jax.Array, data: Data) -> Propagator:
    """Chebyshev series with room for other constants than those of the start."""
    ts = jnp.concatenate([jnp.zeros(1), jnp.max(jnp.diff(data.ts))[None]])
    run = evolve(law, psi0, ts, method=Propagator())
    return Propagator(terms=int(1.5 * int(run.diagnostics["num_terms"])))

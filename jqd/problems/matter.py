"""Synthetic data of matter, computed with known constants."""

import math
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from .._gate import gated
from ..evolution import Fixed, Propagator, evolve
from ..instruments import Gaussian
from ..matter.tower import RandomTower
from ..matter.tower.random_tower import FOOT, MATTER, LevelNorms
from ..records import Record
from ..records.atoms import AtomRecord
from ..steppers import srkn11

# K of springs that vibrate a thousand times as fast as those of 1.
_STIFFEST = 1e6


@gated
def unlike_springs(springs: int, seed: int) -> Float[Array, " springs"]:
    """Draw the stiffness of springs between .8 and 1.2, as `spring_chain` does.

    Args:
        springs: number of springs.
        seed: seed of the draw.
    """
    _checks.whole_number(springs, "springs", 1)
    draw, _ = jax.random.split(jax.random.key(seed))
    return jax.random.uniform(draw, (springs,), minval=0.8, maxval=1.2)


@gated
def spring_chain(
    T: float = 60.0,
    *,
    springs: int = 10,
    sigma: float = 1e-3,
    seed: int = 0,
    K: ArrayLike | None = None,
) -> AtomRecord:
    """A chain of unlike springs, kicked and observed only at one end.

    The sound that comes back determines the springs one after the other. It carries no
    information on those beyond T c/2 (c = 1 is the speed of sound).

    Args:
        T: duration of the data.
        springs: number of springs; stiffness between .8 and 1.2.
        sigma: standard deviation of the positions.
        seed: seed of the stiffness and the noise.
        K: stiffness, (springs,), above 0 and at most 1e6; None for `unlike_springs`.

    Returns:
        Positions of the first atom at times .25 apart, with the true `K`, (springs,).
    """
    _, scatter = jax.random.split(jax.random.key(seed))
    K = unlike_springs(springs, seed) if K is None else jnp.asarray(K)
    _checks.check_shape(K, "K", (springs,))
    _checks.check_positive(K, "K")
    _checks.check_within(K, "K", 0, _STIFFEST)
    kick = np.eye(springs + 1)[0]
    return _watched(T, 0.25, kick, np.array([0]), "free", {"K": K}, sigma, scatter)


@gated
def fput_chain(
    T: float = 60.0, *, atoms: int = 16, sigma: float = 1e-3, seed: int = 0
) -> AtomRecord:
    """A Fermi-Pasta-Ulam-Tsingou chain with all atoms observed; K, alpha, beta.

    Args:
        T: duration of the data.
        atoms: number of atoms, between two walls.
        sigma: standard deviation of the positions.
        seed: seed of the initial velocities, which are normal, and the noise.

    Returns:
        Positions at times .25 apart, with the true constants 1, .3 and .6.
    """
    atoms = _checks.whole_number(atoms, "atoms", 1)
    draw, scatter = jax.random.split(jax.random.key(seed))
    v0 = np.asarray(jax.random.normal(draw, (atoms,)))
    truth = {"K": 1.0, "alpha": 0.3, "beta": 0.6}
    return _watched(T, 0.25, v0, np.arange(atoms), "fixed", truth, sigma, scatter)


def _watched(T, dt, v0, atoms, ends, truth, sigma, key) -> AtomRecord:
    """A chain at rest positions with velocities v0, followed and seen with errors."""
    _checks.check_positive(T, "T")
    _checks.check_not_negative(sigma, "sigma")
    ts = np.arange(0, T + dt / 2, dt)
    offset = 1.0 if ends == "fixed" else 0.0
    record = AtomRecord(
        ts, np.zeros((len(ts), len(atoms))), atoms, np.arange(len(v0)) + offset, v0,
        ends, sigma=sigma, truth={name: np.asarray(v) for name, v in truth.items()},
    )  # fmt: skip
    _, observe = record.data()
    law = record.law(**truth)
    state = law.prepare(record.state())
    # 4 steps of order 6 a row of springs of 1, more of stiffer ones, which vibrate as
    # sqrt(K): errors below 1e-9
    stiffest = max(1.0, float(np.max(truth["K"])))
    method = Fixed(srkn11, 4 * math.ceil(math.sqrt(stiffest)), estimate_error=False)
    x = evolve(law, state, ts, method=method, observe=observe).values
    noisy = x + sigma * jax.random.normal(key, x.shape)
    return replace(record, x=np.asarray(noisy))


class TowerRecord(NamedTuple):
    """Norms of the levels of a tower over time, and the law that produced them.

    Attributes:
        law: the tower with its true constants.
        data: the norms p_0 to p_3 at 60 times.
    """

    law: RandomTower
    data: Record


@gated
def tower_record(
    *, levels: int = 60, photons: int = 8, sigma: float = 2e-3, seed: int = 0
) -> TowerRecord:
    """Random matter that fills a photon tower: λ = .15, ω = .8, β = .7.

    Args:
        levels: number of levels of the matter.
        photons: largest photon number kept.
        sigma: standard deviation of the norms.
        seed: seed of the random matrix and the noise.

    Returns:
        p_0 to p_3 at 60 times up to 30.
    """
    matrix, scatter = jax.random.split(jax.random.key(seed))
    law = RandomTower(matrix, levels, photons, 0.15, 0.8, 0.7, **MATTER)
    ts = jnp.linspace(0.0, 30.0, 61)
    run = evolve(law, law.foot(FOOT), ts, method=Propagator(), observe=LevelNorms(4))
    p = run.values[1:]
    noisy = p + sigma * jax.random.normal(scatter, p.shape)
    return TowerRecord(law, Record(ts[1:], noisy, Gaussian(sigma), t0=0.0))

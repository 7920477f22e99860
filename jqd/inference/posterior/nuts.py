"""The no-U-turn sampler in whitened coordinates, by blackjax."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ..search import Report
from .chains import Chains, blackjax, mixing
from .coordinates import Target

# In whitened coordinates; mass 1.
STEP = 0.8
# Below this mean acceptance in the warm-up the step is halved, so many times at most.
LEAST_ACCEPTANCE, HALVINGS = 0.6, 5
# Transitions in one call of a compiled program, and in each try of the warm-up.
CHUNK = 100


class Moves(NamedTuple):
    """Transitions of one chain.

    Attributes:
        z: point that each led to, (n, p).
        log: ln p(z) there, (n,).
        acceptance, diverging, failed, steps: as of `Chains`, (n,).
    """

    z: Array
    log: Array
    acceptance: Array
    diverging: Array
    failed: Array
    steps: Array


def moves(target: Target, z: Array, key: Array, step: ArrayLike, length: int) -> Moves:
    """So many transitions from a point at which the run is sound."""
    nuts = blackjax().mcmc.nuts
    kernel, mass = nuts.build_kernel(), jnp.ones_like(z)

    def transition(state: Any, key: Array) -> tuple[Any, Moves]:
        state, info = kernel(key, state, target.log_density, step, mass)
        ends = info.trajectory_leftmost_state, info.trajectory_rightmost_state
        # a run that fails ends its trajectory, and stands at one of its ends
        failed = ~jnp.all(jnp.isfinite(jnp.stack([end.logdensity for end in ends])))
        return state, Moves(
            state.position, state.logdensity, info.acceptance_rate,
            info.is_divergent & ~failed, failed, info.num_integration_steps,
        )  # fmt: skip

    first = nuts.init(z, target.log_density)
    return jax.lax.scan(transition, first, jax.random.split(key, length))[1]


@partial(jax.jit, static_argnames="length")
def _moves(target: Target, z: Array, key: Array, step: ArrayLike, length: int) -> Moves:
    """Of each chain, z of shape (C, p)."""
    keys = jax.random.split(key, z.shape[0])
    return jax.vmap(lambda z, key: moves(target, z, key, step, length))(z, keys)


@partial(jax.jit, static_argnames="chains")
def _starts(target: Target, key: Array, chains: int) -> tuple[Array, Array]:
    """Points about the fit, the fit itself where the run of one fails; and whether that
    of the fit is sound."""
    z = jax.random.normal(key, (chains, target.centre.shape[0])) / 2
    both = jnp.concatenate([z, jnp.zeros_like(z[:1])])
    sound = jnp.isfinite(jax.lax.map(target.log_density, both))
    return jnp.where(sound[:-1, None], z, 0), sound[-1]


@jax.jit
def _constants(target: Target, z: Array) -> tuple[Array, Array]:
    """Constants of points (C, n, p), and ln |dθ/dx| there."""
    return jax.vmap(jax.vmap(lambda z: (target.theta(z), target.log_slope(z))))(z)


def sample(
    target: Target, key: Array, chains: int, draws: int, report: Report
) -> Chains:
    """Chains of the no-U-turn sampler.

    Each chain begins at a point of its own, drawn with half of the expected scatter. A
    hundred transitions warm it up; where their mean acceptance is low, the step is
    halved and they are repeated.
    """
    begin, key = jax.random.split(key)
    z, sound = _starts(target, begin, chains)
    if not bool(sound):
        raise ValueError(
            "Argument `theta` must be a fit whose run holds to the last time, but that "
            "run fails."
        )
    step = STEP
    total = draws + CHUNK
    report("sample", 0, total)
    for _ in range(HALVINGS + 1):
        key, now = jax.random.split(key)
        warm = _moves(target, z, now, step, CHUNK)
        z = warm.z[:, -1]
        if float(jnp.mean(warm.acceptance)) >= LEAST_ACCEPTANCE:
            break
        step /= 2
    parts: list[Moves] = []
    for done in range(0, draws, CHUNK):
        report("sample", CHUNK + done, total)
        key, now = jax.random.split(key)
        parts.append(_moves(target, z, now, step, CHUNK))
        z = parts[-1].z[:, -1]
    report("sample", total, total)
    z, log, acceptance, diverging, failed, steps = (
        np.concatenate(x, axis=1)[:, :draws] for x in zip(*parts, strict=True)
    )
    theta, slope = map(np.asarray, _constants(target, jnp.asarray(z)))
    rhat, ess = mixing(theta)
    return Chains(
        theta=theta,
        log_posterior=log - slope,
        acceptance=acceptance,
        diverging=diverging,
        failed=failed,
        steps=steps,
        share_failed=float(failed.sum() / steps.sum()),
        rhat=rhat,
        ess=ess,
    )

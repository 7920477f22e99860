"""Tempered sequential Monte Carlo from the prior, by blackjax."""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._math import divisor
from ..search import Report
from ..study import Study
from .box import Box, log_likelihood
from .chains import Chains, blackjax, mixing

# Effective share of the particles in a stage, and moves of each particle in a stage.
TARGET_ESS, MOVES = 0.5, 5
# The step of a random walk over the scatter of p constants is this over √p.
WALK = 1.7
# ln L of a run that fails while it is tempered: 0 times it is 0, and any share of it
# has no weight.
FAILED = -1e12
MAX_STAGES = 200


def _floored(study: Study, theta: Array) -> Array:
    return jnp.maximum(log_likelihood(study, theta), FAILED)


@partial(jax.jit, static_argnames="particles")
def _run(study: Study, box: Box, key: Array, particles: int) -> dict[str, Any]:
    """One population from the prior to the posterior."""
    smc, walk = blackjax().smc, blackjax().mcmc.random_walk
    tempered, random_walk = smc.adaptive_tempered, walk.build_additive_step()

    def move(key: Array, state: Any, log_density: Any, root: Array) -> tuple[Any, Any]:
        def jump(key: Array, theta: Array) -> Array:
            return root @ jax.random.normal(key, theta.shape)

        return random_walk(key, state, log_density, jump)

    kernel = tempered.build_kernel(
        box.log_prior, partial(_floored, study), move, walk.init,
        smc.resampling.systematic, TARGET_ESS,
    )  # fmt: skip

    def stage(carry: tuple) -> tuple:
        state, key, log, accepted, count, _ = carry
        key, now = jax.random.split(key)
        last = state.tempering_param >= 1
        root = _scatter(state.particles, state.weights)
        state, info = kernel(now, state, MOVES, {"root": root[None]})
        log = log + info.log_likelihood_increment
        accepted = jnp.mean(info.update_info.acceptance_rate)
        return state, key, log, accepted, count + 1, last

    def unfinished(carry: tuple) -> Array:
        *_, count, done = carry
        return ~done & (count < MAX_STAGES)

    begin, key = jax.random.split(key)
    first = jax.vmap(box.sample)(jax.random.split(begin, particles))
    failed = jnp.mean(jax.vmap(partial(_floored, study))(first) <= FAILED)
    zero = jnp.zeros(())
    carry = (tempered.init(first), key, zero, zero, 0, jnp.asarray(False))
    state, _, log, accepted, count, done = jax.lax.while_loop(unfinished, stage, carry)
    theta = state.particles
    logs = jax.vmap(lambda t: _floored(study, t) + box.log_prior(t))(theta)
    return {
        "theta": theta, "log_posterior": logs, "failed": failed, "log_evidence": log,
        "acceptance": accepted, "stages": count, "done": done,
    }  # fmt: skip


def _scatter(theta: Float[Array, "n p"], weights: Array) -> Float[Array, "p p"]:
    """The root of the covariance of particles, as long as a step of a walk."""
    mean = weights @ theta
    apart = theta - mean[None, :]
    covariance = apart.T @ (weights[:, None] * apart)
    sd = jnp.sqrt(jnp.diagonal(covariance))
    sd = divisor(sd)
    one = jnp.eye(sd.shape[0])
    factor = jnp.linalg.cholesky(covariance / sd[:, None] / sd[None, :] + 1e-9 * one)
    return WALK / math.sqrt(sd.shape[0]) * sd[:, None] * factor


def sample(
    study: Study, box: Box, key: Array, chains: int, draws: int, report: Report
) -> Chains:
    """Populations that are led from the prior to the posterior, one a chain.

    The likelihood enters by powers that leave each population an effective half of its
    size; in each stage every particle makes five steps of a random walk.

    Args:
        chains: number of populations.
        draws: particles of each.
    """
    found = []
    for done, now in enumerate(jax.random.split(key, chains)):
        report("sample", done, chains)
        found.append(jax.tree.map(np.asarray, _run(study, box, now, draws)))
    report("sample", chains, chains)
    made = {name: np.stack([one[name] for one in found]) for name in found[0]}
    shape, runs = (chains, draws), made["stages"] * (MOVES + 3)
    rhat, ess = mixing(made["theta"])
    return Chains(
        theta=made["theta"],
        log_posterior=made["log_posterior"],
        acceptance=np.broadcast_to(made["acceptance"][:, None], shape),
        # a population that has not arrived is not drawn from the posterior
        diverging=np.broadcast_to(~made["done"][:, None], shape),
        failed=np.zeros(shape, bool),
        steps=np.broadcast_to(runs[:, None], shape),
        share_failed=float(made["failed"].mean()),
        rhat=rhat,
        ess=ess,
        log_evidence=made["log_evidence"],
    )

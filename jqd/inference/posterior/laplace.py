"""The normal approximation of a posterior about the best fit."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..study import Study
from .box import Box
from .chains import Chains
from .coordinates import covariance_root, log_posterior

# Normal draws for each that is kept within the ends; with fewer inside than a fifth of
# what is asked for, they are too few for all.
SPARE, LEAST = 16, 0.2


def normal_draws(
    box: Box, theta: Array, root: Array, key: Array, draws: int
) -> tuple[Float[Array, "n p"], Int[Array, ""]]:
    """Normal draws about a fit that lie within the ends, and how many there are.

    Where there are fewer than are asked for, they come more than once; without any they
    lie beyond the ends.

    Args:
        box: the ends.
        theta: the fit, (p,).
        root: L of the covariance L Lᵀ, (p, p).
        key: of the draws.
        draws: how many.
    """
    z = jax.random.normal(key, (SPARE * draws, theta.shape[0]))
    drawn = theta[None, :] + z @ root.T
    low, high = box.low[None, :], box.high[None, :]
    inside = jnp.all((drawn >= low) & (drawn <= high), axis=1)
    order = jnp.argsort(~inside, stable=True)
    number = jnp.sum(inside)
    chosen = order[jnp.arange(draws) % jnp.maximum(number, 1)]
    return drawn[chosen], jnp.minimum(number, draws)


@partial(jax.jit, static_argnames="draws")
def _drawn(
    study: Study, box: Box, theta: Array, key: Array, draws: int
) -> tuple[Array, Array, Array, Array]:
    """Draws, ln L + ln π there, the normal density less a constant, and how many of the
    draws are different ones."""
    root = covariance_root(study.information(theta))
    found, number = normal_draws(box, theta, root, key, draws)
    logs = jax.lax.map(
        lambda theta: log_posterior(study, box, theta), found, batch_size=100
    )
    z = jax.scipy.linalg.solve_triangular(root, (found - theta[None, :]).T, lower=False)
    return found, logs, -jnp.sum(z**2, axis=0) / 2, number


def sample(
    study: Study, box: Box, theta: Array, key: Array, chains: int, draws: int
) -> Chains:
    """Independent draws of N(θ, F⁻¹) within the ends; F as information at the fit.

    Draws whose run fails are replaced by others. The effective sample size is that of
    importance weights, (Σw)²/Σw²: it falls where the posterior is not normal, and with
    the share of the draws that come again because too few lie within the ends.
    """
    key, again = jax.random.split(key)
    found, logs, normal, number = map(
        np.asarray, _drawn(study, box, theta, key, chains * draws)
    )
    if not number:
        raise ValueError(
            "Argument `box` must leave some of the normal approximation about the fit, "
            f"but none of {SPARE * chains * draws} draws lies within."
        )
    failed = ~np.isfinite(logs)
    sound = np.flatnonzero(~failed)
    if not len(sound):
        raise ValueError(
            "Argument `theta` must be a fit whose run holds to the last time, but no "
            "run about it does."
        )
    pick = np.asarray(jax.random.choice(again, sound, failed.shape))
    kept = np.where(failed, pick, np.arange(len(failed)))
    excess = logs[sound] - normal[sound]
    weights = np.exp(excess - excess.max())
    worth = weights.sum() ** 2 / (weights**2).sum() * int(number) / len(logs)
    shape = (chains, draws)
    return Chains(
        theta=found[kept].reshape(*shape, -1),
        log_posterior=logs[kept].reshape(shape),
        acceptance=np.ones(shape),
        diverging=np.zeros(shape, bool),
        failed=failed.reshape(shape),
        steps=np.ones(shape, int),
        share_failed=float(failed.mean()),
        rhat=None,
        ess=np.full(found.shape[1], worth),
    )

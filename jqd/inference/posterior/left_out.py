"""Predictions of rows that are left out of the data, from draws of a posterior."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .chains import blackjax

# Above this the weights of a row have no mean that finitely many draws can find.
UNSURE = 0.7


class LeftOut(NamedTuple):
    """Rows of the data, each predicted from all others.

    Attributes:
        rows: ln of the probability of each row, given the others, (T,).
        shape: k of the Pareto distribution that the largest weights follow, (T,); above
            0.7 these draws do not predict a row; -inf where nothing is drawn.
    """

    rows: Float[np.ndarray, " T"]
    shape: Float[np.ndarray, " T"]

    @property
    def unsure(self) -> np.ndarray:
        """Rows that the draws do not predict, (T,) bool."""
        return ~(self.shape <= UNSURE)


def left_out(log_likelihood: Float[np.ndarray, "n T"], worth: float) -> LeftOut:
    """Leave each row out by weighting draws that were made with it.

    ln p(y_t | others) = ln Σ_i w_i p(y_t | θ_i),   w_i ∝ 1 / p(y_t | θ_i)

    the largest weights replaced by quantiles of the Pareto distribution that fits them.

    Args:
        log_likelihood: ln p(y_t | θ_i) of n draws.
        worth: effective number of independent draws among them, over n.

    Raises:
        ImportError: blackjax is missing.

    Source: Vehtari, Gelman, Gabry, Statistics and Computing 27, 1413 (2017).
    """
    psis = blackjax().diagnostics.psis_weights
    share = min(max(worth, 1e-3), 1.0)

    def one(logs: jax.Array) -> tuple[jax.Array, jax.Array]:
        weights, shape = psis(-logs, share)
        return jax.nn.logsumexp(weights + logs), shape

    rows, shape = jax.vmap(one)(jnp.asarray(log_likelihood).T)
    # weights that are all the same need no tail
    flat = np.ptp(log_likelihood, axis=0) == 0
    return LeftOut(np.asarray(rows), np.where(flat, -np.inf, np.asarray(shape)))

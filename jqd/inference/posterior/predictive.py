"""Predictions of the data from draws of a posterior."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...instruments.noise import Drawable
from ..study import Study

# Draws that are used, and those of them that run at once.
PREDICTING, TOGETHER = 1000, 100


class Predicted(NamedTuple):
    """Predictions of n draws, evenly taken from all.

    Attributes:
        mean: expected data of the instrument, (n, T, ...).
        log_likelihood: ln of the probability of each row, (n, T).
        values: data drawn from them, (n, T, ...); None where rows are not independent.
        chi2: sum of squared residuals of the data, (n,).
        chi2_drawn: the same for the data drawn, (n,), or None.
    """

    mean: Float[np.ndarray, "n T ..."]
    log_likelihood: Float[np.ndarray, "n T"]
    values: Float[np.ndarray, "n T ..."] | None
    chi2: Float[np.ndarray, " n"]
    chi2_drawn: Float[np.ndarray, " n"] | None

    @property
    def p_value(self) -> float | None:
        """Share of the sets of data drawn whose chi-square is above that of the data.

        Source: Gelman, Meng, Stern, Statistica Sinica 6, 733 (1996).
        """
        if self.chi2_drawn is None:
            return None
        return float(np.mean(self.chi2_drawn >= self.chi2))

    def band(self, share: float = 0.95) -> Float[np.ndarray, "2 T ..."]:
        """Ends between which this share of the predicted means lies."""
        return np.quantile(self.mean, [(1 - share) / 2, (1 + share) / 2], axis=0)


def predict(study: Study, theta: np.ndarray, key: Array) -> Predicted:
    """The predictions of these constants.

    Args:
        study: the law and the data.
        theta: constants, (N, p), of which a thousand are used.
        key: of the data drawn.
    """
    chosen = np.linspace(0, len(theta) - 1, min(len(theta), PREDICTING)).astype(int)
    found = _predicted(study, jnp.asarray(theta[chosen]), key)
    return Predicted(*jax.tree.map(np.asarray, found))


@jax.jit
def _predicted(study: Study, theta: Array, key: Array) -> tuple:
    noise, values = study.data.noise, study.data.values

    def chi2(values: Array, mean: Array, at: Array) -> Array:
        return jnp.sum(noise.residuals(mean, values, at) ** 2)

    def one(given: tuple[Array, Array]) -> tuple:
        theta, key = given
        mean = study.predict(theta)
        at = study.weights(theta, mean)
        rows = study.log_likelihood_rows(theta)
        drawn, missed = None, None
        if isinstance(noise, Drawable):
            drawn = noise.redraw(key, mean, values)
            missed = chi2(drawn, mean, at)
        return mean, rows, drawn, chi2(values, mean, at), missed

    keys = jax.random.split(key, theta.shape[0])
    return jax.lax.map(one, (theta, keys), batch_size=TOGETHER)

"""Predictions of the data from draws of a posterior."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...instruments.noise import Drawable
from ..goodness import p_value
from ..study import Study

# Draws that are used, sets of data that are drawn at least (fewer could not tell a p
# below 1e-3), and draws that run at once.
PREDICTING, TOGETHER = 1000, 100


class Predicted(NamedTuple):
    """Predictions of n draws, evenly taken from all.

    Attributes:
        mean: expected data of the instrument, (n, T, ...).
        log_likelihood: ln of the probability of each row, (n, T).
        values: data drawn from them, (n, T, ...); None where rows are not independent.
        chi2: sum of squared residuals of the data, (n,).
        chi2_drawn: the same for r sets of data drawn from each, n r from 1000 on,
            (n, r), or None.
        tail: probability of a sum as large as that of the data, by the distribution of
            the noise, (n,).
    """

    mean: Float[np.ndarray, "n T ..."]
    log_likelihood: Float[np.ndarray, "n T"]
    values: Float[np.ndarray, "n T ..."] | None
    chi2: Float[np.ndarray, " n"]
    chi2_drawn: Float[np.ndarray, "n r"] | None
    tail: Float[np.ndarray, " n"]

    @property
    def p_value(self) -> float:
        """Probability of a chi-square as large as that of the data: (k + 1)/(N + 1)
        where k of N sets of data drawn are as far off, so that it is never 0; where
        rows are not independent, the mean of `tail`.

        Source: Gelman, Meng, Stern, Statistica Sinica 6, 733 (1996).
        """
        if self.chi2_drawn is None:
            return float(np.mean(self.tail))
        beyond = np.sum(self.chi2_drawn >= self.chi2[:, None])
        return float((beyond + 1) / (self.chi2_drawn.size + 1))

    @property
    def least_p(self) -> float:
        """The least p that these sets of data can show."""
        return 0.0 if self.chi2_drawn is None else 1 / (self.chi2_drawn.size + 1)

    def band(self, share: float = 0.95) -> Float[np.ndarray, "2 T ..."]:
        """Ends between which this share of the predicted means lies."""
        return np.quantile(self.mean, [(1 - share) / 2, (1 + share) / 2], axis=0)


def predict(study: Study, theta: np.ndarray, key: Array) -> Predicted:
    """The predictions of these constants, of a thousand of them at most."""
    chosen = np.linspace(0, len(theta) - 1, min(len(theta), PREDICTING)).astype(int)
    found = _predicted(study, jnp.asarray(theta[chosen]), key)
    return Predicted(*jax.tree.map(np.asarray, found))


@jax.jit
def _predicted(study: Study, theta: Array, key: Array) -> tuple:
    values = study.data.values
    mask, repeats = jnp.ones_like(study.data.ts), -(-PREDICTING // theta.shape[0])

    def one(given: tuple[Array, Array]) -> tuple:
        theta, key = given
        noise = study.noise_at(theta)

        def chi2(values: Array, mean: Array, at: Array) -> Array:
            return jnp.sum(noise.residuals(mean, values, at) ** 2)

        mean = study.predict(theta)
        at = study.weights(theta, mean)
        rows = study.log_likelihood_rows(theta)
        drawn, missed = None, None
        if isinstance(noise, Drawable):
            redraw = noise.redraw
            drawn = redraw(key, mean, values)
            missed = chi2(drawn, mean, at)[None]
            if repeats > 1:
                # one after the other: only their sums are kept
                others = jax.random.split(jax.random.fold_in(key, 1), repeats - 1)
                more = jax.lax.map(
                    lambda key: chi2(redraw(key, mean, values), mean, at), others
                )
                missed = jnp.concatenate([missed, more])
        own = chi2(values, mean, at)
        spread = noise.excess(values, at, mask)
        tail = p_value(own, noise.independent(values, at, mask), spread)
        return mean, rows, drawn, own, missed, tail

    keys = jax.random.split(key, theta.shape[0])
    return jax.lax.map(one, (theta, keys), batch_size=TOGETHER)

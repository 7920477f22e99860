"""All constants of a study but one, which keeps its value."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ..instruments.noise import Weights
from .study import Ends, Study


class Beside(eqx.Module):
    """A study of all constants but one, which has a value: what a polish asks of it.

    Attributes:
        whole: the study.
        value: of this constant, scalar.
        place: where it stands in θ, scalar.
    """

    whole: Study
    value: Float[Array, ""]
    place: Int[Array, ""]

    def theta(self, rest: Float[Array, " k"]) -> Float[Array, " p"]:
        """θ of the others."""
        if not rest.shape[0]:
            return jnp.reshape(self.value, (1,))
        i = jnp.arange(rest.shape[0] + 1)
        there = jnp.minimum(i - (i > self.place), rest.shape[0] - 1)
        return jnp.where(i == self.place, self.value, rest[there])

    def rest(self, theta: Array) -> Array:
        """The others of θ, or of what is like it, (p - 1,)."""
        i = jnp.arange(theta.shape[0] - 1)
        return theta[i + (i >= self.place)]

    @property
    def data(self) -> Any:
        """The record."""
        return self.whole.data

    @property
    def walled(self) -> Bool[np.ndarray, " p"]:
        """Which entries of θ have limits: all of them, since `place` may be traced."""
        return self.whole.walled

    @property
    def moving(self) -> Bool[np.ndarray, " p"]:
        """Which entries of θ move the run: all of them, likewise."""
        return np.ones(max(len(self.whole.labels()) - 1, 1), bool)

    @property
    def unit(self) -> Any:
        """Unit of the residuals of the data."""
        return self.whole.unit

    @property
    def seen(self) -> int:
        """Number of residuals of the data."""
        return self.whole.seen

    @property
    def scattered(self) -> int:
        """Number of residuals of the scatter."""
        return self.whole.scattered

    @property
    def measured(self) -> int:
        """Number of residuals of both."""
        return self.whole.measured

    @property
    def told(self) -> int:
        """Number of residuals without those of walls."""
        return self.whole.told

    def bounds(self) -> tuple[Array, Array]:
        """The range of initial guesses."""
        low, high = self.whole.bounds()
        return self.rest(low), self.rest(high)

    def walls(self, rest: Array) -> tuple[Array, Array]:
        """Limits that none can leave."""
        low, high = self.whole.walls(self.theta(rest))
        return self.rest(low), self.rest(high)

    def first_weights(self) -> Weights:
        """Source of the weights before there is a fit."""
        return self.whole.first_weights()

    def weights(self, rest: Array, prediction: Array) -> Weights:
        """Source of the weights at a fit."""
        return self.whole.weights(self.theta(rest), prediction)

    def shown(
        self, rest: Array, rows: Array | None = None, run: Array | None = None
    ) -> tuple[Array, Ends]:
        """The prediction, and how the run ended."""
        run = None if run is None else self.theta(run)
        return self.whole.shown(self.theta(rest), rows, run)

    def missed(self, rest: Array, *given: Any) -> Array:
        """Residuals of data, scatter, priors and walls."""
        return self.whole.missed(self.theta(rest), *given)

"""Occupation numbers when some quanta are not counted."""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PyTree

from .._math import matmul
from ..constants import fixed, free
from ..evolution.evolution import look
from ..laws.motion import Motion
from .counts import Multinomial
from .instrument import Instrument
from .noise import Drawable


class Thinned(Instrument):
    """Numbers of quanta, each counted with probability η: binomial thinning.

    P(k) = Σ_n C(n, k) η^k (1 - η)^(n-k) p_n

    The populations of the law must be those of the number states 0, 1, .. in order.

    Attributes:
        efficiency: η, detection efficiency, scalar in [0, 1].
        noise: scatter of the counts; multinomial by default.
    """

    efficiency: Float[Array, ""] = free(bounds=(0.0, 1.0), span=(0.5, 1.0), default=1.0)
    noise: Drawable = fixed(default=Multinomial())

    def mean(self, law: Motion, t: ArrayLike, state: PyTree[Array]) -> Array:
        """P(k)"""
        p = look(law, t, state, "populations")
        return matmul(self.matrix(p.shape[0]).astype(p.dtype), p)

    def matrix(self, size: int) -> Float[Array, "M M"]:
        """The probability to count k of n quanta, row k and column n."""
        k, n = np.indices((size, size))
        # products rather than powers, whose derivative at 0 would be NaN
        counted, lost = (
            jnp.concatenate([jnp.ones(1), jnp.cumprod(jnp.full(size - 1, x))])
            for x in (self.efficiency, 1 - self.efficiency)
        )
        # C(n, k), 0 where k > n; exact up to 56 quanta
        ways = np.array(
            [[float(math.comb(j, i)) for j in range(size)] for i in range(size)]
        )
        return jnp.asarray(ways) * counted[k] * lost[np.maximum(n - k, 0)]

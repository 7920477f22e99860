"""Weighted kets that are products over modes, and means over them."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from ..._math import abs2


class ProductKets(NamedTuple):
    """ρ = Σ_k w_k |k><k|, each |k> a product of one-mode kets.

    Attributes:
        tables: amplitudes in the number basis, (K, M, L).
        weights: w_k, (K,), real.
        normals: of each ket the standard normals that it was drawn by, (K, 2M), or
            None where nothing was drawn.
    """

    tables: Complex[Array, "K M L"]
    weights: Float[Array, " K"]
    normals: Float[Array, "K 2M"] | None = None

    def average(self, each: Complex[Array, " K"]) -> tuple[Array, Array | None]:
        """Σ_k w_k x_k, and its standard error where kets were drawn, else None."""
        if self.normals is None:
            return jnp.sum(self.weights * each), None
        return regression(each, self.normals)


def regression(values: Array, normals: Array) -> tuple[Array, Array]:
    """The mean at normals of 0 by least squares, and its standard error.

    Values scatter more where normals are large: each residual counts by itself, and by
    what the fit leaves of it (HC3, MacKinnon and White, J. Econometrics 29, 305
    (1985)).
    """
    count = normals.shape[0]
    centre = jnp.mean(normals, axis=0)
    away = normals - centre[None, :]
    mean = jnp.mean(values)
    ways = jnp.linalg.solve(jnp.matmul(away.T, away), away.T)
    slopes = jnp.matmul(ways.astype(values.dtype), values - mean)
    left = values - mean - jnp.matmul(away.astype(values.dtype), slopes)
    shares = 1 / count - jnp.matmul(centre, ways)
    levers = 1 / count + jnp.sum(away.T * ways, axis=0)
    terms = shares**2 * abs2(left) / (1 - levers) ** 2
    return mean - jnp.sum(centre * slopes), jnp.sqrt(jnp.sum(terms))

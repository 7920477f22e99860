"""Number of shots for a step of a constant, which calibration may limit."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..._math import divisor

# With these shots, a share of the information from the data or from the priors below
# this is rounding.
ROUNDING = 1e-12
# The number of shots is sought within this factor of that of the design.
FACTOR = 1e18


class Shots(NamedTuple):
    """Number of shots that a step of a constant needs.

    Attributes:
        number: number of shots; inf where no number is enough.
        limit: standard error of the constant with any number of shots: what calibration
            leaves, 0 where it limits nothing.
    """

    number: float
    limit: float


class Spectrum(NamedTuple):
    """V along one combination for every number of shots.

    sd²(ν) = Σ_i y_i² / (ν f_i + 1 - f_i),   ν shots over those of the design

    Attributes:
        strength: y_i², (p,).
        share: f_i, the share of the data in the information on a direction, (p,).
    """

    strength: Float[Array, " p"]
    share: Float[Array, " p"]

    def variance(self, factor: ArrayLike) -> Array:
        """sd² with so many times the shots."""
        known = factor * self.share + (1 - self.share)
        return jnp.sum(self.strength / divisor(known))

    @property
    def limit(self) -> Array:
        """sd with any number of shots; 0 where that is rounding."""
        left = jnp.sum(jnp.where(self.share > 0, 0, self.strength))
        seen = left > ROUNDING * jnp.sum(self.strength)
        return jnp.where(seen, jnp.sqrt(left), 0)


@jax.jit
def spectrum(
    record: Float[Array, "p p"], prior: Float[Array, "p p"], combination: Array
) -> Spectrum:
    """The spectrum of the information of data beside priors.

    Args:
        record: information of the data of the design.
        prior: information of the priors; the sum has an inverse.
        combination: c, (p,).
    """
    both = record + prior
    unit = 1 / jnp.sqrt(jnp.diagonal(both))
    square = unit[:, None] * unit[None, :]
    root = jnp.linalg.cholesky(both * square)
    half = jax.scipy.linalg.solve_triangular(root, record * square, lower=True)
    whole = jax.scipy.linalg.solve_triangular(root, half.T, lower=True)
    share, axes = jnp.linalg.eigh((whole + whole.T) / 2)
    along = jax.scipy.linalg.solve_triangular(root, combination * unit, lower=True)
    share = jnp.where(share < ROUNDING, 0, jnp.where(share > 1 - ROUNDING, 1, share))
    return Spectrum((axes.T @ along) ** 2, share)


@jax.jit
def factor_for(spectrum: Spectrum, error: ArrayLike) -> Float[Array, ""]:
    """Factor on the number of shots for this standard error; inf where none is enough.

    By bisection of ln ν, which is exact to rounding; without priors sd² = sd²(1)/ν.
    """
    top = jnp.log(FACTOR)

    def halve(_, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low + high) / 2
        short = spectrum.variance(jnp.exp(middle)) > error**2
        return jnp.where(short, middle, low), jnp.where(short, high, middle)

    _, high = jax.lax.fori_loop(0, 100, halve, (-top, top))
    reached = spectrum.variance(jnp.exp(top)) <= error**2
    return jnp.where(reached & (error > spectrum.limit), jnp.exp(high), jnp.inf)

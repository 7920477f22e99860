"""How many shots a step of a constant takes, where calibration may end it."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ..._math import divisor

# Of what is known with these shots, a share of the record or of the priors below this
# is rounding.
ROUNDING = 1e-12
# Shots are looked for within this factor of those of the design.
FACTOR = 1e18


class Shots(NamedTuple):
    """What a step of a constant takes.

    Attributes:
        number: of shots; inf where no number of them is enough.
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
        share: f_i, of what is known of a direction from the record, (p,).
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
    """The spectrum of what a record tells beside priors.

    Args:
        record: information of the record of the design.
        prior: of the priors; the sum has an inverse.
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
    """By how much shots must grow for this standard error; inf where none do.

    By bisection of ln ν, which is exact to rounding; without priors sd² = sd²(1)/ν.

    Args:
        error: standard error that is wanted.
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

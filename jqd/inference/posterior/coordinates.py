"""Coordinates in which a posterior is all but a standard normal distribution."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..slopes import by_columns
from ..study import Study
from .box import Box, log_likelihood


class Target(eqx.Module):
    """A posterior over z in R^p:

        θ = T(x),   x = x₀ + L z,   ln p(z) = ln L(θ) + ln π(θ) + ln |dT/dx|

    T takes the real line to between the ends of each constant. L Lᵀ is the inverse of
    the information about x₀, so that z is scattered like a standard normal variable
    where the record tells much.

    Attributes:
        study: whose likelihood it is.
        box: ends and priors.
        unit: scale over which an only end bends the line, (p,).
        centre: x₀, (p,).
        root: L, (p, p).
    """

    study: Study
    box: Box
    unit: Float[Array, " p"]
    centre: Float[Array, " p"]
    root: Float[Array, "p p"]

    def theta(self, z: Array) -> Float[Array, " p"]:
        """Constants, (p,)."""
        return _between(self.box, self.unit, self.centre + self.root @ z)

    def log_slope(self, z: Array) -> Float[Array, ""]:
        """ln |dT/dx|"""
        return jnp.sum(_log_slope(self.box, self.unit, self.centre + self.root @ z))

    def log_density(self, z: Array) -> Float[Array, ""]:
        """ln p(z) up to a constant; -inf where the run fails, without a slope.

        Its derivative is taken by forward mode, whoever asks.
        """
        return _log_density(z, self)


def _value(z: Array, target: Target) -> Array:
    total = log_posterior(target.study, target.box, target.theta(z))
    total = total + target.log_slope(z)
    return jnp.where(jnp.isfinite(total), total, -jnp.inf)


# reverse mode through the steps of a run costs a minute of compilation
_log_density = by_columns(_value)


def log_posterior(study: Study, box: Box, theta: Array) -> Float[Array, ""]:
    """ln L + ln π of constants, (p,); -inf where the run fails or beyond an end."""
    return log_likelihood(study, theta) + box.log_prior(theta)


@jax.jit
def whitened(study: Study, box: Box, theta: Array) -> Target:
    """Coordinates about a fit.

    Args:
        study: whose constants they are.
        box: their ends.
        theta: the fit, (p,). From an end it is moved inside by a standard error.

    Returns:
        The target; its `root` is not finite where the record cannot tell constants
        without ends apart.
    """
    F = study.information(theta)
    width = box.high - box.low
    alone = jax.lax.rsqrt(jnp.diagonal(F))
    room = jnp.where(jnp.isfinite(width), width / 4, jnp.inf)
    unit = jnp.minimum(jnp.where(jnp.isfinite(alone), alone, 1), room)
    x = _onto_line(box, unit, jnp.clip(theta, box.low + unit, box.high - unit))
    slope = jnp.exp(_log_slope(box, unit, x))
    F = slope[:, None] * F * slope[None, :] + jnp.diag(_curvature(box, x))
    return Target(study, box, unit, x, covariance_root(F))


def covariance_root(F: Float[Array, "p p"]) -> Float[Array, "p p"]:
    """L with L Lᵀ = F⁻¹; not finite where F is singular."""
    # scaled, so that constants of unlike size do not spoil the factor
    scale = jax.lax.rsqrt(jnp.diagonal(F))
    factor = jnp.linalg.cholesky(scale[:, None] * F * scale[None, :])
    one = jnp.eye(F.shape[0])
    root = jax.scipy.linalg.solve_triangular(factor, one, trans="T", lower=True)
    return scale[:, None] * root


def _kinds(box: Box) -> tuple[Array, Array, Array, Array]:
    """Ends that there are, with numbers in place of those that there are not."""
    foot, top = jnp.isfinite(box.low), jnp.isfinite(box.high)
    return foot, top, jnp.where(foot, box.low, 0), jnp.where(top, box.high, 0)


def _between(box: Box, unit: Array, x: Array) -> Array:
    """low + (high - low)/(1 + exp(-x)), low + u ln(1 + exp(x)), its image, or x."""
    foot, top, low, high = _kinds(box)
    both = low + (high - low) * jax.nn.sigmoid(x)
    above, below = unit * jax.nn.softplus(x), unit * jax.nn.softplus(-x)
    one = jnp.where(foot, low + above, high - below)
    return jnp.where(foot & top, both, jnp.where(foot | top, one, x))


def _onto_line(box: Box, unit: Array, theta: Array) -> Array:
    """The x of constants between their ends."""
    foot, top, low, high = _kinds(box)
    above, below = theta - low, high - theta
    both = jnp.log(jnp.where(foot & top, above / below, 1))
    # of ln(1 + exp(x)) the inverse, without overflow
    far = jnp.abs(jnp.where(foot, above, below)) / unit
    one = far + jnp.log(-jnp.expm1(-far))
    one = jnp.where(foot, one, -one)
    return jnp.where(foot & top, both, jnp.where(foot | top, one, theta))


def _log_slope(box: Box, unit: Array, x: Array) -> Array:
    """ln |dθ/dx| of each entry."""
    foot, top, low, high = _kinds(box)
    width = jnp.where(foot & top, high - low, unit)
    both = jnp.log(width) - jax.nn.softplus(x) - jax.nn.softplus(-x)
    one = jnp.log(width) - jax.nn.softplus(jnp.where(foot, -x, x))
    return jnp.where(foot & top, both, jnp.where(foot | top, one, 0))


def _curvature(box: Box, x: Array) -> Array:
    """-d²/dx² of ln |dθ/dx|: what a flat prior adds to the information."""
    foot, top, _, _ = _kinds(box)
    share = jax.nn.sigmoid(x)
    return (foot.astype(x.dtype) + top) * share * (1 - share)

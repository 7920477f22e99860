"""Coordinates in which a posterior is nearly a standard normal distribution."""

from typing import NamedTuple

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

    T maps the real line to the range of each constant. L Lᵀ is the inverse of the
    information at x₀, so that z scatters like a standard normal variable where the data
    determine the constants well.

    Attributes:
        study: the study with the likelihood.
        box: ends and priors.
        unit: scale over which T bends at an end, (p,).
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

        Its derivative is always taken by forward mode.
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
        theta: the fit, (p,). From an end it is moved inside by a standard error.

    Returns:
        The target; its `root` is not finite where the data do not determine constants
        without ends.
    """
    F = study.information(theta)
    width = box.high - box.low
    alone = jax.lax.rsqrt(jnp.diagonal(F))
    room = jnp.where(jnp.isfinite(width), width / 4, jnp.inf)
    low, high = study.bounds()
    unit = jnp.minimum(jnp.where(jnp.isfinite(alone), alone, high - low), room)
    x = _onto_line(box, unit, jnp.clip(theta, box.low + unit, box.high - unit))
    slope = jnp.exp(_log_slope(box, unit, x))
    F = slope[:, None] * F * slope[None, :] + jnp.diag(_curvature(box, unit, x))
    return Target(study, box, unit, x, covariance_root(F))


def covariance_root(F: Float[Array, "p p"]) -> Float[Array, "p p"]:
    """L with L Lᵀ = F⁻¹; not finite where F is singular."""
    # scaled, so that constants of unlike size do not spoil the factor
    scale = jax.lax.rsqrt(jnp.diagonal(F))
    factor = jnp.linalg.cholesky(scale[:, None] * F * scale[None, :])
    one = jnp.eye(F.shape[0])
    root = jax.scipy.linalg.solve_triangular(factor, one, trans="T", lower=True)
    return scale[:, None] * root


class _Ends(NamedTuple):
    """Which ends there are, with numbers in place of those that there are not.

    Attributes:
        foot, top: whether there is a lower and an upper end, (p,).
        low, high: the ends, (p,).
        span: (high - low)/unit, infinite where there are not both, (p,).
    """

    foot: Array
    top: Array
    low: Array
    high: Array
    span: Array


def _ends(box: Box, unit: Array) -> _Ends:
    foot, top = jnp.isfinite(box.low), jnp.isfinite(box.high)
    low, high = jnp.where(foot, box.low, 0), jnp.where(top, box.high, 0)
    return _Ends(
        foot, top, low, high, jnp.where(foot & top, (high - low) / unit, jnp.inf)
    )


def _between(box: Box, unit: Array, x: Array) -> Array:
    """With a lower end low + u [ln(1 + exp(x)) - ln(1 + exp(x - (high - low)/u))],
    with an upper one alone its image, without ends x.

    Straight between the ends, and bent over u at each.
    """
    ends, softplus = _ends(box, unit), jax.nn.softplus
    foot = ends.low + unit * (softplus(x) - softplus(x - ends.span))
    top = ends.high - unit * softplus(-x)
    return jnp.where(ends.foot, foot, jnp.where(ends.top, top, x))


def _onto_line(box: Box, unit: Array, theta: Array) -> Array:
    """The x of constants between their ends."""
    ends = _ends(box, unit)
    above = jnp.where(ends.foot, (theta - ends.low) / unit, 1)
    below = jnp.where(ends.top, (ends.high - theta) / unit, 1)
    foot = above + jnp.log(-jnp.expm1(-above))
    foot = foot - jnp.where(ends.top, jnp.log(-jnp.expm1(-below)), 0)
    top = -below - jnp.log(-jnp.expm1(-below))
    return jnp.where(ends.foot, foot, jnp.where(ends.top, top, theta))


def _log_slope(box: Box, unit: Array, x: Array) -> Array:
    """ln |dθ/dx| of each entry."""
    ends, softplus = _ends(box, unit), jax.nn.softplus
    foot = -softplus(-x) - softplus(x - ends.span) + jnp.log(-jnp.expm1(-ends.span))
    bent = jnp.log(unit) + jnp.where(ends.foot, foot, -softplus(x))
    return jnp.where(ends.foot | ends.top, bent, 0)


def _curvature(box: Box, unit: Array, x: Array) -> Array:
    """-d²/dx² of ln |dθ/dx|: what a flat prior adds to the information."""
    ends = _ends(box, unit)
    near = jax.nn.sigmoid(x)
    far = jax.nn.sigmoid(x - ends.span)
    bent = near * (1 - near) + far * (1 - far)
    return jnp.where(ends.foot | ends.top, bent, 0)

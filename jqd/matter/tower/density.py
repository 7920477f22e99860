"""Level densities g(E) of matter, and spectral shapes f(E_i - E_j) of its coupling."""

import abc
from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr, ndtri
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...laws.constants import constant, scalars

# Points of the table with which a density given as a function is summed up.
_TABLE = 4096


class LevelDensity(eqx.Module):
    """g(E): levels per unit of energy, as a share of all levels, on [low, high].

    Concrete densities know ln g and the energy below which a share u of all levels
    lies; both are differentiable in their constants.
    """

    @abc.abstractmethod
    def log_density(self, energy: ArrayLike) -> Array:
        """ln g(E), -inf outside; ∫ g dE = 1."""

    @abc.abstractmethod
    def quantile(self, share: ArrayLike) -> Array:
        """The energy below which this share of all levels lies."""

    def levels(self, number: int) -> Float[Array, " D"]:
        """Energies of D levels, evenly spread over g: the quantiles (i + 1/2)/D."""
        return self.quantile((jnp.arange(number) + 0.5) / number)

    def temperature(self, energy: ArrayLike) -> Array:
        """T with 1/T = ∂ ln g/∂E, in units of energy (Chafin 2019, sec. 4)."""
        energy = constant(energy, "energy")
        slope = jax.grad(lambda e: jnp.sum(self.log_density(e)))(energy)
        return 1 / slope


class ExponentialDensity(LevelDensity):
    """g(E) = β exp(βE) / (exp(βW) - 1) on [0, W]: the temperature is 1/β everywhere.

    Attributes:
        beta: β, per unit of energy, not zero.
        width: W, unit of energy.
    """

    beta: Float[Array, ""]
    width: Float[Array, ""]

    def __init__(self, beta: ArrayLike, width: ArrayLike):
        """Make the density.

        Raises:
            ValueError: β is zero or not finite, or W is not positive.
        """
        self.beta, self.width = scalars(beta=beta, width=width)
        if _checks.is_concrete(beta) and not float(jnp.asarray(beta)) != 0:
            raise ValueError("Argument `beta` must not be zero, but is.")
        _checks.check_positive(width, "width")

    def log_density(self, energy: ArrayLike) -> Array:
        """ln g(E), -inf outside [0, W]."""
        energy = constant(energy, "energy")
        scale = jnp.log(self.beta / jnp.expm1(self.beta * self.width))
        inside = (energy >= 0) & (energy <= self.width)
        return jnp.where(inside, scale + self.beta * energy, -jnp.inf)

    def quantile(self, share: ArrayLike) -> Array:
        """ln(1 + u (exp(βW) - 1)) / β."""
        grown = constant(share, "share") * jnp.expm1(self.beta * self.width)
        return jnp.log1p(grown) / self.beta


class NormalDensity(LevelDensity):
    """A Gaussian g(E) of standard deviation σ, cut at `reach` σ on both sides.

    1/T = -(E - E_mean)/σ²: positive temperatures lie below the mean.

    Attributes:
        mean: E_mean, unit of energy.
        sigma: σ, unit of energy.
        reach: where it is cut, in units of σ.
    """

    mean: Float[Array, ""]
    sigma: Float[Array, ""]
    reach: Float[Array, ""]

    def __init__(self, mean: ArrayLike, sigma: ArrayLike, reach: ArrayLike = 3.0):
        """Make the density.

        Raises:
            ValueError: the mean is not finite, or σ or the reach is not positive.
        """
        self.mean, self.sigma, self.reach = scalars(mean=mean, sigma=sigma, reach=reach)
        _checks.check_positive(sigma, "sigma")
        _checks.check_positive(reach, "reach")

    def log_density(self, energy: ArrayLike) -> Array:
        """ln g(E), -inf beyond the cut."""
        z = (constant(energy, "energy") - self.mean) / self.sigma
        share = ndtr(self.reach) - ndtr(-self.reach)
        scale = -jnp.log(self.sigma * share) - jnp.log(2 * jnp.pi) / 2
        return jnp.where(jnp.abs(z) <= self.reach, scale - z**2 / 2, -jnp.inf)

    def quantile(self, share: ArrayLike) -> Array:
        """E_mean + σ Φ⁻¹(Φ(-r) + u (Φ(r) - Φ(-r)))."""
        low, high = ndtr(-self.reach), ndtr(self.reach)
        return self.mean + self.sigma * ndtri(
            low + constant(share, "share") * (high - low)
        )


class FunctionDensity(LevelDensity):
    """g(E) ∝ exp(log_g(E)) on [low, high], for any function.

    Attributes:
        log_g: ln g up to a constant, elementwise; a PyTree (`jax.tree_util.Partial`,
            an `eqx.Module`) where its constants are to be fitted.
        low: lower end, unit of energy.
        high: upper end.
    """

    log_g: Any
    low: Float[Array, ""]
    high: Float[Array, ""]

    def __init__(
        self, log_g: Callable[[Array], Array], low: ArrayLike, high: ArrayLike
    ):
        """Make the density.

        Raises:
            ValueError: the ends are not finite and in order.
        """
        low, high = scalars(low=low, high=high)
        if not callable(log_g):
            raise ValueError(
                "Argument `log_g` must be a function of the energy, but is of type "
                f"{type(log_g).__name__}."
            )
        if _checks.is_concrete((low, high)) and not float(high) > float(low):
            raise ValueError(
                f"Argument `high` must exceed `low`, but {high} does not exceed {low}."
            )
        if not isinstance(log_g, eqx.Module | jax.tree_util.Partial):
            log_g = jax.tree_util.Partial(log_g)
        self.log_g, self.low, self.high = log_g, low, high

    def _table(self) -> tuple[Array, Array, Array]:
        """Energies, the integral of g up to them, and its logarithm at the end."""
        energies = jnp.linspace(self.low, self.high, _TABLE)
        logs = self.log_g(energies)
        top = jax.lax.stop_gradient(jnp.max(logs))
        g = jnp.exp(logs - top)
        step = (self.high - self.low) / (_TABLE - 1)
        below = jnp.cumsum(step * (g[1:] + g[:-1]) / 2)
        below = jnp.concatenate([jnp.zeros_like(below[:1]), below])
        return energies, below / below[-1], jnp.log(below[-1]) + top

    def log_density(self, energy: ArrayLike) -> Array:
        """ln g(E), -inf outside [low, high]."""
        energy = constant(energy, "energy")
        inside = (energy >= self.low) & (energy <= self.high)
        known = jnp.where(inside, energy, self.low)
        return jnp.where(inside, self.log_g(known) - self._table()[2], -jnp.inf)

    def quantile(self, share: ArrayLike) -> Array:
        """By linear interpolation of the integral of g."""
        energies, below, _ = self._table()
        return jnp.interp(constant(share, "share"), below, energies)


class GaussianShape(eqx.Module):
    """f(x) = f₀ exp(-x²/w²): a coupling that fades with the energy it bridges.

    Attributes:
        width: w, unit of energy.
        height: f₀.
    """

    width: Float[Array, ""] = eqx.field(converter=partial(constant, name="width"))
    height: Float[Array, ""] = eqx.field(
        converter=partial(constant, name="height"), default=1.0
    )

    def __check_init__(self) -> None:
        _check_shape_constants(width=self.width, height=self.height)

    def __call__(self, x: Array) -> Array:
        """f(x), elementwise."""
        return self.height * jnp.exp(-((x / self.width) ** 2))


class ResonanceShape(eqx.Module):
    """f(x) = f₀ / sqrt(1 + ((|x| - c)/w)²): f² is a Lorentzian line at |x| = c.

    Attributes:
        center: c, unit of energy.
        width: w, unit of energy: half width at half height of f².
        height: f₀.
    """

    center: Float[Array, ""] = eqx.field(converter=partial(constant, name="center"))
    width: Float[Array, ""] = eqx.field(converter=partial(constant, name="width"))
    height: Float[Array, ""] = eqx.field(
        converter=partial(constant, name="height"), default=1.0
    )

    def __check_init__(self) -> None:
        _check_shape_constants(center=self.center, width=self.width, height=self.height)

    def __call__(self, x: Array) -> Array:
        """f(x), elementwise."""
        return self.height * jax.lax.rsqrt(
            1 + ((jnp.abs(x) - self.center) / self.width) ** 2
        )


def _check_shape_constants(**values: ArrayLike) -> None:
    for name, value in values.items():
        _checks.check_scalar(value, name)
        if name == "width":
            _checks.check_positive(value, name)

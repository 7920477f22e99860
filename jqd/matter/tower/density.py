"""Level densities g(E) of matter, and spectral shapes f(E_i - E_j) of its coupling."""

import abc
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...constants import constant, scalars


class LevelDensity(eqx.Module):
    """g(E): levels per unit of energy, as a share of all levels, on [low, high].

    Concrete densities define ln g and the quantile, the energy below which a share u of
    all levels lies. Both are differentiable in their constants.
    """

    @abc.abstractmethod
    def log_density(self, energy: ArrayLike) -> Array:
        """ln g(E), -inf outside; ∫ g dE = 1."""

    @abc.abstractmethod
    def quantile(self, share: ArrayLike) -> Array:
        """The energy below which this share of all levels lies."""

    def levels(self, number: int) -> Float[Array, " D"]:
        """Energies of D levels, distributed as g: the quantiles (i + 1/2)/D."""
        return self.quantile((jnp.arange(number) + 0.5) / number)

    def temperature(self, energy: ArrayLike) -> Array:
        """T with 1/T = ∂ ln g/∂E, in units of energy (Chafin 2019, sec. 3)."""
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
        # from the end where g is largest, so that nothing overflows
        size = jnp.abs(self.beta)
        scale = jnp.log(size / -jnp.expm1(-size * self.width))
        top = jnp.where(self.beta > 0, self.width, 0)
        inside = (energy >= 0) & (energy <= self.width)
        return jnp.where(inside, scale + self.beta * (energy - top), -jnp.inf)

    def quantile(self, share: ArrayLike) -> Array:
        """ln(1 + u (exp(βW) - 1)) / β."""
        # from the end where g is largest, so that nothing overflows
        share, rising = constant(share, "share"), self.beta > 0
        size = jnp.abs(self.beta)
        rest = jnp.where(rising, 1 - share, share)
        below = -jnp.log1p(rest * jnp.expm1(-size * self.width)) / size
        return jnp.where(rising, self.width - below, below)


class GaussianShape(eqx.Module):
    """f(x) = f₀ exp(-x²/w²): a coupling that falls with the energy difference.

    Attributes:
        width: w, unit of energy.
        height: f₀.
    """

    width: Float[Array, ""] = eqx.field(converter=partial(constant, name="width"))
    height: Float[Array, ""] = eqx.field(
        converter=partial(constant, name="height"), default=1.0
    )

    def __check_init__(self) -> None:
        _checks.check_positive(self.width, "width", ())
        _checks.check_scalar(self.height, "height")

    def __call__(self, x: Array) -> Array:
        """f(x), elementwise."""
        return self.height * jnp.exp(-((x / self.width) ** 2))

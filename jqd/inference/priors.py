"""Priors of nuisances: what is known about a constant apart from the data.

Each is a residual r(x), with -2 ln of its density r² up to a constant in the variable
in which it is normal, or a pair of walls, or both.
"""

import abc
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr, ndtri
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from ..constants import constant, fixed

if TYPE_CHECKING:
    Entries: TypeAlias = Any  # whatever JAX takes as numbers goes in
else:
    Entries = Float[Array, "..."]

# A nuisance that the data pull further than this from its prior is named. Chance does
# so up to 3 times in 1000, and oftener beside many nuisances: it is no verdict.
PULLED = 3.0
_LOG_ROOT = np.log(2 * np.pi) / 2


def entries(*, positive: bool = False) -> Any:
    """A field of a prior: one real, finite number, or one for each entry.

    Args:
        positive: whether it must be above 0.

    Raises:
        ValueError: when the prior is made, of other numbers, under the field's name.
    """
    return fixed(read=_positive if positive else _real)


def _real(x: ArrayLike, name: str) -> Array:
    """One real, finite number, or a vector of them, as an array."""
    _checks.check_numbers(x, name)
    _checks.check_reals(x, name, (None,) if np.ndim(x) else ())
    return constant(x)


def _positive(x: ArrayLike, name: str) -> Array:
    """The same of numbers above 0."""
    given = _real(x, name)
    _checks.check_positive(x, name)
    return given


class Prior(eqx.Module):
    """A distribution of each entry of a constant, a smooth function of a normal number.

    z = score(x) and x = at(z) make a prior: density, probabilities and spans follow.
    Its numbers are fields that `entries` declares, which check themselves.

    Attributes:
        informs: whether it pulls: whether it counts as a value beside the data.
        lowest: limit below which x cannot be; -inf for none.
    """

    informs: ClassVar[bool] = True
    lowest: ClassVar[float] = -np.inf

    @abc.abstractmethod
    def score(self, x: Array) -> Array:
        """The standard normal number z that x stands for."""

    @abc.abstractmethod
    def at(self, z: ArrayLike) -> Array:
        """The x that stands for z."""

    def ends(self) -> tuple[ArrayLike, ArrayLike]:
        """Limits that x cannot leave."""
        return self.lowest, jnp.inf

    @property
    def walled(self) -> bool:
        """Whether it has ends."""
        return self.lowest > -np.inf or type(self).ends is not Prior.ends

    def residual(self, x: Array) -> Array:
        """Distance of x from the prior, in standard deviations."""
        return self.score(x)

    def log_density(self, x: Array) -> Array:
        """ln of the density of x, per unit of the constant; -inf where it is 0.

        -z²/2 - ln √2π + ln dz/dx
        """
        low, high = self.ends()
        inside = (x > low) & (x < high)
        safe = jnp.where(inside, x, self.origin)
        z, slope = jax.jvp(self.score, (safe,), (jnp.ones_like(safe),))
        return jnp.where(inside, jnp.log(slope) - z**2 / 2 - _LOG_ROOT, -jnp.inf)

    def below(self, x: Array) -> Array:
        """Probability of a value below x: Φ(z)."""
        return ndtr(self.score(x))

    def quantile(self, share: Array) -> Array:
        """The x below which this share of the probability lies."""
        return self.at(ndtri(share))

    @property
    def origin(self) -> Array:
        """The x at which the residual is 0."""
        return self.at(0.0)

    @property
    def centre(self) -> Array:
        """The value from which a fit begins."""
        return self.origin

    @property
    def width(self) -> Array:
        """1/|dr/dx| at the origin, in the unit of the constant; inf for none."""
        return jax.jvp(self.at, (0.0,), (1.0,))[1]

    def span(self) -> tuple[Array, Array]:
        """Ends of the interval from which initial guesses are drawn."""
        return self.at(-2.0), self.at(2.0)


class Normal(Prior):
    """A normal distribution of each entry of a constant.

    r = (x - mean)/sd

    Attributes:
        mean: in the unit of the constant, scalar or one for each entry.
        sd: standard deviation, like it.
    """

    mean: Entries = entries()
    sd: Entries = entries(positive=True)

    def score(self, x: Array) -> Array:
        """(x - mean)/sd"""
        return (x - self.mean) / self.sd

    def at(self, z: ArrayLike) -> Array:
        """mean + sd z"""
        return self.mean + self.sd * z


class LogNormal(Prior):
    """A normal distribution of the logarithm of a positive constant.

    r = ln(x/median)/sd. A fit finds the maximum of the density of ln x.

    Attributes:
        median: in the unit of the constant, positive, scalar or one for each entry.
        sd: standard deviation of ln x: 0.01 for 1 %.
    """

    median: Entries = entries(positive=True)
    sd: Entries = entries(positive=True)
    lowest: ClassVar[float] = 0.0

    def score(self, x: Array) -> Array:
        """ln(x/median)/sd"""
        # kept where it has a logarithm
        x = jnp.maximum(x, jnp.finfo(jnp.result_type(x)).tiny)
        return jnp.log(x / self.median) / self.sd

    def at(self, z: ArrayLike) -> Array:
        """median exp(sd z)"""
        return self.median * jnp.exp(self.sd * z)


class HalfNormal(Prior):
    """The half of a normal distribution about 0 that is not negative.

    r = x/sd, x >= 0

    Attributes:
        sd: of the whole one, in the unit of the constant, scalar or one for each entry.
    """

    sd: Entries = entries(positive=True)
    lowest: ClassVar[float] = 0.0

    def score(self, x: Array) -> Array:
        """Φ⁻¹(2 Φ(x/sd) - 1)"""
        return ndtri(self.below(x))

    def at(self, z: ArrayLike) -> Array:
        """sd Φ⁻¹((1 + Φ(z))/2)"""
        return self.sd * ndtri((1 + ndtr(z)) / 2)

    def residual(self, x: Array) -> Array:
        """x/sd"""
        return x / self.sd

    def log_density(self, x: Array) -> Array:
        """-r²/2 + ln(2/(sd √2π))"""
        inside = -(self.residual(x) ** 2) / 2 - jnp.log(self.sd) + np.log(2)
        return jnp.where(x >= 0, inside - _LOG_ROOT, -jnp.inf)

    def below(self, x: Array) -> Array:
        """2 Φ(r) - 1"""
        return jnp.maximum(2 * ndtr(self.residual(x)) - 1, 0)

    def quantile(self, share: Array) -> Array:
        """sd Φ⁻¹((1 + share)/2)"""
        return self.sd * ndtri((1 + share) / 2)

    @property
    def origin(self) -> Array:
        """0"""
        return jnp.zeros_like(self.sd)

    @property
    def centre(self) -> Array:
        """The mean, sd √(2/π): at the wall a fit would not see what lies inside."""
        return self.sd * np.sqrt(2 / np.pi)

    @property
    def width(self) -> Array:
        """sd"""
        return self.sd

    def span(self) -> tuple[Array, Array]:
        """From 0 to two standard deviations."""
        return self.origin, 2 * self.sd


class Uniform(Prior):
    """An interval that a constant cannot leave, with nothing known inside.

    Attributes:
        low: lower end, in the unit of the constant, scalar or one for each entry.
        high: upper end, like it.
    """

    low: Entries = entries()
    high: Entries = entries()
    informs: ClassVar[bool] = False

    def __check_init__(self) -> None:
        ends = self.low, self.high
        if _checks.is_concrete(ends) and not bool(np.all(np.less(*ends))):
            raise ValueError(
                f"Argument `high` must be above `low`, {self.low}, but is {self.high}."
            )

    def score(self, x: Array) -> Array:
        """Φ⁻¹((x - low)/(high - low))"""
        return ndtri(self.below(x))

    def at(self, z: ArrayLike) -> Array:
        """low + (high - low) Φ(z)"""
        return self.quantile(ndtr(z))

    def residual(self, x: Array) -> Array:
        """0"""
        return 0 * x

    def log_density(self, x: Array) -> Array:
        """-ln(high - low)"""
        inside = (x >= self.low) & (x <= self.high)
        return jnp.where(inside, -jnp.log(self.high - self.low), -jnp.inf)

    def below(self, x: Array) -> Array:
        """(x - low)/(high - low)"""
        return jnp.clip((x - self.low) / (self.high - self.low), 0, 1)

    def quantile(self, share: Array) -> Array:
        """low + share (high - low)"""
        return self.low + share * (self.high - self.low)

    @property
    def width(self) -> Array:
        """The width is infinite: nothing pulls."""
        return jnp.full_like(self.low, jnp.inf)

    def span(self) -> tuple[Array, Array]:
        """The whole interval."""
        return self.ends()

    def ends(self) -> tuple[Array, Array]:
        """The ends `low` and `high`."""
        return self.low, self.high


def as_prior(given: Any, name: str, entries: int) -> Prior:
    """The given prior, or a normal one from a pair (mean, sd)."""
    if isinstance(given, Prior):
        for part in vars(given).values():
            if part.ndim and part.shape != (entries,):
                raise ValueError(
                    f"Argument `nuisances` must give {name!r} one number, or one for "
                    f"each of its {entries} entries, but gives {part.shape[0]}."
                )
        return given
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise ValueError(
            f"Argument `nuisances` must give {name!r} a prior or a pair (mean, sd), "
            f"but gives {given!r}."
        )
    mean, sd = given
    _real(mean, f"nuisances[{name!r}]")
    _positive(sd, f"nuisances[{name!r}]")
    return as_prior(Normal(mean, sd), name, entries)

"""Where constants may be, and what is known of them before the record."""

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks, constants
from ..study import Study


class Box(eqx.Module):
    """Ends of each entry of θ, and the prior density between them.

    Free constants are uniform: π = 1/(high - low), or 1 where an end is infinite, which
    is improper. Nuisances are normal as their priors say, cut off at the ends.

    Attributes:
        low: lower ends, (p,), -inf for none.
        high: upper ends, (p,), inf for none.
        mean: of the priors of nuisances, (p,), 0 for free constants.
        sd: their standard deviations, (p,), inf for free constants.
    """

    low: Float[Array, " p"]
    high: Float[Array, " p"]
    mean: Float[Array, " p"]
    sd: Float[Array, " p"]

    def log_prior(self, theta: Array) -> Float[Array, ""]:
        """ln π, -inf beyond an end.

        Args:
            theta: constants, (p,).
        """
        width = self.high - self.low
        flat = jnp.where(jnp.isfinite(width), -jnp.log(width), 0)
        told = jnp.isfinite(self.sd)
        sd = jnp.where(told, self.sd, 1)
        cdf = jax.scipy.stats.norm.cdf
        low, high = ((end - self.mean) / sd for end in (self.low, self.high))
        normal = jax.scipy.stats.norm.logpdf(theta, self.mean, sd)
        normal = normal - jnp.log(cdf(high) - cdf(low))
        inside = (theta >= self.low) & (theta <= self.high)
        return jnp.sum(jnp.where(inside, jnp.where(told, normal, flat), -jnp.inf))

    def sample(self, key: Array) -> Float[Array, " p"]:
        """Constants drawn from a prior that is proper."""
        uniform, normal = jax.random.split(key)
        width = self.high - self.low
        flat = self.low + width * jax.random.uniform(uniform, self.low.shape)
        told = jnp.isfinite(self.sd)
        sd = jnp.where(told, self.sd, 1)
        low, high = ((end - self.mean) / sd for end in (self.low, self.high))
        unit = jax.random.truncated_normal(normal, low, high)
        return jnp.where(told, self.mean + sd * unit, flat)

    def check_proper(self, labels: Sequence[str], why: str) -> None:
        """Raise ValueError for a free constant whose prior has no finite width."""
        open_ = ~np.isfinite(np.asarray(self.high - self.low))
        bad = open_ & ~np.isfinite(np.asarray(self.sd))
        for label in (
            label for label, is_bad in zip(labels, bad, strict=True) if is_bad
        ):
            raise ValueError(
                f"Argument `box` must give {label} two finite ends, but does not: an "
                f"improper prior has no {why}."
            )


def box_of(study: Study, given: Mapping[str, Any] | None) -> Box:
    """The box of a study: the bounds that its constants declare, and what is given.

    Args:
        study: whose constants they are.
        given: ends (low, high) of uniform priors by name or label of free constants.

    Raises:
        ValueError: unknown names, ends that are no increasing numbers or leave nothing
            of what the bounds allow.
    """
    names = zip(study.names, study.entries, strict=True)
    ends = [constants.bounds(study.scene, name) for name, own in names for _ in own]
    low, high = np.reshape(np.asarray(ends, float), (-1, 2)).T
    labels = study.labels()
    wanted, own = (
        labels[: study.wanted],
        dict(zip(study.names, study.entries, strict=True)),
    )
    for name, pair in (given or {}).items():
        _checks.check_choice(name, "box", (*study.free, *wanted))
        foot, top = _ends(name, pair)
        for label in own.get(name, (name,)):
            i = labels.index(label)
            low[i], high[i] = max(low[i], foot), min(high[i], top)
            if not low[i] < high[i]:
                raise ValueError(
                    f"Argument `box` must leave values of {label}, but what it allows "
                    "is beyond the bounds of that constant."
                )
    return Box(jnp.asarray(low), jnp.asarray(high), *study.prior())


def _ends(name: str, pair: Any) -> tuple[float, float]:
    """Two numbers, the first below the second."""
    _checks.check_shape(pair, f"box[{name!r}]", (2,))
    _checks.check_real(pair, f"box[{name!r}]")
    foot, top = np.asarray(pair, float).tolist()
    if not foot < top:
        raise ValueError(
            f"Argument `box` must give {name!r} a lower and then an upper end, but "
            f"gives {foot:g} and {top:g}."
        )
    return foot, top


def log_likelihood(study: Study, theta: Array) -> Float[Array, ""]:
    """ln L of the record alone, -inf where the run fails."""
    total = jnp.sum(study.log_likelihood_rows(theta))
    return jnp.where(jnp.isnan(total), -jnp.inf, total)

"""The range of constants, and their priors."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks
from ..priors import Prior
from ..study import Study


class Box(eqx.Module):
    """Ends of each entry of θ, and the prior density between them.

    Free constants are uniform: π = 1/(high - low), or 1 where an end is infinite, which
    is improper. Nuisances have their priors, cut off at the ends.

    Attributes:
        low: lower ends, (p,), -inf for none.
        high: upper ends, (p,), inf for none.
        priors: priors of the nuisances.
        sizes: number of entries of each of them (static).
    """

    low: Float[Array, " p"]
    high: Float[Array, " p"]
    priors: tuple[Prior, ...]
    sizes: tuple[int, ...] = eqx.field(static=True)

    @property
    def wanted(self) -> int:
        """Number of entries of free constants, which come first."""
        return self.low.shape[0] - sum(self.sizes)

    def log_prior(self, theta: Array) -> Float[Array, ""]:
        """ln π, -inf beyond an end."""
        width = (self.high - self.low)[: self.wanted]
        inside = jnp.all((theta >= self.low) & (theta <= self.high))
        total = -jnp.sum(jnp.where(jnp.isfinite(width), jnp.log(width), 0))
        for prior, x, low, high in self._nuisances(theta):
            kept = jnp.log(prior.below(high) - prior.below(low))
            total = total + jnp.sum(prior.log_density(x) - kept)
        return jnp.where(inside, total, -jnp.inf)

    def sample(self, key: Array) -> Float[Array, " p"]:
        """Constants drawn from a proper prior."""
        u = jax.random.uniform(key, self.low.shape)
        drawn = [(self.low + (self.high - self.low) * u)[: self.wanted]]
        for prior, share, low, high in self._nuisances(u):
            foot, top = prior.below(low), prior.below(high)
            drawn.append(prior.quantile(foot + (top - foot) * share))
        return jnp.concatenate(drawn)

    def _nuisances(self, x: Array) -> Iterator[tuple[Prior, Array, Array, Array]]:
        """Each prior with its entries of x and their ends."""
        start = self.wanted
        for prior, size in zip(self.priors, self.sizes, strict=True):
            own = slice(start, start + size)
            yield prior, x[own], self.low[own], self.high[own]
            start += size

    def check_proper(self, labels: Sequence[str], why: str) -> None:
        """Raise ValueError for a free constant whose prior has no finite width."""
        proper = np.isfinite(np.asarray(self.high - self.low))
        proper[self.wanted :] = True
        for label in np.asarray(labels)[~proper]:
            raise ValueError(
                f"Argument `box` must give {label} two finite ends, but does not: an "
                f"improper prior has no {why}."
            )


def box_of(study: Study, given: Mapping[str, Any] | None) -> Box:
    """The box of a study: the bounds that its constants declare, and given ends.

    Args:
        given: ends (low, high) of uniform priors by name or label of free constants.
    """
    slots = study.slots
    low, high = slots.bounds()
    for prior, slot in zip(study.priors, slots.nuisances, strict=True):
        foot, top = prior.ends()
        low[slot.at] = np.maximum(low[slot.at], foot)
        high[slot.at] = np.minimum(high[slot.at], top)
    for name, pair in (given or {}).items():
        places = slots.indices(name, "box", slots.free)
        foot, top = _ends(name, pair)
        for i in places:
            low[i], high[i] = max(low[i], foot), min(high[i], top)
            if not low[i] < high[i]:
                raise ValueError(
                    f"Argument `box` must leave values of {slots.labels[i]}, but what "
                    "it allows is beyond the bounds of that constant."
                )
    sizes = tuple(len(slot.labels) for slot in slots.nuisances)
    return Box(jnp.asarray(low), jnp.asarray(high), study.priors, sizes)


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
    """ln L of the data alone, -inf where the run fails."""
    total = jnp.sum(study.log_likelihood_rows(theta))
    return jnp.where(jnp.isnan(total), -jnp.inf, total)

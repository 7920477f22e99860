"""Trajectories of single systems: the result of `individuals`."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Int, PyTree

from .... import _html
from ...._math import divisor
from ....status import Status
from ..copies import tally


class Individuals(eqx.Module):
    """S trajectories of N individuals that copy each other.

    Rows after a trajectory has ended (not finite, step budget) are NaN, or -1 where
    they hold integers.

    Attributes:
        ts: times, (T,).
        occupation: n_a, (S, T, M), whole numbers.
        order: Z_a/n_a, the mean of exp(iφ_I) over the class a, (S, T, M); 0 for an
            empty class.
        variance: mean square of φ_I about the circular mean of its class, (S, T, M),
            rad².
        tagged: [.., a, b], individuals in class a that began in class b, (S, T, M, M).
        ancestors: number of the initial individuals that have descendants, (S, T).
        histories: a_I at every time, (S, T, N), or None.
        values: what `observe` returned, stacked (S, T, ...), or None.
        beable: a_I at the end, (S, N).
        phase: φ_I at the end, (S, N), in (-π, π].
        ancestor: number of the individual at ts[0] from which I descends, by copies of
            copies, (S, N); with `copy_phase` the phase of I comes from it too.
        status: code of `jqd.Status`, (S,).
        extinction_time: when each class lost its last member, (S, M); else inf.
        steps: iterations of the loop, limited by `max_steps`, (S,).
        proposals: number of single copies that were proposed, (S,); none in leaps.
        events: number of copies that were made, in leaps and by proposals, (S,).
    """

    ts: Float[Array, " T"]
    occupation: Float[Array, "S T M"]
    order: Complex[Array, "S T M"]
    variance: Float[Array, "S T M"]
    tagged: Float[Array, "S T M M"]
    ancestors: Int[Array, "S T"]
    histories: Int[Array, "S T N"] | None
    values: PyTree[Array] | None
    beable: Int[Array, "S N"]
    phase: Float[Array, "S N"]
    ancestor: Int[Array, "S N"]
    status: Int[Array, " S"]
    extinction_time: Float[Array, "S M"]
    steps: Int[Array, " S"]
    proposals: Int[Array, " S"]
    events: Float[Array, " S"]

    @property
    def ok(self) -> Array:
        """Whether each trajectory reached the last time with all its classes, (S,)."""
        return self.status == Status.OK

    @property
    def all_ok(self) -> bool:
        """Whether all trajectories are `ok`: one answer, for `if` and `assert`."""
        return bool(jnp.all(self.ok))

    @property
    def density(self) -> Float[Array, "S T M"]:
        """ρ_a = n_a/N."""
        return self.occupation / self.beable.shape[-1]

    @property
    def coherence(self) -> Float[Array, "S T M"]:
        """|Z_a|/n_a: 1 where the phases of a class agree, (n_a)^(-1/2) if random."""
        return jnp.abs(self.order)

    @property
    def psi(self) -> Complex[Array, "S T M"]:
        """√ρ_a exp(-iφ_a) with φ_a the circular mean of the class."""
        size = self.coherence
        mean = self.order / divisor(size)
        return jnp.sqrt(self.density) * jnp.conj(mean)

    @property
    def distance(self) -> Float[Array, "S T M"]:
        """Total variation of each tagged group from the ensemble, (S, T, M).

        D_b(t) = ½ Σ_a |P[a, b](t) - ρ_a(t)|, with P[., b] the shares of the classes
        among those that began in class b; NaN where none began there.
        """
        began = jnp.sum(self.tagged, axis=-2, keepdims=True)
        shares = self.tagged / jnp.where(began > 0, began, jnp.nan)
        return jnp.sum(jnp.abs(shares - self.density[..., None]), axis=-2) / 2

    @_html.shows
    def _repr_html_(self) -> _html.Card:
        few = _html.is_small(self.occupation)
        mean = np.mean(np.asarray(self.occupation), axis=0) if few else None
        return _html.run_card(self, mean, "mean occupation over time")

    def describe(self) -> str:
        """The status in words, counted over the trajectories, and the copies made."""
        return tally(self.status, self.events, self.proposals)

"""Trajectories of systems by class: the result of `sample`, and averages over it."""

from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Int, PyTree

from ... import _checks, _html
from ..._math import abs2
from ..._saved import TIME, Where, numbered, save, to_dataset
from ...status import Status, describe


class Estimate(NamedTuple):
    """An average over trajectories and its standard error.

    Attributes:
        value: the average.
        stderr: its standard error, of the same shape; NaN of a single trajectory.
    """

    value: Array
    stderr: Array


class StepBias(eqx.Module):
    """The bias of averages by the step of the leap, from runs with half the step.

    The leap is of weak order 2: 4/3 of the difference of the two runs estimates the
    bias. The standard errors are those of this estimate.

    Attributes:
        mean: bias of E[ρ_a(t)], value and standard error, (T, M).
        variance: bias of Var[ρ_a(t)], likewise.
        tagged: bias of E[n_ab(t)]/N, the mean share of systems in class a that began
            in class b, likewise (T, M, M); None unless systems were tagged.
        trajectories: number that were run with half the step (static).
    """

    mean: Estimate
    variance: Estimate
    tagged: Estimate | None
    trajectories: int = eqx.field(static=True)

    def bound(self, name: str = "mean") -> Array:
        """|bias| + 2 standard errors of it, an upper bound on |bias|, (T, M).

        Args:
            name: "mean", "variance" or "tagged".

        Returns:
            The bound; (T, M, M) for "tagged".

        Raises:
            ValueError: another name, or systems that were not tagged.
        """
        _checks.check_choice(name, "name", ("mean", "variance", "tagged"))
        if getattr(self, name) is None:
            raise ValueError(
                'Argument `name` must not be "tagged" of a run without `tagged`, but '
                "is: labels were not kept."
            )
        value, stderr = getattr(self, name)
        return jnp.abs(value) + 2 * stderr


class Copies(eqx.Module):
    """S trajectories of N systems that copy each other.

    Rows after a trajectory has ended (not finite, step budget) are NaN, or -1 where
    they hold integers.

    Attributes:
        ts: times, (T,).
        copies: N, scalar.
        occupation: n_a, without spectators, (S, T, M), whole numbers; None where
            `observe` was given.
        psi: √(n_a/N) exp(-iφ_a), (S, T, M); None where `observe` was given.
        tagged: [.., a, b], systems in class a that began in class b, (S, T, M, M), or
            None.
        values: what `observe` returned, stacked (S, T, ...), or None.
        status: code of `jqd.Status`, (S,).
        extinction_time: when the first class lost its last system, (S,); else inf.
        steps: iterations of the loop, limited by `max_steps`, (S,): each is a leap, a
            turn of the phases alone, or goes up to a proposal.
        proposals: number of single copies that were proposed, (S,).
        events: number of copies that were made, in leaps and by proposals, (S,).
        bias: bias by the step of the leap, or None.
    """

    ts: Float[Array, " T"]
    copies: Float[Array, ""]
    occupation: Float[Array, "S T M"] | None
    psi: Complex[Array, "S T M"] | None
    tagged: Float[Array, "S T M M"] | None
    values: PyTree[Array] | None
    status: Int[Array, " S"]
    extinction_time: Float[Array, " S"]
    steps: Int[Array, " S"]
    proposals: Int[Array, " S"]
    events: Float[Array, " S"]
    bias: StepBias | None

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
        return self._occupation() / self.copies

    @property
    def phase(self) -> Float[Array, "S T M"]:
        """φ_a in radians; 0 for a class without systems."""
        self._occupation()
        return -jnp.angle(jnp.asarray(self.psi))

    def mean(self) -> Estimate:
        """E[ρ_a(t)] over all trajectories and its standard error, (T, M)."""
        return mean_of(self.density)

    def covariance(self) -> Float[Array, "T M M"]:
        """Cov[ρ_a(t), ρ_b(t)] over all trajectories."""
        density = self.density
        apart = density - jnp.mean(density, axis=0)[None]
        return jnp.einsum("sta,stb->tab", apart, apart) / (density.shape[0] - 1)

    def infidelity(self, psi: Complex[Array, "T M"]) -> Float[Array, "S T"]:
        """1 - |<ψ|copies>|² against exact states.

        Args:
            psi: ψ at the times `ts`, (T, M), normalised.

        Returns:
            Infidelity of each trajectory and time, (S, T).
        """
        self._occupation()
        overlap = jnp.sum(jnp.conj(psi)[None] * jnp.asarray(self.psi), axis=-1)
        return 1 - abs2(overlap)

    def to_xarray(self) -> Any:
        """All results as an `xarray.Dataset` over trajectory, t and class."""
        lead = ("trajectory", TIME)

        def dims_of(path: Where, values: np.ndarray) -> tuple[str, ...]:
            name = path[0]
            if name in ("occupation", "psi"):
                return (*lead, "class")
            if name == "tagged":
                return (*lead, "class", "first_class")
            if name == "values":
                return (*lead, *numbered(".".join(path), values.ndim - 2))
            if name in ("ts", "bias") and values.ndim:
                return (TIME, "class", "first_class")[: values.ndim]
            return lead[: values.ndim]

        notes = {"outcome": self.describe()}
        return to_dataset(self, dims_of, notes=notes, parts=(StepBias, Estimate))

    def plot(self) -> Any:
        """Draw mean densities over time; a `matplotlib.figure.Figure`."""
        from ...figures.runs import figure_mean_density

        return figure_mean_density(self.ts, *self.mean())

    def save(self, path: str | Path) -> Path:
        """Write `to_xarray` as a Zarr folder, which `jqd.load` reads back.

        Args:
            path: the folder, which must not exist.

        Raises:
            ValueError: it exists or cannot be written, or values are not numbers.
        """
        return save(self.to_xarray(), path)

    @_html.shows
    def _repr_html_(self) -> _html.Card:
        few = self.occupation is not None and _html.is_small(self.occupation)
        mean = np.mean(np.asarray(self.occupation), axis=0) if few else None
        return _html.run_card(self, mean, "mean occupation over time")

    def describe(self) -> str:
        """The status in words, counted over the trajectories, and the copies made."""
        return tally(self.status, self.events, self.proposals)

    def _occupation(self) -> Array:
        if self.occupation is None:
            raise ValueError(
                "Argument `observe` must be None for averages of densities, but was "
                "given: the occupations were not kept."
            )
        return self.occupation


def tally(
    status: Int[Array, " S"], events: Float[Array, " S"], proposals: Int[Array, " S"]
) -> str:
    """How trajectories ended, and the copies made and proposed in all of them."""
    made, proposed = np.sum(events), np.sum(proposals)
    return (
        f"{describe(status, 'trajectory')}; copies made: {made:.10g}; "
        f"single copies proposed: {proposed:.10g}"
    )


def mean_of(samples: Float[Array, "S ..."]) -> Estimate:
    """Average over the first axis and its standard error, NaN for a single sample."""
    spread = jnp.std(samples, axis=0, ddof=1)
    return Estimate(jnp.mean(samples, axis=0), spread / samples.shape[0] ** 0.5)


def variance_of(samples: Float[Array, "S ..."]) -> Estimate:
    """Variance over the first axis and its standard error, NaN for a single sample.

    The error comes from fourth moments; of two or three samples, whose squares hardly
    differ, it is that of normal numbers, √(2/(S - 1)) of the variance.
    """
    number = samples.shape[0]
    variance = jnp.var(samples, axis=0, ddof=1)
    if number < 4:
        return Estimate(variance, variance * (2 / max(number - 1, 1)) ** 0.5)
    squares = (samples - jnp.mean(samples, axis=0)[None]) ** 2
    return Estimate(variance, jnp.std(squares, axis=0) / number**0.5)


def step_bias(
    coarse: Float[Array, "S T M"],
    fine: Float[Array, "P T M"],
    tagged: tuple[Array, Array] | None = None,
) -> StepBias:
    """Bias by a step, from independent densities with it and with half of it.

    Args:
        coarse: densities, (S, T, M).
        fine: the same with half the step, (P, T, M).
        tagged: likewise shares by label, (S, T, M, M) and (P, T, M, M), or None.

    Returns:
        The bias of the coarse ones.
    """

    def bias(of, coarse, fine):
        (a, da), (b, db) = of(coarse), of(fine)
        return Estimate((a - b) * 4 / 3, jnp.sqrt(da**2 + db**2) * 4 / 3)

    return StepBias(
        bias(mean_of, coarse, fine),
        bias(variance_of, coarse, fine),
        None if tagged is None else bias(mean_of, *tagged),
        fine.shape[0],
    )

"""The result of a run: its paths, and how each of them ended."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PyTree

from ... import _html
from ...status import Status, describe
from .observables import Average, mean_square_displacement, two_time_correlation
from .sampling import LINE, sample_status


class Paths(eqx.Module):
    """Paths of one run. Positions after a path has ended are NaN.

    Attributes:
        ts: times, (T,).
        positions: (T, n, d) in the unit of the grid; None where `observe` was given.
        values: what `observe` returned, stacked over times, or None.
        status: code of `jqd.Status`, (n,).
        crossings: number of steps on which a path crossed a node (zero) of ψ, (n,). A
            step counts if it passes a minimum of |ψ| so narrow that from both ends the
            node appears to be within two steps: |Δx| |∇ln|ψ|| > 1/2, downhill before
            and uphill after.
        ks: Kolmogorov-Smirnov distance of the paths to |ψ|² at each time, (T, d).
        error: estimates from a run of the first paths with half the step and the same
            noise, or None: `position` (T,), the root mean square over paths of the
            error of a path, and `mean` and `variance`, (T, d), errors of the sample's.
        diagnostics: `norm`, ∫|ψ|² at each time; `edge`, the largest density at the
            boundary of the box over the largest density, (T,).
    """

    ts: Float[Array, " T"]
    positions: Float[Array, "T n d"] | None
    values: PyTree[Array] | None
    status: Int[Array, " n"]
    crossings: Int[Array, " n"]
    ks: Float[Array, "T d"]
    error: dict[str, Array] | None
    diagnostics: dict[str, Array]

    @property
    def ok(self) -> Array:
        """Whether each path reached the last time, (n,)."""
        return self.status == Status.OK

    @property
    def all_ok(self) -> bool:
        """Whether all paths are `ok`: one answer, for `if` and `assert`."""
        return bool(jnp.all(self.ok))

    @property
    def equilibrium(self) -> Bool[Array, " T"]:
        """Whether the sample can be one of |ψ|² at each time, judged by `ks`.

        False where `ks` exceeds 2.5/√n along an axis, as for one in 1e5 samples of
        |ψ|². With few paths the test is weak.
        """
        return self.sample_status == Status.OK

    @property
    def sample_status(self) -> Int[Array, " T"]:
        """Code of `jqd.Status` of the sample at each time, OUT_OF_EQUILIBRIUM where
        `equilibrium` is False; `status` is the code of single paths."""
        return sample_status(self.ks, jnp.sum(self.ok))

    @property
    def ks_line(self) -> Array:
        """1.358/√n for n paths that did not end: 95 % of samples stay below."""
        return LINE / jnp.sqrt(jnp.maximum(jnp.sum(self.ok), 1).astype(self.ks.dtype))

    def correlation(self, origin: int = 0) -> Average:
        """<x(t₀) x(t)> with its standard error, see `two_time_correlation`."""
        return two_time_correlation(self._positions(), origin)

    def displacement(self, origin: int = 0) -> Average:
        """<(x(t) - x(t₀))²> with its standard error, see `mean_square_displacement`."""
        return mean_square_displacement(self._positions(), origin)

    def plot(self) -> Any:
        """Draw some of the paths over time; a `matplotlib.figure.Figure`."""
        from ...figures.runs import figure_paths

        return figure_paths(self.ts, self._positions(), self.status != Status.OK)

    @_html.shows
    def _repr_html_(self) -> _html.Card:
        small = self.positions is not None and _html.is_small(self.positions)
        curves = np.asarray(self.positions)[:, :, 0] if small else None
        return _html.run_card(self, curves, "first coordinate of paths over time")

    def describe(self) -> str:
        """The status in words, counted over the paths, and any loss of equilibrium."""
        sentences = [describe(self.status, "path")]
        return "; ".join(sentences + self._lost_equilibrium())

    def _lost_equilibrium(self) -> list[str]:
        """A sentence if `equilibrium` is False at some time."""
        lost = np.flatnonzero(~np.asarray(self.equilibrium))
        if lost.size == 0:
            return []
        i = int(lost[0])
        return [
            "not in equilibrium: the sample is not one of |ψ|² at "
            f"{lost.size} of {self.ts.size} times, first at t = "
            f"{float(self.ts[i]):.6g}, where its distance `ks` is "
            f"{float(jnp.max(self.ks[i])):.2g} and 95 % of samples of |ψ|² stay below "
            f"{float(self.ks_line):.2g}"
        ]

    def _positions(self) -> Array:
        if self.positions is None:
            raise ValueError(
                "Argument `observe` must be None for averages over two times, but was "
                "given: the positions were not kept."
            )
        return self.positions

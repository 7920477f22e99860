"""What `nelson` and `bohm` return."""

import enum
from collections import Counter

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from .observables import Average, mean_square_displacement, two_time_correlation
from .sampling import LINE


class PathStatus(enum.IntEnum):
    """How a path ended; `Paths.status` holds one a path."""

    OK = 0
    LEFT_GRID = 1
    NON_FINITE = 2

    @property
    def sentence(self) -> str:
        """What the status means."""
        return _SENTENCES[self]


_SENTENCES = {
    PathStatus.OK: "The path reached the last time.",
    PathStatus.LEFT_GRID: (
        "The path left the grid: widen it or, where a node threw the path out, use "
        "scheme='implicit'; on a ring, pass periodic=True."
    ),
    PathStatus.NON_FINITE: "A position stopped being a number.",
}


class Paths(eqx.Module):
    """Paths of one run. Positions after a path has ended are NaN.

    Attributes:
        ts: times, (T,).
        positions: (T, n, d) in the unit of the grid; None where `observe` was given.
        values: what `observe` returned, stacked over times, or None.
        status: code of `PathStatus`, (n,).
        crossings: steps on which a path crossed a node of ψ, (n,). A step counts if
            it passes a minimum of |ψ| so narrow that from both ends the node seems to
            be within two steps: |Δx| |∇ln|ψ|| > 1/2, downhill before and uphill after.
        ks: Kolmogorov-Smirnov distance of the paths to |ψ|² at each time, (T, d).
        error: estimates from a run of the first paths with half the step and the same
            noise, or None: `position` (T,), the root mean square over paths of the
            error of a path, and `mean` and `variance`, (T, d), those of the sample.
        diagnostics: `norm`, ∫|ψ|² at each time; `edge`, the largest density at the
            boundary of the box over the largest of all, (T,).
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
        return self.status == PathStatus.OK

    @property
    def ks_line(self) -> Array:
        """1.358/√n over the paths that did not end: 95 % of samples stay below."""
        return LINE / jnp.sqrt(jnp.maximum(jnp.sum(self.ok), 1).astype(self.ks.dtype))

    def correlation(self, origin: int = 0) -> Average:
        """<x(t₀) x(t)> with its standard error, see `two_time_correlation`."""
        return two_time_correlation(self._positions(), origin)

    def displacement(self, origin: int = 0) -> Average:
        """<(x(t) - x(t₀))²> with its standard error, see `mean_square_displacement`."""
        return mean_square_displacement(self._positions(), origin)

    def describe(self) -> str:
        """The status in words, counted over the paths."""
        counts = Counter(PathStatus(int(code)) for code in np.asarray(self.status))
        return "; ".join(
            f"{number} of {self.status.size}: {status.sentence}"
            for status, number in sorted(counts.items())
        )

    def _positions(self) -> Array:
        if self.positions is None:
            raise ValueError(
                "Argument `observe` must be None for averages over two times, but was "
                "given: the positions were not kept."
            )
        return self.positions

"""Counts of shots in clusters: several rows of one time that are not added."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Int

from .. import _checks
from .._math import take
from .._outside import plain
from ..instruments import Multinomial
from ..instruments.noise import Noise
from .record import Record, between, spaced


class Clusters(Record):
    """Counts of shots in clusters, of which a time may have several.

    Row k holds the counts of one cluster at ts[k]: of the atoms of one shot, or of the
    shots between two calibrations. The law is evaluated once at each time, and all
    clusters of a time have its probabilities. The noise says how they scatter about
    these: `Multinomial` where all shots are independent, `DirichletMultinomial` where
    those of one cluster share something that changes from cluster to cluster, with

        E n = N p,   Cov n = (1 + (N - 1) ρ) N (diag p - p p^T)

    of a cluster of N shots. Clusters scatter independently, at one time or another.

    Attributes:
        first: the first row of each time, (V,) for V times.
        visit: which of these times each row is of, (R,).
    """

    first: Int[Array, " V"]
    visit: Int[Array, " R"]
    times_repeat: ClassVar[bool] = True

    def __init__(
        self,
        ts: ArrayLike,
        values: ArrayLike | Any,
        noise: Noise | None = None,
        t0: ArrayLike | None = None,
        *,
        multiplicity: ArrayLike | None = None,
    ):
        """Counts of clusters; checked as a `Record`, but that times may be equal.

        Args:
            ts: time of each cluster, shape (R,), not decreasing, known when the record
                is made.
            values: counts of classes, shape (R, M).
            noise: `Multinomial` or `DirichletMultinomial`; None for the first.
            t0: time of the initial state, not after ts[0]; None for ts[0].
            multiplicity: how many clusters with these counts each row stands for, whole
                numbers, (R,): a histogram of the outcomes of clusters. None for one.

        Raises:
            ValueError: times that decrease or are traced, noise of other data than
                counts, a multiplicity below 1; see `Record`.
        """
        noise = Multinomial() if noise is None else noise
        if not isinstance(noise, Multinomial):
            raise ValueError(
                "Argument `noise` must be that of counts of shots, Multinomial or "
                f"DirichletMultinomial, but is a {type(noise).__name__}."
            )
        ts = plain(ts, "ts")
        _check_known(ts, "ts")
        super().__init__(ts, values, noise, t0)
        times = np.asarray(ts, self.ts.dtype)
        if multiplicity is not None:
            rows = _repeated(multiplicity, self.values)
            times, self.ts, self.values = times[rows], self.ts[rows], self.values[rows]
        _, first, visit = np.unique(times, return_index=True, return_inverse=True)
        self.first, self.visit = jnp.asarray(first), jnp.asarray(visit)

    @property
    def looks(self) -> Array:
        """Times at which the law is evaluated, each once, (V,)."""
        return take(self.ts, self.first)

    @property
    def firsts(self) -> Array:
        """The first row of each of these times, (V,)."""
        return self.first

    def over_rows(self, seen: Array) -> Array:
        """What the law shows at these times, (V, ..), in rows of the data, (R, ..)."""
        return take(seen, self.visit)

    @property
    def pooled(self) -> Array:
        """The shares, averaged over the clusters of each time."""
        return self.over_rows(averaged(self.shares, self.visit, len(self.first)))

    def lines(self) -> dict[str, str]:
        """The contents in words, by label, as `repr` and `jqd show` print them."""
        each = np.bincount(np.asarray(self.visit))
        lines = {"clusters": f"{len(self.values)}, {between(each)} at each time"}
        for label, text in super().lines().items():
            lines[label] = text.replace("at each time", "in each cluster")
        lines["times"] = spaced(np.asarray(self.ts)[np.asarray(self.first)])
        return lines


def averaged(rows: Array, visit: Array, visits: int) -> Array:
    """Means of the rows of each visit, (V, ..) of (R, ..)."""
    ones = jnp.ones_like(rows)
    summed, often = (jax.ops.segment_sum(x, visit, visits) for x in (rows, ones))
    return summed / often


def _check_known(x: Any, name: str) -> None:
    """Raise where the values are traced: which rows share a time must be known."""
    if not _checks.is_concrete(x):
        raise ValueError(
            f"Argument `{name}` must be known when clusters of shots are put together, "
            "but is traced; make the record before jit, and trace its values."
        )


def _repeated(multiplicity: Any, values: Array) -> np.ndarray:
    """Numbers of the rows, each as often as it stands for a cluster."""
    often = plain(multiplicity, "multiplicity")
    _check_known(often, "multiplicity")
    _checks.check_shape(often, "multiplicity", values.shape[:1])
    _checks.check_whole(often, "multiplicity")
    _checks.check_positive(often, "multiplicity")
    return repeated_rows(np.asarray(often), values.shape[-1], "multiplicity")


def repeated_rows(often: np.ndarray, columns: int, name: str) -> np.ndarray:
    """Numbers of rows, each so often, (sum of `often`,).

    Args:
        often: whole numbers from 1 on, one a row.
    """
    total = float(np.sum(often, dtype=float))
    words = f"rows that stand for {total:.3g} clusters"
    _checks.check_memory(total * (columns + 2) * 8, name, words)
    return np.repeat(np.arange(len(often)), often.astype(int))


def clusters_of(
    ts: np.ndarray, counts: np.ndarray, cluster: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Counts of clusters in the order of time; rows of one cluster at one time are
    added, and the same number at another time is another cluster."""
    both = np.stack([ts, cluster], axis=1)
    found, at = np.unique(both, axis=0, return_inverse=True)
    added = np.zeros((len(found), counts.shape[1]))
    np.add.at(added, at.reshape(-1), counts)
    return found[:, 0], added

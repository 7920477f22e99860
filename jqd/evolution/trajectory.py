"""What `evolve` returns."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from .. import _html
from .._math import abs2
from .._saved import save
from ..laws.groups import Resolution
from ..laws.law import recorded
from ..laws.motion import Motion
from ..status import Status, describe
from .dataset import trajectory_dataset


class Trajectory(eqx.Module):
    """Observed values of one run, of a batch of runs under `jax.vmap`, or their means
    over the paths of a random motion.

    Values at times that a run did not reach are NaN, and its `status` says why; other
    members of a batch are not affected. Means are over the paths that reached a time,
    `diagnostics["num_paths"]` of them, (T,); `status` and `failure_time` have an entry
    for each path.

    Attributes:
        ts: save times, shape (T,).
        values: what `observe` returned, stacked over times: leaves (T, ...).
        error: estimate of the integration and rounding error of `values`, same
            structure, or None if it was not asked for; infinite where the check run
            failed and this one did not. For means it is the error by the step, from the
            same paths with half the step; the sampling error is in `stderr`. None as
            well for a random motion that has no form to estimate it by.
        status: code of `jqd.Status`.
        failure_time: time at which the run ended early, or from which on its status
            holds as far as is known; infinite if it reached its last time.
        diagnostics: arrays by name: `norm_drift`, `energy_drift` (largest change of
            an invariant from its first value), `norm_scale`, `energy_scale` (its
            largest modulus), `min_density`, `num_steps`, ...
        resolution: the law's own estimate, up to each save time, of the relative error
            of the probabilities from its grid or basis, (T,), which `error` does not
            cover: see `Law.resolution`. None where the law has no estimate, or no
            error was asked for.
        stderr: standard error of means over paths by sampling, same structure as
            `values`; infinite for a single path. None for a motion without noise.
        paths: the values of each path, leaves (paths, T, ...), if they were kept.
    """

    ts: Float[Array, "*batch T"]
    values: PyTree[Array]
    error: PyTree[Array] | None
    status: Int[Array, "*batch"]
    failure_time: Float[Array, "*batch"]
    diagnostics: dict[str, Array]
    resolution: Float[Array, "*batch T"] | None = None
    stderr: PyTree[Array] | None = None
    paths: PyTree[Array] | None = None

    @property
    def ok(self) -> Array:
        """Whether each run, or path, reached its end with errors below its values."""
        return self.status == Status.OK

    @property
    def all_ok(self) -> bool:
        """Whether every run, or path, is `ok`: one bool for `if` and `assert`."""
        return bool(jnp.all(self.ok))

    @property
    def reached(self) -> Array:
        """Whether each save time was reached, shape (..., T); (..., paths, T)."""
        ts = self.ts if self.stderr is None else self.ts[..., None, :]
        return ts < self.failure_time[..., None]

    def describe(self) -> str:
        """The status in words, counted over a batch, and the largest errors known."""
        return " ".join([self._outcome(), *self._errors()])

    def _outcome(self) -> str:
        if self.stderr is not None:
            return describe(self.status, "path")
        if np.size(self.status) > 1:
            return describe(self.status)
        ended = float(np.ravel(self.failure_time)[0])
        when = f" (t = {ended:.6g})" if np.ravel(self.status)[0] else ""
        return describe(np.ravel(self.status)[0]) + when

    def _errors(self) -> Iterator[str]:
        """What is known of the errors, a sentence each."""
        if self.stderr is not None:
            yield from self._beside("Standard error of the means", self.stderr)
            fewest = np.min(self.diagnostics["num_paths"])
            yield f"At least {fewest} paths take part in each mean."
        if self.error is not None:
            yield from self._beside("Integration error", self.error)
        if self.resolution is not None:
            yield (
                "The grid, basis or quadrature leaves an error of the order of "
                f"{_largest(self.resolution):.0e} of the probabilities."
            )

    def _beside(self, title: str, errors: PyTree[Array]) -> Iterator[str]:
        """A sentence with the largest errors beside the largest values."""
        leaves = jax.tree_util.tree_leaves_with_path(self.values)
        parts = []
        for (path, values), error in zip(leaves, jax.tree.leaves(errors), strict=True):
            if jnp.issubdtype(values.dtype, jnp.inexact):
                name = jax.tree_util.keystr(path, simple=True, separator=".")
                text = f"{_largest(error):.1e} (values up to {_largest(values):.2g})"
                parts.append(f"{name} {text}".strip())
        if parts:
            yield f"{title}: {', '.join(parts)}."

    @_html.shows
    def _repr_html_(self) -> _html.Card:
        small = _html.is_small(self)
        lines = [("times", _html.times(self.ts))]
        leaves = jax.tree_util.tree_leaves_with_path(self.values)
        for path, leaf in leaves:
            name = jax.tree_util.keystr(path, simple=True, separator=".")
            lines.append((f"values {name}".strip(), _html.shape_of(leaf)))
        for name, value in self.diagnostics.items() if small else ():
            many = f"at most {_largest(value):.3g}"
            lines.append((name, many if np.ndim(value) else f"{float(value):.3g}"))
        mean = "" if self.stderr is None else ", means over paths"
        single = self.ts.ndim == 1 and (self.status.ndim == 0 or bool(mean))
        curves = _curves([leaf for _, leaf in leaves]) if single and small else None
        return _html.Card(
            ("Trajectory" if single else f"Trajectories {self.status.shape}") + mean,
            *_html.status_word(self.status),
            [_html.Table((), lines)],
            [self._outcome(), *(self._errors() if small else ["Too many to look at."])],
            curves,
            self.ts,
            "the first values (of kets |ψ|²) over time",
        )

    def to_qutip(self, dims: Any = None) -> Any:
        """Saved kets as QuTiP objects, one for each time."""
        from ..interop import to_qutip

        if getattr(self.values, "ndim", None) != 2:
            raise ValueError(
                "Argument `values` must hold one ket per time, shape (T, n), but does "
                "not; evolve without `observe` and without a batch."
            )
        # row by row: a square stack of kets must not be read as an operator
        return [to_qutip(ket, dims) for ket in self.values]

    def to_xarray(
        self,
        dims: Mapping[str, Any] | None = None,
        coords: Mapping[str, Any] | None = None,
        batch: Sequence[str] | None = None,
    ) -> Any:
        """The whole run as an `xarray.Dataset`, one variable for each array.

        Values have the names of their entries ("values" where they are one array), and
        their errors, where known, "NAME_error" and "NAME_stderr"; `status`,
        `failure_time` and the diagnostics are variables as well.

        Args:
            dims: names of the axes after time by the name of a value, as in
                {"populations": ("class",)}; or the `Grid` of a density, whose axes are
                x, y, z, with their coordinates. "NAME_0" and so on by default.
            coords: values along named axes, by name.
            batch: names of the axes of a batch of runs; "batch_0" and so on by default.

        Raises:
            ValueError: names that do not fit, or values that are not numbers.
        """
        return trajectory_dataset(self, dims, coords, batch)

    def plot(self, x: Any = None) -> Any:
        """Plot the values of one run over time; |ψ|² for kets.

        Up to eight values at a time are drawn as curves, with bands for their errors
        where these are known; more are drawn as a map.

        Args:
            x: positions of the values at a time, as `Grid.x`; their indices by default.

        Returns:
            A `matplotlib.figure.Figure` with a panel for each entry of the values.

        Raises:
            ValueError: a batch, values that are not numbers, or more than a million.
        """
        from ..figures.runs import figure_trajectory

        return figure_trajectory(self, x)

    def save(self, path: str | Path, **names: Any) -> Path:
        """Write `to_xarray` as a Zarr folder, which `jqd.load` reads back.

        Args:
            path: the folder, which must not exist.
            **names: as for `to_xarray`.

        Raises:
            ValueError: it exists or cannot be written, or values are not numbers.
        """
        return save(self.to_xarray(**names), path)


def _curves(leaves: list[Any]) -> np.ndarray | None:
    """Of the first values that are numbers at each time: they, or |ψ|² of kets."""
    for leaf in map(np.asarray, leaves):
        if leaf.dtype.kind in "biufc":
            rows = leaf.reshape(len(leaf), -1)
            return abs2(rows) if leaf.dtype.kind == "c" else rows
    return None


def is_sound(state: PyTree[Array]) -> Array:
    """Whether every number of a state is finite and of reasonable size.

    The bound is far below overflow, so that a run that blows up is stopped while its
    derivatives are still numbers.
    """

    def sound(leaf: Array) -> Array:
        bound = jnp.finfo(leaf.dtype).max ** 0.25
        # comparisons with NaN are false; the parts avoid a square root
        parts = (jnp.real(leaf), jnp.imag(leaf)) if jnp.iscomplexobj(leaf) else (leaf,)
        return jnp.all(jnp.stack([jnp.all(jnp.abs(part) < bound) for part in parts]))

    numbers = [
        leaf
        for leaf in jax.tree.leaves(state)
        if hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.inexact)
    ]
    return jnp.all(jnp.stack([sound(leaf) for leaf in numbers]))


def mask_unreached(
    values: PyTree[Array], reached: Array, source: PyTree
) -> PyTree[Array]:
    """The values, with NaN and NaN derivatives at times that were not reached.

    Args:
        values: leaves (T, ...).
        reached: (T,).
        source: what the values were computed from.
    """

    def mask(leaf: Array) -> Array:
        if not jnp.issubdtype(leaf.dtype, jnp.inexact):
            return leaf
        shape = reached.shape + (1,) * (leaf.ndim - 1)
        return jnp.where(jnp.reshape(reached, shape), leaf, unknown(leaf, source))

    return jax.tree.map(mask, values)


def unknown(like: Array, source: PyTree) -> Array:
    """NaN whose derivatives with respect to its source are NaN as well.

    This holds only where it is used: for what a loss leaves out, and for the other
    members of a batch, derivatives stay 0 and do not become 0 times NaN.

    Args:
        like: an array of the shape and precision.
        source: what the value would have been computed from.
    """
    dtype = jnp.finfo(like.dtype).dtype
    link = jnp.zeros((), dtype)
    for leaf in jax.tree.leaves(source):
        if not eqx.is_inexact_array(leaf):
            continue
        # a constant may be infinite, as the mass of a pointer
        leaf = jnp.where(jnp.isfinite(leaf), leaf, 0)
        still = leaf - jax.lax.stop_gradient(leaf)
        parts = (
            [jnp.real(still), jnp.imag(still)] if jnp.iscomplexobj(leaf) else [still]
        )
        link = link + sum(jnp.sum(part).astype(dtype) for part in parts)

    link = jnp.expm1(link)  # of which no derivative is 0

    # Linear as far as derivatives are concerned: an equation without a solution.
    def solve(_: Any, side: Array) -> Array:
        return jnp.where(side == 0, 0, jnp.nan).astype(dtype)

    spoilt = jax.lax.custom_linear_solve(
        lambda x: x, jnp.broadcast_to(link, like.shape), solve, symmetric=True
    )
    return spoilt + jnp.nan


class Record(NamedTuple):
    """The diagnostics of a state, kept beside its values.

    Attributes:
        figures: scalars by name, for the diagnostics.
        resolution: error of the law's grid or basis, or None.
    """

    figures: dict[str, Array]
    resolution: Resolution | None


def record(law: Motion, state: PyTree[Array], *, judged: bool) -> Record:
    """The diagnostics of one state.

    Args:
        law: the law.
        state: its state.
        judged: whether the law is asked for its own estimate of its grid or basis.
    """
    resolution = None
    if judged:
        # an error bar, not a result: no gradient flows through it
        known, still = jax.lax.stop_gradient((law, state))
        resolution = known.watch().resolution(still)
    return Record({**law.invariants(state), **recorded(law, state)}, resolution)


def summarise(records: Record, reached: Array) -> dict[str, Array]:
    """Diagnostics from what `record` gave at each save time, leaves (T,)."""
    result = {}
    for name, series in records.figures.items():
        if name.startswith("min_"):
            result[name] = jnp.min(jnp.where(reached, series, jnp.inf))
        elif name.startswith("max_"):
            result[name] = jnp.max(jnp.where(reached, series, -jnp.inf))
        else:
            drift = jnp.abs(series - series[0])
            result[f"{name}_drift"] = jnp.max(jnp.where(reached, drift, 0))
            result[f"{name}_scale"] = jnp.max(jnp.where(reached, jnp.abs(series), 0))
    return result


def resolved(records: Record, ts: Array, reached: Array) -> Array | None:
    """Error of the grid or basis up to each save time, (T,)."""
    if records.resolution is None:
        return None
    # what was lost once stays lost
    share, rate = map(jax.lax.cummax, records.resolution)
    total = share + rate * (ts - ts[0])
    return jnp.where(reached, total, jnp.nan).astype(ts.dtype)


def _largest(values: Any) -> float:
    """The largest modulus but for NaN; 0 where there is nothing else."""
    size = np.abs(np.asarray(values))
    return float(np.max(size[~np.isnan(size)], initial=0.0))

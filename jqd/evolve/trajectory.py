"""What `evolve` returns."""

from collections import Counter
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from .status import Status


class Trajectory(eqx.Module):
    """Observed values of one run, or of a batch of runs under `jax.vmap`.

    Values at times that a run did not reach are NaN, and its `status` says why; other
    members of a batch are not touched.

    Attributes:
        ts: save times, shape (T,).
        values: what `observe` returned, stacked over times: leaves (T, ...).
        error: estimate of the error of `values`, same structure, or None if it was
            not asked for; infinite where the check run failed and this one did not.
        status: code of `Status`.
        failure_time: time at which the run ended early; infinite if it did not.
        diagnostics: arrays by name: `norm_drift`, `energy_drift` (largest change of
            an invariant from its first value), `min_density`, `num_steps`, ...
    """

    ts: Float[Array, "*batch T"]
    values: PyTree[Array]
    error: PyTree[Array] | None
    status: Int[Array, "*batch"]
    failure_time: Float[Array, "*batch"]
    diagnostics: dict[str, Array]

    @property
    def ok(self) -> Array:
        """Whether each run reached its last time."""
        return self.status == Status.OK

    @property
    def reached(self) -> Array:
        """Whether each save time was reached, shape (..., T)."""
        return self.ts < self.failure_time[..., None]

    def describe(self) -> str:
        """The status in words, for one run or counted over a batch."""
        codes = np.atleast_1d(np.asarray(self.status))
        times = np.atleast_1d(np.asarray(self.failure_time))
        if codes.size == 1:
            code = Status(int(codes[0]))
            when = "" if code == Status.OK else f" (t = {times[0]:.6g})"
            return code.sentence + when
        counts = Counter(Status(int(code)) for code in codes.ravel())
        return "; ".join(
            f"{number} of {codes.size}: {status.sentence}"
            for status, number in sorted(counts.items())
        )

    def to_qutip(self, dims: Any = None) -> Any:
        """Saved kets as QuTiP objects, one a time."""
        from ..interop import to_qutip

        if not isinstance(self.values, jax.Array) or self.values.ndim != 2:
            raise ValueError(
                "Argument `values` must hold one ket a time, shape (T, n), but does "
                "not; evolve without `observe` and without a batch."
            )
        # row by row: a square stack of kets must not be read as an operator
        return [to_qutip(ket, dims) for ket in self.values]

    def to_xarray(self, name: str = "values") -> Any:
        """The values of one run as an `xarray.DataArray` with its time coordinate."""
        import xarray as xr

        if not isinstance(self.values, jax.Array) or self.ts.ndim != 1:
            raise ValueError(
                "Argument `values` must be one array of one run, but is not; convert "
                "the leaves one by one."
            )
        dims = ["t", *(f"axis_{i}" for i in range(1, self.values.ndim))]
        return xr.DataArray(
            np.asarray(self.values),
            dims=dims,
            coords={"t": np.asarray(self.ts)},
            name=name,
            attrs={"status": self.describe()},
        )


def mask_unreached(values: PyTree[Array], reached: Array) -> PyTree[Array]:
    """NaN at the times that were not reached; a select, so gradients stay clean."""

    def mask(leaf: Array) -> Array:
        if not jnp.issubdtype(leaf.dtype, jnp.inexact):
            return leaf
        shape = reached.shape + (1,) * (leaf.ndim - 1)
        return jnp.where(jnp.reshape(reached, shape), leaf, jnp.nan)

    return jax.tree.map(mask, values)


def difference(values: PyTree[Array], check: PyTree[Array], scale: float) -> PyTree:
    """scale |values - check|, infinite where the check alone is not finite."""

    def compare(a: Array, b: Array) -> Array:
        distance = scale * jnp.abs(a - b)
        return jnp.where(jnp.isfinite(a) & ~jnp.isfinite(distance), jnp.inf, distance)

    return jax.tree.map(compare, values, check)


def summarise(law: Any, records: dict[str, Array], reached: Array) -> dict[str, Array]:
    """Diagnostics from what `record` gave at each save time, leaves (T,)."""
    del law
    result = {}
    for name, series in records.items():
        if name.startswith("min_"):
            result[name] = jnp.min(jnp.where(reached, series, jnp.inf))
        elif name.startswith("max_"):
            result[name] = jnp.max(jnp.where(reached, series, -jnp.inf))
        else:
            drift = jnp.abs(series - series[0])
            result[f"{name}_drift"] = jnp.max(jnp.where(reached, drift, 0))
    return result


def record(law: Any, state: PyTree[Array]) -> dict[str, Array]:
    """What the diagnostics need of one state."""
    return law.diagnose(state)

"""Linear maps of density operators that move entries by a few fixed offsets."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex

from ..._math import abs2, add_at, take
from ...steppers.eigenbasis import exponential_orbit


class Generator(eqx.Module):
    """G with dρ/dt = Gρ: (Gρ)_ij = Σ_b W_b,ij ρ_(i+r_b)(j+c_b).

    Attributes:
        weights: W_b, shape (levels, levels) each, all modes on separate axes.
        offsets: (r_b, c_b) for each b, one integer per mode in each (static).
        levels: levels kept of each mode (static).
    """

    weights: list[Complex[Array, "..."]]
    offsets: tuple[tuple[int, ...], ...] = eqx.field(static=True)
    levels: tuple[int, ...] = eqx.field(static=True)

    def __call__(self, rho: Complex[Array, "D D"]) -> Complex[Array, "D D"]:
        """Gρ; entries moved in from beyond the last level are zero."""
        if not self.weights:
            return jnp.zeros_like(rho)
        reach = np.max(np.abs(self.offsets), axis=0).tolist()
        padded = jnp.pad(
            jnp.reshape(rho, self.levels * 2), [(extra, extra) for extra in reach]
        )
        total = jnp.zeros(self.levels * 2, rho.dtype)
        for weight, offset in zip(self.weights, self.offsets, strict=True):
            window = tuple(
                slice(extra + move, extra + move + size)
                for extra, move, size in zip(
                    reach, offset, self.levels * 2, strict=True
                )
            )
            total = total + weight.astype(rho.dtype) * padded[window]
        return jnp.reshape(total, rho.shape)

    def plus(self, other: "Generator") -> "Generator":
        """The sum of both, on the same levels."""
        weights = dict(zip(self.offsets, self.weights, strict=True))
        for offset, weight in zip(other.offsets, other.weights, strict=True):
            known = weights.get(offset)
            weights[offset] = weight if known is None else known + weight
        return Generator(list(weights.values()), tuple(weights), self.levels)

    def dense(self) -> Complex[Array, "D2 D2"]:
        """The matrix that acts on ρ with its rows one after the other."""
        shape = self.levels * 2
        size = math.prod(shape)
        places = np.indices(shape)
        kind = jnp.result_type(*self.weights) if self.weights else complex
        whole = jnp.zeros((size, size), kind)
        for weight, offset in zip(self.weights, self.offsets, strict=True):
            source, inside = _sources(places, offset)
            rows = np.ravel_multi_index(tuple(places[:, inside]), shape)
            columns = np.ravel_multi_index(tuple(source[:, inside]), shape)
            values = take(weight, np.nonzero(inside))
            whole = add_at(whole, (rows, columns), values)
        return whole

    def diagonals(self) -> Complex[Array, "D D D"]:
        """A_k of each diagonal from the main one up: d/dt ρ_n,n+k = Σ_m A_k,nm ρ_m,m+k.

        Rows and columns beyond the last level are zero. The generator must keep
        diagonals.
        """
        (size,) = self.levels
        k, n = np.indices((size, size))
        whole = jnp.zeros((size, size, size), jnp.result_type(*self.weights))
        for weight, (move, _) in zip(self.weights, self.offsets, strict=True):
            source = n + move
            inside = (n + k < size) & (source >= 0) & (source + k < size)
            values = take(weight, (n[inside], (n + k)[inside]))
            place = k[inside], n[inside], source[inside]
            whole = add_at(whole, place, values)
        return whole


def diagonal_orbit(
    generator: Generator, rho0: Complex[Array, "D D"], ts: Array
) -> tuple[Complex[Array, "T D D"], Array]:
    """ρ at times `ts` under a generator that moves each diagonal by itself.

    Times at equal distances share one exponential.

    Args:
        generator: of one mode, whose offsets have r_b = c_b.
        rho0: Hermitian.
        ts: times, (T,), increasing.

    Returns:
        States, and a bound on their relative rounding, (T,).
    """
    parts = generator.diagonals().astype(rho0.dtype)
    size, eps = rho0.shape[0], jnp.finfo(ts.dtype).eps
    k, n = np.indices((size, size))
    column = np.minimum(n + k, size - 1)
    inside = jnp.asarray(n + k < size)
    first = jnp.where(inside, take(rho0, (n, column)), 0)
    lines = exponential_orbit(parts, first, ts)
    row, column = np.indices((size, size))
    found = take(lines, (np.abs(column - row), np.minimum(row, column)), 1)
    rho = jnp.where(column >= row, found, jnp.conj(found)).astype(rho0.dtype)
    # rounding error of matrices of this size, amplified as the state grows
    largest = jnp.sqrt(jnp.max(jnp.sum(abs2(parts), axis=(1, 2))))
    growth = jnp.max(jnp.abs(rho), axis=(1, 2)) / jnp.max(jnp.abs(rho0))
    return rho, eps * (1 + largest * (ts - ts[0])) * jnp.maximum(growth, 1)


def _sources(
    places: np.ndarray, offset: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Where entries come from, and which of these lie inside."""
    shape = places.shape[1:]
    columns = (slice(None),) + (None,) * len(shape)
    source = places + np.array(offset)[columns]
    inside = np.all((source >= 0) & (source < np.array(shape)[columns]), axis=0)
    return source, inside

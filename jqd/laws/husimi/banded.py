"""Linear maps of density operators that move entries by a few fixed offsets."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex


class Generator(eqx.Module):
    """G with dρ/dt = Gρ: (Gρ)_ij = Σ_b W_b,ij ρ_(i+r_b)(j+c_b).

    Attributes:
        weights: W_b, shape (levels, levels) each, all modes on separate axes.
        offsets: (r_b, c_b) for each b, one integer a mode in each (static).
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
        """The matrix on ρ with its rows one after the other."""
        shape = self.levels * 2
        size = math.prod(shape)
        places = np.indices(shape)
        kind = jnp.result_type(*self.weights) if self.weights else complex
        whole = jnp.zeros((size, size), kind)
        for weight, offset in zip(self.weights, self.offsets, strict=True):
            source, inside = _sources(places, offset)
            rows = np.ravel_multi_index(tuple(places[:, inside]), shape)
            columns = np.ravel_multi_index(tuple(source[:, inside]), shape)
            whole = whole.at[rows, columns].add(weight[inside])
        return whole

    @property
    def keeps_diagonals(self) -> bool:
        """Whether each diagonal of ρ moves by itself, of one mode."""
        one = len(self.levels) == 1
        return one and all(row == column for row, column in self.offsets)

    def diagonals(self) -> Complex[Array, "D D D"]:
        """A_k of each diagonal from the main one up: d/dt ρ_n,n+k = Σ_m A_k,nm ρ_m,m+k.

        Rows and columns beyond the last level are zero. Of a generator that keeps
        diagonals.
        """
        (size,) = self.levels
        k, n = np.indices((size, size))
        whole = jnp.zeros((size, size, size), jnp.result_type(*self.weights))
        for weight, (move, _) in zip(self.weights, self.offsets, strict=True):
            source = n + move
            inside = (n + k < size) & (source >= 0) & (source + k < size)
            values = weight[n[inside], (n + k)[inside]]
            whole = whole.at[k[inside], n[inside], source[inside]].add(values)
        return whole


def _sources(
    places: np.ndarray, offset: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Where entries come from, and which of these lie inside."""
    shape = places.shape[1:]
    columns = (slice(None),) + (None,) * len(shape)
    source = places + np.array(offset)[columns]
    inside = np.all((source >= 0) & (source < np.array(shape)[columns]), axis=0)
    return source, inside

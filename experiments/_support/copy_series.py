"""Fourier series of the copy law in coefficients that enter linearly."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jqd._math import abs2


class Moments(NamedTuple):
    """What an equation of the copy law says at some instants.

    Attributes:
        log_density: ln ρ_a, shape (N, M).
        phase: φ_a - φ_b of each pair, shape (N, P).
        density_rate: dρ_a/dt, shape (N, M).
        phase_rate: dφ_a/dt, shape (N, M).
    """

    log_density: Array
    phase: Array
    density_rate: Array
    phase_rate: Array


class Series(eqx.Module):
    """Orders of a Fourier series between M classes; what multiplies its coefficients.

    The coefficients are a flat vector: for each order n and each pair a < b, row by
    row, that of sin(n y), then that of cos(n y), y = φ_a - φ_b; n = 0 has no sine.

    Attributes:
        orders: n, increasing (static).
        size: M (static).
    """

    orders: tuple[int, ...] = eqx.field(static=True)
    size: int = eqx.field(static=True)

    @property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """a and b of each pair a < b, shape (P,) each."""
        return np.triu_indices(self.size, 1)

    @property
    def kept(self) -> np.ndarray:
        """Which of the coefficients (order, sine or cosine, pair) are independent."""
        kept = np.ones((len(self.orders), 2, len(self.pairs[0])), dtype=bool)
        kept[np.asarray(self.orders) == 0, 0] = False
        return kept

    def labels(self) -> list[str]:
        """Labels of the coefficients, e.g. "sin 2y[0,1]"."""
        names = [f"y[{a},{b}]" for a, b in zip(*self.pairs, strict=True)]
        return [
            f"{('sin', 'cos')[k]} {self.orders[i]}{names[p]}"
            for i, k, p in np.argwhere(self.kept)
        ]

    def expand(self, coefficients: Array) -> Array:
        """Coefficients by (order, sine or cosine, pair); the sine of n = 0 is 0."""
        kept = self.kept
        full = jnp.zeros(kept.shape, coefficients.dtype)
        return full.at[np.nonzero(kept)].set(coefficients)

    def terms(self, coefficients: Array, phase: Array) -> Array:
        """A sin ny + B cos ny of each instant, order and pair: (N, orders, P)."""
        full = self.expand(coefficients)
        n = jnp.asarray(self.orders, phase.dtype)
        angle = n[None, :, None] * phase[:, None, :]
        return full[None, :, 0] * jnp.sin(angle) + full[None, :, 1] * jnp.cos(angle)

    def density_rate(self, coefficients: Array, q: Array, at: Moments) -> Array:
        """dρ_a/dt = Σ_b Σ_n g_ab S^n_ab,  S^n = A sin ny + B cos ny = R' sin(ny + δ)

        g_ab = ρ_a^q ρ_b^(1-q) where S^n_ab >= 0, else ρ_b^q ρ_a^(1-q): the series (27)
        with antisymmetric δ, of which the sign alone is not linear in A and B.
        """
        flow = self.terms(coefficients, at.phase)
        a, b = self.pairs
        first, second = at.log_density[:, a], at.log_density[:, b]
        up = jnp.exp(q * first + (1 - q) * second)[:, None]
        down = jnp.exp(q * second + (1 - q) * first)[:, None]
        flow = jnp.sum(jnp.where(flow >= 0, up, down) * flow, axis=1)
        return flow @ self._ends(1.0, -1.0)

    def phase_rate(self, coefficients: Array, r: Array, at: Moments) -> Array:
        """dφ_a/dt - ω_a = Σ_b (ρ_a/ρ_b)^r Σ_n [P cos ny + Q sin ny]: series (28)."""
        turn = jnp.sum(self.terms(coefficients, at.phase), axis=1)
        a, b = self.pairs
        ratio = jnp.exp(r * (at.log_density[:, a] - at.log_density[:, b]))
        return (ratio * turn) @ self._ends(1.0, 0.0) + (turn / ratio) @ self._ends(
            0.0, 1.0
        )

    def _ends(self, first: float, second: float) -> np.ndarray:
        """A matrix (P, M) that adds a pair's value to its two classes."""
        a, b = self.pairs
        ends = np.zeros((len(a), self.size))
        ends[np.arange(len(a)), a], ends[np.arange(len(b)), b] = first, second
        return ends


def moments(psi: Array, slope: Array, series: Series) -> Moments:
    """Densities, phases and their rates from ψ and dψ/dt, rows flattened.

    dρ/dt = 2 Re(ψ* dψ/dt),   dφ/dt = -Im(ψ* dψ/dt)/ρ

    Args:
        psi: shape (..., M).
        slope: dψ/dt, like psi.
        series: which pairs.

    Returns:
        The moments; an empty class has the density of rounding.
    """
    psi, slope = (jnp.reshape(z, (-1, series.size)) for z in (psi, slope))
    density = abs2(psi)
    density = jnp.maximum(density, jnp.finfo(density.dtype).eps ** 2)
    overlap = jnp.conj(psi) * slope
    a, b = series.pairs
    product = jnp.conj(psi[:, a]) * psi[:, b]
    product = jnp.where(product == 0, 1, product)
    return Moments(
        jnp.log(density),
        jnp.angle(product),
        2 * jnp.real(overlap),
        -jnp.imag(overlap) / density,
    )

"""Nodal domains of a real stationary state, which no path leaves."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from ... import _checks
from ..._gate import gated
from ...spaces import Grid
from .stationary import TAIL

# Largest number of points, for a dense matrix.
LARGEST = 4096
# Rounding up to which a stationary state is real, but for one phase of all points.
REAL = 1e-6


class Domains(eqx.Module):
    """How densities relax within the nodal domains of a real stationary state.

    Attributes:
        labels: number of the domain of each point of the grid, from 0 on; -1 where the
            density is below 1e-16 of its peak, or zero.
        gaps: slowest rate at which a density relaxes within each domain, (d,), per unit
            of time; infinite in a domain of one point.
        weights: ∫|ψ|² over each domain, (d,).
        rates: rates of all domains together, ascending, (n,) for n points. One rate per
            domain is 0, since the share of a density in each domain is conserved.
        zero_modes: number of rates that are 0 to rounding, (); found from the rates,
            not from the labels.
    """

    labels: Int[Array, "..."]
    gaps: Float[Array, " d"]
    weights: Float[Array, " d"]
    rates: Float[Array, " n"]
    zero_modes: Int[Array, ""]
    _points: Int[Array, " n"]
    _roots: Float[Array, " n"]
    _modes: Float[Array, "n n"]

    @property
    def count(self) -> int:
        """Number of domains."""
        return self.gaps.size

    def shares(self, density: Float[ArrayLike, "..."]) -> Float[Array, " d"]:
        """The share of a density on the grid in each domain, of that in all domains."""
        density = jnp.asarray(density)
        _checks.check_shape(density, "density", self.labels.shape)
        number = jnp.arange(self.count).reshape(-1, *[1] * density.ndim)
        within = self.labels[None] == number
        inside = jnp.where(within, density[None], 0)
        total = jnp.sum(inside, axis=tuple(range(1, inside.ndim)))
        return total / jnp.sum(total)

    def relaxed(
        self, density: Float[ArrayLike, "..."], ts: ArrayLike
    ) -> Float[Array, "T ..."]:
        """The density of paths from ts[0] on, which moves along the links.

        Args:
            density: ρ at ts[0], of the grid's shape.
            ts: times, (T,), strictly increasing.

        Returns:
            (T, *grid.shape); 0 outside the domains.

        Raises:
            ValueError: wrong shapes or numbers.
        """
        _checks.check_shape(density, "density", self.labels.shape)
        _checks.check_times(ts, "ts")
        density, ts = jnp.asarray(density), jnp.asarray(ts)
        start = self._modes.T @ (density.reshape(-1)[self._points] / self._roots)
        decays = jnp.exp(-(ts - ts[0])[:, None] * self.rates[None])
        moved = (decays * start[None]) @ self._modes.T * self._roots[None]
        flat = jnp.zeros((ts.size, density.size), moved.dtype)
        flat = flat.at[:, self._points].set(moved)
        return flat.reshape(ts.size, *density.shape)


@gated
def nodal_domains(psi: ArrayLike, grid: Grid, *, nu: ArrayLike) -> Domains:
    """Nodal domains of a real stationary state, and how paths relax within them.

    dp_a/dt = Σ_b (g_ab/h²) (p_b/ρ_b - p_a/ρ_a),  g_ab = ν ρ at the face between

    This is a Markov chain on links between neighbouring points, of second order in
    their distance h. ρ is taken at the face, from the trigonometric interpolant of ψ,
    and a link on which ψ changes sign is dropped. With √(ρ_a ρ_b) instead, the chain
    would leak through nodes (zeros of ψ) at a rate of order h, and show false gaps.

    Args:
        psi: a real stationary state on the grid, up to a phase; the velocity v of any
            other state is left out.
        grid: the grid; at most 4096 points may have a density above 1e-16 of its peak.
        nu: ν > 0, length² over time, scalar or one per axis.

    Returns:
        Labels, gaps, weights and rates; densities relax by `relaxed`.

    Raises:
        ValueError: a ψ that is not real, traced, or of another shape, ν not positive,
            too many points, or 64-bit floats not enabled.
    """
    _checks.require_x64("`jqd.ensembles.nodal_domains`")
    _checks.check_finite(psi, "psi", grid.shape)
    _checks.check_positive(nu, "nu")
    if np.ndim(nu):
        _checks.check_shape(nu, "nu", (grid.ndim,))
    if not _checks.is_concrete((psi, nu)):
        raise ValueError("Argument `psi` must be known beforehand, but is traced.")
    wave = _real(_checks.concrete(psi))
    wave = wave / np.sqrt(np.sum(wave**2) * grid.cell)
    density = wave**2
    alive = density > TAIL * density.max()
    if alive.sum() > LARGEST:
        raise ValueError(
            f"Argument `grid` must have at most {LARGEST} points where the density is "
            f"not negligible, but has {alive.sum()}."
        )
    nu = np.broadcast_to(_checks.concrete(nu), (grid.ndim,))
    return _solve(wave, alive, grid, _links(wave, alive, grid, nu))


def _real(psi: np.ndarray) -> np.ndarray:
    """ψ without its phase, as real numbers."""
    peak = psi.reshape(-1)[np.argmax(np.abs(psi))]
    if peak == 0:
        raise ValueError("Argument `psi` must not be zero everywhere, but is.")
    turned = psi * (np.conj(peak) / np.abs(peak))
    part = np.max(np.abs(np.imag(turned))) / np.abs(peak)
    if part > REAL:
        raise ValueError(
            "Argument `psi` must be real up to a phase, but an imaginary part of "
            f"{part:.2g} of its peak is left: in such a state densities are carried "
            "along too."
        )
    return np.real(turned).astype(float)


def _links(
    wave: np.ndarray, alive: np.ndarray, grid: Grid, nu: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Points a, b at both ends of each link, and its conductance over h²."""
    index = np.arange(wave.size).reshape(wave.shape)
    found = []
    for axis, (h, k) in enumerate(zip(grid.spacing, grid.wavenumbers, strict=True)):
        spectrum = np.fft.fftn(wave) * np.exp(0.5j * h * np.asarray(k))
        face = np.real(np.fft.ifftn(spectrum)) ** 2
        there, signs = np.roll(alive, -1, axis), wave * np.roll(wave, -1, axis)
        keep = alive & there & (signs > 0)
        rate = nu[axis] * face / h**2
        found.append((index[keep], np.roll(index, -1, axis)[keep], rate[keep]))
    return found


def _solve(wave: np.ndarray, alive: np.ndarray, grid: Grid, links: Any) -> Domains:
    """The symmetric form ρ^(-1/2) A ρ^(1/2) of the chain, domain by domain."""
    a, b, rate = (np.concatenate(part) for part in zip(*links, strict=True))
    labels = _labels(alive, a, b)
    density = wave.reshape(-1) ** 2
    points, rates, modes, gaps, weights = [], [], [], [], []
    for domain in range(labels.max() + 1):
        mine = np.flatnonzero(labels == domain)
        place = np.zeros(labels.size, int)
        place[mine] = np.arange(mine.size)
        inside = labels[a] == domain
        i, j, g = place[a[inside]], place[b[inside]], rate[inside]
        matrix = np.zeros((mine.size, mine.size))
        here = density[mine]
        np.add.at(matrix, (i, i), g / here[i])
        np.add.at(matrix, (j, j), g / here[j])
        np.add.at(matrix, (i, j), -g / np.sqrt(here[i] * here[j]))
        np.add.at(matrix, (j, i), -g / np.sqrt(here[i] * here[j]))
        values, vectors = np.linalg.eigh(matrix)
        points.append(mine)
        rates.append(values)
        modes.append(vectors)
        gaps.append(values[1] if values.size > 1 else np.inf)
        weights.append(here.sum() * grid.cell)
    points, rates = np.concatenate(points), np.concatenate(rates)
    order = np.argsort(rates)
    whole = jax.scipy.linalg.block_diag(*map(jnp.asarray, modes))
    # Rounding of the fastest rate.
    still = np.sum(rates < 1e-12 * rates.max())
    return Domains(
        jnp.asarray(labels.reshape(grid.shape)), jnp.asarray(gaps),
        jnp.asarray(weights), jnp.asarray(rates[order]), jnp.asarray(still),
        jnp.asarray(points), jnp.asarray(np.sqrt(density[points])), whole[:, order],
    )  # fmt: skip


def _labels(alive: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Numbers of what links connect, -1 where nothing is alive, flat."""
    labels = np.where(alive.reshape(-1), np.arange(alive.size), alive.size)
    while True:
        least = labels.copy()
        np.minimum.at(least, a, labels[b])
        np.minimum.at(least, b, labels[a])
        # Take the label of the label: paths of links halve in length.
        least = np.append(least, alive.size)[least]
        if np.array_equal(least, labels):
            break
        labels = least
    _, labels = np.unique(labels, return_inverse=True)
    return np.where(alive.reshape(-1), labels, -1)

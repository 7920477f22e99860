"""Few anharmonic modes in quantum mechanics: do phonons spread over them?

H = Σ_k ħω_k (n_k + 1/2) + g Σ_j u_j⁴ in the number basis of the modes, with all states
up to an energy: exact levels, phonon numbers averaged over time and over levels of one
energy. Where the two averages agree, the modes come to thermal equilibrium.
"""

import itertools
import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float, Int

from jqd.constants import constant
from jqd.matter.solid.modes import Modes
from jqd.status import Status

# Weight in the top shell of the basis beyond which averages are not to be trusted.
_EDGE = 1e-2


class Spectrum(eqx.Module):
    """Levels of a few modes in a basis of numbers of phonons.

    Attributes:
        energies: ascending, shape (D,).
        vectors: column a is level a, shape (D, D).
        occupations: n_k of each basis state, shape (D, n).
        harmonic: energy Σ ħω_k (n_k + 1/2) of each basis state, shape (D,).
        shell: 2ħ max ω_k, the depth of the edge below the largest of these energies.
    """

    energies: Float[Array, " D"]
    vectors: Float[Array, "D D"]
    occupations: Int[Array, "D n"]
    harmonic: Float[Array, " D"]
    shell: Float[Array, ""]

    @property
    def means(self) -> Float[Array, "D n"]:
        """<n_k> in each level."""
        return (self.vectors**2).T @ self.occupations.astype(self.vectors.dtype)

    @property
    def edge(self) -> Float[Array, " D"]:
        """Weight of each level in the top shell of the basis."""
        top = self.harmonic > jnp.max(self.harmonic) - self.shell
        return jnp.sum(jnp.where(top[:, None], self.vectors**2, 0), axis=0)


class Average(NamedTuple):
    """Mean phonon numbers <n_k>, shape (n,), and the mean energy.

    `edge` is the weight at the edge of the basis; `status` is `Status.CUTOFF` where
    that exceeds 0.01, else `Status.OK`.
    """

    occupations: Float[Array, " n"]
    energy: Float[Array, ""]
    edge: Float[Array, ""]
    status: Int[Array, ""]


def number_basis(omega: ArrayLike, energy: float) -> np.ndarray:
    """All occupations with Σ_k ω_k n_k ≤ energy, integers (D, n) in lexical order."""
    omega = np.asarray(omega, float)
    basis = np.zeros((1, 0), int)
    for k, frequency in enumerate(omega):
        numbers = np.arange(int(energy / frequency) + 1)
        rows = np.repeat(basis, len(numbers), axis=0)
        basis = np.column_stack([rows, np.tile(numbers, len(basis))])
        # rounding of the sum must not decide about a state right at the limit
        basis = basis[basis @ omega[: k + 1] <= energy * (1 + 1e-12)]
    return basis


def anharmonic_spectrum(
    modes: Modes, quartic: ArrayLike, energy: float, *, hbar: ArrayLike = 1.0
) -> Spectrum:
    """Levels of H = Σ_k ħω_k (n_k + 1/2) + g Σ_j u_j⁴.

    Matrix elements are those of the untruncated operators, so that every level is an
    upper bound that falls as the basis grows.

    Args:
        modes: normal modes of the harmonic part, a few; concrete, all with a frequency.
        quartic: g, for all coordinates u_j (displacements, not mass-weighted).
        energy: cut of the basis, Σ ħω_k n_k up to this (static and concrete).
        hbar: ħ.
    """
    basis = number_basis(np.asarray(modes.omega) * float(np.asarray(hbar)), energy)
    # products of four steps leave a state by four levels: kept, the powers are exact
    levels = int(np.max(basis)) + 5
    g, hbar = constant(quartic, "quartic"), constant(hbar, "hbar")
    return _diagonalise(modes, jnp.asarray(basis), g, hbar, levels)


@jax.jit(static_argnames="levels")
def _diagonalise(
    modes: Modes, basis: Array, quartic: Array, hbar: Array, levels: int
) -> Spectrum:
    quanta = hbar * modes.omega
    harmonic = (basis.astype(quanta.dtype) + 0.5) @ quanta
    powers = _powers(jnp.sqrt(hbar / modes.omega), levels)
    rows = modes.vectors / modes.roots[:, None]
    exponents, weights = _quartic_form(rows)

    def add(matrix, term):
        exponent, weight = term

        def factor(product, mode):
            # one mode's part of the matrix element
            x, n, p = mode
            return product * x[p][n[:, None], n[None, :]], None

        start = jnp.full_like(matrix, 1) * weight
        product, _ = lax.scan(factor, start, (powers, basis.T, exponent))
        return matrix + product, None

    zero = jnp.zeros((basis.shape[0],) * 2, quanta.dtype)
    fourth, _ = lax.scan(add, zero, (exponents, weights))
    energies, vectors = jnp.linalg.eigh(jnp.diag(harmonic) + quartic * fourth)
    return Spectrum(energies, vectors, basis, harmonic, 2 * jnp.max(quanta))


def _powers(scale: Array, levels: int) -> Array:
    """<n|X_k^p|m>, p = 0..4, shape (modes, 5, levels, levels)."""
    step = jnp.diag(jnp.sqrt(jnp.arange(1, levels, dtype=scale.dtype) / 2), 1)
    X = step + step.T
    square = X @ X
    every = (jnp.eye(levels, dtype=X.dtype), X, square, square @ X, square @ square)
    size = scale[:, None] ** jnp.arange(5)[None, :]
    return size[:, :, None, None] * jnp.stack(every)[None]


def _quartic_form(rows: Array) -> tuple[Array, Array]:
    """Σ_j (Σ_k r_jk X_k)⁴ as exponents (M, n) and coefficients (M,) of monomials."""
    n = rows.shape[1]
    chosen = list(itertools.combinations_with_replacement(range(n), 4))
    exponents = np.stack([np.bincount(c, minlength=n) for c in chosen])
    ways = [24 // math.prod(math.factorial(p) for p in row) for row in exponents]
    picked = rows[:, np.asarray(chosen)]
    weights = jnp.sum(jnp.prod(picked, axis=-1), axis=0)
    return jnp.asarray(exponents), jnp.asarray(ways, rows.dtype) * weights


def basis_state(spectrum: Spectrum, occupations: ArrayLike) -> Float[Array, " D"]:
    """The basis state with these phonon numbers, integers (n,), as amplitudes."""
    wanted = np.asarray(occupations)
    found = np.all(np.asarray(spectrum.occupations) == wanted[None, :], axis=1)
    assert found.any(), "beyond the energy of the basis"
    return jnp.asarray(found, spectrum.energies.dtype)


def diagonal_average(spectrum: Spectrum, state: Float[ArrayLike, " D"]) -> Average:
    """Time averages of phonon numbers: Σ_a |<a|ψ>|² <a|n_k|a>, no level repeated."""
    overlap = spectrum.vectors.T @ jnp.asarray(state)
    return _average(spectrum, jnp.real(overlap) ** 2 + jnp.imag(overlap) ** 2)


def microcanonical_average(
    spectrum: Spectrum, energy: ArrayLike, levels: int
) -> Average:
    """Phonon numbers averaged over the levels nearest to an energy."""
    return _nearest(spectrum, constant(energy, "energy"), levels)


@jax.jit(static_argnames="levels")
def _nearest(spectrum: Spectrum, energy: Array, levels: int) -> Average:
    _, nearest = lax.top_k(-jnp.abs(spectrum.energies - energy), levels)
    weights = jnp.zeros_like(spectrum.energies).at[nearest].set(1 / levels)
    return _average(spectrum, weights)


@jax.jit
def _average(spectrum: Spectrum, weights: Array) -> Average:
    edge = weights @ spectrum.edge
    status = jnp.where(edge > _EDGE, Status.CUTOFF, Status.OK)
    return Average(weights @ spectrum.means, weights @ spectrum.energies, edge, status)

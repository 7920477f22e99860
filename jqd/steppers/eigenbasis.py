"""Exact evolution under a constant Hamiltonian, in its eigenbasis.

The kernel works in any precision and looks at shapes alone; `exact.matrices` and
`exact.on_grids` check values, ask for 64-bit floats and call it.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, ArrayLike, Complex, Inexact, Real

from .. import _checks
from .._outside import plain

# Terms of sinc x = Σ (-1)^k x^2k / (2k+1)! for |x| < 1/2; the next is 5e-17.
_SERIES_TERMS = 7


def unitary_orbit(
    hamiltonian: Inexact[Array, "n n"] | Real[Array, " n"],
    psi0: Inexact[Array, " n"],
    ts: Real[Array, " nt"],
    hbar: ArrayLike = 1.0,
) -> Complex[Array, "nt n"]:
    """psi(t) = exp(-i H t / ħ) psi(0) at many times.

    First derivatives, forward and reverse, are exact for every spectrum, degenerate or
    not (Daleckii-Krein). Second derivatives with respect to a dense H need separate
    levels: where two of them coincide to half the digits they are NaN, not wrong. A
    diagonal H has derivatives of all orders.

    Args:
        hamiltonian: (n, n) Hermitian, of which the Hermitian part (H + H*) / 2 is
            read, so that a gradient with respect to it is Hermitian as well; or the
            (n,) real diagonal of one, which needs no eigenvalues. Unit of energy.
        psi0: (n,) state at t = 0, real or complex.
        ts: (nt,) times from 0, in any order.
        hbar: scalar.

    Returns:
        (nt, n) complex states.

    Raises:
        ValueError: shapes that do not go together, or what is no number.

    Source: Yu. L. Daletskii and S. G. Krein, Voronezh. Gos. Univ. Trudy Sem.
    Funktsional. Anal. 1 (1956) 81, for the derivative of a function of a matrix.
    """
    given = {"hamiltonian": hamiltonian, "psi0": psi0, "ts": ts, "hbar": hbar}
    given = {name: plain(value, name) for name, value in given.items()}
    if np.ndim(given["hamiltonian"]) != 1:
        _checks.check_square(given["hamiltonian"], "hamiltonian")
    _checks.check_shape(given["psi0"], "psi0", np.shape(given["hamiltonian"])[-1:])
    _checks.check_shape(given["ts"], "ts", (None,))
    _checks.check_real(given["ts"], "ts")
    _checks.check_shape(given["hbar"], "hbar", ())
    _checks.check_real(given["hbar"], "hbar")
    return _unitary_orbit(*given.values())


@jax.jit
def _unitary_orbit(hamiltonian: Any, psi0: Any, ts: Any, hbar: Any) -> Array:
    hamiltonian, psi0, ts = map(jnp.asarray, (hamiltonian, psi0, ts))
    dtype = jnp.result_type(hamiltonian, psi0, ts, float)
    real = jnp.finfo(dtype).dtype
    psi0 = psi0.astype(jnp.result_type(real, complex))
    ts, hbar = ts.astype(real), jnp.asarray(hbar).astype(real)
    if hamiltonian.ndim == 1:
        theta = hamiltonian.astype(real)[None, :] * (ts / hbar)[:, None]
        return _phase(theta) * psi0[None, :]
    complex_entries = jnp.iscomplexobj(hamiltonian)
    return _orbit(
        hamiltonian.astype(psi0.dtype if complex_entries else real), psi0, ts, hbar
    )


@jax.custom_jvp
def _eigenbasis(hamiltonian):
    energies, vectors = jnp.linalg.eigh(hamiltonian, symmetrize_input=True)
    return energies, vectors


@_eigenbasis.defjvp
def _eigenbasis_jvp(primals, tangents):
    """Reached by second derivatives only; NaN where two levels coincide.

    Eigenvectors of levels that rounding alone holds apart have no derivative, yet the
    rule of `eigh` itself divides by that gap and returns a wrong number in silence.
    """
    (hamiltonian,), (d_hamiltonian,) = primals, tangents
    energies, vectors = _eigenbasis(hamiltonian)
    rotated = _rotate(d_hamiltonian, vectors)
    diagonal = jnp.eye(energies.shape[0], dtype=bool)
    gaps = jnp.where(diagonal, jnp.inf, energies[None, :] - energies[:, None])
    resolution = jnp.sqrt(jnp.finfo(energies.dtype).eps) * jnp.max(jnp.abs(energies))
    resolved = jnp.min(jnp.abs(gaps)) > resolution
    mixing = jnp.where(resolved, 1 / jnp.where(resolved, gaps, 1), jnp.nan)
    d_vectors = _matmul(vectors, rotated * mixing)
    return (energies, vectors), (jnp.diagonal(rotated).real, d_vectors)


def _rotate(d_hamiltonian, vectors):
    """V* dH V of the Hermitian part of dH, for `eigh` reads that of the matrix."""
    d_hermitian = (d_hamiltonian + d_hamiltonian.conj().T) / 2
    return _matmul(_matmul(vectors.conj().T, d_hermitian), vectors)


@jax.custom_jvp
def _orbit(hamiltonian, psi0, ts, hbar):
    energies, vectors = _eigenbasis(hamiltonian)
    theta = energies[None, :] * (ts / hbar)[:, None]
    amplitudes = _phase(theta) * _matvec(vectors.conj().T, psi0)[None, :]
    return _apply(vectors, amplitudes)


@functools.partial(_orbit.defjvp, symbolic_zeros=True)
def _orbit_jvp(primals, tangents):
    hamiltonian, psi0, ts, hbar = primals
    d_hamiltonian, d_psi0, d_ts, d_hbar = tangents
    energies, vectors = _eigenbasis(hamiltonian)
    start = _matvec(vectors.conj().T, psi0)
    theta = energies[None, :] * (ts / hbar)[:, None]
    phase = _phase(theta)
    amplitudes = phase * start[None, :]

    # All terms are summed in the eigenbasis; arguments held fixed cost nothing.
    d_amplitudes = jnp.zeros_like(amplitudes)
    if not isinstance(d_psi0, SymbolicZero):
        d_amplitudes += phase * _matvec(vectors.conj().T, d_psi0)[None, :]
    if not isinstance(d_ts, SymbolicZero):
        d_amplitudes += -1j * amplitudes * energies[None, :] * (d_ts / hbar)[:, None]
    if not isinstance(d_hbar, SymbolicZero):
        d_amplitudes += 1j * amplitudes * theta * (d_hbar / hbar)
    if not isinstance(d_hamiltonian, SymbolicZero):
        rotated = _rotate(d_hamiltonian, vectors)
        d_amplitudes += _daleckii_krein(rotated, energies, start, ts / hbar)
    return (
        _apply(vectors, amplitudes),
        _apply(vectors, d_amplitudes),
    )


def _daleckii_krein(rotated, energies, start, taus):
    """(dU(t) psi0)_i = -i τ Σ_j M_ij e^{-i(E_i+E_j)τ/2} sinc(x_ij) c_j, linear in M.

    M = V* dH V, c = V* psi0, τ = t/ħ and x_ij = (E_i - E_j) τ/2. The sinc is never
    tabulated for every time: it is a sum of products of a function of i and one of j,
    so that all times together take a few matrix products and no (nt, n, n) array.
    Pairs that stay at |x| < 1/2 to the last time, coincident levels among them, take
    the power series of the sinc. The others take it as a difference of two phases
    divided by E_i - E_j, which there is at least 1/τ: the error is rounding times the
    longest time.
    """
    gaps = energies[:, None] - energies[None, :]
    span = jnp.max(jnp.abs(taus))
    span = jnp.where(span > 0, span, jnp.ones_like(span))
    near = jnp.abs(gaps) * span < 1

    divided = jnp.where(near, 0, rotated / jnp.where(near, 1, gaps))
    phase = _phase(energies[None, :] * taus[:, None])
    far = phase * _matvec(divided, start)[None, :]
    far -= _apply(divided, phase * start[None, :])

    half = _phase(energies[None, :] * (taus[:, None] / 2))
    term = jnp.where(near, rotated, 0)
    x2 = (gaps * span / 2) ** 2
    power = taus[:, None]
    series = jnp.zeros_like(far)
    for k in range(_SERIES_TERMS):
        series += power * _apply(term, half * start[None, :])
        term = -term * x2 / ((2 * k + 2) * (2 * k + 3))
        power = power * (taus[:, None] / span) ** 2
    return far - 1j * half * series


def _phase(theta):
    """exp(-i theta) for real theta, without the exponential of a complex number."""
    return lax.complex(jnp.cos(theta), -jnp.sin(theta))


def _matmul(a, b):
    return jnp.matmul(a, b, precision=lax.Precision.HIGHEST)


def _matvec(matrix, vector):
    return _apply(matrix, vector[None, :])[0]


def _apply(matrix, states):
    """matrix @ state for each row of `states`; one real product for a real matrix."""
    if jnp.iscomplexobj(matrix):
        return _matmul(states, matrix.T)
    parts = _matmul(jnp.concatenate((states.real, states.imag)), matrix.T)
    return lax.complex(*jnp.split(parts, 2))

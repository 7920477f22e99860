"""Exact evolution under a constant Hamiltonian, in its eigenbasis.

The kernel works in any precision and checks only shapes; `exact.matrices` and
`exact.on_grids` check values, require 64-bit floats and call it.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, ArrayLike, Complex, Inexact, Real

from .. import _checks
from .._math import expi, matmul
from .._outside import plain
from .._program import saved_scan


def unitary_orbit(
    hamiltonian: Inexact[Array, "n n"] | Real[Array, " n"],
    psi0: Inexact[Array, " n"],
    ts: Real[Array, " nt"],
    hbar: ArrayLike = 1.0,
) -> Complex[Array, "nt n"]:
    """psi(t) = exp(-i H t / ħ) psi(0) at many times.

    First and second derivatives, forward and reverse, are exact for every spectrum,
    degenerate or not (Daleckii-Krein): no derivative of an eigenvector is taken. Third
    derivatives with respect to a dense H are NaN rather than wrong. A diagonal H has
    derivatives of all orders.

    Args:
        hamiltonian: (n, n) Hermitian, or the (n,) real diagonal of one, for which no
            eigenvalues are computed; unit of energy. Of a matrix H, only the Hermitian
            part (H + H*) / 2 is used, so that a gradient with respect to H is Hermitian
            as well.
        psi0: (n,) state at t = 0, real or complex.
        ts: (nt,) times from 0, in any order.
        hbar: scalar.

    Returns:
        (nt, n) complex states.

    Raises:
        ValueError: shapes that do not fit together, or values that are not numbers.

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
        return expi(-theta) * psi0[None, :]
    hamiltonian = hamiltonian.astype(
        psi0.dtype if jnp.iscomplexobj(hamiltonian) else real
    )
    # the basis is fixed, and H varies in it: its matrix there is E, with a slope
    energies, vectors = jnp.linalg.eigh(
        lax.stop_gradient(hamiltonian), symmetrize_input=True
    )
    turned = _rotate(hamiltonian, vectors)
    start = _matvec(vectors.conj().T, psi0)
    return _apply(vectors, _turning(energies, turned, start, ts / hbar))


def _rotate(hamiltonian, vectors):
    """V* H V of the Hermitian part of H, for `eigh` reads that of the matrix."""
    hermitian = (hamiltonian + hamiltonian.conj().T) / 2
    return matmul(matmul(vectors.conj().T, hermitian), vectors)


@jax.custom_jvp
def _turning(energies, turned, start, taus):
    """exp(-iHτ) c at all times in the basis of H, which is E there, (nt, n).

    Args:
        energies: E, (n,), without a slope.
        turned: H in the basis of E, (n, n), which is E; heeded by derivatives alone.
        start: c, (n,).
        taus: τ, (nt,).
    """
    del turned
    return expi(-energies[None, :] * taus[:, None]) * start[None, :]


def _turning_jvp(primals, tangents):
    energies, *rest = primals
    moving = [i for i, d in enumerate(tangents[1:]) if not isinstance(d, SymbolicZero)]

    def along(*values):
        full = list(rest)
        for i, value in zip(moving, values, strict=True):
            full[i] = value
        return _expanded(energies, *full)

    slopes = [tangents[1 + i] for i in moving]
    _, slope = jax.jvp(along, [rest[i] for i in moving], slopes)
    # after a derivative by H one more by H is defined, after others two
    return _turning(*primals), slope * (1 + _none(1 if 0 in moving else 2, rest[0]))


_turning.defjvp(_turning_jvp, symbolic_zeros=True)


def _expanded(energies, turned, start, taus):
    """exp(-i(E + K)τ) c to the second order of K = H - E, which is 0 but for slopes."""
    K = turned - lax.stop_gradient(turned)
    phase = expi(-energies[None, :] * taus[:, None])
    found = phase * start[None, :]
    for chain in ((K,), (K, K)):
        found = found + _divided(energies, chain, start, taus, phase)
    return found


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _none(orders, matrix):
    """0, with so many derivatives, which are 0; the next one is NaN."""
    del orders
    return jnp.zeros((), jnp.real(matrix).dtype)


@_none.defjvp
def _none_jvp(orders, primals, tangents):
    (matrix,), (slope,) = primals, tangents
    value = _none(orders, matrix)
    beyond = _none(orders - 1, matrix) if orders else jnp.full_like(value, jnp.nan)
    return value, beyond * jnp.sum(jnp.real(slope))


def _divided(energies, chain, start, taus, phase):
    """Σ_jk.. f[E_i, E_j, E_k, ..] K_1,ij K_2,jk .. c_.., f(E) = exp(-iEτ), (nt, n).

    The part of exp(-i(E + K)τ) c that is linear in each of K_1 .. K_p, in this order:
    the corner of exp(-iBτ), B with E in its p + 1 diagonal blocks and K_1 .. K_p beside
    them.
    Pairs of levels that stay at |E_i - E_j| τ < 1 to the last time, coincident levels
    among them, are near. Entries between the others are taken out by a similarity of
    blocks S, B S = S B', which divides by E_i - E_j, there at least 1/τ: the error is
    rounding times the longest time. What is left couples near levels alone: in the
    frame that turns with E a power series in τ, of vectors, without a table of every
    pair at every time.
    """
    order = len(chain)
    gaps = energies[:, None] - energies[None, :]
    span = lax.stop_gradient(jnp.max(jnp.abs(taus)))
    span = jnp.where(span > 0, span, jnp.ones_like(span))
    near = jnp.abs(gaps) * span < 1
    S, N = {}, {}
    for wide in range(1, order + 1):
        for a in range(order + 1 - wide):
            b = a + wide
            rest = chain[a] if wide == 1 else matmul(chain[a], S[a + 1, b])
            for middle in range(a + 1, b):
                rest = rest - matmul(S[a, middle], N[middle, b])
            N[a, b] = jnp.where(near, rest, 0)
            S[a, b] = -jnp.where(near, 0, rest / jnp.where(near, 1, gaps))

    # S⁻¹ of a state that is c in the last block and zero in the blocks before it
    first = {order: start}
    series = {order: start[None, :]}
    each = jnp.broadcast_to(taus[:, None] / span, (taus.shape[0], _terms(order) - 1))
    powers = jnp.cumprod(jnp.pad(each, ((0, 0), (1, 0)), constant_values=1), axis=1)
    found = None
    for a in reversed(range(order)):
        later = range(a + 1, order + 1)
        first[a] = -sum(_matvec(S[a, b], first[b]) for b in later)
        moves = functools.reduce(
            jnp.add,
            [_products(N[a, b], gaps * span, series[b], order) for b in later],
        )
        # y' = -i Σ_b N_ab(τ) y_b, term by term
        counts = jnp.arange(1, _terms(order))[:, None]
        rest = -1j * span * moves[:-1] / counts
        series[a] = jnp.concatenate([first[a][None, :], rest])
    for b in range(order + 1):
        moved = phase * _combined(powers[:, : len(series[b])], series[b])
        moved = moved if b == 0 else _apply(S[0, b], moved)
        found = moved if found is None else found + moved
    return found


def _terms(order):
    """Terms of the power series of p near levels in a row, Σ p^m / m! to rounding."""
    m, term = 0, 1.0
    while term > 1e-18 or m < order:
        m += 1
        term *= order / m
    return m + 1


def _products(matrix, angles, series, order):
    """Σ_q of M_ij (i x_ij)^q / q! times the term m - q of a series, for all m."""
    terms = _terms(order)

    def power(factor, q):
        return factor * angles / (q + 1), _apply(factor, series)

    _, each = lax.scan(power, matrix, jnp.arange(terms))
    each = (
        each
        * jnp.asarray(1j ** (np.arange(terms) % 4)).astype(each.dtype)[:, None, None]
    )
    # terms of the same power of τ lie on a line across q and m - q
    size, n = series.shape
    wide = jnp.pad(each, ((0, 0), (0, terms), (0, 0)))
    flat = wide.reshape(-1, n)[: terms * (size + terms - 1)]
    return jnp.sum(flat.reshape(terms, size + terms - 1, n), axis=0)[:terms]


def _combined(powers, series):
    """Σ_m powers_tm series_m; one real product."""
    parts = matmul(powers, jnp.concatenate((series.real, series.imag), axis=1))
    return lax.complex(*jnp.split(parts, 2, axis=1))


def _matvec(matrix, vector):
    return _apply(matrix, vector[None, :])[0]


def _apply(matrix, states):
    """matrix @ state for each row of `states`; one real product for a real matrix."""
    if jnp.iscomplexobj(matrix):
        return matmul(states, matrix.T)
    parts = matmul(jnp.concatenate((states.real, states.imag)), matrix.T)
    return lax.complex(*jnp.split(parts, 2))


def unitary_matrix(angles: Inexact[Array, "n n"]) -> Complex[Array, "n n"]:
    """exp(-iA) of a Hermitian matrix, with derivatives of all orders at any spectrum.

    Only the Hermitian part of A counts, so that a gradient is Hermitian as well.

    Args:
        angles: A, radians.
    """
    return _turn((angles + jnp.conj(angles.T)) / 2)


@jax.custom_jvp
def _turn(angles):
    energies, vectors = jnp.linalg.eigh(angles)
    return matmul(vectors * expi(-energies)[None, :], jnp.conj(vectors.T))


@_turn.defjvp
def _turn_jvp(primals, tangents):
    # eigenvectors have no derivative at equal eigenvalues; that of Padé's series holds
    def series(angles):
        return jax.scipy.linalg.expm(-1j * angles)

    return _turn(*primals), jax.jvp(series, primals, tangents)[1]


def exponential_orbit(
    generator: Inexact[Array, "... n n"],
    start: Inexact[Array, "... n"],
    ts: Array,
) -> Inexact[Array, "T ... n"]:
    """y(t) with dy/dt = G y at the times `ts`, by exp(G (t' - t)).

    An exponential costs some 30 matrix products, and is made once for equal intervals.

    Args:
        generator: G, one matrix or a batch.
        start: y at ts[0].
        ts: times, (T,), increasing.
    """

    def move(state: Array, dt: Array, kernel: Array) -> Array:
        return jnp.matmul(kernel, state[..., None])[..., 0]

    return kept_orbit(lambda dt: jax.scipy.linalg.expm(generator * dt), move, start, ts)


def kept_orbit(
    make: Callable[[Array], Array],
    move: Callable[[Array, Array, Array], Array],
    start: Array,
    ts: Array,
) -> Array:
    """y at the times `ts`, (T, ...), by y <- move(y, dt, make(dt)).

    Args:
        make: of an interval what its move needs; it is kept as long as intervals stay
            the same to rounding.
        move: what an interval does.
        start: y at ts[0].
        ts: times, (T,), increasing.
    """
    near = 8 * jnp.finfo(ts.dtype).eps * jnp.max(jnp.abs(ts), initial=0)

    def interval(carry: Any, dt: Array) -> tuple[Any, Array]:
        state, made_for, made = carry
        made_for, made = jax.lax.cond(
            jnp.abs(dt - made_for) <= near,
            lambda: (made_for, made),
            lambda: (dt, make(dt)),
        )
        state = move(state, dt, made)
        return (state, made_for, made), state

    never = jnp.asarray(-jnp.inf, ts.dtype)
    shape = jax.eval_shape(make, never)
    begin = start, never, jnp.zeros(shape.shape, shape.dtype)
    return saved_scan(interval, begin, jnp.diff(ts), start)[1]

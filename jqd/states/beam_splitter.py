"""Kernels of Husimi maps on tensor grids.

With α = ξ + iη, the functions that make up a map are products of functions of ξ and of
η, joined by orthogonal matrices of fixed total degree: the beam splitter that turns
circular into linear oscillations. A map then takes two small real matrix products
instead of one of the size of the grid, and nothing cancels.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array

from .._math import matmul
from ..spaces.fock import coherent_amplitudes, hermite_functions, log_binomials

# With more levels the d³ numbers of the beam splitter cost more than they save.
_MOST_LEVELS = 128

# -- kets: <α|n>/√π = Σ_{j+k=n} √(C(n,j)/2^n) (-i)^k h_j(ξ) h_k(η) -------------------


@jax.jit
def maps_of_kets(kets: Array, xi: Array, eta: Array, scale: Array) -> Array:
    """scale |<α|ψ>|²/π of kets (s, d) at α = ξ + iη, shape (s, η, ξ)."""
    levels = kets.shape[-1]
    left, right = hermite_functions(eta, levels), hermite_functions(xi, levels)

    def one(ket):
        re, im = (matmul(left, matmul(part, right.T)) for part in _turned(ket))
        return scale * (re**2 + im**2)

    return _each(one, kets)


def _turned(ket: Array) -> tuple[Array, Array]:
    """Amplitudes of the linear oscillations, real and imaginary part, (k, j) each."""
    where, weights = _turn(ket.shape[-1])
    phased = ket[where]
    re, im = (jnp.asarray(part, phased.real.dtype) for part in weights)
    return (
        phased.real * re - phased.imag * im,
        phased.real * im + phased.imag * re,
    )


@functools.cache
def _turn(levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Index n = j + k, (k, j), and √(C(n,j)/2^n) (-i)^k, (2, k, j)."""
    k, j = np.indices((levels, levels))
    inside = k + j < levels
    where = np.where(inside, k + j, 0)
    log = log_binomials(levels)[where, np.where(inside, j, 0)]
    weights = np.where(inside, np.exp((log - where * np.log(2)) / 2), 0)
    return where, weights * np.array([[1, 0, -1, 0], [0, -1, 0, 1]])[:, k % 4]


# -- operators: e^(-|α|²) α*^n α^m / √(n! m!) = Σ_{j+k=n+m} B_nk f_j(ξ) f_k(η) --------


@jax.jit
def maps_of_operators(operators: Array, xi: Array, eta: Array, scale: Array) -> Array:
    """scale <α|ρ|α>/π of operators (s, d, d) at α = ξ + iη, shape (s, η, ξ)."""
    levels = operators.shape[-1]
    if levels > _MOST_LEVELS:
        return _by_basis(operators, xi, eta) * scale
    left, right = _beam_functions(eta, levels), _beam_functions(xi, levels)
    left = left * (scale / np.pi)

    def one(operator):
        return matmul(left, matmul(_beam_split(operator), right.T))

    return _each(one, operators)


def _beam_functions(x: Array, levels: int) -> Array:
    """f_j(x) = exp(-x²) (√2 x)^j / √j!, shape (x, 2 levels - 1)."""
    root = jnp.asarray(np.sqrt(2), x.dtype)
    return coherent_amplitudes(root * x, 2 * levels - 1).real


def _beam_split(operator: Array) -> Array:
    """The coefficients of f_k(η) f_j(ξ), real, (k, j)."""
    levels = operator.shape[-1]
    total = 2 * levels - 1
    rows, columns, even, odd = _beam_splitter(levels)
    pairs = operator[rows, columns][:, None, :]
    # ρ_mn = ρ_nm*: real parts make the even powers of η, imaginary ones the odd
    blocks = jnp.concatenate(
        (
            matmul(pairs.real, jnp.asarray(even, pairs.real.dtype)),
            matmul(pairs.imag, jnp.asarray(odd, pairs.real.dtype)),
        ),
        axis=1,
    )
    # [degree, parity, k // 2] to [k, degree]
    table = jnp.transpose(blocks, (2, 1, 0)).reshape(-1, total)[:total]
    # from [k, j + k] to [k, j]: one column more makes each row begin one later; what
    # the rows run over into is zero, because k <= j + k
    flat = jnp.pad(jnp.ravel(table), (0, total))
    return jnp.reshape(flat, (total, total + 1))[:, :total]


@functools.cache
def _beam_splitter(
    levels: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pairs n <= m of each degree N = n + m, and what they give to even and odd k.

    Returns:
        n and m, (2 levels - 1, half) each; the matrices to k = 0, 2, .. and to
        k = 1, 3, .., (2 levels - 1, half, levels) each.
    """
    total, half = 2 * levels - 1, (levels + 1) // 2
    degree = np.arange(total)[:, None]
    rows = np.maximum(degree - levels + 1, 0) + np.arange(half)[None, :]
    inside = rows <= degree // 2
    rows = np.where(inside, rows, 0)
    columns = np.where(inside, degree - rows, 0)
    # a pair n < m stands for (m, n) as well
    weight = np.where(inside, np.where(rows == columns, 1.0, 2.0), 0.0)
    even, odd = np.zeros((2, total, half, levels))
    for n in range(total):
        block = krawtchouk(n)[:, rows[n]].T * weight[n][:, None]
        k = np.arange(n + 1)
        block = block * (-1.0) ** ((k + 1) // 2)[None, :]
        even[n, :, : n // 2 + 1] = block[:, 0::2]
        odd[n, :, : (n + 1) // 2] = block[:, 1::2]
    return rows, columns, even, odd


def krawtchouk(degree: int) -> np.ndarray:
    """The orthogonal matrix of a 50:50 beam splitter among states of `degree` quanta.

    φ_k(n) = Σ_p (-1)^p C(n, p) C(N-n, k-p) √(C(N, n) / C(N, k)) / 2^(N/2)

    The recurrence in k grows up to N/2 and is used up to there; the rest is the mirror
    image. The matrix is orthogonal to 1e-13 up to N = 255.

    Args:
        degree: N, at least 0.

    Returns:
        φ[k, n], shape (N + 1, N + 1), float64.
    """
    n = np.arange(degree + 1)
    values = np.zeros((degree + 1, degree + 1))
    log = log_binomials(degree + 1)[degree]
    values[0] = np.exp((log - degree * np.log(2)) / 2)
    for k in range(degree // 2):
        below = np.sqrt(k * (degree - k + 1)) * values[k - 1]
        up = (degree - 2 * n) * values[k] - below
        values[k + 1] = up / np.sqrt((k + 1) * (degree - k))
    for k in range(degree // 2 + 1, degree + 1):
        values[k] = (-1.0) ** n * values[degree - k]
    return values


def _by_basis(operators: Array, xi: Array, eta: Array) -> Array:
    """<α|ρ|α> / π with the amplitudes of every point at hand."""
    shape = (eta.shape[0], xi.shape[0])
    re, im = jnp.broadcast_to(xi[None, :], shape), jnp.broadcast_to(eta[:, None], shape)
    amplitudes = coherent_amplitudes(lax.complex(re, im), operators.shape[-1])

    def one(operator):
        bra = matmul(jnp.conj(amplitudes), operator)
        return jnp.sum(bra.real * amplitudes.real - bra.imag * amplitudes.imag, -1)

    return lax.map(one, operators) / np.pi


def _each(function: Callable[[Array], Array], items: Array) -> Array:
    """One after the other on a CPU, whose cache holds one map; else all at once."""
    return lax.platform_dependent(
        items,
        cpu=functools.partial(lax.map, function),
        default=jax.vmap(function),
    )

"""The exponential of a Hamiltonian applied to a state, by Chebyshev polynomials."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_batching import custom_vmap
from jaxtyping import Array, ArrayLike, Complex

from .._math import expi

# Number of points up to which a transform is a product with a matrix: one call of an
# FFT takes as long as 10 terms of the series of a small matrix.
_SMALL = 64
# Numbers of terms from which the exponential of a small matrix chooses, and how far (in
# logarithm) the rest must lie below rounding: derivatives lose the square of the
# number.
_TERMS, _MARGIN = (20, 40), 5.0


def chebyshev_terms(phase: float, precision: float) -> int:
    """Number of terms that expand exp(-i phase x) on [-1, 1] to rounding.

    The Bessel coefficients fall faster than exponentially beyond k = phase, over a
    width of about phase^(1/3).
    """
    digits = -math.log10(precision)
    return math.ceil(phase + (1.0 + digits) * (1 + phase) ** (1 / 3)) + 8


def chebyshev_step(
    hamiltonian: Any,
    psi: Array,
    dt: Array,
    hbar: Array,
    terms: int,
    bounds: tuple[Array, Array] | None = None,
) -> Array:
    """exp(-i H dt / hbar) psi by the Chebyshev expansion.

    exp(-i z x) = sum_k (2 - delta_k0) (-i)^k J_k(z) T_k(x)

    Args:
        hamiltonian: autonomous Hamiltonian with `apply` and `spectral_bounds`.
        psi: state, shape of the grid.
        dt: time, scalar.
        hbar: scalar.
        terms: number of terms (static), see `chebyshev_terms`.
        bounds: numbers that enclose the spectrum; None for `spectral_bounds`.

    Returns:
        The state after dt.

    Source: Tal-Ezer & Kosloff (1984) J. Chem. Phys. 81, 3967.
    """
    low, high = hamiltonian.spectral_bounds(hbar) if bounds is None else bounds
    half, centre = (high - low) / 2, (high + low) / 2

    def scaled(vector: Array) -> Array:
        return (hamiltonian.apply(vector, 0.0, hbar) - centre * vector) / half

    total = _series(scaled, psi, half * dt / hbar, terms)
    return expi(-centre * dt / hbar) * total


def hermitian_exponential(
    matrix: Complex[Array, "D D"],
    kets: Complex[Array, "K D"],
    terms: int | None = None,
) -> Complex[Array, "K D"]:
    """exp(-iH) y of a small matrix, by the same expansion or by the matrix exponential.

    Let z be half the width of the interval of Gershgorin's circles. Then n terms leave
    an error of about 2 J_n(z) <= 2 (z/2)^n/n!: some z + 10 terms suffice. If `terms` is
    given, the error may reach rounding to the power 2/3; beyond, the result is NaN,
    which a run reports as its status. Without `terms`, all members of a batch are
    computed in the way that the largest z among them requires.

    Args:
        matrix: H, Hermitian.
        kets: y.
        terms: n, at least 2 (static); None for 20 terms or, if these leave more than
            rounding, 40, or else the exponential of the matrix.

    Returns:
        Like `kets`.
    """
    centre, half = _circles(jax.lax.stop_gradient(matrix))
    eps = jnp.finfo(half.dtype).eps
    if terms is not None:
        sound = _tail(half, terms) < 2 / 3 * math.log(eps)
        total = _polynomials(matrix, kets, centre, half, terms)
        return jnp.where(sound, total, jnp.nan)
    # not `>`: a NaN takes the exponential of the matrix
    short = [~(_tail(half, n) < math.log(eps) - _MARGIN) for n in _TERMS]
    way = _of_the_batch(jnp.sum(jnp.stack(short).astype(half.dtype))).astype(int)
    ways = [partial(_polynomials, terms=n) for n in _TERMS]

    def by_matrix(matrix: Array, kets: Array, centre: Array, half: Array) -> Array:
        del centre, half
        return jnp.matmul(kets, jax.scipy.linalg.expm(-1j * matrix).T)

    # storing what each branch needs for reverse mode costs more than to run one again
    @partial(jax.checkpoint, prevent_cse=False)
    def choose(*given: Array) -> Array:
        return jax.lax.switch(way, [*ways, by_matrix], *given)

    return choose(matrix, kets, centre, half)


def _polynomials(
    matrix: Array, kets: Array, centre: Array, half: Array, terms: int
) -> Array:
    """The expansion of so many terms; bounds only scale it, the sum is free of them."""
    one = jnp.eye(matrix.shape[0], dtype=matrix.dtype)
    scaled = ((matrix - centre * one) / half).T
    total = _series(lambda y: jnp.matmul(y, scaled), kets, half, terms, unroll=True)
    return expi(-centre) * total


def _tail(z: Array, terms: int) -> Array:
    """The logarithm of what is left out, (z/2)^n/n!."""
    return terms * jnp.log(z / 2) - math.lgamma(terms + 1)


@custom_vmap
def _of_the_batch(x: Array) -> Array:
    """x, of a batch the largest: a branch that depends on it stays a branch."""
    return x


@_of_the_batch.def_vmap
def _largest(axis_size: int, batched: Any, x: Array) -> Any:
    del axis_size, batched
    return _of_the_batch(jnp.max(x, axis=0)), False


def _circles(matrix: Array) -> tuple[Array, Array]:
    """Centre and half of an interval that holds all eigenvalues."""
    diagonal = jnp.real(jnp.diagonal(matrix))
    radii = jnp.sum(jnp.abs(matrix), axis=1) - jnp.abs(diagonal)
    low, high = jnp.min(diagonal - radii), jnp.max(diagonal + radii)
    return (low + high) / 2, jnp.maximum((high - low) / 2, jnp.finfo(low.dtype).eps)


def _series(
    scaled: Callable[[Array], Array],
    psi: Array,
    z: Array,
    terms: int,
    *,
    unroll: bool = False,
) -> Array:
    """exp(-i z X) psi, for the map `scaled` of psi to X psi, |X| <= 1."""
    coefficients = _bessel_phases(z, terms)

    def add(carry: tuple[Array, Array, Array], c: Array):
        total, previous, current = carry
        following = 2 * scaled(current) - previous
        return (total + c * current, current, following), None

    first = (coefficients[0] * psi, psi, scaled(psi))
    (total, _, _), _ = jax.lax.scan(add, first, coefficients[1:], unroll=unroll)
    return total


def _bessel_phases(z: Array, terms: int) -> Array:
    """(2 - delta_k0) (-i)^k J_k(z), k < terms, from exp(-i z cos(angle)) by FFT.

    What z cos(angle) loses by rounding is put back: the same errors step after step
    would show as a drift of the norm.
    """
    points = 2 ** math.ceil(math.log2(2 * terms + 2))
    angles = 2 * np.arccos(np.longdouble(-1)) * np.arange(points) / points
    exact = np.cos(angles)
    z = jnp.asarray(z)
    table = exact.astype(z.dtype)
    rest = (exact - table).astype(z.dtype)
    phase = z * table
    lost = jax.lax.stop_gradient(_product_error(z, table, phase)) + z * rest
    values = expi(-phase) * (1 - 1j * lost)
    weights = np.where(np.arange(terms) == 0, 1, 2) / points
    if points <= _SMALL:
        # even in the angle: cosines suffice, in one product
        waves = exact[np.outer(np.arange(terms), np.arange(points)) % points]
        return jnp.asarray(weights[:, None] * waves, values.dtype) @ values
    return jnp.fft.fft(values)[:terms] * jnp.asarray(weights, z.dtype)


def _product_error(a: Array, b: ArrayLike, product: Array) -> Array:
    """a b - product, exactly: what rounding took from the product.

    Source: T. J. Dekker (1971) Numer. Math. 18, 224.
    """
    # splits a number into two with half its digits each
    scale = 2.0 ** math.ceil((jnp.finfo(a.dtype).nmant + 1) / 2) + 1
    b = jnp.asarray(b)
    a_high, b_high = (scale * x - (scale * x - x) for x in (a, b))
    a_low, b_low = a - a_high, b - b_high
    high = a_high * b_high - product
    return ((high + a_high * b_low) + a_low * b_high) + a_low * b_low

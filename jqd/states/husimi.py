"""Husimi functions of states of bosonic modes, and quantities computed from them.

Points of phase space are α = √ħ a in action units, α = X + iY. Husimi functions are
normalised by ∫d²α Q = 1 with d²α = dX dY for each mode.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Complex, Float

from .. import _checks
from .._gate import gated
from .._math import abs2, expi, matmul
from ..spaces.fock import coherent_amplitudes, hermite_functions
from ..spaces.symbols import as_points
from .ensemble import Ensemble, as_ensemble


def husimi(
    state: Any, points: ArrayLike, *, hbar: ArrayLike = 1.0, modes: int = 1
) -> Float[Array, "..."]:
    """The Husimi function at points of phase space.

    Q(α) = Σ_k w_k |<α/√ħ|v_k>|² / (πħ)^N

    Args:
        state: ket, density operator, `Ensemble` or QuTiP object of N modes.
        points: α, complex, (...,) for one mode, (..., N) for N.
        hbar: ħ, scalar.
        modes: N.

    Returns:
        (...,) real, in the precision of the state, in 1/action^N.

    Raises:
        ValueError: not a state of N modes (see `as_ensemble`), points that are not
            finite or have no axis of N modes, or hbar not positive.

    Source: eqs. (60), (62).
    """
    ensemble = as_ensemble(state, modes)
    _check_hbar(hbar)
    _checks.check_finite(points, "points")
    alpha = as_points(points, modes).astype(ensemble.kets.dtype)
    values = _husimi(ensemble, jnp.reshape(alpha, (-1, modes)), hbar)
    return jnp.reshape(values, alpha.shape[:-1])


@jax.jit
def _husimi(ensemble: Ensemble, alpha: Array, hbar: ArrayLike) -> Array:
    """Mode by mode, so that no joint basis of the modes is built."""
    real = jnp.finfo(ensemble.kets.dtype).dtype
    hbar = jnp.asarray(hbar).astype(real)
    scaled = alpha / jnp.sqrt(hbar)
    contract = functools.partial(jnp.einsum, precision=lax.Precision.HIGHEST)
    amplitudes, subscripts = ensemble.kets, "pn,kn...->pk..."
    for mode, levels in enumerate(ensemble.levels):
        bra = jnp.conj(coherent_amplitudes(scaled[:, mode], levels))
        amplitudes = contract(subscripts, bra, amplitudes)
        subscripts = "pn,pkn...->pk..."
    density = abs2(amplitudes)
    total = jnp.sum(density * ensemble.weights[None, :].astype(real), axis=1)
    return total / (np.pi * hbar) ** ensemble.modes


def antinormal_moment(
    state: Any,
    m: int | Sequence[int],
    n: int | Sequence[int],
    *,
    hbar: ArrayLike = 1.0,
    modes: int = 1,
) -> Complex[Array, ""]:
    """A moment of the Husimi function, exactly.

    ∫d²α Q Π_i α_i^m_i α_i*^n_i = ħ^((|m|+|n|)/2) Tr(ρ Π_i a_i^m_i a_i†^n_i)

    The operators are not cut off: only the state is truncated.

    Args:
        state: ket, density operator, `Ensemble` or QuTiP object of N modes.
        m: power of α, or of each α_i.
        n: power of α*, or of each α_i*.
        hbar: ħ, scalar.
        modes: N.

    Returns:
        Complex scalar, in action^((|m|+|n|)/2).

    Raises:
        ValueError: not a state of N modes, or powers that are negative or not one for
            each mode.
    """
    ensemble = as_ensemble(state, modes)
    m, n = read_powers(m, "m", modes), read_powers(n, "n", modes)
    _check_hbar(hbar)
    return ensemble_moment(ensemble, m, n, hbar)


def ensemble_moment(
    ensemble: Ensemble, m: tuple[int, ...], n: tuple[int, ...], hbar: ArrayLike
) -> Complex[Array, ""]:
    """`antinormal_moment` without any checks of its arguments."""
    return ensemble_moments(ensemble, [(m, n)], hbar)[0]


def ensemble_moments(
    ensemble: Ensemble,
    orders: Sequence[tuple[tuple[int, ...], tuple[int, ...]]],
    hbar: ArrayLike,
) -> Complex[Array, " k"]:
    """The moments of each (m, n), without any checks.

    Taken in turn: of moments side by side XLA fuses the motion of the kets into each
    and computes it as many times.
    """
    return _moments(ensemble, tuple((tuple(m), tuple(n)) for m, n in orders), hbar)


@functools.partial(jax.jit, static_argnums=1, inline=True)
def _moments(
    ensemble: Ensemble,
    orders: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...],
    hbar: ArrayLike,
) -> Array:
    kets, weights = ensemble.kets, ensemble.weights
    powers = np.array(orders)  # [moment, m or n, mode]
    tables = [
        jnp.asarray([_ladders(size, m[i], n[i]) for m, n in orders], weights.dtype)
        for i, size in enumerate(ensemble.levels)
    ]
    axes = tuple(range(1, kets.ndim))
    bras = jnp.conj(kets) * jnp.reshape(weights, (-1,) + (1,) * len(axes))

    def one(given: tuple[Array, list[Array]]) -> Array:
        shift, factors = given
        entries = jnp.sum(bras * jnp.roll(kets, shift, axes), axis=0)
        for factor in reversed(factors):
            row = jnp.reshape(factor, (1,) * (entries.ndim - 1) + (-1,))
            entries = jnp.sum(entries * row, axis=-1)
        return entries

    shifts = jnp.asarray(powers[:, 1] - powers[:, 0])
    found = jax.lax.map(one, (shifts, tables))
    hbar = jnp.asarray(hbar).astype(weights.dtype)
    return hbar ** jnp.asarray(powers.sum((1, 2)) / 2, weights.dtype) * found


def covariance(
    state: Any, *, hbar: ArrayLike = 1.0, modes: int = 1
) -> Float[Array, "2N 2N"]:
    """Covariance matrix of (X_1, .., X_N, Y_1, .., Y_N) under the Husimi function.

    α_i = X_i + iY_i; for a coherent state the matrix is ħ/2 times the identity.

    Args:
        state: ket, density operator, `Ensemble` or QuTiP object of N modes.
        hbar: ħ, scalar.
        modes: N.

    Returns:
        (2N, 2N) real symmetric, in units of action.

    Raises:
        ValueError: not a state of N modes, or hbar not positive.
    """
    ensemble = as_ensemble(state, modes)
    _check_hbar(hbar)
    one = [tuple(int(i == j) for j in range(modes)) for i in range(modes)]
    none = (0,) * modes

    def moment(m, n):
        return ensemble_moment(ensemble, m, n, hbar)

    def table(entry):
        return jnp.stack([jnp.stack([entry(a, b) for b in one]) for a in one])

    mean = jnp.stack([moment(a, none) for a in one])
    plain = table(lambda a, b: moment(tuple(map(sum, zip(a, b, strict=True))), none))
    plain = plain - mean[:, None] * mean[None, :]
    mixed = table(moment) - mean[:, None] * jnp.conj(mean)[None, :]
    xx, yy = (mixed.real + plain.real) / 2, (mixed.real - plain.real) / 2
    xy = (plain.imag - mixed.imag) / 2
    return jnp.block([[xx, xy], [xy.T, yy]])


@gated
def marginal(
    state: Any, x: ArrayLike, angle: ArrayLike = 0.0, *, hbar: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """Density of the quadrature Re(α e^(-iθ)) under the Husimi function of one mode.

    The density is |ψ(X_θ)|² broadened by a Gaussian of variance ħ/4. Gauss-Hermite
    quadrature with as many points as levels does this without error, and adds only
    positive terms.

    Args:
        state: ket, density operator, `Ensemble` or QuTiP object of one mode.
        x: values of the quadrature, real, any shape.
        angle: θ, scalar.
        hbar: ħ, scalar.

    Returns:
        Real, shape of `x`, in 1/√action.

    Raises:
        ValueError: not a state of one mode, x not real and finite, or hbar not
            positive.
    """
    ensemble = as_ensemble(state, 1)
    _checks.check_reals(x, "x")
    _checks.check_scalar(angle, "angle")
    _check_hbar(hbar)
    real = jnp.finfo(ensemble.kets.dtype).dtype
    x = jnp.asarray(x).astype(real)
    values = _marginal(ensemble, jnp.ravel(x), angle, hbar)
    return jnp.reshape(values, x.shape)


def negativity(values: ArrayLike, cell: ArrayLike) -> Float[Array, ""]:
    """Volume of the negative part of a density on a grid: ∫ (|Q| - Q) / 2.

    Args:
        values: Q on the points of the grid, real, any shape.
        cell: volume of a cell, dX dY for each mode, scalar.

    Returns:
        Real scalar; 0 for a density that is nowhere negative.

    Raises:
        ValueError: values that are complex, not finite or nowhere positive, or a cell
            that is not positive.
    """
    _checks.check_reals(values, "values")
    _checks.check_positive(cell, "cell")
    if _checks.is_concrete(values) and not np.any(np.asarray(values) > 0):
        raise ValueError(
            "Argument `values` must be a density, of integral 1, but is nowhere "
            "positive."
        )
    values, cell = _checks.widen(values), _checks.widen(cell)
    return jnp.sum(jnp.maximum(-values, 0)) * cell


@jax.jit
def _marginal(ensemble: Ensemble, x: Array, angle: ArrayLike, hbar: ArrayLike) -> Array:
    levels = ensemble.levels[0]
    angle, hbar = (jnp.asarray(c).astype(x.dtype) for c in (angle, hbar))
    nodes, weights = (jnp.asarray(c, x.dtype) for c in _gauss_hermite(levels))
    x = x / jnp.sqrt(hbar)
    turn = angle * jnp.arange(levels, dtype=x.dtype)
    kets = ensemble.kets * expi(-turn)[None, :]

    def add(total, node):
        t, weight = node
        position = (x + t) / np.sqrt(2)
        waves = hermite_functions(position, levels).astype(kets.dtype)
        psi = matmul(waves, kets.T)
        density = abs2(psi) * ensemble.weights[None, :]
        spread = jnp.exp(-((np.sqrt(2) * x - position) ** 2))
        return total + weight * spread * jnp.sum(density, axis=1), None

    total, _ = lax.scan(add, jnp.zeros_like(x), (nodes, weights))
    return total / jnp.sqrt(np.pi * hbar)


def _check_hbar(hbar: ArrayLike) -> None:
    _checks.check_positive(hbar, "hbar", ())


@functools.cache
def _gauss_hermite(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes t and weights w e^(t²) = 1 / Σ_n h_n(t)² of a Gauss-Hermite rule."""
    off = np.sqrt(np.arange(1, count) / 2)
    nodes = np.linalg.eigvalsh(np.diag(off, 1) + np.diag(off, -1))
    value, previous = np.exp(-(nodes**2) / 2) * np.pi**-0.25, np.zeros(count)
    total = np.zeros(count)
    for n in range(count):
        total += value**2
        up = np.sqrt(2 / (n + 1)) * nodes * value - np.sqrt(n / (n + 1)) * previous
        value, previous = up, value
    return nodes, 1 / total


def _ladders(levels: int, m: int, n: int) -> np.ndarray:
    """<j|a^m a†^n|j+m-n> for each j; 0 where j+m-n is not among the levels."""
    j = np.arange(levels)
    other, risen = j + m - n, j + m
    low = np.arange(1, m + 1)[None, :] + j[:, None]
    high = risen[:, None] - np.arange(n)[None, :]
    known = (other >= 0) & (other < levels)
    factors = np.sqrt(low.astype(float)).prod(axis=1)
    factors *= np.sqrt(np.maximum(high, 0).astype(float)).prod(axis=1)
    return np.where(known, factors, 0.0)


def read_powers(powers: int | Sequence[int], name: str, modes: int) -> tuple[int, ...]:
    """The powers of a moment, one for each mode.

    Args:
        powers: whole numbers; a single one for one mode.
        name: what the caller calls it.
        modes: N.

    Returns:
        N integers of at least 0.

    Raises:
        ValueError: not whole, negative, or not one for each mode.
    """
    given: Any = tuple(powers) if isinstance(powers, list | tuple) else (powers,)
    # factorials of larger powers overflow
    whole = all(isinstance(p, int | np.integer) and 0 <= p <= 170 for p in given)
    if len(given) != modes or not whole:
        raise ValueError(
            f"Argument `{name}` must be {modes} powers from 0 to 170, but is "
            f"{_checks.shown(powers)}."
        )
    return tuple(int(p) for p in given)

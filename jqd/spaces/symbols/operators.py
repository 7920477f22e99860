"""Operators of polynomial symbols: products, and matrices between Fock states.

Symbols may have any ordering. `levels` are the levels of the modes, (d_1, .., d_N), or
one number for all; anything but positive integers is a ValueError. `hbar` is ħ, scalar.
"""

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, Int

from ... import _checks
from ..._checks import known
from ..._math import take
from . import monomials
from .monomials import ORDERINGS, Powers
from .symbol import Symbol


def star(f: Symbol, g: Symbol, hbar: ArrayLike = 1.0) -> Symbol:
    """The symbol of the product of two operators, in the ordering of both.

    f ⋆ g = f exp(ħ ((1 + s)/2 ←∂ →∂* - (1 - s)/2 ←∂* →∂)) g, with s = 1 for Wick
    symbols, 0 for Weyl (the Moyal product), -1 for anti-Wick.

    Args:
        f: left factor.
        g: right factor, of the same modes and ordering.
        hbar: ħ, scalar.

    Returns:
        The product; terms known to be zero are dropped.

    Raises:
        ValueError: modes or orderings differ.
    """
    if (f.modes, f.ordering) != (g.modes, g.ordering):
        raise ValueError(
            "Argument `g` must be a symbol of the same modes and ordering "
            f"({f.modes}, {f.ordering}), but has ({g.modes}, {g.ordering})."
        )
    s = ORDERINGS[f.ordering]
    rows = [
        (k, term)
        for k, pair in enumerate(itertools.product(f.powers, g.powers))
        for term in monomials.multiply(*pair, s)
    ]
    pairs = (known(f.coefficients)[:, None] * known(g.coefficients)[None, :]).ravel()
    return Symbol(*monomials.collect(rows, pairs, hbar), f.ordering).pruned()


def commutator(f: Symbol, g: Symbol, hbar: ArrayLike = 1.0) -> Symbol:
    """The symbol of [f̂, ĝ]; to first order in ħ it is iħ times the Poisson bracket.

    Args:
        f: left symbol.
        g: right symbol, of the same modes and ordering.
        hbar: ħ, scalar.
    """
    return (star(f, g, hbar) - star(g, f, hbar)).pruned()


def matrix(
    symbol: Symbol, levels: int | Sequence[int], *, hbar: ArrayLike = 1.0
) -> Complex[Array, "D D"]:
    """The operator between the lowest Fock states, <n|Ĥ|m>.

    <i| α̂†^n α̂^m |j> = ħ^((m+n)/2) sqrt(i! j!) / (j - m)! for i - n = j - m >= 0; other
    orderings are sums of these. Each entry is that of the untruncated operator: the
    matrix of a product is not the product of matrices at the last levels.

    Args:
        symbol: the symbol, of any ordering.
        levels: number of levels d of each mode, or one number for all.
        hbar: ħ, scalar.

    Returns:
        (D, D) complex, D = d_1 .. d_N; the last mode varies fastest. The unit is that
        of the symbol.
    """
    entries = couplings(symbol, levels, hbar=hbar)
    size = math.prod(check_levels(levels, symbol.modes))
    places = (entries.rows, entries.columns)
    return jnp.asarray(monomials.add_at((size, size), places, entries.values))


class Couplings(NamedTuple):
    """Entries of a matrix; entries at the same place are added.

    Attributes:
        rows: (entries,) NumPy.
        columns: (entries,) NumPy.
        values: (entries,) complex; NumPy where all values are concrete.
    """

    rows: Int[np.ndarray, " entries"]
    columns: Int[np.ndarray, " entries"]
    values: Any

    def pattern(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the places, each place once, rows ascending."""
        return np.divmod(np.unique(self.rows * size + self.columns), size)


def couplings(
    symbol: Symbol, levels: int | Sequence[int], *, hbar: ArrayLike = 1.0
) -> Couplings:
    """Entries of `matrix` that can differ from zero, even where it exceeds memory.

    Args:
        symbol, levels, hbar: as for `matrix`.
    """
    shape = check_levels(levels, symbol.modes)
    entries = _entries(symbol.powers, shape, symbol.ordering)
    real = symbol.coefficients.real.dtype
    scaled = known(symbol.coefficients) * _root_powers(symbol, hbar)
    values = take(scaled, entries.terms) * entries.values.astype(real)
    return Couplings(entries.rows, entries.columns, values)


def apply(
    symbol: Symbol,
    kets: Complex[Array, "... D"],
    levels: int | Sequence[int],
    *,
    hbar: ArrayLike = 1.0,
) -> Complex[Array, "... D"]:
    """Ĥ applied to kets, term by term: the result of `matrix` without the matrix.

    Args:
        symbol: the symbol, of any ordering.
        kets: (..., D); the last mode varies fastest.
        levels: number of levels d of each mode, or one number for all.
        hbar: ħ, scalar.

    Returns:
        (..., D), in the precision of the kets.
    """
    shape = check_levels(levels, symbol.modes)
    scaled = jnp.asarray(known(symbol.coefficients) * _root_powers(symbol, hbar))
    scaled = scaled.astype(kets.dtype)
    real = jnp.finfo(kets.dtype).dtype
    size = math.prod(shape)
    image = jnp.zeros_like(kets)
    for k, power in enumerate(symbol.powers):
        _, rows, columns, values = _entries((power,), shape, symbol.ordering)
        source, factor = np.zeros(size, int), np.zeros(size)
        source[rows], factor[rows] = columns, values
        # rows in turn: gathering is faster than scattering
        lead = (1,) * (kets.ndim - 1)
        weight = scaled[k] * jnp.asarray(factor, real)
        still = power[0] == power[1]
        moved = kets if still else take(kets, source, kets.ndim - 1)
        image += jnp.reshape(weight, (*lead, size)) * moved
    return image


def diagonal(
    symbol: Symbol, levels: int | Sequence[int], *, hbar: ArrayLike = 1.0
) -> Float[Array, " D"]:
    """The energies <n|Ĥ|n> of an operator that is a function of the occupations.

    Args:
        symbol: real, of any ordering; every term has as many α as α* in each mode.
        levels: number of levels d of each mode, or one number for all.
        hbar: ħ, scalar.

    Returns:
        (D,) real; the last mode varies fastest.

    Raises:
        ValueError: a term changes the occupation of a mode.
    """
    moving = [power for power in symbol.powers if power[0] != power[1]]
    if moving:
        raise ValueError(
            "Argument `symbol` must have as many α as α* in every mode of every term, "
            f"but has the term {monomials.format_monomial(moving[0])}."
        )
    shape = check_levels(levels, symbol.modes)
    entries = _entries(symbol.powers, shape, symbol.ordering)
    scaled = known(symbol.coefficients).real * _root_powers(symbol, hbar)
    values = scaled[entries.terms] * entries.values.astype(scaled.dtype)
    return jnp.asarray(monomials.add_at((math.prod(shape),), entries.rows, values))


class Entries(NamedTuple):
    """Entries of the matrices of monomials: term, row, column, value at ħ = 1."""

    terms: Int[np.ndarray, " entries"]
    rows: Int[np.ndarray, " entries"]
    columns: Int[np.ndarray, " entries"]
    values: Float[np.ndarray, " entries"]


@functools.lru_cache(maxsize=64)
def _entries(
    powers: tuple[Powers, ...], levels: tuple[int, ...], ordering: str
) -> Entries:
    """The entries that do not vanish of every monomial, one after the other."""
    columns = np.indices(levels).reshape(len(levels), -1)
    parts = []
    for k, (m, n) in enumerate(powers):
        shift = np.subtract(n, m)[:, None]
        rows = columns + shift
        inside = np.all((rows >= 0) & (rows < np.array(levels)[:, None]), axis=0)
        factors = [
            _single_mode(d, m[i], n[i], ordering)[columns[i, inside]]
            for i, d in enumerate(levels)
        ]
        value = np.prod(factors, axis=0)
        kept = value != 0
        row, column = (
            np.ravel_multi_index(tuple(index[:, inside][:, kept]), levels)
            for index in (rows, columns)
        )
        parts.append((np.full(row.shape, k), row, column, value[kept]))
    entries = Entries(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    for array in entries:
        array.setflags(write=False)  # shared by all callers
    return entries


def _single_mode(levels: int, m: int, n: int, ordering: str) -> np.ndarray:
    """<j - m + n| monomial |j> for j < levels at ħ = 1, from the Wick order."""
    to_wick = (ORDERINGS["wick"] - ORDERINGS[ordering]) / 2
    j = np.arange(levels)
    total = np.zeros(levels)
    for _, weight, ((p,), (q,)) in monomials.reorder(((m,), (n,)), to_wick):
        total += weight * np.sqrt(_falling(j, p) * _falling(j - p + q, q))
    return total


def _falling(j: np.ndarray, p: int) -> np.ndarray:
    """j (j - 1) .. (j - p + 1), and 0 for j < p."""
    steps = np.maximum(j[:, None] - np.arange(p)[None, :], 0)
    return np.prod(steps.astype(float), axis=1)


def _root_powers(symbol: Symbol, hbar: ArrayLike) -> Any:
    """ħ^((m+n)/2) for each term."""
    degrees = np.array([sum(m) + sum(n) for m, n in symbol.powers])
    real = symbol.coefficients.real.dtype
    root = np.sqrt if _checks.is_concrete(hbar) else jnp.sqrt
    return monomials.powers_of(root(hbar), degrees, real)  # pyright: ignore


def check_levels(levels: Any, modes: int) -> tuple[int, ...]:
    """The levels of each mode as a tuple."""
    shape = (levels,) * modes if isinstance(levels, int | np.integer) else tuple(levels)
    if len(shape) != modes or any(int(d) != d or d < 1 for d in shape):
        raise ValueError(
            f"Argument `levels` must be {modes} positive integers, one for each mode, "
            f"but is {_checks.shown(levels)}."
        )
    return tuple(int(d) for d in shape)

"""Number states of many modes, sorted by how many quanta they hold in all.

A Hamiltonian that conserves the number of quanta moves nothing from one sector to
another. No array here has levels^M entries: N quanta in M modes are binom(N+M-1, N)
states.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Int

from ..._math import abs2, add_at, take
from ...spaces.symbols import Symbol
from ...spaces.symbols.monomials import format_monomial
from ...spaces.symbols.operators import Entries
from ...steppers.blocks import split_entries
from .form import Powers


def moved_quanta(symbol: Symbol) -> str | None:
    """The first term that changes the number of quanta, in words; None for none."""
    for m, n in symbol.powers:
        if sum(m) != sum(n):
            return format_monomial((m, n))
    return None


# -- the basis -------------------------------------------------------------------------


@functools.lru_cache(maxsize=16)
def occupations(modes: int, quanta: int) -> Int[np.ndarray, "D M"]:
    """All states of at most `quanta` quanta, those of the same total together."""
    states = np.zeros((1, 0), int)
    for _ in range(modes):
        choices = quanta - states.sum(axis=1) + 1
        parent = np.repeat(np.arange(len(states)), choices)
        first = np.repeat(np.cumsum(choices) - choices, choices)
        states = np.column_stack([states[parent], np.arange(len(parent)) - first])
    states = states[np.argsort(states.sum(axis=1), kind="stable")]
    states.setflags(write=False)
    return states


def positions(states: Int[np.ndarray, "n M"]) -> Int[np.ndarray, " n"]:
    """Positions of states in `occupations`, whatever its number of quanta.

    rank = binom(r_0+M-1, M) + Σ_i binom(r_i+p_i, p_i) - binom(r_{i+1}+p_i, p_i), with
    r_i the quanta of the modes from i on and p_i the modes after i.
    """
    modes = states.shape[1]
    left = np.cumsum(states[:, ::-1], axis=1)[:, ::-1]
    left = np.column_stack([left, np.zeros(len(states), int)])
    most = int(left.max(initial=0)) + modes
    table = np.array([[math.comb(n, k) for k in range(modes + 1)] for n in range(most)])
    rank = table[left[:, 0] + modes - 1, modes]
    for i in range(modes):
        after = modes - 1 - i
        rank = rank + table[left[:, i] + after, after]
        rank = rank - table[left[:, i + 1] + after, after]
    return rank


def sector_sizes(modes: int, quanta: int) -> list[int]:
    """Number of states of 0, 1, .., `quanta` quanta."""
    return [math.comb(n + modes - 1, n) for n in range(quanta + 1)]


@functools.lru_cache(maxsize=16)
def sector_rows(modes: int, quanta: int) -> Int[np.ndarray, "N largest"]:
    """Rows of each sector, padded with the number of all rows."""
    sizes = np.array(sector_sizes(modes, quanta))
    rows = np.arange(sizes.max())[None, :]
    starts = (np.cumsum(sizes) - sizes)[:, None]
    return np.where(rows < sizes[:, None], starts + rows, sizes.sum())


@functools.lru_cache(maxsize=64)
def monomial_entries(powers: tuple[tuple[Powers, Powers], ...], quanta: int) -> Entries:
    """<row| Π_i b_i^m_i b_i†^n_i |column> of every monomial, one after the other."""
    columns = occupations(len(powers[0][0]), quanta)
    parts = []
    for k, (m, n) in enumerate(powers):
        high = columns + np.array(n)
        rows = high - np.array(m)
        inside = np.all(rows >= 0, axis=1) & (rows.sum(axis=1) <= quanta)
        square = _falling(high, n) * _falling(high, m)
        value = np.sqrt(np.prod(square[inside], axis=1))
        found = np.flatnonzero(inside)
        parts.append((np.full(len(found), k), positions(rows[inside]), found, value))
    entries = Entries(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    for array in entries:
        array.setflags(write=False)  # shared by all callers
    return entries


def _falling(x: np.ndarray, powers: Powers) -> np.ndarray:
    """x (x-1) .. (x-p+1) of each mode."""
    result = np.ones(x.shape)
    for k in range(max(powers)):
        result = np.where(k < np.array(powers), result * np.maximum(x - k, 0), result)
    return result


# -- Hamiltonians ----------------------------------------------------------------------


def hamiltonian_entries(
    symbol: Symbol, quanta: int, hbar: Array
) -> tuple[Entries, Array]:
    """Entries of an anti-Wick H and their values; those of one place must be added."""
    entries = monomial_entries(symbol.powers, quanta)
    coefficients = jnp.asarray(symbol.coefficients)
    real = coefficients.real.dtype
    # as many α* as α: whole powers of ħ
    degrees = np.array([sum(m) for m, _ in symbol.powers])
    scaled = coefficients * hbar.astype(real) ** degrees
    values = take(scaled, entries.terms) * jnp.asarray(entries.values, real)
    return entries, values


def hamiltonian_pieces(
    symbol: Symbol, quanta: int, hbar: Array
) -> list[tuple[np.ndarray, Array]]:
    """The sectors of H, those of like size together, as `pieces_orbit` takes them."""
    entries, values = hamiltonian_entries(symbol, quanta, hbar)
    rows = sector_rows(symbol.modes, quanta)
    size = sum(sector_sizes(symbol.modes, quanta))
    return split_entries(entries.rows, entries.columns, values, rows, size)


def frobenius(pieces: Sequence[tuple[np.ndarray, Array]]) -> Array:
    """Frobenius norm of the matrix of these blocks."""
    return jnp.sqrt(sum(jnp.sum(abs2(parts)) for _, parts in pieces))


class SparseHamiltonian(NamedTuple):
    """H as source rows and weights, one of each for every way in which it moves quanta.

    Attributes:
        sources: (ways, D) NumPy.
        weights: (ways, D).
    """

    sources: np.ndarray
    weights: Array

    @classmethod
    def build(cls, symbol: Symbol, quanta: int, hbar: Array) -> "SparseHamiltonian":
        """H of a symbol that conserves the number of quanta."""
        entries, values = hamiltonian_entries(symbol, quanta, hbar)
        moves = [tuple(np.subtract(n, m)) for m, n in symbol.powers]
        ways = {move: i for i, move in enumerate(dict.fromkeys(moves))}
        way = np.array([ways[move] for move in moves])[entries.terms]
        shape = len(ways), sum(sector_sizes(symbol.modes, quanta))
        sources = np.zeros(shape, int)
        sources[way, entries.rows] = entries.columns
        weights = add_at(jnp.zeros(shape, values.dtype), (way, entries.rows), values)
        return cls(sources, weights)

    def apply(self, kets: Array, t: Any = None, hbar: Any = None) -> Array:
        """H on kets, (..., D)."""
        del t, hbar

        def add(total, way):
            source, weight = way
            weight = jnp.reshape(weight, (1,) * (kets.ndim - 1) + weight.shape)
            moved = take(kets, source, kets.ndim - 1)
            return total + weight.astype(kets.dtype) * moved, None

        start = jnp.zeros_like(kets)
        total, _ = jax.lax.scan(add, start, (jnp.asarray(self.sources), self.weights))
        return total

    def spectral_bounds(self) -> tuple[Array, Array]:
        """Numbers that enclose the spectrum, by Gershgorin."""
        still = self.sources == np.arange(self.sources.shape[1])
        centre = jnp.sum(jnp.where(still, self.weights.real, 0), axis=0)
        radius = jnp.sum(jnp.where(still, 0, jnp.abs(self.weights)), axis=0)
        return jnp.min(centre - radius), jnp.max(centre + radius)


# -- kets ------------------------------------------------------------------------------


def product_kets(tables: Complex[Array, "K M L"], quanta: int) -> Complex[Array, "K D"]:
    """Products of one-mode kets over the states of at most `quanta` quanta."""
    states = occupations(tables.shape[1], quanta)
    factors = [take(tables[:, i], states[:, i], 1) for i in range(tables.shape[1])]
    return functools.reduce(jnp.multiply, factors)

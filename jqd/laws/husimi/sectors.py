"""Number states of many modes, sorted by how many quanta they hold in all.

A Hamiltonian that conserves the number of quanta moves nothing from one sector to
another. No array here has levels^M entries: N quanta in M modes are binom(N+M-1, N)
states.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Int

from ... import _checks
from ..._math import abs2
from ..._scans import saved_scan
from ...spaces.fock import coherent_amplitudes
from ...spaces.symbols import Symbol
from ...spaces.symbols.monomials import format_monomial
from ...states import Ensemble, State
from ...steppers.blocks import pieces_orbit, split_entries
from ...steppers.chebyshev import chebyshev_step, chebyshev_terms
from ..groups import Resolution
from .form import Equation, Powers
from .gaussian_sum import GaussianSum
from .heff import amplify

# Sectors up to this size have eigenvectors, larger ones a series.
LARGEST_SECTOR = 1024
# Phase that one Chebyshev series covers.
_PHASE = 32.0
# How far a covariance may be from that of displaced thermal modes.
_ISOTROPIC = 1e-9


# -- the basis -------------------------------------------------------------------------


@functools.lru_cache(maxsize=16)
def occupations(modes: int, quanta: int) -> Int[np.ndarray, "D M"]:
    """All states of at most so many quanta, those of the same total together."""
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
    """Where in `occupations` states are, whatever its number of quanta.

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
    """Rows of each sector, filled up with the number of all."""
    sizes = np.array(sector_sizes(modes, quanta))
    rows = np.arange(sizes.max())[None, :]
    starts = (np.cumsum(sizes) - sizes)[:, None]
    return np.where(rows < sizes[:, None], starts + rows, sizes.sum())


class Entries(NamedTuple):
    """Entries of the matrices of monomials: term, row, column, value at ħ = 1."""

    terms: Int[np.ndarray, " entries"]
    rows: Int[np.ndarray, " entries"]
    columns: Int[np.ndarray, " entries"]
    values: Float[np.ndarray, " entries"]


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
    """Entries of H of anti-Wick order, and their values; those of a place are added."""
    entries = monomial_entries(symbol.powers, quanta)
    coefficients = jnp.asarray(symbol.coefficients)
    real = coefficients.real.dtype
    # as many α* as α: whole powers of ħ
    degrees = np.array([sum(m) for m, _ in symbol.powers])
    scaled = coefficients * hbar.astype(real) ** degrees
    return entries, scaled[entries.terms] * jnp.asarray(entries.values, real)


def hamiltonian_pieces(
    symbol: Symbol, quanta: int, hbar: Array
) -> list[tuple[np.ndarray, Array]]:
    """The sectors of H, those of like size together, as `pieces_orbit` takes them."""
    entries, values = hamiltonian_entries(symbol, quanta, hbar)
    rows = sector_rows(symbol.modes, quanta)
    size = sum(sector_sizes(symbol.modes, quanta))
    return split_entries(entries.rows, entries.columns, values, rows, size)


def frobenius(pieces: Sequence[tuple[np.ndarray, Array]]) -> Array:
    """Norm of the matrix of these blocks."""
    return jnp.sqrt(sum(jnp.sum(abs2(parts)) for _, parts in pieces))


class SparseHamiltonian(NamedTuple):
    """H as rows to gather from and weights, one of each way in which it moves quanta.

    Attributes:
        sources: (ways, D) NumPy.
        weights: (ways, D).
    """

    sources: np.ndarray
    weights: Array

    @classmethod
    def build(cls, symbol: Symbol, quanta: int, hbar: Array) -> "SparseHamiltonian":
        """That of a symbol which conserves the number of quanta."""
        entries, values = hamiltonian_entries(symbol, quanta, hbar)
        moves = [tuple(np.subtract(n, m)) for m, n in symbol.powers]
        ways = {move: i for i, move in enumerate(dict.fromkeys(moves))}
        way = np.array([ways[move] for move in moves])[entries.terms]
        shape = len(ways), sum(sector_sizes(symbol.modes, quanta))
        sources = np.zeros(shape, int)
        sources[way, entries.rows] = entries.columns
        weights = jnp.zeros(shape, values.dtype).at[way, entries.rows].add(values)
        return cls(sources, weights)

    def apply(self, kets: Array, t: Any = None, hbar: Any = None) -> Array:
        """H on kets, (..., D)."""
        del t, hbar

        def add(total, way):
            source, weight = way
            weight = jnp.reshape(weight, (1,) * (kets.ndim - 1) + weight.shape)
            return total + weight.astype(kets.dtype) * kets[..., source], None

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


class NumberKets(eqx.Module):
    """Σ_k w_k |v_k><v_k| over the states of at most `quanta` quanta.

    Attributes:
        kets: v_k, shape (K, D).
        weights: w_k, shape (K,), real.
        modes: M (static).
        quanta: largest number of quanta (static).
    """

    kets: Complex[Array, "K D"]
    weights: Float[Array, " K"]
    modes: int = eqx.field(static=True)
    quanta: int = eqx.field(static=True)

    def means(self, m: Powers, n: Powers, hbar: Array) -> Complex[Array, " K"]:
        """ħ^((|m|+|n|)/2) <v_k| Π_i b_i^m_i b_i†^n_i |v_k>"""
        entries = monomial_entries(((m, n),), self.quanta)
        values = jnp.asarray(entries.values, self.weights.dtype)
        bras = jnp.conj(self.kets[:, entries.rows])
        each = jnp.sum(bras * values[None, :] * self.kets[:, entries.columns], axis=1)
        return hbar.astype(values.dtype) ** ((sum(m) + sum(n)) / 2) * each

    def density(
        self, points: Complex[Array, "... M"], hbar: Array
    ) -> Float[Array, "..."]:
        """Σ_k w_k |<α/√ħ|v_k>|²/(πħ)^M"""
        hbar = hbar.astype(self.weights.dtype)
        flat = jnp.reshape(points, (-1, self.modes)).astype(self.kets.dtype)
        tables = coherent_amplitudes(flat / jnp.sqrt(hbar), self.quanta + 1)
        bras = jnp.conj(product_kets(tables, self.quanta))
        overlaps = jnp.matmul(bras, self.kets.T, precision=jax.lax.Precision.HIGHEST)
        values = jnp.sum(abs2(overlaps) * self.weights[None, :], axis=1)
        return jnp.reshape(values / (np.pi * hbar) ** self.modes, points.shape[:-1])

    def lost(self) -> Float[Array, ""]:
        """How far the trace is from 1: the share of more quanta than are kept."""
        norms = jnp.sum(abs2(self.kets), axis=1)
        return jnp.abs(1 - jnp.sum(self.weights * norms))

    def rates(self, equation: Equation) -> "NumberKets":
        """-i H_eff v/ħ_eff for each ket."""
        hbar = equation.hbar_eff
        hamiltonian = SparseHamiltonian.build(equation.symbol, self.quanta, hbar)
        kets = -1j / hbar * hamiltonian.apply(self.kets)
        return NumberKets(kets, 0 * self.weights, self.modes, self.quanta)

    def orbit(self, equation: Equation, ts: Array) -> tuple["NumberKets", Array]:
        """exp(-i H_eff t/ħ_eff) on each ket, and a bound on the relative rounding."""
        hbar, times = equation.hbar_eff, ts - ts[0]
        shape = ts.shape[0], *self.kets.shape
        _checks.check_memory(48.0 * math.prod(shape), "ts", f"{shape} amplitudes")
        largest = max(sector_sizes(self.modes, self.quanta))
        if largest <= LARGEST_SECTOR:
            pieces = hamiltonian_pieces(equation.symbol, self.quanta, hbar)
            kets = pieces_orbit(pieces, self.kets, times, hbar)
            phase = math.sqrt(largest) * frobenius(pieces) / hbar * times
        else:
            sparse = SparseHamiltonian.build(equation.symbol, self.quanta, hbar)
            low, high = sparse.spectral_bounds()
            kets = _series_orbit(sparse, self.kets, times, hbar)
            phase = (high - low) / (2 * hbar) * times
        weights = jnp.broadcast_to(self.weights, (shape[0], *self.weights.shape))
        bound = jnp.finfo(kets.dtype).eps * (math.sqrt(largest) + phase)
        return NumberKets(kets, weights, self.modes, self.quanta), bound


def _series_orbit(
    hamiltonian: SparseHamiltonian, kets: Array, times: Array, hbar: Array
) -> Array:
    """By Chebyshev series of fixed length; no reverse mode, for their number varies."""
    low, high = hamiltonian.spectral_bounds()
    bounds = low, jnp.maximum(high, low + jnp.finfo(low.dtype).tiny ** 0.5)
    terms = chebyshev_terms(_PHASE, float(jnp.finfo(kets.dtype).eps))

    def interval(psi, dt):
        phase = (high - low) / (2 * hbar) * jnp.abs(dt)
        count = jnp.maximum(jnp.ceil(jax.lax.stop_gradient(phase) / _PHASE), 1)

        def step(_, psi):
            return chebyshev_step(hamiltonian, psi, dt / count, hbar, terms, bounds)

        psi = jax.lax.fori_loop(0, count.astype(int), step, psi)
        return psi, psi

    return saved_scan(interval, kets, jnp.diff(times), kets)[1]


def product_kets(tables: Complex[Array, "K M L"], quanta: int) -> Complex[Array, "K D"]:
    """Products of one-mode kets over the states of at most so many quanta."""
    states = occupations(tables.shape[1], quanta)
    factors = [tables[:, i, states[:, i]] for i in range(tables.shape[1])]
    return functools.reduce(jnp.multiply, factors)


# -- starts ----------------------------------------------------------------------------


class ProductStart(NamedTuple):
    """Displaced thermal modes at ħ_eff.

    Attributes:
        amplitudes: b_i = α_i/√ħ_eff, (M,).
        gains: 1 + n_eff of each mode, (M,): 1/C for a coherent one, below 1 for C > 1.
    """

    amplitudes: Complex[Array, " M"]
    gains: Float[Array, " M"]

    def matrices(self, levels: int) -> Complex[Array, "M L L"]:
        """R_i = <n|ρ_i|m>, exact for every n_eff above -1/2, signed below 0.

        An amplifier of this gain makes it of a coherent state of amplitude b_i/√gain.
        """

        def one(amplitude, gain):
            ket = coherent_amplitudes(amplitude / jnp.sqrt(gain), levels)
            pure = Ensemble(ket[None], jnp.ones(1, gain.dtype))
            return amplify(pure, 1 / gain, (levels,), levels - 1).matrix()

        return jax.vmap(one)(self.amplitudes, self.gains)


def read_start(psi: Any, equation: Equation, form: str) -> GaussianSum:
    """A product of displaced thermal modes, as a `GaussianSum` or described.

    Raises:
        ValueError: anything else, a covariance that is not a multiple of the unit
            matrix in each mode, or C outside its window.
    """
    if isinstance(psi, State):
        psi = GaussianSum.of(psi, hbar=equation.hbar)
    if not isinstance(psi, GaussianSum):
        raise ValueError(
            "Argument `psi` must be a GaussianSum of coherent or thermal modes, such "
            f"as `GaussianSum.coherent(alpha)`, for form '{form}', but is of type "
            f"{type(psi).__name__}."
        )
    if psi.modes != equation.modes or psi.weights.shape[0] != 1:
        raise ValueError(
            f"Argument `psi` must be one Gaussian of {equation.modes} modes for form "
            f"'{form}', but is {psi.weights.shape[0]} of {psi.modes}."
        )
    if _checks.is_concrete(psi):
        cov, modes = np.asarray(psi.covariance), psi.modes
        away = cov - np.diag(np.tile(np.diag(cov)[:modes], 2))
        if np.max(np.abs(away)) > _ISOTROPIC * np.max(np.abs(cov)):
            raise ValueError(
                "Argument `psi` must be a product of coherent or thermal modes for "
                f"form '{form}', but is squeezed or correlated; use form 'heff'."
            )
    return psi


def product_start(psi: GaussianSum, equation: Equation) -> ProductStart:
    """The start at ħ_eff.

    Raises:
        ValueError: C outside its window.
    """
    modes, hbar = psi.modes, equation.hbar_eff
    spreads = 2 * jnp.diag(psi.covariance)[:modes]
    if _checks.is_concrete((spreads, hbar)):
        end = float(2 * np.min(np.asarray(spreads)) / np.asarray(equation.hbar))
        if not 0 < float(np.asarray(equation.C)) < end * (1 - 1e-9):
            raise ValueError(
                f"Argument `C` must be in (0, C_max) with C_max = {end:.6g} for this "
                f"state, but is {float(np.asarray(equation.C)):.6g}."
            )
    means = psi.means[0].real
    alpha = jax.lax.complex(means[:modes], means[modes:])
    return ProductStart(alpha / jnp.sqrt(hbar), spreads / hbar)


def enough_quanta(
    start: ProductStart, quanta: int | None, tolerance: float, form: str
) -> int:
    """The number of quanta that leaves less than a tenth of the tolerance.

    Raises:
        ValueError: not given, and the start is traced or needs too many.
    """
    if quanta is not None:
        return quanta
    if not _checks.is_concrete(start):
        raise ValueError(
            f"Argument `quanta` must be given to form '{form}' where C or the start is "
            "traced, but is None."
        )
    mean = abs2(np.asarray(start.amplitudes))
    mean = float(np.sum(mean + np.abs(np.asarray(start.gains) - 1)))
    levels = math.ceil(mean + 16 * math.sqrt(mean + 1) + 48)
    shares = np.diagonal(np.real(start.matrices(levels)), axis1=1, axis2=2)
    total = functools.reduce(lambda a, b: np.convolve(a, b)[:levels], shares)
    left = np.cumsum(np.abs(total[::-1]))[::-1]  # of n quanta and more
    found = np.flatnonzero(left < tolerance / 10)
    if found.size == 0:
        raise ValueError(
            f"Argument `tolerance` must be larger for form '{form}', but is "
            f"{tolerance:.2g}, for which {levels} quanta are not enough."
        )
    return max(int(found[0]) - 1, 0)


def check_sectors(equation: Equation, form: str, quanta: Any, tolerance: float) -> None:
    """Raise ValueError unless H conserves quanta and has at most two powers of each."""
    verdict = equation.symbol.is_fokker_planck()
    if not verdict:
        raise ValueError(
            "Argument `symbol` must have at most two powers of α and two of α* in each "
            f"term for form '{form}', but has {', '.join(verdict.offending)}; use form "
            "'fock'."
        )
    moving = [
        power for power in equation.symbol.powers if sum(power[0]) != sum(power[1])
    ]
    if moving:
        raise ValueError(
            "Argument `symbol` must conserve the number of quanta for form "
            f"'{form}', but has the term {format_monomial(moving[0])}; use form 'heff'."
        )
    if equation.s is not None:
        raise ValueError(
            f"Argument `s` must be None for form '{form}', but is given; use form "
            "'fock'."
        )
    if quanta is not None:
        _checks.whole_number(quanta, "quanta", 0)
    _checks.check_scalar(tolerance, "tolerance")
    _checks.check_positive(tolerance, "tolerance")


def lost_share(lost: Array) -> Resolution:
    """The share of quanta left out as the relative error; it does not grow."""
    return Resolution(lost, jnp.zeros_like(lost))

"""Quantum mechanics at ħ_eff of many modes, one sector of quanta after the other."""

import functools
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from ... import _checks
from ..._math import abs2, matmul, take
from ..._program import saved_scan
from ...constants import static
from ...spaces.fock import coherent_amplitudes
from ...steppers.blocks import pieces_orbit, split_entries
from ...steppers.chebyshev import chebyshev_step, chebyshev_terms
from ...steppers.eigenbasis import unitary_orbit
from ..groups import Resolution
from .form import Carrier, Equation, Powers
from .gaussian_sum import GaussianSum
from .occupations import (
    SparseHamiltonian,
    frobenius,
    hamiltonian_pieces,
    monomial_entries,
    moved_quanta,
    occupations,
    product_kets,
    sector_rows,
    sector_sizes,
)
from .starts import FirstOrder, ProductStart, PSamples, Series, Start, product_start

# Sectors up to this size have eigenvectors, larger ones a series.
LARGEST_SECTOR = 1024
# Phase that one Chebyshev series covers.
_PHASE = 32.0
# Ten times what may be left out of the trace: of samples, which scatter, more.
_TOLERANCE, _OF_SAMPLES = 1e-9, 1e-6


class Sectors(eqx.Module):
    """Number states of many modes by their total number of quanta, for H that conserve
    it and products of coherent or thermal modes.

    The start `Series` gives the operator ρ at ħ_eff as a product, in one block for each
    number of quanta,

    <n|ρ|m> = Π_i R_i[n_i, m_i], R_i displaced thermal, n_eff = (n̄+1)/C - 1,

    exact also for C > 1, where n_eff < 0 and ρ has negative eigenvalues. It needs no
    kets and no sampling: with three modes 20 quanta take a second. Blocks hold no
    coherence between numbers of quanta, hence neither Q itself nor <α>; the kets of
    other starts do.

    The trace misses the share of larger N, which `resolution` reports: a mean number
    of quanta misses about N times as much.

    Attributes:
        quanta: largest N, or None: as many as the tolerance asks for, where C and the
            start are known (static).
        tolerance: ten times what may be left out of the trace; None for 1e-9, and 1e-6
            for samples.

    Source: displaced thermal states, R. J. Glauber, Phys. Rev. 131, 2766 (1963).
    """

    quanta: int | None = static(default=None)
    tolerance: float | None = static(default=None)

    def check(self, equation: Equation, start: Start, points: Any) -> None:
        """Raise ValueError unless H conserves quanta, there are no points where there
        is no density, and blocks are not too large."""
        moving = moved_quanta(equation.symbol)
        if moving is not None:
            raise ValueError(
                "Argument `symbol` must conserve the number of quanta in `Sectors`, "
                f"but has the term {moving}; use `Levels`."
            )
        if self.quanta is not None:
            _checks.whole_number(self.quanta, "quanta", 0)
        if self.tolerance is not None:
            _checks.check_positive(self.tolerance, "tolerance", ())
        if not isinstance(start, Series):
            return
        if start.orders is not None:
            raise ValueError(
                "Argument `orders` must be None in `Sectors`, whose blocks hold all of "
                f"them, but is {start.orders}."
            )
        if start.tolerance != Series().tolerance:
            raise ValueError(
                "Argument `tolerance` must be given to `Sectors`, whose blocks hold "
                f"all orders, but `Series` has {start.tolerance:g}."
            )
        if points is not None:
            raise _no_density()
        if self.quanta is not None:
            _check_size(equation.modes, self.quanta)

    def carrier(self, equation: Equation, start: Start) -> Carrier:
        """Blocks of ρ for the series, else kets."""
        del equation
        return SectorBlocks() if isinstance(start, Series) else SectorKets()

    def _enough(self, start: ProductStart, tolerance: float) -> int:
        """The number of quanta that leaves less than a tenth of the tolerance.

        Raises:
            ValueError: not given, and the start is traced or needs too many.
        """
        if self.quanta is not None:
            return self.quanta
        if not _checks.is_concrete(start):
            raise ValueError(
                "Argument `quanta` must be given to `Sectors` where C or the start is "
                "traced, but is None."
            )
        tolerance = tolerance if self.tolerance is None else self.tolerance
        mean = abs2(np.asarray(start.amplitudes))
        mean = float(np.sum(mean + np.abs(np.asarray(start.gains) - 1)))
        levels = math.ceil(mean + 16 * math.sqrt(mean + 1) + 48)
        shares = np.diagonal(np.real(start.matrices(levels)), axis1=1, axis2=2)
        total = functools.reduce(lambda a, b: np.convolve(a, b)[:levels], shares)
        left = np.cumsum(np.abs(total[::-1]))[::-1]  # of n quanta and more
        found = np.flatnonzero(left < tolerance / 10)
        if found.size == 0:
            raise ValueError(
                "Argument `tolerance` must be larger in `Sectors`, but is "
                f"{tolerance:.2g}, for which {levels} quanta are not enough."
            )
        return max(int(found[0]) - 1, 0)

    def series(
        self, start: Series, equation: Equation, psi: GaussianSum
    ) -> "NumberBlocks":
        """Π_i R_i[n_i, m_i] in each block, the sums of all orders.

        Raises:
            ValueError: C outside its window, blocks too large, or `quanta` missing
                where C or the start is traced.
        """
        del start
        whole, modes = product_start(psi, equation), equation.modes
        quanta = self._enough(whole, _TOLERANCE)
        _check_size(modes, quanta)
        # one row more, of zeros: what smaller blocks are filled up with
        tables = jnp.pad(whole.matrices(quanta + 1), ((0, 0), (0, 1), (0, 1)))
        filler = np.full((1, modes), quanta + 1)
        states = np.concatenate([occupations(modes, quanta), filler])

        def fill(index):
            n = states[index]
            block = jnp.ones((*index.shape, index.shape[1]), tables.dtype)
            for i in range(modes):
                pairs = n[:, :, None, i], n[:, None, :, i]
                block = block * take(tables[i], pairs)
            return block

        groups = _groups(modes, quanta)
        return NumberBlocks(tuple(map(fill, groups)), modes, quanta)

    def product(
        self, start: FirstOrder | PSamples, equation: Equation, modes: ProductStart
    ) -> "NumberKets":
        """Products of one-mode kets.

        Raises:
            ValueError: samples that do not fit into memory, or `quanta` missing where C
                or the start is traced.
        """
        sampled = isinstance(start, PSamples)
        quanta = self._enough(modes, _OF_SAMPLES if sampled else _TOLERANCE)
        kets = start.kets(equation, modes, quanta + 1)
        if sampled:
            size = sum(sector_sizes(equation.modes, quanta))
            _checks.check_memory(
                48.0 * start.samples * size,
                "samples",
                f"so many kets of {size} numbers",
            )
        return NumberKets(
            product_kets(kets.tables, quanta), kets.weights, equation.modes, quanta
        )


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


class SectorKets(Carrier):
    """iħ_eff dv/dt = H_eff v of each ket, of an `Equation.quantum`."""

    def vector_field(self, equation: Equation, state: NumberKets) -> NumberKets:
        """-i H v/ħ for each ket."""
        hamiltonian = SparseHamiltonian.build(
            equation.symbol, state.quanta, equation.hbar
        )
        kets = -1j / equation.hbar * hamiltonian.apply(state.kets)
        return NumberKets(kets, 0 * state.weights, state.modes, state.quanta)

    def orbit(
        self, equation: Equation, state0: NumberKets, ts: Array
    ) -> tuple[NumberKets, Array]:
        """exp(-i H t/ħ) on each ket, and a bound on the relative rounding."""
        hbar, times, quanta = equation.hbar, ts - ts[0], state0.quanta
        shape = ts.shape[0], *state0.kets.shape
        _checks.check_memory(48.0 * math.prod(shape), "ts", f"{shape} amplitudes")
        largest = max(sector_sizes(state0.modes, quanta))
        if largest <= LARGEST_SECTOR:
            pieces = hamiltonian_pieces(equation.symbol, quanta, hbar)
            kets = pieces_orbit(pieces, state0.kets, times, hbar)
            phase = math.sqrt(largest) * frobenius(pieces) / hbar * times
        else:
            sparse = SparseHamiltonian.build(equation.symbol, quanta, hbar)
            low, high = sparse.spectral_bounds()
            kets = _series_orbit(sparse, state0.kets, times, hbar)
            phase = (high - low) / (2 * hbar) * times
        weights = jnp.broadcast_to(state0.weights, (shape[0], *state0.weights.shape))
        bound = jnp.finfo(kets.dtype).eps * (math.sqrt(largest) + phase)
        return NumberKets(kets, weights, state0.modes, quanta), bound

    def density(
        self, equation: Equation, state: NumberKets, points: Complex[Array, "... M"]
    ) -> Float[Array, "..."]:
        """Σ_k w_k |<α/√ħ|v_k>|²/(πħ)^M"""
        hbar = equation.hbar.astype(state.weights.dtype)
        flat = jnp.reshape(points, (-1, state.modes)).astype(state.kets.dtype)
        tables = coherent_amplitudes(flat / jnp.sqrt(hbar), state.quanta + 1)
        bras = jnp.conj(product_kets(tables, state.quanta))
        overlaps = matmul(bras, state.kets.T)
        values = jnp.sum(abs2(overlaps) * state.weights[None, :], axis=1)
        return jnp.reshape(values / (np.pi * hbar) ** state.modes, points.shape[:-1])

    def moment(
        self, equation: Equation, state: NumberKets, m: Powers, n: Powers
    ) -> Complex[Array, ""]:
        """ħ^((|m|+|n|)/2) Tr(ρ b^m b†^n)"""
        return jnp.sum(state.weights * self.means(equation, state, m, n))

    def means(
        self, equation: Equation, state: NumberKets, m: Powers, n: Powers
    ) -> Complex[Array, " K"]:
        """ħ^((|m|+|n|)/2) <v_k| Π_i b_i^m_i b_i†^n_i |v_k>"""
        entries = monomial_entries(((m, n),), state.quanta)
        values = jnp.asarray(entries.values, state.weights.dtype)
        bras = jnp.conj(take(state.kets, entries.rows, 1))
        kets = take(state.kets, entries.columns, 1)
        each = jnp.sum(bras * values[None, :] * kets, axis=1)
        return equation.hbar.astype(values.dtype) ** ((sum(m) + sum(n)) / 2) * each

    def resolution(self, equation: Equation, state: NumberKets) -> Resolution:
        """The share that the trace misses: that of more quanta than are kept."""
        del equation
        norms = jnp.sum(abs2(state.kets), axis=1)
        return _lost_share(jnp.abs(1 - jnp.sum(state.weights * norms)))


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


# -- blocks ----------------------------------------------------------------------------


class NumberBlocks(eqx.Module):
    """ρ without its coherences between different numbers of quanta.

    Attributes:
        pieces: blocks of like size together, shape (blocks, d, d), filled up with 0.
        modes: M (static).
        quanta: largest number of quanta (static).
    """

    pieces: tuple[Complex[Array, "blocks d d"], ...]
    modes: int = static()
    quanta: int = static()


class SectorBlocks(Carrier):
    """iħ_eff dρ_N/dt = [H_eff, ρ_N] for each total number N of quanta."""

    def orbit(
        self, equation: Equation, state0: NumberBlocks, ts: Array
    ) -> tuple[NumberBlocks, Array]:
        """U ρ U† of each block, U = exp(-i H t/ħ)."""
        hbar, times, quanta = equation.hbar, ts - ts[0], state0.quanta
        size = sum(math.prod(block.shape) for block in state0.pieces)
        _checks.check_memory(48.0 * size * len(ts), "ts", f"{len(ts)} times")
        hamiltonian = hamiltonian_pieces(equation.symbol, quanta, hbar)

        def moved(block):
            energies, rho = block
            # all columns of U, with the derivatives of `unitary_orbit`
            columns = jax.vmap(unitary_orbit, (None, 0, None, None), 1)
            one = jnp.eye(rho.shape[0], dtype=rho.dtype)
            turn = columns(energies, one, times, hbar)  # <i|U(t)|j> at [t, j, i]
            return matmul(jnp.swapaxes(turn, 1, 2), matmul(rho[None], jnp.conj(turn)))

        # one by one: see `jqd.steppers.blocks`
        orbits = [
            jnp.moveaxis(jax.lax.map(moved, (parts, rho)), 1, 0)
            for (_, parts), rho in zip(hamiltonian, state0.pieces, strict=True)
        ]
        largest = max(sector_sizes(state0.modes, quanta))
        eps = jnp.finfo(state0.pieces[0].dtype).eps
        bound = eps * math.sqrt(largest) * (1 + frobenius(hamiltonian) / hbar * times)
        return NumberBlocks(tuple(orbits), state0.modes, quanta), bound

    def vector_field(self, equation: Equation, state: NumberBlocks) -> NumberBlocks:
        """-i [H, ρ_N]/ħ"""
        hbar = equation.hbar
        rates = []
        hamiltonian = hamiltonian_pieces(equation.symbol, state.quanta, hbar)
        for (_, parts), rho in zip(hamiltonian, state.pieces, strict=True):
            parts = parts.astype(rho.dtype)
            rates.append(-1j / hbar * (matmul(parts, rho) - matmul(rho, parts)))
        return NumberBlocks(tuple(rates), state.modes, state.quanta)

    def density(
        self, equation: Equation, state: NumberBlocks, points: Complex[Array, "... N"]
    ) -> Float[Array, "..."]:
        """Not available: Q needs the coherences between numbers of quanta.

        Raises:
            ValueError: always.
        """
        raise _no_density()

    def moment(
        self, equation: Equation, state: NumberBlocks, m: Powers, n: Powers
    ) -> Complex[Array, ""]:
        """ħ^|m| Tr(ρ b^m b†^n), |m| = |n|

        Raises:
            ValueError: powers that do not conserve the number of quanta.
        """
        if sum(m) != sum(n):
            raise ValueError(
                "Argument `m` must be of as many powers as `n`, so that the moment "
                "conserves the number of quanta, of blocks in `Sectors`, but they "
                f"have {sum(m)} and {sum(n)}; use `Levels`."
            )
        _, rows, columns, values = monomial_entries(((m, n),), state.quanta)
        starts = sector_rows(state.modes, state.quanta)[:, 0]
        sector = np.searchsorted(starts, rows, side="right") - 1
        total = jnp.zeros((), state.pieces[0].dtype)
        for index, rho in zip(
            _groups(state.modes, state.quanta), state.pieces, strict=True
        ):
            member = np.full(len(starts), -1)
            member[np.searchsorted(starts, index[:, 0])] = np.arange(len(index))
            here = np.flatnonzero(member[sector] >= 0)
            first = starts[sector[here]]
            places = member[sector[here]], columns[here] - first, rows[here] - first
            total = total + jnp.sum(
                take(rho, places) * jnp.asarray(values[here], rho.real.dtype)
            )
        return equation.hbar.astype(total.real.dtype) ** sum(m) * total

    def resolution(self, equation: Equation, state: NumberBlocks) -> Resolution:
        """The share that the trace misses: that of more quanta than are kept."""
        none = (0,) * state.modes
        trace = jnp.real(self.moment(equation, state, none, none))
        return _lost_share(jnp.abs(1 - trace))


@functools.lru_cache(maxsize=16)
def _groups(modes: int, quanta: int) -> list[np.ndarray]:
    """Rows of the blocks of like size."""
    rows, size = sector_rows(modes, quanta), sum(sector_sizes(modes, quanta))
    none = np.zeros(0, int)
    return [index for index, _ in split_entries(none, none, jnp.zeros(0), rows, size)]


def _check_size(modes: int, quanta: int) -> None:
    """Raise where a block is too large for its eigenvectors."""
    largest = max(sector_sizes(modes, quanta))
    if largest > LARGEST_SECTOR:
        raise ValueError(
            f"Argument `quanta` must leave blocks of at most {LARGEST_SECTOR} states "
            f"in `Sectors`, but {quanta} quanta in {modes} modes are {largest}; give "
            "fewer `quanta` or a larger `tolerance`, or start by `PSamples` or "
            "`FirstOrder`."
        )


def _no_density() -> ValueError:
    return ValueError(
        "Argument `points` must be None for blocks in `Sectors`, which hold no "
        "coherences between numbers of quanta and so no density; use `Levels`."
    )


def _lost_share(lost: Array) -> Resolution:
    """The share of quanta left out as the relative error; it does not grow."""
    return Resolution(lost, jnp.zeros_like(lost))

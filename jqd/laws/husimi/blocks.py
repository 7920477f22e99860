"""The density operator, one block for each total number of quanta."""

import functools
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from ... import _checks
from ...constants import static
from ...steppers.blocks import split_entries
from ...steppers.eigenbasis import unitary_orbit
from ..groups import Resolution
from .form import Equation, Form, Powers
from .gaussian_sum import GaussianSum
from .sectors import (
    LARGEST_SECTOR,
    check_sectors,
    enough_quanta,
    frobenius,
    hamiltonian_pieces,
    lost_share,
    monomial_entries,
    occupations,
    product_start,
    read_start,
    sector_rows,
    sector_sizes,
)


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


class Blocks(Form):
    """iħ_eff dρ_N/dt = [H_eff, ρ_N] for each total number N of quanta, ħ_eff = Cħ.

    For many modes, H and moments that conserve the number of quanta, and products of
    coherent or thermal modes, `GaussianSum.coherent` or `.thermal`: the operator ρ at
    ħ_eff that has their Husimi function is a product,

    <n|ρ|m> = Π_i R_i[n_i, m_i], R_i displaced thermal, n_eff = (n̄+1)/C - 1,

    exact also for C > 1, where n_eff < 0 and ρ has negative eigenvalues. No kets, no
    sampling: with three modes 20 quanta take a second. What moves no phase between
    numbers of quanta says nothing of Q itself, nor of <α>: for those see `Heff`.

    The trace misses the share of larger N, which `resolution` reports: a mean number
    of quanta misses about N times as much.

    Attributes:
        quanta: largest N, or None: as many as the tolerance asks for, where C and the
            start are known (static).
        tolerance: ten times what may be left out of the trace.

    Source: displaced thermal states, R. J. Glauber, Phys. Rev. 131, 2766 (1963).
    """

    quanta: int | None = static(default=None)
    tolerance: float = static(default=1e-9)

    def solves(self, equation: Equation) -> bool:
        """Blocks are known at all times at once."""
        del equation
        return True

    def check(self, equation: Equation, points: Complex[Array, "..."] | None) -> None:
        """Number-conserving, at most two powers of α and of α*, blocks not too large.

        Raises:
            ValueError: else, or points, at which there is no density.
        """
        if points is not None:
            raise _no_density()
        check_sectors(equation, "blocks", self.quanta, self.tolerance)
        if self.quanta is not None:
            _check_size(equation.modes, self.quanta)

    def admit(self, equation: Equation, psi: Any) -> GaussianSum:
        """A product of coherent or thermal modes as a `GaussianSum`.

        Raises:
            ValueError: any other state.
        """
        return read_start(psi, equation, "blocks")

    def prepare(self, equation: Equation, psi: GaussianSum) -> NumberBlocks:
        """Π_i R_i[n_i, m_i] in each block.

        Raises:
            ValueError: C outside its window, blocks too large, or `quanta` missing
                where C or the start is traced.
        """
        start = product_start(psi, equation)
        quanta = enough_quanta(start, self.quanta, self.tolerance, "blocks")
        _check_size(psi.modes, quanta)
        # one row more, of zeros: what smaller blocks are filled up with
        tables = jnp.pad(start.matrices(quanta + 1), ((0, 0), (0, 1), (0, 1)))
        filler = np.full((1, psi.modes), quanta + 1)
        states = np.concatenate([occupations(psi.modes, quanta), filler])

        def fill(index):
            n = states[index]
            block = jnp.ones((*index.shape, index.shape[1]), tables.dtype)
            for i in range(psi.modes):
                block = block * tables[i][n[:, :, None, i], n[:, None, :, i]]
            return block

        groups = _groups(psi.modes, quanta)
        return NumberBlocks(tuple(map(fill, groups)), psi.modes, quanta)

    def orbit(
        self, equation: Equation, state0: NumberBlocks, ts: Array
    ) -> tuple[NumberBlocks, Array]:
        """U ρ U† of each block, U = exp(-i H_eff t/ħ_eff)."""
        hbar, times, quanta = equation.hbar_eff, ts - ts[0], state0.quanta
        size = sum(math.prod(block.shape) for block in state0.pieces)
        _checks.check_memory(48.0 * size * len(ts), "ts", f"{len(ts)} times")
        hamiltonian = hamiltonian_pieces(equation.symbol, quanta, hbar)

        def moved(block):
            energies, rho = block
            # all columns of U, with the derivatives of `unitary_orbit`
            columns = jax.vmap(unitary_orbit, (None, 0, None, None), 1)
            one = jnp.eye(rho.shape[0], dtype=rho.dtype)
            turn = columns(energies, one, times, hbar)  # <i|U(t)|j> at [t, j, i]
            return _matmul(jnp.swapaxes(turn, 1, 2), _matmul(rho[None], jnp.conj(turn)))

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
        """-i [H_eff, ρ_N]/ħ_eff"""
        hbar = equation.hbar_eff
        rates = []
        hamiltonian = hamiltonian_pieces(equation.symbol, state.quanta, hbar)
        for (_, parts), rho in zip(hamiltonian, state.pieces, strict=True):
            parts = parts.astype(rho.dtype)
            rates.append(-1j / hbar * (_matmul(parts, rho) - _matmul(rho, parts)))
        return NumberBlocks(tuple(rates), state.modes, state.quanta)

    def density(
        self, equation: Equation, state: NumberBlocks, points: Complex[Array, "... N"]
    ) -> Float[Array, "..."]:
        """Not there: Q needs the coherences between numbers of quanta.

        Raises:
            ValueError: always.
        """
        raise _no_density()

    def moment(
        self, equation: Equation, state: NumberBlocks, m: Powers, n: Powers
    ) -> Complex[Array, ""]:
        """ħ_eff^|m| Tr(ρ b^m b†^n), |m| = |n|

        Raises:
            ValueError: powers that do not conserve the number of quanta.
        """
        if sum(m) != sum(n):
            raise ValueError(
                "Argument `m` must be of as many powers as `n`, so that the moment "
                "conserves the number of quanta, for form 'blocks', but they have "
                f"{sum(m)} and {sum(n)}; use form 'heff'."
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
                rho[places] * jnp.asarray(values[here], rho.real.dtype)
            )
        return equation.hbar_eff.astype(total.real.dtype) ** sum(m) * total

    def resolution(self, equation: Equation, state: NumberBlocks) -> Resolution:
        """What the trace misses: the share of more quanta than are kept."""
        none = (0,) * state.modes
        trace = jnp.real(self.moment(equation, state, none, none))
        return lost_share(jnp.abs(1 - trace))


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
            f"for form 'blocks', but {quanta} quanta in {modes} modes are {largest}; "
            "give fewer `quanta` or a larger `tolerance`, or use form 'sampled' or "
            "'response'."
        )


def _no_density() -> ValueError:
    return ValueError(
        "Argument `points` must be None for form 'blocks', which holds no coherences "
        "between numbers of quanta and so no density; use form 'heff'."
    )


def _matmul(a: Array, b: Array) -> Array:
    return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)

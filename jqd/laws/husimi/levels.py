"""Quantum mechanics at ħ_eff on the lowest number states of each mode."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ..._math import abs2
from ...constants import static
from ...spaces.symbols import Symbol, apply, couplings, diagonal, matrix
from ...states import Ensemble, husimi
from ...states.husimi import ensemble_moment, ensemble_moments
from ...status import Status
from ...steppers.blocks import connected_rows, pieces_orbit, split_entries
from ...steppers.chebyshev import hermitian_exponential
from ...steppers.eigenbasis import unitary_orbit
from ..groups import Resolution
from .damped import Damped
from .fock import EDGE, Fock, conserves_quanta, cut_error
from .form import Carrier, Equation, Order, Powers, read_levels
from .starts import FirstOrder, ProductStart, PSamples, Series, Start
from .window import check_window

# Levels up to which a step under a drive takes H as a matrix. Beyond, it takes the
# series on the kets, whose steps should keep |H_eff| dt/ħ_eff below about 2.
LARGEST_DENSE = 160


class Levels(eqx.Module):
    """The lowest number states of each mode.

    Attributes:
        levels: how many of each mode, at ħ_eff (static); None for 64, or 40 for a
            density operator in a bath.
        terms: of the Chebyshev series by which a step under a drive acts on the kets
            (static), or None: as many as it needs, or the exponential of the matrix.
            Give some 10 more than half the spread of H_eff dt/ħ_eff; with too few, a
            run ends with the status NON_FINITE.
    """

    levels: int | tuple[int, ...] | None = static(default=None)
    terms: int | None = static(default=None)

    def check(self, equation: Equation, start: Start, points: Any) -> None:
        """Raise ValueError for invalid numbers of levels or of terms."""
        del start, points
        self.sizes(equation)
        if self.terms is not None and equation.bath is not None:
            raise ValueError(
                "Argument `terms` must be None in a bath, where no kets are moved, but "
                f"is {self.terms}."
            )
        if self.terms is not None:
            _checks.whole_number(self.terms, "terms", 2)

    def sizes(self, equation: Equation) -> tuple[int, ...]:
        """The levels kept of each mode.

        Raises:
            ValueError: not one positive integer, or one of each mode.
        """
        default = 64 if equation.bath is None else 40
        kept = default if self.levels is None else self.levels
        return read_levels(kept, equation.modes)

    def carrier(self, equation: Equation, start: Start) -> Carrier:
        """Kets, or ρ where there is a bath."""
        del start
        if equation.bath is None:
            return Kets(self.terms)
        levels = self.sizes(equation)
        kind = Damped if conserves_quanta(equation) else Fock
        return kind(levels, 2)

    def series(self, start: Series, equation: Equation, psi: Any) -> Ensemble:
        """The kets of any state, see `Series.kets`.

        Raises:
            ValueError: as for `Series.kets`, and C outside the window of the state.
        """
        check_window(equation.C, psi)
        return start.kets(equation, psi, self.sizes(equation))

    def product(
        self, start: FirstOrder | PSamples, equation: Equation, modes: ProductStart
    ) -> Ensemble:
        """Products of one-mode kets.

        Raises:
            ValueError: kets that do not fit into memory.
        """
        sizes = self.sizes(equation)
        kets = start.kets(equation, modes, max(sizes))
        count, whole = kets.tables.shape[0], kets.tables[:, 0, : sizes[0]]
        number = math.prod(sizes)
        _checks.check_memory(
            48.0 * count * number, "levels", f"{count} kets of {number} numbers"
        )
        for i, size in enumerate(sizes[1:], 1):
            one = jnp.reshape(kets.tables[:, i, :size], (count, *(1,) * i, size))
            whole = whole[..., None] * one
        return Ensemble(whole, kets.weights)


class Kets(Carrier):
    """iħ_eff dv/dt = H_eff v of each ket, of an `Equation.quantum`.

    Attributes:
        terms: as in `Levels`.
    """

    terms: int | None = static(default=None)

    def vector_field(self, equation: Equation, state: Ensemble) -> Ensemble:
        """-i H v/ħ for each ket."""
        hbar = equation.hbar
        image = apply(equation.symbol, state.flat(), state.levels, hbar=hbar)
        rate = -1j / hbar * image
        return Ensemble(jnp.reshape(rate, state.kets.shape), 0 * state.weights)

    def flow(self, equation: Equation, state: Ensemble, dt: ArrayLike) -> Ensemble:
        """exp(-i H dt/ħ) on each ket."""
        levels, hbar = state.levels, equation.hbar
        if self.terms is None and math.prod(levels) > LARGEST_DENSE:
            return super().flow(equation, state, dt)
        turned = jnp.asarray(dt / hbar) * matrix(equation.symbol, levels, hbar=hbar)
        kets = hermitian_exponential(turned, state.flat(), self.terms)
        return Ensemble(jnp.reshape(kets, state.kets.shape), state.weights)

    def orbit(
        self, equation: Equation, state0: Ensemble, ts: Array
    ) -> tuple[Ensemble, Array]:
        """exp(-i H t/ħ) on each ket, block by block where H has blocks."""
        levels, times = state0.levels, ts - ts[0]
        run, size = _propagator(equation.symbol, levels, times, equation.hbar)
        kets = run(state0.flat())
        weights = jnp.broadcast_to(
            state0.weights[None], (ts.shape[0], *state0.weights.shape)
        )
        # backward error of a Hermitian eigensolver: a few eps of the norm of H
        eps = jnp.finfo(kets.dtype).eps
        phase = size / equation.hbar * times
        bound = eps * math.sqrt(kets.shape[-1]) * (1 + phase)
        return Ensemble(jnp.reshape(kets, (*kets.shape[:2], *levels)), weights), bound

    def density(
        self, equation: Equation, state: Ensemble, points: Complex[Array, "... N"]
    ) -> Float[Array, "..."]:
        """Σ_k w_k |<α/√ħ|v_k>|²/(πħ)^N"""
        modes, hbar = points.shape[-1], equation.hbar
        return husimi(
            state, points[..., 0] if modes == 1 else points, hbar=hbar, modes=modes
        )

    def moment(
        self, equation: Equation, state: Ensemble, m: Powers, n: Powers
    ) -> Complex[Array, ""]:
        """ħ^((|m|+|n|)/2) Tr(ρ b^m b†^n)"""
        return ensemble_moment(state, m, n, equation.hbar)

    def moments(
        self, equation: Equation, state: Ensemble, orders: Sequence[Order]
    ) -> Complex[Array, " k"]:
        """Those of each (m, n), see `ensemble_moments`."""
        return ensemble_moments(state, orders, equation.hbar)

    def means(
        self, equation: Equation, state: Ensemble, m: Powers, n: Powers
    ) -> Complex[Array, " K"]:
        """The moment of each ket by itself."""

        def one(ket: Array) -> Array:
            alone = Ensemble(ket[None], jnp.ones_like(state.weights[:1]))
            return ensemble_moment(alone, m, n, equation.hbar)

        return jax.vmap(one)(state.kets)

    def resolution(self, equation: Equation, state: Ensemble) -> Resolution:
        """The error from the levels left out, see `cut_error`."""
        del equation
        return cut_error(edge_share(state))

    def alarm(self, equation: Equation, state: Ensemble) -> Array:
        """`CUTOFF` where the two highest levels of a mode hold more than `EDGE`."""
        del equation
        return jnp.where(edge_share(state) > EDGE, Status.CUTOFF, Status.OK)


def _propagator(
    symbol: Symbol, levels: tuple[int, ...], times: Array, hbar: Array
) -> tuple[Callable[[Array], Array], Array]:
    """The map of kets to their orbits, and the Frobenius norm of H_eff."""

    def whole(hamiltonian):
        norm = jnp.sqrt(jnp.sum(abs2(hamiltonian)))

        def orbit(ket):
            return unitary_orbit(hamiltonian, ket, times, hbar)

        return jax.vmap(orbit, out_axes=1), norm

    if all(m == n for m, n in symbol.powers):
        return whole(diagonal(symbol, levels, hbar=hbar))
    entries, size = couplings(symbol, levels, hbar=hbar), math.prod(levels)
    blocks = connected_rows(*entries.pattern(size), size)
    if blocks is None:
        return whole(matrix(symbol, levels, hbar=hbar))
    values = jnp.asarray(entries.values)
    pieces = split_entries(entries.rows, entries.columns, values, blocks, size)
    norm = jnp.sqrt(sum(jnp.sum(abs2(parts)) for _, parts in pieces))
    return lambda kets: pieces_orbit(pieces, kets, times, hbar), norm


def edge_share(state: Ensemble) -> Float[Array, ""]:
    """Largest share of the trace in the two highest levels of a mode.

    Two, since Hamiltonians that move quanta in pairs leave every other level empty.
    """
    scale = jnp.reshape(state.weights, (-1,) + (1,) * state.modes)
    density = scale * abs2(state.kets)
    shares = []
    for axis, size in enumerate(state.levels, 1):
        top = jax.lax.slice_in_dim(density, max(size - 2, 0), size, axis=axis)
        shares.append(jnp.abs(jnp.sum(top)))
    return jnp.max(jnp.stack(shares))

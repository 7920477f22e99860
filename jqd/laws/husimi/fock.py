"""The density operator in the number basis: any polynomial, any number of orders."""

import math
from collections.abc import Callable
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from ..._math import abs2, divisor
from ...constants import static, switch
from ...spaces.fock import coherent_amplitudes
from ...spaces.symbols import Symbol, matrix
from ...states import Ensemble
from ...status import Status
from ...steppers import exponential, taylor18
from ...steppers.eigenbasis import exponential_orbit
from ..groups import Resolution
from .banded import Generator, diagonal_orbit
from .bath import Rates
from .form import (
    Equation,
    Form,
    Powers,
    check_fits,
    check_orders,
    read_levels,
)
from .series import bath_generator, series_generator
from .window import check_window

# Share of the trace in the highest levels of a mode above which a run is marked.
EDGE = 1e-6
# Entries of ρ up to which exp(G dt) is worth a matrix, and levels up to which those of
# its diagonals are.
LARGEST_DENSE, LARGEST_DIAGONAL = 1200, 64


class Fock(Form):
    """dρ/dt = G₁ρ + C G₂ρ + G₃ρ + .., the operator whose Husimi function at ħ is Q.

    G_k holds the k-th derivatives of the series (63), term by term. `orders=2` is the
    Fokker-Planck equation, also for a Hamiltonian with which it is not quantum
    mechanics; all orders with C = 1 are -i[H, ρ]/ħ. C multiplies the second order
    alone. The form takes any polynomial H and any length scale `s` of the diffusion.

    Where the law is exact quantum mechanics, or nearly so, entries of ρ stay small.
    Elsewhere they grow without bound as levels are added: see
    `jqd.readings.truncation.horizon`. For C != 1, values of Q far out need more levels
    than those near the origin: 32 levels reach |α| <= 1.5 for C in [0.5, 1.5]. The form
    `Exact` has no such limit.

    Attributes:
        levels: levels kept of each mode (static).
        orders: derivatives up to this order, or None for all (static).
        exponential: propagate by exponentials, exactly to rounding (static): of one
            matrix for each diagonal of ρ where each moves by itself, or of the D² x D²
            matrix where that is of at most `LARGEST_DENSE` rows; else by steps.

    Source: eq. (63).
    """

    linear: ClassVar[bool] = True
    levels: int | tuple[int, ...] = static(default=32)
    orders: int | None = static(default=2)
    exponential: bool = switch(default=False)

    @property
    def stepper(self) -> Callable[..., Array]:
        """Taylor series: the law is linear in ρ."""
        return taylor18

    @property
    def bathed(self) -> bool:
        """True: a bath at ħ does not depend on C."""
        return True

    def solves(self, equation: Equation) -> bool:
        """Whether exponentials were asked for and are small enough."""
        levels = read_levels(self.levels, equation.modes)
        small = math.prod(levels) ** 2 <= LARGEST_DENSE
        return self.exponential and (small or moves_diagonals(equation, levels))

    def check(self, equation: Equation, points: Complex[Array, "..."] | None) -> None:
        """Require one number of levels for each mode, and at least one order.

        Raises:
            ValueError: if not.
        """
        del points
        read_levels(self.levels, equation.modes)
        check_orders(self.orders, 1, "at least 1 or None")

    def prepare(self, equation: Equation, psi: Ensemble) -> Complex[Array, "D D"]:
        """ρ at ħ, the same for every C.

        Raises:
            ValueError: more levels than are kept, or C outside its window.
        """
        levels = read_levels(self.levels, psi.modes)
        check_fits(psi, levels)
        check_window(equation.C, psi)
        pads = [kept - have for kept, have in zip(levels, psi.levels, strict=True)]
        kets = jnp.pad(psi.kets, [(0, 0), *((0, pad) for pad in pads)])
        return Ensemble(kets, psi.weights).matrix()

    def orders_of(self, equation: Equation) -> tuple[int, ...]:
        """The orders of derivatives that are kept: 1, 2, .."""
        # along β, each second derivative mixes those along α and α*
        least = 1 if equation.s is None else 2
        top = max(equation.symbol.holomorphic_degree, least)
        kept = top if self.orders is None else min(self.orders, top)
        return tuple(range(1, kept + 1))

    def generator(
        self,
        equation: Equation,
        orders: tuple[int, ...] | None = None,
        rates: Rates | None = None,
    ) -> Generator:
        """G, or only its derivatives of some orders: C G₂ for the second.

        Args:
            equation: the equation, `law.equation`.
            orders: orders of the derivatives; None for all that are kept.
            rates: rates of a bath; None for those of the equation, or, with given
                `orders`, for no bath.
        """
        levels = read_levels(self.levels, equation.modes)
        if rates is None and orders is None and equation.bath is not None:
            rates = equation.bath.rates()
        orders = self.orders_of(equation) if orders is None else orders
        found = series_generator(equation, levels, orders)
        return found if rates is None else found.plus(bath_generator(rates, levels))

    def vector_field(
        self, equation: Equation, state: Complex[Array, "D D"]
    ) -> Complex[Array, "D D"]:
        """Gρ"""
        return self.generator(equation)(state)

    def flow(
        self, equation: Equation, state: Complex[Array, "D D"], dt: ArrayLike
    ) -> Complex[Array, "D D"]:
        """The state after dt by the series of exp(G dt), with G made once."""
        return exponential(self.generator(equation), state, dt)

    def orbit(
        self, equation: Equation, state0: Complex[Array, "D D"], ts: Array
    ) -> tuple[Complex[Array, "T D D"], Array]:
        """exp(G dt) from each time to the next.

        Times at equal distances share one exponential.
        """
        generator = self.generator(equation)
        if moves_diagonals(equation, read_levels(self.levels, equation.modes)):
            return diagonal_orbit(generator, state0, ts)
        whole = generator.dense().astype(state0.dtype)
        flat = exponential_orbit(whole, jnp.ravel(state0), ts)
        states = jnp.reshape(flat, (ts.shape[0], *state0.shape))
        # rounding error of a matrix of this size, amplified as the state grows
        size = jnp.sqrt(jnp.sum(abs2(whole), axis=1))
        growth = jnp.max(jnp.abs(states), axis=(1, 2)) / jnp.max(jnp.abs(state0))
        eps = jnp.finfo(state0.dtype).eps
        return states, eps * (1 + jnp.max(size) * (ts - ts[0])) * jnp.maximum(growth, 1)

    def density(
        self,
        equation: Equation,
        state: Complex[Array, "D D"],
        points: Complex[Array, "... N"],
    ) -> Float[Array, "..."]:
        """<a|ρ|a>/(πħ)^N, a = α/√ħ"""
        real = jnp.finfo(state.dtype).dtype
        hbar, modes = equation.hbar.astype(real), points.shape[-1]
        scaled = jnp.reshape(points, (-1, modes)).astype(state.dtype)
        kets = jnp.ones((scaled.shape[0], 1), state.dtype)
        for mode, levels in enumerate(read_levels(self.levels, modes)):
            amplitudes = coherent_amplitudes(scaled[:, mode] / jnp.sqrt(hbar), levels)
            kets = kets[:, :, None] * amplitudes[:, None, :]
            kets = jnp.reshape(kets, (kets.shape[0], -1))
        values = jnp.sum(jnp.real(jnp.matmul(jnp.conj(kets), state) * kets), axis=1)
        norm = (np.pi * hbar) ** modes
        return jnp.reshape(values / norm, points.shape[:-1])

    def moment(
        self, equation: Equation, state: Complex[Array, "D D"], m: Powers, n: Powers
    ) -> Complex[Array, ""]:
        """ħ^((|m|+|n|)/2) Tr(ρ a^m a†^n)"""
        one = Symbol(jnp.ones(1, state.dtype), [(m, n)])
        operator = matrix(one, read_levels(self.levels, len(m)), hbar=equation.hbar)
        return jnp.sum(state * operator.T)

    def alarm(self, equation: Equation, state: Complex[Array, "D D"]) -> Array:
        """`Status.CUTOFF` where the two highest levels of a mode hold more than `EDGE`.

        Two levels, since motion in pairs of quanta leaves every other level empty.
        """
        edge = self._edge(equation, state)
        return jnp.where(edge > EDGE, Status.CUTOFF, Status.OK)

    def resolution(
        self, equation: Equation, state: Complex[Array, "D D"]
    ) -> Resolution:
        """The error from the levels left out, see `cut_error`; not that of `orders`.

        Tested where the law is quantum mechanics; elsewhere entries of ρ may grow.
        """
        return cut_error(self._edge(equation, state))

    def _edge(self, equation: Equation, state: Array) -> Array:
        """Largest share of the trace in the two highest levels of a mode."""
        levels = read_levels(self.levels, equation.modes)
        occupied = jnp.reshape(jnp.diagonal(jnp.real(state)), levels)
        shares = [
            jnp.sum(jnp.abs(jnp.moveaxis(occupied, mode, 0)[-2:]))
            for mode in range(occupied.ndim)
        ]
        return jnp.max(jnp.stack(shares))


def conserves_quanta(equation: Equation) -> bool:
    """Whether each diagonal of the ρ of one mode moves by itself."""
    still = all(m == n for m, n in equation.outline().symbol.powers)
    return still and equation.modes == 1 and equation.s is None


def moves_diagonals(equation: Equation, levels: tuple[int, ...]) -> bool:
    """Whether each diagonal of ρ moves by itself, and they are few enough."""
    return conserves_quanta(equation) and levels[0] <= LARGEST_DIAGONAL


def cut_error(share: Float[Array, ""]) -> Resolution:
    """Relative error of Q from the levels left out, √2 p^¾ of the share p at the edge.

    The part that is cut off lies far out in phase space. Where it does not overlap with
    the rest the error is p; where it does, the interference of amplitudes, 2√p. This is
    the geometric mean. In the tested cases it is within a factor of 20 of
    ∫|Q - Q_exact| d²α, where that is above 1e-10: oscillators driven, squeezed and
    anharmonic, one mode.

    Args:
        share: p, of the trace in the two highest levels of a mode.
    """
    error = jnp.where(share > 0, math.sqrt(2) * divisor(share) ** 0.75, 0)
    return Resolution(error, jnp.zeros_like(error))

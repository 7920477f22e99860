"""The master equation with ħ_eff = Cħ: the law in a bath."""

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from ..._math import abs2
from ...constants import static
from ...states import Ensemble, State
from ...status import Status
from ...steppers import exponential, taylor18
from ...steppers.exponentials import exponential_orbit
from ..groups import Resolution
from .banded import Generator
from .fock import Fock
from .form import Equation, Form, Powers, read_levels
from .heff import Heff
from .window import limits

# Levels up to which diagonals of ρ are moved by exponentials of matrices.
LARGEST_DENSE = 64


class Master(Form):
    """dρ/dt = -(i/ħ_eff) [H_eff, ρ] + Σ_i {D' D[b_i] + G' D[b_i†] + g D[b_i†b_i]} ρ

    The operator whose Husimi function at ħ_eff = Cħ is Q, as in `Heff`, as a matrix,
    with D' = D/C and G' = G + D(1/C - 1) of the `Bath`: exact for every C of the
    window, G' < 0 included, for which ρ is signed and no Lindblad equation holds.

    Attributes:
        levels: levels kept of each mode, at ħ_eff (static).
        orders: as of `Heff` (static).
        tolerance: likewise.
    """

    levels: int | tuple[int, ...] = static(default=40)
    orders: int | None = static(default=None)
    tolerance: float = static(default=1e-12)

    @property
    def linear(self) -> bool:
        """It is."""
        return True

    @property
    def bathed(self) -> bool:
        """It is."""
        return True

    @property
    def stepper(self) -> Callable[..., Array]:
        """Taylor series: the law is linear in ρ."""
        return taylor18

    def check(self, equation: Equation, points: Complex[Array, "..."] | None) -> None:
        """What `Heff` asks for.

        Raises:
            ValueError: else.
        """
        Heff(self.levels, self.orders, self.tolerance).check(equation, points)

    def prepare(
        self, equation: Equation, psi: Ensemble | State
    ) -> Complex[Array, "D D"]:
        """ρ at ħ_eff.

        Raises:
            ValueError: see `Heff`; C beyond what the bath allows.
        """
        if equation.bath is not None:
            equation.bath.check_window(equation.C)
        kets = Heff(self.levels, self.orders, self.tolerance)
        return kets.prepare(equation, psi).matrix()

    def limits(self, psi: Any) -> dict[str, tuple[ArrayLike, ArrayLike]]:
        """The window of a start that declares it; that of the bath is no narrower."""
        return limits(psi, kets=False)

    def vector_field(
        self, equation: Equation, state: Complex[Array, "D D"]
    ) -> Complex[Array, "D D"]:
        """The right side of the master equation."""
        return self._generator(equation)(state)

    def flow(
        self, equation: Equation, state: Complex[Array, "D D"], dt: ArrayLike
    ) -> Complex[Array, "D D"]:
        """The series of the exponential, of a generator that is made once."""
        return exponential(self._generator(equation), state, dt)

    def solves(self, equation: Equation) -> bool:
        """Whether the diagonals of ρ, few enough, move each by itself."""
        small = math.prod(read_levels(self.levels, equation.modes)) <= LARGEST_DENSE
        still = all(m == n for m, n in equation.symbol.powers)
        return small and still and equation.modes == 1

    def orbit(
        self, equation: Equation, state0: Complex[Array, "D D"], ts: Array
    ) -> tuple[Complex[Array, "T D D"], Array]:
        """exp(A_k dt) on each diagonal from each time to the next.

        Times at equal distances share one exponential.
        """
        parts = self._generator(equation).diagonals().astype(state0.dtype)
        size, eps = state0.shape[0], jnp.finfo(ts.dtype).eps
        k, n = np.indices((size, size))
        column = np.minimum(n + k, size - 1)
        inside = jnp.asarray(n + k < size)
        first = jnp.where(inside, state0[n, column], 0)
        lines = exponential_orbit(parts, first, ts)
        rho = jnp.zeros((ts.shape[0], size, size), state0.dtype)
        upper = np.nonzero(n + k < size)
        rows, columns = n[upper], column[upper]
        rho = rho.at[:, columns, rows].set(jnp.conj(lines[:, upper[0], upper[1]]))
        rho = rho.at[:, rows, columns].set(lines[:, upper[0], upper[1]])
        # rounding of matrices of this size, carried along by what they make grow
        largest = jnp.sqrt(jnp.max(jnp.sum(abs2(parts), axis=(1, 2))))
        growth = jnp.max(jnp.abs(rho), axis=(1, 2)) / jnp.max(jnp.abs(state0))
        bound = eps * (1 + largest * (ts - ts[0])) * jnp.maximum(growth, 1)
        return rho, bound

    def _generator(self, equation: Equation) -> Generator:
        rates = None if equation.bath is None else equation.bath.rates(equation.C)
        return self._fock.generator(_at_hbar_eff(equation), rates=rates)

    def density(
        self,
        equation: Equation,
        state: Complex[Array, "D D"],
        points: Complex[Array, "... N"],
    ) -> Float[Array, "..."]:
        """<b|ρ|b>/(πħ_eff)^N, b = α/√ħ_eff"""
        return self._fock.density(_at_hbar_eff(equation), state, points)

    def moment(
        self, equation: Equation, state: Complex[Array, "D D"], m: Powers, n: Powers
    ) -> Complex[Array, ""]:
        """ħ_eff^((|m|+|n|)/2) Tr(ρ b^m b†^n)"""
        return self._fock.moment(_at_hbar_eff(equation), state, m, n)

    def alarm(self, equation: Equation, state: Complex[Array, "D D"]) -> Array:
        """`Status.CUTOFF` where a mode reaches its highest levels, `Status.HORIZON`
        where C is beyond what the bath allows."""
        found = self._fock.alarm(equation, state)
        if equation.bath is None:
            return found
        _, end = equation.bath.largest_C()
        return jnp.where(end > equation.C, found, Status.HORIZON)

    def resolution(
        self, equation: Equation, state: Complex[Array, "D D"]
    ) -> Resolution:
        """The error of the highest levels."""
        return self._fock.resolution(equation, state)

    @property
    def _fock(self) -> Fock:
        return Fock(self.levels, orders=2)


def _at_hbar_eff(equation: Equation) -> Equation:
    """Quantum mechanics at ħ_eff."""
    one = jnp.ones_like(equation.C)
    return Equation(equation.hamiltonian, one, None, equation.hbar_eff)

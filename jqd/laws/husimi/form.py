"""The equation of a Husimi function as plain data, and the interface of its forms."""

import abc
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float, PyTree

from ... import _checks
from ...spaces.driven import Driven
from ...spaces.symbols import Symbol
from ...states import Ensemble, as_ensemble
from ...status import Status
from ...steppers import exponential, rk4
from ..groups import Resolution
from .bath import Bath
from .window import limits

# Levels of the kets of a described state, where the form has no levels.
LEVELS = 64


# Powers of α or of α*, one of each mode.
Powers = tuple[int, ...]
# Of a moment: m and n.
Order = tuple[Powers, Powers]


class Equation(eqx.Module):
    """The equation of `HusimiFokkerPlanck`, as its forms need it.

    Attributes:
        hamiltonian: anti-Wick symbol H, or one with named parameters.
        C: strength of the diffusion, scalar.
        s: length scales of the diffusion over those of the coherent states, shape (N,),
            or None where they agree.
        hbar: ħ, scalar.
        bath: loss, gain and dephasing, or None.
    """

    hamiltonian: Symbol | Driven
    C: Float[Array, ""]
    s: Float[Array, " N"] | None
    hbar: Float[Array, ""]
    bath: Bath | None = None

    @property
    def symbol(self) -> Symbol:
        """H at the present values of its parameters; if H changes in time, see `at`."""
        if isinstance(self.hamiltonian, Driven):
            return self.hamiltonian.at()
        return self.hamiltonian

    @property
    def driven(self) -> bool:
        """Whether H changes in time."""
        return self._moving is not None

    @property
    def _moving(self) -> Driven | None:
        given = self.hamiltonian
        return given if isinstance(given, Driven) and given.pulses else None

    def outline(self) -> "Equation":
        """The equation with 1 for every pulse: it has the powers of every time."""
        given = self._moving
        return self if given is None else self._of(given.outline())

    def at(self, t: ArrayLike) -> "Equation":
        """The equation at time t."""
        given = self._moving
        return self if given is None else self._of(given.at(t))

    def averaged(self, ts: Sequence[ArrayLike], factors: Sequence[float]) -> "Equation":
        """The equation of Σ_k f_k L(t_k), where L(t) is the generator at time t.

        Args:
            ts: t_k.
            factors: f_k.
        """
        first, *others = (self.at(t).symbol for t in ts)
        total = (first * factors[0]).plus(others, factors[1:])
        bath = None if self.bath is None else self.bath.scaled(sum(factors))
        return self._of(total, bath)

    def _of(self, symbol: Symbol, bath: Any = ...) -> "Equation":
        bath = self.bath if bath is ... else bath
        return Equation(symbol, self.C, self.s, self.hbar, bath)

    @property
    def modes(self) -> int:
        """Number of modes N."""
        return self.hamiltonian.modes

    @property
    def hbar_eff(self) -> Float[Array, ""]:
        """Cħ, with which the equation is quantum mechanics."""
        return self.C * self.hbar

    @property
    def quantum(self) -> "Equation":
        """Quantum mechanics at ħ_eff, which the equation is where no term of H has more
        than two powers of α or of α* and the length scales agree."""
        bath = None if self.bath is None else self.bath.at(self.C)
        one = jnp.ones_like(self.C)
        return Equation(self.hamiltonian, one, None, self.hbar_eff, bath)

    @property
    def slopes(self) -> list[tuple[ArrayLike, ArrayLike]]:
        """μ and ν of each mode in D = μ∂ + ν∂*, the derivative of the diffusion."""
        if self.s is None:
            return [(1.0, 0.0)] * self.modes
        return [((s + 1 / s) / 2, (s - 1 / s) / 2) for s in self.s]


class Carrier(eqx.Module):
    """A way to hold, move and read a state.

    It has no constants: the equation is an argument, taken at one time where it changes
    in time.
    """

    def solves(self, equation: Equation) -> bool:
        """Whether `orbit` exists for this equation, which does not change in time.

        By default it does where a carrier has one.
        """
        del equation
        return type(self).orbit is not Carrier.orbit

    @abc.abstractmethod
    def vector_field(self, equation: Equation, state: PyTree[Array]) -> PyTree[Array]:
        """Time derivative of the state."""

    @abc.abstractmethod
    def density(
        self, equation: Equation, state: PyTree[Array], points: Complex[Array, "... N"]
    ) -> Float[Array, "..."]:
        """Values per d²α at points with a last axis of modes."""

    @abc.abstractmethod
    def moment(
        self, equation: Equation, state: PyTree[Array], m: Powers, n: Powers
    ) -> Complex[Array, ""]:
        """∫ Π_i α_i^m_i α_i*^n_i Q d²ᴺα"""

    def moments(
        self, equation: Equation, state: PyTree[Array], orders: Sequence[Order]
    ) -> Complex[Array, " k"]:
        """The moments of each (m, n)."""
        return jnp.stack([self.moment(equation, state, m, n) for m, n in orders])

    def flow(
        self, equation: Equation, state: PyTree[Array], dt: ArrayLike
    ) -> PyTree[Array]:
        """The state after dt under an equation that does not change."""
        return exponential(lambda one: self.vector_field(equation, one), state, dt)

    def orbit(
        self, equation: Equation, state0: PyTree[Array], ts: Array
    ) -> tuple[PyTree[Array], Array]:
        """States at times `ts` and a bound on their relative error, shape (T,)."""
        raise NotImplementedError

    def resolution(self, equation: Equation, state: PyTree[Array]) -> Resolution | None:
        """Errors from levels or grid, see `Watch.resolution`; None if not known."""
        del equation, state
        return None

    def alarm(self, equation: Equation, state: PyTree[Array]) -> Array:
        """The `Status` after a step that ends in this state."""
        del equation, state
        return jnp.asarray(Status.OK)


class Form(Carrier):
    """A way in which `HusimiFokkerPlanck` carries its state, for some H and states.

    Attributes:
        linear: whether the state moves linearly, so that `flow` exists.
    """

    linear: ClassVar[bool] = False

    @property
    def bathed(self) -> bool:
        """Whether the form carries a bath."""
        return False

    @property
    def stepper(self) -> Callable[..., PyTree[Array]]:
        """The one-step method with which `recover` follows the law."""
        return rk4

    @abc.abstractmethod
    def check(self, equation: Equation, points: Complex[Array, "..."] | None) -> None:
        """Raise ValueError where this form cannot carry this equation or points."""

    def admit(self, equation: Equation, psi: Any) -> PyTree[Array]:
        """A quantum state as arrays that `prepare` takes under jit as well."""
        levels = getattr(self, "levels", None) or LEVELS
        return as_ensemble(psi, equation.modes, "psi", levels=levels)

    @abc.abstractmethod
    def prepare(self, equation: Equation, psi: Any) -> PyTree[Array]:
        """The state for what `admit` returns."""

    def energy(self, equation: Equation, state: PyTree[Array]) -> Float[Array, ""]:
        """∫ H Q d²ᴺα"""
        symbol = equation.symbol
        if not symbol.powers:
            return jnp.zeros_like(equation.C)
        moments = self.moments(equation, state, symbol.powers)
        return jnp.sum(jnp.real(symbol.coefficients * moments))

    def limits(self, psi: Any) -> dict[str, tuple[ArrayLike, ArrayLike]]:
        """The limits of C for an initial state, see `Fits.limits`."""
        return limits(psi, kets=True)


def read_levels(levels: Any, modes: int) -> tuple[int, ...]:
    """The levels kept of each mode.

    Raises:
        ValueError: not one positive integer, or one of each mode.
    """
    each = tuple(levels) if isinstance(levels, tuple | list) else (levels,) * modes
    whole = all(_checks.is_whole(n) for n in each)
    if len(each) != modes or not whole or min(each, default=0) < 1:
        raise ValueError(
            f"Argument `levels` must be {modes} positive integers, or one for all, but "
            f"is {levels!r}."
        )
    return each


def check_orders(orders: Any, least: int, wanted: str) -> None:
    """Raise ValueError unless `orders` is None or an integer from `least` on."""
    if orders is not None and (not _checks.is_whole(orders) or orders < least):
        raise ValueError(f"Argument `orders` must be {wanted}, but is {orders!r}.")


def check_fits(psi: Ensemble, levels: tuple[int, ...]) -> None:
    """Raise ValueError where a state has more levels than are kept."""
    if any(have > kept for have, kept in zip(psi.levels, levels, strict=True)):
        raise ValueError(
            f"Argument `psi` must have at most {levels} levels, but has {psi.levels}; "
            "raise `levels` of the form."
        )

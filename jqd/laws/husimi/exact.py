"""The exact form of the law: quantum mechanics with ħ_eff = Cħ, at another width."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, PyTree

from ...states import Ensemble, State, check_modes
from ...status import Status
from ...steppers import taylor18
from ..groups import Resolution
from .form import Equation, Form, Order, Powers
from .gaussian_sum import GaussianSum
from .levels import Levels
from .sectors import Sectors
from .starts import (
    FirstOrder,
    PSamples,
    Series,
    Start,
    product_start,
    read_product,
    regression,
)
from .window import limits


def _basis(given: Any) -> Any:
    """A number of levels, or one of each mode, as `Levels` of them."""
    levels: Any = given
    plain = isinstance(given, int | float | np.number | tuple | list)
    return Levels(levels) if plain else given


class Exact(Form):
    """iħ_eff dρ/dt = [H_eff, ρ], ħ_eff = Cħ, whose Husimi function at ħ_eff is Q.

    Where no term of H has more than two powers of α or of α*, the law at strength C is
    exactly quantum mechanics with another ħ, also in a bath, whose rates are then those
    of `Bath.at(C)`. The form combines quantum mechanics in a basis; a start, which
    makes the operator at ħ_eff with the Husimi function of the state at ħ; and Q, read
    at ħ_eff. ρ is carried as weighted kets; in a bath or in blocks, as a matrix.

    Attributes:
        basis: `Levels`, or a number of levels kept of each mode; or `Sectors` for many
            modes that conserve their quanta.
        start: `Series`, for every state; or, for products of coherent or thermal modes,
            `FirstOrder` near C = 1, or `PSamples` for C < 1.
    """

    linear: ClassVar[bool] = True
    basis: Levels | Sectors = eqx.field(converter=_basis, default_factory=Levels)
    start: Start = eqx.field(default_factory=Series)

    @property
    def levels(self) -> int | tuple[int, ...] | None:
        """Levels of each mode, where they are given."""
        return getattr(self.basis, "levels", None)

    @property
    def orders(self) -> int | None:
        """Orders of the series, where they are given."""
        return getattr(self.start, "orders", None)

    @property
    def bathed(self) -> bool:
        """Whether a bath can be carried: on levels, with `Series`."""
        return isinstance(self.basis, Levels) and isinstance(self.start, Series)

    @property
    def stepper(self) -> Callable[..., PyTree[Array]]:
        """Taylor series: the law is linear in its state."""
        return taylor18

    def check(self, equation: Equation, points: Complex[Array, "..."] | None) -> None:
        """Require at most two powers of α and of α*, and coherent states that match.

        Raises:
            ValueError: if not, and for invalid settings, or points where there is no
                density.
        """
        for name, kinds in (("basis", Levels | Sectors), ("start", Start)):
            if not isinstance(getattr(self, name), kinds):
                raise ValueError(
                    f"Argument `{name}` must be one of "
                    f"{', '.join(kind.__name__ for kind in kinds.__args__)}, but is "
                    f"of type {type(getattr(self, name)).__name__}."
                )
        verdict = equation.symbol.is_fokker_planck()
        if not verdict:
            raise ValueError(
                "Argument `symbol` must have at most two powers of α and two of α* in "
                f"each term for form 'exact', but has {', '.join(verdict.offending)}; "
                "use form 'fock'."
            )
        if equation.s is not None:
            raise ValueError(
                "Argument `s` must be None for form 'exact', but is given; use form "
                "'fock'."
            )
        self.basis.check(equation, self.start, points)
        self.start.check(equation.modes)

    # -- the start ---------------------------------------------------------------------

    def admit(self, equation: Equation, psi: Any) -> Ensemble | State | GaussianSum:
        """A described state as it is, any other as weighted kets; or a product of
        coherent or thermal modes.

        Raises:
            ValueError: any other state, for another start than `Series` on levels.
        """
        if isinstance(self.basis, Sectors) or not isinstance(self.start, Series):
            return read_product(psi, equation)
        if isinstance(psi, State):
            check_modes(psi, equation.modes, "psi")
            return psi
        return super().admit(equation, psi)

    def prepare(self, equation: Equation, psi: Any) -> PyTree[Array]:
        """The operator at ħ_eff whose Husimi function is that of the state.

        Raises:
            ValueError: C outside its window or beyond what the bath allows, and states
                that basis or start refuse.
        """
        if equation.bath is not None:
            equation.bath.check_window(equation.C)
        if isinstance(self.start, Series):
            whole = self.basis.series(self.start, equation, psi)
        else:
            start = product_start(psi, equation)
            whole = self.basis.product(self.start, equation, start)
        # in a bath there are no sectors
        return whole if equation.bath is None else cast(Ensemble, whole).matrix()

    def limits(self, psi: Any) -> dict[str, tuple[ArrayLike, ArrayLike]]:
        """The window of a state that declares it."""
        return limits(psi, kets=False)

    # -- the quantum law ---------------------------------------------------------------

    def carrier(self, equation: Equation) -> Any:
        """The carrier that moves the state under `equation.quantum` and reads it."""
        return self.basis.carrier(equation, self.start)

    def solves(self, equation: Equation) -> bool:
        """Whether the state is known at all times at once."""
        return self.carrier(equation).solves(equation)

    def vector_field(self, equation: Equation, state: PyTree[Array]) -> PyTree[Array]:
        """Time derivative of the state."""
        return self.carrier(equation).vector_field(equation.quantum, state)

    def flow(
        self, equation: Equation, state: PyTree[Array], dt: ArrayLike
    ) -> PyTree[Array]:
        """The state after dt under an equation that does not change."""
        return self.carrier(equation).flow(equation.quantum, state, dt)

    def orbit(
        self, equation: Equation, state0: PyTree[Array], ts: Array
    ) -> tuple[PyTree[Array], Array]:
        """States at times `ts` and a bound on the relative rounding, (T,)."""
        return self.carrier(equation).orbit(equation.quantum, state0, ts)

    # -- what is read ------------------------------------------------------------------

    def density(
        self, equation: Equation, state: PyTree[Array], points: Complex[Array, "... N"]
    ) -> Float[Array, "..."]:
        """The Husimi function at ħ_eff."""
        return self.carrier(equation).density(equation.quantum, state, points)

    def moment(
        self, equation: Equation, state: PyTree[Array], m: Powers, n: Powers
    ) -> Complex[Array, ""]:
        """ħ_eff^((|m|+|n|)/2) Tr(ρ b^m b†^n); samples by their control variate.

        Raises:
            ValueError: in blocks, powers that do not conserve the number of quanta.
        """
        if isinstance(self.start, PSamples):
            return self._regression(equation, state, m, n)[0]
        return self.carrier(equation).moment(equation.quantum, state, m, n)

    def moments(
        self, equation: Equation, state: PyTree[Array], orders: Sequence[Order]
    ) -> Complex[Array, " k"]:
        """Those of each (m, n) together, but one by one where they are of samples."""
        if isinstance(self.start, PSamples):
            return super().moments(equation, state, orders)
        return self.carrier(equation).moments(equation.quantum, state, orders)

    def standard_error(
        self, equation: Equation, state: PyTree[Array], m: Powers, n: Powers
    ) -> Float[Array, ""]:
        """Standard error of `moment` by samples, real and imaginary part together.

        Args:
            equation: of the law, `law.equation`.
            state: of the law.
            m: powers of α, one of each mode.
            n: powers of α*, likewise.

        Raises:
            ValueError: another start than `PSamples`.
        """
        return self._regression(equation, state, m, n)[1]

    def _regression(
        self, equation: Equation, state: Any, m: Powers, n: Powers
    ) -> tuple[Array, Array]:
        if not isinstance(self.start, PSamples):
            raise ValueError(
                "Argument `start` must be PSamples for a standard error, but is "
                f"{type(self.start).__name__}."
            )
        each = self.carrier(equation).means(equation.quantum, state, m, n)
        normals = self.start.normals(equation.modes, state.weights.dtype)
        return regression(each, normals)

    def resolution(self, equation: Equation, state: PyTree[Array]) -> Resolution:
        """The error from levels or quanta left out; for `FirstOrder` plus (Σ_i n_i)².

        For the error of samples see `standard_error`. With many modes, the error of the
        mean of one mode is much smaller.
        """
        found = self.carrier(equation).resolution(equation.quantum, state)
        if not isinstance(self.start, FirstOrder):
            return found
        second = jnp.sum(jnp.abs(state.weights[1:])) ** 2
        return Resolution(found.share + second, found.rate)

    def alarm(self, equation: Equation, state: PyTree[Array]) -> Array:
        """`Status.CUTOFF` where a mode reaches its highest levels, `Status.HORIZON`
        where C is beyond what the bath allows."""
        found = self.carrier(equation).alarm(equation.quantum, state)
        if equation.bath is None:
            return found
        _, end = equation.bath.largest_C()
        return jnp.where(end > equation.C, found, Status.HORIZON)

"""The exact form of the law: quantum mechanics with ħ_eff = Cħ, at another width."""

import math
from collections.abc import Callable
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, PyTree

from ... import _checks
from ..._math import abs2
from ...constants import static
from ...spaces.symbols import Symbol, apply, couplings, diagonal, matrix
from ...states import Ensemble, State, check_modes, husimi
from ...states.husimi import ensemble_moment
from ...status import Status
from ...steppers import taylor18
from ...steppers.blocks import connected_rows, pieces_orbit, split_entries
from ...steppers.chebyshev import hermitian_exponential
from ...steppers.eigenbasis import unitary_orbit
from ..groups import Resolution
from .fock import EDGE, Fock, cut_error, moves_diagonals
from .form import Carrier, Equation, Form, Powers, read_levels
from .gaussian_sum import GaussianSum
from .sectors import Sectors
from .starts import (
    FirstOrder,
    ProductStart,
    PSamples,
    Series,
    Start,
    product_start,
    read_product,
    regression,
)
from .window import check_window, limits

# Levels up to which a step under a drive takes H as a matrix. Beyond, it takes the
# series on the kets, whose steps should keep |H_eff| dt/ħ_eff below about 2.
LARGEST_DENSE = 160


# -- levels ----------------------------------------------------------------------------


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
        return Fock(levels, 2, exponential=moves_diagonals(equation, levels))

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
        """Products of one-mode kets."""
        sizes = self.sizes(equation)
        kets = start.kets(equation, modes, max(sizes))
        count, whole = kets.tables.shape[0], kets.tables[:, 0, : sizes[0]]
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

    def solves(self, equation: Equation) -> bool:
        """True: the kets are known at all times at once."""
        del equation
        return True

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


# -- the form --------------------------------------------------------------------------


def _basis(given: Any) -> Any:
    """A number of levels, or one of each mode, as `Levels` of them."""
    levels: Any = given
    plain = isinstance(given, int | float | np.number | tuple | list)
    return Levels(levels) if plain else given


class Exact(Form):
    """iħ_eff dρ/dt = [H_eff, ρ], ħ_eff = Cħ, whose Husimi function at ħ_eff is Q.

    Where no term of H has more than two powers of α or of α*, the law at strength C is
    exactly quantum mechanics with another ħ; so it is in a bath, with the rates of
    `Bath.at(C)`. The form combines quantum mechanics in a basis; a start, which makes
    the operator at ħ_eff with the Husimi function of the state at ħ; and Q, read at
    ħ_eff. ρ is carried as weighted kets; in a bath or in blocks, as a matrix.

    Attributes:
        basis: `Levels`, or a number of levels kept of each mode; or `Sectors` for many
            modes that conserve their quanta.
        start: `Series`, for every state; or, for products of coherent or thermal modes,
            `FirstOrder` near C = 1, or `PSamples` for C < 1.
    """

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
    def linear(self) -> bool:
        """True: the state moves linearly."""
        return True

    @property
    def bathed(self) -> bool:
        """On levels with `Series`: as a density operator, for every state."""
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
        """The window of a state that declares it; that of a bath is no narrower."""
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
        """ħ_eff^((|m|+|n|)/2) Tr(ρ b^m b†^n); of samples without their control variate.

        Raises:
            ValueError: in blocks, powers that do not conserve the number of quanta.
        """
        if isinstance(self.start, PSamples):
            return self._regression(equation, state, m, n)[0]
        return self.carrier(equation).moment(equation.quantum, state, m, n)

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

"""The Husimi-function Fokker-Planck equation with traceless diffusion."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, PyTree

from ... import _checks
from ..._math import abs2, divisor
from ..._program import program
from ...constants import constant, fixed, free, names, parts, scalars, unpack
from ...spaces.driven import Driven
from ...spaces.symbols import Symbol, as_points
from ...states import read_powers
from ...steppers import cf4
from .. import groups
from ..groups import Breaks, Fits, Resolution, Watch
from ..law import Law
from .bath import Bath
from .exact import Exact
from .fock import Fock
from .form import Equation, Form
from .gaussian import GaussianForm
from .hamiltonians import check_real, read_hamiltonian
from .identifiability import refusal
from .literal import LiteralGrid
from .wigner import WignerGrid
from .window import INSIDE

FORMS = {
    "exact": Exact,
    "fock": Fock,
    "gaussian": GaussianForm,
    "wigner": WignerGrid,
    "literal": LiteralGrid,
}
# Names of the exact form in files and options of earlier versions.
ALIASES = {"heff": "exact", "master": "exact"}


class HusimiFokkerPlanck(Law):
    """The Fokker-Planck equation of a phase-space density with traceless diffusion.

    ∂ₜQ = i Σ_i {∂_i[(∂*_i H) Q] - ∂*_i[(∂_i H) Q]}
          + (iħC/2) Σ_ij {∂_i ∂_j[(∂*_i ∂*_j H) Q] - ∂*_i ∂*_j[(∂_i ∂_j H) Q]}

    with H the anti-Wick symbol of the Hamiltonian. With C = 1 and at most two powers of
    α and two of α* in each term of H, the Husimi function obeys this exactly; C = 0 is
    Liouville's equation. Length scales l_i and κ enter only as s_i = l_i/√κ, and C only
    as Cħ: C = 1 means that Cħ is the ħ of the coherent states. Conserves the norm and,
    where H is constant and there is no bath, ∫HQ; then time reversal takes α to α*.
    Solutions exist for 0 < C < C_max, see `largest_C`.

    Attributes:
        hamiltonian: the anti-Wick symbol, or one with named parameters and pulses that
            a fit may free.
        C: strength of the diffusion; 1 in quantum mechanics.
        s: shape (N,), length scale of the diffusion of each mode over that of the
            coherent states in which H and Q are written; None where they agree, as in
            quantum mechanics. Anything else needs the form "fock" or "gaussian".
        hbar: ħ, scalar.
        points: where `density` is taken by default, shape (...,) for one mode or
            (..., N) for N, or None.
        form: how the state is carried.
        bath: loss, gain and dephasing of the modes, or None.

    Source: eqs. (43), (52), (56).
    """

    hbar: Float[Array, ""]
    form: Form
    hamiltonian: Symbol | Driven = parts("values")
    bath: Bath | None = parts()
    C: Float[Array, ""] = free(quantum=1.0, span=(0.3, 1.8))
    s: Float[Array, " N"] | None = free(
        quantum=1.0, span=lambda s, _: (0.9 * s, 1.1 * s), bounds=(0.0, np.inf)
    )
    points: Complex[Array, "..."] | None = fixed()

    def __init__(
        self,
        symbol: Symbol | Driven | str | Any,
        C: ArrayLike = 1.0,
        s: ArrayLike | None = None,
        hbar: ArrayLike = 1.0,
        *,
        points: ArrayLike | None = None,
        form: Form | str = "auto",
        bath: Bath | None = None,
        **values: Any,
    ):
        """The law of a Hamiltonian.

        Args:
            symbol: anti-Wick symbol, or an operator: text in a and ad with [a, ad] = ħ,
                such as "0.5*U*ad^2*a^2 + delta*ad*a" (delta is a rate, U a rate over
                ħ), or "0.5*U*ad^2*a^2 + drive(t)*(a+ad)" with a pulse; or a QuTiP
                `Qobj` between number states of a Hamiltonian of degree 4 or less.
            C: strength of the diffusion.
            s: scalar or shape (N,), or None for coherent states that match.
            hbar: ħ, scalar.
            points: where `density` is taken by default.
            form: `Exact`, `Fock`, `GaussianForm`, `WignerGrid` or `LiteralGrid`, or the
                name of one: "exact", "fock", "gaussian", "wigner", "literal"; "auto"
                for "exact".
            bath: of the modes, with form "exact" (on levels), "fock" or "gaussian".
            **values: of the parameters and pulses that a text names: U=0.63, and for
                drive(t) a function of the time, see `jqd.pulse`.

        Raises:
            ValueError: wrong ordering or text, a parameter without a value, a
                Hamiltonian that is not real or that the form cannot carry, a bath that
                it cannot, C or hbar not one finite real number, hbar or s not positive,
                another form.
        """
        self.C, self.hbar = scalars(C=C, hbar=hbar)
        _checks.check_positive(self.hbar, "hbar")
        self.hamiltonian = given = read_hamiltonian(symbol, hbar, values)
        outline = given if isinstance(given, Symbol) else given.outline()
        self.s = _read_scales(s, outline.modes)
        self.bath = _read_bath(bath, outline.modes)
        _check_names_apart(given, self.bath)
        self.points = None
        if points is not None:
            _checks.check_finite(points, "points")
            points = jnp.asarray(points)
            self.points = _checks.complex_of(points)
        if isinstance(form, str):
            form = ALIASES.get(form, form)
            _checks.check_choice(form, "form", ("auto", *FORMS))
            form = FORMS["exact" if form == "auto" else form]()
        if not isinstance(form, Form):
            raise ValueError(
                "Argument `form` must be a form of this law or the name of one, but "
                f"is of type {type(form).__name__}."
            )
        self.form = form
        if isinstance(given, Driven):
            for name in given.pulses:
                check_real(given.operators[name], hbar)
        # as given: under jit the leaf cannot be read even where the number can
        check_real(outline, hbar)
        if self.points is not None:
            as_points(self.points, outline.modes)  # raises where the modes differ
        if self.bath is not None and not self.form.bathed:
            raise ValueError(
                "Argument `bath` must be None for a form that carries none, but is "
                f"given beside {type(self.form).__name__}; use form 'exact', with "
                "`Levels` and `Series`."
            )
        self.form.check(self.equation.outline(), self.points)

    @property
    def symbol(self) -> Symbol:
        """The anti-Wick symbol of the Hamiltonian; with 1 for pulses."""
        return self.equation.outline().symbol

    @property
    def modes(self) -> int:
        """Number of modes N."""
        return self.hamiltonian.modes

    @property
    def cell(self) -> Any:
        """The area per point of one mode, where the law's points form a (K, L) grid."""
        points = self.points
        if self.modes > 1 or points is None or points.ndim != 2:
            return 1.0
        across, along = points[1, 0] - points[0, 0], points[0, 1] - points[0, 0]
        return jnp.abs(jnp.imag(jnp.conj(across) * along))

    def yardstick(self) -> "HusimiFokkerPlanck":
        """The Husimi function of quantum mechanics: C = 1 and s = 1."""
        law = unpack(self, "C", jnp.ones(1))
        return law if self.s is None else unpack(law, "s", jnp.ones_like(self.s))

    @property
    def equation(self) -> Equation:
        """The equation as the forms need it."""
        return Equation(self.hamiltonian, self.C, self.s, self.hbar, self.bath)

    # -- the interface of a law -------------------------------------------------------

    @property
    def solvable(self) -> bool:
        """Whether the states at all times are known at once, see `orbit`."""
        return not self.equation.driven and self.form.solves(self.equation)

    def admit(self, psi: Any) -> PyTree[Array]:
        """A quantum state as arrays that `prepare` takes under jit as well."""
        return self.form.admit(self.equation, psi)

    @property
    def stepper(self) -> Callable[..., PyTree[Array]]:
        """The one-step method with which `recover` follows the law."""
        return cf4 if self.equation.driven and self.form.linear else self.form.stepper

    def breaks(self) -> Breaks:
        """Times at which a pulse jumps."""
        given = self.hamiltonian
        return Breaks(given.jumps() if isinstance(given, Driven) else None)

    def exact(self) -> groups.Exact:
        """States at all times at once, where the law is solvable."""
        return groups.Exact(orbit=self.orbit if self.solvable else None)

    def flow(
        self,
        ts: Sequence[ArrayLike],
        factors: Sequence[float],
        state: PyTree[Array],
        dt: ArrayLike,
    ) -> PyTree[Array]:
        """exp(dt Σ_k f_k L(t_k)) of a linear form, for `jqd.steppers.cf4`.

        Raises:
            ValueError: a form that is not linear.
        """
        if not self.form.linear:
            raise ValueError(
                "Argument `stepper` must not be cf4 for a form that is not linear in "
                f"its state, but is for {type(self.form).__name__}."
            )
        return self.form.flow(self.equation.averaged(ts, factors), state, dt)

    def prepare(self, psi: Any) -> PyTree[Array]:
        """The state whose density is the Husimi function of a quantum state.

        Args:
            psi: ket (d_1, ..., d_N), density operator (d_1, ..., d_N, d_1, ..., d_N) or
                `jqd.states.Ensemble` in the number basis; QuTiP objects. Some forms
                take more.

        Raises:
            ValueError: wrong shape, not normalised, or C outside (0, C_max).
        """
        equation = self.equation
        return self.form.prepare(equation, self.form.admit(equation, psi))

    def vector_field(
        self, t: ArrayLike, state: PyTree[Array], args: Any = None
    ) -> PyTree[Array]:
        """Time derivative of the state."""
        del args
        return self.form.vector_field(self.equation.at(t), state)

    @program
    def step(self, t: ArrayLike, state: PyTree[Array], dt: ArrayLike) -> PyTree[Array]:
        """The state at t + dt: exactly where the law is solvable, else by a stepper."""
        if not self.solvable:
            return self.stepper(self, t, state, dt)
        ts = jnp.stack([jnp.zeros_like(jnp.asarray(dt)), jnp.asarray(dt)])
        states, _ = self.orbit(state, ts)
        return jax.tree.map(lambda leaf: leaf[1], states)

    @property
    def step_order(self) -> int:
        """Order of the stepper; exact steps leave no error to estimate."""
        return getattr(self.stepper, "order", 1)

    def orbit(self, state0: PyTree[Array], ts: Array) -> tuple[PyTree[Array], Array]:
        """States at times `ts` and a bound on their relative error, shape (T,)."""
        return self.form.orbit(self.equation, state0, ts)

    def density(
        self, state: PyTree[Array], points: ArrayLike | None = None
    ) -> Float[Array, "..."]:
        """Q(α) per d²α, with ∫Q d²ᴺα = 1.

        Args:
            state: state of the law.
            points: α, shape (...,) for one mode, (..., N) for N; None for the law's.

        Raises:
            ValueError: no points here or in the law, or of another number of modes.
        """
        where = self.points if points is None else points
        if where is None:
            raise ValueError(
                "Argument `points` must be given here or to the law, but is None."
            )
        # a last axis of modes, also where there is one
        return self.form.density(self.equation, state, as_points(where, self.modes))

    def moment(
        self, state: PyTree[Array], m: int | Sequence[int], n: int | Sequence[int]
    ) -> Complex[Array, ""]:
        """∫ Π_i α_i^m_i α_i*^n_i Q d²ᴺα: an antinormally ordered moment where C = 1.

        Args:
            state: state of the law.
            m: powers of α, an integer for one mode, else one for each mode.
            n: powers of α*, likewise.

        Raises:
            ValueError: powers that are negative, not whole, or not one of each mode.
        """
        return self.moments(state, [(m, n)])[0]

    def moments(
        self, state: PyTree[Array], orders: Sequence[tuple[Any, Any]]
    ) -> Complex[Array, " k"]:
        """The moments of each (m, n), see `moment`."""
        read = [
            (read_powers(m, "m", self.modes), read_powers(n, "n", self.modes))
            for m, n in orders
        ]
        return self.form.moments(self.equation, state, read)

    def observables(self) -> dict[str, Callable[[PyTree[Array]], Array]]:
        """`n`, `q`, `p` of each mode, (N,) or (); `density` where the law has points.

        n = ⟨α̂†α̂⟩ = ∫ |α|² Q - ħ, q + ip = √2 ⟨α̂⟩ = √2 ∫ α Q

        Here α̂ = √ħ a: n is an action, and the number of quanta where ħ = 1.
        """

        none = (0,) * self.modes
        modes = np.eye(len(none), dtype=int).tolist()

        def each(read: Callable[[PyTree[Array], tuple[int, ...]], Array]) -> Any:
            def values(state: PyTree[Array]) -> Array:
                found = jnp.stack([read(state, tuple(mode)) for mode in modes])
                return found[0] if len(modes) == 1 else found

            return values

        def number(state: PyTree[Array], mode: tuple[int, ...]) -> Array:
            return jnp.real(self.moment(state, mode, mode)) - self.hbar

        def amplitude(state: PyTree[Array], mode: tuple[int, ...]) -> Array:
            return jnp.sqrt(2.0) * self.moment(state, mode, none)

        named = {
            "n": each(number),
            "q": each(lambda state, mode: jnp.real(amplitude(state, mode))),
            "p": each(lambda state, mode: jnp.imag(amplitude(state, mode))),
        }
        return named if self.points is None else {"density": self.density, **named}

    def energy(self, state: PyTree[Array], t: ArrayLike = 0.0) -> Float[Array, ""]:
        """∫ H Q d²ᴺα, conserved for every C where H is constant and without a bath.

        Args:
            state: state of the law.
            t: time, for an H that changes.
        """
        return self.form.energy(self.equation.at(t), state)

    def invariants(self, state: PyTree[Array]) -> dict[str, Array]:
        """Norm ∫Q and, where H is constant and there is no bath, energy ∫HQ."""
        equation, zero = self.equation, (0,) * self.modes
        norm = jnp.real(self.form.moment(equation, state, zero, zero))
        if equation.driven or self.bath is not None:
            return {"norm": norm}
        return {"norm": norm, "energy": self.form.energy(equation, state)}

    def watch(self) -> Watch:
        """Alarms and estimated errors of the form, and `min_density` where the law has
        points.

        States are compared by the root mean square of their differences: Q would need
        points.
        """

        def square(state: PyTree[Array]) -> Array:
            leaves = jax.tree.leaves(state)
            return sum((jnp.sum(abs2(x)) for x in leaves), jnp.zeros_like(self.C))

        def alarm(t: ArrayLike, before: PyTree[Array], after: PyTree[Array]) -> Array:
            del t, before
            return self.form.alarm(self.equation, after)

        def resolution(state: PyTree[Array]) -> Resolution | None:
            return self.form.resolution(self.equation, state)

        def records(state: PyTree[Array]) -> dict[str, Array]:
            if self.points is None:
                return {}
            return {"min_density": jnp.min(self.density(state))}

        def difference(one: PyTree[Array], other: PyTree[Array]) -> Float[Array, ""]:
            size = square(one)
            gap = square(jax.tree.map(jnp.subtract, one, other))
            return jnp.sqrt(gap / divisor(size))

        return Watch(alarm, resolution, records, difference)

    def fits(self) -> Fits:
        """Limits 0 < C < C_max of states that declare C_max; refusals of constants."""

        def why_not(free: tuple[str, ...]) -> str | None:
            return refusal(self.symbol, free, matched=self.s is None)

        def limits(psi: Any) -> dict[str, tuple[ArrayLike, ArrayLike]]:
            found = self.form.limits(psi)
            if self.bath is None or "C" not in found:
                return found
            low, high = found["C"]
            _, end = self.bath.largest_C()
            return found | {"C": (low, jnp.minimum(high, end * (1 - INSIDE)))}

        return Fits(why_not, limits)


def _read_bath(bath: Any, modes: int) -> Bath | None:
    if bath is None:
        return None
    if not isinstance(bath, Bath):
        raise ValueError(
            f"Argument `bath` must be a Bath or None, but is a {type(bath).__name__}."
        )
    bath.check(modes)
    return bath


def _check_names_apart(given: Any, bath: Bath | None) -> None:
    """Raise where a parameter of H is called like a rate of the bath."""
    if bath is None or not isinstance(given, Driven):
        return
    twice = sorted(set(given.names) & set(names(bath)))
    if twice:
        raise ValueError(
            "Argument `symbol` must not call a parameter like a rate of the bath, but "
            f"has {twice[0]!r}."
        )


def _read_scales(s: ArrayLike | None, modes: int) -> Array | None:
    """The length scales s_i > 0, one of each mode, or None."""
    if s is None:
        return None
    _checks.check_positive(s, "s")
    scales = constant(s, "s")
    if scales.ndim:
        _checks.check_shape(scales, "s", (modes,))
    return jnp.broadcast_to(scales, (modes,))

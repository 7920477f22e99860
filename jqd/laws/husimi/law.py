"""The Husimi-function Fokker-Planck equation with traceless diffusion."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, PyTree

from ... import _checks
from ...constants import constant, fixed, free, parts, scalars
from ...spaces.symbols import (
    ParametricSymbol,
    Symbol,
    as_points,
    from_operator,
    parse_hamiltonian,
)
from ...states import read_powers
from ..law import Law
from ..motion import Resolution
from .blocks import Blocks
from .fock import Fock
from .form import Equation, Form
from .gaussian import GaussianForm
from .heff import Heff
from .identifiability import refusal
from .literal import LiteralGrid
from .response import Response
from .sampled import Sampled
from .wigner import WignerGrid

FORMS = {
    "heff": Heff,
    "blocks": Blocks,
    "response": Response,
    "sampled": Sampled,
    "fock": Fock,
    "gaussian": GaussianForm,
    "wigner": WignerGrid,
    "literal": LiteralGrid,
}


class HusimiFokkerPlanck(Law):
    """The Fokker-Planck equation of a phase-space density with traceless diffusion.

    ∂ₜQ = i Σ_i {∂_i[(∂*_i H) Q] - ∂*_i[(∂_i H) Q]}
          + (iħC/2) Σ_ij {∂_i ∂_j[(∂*_i ∂*_j H) Q] - ∂*_i ∂*_j[(∂_i ∂_j H) Q]}

    with H the anti-Wick symbol of the Hamiltonian. With C = 1 and at most two powers of
    α and two of α* in each term of H, this is exactly what the Husimi function does;
    C = 0 is Liouville's. Length scales l_i and κ enter only as s_i = l_i/√κ, and C only
    as Cħ. Conserves the norm and ∫HQ; time reversal takes α to α*. Its solutions exist
    for 0 < C < C_max, see `largest_C`.

    Attributes:
        hamiltonian: the anti-Wick symbol, or one with named parameters that a fit may
            free.
        C: strength of the diffusion; 1 in quantum mechanics.
        s: shape (N,), length scale of the diffusion of each mode over that of the
            coherent states in which H and Q are written; None where they agree, as in
            quantum mechanics. Anything else needs `form="fock"`.
        hbar: ħ, scalar.
        points: where `density` is taken by default, shape (...,) for one mode or
            (..., N) for N, or None.
        form: how the state is carried.

    Source: eqs. (43), (52), (56).
    """

    hbar: Float[Array, ""]
    form: Form
    hamiltonian: Symbol | ParametricSymbol = parts("values")
    C: Float[Array, ""] = free(quantum=1.0, span=(0.3, 1.8))
    s: Float[Array, " N"] | None = free(quantum=1.0, span=lambda s: (0.9 * s, 1.1 * s))
    points: Complex[Array, "..."] | None = fixed()

    def __init__(
        self,
        symbol: Symbol | ParametricSymbol | str | Any,
        C: ArrayLike = 1.0,
        s: ArrayLike | None = None,
        hbar: ArrayLike = 1.0,
        *,
        points: ArrayLike | None = None,
        form: Form | str = "heff",
        **values: ArrayLike,
    ):
        """The law of a Hamiltonian.

        Args:
            symbol: anti-Wick symbol, or an operator: text in a and ad, such as
                "0.5*U*ad^2*a^2 + delta*ad*a", or a QuTiP `Qobj` between number states
                of a Hamiltonian of degree 4 or less.
            C: strength of the diffusion.
            s: scalar or shape (N,), or None for coherent states that match.
            hbar: ħ, scalar.
            points: where `density` is taken by default.
            form: `Heff`, `Fock`, `GaussianForm`, `WignerGrid`, `LiteralGrid`, or for
                many modes `Blocks`, `Response` or `Sampled`; or the name of one:
                "heff", "fock", "gaussian", "wigner", "literal", "blocks", "response",
                "sampled".
            **values: of the parameters that a text names, e.g. U=0.63.

        Raises:
            ValueError: wrong ordering or text, a parameter without a value, a
                Hamiltonian that is not real or that the form cannot carry, C or hbar
                not one finite real number, hbar or s not positive, another form.
        """
        self.C, self.hbar = scalars(C=C, hbar=hbar)
        _checks.check_positive(hbar, "hbar")
        self.hamiltonian = given = read_hamiltonian(symbol, hbar, values)
        symbol = given if isinstance(given, Symbol) else given.symbol()
        self.s = _read_scales(s, symbol.modes)
        self.points = None
        if points is not None:
            _checks.check_finite(points, "points")
            points = jnp.asarray(points)
            self.points = points.astype(jnp.result_type(points.dtype, jnp.complex64))
        if isinstance(form, str):
            _checks.check_choice(form, "form", tuple(FORMS))
        self.form = FORMS[form]() if isinstance(form, str) else form
        if not isinstance(self.form, Form):
            raise ValueError(
                "Argument `form` must be a form of this law or the name of one, but "
                f"is of type {type(form).__name__}."
            )
        _check_real(symbol)
        if self.points is not None:
            as_points(self.points, symbol.modes)  # raises where the modes differ
        self.form.check(Equation(symbol, self.C, self.s, self.hbar), self.points)

    @classmethod
    def from_lengths(
        cls,
        symbol: Symbol | ParametricSymbol | str,
        lengths: ArrayLike,
        kappa: ArrayLike,
        C: ArrayLike = 1.0,
        hbar: ArrayLike = 1.0,
        **options: Any,
    ) -> "HusimiFokkerPlanck":
        """The law with diffusion of length scales l_i and action scale κ.

        s_i = l_i/√κ: κ by itself has no effect.

        Args:
            symbol: anti-Wick symbol in α = (q + ip)/√2.
            lengths: l_i, shape (N,) or scalar, positive.
            kappa: κ, scalar, positive.
            C: strength of the diffusion.
            hbar: ħ, scalar.
            **options: `points`, `form` and values of parameters, as for the law.

        Raises:
            ValueError: lengths or κ not positive.

        Source: eqs. (46)-(48), (52).
        """
        _checks.check_positive(lengths, "lengths")
        _checks.check_positive(kappa, "kappa")
        s = constant(lengths) / jnp.sqrt(constant(kappa))
        options.setdefault("form", "fock")
        return cls(symbol, C, s, hbar, **options)

    @property
    def symbol(self) -> Symbol:
        """The anti-Wick symbol of the Hamiltonian."""
        return self.equation.symbol

    @property
    def modes(self) -> int:
        """Number of modes N."""
        return self.hamiltonian.modes

    @property
    def equation(self) -> Equation:
        """The equation as the forms need it."""
        return Equation(self.hamiltonian, self.C, self.s, self.hbar)

    # -- the interface of a law -------------------------------------------------------

    @property
    def solvable(self) -> bool:
        """Whether the states at all times are known at once, see `orbit`."""
        return self.form.solves(self.equation)

    def admit(self, psi: Any) -> PyTree[Array]:
        """A quantum state as arrays that `prepare` takes under jit as well."""
        return self.form.admit(self.equation, psi)

    @property
    def stepper(self) -> Callable[..., PyTree[Array]]:
        """The one-step method with which `recover` follows the law."""
        return self.form.stepper

    def prepare(self, psi: Any) -> PyTree[Array]:
        """The state whose density is the Husimi function of a quantum state.

        Args:
            psi: ket (d_1, ..., d_N), density operator (d_1, ..., d_N, d_1, ..., d_N) or
                `jqd.states.Ensemble` in the number basis; QuTiP objects. Forms may
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
        del t, args
        return self.form.vector_field(self.equation, state)

    def step(self, t: ArrayLike, state: PyTree[Array], dt: ArrayLike) -> PyTree[Array]:
        """The state at t + dt: exactly by a `solvable` form, else by its stepper."""
        if not self.form.solvable:
            return self.form.stepper(self, t, state, dt)
        ts = jnp.stack([jnp.zeros_like(jnp.asarray(dt)), jnp.asarray(dt)])
        states, _ = self.orbit(state, ts)
        return jax.tree.map(lambda leaf: leaf[1], states)

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
            ValueError: no points here nor in the law, or of another number of modes.
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
            m: powers of α, an integer for one mode, else one a mode.
            n: powers of α*, likewise.

        Raises:
            ValueError: powers that are negative, not whole, or not one of each mode.
        """
        m, n = read_powers(m, "m", self.modes), read_powers(n, "n", self.modes)
        return self.form.moment(self.equation, state, m, n)

    def observables(self) -> dict[str, Callable[[PyTree[Array]], Array]]:
        """`n`, `q`, `p` of each mode, (N,) or (); `density` where the law has points.

        n = ⟨a†a⟩ = ∫ |α|² Q - ħ, q + ip = √2 ⟨a⟩ = √2 ∫ α Q
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

    def energy(self, state: PyTree[Array]) -> Float[Array, ""]:
        """∫ H Q d²ᴺα, conserved for every C."""
        return self.form.energy(self.equation, state)

    def invariants(self, state: PyTree[Array]) -> dict[str, Array]:
        """Norm ∫Q and energy ∫HQ."""
        equation, zero = self.equation, (0,) * self.modes
        norm = jnp.real(self.form.moment(equation, state, zero, zero))
        return {"norm": norm, "energy": self.form.energy(equation, state)}

    def diagnose(self, state: PyTree[Array]) -> dict[str, Array]:
        """The invariants and, where the law has points, the smallest density there."""
        values = self.invariants(state)
        if self.points is not None:
            values["min_density"] = jnp.min(self.density(state))
        return values

    def alarm(self, t: ArrayLike, before: PyTree[Array], after: PyTree[Array]) -> Array:
        """A code if the step met trouble, else 0."""
        del t, before
        return self.form.alarm(self.equation, after)

    def resolution(self, state: PyTree[Array]) -> Resolution | None:
        """The error of the levels, by the forms that can tell: Heff and Fock."""
        return self.form.resolution(self.equation, state)

    def apart(self, one: PyTree[Array], other: PyTree[Array]) -> Float[Array, ""]:
        """Relative difference of two states, root mean square; Q needs points."""

        def square(state: PyTree[Array]) -> Array:
            leaves = jax.tree.leaves(state)
            return sum(
                (jnp.sum(jnp.abs(x) ** 2) for x in leaves), jnp.zeros_like(self.C)
            )

        size = square(one)
        gap = square(jax.tree.map(jnp.subtract, one, other))
        return jnp.sqrt(gap / jnp.where(size > 0, size, 1))

    def refusal(self, free: tuple[str, ...]) -> str | None:
        """Why no data could tell these constants, or None."""
        return refusal(self.symbol, free, matched=self.s is None)


def read_hamiltonian(
    symbol: Any, hbar: ArrayLike, values: dict[str, Any]
) -> Symbol | ParametricSymbol:
    """A symbol as it is; an operator as the symbol of its order, which depends on ħ."""
    if isinstance(symbol, str):
        if not _checks.is_concrete(hbar):
            raise ValueError(
                "Argument `symbol` must be a Symbol where hbar is traced, but is text."
            )
        return parse_hamiltonian(symbol, hbar=np.asarray(hbar).item(), **values)
    if isinstance(symbol, ParametricSymbol):
        return symbol.with_values(**values) if values else symbol
    if values:
        raise ValueError(
            f"Argument `{next(iter(values))}` must not be given to a Hamiltonian "
            "without named parameters, but is."
        )
    if isinstance(symbol, Symbol):
        return symbol
    if callable(getattr(symbol, "full", None)):  # qutip.Qobj
        return from_operator(symbol, hbar=hbar)
    raise ValueError(
        "Argument `symbol` must be a Symbol, an operator as text or a QuTiP Qobj, but "
        f"is of type {type(symbol).__name__}; for other operators see "
        "`jqd.spaces.symbols.from_operator`."
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


def _check_real(symbol: Symbol) -> None:
    """Raise unless an anti-Wick symbol is that of a Hermitian Hamiltonian."""
    symbol._require("antiwick")
    if _checks.is_concrete(symbol.coefficients) and not symbol.is_real(1e-6):
        raise ValueError(
            "Argument `symbol` must be real (a Hermitian Hamiltonian), but is "
            f"{symbol}."
        )

"""Smolin's copy dynamics as a mean-field law, with free exponents q and r."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Complex, Float

from .. import _checks
from .._math import abs2, expi, safe_log
from ..constants import (
    antisymmetric,
    constant,
    free,
    scalars,
    switch,
    symmetric,
    upper_triangle,
)
from ..interop import as_array
from ..spaces.driven import Driven
from ..spaces.driven_input import is_driven, read_driven
from ..spaces.hamiltonians import MatrixHamiltonian
from ..status import Status
from .groups import Breaks, Watch
from .law import Law
from .schrodinger import Schrodinger

# Rounding errors that a current or amplitude may have, in units of ε: those of some
# thousand steps, each of which rounds once. Its sign means nothing below.
ROUNDING = 64


class DensityPhase(NamedTuple):
    """The state of the literal form: densities and phases.

    Attributes:
        density: ρ_a, shape (M,).
        phase: φ_a, shape (M,), in radians.
    """

    density: Array
    phase: Array


class Harmonics(eqx.Module):
    """Fourier terms of the copy law besides R and delta: eqs. (27), (28).

    A_ab = Σ_n R_sin^n sin⁺(n y + delta_sin^n)
    C_ab = Σ_n R_cos^n cos(n y + delta_cos^n)

    Attributes:
        n: the orders (static), e.g. (2,).
        R_sin: (K, M, M), symmetric; rate amplitudes.
        R_cos: (K, M, M), symmetric; phase-rate amplitudes.
        delta_sin: (K, M, M), antisymmetric, radians.
        delta_cos: (K, M, M), antisymmetric, radians.
    """

    n: tuple[int, ...] = eqx.field(static=True)
    R_sin: Float[Array, "K M M"]
    R_cos: Float[Array, "K M M"]
    delta_sin: Float[Array, "K M M"]
    delta_cos: Float[Array, "K M M"]

    def __init__(
        self,
        n: tuple[int, ...],
        R: ArrayLike,
        delta: ArrayLike,
        *,
        R_sin: ArrayLike | None = None,
        delta_sin: ArrayLike | None = None,
    ):
        """Harmonics with amplitudes R and phases delta.

        Args:
            n: orders, K of them.
            R: (K, M, M) amplitudes of the cosines.
            delta: (K, M, M) phases of the cosines, radians.
            R_sin: amplitudes of the sines; None for 2 R, as in quantum mechanics.
            delta_sin: phases of the sines; None for `delta`.

        Raises:
            ValueError: orders that are not whole, shapes that differ, values that are
                not real and finite.
        """
        orders = n if isinstance(n, tuple | list) else (n,)
        if not all(isinstance(order, int | np.integer) for order in orders):
            raise ValueError(
                f"Argument `n` must be whole numbers, but is {_checks.shown(n)}."
            )
        self.n = tuple(int(order) for order in orders)
        self.R_cos = constant(R, "R")
        self.delta_cos = constant(delta, "delta")
        self.R_sin, self.delta_sin = 2 * self.R_cos, self.delta_cos
        if R_sin is not None:
            self.R_sin = constant(R_sin, "R_sin")
        if delta_sin is not None:
            self.delta_sin = constant(delta_sin, "delta_sin")
        size = self.R_cos.shape[-1] if self.R_cos.ndim else 0
        for name in ("R_cos", "delta_cos", "R_sin", "delta_sin"):
            value = getattr(self, name)
            _checks.check_reals(value, name, (len(self.n), size, size))


class CopyDynamics(Law):
    """Systems copy each other's beables; their ensemble moves by a nonlinear law.

    dρ_a/dt = Σ_b [(ρ_a/ρ_b)^q ρ_b A_ab - (ρ_b/ρ_a)^q ρ_a A_ba]
    dφ_a/dt = ω_a + Σ_b (ρ_a/ρ_b)^r C_ab
    A_ab = 2 R_ab sin⁺(x_ab),  C_ab = R_ab cos(x_ab),  x_ab = φ_a - φ_b + δ_ab

    At q = 1/2, r = -1/2 the law is Schrödinger's for ψ_a = √ρ_a exp(-iφ_a) and
    H/ħ = ω_a on the diagonal, R_ab exp(iδ_ab) off it. The default state is that ψ,
    in which the law stays regular at nodes (ρ_a = 0); with `literal=True` the state is
    (ρ, φ), and a run stops at the first node. Rates are per unit of time, phases in
    radians; the unit of time is free. Σρ is conserved for every q and r, ⟨H⟩ only in
    quantum mechanics. For q + r > 0, and with three or more classes also for q > 1/2,
    populations reach zero in finite time. The law ends there, with the status `NODE`:
    the literal form stops exactly at the node, the ψ form at the step that passes it.

    Source: Smolin (2012), eqs. (20), (26)-(33); sign conventions of (34)-(38).

    Attributes:
        omega: ω_a, shape (M,).
        R: R_ab, shape (M, M), symmetric, not negative; its diagonal is not used.
        delta: δ_ab, shape (M, M), antisymmetric.
        q: exponent of the copy rate; 1/2 in quantum mechanics (sec. 3.1).
        r: exponent of the phase rate; -1/2 in quantum mechanics.
        harmonics: further Fourier terms, or None.
        hbar: ħ, used only by `from_hamiltonian` and `hamiltonian`.
        regulator: eps, density below which ratios of densities level off. It has no
            effect at q = 1/2, r = -1/2; for other exponents, results after an exact
            node depend on it.
        literal: whether the state is (density, phase).
        drive: Σ_k f_k(t) H_k, energy, which is added to H; or None. Copy rates then
            are those of H(t) at each time, B_ab(t) = H_ab(t) ψ_b/ħ in the ψ form. The
            literal form takes no drive: the phase of H_ab(t) jumps where H_ab(t) is 0.
    """

    harmonics: Harmonics | None
    drive: Driven | None
    hbar: Float[Array, ""]
    regulator: Float[Array, ""]
    literal: bool = switch()
    omega: Float[Array, " M"] = free(unit="rate")
    R: Float[Array, "M M"] = free(pack=upper_triangle, unpack=symmetric, unit="rate")
    delta: Float[Array, "M M"] = free(pack=upper_triangle, unpack=antisymmetric)
    q: Float[Array, ""] = free(quantum=0.5, span=(0.0, 1.0))
    r: Float[Array, ""] = free(quantum=-0.5, span=(-1.5, 0.5))

    def __init__(
        self,
        omega: ArrayLike,
        R: ArrayLike,
        delta: ArrayLike,
        q: ArrayLike = 0.5,
        r: ArrayLike = -0.5,
        *,
        harmonics: Harmonics | None = None,
        hbar: ArrayLike = 1.0,
        regulator: ArrayLike = 1e-12,
        literal: bool = False,
        drive: Driven | None = None,
    ):
        """Copy dynamics of M classes; see the class for the arguments.

        Raises:
            ValueError: shapes differ, R is not symmetric or negative, delta is not
                antisymmetric, a value is not finite or not real, q, r, hbar or
                regulator is not one number, or one of the last two is not positive; a
                drive of the literal form.
        """
        self.omega = constant(omega, "omega")
        self.R, self.delta = constant(R, "R"), constant(delta, "delta")
        self.harmonics = harmonics
        self.q, self.r, self.hbar, self.regulator = scalars(
            q=q, r=r, hbar=hbar, regulator=regulator
        )
        self.literal = literal
        self.drive = drive
        self._check()

    def _check(self) -> None:
        size = self.omega.shape[-1] if self.omega.ndim else 0
        _checks.check_shape(self.omega, "omega", (size,))
        for name in ("R", "delta"):
            _checks.check_shape(getattr(self, name), name, (size, size))
        for name in ("omega", "R", "delta"):
            _checks.check_reals(getattr(self, name), name)
        for name in ("hbar", "regulator"):
            _checks.check_positive(getattr(self, name), name)
        self._check_harmonics()
        if self.drive is not None:
            if not isinstance(self.drive, Driven):
                raise ValueError(
                    "Argument `drive` must be a Driven or None, but is a "
                    f"{type(self.drive).__name__}; `CopyDynamics.from_hamiltonian("
                    "jqd.driven(H, ..))` makes one."
                )
            _checks.check_shape(self.drive.constant, "drive", (size, size))
        if self.drive is not None and self.literal:
            raise ValueError(
                "Argument `literal` must be False for a Hamiltonian that changes in "
                "time, but is True: phases of its elements jump where they vanish."
            )
        if _checks.is_concrete(self.R):
            R = np.asarray(self.R)
            rounding = 1e-12 * R.max(initial=0)
            if not np.allclose(R, R.T, rtol=0, atol=rounding) or R.min(initial=0) < 0:
                raise ValueError(
                    "Argument `R` must be symmetric and not negative, but is not; a "
                    "negative rate is a shift of `delta` by pi."
                )
        if _checks.is_concrete(self.delta):
            twist = np.asarray(self.delta) + np.asarray(self.delta).T
            # a phase is an angle: antisymmetric up to full turns
            turns = twist - 2 * np.pi * np.round(twist / (2 * np.pi))
            off = ~np.eye(size, dtype=bool)
            used = (
                off & (np.asarray(self.R) > 1e-12 * np.asarray(self.R).max(initial=0))
                if (_checks.is_concrete(self.R))
                else off
            )
            if np.any(np.abs(turns[used]) > 1e-9):
                raise ValueError(
                    "Argument `delta` must be antisymmetric (up to full turns), but is "
                    "not: the Hamiltonian would not be Hermitian."
                )

    def _check_harmonics(self) -> None:
        if self.harmonics is None:
            return
        if not isinstance(self.harmonics, Harmonics):
            raise ValueError(
                "Argument `harmonics` must be a Harmonics or None, but is of type "
                f"{type(self.harmonics).__name__}."
            )
        shape = (len(self.harmonics.n), *self.R.shape)
        _checks.check_shape(self.harmonics.R_cos, "harmonics.R_cos", shape)

    @classmethod
    def from_hamiltonian(
        cls,
        hamiltonian: Any,
        q: ArrayLike = 0.5,
        r: ArrayLike = -0.5,
        *,
        hbar: ArrayLike = 1.0,
        regulator: ArrayLike = 1e-12,
        literal: bool = False,
    ) -> "CopyDynamics":
        """Copy dynamics whose quantum point has this Hamiltonian: eqs. (37), (38).

        Args:
            hamiltonian: (M, M) Hermitian, energy units; arrays, QuTiP, dynamiqs; or
                one that changes in time, as `jqd.Schrodinger` takes it.
            q, r, hbar, regulator, literal: as for the class.

        Raises:
            ValueError: not square, not Hermitian or not finite; or constants that the
                law refuses.
        """
        drive = None
        if is_driven(hamiltonian):
            whole = read_driven(hamiltonian)
            hamiltonian = whole.constant
            drive = eqx.tree_at(lambda H: H.constant, whole, hamiltonian * 0)
        H = as_array(hamiltonian, "hamiltonian")
        _checks.check_square(H, "hamiltonian")
        _checks.check_finite(H, "hamiltonian")
        _checks.check_hermitian(H, "hamiltonian")
        _checks.check_positive(hbar, "hbar", ())
        # on the host where it can be: a law is made before there are programs
        readable = _checks.can_read() and _checks.is_concrete((H, hbar))
        rates = np.asarray(H) / np.asarray(hbar) if readable else H / hbar
        omega, R, delta = _polar(rates, np if readable else jnp)
        return cls(
            omega, R, delta, q, r, hbar=hbar, regulator=regulator, literal=literal,
            drive=drive,
        )  # fmt: skip

    def rates_at(self, t: ArrayLike) -> tuple[Array, Array]:
        """ω_a and R_ab exp(iδ_ab) of H(t)/ħ: (M,), and (M, M) without its diagonal."""
        omega, links = self.omega, coupling(self.R, self.delta)
        if self.drive is None:
            return omega, links
        driven = 1 / self.hbar * self.drive.at(t)
        on = jnp.eye(links.shape[-1], dtype=bool)
        return omega + jnp.diagonal(jnp.real(driven)), links + jnp.where(on, 0, driven)

    def at(self, t: ArrayLike) -> "CopyDynamics":
        """The law without a drive that moves as this one does at time t.

        Only its values are right, not its derivatives with respect to the drive: |H_ab|
        has none where a sum of terms passes 0.
        """
        if self.drive is None:
            return self
        omega, links = self.rates_at(t)
        _, R, delta = _polar(links)
        return eqx.tree_at(
            lambda law: (law.omega, law.R, law.delta, law.drive), self,
            (omega, R, delta, None), is_leaf=lambda x: x is None,
        )  # fmt: skip

    def breaks(self) -> Breaks:
        """Times at which a pulse jumps."""
        return Breaks(None if self.drive is None else self.drive.jumps())

    def hamiltonian(self) -> Complex[Array, "M M"]:
        """H of the quantum point: ħω_a on the diagonal, ħR_ab exp(iδ_ab) off it.

        A drive, if there is one, is left out.
        """
        return self.hbar * (coupling(self.R, self.delta) + jnp.diag(self.omega + 0j))

    def yardstick(self) -> Schrodinger | None:
        """Schrödinger's law at the quantum point; None with a drive or harmonics."""
        if self.drive is not None or self.harmonics is not None:
            return None
        return Schrodinger(self.hamiltonian(), self.hbar)

    def on(self, quantum: Schrodinger) -> "CopyDynamics | None":
        """The law with the same exponents and another H; None unless H is a matrix."""
        if not isinstance(quantum.hamiltonian, MatrixHamiltonian):
            return None
        return CopyDynamics.from_hamiltonian(
            quantum.hamiltonian.dense, self.q, self.r, hbar=quantum.hbar,
            regulator=self.regulator, literal=self.literal,
        )  # fmt: skip

    # -- states -----------------------------------------------------------------

    def prepare(self, psi: Any) -> Array | DensityPhase:
        """The ensemble of a quantum state: ψ, or (|ψ|², -arg ψ) in the literal form.

        Raises:
            ValueError: wrong shape, not finite, not normalised.
        """
        psi = as_array(psi, "psi")
        _checks.check_state(psi, "psi", self.omega.shape, weight=1.0)
        psi = _checks.complex_of(psi)
        if not self.literal:
            return psi
        safe = jnp.where(psi == 0, 1, psi)
        return DensityPhase(abs2(psi), -jnp.angle(safe))

    def psi(self, state: Array | DensityPhase) -> Complex[Array, " M"]:
        """ψ_a = √ρ_a exp(-iφ_a): eq. (34)."""
        if not isinstance(state, DensityPhase):
            return state
        amplitude = jnp.sqrt(jnp.maximum(state.density, 0))
        return amplitude * expi(-state.phase)

    def density(self, state: Array | DensityPhase) -> Float[Array, " M"]:
        """ρ_a, the share of systems in each class."""
        return state.density if isinstance(state, DensityPhase) else abs2(state)

    def invariants(self, state: Array | DensityPhase) -> dict[str, Array]:
        """Norm Σρ and, undriven, ⟨H⟩ (conserved only at the quantum point)."""
        if self.drive is not None:
            return {"norm": jnp.sum(self.density(state))}
        psi = self.psi(state)
        image = jnp.sum(self.hamiltonian() * psi[None, :], axis=-1)
        return {
            "norm": jnp.sum(self.density(state)),
            "energy": jnp.sum(jnp.real(jnp.conj(psi) * image)),
        }

    # -- dynamics ---------------------------------------------------------------

    def vector_field(
        self, t: ArrayLike, state: Array | DensityPhase, args: Any = None
    ) -> Array | DensityPhase:
        """d(state)/dt; see the class."""
        del args
        if isinstance(state, DensityPhase):
            return literal_field(self, state)
        return psi_field(self, state, *self.rates_at(t))

    # -- nodes ------------------------------------------------------------------

    def watch(self) -> Watch:
        """NODE where a class is empty (literal form) or has passed a node (ψ form).

        A class has passed a node when its ψ_a reversed within the step and `node_ahead`
        had marked it. The reversed state is that of the conjugate ψ: φ -> -φ.
        """

        def alarm(t: ArrayLike, before: Any, after: Any) -> Array:
            if isinstance(after, DensityPhase):
                met = jnp.any(after.density <= self.regulator)
            else:
                # adaptive steps shrink at a node and stop inside the regulated zone
                # instead
                passed = jnp.real(jnp.conj(before) * after) < 0
                inside = abs2(after) <= 100 * self.regulator
                _, links = self.rates_at(t)
                met = jnp.any((passed | inside) & node_ahead(self, before, links))
            return jnp.where(met, Status.NODE, Status.OK)

        def turned(state: Array | DensityPhase) -> Array | DensityPhase:
            if isinstance(state, DensityPhase):
                return DensityPhase(state.density, -state.phase)
            return jnp.conj(state)

        return Watch(alarm, reversed=turned)


def _polar(rates: Any, xp: Any = jnp) -> tuple[Any, Any, Any]:
    """ω, R and δ of H/ħ: its diagonal, and modulus and phase off it."""
    coupled = ~xp.eye(rates.shape[-1], dtype=bool) & (rates != 0)
    # abs and angle have no derivative at 0: give them 1 there and mask after
    safe = xp.where(coupled, rates, 1)
    return (
        xp.real(xp.diagonal(rates)),
        xp.where(coupled, xp.abs(safe), 0),
        xp.where(coupled, xp.angle(safe), 0),
    )


# -- the fields ------------------------------------------------------------------------


def coupling(
    R: Float[Array, "M M"], delta: Float[Array, "M M"]
) -> Complex[Array, "M M"]:
    """R exp(i delta) without the diagonal."""
    return jnp.where(jnp.eye(R.shape[-1], dtype=bool), 0, R * expi(delta))


def psi_field(
    law: CopyDynamics,
    psi: Array,
    omega: Array,
    links: Array,
    still: Bool[Array, "M M"] | None = None,
) -> Array:
    """The law for ψ: with k_q = (ρ_a/ρ_b)^±(q-1/2), k_r = (ρ_a/ρ_b)^(r+1/2),

    dψ_a/dt = -i ω_a ψ_a - i Σ_b [ (k_r + k_q)/2 B_ab
              + (k_r - k_q)/2 conj(B_ab) ψ_a²/|ψ_a|² ],   B_ab = R_ab e^{iδ_ab} ψ_b

    The sign in k_q is that of the current between a and b. At a current of 0 the law
    has a slope for each sign; for pairs that are `still` the mean of both is taken.
    """
    rho = abs2(psi)
    level = jnp.log(rho + law.regulator)
    drive = links * psi[None, :]
    # k_r is a factor of a times a factor of b: it leaves the sum over b
    up = jnp.exp((law.r + 0.5) * level)
    turned = up * jnp.sum(links * (psi / up)[None, :], axis=-1)
    # no mean of the levels here, as in `ratios`: it would cost a sum of its own, and
    # the regulator keeps both factors in range
    rise = jnp.exp((law.q - 0.5) * level)
    k_q = _both_ways(rise[:, None] * (1 / rise)[None, :], still)
    gains = jnp.imag(jnp.conj(psi)[:, None] * drive) >= 0
    moved = jnp.sum(jnp.where(gains, k_q, k_q.T) * drive, axis=-1)
    unit = psi * psi / (rho + law.regulator)
    mean, half = (turned + moved) / 2, (turned - moved) / 2
    result = -1j * (omega * psi + mean + jnp.conj(half) * unit)
    if law.harmonics is None:
        return result
    return result + _harmonic_field(law, law.harmonics, psi, still)


def _both_ways(k_q: Array, still: Array | None) -> Array:
    """k_q of each pair, and the mean of both directions for pairs that are still."""
    if still is None:
        return k_q
    return jnp.where(still, (k_q + jnp.swapaxes(k_q, -1, -2)) / 2, k_q)


def _harmonic_field(
    law: CopyDynamics, terms: Harmonics, psi: Array, still: Array | None
) -> Array:
    """Σ_n ψ_a √(ρ_b/ρ_a) [½ R_sin k_q sin(ny+δ) - i R_cos k_r cos(ny+δ)]."""
    level = jnp.log(abs2(psi) + law.regulator)
    k_r = ratios(level, law.r + 0.5)[None]
    k_q = _both_ways(ratios(level, law.q - 0.5), still)[None]
    product = jnp.conj(psi)[:, None] * psi[None, :]
    # e^{i(φ_a - φ_b)}, levelled off where a class is empty
    unit = product / jnp.sqrt(abs2(product) + law.regulator**2)
    powers = jnp.stack([unit_power(unit, n) for n in terms.n])
    angle_sin = powers * expi(terms.delta_sin)
    angle_cos = powers * expi(terms.delta_cos)
    rise = jnp.imag(angle_sin)
    k_q = jnp.where(rise >= 0, k_q, jnp.swapaxes(k_q, -1, -2))
    off = ~jnp.eye(psi.shape[0], dtype=bool)[None]
    rate = jax.lax.complex(
        0.5 * terms.R_sin * k_q * rise, -terms.R_cos * k_r * jnp.real(angle_cos)
    )
    # ψ_a √(ρ_b/ρ_a) = ψ_b conj(e^{i y}) stays finite in empty classes
    carrier = psi[None, :] * jnp.conj(unit)
    return jnp.sum(jnp.where(off, rate * carrier[None], 0), axis=(0, 2))


def literal_field(law: CopyDynamics, state: DensityPhase) -> DensityPhase:
    """Eqs. (20) and (26) as printed; empty classes are kept finite, not resolved."""
    rho, phase = state
    level = safe_log(rho)
    difference = phase[:, None] - phase[None, :]
    off = ~jnp.eye(rho.shape[0], dtype=bool)
    x = difference + law.delta
    A = 2 * law.R * jnp.maximum(jnp.sin(x), 0)
    C = law.R * jnp.cos(x)
    if law.harmonics is not None:
        terms = law.harmonics
        n = jnp.asarray(terms.n, dtype=phase.dtype)[:, None, None]
        angle = n * difference[None]
        A += jnp.sum(terms.R_sin * jnp.maximum(jnp.sin(angle + terms.delta_sin), 0), 0)
        C += jnp.sum(terms.R_cos * jnp.cos(angle + terms.delta_cos), 0)
    rate = ratios(level, law.q) * rho[None, :] * jnp.where(off, A, 0)
    gain = jnp.where(rho > 0, jnp.sum(rate - rate.T, axis=-1), 0)
    turn = jnp.sum(ratios(level, law.r) * jnp.where(off, C, 0), axis=-1)
    return DensityPhase(gain, law.omega + turn)


def node_ahead(law: CopyDynamics, psi: Array, links: Array) -> Bool[Array, " M"]:
    """Classes that the law will empty from here on: a criterion for small ρ_a.

    With s = q + r > 0, K_a = ρ_a^s + 2 s ln|cos x_a| is constant along the motion near
    a node and the minimum of ρ_a is K_a^(1/s): the node is reached if K_a <= 0. x_a is
    the phase of class a relative to the field of all the others. With q > 1/2 a class
    also empties where its loss to one class, at a rate ρ_a^(1-q), outgrows its gain
    from another, ρ_a^q; a ratio of ten counts as the sign. The first criterion is exact
    for two classes (and applied to those that lose), the second a rule of thumb for
    three or more; the literal form needs neither. No class is marked at the quantum
    point. A class whose field is only rounding, as where the contributions of others
    cancel, does not count as one that loses.
    """
    s = law.q + law.r
    rho = abs2(psi)
    field = jnp.sum(links * psi[None, :], axis=-1)
    overlap = jnp.conj(psi) * field
    size = jnp.sqrt(rho * abs2(field)) + law.regulator
    tiny = jnp.finfo(rho.dtype).tiny
    cosine = jnp.clip(jnp.abs(jnp.real(overlap)) / size, tiny, 1)
    level = jnp.log(rho + law.regulator)
    K = jnp.exp(s * level) + 2 * s * jnp.log(cosine)
    # the field is a sum of links times amplitudes, at most of the size of the links
    most = jnp.sqrt(rho * jnp.sum(abs2(links), axis=-1))
    loses = jnp.imag(overlap) < -ROUNDING * jnp.finfo(rho.dtype).eps * most
    reached = (s > 0) & (K <= 0) & loses
    outgrown = (law.q > 0.5) & ((1 - 2 * law.q) * level > jnp.log(10.0))
    return reached | outgrown


def ratios(level: Array, power: Array) -> Array:
    """(ρ_a/ρ_b)^power as a matrix from ln ρ, by M exponentials instead of M²."""
    # the mean keeps both factors in range
    up = jnp.exp(power * (level - jnp.mean(level)))
    return up[:, None] * (1 / up)[None, :]


def unit_power(unit: Array, n: int) -> Array:
    """unit^n for a phase factor; negative powers by conjugation."""
    return (
        jax.lax.integer_pow(unit, n)
        if n >= 0
        else jnp.conj(jax.lax.integer_pow(unit, -n))
    )

"""Smolin's copy dynamics as a mean-field law, with free exponents q and r."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from .. import _checks
from ..interop import as_array
from ..status import Status
from .constants import (
    antisymmetric,
    constant,
    free,
    scalars,
    symmetric,
    upper_triangle,
)
from .copy_fields import (
    DensityPhase,
    Harmonics,
    coupling,
    literal_field,
    node_ahead,
    psi_field,
    square,
)
from .law import Law


class CopyDynamics(Law):
    """Systems copy each other's beables; their ensemble moves by a nonlinear law.

    dρ_a/dt = Σ_b [(ρ_a/ρ_b)^q ρ_b A_ab - (ρ_b/ρ_a)^q ρ_a A_ba]
    dφ_a/dt = ω_a + Σ_b (ρ_a/ρ_b)^r C_ab
    A_ab = 2 R_ab sin⁺(x_ab),  C_ab = R_ab cos(x_ab),  x_ab = φ_a - φ_b + δ_ab

    At q = 1/2, r = -1/2 the law is Schrödinger's for ψ_a = √ρ_a exp(-iφ_a) and
    H/ħ = ω_a on the diagonal, R_ab exp(iδ_ab) off it. The default state is that ψ,
    with which the law stays regular at nodes; `literal=True` carries (ρ, φ) and stops
    at the first node. Rates are per unit of time, phases in radians, time is free.
    Σρ is conserved for every q and r; ⟨H⟩ only in quantum mechanics. With q + r > 0,
    and from three classes on also with q > 1/2, the law runs into nodes (ρ_a = 0) in
    finite time, where it ends: status `NODE`. The literal form stops exactly there,
    the ψ form at the step that passes it.

    Source: Smolin (2012), eqs. (20), (26)-(33); sign conventions of (34)-(38).

    Attributes:
        omega: ω_a, shape (M,).
        R: R_ab, shape (M, M), symmetric, not negative; its diagonal is not used.
        delta: δ_ab, shape (M, M), antisymmetric.
        q: exponent of the copy rate; 1/2 in quantum mechanics (sec. 3.1).
        r: exponent of the phase rate; -1/2 in quantum mechanics.
        harmonics: further Fourier terms, or None.
        hbar: ħ, used only by `from_hamiltonian` and `hamiltonian`.
        regulator: eps, a density below which ratios of densities are levelled off; no
            effect at q = 1/2, r = -1/2. Results after an exact node depend on it
            elsewhere.
        literal: whether the state is (density, phase).
    """

    omega: Float[Array, " M"]
    harmonics: Harmonics | None
    hbar: Float[Array, ""]
    regulator: Float[Array, ""]
    literal: bool = eqx.field(static=True)
    R: Float[Array, "M M"] = free(pack=upper_triangle, unpack=symmetric)
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
    ):
        """Copy dynamics of M classes; see the class for the arguments.

        Raises:
            ValueError: shapes differ, R is not symmetric or negative, delta is not
                antisymmetric, a value is not finite or not real, q, r, hbar or
                regulator is not one number, or one of the last two is not positive.
        """
        self.omega = constant(omega, "omega")
        self.R, self.delta = constant(R, "R"), constant(delta, "delta")
        self.harmonics = harmonics
        self.q, self.r, self.hbar, self.regulator = scalars(
            q=q, r=r, hbar=hbar, regulator=regulator
        )
        self.literal = bool(literal)
        self._check()

    def _check(self) -> None:
        size = self.omega.shape[-1] if self.omega.ndim else 0
        _checks.check_shape(self.omega, "omega", (size,))
        for name in ("R", "delta"):
            _checks.check_shape(getattr(self, name), name, (size, size))
        for name in ("omega", "R", "delta"):
            _checks.check_real(getattr(self, name), name)
            _checks.check_finite(getattr(self, name), name)
        for name in ("hbar", "regulator"):
            _checks.check_positive(getattr(self, name), name)
        self._check_harmonics()
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
            hamiltonian: (M, M) Hermitian, energy units; arrays, QuTiP, dynamiqs.
            q: exponent of the copy rate.
            r: exponent of the phase rate.
            hbar: ħ, scalar.
            regulator: see the class.
            literal: see the class.

        Returns:
            The law.

        Raises:
            ValueError: not square, not Hermitian or not finite, a function of time; or
                constants that the law refuses.
        """
        H = as_array(hamiltonian, "hamiltonian")
        _checks.check_square(H, "hamiltonian")
        _checks.check_finite(H, "hamiltonian")
        _checks.check_hermitian(H, "hamiltonian")
        _checks.check_scalar(hbar, "hbar")
        _checks.check_positive(hbar, "hbar")
        omega, R, delta = _polar(H / hbar)
        return cls(
            omega, R, delta, q, r, hbar=hbar, regulator=regulator, literal=literal
        )

    def hamiltonian(self) -> Complex[Array, "M M"]:
        """H of the quantum point: ħω_a on the diagonal, ħR_ab exp(iδ_ab) off it."""
        return self.hbar * (coupling(self) + jnp.diag(self.omega + 0j))

    # -- states -----------------------------------------------------------------

    def prepare(self, psi: Any) -> Array | DensityPhase:
        """The ensemble of a quantum state: ψ, or (|ψ|², -arg ψ) in the literal form.

        Raises:
            ValueError: wrong shape, not finite, not normalised.
        """
        psi = as_array(psi, "psi")
        _checks.check_state(psi, "psi", self.omega.shape, weight=1.0)
        psi = psi.astype(jnp.result_type(psi.dtype, jnp.complex64))
        if not self.literal:
            return psi
        safe = jnp.where(psi == 0, 1, psi)
        return DensityPhase(square(psi), -jnp.angle(safe))

    def psi(self, state: Array | DensityPhase) -> Complex[Array, " M"]:
        """ψ_a = √ρ_a exp(-iφ_a): eq. (34)."""
        if not isinstance(state, DensityPhase):
            return state
        amplitude = jnp.sqrt(jnp.maximum(state.density, 0))
        return jax.lax.complex(
            amplitude * jnp.cos(state.phase), -amplitude * jnp.sin(state.phase)
        )

    def density(self, state: Array | DensityPhase) -> Float[Array, " M"]:
        """ρ_a, the share of systems in each class."""
        return state.density if isinstance(state, DensityPhase) else square(state)

    def invariants(self, state: Array | DensityPhase) -> dict[str, Array]:
        """Norm Σρ, and energy ⟨H⟩ (conserved at the quantum point alone)."""
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
        del t, args
        if isinstance(state, DensityPhase):
            return literal_field(self, state)
        return psi_field(self, state)

    # -- nodes ------------------------------------------------------------------

    def alarm(self, t: ArrayLike, before: Any, after: Any) -> Array:
        """Node: an empty class in the literal form; one that was passed in the ψ form.

        A class has passed a node when its ψ_a reversed within the step and the node was
        ahead by `copy_fields.node_ahead`.
        """
        del t
        if isinstance(after, DensityPhase):
            met = jnp.any(after.density <= self.regulator)
        else:
            # adaptive steps shrink at a node and stop inside the regulated zone instead
            passed = jnp.real(jnp.conj(before) * after) < 0
            inside = square(after) <= 100 * self.regulator
            met = jnp.any((passed | inside) & node_ahead(self, before))
        return jnp.where(met, Status.NODE, Status.OK)


@jax.jit
def _polar(rates: Array) -> tuple[Array, Array, Array]:
    """ω, R and δ of H/ħ: its diagonal, and modulus and phase off it."""
    coupled = ~jnp.eye(rates.shape[-1], dtype=bool) & (rates != 0)
    # abs and angle have no derivative at 0: give them 1 there and mask after
    safe = jnp.where(coupled, rates, 1)
    return (
        jnp.real(jnp.diagonal(rates)),
        jnp.where(coupled, jnp.abs(safe), 0),
        jnp.where(coupled, jnp.angle(safe), 0),
    )

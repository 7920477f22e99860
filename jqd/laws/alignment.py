"""Phase alignment: does anything bring the phases of a class together?

The Hamiltonian model of N individuals with fixed beables, equations (42)-(55) of
Smolin (2012), with options that the paper leaves open. `jqd.readings.stability`
determines whether alignment is attracting, neutral or unstable.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from .. import _checks
from .._math import (
    abs2,
    divisor,
    expi,
    inverse_root,
    of_pairs,
    real_pairs,
    safe_divide,
    take,
)
from .._outside import plain
from ..constants import antisymmetric, constant, free, symmetric, upper_triangle
from ..interop import as_array
from .copying import CopyDynamics, coupling
from .law import Law

POTENTIALS = ("sin2", "1-cos")
NORMS = ("paper", "class")


class PhaseState(NamedTuple):
    """State of `PhaseAlignment`.

    Attributes:
        phase: φ_I, shape (N,), radians; not wrapped.
        momentum: π_I, shape (N,), 1/time.
    """

    phase: Array
    momentum: Array


class PhaseAlignment(Law):
    """N individuals of fixed beables whose phases attract within each class.

    φ̇_I = π_I + Ω_I(φ)
    π̇_I = -s_a Σ_{J∈a_I} U'(φ_I - φ_J) - Σ_K π_K ∂Ω_K/∂φ_I - γ π_I
    Ω_I = ω_a + Σ_{J∉a_I} R_ab cos(φ_I - φ_J + δ_ab) / √(n_a n_b)

    with a = a_I, b = a_J. U(y) = sin²y (`potential="sin2"`, the paper's) or
    2 (1 - cos y) ("1-cos"); s_a = f² (`norm="paper"`) or f²/n_a ("class"). Phases that
    are aligned and at rest stay so, and move by the copy law at fixed occupations. At
    γ = 0 the motion is Hamiltonian: H = Σ_I (π_I²/2 + π_I Ω_I) + (1/2) Σ_{IJ} s_a U and
    Σ_I π_I are conserved, so that alignment attracts nothing. The law is computed with
    sums over classes: a step costs O(N + M²).

    Source: Smolin (2012), eqs. (42)-(46), the sum and factor 2 of (46) restored; the
    other potential, the other norm and the damping are not the paper's.

    Attributes:
        omega: ω_a, shape (M,), 1/time.
        R: R_ab, shape (M, M), symmetric, not negative, 1/time.
        delta: δ_ab, shape (M, M), antisymmetric, radians.
        f: alignment frequency, scalar, 1/time.
        damping: γ, scalar, 1/time.
        beable: a_I in 0..M-1, a tuple of N (static).
        potential: "sin2" or "1-cos" (static).
        norm: "paper" or "class" (static).
    """

    beable: tuple[int, ...] = eqx.field(static=True)
    potential: str = eqx.field(static=True)
    norm: str = eqx.field(static=True)
    omega: Float[Array, " M"] = free(unit="rate")
    f: Float[Array, ""] = free(bounds=(0.0, np.inf), unit="rate")
    damping: Float[Array, ""] = free(bounds=(0.0, np.inf), unit="rate")
    R: Float[Array, "M M"] = free(pack=upper_triangle, unpack=symmetric, unit="rate")
    delta: Float[Array, "M M"] = free(pack=upper_triangle, unpack=antisymmetric)

    def __init__(
        self,
        beable: ArrayLike | Sequence[int],
        omega: ArrayLike,
        R: ArrayLike,
        delta: ArrayLike,
        f: ArrayLike,
        *,
        damping: ArrayLike = 0.0,
        potential: str = "sin2",
        norm: str = "paper",
    ):
        """The alignment model; see the class for the arguments.

        Raises:
            ValueError: beables that are not known integers in 0..M-1, couplings that
                `CopyDynamics` refuses, negative f or damping, unknown options.
        """
        self.omega, self.R, self.delta = check_couplings(omega, R, delta)
        self.f = not_negative(f, "f")
        self.damping = not_negative(damping, "damping")
        _checks.check_choice(potential, "potential", POTENTIALS)
        _checks.check_choice(norm, "norm", NORMS)
        self.potential, self.norm = potential, norm
        self.beable = _beables(beable, self.omega.shape[0])

    @classmethod
    def of_occupation(
        cls, occupation: Sequence[int], *constants: ArrayLike, **options: Any
    ) -> "PhaseAlignment":
        """The law of n_a individuals in each class, in the order of the classes.

        Args:
            occupation: n_a, M whole numbers.
            *constants: omega, R, delta, f.
            **options: damping, potential, norm.
        """
        numbers = np.asarray(occupation)
        if not np.issubdtype(numbers.dtype, np.integer) or numbers.min(initial=0) < 0:
            raise ValueError(
                "Argument `occupation` must be whole numbers not below 0, but it is "
                f"{occupation}."
            )
        return cls(np.repeat(np.arange(numbers.size), numbers), *constants, **options)

    @property
    def occupation(self) -> Float[Array, " M"]:
        """n_a, the number of individuals in each class, (M,)."""
        count = np.bincount(np.asarray(self.beable), minlength=self.omega.shape[0])
        return jnp.asarray(count, self.omega.dtype)

    # -- states -----------------------------------------------------------------

    def prepare(self, psi: Any) -> PhaseState:
        """Aligned phases at rest: φ_I = -arg ψ_a, π_I = 0.

        Args:
            psi: ψ_a, shape (M,), whose populations |ψ_a|² the beables represent: each
                within one individual, |N|ψ_a|² - n_a| < 1. For other phases see
                `start`.

        Raises:
            ValueError: not normalised, or populations other than those of the beables.
        """
        psi = as_array(psi)
        _checks.check_state(psi, "psi", self.omega.shape, weight=1.0)
        if _checks.is_concrete(psi):
            share = abs2(_checks.concrete(psi)) * len(self.beable)
            count = np.bincount(np.asarray(self.beable), minlength=share.size)
            if np.any(np.abs(share - count) >= 1 + 1e-6):
                raise ValueError(
                    "Argument `psi` must have the populations that the beables "
                    f"represent, {count} of {count.sum()}, but has {share.round(2)}; "
                    "beables are fixed under this law."
                )
        phase = -jnp.angle(jnp.where(psi == 0, 1, psi))
        return self.start(phase[np.asarray(self.beable)])

    def start(self, phase: ArrayLike, momentum: ArrayLike | None = None) -> PhaseState:
        """The state with the given phases, aligned or not.

        Args:
            phase: φ_I, shape (N,), radians.
            momentum: π_I, shape (N,), 1/time; None for rest.

        Raises:
            ValueError: wrong shape, complex or not finite.
        """
        momentum = jnp.zeros_like(jnp.asarray(phase)) if momentum is None else momentum
        for name, value in (("phase", phase), ("momentum", momentum)):
            _checks.check_reals(value, name, (len(self.beable),))
        phase, momentum = jnp.asarray(phase), jnp.asarray(momentum)
        dtype = jnp.result_type(phase, momentum, jnp.float32)
        return PhaseState(phase.astype(dtype), momentum.astype(dtype))

    def class_sum(self, values: Array) -> Array:
        """Σ_{I∈a} of (N, ...) values, (M, ...)."""
        classes, beable = self.omega.shape[0], np.asarray(self.beable)
        return of_pairs(
            jax.ops.segment_sum(real_pairs(values), beable, classes), values
        )

    def _class_mean(self, values: Array) -> Array:
        """The mean over each class, (M,); 0 for an empty one."""
        return self.class_sum(values) * inverse_root(self.occupation) ** 2

    def order(self, state: PhaseState, harmonic: int = 1) -> Complex[Array, " M"]:
        """Order parameter Z_a = (1/n_a) Σ_{I∈a} e^{i k φ_I}; |Z_a| = 1 where aligned.

        Args:
            state: the state.
            harmonic: k; k = 2 detects phases that are aligned modulo π.

        Returns:
            Z_a, (M,) complex, of modulus at most 1; 0 for an empty class.
        """
        return self._class_mean(expi(harmonic * state.phase))

    def variance(self, state: PhaseState) -> Float[Array, " M"]:
        """Variance of the phases within each class, not wrapped, (M,), radians²."""
        mean = self._class_mean(state.phase)
        offset = state.phase - mean[np.asarray(self.beable)]
        return self._class_mean(offset**2)

    def psi(self, state: PhaseState) -> Complex[Array, " M"]:
        """ψ_a = √ρ_a e^{-iφ_a} with φ_a = arg Z_a, the direction of the class."""
        Z = self.order(state)
        # arg has no derivative at 0: a class without direction gets phase 0
        size = abs2(Z)
        unit = divisor(Z, size > 0) / jnp.sqrt(divisor(size))
        return jnp.sqrt(self.density(state)) * jnp.conj(unit)

    def density(self, state: PhaseState) -> Float[Array, " M"]:
        """ρ_a = n_a/N, which does not change."""
        return self.occupation.astype(state.phase.dtype) / len(self.beable)

    # -- dynamics ---------------------------------------------------------------

    def vector_field(self, t: ArrayLike, state: PhaseState, args: Any = None):
        """(φ̇, π̇); see the class."""
        del t, args
        phase, momentum = state
        beable = np.asarray(self.beable)
        # without the barrier XLA computes cosines and sines anew for each use
        turn = jax.lax.optimization_barrier(expi(phase))
        # U'(y) = slope · sin(k y), y = φ_I - φ_J, and `towards` is e^{ikφ_I}
        towards, slope = (turn * turn, 1) if self.potential == "sin2" else (turn, 2)
        # one pass over the individuals for all sums over classes
        sums = self.class_sum(jnp.stack([turn, momentum * turn, towards], axis=1))
        links, drive = self._drive(sums[:, 0])
        pull = turn * take(drive, beable)
        rate = momentum + self.omega[beable] + jnp.real(pull)
        # Σ_K π_K ∂Ω_K/∂φ_I: through φ_I in Ω_I itself, and in that of other classes
        back = jnp.sum(links * sums[:, 1][:, None], axis=0)
        reaction = jnp.imag(momentum * pull - jnp.conj(turn) * take(back, beable))
        each = slope * strength(self.f, self.occupation, self.norm)
        held = take(each * jnp.conj(sums[:, 2]), beable)
        attraction = jnp.imag(towards * held)
        return PhaseState(rate, reaction - attraction - self.damping * momentum)

    def _drive(self, sums: Array) -> tuple[Array, Array]:
        """K_ab = R_ab e^{iδ_ab}/√(n_a n_b), and Σ_b K_ab Z_b^* with sums Z_b."""
        weight = inverse_root(self.occupation)
        links = coupling(self.R, self.delta) * weight[:, None] * weight[None, :]
        return links, jnp.sum(links * jnp.conj(sums)[None, :], axis=1)

    def invariants(self, state: PhaseState) -> dict[str, Array]:
        """Energy H and total momentum Σ_I π_I; conserved where γ = 0."""
        phase, momentum = state
        turn = expi(phase)
        drive = self._drive(self.class_sum(turn))[1]
        pull = jnp.real(turn * take(drive, np.asarray(self.beable)))
        Omega = self.omega[np.asarray(self.beable)] + pull
        # Σ_{IJ} sin²y = (n² - |Z₂|²)/2 and Σ_{IJ} 2(1 - cos y) = 2 (n² - |Z|²)
        scale, k = (0.5, 2) if self.potential == "sin2" else (2.0, 1)
        misalignment = self.occupation**2 * (1 - abs2(self.order(state, k)))
        V = scale / 2 * strength(self.f, self.occupation, self.norm) * misalignment
        return {
            "energy": jnp.sum(momentum**2 / 2 + momentum * Omega) + jnp.sum(V),
            "momentum": jnp.sum(momentum),
        }


def check_couplings(
    omega: ArrayLike, R: ArrayLike, delta: ArrayLike
) -> tuple[Array, Array, Array]:
    """ω (M,), R and δ (M, M), checked as the copy law checks them."""
    law = CopyDynamics(omega, R, delta)
    return law.omega, law.R, law.delta


def not_negative(value: ArrayLike, name: str) -> Array:
    """A scalar constant >= 0; the value of a tracer is not checked.

    Raises:
        ValueError: not a finite real scalar, or below zero.
    """
    _checks.check_not_negative(value, name, ())
    return constant(value, name)


def strength(f: ArrayLike, occupation: Array, norm: str = "paper") -> Array:
    """Strength of the attraction between two individuals of one class.

    s_a = f² ("paper") or f²/n_a ("class"; 0 for an empty class)

    Args:
        f: alignment frequency, scalar, 1/time.
        occupation: n_a, real, any shape.
        norm: "paper" or "class".

    Returns:
        s_a like `occupation`, 1/time².

    Raises:
        ValueError: unknown norm.
    """
    _checks.check_choice(norm, "norm", NORMS)
    occupation = jnp.asarray(occupation)
    if norm == "paper":
        return jnp.full_like(occupation, 1) * f**2
    return safe_divide(f**2, occupation)


def _beables(beable: Any, num_classes: int) -> tuple[int, ...]:
    if not _checks.is_concrete(beable):
        raise ValueError(
            "Argument `beable` must be known when the law is made, but is traced; make "
            "the law outside of jit."
        )
    values = np.asarray(plain(beable, "beable"))
    _checks.check_shape(values, "beable", (None,))
    if values.size == 0 or not np.issubdtype(values.dtype, np.integer):
        raise ValueError(
            "Argument `beable` must hold at least one integer, but has shape "
            f"{values.shape} and dtype {values.dtype}."
        )
    if values.min() < 0 or values.max() >= num_classes:
        raise ValueError(
            f"Argument `beable` must lie in 0..{num_classes - 1}, but runs from "
            f"{values.min()} to {values.max()}."
        )
    return tuple(values.tolist())

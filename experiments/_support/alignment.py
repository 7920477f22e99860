"""Classes of the alignment model as a whole, and the spread within them."""

from typing import Any, NamedTuple, TypeAlias

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from jqd import CopyDynamics, Status, _checks, free
from jqd._math import abs2
from jqd.constants import antisymmetric, symmetric, upper_triangle
from jqd.interop import as_array
from jqd.laws import Law
from jqd.laws.alignment import NORMS, check_couplings, not_negative, strength
from jqd.laws.copying import coupling
from jqd.laws.groups import Watch

# What has the couplings ω, R and δ of classes.
Coupled: TypeAlias = "_Classes | CopyDynamics"
# A class of less than this share counts as empty: the rates per member end there.
EMPTY = 1e-12


class ClassState(NamedTuple):
    """State of `AlignedClasses`.

    Attributes:
        psi: ψ_a = √ρ_a e^{-iφ_a}, shape (M,).
        momentum: π_a, shape (M,), 1/time, the mean over the class.
    """

    psi: Array
    momentum: Array


class _Classes(Law):
    """M classes whose ψ_a obeys Schrödinger's law while none of them is empty."""

    omega: Float[Array, " M"]
    damping: Float[Array, ""]
    copy_momentum: bool = eqx.field(static=True)
    R: Float[Array, "M M"] = free(pack=upper_triangle, unpack=symmetric)
    delta: Float[Array, "M M"] = free(pack=upper_triangle, unpack=antisymmetric)

    def _set(
        self, couplings: tuple[ArrayLike, ...], damping: ArrayLike, copied: bool
    ) -> None:
        self.omega, self.R, self.delta = check_couplings(*couplings)
        self.damping = not_negative(damping, "damping")
        self.copy_momentum = bool(copied)

    def density(self, state: Any) -> Float[Array, " M"]:
        """ρ_a, the share of systems in each class."""
        return abs2(state.psi)

    def invariants(self, state: Any) -> dict[str, Array]:
        """Norm Σρ."""
        return {"norm": jnp.sum(self.density(state))}

    def watch(self) -> Watch:
        """Node: a class that is empty, or was within the step."""
        return Watch(_alarm)


class AlignedClasses(_Classes):
    """M aligned classes of the alignment model, in which systems copy each other.

    ψ̇_a = -i [(ω_a + π_a) ψ_a + Σ_b R_ab e^{iδ_ab} ψ_b]
    π̇_a = (1/2ρ_a) Σ_b J_ab (π_a + π_b)
           + (1/ρ_a) Σ_b [J_ab]₊ (π_b - π_a)   where momenta are not copied
           - γ π_a,    J_ab = 2 √(ρ_a ρ_b) R_ab sin(φ_a - φ_b + δ_ab)

    With π = 0 this is Schrödinger's law; what small π do decides whether it is stable.
    The paper does not say whether a system that copies a beable and its phase copies π
    as well: `copy_momentum`. If not, Σ_a ρ_a π_a is conserved (at γ = 0). Phases of one
    class are equal here; `ClassSpread` follows their differences. Runs end at nodes.

    Source: Smolin (2012), eqs. (46), (51)-(53), averaged over classes with the copy
    rates of (39).

    Attributes:
        omega: ω_a, shape (M,), 1/time.
        R: R_ab, shape (M, M), symmetric, not negative, 1/time.
        delta: δ_ab, shape (M, M), antisymmetric, radians.
        damping: γ, scalar, 1/time.
        copy_momentum: whether copiers take over the momentum (static).
    """

    def __init__(
        self,
        omega: ArrayLike,
        R: ArrayLike,
        delta: ArrayLike,
        *,
        damping: ArrayLike = 0.0,
        copy_momentum: bool = True,
    ):
        """Aligned classes; see the class for the arguments.

        Raises:
            ValueError: couplings that `CopyDynamics` refuses, or a negative damping.
        """
        self._set((omega, R, delta), damping, copy_momentum)

    def prepare(self, psi: Any, momentum: ArrayLike | None = None) -> ClassState:
        """ψ with momenta π, at rest by default.

        Raises:
            ValueError: wrong shape, not finite, not normalised.
        """
        psi = _ket(self, psi)
        momentum = jnp.zeros(psi.shape) if momentum is None else momentum
        return ClassState(psi, jnp.asarray(momentum, psi.real.dtype))

    def vector_field(self, t: ArrayLike, state: ClassState, args: Any = None):
        """(ψ̇, π̇); see the class."""
        del t, args
        psi, momentum = state
        generator = momentum_generator(self, psi, copy_momentum=self.copy_momentum)
        force = jnp.sum(generator * momentum[None, :], axis=1)
        return ClassState(
            class_rate(self, psi) - 1j * momentum * psi, force - self.damping * momentum
        )

    def invariants(self, state: ClassState) -> dict[str, Array]:
        """Norm Σρ, and momentum Σρπ (conserved if not copied and not damped)."""
        momentum = jnp.sum(self.density(state) * state.momentum)
        return super().invariants(state) | {"momentum": momentum}


def _ket(law: Coupled, psi: Any) -> Complex[Array, " M"]:
    psi = as_array(psi)
    _checks.check_state(psi, "psi", law.omega.shape, weight=1.0)
    return psi.astype(jnp.result_type(psi.dtype, jnp.complex64))


def class_rate(law: Coupled, psi: Array) -> Complex[Array, " M"]:
    """ψ̇ of Schrödinger's law with the couplings of `law`."""
    drive = jnp.sum(coupling(law.R, law.delta) * psi[None, :], axis=1)
    return -1j * (law.omega * psi + drive)


def inflow(law: Coupled, psi: Array) -> Float[Array, "M M"]:
    """J_ab/ρ_a, the net flow b → a for each member of a; 0 where a is empty, (M, M)."""
    empty = abs2(psi) <= EMPTY
    inverse = jnp.where(empty, 0, 1 / jnp.where(empty, 1, psi))
    return 2 * jnp.imag(coupling(law.R, law.delta) * psi[None, :] * inverse[:, None])


def momentum_generator(
    law: Coupled, psi: Complex[Array, " M"], *, copy_momentum: bool = True
) -> Float[Array, "M M"]:
    """How the class momenta drive each other along a state: π̇ = P(ψ) π.

    P = (1/2) [diag(Σ_b j_ab) + j_ab],  j_ab = J_ab/ρ_a;
    if momenta are not copied, + [j_ab]₊ - diag(Σ_b [j_ab]₊)

    Args:
        law: anything with `omega`, `R` and `delta`, e.g. `jqd.CopyDynamics`.
        psi: ψ_a, (M,).
        copy_momentum: whether copiers take over the momentum.

    Returns:
        P, (M, M) real, 1/time; without damping.

    Source: Smolin (2012), eq. 51, averaged over classes with the rates of eq. 39.
    """
    flow = inflow(law, psi)
    matrix = (flow + jnp.diag(jnp.sum(flow, axis=1))) / 2
    if copy_momentum:
        return matrix
    gain = jnp.maximum(flow, 0)
    return matrix + gain - jnp.diag(jnp.sum(gain, axis=1))


def _alarm(t: ArrayLike, before: Any, after: Any) -> Array:
    """A class emptied in a step: it is empty now, or its ψ_a reversed."""
    del t
    reversed_ = jnp.real(jnp.conj(before.psi) * after.psi) < 0
    met = jnp.any(reversed_ | (abs2(after.psi) <= EMPTY))
    return jnp.where(met, Status.NODE, Status.OK)


class SpreadState(NamedTuple):
    """State of `ClassSpread`: ψ and the second moments within each class.

    Attributes:
        psi: ψ_a, shape (M,).
        variance: <δφ²>_a, shape (M,), radians².
        covariance: <δφ δπ>_a, shape (M,), 1/time.
        momentum_variance: <δπ²>_a, shape (M,), 1/time².
    """

    psi: Array
    variance: Array
    covariance: Array
    momentum_variance: Array


class ClassSpread(_Classes):
    """Small spread of phases and momenta within classes, along Schrödinger's law.

    With u = <δφ²>_a, c = <δφ δπ>_a, w = <δπ²>_a and g = ρ̇_a/(2ρ_a),

    u̇ = 2 c - 2 g u
    ċ = w - 2 s n u - γ c             [- c Σ_b j⁺_ab]
    ẇ = -4 s n c + 2 g w - 2 γ w      [+ Σ_b j⁺_ab (w_b - w)]

    where j⁺_ab = [J_ab]₊/ρ_a, n = Nρ_a and s = f² (`norm="paper"`) or f²/n ("class").
    The terms in brackets count where momenta are not copied: a system that arrives has
    its new class's phase and its old momentum. If momenta are copied this is the mean
    over oscillators y = √ρ δφ, p = δπ/√ρ with ẏ = ρ p, ṗ = -2 s N y - γ p; at f = 0,
    momenta at rest, ρ_a <δφ²>_a is constant: alignment by the copy law is neutral.

    Source: Smolin (2012), eqs. (39), (40), (46), to second order in the differences.

    Attributes:
        omega: ω_a, shape (M,), 1/time.
        R: R_ab, shape (M, M), symmetric, not negative, 1/time.
        delta: δ_ab, shape (M, M), antisymmetric, radians.
        f: alignment frequency, scalar, 1/time.
        copies: N, scalar; a real number, it sets the paper's strength f²N alone.
        damping: γ, scalar, 1/time.
        norm: "paper" or "class" (static).
        copy_momentum: whether copiers take over the momentum (static).
    """

    f: Float[Array, ""]
    copies: Float[Array, ""]
    norm: str = eqx.field(static=True)

    def __init__(
        self,
        omega: ArrayLike,
        R: ArrayLike,
        delta: ArrayLike,
        f: ArrayLike,
        copies: ArrayLike,
        *,
        damping: ArrayLike = 0.0,
        norm: str = "paper",
        copy_momentum: bool = True,
    ):
        """The spread within classes; see the class for the arguments.

        Raises:
            ValueError: couplings that `CopyDynamics` refuses, a negative constant, or
                an unknown norm.
        """
        self._set((omega, R, delta), damping, copy_momentum)
        self.f = not_negative(f, "f")
        self.copies = not_negative(copies, "copies")
        _checks.check_choice(norm, "norm", NORMS)
        self.norm = norm

    def prepare(
        self, psi: Any, variance: ArrayLike = 1.0, momentum_variance: ArrayLike = 0.0
    ) -> SpreadState:
        """ψ with these variances within each class, uncorrelated.

        The law is linear in the moments: variance 1 gives the factor of growth.

        Args:
            psi: ψ_a, shape (M,), normalised.
            variance: <δφ²>_a, scalar or (M,), radians².
            momentum_variance: <δπ²>_a, scalar or (M,), 1/time².

        Raises:
            ValueError: wrong shape, not finite, not normalised.
        """
        psi = _ket(self, psi)
        spread, covariance, heat = (
            jnp.broadcast_to(jnp.asarray(value, psi.real.dtype), psi.shape)
            for value in (variance, 0, momentum_variance)
        )
        return SpreadState(psi, spread, covariance, heat)

    def vector_field(self, t: ArrayLike, state: SpreadState, args: Any = None):
        """Rates of ψ and of the moments; see the class."""
        del t, args
        psi, u, c, w = state
        flow = inflow(self, psi)
        n = self.copies * abs2(psi)
        pull = 2 * strength(self.f, n, self.norm) * n
        g = jnp.sum(flow, axis=1) / 2
        cross = w - pull * u - self.damping * c
        heat = 2 * (g * w - pull * c - self.damping * w)
        if not self.copy_momentum:
            gain = jnp.maximum(flow, 0)
            cross -= c * jnp.sum(gain, axis=1)
            heat += jnp.sum(gain * (w[None, :] - w[:, None]), axis=1)
        return SpreadState(class_rate(self, psi), 2 * (c - g * u), cross, heat)

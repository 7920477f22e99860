"""Aligned classes while copying goes on: one phase and one momentum a class."""

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Complex, Float

from ... import _checks
from ...interop import as_array
from ...status import Status
from ..constants import antisymmetric, free, symmetric, upper_triangle
from ..copy_fields import coupling, square
from ..law import Law
from . import couplings

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


class AlignedClasses(Law):
    """M aligned classes of the alignment model, in which systems copy each other.

    ψ̇_a = -i [(ω_a + π_a) ψ_a + Σ_b R_ab e^{iδ_ab} ψ_b]
    π̇_a = (1/2ρ_a) Σ_b J_ab (π_a + π_b)
           + (1/ρ_a) Σ_b [J_ab]₊ (π_b - π_a)   where momenta are not copied
           - γ π_a,    J_ab = 2 √(ρ_a ρ_b) R_ab sin(φ_a - φ_b + δ_ab)

    With π = 0 this is Schrödinger's law; what small π do decides whether it is stable.
    The paper does not say whether who copies a beable and its phase copies π as well:
    `copy_momentum`. If not, Σ_a ρ_a π_a is conserved (at γ = 0). Phases of one class
    are equal here; `ClassSpread` follows their differences. The state ends at nodes.

    Source: Smolin (2012), eqs. (46), (51)-(53), averaged over classes with the copy
    rates of (39).

    Attributes:
        omega: ω_a, shape (M,), 1/time.
        R: R_ab, shape (M, M), symmetric, not negative, 1/time.
        delta: δ_ab, shape (M, M), antisymmetric, radians.
        damping: γ, scalar, 1/time.
        copy_momentum: whether copiers take over the momentum (static).
    """

    omega: Float[Array, " M"]
    damping: Float[Array, ""]
    copy_momentum: bool = eqx.field(static=True)
    R: Float[Array, "M M"] = free(pack=upper_triangle, unpack=symmetric)
    delta: Float[Array, "M M"] = free(pack=upper_triangle, unpack=antisymmetric)

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
        self.omega, self.R, self.delta = couplings.check_couplings(omega, R, delta)
        self.damping = couplings.not_negative(damping, "damping")
        self.copy_momentum = bool(copy_momentum)

    def prepare(self, psi: Any, momentum: ArrayLike | None = None) -> ClassState:
        """ψ with momenta π, at rest by default.

        Raises:
            ValueError: wrong shape, not finite, not normalised.
        """
        psi = as_array(psi)
        _checks.check_state(psi, "psi", self.omega.shape, weight=1.0)
        psi = psi.astype(jnp.result_type(psi.dtype, jnp.complex64))
        momentum = jnp.zeros(psi.shape) if momentum is None else momentum
        _checks.check_shape(momentum, "momentum", self.omega.shape)
        _checks.check_real(momentum, "momentum")
        _checks.check_finite(momentum, "momentum")
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

    def density(self, state: ClassState) -> Float[Array, " M"]:
        """ρ_a, the share of systems in each class."""
        return square(state.psi)

    def invariants(self, state: ClassState) -> dict[str, Array]:
        """Norm Σρ, and momentum Σρπ (conserved if not copied and not damped)."""
        rho = self.density(state)
        return {"norm": jnp.sum(rho), "momentum": jnp.sum(rho * state.momentum)}

    def alarm(self, t: ArrayLike, before: ClassState, after: ClassState) -> Array:
        """Node: a class that is empty, or was within the step."""
        del t
        met = passed_node(before.psi, after.psi)
        return jnp.where(met, Status.NODE, Status.OK)


def class_rate(law: Any, psi: Array) -> Complex[Array, " M"]:
    """ψ̇ of Schrödinger's law with the couplings of `law`."""
    drive = jnp.sum(coupling(law) * psi[None, :], axis=1)
    return -1j * (law.omega * psi + drive)


def inflow(law: Any, psi: Array) -> Float[Array, "M M"]:
    """J_ab/ρ_a, the net flow b → a for each member of a; 0 where a is empty, (M, M)."""
    empty = square(psi) <= EMPTY
    inverse = jnp.where(empty, 0, 1 / jnp.where(empty, 1, psi))
    return 2 * jnp.imag(coupling(law) * psi[None, :] * inverse[:, None])


def momentum_generator(
    law: Any, psi: Complex[Array, " M"], *, copy_momentum: bool = True
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


def passed_node(before: Array, after: Array) -> Bool[Array, ""]:
    """Whether a class emptied in a step: it is empty now, or its ψ_a reversed."""
    reversed_ = jnp.real(jnp.conj(before) * after) < 0
    return jnp.any(reversed_ | (square(after) <= EMPTY))

"""How the spread of phases within a class grows or shrinks while copying goes on."""

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...interop import as_array
from ...status import Status
from ..constants import antisymmetric, free, symmetric, upper_triangle
from ..copy_fields import square
from ..law import Law
from . import couplings
from .classes import class_rate, inflow, passed_node
from .couplings import NORMS, strength


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


class ClassSpread(Law):
    """Small spread of phases and momenta within classes, along Schrödinger's law.

    With u = <δφ²>_a, c = <δφ δπ>_a, w = <δπ²>_a and g = ρ̇_a/(2ρ_a),

    u̇ = 2 c - 2 g u
    ċ = w - 2 s n u - γ c             [- c Σ_b j⁺_ab]
    ẇ = -4 s n c + 2 g w - 2 γ w      [+ Σ_b j⁺_ab (w_b - w)]

    where j⁺_ab = [J_ab]₊/ρ_a, n = Nρ_a and s = f² (`norm="paper"`) or f²/n ("class").
    The terms in brackets count where momenta are not copied: who arrives has the phase
    of its new class but the momentum of its old. If momenta are copied this is the mean
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

    omega: Float[Array, " M"]
    f: Float[Array, ""]
    copies: Float[Array, ""]
    damping: Float[Array, ""]
    norm: str = eqx.field(static=True)
    copy_momentum: bool = eqx.field(static=True)
    R: Float[Array, "M M"] = free(pack=upper_triangle, unpack=symmetric)
    delta: Float[Array, "M M"] = free(pack=upper_triangle, unpack=antisymmetric)

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
        self.omega, self.R, self.delta = couplings.check_couplings(omega, R, delta)
        self.f = couplings.not_negative(f, "f")
        self.copies = couplings.not_negative(copies, "copies")
        self.damping = couplings.not_negative(damping, "damping")
        _checks.check_choice(norm, "norm", NORMS)
        self.norm, self.copy_momentum = norm, bool(copy_momentum)

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
        psi = as_array(psi)
        _checks.check_state(psi, "psi", self.omega.shape, weight=1.0)
        psi = psi.astype(jnp.result_type(psi.dtype, jnp.complex64))
        dtype = psi.real.dtype
        moments = []
        for name, value in (
            ("variance", variance),
            ("momentum_variance", momentum_variance),
        ):
            _checks.check_shape(value, name, self.omega.shape[: np.ndim(value)])
            _checks.check_real(value, name)
            _checks.check_finite(value, name)
            moments.append(jnp.broadcast_to(jnp.asarray(value, dtype), psi.shape))
        return SpreadState(psi, moments[0], jnp.zeros(psi.shape, dtype), moments[1])

    def vector_field(self, t: ArrayLike, state: SpreadState, args: Any = None):
        """Rates of ψ and of the moments; see the class."""
        del t, args
        psi, u, c, w = state
        flow = inflow(self, psi)
        n = self.copies * square(psi)
        pull = 2 * strength(self.f, n, self.norm) * n
        g = jnp.sum(flow, axis=1) / 2
        cross = w - pull * u - self.damping * c
        heat = 2 * (g * w - pull * c - self.damping * w)
        if not self.copy_momentum:
            gain = jnp.maximum(flow, 0)
            cross -= c * jnp.sum(gain, axis=1)
            heat += jnp.sum(gain * (w[None, :] - w[:, None]), axis=1)
        return SpreadState(class_rate(self, psi), 2 * (c - g * u), cross, heat)

    def density(self, state: SpreadState) -> Float[Array, " M"]:
        """ρ_a, the share of systems in each class."""
        return square(state.psi)

    def invariants(self, state: SpreadState) -> dict[str, Array]:
        """Norm Σρ."""
        return {"norm": jnp.sum(self.density(state))}

    def alarm(self, t: ArrayLike, before: SpreadState, after: SpreadState) -> Array:
        """Node: a class that is empty, or was within the step."""
        del t
        met = passed_node(before.psi, after.psi)
        return jnp.where(met, Status.NODE, Status.OK)

"""Thawed Gaussian packets: a Gaussian that feels the potential to second order."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PyTree

from ... import _checks
from ..._math import abs2, matmul, safe_sqrt
from ..._program import program
from ...constants import constant
from ...laws.groups import Exact, Watch
from ...laws.law import Law
from ...status import Status
from ...steppers import Flows, srkn11
from ...steppers.flows import general_flow
from .gaussian import GaussianState, Packet, from_packet, to_packet
from .motion import as_function

# QᵀP - PᵀQ and Q†P - P†Q - 2i are sums of products of sizes |Q||P|: where rounding
# has brought them here, six digits of the uncertainty product are all that is left.
_TOLERANCE = 1e-6


class ThawedGaussian(Law):
    """q' = M⁻¹p, p' = -V'(q), Q' = M⁻¹P, P' = -V''(q) Q.

    The packet is exact for quadratic potentials. Otherwise it is right until anharmonic
    forces act over its width, which happens within the Ehrenfest time. After that its
    width follows the stability of one trajectory and is a diagnostic, no prediction.
    The motion conserves the classical energy of the centre and the two relations of
    `Packet`; where these fail the run ends with Status.HORIZON. State: `Packet`; flows:
    kick by force and Hessian (outer), drift (inner), both symplectic.

    Attributes:
        potential: V, q (n,) -> scalar energy.
        masses: (n,).
        hbar: ħ, scalar.
        hessian: V'', q (n,) -> (n, n), or None to differentiate V.

    Source: E. J. Heller, J. Chem. Phys. 62 (1975) 1544; G. A. Hagedorn, Ann. Phys.
    269 (1998) 77.
    """

    potential: Any
    masses: Float[Array, " n"]
    hbar: Float[Array, ""]
    hessian: Any = None

    def __init__(
        self,
        potential: Callable[[Array], Array],
        masses: ArrayLike,
        *,
        hbar: ArrayLike = 1.0,
        hessian: Callable[[Array], Array] | None = None,
    ):
        """The law of one packet in this potential.

        Args:
            potential: V, q (n,) -> scalar energy.
            masses: (n,), positive.
            hbar: ħ, positive scalar.
            hessian: V'', q (n,) -> (n, n), such as the closed pair form of a solid.

        Raises:
            ValueError: masses or hbar not positive.
        """
        _checks.check_positive(masses, "masses", (None,))
        _checks.check_positive(hbar, "hbar", ())
        self.potential = as_function(potential)
        self.masses, self.hbar = constant(masses, "masses"), constant(hbar, "hbar")
        self.hessian = None if hessian is None else as_function(hessian)

    def curvature(self, q: Float[Array, " n"]) -> Float[Array, "n n"]:
        """V''(q)."""
        function = self.hessian or jax.hessian(self.potential)
        return function(q)

    def prepare(self, psi: Any) -> Packet:
        """Hagedorn's parameters of a pure Gaussian state.

        Raises:
            ValueError: a mixed state, or one of another size.
        """
        if isinstance(psi, GaussianState):
            psi = to_packet(psi, self.hbar)
        n = self.masses.shape[0]
        for name, value in zip(psi._fields, psi, strict=True):
            shape = (n, n) if name in "QP" else (n,)
            _checks.check_finite(value, f"psi.{name}", shape)
        return psi

    def admit(self, psi: Any) -> PyTree[Array]:
        """Accept a Gaussian state or a packet: both are arrays already."""
        return psi

    def vector_field(self, t: ArrayLike, state: Packet, args: Any = None) -> Packet:
        """Rates of (q, p, Q, P)."""
        del t, args
        q, p, Q, P = state
        force = -jax.grad(self.potential)(q)
        return Packet(
            p / self.masses,
            force,
            P / self.masses[:, None],
            -matmul(self.curvature(q), Q),
        )

    def exact(self) -> Exact:
        """Kick by force and Hessian at a frozen q, and drift; both exact."""

        def kick(t: ArrayLike, state: Packet, dt: ArrayLike) -> Packet:
            del t
            q, p, Q, P = state
            p = p - dt * jax.grad(self.potential)(q)
            return Packet(q, p, Q, P - dt * matmul(self.curvature(q), Q))

        def drift(t: ArrayLike, state: Packet, dt: ArrayLike) -> Packet:
            del t
            q, p, Q, P = state
            rate = P / self.masses[:, None]
            return Packet(q + dt * p / self.masses, p, Q + dt * rate, P)

        return Exact(flows=lambda: Flows(general_flow(kick), general_flow(drift)))

    @program
    def step(self, t: ArrayLike, state: Packet, dt: ArrayLike) -> Packet:
        """A step of the symplectic `srkn11`, order 6."""
        return srkn11(self, t, state, dt)

    @property
    def step_order(self) -> int:
        """The order of the splitting."""
        return srkn11.order

    def moments(self, state: Packet) -> GaussianState:
        """Means and covariance of the packet."""
        return from_packet(state, self.hbar)

    def density(self, state: Packet) -> Float[Array, "1"]:
        """Probability density at the centre, (πħ)^(-n/2) / |det Q|, shape (1,)."""
        n = self.masses.shape[0]
        size = jnp.abs(jnp.linalg.det(state.Q))
        return jnp.reshape((jnp.pi * self.hbar) ** (-n / 2) / size, (1,))

    def invariants(self, state: Packet) -> dict[str, Array]:
        """The classical energy of the centre."""
        kinetic = jnp.sum(state.momentum**2 / self.masses) / 2
        return {"energy": kinetic + self.potential(state.position)}

    def watch(self) -> Watch:
        """HORIZON once rounding breaks the relations of Q and P; keeps `max_defect`."""

        def alarm(t: ArrayLike, before: Packet, after: Packet) -> Array:
            del t, before
            sound = symplectic_defect(after) < _TOLERANCE
            return jnp.where(sound, Status.OK, Status.HORIZON)

        return Watch(
            alarm, records=lambda state: {"max_defect": symplectic_defect(state)}
        )

    def anharmonicity(self, state: Packet) -> Float[Array, ""]:
        """Anharmonic force over the packet's width, relative to the harmonic one.

        |∇ tr(V'' Σ_qq)| / 2√tr(V'' Σ_qq V''), with ∇ at fixed Σ_qq: the shift of the
        mean force by the width over the spread of the linear force. It is 0 in a
        quadratic potential; the packet leaves its classical trajectory where it nears
        1.

        Returns:
            Scalar; infinite where the linear force has no spread but the shift is
            not zero.
        """
        sqq = self.hbar / 2 * jnp.real(state.Q @ jnp.conj(state.Q).T)

        def bend(q: Array) -> Array:
            return jnp.sum(self.curvature(q) * sqq) / 2

        shift = safe_sqrt(jnp.sum(jax.grad(bend)(state.position) ** 2))
        linear = self.curvature(state.position) @ state.Q
        spread = jnp.sqrt(self.hbar / 2) * safe_sqrt(jnp.sum(abs2(linear)))
        flat = spread == 0
        edge = jnp.where(shift > 0, jnp.inf, 0)
        return jnp.where(flat, edge, shift / jnp.where(flat, 1, spread))


def symplectic_defect(packet: Packet) -> Float[Array, ""]:
    """How far QᵀP - PᵀQ = 0 and Q†P - P†Q = 2i fail: the largest entry's modulus.

    It is about 1e-13 for a sound packet, and grows as |Q||P| times rounding.

    Args:
        packet: the packet, in Hagedorn's parameters.
    """
    Q, P = packet.Q, packet.P
    plain = Q.T @ P - P.T @ Q
    adjoint = jnp.conj(Q).T @ P - jnp.conj(P).T @ Q - 2j * jnp.eye(Q.shape[0])
    return safe_sqrt(jnp.max(jnp.stack([abs2(plain), abs2(adjoint)])))

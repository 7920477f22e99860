"""Quantum jumps: kets of an open system, whose mean obeys Lindblad's equation.

A ket has n numbers where the density operator has n²: for many levels, averages over
paths are cheaper.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._math import abs2, divisor, expi, matmul
from ...constants import parts
from ...interop import as_array
from ...spaces.driven import Driven
from ..law import norm_alone
from ..wrapped import Wrapped
from .collapse import undifferentiated
from .density_operators import unitary
from .jumping_paths import JumpingKet, JumpingPaths
from .lindblad import Lindblad, loss

# Newton's steps to the time of a jump: from below, each doubles its digits.
_NEWTON = 12


def _lindblad(given: Any, name: str) -> Lindblad:
    if not isinstance(given, Lindblad):
        raise ValueError(
            f"Argument `{name}` must be a Lindblad, but is a {type(given).__name__}."
        )
    return given


class QuantumJumps(JumpingPaths, Wrapped):
    """Kets that jump: an unravelling of Lindblad's equation.

    dψ/dt = (-iH/ħ - ½ Γ) ψ, normalised,   Γ = Σ_k r_k L_k†L_k

    until the lost norm reaches a uniform random number; then ψ <- L_k ψ, normalised, k
    with a probability in proportion to r_k |L_k ψ|². The mean of |ψ⟩⟨ψ| is the density
    operator of `Lindblad`. A step is half a step of H, Γ and its jumps exactly, however
    many, and half a step of H. The error of the mean is that of Strang's splitting, of
    order 2; `jqd.evolve` estimates it by halved steps with the same random numbers.
    `Trajectory.stderr` gives the scatter of paths.

    Paths have no derivatives, since the values drawn jump: fits and gradients take
    `mean_field()`.

    Attributes:
        law: Lindblad's equation, whose constants are this law's too.

    Source: J. Dalibard, Y. Castin & K. Mølmer (1992) Phys. Rev. Lett. 68, 580.
    """

    # a path has no density operator
    lens = None
    law: Lindblad = parts(read=_lindblad)

    @property
    def inner(self) -> Lindblad:
        """Lindblad's equation."""
        return self.law

    def prepare(self, psi: Any) -> JumpingKet:
        """A normalised ψ, (n,), from which every path starts.

        Raises:
            ValueError: wrong shape, not finite, not normalised.
        """
        psi = as_array(psi, "psi")
        _checks.check_state(psi, "psi", self.law.levels, 1.0)
        psi = _checks.complex_of(psi)
        return JumpingKet.start(psi)

    def mean_field(self) -> Lindblad:
        """The equation of the mean of |ψ⟩⟨ψ|."""
        return self.law

    # -- what is seen ------------------------------------------------------------------

    def density(self, state: JumpingKet) -> Float[Array, " n"]:
        """Populations |ψ|² of one path."""
        return abs2(state.psi)

    invariants = norm_alone

    # -- dynamics ----------------------------------------------------------------------

    def vector_field(
        self, t: ArrayLike, state: JumpingKet, args: Any = None
    ) -> JumpingKet:
        """The drift between jumps."""
        del args
        H, (L, rates) = self.law.matrix(t), self._jumps(state.psi)
        image = matmul(H, state.psi)
        lost = matmul(loss(L, rates), state.psi)
        rate = jnp.sum(jnp.real(jnp.conj(state.psi) * lost))
        return JumpingKet(
            -1j / self.law.hbar * image - (lost - rate * state.psi) / 2,
            -rate,
            jnp.zeros_like(state.number),
            jnp.zeros_like(state.seed),
        )

    def _turned(
        self, t: ArrayLike, psi: Array, dt: ArrayLike, made: Any = None
    ) -> Array:
        """exp(-iH dt/ħ) ψ, H of the middle of the interval."""
        U = self._turn(t + dt / 2, dt) if made is None else made
        U = U.astype(psi.dtype)
        return U * psi if U.ndim == 1 else matmul(U, psi)

    def _turn(self, t: ArrayLike, dt: ArrayLike) -> Array:
        """exp(-iH(t) dt/ħ) as a matrix, or as the diagonal of a diagonal one."""
        H, hbar = self.law.hamiltonian, self.law.hbar
        matrix = H.at(t) if isinstance(H, Driven) else H.matrix
        if matrix.ndim == 1:
            return expi(-matrix * dt / hbar)
        return unitary(matrix, dt, hbar)

    def made(self, dt: ArrayLike) -> Array | None:
        """The rotation of half a step, or None where H changes in time."""
        return self._turn(0.0, dt / 2) if self.law.hamiltonian.autonomous else None

    def _jumps(self, like: Array) -> tuple[Array, Array]:
        L, rates = self.law.operators()
        return L.astype(like.dtype), rates.astype(jnp.real(like).dtype)

    def _jumped(self, state: JumpingKet, dt: Array) -> JumpingKet:
        """What Γ and its jumps do during dt."""
        L, rates = self._jumps(state.psi)
        rates = undifferentiated(rates)
        state = state._replace(psi=undifferentiated(state.psi))
        decay, basis = jnp.linalg.eigh(loss(L, rates))
        key = state.key()

        def wait(carry: tuple) -> tuple:
            state, left, _ = carry
            now = jax.random.fold_in(key, state.number)
            until, which = jax.random.uniform(now, (2,), left.dtype)
            parts = matmul(jnp.conj(basis.T), state.psi)
            share = abs2(parts)
            # of survival since the last jump, this is what is left to lose
            target = jnp.log1p(-until) - state.survival
            tau, jumps = _waiting_time(share, decay, target, left)
            survived = _log_survival(share, decay, tau)
            psi = matmul(basis, jnp.exp(-decay * tau / 2 - survived / 2) * parts)
            images = L @ psi
            weight = rates * jnp.sum(abs2(images), axis=1)
            up_to = jnp.cumsum(weight)
            k = jnp.sum(up_to <= which * up_to[-1])
            after = images[jnp.minimum(k, rates.shape[0] - 1)]
            size = jnp.sqrt(jnp.sum(abs2(after)))
            after = after / divisor(size)
            state = JumpingKet(
                jnp.where(jumps, after, psi),
                jnp.where(jumps, 0, state.survival + survived),
                state.number + jumps,
                state.seed,
            )
            return state, left - tau, jumps

        begin = (state, dt, jnp.asarray(True))
        return jax.lax.while_loop(lambda carry: carry[2], wait, begin)[0]


def _log_survival(share: Array, decay: Array, tau: Array) -> Array:
    """ln Σ_i p_i exp(-d_i τ), p normalised."""
    return jax.nn.logsumexp(-decay * tau, b=share / jnp.sum(share))


def _waiting_time(
    share: Array, decay: Array, target: Array, left: Array
) -> tuple[Array, Array]:
    """When ln of survival has fallen to `target`, `left` at most; whether it has.

    Newton's method from 0: ln of survival is convex, so that it comes from below.
    """
    jumps = _log_survival(share, decay, left) < target
    slope = jax.grad(_log_survival, 2)

    def newton(tau: Array, _: None) -> tuple[Array, None]:
        away = _log_survival(share, decay, tau) - target
        falls = -slope(share, decay, tau)
        tau = tau + away / divisor(falls)
        return jnp.clip(tau, 0, left), None

    tau, _ = jax.lax.scan(newton, jnp.zeros_like(left), None, length=_NEWTON)
    return jnp.where(jumps, tau, left), jumps

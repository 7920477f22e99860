"""Continuous collapse: noise in the law of motion itself."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, ArrayLike, Complex, Float

from ... import _checks
from ..._math import abs2, matmul, safe_sqrt
from ..._program import program
from ...constants import fixed, free, switch
from ...interop import as_array
from ..groups import Chance, StepNoise
from ..law import Law, norm_alone
from .density_operators import unitary
from .dephasing import Dephasing, measured_rate, read_measured


class Collapse(Law):
    """dψ = [-iH dt/ħ - ½ Σ_k γ_k (A_k - ⟨A_k⟩)² dt + Σ_k √γ_k (A_k - ⟨A_k⟩) dW_k] ψ.

    This is Itô's equation of spontaneous collapse, and of a system whose commuting,
    diagonal observables A_k are measured continuously. The mean of |ψ⟩⟨ψ| obeys
    `Dephasing`.

    A step is half a step of H, the exact measurement during dt, and half a step of H:

        ψ_x <- ψ_x exp(Σ_k [√γ_k A_kx dY_k - γ_k A_kx² dt]), normalised

    of weak order 2, exact at any dt where H = 0. The record dY of the measurement is

    * drawn: 2√γ_k A_kx dt + dW_k with x from |ψ_x|², the exact distribution. Born's
      weights are martingales and the mean is Strang's step of `Dephasing` to rounding.
      Such paths have no derivatives, since the x drawn jumps: a gradient raises. Take
      that of `mean_field()`, or `draw=False`;
    * pathwise (`draw=False`): 2√γ_k ⟨A_k⟩ dt + (L dW)_k, where LLᵀ_kl = δ_kl +
      4 dt √(γ_k γ_l) Cov(A_k, A_l), so that mean and covariance are the exact ones.
      Paths converge with order 1, and have derivatives under given noise.

    Attributes:
        H: Hermitian (n, n), or real (n,) if diagonal, in energy units.
        A: diagonals of the observables, (K, n).
        gamma: rates γ_k, (K,), in 1 over the unit of time and of A_k². At γ_k = 0 the
            derivative of a path is infinite and given as 0; that of the mean is finite.
        hbar: ħ, scalar.
        draw: whether records are drawn (static).

    Source: N. Gisin (1984) Phys. Rev. Lett. 52, 1657; L. Diósi (1988) Phys. Lett. A
    129, 419.
    """

    H: Array = fixed()
    A: Float[Array, "K n"] = fixed()
    gamma: Float[Array, " K"] = free(
        quantum=0.0, span=(0, 1), bounds=(0.0, jnp.inf), unit=measured_rate
    )
    hbar: Float[Array, ""] = fixed()
    draw: bool = switch(default=True)

    def __init__(
        self,
        H: Any,
        A: ArrayLike,
        gamma: ArrayLike,
        hbar: ArrayLike = 1.0,
        *,
        draw: bool = True,
    ) -> None:
        """Collapse of H towards eigenstates of these observables.

        Args:
            H: (n, n) Hermitian or (n,) real; arrays, QuTiP and dynamiqs operators.
            A: (K, n), or (n,) for one observable, real.
            gamma: γ_k >= 0, (K,), or one for all.
            hbar: ħ, scalar.
            draw: whether records are drawn, or pathwise functions of the noise.

        Raises:
            ValueError: H not Hermitian, shapes that do not fit, a rate below zero.
        """
        self.H, self.A, self.gamma, self.hbar = read_measured(H, A, gamma, hbar)
        _checks.check_flags(draw=draw)
        self.draw = bool(draw)

    def prepare(self, psi: Any) -> Complex[Array, " n"]:
        """ψ itself, checked and complex.

        Raises:
            ValueError: wrong shape, not finite, not normalised.
        """
        psi = as_array(psi, "psi")
        _checks.check_state(psi, "psi", self.A.shape[1], 1.0)
        return _checks.complex_of(psi)

    def density(self, state: Array) -> Float[Array, " n"]:
        """|ψ|²."""
        return abs2(state)

    invariants = norm_alone

    def vector_field(self, t: ArrayLike, state: Array, args: Any = None) -> Array:
        """The drift, without the noise."""
        del t, args
        diagonal = self.H.ndim == 1
        image = self.H * state if diagonal else matmul(self.H, state)
        away = self.A - self._mean(self.density(state))[:, None]
        loss = 0.5 * jnp.sum(self.gamma[:, None] * away**2, axis=0)
        return -1j / self.hbar * image - loss * state

    # -- chance -----------------------------------------------------------------------

    def chance(self) -> Chance:
        """One increment per observable and, if records are drawn, a uniform number."""
        noise = StepNoise(self.gamma.shape, () if self.draw else None)
        return Chance(noise, self.pathwise, self.mean_field)

    def pathwise(self) -> "Collapse":
        """The law with `draw=False`."""
        return Collapse(self.H, self.A, self.gamma, self.hbar, draw=False)

    def mean_field(self) -> Dephasing:
        """The equation of the mean of |ψ⟩⟨ψ|."""
        return Dephasing(self.H, self.A, self.gamma, self.hbar)

    def step(
        self,
        t: ArrayLike,
        state: Array,
        dt: ArrayLike,
        w: StepNoise | None = None,
    ) -> Array:
        """The state at t + dt under the noise w, which must be given.

        Args:
            t: time, scalar.
            state: ψ, (n,) complex.
            dt: step, scalar, positive.
            w: `increments` (K,) and, if records are drawn, `uniforms` ().

        Returns:
            ψ, (n,), normalised.
        """
        if w is None:
            raise ValueError("Argument `w` must be the noise of the step, but is None.")
        return self.monitored(t, state, dt, w)[0]

    def made(self, dt: ArrayLike) -> Array:
        """exp(-iH dt/2ħ)."""
        return unitary(self.H, dt / 2, self.hbar)

    def step_with(
        self, made: Array, t: ArrayLike, state: Array, dt: ArrayLike, *noise: StepNoise
    ) -> Array:
        """As `step`, with what `made` gave for dt."""
        del t
        return self._monitored(made, state, dt, *noise)[0]

    def monitored(
        self, t: ArrayLike, state: Array, dt: ArrayLike, w: StepNoise
    ) -> tuple[Array, Array]:
        """The state at t + dt, as `step` gives it, and the record dY (K,) of the step.

        Args:
            t: time, scalar.
            state: ψ, (n,) complex.
            dt: step, scalar, positive.
            w: `increments` (K,) and, if records are drawn, `uniforms` ().
        """
        del t
        return self._monitored(self.made(dt), state, dt, w)

    def _monitored(
        self, made: Array, state: Array, dt: ArrayLike, w: StepNoise
    ) -> tuple[Array, Array]:
        turn = made.astype(state.dtype)
        psi = matmul(turn, state)
        p = self.density(psi)
        p = p / jnp.sum(p)
        record = self._drawn(p, dt, w) if self.draw else self._followed(p, dt, w)
        psi, _ = self._informed(psi, p, record, dt)
        return matmul(turn, psi), record

    def log_likelihood(
        self, psi0: Array, dY: Float[Array, "T K"], dt: ArrayLike
    ) -> Float[Array, ""]:
        """ln of the probability of a record, relative to that of white noise alone.

        Σ_t ln Σ_x |ψ_x|² exp(Σ_k [2√γ_k A_kx dY_tk - 2γ_k A_kx² dt]),  ψ as it is
        known from the record up to t

        The probability density of the record itself is L times that of increments of
        variance dt, which has no constant of the law in it. L is exact for records made
        by steps of dt with `draw=True`, and of weak order 2 in dt for those of nature.

        Args:
            psi0: initial ψ, (n,), normalised.
            dY: increments of the record, (T, K), or (T,) of one observable.
            dt: time between them, scalar, positive.

        Returns:
            ln L, scalar; with derivatives.

        Raises:
            ValueError: a record of another shape or not finite; dt not positive; see
                `prepare`.

        Source: H. M. Wiseman, G. J. Milburn (2010) Quantum Measurement and Control.
        """
        _checks.check_reals(dY, "dY")
        _checks.check_positive(dt, "dt", ())
        psi = self.prepare(psi0)
        records = jnp.asarray(dY, jnp.real(psi).dtype)
        records = records[:, None] if records.ndim == 1 else records
        _checks.check_shape(records, "dY", (None, self.A.shape[0]))
        return self._log_likelihood(records, psi, dt)

    @program
    def _log_likelihood(self, records: Array, psi: Array, dt: ArrayLike) -> Array:
        turn = self.made(dt).astype(psi.dtype)

        def follow(psi: Array, record: Array) -> tuple[Array, Array]:
            psi = matmul(turn, psi)
            p = self.density(psi)
            psi, gain = self._informed(psi, p / jnp.sum(p), record, dt)
            return matmul(turn, psi), gain

        return jnp.sum(jax.lax.scan(follow, psi, records)[1])

    def _informed(
        self, psi: Array, p: Array, record: Array, dt: ArrayLike
    ) -> tuple[Array, Array]:
        """ψ that knows the record of dt, and ln of how much likelier it made it.

        Args:
            psi: ψ, (n,).
            p: |ψ|², normalised.
            record: dY, (K,).
            dt: the time it took.
        """
        strength = safe_sqrt(self.gamma)
        exponent = strength[:, None] * self.A * record[:, None]
        exponent = jnp.sum(exponent - self.gamma[:, None] * self.A**2 * dt, axis=0)
        # the largest weight is 1: no overflow, and a norm that does not vanish
        most = jax.lax.stop_gradient(jnp.max(seen(exponent, p)))
        psi = psi * jnp.exp(jnp.where(p > 0, exponent - most, 0))
        norm = jnp.sum(self.density(psi))
        return psi / jnp.sqrt(norm), 2 * most + jnp.log(norm)

    def _mean(self, p: Array) -> Array:
        """⟨A_k⟩."""
        return jnp.sum(self.A * p[None, :], axis=-1)

    def _drawn(self, p: Array, dt: ArrayLike, w: StepNoise) -> Array:
        """dY of a class drawn from p."""
        found = self.A[:, draw_class(p, w.uniforms)]
        return 2 * safe_sqrt(self.gamma) * found * dt + w.increments

    def _followed(self, p: Array, dt: ArrayLike, w: StepNoise) -> Array:
        """dY of the same mean and covariance as a smooth function of p."""
        strength, mean = safe_sqrt(self.gamma), self._mean(p)
        away = strength[:, None] * (self.A - mean[:, None])
        spread = jnp.sum(
            away[:, None, :] * away[None, :, :] * p[None, None, :], axis=-1
        )
        factor = _lower_root(jnp.eye(spread.shape[0]).astype(p.dtype) + 4 * dt * spread)
        return 2 * strength * mean * dt + jnp.sum(
            factor * w.increments[None, :], axis=-1
        )


def seen(exponent: Array, p: Array) -> Array:
    """The exponents of classes that have a share, -∞ for the others."""
    return jnp.where(p > 0, exponent, -jnp.inf)


def _lower_root(matrix: Array) -> Array:
    """Cholesky's L, LLᵀ = matrix, by columns.

    Not LAPACK's: that is called matrix by matrix, which in a batch of paths takes
    longer than all the rest of a step.
    """
    rows = jnp.arange(matrix.shape[0])

    def column(lower: Array, k: Array) -> tuple[Array, None]:
        rest = matrix[:, k] - jnp.sum(lower * lower[k][None, :], axis=-1)
        return lower.at[:, k].set(
            jnp.where(rows >= k, rest, 0) / jnp.sqrt(rest[k])
        ), None

    return jax.lax.scan(column, jnp.zeros_like(matrix), rows)[0]


def draw_class(p: Float[Array, " n"], uniform: Array) -> Array:
    """The number of a class, drawn from p by a number in [0, 1); no derivative."""
    up_to = jnp.cumsum(undifferentiated(p))
    x = jnp.sum(up_to <= uniform * up_to[-1])
    return jnp.minimum(x, p.shape[0] - 1)


@jax.custom_jvp
def undifferentiated(p: Array) -> Array:
    """p, from which something is drawn; refuses to be differentiated."""
    return p


def _refuse(primals: Any, tangents: Any) -> Any:
    (p,), (slope,) = primals, tangents
    if not isinstance(slope, SymbolicZero):
        raise ValueError(
            "Argument `motion` must not draw where its paths are differentiated, but "
            "does: what is drawn has no derivative. Take `mean_field()`, or "
            "the law made with draw=False."
        )
    return p, slope


undifferentiated.defjvp(_refuse, symbolic_zeros=True)

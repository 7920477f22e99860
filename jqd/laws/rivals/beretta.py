"""Beretta's law: steepest ascent of entropy at a given energy."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from ..._math import divisor, matmul, safe_log
from ...constants import free, parts
from ...steppers import Flows, strang
from ...steppers.flows import general_flow
from ..groups import Exact
from ..schrodinger import Schrodinger
from .density_operators import DensityOperators, unitary_flow, unitary_rate
from .quantum import at_all_times, read_matrix
from .self_potential import Departure


class Beretta(DensityOperators, Departure):
    """dρ/dt = -i[H, ρ]/ħ - κ (ρ ln ρ + α ρ + β {H, ρ}/2).

    α and β conserve the trace and the energy. The entropy rises until ρ ∝ exp(-β H) on
    the levels in which ρ has a share. A pure state has ρ ln ρ = 0 and moves as in
    quantum mechanics, but not stably: a share p of another state grows as p^exp(-κt).

    Attributes:
        quantum: Schrödinger's law, with H, a matrix that does not depend on time, and
            ħ; or the matrix, with ħ = 1.
        kappa: κ = 1/τ >= 0, rate; 0 in quantum mechanics.

    Source: G. P. Beretta, E. P. Gyftopoulos, J. L. Park, G. N. Hatsopoulos (1984) Nuovo
    Cimento B 82, 169; G. P. Beretta (2009) Rep. Math. Phys. 64, 139.
    """

    quantum: Schrodinger = parts(read=read_matrix)
    kappa: Float[Array, ""] = free(
        quantum=0.0, span=(0, 1), bounds=(0.0, jnp.inf), unit="rate", default=0.0
    )

    def _matrix(self) -> Array:
        H = at_all_times(self.quantum)
        return jnp.diag(H) if H.ndim == 1 else H

    def entropy(self, state: Array) -> Float[Array, ""]:
        """-tr ρ ln ρ."""
        return -jnp.real(jnp.trace(x_log_x(state)))

    def invariants(self, state: Array) -> dict[str, Array]:
        """The trace, as `norm`, and the energy tr Hρ."""
        energy = jnp.real(jnp.trace(matmul(self._matrix(), state)))
        return {**super().invariants(state), "energy": energy}

    def vector_field(self, t: ArrayLike, state: Array, args: Any = None) -> Array:
        """The right side of the equation."""
        del t, args
        turn = unitary_rate(at_all_times(self.quantum), self.quantum.hbar, state)
        return turn + self.climb(state)

    def climb(self, state: Array) -> Complex[Array, "n n"]:
        """-κ (ρ ln ρ + α ρ + β {H, ρ}/2)."""
        H = self._matrix()
        image, chaos = matmul(H, state), x_log_x(state)
        trace = divisor(jnp.sum(self.density(state)))
        energy = jnp.real(jnp.trace(image)) / trace
        spread = jnp.real(jnp.trace(matmul(H, image))) / trace - energy**2
        heat = jnp.real(jnp.trace(chaos)) / trace
        both = jnp.real(jnp.trace(matmul(H, chaos))) / trace - energy * heat
        # with one level alone there is no ascent
        flat = spread <= 64 * jnp.finfo(energy.dtype).eps * (energy**2 + spread)
        beta = jnp.where(flat, 0, -both / jnp.where(flat, 1, spread))
        alpha = -heat - beta * energy
        pull = chaos + alpha * state + beta / 2 * (image + jnp.conj(image.T))
        return -self.kappa * pull

    def exact(self) -> Exact:
        """Rotation by H (outer), exactly; ascent of entropy, by a Runge-Kutta step."""

        def climb(t: ArrayLike, state: Array, dt: ArrayLike) -> Array:
            del t
            one = self.climb(state)
            two = self.climb(state + dt / 2 * one)
            three = self.climb(state + dt / 2 * two)
            four = self.climb(state + dt * three)
            return state + dt / 6 * (one + 2 * two + 2 * three + four)

        H, hbar = at_all_times(self.quantum), self.quantum.hbar
        return Exact(flows=lambda: Flows(unitary_flow(H, hbar), general_flow(climb)))

    @property
    def stepper(self) -> Any:
        """Strang's splitting, which keeps pure states pure.

        The stages of a method for the whole equation leave the pure states, and return
        with shares that are multiplied by the slope of p ln p.
        """
        return strang


@jax.custom_jvp
def x_log_x(rho: Array) -> Array:
    """ρ ln ρ of a Hermitian matrix; eigenvalues that are not positive count as 0."""
    p, modes = jnp.linalg.eigh(rho)
    return matmul(modes * _scalar(p)[None, :], jnp.conj(modes.T))


@x_log_x.defjvp
def _slope(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    """By divided differences: equal eigenvalues, such as a pure state's 0, are allowed.

    At 0 itself the slope is infinite. Below what rounding makes of 0 it is given as 0:
    what has no share gains none, and rounding in its place is not to grow.
    """
    (rho,), (change,) = primals, tangents
    p, modes = jnp.linalg.eigh(rho)
    value = _scalar(p)
    apart = p[:, None] - p[None, :]
    rounding = 1e3 * jnp.finfo(p.dtype).eps
    near = jnp.abs(apart) <= rounding
    middle = (p[:, None] + p[None, :]) / 2
    there = middle > rounding
    slope = jnp.where(there, safe_log(middle, there) + 1, 0)
    ratio = (value[:, None] - value[None, :]) / jnp.where(near, 1, apart)
    back = jnp.conj(modes.T)
    inside = matmul(matmul(back, change), modes)
    moved = matmul(matmul(modes, jnp.where(near, slope, ratio) * inside), back)
    return matmul(modes * value[None, :], back), moved


def _scalar(p: Array) -> Array:
    """p ln p, and 0 where p is not positive."""
    return jnp.where(p > 0, p * safe_log(p), 0)

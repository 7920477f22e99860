"""Positions of least energy: damped motion, then Newton steps."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Float, Int

from ... import _checks
from ..._gate import gated
from ..._math import divisor, safe_divide
from ...constants import constant
from ...status import Status
from .body import Solid
from .modes import ZERO

# The constants of Bitzek et al.: steps grow by 1.1 after 5 downhill ones, halve uphill.
_GROW, _SHRINK, _PATIENCE, _ALPHA, _COOL = 1.1, 0.5, 5, 0.1, 0.99
# Atoms move by at most this fraction of the shortest pair in one step.
_STRIDE = 0.1


class Relaxed(eqx.Module):
    """The result of `relax`.

    Attributes:
        x: positions, shape (N, d).
        energy: V(x).
        force: largest component of the force at x.
        steps: steps of damped motion taken.
        polish: Newton steps taken.
        status: `Status.OK`, `STEP_BUDGET` where the force stayed above the tolerance,
            or `NON_FINITE`.
    """

    x: Float[Array, "N d"]
    energy: Float[Array, ""]
    force: Float[Array, ""]
    steps: Int[Array, ""]
    polish: Int[Array, ""]
    status: Int[Array, ""]


@gated
def relax(
    body: Solid,
    x: Float[ArrayLike, "N d"],
    *,
    tolerance: ArrayLike = 1e-12,
    max_steps: int = 20_000,
    max_polish: int = 20,
) -> Relaxed:
    """The minimum of the energy downhill from `x`.

    FIRE moves unit masses, turns their velocity towards the force, and stops it where
    it would go uphill. Newton steps -H⁺∇V follow as long as each lowers the force, with
    H⁺ the pseudo-inverse without zero modes. The centre of mass stays fixed.

    Positions of high symmetry may lead to a saddle, which `normal_modes` detects.

    Args:
        body: the solid, without `neighbours`.
        x: initial positions, shape (N, d).
        tolerance: largest force component accepted, in units of the stiffness of a pair
            at rest times its length; some 1e-15 is reached. A pair that has none at
            rest counts with that at 1.1 times its length.
        max_steps: budget of damped steps.
        max_polish: budget of Newton steps; 0 for none.

    Returns:
        Positions, energy, force and status. Works under jit and vmap.

    Raises:
        ValueError: positions of a wrong shape, not finite, or overlapping.

    Source: E. Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006).
    """
    x = constant(x, "x")
    body.check_positions(x)
    _checks.check_positive(tolerance, "tolerance", ())
    return _relax(body, x, constant(tolerance, "tolerance"), max_steps, max_polish)


@jax.jit
def _relax(
    body: Solid, x: Array, tolerance: Array, max_steps: ArrayLike, max_polish: ArrayLike
) -> Relaxed:
    rest = jnp.asarray(body.potential.rest, x.dtype)
    # a spring without a linear part is stiff only away from rest
    at_rest, beyond = (
        jnp.max(jnp.abs(body.potential.curvature(r))) for r in (rest, 1.1 * rest)
    )
    stiffness = jnp.where(at_rest > 0, at_rest, beyond)
    # a tenth of a pair's period over 2π
    start = 0.1 / jnp.sqrt(divisor(stiffness))
    length = jnp.max(jnp.abs(rest))
    unit = stiffness * jnp.where(length > 0, length, _shortest(body, x))
    tolerance = tolerance * divisor(unit)
    # Newton steps converge where forces are far below stiffness times length.
    coarse = jnp.maximum(tolerance, 1e-5 * unit)
    x, force, steps = _damped(body, x, start, coarse, max_steps)
    x, force, polish = _polish(body, x, force, max_polish)
    worst = _largest(force)
    sound = jnp.isfinite(worst) & jnp.all(jnp.isfinite(x))
    status = jnp.where(worst <= tolerance, Status.OK, Status.STEP_BUDGET)
    status = jnp.where(sound, status, Status.NON_FINITE)
    return Relaxed(x, body.energy(x), worst, steps, polish, status)


def _damped(
    body: Solid, x: Array, dt: Array, enough: Array, max_steps: ArrayLike
) -> tuple[Array, Array, Array]:
    """FIRE until the largest force is `enough`."""
    longest = 10 * dt

    def unsettled(carry):
        *_, force, _, _, _, step = carry
        return (_largest(force) > enough) & (step < max_steps)

    def move(carry):
        x, v, force, dt, alpha, downhill, step = carry
        power = jnp.sum(force * v)
        good = power > 0
        downhill = jnp.where(good, downhill + 1, 0)
        faster = good & (downhill > _PATIENCE)
        dt = jnp.where(faster, jnp.minimum(dt * _GROW, longest), dt)
        dt = jnp.where(good, dt, dt * _SHRINK)
        turned = (1 - alpha) * v + alpha * force * (_norm(v) / _norm(force))
        v = jnp.where(good, turned, 0) + dt * force
        alpha = jnp.where(faster, alpha * _COOL, jnp.where(good, alpha, _ALPHA))
        stride = _STRIDE * _shortest(body, x) / (_largest(v) * dt)
        x = x + dt * v * jnp.minimum(stride, 1)
        return x, v, body.forces(x), dt, alpha, downhill, step + 1

    alpha = jnp.asarray(_ALPHA, x.dtype)
    zero = jnp.asarray(0)
    carry = (x, jnp.zeros_like(x), body.forces(x), dt, alpha, zero, zero)
    x, _, force, *_, step = lax.while_loop(unsettled, move, carry)
    return x, force, step


def _polish(
    body: Solid, x: Array, force: Array, max_polish: ArrayLike
) -> tuple[Array, Array, Array]:
    """Newton's steps as long as the force falls."""

    def falling(carry):
        *_, better, step = carry
        return better & (step < max_polish)

    def newton(carry):
        x, force, _, step = carry
        value, vectors = jnp.linalg.eigh(body.hessian(x))
        solid = jnp.abs(value) > ZERO * jnp.max(jnp.abs(value))
        inverse = safe_divide(1, value, solid)
        move = vectors @ (inverse * (vectors.T @ jnp.reshape(force, (-1,))))
        new = x + jnp.reshape(move, x.shape)
        rest = body.forces(new)
        better = _largest(rest) < _largest(force)
        return (
            jnp.where(better, new, x), jnp.where(better, rest, force), better, step + 1
        )  # fmt: skip

    start = (x, force, jnp.asarray(True), jnp.asarray(0))
    x, force, _, step = lax.while_loop(falling, newton, start)
    return x, force, step


def _shortest(body: Solid, x: Array) -> Array:
    return jnp.min(jnp.abs(body.distances(x)))


def _largest(force: Array) -> Array:
    return jnp.max(jnp.abs(force))


def _norm(v: Array) -> Array:
    square = jnp.sum(v**2)
    return jnp.sqrt(divisor(square))

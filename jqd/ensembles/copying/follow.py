"""The mean-field motion of N → ∞ systems, and what accumulates along it."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float, PyTree

from ... import _checks
from ...interop import as_array
from ...laws import CopyDynamics
from ...laws.copy_fields import psi_field, square
from ...steppers import rk4
from .rates import Process, rates

# With fewer systems in a class, Gaussian noise does not stand for them.
LEAST_COPIES = 5.0

Rate = Callable[[CopyDynamics, Array, Any], Any]


class Followed(eqx.Module):
    """The mean-field motion at the save times.

    Attributes:
        psi: ψ, shape (T, M).
        sums: what accumulated, leaves (T, ...); over single intervals, (T - 1, ...), if
            each began `afresh`.
        least_density: smallest density of any class up to each time, (T,).
    """

    psi: Complex[Array, "T M"]
    sums: PyTree[Array]
    least_density: Float[Array, " T"]


def admit(
    law: Any, psi0: ArrayLike, ts: ArrayLike
) -> tuple[CopyDynamics, Complex[Array, " M"], Float[Array, " T"]]:
    """Law, ψ and times in the precision of ψ.

    Raises:
        ValueError: another law, ψ of the wrong shape or norm, times not increasing.
    """
    if not isinstance(law, CopyDynamics):
        raise ValueError(
            f"Argument `law` must be a CopyDynamics, but is a {type(law).__name__}."
        )
    _checks.check_times(ts, "ts")
    psi = as_array(psi0)
    _checks.check_state(psi, "psi0", law.omega.shape, weight=1.0)
    psi = psi.astype(jnp.result_type(psi.dtype, jnp.complex64))
    dtype = jnp.finfo(psi.dtype).dtype
    law = jax.tree.map(
        lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, law
    )
    return law, psi, jnp.asarray(ts, dtype)


def check_substeps(substeps: Any) -> None:
    """Raise unless a step count is a positive integer or an array."""
    if isinstance(substeps, jax.Array):
        return
    if isinstance(substeps, bool) or not isinstance(substeps, int) or substeps < 1:
        raise ValueError(
            f"Argument `substeps` must be a positive integer, but is {substeps!r}."
        )


def one_way_flow(law: CopyDynamics, psi: Complex[Array, " M"]) -> Float[Array, "M M"]:
    """[a, b]: share of all systems that goes from b to a per time, ρ_b T_{b→a}."""
    density = square(psi)
    process = Process(law, jnp.ones((), density.dtype), jnp.zeros_like(density))
    return rates(process, psi, density > 0).flow


def follow(
    law: CopyDynamics,
    psi: Complex[Array, " M"],
    ts: Float[Array, " T"],
    rate: Rate,
    start: PyTree[Array],
    substeps: int | Array,
    *,
    afresh: bool = False,
) -> Followed:
    """The mean-field motion, and sums with d(sums)/dt = rate(law, ψ, sums).

    Args:
        law: the copy law.
        psi: ψ at ts[0], (M,).
        ts: times, (T,).
        rate: see above.
        start: the sums at ts[0].
        substeps: Runge-Kutta steps between two times. A traced number costs reverse
            mode.
        afresh: whether the sums begin with `start` in every interval.

    Returns:
        States and sums.
    """
    joint = _Joint(law, rate)

    def interval(carry, ends):
        t0, t1 = ends
        dt = (t1 - t0) / substeps
        psi, sums, least = carry
        sums = start if afresh else sums

        def step(i, carry):
            state, least = carry
            state = rk4(joint, t0 + i * dt, state, dt)
            return state, jnp.minimum(least, jnp.min(square(state[0])))

        state, least = jax.lax.fori_loop(0, substeps, step, ((psi, sums), least))
        return (*state, least), (*state, least)

    first = (psi, start, jnp.min(square(psi)))
    _, (psis, sums, least) = jax.lax.scan(interval, first, (ts[:-1], ts[1:]))

    def whole(first, rest):
        return jnp.concatenate([first[None], rest])

    if not afresh:
        sums = jax.tree.map(whole, start, sums)
    return Followed(whole(psi, psis), sums, whole(first[2], least))


def enough(copies: ArrayLike, least_density: Array) -> Array:
    """Whether N copies leave at least 5 in every class."""
    return jnp.asarray(copies) * least_density >= LEAST_COPIES


class _Joint(eqx.Module):
    """ψ and the sums as one law for the stepper."""

    law: CopyDynamics
    rate: Rate = eqx.field(static=True)

    def vector_field(self, t: Array, state: tuple[Array, Any]) -> tuple[Array, Any]:
        """(dψ/dt, d(sums)/dt)."""
        del t
        psi, sums = state
        return psi_field(self.law, psi), self.rate(self.law, psi, sums)

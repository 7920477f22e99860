"""The classical Runge-Kutta step, for any law."""

from collections.abc import Callable
from typing import Any, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, PyTree


class Field(Protocol):
    """The law that a step follows, d(state)/dt = vector_field(t, state)."""

    def vector_field(self, t: Any, state: Any, /) -> Any:
        """Time derivative of the state."""
        ...


class RungeKutta4(eqx.Module):
    """Classical fourth-order Runge-Kutta step of d(state)/dt = vector_field(t, state).

    Source: Kutta (1901); Hairer, Norsett & Wanner, Solving ODEs I, sec. II.1.
    """

    @property
    def order(self) -> int:
        """Order of the global error."""
        return 4

    def __call__(
        self, law: Field, t: ArrayLike, state: PyTree[Array], dt: ArrayLike
    ) -> PyTree[Array]:
        """The state at t + dt.

        Args:
            law: a motion, or anything with `vector_field(t, state)`.
            t: time, scalar.
            state: PyTree of arrays.
            dt: step, scalar, of either sign.

        Returns:
            PyTree like `state`.
        """

        def along(direction: PyTree[Array], scale: ArrayLike) -> PyTree[Array]:
            return jax.tree.map(lambda y, k: y + scale * k, state, direction)

        k1 = law.vector_field(t, state)
        k2 = law.vector_field(t + dt / 2, along(k1, dt / 2))
        k3 = law.vector_field(t + dt / 2, along(k2, dt / 2))
        k4 = law.vector_field(t + dt, along(k3, dt))
        return jax.tree.map(
            lambda y, a, b, c, d: y + (dt / 6) * (a + 2 * (b + c) + d),
            state, k1, k2, k3, k4,
        )  # fmt: skip


rk4 = RungeKutta4()


class Taylor(eqx.Module):
    """y(t + dt) = Σ_n (dt^n/n!) Gⁿ y(t), for a law dy/dt = G y with constant G.

    The order is high: where |G| dt is a few, one step is accurate to rounding, and
    costs `order` applications of G.

    Attributes:
        order: largest n (static).
    """

    order: int = eqx.field(static=True, default=18)

    def __call__(
        self, law: Field, t: ArrayLike, state: PyTree[Array], dt: ArrayLike
    ) -> PyTree[Array]:
        """One step of `law.vector_field`."""
        return exponential(
            lambda power: law.vector_field(t, power), state, dt, self.order
        )


taylor18 = Taylor()


def exponential(
    field: Callable[[PyTree[Array]], PyTree[Array]],
    state: PyTree[Array],
    dt: ArrayLike,
    terms: int = 16,
    *,
    unroll: bool = False,
) -> PyTree[Array]:
    """exp(G dt) y by its series.

    Args:
        field: y -> G y, linear.
        state: y.
        dt: step, scalar.
        terms: number of terms; with 16 the first neglected term is x^17/17!: 3e-15 for
            |G| dt = x = 1.
        unroll: whether the loop over the terms is unrolled, which is meant for small
            fields.

    Returns:
        Like `state`.
    """
    dt = jnp.asarray(dt)

    def term(carry, n):
        power, total = carry
        power = jax.tree.map(lambda leaf: (dt / n) * leaf, field(power))
        return (power, jax.tree.map(jnp.add, total, power)), None

    orders = jnp.arange(1, terms + 1, dtype=dt.dtype)
    (_, total), _ = jax.lax.scan(term, (state, state), orders, unroll=unroll)
    return total

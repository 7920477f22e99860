"""Taylor series of the exponential, for fields that are linear in the state."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, PyTree

from .runge_kutta import Field


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

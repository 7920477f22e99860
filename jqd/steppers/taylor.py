"""Taylor series of the exponential, for fields that are linear in the state."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, PyTree

from .runge_kutta import Field


class Taylor(eqx.Module):
    """y(t + dt) = Σ_n (dt^n/n!) Gⁿ y(t), for a law dy/dt = G y with constant G.

    Of high order: where |G| dt is a few, one step is good to rounding, and costs
    `order` applications of G.

    Attributes:
        order: largest n (static).
    """

    order: int = eqx.field(static=True, default=18)

    def __call__(
        self, law: Field, t: ArrayLike, state: PyTree[Array], dt: ArrayLike
    ) -> PyTree[Array]:
        """One step of `law.vector_field`."""
        dt = jnp.asarray(dt)

        def term(carry, n):
            power, total = carry
            rate = law.vector_field(t, power)
            power = jax.tree.map(lambda leaf: (dt / n) * leaf, rate)
            return (power, jax.tree.map(jnp.add, total, power)), None

        orders = jnp.arange(1, self.order + 1, dtype=dt.dtype)
        (_, total), _ = jax.lax.scan(term, (state, state), orders)
        return total


taylor18 = Taylor()

"""The classical Runge-Kutta step, for any law."""

from typing import Any, Protocol

import equinox as eqx
import jax
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

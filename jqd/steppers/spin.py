"""Flows of spinors: of each component alone, and of the spin in a field."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex

from .._math import expi
from .flows import NO_CORRECTION, Flow, PhaseFlow

# Where the square of an angle is smaller, its cosine and sin(angle)/angle are computed
# from series, which end below rounding there and have all derivatives at 0, where a
# root has none.
_SMALL = 1e-2

Rates = Callable[[ArrayLike], tuple[Array, Array]]


def each_component(flow: Flow | PhaseFlow) -> Flow:
    """A flow of wave functions, applied to each component of a spinor.

    Args:
        flow: the flow of one component.
    """
    apply = jax.vmap(flow.apply, (None, 0))
    return Flow(flow.factor, apply, flow.autonomous, flow.decays)


def spin_flow(
    rate: Rates,
    correction: Rates | None = None,
    autonomous: bool = True,
    precision: Any = None,
) -> Flow:
    """exp(-i dt (v + w·σ)) on spinors, whose two components come first.

    exp(-i(φ + θ·σ)) = exp(-iφ) [cos|θ| - i (sin|θ|/|θ|) θ·σ]
    with φ = dt v - c v' and θ = dt w - c w', at each point of the grid.

    Args:
        rate: t -> v and w, real, rad per unit of time; v broadcasts to the grid's shape
            and w to (3, *shape).
        correction: t -> v' and w', the double commutator, or None where there is none.
        autonomous: whether v and w do not depend on t.
        precision: real dtype of the factor, as of a `PhaseFlow`.
    """

    def factor(
        t: ArrayLike, dt: ArrayLike, weight: ArrayLike | None = None
    ) -> Complex[Array, "2 2 ..."]:
        """The unitary matrix of each point."""
        phase, angles = (dt * part for part in rate(t))
        if weight is not None:
            if correction is None:
                raise ValueError(NO_CORRECTION)
            v, w = correction(t)
            phase, angles = phase - weight * v, angles - weight * w
        x, y, z = angles
        square = x**2 + y**2 + z**2
        cosine, sine = _cos_and_sinc(square)
        turn = expi(-phase)
        rows = [
            [cosine - 1j * (sine * z), -sine * y - 1j * (sine * x)],
            [sine * y - 1j * (sine * x), cosine + 1j * (sine * z)],
        ]
        matrix = jnp.stack([jnp.stack([turn * one for one in row]) for row in rows])
        if precision is None:
            return matrix
        return matrix.astype(jnp.result_type(precision, jnp.complex64))

    def apply(factor: Array, psi: Array) -> Array:
        up, down = psi
        return jnp.stack([row[0] * up + row[1] * down for row in factor])

    return Flow(factor, apply, autonomous)


def _cos_and_sinc(square: Array) -> tuple[Array, Array]:
    """cos √s and sin √s/√s."""
    near = square < _SMALL
    root = jnp.sqrt(jnp.where(near, 1, square))
    s = jnp.where(near, square, 0)
    cos = 1 - s / 2 * (1 - s / 12 * (1 - s / 30 * (1 - s / 56 * (1 - s / 90))))
    sinc = 1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110))))
    far = jnp.cos(root), jnp.sin(root) / root
    return jnp.where(near, cos, far[0]), jnp.where(near, sinc, far[1])

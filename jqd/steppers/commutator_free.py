"""Commutator-free steps of linear laws that change in time."""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import equinox as eqx
from jaxtyping import Array, ArrayLike, PyTree


class Linear(Protocol):
    """The law that the step follows, dy/dt = L(t) y."""

    def flow(
        self,
        ts: Sequence[ArrayLike],
        factors: Sequence[float],
        state: PyTree[Array],
        dt: ArrayLike,
    ) -> Any:
        """exp(dt Σ_k f_k L(t_k)) y."""
        ...


class CommutatorFree4(eqx.Module):
    """Fourth-order step of dy/dt = L(t) y by two exponentials.

    y(t + dt) = exp(dt (b A + a B)) exp(dt (a A + b B)) y(t)
    A, B = L(t + (1/2 ∓ √3/6) dt),  a = 1/4 + √3/6,  b = 1/4 - √3/6

    The step is exact where L is constant, to the rounding of the law's exponential. L
    is not evaluated at the ends of the step, where a pulse may jump.

    Source: Blanes & Moan (2006) Appl. Numer. Math. 56, 1519.
    """

    @property
    def order(self) -> int:
        """Order of the global error."""
        return 4

    def __call__(
        self, law: Linear, t: ArrayLike, state: PyTree[Array], dt: ArrayLike
    ) -> PyTree[Array]:
        """The state at t + dt.

        Args:
            law: a law that is linear in its state and knows its `flow`.
            t: time, scalar.
            state: of the law.
            dt: step, scalar, of either sign.
        """
        offset = math.sqrt(3) / 6
        ts = (t + (0.5 - offset) * dt, t + (0.5 + offset) * dt)
        a, b = 0.25 + offset, 0.25 - offset
        return law.flow(ts, (b, a), law.flow(ts, (a, b), state, dt), dt)


class ExponentialMidpoint(eqx.Module):
    """Second-order step of dy/dt = L(t) y by one exponential.

    y(t + dt) = exp(dt L(t + dt/2)) y(t)

    The step is exact where L is constant within each step, as for a pulse of flat
    samples, where it costs half as much as `cf4`.

    Source: W. Magnus, Commun. Pure Appl. Math. 7, 649 (1954).
    """

    @property
    def order(self) -> int:
        """Order of the global error."""
        return 2

    def __call__(
        self, law: Linear, t: ArrayLike, state: PyTree[Array], dt: ArrayLike
    ) -> PyTree[Array]:
        """The state at t + dt; arguments: see `CommutatorFree4`."""
        return law.flow((t + dt / 2,), (1.0,), state, dt)


cf4 = CommutatorFree4()
exponential_midpoint = ExponentialMidpoint()

"""How long one classical trajectory represents a packet: its width over time."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from ..._math import abs2
from ...evolution import Fixed, Trajectory, evolve
from ...steppers import srkn11
from .gaussian import GaussianState
from .thawed import ThawedGaussian


class ThawedRun(eqx.Module):
    """A thawed Gaussian over time.

    Attributes:
        ts: times, (T,).
        position: centre, (T, n).
        widths: standard deviations of the observables, (T, k).
        anharmonicity: see `ThawedGaussian.anharmonicity`, (T,).
        defect: largest violation of the packet's two relations during the run, scalar.
        status: code of `jqd.Status`: HORIZON where the relations failed, INACCURATE
            where the steps err by as much as the density at the centre.
        failure_time: time of that failure, infinite without one; values after the
            relations failed are NaN.
        errors: those of "position", "widths" and "anharmonicity" by the steps, in their
            shapes, or None if `method` estimates none.
    """

    ts: Float[Array, " T"]
    position: Float[Array, "T n"]
    widths: Float[Array, "T k"]
    anharmonicity: Float[Array, " T"]
    defect: Float[Array, ""]
    status: Int[Array, ""]
    failure_time: Float[Array, ""]
    errors: dict[str, Array] | None


def thawed_run(
    law: ThawedGaussian,
    state: GaussianState,
    ts: ArrayLike,
    *,
    method: Fixed | None = None,
    observe: Callable[[Array], Array] | None = None,
) -> ThawedRun:
    """Follow a packet, with the quantities that show when to stop trusting it.

    Args:
        law: the law of the packet.
        state: pure Gaussian state at ts[0].
        ts: (T,) strictly increasing times.
        method: `Fixed` with a splitting; None for one step of `srkn11` per time, whose
            error is estimated from a run with half the step.
        observe: f(q (n,)) -> (k,), whose spread is computed to first order,
            √diag(f' Σ_qq f'ᵀ); None for the coordinates.

    Returns:
        `ThawedRun`.

    Raises:
        ValueError: a mixed state, one of another size, or times out of order.
    """
    look = _Look(law, observe)
    run: Trajectory = evolve(
        law, law.prepare(state), ts, method=method or Fixed(srkn11), observe=look
    )
    return ThawedRun(
        run.ts, **run.values, defect=run.diagnostics["max_defect"], status=run.status,
        failure_time=run.failure_time, errors=run.error,
    )  # fmt: skip


class _Look(eqx.Module):
    law: ThawedGaussian
    function: Any

    def __init__(self, law: ThawedGaussian, function: Callable | None):
        self.law = law
        self.function = None if function is None else jax.tree_util.Partial(function)

    def __call__(self, t: Array, packet: Any) -> dict[str, Array]:
        del t
        spread = packet.Q
        if self.function is not None:
            spread = jax.jacfwd(self.function)(packet.position) @ packet.Q
        square = jnp.sum(abs2(spread), axis=-1)
        widths = jnp.sqrt(self.law.hbar / 2 * square)
        return {
            "position": packet.position,
            "widths": widths,
            "anharmonicity": self.law.anharmonicity(packet),
        }

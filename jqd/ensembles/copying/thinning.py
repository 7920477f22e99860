"""One proposal of the exact sampler: thinning."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from ...laws.copy_fields import ratios
from .leap import Settings, Systems, copy_bound, next_move, normalised, single_copy
from .rates import Process, angular, links


def propose(
    process: Process, settings: Settings, systems: Systems, room: Array, key: Array
) -> tuple[Systems, Array]:
    """Move the systems on to the next proposed copy, and decide on it.

    Between copies occupations stand still and phases turn; the bound on all rates is
    constant. Proposals come at that bound and are accepted with probability rate over
    bound: the process is followed without bias but for the turning of the phases, a
    Runge-Kutta step of at most `settings.step` radians.

    Args:
        process: the process.
        settings: how finely.
        systems: where they are.
        room: time to the next moment that must be met, scalar.
        key: of this proposal.

    Returns:
        The systems, and the time that passed, at most `room`.
    """
    occupation = jnp.sum(systems.counts, axis=0)
    weights = process.weights(occupation)
    alive = weights > 0
    both = links(alive)
    bound = copy_bound(process, occupation, weights, both)
    dt, due, uniform = next_move(process, settings, weights, bound, room, key)
    level = jnp.log(jnp.where(alive, weights, 1))
    pull = jnp.where(both, ratios(level, process.law.r), 0)
    unit = _turned(process, pull, systems.unit, dt)
    A, _ = angular(process, unit)
    flow = ratios(level, process.law.q) * occupation[None, :] * jnp.where(both, A, 0)
    event = single_copy(systems.counts, flow, bound, uniform)
    return Systems(jnp.where(due, event, systems.counts), unit), dt


def _turned(process: Process, pull: Array, unit: Array, dt: Array) -> Array:
    """exp(-iφ) after dt at constant occupations: dφ_a/dt = ω_a + Σ_b pull_ab C_ab."""

    def slope(unit):
        _, C = angular(process, unit)
        turn = process.law.omega + jnp.sum(pull * C, axis=-1)
        return unit * jax.lax.complex(jnp.zeros_like(turn), -turn)

    k1 = slope(unit)
    k2 = slope(unit + dt / 2 * k1)
    k3 = slope(unit + dt / 2 * k2)
    k4 = slope(unit + dt * k3)
    return normalised(unit + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4), unit)

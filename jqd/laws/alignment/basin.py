"""Where random phases go."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from .individuals import PhaseAlignment


class Alignment(NamedTuple):
    """How far phases have come, for each of S starts.

    Attributes:
        order: |Z_a| = |<e^{iφ}>_a|, shape (S, T, M); 1 where a class is aligned.
        nematic: |<e^{2iφ}>_a|, shape (S, T, M); 1 where it is aligned modulo π.
        speed: root mean square of the momenta, shape (S, T), 1/time.
        phase: φ_I in the end, shape (S, N), radians.
        ts: times, shape (T,), from 0.
    """

    order: Array
    nematic: Array
    speed: Array
    phase: Array
    ts: Array

    def share_aligned(self, threshold: ArrayLike = 0.99) -> Array:
        """The share of starts whose classes are all aligned in the end, scalar."""
        return jnp.mean(jnp.all(self.order[:, -1] > threshold, axis=-1))


def align_from_random(
    law: PhaseAlignment,
    key: Array,
    *,
    starts: int,
    time: ArrayLike,
    steps: int,
    saves: int = 1,
) -> Alignment:
    """Let random phases at rest run, many times: the basin of alignment.

    Phases are uniform on the circle. A class has a sign for each member under sin²,
    and all 2^n patterns of signs are least.

    Args:
        law: the alignment model; with damping, or nothing settles.
        key: of the phases, `jax.random.key(...)`.
        starts: S.
        time: how long, scalar.
        steps: Runge-Kutta steps in all, a multiple of `saves`.
        saves: times to look at after the start.

    Returns:
        Order parameters at T = saves + 1 times.

    Raises:
        ValueError: numbers that are not positive or do not divide.
    """
    for name, number in (("starts", starts), ("saves", saves), ("steps", steps)):
        if number < 1:
            raise ValueError(f"Argument `{name}` must be at least 1, but is {number}.")
    if steps % saves:
        raise ValueError(
            f"Argument `steps` must be a multiple of `saves`, {saves}, but is {steps}."
        )
    shape = (starts, len(law.beable))
    phases = jax.random.uniform(key, shape, law.f.dtype, -jnp.pi, jnp.pi)
    dt = jnp.asarray(time, law.f.dtype) / steps
    return _run(law, phases, dt, steps // saves, saves)


@jax.jit(static_argnums=(3, 4))
def _run(law: Any, phases: Array, dt: Array, substeps: int, saves: int) -> Alignment:
    def look(state: Any) -> tuple[Array, Array, Array]:
        speed = jnp.sqrt(jnp.mean(state.momentum**2))
        return jnp.abs(law.order(state)), jnp.abs(law.order(state, 2)), speed

    def advance(state: Any, _: None) -> tuple[Any, Any]:
        def one(state: Any, _: None) -> tuple[Any, None]:
            return law.step(0.0, state, dt), None

        state, _ = jax.lax.scan(one, state, None, length=substeps)
        return state, look(state)

    def each(phase: Array) -> Any:
        start = law.start(phase)
        end, seen = jax.lax.scan(advance, start, None, length=saves)
        seen = jax.tree.map(
            lambda a, b: jnp.concatenate([jnp.asarray(a)[None], b]), look(start), seen
        )
        return *seen, end.phase

    order, nematic, speed, phase = jax.vmap(each)(phases)
    ts = dt * substeps * jnp.arange(saves + 1, dtype=dt.dtype)
    return Alignment(order, nematic, speed, phase, ts)

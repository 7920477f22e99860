"""Runs of many kets by one law, of one compiled program."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from ..laws import Law

# Times at which probabilities are looked at, ends included.
LOOKS = 8


@eqx.filter_jit
def _followed(
    law: Law, kets: Array, time: ArrayLike, steps: Array
) -> Float[Array, "K looks ..."]:
    """Probabilities at LOOKS + 1 times; `steps` in each interval between two."""
    dt = time / (LOOKS * steps)

    def one(ket: Array) -> Array:
        state = law.prepare(ket)

        def look(state: Any, k: Array) -> tuple[Any, Array]:
            start = time * k / LOOKS

            def move(i: Array, now: Any) -> Any:
                return law.step(start + i * dt, now, dt)

            after = jax.lax.fori_loop(0, steps, move, state)
            return after, law.cell * law.density(after)

        first = law.cell * law.density(state)
        _, rest = jax.lax.scan(look, state, jnp.arange(LOOKS))
        return jnp.concatenate([first[None], rest])

    return jax.vmap(one)(kets)


class Runs(eqx.Module):
    """What turns kets into probabilities, with a number of steps.

    Attributes:
        time: how long, in the law's unit.
        steps: of the coarser run, in all (static).
    """

    time: float = eqx.field(static=True)
    steps: int = eqx.field(static=True)

    def __call__(
        self, law: Law, kets: Complex[np.ndarray, "K n"], finer: int = 1
    ) -> Float[np.ndarray, "K looks n"]:
        """Probabilities at `LOOKS` + 1 times, flat over a grid.

        Args:
            law: a law without chance.
            kets: normalised or not, (K, *shape).
            finer: by which the steps are shortened.
        """
        steps = jnp.asarray(max(1, -(-self.steps * finer // LOOKS)))
        found = np.asarray(_followed(law, jnp.asarray(kets), self.time, steps))
        return found.reshape(*found.shape[:2], -1)


def distance(p: np.ndarray, other: np.ndarray) -> np.ndarray:
    """½ Σ|p - p'| over the last axis."""
    return 0.5 * np.abs(p - other).sum(-1)

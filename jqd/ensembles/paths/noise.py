"""The random numbers of guided paths."""

from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Int

from ...spaces import Grid
from .sampling import draw

# Purposes of random numbers: each has its own numbers.
_INITIAL, _NOISE, _BRIDGE, _UNIFORM = range(4)


class Noise(NamedTuple):
    """Random numbers of the paths, each set by key, path and step alone.

    Attributes:
        key: of the run.
        ids: numbers of the paths.
    """

    key: Array
    ids: Int[Array, " n"]

    def normals(self, purpose: int, step: Array, like: Array) -> Array:
        """Standard normal numbers of the shape and dtype of `like`, (n, d)."""
        key = jax.random.fold_in(jax.random.fold_in(self.key, purpose), step)

        def one(number):
            mine = jax.random.fold_in(key, number)
            return jax.random.normal(mine, like.shape[1:], like.dtype)

        return jax.vmap(one)(self.ids)

    def positions(self, grid: Grid, psi: Array) -> Array:
        """Positions drawn from |ψ|², (n, d)."""
        return draw(jax.random.fold_in(self.key, _INITIAL), self.ids, grid, psi)

    def uniforms(self, dtype: Any) -> Array:
        """One number per path, uniform on [0, 1), (n,)."""
        key = jax.random.fold_in(self.key, _UNIFORM)

        def one(number):
            return jax.random.uniform(jax.random.fold_in(key, number), (), dtype)

        return jax.vmap(one)(self.ids)

    def increment(self, step: Array, like: Array, halves: bool) -> Array:
        """W(t + dt) - W(t) over √dt. With `halves` the steps are half as long, and two
        of them add up to the increment of one step of the run with whole steps."""
        if not halves:
            return self.normals(_NOISE, step, like)
        whole = self.normals(_NOISE, step // 2, like)
        bridge = self.normals(_BRIDGE, step // 2, like)
        sign = (1 - 2 * (step % 2)).astype(like.dtype)
        return (whole + sign * bridge) * 0.5**0.5

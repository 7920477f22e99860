"""Small programs of many members as one kernel of a GPU, a member in each lane.

Under `jax.vmap` an operation of a law becomes one on arrays of all members, for each of
which a GPU goes to its memory. Here the program of a member is taken apart into
operations on single numbers; a kernel does them all, with a member in each of its
threads, and goes to the memory before and after.
"""

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, PyTree

from .kernels import Loop, has_kernels, in_one_kernel
from .numbers import NotInLanes

__all__ = ["in_lanes"]


def in_lanes(
    turn: Callable[..., PyTree[Array]],
    plain: Callable[..., PyTree[Array]],
    turns: int | Array,
    constants: PyTree[Array],
    start: PyTree[Array],
) -> PyTree[Array]:
    """A loop; of a batch on a CUDA device one kernel, if its turns are small.

    Derivatives are those of `plain`, and so are results on other devices, of a single
    member, of members with numbers of turns of their own, and of turns that have loops,
    draw random numbers or are large.

    Args:
        turn: (constants, i, state) -> the next state.
        plain: (turns, constants, start) -> the state after all turns, in the form for
            operations on whole arrays.
        turns: how many.
        constants, start: of both.
    """
    if jax.default_backend() == "cpu" or not has_kernels():
        return plain(turns, constants, start)
    fixed = turns if isinstance(turns, int) else None
    # a number of turns that is not known is the last of what stays
    still, of_still = jax.tree.flatten((constants, None if fixed else turns))
    moving, of_moving = jax.tree.flatten(start)
    count = len(still)

    def flat_turn(*leaves):
        constants, _ = of_still.unflatten(leaves[:count])
        state = of_moving.unflatten(leaves[count + 1 :])
        return jax.tree.leaves(turn(constants, leaves[count], state))

    def flat_plain(*leaves):
        constants, turns = of_still.unflatten(leaves[:count])
        start = of_moving.unflatten(leaves[count:])
        return jax.tree.leaves(plain(fixed or turns, constants, start))

    program = jax.make_jaxpr(flat_turn)(*still, jnp.asarray(0), *moving)
    try:
        loop = Loop(program, fixed, count)
    except NotInLanes:
        return plain(turns, constants, start)
    together = _Together(loop, flat_plain)
    return of_moving.unflatten(_with_slopes(together, *still, *moving))


class _Together:
    """A loop of one member, and the same in the form for whole arrays."""

    def __init__(self, loop: Loop, plain: Callable[..., Any]):
        self.loop, self.plain = loop, plain

    def __call__(self, *leaves: Array) -> list[Array]:
        """The results of one member, or under `jax.vmap` of all."""
        alone = custom_vmap(self.plain)

        @alone.def_vmap
        def together(members, batched, *leaves):
            found = self._batch(members, tuple(batched))(*leaves)
            return found, [True] * len(found)

        return alone(*leaves)

    def _batch(self, members: int, batched: tuple[bool, ...]) -> Callable[..., Any]:
        """The function of a batch, whose own batches are of more members."""
        kernel = partial(in_one_kernel, self.loop, members, batched)
        plain = jax.vmap(self.plain, [0 if each else None for each in batched])
        alike = self.loop.turns is not None or not batched[self.loop.constants - 1]
        together = alike and members > 0
        several = custom_vmap(_by_device(kernel, plain) if together else plain)

        @several.def_vmap
        def more(size, again, *leaves):
            each = tuple(map(operator.or_, batched, again))
            spread = [
                _merged(leaf, size, members, *where)
                for leaf, *where in zip(leaves, again, batched, strict=True)
            ]
            found = self._batch(size * members, each)(*spread)
            found = [x.reshape(size, members, *x.shape[1:]) for x in found]
            return found, [True] * len(found)

        return several


def _by_device(
    kernel: Callable[..., Any], plain: Callable[..., Any]
) -> Callable[..., Any]:
    def chosen(*leaves):
        return jax.lax.platform_dependent(*leaves, cuda=kernel, default=plain)

    return chosen


def _merged(leaf: Array, size: int, members: int, outer: bool, inner: bool) -> Array:
    """An argument of size x members members, if it has an axis of either."""
    if not (outer or inner):
        return leaf
    if not outer:
        leaf = jnp.broadcast_to(leaf[None], (size, *leaf.shape))
    if not inner:
        leaf = jnp.repeat(leaf[:, None], members, axis=1)
    return leaf.reshape(size * members, *leaf.shape[2:])


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _with_slopes(together: _Together, *leaves: Array) -> list[Array]:
    return together(*leaves)


@partial(_with_slopes.defjvp, symbolic_zeros=True)
def _slopes(together: _Together, primals: Any, tangents: Any):
    moving = [i for i, s in enumerate(tangents) if not isinstance(s, SymbolicZero)]

    def along(*values):
        leaves = list(primals)
        for i, value in zip(moving, values, strict=True):
            leaves[i] = value
        return together.plain(*leaves)

    chosen = [primals[i] for i in moving]
    return jax.jvp(along, chosen, [tangents[i] for i in moving])

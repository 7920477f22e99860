"""Functions as programs, and loops over save times."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

Method = TypeVar("Method", bound=Callable)


def program(method: Method) -> Method:
    """A function of PyTrees, or a method of one, as one jitted program.

    Called in a loop of a user's own it is then no hundred operations, of which those
    with loops inside would be compiled anew at each call; within another program it
    leaves no trace.
    """
    return cast(Method, jax.jit(method, inline=True))


def saved_scan(
    step: Callable[[Any, Any], tuple[Any, PyTree[Array]]],
    carry: Any,
    xs: PyTree[Array],
    first: PyTree[Array],
) -> tuple[Any, PyTree[Array]]:
    """`jax.lax.scan`, with a row before those of its steps.

    Args:
        step: (carry, x) -> (carry, row); may be wrapped in `jax.checkpoint`.
        carry: what the first step is given.
        xs: of the steps, leaves (T - 1, ...).
        first: the row of what the first step is given, of the shapes and dtypes of the
            others.

    Returns:
        What the last step left, and the rows, leaves (T, ...).
    """
    last, rest = jax.lax.scan(step, carry, xs)
    return last, jax.tree.map(
        lambda a, b: jnp.concatenate([jnp.asarray(a)[None], b]), first, rest
    )

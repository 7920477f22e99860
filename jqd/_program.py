"""Methods as programs."""

from collections.abc import Callable
from typing import TypeVar, cast

import jax

Method = TypeVar("Method", bound=Callable)


def program(method: Method) -> Method:
    """A method whose object is a PyTree, as one jitted program.

    Called in a loop of a user's own it is then no hundred operations, of which those
    with loops inside would be compiled anew at each call; within another program it
    leaves no trace.
    """
    return cast(Method, jax.jit(method, inline=True))

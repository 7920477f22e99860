"""Checks of arguments that every random process takes."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array


def single_key(key: Any) -> Array:
    """The key of a run, typed.

    Args:
        key: `jax.random.key(...)`, or a raw one of two words.

    Returns:
        The key.

    Raises:
        ValueError: anything else, several keys included.
    """
    if isinstance(key, jax.Array):
        typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
        if typed and key.shape == ():
            return key
        if key.dtype == jnp.uint32 and key.shape == (2,):
            return jax.random.wrap_key_data(key)
    raise ValueError(
        f"Argument `key` must be one key, such as jax.random.key(0), but is {key!r}."
    )


def whole_number(number: Any, name: str, least: int) -> int:
    """A whole number as int.

    Args:
        number: Python or NumPy integer.
        name: name for the message.
        least: the smallest that will do.

    Returns:
        The number.

    Raises:
        ValueError: not whole, or below `least`.
    """
    if isinstance(number, bool) or not isinstance(number, int | np.integer):
        raise ValueError(
            f"Argument `{name}` must be a whole number, but is {number!r}."
        )
    if number < least:
        raise ValueError(
            f"Argument `{name}` must be at least {least}, but is {number}."
        )
    return int(number)

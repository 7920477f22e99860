"""Checks of arguments that every random process takes."""

from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from .. import _checks

Tree = TypeVar("Tree")


def single_key(key: Any) -> Array:
    """The key of a run, typed, from `jax.random.key(...)` or a raw one of two words.

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


def whole_number(number: Any, name: str, least: int, most: int | None = None) -> int:
    """An integer of Python or NumPy as int; `name` is for the message.

    Raises:
        ValueError: not whole, below `least` or above `most`.
    """
    if isinstance(number, bool) or not isinstance(number, int | np.integer):
        raise ValueError(
            f"Argument `{name}` must be a whole number, but is {number!r}."
        )
    if number < least:
        raise ValueError(
            f"Argument `{name}` must be at least {least}, but is {number}."
        )
    if most is not None and number > most:
        raise ValueError(f"Argument `{name}` must be at most {most}, but is {number}.")
    return int(number)


def step_budget(max_steps: Any) -> Array:
    """The argument `max_steps` as a scalar of the integer type that counts steps."""
    most = jnp.iinfo(jnp.asarray(0).dtype).max
    return jnp.asarray(whole_number(max_steps, "max_steps", 1, int(most)))


def positive_number(value: ArrayLike, name: str, dtype: Any) -> Array:
    """A positive scalar as an array of the dtype; ValueError by name for others."""
    _checks.check_shape(value, name, ())
    _checks.check_positive(value, name)
    return jnp.asarray(value, dtype)


def trajectory_numbers(first: int, count: int, kind: str = "trajectory") -> Array:
    """The numbers first, first + 1, .. that make the keys of trajectories, (count,).

    Raises:
        ValueError: numbers from 2^32 on, which would be those of others.
    """
    if first + count > 2**32:
        raise ValueError(
            f"Argument `first` must leave {kind} numbers below 2^32, but is {first} "
            f"with {count} of them."
        )
    return jnp.asarray(first + np.arange(count), jnp.uint32)


def in_precision(tree: Tree, dtype: Any) -> Tree:
    """A law, or what holds one, with its constants in this real dtype."""

    def cast(leaf):
        if not eqx.is_inexact_array(leaf):
            return leaf
        complexes = jnp.iscomplexobj(leaf)
        return leaf.astype(
            jnp.result_type(dtype, jnp.complex64) if complexes else dtype
        )

    return jax.tree.map(cast, tree)

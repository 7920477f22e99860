"""Checks of arguments that all random processes take."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from .. import _checks
from ..laws.law import Law
from ..spaces.hamiltonians import ParticleOnGrid


def step_budget(max_steps: Any) -> Array:
    """The argument `max_steps` as a scalar of the integer type that counts steps."""
    most = jnp.iinfo(jnp.asarray(0).dtype).max
    return jnp.asarray(_checks.whole_number(max_steps, "max_steps", 1, int(most)))


def positive_number(value: ArrayLike, name: str, dtype: Any) -> Array:
    """A positive scalar as an array of the dtype; ValueError, with its name, if not."""
    _checks.check_positive(value, name, ())
    return jnp.asarray(value, dtype)


def trajectory_numbers(first: int, count: int, kind: str = "trajectory") -> Array:
    """The numbers first, first + 1, .. that make the keys of trajectories, (count,).

    Raises:
        ValueError: numbers from 2^32 on, which would repeat those of others.
    """
    if first + count > 2**32:
        raise ValueError(
            f"Argument `first` must leave {kind} numbers below 2^32, but is {first} "
            f"with {count} of them."
        )
    return jnp.asarray(first + np.arange(count), jnp.uint32)


def one_particle(law: Law) -> tuple[ParticleOnGrid, Array]:
    """H and ħ of a law of particles of one mass; ValueError for other laws."""
    moved_by = law.exact().generator
    H = None if moved_by is None else moved_by.hamiltonian
    if moved_by is None or not isinstance(H, ParticleOnGrid) or H.absorber is not None:
        raise ValueError(
            "Argument `law` must be a Schrodinger law of one mass on a grid, without "
            f"absorber, but is a {type(law).__name__} of another kind."
        )
    return H, moved_by.hbar

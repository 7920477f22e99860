"""Small arrays of numbers."""

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .numbers import Node, NotInLanes, Number, Pair, is_known

Numbers = np.ndarray  # of dtype object, of the shape of an array
LARGEST = 2**10  # more numbers than those of an operator of 32 levels


def given(aval: Any, varies: bool = False) -> Numbers:
    """The numbers of an array of which nothing else is known."""
    if jnp.issubdtype(aval.dtype, jax.dtypes.extended):
        raise NotInLanes("a random key")
    if math.prod(aval.shape) > LARGEST:
        raise NotInLanes("a large array")
    paired = jnp.issubdtype(aval.dtype, np.complexfloating)
    dtype = np.zeros((), aval.dtype).real.dtype

    def one():
        return Node(dtype, varies=varies)

    size = math.prod(aval.shape)
    numbers = [Pair(one(), one()) if paired else one() for _ in range(size)]
    return filled(aval.shape, numbers)


def filled(shape: tuple[int, ...], numbers: Sequence[Number]) -> Numbers:
    """An array of these numbers, in the order of C."""
    result = np.empty(len(numbers), object)
    for i, x in enumerate(numbers):
        result[i] = x
    return result.reshape(shape)


def flat(arrays: Sequence[Numbers]) -> list[Any]:
    """The real numbers of arrays, of complex ones both parts in turn."""
    found = []
    for array in arrays:
        for x in array.reshape(-1):
            found += x if isinstance(x, Pair) else (x,)
    return found


def as_numbers(values: np.ndarray) -> Numbers:
    """Known values as numbers."""
    numbers: list[Any] = list(values.reshape(-1))
    if np.iscomplexobj(values):
        numbers = [Pair(x.real, x.imag) for x in numbers]
    return filled(values.shape, numbers)


def all_known(array: Numbers) -> bool:
    """Whether all numbers of an array are known, and real."""
    return all(map(is_known, array.reshape(-1)))


def values_of(array: Numbers, var: Any) -> np.ndarray:
    """The values of an array whose numbers are known, as its variable has them."""
    return np.array(array.tolist(), var.aval.dtype).reshape(array.shape)


def each(of: Callable[..., Number], *arrays: Numbers) -> Numbers:
    """An operation on the numbers of arrays."""
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    if math.prod(shape) > LARGEST:
        raise NotInLanes("a large array")
    rows = [np.broadcast_to(x, shape).reshape(-1) for x in arrays]
    return filled(shape, [of(*numbers) for numbers in zip(*rows, strict=True)])


def reduced(of: Callable[..., Number], array: Numbers, axes: Sequence[int]) -> Numbers:
    """An operation on all numbers along some axes, from the first on."""
    kept = [i for i in range(array.ndim) if i not in axes]
    shape = tuple(array.shape[i] for i in kept)
    rows = array.transpose(*kept, *axes).reshape(math.prod(shape), -1)
    if not rows.shape[1]:
        raise NotInLanes("a sum of nothing")
    return filled(shape, [reduce(of, row) for row in rows])


def matrices(x: Numbers, over: Sequence[int], batch: Sequence[int]):
    """(batch, free, contracted), and the shapes of the free and batch axes."""
    free = [i for i in range(x.ndim) if i not in (*over, *batch)]
    rows, lead = (tuple(x.shape[i] for i in axes) for axes in (free, batch))
    x = x.transpose(*batch, *free, *over)
    last = math.prod(x.shape[len(lead) + len(rows) :])
    if not last:
        raise NotInLanes("a sum of nothing")
    return x.reshape(math.prod(lead), math.prod(rows), last), rows, lead

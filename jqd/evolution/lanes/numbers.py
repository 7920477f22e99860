"""Operations on single numbers."""

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

# of operations that are not one instruction
COST = {
    "acos": 24, "acosh": 24, "asin": 24, "asinh": 24, "atan": 24, "atan2": 24,
    "atanh": 24, "cbrt": 24, "cos": 24, "cosh": 24, "div": 8, "exp": 24, "exp2": 24,
    "expm1": 24, "log": 24, "log1p": 24, "logistic": 24, "pow": 24, "rem": 8,
    "rsqrt": 8, "sin": 24, "sinh": 24, "sqrt": 8, "tan": 24, "tanh": 24,
}  # fmt: skip


class NotInLanes(Exception):
    """A program that cannot be taken apart into numbers."""


class Node:
    """A real number that is given, or the result of an operation on others.

    Attributes:
        of: the operation; None of a number that is given.
        operands: numbers, of which some may be known.
        cost: how many products or sums it takes as long as.
        dtype: of the number.
        varies: whether it changes from turn to turn of a loop.
        place: among the operations as they are written.
    """

    __slots__ = ("cost", "dtype", "of", "operands", "place", "varies")

    def __init__(
        self,
        dtype: Any,
        of: Callable[..., Any] | None = None,
        operands: tuple[Any, ...] = (),
        varies: bool = False,
        place: int = 0,
        cost: int = 0,
    ):
        self.dtype, self.of, self.operands = dtype, of, operands
        self.place, self.cost = place, cost
        self.varies = varies or any(x.varies for x in operands if isinstance(x, Node))


# A real number is a NumPy scalar, which is known while the program is traced, or a
# `Node`; a number is real or a `Pair`.
Real = Any
Number = Any


class Pair(NamedTuple):
    """A complex number."""

    re: Real
    im: Real


def is_known(x: Number) -> bool:
    """Whether a real number is known while the program is traced."""
    return isinstance(x, np.generic)


def like(x: Real, value: float) -> Real:
    """A known number of the dtype of another one."""
    return np.asarray(value, x.dtype)[()]


def on_host(of: Callable[..., Any], *values: Any) -> Any:
    """NumPy arrays of a function of known values."""
    with jax.ensure_compile_time_eval(), jax.default_device(jax.devices("cpu")[0]):
        return jax.tree.map(np.asarray, of(*map(jnp.asarray, values)))


class Graph:
    """Operations on numbers; what was asked for before is not made again."""

    def __init__(self, most: int):
        """No operations yet.

        Args:
            most: how many there may be.
        """
        self._most = most
        self._nodes: dict[Any, Real] = {}

    def do(
        self, of: Callable[..., Any], *numbers: Real, name: str = "", dtype: Any = None
    ) -> Real:
        """An operation of `jax.lax` on real numbers.

        Args:
            of: function of arrays of one shape.
            numbers: its arguments.
            name: by which it is recognised, that of `of` by default.
            dtype: of the result; None for that of the first number.

        Raises:
            NotInLanes: there are too many operations.
        """
        name = name or of.__name__
        key = (name, *map(identity, numbers))
        if key not in self._nodes and all(map(is_known, numbers)):
            self._nodes[key] = on_host(of, *numbers)[()]
        if key not in self._nodes:
            if len(self._nodes) > self._most:
                raise NotInLanes("many operations")
            dtype = numbers[0].dtype if dtype is None else np.dtype(dtype)
            place, cost = 1 + len(self._nodes), COST.get(name.partition(" ")[0], 1)
            node = Node(dtype, of, numbers, place=place, cost=cost)
            self._nodes[key] = node
        return self._nodes[key]

    # -- real numbers ------------------------------------------------------------------

    def plus(self, a: Number, b: Number) -> Number:
        """a + b."""
        if _is(a, 0):
            return b
        return a if _is(b, 0) else self.do(lax.add, a, b)

    def minus(self, a: Number, b: Number) -> Number:
        """a - b."""
        if _is(a, 0):
            return self.negative(b)
        return a if _is(b, 0) else self.do(lax.sub, a, b)

    def negative(self, a: Number) -> Number:
        """-a."""
        return self.do(lax.neg, a)

    def times(self, a: Number, b: Number) -> Number:
        """a b; a product with a known 0, such as an imaginary part, is left out."""
        for x, y in ((a, b), (b, a)):
            if _is(x, 0):
                return x
            if _is(x, 1):
                return y
        return self.do(lax.mul, a, b)

    def larger(self, a: Real, b: Real) -> Real:
        """The larger of two, or what is not a number, where Triton gives the other."""
        return self._outer(lax.max, lax.gt, a, b)

    def smaller(self, a: Real, b: Real) -> Real:
        """The smaller of two, or what is not a number."""
        return self._outer(lax.min, lax.lt, a, b)

    def _outer(self, of: Any, beyond: Any, a: Real, b: Real) -> Real:
        if not np.issubdtype(a.dtype, np.floating):
            return self.do(of, a, b)
        first = self.do(beyond, a, b, dtype=bool)
        no_number = self.do(lax.ne, a, a, dtype=bool)
        return self.chosen(self.do(lax.bitwise_or, first, no_number), b, a)

    def clamped(self, low: Real, x: Real, high: Real) -> Real:
        """x between two."""
        return self.smaller(self.larger(low, x), high)

    def chosen(self, which: Number, no: Number, yes: Number) -> Number:
        """`yes` where `which`, else `no`; real or complex."""
        if is_known(which):
            return yes if which else no
        if isinstance(no, Pair):
            return Pair(
                *(self.chosen(which, *both) for both in zip(no, yes, strict=True))
            )
        return no if no is yes else self.do(lax.select, which, yes, no, dtype=no.dtype)

    # -- complex numbers ---------------------------------------------------------------

    def pair_plus(self, a: Pair, b: Pair) -> Pair:
        """a + b."""
        return Pair(self.plus(a.re, b.re), self.plus(a.im, b.im))

    def pair_minus(self, a: Pair, b: Pair) -> Pair:
        """a - b."""
        return Pair(self.minus(a.re, b.re), self.minus(a.im, b.im))

    def pair_negative(self, a: Pair) -> Pair:
        """-a."""
        return Pair(self.negative(a.re), self.negative(a.im))

    def conjugate(self, a: Pair) -> Pair:
        """The conjugate of a."""
        return Pair(a.re, self.negative(a.im))

    def pair_times(self, a: Pair, b: Pair) -> Pair:
        """a b."""
        return Pair(
            self.minus(self.times(a.re, b.re), self.times(a.im, b.im)),
            self.plus(self.times(a.re, b.im), self.times(a.im, b.re)),
        )

    def pair_over(self, a: Pair, b: Pair) -> Pair:
        """a/b, over the larger part of b: |b|² can leave the range where b does not."""
        if _is(b.im, 0):
            return Pair(*(x if _is(x, 0) else self.do(lax.div, x, b.re) for x in a))
        size = self.larger(*(self.do(lax.abs, x) for x in b))
        c, d = (self.do(lax.div, x, size) for x in b)
        square = self.plus(self.times(c, c), self.times(d, d))
        above = self.pair_times(a, Pair(c, self.negative(d)))
        within = (self.do(lax.div, x, square) for x in above)
        return Pair(*(self.do(lax.div, x, size) for x in within))

    def pair_abs(self, a: Pair) -> Number:
        """|a|, over its larger part."""
        one, other = (self.do(lax.abs, x) for x in a)
        if _is(a.im, 0):
            return one
        most, least = self.larger(one, other), self.smaller(one, other)
        zero, unit = like(one, 0), like(one, 1)
        safe = self.chosen(self.do(lax.gt, most, zero, dtype=bool), unit, most)
        share = self.do(lax.div, least, safe)
        root = self.do(lax.sqrt, self.plus(unit, self.times(share, share)))
        return self.times(most, root)

    def pair_exp(self, a: Pair) -> Pair:
        """exp(a)."""
        turn = Pair(self.do(lax.cos, a.im), self.do(lax.sin, a.im))
        if _is(a.re, 0):
            return turn
        size = self.do(lax.exp, a.re)
        return Pair(*(self.times(size, x) for x in turn))

    def pair_log(self, a: Pair) -> Pair:
        """The principal logarithm of a."""
        return Pair(self.do(lax.log, self.pair_abs(a)), self.do(lax.atan2, a.im, a.re))

    def pair_square(self, a: Pair) -> Pair:
        """a²."""
        return self.pair_times(a, a)

    def pair_power(self, a: Pair, y: int) -> Pair:
        """a to a whole power."""
        one = Pair(like(a.re, 1), like(a.re, 0))
        result = reduce(self.pair_times, [a] * abs(y), one)
        return result if y >= 0 else self.pair_over(one, result)

    def pair_equal(self, a: Pair, b: Pair) -> Number:
        """Whether a = b."""
        parts = (self.do(lax.eq, x, y, dtype=bool) for x, y in zip(a, b, strict=True))
        return self.do(lax.bitwise_and, *parts)

    def pair_differs(self, a: Pair, b: Pair) -> Number:
        """Whether a ≠ b."""
        return self.do(lax.bitwise_not, self.pair_equal(a, b))


def identity(x: Real) -> Any:
    """By what a number is recognised."""
    return (x.dtype, x.tobytes()) if isinstance(x, np.generic) else id(x)


def _is(x: Real, value: float) -> bool:
    return isinstance(x, np.generic) and bool(x == value)


class Values:
    """Arrays of numbers, of shape () or (lanes,)."""

    def __init__(self, given: dict[Node, Any]):
        self._arrays = {id(node): array for node, array in given.items()}
        self._spread: dict[Any, Any] = {}

    def with_more(self, given: dict[Node, Any]) -> "Values":
        """The same and others, of a loop within."""
        values = Values(given)
        values._arrays = self._arrays | values._arrays
        return values

    def make(self, order: Iterable[Node]) -> None:
        """The arrays of nodes, of which each comes after its operands."""
        for node in order:
            if node.of is not None:
                shape = max((np.shape(self.of(x)) for x in node.operands), key=len)
                spread = (self.of(x, shape) for x in node.operands)
                self._arrays[id(node)] = node.of(*spread)

    def of(self, x: Real, shape: tuple[int, ...] | None = None) -> Any:
        """The array of a number, spread to a shape."""
        array = x if is_known(x) else self._arrays[id(x)]
        if shape is None or (np.shape(array) == shape and array is not x):
            return array
        key = (shape, identity(x))
        if key not in self._spread:
            of = lax.full(shape, x) if array is x else lax.broadcast(array, shape)
            self._spread[key] = of
        return self._spread[key]

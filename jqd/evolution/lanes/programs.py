"""Programs of small arrays, done number by number."""

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer
from jax.extend import core

from .arrays import Numbers, all_known, as_numbers, each, matrices, reduced, values_of
from .numbers import Graph, NotInLanes, Number, Pair, is_known, like, on_host

# operations that kernels have, number by number
OF_REALS = frozenset((
    "abs", "acos", "acosh", "add", "add_any", "and", "asin", "asinh", "atan", "atan2",
    "atanh", "cbrt", "ceil", "cos", "cosh", "div", "eq", "exp", "exp2",
    "expm1", "floor", "ge", "gt", "integer_pow", "le", "log", "log1p", "logistic", "lt",
    "ne", "neg", "not", "or", "pow", "rem", "rsqrt", "sign", "sin",
    "sinh", "sqrt", "square", "stop_gradient", "sub", "tan", "tanh", "xor",
))  # fmt: skip
OF_PAIRS = {
    "abs": Graph.pair_abs, "add": Graph.pair_plus, "add_any": Graph.pair_plus,
    "conj": Graph.conjugate, "div": Graph.pair_over, "eq": Graph.pair_equal,
    "exp": Graph.pair_exp, "log": Graph.pair_log, "mul": Graph.pair_times,
    "ne": Graph.pair_differs, "neg": Graph.pair_negative, "square": Graph.pair_square,
    "sub": Graph.pair_minus,
    "real": lambda graph, a: a.re, "imag": lambda graph, a: a.im,
}  # fmt: skip
# what says something about arrays, and leaves the numbers as they are
UNCHANGED = {"optimization_barrier", "reshard", "sharding_constraint"}
# how many of an operation's first arguments it only moves; None for all
MOVES = {
    "broadcast_in_dim": 1, "concatenate": None, "copy": 1, "dynamic_slice": 1,
    "expand_dims": 1, "gather": 1, "pad": 2, "reshape": 1, "rev": 1, "slice": 1,
    "split": 1, "squeeze": 1, "stack": None, "transpose": 1, "unstack": 1,
}  # fmt: skip
# of real numbers, with forms of their own
REALS = {
    "add": Graph.plus, "clamp": Graph.clamped, "max": Graph.larger,
    "min": Graph.smaller, "mul": Graph.times, "sub": Graph.minus,
}  # fmt: skip
REDUCTIONS = {
    "reduce_and": lambda graph, a, b: graph.do(lax.bitwise_and, a, b),
    "reduce_max": Graph.larger, "reduce_min": Graph.smaller,
    "reduce_or": lambda graph, a, b: graph.do(lax.bitwise_or, a, b),
    "reduce_prod": Graph.times, "reduce_sum": Graph.plus,
}  # fmt: skip
# of real numbers, which are done on whole arrays where all of these are known
KNOWN = OF_REALS | {*REALS, "convert_element_type", "select_n", "is_finite"}
# where an operation keeps the program that it stands for
CALLS = {
    "closed_call": "call_jaxpr", "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr", "custom_vmap_call": "call", "jit": "jaxpr",
    "checkpoint": "jaxpr", "remat2": "jaxpr",
}  # fmt: skip


def evaluated(
    graph: Graph, program: Any, arguments: Sequence[Numbers]
) -> list[Numbers]:
    """The results of a program, as numbers.

    Args:
        graph: of its operations.
        program: a jaxpr, closed or without constants.
        arguments: the numbers of its arguments.

    Raises:
        NotInLanes: it has an operation that is not one of single numbers.
    """
    jaxpr = getattr(program, "jaxpr", program)
    consts = getattr(program, "consts", ())
    known = dict(zip(jaxpr.invars, arguments, strict=True))
    known.update(zip(jaxpr.constvars, map(_constant, consts), strict=True))

    def read(var):
        if isinstance(var, core.Literal):
            aval: Any = var.aval
            return as_numbers(np.asarray(var.val, aval.dtype))
        return known[var]

    for eqn in jaxpr.eqns:
        found = _results(graph, eqn, [read(var) for var in eqn.invars])
        known.update(zip(eqn.outvars, found, strict=True))
    return [read(var) for var in jaxpr.outvars]


def _constant(x: Any) -> Numbers:
    if isinstance(x, Tracer):
        raise NotInLanes("an array of the outside")
    return as_numbers(np.asarray(x))


def _results(graph: Graph, eqn: Any, arrays: list[Numbers]) -> list[Numbers]:
    name, params = eqn.primitive.name, eqn.params
    if name in CALLS:
        return evaluated(graph, params[CALLS[name]], arrays)
    if name in UNCHANGED:
        return arrays
    if name == "cond":
        return _cond(graph, eqn, arrays)
    if name in MOVES:
        return _moved(eqn, arrays)
    if name == "platform_index":
        found = (i for i, p in enumerate(params["platforms"]) if not p or "cuda" in p)
        return [as_numbers(np.asarray(next(found)))]
    if name == "iota":
        return [as_numbers(_counted(**params))]
    if name == "dot_general":
        return [_dot(graph, eqn, *arrays)]
    paired = any(_is_complex(var) for var in eqn.invars)
    if name in REDUCTIONS:
        of = REDUCTIONS[name]
        if paired:
            if name != "reduce_sum":
                raise NotInLanes(f"{name} of complex numbers")
            of = Graph.pair_plus
        return [reduced(partial(of, graph), arrays[0], params["axes"])]
    of = _operation(graph, eqn, paired)
    if not paired and name in KNOWN and all(map(all_known, arrays)):
        # together: the mask of a diagonal has as many numbers as an operator
        values = (values_of(x, v) for x, v in zip(arrays, eqn.invars, strict=True))
        return [as_numbers(on_host(partial(eqn.primitive.bind, **params), *values))]
    return [each(of, *arrays)]


def _counted(*, dtype: Any, shape: Any, dimension: int, **_: Any) -> np.ndarray:
    """The indices along an axis."""
    sides = [1] * len(shape)
    sides[dimension] = shape[dimension]
    indices = np.arange(shape[dimension], dtype=dtype).reshape(sides)
    return np.broadcast_to(indices, shape)


def _operation(graph: Graph, eqn: Any, paired: bool) -> Callable[..., Number]:
    """What an operation does to each number of its arrays."""
    name, params = eqn.primitive.name, eqn.params
    if name == "convert_element_type":
        return partial(_converted, graph, np.dtype(params["new_dtype"]))
    if name == "complex":
        return Pair
    if name == "select_n" and len(eqn.invars) == 3:
        return graph.chosen
    if name == "is_finite":  # which Triton spells as three operations
        return lambda x: graph.do(
            lax.lt, graph.do(lax.abs, x), like(x, np.inf), dtype=bool
        )
    if paired and name == "integer_pow":
        return partial(graph.pair_power, y=params["y"])
    if paired and name in OF_PAIRS:
        return partial(OF_PAIRS[name], graph)
    if not paired and name in REALS:
        return partial(REALS[name], graph)
    if paired or name not in OF_REALS:
        raise NotInLanes(f"{name} of complex numbers" if paired else name)
    if name == "pow" and eqn.invars[1].aval.dtype != eqn.invars[0].aval.dtype:
        raise NotInLanes("a power with a whole number, which Triton does not compile")
    told = " ".join(f"{key}={value}" for key, value in sorted(params.items()))
    dtype = eqn.outvars[0].aval.dtype
    bound = partial(eqn.primitive.bind, **params)
    return partial(graph.do, bound, name=f"{name} {told}", dtype=dtype)


def _is_complex(var: Any) -> bool:
    return jnp.issubdtype(var.aval.dtype, np.complexfloating)


def _converted(graph: Graph, dtype: np.dtype, x: Number) -> Number:
    complex_now = np.issubdtype(dtype, np.complexfloating)
    real = np.dtype(dtype.type(0).real.dtype) if complex_now else dtype
    convert = partial(lax.convert_element_type, new_dtype=real)
    parts = [
        graph.do(convert, one, name=f"convert {real}", dtype=real)
        if one.dtype != real
        else one
        for one in (x if isinstance(x, Pair) else (x,))
    ]
    if not complex_now:
        return parts[0]
    return Pair(*parts) if len(parts) == 2 else Pair(parts[0], real.type(0))


# -- arrays of numbers -----------------------------------------------------------------


def _moved(eqn: Any, arrays: list[Numbers]) -> list[Numbers]:
    """An operation that only moves numbers, by what it does to their indices."""
    data = MOVES[eqn.primitive.name] or len(arrays)
    sizes = np.cumsum([0, *(x.size for x in arrays[:data])])
    where = [
        np.arange(start, stop, dtype=np.int32).reshape(x.shape)
        for x, start, stop in zip(arrays[:data], sizes, sizes[1:], strict=False)
    ]
    if not all(map(all_known, arrays[data:])):
        raise NotInLanes(f"{eqn.primitive.name} at an index that is computed")
    rest = map(values_of, arrays[data:], eqn.invars[data:])
    found = _by_numpy(eqn, where)
    if found is None:
        found = on_host(partial(eqn.primitive.bind, **eqn.params), *where, *rest)
        found = found if eqn.primitive.multiple_results else [found]
    pool = np.concatenate([x.reshape(-1) for x in arrays[:data]])
    if any(np.any((one < 0) | (one >= len(pool))) for one in found):
        raise NotInLanes(f"{eqn.primitive.name} outside of its array")
    return [pool[one.reshape(-1)].reshape(one.shape) for one in found]


def _by_numpy(eqn: Any, where: list[np.ndarray]) -> list[np.ndarray] | None:
    """The commonest of them, which JAX would compile for each shape."""
    name, params, first = eqn.primitive.name, eqn.params, where[0]
    shape = eqn.outvars[0].aval.shape
    if name in ("reshape", "squeeze", "expand_dims") and not params.get("dimensions"):
        return [first.reshape(shape)]
    if name in ("squeeze", "copy"):
        return [first.reshape(shape)]
    if name == "broadcast_in_dim":
        sides = [1] * len(shape)
        for axis, size in zip(params["broadcast_dimensions"], first.shape, strict=True):
            sides[axis] = size
        return [np.broadcast_to(first.reshape(sides), shape)]
    if name == "transpose":
        return [first.transpose(params["permutation"])]
    if name == "slice":
        steps = params["strides"] or (1,) * len(shape)
        ends = zip(params["start_indices"], params["limit_indices"], steps, strict=True)
        return [first[tuple(slice(*each) for each in ends)]]
    if name == "concatenate":
        return [np.concatenate(where, axis=params["dimension"])]
    return None


def _dot(graph: Graph, eqn: Any, a: Numbers, b: Numbers) -> Numbers:
    (over_a, over_b), (batch_a, batch_b) = eqn.params["dimension_numbers"]
    a, rows, batch = matrices(a, over_a, batch_a)
    b, columns, _ = matrices(b, over_b, batch_b)
    times, plus = graph.times, graph.plus
    if _is_complex(eqn.outvars[0]):
        times, plus = graph.pair_times, graph.pair_plus
        convert = partial(_converted, graph, np.dtype(eqn.outvars[0].aval.dtype))
        a, b = each(convert, a), each(convert, b)
    result = np.empty((a.shape[0], a.shape[1], b.shape[1]), object)
    for k, i, j in np.ndindex(*result.shape):
        result[k, i, j] = reduce(plus, map(times, a[k, i], b[k, j]))
    return result.reshape(batch + rows + columns)


# -- branches --------------------------------------------------------------------------


def _cond(graph: Graph, eqn: Any, arrays: list[Numbers]) -> list[Numbers]:
    """Both branches, of which each lane takes one."""
    which, given = arrays[0][()], arrays[1:]
    branches = eqn.params["branches"]
    if is_known(which):
        at = min(max(int(which), 0), len(branches) - 1)
        return evaluated(graph, branches[at], given)
    if len(branches) != 2:
        raise NotInLanes("a choice of more than two")
    found = [evaluated(graph, one, given) for one in branches]
    if eqn.invars[0].aval.dtype != bool:
        which = graph.do(lax.gt, which, like(which, 0), dtype=bool)
    choose = partial(graph.chosen, which)
    return [each(choose, *both) for both in zip(*found, strict=True)]

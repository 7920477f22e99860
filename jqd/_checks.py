"""Checks of arguments at the un-jitted boundary.

Every check raises ``ValueError`` with "Argument `x` must ..., but ...". Shapes are
known while JAX traces, so shape checks always run; checks of values are skipped for
tracers, so that a checked function still works under jit, vmap and grad. Everything is
read with NumPy: inside a jitted function `jax.numpy` would trace the check, and lists
are welcome.

Checks stand before programs of some microseconds and are called in loops: what is in
order is let pass at the first look, and words are found for the rest alone.

Checks of values take the shape as well: where one is asked for, it is looked at first.
"""

import inspect
import math
import os
from collections.abc import (
    Callable,
    Collection,
    Hashable,
    Iterable,
    Mapping,
    Sequence,
    Sized,
)
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike

from ._math import abs2
from ._words import did_you_mean

# A shape that is asked for: in it None stands for any length.
Shape = Sequence[int | None] | None
# dtypes by kind; the short floats of JAX have none of these
_INEXACT = frozenset("fc")
_WHOLE = frozenset("biu")
# what JAX knows of NumPy's, in the byte order of the machine
_NATIVE = frozenset(np.dtype(code) for code in "?bhilqBHILQefdFD")


def is_concrete(x: Any) -> bool:
    """True where every leaf of `x` has values that can be read now (no tracer)."""
    if isinstance(x, Tracer):
        return False
    if isinstance(x, _LEAVES):
        return True
    return not any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(x))


# leaves of a PyTree, tracers among them
_LEAVES = (jax.Array, np.ndarray, np.generic, float, int, complex, str)


def concrete(x: Any) -> np.ndarray:
    """The values of an array as a NumPy array; for arrays that `is_concrete`."""
    return np.asarray(x)


def known(x: ArrayLike) -> Any:
    """A NumPy array where the values can be read, else the tracer.

    What is known is best computed with NumPy: `jax.numpy` would compile every operation
    for every shape.
    """
    return np.asarray(x) if is_concrete(x) else jnp.asarray(x)


def is_spread(x: Any) -> bool:
    """True for an array in pieces on several devices, perhaps too large for one host.

    Of such an array only sums and the like are read, see `reduce_spread`.
    """
    return (
        isinstance(x, jax.Array)
        and not isinstance(x, Tracer)
        and not x.sharding.is_fully_replicated
    )


def reduce_spread(function: Callable[[Array], Array], x: Array) -> np.ndarray:
    """A number computed where the pieces of an array lie, also under a trace."""
    with jax.ensure_compile_time_eval():
        return np.asarray(function(x))


def widen(x: ArrayLike) -> Array:
    """`x` as an array of at least the default float precision (real or complex)."""
    x = array(x)
    dtype = jnp.promote_types(x.dtype, _default_float())
    # a conversion that changes nothing takes as long as a small program
    return x if x.dtype == dtype and not x.weak_type else x.astype(dtype)


def complex_of(x: Array) -> Array:
    """`x` as complex numbers of its precision; whole ones get that of the default."""
    if x.dtype.kind == "c":
        return x
    dtype = x.dtype if jnp.issubdtype(x.dtype, jnp.inexact) else _default_float()
    return x.astype(jnp.result_type(dtype, jnp.complex64))


def array(x: ArrayLike) -> Array:
    """`x` as an array of JAX, for which no program is compiled.

    `jax.numpy` compiles one for each shape of what comes from NumPy, and loads it at
    each start of a command.
    """
    if isinstance(x, jax.Array):
        return x
    return jax.device_put(np.asarray(x)) if is_concrete(x) else jnp.asarray(x)


def can_read() -> bool:
    """False under a trace, where even arrays that depend on nothing cannot be read."""
    return is_concrete(array(0.0))


def host_or_device(tree: Any) -> tuple[Any, Any]:
    """NumPy and its arrays where values can be read, else JAX and its own.

    Few numbers between two programs: to load one more program for each operation takes
    longer than all of it.
    """
    known = can_read() and is_concrete(tree)
    xp: Any = np if known else jnp
    return xp, jax.tree.map(xp.asarray, tree)


def as_leaf(x: Any) -> Any:
    """`x` as one argument of a jitted program: a number, or an array of one kind.

    A list would be an argument for each entry, and `jax.numpy` takes longer to make an
    array than a small program to run.
    """
    if isinstance(x, float | int | complex) or hasattr(x, "dtype"):
        return x
    return np.asarray(x) if is_concrete(x) else jnp.asarray(x)


def _default_float() -> Any:
    return np.float64 if jax.config.read("jax_enable_x64") else np.float32


def require_x64(what: str) -> None:
    """Raise where 64-bit floats are switched off; `what` names who needs them."""
    if not jax.config.read("jax_enable_x64"):
        raise ValueError(
            f"{what} needs 64-bit floats; set JAX_ENABLE_X64=1 or call "
            'jax.config.update("jax_enable_x64", True) before any array is made.'
        )


def check_choice(value: Any, name: str, choices: Collection[Any]) -> None:
    """`value` is one of `choices`."""
    # only what has a hash is compared: an array would answer for each entry
    if not isinstance(value, Hashable) or value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(
            f"Argument `{name}` must be one of {listed}, but it is {shown(value)}"
            f"{did_you_mean(value, choices)}"
        )


def is_native(x: Any) -> bool:
    """Whether `x` is an array of numbers as JAX takes it."""
    kind = type(x)
    return (kind is np.ndarray or isinstance(x, jax.Array)) and x.dtype in _NATIVE


def check_numbers(x: Any, name: str) -> None:
    """`x` is a number or an array of numbers that JAX takes as they are.

    No text, None, object or ragged list; no masks, units of time or foreign bytes,
    which `jqd._outside.plain` refuses or converts.
    """
    if isinstance(x, float) or is_native(x):
        return
    if isinstance(x, jax.Array | jax.ShapeDtypeStruct) or not is_concrete(x):
        # lists of tracers hold numbers
        dtype = getattr(x, "dtype", np.dtype(float))
    else:
        dtype = _dtype(x)
    # the short floats are no types of NumPy's own, and `jnp` knows them
    short = jnp.issubdtype(dtype, jnp.number) and dtype.isbuiltin == 2
    if short or dtype in _NATIVE:
        if isinstance(x, np.ma.MaskedArray):
            raise ValueError(
                f"Argument `{name}` must be a plain array, but it is a masked one; "
                "leave out what is masked, or fill it in with its method `filled`."
            )
        return
    raise ValueError(
        f"Argument `{name}` must be a number or an array of numbers, but it is "
        f"{_described(x, dtype)}."
    )


def _described(x: Any, dtype: np.dtype) -> str:
    """What is no number, in words."""
    if jnp.issubdtype(dtype, jax.dtypes.prng_key):
        return "a random key"
    if dtype.kind in "mM":
        kind = "times with a unit" if dtype.kind == "m" else "dates"
        return f"of {kind}, {dtype}; divide by a unit, as x / np.timedelta64(1, 's')"
    if dtype.kind in "fciu":
        return f"of dtype {dtype.str}, which JAX does not know; use x.astype(float)"
    if isinstance(x, np.ndarray):
        return f"an array of dtype {x.dtype}"
    plain = x is None or isinstance(x, str | bytes | int)
    return shown(x) if plain else f"of type {type(x).__name__}"


def check_names(x: Any, name: str) -> None:
    """`x` is a mapping whose keys are names."""
    if not isinstance(x, Mapping):
        raise ValueError(
            f"Argument `{name}` must be a dict by names, but is of type "
            f"{type(x).__name__}."
        )
    for key in x:
        if not isinstance(key, str):
            raise ValueError(
                f"Argument `{name}` must have names as keys, but one is {shown(key)}."
            )


def names_of(x: Any, name: str) -> tuple[str, ...]:
    """`x`, one name or several, as a tuple."""
    names: Any = (x,) if isinstance(x, str) else x
    if not isinstance(names, Iterable) or isinstance(names, bytes | np.ndarray):
        names = (None,)
    names = tuple(names)
    if not all(isinstance(one, str) for one in names):
        raise ValueError(
            f"Argument `{name}` must be a name or several, but is {shown(x)}."
        )
    return names


def check_function(x: Any, name: str, of: str, arguments: int = 0) -> None:
    """`x` is a function whose arguments can be told, and takes so many."""
    try:
        signature = inspect.signature(x)
        if arguments:
            signature.bind(*range(arguments))
    except (TypeError, ValueError):
        raise ValueError(
            f"Argument `{name}` must be a function of {of}, but is {shown(x)}."
        ) from None


def check_type(x: Any, name: str, kinds: Any, words: str) -> None:
    """`x` is an object of one of these types, in words "a law" or the like."""
    if not isinstance(x, kinds):
        raise ValueError(f"Argument `{name}` must be {words}, but is {shown(x)}.")


def check_given(given: Collection[str], name: str) -> None:
    """An argument of this name was given."""
    if name not in given:
        raise ValueError(f"Argument `{name}` must be given, but is not.")


def check_length(x: Sized, name: str) -> None:
    """`x` holds something."""
    if not len(x):
        raise ValueError(f"Argument `{name}` must hold something, but is empty.")


def check_broadcast(**arguments: Any) -> None:
    """The shapes of all arguments broadcast against each other."""
    shapes = {name: np.shape(x) for name, x in arguments.items()}
    try:
        np.broadcast_shapes(*shapes.values())
    except ValueError:
        last = list(shapes)[-1]
        listed = ", ".join(map(str, shapes.values()))
        raise ValueError(
            f"Argument `{last}` must broadcast with the others, but the shapes of "
            f"{', '.join(shapes)} are {listed}."
        ) from None


def shown(x: Any) -> str:
    """What was given instead, in a few words on one line."""
    text = repr(x)
    if len(text) < 60 and "\n" not in text and " at 0x" not in text:
        return text
    if isinstance(x, str | bytes | int):
        return text[:56] + " ..."
    return f"of type {type(x).__name__}"


def whole_number(number: Any, name: str, least: int, most: int | None = None) -> int:
    """`number`, a Python or NumPy integer from `least` to `most`, as int."""
    if not is_whole(number):
        raise ValueError(
            f"Argument `{name}` must be a whole number, but is {shown(number)}."
        )
    if number < least:
        raise ValueError(
            f"Argument `{name}` must be at least {least}, but is {number}."
        )
    if most is not None and number > most:
        raise ValueError(f"Argument `{name}` must be at most {most}, but is {number}.")
    return int(number)


def check_positive_integer(number: Any, name: str) -> None:
    """`number` is a Python or NumPy integer above 0."""
    if not is_whole(number) or number < 1:
        raise ValueError(
            f"Argument `{name}` must be a positive integer, but is {shown(number)}."
        )


def single_key(key: Any) -> Array:
    """`key`, one of `jax.random.key(...)` or a raw one of two words, typed."""
    if isinstance(key, jax.Array):
        if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) and key.shape == ():
            return key
        if key.dtype == jnp.uint32 and key.shape == (2,):
            return jax.random.wrap_key_data(key)
    raise ValueError(
        "Argument `key` must be one key, such as jax.random.key(0), but is "
        f"{shown(key)}."
    )


def check_scalar(x: ArrayLike, name: str) -> None:
    """`x` is one real and finite number (its value: not for tracers)."""
    if isinstance(x, float) and math.isfinite(x):
        return
    check_reals(x, name, ())


def check_shape(x: ArrayLike, name: str, shape: Sequence[int | None]) -> None:
    """`x` has this shape; None stands for any length."""
    check_numbers(x, name)
    actual = x.shape if isinstance(x, jax.Array | np.ndarray) else np.shape(x)
    if actual == tuple(shape):
        return
    if len(actual) != len(shape) or any(
        want is not None and want != have
        for want, have in zip(shape, actual, strict=True)
    ):
        listed = ", ".join("any" if n is None else str(n) for n in shape)
        listed = f"({listed},)" if len(shape) == 1 else f"({listed})"
        raise ValueError(
            f"Argument `{name}` must have shape {listed}, but its shape is {actual}."
        )


def _check_numbers_of(x: ArrayLike, name: str, shape: Shape) -> None:
    """`x` holds numbers, and has this shape; None leaves the shape unchecked."""
    if shape is None:
        check_numbers(x, name)
    else:
        check_shape(x, name, shape)


def check_memory(needed: float, name: str, what: str) -> None:
    """`needed` bytes for `what` fit into the memory that is free."""
    free = free_memory() if needed > 2**24 else None
    if free is not None and needed > free:
        raise ValueError(
            f"Argument `{name}` must fit into memory, but {what} takes "
            f"{needed / 2**30:.3g} GiB and {free / 2**30:.3g} GiB are free."
        )


def free_memory() -> int | None:
    """Bytes of this host's memory that are free, or None where nobody knows."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file)
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def check_square(x: ArrayLike, name: str) -> None:
    """`x` is a square matrix of at least one row."""
    check_numbers(x, name)
    shape = np.shape(x)
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
        raise ValueError(
            f"Argument `{name}` must be a square matrix, but its shape is {shape}."
        )


def check_finite(x: ArrayLike, name: str, shape: Shape = None) -> None:
    """Every entry of `x` is a finite number (values: skipped for tracers)."""
    _check_numbers_of(x, name, shape)
    if isinstance(x, float) and math.isfinite(x):
        return
    if _kind(x) in _WHOLE or not is_concrete(x):
        return
    if isinstance(x, jax.Array) and is_spread(x):
        number = reduce_spread(lambda x: jnp.sum(~jnp.isfinite(x)), x)
        if number:
            raise ValueError(
                f"Argument `{name}` must be finite, but {number} of its entries are "
                "not."
            )
        return
    _check_values(x, name, "be finite", np.isfinite)


def check_real(x: ArrayLike, name: str) -> None:
    """`x` has a real dtype."""
    check_numbers(x, name)
    kind = _kind(x)
    if kind == "c" or (not kind and np.iscomplexobj(x)):
        raise ValueError(
            f"Argument `{name}` must be real, but its dtype is {_dtype(x)}."
        )


def check_reals(x: ArrayLike, name: str, shape: Shape = None) -> None:
    """Every entry of `x` is a real and finite number (values: not for tracers)."""
    _check_numbers_of(x, name, shape)
    check_real(x, name)
    check_finite(x, name)


def check_all_real(**arguments: ArrayLike) -> None:
    """Every argument is real and finite."""
    for name, value in arguments.items():
        check_reals(value, name)


def check_positive(x: ArrayLike, name: str, shape: Shape = None) -> None:
    """Every entry of `x` is real, finite and above zero (values: not for tracers)."""
    if isinstance(x, float) and 0 < x < math.inf and not shape:
        return
    check_reals(x, name, shape)
    _check_values(x, name, "be positive", lambda values: values > 0)


def check_all_positive(**arguments: ArrayLike) -> None:
    """Every argument is positive."""
    for name, value in arguments.items():
        check_positive(value, name)


def check_not_negative(x: ArrayLike, name: str, shape: Shape = None) -> None:
    """Every entry of `x` is real, finite and at least 0 (values: not for tracers)."""
    if isinstance(x, float) and 0 <= x < math.inf and not shape:
        return
    check_reals(x, name, shape)
    _check_values(x, name, "not be negative", lambda values: values >= 0)


def check_within(x: ArrayLike, name: str, low: float, high: float) -> None:
    """`x` lies in [low, high] (its values: not for tracers)."""
    if is_concrete(x):
        values = concrete(x)
        out = ~((values >= low) & (values <= high))
        if out.any():
            worst = values[out].flat[0]
            raise ValueError(
                f"Argument `{name}` must be in [{low:g}, {high:g}], but is {worst:g}."
            )


def check_whole(x: ArrayLike, name: str) -> None:
    """Every entry of `x` is a whole number from 0 on (values: not for tracers)."""
    check_reals(x, name)
    _check_values(x, name, "hold whole numbers from 0 on", _whole)


def _whole(values: np.ndarray) -> np.ndarray:
    positive = values >= 0
    if values.dtype.kind in _WHOLE:
        return positive
    return positive & (values == np.floor(values))


def _check_values(
    x: ArrayLike, name: str, must: str, good: Callable[[np.ndarray], np.ndarray]
) -> None:
    if not is_concrete(x):
        return
    values = concrete(x)
    fine = good(values)
    if not fine.all():
        where, value = _first(~fine, values)
        raise ValueError(f"Argument `{name}` must {must}, but {where} is {value}.")


def _largest(values: np.ndarray) -> float:
    """Below it the squares of so many entries add up without overflow."""
    return math.sqrt(float(np.finfo(values.dtype).max) / max(values.size, 1))


def check_size(x: ArrayLike, name: str) -> None:
    """The squares of the entries of `x` add up without overflow (not for tracers)."""
    if not is_concrete(x) or is_spread(x):
        return
    values = concrete(x)
    if values.dtype.kind not in _INEXACT:
        values = values.astype(float)
    limit = _largest(values)
    bad = np.abs(values) > limit
    if np.any(bad):
        where, value = _first(bad, values)
        raise ValueError(
            f"Argument `{name}` must have entries below {limit:.2g}, whose squares can "
            f"be added up, but {where} is {value}; choose other units."
        )


def check_hermitian(x: ArrayLike, name: str, tolerance: float | None = None) -> None:
    """`x` is a Hermitian matrix (n, n), or the real diagonal (n,) of one.

    Args:
        x: the matrix or diagonal; values are not read where it is a tracer.
        name: what the caller calls it.
        tolerance: largest |x_ij - conj(x_ji)| let pass, in the unit of `x`.
    """
    check_numbers(x, name)
    shape = np.shape(x)
    if len(shape) == 1 and shape[0] > 0:
        check_size(x, name)
        if np.iscomplexobj(x):
            raise ValueError(
                f"Argument `{name}` must be real where it is a diagonal (one axis), "
                f"but its dtype is {_dtype(x)}."
            )
        return
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
        raise ValueError(
            f"Argument `{name}` must be a square matrix (n, n) or a real diagonal "
            f"(n,), but its shape is {shape}."
        )
    if is_concrete(x) and not is_spread(x) and _exactly_hermitian(concrete(x)):
        return
    check_finite(x, name)
    check_size(x, name)
    if not is_concrete(x):
        return
    values = concrete(x)
    if values.dtype.kind not in _INEXACT:
        values = values.astype(float)
    if tolerance is None:
        # A matrix made of products of n-term sums is symmetric to about sqrt(n) eps
        # of its largest entry; 100 of that passes rounding and no modelling error.
        eps = float(np.finfo(values.dtype).eps)
        tolerance = 100 * eps * math.sqrt(shape[0]) * float(np.max(np.abs(values)))
    gap = np.abs(values - values.conj().T)
    i, j = np.unravel_index(np.argmax(gap), shape)
    # `not <=` rather than `>`: a NaN gap must fail.
    if not gap[i, j] <= tolerance:
        i, j = sorted((int(i), int(j)))
        raise ValueError(
            f"Argument `{name}` must be Hermitian, but entry [{i}, {j}] differs from "
            f"the conjugate of entry [{j}, {i}] by {gap[i, j]:.2g}."
        )


def _exactly_hermitian(values: np.ndarray) -> bool:
    """To the last bit, as most are, with entries that are numbers and not too large."""
    if values.dtype.kind not in _INEXACT or not (values == values.conj().T).all():
        return False
    return bool(np.abs(values).max() <= _largest(values))


def check_state(
    psi: ArrayLike,
    name: str,
    size: int | Sequence[int] | None = None,
    weight: float | None = None,
) -> None:
    """`psi` is a state: right shape, finite, and of norm 1 to 1e-6.

    Args:
        psi: amplitudes, (n,) or the shape of a grid.
        name: what the caller calls it.
        size: n, or the grid's shape; None takes any non-empty vector.
        weight: what one entry of |psi|² counts for (1 for a vector, the cell of a
            grid). None leaves the norm unchecked.
    """
    check_numbers(psi, name)
    if size is not None:
        check_shape(psi, name, (size,) if isinstance(size, int) else tuple(size))
    elif np.ndim(psi) != 1 or np.size(psi) == 0:
        raise ValueError(
            f"Argument `{name}` must be a vector of at least one amplitude, but its "
            f"shape is {np.shape(psi)}."
        )
    if weight is None or not is_concrete((psi, weight)):
        check_finite(psi, name)
        return
    if isinstance(psi, jax.Array) and is_spread(psi):
        total = reduce_spread(lambda psi: jnp.sum(abs2(psi)), psi)
    else:
        total = np.sum(abs2(concrete(psi)))
    norm2 = float(total * weight)
    # 1e-6 passes amplitudes kept in single precision, and no forgotten factor.
    if abs(norm2 - 1) <= 1e-6:
        return  # so all are finite
    check_finite(psi, name)
    raise ValueError(
        f"Argument `{name}` must be normalised, but its squared norm is {norm2:.9g}."
    )


def check_times(ts: ArrayLike, name: str = "ts", *, strict: bool = True) -> None:
    """`ts` is a vector of at least one finite real time, strictly increasing; or not
    decreasing, where it need not be strict."""
    check_numbers(ts, name)
    shape = np.shape(ts)
    if len(shape) != 1 or shape[0] == 0:
        raise ValueError(
            f"Argument `{name}` must be a vector of at least one time, but its shape "
            f"is {shape}."
        )
    check_reals(ts, name)
    if not is_concrete(ts):
        return
    values = concrete(ts)
    later = values[1:] > values[:-1] if strict else values[1:] >= values[:-1]
    if not later.all():
        i = int(np.argmin(later))
        rule = "increase strictly" if strict else "not decrease"
        raise ValueError(
            f"Argument `{name}` must {rule}, but {name}[{i + 1}] = "
            f"{values[i + 1]} follows {name}[{i}] = {values[i]}."
        )


def _kind(x: Any) -> str:
    """The kind of an array's dtype, "" for what has none."""
    return getattr(getattr(x, "dtype", None), "kind", "")


def _dtype(x: Any) -> Any:
    """The dtype of the array that NumPy makes of it; that of objects if it cannot."""
    if isinstance(x, np.ndarray | np.generic | jax.Array | jax.ShapeDtypeStruct):
        return x.dtype
    try:
        return np.asarray(x).dtype
    except Exception:  # ragged lists, no arrays at all: each library has its own
        return np.dtype(object)


def _first(bad: np.ndarray, values: np.ndarray) -> tuple[str, Any]:
    """Where the first bad entry is, in words, and its value."""
    if values.ndim == 0:
        return "it", values[()]
    index = tuple(int(i) for i in np.argwhere(bad)[0])
    return f"entry [{', '.join(map(str, index))}]", values[index]


def is_whole(number: Any) -> bool:
    """Whether it is one integer of Python or NumPy; True and False are none."""
    return isinstance(number, int | np.integer) and not isinstance(number, bool)


def check_flags(**flags: Any) -> None:
    """Each is True or False, of Python or NumPy: text and numbers are not read."""
    for name, value in flags.items():
        if not isinstance(value, bool | np.bool_):
            raise ValueError(
                f"Argument `{name}` must be True or False, but is {value!r}."
            )

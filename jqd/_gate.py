"""Arguments of public functions pass the gate by what their annotations say.

    @gated
    def mean_speed(temperature: ArrayLike, *, dimension: int = 2) -> Array: ...

refuses what is no temperature and no dimension before the function runs, in one line
with the name of the argument. What an annotation cannot say, a shape, a sign, the
function checks itself.
"""

import functools
import inspect
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import jax
import numpy as np

from . import _checks
from ._outside import plain

P = ParamSpec("P")
R = TypeVar("R")
Reader = Callable[[Any, str], Any]
# What a program counts to.
_MOST = 2**63 - 1
_IN_A_ROW = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


def gated(function: Callable[P, R]) -> Callable[P, R]:
    """A function whose arguments are read as they are annotated.

    Numbers and arrays become what JAX takes (`jqd._outside.plain`), real where the
    annotation is; `int`, `float`, `bool` and `str` take what is one; a class or a
    `Callable` takes its instances; each of `*args` and `**kwargs` is read as these are
    annotated. Other annotations are left to the function.

    Raises:
        ValueError: an argument is something else.
    """
    parameters = inspect.signature(function).parameters
    kinds = {name: one.kind for name, one in parameters.items()}
    row = [name for name, kind in kinds.items() if kind in _IN_A_ROW]
    of_kind = {kind: name for name, kind in kinds.items()}
    more = of_kind.get(inspect.Parameter.VAR_POSITIONAL, "")
    others = of_kind.get(inspect.Parameter.VAR_KEYWORD, "")
    found: dict[str, Reader] = {}

    @functools.wraps(function)
    def read(*args: P.args, **kwargs: P.kwargs) -> R:
        if not found:  # now, since annotations may name what is imported later
            hints = typing.get_type_hints(function)
            found.update({name: _reader(hints.get(name, Any), name) for name in kinds})
        names = row + [more] * max(0, len(args) - len(row))
        given = [
            found.get(name, _as_it_is)(value, name)
            for name, value in zip(names, args, strict=False)
        ]
        named = {
            name: found.get(name if name in kinds else others, _as_it_is)(value, name)
            for name, value in kwargs.items()
        }
        return function(*given, **named)  # pyright: ignore[reportCallIssue]

    return read


def _reader(hint: Any, name: str) -> Reader:
    """What reads an argument of this annotation."""
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    kinds = typing.get_args(hint) if is_union else (hint,)
    optional = type(None) in kinds
    kinds = tuple(kind for kind in kinds if kind is not type(None))
    read = _of_key if name == "key" else _required(kinds)
    if not optional:
        return read
    return lambda value, name: None if value is None else read(value, name)


def _required(kinds: tuple[Any, ...]) -> Reader:
    """What reads one of these annotations, none of which is None."""
    if any(_is_array(kind) for kind in kinds):
        others = tuple(
            kind for kind in kinds
            if _is_class(kind) and not _is_array(kind) and not _is_number(kind)
        )  # fmt: skip
        functions = any(_is_callable(kind) for kind in kinds)
        if not all(_is_class(kind) or _is_callable(kind) for kind in kinds):
            return _as_it_is
        real = not any(_may_be_complex(kind) for kind in kinds)
        return functools.partial(_of_array, others, functions, real)
    if len(kinds) == 1 and kinds[0] in _SIMPLE:
        return _SIMPLE[kinds[0]]
    if all(_are_whole(kind) for kind in kinds):
        return _of_whole_numbers
    if all(_is_class(kind) for kind in kinds):
        return functools.partial(_of_class, kinds)
    if len(kinds) == 1 and _is_callable(kinds[0]):
        return _of_function
    return _as_it_is


def _as_it_is(value: Any, name: str) -> Any:
    del name
    return value


def _of_array(
    others: tuple[type, ...], functions: bool, real: bool, value: Any, name: str
) -> Any:
    if isinstance(value, others) or (functions and callable(value)):
        return value
    if type(value) is int:  # whose type is weak, other than that of an array of one
        return value if abs(value) <= _MOST else _of_large(value, name)
    value = plain(value, name)
    if real:
        _checks.check_real(value, name)
    return value


def _of_large(value: int, name: str) -> float:
    """A whole number beyond those that a program counts to, as a float."""
    try:
        return float(value)
    except OverflowError:
        raise ValueError(
            f"Argument `{name}` must be at most {np.finfo(float).max:.2g}, but is "
            f"{_checks.shown(value)}."
        ) from None


def _of_class(kinds: tuple[type, ...], value: Any, name: str) -> Any:
    words = " or ".join(kind.__name__ for kind in kinds)
    _checks.check_type(value, name, kinds, f"of type {words}")
    return value


def _of_function(value: Any, name: str) -> Any:
    if not callable(value):
        raise ValueError(
            f"Argument `{name}` must be a function, but is {_checks.shown(value)}."
        )
    return value


def _of_key(value: Any, name: str) -> Any:
    del name
    return _checks.single_key(value)


def _of_whole(value: Any, name: str) -> int:
    return _checks.whole_number(value, name, -_MOST, _MOST)


def _of_whole_numbers(value: Any, name: str) -> tuple[int, ...]:
    """Whole numbers in a row, from an array of them as well."""
    array = isinstance(value, np.ndarray) and value.dtype.kind in "iu"
    row = isinstance(value, list | tuple) or (array and value.ndim == 1)
    if not row or not all(_checks.is_whole(one) for one in value):
        raise ValueError(
            f"Argument `{name}` must be whole numbers in a row, but is "
            f"{_checks.shown(value)}."
        )
    return tuple(_of_whole(one, name) for one in value)


def _of_number(value: Any, name: str) -> Any:
    value = plain(value, name)
    _checks.check_scalar(value, name)
    return value


def _of_flag(value: Any, name: str) -> bool:
    _checks.check_flags(**{name: value})
    return bool(value)


def _of_text(value: Any, name: str) -> str:
    _checks.check_type(value, name, str, "text")
    return value


_SIMPLE: dict[Any, Reader] = {
    int: _of_whole, float: _of_number, bool: _of_flag, str: _of_text,
}  # fmt: skip


def _is_array(kind: Any) -> bool:
    return kind in (jax.Array, np.ndarray) or hasattr(kind, "dtypes")


def _may_be_complex(kind: Any) -> bool:
    dtypes = getattr(kind, "dtypes", None)
    if dtypes is None:
        return kind in (jax.Array, np.ndarray, complex)
    return any(dtype.startswith("complex") for dtype in dtypes)


def _is_number(kind: Any) -> bool:
    return kind in (bool, int, float, complex) or issubclass(kind, np.generic)


def _is_callable(kind: Any) -> bool:
    return kind is Callable or typing.get_origin(kind) is Callable


def _is_class(kind: Any) -> bool:
    """Whether something is one of its instances, or not, for all to see."""
    is_protocol = getattr(kind, "_is_protocol", False)
    return inspect.isclass(kind) and kind is not Any and not is_protocol


def _are_whole(kind: Any) -> bool:
    """Whether an annotation is of whole numbers in a row."""
    entries = typing.get_args(kind)
    return (
        typing.get_origin(kind) in (tuple, list, Sequence)
        and int in entries
        and all(entry in (int, ...) for entry in entries)
    )

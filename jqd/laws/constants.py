"""Constants of a law: what a fit, a table or a page needs to know of each.

A constant is an array leaf. The field that holds it says the rest:

    q: Array = free(quantum=0.5, span=(0, 1))
    R: Array = free(pack=upper_triangle, unpack=symmetric)

An array field without a declaration is a constant as well, `fixed()` is none, and the
arrays within a field declared as `parts()` are constants under names of their own.

What reads constants takes a law, or any motion, and the name of one; of a name that the
law does not have it makes a ValueError.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from .. import _checks

Motion = TypeVar("Motion", bound=eqx.Module)
_KEY = "jqd"


def constant(value: ArrayLike, name: str = "value") -> Array:
    """A constant of a law as an array leaf of floating dtype.

    A Python float in a law would be static: its gradient would be missing and each
    new value would compile anew. Weak types are dropped for the same reason.

    Args:
        value: number or array; integers become floats of jax's default precision.
        name: what the caller calls it.

    Returns:
        Array with the shape of `value`.

    Raises:
        ValueError: it is no number.
    """
    if not (isinstance(value, Array) and jnp.issubdtype(value.dtype, jnp.number)):
        _checks.check_numbers(value, name)
    return _inexact(jnp.asarray(value))


def scalars(**values: ArrayLike) -> list[Array]:
    """Constants of a law that are one real number each.

    Args:
        **values: the numbers, by the names of the arguments.

    Returns:
        One array leaf a number, each of shape ().

    Raises:
        ValueError: one is no real, finite number.
    """
    for name, value in values.items():
        _checks.check_scalar(value, name)
    return [_inexact(jnp.asarray(value)) for value in values.values()]


def _inexact(array: Array) -> Array:
    """An array of floats, real or complex, whose type is not weak."""
    if jnp.issubdtype(array.dtype, jnp.inexact) and not array.weak_type:
        return array
    # dtype of the active precision: float (or complex) as jax is configured
    kind = complex if jnp.iscomplexobj(array) else float
    return array.astype(jnp.result_type(kind))


# -- declarations ----------------------------------------------------------------------


def upper_triangle(matrix: Any) -> Any:
    """The entries above the diagonal, row by row: (M, M) -> (M (M - 1) / 2,)."""
    return matrix[np.triu_indices(matrix.shape[-1], 1)]


def symmetric(entries: Array, old: Array) -> Array:
    """The symmetric matrix, zero on its diagonal, with these entries above it."""
    upper = jnp.zeros_like(old).at[np.triu_indices(old.shape[-1], 1)].set(entries)
    return upper + upper.T


def antisymmetric(entries: Array, old: Array) -> Array:
    """The antisymmetric matrix with these entries above its diagonal."""
    upper = jnp.zeros_like(old).at[np.triu_indices(old.shape[-1], 1)].set(entries)
    return upper - upper.T


def near(value: Array) -> tuple[Array, Array]:
    """Half of the value and 0.1 to either side: where fits start unless told."""
    width = 0.5 * jnp.abs(value) + 0.1
    return value - width, value + width


class Declaration(NamedTuple):
    """What the field of a constant says of it; see `free`."""

    quantum: float | Callable[[Any], ArrayLike] | None = None
    span: tuple[float, float] | Callable[[Array], tuple[Array, Array]] = near
    pack: Callable[[Any], Any] = lambda value: value.reshape(-1)
    unpack: Callable[[Array, Array], Array] = lambda entries, old: jnp.reshape(
        entries, jnp.shape(old)
    )


def free(
    *,
    quantum: float | Callable[[Any], ArrayLike] | None = None,
    span: tuple[float, float] | Callable[[Array], tuple[Array, Array]] = near,
    pack: Callable[[Any], Any] | None = None,
    unpack: Callable[[Array, Array], Array] | None = None,
) -> Any:
    """A field of a law that holds a constant; numbers become array leaves.

    Args:
        quantum: the value at which the law is quantum mechanics, or a function of the
            law that gives it; None where there is none.
        span: where a fit draws its starts: two ends, or a function of the independent
            entries that gives both.
        pack: the independent entries of the constant, flat; None for all entries.
        unpack: the constant with these independent entries, from them and the old one.

    Returns:
        The field.
    """
    said = Declaration(quantum, span)
    if pack is not None and unpack is not None:
        said = said._replace(pack=pack, unpack=unpack)
    return eqx.field(metadata={_KEY: said}, converter=_leaf)


def fixed() -> Any:
    """A field of a law that holds an array which no fit may free."""
    return eqx.field(metadata={_KEY: fixed})


def parts(*within: str) -> Any:
    """A field of a law whose own fields, or entries, are constants by their names.

    Args:
        *within: the one field of it that holds them, if not all do.
    """
    return eqx.field(metadata={_KEY: Parts(within)})


class Parts(NamedTuple):
    """The declaration that `parts` makes."""

    within: tuple[str, ...]


def _leaf(value: Any) -> Any:
    return value if value is None or isinstance(value, np.ndarray) else constant(value)


# -- reading them ----------------------------------------------------------------------


class _Place(NamedTuple):
    """Where a constant stands in its law, and what was declared of it."""

    path: tuple[str, ...]
    said: Declaration


def _places(node: Any, path: tuple[str, ...] = ()) -> Iterator[_Place]:
    """The constants of a law: its own first, then those of its parts."""
    if isinstance(node, dict):
        yield from (_Place((*path, name), Declaration()) for name in sorted(node))
        return
    inner = []
    for name, field in node.__dataclass_fields__.items():
        said = field.metadata.get(_KEY, Declaration())
        if isinstance(said, Parts):
            inner.append((name, said.within))
        elif said is not fixed and eqx.is_inexact_array(getattr(node, name)):
            yield _Place((*path, name), said)
    for name, within in inner:
        held = getattr(node, name)
        if not within:
            yield from _places(held, (*path, name))
        elif within[0] in held.__dataclass_fields__:
            yield from _places(getattr(held, within[0]), (*path, name, *within))


def _find(law: eqx.Module, name: str) -> _Place:
    for place in _places(law):
        if place.path[-1] == name:
            return place
    raise ValueError(
        f"Argument `name` must be one of {', '.join(names(law))}, but is {name!r}."
    )


def _get(node: Any, path: tuple[str, ...]) -> Array:
    for name in path:
        node = node[name] if isinstance(node, dict) else getattr(node, name)
    return node


def names(law: eqx.Module) -> tuple[str, ...]:
    """Names of the constants of a law that a fit may free."""
    return tuple(place.path[-1] for place in _places(law))


def pack(law: eqx.Module, name: str) -> Array:
    """The independent entries of a constant, flat: shape (n,)."""
    place = _find(law, name)
    return place.said.pack(_get(law, place.path))


def unpack(law: Motion, name: str, entries: Array) -> Motion:
    """A copy of the law whose constant has these entries, as `pack` gives them."""
    place = _find(law, name)
    new = place.said.unpack(entries, _get(law, place.path))
    return eqx.tree_at(lambda tree: _get(tree, place.path), law, new)


def labels(law: eqx.Module, name: str) -> list[str]:
    """A label for each entry of `pack(law, name)`, such as "omega[2]"."""
    place = _find(law, name)
    shape = jnp.shape(_get(law, place.path))
    size = int(np.prod(shape))
    if size == 1:
        return [name]
    kept = place.said.pack(np.arange(size).reshape(shape))
    indices = np.transpose(np.unravel_index(np.asarray(kept), shape))
    return [f"{name}[{','.join(map(str, index))}]" for index in indices]


def span(law: eqx.Module, name: str) -> tuple[Array, Array]:
    """Where a fit draws the starts of a constant: lower and upper ends, each (n,)."""
    ends, entries = _find(law, name).said.span, pack(law, name)
    if callable(ends):
        return ends(entries)
    low, high = ends
    return jnp.full_like(entries, low), jnp.full_like(entries, high)


def quantum_values(law: eqx.Module) -> dict[str, float]:
    """The values of constants at which a law is quantum mechanics, where known."""
    values = {}
    for path, said in _places(law):
        value = said.quantum(law) if callable(said.quantum) else said.quantum
        if value is not None and _checks.is_concrete(value):
            values[path[-1]] = float(np.asarray(value))
    return values

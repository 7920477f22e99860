"""Constants of a law, with what a fit, a table or a page needs to know about each.

A constant is an array leaf. The field that holds it declares the rest:

    q: Array = free(quantum=0.5, span=(0, 1))
    R: Array = free(pack=upper_triangle, unpack=symmetric)

An array field without a declaration is a constant as well; a field declared as
`fixed()` is not. Arrays within a field are constants with dotted names ("potential.k",
"drive.pulse.area"), where keywords of a `jax.tree_util.Partial` count as fields; the
name of a field declared as `parts()` is left out of theirs.

Functions that read constants take a law, any motion, or another tree of modules, and
the name of a constant. The last parts of a name suffice where only one constant ends
with them; a name of no constant, or of several, raises a ValueError.
"""

import dataclasses
import functools
import inspect
import math
import typing
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from . import _checks
from ._math import divisor
from ._outside import plain
from ._words import did_you_mean

Motion = TypeVar("Motion", bound=eqx.Module)
_KEY = "jqd"


def constant(value: ArrayLike, name: str = "value") -> Array:
    """A constant of a law as an array leaf of floating dtype.

    A Python float in a law would be static: it would have no gradient, and each new
    value would cause a new compilation. Weak types are dropped for the same reason.

    Args:
        value: number or array; integers become floats of JAX's default precision.
        name: what the caller calls it.

    Returns:
        Array with the shape of `value`.

    Raises:
        ValueError: not a number.
    """
    return _inexact(plain(value, name))


def scalars(**values: ArrayLike) -> list[Array]:
    """Constants of a law that are one real number each.

    Args:
        **values: the numbers, by the names of the arguments.

    Returns:
        One array leaf for each number, each of shape ().

    Raises:
        ValueError: one of them is not a real, finite number.
    """
    found = {name: plain(value, name) for name, value in values.items()}
    for name, value in found.items():
        _checks.check_scalar(value, name)
    return Scalars(_inexact(value) for value in found.values())


class Scalars(list[Array]):
    """What `scalars` returns: a type of its own, so that fields recognise it."""


def _inexact(value: ArrayLike) -> Array:
    """An array of floats, real or complex, whose type is not weak."""
    if not isinstance(value, jax.Array) and _checks.is_concrete(value):
        host = np.asarray(value)
        # NumPy does not count JAX's short floats as floats
        whole = host.dtype.kind in "biu"
        return _checks.array(host.astype(float) if whole else host)
    array = jnp.asarray(value)
    if jnp.issubdtype(array.dtype, jnp.inexact) and not array.weak_type:
        return array
    # dtype of the active precision: float (or complex) as JAX is configured
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


class Scales(NamedTuple):
    """Scales of the data and the law, which make spans the same in all units.

    Attributes:
        time: time over which data determine constants, scalar.
        hbar: ħ of the law, scalar; 1 where it has none.
        length: size of a packet that moves on the grid, scalar; 1 without a grid.
    """

    time: ArrayLike = 1.0
    hbar: ArrayLike = 1.0
    length: ArrayLike = 1.0

    @property
    def rate(self) -> Array:
        """1 over the time."""
        return 1 / jnp.asarray(self.time)

    @property
    def energy(self) -> Array:
        """ħ over the time."""
        return jnp.asarray(self.hbar) * self.rate


Span = tuple[float, float] | Callable[[Array, Array], tuple[Array, Array]]
Unit = str | Callable[[Any, Scales], ArrayLike]


def near(value: Array, unit: ArrayLike) -> tuple[Array, Array]:
    """Default span of initial guesses: half the value and 0.1 units to either side."""
    width = 0.5 * jnp.abs(value) + 0.1 * unit
    return value - width, value + width


class Declaration(NamedTuple):
    """The declaration of a field about the constant that it holds.

    Attributes:
        quantum, span, bounds, unit, pack, unpack, places: as for `free`.
    """

    quantum: float | Callable[[Any], ArrayLike] | None = None
    span: Span = near
    bounds: tuple[float, float] = (-math.inf, math.inf)
    unit: Unit | None = None
    pack: Callable[[Any], Any] | None = None
    unpack: Callable[[Array, Array], Array] | None = None
    places: Callable[[Any], Any] | None = None


def free(
    *,
    quantum: float | Callable[[Any], ArrayLike] | None = None,
    span: Span = near,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    unit: Unit | None = None,
    pack: Callable[[Any], Any] | None = None,
    unpack: Callable[[Array, Array], Array] | None = None,
    places: Callable[[Any], Any] | None = None,
    positive: bool = False,
    **default: Any,
) -> Any:
    """A field of a law that holds a constant; numbers become array leaves.

    A field annotated with shape () accepts one real number, and every field accepts
    only values within its bounds: a law that has only such fields needs no `__init__`.

    Args:
        quantum: the value at which the law is quantum mechanics, or a function that
            computes it from the object that holds the field; None where there is none.
        span: range from which a fit draws its initial guesses: two ends in units of
            `unit`, or a function of the independent entries and the unit that gives
            both ends in the units of the entries.
        bounds: lower and upper bound of each entry; a fit stays inside.
        unit: unit of the constant: "rate", "energy", "length", "time" or "hbar", whose
            sizes follow from the data, ħ and the grid; "value" for the largest of its
            own entries, 1 where all are 0; or a function of the object that holds the
            field and of `Scales`. None for a number without units.
        pack: the independent entries of the constant, flat; None for all entries, real
            parts before imaginary ones.
        unpack: makes the constant from its independent entries and the old constant.
        places: positions of the independent entries in the flattened constant, from an
            array of its shape that holds the positions; None for `pack` itself, which
            then chooses entries.
        positive: whether the constant must lie above 0; its bounds are then 0 and inf.
        **default: `default`, of the field.

    Returns:
        The field.
    """
    bounds = (0.0, math.inf) if positive else bounds
    said = Declaration(quantum, span, bounds, unit, pack, unpack, places or pack)

    def read(value: Any, name: str, hint: Any) -> Any:
        leaf = _leaf(value, name)
        if leaf is not None:
            _check_declared(leaf, name, hint, bounds, positive)
        return leaf

    return _named(read, metadata={_KEY: said}, **default)


def fixed(*, read: Callable[[Any, str], Any] | None = None, **default: Any) -> Any:
    """A field of a law whose content no fit may free.

    Args:
        read: makes the field's content from the given value and the field's name.
        **default: `default`, of the field.
    """
    return _read_by(read, {_KEY: fixed}, default)


def parts(
    *within: str,
    each: str = "",
    read: Callable[[Any, str], Any] | None = None,
    **default: Any,
) -> Any:
    """A field whose own fields, or entries, are constants by their names alone.

    Args:
        *within: the one field that holds the constants, if not all do.
        each: name of an entry where the field is a tuple: `each` if there is only one,
            else `each[0]`, `each[1]`.
        read: makes the field's content from the given value and the field's name.
        **default: `default`, of the field.
    """
    return _read_by(read, {_KEY: Parts(within, each)}, default)


def _read_by(read: Any, metadata: dict[str, Any], default: dict[str, Any]) -> Any:
    if read is None:
        return eqx.field(metadata=metadata, **default)

    def reader(given: Any, name: str, hint: Any) -> Any:
        del hint
        return read(given, name)

    return _named(reader, metadata=metadata, **default)


def static(**default: Any) -> Any:
    """A static field, such as a size, a tolerance or a name; not a constant.

    NumPy's numbers become Python's, since a program would treat them as arrays.

    Args:
        **default: `default`, of the field.
    """
    return eqx.field(static=True, converter=_plain, **default)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    return value.item() if isinstance(value, np.generic) else value


def switch(**default: Any) -> Any:
    """A static field that is True or False; text and numbers are refused.

    Args:
        **default: `default`, of the field.
    """
    return _named(_flag, static=True, **default)


def _flag(value: Any, name: str, hint: Any) -> bool:
    del hint
    _checks.check_flags(**{name: value})
    return bool(value)


def _named(read: Callable[[Any, str, Any], Any], **options: Any) -> Any:
    """A field that is read by its value, its own name and its annotation."""
    field = eqx.field(converter=_Reader(read), **options)
    field.__class__ = _NamedField
    return field


class _Reader:
    """The converter of a field; the class that holds the field tells it which it is."""

    def __init__(self, read: Callable[[Any, str, Any], Any]):
        self.read, self.name = read, "value"
        self.owner: Any = None

    def __call__(self, value: Any) -> Any:
        return self.read(value, self.name, self.hint)

    @functools.cached_property
    def hint(self) -> Any:
        """The annotation, read late: it may name what is defined after the class."""
        return inspect.get_annotations(self.owner).get(self.name)


class _NamedField(dataclasses.Field):
    __slots__ = ()

    def __set_name__(self, owner: type, name: str) -> None:
        super().__set_name__(owner, name)
        reader = self.metadata["converter"]
        reader.name, reader.owner = name, owner


def _check_declared(
    value: Array, name: str, hint: Any, bounds: tuple[float, float], positive: bool
) -> None:
    """Raise unless a constant is what its field says of it."""
    kinds = typing.get_args(hint) or (hint,)
    if any(getattr(kind, "dim_str", None) == "" for kind in kinds):
        _checks.check_scalar(value, name)
    low, high = bounds
    if positive:
        _checks.check_positive(value, name)
    elif bounds == (0, math.inf):
        _checks.check_not_negative(value, name)
    elif bounds != (-math.inf, math.inf):
        _checks.check_within(value, name, low, high)


class Parts(NamedTuple):
    """The declaration that `parts` makes."""

    within: tuple[str, ...]
    each: str = ""


# Of an array field without a declaration: its unit is not known.
_UNSAID = Declaration(unit="value")


def _leaf(given: Any, name: str) -> Any:
    # self.g = scalars(g=g)
    one = isinstance(given, Scalars) and len(given) == 1
    value: Any = given[0] if one else given
    if value is None or isinstance(value, np.ndarray):
        return value
    return constant(value, name)


# -- reading them ----------------------------------------------------------------------


class Place(NamedTuple):
    """Where a constant stands in a tree, found once; hashable.

    Attributes:
        path: keys from the tree to it.
        name: in full.
        said: what its field declares.
        short: the shortest end of its name that distinguishes it from others.
    """

    path: tuple[Any, ...]
    name: str
    said: Declaration
    short: str = ""

    def value(self, tree: Any) -> Array:
        """The value that the tree holds there."""
        return _get(tree, self.path)

    def holder(self, tree: Any) -> Any:
        """The object whose field it is."""
        return _get(tree, self.path[:-1])

    def entries(self, tree: Any) -> Array:
        """The independent entries of the constant, flat: shape (n,), real."""
        return self._packed(self.value(tree))

    def _packed(self, value: Array) -> Array:
        """The independent entries of a value of the constant."""
        if self.said.pack is not None:
            return self.said.pack(value)
        flat = jnp.ravel(value)
        if jnp.iscomplexobj(flat):
            flat = jnp.concatenate([jnp.real(flat), jnp.imag(flat)])
        return flat

    def put(self, tree: Motion, entries: Array) -> Motion:
        """A copy of the tree with these entries of the constant."""
        old = self.value(tree)
        if self.said.unpack is not None:
            new = self.said.unpack(entries, old)
        elif jnp.iscomplexobj(old):
            real, imaginary = jnp.split(entries, 2)
            new = jnp.reshape(jax.lax.complex(real, imaginary), np.shape(old))
        else:
            new = jnp.reshape(entries, np.shape(old))
        return eqx.tree_at(self.value, tree, new)

    def labels(self, tree: Any, name: str) -> list[str]:
        """A label for each entry, such as "omega[2]" or "alpha.re", by this name."""
        value = self.value(tree)
        shape = np.shape(value)
        indices = np.arange(int(np.prod(shape)))
        if self.said.places is not None:
            indices = np.asarray(self.said.places(indices.reshape(shape)))
        elif jnp.iscomplexobj(value):
            both = (f"{name}.{part}" for part in ("re", "im"))
            return [label for one in both for label in _indexed(one, indices, shape)]
        return _indexed(name, indices, shape)

    def span(self, tree: Any, scales: Scales) -> tuple[Array, Array]:
        """Range of a fit's initial guesses: lower and upper ends, each (n,)."""
        entries, ends = self.entries(tree), self.said.span
        unit = self._unit(tree, entries, scales)
        if callable(ends):
            lower, upper = ends(entries, unit)
        else:
            lower, upper = (end * unit * jnp.ones_like(entries) for end in ends)
        low, high = self.said.bounds
        return jnp.maximum(lower, low), jnp.minimum(upper, high)

    def _unit(self, tree: Any, entries: Array, scales: Scales) -> Array:
        """What the constant is measured in, scalar or like its entries."""
        unit = self.said.unit
        if unit is None:
            return jnp.ones(())
        if callable(unit):
            return jnp.asarray(unit(self.holder(tree), scales))
        if unit != "value":
            return jnp.asarray(getattr(scales, unit))
        return divisor(jnp.max(jnp.abs(entries), initial=0))

    def quantum(self, tree: Any) -> float | None:
        """The value at which the law is quantum mechanics, where one is known."""
        value = self._quantum(tree)
        # several entries, such as one for each axis, have no single value
        return None if value is None or np.ndim(value) else float(np.asarray(value))

    def references(self, tree: Any, count: int) -> list[float | None]:
        """The value at which the law is quantum mechanics of each independent entry.

        Args:
            tree: what holds the constant.
            count: number of its independent entries.

        Returns:
            One for each entry, ordered as in `entries`: the same for all where one is
            declared, None where none is known.
        """
        value = self._quantum(tree)
        if value is not None and np.ndim(value):
            alike = np.shape(value) == np.shape(self.value(tree))
            value = self._packed(value) if alike else None
        if value is None or not _checks.is_concrete(value):
            return [None] * count
        return np.broadcast_to(np.asarray(value, float), (count,)).tolist()

    def _quantum(self, tree: Any) -> Any:
        """What is declared as that of quantum mechanics; None where it is not known."""
        value = self.said.quantum
        if callable(value):
            value = value(self.holder(tree))
        return value if value is not None and _checks.is_concrete(value) else None


def places(tree: eqx.Module) -> list[Place]:
    """The constants of a law or another tree: its own first, then those within it."""
    found = _places(tree)
    full = [place.name for place in found]
    return [place._replace(short=_shortest(place.name, full)) for place in found]


def _places(node: Any, path: tuple[Any, ...] = (), prefix: str = "") -> list[Place]:
    """The same, without their short names."""
    own, inner = [], []
    for key, value, said in _children(node):
        here = (*path, key)
        if said is fixed:
            continue
        if eqx.is_inexact_array(value):
            said = said if isinstance(said, Declaration) else _UNSAID
            own.append(Place(here, prefix + str(key), said))
        elif isinstance(said, Parts):
            inner += _parts(value, here, prefix, said)
        else:
            inner += _places(value, here, f"{prefix}{key}.")
    return own + inner


def _parts(value: Any, path: tuple[Any, ...], prefix: str, said: Parts) -> list[Place]:
    """The constants within a field that is declared as `parts`."""
    for name in said.within:
        if name not in value.__dataclass_fields__:
            return []
        value, path = getattr(value, name), (*path, name)
    if not said.each:
        return _places(value, path, prefix)
    found = []
    for i, entry in enumerate(value):
        name = said.each if len(value) == 1 else f"{said.each}[{i}]"
        found += _places(entry, (*path, i), f"{prefix}{name}.")
    return found


def _children(node: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Fields, entries or keywords of a node of a tree, and what is declared of them."""
    if isinstance(node, jax.tree_util.Partial):
        node = node.keywords
    if isinstance(node, dict):
        yield from ((name, node[name], None) for name in sorted(node))
    elif isinstance(node, eqx.Module):
        for name, field in node.__dataclass_fields__.items():
            if not field.metadata.get("static", False):
                yield name, getattr(node, name, None), field.metadata.get(_KEY)


def _get(node: Any, path: tuple[Any, ...]) -> Array:
    for key in path:
        if isinstance(node, jax.tree_util.Partial):
            node = node.keywords
        by_key = isinstance(node, dict | tuple)
        node = node[key] if by_key else getattr(node, key)
    return node


def find(law: eqx.Module, name: str, argument: str = "name") -> Place:
    """The constant of this full name; else the only one whose name ends so.

    Args:
        law: the law.
        name: the name.
        argument: what the caller calls it.

    Raises:
        ValueError: the name of no constant, or of several.
    """
    _checks.check_type(name, argument, str, "the name of a constant")
    known = places(law)
    fitting = [place for place in known if place.name == name] or [
        place for place in known if place.name.endswith("." + name)
    ]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        several = ", ".join(place.name for place in fitting)
        raise ValueError(
            f"Argument `{argument}` must name one constant, but {name!r} may be "
            f"{several}."
        )
    short = [place.short for place in known]
    raise ValueError(
        f"Argument `{argument}` must be one of {', '.join(short)}, but is {name!r}"
        f"{did_you_mean(name, short)}"
    )


def names(law: eqx.Module) -> tuple[str, ...]:
    """Names of the constants of a law that a fit may free.

    Each is the shortest end of its path that distinguishes it from the others.
    """
    return tuple(place.short for place in places(law))


def declared(law: eqx.Module) -> tuple[str, ...]:
    """Names of the constants that a law declares with `free`, not of all its arrays."""
    return tuple(place.short for place in places(law) if place.said is not _UNSAID)


def declared_by(kind: type) -> tuple[str, ...]:
    """Names of the constants that a class declares with `free`."""
    fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    said = ((field.name, field.metadata.get(_KEY)) for field in fields)
    return tuple(name for name, one in said if isinstance(one, Declaration))


def _shortest(name: str, among: list[str]) -> str:
    parts = name.split(".")
    for count in range(1, len(parts)):
        short = ".".join(parts[-count:])
        if short not in among and sum(o.endswith("." + short) for o in among) == 1:
            return short
    return name


def check_name(law: eqx.Module, name: str, argument: str) -> None:
    """Raise ValueError unless `name` names exactly one constant.

    Args:
        law: the law.
        name: the name.
        argument: what the caller calls it.
    """
    find(law, name, argument)


def shortest(law: eqx.Module, name: str) -> str:
    """The shortest name of the constant that a name refers to, as in `names`."""
    return find(law, name).short


def pack(law: eqx.Module, name: str) -> Array:
    """The independent entries of a constant, flat: shape (n,), real."""
    return find(law, name).entries(law)


def unpack(law: Motion, name: str, entries: Array) -> Motion:
    """A copy of the law with these entries of a constant, ordered as in `pack`."""
    return find(law, name).put(law, entries)


def labels(law: eqx.Module, name: str) -> list[str]:
    """A label for each entry of `pack(law, name)`, such as "omega[2]" or "alpha.re"."""
    return find(law, name).labels(law, name)


def _indexed(name: str, flat: np.ndarray, shape: tuple[int, ...]) -> list[str]:
    if int(np.prod(shape)) == 1:
        return [name]
    indices = np.transpose(np.unravel_index(flat, shape))
    return [f"{name}[{','.join(map(str, index))}]" for index in indices]


def span(
    law: eqx.Module, name: str, scales: Scales | None = None
) -> tuple[Array, Array]:
    """Range of a fit's initial guesses of a constant: lower and upper ends, each (n,).

    Args:
        law: the law.
        name: name of the constant.
        scales: scales from which its declared unit is made; None for scales of 1.
    """
    return find(law, name).span(law, Scales() if scales is None else scales)


def bounds(law: eqx.Module, name: str) -> tuple[float, float]:
    """Lower and upper bound of each entry of a constant; infinite where none is set."""
    return find(law, name).said.bounds


def quantum_of(field: Any) -> float | None:
    """The value of a field at which any law with this field is quantum mechanics."""
    said = field.metadata.get(_KEY)
    value = said.quantum if isinstance(said, Declaration) else None
    return float(value) if isinstance(value, int | float) else None


def values(law: eqx.Module) -> dict[str, Any]:
    """The constants of a law by name, as the law holds them."""
    return {place.short: place.value(law) for place in places(law)}


def quantum_values(law: eqx.Module) -> dict[str, float]:
    """The values of constants at which a law is quantum mechanics, where known."""
    known = {place.short: place.quantum(law) for place in places(law)}
    return {name: value for name, value in known.items() if value is not None}

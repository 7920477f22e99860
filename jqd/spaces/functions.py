"""Users' functions whose constants are array leaves."""

import inspect
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from .. import _checks
from ..constants import parts


def leaf(value: Any) -> Any:
    """Numbers as arrays of strong floating dtype: only these have a gradient."""
    if not isinstance(value, jax.Array | np.ndarray | np.generic | int | float):
        return value
    array = jnp.asarray(value)
    if not jnp.issubdtype(array.dtype, jnp.inexact) or array.weak_type:
        array = array.astype(jnp.result_type(float))
    return array


def with_leaves(function: Callable[..., Any], constants: dict[str, Any]) -> Any:
    """The function as a PyTree, with these constants passed by keyword as leaves.

    Args:
        function: any callable; one that is a PyTree already keeps its own leaves.
        constants: constants by name.
    """
    leaves = jax.tree.map(leaf, constants)
    tree = isinstance(function, eqx.Module | jax.tree_util.Partial)
    if tree:
        function = jax.tree.map(leaf, function)
    if leaves or not tree:
        function = jax.tree_util.Partial(function, **leaves)
    return function


class FieldFunction(eqx.Module):
    """A field given by a function of the coordinates, and of the time if it takes one.

    Attributes:
        time_dependent: whether the time is passed as the last argument (static).
        function: the function; an `equinox.Module` or a `jax.tree_util.Partial` may
            hold array constants.
    """

    time_dependent: bool = eqx.field(static=True)
    function: Any = parts()

    @property
    def autonomous(self) -> bool:
        """Whether the field is the same at all times."""
        return not self.time_dependent

    def value(self, coordinates: tuple[Array, ...], t: ArrayLike) -> Any:
        """What the function returns at these coordinates."""
        arguments = (*coordinates, t) if self.time_dependent else coordinates
        return self.function(*arguments)


def takes_time(
    function: Callable[..., Any], ndim: int, constants: dict[str, Any], name: str
) -> bool:
    """Whether a function takes the time after the coordinates.

    Args:
        function: of the coordinates.
        ndim: number of coordinates.
        constants: constants that it is given by keyword.
        name: what the caller calls it.

    Raises:
        ValueError: it takes another number of arguments.
    """
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    arity = sum(
        parameter.kind in kinds
        and parameter.default is inspect.Parameter.empty
        and key not in constants
        for key, parameter in inspect.signature(function).parameters.items()
    )
    if arity not in (ndim, ndim + 1):
        raise ValueError(
            f"Argument `{name}` must take {ndim} coordinates, and a time if it depends "
            f"on one, but takes {arity} arguments."
        )
    return arity == ndim + 1


def taken_by_keyword(
    function: Callable[..., Any], what: str = "function"
) -> tuple[str, ...] | None:
    """Names that a function takes by keyword; None where it takes all names."""
    _checks.check_function(function, what, "the coordinates")
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return None
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(parameter.name for parameter in parameters if parameter.kind in kinds)


def refuse_constants(
    constants: dict[str, Any], taken: tuple[str, ...] | None, what: str
) -> None:
    """Raise where a keyword is neither an option nor a constant of the function.

    Args:
        constants: constants by name.
        taken: names that the function takes; None for all names.
        what: what the message calls the function, such as "potential".
    """
    unknown = [] if taken is None else sorted(set(constants) - set(taken))
    if unknown:
        raise ValueError(
            f"Argument `{unknown[0]}` must be an option of the law or a constant that "
            f"the {what} takes by keyword, but is neither."
        )


def shape_at(function: Callable[..., Any], name: str, of: str) -> Any:
    """Shape and dtype of f(t), found without computing its values.

    Args:
        function: a function of the time.
        name: what the caller calls it.
        of: the variable of the function, for the message.

    Raises:
        ValueError: JAX cannot trace it.
    """
    try:
        return jax.eval_shape(lambda t: jnp.asarray(function(t)), 0.0)
    except (TypeError, jax.errors.JAXTypeError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise ValueError(
            f"Argument `{name}` must be a function of {of} written with `jax.numpy`, "
            f"but calling it fails: {lines[0]}"
        ) from error


def component_shapes(
    function: Callable[[], tuple[Any, ...]],
    name: str,
    of: str,
    grid_shape: tuple[int, ...],
) -> tuple[Any, ...]:
    """Shapes and dtypes of a field's components, found without computing their values.

    Args:
        function: returns the components on the grid.
        name: what the caller calls the field.
        of: what the function must return, for the message.
        grid_shape: shape to which each component must broadcast.

    Raises:
        ValueError: JAX cannot trace it, or a component is complex or does not fit.
    """
    try:
        shapes = jax.eval_shape(function)
    except (TypeError, ValueError, jax.errors.JAXTypeError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise ValueError(
            f"Argument `{name}` must give {of}, but calling it fails: {lines[0]}"
        ) from error
    for shape in shapes:
        if jnp.issubdtype(shape.dtype, jnp.complexfloating):
            raise ValueError(
                f"Argument `{name}` must be real, but its dtype is {shape.dtype}."
            )
        ends = zip(reversed(shape.shape), reversed(grid_shape), strict=False)
        if len(shape.shape) > len(grid_shape) or any(
            n not in (1, own) for n, own in ends
        ):
            raise ValueError(
                f"Argument `{name}` must give values of the grid's shape "
                f"{grid_shape}, but gives {shape.shape}."
            )
    return shapes

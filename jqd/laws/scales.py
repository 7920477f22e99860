"""Units of the constants of a law: a time, its ħ, its length."""

from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import ArrayLike

from ..constants import Scales
from ..spaces.grids import Grid

# Share of a box, which is some eight times as wide as the packet that moves in it.
PACKET = 1 / 8


def scales_of(node: eqx.Module, time: ArrayLike) -> Scales:
    """The scales of a law, or of an object that holds one.

    Args:
        node: the law or object, searched for ħ and a grid.
        time: over which data determine constants, scalar.
    """
    hbar = _first(node, lambda name, value: name == "hbar" and eqx.is_array(value))
    grid = _first(node, lambda name, value: isinstance(value, Grid))
    return Scales(time, 1.0 if hbar is None else hbar, _length(grid))


def _length(grid: Grid | None) -> ArrayLike:
    """That of which the power is the volume of a packet; 1 off grids."""
    if grid is None:
        return 1.0
    lengths = jnp.asarray([upper - lower for lower, upper in grid.bounds])
    return PACKET * jnp.exp(jnp.mean(jnp.log(lengths)))


def _first(node: Any, wanted: Callable[[str, Any], bool]) -> Any:
    """The first field that is wanted, those of outer modules before inner ones."""
    level = [node]
    while level:
        inner = []
        for one in level:
            for name, value in _fields(one):
                if wanted(name, value):
                    return value
                inner.append(value)
        level = inner
    return None


def _fields(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, eqx.Module):
        names = node.__dataclass_fields__
        yield from ((name, getattr(node, name, None)) for name in names)
    elif isinstance(node, dict):
        yield from node.items()
    elif isinstance(node, tuple):
        yield from (("", value) for value in node)

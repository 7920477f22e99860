"""Arguments are read as they are annotated."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, ArrayLike, Complex, Float

import jqd
from jqd._gate import gated


@gated
def everything(
    x: ArrayLike = 1.0,
    real: Float[Array, "..."] = 1.0,  # pyright: ignore[reportArgumentType]
    wave: Complex[Array, "..."] | None = None,
    n: int = 1,
    share: float = 0.5,
    flag: bool = True,
    kind: str = "a",
    grid: jqd.Grid | None = None,
    of: Callable[..., Array] = abs,
    mixed: Callable[..., Array] | ArrayLike = 1.0,
    shape: Sequence[int] = (1,),
    key: Array | None = None,
    unsaid=None,
    **more: ArrayLike,
):
    """Its arguments as they came in."""
    return {**locals(), **more}


GRID = jqd.Grid((0.0, 1.0), 8)
TAKEN = {
    "x": ([1, 2], np.ndarray), "real": (np.float32(2), np.ndarray),
    "wave": (1j, complex), "n": (np.int64(3), int), "share": (1, np.ndarray),
    "flag": (np.bool_(1), bool), "kind": ("b", str), "grid": (GRID, jqd.Grid),
    "of": (jnp.sin, object), "mixed": (jnp.cos, object),
    "shape": (np.array([2, 3]), tuple), "key": (jax.random.key(0), jax.Array),
    "unsaid": (object(), object), "another": ([1.0], np.ndarray),
}  # fmt: skip
REFUSED = {
    "x": [None, "1", object()], "real": [1j, np.ones(2, complex), None],
    "wave": ["1"], "n": [1.0, True, "1", 2**64, None], "share": [1j, [1.0], np.nan],
    "flag": [1, "no"], "kind": [1, None], "grid": [GRID.x, 1], "of": [1.0, None],
    "mixed": ["x", None], "shape": [1, [1.0], None, [[1, 2]]], "key": [0, np.zeros(2)],
    "another": ["text", None],
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_taken(name):
    given, kind = TAKEN[name]
    found = everything(**{name: given})[name]
    assert isinstance(found, kind)
    if name == "shape":
        assert found == (2, 3)
    # as it stands in the row of arguments too
    names = list(TAKEN)[:-1]
    if name in names:
        row = [everything()[before] for before in names[: names.index(name)]]
        assert isinstance(everything(*row, given)[name], kind)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in REFUSED for value in REFUSED[name]]
)
def test_refused(name, value):
    with pytest.raises(ValueError, match=f"^Argument `{name}` must "):
        everything(**{name: value})


def test_none_is_taken_where_it_is_annotated():
    assert everything(wave=None, grid=None, key=None)["wave"] is None


def test_traced_numbers_pass():
    slope = jax.grad(lambda x: everything(x=x)["x"] ** 2)(3.0)
    assert slope == 6.0
    assert jax.jit(lambda x: everything(real=x)["real"])(2.0) == 2.0


def test_arguments_that_are_not_there_are_pythons_to_refuse():
    with pytest.raises(TypeError, match="positional"):
        gated(abs_of)(1, 2)


def abs_of(x: ArrayLike) -> ArrayLike:
    return abs(x)  # pyright: ignore[reportArgumentType]

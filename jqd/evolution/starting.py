"""Checks of the initial state of `evolve`, with errors in words."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from .. import _checks
from .._outside import plain
from ..interop import is_foreign
from ..laws.law import Law
from ..laws.motion import Motion
from ..laws.schrodinger import Schrodinger


def read_state(motion: Motion, state0: Any) -> PyTree[Array]:
    """A state as arrays that JAX takes, finite, and of the shape that `prepare` gives.

    Raises:
        ValueError: it is not a state of this motion.
    """
    if is_foreign(state0):
        state0 = motion.prepare(state0)
    elif not _checks.is_native(state0):
        state0 = _read(state0)
    for leaf in jax.tree.leaves(state0):
        _checks.check_finite(leaf, "state0")
    if isinstance(motion, Law):
        _check_shapes(motion, state0)
    return state0


def _read(state0: Any) -> PyTree[Array]:
    # sparse arrays of JAX are trees, and no states
    sparse = callable(getattr(state0, "todense", None))
    leaves, structure = ([state0], None) if sparse else jax.tree.flatten(state0)
    numbers = all(isinstance(leaf, int | float | complex) for leaf in leaves)
    if structure is None or (numbers and isinstance(state0, list | tuple)):
        return plain(state0, "state0")
    read = [plain(leaf, "state0") for leaf in leaves]
    return jax.tree.unflatten(structure, read)


def whole_to_float(state0: PyTree[Array]) -> PyTree[Array]:
    """A ψ given by integers, in the default precision; other states as they are."""
    if _checks.is_native(state0) and state0.dtype.kind in "biu":
        return state0.astype(jnp.result_type(float))
    return state0


def _check_shapes(law: Law, state0: PyTree[Array]) -> None:
    """Raise for a state that has not the arrays of what the law prepares."""
    leaves, structure = jax.tree.flatten(law)
    described = tuple((np.shape(leaf), jnp.result_type(leaf)) for leaf in leaves)
    try:
        wanted = _prepared(structure, described)
    except TypeError:  # a static field of a user's law that has no hash
        return
    if wanted is not None and _shapes(wanted) != _shapes(state0):
        _refuse(law, f"{_in_words(wanted)}, but is {_in_words(state0)}")


@lru_cache(maxsize=256)
def _prepared(structure: Any, described: tuple[Any, ...]) -> Any:
    """Shapes of what a law prepares, or None where nobody can tell before a run."""
    law = jax.tree.unflatten(
        structure, [jax.ShapeDtypeStruct(*leaf) for leaf in described]
    )
    try:
        quantum = jax.eval_shape(lambda law: law.yardstick(), law)
        if not isinstance(quantum, Schrodinger):
            return None
        H: Any = quantum.hamiltonian
        grid = quantum.grid
        shape = (H.levels,) if grid is None else grid.shape
        psi = jax.ShapeDtypeStruct(shape, jnp.result_type(complex))
        return jax.eval_shape(lambda law, psi: law.prepare(psi), law, psi)
    except Exception:  # such as a law that reads values of what it prepares
        return None


def _shapes(state: PyTree[Any]) -> tuple[Any, list[tuple[int, ...]]]:
    leaves, structure = jax.tree.flatten(state)
    return structure, [np.shape(leaf) for leaf in leaves]


def _in_words(state: PyTree[Any]) -> str:
    structure, shapes = _shapes(state)
    if not shapes:
        return repr(state)
    if jax.tree_util.treedef_is_leaf(structure):
        return f"an array of shape {shapes[0]}"
    fields = ", ".join(getattr(type(state), "_fields", ())) or "arrays"
    return f"of type {type(state).__name__} with {fields} of shapes {shapes}"


def _refuse(motion: Motion, words: str, cause: BaseException | None = None) -> NoReturn:
    raise ValueError(
        f"Argument `state0` must be a state of {type(motion).__name__}, as its "
        f"`prepare` makes it, {words}."
    ) from cause


def explain(
    error: Exception, motion: Motion, state0: Any, t: Any, observe: Callable[..., Any]
) -> None:
    """Raise in words if a run failed because of its state, or of what is observed.

    Args:
        error: the error that JAX or Python raised in the run.
        motion: the motion of the run.
        state0: its initial state.
        t: its first time.
        observe: what is observed, (t, state) -> values.
    """
    if str(error).startswith("Argument "):
        return
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    try:
        moved = jax.eval_shape(motion.vector_field, t, state0)
    except Exception:
        # an error of a law that somebody writes is theirs to see
        if type(motion).__module__.split(".")[0] == "jqd":
            _refuse(motion, f"but is {_in_words(state0)}: {said}", error)
        return
    if _shapes(moved) != _shapes(state0):
        _refuse(motion, f"but is {_in_words(state0)}: it moves as another", error)
    try:
        jax.eval_shape(observe, t, state0)
    except Exception:
        raise ValueError(
            f"Argument `observe` must take a time and a state of "
            f"{type(motion).__name__} ({_in_words(state0)}), but fails: "
            f"{said.rstrip('.')}."
        ) from error

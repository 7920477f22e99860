"""`evolve`: one call for every law and method."""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, PyTree

from .. import _checks
from .._outside import plain
from ..laws.law import Law
from ..laws.motion import Motion
from ..spaces.hamiltonians import MatrixHamiltonian
from .adaptive import Adaptive
from .fixed import Fixed, splitting_of
from .propagator import Propagator
from .random_paths import SUBSTEPS, Run, run_paths
from .starting import explain, read_state, whole_to_float
from .trajectory import Trajectory

Tree = TypeVar("Tree")
# Below this many bytes of all states and of the law at all times memory is not checked.
_LITTLE = 2**24
Method = Fixed | Adaptive | Propagator
Observe = Callable[[Array, Any], Any] | Mapping[str, Any] | Sequence[str] | None


def evolve(
    motion: Motion,
    state0: PyTree[Array],
    ts: ArrayLike,
    *,
    method: Method | None = None,
    observe: Observe = None,
    key: Array | None = None,
    paths: int | None = None,
    keep_paths: bool = False,
    devices: Sequence[Any] | None = None,
) -> Trajectory:
    """Evolve a state by a law and observe it at given times.

    A random motion, one that declares its `chance`, gives means over paths. Path j
    draws its random numbers from fold_in(key, j): the same bits for any number of paths
    and of devices.

    Works under jit, vmap (over laws, states and times) and grad. Constants of the law
    and times are computed in the precision of the state.

    Args:
        motion: a law, or any other motion.
        state0: its state at ts[0], from `motion.prepare(psi)`; a QuTiP or dynamiqs
            state is prepared here.
        ts: save times, shape (T,), strictly increasing; one time is enough.
        method: `Fixed`, `Adaptive` or `Propagator`; None for `Propagator` where the law
            is solvable or has a constant Hamiltonian matrix, else `Adaptive`. A random
            motion takes `Fixed(substeps=32)` or another `Fixed` without a stepper.
        observe: what to keep: a function (t, state) -> PyTree, a name that the motion
            defines ("density", "populations"; "n", "q", "p" of a Husimi law: see its
            `observables`), an object whose `bind(law)` is such a function
            (`jqd.observe.Moments`), several of these, as a dict by name or a list of
            names, or None for the state.
        key: `jax.random.key(...)`, which a random motion needs.
        paths: number of paths of a random motion; 1000 by default.
        keep_paths: whether the values of each path are kept as well.
        devices: devices over which the paths are spread; None for that of the state.

    Returns:
        The trajectory: values, error bars, status and diagnostics.

    Raises:
        ValueError: times not increasing, a state that is not finite, a method that does
            not fit the law, a random motion without a key, or arguments of random
            motions for another; more values than memory holds.
    """
    if not isinstance(motion, Motion):
        raise ValueError(
            "Argument `motion` must be a law or another Motion, but is of type "
            f"{type(motion).__name__}."
        )
    ts = plain(ts, "ts")
    _checks.check_times(ts, "ts")
    state0 = whole_to_float(read_state(motion, state0))
    precision = _precision(state0)
    if precision == jnp.float32 and not jax.config.read("jax_enable_x64"):
        _say_single()
    random = motion.chance() is not None
    ts = _times(ts, precision)
    motion = in_precision(motion, precision)
    _checks.check_flags(keep_paths=keep_paths)
    _check_chance(
        random, key=key, paths=paths, keep_paths=keep_paths or None, devices=devices
    )
    if method is None:
        method = Fixed(substeps=SUBSTEPS) if random else _default_method(motion)
    if not isinstance(method, Fixed | Adaptive | Propagator):
        raise ValueError(
            "Argument `method` must be a Fixed, Adaptive or Propagator, but is "
            f"{_checks.shown(method)}."
        )
    observer = _observer(motion, observe)
    try:
        state0 = _as_moved(motion, ts, state0)
        return _run(
            method, motion, state0, ts, observer, key, paths, keep_paths, devices
        )
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        explain(error, motion, state0, ts[0], observer)
        raise


def _run(
    method: Method,
    motion: Motion,
    state0: PyTree[Array],
    ts: Array,
    observer: Any,
    key: Array | None,
    paths: int | None,
    keep_paths: bool,
    devices: Sequence[Any] | None,
) -> Trajectory:
    """The run of arguments that are in order."""
    splits = isinstance(method, Fixed) and splitting_of(method, motion) is not None
    # by its class: equinox makes a module of each bound method
    state0 = type(motion).carry(motion, state0, splits=splits)
    states = isinstance(method, Propagator)
    _check_room(motion, state0, ts, observer, states, (paths or 1) if keep_paths else 1)
    if key is None:
        return method.run(motion, state0, ts, observer)
    ts = jnp.asarray(ts)
    if not isinstance(method, Fixed):
        raise ValueError(
            "Argument `method` must be Fixed for a random motion, but is "
            f"{type(method).__name__}."
        )
    run = Run(method, motion, state0, ts, observer, cast(Array, key))
    return run_paths(run, paths, keep_paths, devices)


def _check_room(
    motion: Motion,
    state0: PyTree[Array],
    ts: ArrayLike,
    observer: Any,
    states: bool,
    copies: int,
) -> None:
    """Raise where what a run keeps of all times does not fit into memory.

    Args:
        motion: what moves.
        state0: where from.
        ts: save times.
        observer: what is kept.
        states: whether all states are there at once, before they are observed.
        copies: paths whose values are kept.
    """
    many, leaves = np.shape(ts)[0] * copies, jax.tree.leaves((motion, state0))
    size = sum(getattr(leaf, "nbytes", 0) for leaf in leaves)
    # a trace of what is observed takes longer than a small run
    if many * size < _LITTLE or not _checks.is_concrete((ts, state0)):
        return
    time = jax.ShapeDtypeStruct((), _precision(state0))
    values = jax.eval_shape(observer, time, state0)
    kept = [2 * _bytes(values)] + [_bytes(state0)] * states
    _checks.check_memory(
        float(many * sum(kept)),
        "ts",
        f"what is kept of {many} times, values with their errors"
        f"{' and states' if states else ''},",
    )


def _bytes(tree: PyTree[Any]) -> int:
    leaves = [leaf for leaf in jax.tree.leaves(tree) if hasattr(leaf, "dtype")]
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in leaves)


def _times(ts: ArrayLike, precision: Any) -> Array:
    """Save times in the precision of the state; NumPy's where they come from there.

    A program takes those in less time than `jax.numpy` needs to make its own.
    """
    if isinstance(ts, jax.Array):
        return ts if ts.dtype == precision else ts.astype(precision)
    known = _checks.is_concrete(ts)
    return cast(Array, (np if known else jnp).asarray(ts, dtype=precision))


def _check_chance(random: bool, **given: Any) -> None:
    """Raise for a random motion without a key, or another with what makes paths."""
    if random and given["key"] is None:
        raise ValueError(
            "Argument `key` must be given for a random motion, such as "
            "jax.random.key(0), but is None."
        )
    for name, value in given.items():
        if value is not None and not random:
            raise ValueError(
                f"Argument `{name}` must be left out for a motion without noise, but "
                "is given."
            )


def look(motion: Motion, t: ArrayLike, state: PyTree[Array], observe: Observe) -> Any:
    """Observe a state at the time t as `evolve` does, without a run."""
    precision = _precision(state)
    observer = _observer(in_precision(motion, precision), observe)
    return observer(jnp.asarray(t, precision), state)


@cache
def _say_single() -> None:
    """Once: JAX's default made the numbers single, and nobody asked for it."""
    warnings.warn(
        "jqd.evolve computes in single precision, because JAX's double precision is "
        'off: call jax.config.update("jax_enable_x64", True) before arrays are made.',
        stacklevel=3,
    )


def _default_method(motion: Motion) -> Method:
    exact = motion.exact()
    generator = exact.generator
    matrix = generator is not None and isinstance(
        generator.hamiltonian, MatrixHamiltonian
    )
    known = exact.orbit is not None or matrix
    # what strikes it at once moves it past what its generator tells
    return Propagator() if known and motion.breaks().impulses is None else Adaptive()


def _observer(motion: Motion, observe: Observe) -> Any:
    """A PyTree (t, state) -> values, so that it can cross jit."""
    if observe is None:
        return jax.tree_util.Partial(_whole_state, motion)
    if isinstance(observe, str):
        known = tuple(motion.observables())
        if not known:
            raise ValueError(
                f"Argument `observe` must not be a name for {type(motion).__name__}, "
                f"which names no observables, but is "
                f"{_checks.shown(observe)}; give a function of "
                "(t, state)."
            )
        _checks.check_choice(observe, "observe", known)
        return jax.tree_util.Partial(_named, _Static(observe), motion)
    if hasattr(observe, "bind"):
        return jax.tree_util.Partial(_bound, _Static(observe), motion)
    if isinstance(observe, list | tuple):
        observe = {name: name for name in _checks.names_of(observe, "observe")}
    if isinstance(observe, Mapping):
        _checks.check_names(observe, "observe")
        parts = {name: _observer(motion, part) for name, part in observe.items()}
        return jax.tree_util.Partial(_several, parts)
    if not callable(observe):
        raise ValueError(
            "Argument `observe` must be a function of (t, state), the name of an "
            f"observable, or several of these, but is {_checks.shown(observe)}."
        )
    if isinstance(observe, eqx.Module | jax.tree_util.Partial):
        return observe
    return jax.tree_util.Partial(_called, _Static(observe))


def _whole_state(motion: Motion, t: Array, state: Any) -> Any:
    del t
    return motion.carry(state, splits=False)


def _named(name: "_Static", motion: Motion, t: Array, state: Any) -> Array:
    del t
    return motion.observables()[name.value](state)


@jax.tree_util.register_static
class _Static:
    """A hashable observable as part of a PyTree."""

    def __init__(self, value: Any):
        self.value = value

    def __hash__(self) -> int:
        return hash(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Static) and self.value == other.value


def _called(function: "_Static", t: Array, state: Any) -> Any:
    return function.value(t, state)


def _bound(observable: _Static, law: Motion, t: Array, state: Any) -> Any:
    return observable.value.bind(law)(t, state)


def _several(parts: dict[str, Any], t: Array, state: Any) -> dict[str, Any]:
    return {name: part(t, state) for name, part in parts.items()}


def _precision(state: PyTree[Array]) -> Any:
    """The real dtype in which a state is computed."""
    leaves = [leaf for leaf in jax.tree.leaves(state) if eqx.is_inexact_array(leaf)]
    if not leaves:
        kinds = {
            f"an array of {one.dtype}" if hasattr(one, "dtype") else type(one).__name__
            for one in jax.tree.leaves(state)
        }
        held = ", ".join(sorted(kinds)) or "nothing"
        raise ValueError(
            "Argument `state0` must hold arrays of real or complex numbers, but holds "
            f"{held}; give what `motion.prepare(psi)` makes."
        )
    return jnp.finfo(jnp.result_type(*leaves)).dtype


def _as_moved(motion: Motion, ts: Array, state: PyTree[Array]) -> PyTree[Array]:
    """A ψ that is given by real numbers, as the complex one that its law makes of it.

    Other states are as they were, and cost no trace if they are complex or structured.
    """
    if not isinstance(motion, Law) or not isinstance(state, jax.Array | np.ndarray):
        return state
    if jnp.iscomplexobj(state):
        return state
    moved = jax.eval_shape(lambda one: motion.vector_field(ts[0], one), state)
    if not isinstance(moved, jax.ShapeDtypeStruct):
        return state
    return jnp.asarray(state, jnp.result_type(state, moved))


def in_precision(motion: Tree, precision: Any) -> Tree:
    """A motion, or what holds one, with its constants in this real dtype."""

    def cast(leaf: Any) -> Any:
        if getattr(leaf, "dtype", None) == precision or not eqx.is_inexact_array(leaf):
            return leaf
        dtype = wide if jnp.iscomplexobj(leaf) else precision
        return leaf if leaf.dtype == dtype else leaf.astype(dtype)

    wide = jnp.result_type(precision, jnp.complex64)
    leaves, structure = jax.tree.flatten(motion)
    changed = [cast(leaf) for leaf in leaves]
    if all(new is old for new, old in zip(changed, leaves, strict=True)):
        return motion
    return jax.tree.unflatten(structure, changed)

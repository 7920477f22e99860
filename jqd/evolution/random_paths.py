"""Means over the paths of a random motion."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Float, Int, PyTree

from .. import _checks
from .._math import abs2
from ..laws.groups import Chance, StepNoise
from ..laws.motion import Motion
from .fixed import Fixed
from .judging import richardson
from .one_path import Run, follow_path
from .trajectory import Trajectory

PATHS, SUBSTEPS = 1000, 32
# Paths computed together, and numbers of a state in them: fixed, so that a path does
# not depend on how many there are. XLA rounds arrays of another size differently.
TILE, NUMBERS = 64, 2**14
WIDE_TILE, WIDE_NUMBERS = 2**13, 2**22


def run_paths(
    run: Run, paths: int | None, keep_paths: bool, devices: Sequence[Any] | None
) -> Trajectory:
    """The means over paths; see `jqd.evolve`."""
    run = run._replace(key=_checks.single_key(run.key))
    count = PATHS if paths is None else _checks.whole_number(paths, "paths", 1, 2**31)
    _check_method(run.method)
    _check_noise(run.motion)
    _checks.check_choice(keep_paths, "keep_paths", (True, False))
    mesh = None
    if devices is not None:
        if not len(devices):
            raise ValueError("Argument `devices` must name a device, but is empty.")
        mesh = Mesh(np.asarray(devices, dtype=object), ("device",))
    return _run(run, count, bool(keep_paths), mesh)


def _check_method(method: Fixed) -> None:
    """Raise for what would follow the drift alone, or other noise."""
    if method.stepper is not None:
        raise ValueError(
            "Argument `stepper` must be None for a random motion, which steps by "
            f"itself, but is {_checks.shown(method.stepper)}."
        )
    if method.counts is not None:
        raise ValueError(
            "Argument `counts` must be None for a random motion, but is given; use "
            "`substeps`."
        )


def _check_noise(motion: Motion) -> None:
    """What the motion declares are shapes of arrays."""
    chance = motion.chance()
    shape = chance.noise if isinstance(chance, Chance) else chance
    whole = isinstance(shape, StepNoise) and all(
        isinstance(part, tuple) and all(isinstance(size, int) for size in part)
        for part in shape
        if part is not None
    )
    if not whole or cast(StepNoise, shape).increments is None:
        raise ValueError(
            "Argument `motion` must have a jqd.laws.StepNoise of shapes, such as (2,), "
            f"as the noise of its `chance`, but has {shape!r}."
        )


# -- sums over paths -------------------------------------------------------------------


class Moments(NamedTuple):
    """Number of some paths, with their mean and their squared deviations."""

    number: Array
    mean: Array
    square: Array


def _moments(values: Array, part: Array) -> Moments:
    """Of (paths, T, ...), where `part`, (paths, T), says who takes part."""
    part = jnp.reshape(part, part.shape + (1,) * (values.ndim - 2))
    count = jnp.sum(part, axis=0).astype(jnp.finfo(values.dtype).dtype)
    mean = jnp.sum(jnp.where(part, values, 0), axis=0) / jnp.maximum(count, 1)
    away = jnp.where(part, values - mean[None], 0)
    return Moments(count, mean, jnp.sum(abs2(away), axis=0))


def _joined(parts: Moments) -> Moments:
    """Of all paths, from those of each tile, stacked.

    Source: T. F. Chan, G. H. Golub & R. J. LeVeque (1983) Am. Stat. 37, 242.
    """
    count = jnp.sum(parts.number, axis=0)
    mean = jnp.sum(parts.number * parts.mean, axis=0) / jnp.maximum(count, 1)
    between = parts.number * abs2(parts.mean - mean[None])
    return Moments(count, mean, jnp.sum(parts.square + between, axis=0))


def _mean(moments: Moments) -> Array:
    return jnp.where(moments.number > 0, moments.mean, jnp.nan)


def _step_error(changes: Moments) -> Array:
    """Richardson's for steps of order 1; infinite where no path tells."""
    change = jnp.abs(jax.lax.stop_gradient(changes.mean))
    return jnp.where(changes.number > 0, richardson(1) * change, jnp.inf)


def _standard_error(moments: Moments) -> Array:
    """√(variance/paths); infinite where fewer than two paths say nothing of it."""
    count, _, square = jax.lax.stop_gradient(moments)
    # one division: XLA orders two of them now so, now otherwise
    pairs = jnp.maximum(count - 1, 1) * jnp.maximum(count, 1)
    return jnp.where(count > 1, jnp.sqrt(square / pairs), jnp.inf)


def _is_moments(node: Any) -> bool:
    return isinstance(node, Moments)


# -- a tile, and all of them -----------------------------------------------------------


class _Tile(NamedTuple):
    """Paths that were computed together.

    Attributes:
        values, changes: `Moments` leaf by leaf; no changes without error estimates.
        status, failure_time: (tile,).
        diagnostics: largest, or for "min_" smallest, over the paths.
        resolution: largest over the paths, (T,), or None.
        paths: values of each, if they are kept.
    """

    values: PyTree[Moments]
    changes: PyTree[Moments] | None
    status: Int[Array, " tile"]
    failure_time: Float[Array, " tile"]
    diagnostics: dict[str, Array]
    resolution: Array | None
    paths: PyTree[Array] | None


def _tile(run: Run, count: int, keep_paths: bool, ids: Array) -> _Tile:
    """The paths of these numbers; those from `count` on fill the tile and are idle."""
    keys = jax.vmap(jax.random.fold_in, (None, 0))(run.key, ids)
    paths = jax.vmap(partial(follow_path, run))(keys)
    real = ids < count
    part = paths.part & real[:, None]
    compared = paths.compared & part
    values = jax.tree.map(lambda leaf: _moments(leaf, part), paths.run.values)
    changes = None
    if paths.change is not None:
        changes = jax.tree.map(lambda leaf: _moments(leaf, compared), paths.change)
    figures = {
        name: _extreme(name, jnp.where(real, each, _idle(name)), 0)
        for name, each in paths.run.diagnostics.items()
    }
    resolution = paths.run.resolution
    if resolution is not None:
        resolution = jnp.max(jnp.where(part, resolution, -jnp.inf), axis=0)
    kept = paths.run.values if keep_paths else None
    return _Tile(
        values, changes, paths.run.status, paths.run.failure_time, figures, resolution,
        kept,
    )  # fmt: skip


def _idle(name: str) -> float:
    return jnp.inf if name.startswith("min_") else -jnp.inf


def _extreme(name: str, values: Array, axis: int) -> Array:
    return (jnp.min if name.startswith("min_") else jnp.max)(values, axis=axis)


@partial(jax.jit, static_argnames=("count", "keep_paths", "mesh"))
def _run(run: Run, count: int, keep_paths: bool, mesh: Mesh | None) -> Trajectory:
    tile = _tile_size(run.state0)
    tiles = -(-count // tile)
    each = tiles if mesh is None else -(-tiles // mesh.size)
    # XLA would take a loop of one turn apart, and compile its body otherwise
    rows = max(each, 2) * (1 if mesh is None else mesh.size)
    ids = jnp.arange(rows * tile).reshape(rows, tile)

    def all_tiles(run: Run, ids: Array) -> Trajectory:
        def some(ids: Array) -> _Tile:
            # behind these walls a tile is compiled the same whatever stands around it
            ids = jax.lax.optimization_barrier(ids)
            return jax.lax.optimization_barrier(_tile(run, count, keep_paths, ids))

        def none(ids: Array) -> _Tile:
            shapes = jax.eval_shape(some, ids)
            return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)

        def one(ids: Array) -> _Tile:
            return jax.lax.cond(ids[0] < count, some, none, ids)

        found = jax.lax.map(one, ids)
        if mesh is not None:
            # whole on every device, so that sums over tiles are taken in one order
            found = jax.lax.all_gather(found, "device", tiled=True)
        found = jax.tree.map(lambda leaf: leaf[:tiles], found)
        found = jax.lax.optimization_barrier(found)
        return jax.lax.optimization_barrier(_assemble(run, count, found))

    if mesh is None:
        return all_tiles(run, ids)
    spread = jax.shard_map(
        all_tiles, mesh=mesh, in_specs=(P(), P("device")), out_specs=P(),
        check_vma=False,
    )  # fmt: skip
    return spread(run, ids)


def _tile_size(state0: PyTree[Array]) -> int:
    """Paths computed together: by the size of a state, never by their number."""
    size = sum(np.size(leaf) for leaf in jax.tree.leaves(state0))
    cpu = jax.default_backend() == "cpu"
    most, numbers = (TILE, NUMBERS) if cpu else (WIDE_TILE, WIDE_NUMBERS)
    return max(1, min(most, numbers // size))


def _assemble(run: Run, count: int, found: _Tile) -> Trajectory:
    """The means, from tiles, stacked."""

    def over_tiles(function: Callable[[Moments], Array], tree: Any) -> Any:
        return jax.tree.map(
            lambda parts: function(_joined(parts)), tree, is_leaf=_is_moments
        )

    def in_row(leaf: Array) -> Array:
        return leaf.reshape(-1, *leaf.shape[2:])[:count]

    error = None
    if found.changes is not None:
        error = over_tiles(_step_error, found.changes)
    first = jax.tree.leaves(found.values, is_leaf=_is_moments)[0]
    taking_part = jnp.sum(first.number, axis=0).reshape(run.ts.shape).astype(int)
    diagnostics = {n: _extreme(n, each, 0) for n, each in found.diagnostics.items()}
    diagnostics |= {
        "num_paths": taking_part,
        "num_steps": jnp.asarray(run.method.substeps * (run.ts.shape[0] - 1)),
    }
    resolution = found.resolution
    if resolution is not None:
        resolution = jnp.max(resolution, axis=0)
        resolution = jnp.where(taking_part > 0, resolution, jnp.nan)
    paths = None if found.paths is None else jax.tree.map(in_row, found.paths)
    return Trajectory(
        run.ts,
        over_tiles(_mean, found.values),
        error,
        in_row(found.status),
        in_row(found.failure_time),
        diagnostics,
        resolution,
        over_tiles(_standard_error, found.values),
        paths,
    )

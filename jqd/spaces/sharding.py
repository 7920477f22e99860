"""Wave functions spread over several devices: the layout of their blocks, and the FFT.

XLA's own FFT gathers the whole array on every device (openxla/xla#24). Here each device
transforms the axes that it holds in full, and an all-to-all exchanges blocks in
between. The spectrum stays as the last exchange leaves it, with its axes rotated by
one, so that a split step needs no exchange to put them back.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.sharding import AbstractMesh, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array


class Transform(NamedTuple):
    """An FFT over all axes of a grid, and its inverse.

    Attributes:
        forward: from values on the grid to their spectrum.
        backward: from the spectrum to the values.
        order: the grid's axis to which each axis of the spectrum belongs.
    """

    forward: Callable[[Array], Array]
    backward: Callable[[Array], Array]
    order: tuple[int, ...]


@cache
def local_fft(ndim: int) -> Transform:
    """The FFT of an array on one device."""
    return Transform(jnp.fft.fftn, jnp.fft.ifftn, tuple(range(ndim)))


@cache
def exchanged_fft(sharding: NamedSharding, ndim: int) -> Transform:
    """The FFT of an array in slabs or pencils, with one or two all-to-alls.

    The spectrum's axes are those of the grid rotated by one, (y, x) or (y, z, x), or,
    for pencils of more dimensions, (y, last, x, z, ..). The spectrum is sharded over
    the same axes of the mesh, in the same positions.

    Args:
        sharding: sharding of the grid's first axis (slabs), or of its first two
            (pencils).
        ndim: number of the grid's axes, at least 2; at least 3 for pencils.

    Returns:
        The pair of transforms, for arrays without batch axes; `jax.vmap` adds them.
    """
    names = mesh_names(sharding)
    if len(names) == 1:
        forward, backward = _slabs(names[0], ndim)
        order = (*range(1, ndim), 0)
    else:
        forward, backward = _pencils(names[0], names[1], ndim)
        order = (1, ndim - 1, 0, *range(2, ndim - 1))
    return Transform(
        _on_blocks(forward, sharding), _on_blocks(backward, sharding), order
    )


def _on_blocks(
    function: Callable[[Array], Array], sharding: NamedSharding
) -> Callable[[Array], Array]:
    mesh, spec = sharding.mesh, sharding.spec
    return jax.jit(
        jax.shard_map(function, mesh=mesh, in_specs=spec, out_specs=spec), inline=True
    )


def _slabs(name: str, ndim: int):
    """(x/a, y, z) <-> (y/a, z, x)."""
    last, held = ndim - 1, tuple(range(1, ndim))

    def forward(block: Array) -> Array:
        block = jnp.moveaxis(jnp.fft.fftn(block, axes=held), 0, last)
        return jnp.fft.fft(jax.lax.all_to_all(block, name, 0, last, tiled=True))

    def backward(block: Array) -> Array:
        block = jax.lax.all_to_all(jnp.fft.ifft(block), name, last, 0, tiled=True)
        return jnp.fft.ifftn(jnp.moveaxis(block, last, 0), axes=held)

    return forward, backward


def _pencils(first: str, second: str, ndim: int):
    """(x/a, y/b, .., z) <-> (z/b, x/a, y, ..) <-> (y/a, z/b, x, ..)."""
    last, held = ndim - 1, tuple(range(2, ndim))

    def forward(block: Array) -> Array:
        block = jnp.fft.fftn(block, axes=held)
        for name, axis in ((second, last), (first, 2)):
            block = jnp.moveaxis(block, axis, 0)
            block = jax.lax.all_to_all(block, name, 0, 2, tiled=True)
            block = jnp.fft.fft(block, axis=2)
        return block

    def backward(block: Array) -> Array:
        for name, axis in ((first, 2), (second, last)):
            block = jnp.fft.ifft(block, axis=2)
            block = jax.lax.all_to_all(block, name, 2, 0, tiled=True)
            block = jnp.moveaxis(block, 0, axis)
        return jnp.fft.ifftn(block, axes=held)

    return forward, backward


def on_shifted(
    function: Callable[[int, Callable[[int], Array]], Array],
    f: Array,
    sharding: NamedSharding,
    width: int,
) -> tuple[Array, ...]:
    """A function of f(x + j dx) along each axis; devices exchange points at the seams.

    XLA's own roll of a sharded array is correct, but its derivative gathers the array.

    Args:
        function: takes an axis, counted from the last, and j -> f(x + j dx), with |j|
            at most `width`.
        f: (..., *shape).
        sharding: sharding of the grid.
        width: points that a block needs from its neighbours.

    Returns:
        One array for each dimension, of the shape of `f`.
    """
    names = sharding.spec
    ndim = len(names)
    spec = PartitionSpec(*(None,) * (f.ndim - ndim), *names)

    def on_block(block: Array) -> tuple[Array, ...]:
        return tuple(
            function(axis, _shifts(block, axis, name, width))
            for axis, name in zip(range(-ndim, 0), names, strict=True)
        )

    return jax.shard_map(on_block, mesh=sharding.mesh, in_specs=spec, out_specs=spec)(f)


def _shifts(
    block: Array, axis: int, name: str | None, width: int
) -> Callable[[int], Array]:
    """j -> the block that begins j points later, round the periodic box."""
    if name is None:
        return lambda j: jnp.roll(block, -j, axis)
    points, devices = block.shape[axis], jax.lax.axis_size(name)

    def part(start: int | None, stop: int | None, step: int) -> Array:
        """A part of the block `step` places before this one."""
        piece = jax.lax.slice_in_dim(block, start or 0, stop, axis=axis)
        moves = [(i, (i + step) % devices) for i in range(devices)]
        return jax.lax.ppermute(piece, name, moves)

    # number of points from the nearest block, from the one behind it, ..
    given = [min(points, width - i) for i in range(0, width, points)]
    before = [part(points - n, None, i) for i, n in enumerate(given, start=1)]
    after = [part(None, n, -i) for i, n in enumerate(given, start=1)]
    wide = jnp.concatenate([*before[::-1], block, *after], axis)
    return lambda j: jax.lax.slice_in_dim(
        wide, width + j, width + j + points, axis=axis
    )


def place(f: Any, sharding: NamedSharding, lead: int = 0) -> Array:
    """An array whose axes after the first `lead` are spread, each block on its device.

    If the array is not JAX's, only the blocks of this process are read.
    """
    spec = PartitionSpec(*(None,) * lead, *sharding.spec)
    sharding = NamedSharding(sharding.mesh, spec)
    if isinstance(f, Tracer):
        return jax.lax.with_sharding_constraint(f, sharding)
    if isinstance(f, jax.Array):
        return jax.device_put(f, sharding)
    dtype = jax.dtypes.canonicalize_dtype(f.dtype)
    return jax.make_array_from_callback(
        f.shape, sharding, lambda block: np.asarray(f[block], dtype)
    )


def place_axes(axes: tuple[Array, ...], sharding: NamedSharding) -> tuple[Array, ...]:
    """Broadcastable coordinates, sharded, so that arrays made from them are, too."""
    names = mesh_names(sharding)
    names = (*names, *(None,) * (len(axes) - len(names)))
    return tuple(
        place(x, NamedSharding(sharding.mesh, PartitionSpec(name)), lead=axis)
        for axis, (x, name) in enumerate(zip(axes, names, strict=True))
    )


def mesh_names(sharding: NamedSharding) -> tuple[str, ...]:
    """The axes of the mesh over which the grid's first axes are spread."""
    return tuple(name for name in sharding.spec if name is not None)


def read_sharding(
    mesh: Mesh | AbstractMesh, names: Sequence[str], shape: tuple[int, ...]
) -> NamedSharding:
    """A sharding of the grid's first axes over these axes of a mesh.

    Raises:
        ValueError: the mesh has no devices or no such axes, or does not divide the
            grid.
    """
    if isinstance(mesh, AbstractMesh):
        raise ValueError("Argument `mesh` must have devices, but is abstract.")
    # with explicit types of mesh axes, every expression of the caller would have to
    # name the sharding of its result
    mesh = Mesh(mesh.devices, mesh.axis_names)
    names = (names,) if isinstance(names, str) else tuple(names)
    unknown = [name for name in names if name not in mesh.axis_names]
    if unknown or len(set(names)) != len(names):
        raise ValueError(
            f"Argument `names` must be different axes of the mesh, {mesh.axis_names}, "
            f"but is {names}."
        )
    if not 1 <= len(names) < min(len(shape), 3):
        raise ValueError(
            "Argument `names` must be one axis of the mesh for a grid of two "
            "dimensions, and one or two for a grid of three and more, but is "
            f"{names} for a grid of {len(shape)}."
        )
    _check_divides(mesh, names, shape)
    whole = (None,) * (len(shape) - len(names))
    return NamedSharding(mesh, PartitionSpec(*names, *whole))


def _check_divides(mesh: Mesh, names: tuple[str, ...], shape: tuple[int, ...]) -> None:
    """Every block of every stage of the FFT is of the same size."""
    # the axes of the grid that each axis of the mesh splits at some stage
    last = len(shape) - 1
    split = {names[0]: (0, 1)} | ({names[1]: (1, last)} if len(names) == 2 else {})
    for name, axes in split.items():
        devices = mesh.shape[name]
        for axis in axes:
            if shape[axis] % devices:
                raise ValueError(
                    "Argument `mesh` must divide the points of the axes that it "
                    f"splits, but its axis {name!r} has {devices} devices for "
                    f"{shape[axis]} points of axis {axis} of the grid."
                )

"""Axes of arrays by name, put into the order of a format.

A dataset names the axes of each array, so their order has no meaning: populations over
(class, t) are those over (t, class), transposed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from .file import File
from .formats import AXES, Format

_SAME = MappingProxyType[str, str]({})


def ordered(file: File, one: Format, renamed: Mapping[str, str] = _SAME) -> File:
    """The file with its arrays transposed by the names of their axes.

    An axis of the format is that of the array of the same name, such as t, or else a
    dimension of the same name, or else the axis of an array that no other name matches.

    Args:
        file: the file read; one without `dims` is returned unchanged.
        renamed: names in this file for names of the format.
    """
    wanted = {}
    for name, options in one.axes.items():
        name = renamed.get(name, name)
        each = map(lambda axes: _all_axes(axes, file), options)
        fitting = [axes for axes in each if len(axes) == len(file.dims.get(name, ()))]
        if fitting and fitting[0]:
            wanted[name] = fitting[0]
    places = _places(file, wanted)
    arrays, dims = dict(file.arrays), dict(file.dims)
    for name, axes in wanted.items():
        have = file.dims[name]
        known = [places[axis] for axis in axes if axis in places]
        rest = [dim for dim in have if dim not in known]
        free = len(axes) - len(known)
        if not set(known) <= set(have) or len(rest) != free:
            raise file.complaint(
                f"hold `{name}` over {', '.join(known) or 'axes of its own'}",
                f"has it over {', '.join(have)}",
            )
        left = iter(rest)
        new = [places[axis] if axis in places else next(left) for axis in axes]
        arrays[name] = arrays[name].transpose([have.index(dim) for dim in new])
        dims[name] = tuple(new)
    return replace(file, arrays=arrays, dims=dims)


def _all_axes(axes: tuple[str, ...], file: File) -> tuple[str, ...]:
    """Axes with those of space in place of `..`."""
    more = [axis for axis in AXES[1:] if axis in file.dims]
    return tuple(name for axis in axes for name in (more if axis == ".." else [axis]))


def _places(file: File, wanted: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """The dimension of each axis, as far as names and other arrays tell it."""
    every = {axis for axes in wanted.values() for axis in axes}
    there = {dim for name in wanted for dim in file.dims[name]}
    places = {}
    for axis in every:
        own = file.dims.get(axis, ())
        if len(own) == 1:
            places[axis] = own[0]
        elif axis in there:
            places[axis] = axis
    while found := dict(_told(file, wanted, places)):
        places |= found
    return places


def _told(
    file: File, wanted: Mapping[str, tuple[str, ...]], places: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Axes that are the last ones of an array whose other axes are known."""
    for name, axes in wanted.items():
        new = [axis for axis in axes if axis not in places]
        taken = {places[axis] for axis in axes if axis in places}
        left = [dim for dim in file.dims[name] if dim not in taken]
        if len(new) == len(left) == 1:
            yield new[0], left[0]

"""Zarr stores and netCDF files: variables by name, and the order of their axes.

Only listed codecs decode (`_zarr`), and nothing outside the file is read, even where
the file refers to it.
"""

import importlib.util
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from .. import _checks
from .._zarr import unfit_folder
from .file import PEAK, File, whole
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


Arrays = dict[str, np.ndarray]
Dims = dict[str, tuple[str, ...]]


def dataset_arrays(file: File) -> tuple[Arrays, Dims]:
    """Variables, coordinates and plain attributes by name, and axes of the variables.

    Raises:
        ValueError: a damaged file, codecs that are not allowed, parts outside the file.
    """
    import xarray as xr

    stored = file.path.suffix == ".zarr"
    options: dict[str, Any] = {"engine": "zarr", "consolidated": False}
    if stored:
        _check(file, unfit_folder(file.path))
    else:
        options = {"engine": _netcdf_engine(file)}
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        # of damaged files; what comes of them is one line of ours
        warnings.simplefilter("ignore")
        with whole(file):
            raw = stack.enter_context(
                xr.open_dataset(file.path, decode_cf=False, **options)
            )
            if stored:
                for name, variable in raw.variables.items():
                    if (file.path / str(name) / ".zarray").exists():
                        _drop_unset(variable)
            dataset = xr.decode_cf(raw, decode_times=False)
            needed = sum(variable.nbytes for variable in dataset.variables.values())
        _checks.check_memory(PEAK * needed, file.argument, file.path.name)
        with whole(file):
            arrays, dims = parts_of(dataset)
    return arrays, dims


def parts_of(dataset: Any) -> tuple[Arrays, Dims]:
    """The same of an `xarray.Dataset`, as `dataset_arrays` reads it."""
    variables = dataset.variables.items()
    arrays = {str(name): np.asarray(one.values) for name, one in variables}
    dims = {str(name): tuple(map(str, one.dims)) for name, one in variables}
    numbers = {
        str(name): np.asarray(value)
        for name, value in dataset.attrs.items()
        if isinstance(value, int | float | np.number)
    }
    return arrays | numbers, {k: v for k, v in dims.items() if k not in numbers}


def _check(file: File, reason: str | None) -> None:
    if reason is not None:
        raise file.complaint("hold all its data, plainly coded", f"does not: {reason}")


def _drop_unset(variable: Any) -> None:
    """Take a fill value of 0 as what it is for Zarr, a value like any other.

    xarray takes that of an array of version 2 as a mark of missing values; nobody who
    leaves it at its default means that.
    """
    fill = variable.attrs.get("_FillValue")
    if isinstance(fill, int | float | complex | np.number | np.bool_) and fill == 0:
        del variable.attrs["_FillValue"]


def _netcdf_engine(file: File) -> str:
    with file.path.open("rb") as handle:
        head = handle.read(8)
    if head.startswith(b"CDF"):
        return "scipy"
    if head != b"\x89HDF\r\n\x1a\n":
        raise file.broken("it is neither netCDF-3 nor netCDF-4")
    if not all(map(importlib.util.find_spec, ("h5netcdf", "h5py"))):
        raise file.complaint(
            "be .npz, Zarr or netCDF-3 without h5netcdf",
            "is netCDF-4; `pip install h5netcdf` makes it readable",
        )
    _check(file, _outside_of_hdf(file))
    return "h5netcdf"


def _outside_of_hdf(file: File) -> str | None:
    """Which part of an HDF5 file says that its data lie in another one, or None."""
    import h5py

    with whole(file), h5py.File(file.path, "r") as root:
        waiting: list[Any] = [root["/"]]
        seen = set()
        while waiting:
            group = waiting.pop()
            for name in group:
                link = group.get(name, getlink=True)
                if isinstance(link, h5py.ExternalLink):
                    return f"`{name}` is a link to another file"
                if not isinstance(link, h5py.HardLink):
                    continue  # what it leads to inside of the file is looked at there
                one = group[name]
                place = h5py.h5o.get_info(one.id).addr  # pyright: ignore[reportAttributeAccessIssue]
                if place in seen:
                    continue
                seen.add(place)
                if isinstance(one, h5py.Group):
                    waiting.append(one)
                elif isinstance(one, h5py.Dataset) and (one.external or one.is_virtual):
                    return f"the data of `{name}` lie in another file"
    return None

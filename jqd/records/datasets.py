"""Zarr stores and netCDF files: variables by name, with the names of their axes.

Only listed codecs decode (`_zarr`), and nothing outside the file is read, even where
the file refers to it.
"""

import importlib
import importlib.util
import warnings
from contextlib import ExitStack
from typing import Any

import numpy as np

from .. import _checks
from .._zarr import unfit_folder
from .file import PEAK, File, whole

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
    h5py: Any = importlib.import_module("h5py")

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
                place = h5py.h5o.get_info(one.id).addr
                if place in seen:
                    continue
                seen.add(place)
                if isinstance(one, h5py.Group):
                    waiting.append(one)
                elif isinstance(one, h5py.Dataset) and (one.external or one.is_virtual):
                    return f"the data of `{name}` lie in another file"
    return None

"""Writing arrays by name into files that the loaders read."""

import importlib.util
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .formats import Format

# Names with their axes and values, as xarray takes variables.
Variables = Mapping[str, tuple[tuple[str, ...], np.ndarray]]


def write(path: Path, one: Format, values: Mapping[str, Any]) -> None:
    """Write what a file of this format holds, by name, with the axes that it has."""
    arrays = {name: np.asarray(x) for name, x in values.items()}
    assert not one.missing(arrays), one.data
    _WRITERS[path.suffix](
        path, {name: (one.dims(name, x.ndim), x) for name, x in arrays.items()}
    )


def _write_csv(path: Path, variables: Variables) -> None:
    """A table with a header; a lone array of one or two axes without."""
    arrays = [values for _, values in variables.values()]
    if len(arrays) == 1:
        lines, rows = [], arrays[0]
    else:
        lines, rows = [",".join(variables)], np.stack(arrays, axis=-1, dtype=object)
    rows = rows[:, None] if rows.ndim == 1 else rows
    lines += [",".join(map(_digits, row)) for row in rows.tolist()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _digits(number: Any) -> str:
    """All digits that a number needs; complex ones as `1+2j`."""
    return repr(number).strip("()")


def _write_npz(path: Path, variables: Variables) -> None:
    arrays: dict[str, Any] = {name: values for name, (_, values) in variables.items()}
    np.savez(path, **arrays)


def _write_npy(path: Path, variables: Variables) -> None:
    ((_, values),) = variables.values()
    np.save(path, values)


def _write_zarr(path: Path, variables: Variables) -> None:
    _dataset(variables).to_zarr(path, zarr_format=3, consolidated=False)


def _write_netcdf(path: Path, variables: Variables) -> None:
    """netCDF 4, or 3 without h5netcdf; complex numbers as h5netcdf keeps them."""
    dataset = _dataset(variables)
    split = any(np.iscomplexobj(variable) for variable in dataset.variables.values())
    if importlib.util.find_spec("h5netcdf") is None:
        if split:
            raise ValueError(
                "Argument `path` must not be netCDF without h5netcdf for complex "
                "numbers, but is; `pip install h5netcdf`, or take .npz or .zarr."
            )
        dataset.to_netcdf(path, engine="scipy")
        return
    with warnings.catch_warnings():
        # that complex numbers are no part of netCDF's own standard, which is known
        warnings.simplefilter("ignore")
        dataset.to_netcdf(path, engine="h5netcdf", invalid_netcdf=split)


def _write_toml(path: Path, variables: Variables) -> None:
    """Numbers, text and lists of numbers are written alike in JSON and in TOML."""
    lines = [
        f"{name} = {json.dumps(x.tolist(), allow_nan=False)}"
        for name, (_, x) in variables.items()
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _dataset(variables: Variables) -> Any:
    import xarray as xr

    return xr.Dataset(dict(variables))


_WRITERS = {
    ".csv": _write_csv,
    ".npz": _write_npz,
    ".npy": _write_npy,
    ".zarr": _write_zarr,
    ".nc": _write_netcdf,
    ".toml": _write_toml,
}

"""A new store: its arrays, coordinates and attributes."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from .._files import to_plain, writing
from .points import Lattice
from .store import ARGUMENT, COMMITS, FORMAT, MANIFEST
from .trace import PENDING, STATUS


def create(
    path: Path,
    lattice: Lattice,
    manifest: Mapping[str, Any],
    dims: Mapping[str, Sequence[str]],
    variables: Mapping[str, Mapping[str, Any]],
    attributes: Mapping[str, Any],
    coords: Mapping[str, Any],
) -> None:
    """Make an empty store, whole or not at all.

    Args:
        path: a folder that is not there, or is empty.
        lattice: the points.
        manifest: what the sweep is.
        dims: dimensions of each result after those of the lattice, by name.
        variables: attributes of axes and results, by name.
        attributes: of the dataset.
        coords: coordinates of dimensions of the results, by name.

    Raises:
        OutputError: it cannot be written.
    """
    import zarr

    with writing(path, ARGUMENT):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        try:
            group = zarr.create_group(
                draft / "data",
                attributes=to_plain(
                    {**attributes, MANIFEST: {**manifest, "format": FORMAT}}
                ),
            )
            for name, values, names in _coordinates(lattice, coords):
                array = group.create_array(
                    name, data=values, chunks=values.shape, dimension_names=names,
                    attributes=to_plain(dict(variables.get(name, {}))),
                )  # fmt: skip
                del array
            for name, spec in manifest["outputs"].items():
                _create_output(group, name, spec, manifest, lattice, dims, variables)
            with warnings.catch_warnings():
                # no part of the version 3 standard yet, but what xarray reads first
                warnings.filterwarnings("ignore", message="Consolidated metadata")
                zarr.consolidate_metadata(draft / "data")
            (draft / "data" / COMMITS).mkdir()
            os.chmod(draft / "data", 0o777 & ~_umask())
            os.replace(draft / "data", path)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _create_output(group, name, spec, manifest, lattice, dims, variables) -> None:
    from zarr.codecs import Crc32cCodec, ZstdCodec

    shape, dtype = tuple(spec["shape"]), np.dtype(spec["dtype"])
    fill: Any = np.nan if dtype.kind in "fc" else 0
    extra = dict(variables.get(name, {}))
    if name == STATUS:
        fill = PENDING
    array = group.create_array(
        name,
        shape=(*lattice.shape, *shape),
        dtype=dtype,
        # a reader that meets a damaged file is told so
        compressors=[ZstdCodec(level=1), Crc32cCodec()],
        chunks=(*manifest["block"], *(max(n, 1) for n in shape)),
        dimension_names=(*lattice.dims, *dims[name]),
        fill_value=fill,
        attributes=to_plain(extra | {"coordinates": _companions(lattice)}),
    )
    del array


def _coordinates(lattice: Lattice, coords: Mapping[str, Any]) -> Any:
    """Name, values and dimensions of every coordinate."""
    for name, values in lattice.values.items():
        dim = name if lattice.outer else lattice.dims[0]
        if values.ndim == 1:
            yield name, values, (dim,)
            continue
        # xarray wants a dimension's own coordinate to be a line of numbers
        label = f"{name}_value" if lattice.outer else name
        inner = tuple(f"{name}_{i}" for i in range(1, values.ndim))
        yield label, values, (dim, *inner)
    for name, values in coords.items():
        yield name, np.asarray(values), (name,)


def _companions(lattice: Lattice) -> str:
    """Coordinates that are no dimensions, as the CF conventions name them."""
    names = (name for name, _, dims in _coordinates(lattice, {}) if dims != (name,))
    return " ".join(names)


def output_specs(outputs: Mapping[str, jax.ShapeDtypeStruct]) -> dict[str, Any]:
    """Shapes and dtypes of results, with the status, as JSON can hold them."""
    specs = {
        name: {"shape": list(spec.shape), "dtype": np.dtype(spec.dtype).str}
        for name, spec in outputs.items()
        if name != STATUS
    }
    return specs | {STATUS: {"shape": [], "dtype": np.dtype(np.int32).str}}


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

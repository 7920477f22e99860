"""An outcome as an xarray dataset, in a file, and back.

An outcome is a tree of arrays and plain values. Its dataset has a variable for each
array, and among its attributes the structure that joins them.
"""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from ._files import OutputError, as_path, provenance, write_zarr
from ._zarr import unfit_folder

FORMAT = 1
# Attribute with the structure from which an outcome is rebuilt from its variables.
TREE = "jqd_tree"
TIME = "t"
_RULE = "Argument `path` must be what `.save` has written, but"
Where = tuple[str, ...]
Axes = Callable[[Where, np.ndarray], tuple[str, ...]]


class Leaf(NamedTuple):
    """An array of an outcome, its place in the outcome, and its dimensions."""

    path: Where
    values: np.ndarray
    dims: tuple[str, ...]


# -- datasets --------------------------------------------------------------------------


def to_dataset(
    found: Any,
    dims_of: Axes,
    coords: Mapping[str, Any] | None = None,
    notes: Mapping[str, str] | None = None,
    parts: Collection[type] = (),
) -> Any:
    """Every array of an outcome as a variable, with the structure that joins them.

    Args:
        found: the outcome, of a kind that `read` is given.
        dims_of: names of the axes of the array at a path.
        coords: values along named axes, by name.
        notes: attributes of the dataset.
        parts: other kinds that it may hold, which `read` is given as well.

    Raises:
        ValueError: it holds values that are not numbers, or containers other than dicts
            with text keys, lists and tuples.
    """
    import xarray as xr

    leaves: list[Leaf] = []
    tree = _encode(found, (), leaves, dims_of, {type(found), *parts})
    coords = coords or {}
    taken = {dim.casefold() for leaf in leaves for dim in leaf.dims} | {
        str(name).casefold() for name in coords
    }
    variables, names = {}, []
    for leaf in leaves:
        name = _unused(_name_of(leaf), taken)
        if leaf.path == ("ts",):
            # the coordinate of t is the times of a run
            name = TIME if leaf.dims == (TIME,) else name
        taken.add(name.casefold())
        names.append(name)
        variables[name] = (leaf.dims, leaf.values)
    known = {
        name: ((str(name),), np.asarray(values))
        for name, values in coords.items()
        if any(name in leaf.dims for leaf in leaves)
    }
    lost = set(coords) - set(known)
    if lost:
        raise ValueError(
            f"Argument `coords` must be along axes that there are, but {min(lost)!r} "
            "is none."
        )
    try:
        dataset = xr.Dataset(variables, known)
    except ValueError as error:
        raise ValueError(
            f"Arguments `dims` and `coords` must fit the values, but: {error}."
        ) from None
    if TIME in dataset.variables and dataset[TIME].dims == (TIME,):
        dataset = dataset.set_coords(TIME)
        dataset[TIME].attrs["description"] = "save times"
    origin = {k: v for k, v in provenance().items() if v is not None}
    said = {"format": FORMAT, "tree": tree, "names": names}
    dataset.attrs = {**(notes or {}), **origin, TREE: json.dumps(said)}
    return dataset


def _name_of(leaf: Leaf) -> str:
    """Values by their own names; what is told of them after these."""
    field, *inner = leaf.path
    if field in ("values", "diagnostics") and inner:
        return "_".join(inner)
    return "_".join([*inner, field]) if inner else field


def _unused(name: str, taken: set[str]) -> str:
    """A name of letters, digits and lines that no other has, whatever the case."""
    name = re.sub(r"\W", "_", name).strip("_") or "values"
    while name.casefold() in taken:
        name += "_"
    return name


def numbered(name: str, count: int) -> tuple[str, ...]:
    """Names for axes that have none."""
    return tuple(f"{name}_{i}" for i in range(count))


# -- files -----------------------------------------------------------------------------


def save(dataset: Any, path: str | Path) -> Path:
    """Write a dataset of an outcome, or a tree of them, as a Zarr folder.

    `read` reads back those of `to_dataset`.
    """
    path = as_path(path)
    if path.exists():
        raise OutputError(
            f"Argument `path` must be a folder that does not exist, but {path} does."
        )
    return write_zarr(dataset, path, "path")


def read(path: Path, kinds: Mapping[str, type]) -> Any:
    """The outcome in a folder.

    Args:
        kinds: of outcomes and their parts, by name.
    """
    import xarray as xr

    try:
        reason = unfit_folder(path)
        if reason is not None:
            raise _Refused(f"{path} is not plain data: {reason}")
        with xr.open_zarr(
            path, chunks=None, consolidated=False, mask_and_scale=False,
            decode_times=False,
        ) as dataset:  # fmt: skip
            text = dataset.attrs.get(TREE)
            if text is None:
                said = "is a dataset of something else; xarray.open_zarr reads it"
                if "sampler" in dataset.attrs:
                    said = "is a posterior; xarray.open_datatree reads it"
                raise _Refused(f"{path} {said}")
            held = json.loads(text)
            if held["format"] != FORMAT:
                raise _Refused(f"{path} has format {held['format']!r}, not {FORMAT}")
            return _decode(held["tree"], held["names"], dataset, kinds)
    except _Refused as error:
        raise ValueError(f"{_RULE} {error}.") from None
    except Exception as error:  # whatever a codec says of half a file
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(f"{_RULE} {path} is damaged: {said}.") from None


class _Refused(Exception):
    """What is read is not what is known, in words."""


# -- trees -----------------------------------------------------------------------------


def _encode(
    value: Any, path: Where, leaves: list[Leaf], dims_of: Axes, kinds: Collection[type]
) -> Any:
    """The structure of a value as JSON; its arrays are added to `leaves`."""

    def inner(key: str, part: Any) -> Any:
        return _encode(part, (*path, key), leaves, dims_of, kinds)

    if isinstance(value, jax.Array | np.ndarray | np.generic):
        # neither keys nor the short floats of JAX
        if getattr(value.dtype, "kind", "") not in tuple("biufc"):
            raise _unfit(path, f"an array of {value.dtype}")
        array = np.asarray(value)
        leaves.append(Leaf(path, array, dims_of(path, array)))
        return {"array": len(leaves) - 1, "sha256": _digest(array)}
    if value is None or isinstance(value, bool | int | float | str):
        return {"value": value}
    kind = type(value).__name__
    if type(value) in kinds:
        names = getattr(value, "_fields", None) or value.__dataclass_fields__
        return {"kind": kind, "fields": {k: inner(k, getattr(value, k)) for k in names}}
    if type(value) is dict and all(isinstance(key, str) for key in value):
        return {"dict": {key: inner(key, part) for key, part in value.items()}}
    if type(value) in (list, tuple):
        return {kind: [inner(str(i), part) for i, part in enumerate(value)]}
    raise _unfit(path, f"a {kind}")


def _unfit(path: Where, what: str) -> ValueError:
    return ValueError(
        f"Argument `{'.'.join(path)}` must hold arrays of numbers, in dicts with texts "
        f"as keys, lists and tuples, but holds {what}; let `observe` return numbers."
    )


def _decode(
    tree: Any, names: Sequence[str], dataset: Any, kinds: Mapping[str, type]
) -> Any:
    """The value that `_encode` has described."""

    def inner(part: Any) -> Any:
        return _decode(part, names, dataset, kinds)

    if "array" in tree:
        values = np.asarray(dataset[names[tree["array"]]].values)
        if _digest(values) != tree["sha256"]:
            raise ValueError(f"{names[tree['array']]} has other values")
        return values
    if "value" in tree:
        return tree["value"]
    if "kind" in tree:
        if tree["kind"] not in kinds:
            raise _Refused(f"it holds a {tree['kind']!r}, which is not known")
        fields = {key: inner(part) for key, part in tree["fields"].items()}
        return kinds[tree["kind"]](**fields)
    if "dict" in tree:
        return {key: inner(part) for key, part in tree["dict"].items()}
    if "list" in tree:
        return [inner(part) for part in tree["list"]]
    return tuple(inner(part) for part in tree["tuple"])


def _digest(array: np.ndarray) -> str:
    """Hash of an array: shape, dtype and bytes."""
    about = f"{array.shape} {array.dtype.str}".encode()
    return hashlib.sha256(about + np.ascontiguousarray(array).tobytes()).hexdigest()

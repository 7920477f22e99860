"""Outcomes as xarray datasets with named dimensions, and back from their files."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .._files import OutputError, provenance, write_zarr, writing
from ..ensembles.copying import Copies, Estimate, StepBias
from ..evolution import Trajectory
from ..inference import Fit
from ..inference.fit import Constant

FORMAT = 1
# Attribute that tells how an outcome is put together again from its variables.
TREE = "jqd_tree"
TIME = "t"
# What is read back: data alone, by these names and no others.
_KINDS = {
    kind.__name__: kind
    for kind in (Trajectory, Copies, StepBias, Estimate, Fit, Constant)
}
_RULE = "Argument `path` must be what `.save` has written, but"
_PATH = tuple[str, ...]


class _Leaf(NamedTuple):
    """An array of an outcome, where it stands in it, and its dimensions."""

    path: _PATH
    values: np.ndarray
    dims: tuple[str, ...]


def trajectory_dataset(
    run: Trajectory,
    dims: Mapping[str, Any] | None = None,
    coords: Mapping[str, Any] | None = None,
    batch: Sequence[str] | None = None,
) -> Any:
    """A trajectory as a dataset; see `Trajectory.to_xarray`."""
    own, coords = dict(dims or {}), dict(coords or {})
    lead = np.shape(run.ts)[:-1]
    batch = tuple(_numbered("batch", len(lead)) if batch is None else batch)
    if len(batch) != len(lead):
        raise ValueError(
            f"Argument `batch` must name {len(lead)} axes, one for each of the batch, "
            f"but names {len(batch)}."
        )
    names = {".".join(path[1:]) or path[0] for path, _ in _leaves(run.values, "values")}
    for name, grid in own.items():
        if name not in names:
            raise ValueError(
                f"Argument `dims` must name values out of {', '.join(sorted(names))}, "
                f"but names {name!r}."
            )
        if hasattr(grid, "coordinates"):
            axes = "xyz"[: grid.ndim] if grid.ndim <= 3 else _numbered("x", grid.ndim)
            lines = (np.ravel(np.asarray(line)) for line in grid.coordinates)
            coords = dict(zip(axes, lines, strict=True)) | coords
            own[name] = tuple(axes)
    ts = np.asarray(run.ts).reshape(-1, np.shape(run.ts)[-1])
    if lead and len(ts) and (ts == ts[0]).all():
        coords.setdefault(TIME, ts[0])
    paths = () if run.stderr is None else ("path",)
    sizes = {
        (): (),
        np.shape(run.status): (*batch, *paths),
        lead: batch,
        np.shape(run.ts): (*batch, TIME),
    }

    def dims_of(path: _PATH, values: np.ndarray) -> tuple[str, ...]:
        field, name = path[0], ".".join(path[1:])
        if field in ("values", "error", "stderr", "paths"):
            first = (*batch, *(paths if field == "paths" else ()), TIME)
            name = name or "values"
            inner = values.ndim - len(first)
            given = tuple(own.get(name, _numbered(name, inner)))
            if len(given) != inner:
                raise ValueError(
                    f"Argument `dims` must name {inner} axes of {name}, those after "
                    f"time, but names {len(given)}."
                )
            return (*first, *given)
        return sizes.get(values.shape) or _numbered(path[-1], values.ndim)

    notes = {"outcome": run._outcome(), "errors": " ".join(run._errors())}
    return to_dataset(run, dims_of, coords, notes)


def copies_dataset(found: Copies) -> Any:
    """Trajectories of copies as a dataset over trajectory, t and class."""
    lead = ("trajectory", TIME)

    def dims_of(path: _PATH, values: np.ndarray) -> tuple[str, ...]:
        name = path[0]
        if name in ("occupation", "psi"):
            return (*lead, "class")
        if name == "tagged":
            return (*lead, "class", "first_class")
        if name == "values":
            return (*lead, *_numbered(".".join(path), values.ndim - 2))
        if name in ("ts", "bias") and values.ndim:
            return (TIME, "class", "first_class")[: values.ndim]
        return lead[: values.ndim]

    return to_dataset(found, dims_of, {}, {"outcome": found.describe()})


def plain_dataset(found: Any) -> Any:
    """An outcome without dimensions of its own as a dataset."""
    return to_dataset(found, lambda path, x: _numbered(path[-1], x.ndim), {}, {})


def to_dataset(
    found: Any,
    dims_of: Callable[[_PATH, np.ndarray], tuple[str, ...]],
    coords: Mapping[str, Any],
    notes: Mapping[str, str],
) -> Any:
    """Every array of an outcome as a variable, and how they belong together.

    Args:
        found: of one of the kinds that are read back.
        dims_of: names of the axes of the array at a path.
        coords: values along named axes.
        notes: further attributes.

    Raises:
        ValueError: it holds what is no number, or containers other than dicts with
            texts as keys, lists and tuples.
    """
    import xarray as xr

    leaves: list[_Leaf] = []
    tree = _encode(found, (), leaves, dims_of)
    taken = {dim.casefold() for leaf in leaves for dim in leaf.dims} | {
        str(name).casefold() for name in coords
    }
    variables, names = {}, []
    for leaf in leaves:
        name = _unused(_name_of(leaf), taken)
        if leaf.path == ("ts",):
            # the times of a run are what stands along t
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
    dataset.attrs = {**notes, **origin, TREE: json.dumps(said)}
    return dataset


def save(dataset: Any, path: str | Path) -> Path:
    """Write a dataset of an outcome as a Zarr folder that `load` reads back.

    Args:
        dataset: of `to_dataset`.
        path: the folder, which must not exist.

    Raises:
        OutputError: (a ValueError) it exists, or cannot be written.
    """
    path = Path(path)
    if path.exists():
        raise OutputError(
            f"Argument `path` must be a folder that does not exist, but {path} does."
        )
    with writing(path, "path"):
        write_zarr(dataset, path)
    return path


def load(path: str | Path) -> Any:
    """What `.save` has written: a trajectory, copies or a fit, with NumPy's arrays.

    Nothing but arrays and plain values is read, and nothing in the file is run.

    Args:
        path: the folder.

    Returns:
        The same as was saved, to the last bit.

    Raises:
        ValueError: it is something else, of another version, or damaged.
    """
    import xarray as xr

    path = Path(path)
    if not path.is_dir():
        raise ValueError(f"{_RULE} {path} is no folder.")
    try:
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
            return _decode(held["tree"], held["names"], dataset)
    except _Refused as error:
        raise ValueError(f"{_RULE} {error}.") from None
    except Exception as error:  # whatever a codec says of half a file
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(f"{_RULE} {path} is damaged: {said}.") from None


class _Refused(Exception):
    """What is read is not what is known, in words."""


# -- one tree --------------------------------------------------------------------------


def _encode(
    value: Any,
    path: _PATH,
    leaves: list[_Leaf],
    dims_of: Callable[[_PATH, np.ndarray], tuple[str, ...]],
) -> Any:
    """How a value is put together, as JSON; its arrays are added to `leaves`."""

    def inner(key: str, part: Any) -> Any:
        return _encode(part, (*path, key), leaves, dims_of)

    if isinstance(value, jax.Array | np.ndarray | np.generic):
        if not jnp.issubdtype(value.dtype, jnp.number) and value.dtype != bool:
            raise _unfit(path, f"an array of {value.dtype}")
        array = np.asarray(value)
        if array.dtype.kind not in "biufc":  # the short floats of JAX
            raise _unfit(path, f"an array of {value.dtype}")
        leaves.append(_Leaf(path, array, dims_of(path, array)))
        return {"array": len(leaves) - 1, "sha256": _digest(array)}
    if value is None or isinstance(value, bool | int | float | str):
        return {"value": value}
    kind = type(value).__name__
    if _KINDS.get(kind) is type(value):
        names = getattr(value, "_fields", None) or value.__dataclass_fields__
        return {"kind": kind, "fields": {k: inner(k, getattr(value, k)) for k in names}}
    if type(value) is dict and all(isinstance(key, str) for key in value):
        return {"dict": {key: inner(key, part) for key, part in value.items()}}
    if type(value) in (list, tuple):
        return {kind: [inner(str(i), part) for i, part in enumerate(value)]}
    raise _unfit(path, f"a {kind}")


def _unfit(path: _PATH, what: str) -> ValueError:
    return ValueError(
        f"Argument `{'.'.join(path)}` must hold arrays of numbers, in dicts with texts "
        f"as keys, lists and tuples, but holds {what}; let `observe` return numbers."
    )


def _decode(tree: Any, names: Sequence[str], dataset: Any) -> Any:
    """The value that `_encode` has described."""

    def inner(part: Any) -> Any:
        return _decode(part, names, dataset)

    if "array" in tree:
        values = np.asarray(dataset[names[tree["array"]]].values)
        if _digest(values) != tree["sha256"]:
            raise ValueError(f"{names[tree['array']]} has other values")
        return values
    if "value" in tree:
        return tree["value"]
    if "kind" in tree:
        if tree["kind"] not in _KINDS:
            raise _Refused(f"it holds a {tree['kind']!r}, which is not known")
        fields = {key: inner(part) for key, part in tree["fields"].items()}
        return _KINDS[tree["kind"]](**fields)
    if "dict" in tree:
        return {key: inner(part) for key, part in tree["dict"].items()}
    if "list" in tree:
        return [inner(part) for part in tree["list"]]
    return tuple(inner(part) for part in tree["tuple"])


def _digest(array: np.ndarray) -> str:
    """Hash of an array: shape, dtype and bytes."""
    about = f"{array.shape} {array.dtype.str}".encode()
    return hashlib.sha256(about + np.ascontiguousarray(array).tobytes()).hexdigest()


# -- names -----------------------------------------------------------------------------


def _leaves(tree: Any, field: str) -> list[tuple[_PATH, Any]]:
    """The arrays of a field and where they stand."""
    found = jax.tree_util.tree_leaves_with_path(tree)
    return [
        ((field, *(jax.tree_util.keystr((k,), simple=True) for k in path)), leaf)
        for path, leaf in found
    ]


def _name_of(leaf: _Leaf) -> str:
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


def _numbered(name: str, count: int) -> tuple[str, ...]:
    """Names for axes that have none."""
    return tuple(f"{name}_{i}" for i in range(count))

"""Outcomes as xarray datasets with named dimensions."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from .._files import provenance
from ..ensembles.copying import Copies
from ..evolution import Trajectory
from .trees import FORMAT, TREE, Leaf, Where, encode

TIME = "t"


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

    def dims_of(path: Where, values: np.ndarray) -> tuple[str, ...]:
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

    def dims_of(path: Where, values: np.ndarray) -> tuple[str, ...]:
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
    dims_of: Callable[[Where, np.ndarray], tuple[str, ...]],
    coords: Mapping[str, Any],
    notes: Mapping[str, str],
) -> Any:
    """Every array of an outcome as a variable, with the structure that joins them.

    Args:
        found: an outcome of one of the kinds that are read back.
        dims_of: names of the axes of the array at a path.

    Raises:
        ValueError: it holds values that are not numbers, or containers other than dicts
            with text keys, lists and tuples.
    """
    import xarray as xr

    leaves: list[Leaf] = []
    tree = encode(found, (), leaves, dims_of)
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
    dataset.attrs = {**notes, **origin, TREE: json.dumps(said)}
    return dataset


# -- names -----------------------------------------------------------------------------


def _leaves(tree: Any, field: str) -> list[tuple[Where, Any]]:
    """The arrays of a field and where they stand."""
    found = jax.tree_util.tree_leaves_with_path(tree)
    return [
        ((field, *(jax.tree_util.keystr((k,), simple=True) for k in path)), leaf)
        for path, leaf in found
    ]


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


def _numbered(name: str, count: int) -> tuple[str, ...]:
    """Names for axes that have none."""
    return tuple(f"{name}_{i}" for i in range(count))

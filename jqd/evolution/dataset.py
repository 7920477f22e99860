"""A trajectory as an xarray dataset with named dimensions."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from .._saved import TIME, Where, numbered, to_dataset


def trajectory_dataset(
    run: Any,
    dims: Mapping[str, Any] | None = None,
    coords: Mapping[str, Any] | None = None,
    batch: Sequence[str] | None = None,
) -> Any:
    """A trajectory as a dataset; see `Trajectory.to_xarray`."""
    own, coords = dict(dims or {}), dict(coords or {})
    lead = np.shape(run.ts)[:-1]
    batch = tuple(numbered("batch", len(lead)) if batch is None else batch)
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
            axes = "xyz"[: grid.ndim] if grid.ndim <= 3 else numbered("x", grid.ndim)
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
            given = tuple(own.get(name, numbered(name, inner)))
            if len(given) != inner:
                raise ValueError(
                    f"Argument `dims` must name {inner} axes of {name}, those after "
                    f"time, but names {len(given)}."
                )
            return (*first, *given)
        return sizes.get(values.shape) or numbered(path[-1], values.ndim)

    notes = {"outcome": run._outcome(), "errors": " ".join(run._errors())}
    return to_dataset(run, dims_of, coords, notes)


def _leaves(tree: Any, field: str) -> list[tuple[Where, Any]]:
    """The arrays of a field and where they stand."""
    found = jax.tree_util.tree_leaves_with_path(tree)
    return [
        ((field, *(jax.tree_util.keystr((k,), simple=True) for k in path)), leaf)
        for path, leaf in found
    ]

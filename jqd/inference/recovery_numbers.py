"""A recovery as numbers by name, and as a dataset."""

import math
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from .._files import provenance
from .._saved import numbered
from ..records.scan import settings_of_rows

if TYPE_CHECKING:
    import xarray as xr


def numbers_of(recovery: Any) -> dict[str, dict[str, Any]]:
    """The numbers of each constant by name; None where there is none, or no error
    holds."""
    fields = (
        "value", "stderr", "reference", "step_bias", "deviation", "sigmas", "known",
        "alone", "pull", "at_bound",
    )  # fmt: skip
    # the table withholds them, too
    withheld = () if recovery.errors_hold else ("stderr", "known", "alone")
    read = attrgetter(*fields)
    rows = {name: read(constant) for name, constant in recovery.constants.items()}
    return {
        name: {
            field: None
            if number is None or not np.isfinite(number) or field in withheld
            else float(number)
            for field, number in zip(fields, row, strict=True)
        }
        for name, row in rows.items()
    }


def verdict(recovery: Any) -> dict[str, float | None]:
    """How good the fit is, in numbers."""
    names = "chi2_per_dof", "p_value", "agreeing_starts", "held_out"
    found = {name: getattr(recovery, name) for name in names}
    return {n: None if value is None else float(value) for n, value in found.items()}


def recovery_dataset(
    recovery: Any,
    names: Sequence[str] | None = None,
    *,
    landscape: tuple[Any, Any, Any] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> "xr.Dataset":
    """Collect a recovery, its data and its predictions into one dataset.

    Args:
        recovery: what `jqd.recover` returned.
        names: names of the M columns of its data; None for their numbers.
        landscape: the loss over the plane of the first two constants, as
            (grid_x (X,), grid_y (Y,), loss (Y, X)).
        attributes: further attributes to keep: seed, noise model, settings, units.

    Returns:
        The dataset. Its dimensions are time, component, constant, start and iteration;
        its attributes hold law, status, versions, device, precision and date.

    Raises:
        ValueError: the number of names differs from that of the columns.
    """
    import xarray as xr

    many = columns(recovery.observed).shape[1]
    components = _strings(range(many) if names is None else names)
    if len(components) != many:
        raise ValueError(
            f"Argument `names` must have {many} entries, one for each column of the "
            f"record, but has {len(components)}."
        )
    labels = _strings(recovery.constants)
    rows = list(numbers_of(recovery).values())
    numbers = {
        field: ("constant", [math.nan if r[field] is None else r[field] for r in rows])
        for field in rows[0]
    }
    pair = ("constant", "other_constant")
    variables: dict[str, Any] = {
        "data": (("time", "component"), columns(recovery.observed)),
        "fitted": (("time", "component"), columns(recovery.prediction)),
        "starting": (("time", "component"), columns(recovery.start_prediction)),
        **numbers,
        "covariance": (pair, np.asarray(recovery.covariance)),
        "singular_values": ("singular_value", np.asarray(recovery.singular_values)),
        "starts": (("start", "constant"), np.asarray(recovery.starts)),
        "ends": (("start", "constant"), np.asarray(recovery.ends)),
        "agree": ("start", np.asarray(recovery.agree, bool)),
        "history": (("start", "iteration"), np.asarray(recovery.history)),
    }
    told = {"description": "what the rows of the data set"}
    for name, value in settings_of_rows(recovery.study.data).items():
        axes = ("time", *numbered(name, value.ndim - 1))
        variables[f"setting.{name}"] = (axes, np.asarray(value), told)
    null = np.asarray(recovery.null_directions)
    if null.size:
        variables["null_directions"] = (("null_direction", "constant"), null)
    coordinates: dict[str, Any] = {
        "time": np.asarray(recovery.ts),
        "component": components,
        "constant": labels,
        "other_constant": labels,
    }
    if landscape is not None:
        grid_x, grid_y, loss = (np.asarray(part) for part in landscape)
        coordinates |= {"grid_x": grid_x, "grid_y": grid_y}
        variables["landscape"] = (("grid_y", "grid_x"), loss)
    dataset = xr.Dataset(variables, coordinates)
    for name, text in _DESCRIPTIONS.items():
        if name in dataset.variables:
            dataset[name].attrs["description"] = text
    units = "natural units (hbar = 1): time in units of hbar / energy"
    dataset.attrs = {
        "law": recovery.law_name,
        "status": recovery.status,
        "message": recovery.message,
        "errors_hold": int(recovery.errors_hold),
        **verdict(recovery),
        "units": units,
        **provenance(),
        **(attributes or {}),
    }
    return dataset


def rows_of(recovery: Any) -> tuple[np.ndarray, str, float | None]:
    """What the rows stand over, its name, and where those begin that were held out."""
    over_time = recovery.study.data.over_time
    # rows of a scan may have one time
    at = np.asarray(recovery.ts) if over_time else np.arange(len(recovery.ts))
    # of several studies they are no last ones of all values
    held = recovery.held_out_rows and not recovery.parts
    since = float(at[-recovery.held_out_rows]) if held else None
    return at, "time" if over_time else "row", since


def columns(values: Any) -> np.ndarray:
    """Values with all axes but time flattened into one, (T, M)."""
    values = np.asarray(values)
    return values.reshape(len(values), -1)


def _strings(values: Iterable[Any]) -> np.ndarray:
    return np.array([str(value) for value in values])


_DESCRIPTIONS = {
    "time": "times of the data, in units of hbar / energy",
    "data": "what was measured",
    "fitted": "the law with its recovered constants",
    "starting": "the law with the constants of its first start",
    "value": "recovered constant",
    "stderr": "standard error of the recovered constant; NaN where none holds",
    "reference": "value in exact quantum mechanics; NaN where there is none",
    "step_bias": "how far the time step moves the constant",
    "deviation": "value - reference",
    "known": "standard error were all nuisances known; NaN without nuisances",
    "alone": "standard error without priors; NaN without nuisances, or where infinite",
    "pull": "of a nuisance: value less the mean of its prior, in its widths",
    "at_bound": "-1 at the lower bound, 1 at the upper one, where stderr is one-sided",
    "sigmas": "deviation in standard errors; NaN where these are not scatter",
    "covariance": "covariance of the recovered constants",
    "singular_values": "singular values of the Jacobian of the residuals",
    "null_directions": "unit vectors in the constants' units that the data leave open",
    "starts": "constants at which each search began",
    "ends": "constants at which each search ended",
    "agree": "whether the search reached the best fit",
    "history": "loss of each search, iteration by iteration",
    "landscape": "loss over the plane of the first two constants",
}

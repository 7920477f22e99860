"""What a recovery leaves on disk: a dataset, a summary, and all its numbers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._files import provenance

if TYPE_CHECKING:
    import xarray as xr


def recovery_summary(recovery: Any, seconds: float) -> dict[str, Any]:
    """The result in the few numbers that `--json` prints.

    Args:
        recovery: what `jqd.recover` returned.
        seconds: time that the whole command took.

    Returns:
        law, constants (value, stderr and reference of each), status, errors_hold
        (whether the standard errors are to be trusted), chi2_per_dof and p_value (None
        where no errors are known), agreeing_starts (the share that reached the best
        fit), held_out and seconds. A reference is None where quantum mechanics has
        none.
    """
    constants = {
        name: {
            "value": _number(constant.value),
            "stderr": _number(constant.stderr),
            "reference": _number(constant.reference),
        }
        for name, constant in recovery.constants.items()
    }
    return {
        "law": recovery.law_name,
        "constants": constants,
        "status": recovery.status,
        "errors_hold": recovery.errors_hold,
        "chi2_per_dof": _number(recovery.chi2_per_dof),
        "p_value": _number(recovery.p_value),
        "agreeing_starts": _number(recovery.agreeing_starts),
        "held_out": _number(recovery.held_out),
        "seconds": round(seconds, 3),
    }


def recovery_details(recovery: Any) -> dict[str, Any]:
    """What summary.json holds beyond `recovery_summary`.

    Args:
        recovery: what `jqd.recover` returned.

    Returns:
        message; step bias, deviation and deviation in standard errors of each constant
        (None where there is no reference, or where the error is step bias and rounding
        rather than scatter); covariance, singular values, null directions in the
        constants' own units, and the provenance.
    """
    constants = recovery.constants.items()
    return {
        "message": recovery.message,
        "step_bias": {name: _number(c.step_bias) for name, c in constants},
        "deviation": {name: _number(c.deviation) for name, c in constants},
        "deviation_sigmas": {name: _number(c.sigmas) for name, c in constants},
        "covariance": np.asarray(recovery.covariance),
        "singular_values": np.asarray(recovery.singular_values),
        "null_directions": np.asarray(recovery.null_directions),
        "provenance": provenance(),
    }


def recovery_dataset(
    recovery: Any,
    *,
    ts: Any,
    data: Any,
    fitted: Any,
    start: Any,
    names: Sequence[str],
    landscape: tuple[Any, Any, Any] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> "xr.Dataset":
    """Collect a recovery, its data and its predictions into one dataset.

    Args:
        recovery: what `jqd.recover` returned.
        ts: times of the data, shape (T,).
        data: what was fitted, shape (T, M).
        fitted: the fitted law at these times, shape (T, M).
        start: the law at its first start, shape (T, M).
        names: what each of the M columns is.
        landscape: the loss over the plane of the first two constants, as
            (grid_x (X,), grid_y (Y,), loss (Y, X)).
        attributes: more to keep with the results: seed, noise model, settings, units.

    Returns:
        The dataset. Its dimensions are time, component, constant, start and iteration;
        its attributes hold law, status, versions, device, precision and date.
    """
    import xarray as xr

    constants = recovery.constants
    numbers = {
        field: ("constant", [_or_nan(getattr(c, field)) for c in constants.values()])
        for field in (
            "value",
            "stderr",
            "reference",
            "step_bias",
            "deviation",
            "sigmas",
        )
    }
    pair = ("constant", "other_constant")
    variables: dict[str, Any] = {
        "data": (("time", "component"), np.asarray(data)),
        "fitted": (("time", "component"), np.asarray(fitted)),
        "starting": (("time", "component"), np.asarray(start)),
        **numbers,
        "covariance": (pair, np.asarray(recovery.covariance)),
        "singular_values": ("singular_value", np.asarray(recovery.singular_values)),
        "starts": (("start", "constant"), np.asarray(recovery.starts)),
        "ends": (("start", "constant"), np.asarray(recovery.ends)),
        "agree": ("start", np.asarray(recovery.agree, bool)),
        "history": (("start", "iteration"), np.asarray(recovery.history)),
    }
    null = np.asarray(recovery.null_directions)
    if null.size:
        variables["null_directions"] = (("null_direction", "constant"), null)
    coordinates: dict[str, Any] = {
        "time": np.asarray(ts),
        "component": _strings(names),
        "constant": _strings(constants),
        "other_constant": _strings(constants),
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
        "agreeing_starts": _number(recovery.agreeing_starts),
        "held_out": _number(recovery.held_out),
        "chi2_per_dof": _number(recovery.chi2_per_dof),
        "p_value": _number(recovery.p_value),
        "units": units,
        **provenance(),
        **(attributes or {}),
    }
    return dataset


_DESCRIPTIONS = {
    "time": "times of the data, in units of hbar / energy",
    "data": "what was measured",
    "fitted": "the law with its recovered constants",
    "starting": "the law with the constants of its first start",
    "value": "recovered constant",
    "stderr": "standard error of the recovered constant",
    "reference": "value in exact quantum mechanics; NaN where there is none",
    "step_bias": "how far the time step moves the constant",
    "deviation": "value - reference",
    "sigmas": "deviation in standard errors; NaN where these are not scatter",
    "covariance": "covariance of the recovered constants",
    "singular_values": "singular values of the Jacobian of the residuals",
    "null_directions": "unit vectors in the constants' units that the data cannot tell",
    "starts": "constants at which each search began",
    "ends": "constants at which each search ended",
    "agree": "whether the search reached the best fit",
    "history": "loss of each search, iteration by iteration",
    "landscape": "loss over the plane of the first two constants",
}


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _or_nan(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _strings(values: Any) -> np.ndarray:
    return np.array([str(value) for value in values])

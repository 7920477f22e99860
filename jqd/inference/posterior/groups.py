"""A posterior as xarray datasets by group."""

from typing import Any

import numpy as np
import xarray as xr

from ..._saved import numbered
from ...records.scan import settings_of_rows
from ..joint import Joint


def groups(found: Any) -> dict[str, xr.Dataset]:
    """Datasets by the names of ArviZ's schema.

    Args:
        found: the `Posterior`.
    """
    chains, predicted, data = found.chains, found.predicted, found.study.data
    values, times = np.asarray(data.values), np.asarray(data.ts)
    chain, draw = (np.arange(n) for n in chains.log_posterior.shape)
    both = ("chain", "draw")
    own = {"chain": chain, "draw": draw}
    inner = numbered("component", values.ndim - 1)
    # of several studies the values stand in one row, which is not in the order of `t`
    joint = isinstance(found.study, Joint)
    along, at = ("value", {}) if joint else ("t", {"t": times})
    row = (along, *inner)
    stats = {
        "lp": chains.log_posterior,
        "acceptance_rate": chains.acceptance,
        "diverging": chains.diverging,
        "failed": chains.failed,
        "n_steps": chains.steps,
    }
    predictive: dict[str, Any] = {"mean": (("sample", *row), predicted.mean)}
    if predicted.values is not None:
        predictive["values"] = (("sample", *row), predicted.values)
    logs = {"values": (("sample", "row" if joint else along), predicted.log_likelihood)}
    observed: dict[str, Any] = {"values": (row, values)}
    for name, value in settings_of_rows(data).items():
        axes = (along, *numbered(name, value.ndim - 1))
        observed[f"setting.{name}"] = (axes, np.asarray(value))
    summary: dict[str, Any] = {
        "fit": ("constant", found.theta),
        "stderr": ("constant", found.stderr),
        "ends": (("end", "constant"), found.box),
        "ess": ("constant", chains.ess),
    }
    if chains.rhat is not None:
        summary["rhat"] = ("constant", chains.rhat)
    if chains.log_evidence is not None:
        summary["log_evidence"] = ("chain", chains.log_evidence)
    return {
        "posterior": xr.Dataset({k: (both, x) for k, x in found.draws.items()}, own),
        "sample_stats": xr.Dataset({k: (both, x) for k, x in stats.items()}, own),
        "posterior_predictive": xr.Dataset(predictive, at),
        "log_likelihood": xr.Dataset(logs, at),
        "observed_data": xr.Dataset(observed, at),
        "constant_data": xr.Dataset(summary, {"constant": found.labels}),
    }

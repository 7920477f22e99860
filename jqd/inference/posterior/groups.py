"""A posterior as xarray datasets by group, and as files."""

import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr


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
    inner = tuple(f"component_{i}" for i in range(values.ndim - 1))
    row = ("t", *inner)
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
    logs = {"values": (("sample", "t"), predicted.log_likelihood)}
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
        "posterior_predictive": xr.Dataset(predictive, {"t": times}),
        "log_likelihood": xr.Dataset(logs, {"t": times}),
        "observed_data": xr.Dataset({"values": (row, values)}, {"t": times}),
        "constant_data": xr.Dataset(summary, {"constant": found.labels}),
    }


def write(tree: xr.DataTree, path: Path) -> None:
    """Write a tree as a Zarr folder, whole or not at all."""
    for node in tree.subtree:
        for name, variable in list(node.variables.items()):
            if variable.dtype.kind == "U":  # Zarr 3 has no text of fixed length
                node[str(name)] = variable.astype(np.dtypes.StringDType())
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        with warnings.catch_warnings():
            # no part of the version 3 standard yet, but readers look for it
            warnings.filterwarnings("ignore", message="Consolidated metadata")
            tree.to_zarr(draft / "data", zarr_format=3, consolidated=True)
        os.replace(draft / "data", path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)

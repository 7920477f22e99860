"""Data in phase space as columns over time, and as maps, for `jqd show`.

Each takes a record and the facts about it, to which it adds, and returns columns by
name, maps with axes and titles or None, and standard errors or None.
"""

from typing import Any

import numpy as np

from .contents import MOST, spread
from .phase_space import PhaseSpaceRecord
from .record import between


def _husimi(record: PhaseSpaceRecord, lines: dict[str, str]) -> tuple[Any, Any, Any]:
    values = record.values
    columns = {"smallest Q": values.min(axis=1), "largest Q": values.max(axis=1)}
    lines["points"] = str(values.shape[1])
    if record.axes is None:
        return columns, None, None
    x, y = record.axes
    lines["points"] = f"{len(x)} x {len(y)}, Re α {between(x)}, Im α {between(y)}"
    lines["convention"] = f"α = g/2 (x + iy) with g = {record.g:.6g}"
    if len(x) > 1 and len(y) > 1:
        cell = (np.ptp(x) / (len(x) - 1)) * (np.ptp(y) / (len(y) - 1))
        columns["integral of Q"] = values.sum(axis=1) * cell
    grids = values.reshape(-1, len(y), len(x))
    at = spread(len(grids))
    titles = [f"t = {record.ts[k]:.6g}" for k in at]
    return columns, (grids[at], x, y, titles), None


def _moments(record: PhaseSpaceRecord, lines: dict[str, str]) -> tuple[Any, Any, Any]:
    orders = record.orders or ()
    lines["orders m, n"] = "; ".join(map(str, orders[:MOST]))
    if len(orders) > MOST:
        lines["orders m, n"] += f" and {len(orders) - MOST} more"
    columns = {}
    for k, order in enumerate(orders[:MOST]):
        for part in ("Re", "Im"):
            column = getattr(record.values[:, k], "real" if part == "Re" else "imag")
            columns[f"{part} of {order}"] = column
    return columns, None, None


def _samples(record: PhaseSpaceRecord, lines: dict[str, str]) -> tuple[Any, Any, Any]:
    values = record.values.reshape(*record.values.shape[:2], -1)
    most = values.shape[1]
    shots = np.full(len(values), most) if record.shots is None else record.shots
    lines["samples"] = f"{between(shots)} at each time"
    held = (np.arange(most) < shots[:, None])[..., None]
    columns, errors = {}, []
    for part, numbers in {"Re": np.real(values), "Im": np.imag(values)}.items():
        count = shots[:, None]
        mean = np.sum(numbers, axis=1, where=held) / count
        squares = np.sum((numbers - mean[:, None]) ** 2, axis=1, where=held)
        for k in range(values.shape[2]):
            mode = f" of mode {k}" if values.shape[2] > 1 else ""
            columns[f"mean of {part} α{mode}"] = mean[:, k]
        # of the mean; one sample says nothing of it
        freedom = np.where(count > 1, count - 1, np.nan)
        errors.append(np.sqrt(squares / freedom / count))
    sigma = np.concatenate(errors, axis=1)
    known = np.isfinite(sigma).all()
    lines["errors of the means"] = between(sigma) if known else "of one sample none"
    return columns, None, sigma


OF_KIND = {"husimi": _husimi, "moments": _moments, "samples": _samples}

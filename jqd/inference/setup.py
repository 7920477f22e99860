"""Setting up a fit: the record, the names, the starts, and what cannot be told."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from .. import _checks
from ..laws import constants
from ..records.populations import record_of_table
from .data import Data
from .ensemble_noise import EnsembleNoise
from .final import MAX_SUBSTEPS
from .first_row import check_first_row
from .identifiability import (
    Identifiability,
    Unidentifiable,
    analyse,
    refuse_degenerate,
)
from .polish import jacobian
from .problem import PHASES, FitProblem, own_constants, trajectory_of
from .solution import predict

SEARCH_ERROR = 1e-3  # step error of predictions that a search may carry


def as_data(data: Any) -> Data:
    if isinstance(data, Data):
        return data
    if hasattr(data, "dims") and hasattr(data, "coords"):
        if "t" not in data.coords:
            raise ValueError(
                "Argument `data` must have a coordinate `t`, but has "
                f"{sorted(map(str, data.coords))}."
            )
        return Data(np.asarray(data.coords["t"]), np.asarray(data.transpose("t", ...)))
    if hasattr(data, "columns") and hasattr(data, "index"):
        return record_of_table(data)
    if isinstance(data, tuple) and len(data) == 2:
        return Data(*data)
    raise ValueError(
        "Argument `data` must be a Data, a pair (ts, values), an xarray.DataArray or a "
        f"pandas.DataFrame, but is a {type(data).__name__}."
    )


def free_names(law: Any, free: Sequence[str]) -> tuple[str, ...]:
    names = (free,) if isinstance(free, str) else tuple(free)
    known = constants.names(law)
    for name in names:
        _checks.check_choice(name, "free", (*known, PHASES))
    if len(set(names)) != len(names) or not names:
        raise ValueError(
            "Argument `free` must name each constant once and at least one, but is "
            f"{names}."
        )
    return names


def start_point(problem: FitProblem, start: Mapping[str, ArrayLike] | None) -> Array:
    """The first start: given values, the law's own for the rest."""
    labels = problem.labels()
    for name in start or {}:
        _checks.check_choice(
            name, "start", tuple(dict.fromkeys((*problem.free, *labels)))
        )
    parts = []
    for name in problem.free:
        own = problem.pack(name)
        value = jnp.asarray((start or {}).get(name, own), own.dtype)
        _checks.check_finite(value, f"start[{name}]")
        parts.append(jnp.broadcast_to(jnp.ravel(value), own.shape))
    theta = jnp.concatenate(parts)
    for label in set(start or {}) - set(problem.free):
        theta = theta.at[labels.index(label)].set(jnp.asarray((start or {})[label]))
    return theta


def check_record(problem: FitProblem, theta: Array) -> None:
    noise = problem.data.noise
    if isinstance(noise, EnsembleNoise):
        noise.check_law(problem.law)
    shape = jax.eval_shape(problem.predict, theta).shape
    if shape != problem.data.values.shape:
        raise ValueError(
            f"Argument `data` must have shape {shape} like the law's prediction, but "
            f"has shape {problem.data.values.shape}."
        )
    check_first_row(problem, theta)


def search_substeps(problem: FitProblem, theta: Array) -> int:
    """Steps between rows with which predictions are good to `SEARCH_ERROR`."""
    if problem.order is None:
        return 1
    substeps = 1
    for _ in range(4):
        coarse = predict(problem.with_substeps(substeps), theta)
        fine = predict(problem.with_substeps(2 * substeps), theta)
        change = np.abs(np.asarray(coarse) - np.asarray(fine))
        error = float(np.max(np.nan_to_num(change, nan=1.0)))
        if error < SEARCH_ERROR:
            break
        factor = 1.2 * (error / SEARCH_ERROR) ** (1 / problem.order)
        substeps = min(MAX_SUBSTEPS, substeps * max(2, math.ceil(factor)))
    return substeps


def draw_starts(problem, theta0, start, starts, key) -> Array:
    """Starts, shape (S, p): the given one first, then uniform over the span."""
    if not isinstance(starts, int):
        given = jnp.asarray(starts, theta0.dtype)
        _checks.check_shape(given, "starts", (given.shape[0], theta0.shape[0]))
        _checks.check_finite(given, "starts")
        return given
    if starts < 1:
        raise ValueError(f"Argument `starts` must be at least 1, but is {starts}.")
    if starts == 1 and start is not None:
        return theta0[None]
    key = jax.random.key(0) if key is None else key
    drawn = _drawn(problem, theta0, key, starts)
    return drawn if start is None else drawn.at[0].set(theta0)


@partial(jax.jit, static_argnums=3)
def _drawn(problem: FitProblem, theta0: Array, key: Array, starts: int) -> Array:
    low, high = problem.bounds()
    uniform = jax.random.uniform(key, (starts, theta0.shape[0]), theta0.dtype)
    return low[None, :] + uniform * (high - low)[None, :]


def identifiability(problem: FitProblem, theta: Array) -> Identifiability:
    """What the record can tell at these constants.

    Args:
        problem: the fit; the record's values matter only through their weights.
        theta: constants, shape (p,).

    Returns:
        Singular values and null directions of the Jacobian, judged against the
        Jacobian with half the step.
    """
    return _identifiability(problem, theta)


@jax.jit
def _identifiability(problem: FitProblem, theta: Array) -> Identifiability:
    low, high = problem.bounds()
    shares, mask = problem.data.shares, jnp.ones_like(problem.data.ts)
    at = problem.first_weights(jnp.where(shares > 0, shares, 1))
    finer = problem.with_substeps(2 * problem.substeps)
    coarse, fine = (jacobian(each, theta, at, mask)[1] for each in (problem, finer))
    return analyse(coarse, high - low, problem.labels(), fine)


def refuse(problem: FitProblem, starts: Array) -> None:
    """Refuse degenerate fits: what the law knows, then a look at a few starts."""
    reason = problem.law.refusal(problem.free)
    if reason is not None:
        raise Unidentifiable(
            f"Argument `free` must name constants that data can tell apart, but "
            f"{reason}."
        )
    fine = problem.with_substeps(8 * problem.substeps)
    points = [own_constants(problem), *np.asarray(starts[:2])]
    try:
        refuse_degenerate([identifiability(fine, theta) for theta in points])
    except Unidentifiable as error:
        run = trajectory_of(fine, points[0])
        if bool(run.ok):
            raise
        # rows that no run reaches tell nothing: that is the reason then
        reason = f"{error} The run at the start: {run.describe()}"
        raise Unidentifiable(reason) from None


def train_rows(rows: int, held_out: float, free: int) -> int:
    """Rows to train on; too short a record is not split."""
    train = rows - math.floor(held_out * rows)
    return train if train > 2 * free else rows

"""Time steps of a study that are fine enough for what is asked of it, and runs with
them: for a search, for the constants of a fit, and for its likelihood."""

import dataclasses
import math
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, ArrayLike

from ..evolution import Trajectory
from ..laws.motion import Motion
from .fit import settle
from .polish import Polish
from .search import Report
from .solution import Solution, solution
from .study import MAX_SUBSTEPS, Study

# Integration error allowed in a search, over the largest value of the data.
SEARCH_ERROR = 1e-3
# Step bias of a constant that is accepted, over the span of its initial guesses.
STEP_BIAS = 1e-10
# Change of ln L by half the step that is accepted.
STEP_CHANGE = 1e-4
# The same for draws, some ten thousand runs: a hundredth of what a preference takes.
DRAWN_CHANGE = 0.05


def course(study: Study, theta: Any) -> tuple[Motion, Trajectory]:
    """The law with these constants, and its run, to be read on the host."""
    law, run = _follow(study, theta)
    return law, jax.tree.map(np.asarray, run)


@jax.jit
def _follow(study: Study, theta: Array) -> tuple[Motion, Trajectory]:
    return study.scene_at(theta).law, study.trajectory(theta)


def rows_at(study: Study, theta: Any) -> Any:
    """What the law predicts for the record, as `Study.predict`.

    Of the run that is followed for all else as well: one program less to load.
    """
    return study.rows_of(course(study, theta)[1])


def search_substeps(study: Study, theta: Array) -> int:
    """Steps between rows that keep the integration error below `SEARCH_ERROR`."""
    order, substeps = study.order, 1
    if order is None:
        return 1
    for _ in range(4):
        coarse = rows_at(study.with_substeps(substeps), theta)
        fine = rows_at(study.with_substeps(2 * substeps), theta)
        change = np.abs(coarse - fine) / study.data.size
        # steps too long to be stable blow up: how much says nothing about finer ones
        error = float(np.max(np.minimum(np.nan_to_num(change, nan=1.0), 1.0)))
        if error < SEARCH_ERROR:
            break
        factor = 1.2 * (error / SEARCH_ERROR) ** (1 / order)
        substeps = min(MAX_SUBSTEPS, substeps * max(2, math.ceil(factor)))
    return substeps


def refine_steps(
    study: Study,
    theta: Array,
    mask: ArrayLike,
    polish: Polish | None,
    step_tolerance: float | None,
    report: Report,
) -> tuple[Study, Array, bool, Solution]:
    """The fit to all rows with steps whose bias is negligible.

    Args:
        polish: settings of the polish; None to leave the constants.
        step_tolerance: bound on the step bias of a constant, see `recover`.

    Returns:
        The study with finer steps, constants, whether the fit converged, and its
        solution.
    """
    found = solution(study, theta, mask)
    width = np.asarray(study.spans)
    told = STEP_BIAS * width if step_tolerance is None else step_tolerance
    tolerance = np.full(width.shape, told)
    # scatter that is estimated from coarse steps would hide their own bias
    if step_tolerance is None and study.data.noise.known:
        tolerance = np.maximum(tolerance, 0.01 * np.asarray(found.stderr))
    finer, settled = _refined(study, found.bias, tolerance, width), True
    report("polish", 2, 4)
    # the first estimate came from coarse steps; a finer one may ask for more
    for _ in range(3 if polish else 1):
        study = finer
        theta, settled = settle(polish, study, theta, mask, found.at)
        found = solution(study, theta, mask)
        if polish is not None and np.any(np.asarray(found.stderr) > width):
            # what little is told near a minimum may be nothing at the minimum itself
            polish = dataclasses.replace(polish, within=0.0)
            theta, settled = settle(polish, study, theta, mask, found.at)
            found = solution(study, theta, mask)
        enough = np.maximum(tolerance, _share_of_scatter(found, step_tolerance))
        finer = _refined(study, found.bias, enough, width)
        if int(finer.substeps) == int(study.substeps):
            if settled or study.order is None:
                break
            # near a node coarse steps can make a kink, in which no fit settles
            finer = study.with_substeps(min(2 * int(study.substeps), MAX_SUBSTEPS))
    return study, theta, bool(settled), found


def _share_of_scatter(found: Solution, step_tolerance: float | None) -> Any:
    """A thousandth of the standard errors, where the scatter is that of the record.

    The scatter that steps make is no smaller than their bias.
    """
    stderr, bias = np.asarray(found.stderr), np.abs(np.asarray(found.bias))
    small = step_tolerance is None and bool(np.all(bias < 0.01 * stderr))
    # infinite ones are of scatter that nothing tells
    small = small and bool(np.all(np.isfinite(stderr)))
    return 1e-3 * stderr if small else 0.0


def _refined(study: Study, biases: Array, tolerance: Any, width: Any) -> Study:
    """The study with a step whose biases are below their tolerances."""
    bias, order = np.abs(np.asarray(biases)), study.order
    # a bias that is none: the run ends early, which the status will say; one beyond all
    # starts: the fit is no minimum that finer steps could sharpen
    small = bool(np.all(bias < width))
    if order is None or bool(np.all(bias <= tolerance)) or not small:
        return study
    factor = math.ceil(1.2 * float(np.max(bias / tolerance)) ** (1 / order))
    return study.with_substeps(min(int(study.substeps) * factor, MAX_SUBSTEPS))


def refined(study: Study, theta: Array, change: float = STEP_CHANGE) -> Study:
    """The study with steps of which half a step would change ln L by less than this.

    Constants know less: where shares sum to 1 but for 1e-6, 1e5 shots shift ln L by .1.
    A study whose steps are as fine, or whose method has none, stays as it is.

    Args:
        theta: constants, shape (p,), known.
        change: of ln L, that is accepted.

    Raises:
        ValueError: data whose scatter is not known.
    """
    if study.order is None:
        return study
    log = float(study.log_likelihood(theta))
    while int(study.substeps) < MAX_SUBSTEPS:
        finer = study.with_substeps(2 * int(study.substeps))
        after = float(finer.log_likelihood(theta))
        # two infinities of one kind are equal
        if after == log or abs(after - log) < change:
            break
        study, log = finer, after
    return study

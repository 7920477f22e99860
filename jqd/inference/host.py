"""`recover`: fit the free constants of a law to a record."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from .. import _checks
from ..evolution import Adaptive, Fixed, Propagator
from .data import Data
from .final import FinalFit, row_masks
from .polish import Polish, polish_starts
from .problem import FitProblem
from .recovery import Recovery
from .search import Keep, Report, Search, run_search
from .setup import (
    as_data,
    check_record,
    draw_starts,
    free_names,
    refuse,
    search_substeps,
    start_point,
    train_rows,
)
from .solution import reached
from .traced import fit


def recover(
    law: Any,
    data: Data | tuple[ArrayLike, ArrayLike] | Any,
    *,
    psi0: Any,
    free: Sequence[str],
    start: Mapping[str, ArrayLike] | None = None,
    starts: int | ArrayLike = 32,
    observe: Any = "density",
    search: Search | None = Search(),  # noqa: B008 - frozen settings
    polish: Polish | None = Polish(),  # noqa: B008 - frozen settings
    method: Fixed | Adaptive | Propagator | None = None,
    substeps: int | None = None,
    held_out: float = 0.2,
    step_tolerance: float | None = None,
    key: Array | None = None,
    report: Report | None = None,
    keep: Keep | None = None,
) -> Recovery:
    """Fit free constants of a law to a record of quantum evolution.

    The search carries many starts downhill (optax, over growing windows of time); the
    polish takes them to rounding (Levenberg-Marquardt), refines the step until its bias
    is negligible, and yields covariance and error bars. Part of the record is held out
    and predicted before the final fit to all of it.

    Where anything is traced (under jit, vmap or in a sweep) it is `jqd.fit` with these
    settings, and returns a `Fit`: `constants` as here, with arrays, and a code as
    `status`. Neither progress nor a bound on the step bias is to be had there.

    Args:
        law: the law; constants that are not free keep their values.
        data: a `Data`, a pair (ts, values), or an `xarray.DataArray` over "t".
        psi0: quantum state at `data.t0`; prepared by `law.prepare`.
        free: names of the constants to fit, e.g. ("q", "r"); "phase0" for unknown
            initial phases.
        start: where to start, by name ("R") or label ("R[0,1]"); the other starts are
            drawn from `law.span`.
        starts: number of starts, or an array of them, shape (S, p).
        observe: what the record shows, as for `jqd.evolve`.
        search: settings of the search; None to polish the starts as they are.
        polish: settings of the polish; None to stop after the search.
        method: how to evolve; None for `Propagator()` where the law is solvable, else
            `Fixed(law.stepper)`. The step of `Fixed` is found by the fit.
        substeps: steps between two rows in the search; None to find them.
        held_out: share of the last rows that is held out.
        step_tolerance: bound on the step bias of a constant; None for 1e-10, or a
            hundredth of the standard error where that is larger.
        key: of the random starts; None for `jax.random.key(0)`.
        report: called as report(stage, done, total).
        keep: called as keep(starts, ends, history) after each window of the search, so
            that a run that is killed leaves what it has found.

    Returns:
        The recovery.

    Raises:
        ValueError: unknown names, shapes that differ, float64 off.
        Unidentifiable: (a ValueError) the data cannot tell the constants apart.
    """
    _checks.require_x64("jqd.recover")
    # under jit even arrays that depend on nothing cannot be read
    if not _checks.is_concrete((law, data, psi0, start, starts, key, jnp.zeros(()))):
        if (step_tolerance, report, keep) != (None, None, None):
            raise ValueError(
                "Arguments `step_tolerance`, `report` and `keep` must be None where "
                "values are traced, but are not."
            )
        found = fit(
            law, data, psi0=psi0, free=free, start=start, starts=starts,
            observe=observe, search=search, polish=polish, method=method,
            substeps=substeps, held_out=held_out, key=key,
        )  # fmt: skip
        return cast(Any, found)
    data = as_data(data)
    free = free_names(law, free)
    if not 0 <= held_out < 1:
        raise ValueError(f"Argument `held_out` must be in [0, 1), but is {held_out}.")
    report = report or (lambda stage, done, total: None)
    method = method or (Propagator() if law.solvable else Fixed(law.stepper))
    psi0 = law.admit(psi0)
    law.prepare(psi0)  # what it refuses is better refused now than under jit
    problem = FitProblem(law, psi0, data, free, observe, method).with_substeps(1)
    theta0 = start_point(problem, start)
    check_record(problem, theta0)
    problem = problem.with_substeps(substeps or search_substeps(problem, theta0))
    first = draw_starts(problem, theta0, start, starts, key)
    refuse(problem, first)
    train = train_rows(data.ts.shape[0], held_out, theta0.shape[0])

    ends, history = first, jnp.zeros((first.shape[0], 0))
    if search is not None:
        ends, history = run_search(search, problem, first, train, report, keep)
    masks = _masks(data.ts, train)
    report("polish", 0, 4)
    ends, costs, sound, _ = polish_starts(polish, problem, ends, masks[0])
    report("polish", 1, 4)
    best = int(np.nanargmin(np.where(sound, costs, np.inf)))
    winner = jnp.asarray(np.asarray(ends)[best])
    near = jnp.asarray(np.asarray(reached(problem, ends, winner)) & np.asarray(sound))
    final = FinalFit(problem, winner, masks, polish, step_tolerance, report)
    return final.recovery(first, ends, near, history, theta0, train)


_masks = jax.jit(row_masks, static_argnums=1)

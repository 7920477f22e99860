"""`fit`: the fit of `recover` as a pure function, for jit, vmap and sweeps."""

import enum
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from .. import _checks
from ..evolution import Adaptive, Fixed, Propagator, Status
from .data import Data
from .ensemble_noise import Whitening
from .final import references, row_masks
from .goodness import MISFIT_P
from .identifiability import Unidentifiable
from .polish import Polish, polish_starts
from .problem import FitProblem
from .recovery import Constant
from .search import Search, search_all
from .setup import (
    as_data,
    check_record,
    draw_starts,
    free_names,
    start_point,
    train_rows,
)
from .solution import Solution, held_out_distance, predict, reached, solution

SUBSTEPS = 8  # steps between two rows unless told


class FitStatus(enum.IntEnum):
    """How a fit ended; `Fit.status` holds one for each member of a batch."""

    CONVERGED = 0
    NOT_CONVERGED = 1
    NON_FINITE = 2
    UNREACHED = 3
    UNIDENTIFIABLE = 4
    NOISE_INVALID = 5
    MISFIT = 6

    @property
    def sentence(self) -> str:
        """What the status means."""
        return _SENTENCES[self]


_SENTENCES = {
    FitStatus.CONVERGED: "The polish settled.",
    FitStatus.NOT_CONVERGED: "The polish stopped before it settled.",
    FitStatus.NON_FINITE: "A number of the record, the state or the run is not finite.",
    FitStatus.UNREACHED: "The run of the best fit does not hold to the last time.",
    FitStatus.UNIDENTIFIABLE: "The record cannot tell the constants apart.",
    FitStatus.NOISE_INVALID: "The scatter is not Gaussian: no standard errors.",
    FitStatus.MISFIT: "The law, followed with these steps, does not describe the "
    "record (p < 1e-3): its standard errors are not to be trusted.",
}
# Beyond these codes there is no fit to speak of, and its numbers are NaN.
_LOST = (FitStatus.NON_FINITE, FitStatus.UNREACHED, FitStatus.UNIDENTIFIABLE)


class Fit(eqx.Module):
    """The outcome of a fit as arrays alone; a batch has them with a first axis.

    Every number is NaN where `status` is NON_FINITE, UNREACHED or UNIDENTIFIABLE, save
    `singular_values` and `ends`.

    Attributes:
        constants: label -> `Constant` with value, standard error and step bias.
        covariance: of the constants, from the scatter of the data alone, (p, p).
        singular_values: of the scaled Jacobian at the fit, descending, (p,).
        cost: sum of squared residuals, scalar.
        chi2_per_dof: for noise of known size, else None.
        p_value: of this chi-square, if law and errors are right; for noise of known
            size, else None.
        held_out: distance of the prediction from rows that took no part in the fit, or
            None where none were held out.
        ends: where each start went, shape (S, p).
        agree: which starts reached the best fit, shape (S,).
        status: a `FitStatus`, scalar.
    """

    constants: dict[str, Constant]
    covariance: Float[Array, "p p"]
    singular_values: Float[Array, " p"]
    cost: Float[Array, ""]
    chi2_per_dof: Float[Array, ""] | None
    p_value: Float[Array, ""] | None
    held_out: Float[Array, ""] | None
    ends: Float[Array, "S p"]
    agree: Bool[Array, " S"]
    status: Int[Array, ""]

    @property
    def value(self) -> dict[str, Array]:
        """The constants by label."""
        return {name: jnp.asarray(one.value) for name, one in self.constants.items()}

    @property
    def stderr(self) -> dict[str, Array]:
        """Their standard errors by label."""
        return {name: jnp.asarray(one.stderr) for name, one in self.constants.items()}


def fit(
    law: Any,
    data: Data | tuple[ArrayLike, ArrayLike],
    *,
    psi0: Any,
    free: Sequence[str],
    start: Mapping[str, ArrayLike] | None = None,
    starts: int | ArrayLike = 4,
    observe: Any = "density",
    search: Search | None = Search(steps=20, windows=4),  # noqa: B008 - frozen
    polish: Polish | None = Polish(rtol=1e-7, atol=1e-7, max_steps=30),  # noqa: B008
    method: Fixed | Adaptive | Propagator | None = None,
    substeps: int | None = None,
    held_out: float = 0.0,
    key: Array | None = None,
) -> Fit:
    """Fit free constants of a law to a record: `recover` as a pure function.

    θ = argmin Σ_i [r_i(θ)/σ_i]²,   covariance = (J^T J)^-1,   J = ∂(r/σ)/∂θ

    Works under jit, vmap and in sweeps: constants of the law, the record, its times,
    psi0, the starts and the key may be traced; names and settings are static. Two
    things that `recover` does are left out. The step is not refined until its bias is
    negligible: it is `substeps` a row, and its bias is reported with each constant and
    is part of the standard error. And constants that no data could tell apart are not
    refused beforehand: the Jacobian at the fit decides, and `status` says so. A fit
    that fails has its status and NaN, and leaves the others of its batch as they are.

    The value of a constant has a derivative by whatever was traced, by the implicit
    function theorem.

    Args:
        law: the law; constants that are not free keep their values.
        data: a `Data` or a pair (ts, values).
        psi0: quantum state at `data.t0`; prepared by `law.prepare`.
        free: names of the constants to fit, e.g. ("q", "r").
        start: where to start, by name or label; other starts are drawn from `law.span`.
        starts: number of starts, or an array of them, shape (S, p). One is enough, and
            `search=None`, where `start` is near.
        observe: what the record shows, as for `jqd.evolve`.
        search: settings of the search; None to polish the starts as they are.
        polish: settings of the polish; None to stop after the search.
        method: how to evolve; None for `Propagator()` where the law is solvable, else
            `Fixed(law.stepper)`.
        substeps: steps of `Fixed` between two rows; None for 8.
        held_out: share of the last rows that is held out.
        key: of the random starts; None for `jax.random.key(0)`.

    Returns:
        The fit.

    Raises:
        ValueError: unknown names, shapes that differ, float64 off.
        Unidentifiable: (a ValueError) no data at all could tell the constants apart.
    """
    _checks.require_x64("jqd.fit")
    data, free = as_data(data), free_names(law, free)
    if not 0 <= held_out < 1:
        raise ValueError(f"Argument `held_out` must be in [0, 1), but is {held_out}.")
    reason = law.refusal(free)
    if reason is not None:
        raise Unidentifiable(
            f"Argument `free` must name constants that data can tell apart, but "
            f"{reason}."
        )
    method = method or (Propagator() if law.solvable else Fixed(law.stepper))
    if isinstance(method, Fixed):
        steps = SUBSTEPS if substeps is None else substeps
        method = Fixed(method.stepper, steps, estimate_error=False)
    problem = FitProblem(law, law.admit(psi0), data, free, observe, method)
    theta0 = start_point(problem, start)
    check_record(problem, theta0)
    first = draw_starts(problem, theta0, start, starts, key)
    finite = _all_finite((data.ts, data.values, data.t0, problem.psi0, first))
    problem, first = _without_holes(problem, first)
    train = train_rows(data.ts.shape[0], held_out, theta0.shape[0])
    # a record with holes weighs nothing: its fit ends at once, and others need not wait
    masks = tuple(jnp.where(finite, mask, 0) for mask in row_masks(data.ts, train))

    ends = first if search is None else search_all(search, problem, first, train)
    ends, costs, sound, settled = polish_starts(polish, problem, ends, masks[0])
    best = jnp.argmin(jnp.where(sound, costs, jnp.inf))
    theta = held = ends[best]
    near, settled = reached(problem, ends, theta) & sound, settled[best]
    if polish is not None and train < data.ts.shape[0]:
        one = polish_starts(polish, problem, theta[None], masks[1], windows=False)
        theta, settled = one[0][0], one[3][0]
    found = solution(problem, theta, masks[1], judge_steps=True)
    status = _status(found, finite & jnp.any(sound), settled)
    missed = None
    if train < data.ts.shape[0]:
        missed = held_out_distance(predict(problem, held), data.shares, train)
    return _fit(problem, found, status, missed, ends, near)


def _without_holes(problem: FitProblem, first: Array) -> tuple[FitProblem, Array]:
    """The same with ones where a value is not finite."""

    def filled(x: Array) -> Array:
        return jnp.where(jnp.isfinite(x), x, jnp.ones_like(x))

    values = filled(problem.data.values)
    problem = eqx.tree_at(lambda p: p.data.values, problem, values)
    return problem, filled(first)


def _all_finite(tree: Any) -> Bool[Array, ""]:
    leaves = [leaf for leaf in jax.tree.leaves(tree) if eqx.is_inexact_array(leaf)]
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))


def _status(found: Solution, finite: Array, settled: Array) -> Int[Array, ""]:
    """The first of these that is the case, the gravest first."""
    finite &= found.ended != Status.NON_FINITE
    finite &= _all_finite((found.theta, found.cost))
    valid = jnp.asarray(True)
    if isinstance(found.at, Whitening):
        valid = found.at.holds
    cases = (
        (FitStatus.NON_FINITE, ~finite),
        (FitStatus.UNREACHED, found.ended != Status.OK),
        (FitStatus.UNIDENTIFIABLE, found.analysis.null > 0),
        (FitStatus.NON_FINITE, ~_all_finite((found.covariance, found.bias))),
        (FitStatus.NOT_CONVERGED, ~settled),
        (FitStatus.NOISE_INVALID, ~valid),
        (FitStatus.MISFIT, found.p_value < MISFIT_P),
    )
    status = jnp.asarray(FitStatus.CONVERGED.value)
    for code, case in reversed(cases):
        status = jnp.where(case, code.value, status)
    return status


def _fit(
    problem: FitProblem,
    found: Solution,
    status: Array,
    held_out: Array | None,
    ends: Array,
    near: Array,
) -> Fit:
    lost = jnp.any(jnp.stack([status == code.value for code in _LOST]))

    def known(x: Array) -> Array:
        return jnp.where(lost, jnp.nan, x)

    values, errors = known(found.theta), known(found.errors)
    biases, scatter = known(jnp.abs(found.bias)), known(found.stderr)
    constants = {
        label: Constant(label, values[i], errors[i], biases[i], reference, scatter[i])
        for i, (label, reference) in enumerate(
            zip(problem.labels(), references(problem), strict=True)
        )
    }
    return Fit(
        constants=constants,
        covariance=known(found.covariance),
        singular_values=found.analysis.singular_values,
        cost=known(found.cost),
        chi2_per_dof=known(found.chi2) if problem.data.noise.known else None,
        p_value=known(found.p_value) if problem.data.noise.known else None,
        held_out=None if held_out is None else known(held_out),
        ends=ends,
        agree=near & ~lost,
        status=status,
    )

"""`fit`: the free constants with which a law describes data best.

Throughout, `study` holds law, data and free constants, `theta` is its constants, (p,),
and `mask` the weight of each row of the data, (T,).
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from .. import _checks, _html
from .._lazy import above
from .._math import divisor
from ..evolution import Adaptive, Fixed, Propagator
from ..evolution.judging import richardson
from ..instruments.noise import Noise, Weights, sums_to_one
from ..laws.motion import Motion
from ..records.record import Record
from ..records.scan import settings_of
from ..status import Status, describe
from .active import inward, sides_at
from .errors import StandardErrors, errors_of
from .goodness import MISFIT_P, p_value
from .hidden import unless_hidden
from .identifiability import Identifiability, analyse, refuse_names
from .joint import Joint, study_of
from .polish import Polish, jacobian, polish_one, polish_starts
from .search import Keep, Report, Search, run_search
from .study import Study, ended

SUBSTEPS = 8  # steps between two rows by default


# Beyond these codes there is no fit, and its numbers are NaN.
_LOST = (Status.NON_FINITE, Status.UNREACHED, Status.UNIDENTIFIABLE)


class Constant(eqx.Module):
    """One recovered constant; numbers of `recover`, arrays of `fit`.

    Attributes:
        name: label (static).
        value: best fit.
        stderr: standard error: scatter of the data and step bias together, not below
            rounding.
        step_bias: estimated error of the value that the finite time step leaves, and
            the nodes of an average over runs, where the law takes one.
        reference: value in quantum mechanics, or None where the law has none.
        scatter: standard error from the scatter of the data alone, or None where it is
            all of `stderr`.
        known: the same, if all nuisances were known; None without nuisances.
        alone: the same, if the nuisances had no priors, inf where nothing else
            determines them; None without nuisances.
        pull: of a nuisance, value less the mean of its prior in standard deviations of
            the prior; else None.
        holds: whether there is a standard error and no test speaks against it; where it
            does not hold, neither a deviation nor its significance is given.
        at_bound: -1 at the lower bound and 1 at the upper one, where the data would
            lead beyond it; else 0. `stderr` is then the distance inwards at which
            chi-square is larger by 1, and no significance is given; the errors of the
            others are for this constant at its bound.
    """

    name: str = eqx.field(static=True)
    value: Any
    stderr: Any
    step_bias: Any
    reference: float | None
    scatter: Any = None
    known: Any = None
    alone: Any = None
    pull: Any = None
    holds: Any = True
    at_bound: Any = 0

    @property
    def deviation(self) -> Any:
        """value - reference; None where there is no reference, or its error does not
        hold (NaN in a batch)."""
        if self.reference is None or self.holds is False:
            return None
        apart = self.value - self.reference
        return apart if self.holds is True else jnp.where(self.holds, apart, jnp.nan)

    @property
    def sigmas(self) -> Any:
        """The deviation in standard errors; None where there is no deviation, where
        step bias and rounding exceed the scatter in the error, or at a bound, where
        errors are one-sided (NaN in a batch)."""
        free = self.at_bound == 0
        scatter = self.stderr if self.scatter is None else self.scatter
        apart = self.deviation
        if apart is None:
            return None
        if self.holds is not True:
            sound = free & (scatter > 0) & (self.stderr <= 1.5 * scatter)
            return jnp.where(sound, apart / self.stderr, jnp.nan)
        if not free or not scatter > 0 or self.stderr > 1.5 * scatter:
            return None
        return apart / self.stderr

    @property
    def digits(self) -> str:
        """The value to the digits its error allows; three if the error does not
        hold."""
        value = float(self.value)
        if not bool(np.all(self.holds)):
            return f"{value:.3g}"
        return _html.with_error(value, float(self.stderr))

    def __str__(self) -> str:
        if np.ndim(self.value):
            return f"{self.name} of shape {np.shape(self.value)}"
        if not bool(np.all(self.holds)):
            return f"{self.name} = {self.digits} at the best fit; no error holds"
        if self.at_bound:
            end, sign = ("lower", "+") if self.at_bound < 0 else ("upper", "-")
            off = f"chi-square is larger by 1 at {sign}{float(self.stderr):.2g}"
            return f"{self.name} = {self.digits}, at its {end} bound; {off}"
        told = _html.plus_minus(float(self.value), float(self.stderr))
        return f"{self.name} = {told}"


class Fit(eqx.Module):
    """The result of a fit as arrays alone; a batch has them with a first axis.

    Every number is NaN where `status` is NON_FINITE, UNREACHED or UNIDENTIFIABLE, save
    `singular_values` and `ends`.

    Attributes:
        constants: label -> `Constant` with value, standard error and step bias.
        covariance: of the constants, from the scatter of the data alone, (p, p); 0 for
            those at a bound, infinite where nothing determines the scatter.
        singular_values: of the scaled Jacobian at the fit, descending, (p,).
        cost: sum of squared residuals, scalar.
        chi2_per_dof: for noise of known size, else None; NaN where there are no more
            values than constants.
        p_value: of this chi-square, if law and errors are right; likewise.
        held_out: distance of the prediction from rows that were not used in the fit
            (mean total variation for populations, else mean absolute difference), or
            None where none were held out.
        ends: result from each initial guess, shape (S, p).
        agree: which initial guesses reached the best fit, shape (S,).
        status: a `jqd.Status`, scalar.
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

    def describe(self) -> str:
        """The status in words, counted over a batch."""
        return describe(self.status, "fit")

    def save(self, path: str | Path) -> Path:
        """Write the arrays as a Zarr folder, which `jqd.load` reads back.

        Args:
            path: the folder, which must not exist.

        Raises:
            ValueError: it exists or cannot be written.
        """
        return above("trees", "save")(above("datasets", "plain_dataset")(self), path)

    def __repr__(self) -> str:
        return str(self) if _checks.is_concrete(self) else eqx.tree_pformat(self)

    def __str__(self) -> str:
        if not _checks.is_concrete(self):
            return repr(self)
        batch = np.shape(self.status)
        lines = [f"{f'Fits {batch}' if batch else 'Fit'}: {self.describe()}"]
        lines += [f"  {constant}" for constant in self.constants.values()]
        chi2 = self.chi2_per_dof
        if not batch and chi2 is not None and np.isfinite(chi2):
            p = float(cast(Array, self.p_value))
            each = f"{float(chi2):.4g} (p = {p:.2g})"
            lines.append(f"  chi-square per degree of freedom {each}")
        return "\n".join(lines)

    @_html.shows
    def _repr_html_(self) -> _html.Card:
        single = np.ndim(self.status) == 0
        shapes = [(name, str(np.shape(c.value))) for name, c in self.constants.items()]
        batch = _html.Table(("constant", "shape"), shapes)
        return _html.Card(
            "Fit" if single else f"Fits {np.shape(self.status)}",
            *_html.status_word(self.status),
            [constants_table(self.constants) if single else batch],
            [self.describe()],
        )

    @property
    def value(self) -> dict[str, Array]:
        """Best fit of the constants by label."""
        return {name: jnp.asarray(one.value) for name, one in self.constants.items()}

    @property
    def stderr(self) -> dict[str, Array]:
        """Standard errors of the constants by label."""
        return {name: jnp.asarray(one.stderr) for name, one in self.constants.items()}


def _inward(one: Constant) -> str:
    """Where the error of a constant at its bound leads."""
    if not one.at_bound:
        return ""
    return f" inwards from its {'lower' if one.at_bound < 0 else 'upper'} bound"


def constants_table(constants: Mapping[str, Constant]) -> _html.Table:
    """The table of constants in a notebook."""

    def told(number: Any, digits: int, unit: str = "") -> str:
        if number is None or np.isnan(number):
            return "none"
        return f"{float(number):.{digits}g}{unit}"

    lines = [
        (
            name,
            one.digits,
            told(one.stderr if np.all(one.holds) else None, 2, _inward(one)),
            told(one.reference, 6),
            told(one.sigmas, 2, " errors"),
        )
        for name, one in constants.items()
    ]
    headings = ("constant", "value", "standard error", "known value", "deviation")
    return _html.Table(headings, lines)


def fit(
    law: Motion | Study | Sequence[Study] | Mapping[str, Study],
    data: Record | tuple[ArrayLike, ArrayLike] | Any = None,
    *,
    psi0: Any = None,
    free: Sequence[str] | None = None,
    start: Mapping[str, ArrayLike] | None = None,
    starts: int | ArrayLike = 4,
    instrument: Any = None,
    nuisances: Mapping[str, Any] | None = None,
    search: Search | None = Search(steps=20, windows=4),  # noqa: B008 - frozen
    polish: Polish | None = Polish(rtol=1e-7, atol=1e-7, max_steps=30),  # noqa: B008
    method: Fixed | Adaptive | Propagator | None = None,
    substeps: int | None = None,
    held_out: float = 0.0,
    key: Array | None = None,
) -> Fit:
    """Fit free constants of a law to data: `recover` as a pure function.

    θ = argmin Σ_i [r_i(θ)/σ_i]²,   covariance = (J^T J)^-1,   J = ∂(r/σ)/∂θ

    Works under jit, vmap and in sweeps: constants of the law, the data, their times,
    psi0, the initial guesses and the key may be traced; names and settings are static.
    It leaves out two things that `recover` does. The time step is not refined until its
    bias is negligible: there are `substeps` steps between rows, and their bias is
    reported with each constant and is part of the standard error. And constants that no
    data could distinguish are not refused beforehand: the Jacobian at the fit decides,
    and `status` says so. A fit that fails has its status and NaN, and leaves the others
    of its batch as they are. A pattern of the residuals that a fitted scatter hides is
    looked for, as by `recover`, but where values are traced: its status is MISFIT.

    The value of a constant has a derivative in whatever was traced, by the implicit
    function theorem.

    Args:
        law, data, psi0, free, start, starts, instrument, nuisances, search, polish,
            method, held_out, key: as for `recover`. One initial guess is enough, and
            `search=None`, where it is near.
        substeps: steps of `Fixed` between two rows; None for 8.

    Returns:
        The fit.

    Raises:
        ValueError: unknown names, shapes that differ, float64 off.
        Unidentifiable: (a ValueError) no data could distinguish the constants.
    """
    _checks.require_x64("jqd.fit")
    study = study_of(
        law, data, psi0=psi0, free=free, instrument=instrument,
        nuisances=nuisances, method=method,
    )  # fmt: skip
    refuse_names(study)
    study = study.with_fixed(SUBSTEPS if substeps is None else substeps)
    first, train = begin(study, start, starts, key, held_out)
    record = study.data
    none = np.zeros(len(study.labels()))
    settings = [settings_of(one.data) for one, _ in study.singles(none)]
    finite = _all_finite(
        (record.ts, record.values, record.t0, study.scene.start, first, settings)
    )
    study, first = _without_holes(study, first)
    # a record with holes weighs nothing: its fit ends at once, and others need not wait
    masks = [jnp.where(finite, mask, 0) for mask in row_masks(record, train)]

    found = find(study, first, train, masks[0], search, polish)
    theta, settled = found.theta, found.settled
    if train < record.ts.shape[0]:
        theta, settled = settle(polish, study, theta, masks[1], settled)
    at = solution(study, theta, masks[1])
    status = status_of(at, finite & found.sound, settled)
    status = unless_hidden(study, at.theta, status)
    held_out_rows = study.predict(found.theta) if train < record.ts.shape[0] else None
    apart = missed(study, held_out_rows, train)
    return _fit(study, found, at, status, apart)


# -- steps of a fit ------------------------------------------------------------------


def begin(
    study: Study,
    start: Mapping[str, ArrayLike] | None,
    starts: int | ArrayLike,
    key: Array | None,
    held_out: float,
) -> tuple[Float[Array, "S p"], int]:
    """The initial guesses of a fit: first the given one, then uniform over the span.

    Returns:
        Initial guesses, and number of rows to fit: too few rows are not split.
    """
    if not 0 <= held_out < 1:
        raise ValueError(f"Argument `held_out` must be in [0, 1), but is {held_out}.")
    key = jax.random.key(0) if key is None else _checks.single_key(key)
    theta = study.theta(start)
    rows, size = study.data.ts.shape[0], theta.shape[0]
    train = rows - math.floor(held_out * rows)
    train = train if train > 2 * size else rows
    if not isinstance(starts, int | np.integer):
        given = jnp.asarray(starts, theta.dtype)
        _checks.check_shape(given, "starts", (given.shape[0], size))
        _checks.check_finite(given, "starts")
        return given, train
    if starts < 1:
        raise ValueError(f"Argument `starts` must be at least 1, but is {starts}.")
    if starts == 1 and start is not None:
        return theta[None], train
    return _drawn(study, theta, key, starts, start is not None), train


@partial(jax.jit, static_argnums=(3, 4))
def _drawn(study: Study, theta: Array, key: Array, starts: int, given: bool) -> Array:
    low, high = study.bounds()
    uniform = jax.random.uniform(key, (starts, theta.shape[0]), theta.dtype)
    drawn = low[None, :] + uniform * (high - low)[None, :]
    return drawn.at[0].set(theta) if given else drawn


def row_masks(data: Record, train: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the rows, (T,): of those to fit, and of all."""
    rows = np.arange(data.ts.shape[0])
    return np.where(rows < train, 1.0, 0.0), np.ones(rows.shape)


class Found(NamedTuple):
    """The result of search and polish.

    Attributes:
        ends: result from each initial guess, (S, p).
        history: loss of each at each step of the search, (S, steps), or None.
        theta: the best of the ends, (p,).
        near: which ends agree with it to 1e-4 of the span of the guesses, (S,).
        settled: whether its polish converged.
        sound: whether any end has a finite cost.
    """

    ends: Array
    history: Array | None
    theta: Array
    near: Array
    settled: Array
    sound: Array


def find(
    study: Study,
    first: Float[Array, "S p"],
    train: int,
    mask: ArrayLike,
    search: Search | None,
    polish: Polish | None,
    report: Report | None = None,
    keep: Keep | None = None,
) -> Found:
    """Search from every initial guess, polish every end, take the best.

    Args:
        first: initial guesses, shape (S, p).
    """
    ends, history = first, None
    if search is not None:
        ends, history = run_search(search, study, first, train, report, keep)
    if report is not None:
        report("polish", 0, 4)
    ends, costs, settled = polish_starts(polish, study, ends, mask)
    return Found(ends, history, *_best(study, ends, costs, settled))


def _best(
    study: Study, ends: Array, costs: Array, settled: Array
) -> tuple[Array, Array, Array, Array]:
    low, high = study.bounds()
    xp, (ends, costs, settled, low, high) = host_or_device(
        (ends, costs, settled, low, high)
    )
    sound = xp.isfinite(costs) & xp.all(xp.isfinite(ends), axis=1)
    best = xp.argmin(xp.where(sound, costs, xp.inf))
    away = xp.abs(ends - ends[best][None, :]) / (high - low)[None, :]
    near = (xp.max(away, axis=1) < 1e-4) & sound
    return ends[best], near, settled[best], xp.any(sound)


def host_or_device(tree: Any) -> tuple[Any, Any]:
    """NumPy and its arrays where values can be read, else JAX and its own.

    The values that `recover` computes between two programs are few: to load one more
    program takes longer than all of it.
    """
    known = _checks.can_read() and _checks.is_concrete(tree)
    return (np, jax.tree.map(np.asarray, tree)) if known else (jnp, tree)


def settle(
    polish: Polish | None, study: Study, theta: Array, mask: ArrayLike, settled: Any
) -> tuple[Array, Any]:
    """Polish one fit to other rows or steps: constants, and whether it converged.

    Without a polish, both stay as they were.
    """
    if polish is None:
        return theta, settled
    theta, _, settled = polish_one(polish, study, theta, mask)
    return theta, settled


# -- what a fit says -----------------------------------------------------------------


class Solution(eqx.Module):
    """Covariance and step bias at a solution; a pure function of the fit.

    Attributes:
        theta: constants, shape (p,).
        at: source of the weights.
        cost: sum of squared residuals, scalar.
        dof: degrees of freedom: independent values less constants, scalar.
        chi2: cost per degree of freedom, scalar; NaN where there is none.
        p_value: probability of a cost as large as this for noise that is known, else 1;
            NaN without a degree of freedom.
        covariance: of the constants, from the scatter of the data alone, (p, p); 0 for
            those at a bound. Infinite where no degree of freedom tells the scatter of
            noise that is not known, as are all errors then.
        side: -1 for a constant at its lower bound, 1 at its upper one, else 0, (p,).
        analysis: singular values and null directions of the scaled Jacobian.
        bias: shift of the solution with half the step, by linear response, shape (p,).
        averaging: likewise with another number of nodes of averages over runs, (p,); 0
            where the law takes none.
        stderr: standard errors from the scatter of the data, shape (p,); inwards for
            those at a bound.
        errors: standard errors with step bias and rounding, shape (p,).
        three: standard errors with nuisances known, with priors and without; None where
            there are no nuisances.
        pulls: of the nuisances from their priors, in widths of these, (k,).
        ended: how the run at the solution ended, a `jqd.Status`.
        judged: status of the fit from its scatter, a `jqd.Status`.
    """

    theta: Float[Array, " p"]
    at: Weights
    cost: Float[Array, ""]
    dof: Float[Array, ""]
    chi2: Float[Array, ""]
    p_value: Float[Array, ""]
    covariance: Float[Array, "p p"]
    side: Int[Array, " p"]
    analysis: Identifiability
    bias: Float[Array, " p"]
    averaging: Float[Array, " p"]
    stderr: Float[Array, " p"]
    errors: Float[Array, " p"]
    three: StandardErrors | None
    pulls: Float[Array, " k"]
    ended: Int[Array, ""]
    judged: Int[Array, ""]


@jax.jit
def solution(study: Study, theta: Array, mask: Array) -> Solution:
    """The errors and tests of a fit at `theta`."""
    data, noise = study.data, study.data.noise
    low, high = study.bounds()
    width = high - low
    # a search, or a polish that stopped early, may end beyond a bound: the law there is
    # that on it
    theta = jnp.clip(theta, *study.walls(theta))
    run = study.trajectory(theta)
    at = study.weights(theta, study.rows_of(run))
    told = study.told  # walls tell nothing of errors
    residuals, slope = (x[:told] for x in jacobian(study, theta, at, mask))
    side = sides_at(study, theta, residuals, slope)
    held = side != 0
    inverse, fine_slope = _inverse(slope, width, held), None
    bias, order = jnp.zeros_like(theta), study.order
    if order is not None:
        # a judgement of the steps, not a result: no gradient flows through it
        where, weights = jax.lax.stop_gradient((theta, at))
        finer = jax.lax.stop_gradient(study.with_substeps(2 * study.substeps))
        both = jacobian(finer, where, weights, mask)
        fine, fine_slope = (x[:told] for x in both)
        shift = inverse @ (slope.T @ (residuals - fine))
        bias = richardson(order) * shift
    other = _by_another_rule(study, theta, at, mask)
    averaging = jnp.zeros_like(theta)
    if other is not None:
        averaging = inverse @ (slope.T @ (residuals - other))
    cost = study.chi2(residuals)
    fitted = theta.shape[0] - jnp.sum(held)
    dof = noise.independent(data.values, at, mask) + study.judged - fitted
    left = dof >= 1
    chi2 = jnp.where(left, cost / jnp.maximum(dof, 1), jnp.nan)
    excess = noise.excess(data.values, at, mask)
    p = p_value(cost, dof, excess) if noise.known else jnp.ones_like(cost)
    p = jnp.where(left, p, jnp.nan)
    # what fits as many values as there are constants leaves no scatter to go by
    sized = left | noise.known
    scatter = jnp.where(left & (not noise.known), chi2, 1)
    covariance = jnp.where(sized, inverse * scatter, jnp.inf)
    analysis = analyse(slope, width, study.labels(), fine_slope)
    one_sided = inward(slope, residuals, inverse, side, scatter)
    # the root of a 0 has no derivative
    variance = jnp.where(held, 1, jnp.diagonal(inverse * scatter))
    stderr = jnp.where(held, one_sided, jnp.sqrt(variance))
    stderr = jnp.where(sized, stderr, jnp.inf)
    # scatter, step bias and nodes have nothing to do with each other: add in squares
    errors = jnp.hypot(jnp.hypot(stderr, jnp.abs(bias)), jnp.abs(averaging))
    # no number is known better than its rounding
    rounding = 8 * jnp.finfo(theta.dtype).eps * jnp.abs(theta)
    three = None
    if study.nuisances:
        # of a constant at its bound these are not told
        apart = errors_of(study, jnp.where(held[None, :], 0, slope), width)
        size = jnp.where(held, jnp.nan, jnp.sqrt(scatter))
        three = StandardErrors(*(jnp.where(sized, size * x, jnp.inf) for x in apart))
    pulls = study.pulls(theta)
    return Solution(
        theta, at, cost, dof, chi2, p, covariance, side, analysis, bias, averaging,
        stderr, jnp.maximum(errors, rounding), three, pulls, ended(run),
        _judged(noise, at, p),
    )  # fmt: skip


def _by_another_rule(
    study: Study, theta: Array, at: Weights, mask: Array
) -> Array | None:
    """Residuals with other quadrature nodes; None where the law takes no average."""
    other = study.by_another_rule()
    if other is None:
        return None
    # a judgement of the nodes, as that of the steps
    other, where, weights = jax.lax.stop_gradient((other, theta, at))
    return other.residuals(where, weights, mask)[: study.told]


def _inverse(jacobian: Array, width: Array, held: Array) -> Array:
    """(J^T J)^-1 by singular values of the scaled Jacobian; 0 for what is held."""
    free = jnp.where(held, 0, 1)
    scaled = jacobian * (width * free)[None, :]
    # rows of its own for each held constant, no two alike, and longer than all others
    # together: equal singular values have no derivatives
    size = jax.lax.stop_gradient(jnp.sqrt(jnp.max(jnp.sum(scaled**2, axis=0))))
    count = width.shape[0]
    own = jnp.where(held, divisor(size) * jnp.arange(count + 1, 2 * count + 1), 0)
    scaled = jnp.concatenate([scaled, jnp.diag(own)])
    _, values, directions = jnp.linalg.svd(scaled, full_matrices=False)
    tiny = jnp.finfo(values.dtype).tiny
    spread = directions * (width[None, :] / jnp.maximum(values, tiny)[:, None])
    return (spread.T @ spread) * free[:, None] * free[None, :]


def held_out_distance(
    prediction: Array | None, shares: Array, train: int
) -> Float[Array, ""] | None:
    """Mean total variation over held-out rows; plain differences for densities.

    Args:
        prediction: shape (T, ...), or None where no row is held out.
        shares: the data, like it.
    """
    if prediction is None or train == shares.shape[0]:
        return None
    xp, (there, shares) = host_or_device((prediction, shares))
    apart = xp.abs(there[train:] - shares[train:])
    if shares.ndim != 2:
        return xp.mean(apart)
    variation = xp.mean(xp.sum(apart, axis=-1) / 2)
    return xp.where(sums_to_one(shares, 1e-3), variation, xp.mean(apart))


def missed(study: Study, prediction: Array | None, train: int) -> Any:
    """`held_out_distance` of a study; of several the mean over their rows."""
    shares = study.data.shares
    if prediction is None or not isinstance(study, Joint):
        return held_out_distance(prediction, shares, train)
    noise = study.noise
    given = (noise.split(prediction), noise.split(shares), noise.firsts(train))
    parts = [
        (held_out_distance(own, seen, int(first)), len(seen) - int(first))
        for own, seen, first in zip(*given, strict=True)
    ]
    told = [(apart, rows) for apart, rows in parts if apart is not None]
    total = sum(rows for _, rows in told)
    return sum(apart * (rows / total) for apart, rows in told) if told else None


def _without_holes(study: Study, first: Array) -> tuple[Study, Array]:
    """The same with ones where a value is not finite."""

    def filled(x: Array) -> Array:
        return jnp.where(jnp.isfinite(x), x, jnp.ones_like(x))

    values = filled(study.data.values)
    study = eqx.tree_at(lambda study: study.data.values, study, values)
    return study, filled(first)


def _all_finite(tree: Any) -> Bool[Array, ""]:
    leaves = [leaf for leaf in jax.tree.leaves(tree) if eqx.is_inexact_array(leaf)]
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))


def _judged(noise: Noise, at: Weights, p: Array) -> Int[Array, ""]:
    """What the scatter says of a fit: the first of these that is the case."""
    cases = (
        (Status.NOISE_INVALID, ~noise.holds(at)),
        (Status.MISFIT, p < MISFIT_P),
    )
    return _first_of(cases, jnp.asarray(Status.OK.value))


@jax.jit
def status_of(found: Solution, finite: ArrayLike, settled: ArrayLike) -> Array:
    """The status of a fit: the first of these that is the case, the gravest first."""
    finite = jnp.asarray(finite)
    finite &= found.ended != Status.NON_FINITE
    finite &= _all_finite((found.theta, found.cost))
    cases = (
        (Status.NON_FINITE, ~finite),
        (Status.UNREACHED, found.ended != Status.OK),
        (Status.UNIDENTIFIABLE, found.analysis.null > 0),
        # an infinite one is that of data whose scatter nothing tells
        (Status.NON_FINITE, jnp.any(jnp.isnan(found.covariance))),
        (Status.NON_FINITE, ~_all_finite((found.bias, found.averaging))),
        (Status.NOT_CONVERGED, ~jnp.asarray(settled)),
    )
    return _first_of(cases, found.judged)


def _first_of(cases: tuple[tuple[Status, Array], ...], status: Array) -> Array:
    for code, case in reversed(cases):
        status = jnp.where(case, code.value, status)
    return status


def nuisance_columns(study: Study, found: Solution) -> tuple[Any, Any, Any]:
    """`known`, `alone` and `pull` of each entry of θ, None where there is none."""
    if found.three is None:
        return None, None, None
    wanted = [None] * study.wanted
    return found.three.known, found.three.alone, [*wanted, *found.pulls]


def _fit(
    study: Study, begun: Found, found: Solution, status: Array, held_out: Array | None
) -> Fit:
    lost = jnp.any(jnp.stack([status == code.value for code in _LOST]))

    def known(x: Array) -> Array:
        return jnp.where(lost, jnp.nan, x)

    values, errors = known(found.theta), known(found.errors)
    biases = known(jnp.abs(found.bias) + jnp.abs(found.averaging))
    scatter = known(found.stderr)
    more = nuisance_columns(study, found)

    def entry(column: Any, i: int) -> Any:
        return None if column is None or column[i] is None else known(column[i])

    constants = {
        label: Constant(
            label, values[i], errors[i], biases[i], reference, scatter[i],
            *(entry(column, i) for column in more),
            holds=(status == Status.OK.value) & jnp.isfinite(errors[i]),
            at_bound=jnp.where(lost, 0, found.side[i]),
        )
        for i, (label, reference) in enumerate(
            zip(study.labels(), study.references(), strict=True)
        )
    }  # fmt: skip
    return Fit(
        constants=constants,
        covariance=known(found.covariance),
        singular_values=found.analysis.singular_values,
        cost=known(found.cost),
        chi2_per_dof=known(found.chi2) if study.data.noise.known else None,
        p_value=known(found.p_value) if study.data.noise.known else None,
        held_out=None if held_out is None else known(held_out),
        ends=begun.ends,
        agree=begun.near & ~lost,
        status=status,
    )

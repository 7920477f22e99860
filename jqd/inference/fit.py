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
from .._saved import numbered, save, to_dataset
from .._words import p_words
from ..evolution import Adaptive, Fixed, Propagator
from ..instruments.noise import Weights, sums_to_one
from ..laws.motion import Motion
from ..records.record import Record
from ..records.scan import settings_of
from ..status import Status, describe
from .constant import Constant, constants_table
from .hidden import unless_hidden
from .identifiability import refuse_names
from .joint import Joint, study_of
from .polish import Polish, polish_one, polish_starts
from .search import Keep, Report, Search, run_search
from .solution import Solution, all_finite, constants_of, solution, status_of
from .study import Study

SUBSTEPS = 8  # steps between two rows by default
# Beyond these codes there is no fit, and its numbers are NaN.
_LOST = (Status.NON_FINITE, Status.UNREACHED, Status.UNIDENTIFIABLE)


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
        dataset = to_dataset(
            self, lambda path, x: numbered(path[-1], x.ndim), parts=(Constant,)
        )
        return save(dataset, path)

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
            each = f"{float(chi2):.4g} (p {p_words(p)})"
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
    steps = SUBSTEPS if substeps is None else substeps
    study = study.with_substeps(steps, static=True)
    first, train = begin(study, start, starts, key, held_out)
    record = study.data
    none = np.zeros(len(study.labels()))
    settings = [settings_of(one.data) for one, _ in study.singles(none)]
    finite = all_finite(
        (record.ts, record.values, record.t0, study.scene.start, first, settings)
    )
    study, first = _without_holes(study, first)
    # a record with holes weighs nothing: its fit ends at once, and others need not wait
    masks = [jnp.where(finite, mask, 0) for mask in row_masks(record, train)]

    found = find(study, first, train, masks[0], search, polish)
    theta, settled, held_out_rows = found.theta, found.settled, None
    if train < record.ts.shape[0]:
        held_out_rows = study.predict(theta)
        near = study.weights(theta, held_out_rows)
        theta, settled = settle(polish, study, theta, masks[1], near, settled)
    at = solution(study, theta, masks[1])
    status = status_of(at, finite & found.sound, settled)
    status = unless_hidden(study, at.theta, status)
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
        if not given.ndim:
            _checks.whole_number(starts, "starts", 1)
        _checks.check_finite(given, "starts", (None, size))
        return given, train
    _checks.whole_number(starts, "starts", 1)
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
    xp, (ends, costs, settled, low, high) = _checks.host_or_device(
        (ends, costs, settled, low, high)
    )
    sound = xp.isfinite(costs) & xp.all(xp.isfinite(ends), axis=1)
    best = xp.argmin(xp.where(sound, costs, xp.inf))
    away = xp.abs(ends - ends[best][None, :]) / (high - low)[None, :]
    near = (xp.max(away, axis=1) < 1e-4) & sound
    return ends[best], near, settled[best], xp.any(sound)


def settle(
    polish: Polish | None,
    study: Study,
    theta: Array,
    mask: ArrayLike,
    at: Weights,
    settled: Any = True,
) -> tuple[Array, Any]:
    """Polish one fit to other rows or steps: constants, and whether it converged.

    Without a polish, both stay as they were.

    Args:
        at: weights at the fit.
    """
    if polish is None:
        return theta, settled
    theta, _, settled = polish_one(polish, study, theta, mask, at=at)
    return theta, settled


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
    xp, (there, shares) = _checks.host_or_device((prediction, shares))
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


def _fit(
    study: Study, begun: Found, found: Solution, status: Array, held_out: Array | None
) -> Fit:
    lost = jnp.any(jnp.stack([status == code.value for code in _LOST]))

    def known(x: Array) -> Array:
        return jnp.where(lost, jnp.nan, x)

    holds = (status == Status.OK.value) & jnp.isfinite(found.errors)
    sides = jnp.where(lost, 0, found.side)
    return Fit(
        constants=constants_of(study, found, holds, sides, known),
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

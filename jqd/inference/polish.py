"""The polish, the final least-squares step: Levenberg-Marquardt by optimistix.

Throughout, `study` holds law, data and free constants, `theta` is its constants, (p,),
and `mask` the weight of each row of the data, (T,).
"""

from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from equinox.internal import unvmap_any
from jaxtyping import Array, ArrayLike, Bool, Float

from .. import _checks
from .._math import divisor
from ..constants import static
from ..instruments.noise import Weights
from .active import NEAR_WALL, held_at, in_spans, sides, sides_on
from .search import window_counts
from .slopes import by_columns, jacobian, with_slopes_of
from .study import ON_WALL, Study

# Weight, in windows, of a whole span of the initial guesses beside the largest value of
# exact data.
HOLD = 1e-4
# Damping of the first step, beside what one miss by the largest value of the record
# adds to J^T J.
DAMPING = 1e-3
# Values of the data, over all initial guesses, up to which these are polished side by
# side: runs that are seen at many points fill the memory.
SIDE_BY_SIDE = 2**14


class Polish(eqx.Module):
    """The final least-squares step, which takes the best constants to a minimum.

    Attributes:
        rtol: relative change of constants and cost at which to stop.
        atol: absolute change, in units of the span of the initial guesses.
        within: distance from the minimum at which to stop, in standard errors, beside
            data whose scatter is known.
        max_steps: iteration budget of one solve.
        rounds: solves, each with renewed weights, for noise whose scatter depends on
            the fit (counts), two more where the size of the scatter is fitted, and with
            those constants held at their bounds that the solve before would have led
            beyond; for other noise no more of them than bounds ask for. A fit has not
            converged where the last one leaves a constant that belongs elsewhere: on
            its bound, or off it.
        windows: number of windows through which each initial guess is led, each twice
            as long as the one before; 1 for all data at once. Where neighbouring
            trajectories diverge exponentially, only a short window leads to the minimum
            and only a long one has a narrow minimum.
    """

    rtol: float = 1e-11
    atol: float = 1e-13
    within: float = 0.0
    max_steps: int = static(default=40)
    rounds: int = static(default=3)
    windows: int = static(default=1)

    def __check_init__(self) -> None:
        _checks.check_scalar(self.rtol, "rtol")
        _checks.check_scalar(self.atol, "atol")
        _checks.check_not_negative(self.within, "within", ())
        for name in ("max_steps", "rounds", "windows"):
            _checks.check_positive_integer(getattr(self, name), name)


class Round(NamedTuple):
    """Where a solve ended.

    Attributes:
        unit: constants in units of their spans, (p,).
        at: source of the weights of the next.
        side: at which bound each is held in the next, (p,).
        ok: whether the solver converged.
        stays: whether each is on the side where it belongs.
        renewed: whether these weights are those of a fit.
        done: whether another would find the same.
        cost: there, with these weights.
    """

    unit: Array
    at: Weights
    side: Array
    ok: Array
    stays: Array
    renewed: Array
    done: Array
    cost: Array


def polish_one(
    polish: Polish,
    study: Study,
    theta: Float[Array, " p"],
    mask: ArrayLike,
    rows: Array | None = None,
    at: Weights | None = None,
) -> tuple[Array, Array, Array]:
    """Levenberg-Marquardt from theta over the rows with weight.

    Args:
        rows: number of rows that are computed, or None for all.
        at: first weights, where theta is a fit already, to other rows or with other
            steps: those there. None for those of the data.

    Returns:
        Constants (p,), -2 ln likelihood up to a constant (the sum of squared residuals
        where their scatter does not depend on the fit), which has no derivative, and
        whether the solver converged with every constant at its bound that belongs
        there.
    """
    near, at = at is not None, study.first_weights() if at is None else at
    return _polish_one(polish, study, theta, mask, rows, at, near)


@jax.jit
def _polish_one(
    polish: Polish,
    study: Study,
    theta: Array,
    mask: ArrayLike,
    rows: Array | None,
    at: Weights,
    near: ArrayLike,
) -> tuple[Array, Array, Array]:
    import optimistix as optx

    from .solver import Solver, at_rest, seen

    low, high = study.bounds()
    width, mask = high - low, jnp.asarray(mask)
    first = (theta - low) / width
    # as if they were known to a span of the starts; next to nothing for exact records
    hold = 1.0 if study.data.noise.known else HOLD * study.unit
    scale, walled = _scale(study), bool(study.walled.any())
    least = polish.within / scale if study.data.noise.known else 0.0
    solver = Solver(polish.rtol, polish.atol, least)

    def at_unit(
        study: Study, low: Array, width: Array, unit: Array, side: Array
    ) -> Array:
        here = low + unit * width
        return held_at(study, here, side) if walled else here

    def shown(theta: Array, rest: Any, run: Array | None = None) -> Any:
        study, rows = rest
        return study.shown(theta, rows, run)

    # a run was followed already: only a derivative of weights has to follow it again
    prediction_at = with_slopes_of(lambda *given: shown(given[0], given[1:])[0])
    followed = by_columns(shown, study.moving, has_aux=True)

    def residuals(
        unit: Array, at: Weights, side: Array, begun: Array
    ) -> tuple[Array, tuple[Array, Any]]:
        here = at_unit(study, low, width, unit, side)
        prediction, ends = followed(here, (study, rows))
        missed = study.missed(here, prediction, ends, at, mask, rows)
        parts = [missed, *beside(unit, side, begun)]
        return jnp.concatenate(parts) / scale, (prediction, ends)

    def beside(unit: Array, side: Array, begun: Array) -> list[Any]:
        parts: list[Any] = []
        if rows is not None:
            # constants that a window cannot tell stay where they were
            parts.append(hold * (unit - first))
        if walled:
            # what is held at a bound changes no other residual: none would leave its
            # derivative without an equation
            parts.append(jnp.where(side == 0, 0, scale * (unit - begun)))
        return parts

    def weights(unit: Array, side: Array, prediction: Array) -> Weights:
        here = at_unit(study, low, width, unit, side)
        return study.weights(here, prediction_at(prediction, here, study, rows))

    def solve(unit: Array, at: Weights, side: Array) -> tuple[Array, Array, Any, Any]:
        solution = optx.least_squares(
            lambda unit, args: residuals(unit, *args), solver, unit,
            args=(at, side, unit), max_steps=polish.max_steps, has_aux=True,
            throw=False,
        )  # fmt: skip
        ok = solution.result == optx.RESULTS.successful
        there = seen(solution.state)
        ended = jax.lax.stop_gradient((there, solution.state.aux))
        return solution.value, ok | at_rest(*there), *ended

    def within(unit: Array, side: Array) -> Array:
        # what is free begins inside: beyond a bound no law has a slope that leads back
        if not walled:
            return unit
        own, begun = jax.lax.stop_gradient((study, unit))
        foot, top = own.bounds()
        here = at_unit(own, foot, top - foot, begun, side)
        _, (least, most) = in_spans(own, here)
        inner = jnp.clip(begun, least + 2 * ON_WALL, most - 2 * ON_WALL)
        return jnp.where(side == 0, inner, unit)

    def belonging(
        unit: Array, at: Weights, side: Array, had: tuple[Array, Array]
    ) -> tuple[Array, Array]:
        # a choice: no gradient flows through it
        own, unit, at = jax.lax.stop_gradient((study, unit, at))
        foot, top = own.bounds()
        there = at_unit(own, foot, top - foot, unit, side)
        here = jnp.clip(there, *own.walls(there))

        def anew() -> tuple[Array, Array]:
            missed, slope = jacobian(own, here, at, mask)
            return missed[: study.told], slope[: study.told] * (top - foot)[None, :]

        def again() -> tuple[Array, Array]:
            # where nothing is held and all is inside, the solver has just had them
            missed, slope = (scale * x[: study.told] for x in had)
            return missed, slope

        moved = jnp.any(side != 0) | jnp.any(here != there)
        missed, slope = jax.lax.cond(moved, anew, again)
        place = in_spans(own, here)
        there = sides(slope, missed, *place, side)
        # a free one that ran into a bound, and is drawn inside, is stuck there: the
        # others move once it is held
        near = sides_on(*place, within=NEAR_WALL)
        there = jnp.where((side == 0) & (there == 0), near, there)
        return there, jnp.all(there == side)

    def cost_of(
        unit: Array, at: Weights, side: Array, prediction: Array, ends: Any
    ) -> Array:
        # a choice between starts, as well
        own, unit, at = jax.lax.stop_gradient((study, unit, at))
        here = at_unit(own, low, width, unit, side)
        missed = own.missed(here, prediction, ends, at, mask, rows)
        cost = jnp.sum(missed**2)
        if study.scattered:
            # what a wide scatter costs is in the penalty
            cost -= jnp.sum(missed[study.seen : study.measured] ** 2)
        cost += sum(jnp.sum(one**2) for one in beside(unit, side, unit))
        return jax.lax.stop_gradient(cost + study.data.noise.penalty(at, mask))

    fixed = study.data.noise.constant_weights
    rounds = polish.rounds if walled or not fixed else 1
    if study.scattered:
        # the first knows nothing of the scatter, and may hold its size at a bound
        rounds += 2

    yes = jnp.asarray(True)

    def solved(last: Round) -> Round:
        begun = within(last.unit, last.side)
        unit, ok, there, run = solve(begun, last.at, last.side)
        side, stays = last.side, last.stays
        if walled:
            # where one belongs elsewhere, this is no end; the next round tries that
            side, stays = belonging(unit, last.at, last.side, there)
        if fixed:
            cost = cost_of(unit, last.at, side, *run)
            return Round(unit, last.at, side, ok, stays, last.renewed, stays, cost)
        moved = jnp.abs(unit - last.unit)
        same = jnp.all(moved <= polish.atol + polish.rtol * jnp.abs(unit))
        done = last.renewed & stays & ok & same
        at = weights(unit, side, run[0])
        cost = cost_of(unit, at, side, *run)
        return Round(unit, at, side, ok, stays, yes, done, cost)

    def again(last: Round, _: None) -> tuple[Round, None]:
        # a batch goes on while any of its members has to
        more = unvmap_any(~last.done)
        after = jax.lax.cond(more, solved, lambda same: same, last)
        return jax.tree.map(partial(jnp.where, last.done), last, after), None

    unit, side = first, jnp.zeros(first.shape, int)
    if rounds == 1:
        unit, ok, there, run = solve(within(unit, side), at, side)
        # within a window other rounds follow
        if walled and rows is None:
            ok &= belonging(unit, at, side, there)[1]
        cost = cost_of(unit, at, side, *run)
    else:
        if walled:
            # what is on a bound stays there for a solve: if it belongs there, a free
            # one would not settle
            side = sides_on(*in_spans(study, theta))
        stays, far = jnp.asarray(not walled), jnp.asarray(jnp.inf, unit.dtype)
        start = Round(unit, at, side, ~yes, stays, jnp.asarray(near), ~yes, far)
        last, _ = jax.lax.scan(again, start, None, length=rounds)
        unit, side, cost, ok = last.unit, last.side, last.cost, last.ok & last.stays
    theta = at_unit(study, low, width, unit, side)
    return theta, cost, ok & jnp.all(jnp.isfinite(unit))


def _scale(study: Study) -> Array:
    """The unit of residuals in which the damping of a first step is right.

    It is `DAMPING`^(1/2) times the residuals of a miss by the largest value of the
    record, root mean square. The damping of optimistix starts at 1, changes by factors
    of 4, and is lowered only where a step gains all that it promised. So too much of it
    lasts: constants that data tell little of creep, while those that they tell most of
    make up for them. Too little costs steps that fail.
    """
    data = study.data
    shares, at = data.shares, study.first_weights()
    # shares that sum to 1 change against each other
    signs = (-1.0) ** jnp.arange(shares.size, dtype=shares.dtype)
    along = data.size * jnp.reshape(signs, shares.shape)
    _, change = jax.jvp(
        lambda prediction: data.noise.residuals(prediction, data.values, at),
        (shares,), (along,),
    )  # fmt: skip
    scale = jax.lax.stop_gradient(jnp.sqrt(DAMPING * jnp.mean(change**2)))
    return divisor(scale, jnp.isfinite(scale) & (scale > 0))


@jax.jit
def polish_all(
    polish: Polish,
    study: Study,
    thetas: Float[Array, "S p"],
    mask: ArrayLike,
    rows: Array | None = None,
) -> tuple[Array, Array, Bool[Array, " S"]]:
    """`polish_one` for every initial guess, side by side as far as memory allows."""

    def one(theta: Array) -> tuple[Array, Array, Array]:
        return polish_one(polish, study, theta, mask, rows)

    starts, most = thetas.shape[0], SIDE_BY_SIDE // study.data.values.size
    if starts <= max(most, 1):
        return jax.vmap(one)(thetas)
    # equal parts, so that there is one program
    size = max(n for n in range(1, starts + 1) if starts % n == 0 and n <= max(most, 1))
    parts = jnp.reshape(thetas, (-1, size, thetas.shape[1]))
    found = jax.lax.map(jax.vmap(one), parts)
    return jax.tree.map(lambda x: jnp.reshape(x, (starts, *x.shape[2:])), found)


def polish_starts(
    polish: Polish | None,
    study: Study,
    ends: Float[Array, "S p"],
    mask: ArrayLike,
) -> tuple[Array, Array, Array]:
    """Polish every initial guess, through growing windows if the settings say so.

    Args:
        polish: settings; None to take the ends as they are.

    Returns:
        Constants (S, p), costs (S,), and which converged.
    """
    if polish is None:
        at, weight = study.first_weights(), jnp.asarray(mask)
        costs = jax.vmap(
            lambda theta: jnp.sum(study.residuals(theta, at, weight) ** 2)
        )(ends)
        return ends, costs, jnp.ones(costs.shape, bool)
    if polish.windows > 1:
        ends = polish_through_windows(polish, study, ends, mask)
    if ends.shape[0] == 1:
        # the final fit compiles this anyway
        theta, cost, settled = polish_one(polish, study, ends[0], mask)
        return theta[None], cost[None], settled[None]
    return polish_all(polish, study, ends, mask)


@jax.jit
def polish_through_windows(
    polish: Polish, study: Study, thetas: Float[Array, "S p"], mask: Array
) -> Float[Array, "S p"]:
    """Lead every initial guess through growing windows of the data.

    Args:
        thetas: initial guesses, shape (S, p).
        mask: weight of each row, shape (T,), 0 for rows left out.

    Returns:
        Constants after the last window but one, (S, p); a guess that was lost on the
        way keeps its values from before.
    """
    # no window but the last is worth more than a share of its error bars
    coarse = Polish(rtol=1e-5, atol=1e-6, max_steps=polish.max_steps, rounds=1)
    ts, begin = study.data.ts, study.data.begin

    def window(thetas: Array, count: Array) -> tuple[Array, None]:
        seen = mask * (jnp.arange(ts.shape[0]) < count)
        ends, costs, _ = polish_all(coarse, study, thetas, seen, count)
        sound = jnp.isfinite(costs) & jnp.all(jnp.isfinite(ends), axis=1)
        return jnp.where(sound[:, None], ends, thetas), None

    counts = window_counts(ts, mask > 0, begin, polish.windows, thetas.shape[1])
    return jax.lax.scan(window, thetas, counts[:-1])[0]


@jax.jit
def loss_plane(
    study: Study, theta: Float[Array, " p"], x: Array, y: Array
) -> Float[Array, "Y X"]:
    """Mean squared residual of a row over the plane of the first two constants.

    Args:
        study: law and data, with two free constants or more. Runs have the steps of its
            method.
        theta: the other constants, shape (p,), p >= 2.
        x: values of the first constant, shape (X,).
        y: values of the second constant, shape (Y,).

    Returns:
        Loss, shape (Y, X).
    """

    def loss(first: Array, second: Array) -> Array:
        return _loss(study, theta.at[0].set(first).at[1].set(second))

    # row by row, since a plane of runs at once fills the memory
    return jax.lax.map(lambda b: jax.vmap(lambda a: loss(a, b))(x), y)


@jax.jit
def loss_line(study: Study, values: Float[Array, " X"]) -> Float[Array, " X"]:
    """Mean squared residual of a row over values of the only free constant.

    Args:
        study: law and data, with one free constant. Runs have the steps of its method.
        values: shape (X,).

    Returns:
        Loss, shape (X,).
    """
    return jax.vmap(lambda value: _loss(study, value[None]))(values)


def _loss(study: Study, theta: Array) -> Array:
    at, mask = study.first_weights(), jnp.ones_like(study.data.ts)
    return jnp.sum(study.residuals(theta, at, mask) ** 2) / mask.shape[0]

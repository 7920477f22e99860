"""The search: many initial guesses in one vmap, by optax, over growing windows."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from ..constants import static
from .slopes import columns
from .study import Study

if TYPE_CHECKING:
    import optax  # only where it is used: optimizers are slow to import

# Of progress: stage, done, total.
Report = Callable[[str, int, int], None]
Keep = Callable[[Any, Any, Any], None]


class Search(eqx.Module):
    """Settings of the search.

    The loss over a long time is full of local minima; over a short time it has one. The
    search therefore fits a short window of the data first and carries each initial
    guess over to windows twice as long.

    Attributes:
        optimizer: steps -> optax GradientTransformation for one window; None for Adam
            with a cosine schedule. A GradientTransformation is taken as it is.
        steps: steps in each window.
        windows: number of windows, each twice as long as the one before; 1 for no
            curriculum.
        chunk: steps between two reports of progress.
        until: share of the data at which the last window ends; the rest is left to the
            polish.
    """

    optimizer: Any = eqx.field(static=True, default=None)
    steps: int = static(default=40)
    windows: int = static(default=5)
    chunk: int = static(default=20)
    until: float = static(default=1.0)

    def __check_init__(self) -> None:
        if self.optimizer is not None and not callable(self.optimizer):
            words = "an optax transformation, or a function of the steps"
            _checks.check_type(self.optimizer, "optimizer", tuple, words)
        for name in ("windows", "chunk"):
            _checks.check_positive_integer(getattr(self, name), name)
        _checks.whole_number(self.steps, "steps", 0)
        _checks.check_scalar(self.until, "until")

    def transformation(self) -> "optax.GradientTransformationExtraArgs":
        """The optax transformation for one window."""
        import optax

        optimizer = self.optimizer
        if optimizer is None:
            schedule = optax.cosine_decay_schedule(0.05, self.steps, alpha=0.01)
            optimizer = optax.adam(schedule)
        elif not hasattr(optimizer, "update"):
            optimizer = optimizer(self.steps)
        return optax.with_extra_args_support(optimizer)


def run_search(
    search: Search,
    study: Study,
    starts: Float[Array, "S p"],
    train: int,
    report: Report | None = None,
    keep: Keep | None = None,
) -> tuple[Any, Any]:
    """Carry every initial guess downhill.

    Args:
        starts: initial guesses, shape (S, p).
        train: number of rows that may be used, from the first on.
        report: called as report("search", done, total) now and then.
        keep: called as keep(starts, ends, history) after each window.

    Returns:
        Constants at the end, shape (S, p), and the loss at each step, (S, steps), or
        None without `report` and `keep`: the search is then a pure function.
    """
    if report is None and keep is None:
        return _search_all(search, study, starts, train), None
    low, high = study.bounds()
    # NumPy: a program for each of these operations would take longer to load
    foot = np.asarray(low)[None, :]
    width = np.asarray(high)[None, :] - foot
    unit: Any = (np.asarray(starts) - foot) / width
    counts = _counts(search, study, train, starts.shape[1])
    rows = sorted(set(np.asarray(counts).tolist()))
    chunks = -(-search.steps // search.chunk)
    total, done, history = len(rows) * chunks, 0, []
    if report is not None:
        report("search", 0, total)
    ends = starts
    states = jax.tree.map(
        lambda leaf: np.zeros(leaf.shape, leaf.dtype),
        jax.eval_shape(init_states, search, unit),
    )
    for count in map(np.asarray, rows):
        for chunk in range(chunks):
            unit, states, losses = descend(
                search, study, unit, states, low, high, count, np.asarray(chunk == 0)
            )
            history.append(np.asarray(losses))
            done += 1
            if report is not None:
                report("search", done, total)
        ends = foot + np.asarray(unit) * width
        if keep is not None:
            keep(starts, ends, np.concatenate(history, axis=1))
    return ends, np.concatenate(history, axis=1)


def _counts(search: Search, study: Study, train: int, free: int) -> Array:
    """Rows of the windows, (windows,)."""
    ts = study.data.ts
    seen = np.arange(ts.shape[0]) < max(1, int(search.until * train))
    return window_counts(ts, seen, study.data.begin, search.windows, free)


def window_counts(ts: Any, seen: Any, t0: Any, windows: int, free: int) -> Any:
    """Number of rows in growing windows; at least the number of constants to fit.

    Args:
        ts: times of the rows, shape (T,).
        seen: which rows are to be seen, the first of them, shape (T,).
        t0: time at which windows begin, see `Record.begin`.
        windows: number of windows, each twice as long as the one before.
        free: number of constants.

    Returns:
        Numbers of rows, shape (windows,), never fewer than before.
    """
    xp, (ts, seen, t0) = _checks.host_or_device((ts, seen, t0))
    last = xp.max(xp.where(seen, ts, t0))
    parts = 2.0 ** -xp.arange(windows - 1, -1, -1, dtype=ts.dtype)
    ends = t0 + (last - t0) * parts
    ends = ends + 1e-12 * xp.abs(ends)
    counts = xp.sum(seen[None, :] & (ts[None, :] <= ends[:, None]), axis=1)
    return xp.maximum(counts, xp.minimum(xp.sum(seen), max(3, free)))


def _search_all(search: Search, study: Study, starts: Array, train: int) -> Array:
    """The search without reports, as a pure function: constants at the end, (S, p)."""
    low, high = study.bounds()
    whole = replace(search, chunk=search.steps)
    counts = _counts(search, study, train, starts.shape[1])

    def window(unit: Array, count: Array) -> tuple[Array, None]:
        states = init_states(whole, unit)
        return descend(whole, study, unit, states, low, high, count, False)[0], None

    unit = (starts - low[None, :]) / (high - low)[None, :]
    unit, _ = jax.lax.scan(window, unit, counts)
    return low[None, :] + unit * (high - low)[None, :]


def init_states(search: Search, unit: Array) -> Any:
    """A fresh optimizer state for each initial guess."""
    return jax.vmap(search.transformation().init)(unit)


@jax.jit
def descend(
    search: Search,
    study: Study,
    unit: Float[Array, "S p"],
    states: Any,
    low: Array,
    high: Array,
    rows: Any,
    fresh: ArrayLike,
) -> tuple[Array, Any, Array]:
    """`search.chunk` steps for every initial guess over the first `rows` rows.

    Constants are measured in units of their span, so that one learning rate fits all.
    `fresh` says whether the optimizer begins anew, whatever `states` hold.
    """
    import optax

    optimizer = search.transformation()
    anew = init_states(search, unit)
    states = jax.tree.map(lambda x, y: jnp.where(fresh, x, y), anew, states)
    at = study.first_weights()
    ts = study.data.ts
    mask = (jnp.arange(ts.shape[0]) < rows).astype(ts.dtype)

    def loss(one: Array, run: Array | None = None) -> Array:
        theta = low + one * (high - low)
        run = None if run is None else low + run * (high - low)
        residuals = study.residuals(theta, at, mask, rows, run) / study.unit
        return jnp.sum(residuals**2) / rows

    def step(one: Array, state: Any) -> tuple[Array, Any, Array]:
        # forward mode: constants are few, and nothing of the run is stored
        value, gradient = columns(loss, one, study.moving)
        gradient = jnp.where(jnp.isfinite(gradient), gradient, 0)
        updates, state = optimizer.update(
            gradient,
            state,
            one,
            value=value,
            grad=gradient,
            value_fn=_forward(lambda one: loss(one)),
        )
        return jnp.asarray(optax.apply_updates(one, updates)), state, value

    def body(carry, _):
        unit, states = carry
        unit, states, values = jax.vmap(step)(unit, states)
        return (unit, states), values

    (unit, states), losses = jax.lax.scan(
        body, (unit, states), None, length=search.chunk
    )
    return unit, states, losses.T * study.unit**2


def _forward(loss: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The loss with a gradient by forward mode, for line searches that take grad."""
    wrapped = jax.custom_vjp(loss)
    wrapped.defvjp(
        lambda theta: columns(loss, theta),
        lambda gradient, bar: (bar * gradient,),
    )
    return wrapped

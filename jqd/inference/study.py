"""`Study`: a law, a record, and what of the law is free."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float, PyTree

from .. import _checks
from ..evolution import Adaptive, Fixed, Propagator, Trajectory, evolve
from ..laws import constants
from ..laws.motion import Motion
from ..records.populations import record_of_table
from ..records.record import Record, Weights
from .first_row import check_first_row

PHASES = "phase0"  # the unknown initial phases, a free constant of the state
# Weight of residuals past a node in a search. What the regulated law does there is
# rugged, but it is all that leads away from a node that later rows forbid.
PAST = 0.03
MAX_SUBSTEPS = 4096


class Study(eqx.Module):
    """What is fitted to what, as pure functions of one vector of free constants θ.

    A study is an argument of jitted and vmapped functions like any other: its law, its
    state and its record are arrays.

    Attributes:
        law: the law; its free constants are replaced.
        psi0: the quantum state at `data.t0`, from `law.admit`; prepared anew for each
            value of the constants, since a law's state may depend on them.
        data: the record.
        free: names of the free constants (static), `phase0` for initial phases.
        entries: labels of what θ holds of each of them (static).
        observe: what the record shows, as for `jqd.evolve` (static).
        method: how to evolve.
    """

    law: Motion
    psi0: PyTree[Array]
    data: Record
    free: tuple[str, ...] = eqx.field(static=True)
    entries: tuple[tuple[str, ...], ...] = eqx.field(static=True)
    observe: Any = eqx.field(static=True)
    method: Fixed | Adaptive | Propagator

    def __init__(
        self,
        law: Motion,
        data: Record | tuple[ArrayLike, ArrayLike] | Any,
        *,
        psi0: Any,
        free: Sequence[str],
        observe: Any = "density",
        method: Fixed | Adaptive | Propagator | None = None,
    ):
        """A study; checked for names, shapes, and the row of the record at t0.

        Args:
            law: the law; constants that are not free keep their values.
            data: a `Record`, a pair (ts, values), an `xarray.DataArray` over "t" or a
                `pandas.DataFrame` with a column "t".
            psi0: quantum state at `data.t0`; prepared by `law.prepare`.
            free: names of the constants to fit, e.g. ("q", "r"); "phase0" for unknown
                initial phases.
            observe: what the record shows, as for `jqd.evolve`.
            method: how to evolve; None for `Propagator()` where the law is solvable,
                else `Fixed(law.stepper)`.

        Raises:
            ValueError: unknown names, shapes that differ, a row at t0 that is not of
                the prepared state.
        """
        if law.noise_shape is not None:
            raise ValueError(
                "Argument `law` must not be random, but "
                f"{type(law).__name__} is; fit the equation of its mean, "
                "`law.mean_field()`, if it has one."
            )
        self.law, self.data = law, as_data(data)
        self.free = _free_names(law, free)
        self.psi0, self.observe = law.admit(psi0), observe
        self.entries = tuple(_labels(law, self.psi0, name) for name in self.free)
        self.method = method or (Propagator() if law.solvable else Fixed(law.stepper))

    def __check_init__(self) -> None:
        # what it refuses is better refused now than under jit
        self.law.prepare(self.psi0)
        self.data.noise.check_law(self.law)
        theta, once = self.theta(), self.with_substeps(1)
        shape = jax.eval_shape(once.predict, theta).shape
        if shape != self.data.values.shape:
            raise ValueError(
                f"Argument `data` must have shape {shape} like the law's prediction, "
                f"but has shape {self.data.values.shape}."
            )
        check_first_row(self, theta)

    # -- constants -------------------------------------------------------------------

    def theta(self, start: Mapping[str, ArrayLike] | None = None) -> Float[Array, " p"]:
        """The free constants as they stand in the law.

        Args:
            start: other values, by name ("R") or label ("R[0,1]").

        Raises:
            ValueError: unknown names.
        """
        if not start:
            return _constants(self.law, self.psi0, self.free)[0]
        labels = self.labels()
        for name, value in start.items():
            known = tuple(dict.fromkeys((*self.free, *labels)))
            _checks.check_choice(name, "start", known)
            _checks.check_finite(value, f"start[{name}]")
        return _placed(self, dict(start))

    def bounds(self) -> tuple[Float[Array, " p"], Float[Array, " p"]]:
        """Where starts are drawn from: lower and upper ends."""
        return _constants(self.law, self.psi0, self.free)[1:]

    def labels(self) -> list[str]:
        """A label for each entry of theta."""
        return [label for own in self.entries for label in own]

    def references(self) -> list[float | None]:
        """The value in quantum mechanics for each entry of theta."""
        known = constants.quantum_values(self.law)
        parts = zip(self.free, self.entries, strict=True)
        return [known.get(name) for name, own in parts for _ in own]

    def at(self, theta: Array) -> tuple[Motion, PyTree[Array]]:
        """The law and the initial state with these constants."""
        law, psi0, start = self.law, self.psi0, 0
        for name, own in zip(self.free, self.entries, strict=True):
            part = theta[start : start + len(own)]
            if name == PHASES:
                psi0 = psi0 * jax.lax.complex(jnp.cos(part), -jnp.sin(part))
            else:
                law = constants.unpack(law, name, part)
            start += len(own)
        return law, law.prepare(psi0)

    # -- predictions -----------------------------------------------------------------

    @property
    def times(self) -> Array:
        """Times of the run: that of the state, then those of the rows."""
        if self.data.from_start:
            return self.data.ts
        return jnp.concatenate([self.data.t0[None], self.data.ts])

    def trajectory(self, theta: Array, rows: Array | None = None) -> Trajectory:
        """The run at these constants.

        With `rows`, as a search sees it: later rows stand still, and the run goes on
        past nodes.
        """
        return self._trajectory(theta, rows)

    @jax.jit
    def _trajectory(self, theta: Array, rows: Array | None) -> Trajectory:
        law, state0 = self.at(theta)
        ts, method = self.times, self.method
        if rows is not None and isinstance(method, Fixed):
            intervals = jnp.arange(ts.shape[0] - 1) + int(self.data.from_start)
            counts = jnp.where(intervals < rows, self.substeps, 0)
            method = _fixed(method, counts, heed_alarms=False)
        return evolve(law, state0, ts, method=method, observe=self.observe)

    def predict(self, theta: Array) -> Array:
        """What the law predicts for the record, NaN after a failure."""
        return self.rows_of(self.trajectory(theta))

    def rows_of(self, run: Trajectory) -> Array:
        """The values of a run at the rows of the record, without the one at t0."""
        return run.values if self.data.from_start else run.values[1:]

    def residuals(
        self, theta: Array, at: Weights, mask: Array, rows: Array | None = None
    ) -> Array:
        """Residuals in units of their scatter, shape (T * outcomes,).

        Rows that the run did not reach count as missed by a whole unit of density: a
        constant that no fit beats by running into a node, without a gradient.

        Args:
            theta: constants, shape (p,).
            at: what weights are taken from, see `first_weights` and `weights`.
            mask: weight of each row, shape (T,), 0 for rows left out.
            rows: number of rows that are computed at all, or None for all.
        """
        return self._residuals(theta, at, mask, rows)

    @jax.jit
    def _residuals(
        self, theta: Array, at: Weights, mask: Array, rows: Array | None
    ) -> Array:
        run = self.trajectory(theta, rows)
        prediction = self.rows_of(run)
        shares = self.data.shares
        # a run that blows up has missed as well, before its numbers overflow
        bound = 1e3 * (1 + jnp.max(jnp.abs(shares)))
        sound = jnp.abs(prediction) < bound
        prediction = jnp.where(sound, prediction, shares + 1)
        raw = self.data.noise.residuals(prediction, self.data.values, at)
        past_node = self.data.ts >= run.failure_time
        weight = mask * jnp.where(past_node & jnp.asarray(rows is not None), PAST, 1)
        return jnp.ravel(jnp.reshape(weight, (-1,) + (1,) * (raw.ndim - 1)) * raw)

    # -- weights ---------------------------------------------------------------------

    def first_weights(self, shares: Array | None = None) -> Weights:
        """What weights are taken from before there is a fit: the record's shares."""
        shares = self.data.shares if shares is None else shares
        return self.data.noise.first_weights(shares)

    @jax.jit
    def weights(self, theta: Array, prediction: Array) -> Weights:
        """What weights are taken from at a fit: its prediction, or its scatter.

        Args:
            theta: constants, shape (p,).
            prediction: of these constants, like the record.
        """

        def course() -> tuple[Motion, PyTree[Array], Array, Array]:
            return *self.at(theta), self.times, self.noise_steps

        return self.data.noise.weights(prediction, self.data.values, course)

    # -- steps -----------------------------------------------------------------------

    @property
    def order(self) -> int | None:
        """Order of the stepper, or None for methods without a step of their own."""
        if not isinstance(self.method, Fixed):
            return None
        return getattr(self.method.stepper, "order", 1)

    @property
    def substeps(self) -> Any:
        """Steps between two rows, traced: one compilation serves every step."""
        if not isinstance(self.method, Fixed):
            return 1
        counts = self.method.counts
        if counts is None:
            return self.method.substeps
        return jnp.max(counts) if isinstance(counts, Tracer) else np.max(counts)

    @property
    def noise_steps(self) -> Array:
        """Steps between two rows for the scatter, of which 1 % is enough."""
        return jnp.maximum(self.substeps, 4 if isinstance(self.method, Fixed) else 32)

    def with_method(self, method: Fixed | Adaptive | Propagator) -> "Study":
        """The same study, followed in another way."""
        own = self.method
        return eqx.tree_at(
            lambda study: study.method, self, method, is_leaf=lambda x: x is own
        )

    def with_substeps(self, substeps: int | Array) -> "Study":
        """The same study with another step (methods without a step stay)."""
        own = self.method
        if not isinstance(own, Fixed):
            return self
        # one type for all: a number of Python would be compiled for once more
        traced = isinstance(substeps, Tracer)
        counts = substeps if traced else np.asarray(substeps, int)
        if own.counts is None or own.estimate_error:
            return self.with_method(_fixed(own, counts))
        return eqx.tree_at(lambda study: study.method.counts, self, counts)


def study_of(law: Motion | Study, data: Any, **options: Any) -> Study:
    """A study as it is, or one of a law and what is given with it.

    Args:
        law: the study, or the law.
        data: the record, None beside a study.
        **options: arguments of `Study`; None for its own defaults.

    Raises:
        ValueError: anything beside a study; what `Study` refuses.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if not isinstance(law, Study):
        return Study(law, data, **given)
    if data is not None or given:
        name = next(iter(given), "data")
        raise ValueError(f"Argument `{name}` must not be given beside a study, but is.")
    return law


def window_counts(ts: Array, seen: Array, t0: Array, windows: int, free: int) -> Array:
    """Rows of a record in growing windows; never fewer than constants to fit.

    Args:
        ts: times of the rows, shape (T,).
        seen: which rows there are to be seen, the first of them, shape (T,).
        t0: time of the initial state.
        windows: number of windows, each twice as long as the one before.
        free: number of constants.

    Returns:
        Numbers of rows, shape (windows,), never fewer than before.
    """
    last = jnp.max(jnp.where(seen, ts, t0))
    parts = 2.0 ** -jnp.arange(windows - 1, -1, -1, dtype=ts.dtype)
    ends = (t0 + (last - t0) * parts) * (1 + 1e-12)
    counts = jnp.sum(seen[None, :] & (ts[None, :] <= ends[:, None]), axis=1)
    return jnp.maximum(counts, jnp.minimum(jnp.sum(seen), max(3, free)))


def as_data(data: Any) -> Record:
    """The record in a pair, an xarray.DataArray over "t" or a pandas.DataFrame."""
    if isinstance(data, Record):
        return data
    if hasattr(data, "dims") and hasattr(data, "coords"):
        if "t" not in data.coords:
            raise ValueError(
                "Argument `data` must have a coordinate `t`, but has "
                f"{sorted(map(str, data.coords))}."
            )
        return Record(
            np.asarray(data.coords["t"]), np.asarray(data.transpose("t", ...))
        )
    if hasattr(data, "columns") and hasattr(data, "index"):
        return record_of_table(data)
    if isinstance(data, tuple) and len(data) == 2:
        return Record(*data)
    raise ValueError(
        "Argument `data` must be a Record, a pair (ts, values), an xarray.DataArray "
        f"or a pandas.DataFrame, but is a {type(data).__name__}."
    )


def _free_names(law: Motion, free: Sequence[str]) -> tuple[str, ...]:
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


def _labels(law: Motion, psi0: Any, name: str) -> tuple[str, ...]:
    """Labels of the entries of theta that belong to one constant."""
    if name == PHASES:
        return tuple(f"{PHASES}[{a}]" for a in range(psi0.shape[-1]))
    return tuple(constants.labels(law, name))


def _pack(law: Motion, psi0: Any, name: str) -> Array:
    """The entries of theta that belong to one constant."""
    if name == PHASES:
        return jnp.zeros(psi0.shape)
    return jnp.ravel(constants.pack(law, name))


@partial(jax.jit, static_argnums=2)
def _constants(
    law: Motion, psi0: PyTree[Array], free: tuple[str, ...]
) -> tuple[Array, Array, Array]:
    """The free constants as they stand in the law, and the span of their starts."""
    packed = {name: _pack(law, psi0, name) for name in free}
    spans = [
        (-jnp.pi * jnp.ones_like(packed[name]),) * 2
        if name == PHASES
        else constants.span(law, name)
        for name in free
    ]
    low = jnp.concatenate([jnp.ravel(span[0]) for span in spans])
    high = jnp.concatenate([jnp.ravel(span[1]) for span in spans])
    theta = jnp.concatenate(list(packed.values()))
    return theta, low, jnp.where(high > low, high, -low)


@jax.jit
def _placed(study: Study, start: dict[str, ArrayLike]) -> Array:
    """The free constants with other values by name or label."""
    parts = []
    for name in study.free:
        own = _pack(study.law, study.psi0, name)
        value = jnp.asarray(start.get(name, own), own.dtype)
        parts.append(jnp.broadcast_to(jnp.ravel(value), own.shape))
    theta, labels = jnp.concatenate(parts), study.labels()
    for label in set(start) - set(study.free):
        theta = theta.at[labels.index(label)].set(start[label])
    return theta


def _fixed(method: Fixed, counts: Any, *, heed_alarms: bool = True) -> Fixed:
    """Fixed steps with these traced counts."""
    return Fixed(
        method.stepper,
        estimate_error=False,
        counts=counts,
        heed_alarms=heed_alarms,
    )

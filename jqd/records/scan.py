"""Data whose rows are settings, not times."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Int

from .. import _checks
from .._math import take
from .._outside import plain
from ..constants import constant
from ..instruments.ensemble_noise import EnsembleNoise
from ..instruments.noise import Noise
from .clusters import averaged
from .record import Record, between


class Scan(Record):
    """Data whose rows are runs of their own, each with its own settings.

    Row k shows the state at ts[k] of a run from `t0` on, in which constants of law,
    initial state or instrument have the values settings[name][k]: gaps or areas of
    pulses, angles, preparations. One program computes all rows. With `visit`, a run has
    several rows, such as the counts of the atoms of each shot.

    Attributes:
        settings: values by name of a constant, leaves (V, ...) for V runs.
        first: the first row of each run, (V,).
        visit: which run each row shows, (R,).
    """

    settings: dict[str, Array]
    first: Int[Array, " V"]
    visit: Int[Array, " R"]
    over_time: ClassVar[bool] = False
    times_repeat: ClassVar[bool] = True

    def __init__(
        self,
        settings: Mapping[str, ArrayLike],
        values: ArrayLike | Any,
        noise: Noise | None = None,
        *,
        ts: ArrayLike,
        t0: ArrayLike = 0.0,
        visit: ArrayLike | None = None,
    ):
        """A scan; checked as a `Record`. A `Study` checks that it has these constants.

        Args:
            settings: by name, as in `free` of a `Study` ("pulse[1].start",
                "start.alpha", "instrument.V"): values of the constant, (V, ...).
            values: shape (R, ...), R = V without `visit`.
            noise: noise model; None for `NoNoise()`.
            ts: time of the measurement, scalar or (V,), after t0. Rows come in the
                order of their times: a search begins with the first of them, and a fit
                holds out the last.
            t0: time of the initial state.
            visit: the number of the run that each row shows, from 0 on, (R,), not
                decreasing, each at least once: clusters of shots that scatter about the
                same probabilities, see `jqd.records.Clusters`. None for one row each.

        Raises:
            ValueError: no settings, numbers of rows that differ, times that decrease or
                are not after t0, noise that follows one run over time; see `Record`.
        """
        if isinstance(noise, EnsembleNoise):
            raise ValueError(
                "Argument `noise` must be that of rows which scatter on their own, but "
                "EnsembleNoise follows one ensemble over time."
            )
        read = read_settings(settings)
        runs = next(iter(read.values())).shape[0]
        times = read_times(ts, runs)
        where = np.arange(runs) if visit is None else _read_visits(visit, runs)
        if visit is not None:
            # a run ends at one time, which all of its rows show
            _checks.check_shape(times, "ts", (runs,))
            times = times[where]
        super().__init__(times, values, noise, t0)
        rows = runs if visit is not None else self.ts.shape[0]
        for name, value in read.items():
            if value.shape[0] != rows:
                raise ValueError(
                    f"Argument `settings[{name}]` must have one value for each row, "
                    f"but has {value.shape[0]} for {rows} rows."
                )
        if self.from_start:
            raise ValueError(
                "Argument `ts` must be after t0, where each run begins, but ts[0] is "
                "t0."
            )
        self.settings = read
        first = np.unique(where, return_index=True)[1]
        self.first, self.visit = jnp.asarray(first), jnp.asarray(where)

    @property
    def looks(self) -> Array:
        """The time of each run, (V,)."""
        return take(self.ts, self.first) if self._several else self.ts

    @property
    def firsts(self) -> Array:
        """The first row of each run, (V,)."""
        return self.first

    def over_rows(self, seen: Array) -> Array:
        """What there is of each run, (V, ..), in rows of the data, (R, ..)."""
        return take(seen, self.visit) if self._several else seen

    @property
    def pooled(self) -> Array:
        """The shares, averaged over the rows of each run."""
        if not self._several:
            return self.shares
        return self.over_rows(averaged(self.shares, self.visit, len(self.first)))

    @property
    def _several(self) -> bool:
        """Whether some runs have several rows."""
        return self.first.shape != self.visit.shape

    @property
    def begin(self) -> Any:
        """The time of the first row, scalar; where all times are equal, all runs are
        equally long."""
        known = _checks.can_read() and _checks.is_concrete(self.ts)
        return (np.asarray(self.ts) if known else self.ts)[0]

    def lines(self) -> dict[str, str]:
        """The contents in words, by label, as `repr` and `jqd show` print them."""
        each = np.bincount(np.asarray(self.visit))
        told = "each a run of its own"
        if each.max() > 1:
            told = f"{between(each)} of each of {len(each)} runs"
        lines = {"rows": f"{len(self.values)}, {told}"}
        for label, text in super().lines().items():
            lines[label] = text.replace("at each time", "in each row")
        lines["times"] = between(np.asarray(self.ts))
        for name, value in self.settings.items():
            lines[f"setting {name}"] = between(np.asarray(value))
        return lines


def read_settings(settings: Any) -> dict[str, Array]:
    """Settings as arrays, leaves (R, ...)."""
    _checks.check_names(settings, "settings")
    if not settings:
        raise ValueError(
            "Argument `settings` must name what changes from row to row, but names "
            "nothing; data over time alone are a `jqd.Record`."
        )
    read = {name: constant(x, f"settings[{name}]") for name, x in settings.items()}
    for name, value in read.items():
        if not value.ndim or not value.shape[0]:
            raise ValueError(
                f"Argument `settings[{name}]` must have one value for each row, but "
                f"its shape is {value.shape}."
            )
        _checks.check_finite(value, f"settings[{name}]")
    return read


def read_times(ts: Any, rows: int) -> Any:
    """Times of the rows, (R,), from these or from one for all."""
    ts = plain(ts, "ts")
    if np.ndim(ts):
        return ts
    _checks.check_scalar(ts, "ts")
    xp: Any = np if _checks.is_concrete(ts) else jnp
    return xp.broadcast_to(ts, (rows,))


def _read_visits(visit: Any, runs: int) -> np.ndarray:
    """Which run each row shows, (R,)."""
    given = plain(visit, "visit")
    if not _checks.is_concrete(given):
        raise ValueError(
            "Argument `visit` must be known when a scan is made, but is traced."
        )
    _checks.check_whole(given, "visit")
    where = np.asarray(given)
    ordered = where.ndim == 1 and np.array_equal(np.unique(where), np.arange(runs))
    if not ordered or np.any(np.diff(where) < 0):
        raise ValueError(
            f"Argument `visit` must number the {runs} runs from 0 on, in this order "
            "and each at least once, but does not."
        )
    return where.astype(int)


def settings_of(record: Record) -> dict[str, Array]:
    """The settings of the runs of a record; none of one over time."""
    return record.settings if isinstance(record, Scan) else {}


def settings_of_rows(record: Record) -> dict[str, Array]:
    """The settings of each row."""
    each = settings_of(record).items()
    return {name: record.over_rows(value) for name, value in each}

"""Data whose rows are settings, not times."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from .. import _checks
from .._outside import plain
from ..constants import constant
from ..instruments.ensemble_noise import EnsembleNoise
from ..instruments.noise import Noise
from .record import Record, between


class Scan(Record):
    """Data whose rows are runs of their own, each with its own settings.

    Row k shows the state at ts[k] of a run from `t0` on, in which constants of law,
    initial state or instrument have the values settings[name][k]: gaps or areas of
    pulses, angles, preparations. One program computes all rows.

    Attributes:
        settings: values by name of a constant, leaves (R, ...).
    """

    settings: dict[str, Array]
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
    ):
        """A scan; checked as a `Record`. A `Study` checks that it has these constants.

        Args:
            settings: by name, as in `free` of a `Study` ("pulse[1].start",
                "start.alpha", "instrument.V"): values of the constant, (R, ...).
            values: shape (R, ...).
            noise: noise model; None for `NoNoise()`.
            ts: time of the measurement, scalar or (R,), after t0. Rows come in the
                order of their times: a search begins with the first of them, and a fit
                holds out the last.
            t0: time of the initial state.

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
        rows = next(iter(read.values())).shape[0]
        super().__init__(read_times(ts, rows), values, noise, t0)
        for name, value in read.items():
            if value.shape[0] != self.ts.shape[0]:
                raise ValueError(
                    f"Argument `settings[{name}]` must have one value for each row, "
                    f"but has {value.shape[0]} for {self.ts.shape[0]} rows."
                )
        if self.from_start:
            raise ValueError(
                "Argument `ts` must be after t0, where each run begins, but ts[0] is "
                "t0."
            )
        self.settings = read

    @property
    def begin(self) -> Any:
        """The time of the first row, scalar; where all times are equal, all runs are
        equally long."""
        known = _checks.can_read() and _checks.is_concrete(self.ts)
        return (np.asarray(self.ts) if known else self.ts)[0]

    def lines(self) -> dict[str, str]:
        """The contents in words, by label, as `repr` and `jqd show` print them."""
        lines = {"rows": f"{len(self.values)}, each a run of its own"}
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


def settings_of(record: Record) -> dict[str, Array]:
    """The settings of a record; none of one over time."""
    return record.settings if isinstance(record, Scan) else {}

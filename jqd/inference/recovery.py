"""`Recovery`: the outcome of a fit that was refined and tested."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from .. import _html
from .._saved import save
from .._words import p_words
from ..laws.motion import Motion
from .constant import Constant, constants_table
from .goodness import CONVERGED, TOO_SMALL_P, Runs
from .limits import LEVEL, Limit, limit_of
from .parts import Part
from .pattern import Pattern
from .priors import PULLED
from .recovery_numbers import columns, recovery_dataset, rows_of
from .study import Study


class Recovery(eqx.Module):
    """The outcome of a fit.

    Attributes:
        law_name: of the law, see `Study.law_name` (static).
        law: the law with the recovered constants; of several studies that of the first.
        constants, covariance, singular_values, ends, agree, held_out, chi2_per_dof,
            p_value: as of a `Fit`, with numbers, and None where there is none.
        null_directions: combinations of constants that the data cannot determine, unit
            vectors in the constants' own units, shape (null, p).
        starts: initial guesses of the search, shape (S, p).
        history: loss from each initial guess at each step of the search, (S, steps).
        held_out_start: `held_out` for the law as it was before the fit. Both are None
            as well where the run does not reach these rows.
        held_out_rows: number of rows held out (static).
        prediction: prediction of the recovered constants, like the data.
        start_prediction: prediction of the first initial guess.
        ts: times of the data, shape (T,); of several studies the numbers of the values,
            which stand in one row, as do the predictions.
        observed: the data on the scale of the predictions.
        substeps: steps between two rows in the final fit (static).
        study: the study that was fitted, for predictions and losses elsewhere.
        runs: runs of the signs of residuals over time, which show a missing decay
            before chi-square does; None for few rows, or correlated ones.
        pattern: pattern of the residuals of a misfit in time; None where `p_value` is
            no smaller than 1e-3, but for one of more than a row where the scatter of
            counts is fitted, where nothing was tested, and for a `Scan`.
        status: "converged"; "not converged"; "constants not determined" where the data
            leave some open at the best fit; or, for a fit that converged and whose
            standard errors do not hold, "linear noise not valid" or "the law does not
            describe the record", where `p_value` is below 1e-3, or where a fitted
            scatter would hide a pattern (static).
        message: what the status means here, and what to know of the errors (static).
        parts: what each of several studies adds to chi-square; () for one (static).
    """

    law_name: str = eqx.field(static=True)
    law: Motion
    constants: dict[str, Constant]
    covariance: Float[Array, "p p"]
    singular_values: Float[Array, " p"]
    null_directions: Float[Array, "null p"]
    starts: Float[Array, "S p"]
    ends: Float[Array, "S p"]
    agree: Bool[Array, " S"]
    history: Float[Array, "S steps"]
    held_out: float | None
    held_out_start: float | None
    held_out_rows: int = eqx.field(static=True)
    chi2_per_dof: float | None
    p_value: float | None
    prediction: Array
    start_prediction: Array
    ts: Float[Array, " T"]
    observed: Array
    substeps: int = eqx.field(static=True)
    study: Study
    runs: Runs | None = eqx.field(static=True)
    pattern: Pattern | None = eqx.field(static=True)
    status: str = eqx.field(static=True)
    message: str = eqx.field(static=True)
    parts: tuple[Part, ...] = eqx.field(static=True, default=())

    def beside(self, truth: Mapping[str, ArrayLike]) -> "Recovery":
        """The recovery with the true constants of synthetic data beside its own.

        Args:
            truth: by name of a constant; names that were not free do not matter.

        Returns:
            The same, with these values as `reference` of the constants.
        """
        known = {}
        for slot in self.study.slots.free:
            if slot.name in truth:
                values = np.ravel(np.asarray(truth[slot.name]))
                known |= dict(zip(slot.labels, map(float, values), strict=True))
        constants = {
            label: replace(constant, reference=known.get(label, constant.reference))
            for label, constant in self.constants.items()
        }
        return replace(self, constants=constants)

    def limit(self, name: str, level: float = LEVEL) -> Limit:
        """State how far a constant may be from its value in quantum mechanics.

        |x - x_QM| < max(|low - x_QM|, |high - x_QM|)

        [low, high] is the two-sided interval at this confidence: best fit -+ z standard
        errors where the likelihood is normal to 10 % at z errors, or at two where z is
        smaller, else all x with

            2 ln L(best fit) - 2 max ln L(x, other constants) <= z²

        found by fits of the other constants, with time steps so short that shorter ones
        do not move the ends; `level` of the limit then says "by profile likelihood".
        Limits of constants at their bounds are found in the same way. z is Student's
        quantile where the fit estimates the scatter. An end that the data leave beyond
        a bound of the constant is this bound; if that is the limit, `more` says so.

        Args:
            name: label of a free constant ("q", "R[0,1]").
            level: confidence, between 0 and 1.

        Returns:
            The limit, with numbers `limit`, `low` and `high` in the unit of the
            constant; as text it is a sentence.

        Raises:
            ValueError: no such constant, or none with a limit: the law does not
                describe the data, quantum mechanics has no value of it, or one that
                changes with other fitted constants, or its interval has no end.
        """
        return limit_of(self, name, level)

    @property
    def theta(self) -> np.ndarray:
        """The recovered constants as one vector, shape (p,)."""
        return np.array([constant.value for constant in self.constants.values()])

    @property
    def agreeing_starts(self) -> float:
        """Share of initial guesses that reached the best fit."""
        return float(np.mean(np.asarray(self.agree)))

    @property
    def errors_hold(self) -> bool:
        """Whether the fit converged, has standard errors, and no test speaks against
        them."""
        every = all(one.holds for one in self.constants.values())
        return self.status == CONVERGED and every

    @property
    def pulled(self) -> tuple[str, ...]:
        """Nuisances that the data pull from their priors by more than 3 widths."""
        return tuple(pulls_of(self.study, self.constants))

    @property
    def scatter_too_small(self) -> bool:
        """Whether residuals are so small that chance makes them so 1 time in 1000."""
        return self.p_value is not None and self.p_value > TOO_SMALL_P

    def plot(self) -> Any:
        """Plot data, fitted law and residuals; a `matplotlib.figure.Figure`."""
        from ..figures.recovery import figure_recovery

        data, fitted = columns(self.observed), columns(self.prediction)
        return figure_recovery(data, fitted, *rows_of(self))

    def to_xarray(self, names: Sequence[str] | None = None) -> Any:
        """Data, fitted law, constants with errors, and initial guesses as a dataset.

        Args:
            names: names of the columns of the data; None for their indices.

        Returns:
            An `xarray.Dataset` over time, component, constant, start and iteration,
            with a variable "setting.NAME" for what the rows of a scan set; attributes:
            law, status, message, tests of the fit, versions, date.

        Raises:
            ValueError: not one name for each column.
        """
        return recovery_dataset(self, names)

    def save(self, path: str | Path) -> Path:
        """Write `to_xarray` as a Zarr folder, which `xarray.open_zarr` reads.

        Args:
            path: the folder, which must not exist.

        Raises:
            OutputError: (a ValueError) it exists, or cannot be written.
        """
        return save(self.to_xarray(), path)

    @_html.shows
    def _repr_html_(self) -> _html.Card:
        apart = None
        if _html.is_small((self.observed, self.prediction)):
            apart = np.asarray(self.observed) - np.asarray(self.prediction)
        notes = str(self).splitlines()[1 + len(self.constants) :]
        over_time = self.study.data.over_time
        return _html.Card(
            f"Constants of {self.law_name}",
            self.status,
            self.errors_hold,
            [constants_table(self.constants)],
            [self.message, *notes],
            None if apart is None else columns(apart),
            self.ts if over_time else None,
            f"data less fitted law, over {'time' if over_time else 'rows'}",
        )

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        lines = [f"{self.law_name}: {self.status}. {self.message}"]
        lines += [_line(constant) for constant in self.constants.values()]
        if self.chi2_per_dof is not None and self.p_value is not None:
            small = ", scatter too small" if self.scatter_too_small else ""
            lines.append(
                f"  chi-square per degree of freedom {self.chi2_per_dof:.4g} "
                f"(p {p_words(self.p_value)}{small})"
            )
        lines += [f"  {part.describe()}" for part in self.parts]
        if self.runs is not None:
            lines.append(f"  {self.runs.describe()}")
        held_out = "none" if self.held_out is None else f"{self.held_out:.3g}"
        lines.append(
            f"  {int(np.sum(self.agree))} of {len(self.starts)} starts reached the "
            f"best fit; held-out distance {held_out}"
        )
        return "\n".join(lines)


def _line(c: Constant) -> str:
    """A constant with its errors, and how far a nuisance is from its prior."""
    if not c.holds:
        return f"  {c}"
    text = f"  {c} (step bias {c.step_bias:.1g}"
    if c.pull is not None:
        return f"{text}, pull {c.pull:+.2g})"
    if c.known is not None and not c.at_bound:
        text += (
            f", {c.known:.2g} were the nuisances known, {c.alone:.2g} without priors"
        )
    return f"{text})"


def pulls_of(study: Study, constants: Mapping[str, Constant]) -> dict[str, float]:
    """The pulls of nuisances that are far from their priors, by name."""
    # beside values without errors priors pull nothing
    if not study.data.noise.known:
        return {}
    pulls = {c.name: c.pull for c in constants.values() if c.pull is not None}
    return {name: pull for name, pull in pulls.items() if abs(pull) > PULLED}

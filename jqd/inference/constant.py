"""`Constant`: a fitted constant with its errors."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from .. import _html


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

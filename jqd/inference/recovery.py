"""What `recover` returns."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from ..laws.constants import labels
from .problem import FitProblem


class Constant(eqx.Module):
    """One recovered constant; numbers of `recover`, arrays of `fit`.

    Attributes:
        name: label (static).
        value: best fit.
        stderr: standard error: scatter of the data and step bias together, not below
            rounding.
        step_bias: estimated error that the finite step leaves in the value.
        reference: value in quantum mechanics, or None where the law has none.
        scatter: standard error from the scatter of the data alone, or None where it is
            all of `stderr`.
    """

    name: str = eqx.field(static=True)
    value: Any
    stderr: Any
    step_bias: Any
    reference: float | None
    scatter: Any = None

    @property
    def deviation(self) -> float | None:
        """value - reference, or None where there is no reference."""
        return None if self.reference is None else self.value - self.reference

    @property
    def sigmas(self) -> float | None:
        """The deviation in standard errors, or None where there is none to speak of:
        no reference, or an error that is step bias and rounding more than scatter."""
        scatter = self.stderr if self.scatter is None else self.scatter
        if self.deviation is None or not scatter > 0 or self.stderr > 1.5 * scatter:
            return None
        return self.deviation / self.stderr


class Recovery(eqx.Module):
    """The outcome of a fit.

    Attributes:
        law_name: class name of the law (static).
        law: the law with the recovered constants.
        constants: label -> `Constant`.
        covariance: of the constants, from the scatter of the data alone, (p, p).
        singular_values: of the scaled Jacobian at the fit, descending, (p,).
        null_directions: what the data cannot tell, unit vectors in the constants' own
            units, shape (null, p).
        starts: where the search started, shape (S, p).
        ends: where each start went, shape (S, p).
        agree: which starts reached the best fit, shape (S,).
        history: loss of each start at each step of the search, shape (S, steps).
        held_out: distance of the prediction from rows that took no part in the fit
            (mean total variation for populations, else mean absolute difference).
        held_out_start: the same for the law as it was before the fit.
        held_out_rows: number of rows held out (static).
        chi2_per_dof: chi-square per degree of freedom for noise of known size, else
            None.
        p_value: probability of a chi-square as large as this, if law and errors are
            right; for noise of known size, else None.
        prediction: at the recovered constants, like the record.
        start_prediction: at the first start.
        ts: times of the record, shape (T,).
        observed: the record on the scale of the predictions.
        substeps: steps between two rows in the final fit (static).
        problem: the fit itself, for predictions and losses elsewhere.
        status: "converged"; "not converged"; or, for a fit that converged and whose
            standard errors do not hold, "linear noise not valid" or "the law does not
            describe the record", where `p_value` is below 1e-3 (static).
        message: one sentence (static).
    """

    law_name: str = eqx.field(static=True)
    law: Any
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
    problem: FitProblem
    status: str = eqx.field(static=True)
    message: str = eqx.field(static=True)

    def beside(self, truth: Mapping[str, ArrayLike]) -> "Recovery":
        """The recovery with the values that a computed record was made with.

        Args:
            truth: by name of a constant; names that were not free do not matter.

        Returns:
            The same, with them as `reference` of the constants.
        """
        known = {}
        for name in self.problem.free:
            if name in truth:
                names = labels(self.problem.law, name)
                values = np.ravel(np.asarray(truth[name]))
                known |= dict(zip(names, map(float, values), strict=True))
        constants = {
            label: replace(constant, reference=known.get(label, constant.reference))
            for label, constant in self.constants.items()
        }
        return replace(self, constants=constants)

    @property
    def theta(self) -> np.ndarray:
        """The recovered constants as one vector, shape (p,)."""
        return np.array([constant.value for constant in self.constants.values()])

    @property
    def agreeing_starts(self) -> float:
        """Share of starts that reached the best fit."""
        return float(np.mean(np.asarray(self.agree)))

    @property
    def errors_hold(self) -> bool:
        """Whether the standard errors are to be trusted."""
        return self.status == "converged"

    def __str__(self) -> str:
        lines = [f"{self.law_name}: {self.status}. {self.message}"]
        lines += [
            f"  {c.name} = {c.value:.12g} +- {c.stderr:.2g} "
            f"(step bias {c.step_bias:.1g})"
            for c in self.constants.values()
        ]
        if not self.errors_hold:
            lines.append("  the standard errors are not to be trusted")
        if self.chi2_per_dof is not None:
            lines.append(
                f"  chi-square per degree of freedom {self.chi2_per_dof:.4g} "
                f"(p = {self.p_value:.2g})"
            )
        held_out = "none" if self.held_out is None else f"{self.held_out:.3g}"
        lines.append(
            f"  {int(np.sum(self.agree))} of {len(self.starts)} starts reached the "
            f"best fit; held-out distance {held_out}"
        )
        return "\n".join(lines)

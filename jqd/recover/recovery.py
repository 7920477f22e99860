"""What `recover` returns."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from .problem import FitProblem


class Constant(eqx.Module):
    """One recovered constant; numbers of `recover`, arrays of `fit`.

    Attributes:
        name: label (static).
        value: best fit.
        stderr: standard error: scatter of the data and step bias together.
        step_bias: estimated error that the finite step leaves in the value.
        reference: value in quantum mechanics, or None where the law has none.
    """

    name: str = eqx.field(static=True)
    value: Any
    stderr: Any
    step_bias: Any
    reference: float | None

    @property
    def deviation(self) -> float | None:
        """(value - reference) in units of the standard error."""
        if self.reference is None or self.stderr == 0:
            return None
        return (self.value - self.reference) / self.stderr


class Recovery(eqx.Module):
    """The outcome of a fit.

    Attributes:
        law_name: class name of the law (static).
        law: the law with the recovered constants.
        constants: label -> `Constant`.
        covariance: of the constants, from the scatter of the data alone, (p, p).
        singular_values: of the scaled Jacobian at the fit, descending, (p,).
        null_directions: what the data cannot tell, shape (null, p).
        starts: where the search started, shape (S, p).
        ends: where each start went, shape (S, p).
        converged: which starts reached the best fit, shape (S,).
        history: loss of each start at each step of the search, shape (S, steps).
        held_out: distance of the prediction from rows that took no part in the fit
            (mean total variation for populations, else mean absolute difference).
        held_out_start: the same for the law as it was before the fit.
        held_out_rows: number of rows held out (static).
        chi2_per_dof: for noise of known size, else None.
        prediction: at the recovered constants, like the record.
        start_prediction: at the first start.
        ts: times of the record, shape (T,).
        observed: the record on the scale of the predictions.
        substeps: steps between two rows in the final fit (static).
        problem: the fit itself, for predictions and losses elsewhere.
        status: "converged", "not converged", or "linear noise not valid" for a fit that
            converged and whose standard errors do not hold (static).
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
    converged: Bool[Array, " S"]
    history: Float[Array, "S steps"]
    held_out: float | None
    held_out_start: float | None
    held_out_rows: int = eqx.field(static=True)
    chi2_per_dof: float | None
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
                labels = self.problem.law.labels(name)
                values = np.ravel(np.asarray(truth[name]))
                known |= dict(zip(labels, map(float, values), strict=True))
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
    def converged_starts(self) -> float:
        """Share of starts that reached the best fit."""
        return float(np.mean(np.asarray(self.converged)))

    def __str__(self) -> str:
        lines = [f"{self.law_name}: {self.status}. {self.message}"]
        lines += [
            f"  {c.name} = {c.value:.12g} +- {c.stderr:.2g} "
            f"(step bias {c.step_bias:.1g})"
            for c in self.constants.values()
        ]
        held_out = "none" if self.held_out is None else f"{self.held_out:.3g}"
        lines.append(
            f"  {100 * self.converged_starts:.0f} % of {len(self.starts)} starts "
            f"converged; held-out distance {held_out}"
        )
        return "\n".join(lines)

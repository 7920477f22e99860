"""The row of a record at t0 beside the prepared state: conventions that differ."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .. import _checks
from ..evolution import Fixed, evolve
from ..records.scatter import exact_error, strain
from .data import Correlated, Data, Gaussian, NoNoise
from .first_row_causes import likely_causes
from .problem import FitProblem, bounds_of

# How far the constants are moved, in spans, to see what depends on them: from a start
# at which a slope is zero by symmetry.
_NUDGE = 0.0137


class FirstRow:
    """What the row at t0 shows and should show, as far as no free constant enters.

    Attributes:
        problem: the fit.
        theta: constants at which the state is prepared, shape (p,).
        seen: the row, on the scale of predictions.
        expected: of the prepared state, like it.
        errors: standard errors of `seen`.
        fixed: which of its values no free constant changes.
    """

    def __init__(self, problem: FitProblem, theta: Array):
        low, high = map(np.asarray, bounds_of(problem))
        start = np.asarray(theta)
        toward = np.where(start > (low + high) / 2, -1, 1)
        self.problem = problem
        self.theta = jnp.asarray(start + _NUDGE * toward * (high - low))
        self.expected, slope = map(np.asarray, _row_and_slope(problem, self.theta))
        self.seen = np.asarray(problem.data.shares)[0]
        self.errors = self._errors(problem.data)
        change = np.sum(np.abs(slope) * (high - low), axis=-1)
        # what the whole span of the starts moves by less than a tenth of an error
        self.fixed = change <= 0.1 * self.errors

    @property
    def comparable(self) -> bool:
        """Whether there is something to compare."""
        finite = bool(np.all(np.isfinite(self.expected)))
        whole = not isinstance(self.problem.data.noise, Correlated)
        fixed = self.fixed.any() if whole else self.fixed.all()
        return finite and self.expected.shape == self.seen.shape and bool(fixed)

    def strain(self, expected: np.ndarray) -> float:
        """`strain` of the row, were this what it should show."""
        if expected.shape != self.seen.shape or not np.all(np.isfinite(expected)):
            return np.inf
        apart = (expected - self.seen) * self.fixed
        noise = self.problem.data.noise
        if isinstance(noise, Correlated):
            values = self.problem.data.values
            prediction = values.at[0].add(apart)
            return strain(np.asarray(noise.residuals(prediction, values, values))[0])
        return strain((apart / self.errors)[self.fixed])

    def _errors(self, data: Data) -> np.ndarray:
        noise, shape = data.noise, self.seen.shape
        if isinstance(noise, NoNoise):
            return np.full(shape, exact_error(np.asarray(data.shares)))
        if isinstance(noise, Gaussian):
            return np.broadcast_to(np.asarray(noise.sigma), data.values.shape)[0]
        if isinstance(noise, Correlated):
            return np.sqrt(np.diagonal(np.asarray(noise.covariance)[0]))
        # counts, of at least one half, so that no outcome is excluded for certain
        total = np.sum(np.asarray(data.values)[0])
        return np.sqrt(np.maximum(total * self.expected, 0.5)) / total


def check_first_row(problem: FitProblem, theta: Array) -> None:
    """Refuse a record whose row at t0 is not what the prepared state shows there.

    Every constant of a fit would otherwise make up for a convention that differs: a g
    of QuTiP's, an order of axes, a unit, a state. The likely ones are tried, and the
    one that fits is named. Values of the row that depend on the free constants are
    left out; without a row at t0, and where values are traced, nothing is compared.

    Args:
        problem: the fit.
        theta: constants at the start, shape (p,).

    Raises:
        ValueError: the row differs from the prepared state beyond its errors.
    """
    if not problem.data.from_start or not _checks.is_concrete(
        (problem, theta, jnp.zeros(()))
    ):
        return
    row = FirstRow(problem, theta)
    if not row.comparable or row.strain(row.expected) <= 1:
        return
    apart = np.abs(row.expected - row.seen) * row.fixed
    worst = np.unravel_index(np.argmax(apart / row.errors), apart.shape)
    place = f"[0, {', '.join(map(str, worst))}]"
    text = (
        "Argument `data` must begin with the state at t0, but its row at t0 is not "
        f"that of the prepared state: entry {place} is {row.seen[worst]:.4g} and not "
        f"{row.expected[worst]:.4g} +- {row.errors[worst]:.2g}"
    )
    for words, expected in likely_causes(row):
        if row.strain(expected) <= 1:
            raise ValueError(f"{text}; it fits if {words}.")
    exact = isinstance(problem.data.noise, NoNoise)
    scatter = (
        "if the values scatter, say by how much (sigma)"
        if exact
        else "if the state is right, the errors are too small"
    )
    raise ValueError(
        f"{text}; no other scale, sign, order of the values or row of the record fits: "
        f"look at the initial state, its conventions and its time; {scatter}."
    )


@jax.jit
def _row_and_slope(problem: FitProblem, theta: Array) -> tuple[Array, Array]:
    """The row at t0, and its derivative by the free constants in a last axis."""

    def row(theta):
        law, state0 = problem.at(theta)
        method = Fixed(law.stepper, estimate_error=False)
        at = problem.data.t0[None]
        run = evolve(law, state0, at, method=method, observe=problem.observe)
        return run.values[0]

    return row(theta), jax.jacfwd(row)(theta)

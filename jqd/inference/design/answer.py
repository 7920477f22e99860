"""What an experiment should do, and how well it will measure the constants."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks, _html
from ...status import Status
from ..fisher import StandardErrors, determined
from ..identifiability import Identifiability
from ..sensitivity import Sensitivity
from .settings import Candidates, Setting
from .shots import Shots, factor_for, spectrum
from .weights import Optimum, Problem, covariance

# Derivatives by two routes may differ by this much, relative to each column.
AGREE = 1e-3
# Shares below this are not shown.
SHOWN = 5e-4


class Design(eqx.Module):
    """Shares of shots on settings, and the expected standard errors.

    Attributes:
        settings: the candidates, S of them (static).
        weights: share of the shots at each, (S,).
        shots: N, of the whole experiment.
        criterion: the minimised criterion, "A", "D", "c" or "KL" (static).
        value: value of the criterion: tr C^T V C, ln det C^T V C, c^T V c, or 2 N KL.
        labels: names of the constants, free ones first (static).
        wanted: C, combinations that are wanted, (p, k).
        standard_errors: errors of all constants, with nuisances known, with their
            priors, and without.
        gap: of the equivalence theorem: how much more than the mean of the settings
            with shots the best setting would add, relative. Without priors "A" and "c"
            are at most 1/(1 - gap) of the best, ln det at most k gap above it. For
            several values of the constants, see `over`, how far the shares may be from
            the best.
        sensitivity: gain from one more shot at each setting, in units of the mean of
            those that have shots, (S,): at most 1 + gap.
        null: null directions of the data alone, without priors.
        theta: constants at which errors are given, (p,): the worst, where the design is
            over a box.
        record: information of the data with these shots, (p, p).
        prior: information of the priors and of shots taken before, (p, p).
        disagreement: relative difference of the derivatives by linear response and
            through the law where both are known, else their change by half the step.
        status: OK; `NOT_CONVERGED` where the gap is wider than was asked;
            `INACCURATE` where derivatives disagree; how a run ended that did not reach
            its last time (static).
        assumed: what the values of the candidates let assume of their noise, such as
            rows that sum to 1, in words; None for nothing (static).
    """

    settings: tuple[Setting, ...] = eqx.field(static=True)
    weights: Float[Array, " S"]
    shots: float
    criterion: str = eqx.field(static=True)
    value: float
    labels: tuple[str, ...] = eqx.field(static=True)
    wanted: Float[Array, "p k"]
    standard_errors: StandardErrors
    gap: float
    sensitivity: Float[Array, " S"]
    null: Identifiability
    theta: Float[Array, " p"]
    record: Float[Array, "p p"]
    prior: Float[Array, "p p"]
    disagreement: float
    status: Status = eqx.field(static=True)
    assumed: str | None = eqx.field(static=True)

    @property
    def null_vectors(self) -> Float[Array, "n p"]:
        """Unit null vectors of the data without priors, in the constants' own units."""
        return self.null.null_directions

    @property
    def support(self) -> list[tuple[Setting, float]]:
        """Settings that have shots, and their shares."""
        shares = np.asarray(self.weights).tolist()
        both = zip(self.settings, shares, strict=True)
        return [(setting, share) for setting, share in both if share > 0]

    def stderr(self, label: str) -> float:
        """Standard error of one constant with priors, see `StandardErrors.of`."""
        return self.standard_errors.of(label, self.labels)

    def allocation(self) -> np.ndarray:
        """Whole numbers of shots at each setting, (S,), which add up to those of all.

        Largest remainders are rounded up.
        """
        exact = np.asarray(self.weights) * self.shots
        whole = np.floor(exact)
        left = round(self.shots - whole.sum())
        whole[np.argsort(whole - exact, kind="stable")[:left]] += 1
        return whole.astype(int)

    def shots_for(
        self, sigmas: float, delta: float | None = None, of: str | None = None
    ) -> Shots:
        """Number of shots, with these shares, that shows a step at so many sigma.

        It solves k² c^T V(N) c = δ² for N, by linear propagation; priors stay as they
        are.

        Args:
            sigmas: k.
            delta: δ, in the unit of the constant; None for the rival of "KL", whose
                whole difference is the step.
            of: name of the constant; None for the combination that was wanted.

        Returns:
            Their number, inf where calibration ends it, and the standard error that no
            number of shots goes below (for the rival in units of the difference).

        Raises:
            ValueError: a step or a number that is not positive, an unknown name, or
                several constants that were wanted and none named.
        """
        if delta is None and self.criterion == "KL":
            delta = 1.0
        _checks.check_positive(sigmas, "sigmas")
        if delta is None:
            raise ValueError("Argument `delta` must be a step, but is None.")
        _checks.check_positive(delta, "delta")
        combination = self._combination(of)
        found = spectrum(self.record, self.prior, combination)
        factor = factor_for(found, delta / sigmas)
        return Shots(self.shots * float(factor), float(found.limit))

    def _combination(self, of: str | None) -> np.ndarray:
        if of is not None:
            _checks.check_choice(of, "of", self.labels)
            return np.eye(len(self.labels))[self.labels.index(of)]
        if self.wanted.shape[1] != 1:
            raise ValueError(
                "Argument `of` must name a constant where several are wanted, but is "
                "None."
            )
        return np.asarray(self.wanted)[:, 0]

    def describe(self) -> str:
        """The status in words."""
        return _SAID.get(self.status, self.status.sentence)

    def plot(self) -> Any:
        """Draw where shots count and where they go; a `matplotlib.figure.Figure`."""
        from ...figures.outcomes import figure_sensitivity

        ts = [one.t for one in self.settings]
        return figure_sensitivity(ts, self.sensitivity, self.weights, self.criterion)

    @_html.shows
    def _repr_html_(self) -> _html.Card:
        shares = zip(
            self.settings, np.asarray(self.weights), self.allocation(), strict=True
        )
        looks = [(str(s), f"{w:.4f}", str(n)) for s, w, n in shares if w > SHOWN]
        three = (np.asarray(x) for x in self.standard_errors)
        rows = zip(self.labels, *three, strict=True)
        errors = [(name, *(f"{x:.4g}" for x in row)) for name, *row in rows]
        return _html.Card(
            f"Design, criterion {self.criterion}",
            self.describe(),
            self.status is Status.OK,
            [
                _html.Table(("setting", "share", "shots"), looks),
                _html.Table(
                    ("standard error of", "nuisances known", "priors", "no priors"),
                    errors,
                ),
            ],
            self._notes(),
        )

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        """Settings, shares and errors as lines of text."""
        counts = self.allocation()
        lines = [f"{'setting':<24}{'share':>9}{'shots':>12}"]
        for setting, share, count in zip(
            self.settings, np.asarray(self.weights), counts, strict=True
        ):
            if share > SHOWN:
                lines.append(f"{setting!s:<24}{share:>9.4f}{count:>12d}")
        three = (np.asarray(x) for x in self.standard_errors)
        rows = zip(self.labels, *three, strict=True)
        lines.append(f"{'constant':<24}{'known':>12}{'priors':>12}{'free':>12}")
        lines += [f"{name:<24}{a:>12.4g}{b:>12.4g}{c:>12.4g}" for name, a, b, c in rows]
        return "\n".join([*lines, *self._notes(), self.describe()])

    def _notes(self) -> list[str]:
        """The criterion with its gap, and what was assumed of the noise."""
        said = f"{self.criterion} {self.value:.6g}, gap {self.gap:.1e}"
        return [said] if self.assumed is None else [said, self.assumed]


_SAID = {
    Status.OK: "No other shares on these settings are better by more than the gap.",
    Status.NOT_CONVERGED: "The gap is wider than was asked: other shares may be "
    "better.",
    Status.INACCURATE: "Derivatives by two routes disagree: the errors are not to be "
    "trusted.",
}


def answer(
    found: Candidates,
    problem: Problem,
    optimum: Optimum,
    criterion: str,
    slopes: Sequence[Sensitivity],
    tolerance: float,
    theta: Array | None = None,
) -> Design:
    """The design with these shares of shots, and its errors.

    Args:
        found: the settings.
        problem: the problem that was solved over them.
        optimum: its solution.
        criterion: its name.
        slopes: derivatives that were used.
        tolerance: gap that was asked for.
        theta: constants at which errors are given; those of the derivatives for None.
    """
    distance = max(one.change for one in slopes)
    told = _told(found, problem, optimum.weights)
    mean = jnp.sum(optimum.weights * optimum.slopes)
    verdict = _verdict([one.status for one in slopes], distance, optimum, tolerance)
    return Design(
        found.settings, optimum.weights, float(problem.shots), criterion,
        float(told.value), found.labels, problem.wanted, told.errors,
        float(optimum.gap), optimum.slopes / mean, told.null,
        slopes[0].theta if theta is None else theta, told.record, problem.prior,
        distance, verdict, found.assumed,
    )  # fmt: skip


class _Told(NamedTuple):
    """What shares of shots tell; see `Design`."""

    value: Array
    errors: StandardErrors
    null: Identifiability
    record: Array


@jax.jit
def _told(found: Candidates, problem: Problem, weights: Array) -> _Told:
    slope, coarse = found.residual_slopes(weights, problem.shots)
    seen = slope.shape[0] - found.priors.shape[0]
    new = seen - found.taken.shape[0]
    scaled = problem.scaled()
    spread = scaled.wanted.T @ covariance(scaled, weights) @ scaled.wanted
    errors, _, null = determined(
        slope, coarse, seen, found.free, found.width, list(found.labels)
    )
    return _Told(
        jnp.linalg.slogdet(spread)[1] if problem.log_det else jnp.trace(spread),
        errors,
        null,
        slope[:new].T @ slope[:new],
    )


def _verdict(
    ended: Sequence[Status], distance: float, optimum: Optimum, tolerance: float
) -> Status:
    """How a design ended: the first of these that is the case."""
    failed = [status for status in ended if status is not Status.OK]
    if failed:
        return failed[0]
    if not distance <= AGREE:
        return Status.INACCURATE
    reached = bool(np.asarray(optimum.gap) <= tolerance)
    return Status.OK if reached else Status.NOT_CONVERGED

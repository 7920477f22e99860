"""Laws and the same data: how each describes them, and which is preferred."""

import math
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from .. import _html
from .._words import p_words
from .evidence import Evidence
from .goodness import CONVERGED, MISFIT, MISFIT_P
from .posterior import Posterior
from .posterior.left_out import LeftOut

# A law is preferred where |ln B| is above this for every width of its priors ...
CLEAR = 5.0
# ... and it predicts rows left out better by this many of its errors.
CLEAR_ERRORS = 3.0
# How fits end whose constants are at a maximum.
AS_GIVEN = "as given"
SETTLED = (AS_GIVEN, CONVERGED, MISFIT)
# Headings of tables that a terminal of 80 columns holds.
FITTED = "law", "status", "k", "X2 (dof)", "p"
WEIGHED = "law", "ln L", "AIC", "ln B"
PREDICTED = "law", "ELPD", "refits failed"
DRAWN = "law", "draws", "R-hat", "ESS", "predictive p"
DRAWN_PREDICTED = "law", "LOO", "rows refitted", "ln B (SMC)"
# ln Z by two methods agree within this and three errors.
AGREE = 0.3


class Folds(NamedTuple):
    """Predictions of a law for rows that its constants were not fitted to.

    Attributes:
        rows: ln of the probability of each row, left out with every k-th other, (T,).
        last: the same for the last rows, left out together, (T / folds,).
        failed: folds in which the run or its fit failed.
    """

    rows: Float[np.ndarray, " T"]
    last: Float[np.ndarray, " L"]
    failed: int


class Drawn(NamedTuple):
    """Results of draws of a law's constants from their posterior.

    Attributes:
        posterior: the draws; None for a law without free constants.
        left_out: each row, predicted from the others.
        refitted: rows that draws cannot predict, predicted by a fit to the others.
        evidence: from populations, with the same priors; None without them.
    """

    posterior: Posterior | None
    left_out: LeftOut
    refitted: int
    evidence: Evidence | None


class Candidate(NamedTuple):
    """One law and its description of the data.

    Attributes:
        name: name of its study.
        status: how its fit ended, in words; "no prediction" where it has none.
        settled: whether its constants are at a maximum, in every refit as well, or lead
            to no prediction.
        constants: values by label.
        stderr: their standard errors by label; none of a constant at its bound, and
            empty where they do not hold.
        inwards: one-sided errors of constants at their bounds by label, likewise: the
            distance inwards at which chi-square is larger by 1.
        parameters: number of fitted constants, nuisances included.
        log_likelihood: at the best fit, priors of nuisances included, less terms that
            no law changes; -inf without a prediction.
        chi2: sum of squared residuals.
        dof: degrees of freedom.
        p_value: p-value of this sum.
        worst_time: time of the row with largest residuals; None without a prediction.
        evidence: see `evidence`; None where there is none.
        folds: see `Folds`.
        outcomes: number of independent outcomes in the data, or None.
        drawn: see `Drawn`; None if nothing was drawn.
    """

    name: str
    status: str
    settled: bool
    constants: dict[str, float]
    stderr: dict[str, float]
    inwards: dict[str, float]
    parameters: int
    log_likelihood: float
    chi2: float
    dof: int
    p_value: float
    worst_time: float | None
    evidence: Evidence | None
    folds: Folds
    outcomes: int | None
    drawn: Drawn | None = None

    def __str__(self) -> str:
        fitted = ", ".join(
            f"{label} = {self._told(label, value)}"
            for label, value in self.constants.items()
        )
        return f"{self.name}: {self.status}" + (f"; {fitted}" if fitted else "")

    def _told(self, label: str, value: float) -> str:
        """A constant with its error, where one holds."""
        if label in self.inwards:
            error = self.inwards[label]
            return f"{_html.with_error(value, error)} ({error:.1e} inwards)"
        if label in self.stderr:
            return _html.plus_minus(value, self.stderr[label])
        return f"{value:.3g}"

    def __repr__(self) -> str:
        return str(self)

    @property
    def predicts(self) -> bool:
        """Whether the law makes a prediction at all."""
        return math.isfinite(self.log_likelihood)

    @property
    def misfits(self) -> bool:
        """Whether its residuals are larger than the errors allow, p < 1e-3, or follow a
        pattern in time that a fitted scatter would hide."""
        return self.p_value < MISFIT_P or self.status == MISFIT

    @property
    def at_wall(self) -> bool:
        """Whether a constant is near a bound, see `Evidence`."""
        return self.evidence is not None and bool(np.any(self.evidence.at_wall))

    @property
    def aic(self) -> float:
        """-2 ln L + 2 k"""
        return -2 * self.log_likelihood + 2 * self.parameters

    @property
    def bic(self) -> float | None:
        """-2 ln L + k ln n, n all outcomes; None where they are not independent."""
        if self.outcomes is None:
            return None
        return -2 * self.log_likelihood + self.parameters * math.log(self.outcomes)

    @property
    def elpd(self) -> float:
        """Sum of ln of the probability of each row, which was left out in its turn."""
        return float(np.sum(self.folds.rows))

    @property
    def log_evidence(self) -> float:
        """ln Z, -inf where there is none."""
        return -math.inf if self.evidence is None else float(self.evidence.log)


class Comparison(NamedTuple):
    """Laws compared on the same data; differences are taken from the first law.

    Attributes:
        rows: one `Candidate` for each law, in the order given.
        scales: factors of prior widths at which ln B is given.
        folds: number of parts in which rows were left out.
        assumed: an assumption on the noise that the values suggest, in one sentence, or
            None.
    """

    rows: tuple[Candidate, ...]
    scales: tuple[float, ...]
    folds: int
    assumed: str | None = None

    def log_bayes(self, row: Candidate) -> list[float]:
        """ln B of a law against the first, for each of `scales`; 0 if neither has a
        prediction."""
        return [
            difference(a, b)
            for a, b in zip(self._by_scale(row), self._by_scale(self.rows[0]),
                            strict=True)
        ]  # fmt: skip

    def _by_scale(self, row: Candidate) -> list[float]:
        if row.evidence is None:
            return [-math.inf] * len(self.scales)
        return np.asarray(row.evidence.by_scale).tolist()

    def turning_scale(self, row: Candidate) -> float | None:
        """Factor of the prior widths at which ln B changes its sign, or None."""
        first = self.rows[0]
        if row.evidence is None or first.evidence is None:
            return None
        more = len(row.evidence.widths) - len(first.evidence.widths)
        at_one = row.log_evidence - first.log_evidence
        if more == 0 or not math.isfinite(at_one):
            return None
        return math.exp(min(at_one / more, 700.0))

    def elpd_difference(self, row: Candidate) -> tuple[float, float]:
        """ELPD less that of the first law, and its standard error √(T var)."""
        return _summed(row.folds.rows, self.rows[0].folds.rows)

    def last_difference(self, row: Candidate) -> tuple[float, float]:
        """The same for the last rows, predicted from those before."""
        return _summed(row.folds.last, self.rows[0].folds.last)

    def loo_difference(self, row: Candidate) -> tuple[float, float]:
        """ln of the probability of rows that draws predict from all others, less that
        of the first law, and its standard error √(T var).

        Raises:
            ValueError: nothing was drawn.
        """
        own, first = (self._loo_rows(one) for one in (row, self.rows[0]))
        return _summed(own, first)

    def _loo_rows(self, row: Candidate) -> np.ndarray:
        if row.drawn is not None:
            return row.drawn.left_out.rows
        if row.predicts:
            raise ValueError("Argument `sampler` of the comparison must be given.")
        return np.full(row.folds.rows.shape, -np.inf)

    def plot(self, ts: Any) -> Any:
        """Plot each law beside the first; a `matplotlib.figure.Figure`.

        Args:
            ts: times of the data, (T,).
        """
        from ..figures.outcomes import figure_comparison

        return figure_comparison(self, np.asarray(ts))

    @_html.shows
    def _repr_html_(self) -> _html.Card:
        tables = [_html.Table(*table[1:]) for table in self.tables()]
        notes = [self.verdict(), self.legend()]
        return _html.Card("Laws beside one record", tables=tables, notes=notes)

    def verdict(self) -> str:
        """Which law the data prefer to which, and which pairs they leave open."""
        best, told = self._best(), (
            f"ln B is above {CLEAR:g} at each width of the priors, and left-out rows "
            f"favour the same law by more than {CLEAR_ERRORS:g} standard errors."
        )  # fmt: skip
        decided, rivals = [worse for _, worse in self.decided()], self._rivals()
        if not any(row.predicts for row in self.rows):
            return "No law predicts the record."
        if len(self.rows) == 1:
            return f"{self.rows[0].name} stands alone: nothing is compared."
        if best is not None and decided:
            said = f"The record prefers {best.name} to {_listed(decided)}: {told}"
            open_ = [row.name for row in rivals if row.name not in decided]
            if open_:
                said += f" It does not decide between {best.name} and {_listed(open_)}."
        else:
            said = (
                f"No law is clearly preferred: that takes |ln B| above {CLEAR:g} at "
                "each width of the priors, and left-out rows that favour the same law "
                f"by {CLEAR_ERRORS:g} standard errors."
            )
        misfits = [row for row in self.rows if row.predicts and row.misfits]
        wrong, why = [row.name for row in misfits], "p < 1e-3"
        if any(row.p_value >= MISFIT_P for row in misfits):
            why += ", or a pattern of the residuals that a fitted scatter hides"
        if len(wrong) == sum(row.predicts for row in self.rows):
            said = f"No law describes the record ({why} for each). {said}"
        elif wrong:
            said += f" Not described by ({why}): {', '.join(wrong)}."
        unsettled = [row.name for row in self.rows if not row.settled]
        if unsettled:
            said += (
                " Not judged, because its fit or a refit failed: "
                f"{', '.join(unsettled)}."
            )
        walled = [row.name for row in self.rows if row.at_wall]
        if walled:
            said += (
                " At a bound of a constant, where ln B by Laplace's method may be off "
                f"by ln 2 and more: {', '.join(walled)}."
            )
        return said + self._doubts()

    def decided(self) -> list[tuple[str, str]]:
        """Pairs of names: the law that the data prefer, and one that is clearly worse.

        The preferred law is the most probable one whose fit holds, among those that
        describe the data where there are any. A law whose fit failed is in no pair.
        Neither such a law nor one that does not describe the data keeps others out of
        theirs.
        """
        best = self._best()
        if best is None:
            return []
        others = [row for row in self.rows if row is not best and row.settled]
        return [(best.name, row.name) for row in others if self._clear(best, row)]

    def _best(self) -> Candidate | None:
        """The most probable of the laws whose fits hold; None where none predicts."""
        sound = [row for row in self.rows if row.settled and row.predicts]
        fitting = [row for row in sound if not row.misfits]
        return max(fitting or sound, key=lambda row: row.log_evidence, default=None)

    def _rivals(self) -> list[Candidate]:
        """Laws that may be as good as the best: fitted, and as misfitting at most."""
        best = self._best()
        return [
            row
            for row in self.rows
            if row is not best and row.settled and row.predicts
            and (not row.misfits or (best is not None and best.misfits))
        ]  # fmt: skip

    def _doubts(self) -> str:
        """What draws say against themselves, or against Laplace's method."""
        said, bad, apart = "", [], []
        for row in self.rows:
            if row.drawn is None or row.drawn.posterior is None:
                continue
            status = row.drawn.posterior.status
            if status not in (CONVERGED, MISFIT):
                bad.append(f"{row.name} ({status})")
            other = row.drawn.evidence
            if other is not None:
                away = abs(float(other.log) - row.log_evidence)
                if away > AGREE + 3 * float(other.stderr):
                    apart.append(row.name)
        if bad:
            said += f" Draws that are not to be trusted: {', '.join(bad)}."
        if apart:
            said += (
                " ln Z of Laplace's method is not that of the populations: "
                f"{', '.join(apart)}."
            )
        return said

    def _clear(self, best: Candidate, other: Candidate) -> bool:
        if not other.predicts:
            return True
        ahead = [
            difference(a, b)
            for a in self._by_scale(best)
            for b in self._by_scale(other)
        ]
        elpd, error = _summed(best.folds.rows, other.folds.rows)
        return min(ahead) > CLEAR and elpd > CLEAR_ERRORS * error

    def legend(self) -> str:
        """The meaning of the columns of `tables`, and what they assume."""
        scales = ", ".join(f"x{scale:.3g}" for scale in self.scales)
        said = (
            f"ln L, AIC, ln B and ELPD are relative to {self.rows[0].name}; ln B "
            f"(Laplace) is for priors of width {scales}{self._widths()}; rows were "
            f"left out in {self.folds} parts."
        )
        if any(row.drawn is not None for row in self.rows):
            said += (
                " LOO: each row predicted by draws from the posterior of the others, "
                "relative to the first law; rows refitted are those that the draws "
                "cannot predict."
            )
        return said if self.assumed is None else f"{said} {self.assumed}"

    def _widths(self) -> str:
        """What the factor 1 of the prior widths is, of each law with one."""
        told = [
            f"{label} {width:.3g} ({row.name})"
            for row in self.rows
            if row.evidence is not None
            for label, width in zip(
                row.constants, np.asarray(row.evidence.widths).tolist(), strict=False
            )
        ]
        return f" (x1: {', '.join(told)})" if told else ""

    def tables(self) -> list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
        """Title, headings and a line for each law of each table: how laws fit, their
        probabilities, what they predict, and the same of draws where there are any."""
        first = self.rows[0]
        fitted, weighed, predicted = [], [], []
        for row in self.rows:
            chi2 = f"{row.chi2:.5g} ({row.dof})"
            p = p_words(row.p_value, "")
            fitted.append((row.name, row.status, str(row.parameters), chi2, p))
            less = (
                difference(row.log_likelihood, first.log_likelihood),
                difference(row.aic, first.aic),
            )
            bayes = ", ".join(map(_signed, self.log_bayes(row)))
            weighed.append((row.name, *map(_signed, less), bayes))
            elpd, error = self.elpd_difference(row)
            failed = row.folds.failed if row.predicts else 0
            more = f"{failed} of {self.folds + 1}" if failed else "none"
            predicted.append((row.name, f"{_signed(elpd)} +- {error:.2g}", more))
        return [
            ("Laws beside the record", FITTED, fitted),
            ("Likelihoods and evidence", WEIGHED, weighed),
            ("Rows left out", PREDICTED, predicted),
            *self._drawn_tables(),
        ]

    def _drawn_tables(self) -> list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
        """Of laws whose constants were drawn; none where nothing was."""
        draws, predicted = [], []
        for row in self.rows:
            if row.drawn is None:
                continue
            found, loo = row.drawn.posterior, self.loo_difference(row)
            own = row.drawn.evidence
            said = ("nothing to draw", "", "", "")
            if found is not None:
                rhat = "" if found.rhat is None else f"{max(found.rhat.values()):.4f}"
                p = p_words(found.p_value, "")
                said = (found.status, rhat, f"{min(found.ess.values()):.0f}", p)
            draws.append((row.name, *said))
            predicted.append(
                (
                    row.name, f"{_signed(loo[0])} +- {loo[1]:.2g}",
                    str(row.drawn.refitted),
                    "" if own is None else f"{float(own.log - self._log_first()):+.4g} "
                    f"+- {float(own.stderr):.2g}",
                )
            )  # fmt: skip
        if not draws:
            return []
        return [
            ("Draws from posteriors", DRAWN, draws),
            ("Predictions of the draws", DRAWN_PREDICTED, predicted),
        ]

    def _log_first(self) -> float:
        """ln Z of the first law, as good as known for it where it has no constants."""
        first = self.rows[0]
        if first.drawn is not None and first.drawn.evidence is not None:
            return float(first.drawn.evidence.log)
        return first.log_evidence

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        told = []
        for _, headings, lines in self.tables():
            told += [*_html.Table(headings, lines).text(), ""]
        return "\n".join([*told, self.legend(), self.verdict()])


def _listed(names: list[str]) -> str:
    """Names as a sentence has them."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def difference(a: float, b: float) -> float:
    """a - b, where two infinities of one kind count as equal."""
    return 0.0 if a == b else a - b


def _summed(rows: np.ndarray, first: np.ndarray) -> tuple[float, float]:
    """The sum of differences, and its error: infinite without a prediction, or of one
    row alone."""
    each = np.array([difference(a, b) for a, b in zip(rows, first, strict=True)])
    if not np.isfinite(each).all():
        return float(np.sum(each)) if not np.isnan(np.sum(each)) else 0.0, math.inf
    if len(each) < 2:
        return float(np.sum(each)), math.inf
    return float(np.sum(each)), math.sqrt(len(each) * float(np.var(each)))


def _signed(value: float) -> str:
    return f"{value:+.4g}" if value else "0"

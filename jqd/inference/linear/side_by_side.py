"""Tables of counts side by side, and what chance makes of their chi-square."""

import math
from collections.abc import Sequence

import numpy as np

from ..goodness import MISFIT_P
from .low_rank import LowRank, fit_rank
from .outcome import JointTest
from .power import detectable_noncentrality, power_of

# Largest overfit of the tables of a wait, in standard deviations of a rise: p-values
# near 1e-3 are then too small by a factor of five at most.
_MOST_OVERFIT = 0.5


def p_value_of(fit: LowRank) -> float:
    """The probability of its chi-square."""
    return chi2_p(fit.chi2, fit.dof * fit.filled, fit.excess)


def chi2_p(chi2: float, dof: float, excess: float = 0.0) -> float:
    """`goodness.p_value` of numbers, in double precision whatever JAX is set to."""
    from scipy.special import chdtrc

    if not dof > 0:
        return 1.0
    c = max(1 + excess / (2 * dof), 1e-3)
    return float(chdtrc(dof / c, chi2 / c))


class SideBySide:
    """Tables side by side."""

    def __init__(
        self,
        frequencies: np.ndarray,
        shots: Sequence[np.ndarray],
        alone: Sequence[LowRank],
        wait: np.ndarray,
        run: np.ndarray,
    ) -> None:
        self._f, self._shots, self._alone = frequencies, shots, alone
        self._wait, self._run = wait, run
        k, (P, M) = alone[0].rank, frequencies.shape[1:]
        self._dof, self._dof_of_first = (P - k) * k, (P - k) * M
        self.fits: list[LowRank] = []
        self._weak: set[float] = set()  # waits of tables of less than the rank
        self._more: set[float] = set()  # of one of more than the rank
        for one in np.unique(wait).tolist():
            these = [alone[i] for i in self._at(one).values()]
            spread = math.sqrt(2 * self._dof * len(these))
            if sum(fit.overfit for fit in these) > _MOST_OVERFIT * spread:
                self._weak.add(one)
            if len(alone) * min(map(p_value_of, these)) < MISFIT_P:
                self._more.add(one)

    @property
    def without_rank(self) -> set[float]:
        """Waits whose tables have not the rank each."""
        return self._weak | self._more

    def _fit(self, *places: int) -> tuple[LowRank, np.ndarray, float]:
        """Fit of tables side by side, their shots, and its rise of chi-square."""
        f, shots = (
            np.concatenate([these[i] for i in places], axis=1)
            for these in (self._f, self._shots)
        )
        fit = fit_rank(f, shots, self._alone[0].rank)
        self.fits.append(fit)
        return fit, shots, fit.chi2 - sum(self._alone[i].chi2 for i in places)

    def _at(self, wait: float) -> dict[int, int]:
        """Places of the tables of a wait, by run."""
        places = np.flatnonzero(self._wait == wait)
        return {int(self._run[i]): int(i) for i in places}

    def control(self, wait: float) -> JointTest:
        """All runs of a wait side by side."""
        places = list(self._at(wait).values())
        two, _, _ = self._fit(*places[:2])
        _, _, rise = self._fit(*places)
        number = len(places)
        dof = self._dof * (number - 1)
        if wait in self._weak:
            rise += sum(self._alone[i].chi2 for i in places[1:])
            dof = self._dof_of_first * (number - 1)
        return JointTest(float(wait), number, two.per_dof, two.z, rise, dof, None)

    def pairs(self, wait: float) -> list[tuple[int, int]]:
        """Places of tables of the shortest wait and this one, for each run of both."""
        first, second = self._at(self._wait[0]), self._at(wait)
        return [(first[r], second[r]) for r in first if r in second]

    def test(
        self,
        wait: float,
        pairs: Sequence[tuple[int, int]],
        controls: dict[float, JointTest],
        size: float,
        level: float,
    ) -> JointTest:
        """A wait beside the shortest, run by run."""
        fits = [self._fit(*pair) for pair in pairs]
        rise, dof = sum(one[2] for one in fits), self._dof * len(pairs)
        if wait in self.without_rank or self._wait[0] in self._weak:
            rise += sum(self._alone[second].chi2 for _, second in pairs)
            dof = self._dof_of_first * len(pairs)
        beside = [controls[w] for w in (self._wait[0], wait) if w in controls]
        p = max(chi2_p(rise, dof), *(_beyond(rise, dof, one) for one in beside), 0.0)
        first, shots, _ = fits[0]
        scatter = [(one.excess, one.rise_dof) for one in beside]
        needed = detectable_noncentrality(dof, level, scatter)
        power = power_of(first, shots, len(pairs), size, needed)
        return JointTest(wait, len(pairs), first.per_dof, first.z, rise, dof, p, power)


def _beyond(rise: float, dof: int, control: JointTest) -> float:
    """Probability of a rise as large, were it made as that of a control, or chance."""
    from scipy.special import fdtrc

    return float(fdtrc(dof, control.rise_dof, rise / dof / max(1.0, control.excess)))

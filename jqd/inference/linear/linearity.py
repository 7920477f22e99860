"""`linearity`: whether states after a wait are linear in those before it."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import ArrayLike

from ... import _checks
from ..._lazy import above
from ...records.preparations import Tables, tables_of
from ..goodness import MISFIT_P
from .low_rank import LowRank, fit_rank
from .power import LARGEST, LEVEL, Power, detectable_noncentrality, power_of
from .shots import Scatter, inferred_shots, shots_by_scatter

MOST_RANK = 5
OK, NOT_CONVERGED = "ok", "not converged"
NO_RANK = "the rank does not describe the first table"
# Below it a scatter is less than chance makes it once in a million tables.
_TOO_SMALL_P = 1e-6
# Largest overfit of the tables of a wait, in standard deviations of a rise: p-values
# near 1e-3 are then too small by a factor of five at most.
_MOST_OVERFIT = 0.5
# Cochran's rule: with more cells of few counts chi-square has another distribution.
_MOST_FEW = 0.2


class RankTest(NamedTuple):
    """One table beside the best table of a rank.

    Attributes:
        rank: k.
        chi2: with the weights of the rank found, the same for all ranks.
        dof: (P - k)(M - k).
        z: (chi2 - dof)/√(2 dof).
        p_value: of chi2, with the fourth moments of binomial counts.
    """

    rank: int
    chi2: float
    dof: int
    z: float
    p_value: float


class JointTest(NamedTuple):
    """Tables side by side that are to have the preparations' states in common.

    Attributes:
        wait: of the second table; the first is that of the shortest wait, or for a
            control, another run of the same wait.
        runs: number of runs in `rise`.
        per_dof: chi-square per degree of freedom of the first pair at the rank found.
        z: of it, (chi2 - dof)/√(2 dof).
        rise: chi-square of tables side by side less that of each alone, of all runs.
            Where tables have not the rank k each, as the message then says, it is less
            that of the first alone: the second alone would fit noise, or hide what it
            has beyond the rank.
        rise_dof: its degrees of freedom, (P - k) k for each pair; (P - k) M then.
        p_value: of the rise by chance and, where there are controls, by the scatter of
            runs: the largest. The latter is by Fisher's F, as if that scatter were a
            factor of chi-square. None for a control.
        power: what nonlinearities would show in these tables; () for a control, and
            where the tables are not those of a qubit.
    """

    wait: float
    runs: int
    per_dof: float
    z: float
    rise: float
    rise_dof: int
    p_value: float | None
    power: tuple[Power, ...] = ()

    @property
    def excess(self) -> float:
        """Rise per degree of freedom: 1 by chance alone."""
        return self.rise / self.rise_dof


@dataclass(frozen=True, eq=False)
class Linearity:
    """What tables of counts say about the linearity of a motion.

    Attributes:
        ranks: the first table, that of the shortest wait and lowest run, by rank.
        rank: the least rank that describes it, or the one asked for.
        tables: each table at this rank, in the order of `wait` and `run`.
        wait, run, shots: of each table, (n,).
        unit: of the waits, or "".
        shots_from: where the shots are from.
        scatter: shots by the scatter of each table, with errors.
        joint: a test for each other wait that has runs in common with the shortest.
        controls: a test for each wait with two runs or more.
        few: share of cells with fewer than 5 expected counts, in all tables.
        status: "ok", "the rank does not describe the first table", where none up to 5
            does or the one asked for does not, or "not converged".
        message: what the status means here, and what limits the tests.
        sentence: the answer, which claims no more than the tests show.
    """

    ranks: tuple[RankTest, ...]
    rank: int
    tables: tuple[RankTest, ...]
    wait: np.ndarray
    run: np.ndarray
    shots: np.ndarray
    unit: str
    shots_from: str
    scatter: tuple[Scatter, ...]
    joint: tuple[JointTest, ...]
    controls: tuple[JointTest, ...]
    few: float
    status: str
    message: str
    sentence: str

    @property
    def p_value(self) -> float | None:
        """The smallest of the waits times their number; None without joint tests."""
        each = [one.p_value for one in self.joint if one.p_value is not None]
        return min(1.0, len(each) * min(each)) if each else None

    def plain(self) -> dict[str, Any]:
        """All of it as numbers, texts, lists and dicts."""

        def of(one: JointTest) -> dict[str, Any]:
            return one._asdict() | {
                "excess": one.excess,
                "power": [found._asdict() for found in one.power],
            }

        tables = [
            {"wait": float(w), "run": int(r), "shots": int(n)} | test._asdict()
            | {
                "shots_by_scatter": s.shots if math.isfinite(s.stderr) else None,
                "shots_stderr": s.stderr if math.isfinite(s.stderr) else None,
            }
            for w, r, n, test, s in zip(
                self.wait, self.run, self.shots, self.tables, self.scatter, strict=True
            )
        ]  # fmt: skip
        return {
            "rank": self.rank,
            "ranks": [one._asdict() for one in self.ranks],
            "tables": tables,
            "joint": [of(one) for one in self.joint],
            "controls": [of(one) for one in self.controls],
            "p_value": self.p_value,
            "unit": self.unit,
            "shots_from": self.shots_from,
            "few": self.few,
            "status": self.status,
            "message": self.message,
            "sentence": self.sentence,
        }

    def plot(self) -> Any:
        """Plot chi-square by rank and by wait; a `matplotlib.figure.Figure`."""
        return above("linear_figure", "figure_linearity")(self)

    def __str__(self) -> str:
        lines = [f"Linearity of {len(self.wait)} tables: {self.status}. {self.message}"]
        lines += [
            f"  rank {one.rank}: chi-square per degree of freedom "
            f"{one.chi2 / one.dof:.4g} (z = {one.z:.3g})"
            for one in self.ranks
        ]
        for title, tests in (("wait", self.joint), ("same wait", self.controls)):
            lines += [
                f"  {title} {one.wait:g}{self.unit and ' ' + self.unit}: joint "
                f"{one.per_dof:.4g} (z = {one.z:.3g}), rise per degree of freedom "
                f"{one.excess:.3f} ± {math.sqrt(2 / one.rise_dof):.3f}"
                for one in tests
            ]
        return "\n".join([*lines, f"  {self.sentence}"])

    def __repr__(self) -> str:
        return str(self)


def linearity(
    counts: Tables | ArrayLike,
    shots: ArrayLike | None = None,
    *,
    wait: ArrayLike | None = None,
    run: ArrayLike | None = None,
    rank: int | None = None,
    size: float = 0.1,
) -> Linearity:
    """Test whether a motion is linear, from preparations, waits and measurements alone.

    A table of probabilities of a system with d² real numbers of state has rank d², 4
    for a qubit, whatever the preparations and measurements:

        p_ij = s_i . e_j,   χ² = Σ N (n/N - p)²/(p (1 - p)),   dof = (P - k)(M - k)

    One table keeps its rank under any motion. Two tables with the same preparations,
    at waits 0 and t side by side, keep it if states after t are linear functions of
    those before, and then χ² of both together is that of each alone plus a rise of
    (P - k) k by chance. No Hamiltonian is needed. A change of the preparations between
    the tables does what a nonlinearity does; tables of two runs at one wait, the
    controls, show how large it is. States that have decayed together have no such
    rank after the wait: chi-square is then compared with that of the first table alone.

    Tables are not pooled: each run is a table. Runs of one number stand side by side
    with each other, and their rises are summed; a control has all runs of a wait side
    by side. `per_dof` and `z` of a test are those of the lowest two tables alone. z
    would be normal if counts were; with many cells of few counts it is not, and
    `p_value` is to be read. It says nothing about what all states have in common.

    Args:
        counts: how often each measurement came out as 1: (P, M), (table, P, M) or
            (wait, run, P, M), whole numbers; or `Tables` as `jqd.load` reads them.
            Without `shots`, frequencies, from which the shots are inferred.
        shots: of each cell: one number, or one for each table.
        wait: time between preparation and measurement of each table, in any unit; of
            axes (wait, run), one for each wait. None for 0, 1, ..
        run: number of the run of each table; None to number those of equal wait.
        rank: to test; None for the least that describes the first table, up to 5.
        size: of the nonlinearities of which `power` tells what they show: ε t/ħ of
            Weinberg's law, (q - 1/2) Ω t of copy dynamics driven by an angle Ω t; up to
            1.

    Returns:
        The tests, with one sentence.

    Raises:
        ValueError: arrays that do not fit; counts without shots; shots that are not
            those of the counts, by the scatter about the fit; frequencies that do not
            tell their shots; a rank that leaves nothing to test.

    Source: M. D. Mazurek et al. (2021) PRX Quantum 2, 020302, for the rank of tables.
    """
    if isinstance(counts, Tables):
        _refuse_beside(shots=shots, wait=wait, run=run)
        told = counts
    else:
        told = tables_of(counts, shots, wait=wait, run=run)
    _checks.check_scalar(size, "size")
    _checks.check_positive(size, "size")
    if size > LARGEST:
        raise ValueError(
            f"Argument `size` must be at most {LARGEST:g}, beyond which it is no small "
            f"nonlinearity, but is {size:g}."
        )
    most = min(MOST_RANK, *(n - 1 for n in told.counts.shape[1:]))
    if rank is not None:
        rank = _checks.whole_number(rank, "rank", 1, min(told.counts.shape[1:]) - 1)
    order = np.lexsort((told.run, told.wait))
    waits, runs = told.wait[order].astype(float), told.run[order]
    values = told.counts[order]
    if told.shots is None:
        N = np.array([inferred_shots(table) for table in values])
        frequencies = values.astype(float)
        origin = "inferred: the least of which all frequencies are whole shares"
    else:
        N = told.shots[order].astype(float)
        frequencies = values / N[:, None, None]
        origin = "given"
    each = [np.full(table.shape, float(n)) for table, n in zip(values, N, strict=True)]

    k = _least_rank(frequencies[0], each[0], most) if rank is None else rank
    fits = [fit_rank(f, n, k) for f, n in zip(frequencies, each, strict=True)]
    scatter = tuple(
        shots_by_scatter(fit, f, float(n))
        for fit, f, n in zip(fits, frequencies, N, strict=True)
    )
    for fit, one, n, w, r in zip(fits, scatter, N, waits, runs, strict=True):
        _refuse_shots(fit, one, float(n), f"wait {w:g}, run {r}")
    by_rank = [
        fits[0] if j == k else fit_rank(frequencies[0], each[0], j, fits[0].weights)
        for j in range(1, max(most, k) + 1)
    ]
    tests = _Joint(frequencies, each, fits, waits, runs)
    each_wait, many = np.unique(waits, return_counts=True)
    controls = tuple(tests.control(float(w)) for w in each_wait[many > 1])
    scatters = {one.wait: one for one in controls}
    pairs = {float(w): tests.pairs(float(w)) for w in each_wait[1:]}
    alone = [w for w, those in pairs.items() if not those]
    level = LEVEL / max(1, len(pairs) - len(alone))
    joint = tuple(
        tests.test(w, those, scatters, size, level)
        for w, those in pairs.items()
        if those
    )
    few = float(np.mean([fit.few for fit in fits]))
    converged = all(fit.converged for fit in (*fits, *by_rank, *tests.fits))
    fits_first = _p_value(fits[0]) >= MISFIT_P
    status = OK if converged and fits_first else NO_RANK if converged else NOT_CONVERGED
    result = Linearity(
        tuple(_test(fit) for fit in by_rank),
        k,
        tuple(_test(fit) for fit in fits),
        waits,
        runs,
        N.astype(int),
        told.unit,
        origin,
        scatter,
        joint,
        controls,
        few,
        status,
        "",
        "",
    )
    result = replace(result, message=_message(result, tests.without_rank, alone))
    return replace(result, sentence=_sentence(result))


def _refuse_beside(**given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"Argument `{name}` must not be given beside Tables, which have it, "
                "but is."
            )


def _least_rank(f: np.ndarray, shots: np.ndarray, most: int) -> int:
    """The least rank that describes a table; `most` where none does."""
    for k in range(1, most + 1):
        if _p_value(fit_rank(f, shots, k)) >= MISFIT_P:
            return k
    return most


def _p_value(fit: LowRank) -> float:
    return chi2_p(fit.chi2, fit.dof * fit.filled, fit.excess)


def chi2_p(chi2: float, dof: float, excess: float = 0.0) -> float:
    """`goodness.p_value` of numbers, in double precision whatever JAX is set to."""
    from scipy.special import chdtrc

    if not dof > 0:
        return 1.0
    c = max(1 + excess / (2 * dof), 1e-3)
    return float(chdtrc(dof / c, chi2 / c))


def _test(fit: LowRank) -> RankTest:
    return RankTest(fit.rank, fit.chi2, fit.dof, fit.z, _p_value(fit))


def _refuse_shots(fit: LowRank, found: Scatter, shots: float, where: str) -> None:
    """Raise where counts scatter as those of other shots do."""
    # where half of the cells are empty or full, chance leaves no scatter either
    small = fit.filled > 0.5 and 1 - _p_value(fit) < _TOO_SMALL_P
    if not (found.wrong or small):
        return
    seen = "less than chance allows"
    if found.wrong:
        seen = f"as {found.shots:.0f} ± {found.stderr:.0f} shots do"
    raise ValueError(
        f"Argument `shots` must be those of the counts, but is {shots:g} for the table "
        f"of {where}, whose counts scatter about the best fit of rank {fit.rank} "
        f"{seen} (chi-square per degree of freedom {fit.per_dof:.4g})."
    )


class _Joint:
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
            if len(alone) * min(map(_p_value, these)) < MISFIT_P:
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


def _message(
    found: Linearity, without_rank: Collection[float], alone: Collection[float]
) -> str:
    """What the status means, and what limits the tests.

    Args:
        found: all but this.
        without_rank: waits whose tables have not the rank.
        alone: waits whose tables have no run in common with the shortest.
    """
    notes = []

    def of(waits: Collection[float]) -> str:
        listed = ", ".join(f"{wait:g}" for wait in sorted(waits))
        return f"wait {listed}{found.unit and ' ' + found.unit}"

    if found.status == NO_RANK:
        notes.append(
            f"About rank {found.rank} the first table scatters more than its shots "
            "allow: because summed runs differ, or of drift, or of more levels."
        )
    if found.status == NOT_CONVERGED:
        notes.append("A fit of low rank did not reach its least chi-square.")
    notes.append(f"Shots are {found.shots_from}.")
    if without_rank and (found.joint or found.controls):
        notes.append(
            f"At {of(without_rank)} not each table has rank {found.rank} (states that "
            "have decayed together, or more numbers of state): their rise is that over "
            "the first table alone."
        )
    if alone:
        notes.append(
            f"At {of(alone)} no run is one of {of(found.wait[:1].tolist())}: these "
            "tables are compared with none."
        )
    if found.few > _MOST_FEW:
        notes.append(
            f"{found.few:.0%} of the cells have fewer than 5 counts: chi-square then "
            "has another distribution, so do not trust z and p."
        )
    chi2 = sum(one.chi2 for one in found.tables)
    dof = sum(one.dof for one in found.tables)
    if found.few <= _MOST_FEW and 1 - chi2_p(chi2, dof) < _TOO_SMALL_P:
        notes.append(
            f"All tables together scatter less than independent shots do (chi-square "
            f"per degree of freedom {chi2 / dof:.3f}): p-values are too large."
        )
    return " ".join(notes)


def _sentence(found: Linearity) -> str:
    """The answer: no more than the tests show."""
    per_dof = found.tables[0].chi2 / found.tables[0].dof
    rank = f"rank {found.rank} (chi-square per degree of freedom {per_dof:.4g})"
    if found.status != OK:
        return f"Nothing is said about linearity: {found.status}."
    if not found.joint:
        tables = "tables of one wait"
        if found.wait[0] != found.wait[-1]:
            tables = "tables of waits without a run in common"
        return (
            f"The first table has {rank}; {tables} say nothing about a motion, linear "
            "or not."
        )
    worst = min(found.joint, key=lambda one: one.p_value or 0.0)
    ends = (found.wait[0], worst.wait)
    controls = [one.excess for one in found.controls if one.wait in ends]
    beside = "by chance it would by 1"
    if controls:
        beside = f"between runs at equal wait by {max(controls):.3g}"
    p, unit = found.p_value or 0.0, found.unit and f" {found.unit}"
    many = f" for {len(found.joint)} waits" if len(found.joint) > 1 else ""
    seen = (
        f"at wait {worst.wait:g}{unit} chi-square rises by {worst.excess:.3g} per "
        f"degree of freedom, {beside} (p = {p:.2g}{many})"
    )
    if p >= MISFIT_P:
        could = " or ".join(
            f"{one.constant} = {one.detectable:.2g} ({one.law})"
            for one in worst.power
            if math.isfinite(one.detectable)
        )
        more = f"; {could} would give p < {LEVEL:g} in 80 of 100 records"
        more = more if could else ""
        return f"No sign of nonlinearity: {seen}{more}."
    return (
        f"No linear map of states of {found.rank} numbers fits wait "
        f"{found.wait[0]:g}{unit} beside later ones: {seen}. A nonlinearity does that, "
        "and so does a change of the preparations between the tables, or a state of "
        "more numbers."
    )

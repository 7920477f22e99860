"""What tables of counts say about the linearity of a motion."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .power import Power
from .shots import Scatter

OK, NOT_CONVERGED = "ok", "not converged"
NO_RANK = "the rank does not describe the first table"


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
    """A test of whether tables side by side have the preparations' states in common.

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
        from ...figures.outcomes import figure_linearity

        return figure_linearity(self)

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

"""`linearity`: whether states after a wait are linear in those before it."""

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import ArrayLike

from ... import _checks
from ...records.preparations import Tables, tables_of
from ..goodness import MISFIT_P
from .low_rank import LowRank, fit_rank
from .outcome import NO_RANK, NOT_CONVERGED, OK, Linearity, RankTest
from .power import LARGEST, LEVEL
from .shots import Scatter, inferred_shots, shots_by_scatter
from .side_by_side import SideBySide, p_value_of
from .words import TOO_SMALL_P, message_of, sentence_of

MOST_RANK = 5


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
        size: size of the nonlinearities whose effect `power` estimates: ε t/ħ of
            Weinberg's law, (q - 1/2) Ω t of copy dynamics driven by an angle Ω t; up to
            1.

    Returns:
        The tests, with one sentence.

    Raises:
        ValueError: arrays that do not fit; counts without shots; shots that are not
            those of the counts, by the scatter about the fit; frequencies that do not
            determine their shots; a rank that leaves nothing to test.

    Source: M. D. Mazurek et al. (2021) PRX Quantum 2, 020302, for the rank of tables.
    """
    if isinstance(counts, Tables):
        _refuse_beside(shots=shots, wait=wait, run=run)
        told = counts
    else:
        told = tables_of(counts, shots, wait=wait, run=run)
    _checks.check_positive(size, "size", ())
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
    tests = SideBySide(frequencies, each, fits, waits, runs)
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
    fits_first = p_value_of(fits[0]) >= MISFIT_P
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
    result = replace(result, message=message_of(result, tests.without_rank, alone))
    return replace(result, sentence=sentence_of(result))


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
        if p_value_of(fit_rank(f, shots, k)) >= MISFIT_P:
            return k
    return most


def _test(fit: LowRank) -> RankTest:
    return RankTest(fit.rank, fit.chi2, fit.dof, fit.z, p_value_of(fit))


def _refuse_shots(fit: LowRank, found: Scatter, shots: float, where: str) -> None:
    """Raise where counts scatter as those of other shots do."""
    # where half of the cells are empty or full, chance leaves no scatter either
    small = fit.filled > 0.5 and 1 - p_value_of(fit) < TOO_SMALL_P
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

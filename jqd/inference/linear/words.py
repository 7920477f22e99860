"""What tests of linearity show, in words."""

import math
from collections.abc import Collection

from ..._words import p_words
from ..goodness import MISFIT_P
from .outcome import NO_RANK, NOT_CONVERGED, OK, Linearity
from .power import LEVEL
from .side_by_side import chi2_p

# Below it a scatter is less than chance makes it once in a million tables.
TOO_SMALL_P = 1e-6
# Cochran's rule: with more cells of few counts chi-square has another distribution.
_MOST_FEW = 0.2


def message_of(
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
            f"The first table scatters about rank {found.rank} by more than its shots "
            "allow: summed runs may differ, the apparatus may drift, or there are more "
            "levels."
        )
    if found.status == NOT_CONVERGED:
        notes.append("A fit of low rank did not reach its least chi-square.")
    notes.append(f"Shots are {found.shots_from}.")
    if without_rank and (found.joint or found.controls):
        notes.append(
            f"At {of(without_rank)} not every table has rank {found.rank} (states have "
            "decayed to nearly the same one, or a state has more numbers): their rise "
            "is that over the first table alone."
        )
    if alone:
        notes.append(
            f"At {of(alone)} no run is one of {of(found.wait[:1].tolist())}: these "
            "tables are not compared with any other."
        )
    if found.few > _MOST_FEW:
        notes.append(
            f"{found.few:.0%} of the cells have fewer than 5 counts: chi-square then "
            "has another distribution, so do not trust z and p."
        )
    chi2 = sum(one.chi2 for one in found.tables)
    dof = sum(one.dof for one in found.tables)
    if found.few <= _MOST_FEW and 1 - chi2_p(chi2, dof) < TOO_SMALL_P:
        notes.append(
            f"All tables together scatter less than independent shots do (chi-square "
            f"per degree of freedom {chi2 / dof:.3f}): p-values are too large."
        )
    return " ".join(notes)


def sentence_of(found: Linearity) -> str:
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
        f"degree of freedom, {beside} (p {p_words(p)}{many})"
    )
    if p >= MISFIT_P:
        could = " or ".join(
            f"{one.constant} = {one.detectable:.2g} ({one.law})"
            for one in worst.power
            if math.isfinite(one.detectable)
        )
        more = f"; {could} would give p < {LEVEL:g} in 80 of 100 data sets"
        more = more if could else ""
        return f"No sign of nonlinearity: {seen}{more}."
    return (
        f"No linear map of states of {found.rank} numbers fits wait "
        f"{found.wait[0]:g}{unit} beside later ones: {seen}. A nonlinearity does that, "
        "and so does a change of the preparations between the tables, or a state of "
        "more numbers."
    )

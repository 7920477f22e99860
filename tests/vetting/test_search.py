"""Searches for the worst case, and what they tell where there is none."""

import numpy as np

import jqd
from jqd.vetting import Verdict
from jqd.vetting.pairs import Pair, by_measurement, by_unitary
from jqd.vetting.runs import Runs
from jqd.vetting.search import worst
from jqd.vetting.stability import equivariance
from jqd.vetting.states import States


def nothing(points, finer):
    return np.full(len(points), np.nan)


def falling(points, finer):
    """An error of the steps that is largest where |x| is 1."""
    return np.exp(-((np.linalg.norm(points, axis=-1) - 1) ** 2)) / 16.0**finer


def test_a_search_of_nothing_finds_nothing():
    assert worst(nothing, 2, 0, 1) is None


def test_a_figure_of_steps_alone_is_the_largest():
    found = worst(falling, 2, 0, 1)
    assert abs(np.linalg.norm(found) - 1) < 0.01


class Endless(Runs):
    """Runs that all end."""

    def __call__(self, law, kets, finer=1):
        return np.full((len(kets), self.looks + 1, np.size(kets[0])), np.nan)

    @property
    def sparing(self):
        return self


def test_signals_of_runs_that_end_are_not_decided():
    states = States(np.eye(2, dtype=complex), 1.0)
    quantum = jqd.Schrodinger(np.array([[0.0, 1.0], [1.0, 0.0]]))
    pair = Pair.of(quantum, quantum, states, None, None, 0, 1.0)
    for row in (
        by_unitary(Endless(1.0, 8, 2), pair, 0, 1),
        by_measurement(Endless(1.0, 8, 2), pair, 0, 1),
    ):
        assert row.verdict is Verdict.NOT_DECIDED
        assert row.figure is None


def test_a_distance_that_halved_steps_change_is_no_failure(monkeypatch):
    """By 4000 particles 95 % of samples stay below 0.0215."""

    class Found:
        ks_line = 0.0215
        ok = np.ones(4, bool)

        def __init__(self, ks):
            self.ks = np.array([ks])

    def steps_alone(*args, substeps, **options):
        return Found(2.0 / substeps)

    def of_the_law(*args, substeps, **options):
        return Found(0.2 + 0.1 / substeps)

    def verdict(nelson):
        monkeypatch.setattr("jqd.vetting.stability.nelson", nelson)
        grid = jqd.Grid((-1.0, 1.0), 8)
        law = jqd.Schrodinger.on_grid(grid, 0 * grid.x)
        return equivariance(Runs(1.0, 16, 2), law, [None], 0)

    row = verdict(steps_alone)
    assert row.verdict is Verdict.NOT_DECIDED
    assert row.floor == 0.125
    assert verdict(of_the_law).verdict is Verdict.FAILS

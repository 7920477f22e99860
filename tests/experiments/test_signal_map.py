"""The verdict of the map of signals, from points that are made up."""

import numpy as np
import pytest
import signal_map
import xarray as xr

import jqd

AXES = {"q": 0.5 + 0.1 * np.arange(-2, 3), "r": -0.5 + 0.1 * np.arange(-2, 3)}


def made_up(silent=None, error=1e-9):
    """Signals of half the distance, of two pairs; 0 at (1/2, -1/2) and one more law."""
    points = xr.Dataset(coords={**AXES, "case": [0, 1]})
    whole = xr.zeros_like(points.q + points.r + 0.0 * points.case)
    distance = np.hypot(points.q - 0.5, points.r + 0.5)
    if silent is not None:
        there = (points.q == AXES["q"][silent]) & (points.r < -0.55)
        distance = distance.where(~there, 0)
    signal = whole + 0.5 * distance * (1 - 0.2 * points.case)
    return points.assign(
        signal=signal, error=whole + error, end=whole + 2, least=whole + 0.1,
        drift=whole, status=whole.astype(int),
    )  # fmt: skip


class Context:
    """A context that has swept already."""

    quick = True

    def __init__(self, points):
        self.points = points

    def sweep(self, function, axes, **settings):
        return self.points

    def save_figure(self, figure, name):
        assert len(figure.axes) == 6 + 5  # panels and colour bars

    def save_dataset(self, dataset):
        self.saved = dataset


def test_a_plane_without_a_valley():
    context = Context(made_up())
    summary = signal_map.run(context)
    assert summary["status"] == "ok"
    assert summary["laws_without_signal"] == 0
    assert summary["least_signal_over_distance"] == pytest.approx(0.5)
    assert summary["weakest_law"] == pytest.approx(0.05)
    # the median of two is between them
    law = context.saved.isel(q=0, r=2)
    assert float(law.largest) == pytest.approx(0.1)
    assert float(law["median"]) == pytest.approx(0.09)
    assert float(law.least) == pytest.approx(0.08)


def test_a_second_law_without_signals_is_found():
    summary = signal_map.run(Context(made_up(silent=1)))
    assert summary["status"] != "ok"
    assert summary["laws_without_signal"] == 2  # at r = -0.7 and -0.6
    q, r = summary["its_q_and_r"]
    assert q == AXES["q"][1]
    assert r <= -0.6 + 1e-12


def test_signals_within_their_errors_do_not_count():
    summary = signal_map.run(Context(made_up(error=0.1)))
    assert summary["status"] != "ok"
    assert summary["laws_without_signal"] == 24


def test_signals_at_the_quantum_point_refute_the_steps():
    points = made_up()
    points["signal"] = points.signal + 1e-3
    summary = signal_map.run(Context(points))
    assert summary["signal_at_quantum_point"] == pytest.approx(1e-3)
    assert summary["status"] != "ok"


def test_nodes_are_counted_by_law():
    points = made_up()
    ended = (points.q + points.r > 0.05) & (points.case == 0)
    points["status"] = points.status.where(~ended, int(jqd.Status.NODE))
    found = signal_map.laws(points)
    share = found.ended.transpose("q", "r").values
    assert share[4, 4] == 0.5
    assert share[0, 0] == 0
    assert share.sum() == pytest.approx(0.5 * 10)

"""Figures of colliding blocks: each curve at its own speed, ħ and time of contact."""

from types import SimpleNamespace

import numpy as np
import pytest
from _support.collision_figures import (
    collision_dataset,
    figure_collision,
    figure_thawed,
)

TS = np.linspace(0, 4, 9)
SPEEDS, HBARS = (0.5, 2.0, 3.0), (0.09, 0.01)
FIELDS = {
    "width": (), "width_mean": (), "kept": (), "ks": (), "kurtosis": (),
    "temperature": (4,), "modes": (5,), "heat": (6,), "x": (6, 2),
}  # fmt: skip
RATES = {0.5: 0.3, 2.0: 0.6, 3.0: 0.9}


@pytest.fixture(scope="module")
def runs():
    """Every number another one."""
    rng = np.random.default_rng(1)
    return {
        (v, h): SimpleNamespace(
            **{n: rng.uniform(0.1, 1, (9, *more)) for n, more in FIELDS.items()}
        )
        for v in SPEEDS
        for h in HBARS
    }


@pytest.fixture(scope="module")
def rows():
    """At contact after 1/v, a little later where ħ is small."""
    return [
        {
            "v": v, "hbar": h, "contact": 1 / v + h, "kept": 0.99, "T_harmonic": v,
            "width": v * h, "width_error": 0.1 * v * h,
        }
        for v in SPEEDS
        for h in HBARS
    ]  # fmt: skip


def curve(axis, x, y):
    """Whether the panel has this curve."""
    return any(
        len(line.get_xdata()) == len(x)
        and np.allclose(line.get_xdata(), x)
        and np.allclose(line.get_ydata(), y)
        for line in axis.lines
    )


def test_curves_begin_at_their_own_contact(runs, rows):
    shares = {v: np.linspace(0.1, v / 4, 2) for v in SPEEDS}
    passages = np.array([[1.0, 1.5], [2.0, 2.5], [3.0, 3.5]])
    figure = figure_collision(
        TS, runs, rows, shares, passages, hbars=HBARS, melt=0.1
    )  # fmt: skip
    width, modes, heat, ks, kurtosis, late = figure.axes[:6]
    for (v, h), run in runs.items():
        after = TS - 1 / v - h
        assert curve(width, after, run.width)
        # all that is thermal is of the smaller ħ
        cold = h == HBARS[1]
        assert curve(heat, after, run.temperature.mean(axis=-1)) == cold
        assert curve(ks, after, run.ks) == cold
        assert curve(kurtosis, after, run.kurtosis) == cold
    for k, v in enumerate(SPEEDS):
        # the middles of two windows of 2
        assert curve(modes, np.array([1.0, 3.0]) - 1 / v - HBARS[1], shares[v])
        for passage in passages[k]:
            assert curve(width, [passage - 1 / v - HBARS[0]], [0.1 * 1.3**k])
    for h in HBARS:
        assert curve(late, np.array(SPEEDS), h * np.array(SPEEDS))


def test_a_thawed_width_goes_as_the_root_of_hbar(runs, rows):
    widths = np.exp(np.array(list(RATES.values()))[:, None] * TS[None, :5])
    figure = figure_thawed(
        TS[:5], widths, runs, rows, RATES, hbars=HBARS, melt=0.1
    )  # fmt: skip
    for k, v in enumerate(SPEEDS):
        after = TS[:5] - 1 / v - HBARS[0]
        assert curve(figure.axes[k], after, widths[k])
        assert curve(figure.axes[k], after, widths[k] / 3)
        for h in HBARS:
            assert curve(figure.axes[k], after, runs[v, h].width[:5])


def test_the_dataset_has_speeds_before_hbar(runs):
    widths = np.arange(6.0).reshape(2, 3)
    data = collision_dataset(TS, runs, TS[:3], widths)
    assert data.x.dims == ("speed", "hbar", "time", "atom", "axis")
    for (v, h), run in runs.items():
        for name in FIELDS:
            found = data[name].sel(speed=v, hbar=h)
            np.testing.assert_array_equal(found, getattr(run, name))
    np.testing.assert_array_equal(data.thawed_width, widths)

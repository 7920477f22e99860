"""Each figure of `jqd.report`, of made-up numbers, is one that a journal would take."""

from types import SimpleNamespace

import numpy as np
import pytest

from jqd.figures.flaws import flaws
from jqd.figures.loss import figure_loss_line
from jqd.report import (
    figure_corner,
    figure_fit,
    figure_horizon,
    figure_landscape,
    figure_phase_space,
    figure_profiles,
    figure_residuals,
    figure_sensitivity,
    figure_trace,
)

TS = np.linspace(0, 6, 25)
WAVES = np.sin(TS[:, None] + np.arange(8))
RNG = np.random.default_rng(0)


def fit(columns, **options):
    names = [f"p{k}" for k in range(columns)]
    data = WAVES[:, :columns]
    return figure_fit(TS, data, data, 0.5 * data, names, **options)


def residuals(columns):
    names = [f"p{k}" for k in range(columns)]
    return figure_residuals(TS, 1e-11 * WAVES[:, :columns], 5.0, 1e-11, names=names)


def landscape():
    x = np.linspace(0, 1, 9)
    starts = RNG.uniform(size=(8, 2))
    loss = np.add.outer((x - 0.5) ** 2, (x - 0.4) ** 2) + 1e-6
    ends = np.broadcast_to([0.4, 0.5], (8, 2))
    good = np.arange(8) > 2
    return figure_landscape(x, x, loss, starts, ends, good, (0.4, 0.5), ("q", "r"))


def profiles(times):
    x = np.linspace(-4, 4, 60)
    data = np.exp(-((x - np.linspace(0, 1, times)[:, None]) ** 2))
    return figure_profiles(x, TS[:times], data, data, 0.5 * data)


def loss_line():
    values = np.linspace(0, 2, 40)
    ends, good = np.array([0.5, 0.5, 1.5]), np.array([True, True, False])
    loss = (values - 0.5) ** 2 + 1e-12
    return figure_loss_line(values, loss, ends, good, 0.5, "D")


def phase_space(maps, **options):
    x = np.linspace(-3, 3, 20)
    values = np.exp(-np.add.outer(x**2, x**2)) * np.ones((maps, 1, 1))
    return figure_phase_space(values, x, x, ["t = 0"] * maps, **options)


def horizon(constants):
    bounds = np.exp(-TS[:, None] / (1 + np.arange(constants)))
    seen = SimpleNamespace(ts=TS, stderr=bounds, sensitivity=1 + TS)
    return figure_horizon(seen, [f"K[{k}]" for k in range(constants)])


def drawn(draw, constants):
    labels = [f"gamma[{k}]" for k in range(constants)]
    draws = {label: RNG.normal(size=(4, 100)) for label in labels}
    theta, stderr = np.zeros(constants), np.ones(constants)
    return draw(SimpleNamespace(labels=labels, draws=draws, theta=theta, stderr=stderr))


FIGURES = {
    "a fit of one column": lambda: fit(1),
    "a fit of many": lambda: fit(8, held_out_from=5.0, sigma=0.1),
    "residuals": lambda: residuals(6),
    "residuals of many": lambda: residuals(8),
    "a plane of the loss": landscape,
    "one profile": lambda: profiles(1),
    "five profiles": lambda: profiles(5),
    "a line of the loss": loss_line,
    "a map": lambda: phase_space(1),
    "maps": lambda: phase_space(4),
    "maps on one scale": lambda: phase_space(4, shared=True),
    "a design": lambda: figure_sensitivity(TS, WAVES[:, 0] ** 2, TS > 4, "A"),
    "a horizon": lambda: horizon(3),
    "a horizon of many": lambda: horizon(10),
    "a trace": lambda: drawn(figure_trace, 1),
    "traces": lambda: drawn(figure_trace, 4),
    "a corner": lambda: drawn(figure_corner, 1),
    "corners": lambda: drawn(figure_corner, 4),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_the_house(name):
    figure = FIGURES[name]()
    figure.draw_without_rendering()
    assert flaws(figure) == []


def test_more_constants_than_colours_are_named_by_a_colour_bar():
    left, _, bar = horizon(10).axes
    assert [text.get_text() for text in bar.get_yticklabels()] == [
        f"K[{k}]" for k in range(10)
    ]
    curves = left.get_lines()
    assert len({curve.get_color() for curve in curves}) == len(curves) == 10
    assert left.get_legend() is None
    few, _ = horizon(6).axes
    assert len(few.get_legend().get_texts()) == 6


def test_panels_of_a_corner_share_their_constants():
    axes = np.reshape(drawn(figure_corner, 3).axes, (3, 3))
    for i, j in ((1, 0), (2, 0), (2, 1)):
        assert axes[i, j].get_xlim() == axes[j, j].get_xlim()
    assert axes[2, 0].get_ylim() == axes[2, 1].get_ylim()
    assert axes[0, 0].get_xlim() != axes[1, 1].get_xlim()

import io

import matplotlib as mpl
import numpy as np
import pytest
from rich.console import Console

from jqd.report.recovery_figures import (
    figure_fit,
    figure_landscape,
    figure_residuals,
)
from jqd.report.style import house_style, save_figure, subplots
from jqd.report.tables import print_recovery, summary_table, with_error

TS = np.linspace(0, 10, 21)


def law(shift, columns):
    return 0.5 + 0.4 * np.cos(TS[:, None] * (1 + np.arange(columns)) + shift)


def texts(figure):
    figure.draw_without_rendering()
    found = [text.get_text() for text in figure.findobj(mpl.text.Text)]
    return [text for text in found if text]


@pytest.mark.parametrize("columns", [1, 2, 3, 9])
def test_the_fit_shows_a_panel_a_column_and_six_at_most(columns):
    names = [f"population {k}" for k in range(columns)]
    data = law(0.0, columns)
    figure = figure_fit(TS, data, data, law(0.5, columns), names, 8.0, sigma=0.01)
    panels = [axis for axis in figure.axes if axis.get_visible()]
    assert len(panels) == min(columns, 6)
    found = texts(figure)
    assert {"data", "fitted law", "starting law", "held out"} <= set(found)
    assert {axis.get_title(loc="left") for axis in panels} <= set(names)


def test_a_starting_law_without_values_is_no_obstacle():
    data = law(0.0, 2)
    figure = figure_fit(TS, data, data, data * np.nan, ["a", "b"])
    low, high = figure.axes[0].get_ylim()
    assert low < data.min()
    assert high > data.max()
    assert "held out" not in texts(figure)


def test_a_wild_starting_law_does_not_flatten_the_data():
    data = law(0.0, 1)
    figure = figure_fit(TS, data, data, data * 1e6, ["a"])
    assert np.ptp(figure.axes[0].get_ylim()) < 3 * np.ptp(data)


@pytest.mark.parametrize("case", ["ordinary", "zero at the fit", "no value", "partly"])
def test_the_landscape_draws_whatever_the_loss_is(case):
    x, y = np.linspace(0, 1, 11), np.linspace(-1, 0, 9)
    loss = (x - 0.5) ** 2 + (y[:, None] + 0.5) ** 2 + 1e-9
    if case == "zero at the fit":
        loss[4, 5] = 0.0
    if case == "no value":
        loss[:] = np.nan
    if case == "partly":
        loss[:, 7:] = np.inf
    starts = np.stack([np.linspace(0, 1, 6), np.linspace(-1, 0, 6)], axis=1)
    converged = np.arange(6) > 1
    figure = figure_landscape(
        x, y, loss, starts, starts * 0 + 0.4, converged, (0.5, -0.5), ("q", "r")
    )
    found = texts(figure)
    assert {"q", "r", "quantum mechanics", "start that did not"} <= set(found)
    assert any("grey" in text for text in found) == (case == "partly")


def test_the_landscape_without_reference_and_with_many_starts():
    x = np.linspace(0, 1, 5)
    starts = np.random.default_rng(0).uniform(size=(1000, 2))
    args = (x, x, np.ones((5, 5)), starts, starts, np.ones(1000, bool))
    figure = figure_landscape(*args, None, ("a", "b"))
    assert "quantum mechanics" not in texts(figure)
    assert len(figure.axes[0].lines) == 1


@pytest.mark.parametrize("columns", [4, 9])
@pytest.mark.parametrize("band", [None, 0.01, np.full(TS.shape, 0.01)])
def test_residuals_show_the_noise_band(columns, band):
    residuals = law(0.0, columns) * 1e-3
    names = [f"population {k}" for k in range(columns)]
    found = texts(figure_residuals(TS, residuals, 8.0, band, names=names))
    assert ("± 1 standard error" in found) == (band is not None)
    assert ("population 0" in found) == (columns == 4)
    assert "held out" in found


def test_a_saved_figure_is_there_twice_and_always_the_same(tmp_path):
    files = []
    for name in ("a", "b"):
        with house_style():
            figure, axes = subplots(2, 1)
            axes[0, 0].plot([0, 1])
        files.append(save_figure(figure, tmp_path, name))
    (png, svg), (png_again, svg_again) = files
    assert png.read_bytes()[1:4] == b"PNG"
    assert png.read_bytes() == png_again.read_bytes()
    assert svg.read_bytes() == svg_again.read_bytes()
    assert len(list(tmp_path.iterdir())) == 4


def test_the_house_style_does_not_leak():
    before = mpl.rcParams.copy()
    with house_style():
        pass
    assert before == mpl.rcParams


def test_the_printed_recovery_has_every_number(recovery):
    out = io.StringIO()
    print_recovery(recovery, Console(file=out, width=100))
    text = out.getvalue()
    # Two uncertain digits: the error is 0.0001.
    for part in ("q", "0.50012", "1.0e-04", "0.5", "+1.2", "R[0,1]", "-0.400", "none"):
        assert part in text
    for part in ("4 of 5 (80 %)", "1.23e-02", "1.0e-09 at most", "4 of 5 starts agree"):
        assert part in text


@pytest.mark.parametrize(
    ("value", "stderr", "text"),
    [
        (0.5, 3e-10, "0.50000000000"),
        (0.5, 1e-17, "0.500000000000"),
        (0.5, 0.0, "0.500000000000"),
        (0.5, float("nan"), "0.500000000000"),
        (1234.5, 70.0, "1234"),
    ],
)
def test_digits_follow_the_error(value, stderr, text):
    assert with_error(value, stderr) == text


def test_a_summary_is_flat_and_long_lists_are_cut():
    out = io.StringIO()
    summary = {"a": {"b": 0.5, "c": None}, "d": list(range(9)), "[e]": "[f]"}
    Console(file=out).print(summary_table(summary, "title"))
    for part in ("a.b", "0.5", "none", "(9 in all)", "[e]", "[f]"):
        assert part in out.getvalue()

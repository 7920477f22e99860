import matplotlib as mpl
import numpy as np
import pytest

from jqd.figures.loss import figure_landscape, figure_loss_line
from jqd.figures.profiles import figure_profiles
from jqd.figures.recovery import (
    figure_data,
    figure_fit,
    figure_residuals,
    span_of,
)
from jqd.figures.style import house_style, save_figure, subplots

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


def test_each_panel_shows_its_own_column():
    """The first law, the fitted one, and the data with their errors."""
    data, fitted, start = law(0.0, 3), law(0.1, 3), law(0.5, 3)
    figure = figure_fit(TS, data, fitted, start, ["a", "b", "c"], sigma=[0.1, 0.2, 0.3])
    for k, axis in enumerate(figure.axes[:3]):
        assert axis.get_title(loc="left") == "abc"[k]
        lines = [line for line in axis.lines if len(line.get_xdata()) == len(TS)]
        for line, values in zip(lines, (start, fitted, data), strict=True):
            np.testing.assert_array_equal(line.get_xdata(), TS)
            np.testing.assert_array_equal(line.get_ydata(), values[:, k])
        bars = np.array(axis.collections[0].get_segments())
        np.testing.assert_allclose(np.ptp(bars[:, :, 1], axis=1), 0.2 * (k + 1))


def test_columns_without_an_error_give_way_to_those_that_a_fit_compares():
    data = law(0.5, 8) * np.r_[np.full(6, 1e-2), 1e3, 1e4]
    sigma = np.r_[np.full(6, 1e-3), np.nan, np.nan]
    names = [f"column {k}" for k in range(8)]
    figure = figure_fit(TS, data, data, data, names, sigma=sigma)
    assert [axis.get_title(loc="left") for axis in figure.axes] == names[:6]
    assert max(figure.axes[0].get_ylim()) < 1


@pytest.mark.parametrize("columns", [1, 3, 9])
def test_data_alone_are_drawn_as_beside_a_law(columns):
    data, names = law(0.0, columns), [f"n{k}" for k in range(columns)]
    figure = figure_data(TS, data, names, "E", sigma=np.full(data.shape, 0.1))
    panels = [axis for axis in figure.axes if axis.get_visible()]
    assert len(panels) == min(columns, 6)
    for axis in panels:
        k = names.index(axis.get_title(loc="left"))
        (points,) = (line for line in axis.lines if line.get_marker() == "o")
        np.testing.assert_array_equal(points.get_ydata(), data[:, k])
        bars = np.array(axis.collections[0].get_segments())
        np.testing.assert_allclose(np.ptp(bars[:, :, 1], axis=1), 0.2)
    assert {"E", "data"} <= set(texts(figure))


def test_data_that_do_not_vary_have_room():
    """Rows at one place, values all alike: the axes have ends that differ."""
    figure = figure_data(np.ones(3), np.full((3, 1), 2e-30), ["n"])
    low, high = figure.axes[0].get_ylim()
    assert (low, high) == pytest.approx((1e-30, 3e-30), rel=1e-12, abs=0)
    assert figure.axes[0].get_xlim() == (0.5, 1.5)


@pytest.mark.parametrize("ts", [[0.0, 1.0], [1e-6, 3e-6], [2e-6], [0.0]])
def test_the_axis_has_room_for_its_first_and_last_point(ts):
    ts = np.asarray(ts)
    low, high = span_of(ts)
    assert low < ts[0] <= ts[-1] < high
    # in whatever unit: no more than the times are long
    assert high - low <= 1.1 * (ts[-1] or 1)


def test_a_record_of_one_row_is_seen():
    """The fit as marks, in panels of some width."""
    data = law(0.0, 3)[3:4]
    figure = figure_fit(TS[3:4], data, data, data, ["a", "b", "c"])
    assert [line.get_marker() for line in figure.axes[0].lines] == ["_", "_", "o"]
    many = figure_residuals(TS[3:4], law(0.0, 300)[3:4])
    for axis in (figure.axes[0], many.axes[0]):
        assert np.ptp(axis.get_xlim()) == pytest.approx(TS[3])
        assert "o" in [line.get_marker() for line in axis.lines]


def test_residuals_are_drawn_column_by_column():
    residuals = law(0.0, 3) * np.array([1e-3, 2e-3, 3e-3])
    figure = figure_residuals(TS, residuals, noise_band=0.01, names=["a", "b", "c"])
    curves = {line.get_label(): line for line in figure.axes[0].lines}
    for k, name in enumerate("abc"):
        np.testing.assert_array_equal(curves[name].get_ydata(), residuals[:, k])
    many = law(0.0, 9) * np.arange(9)
    (axis,) = figure_residuals(TS, many).axes
    median = next(line for line in axis.lines if line.get_label() == "median")
    np.testing.assert_allclose(median.get_ydata(), np.median(many, axis=1))


def test_residuals_are_drawn_in_their_errors_where_these_are_known():
    """Beside one standard error; a column without errors is left out."""
    residuals = law(0.0, 3)
    sigma = np.outer(1 + TS, [0.1, np.nan, 0.2])
    figure = figure_residuals(TS, residuals, names=["a", "b", "c"], sigma=sigma)
    (axis,) = figure.axes
    curves = {line.get_label(): line for line in axis.lines}
    for k, name in ((0, "a"), (2, "c")):
        own = residuals[:, k] / sigma[:, k]
        np.testing.assert_allclose(curves[name].get_ydata(), own, rtol=1e-12)
    assert "b" not in curves
    assert {"± 1 standard error", "(data - fitted law) / error"} <= set(texts(figure))
    band = axis.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (-1, 1)


def test_error_bars_have_room():
    data = law(0.0, 2)
    figure = figure_fit(TS, data, data, data, ["a", "b"], sigma=2.0)
    low, high = figure.axes[0].get_ylim()
    assert low < data.min() - 2
    assert high > data.max() + 2


def test_the_landscape_has_the_first_constant_along_x():
    x, y = np.linspace(0, 1, 11), np.linspace(-3, -2, 9)
    loss = (x - 0.2) ** 2 + (y[:, None] + 2.7) ** 2 + 1e-3
    starts = np.array([[0.1, -2.1], [0.9, -2.9], [0.4, -2.5]])
    ends, converged = np.array([[0.2, -2.7]] * 2 + [[0.8, -2.2]]), [True, True, False]
    figure = figure_landscape(
        x, y, loss, starts, ends, converged, (0.5, -2.25), ("q", "r")
    )
    axis = figure.axes[0]
    named = {line.get_label(): line.get_xydata() for line in axis.lines}
    np.testing.assert_array_equal(named["start that reached the best fit"], starts[:2])
    np.testing.assert_array_equal(named["start that did not"], starts[2:])
    np.testing.assert_array_equal(named["where that one went"], ends[2:])
    np.testing.assert_array_equal(named["quantum mechanics"], [[0.5, -2.25]])
    ways = [line.get_xydata() for line in axis.lines if len(line.get_xydata()) == 2]
    assert any(np.array_equal(way, [starts[0], ends[0]]) for way in ways)
    assert axis.get_xlim() == (0, 1)
    assert axis.get_ylim() == (-3, -2)


def test_profiles_show_each_time_in_its_panel():
    x, ts = np.linspace(-3, 3, 31), np.linspace(0, 1.5, 4)
    data, fitted, start = (
        np.exp(-((x - shift - ts[:, None]) ** 2)) for shift in (0.0, 0.1, 0.4)
    )
    figure = figure_profiles(x, ts, data, fitted, start)
    for k, axis in enumerate(figure.axes[:4]):
        assert f"t = {ts[k]:.4g}" in (axis.get_title(), axis.get_title(loc="left"))
        for line, values in zip(axis.lines, (data, start, fitted), strict=True):
            np.testing.assert_array_equal(line.get_xdata(), x)
            np.testing.assert_array_equal(line.get_ydata(), values[k])


def test_ends_lie_on_the_line_of_the_loss():
    values = np.linspace(0, 2, 5)
    loss, ends = values**2 + 0.1, np.array([0.5, 1.25, 1.5])
    figure = figure_loss_line(
        values, loss, ends, np.array([True, False, True]), 0.75, "D"
    )
    curve, best, other, quantum = figure.axes[0].lines
    np.testing.assert_array_equal(curve.get_xydata(), np.stack([values, loss], 1))
    np.testing.assert_allclose(best.get_xydata(), [[0.5, 0.35], [1.5, 2.35]])
    # Half way between two points of an axis of logarithms: the geometric mean.
    np.testing.assert_allclose(other.get_xydata(), [[1.25, np.sqrt(1.1 * 2.35)]])
    np.testing.assert_array_equal(quantum.get_xdata(), [0.75, 0.75])
    assert best.get_label().startswith("2 of 3 starts reached")


def test_an_end_where_the_loss_dips_lies_in_the_dip():
    values, loss = np.array([0.0, 0.4, 0.5, 1.0]), np.array([1.0, 0.2, 1e-16, 1.0])
    figure = figure_loss_line(
        values, loss, np.array([0.5, 0.45]), np.array([True, True]), None, "D"
    )
    _, dots = figure.axes[0].lines
    np.testing.assert_allclose(dots.get_ydata(), [1e-16, np.sqrt(0.2e-16)])


def test_ends_lie_on_the_curve_that_is_seen():
    """In pixels: between points of the loss that are 14 decades apart as well."""
    values = np.array([0.0, 0.49, 0.5, 0.52, 1.0])
    loss, ends = np.array([1.0, 1e-3, 1e-17, 1e-3, 1.0]), np.linspace(0.01, 0.99, 57)
    figure = figure_loss_line(values, loss, ends, ends < 0.6, None, "D")
    figure.draw_without_rendering()
    curve, *groups = figure.axes[0].lines
    x, y = curve.get_transform().transform(curve.get_xydata()).T
    seen = 0
    for dots in groups:
        right, up = dots.get_transform().transform(dots.get_xydata()).T
        # rounding of pixels, of which a panel has some hundreds
        np.testing.assert_allclose(up, np.interp(right, x, y), atol=1e-6)
        seen += len(up)
    assert seen == len(ends)


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


@pytest.mark.parametrize(
    ("columns", "band", "rows"),
    [
        (3, 0.01, ["a b c ±"]),
        (4, 0.01, ["a b c d", "±"]),
        (4, None, ["a b c d"]),
        (6, 0.01, ["a b c d", "e f ±"]),
    ],
)
def test_the_legend_of_residuals_is_read_row_by_row(columns, band, rows):
    figure = figure_residuals(TS, law(0.0, columns), None, band, names="abcdef")
    figure.draw_without_rendering()
    (legend,) = figure.legends
    found = {}
    for text in legend.get_texts():
        box = text.get_window_extent()
        found.setdefault(round(-box.y0 / 10), []).append((box.x0, text.get_text()))
    said = [" ".join(word[0] for _, word in sorted(found[y])) for y in sorted(found)]
    assert said == rows


def test_a_saved_figure_is_there_twice_and_always_the_same(tmp_path):
    files = []
    for name in ("a", "b"):
        with house_style():
            figure, axes = subplots(2, 1)
            axes[0, 0].plot([0, 1])
            axes[0, 0].set(xlabel="time t", ylabel="position x")
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

import numpy as np
import pytest
from _support.figures import draw_dots, draw_lines, label_plane

from jqd.figures.style import BLUE, VERMILLION
from jqd.report import subplots

X = np.array([1.0, 2.0, 4.0])


@pytest.fixture
def axis():
    return subplots()[1][0, 0]


def test_curves_are_named_and_coloured(axis):
    draw_lines(axis, X, {"a": X, "": X**2}, "o-", xlabel="t", yscale="log")
    first, second = axis.get_lines()
    assert (first.get_color(), second.get_color()) == (BLUE, VERMILLION)
    np.testing.assert_array_equal(second.get_ydata(), X**2)
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["a"]
    assert (axis.get_xlabel(), axis.get_yscale()) == ("t", "log")


def test_no_legend(axis):
    draw_lines(axis, X, {"": X}, legend=None)
    assert axis.get_legend() is None


def test_dots_run_from_top_to_bottom(axis):
    draw_dots(axis, ["a", "b"], {"one": [3.0, 0.0]}, floor=1e-3, title="c")
    (dots,) = axis.get_lines()
    np.testing.assert_array_equal(dots.get_xdata(), [3.0, 1e-3])
    np.testing.assert_array_equal(dots.get_ydata(), [1, 0])
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "b"]
    assert (axis.get_xscale(), axis.get_title("left")) == ("log", "")
    assert axis.get_title() == "c"


def test_series_stand_apart(axis):
    draw_dots(axis, ["a"], {"one": [1.0], "two": [-2.0]}, apart=0.2)
    heights = [line.get_ydata()[0] for line in axis.get_lines()]
    # the first series above the second
    assert heights == pytest.approx([0.1, -0.1])
    assert axis.get_xscale() == "linear"


def test_plane(axis):
    label_plane(axis, "Q")
    assert "Re α" in axis.get_xlabel()
    assert "Im α" in axis.get_ylabel()

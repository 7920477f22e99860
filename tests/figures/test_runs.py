"""`.plot()`: what is drawn is what is held, and figures show in a notebook."""

import math
from types import SimpleNamespace

import jax
import numpy as np
import pytest

import jqd
from jqd.ensembles.copying import Copies
from jqd.ensembles.paths.result import Paths
from jqd.figures.style import subplots
from jqd.inference import Recovery
from jqd.vetting.card import Card, judged

TS = np.linspace(0, 2, 5)


def run(values, **more):
    fields = {
        "error": None, "status": np.asarray(0), "failure_time": np.asarray(np.inf),
        "diagnostics": {},
    }  # fmt: skip
    return jqd.Trajectory(TS, values, **fields | more)


def lines(axis):
    return [line.get_ydata() for line in axis.get_lines()]


def test_kets_are_drawn_as_probabilities():
    kets = np.exp(1j * np.arange(5))[:, None] * np.sqrt([0.7, 0.2, 0.1])
    (axis,) = run(kets, error=np.abs(kets)).plot().axes
    np.testing.assert_allclose(lines(axis), np.outer([0.7, 0.2, 0.1], np.ones(5)))
    # the error of a ket is none of its probability
    assert not axis.collections
    assert axis.get_ylabel() == "|ψ|²"
    assert axis.get_xlabel() == "time"


def test_a_panel_for_each_entry_with_its_error():
    values = {"a": np.arange(5.0), "p": np.arange(10.0).reshape(5, 2)}
    error = jax.tree.map(lambda x: 0.5 + 0 * x, values)
    first, second = run(values, error=error).plot().axes
    np.testing.assert_array_equal(lines(first), [values["a"]])
    np.testing.assert_array_equal(lines(second), values["p"].T)
    assert (first.get_ylabel(), second.get_ylabel()) == ("a", "p")
    (band,) = first.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (-0.5, 4.5)


def test_many_values_are_a_map_over_x():
    grid = jqd.Grid((-1, 1), 12)
    values = np.arange(60.0).reshape(5, 12)
    axis, bar = run(values).plot(grid.x).axes
    (mesh,) = axis.collections
    np.testing.assert_array_equal(mesh.get_array(), values.T)
    assert axis.get_ylabel() == "position x"
    low, high = axis.get_ylim()
    assert low < -1 < grid.x[-1] < high
    assert bar.get_ylabel() == "value"
    with pytest.raises(ValueError, match="`x` must have 12 entries"):
        run(values).plot(TS)


def test_an_end_is_said():
    node = np.asarray(int(jqd.Status.NODE))
    found = run(np.ones((5, 2)), status=node, failure_time=np.asarray(1.25))
    (axis,) = found.plot().axes
    assert axis.get_title(loc="left") == "status node from t = 1.25"
    (span,) = axis.patches
    assert span.get_x() == 1.25


@pytest.mark.parametrize(
    ("found", "match"),
    [
        (
            jax.tree.map(lambda x: np.stack([x, x]), run(np.ones((5, 2)))),
            "a single run",
        ),
        (run({}), "whose values are numbers"),
        (run(np.ones((5, 300_000))), "at most 1000000 values"),
    ],
)
def test_what_cannot_be_drawn_is_refused(found, match):
    with pytest.raises(ValueError, match=match):
        found.plot()


def test_a_fit():
    data = np.outer(TS, [1.0, 3.0])
    fitted = data + np.array([0.1, -0.2])
    study = SimpleNamespace(data=SimpleNamespace(over_time=True))
    found = SimpleNamespace(
        ts=TS, observed=data, prediction=fitted, held_out_rows=2, study=study, parts=()
    )
    top, bottom = Recovery.plot(found).axes
    dots, laws = lines(top)[::2], lines(top)[1::2]
    np.testing.assert_array_equal(dots, data.T)
    np.testing.assert_array_equal(laws, fitted.T)
    np.testing.assert_allclose(lines(bottom)[1:], [[-0.1] * 5, [0.2] * 5])
    # what was held out begins two rows before the end
    assert [patch.get_x() for patch in (*top.patches, *bottom.patches)] == [1.5, 1.5]
    assert bottom.get_xlabel() == "time"
    # of a scan the rows have no order in time, of several studies no end
    study.data.over_time, found.parts = False, (study,)
    top, bottom = Recovery.plot(found).axes
    np.testing.assert_array_equal(top.get_lines()[0].get_xdata(), range(5))
    assert bottom.get_xlabel() == "row"
    assert not top.patches


def test_copies_and_paths():
    n = np.stack([[[10.0, 0], [6, 4]], [[10, 0], [8, 2]]])
    two, none = np.ones(2), np.zeros(2, int)
    copies = Copies(
        TS[:2],
        np.asarray(10.0),
        n,
        n + 0j,
        None,
        None,
        none,
        two,
        none,
        none,
        two,
        None,
    )
    (axis,) = copies.plot().axes
    np.testing.assert_allclose(lines(axis), [[1, 0.7], [0, 0.3]])
    # of 6 and 8 in ten the mean has a standard error of a tenth
    edges = axis.collections[0].get_paths()[0].vertices
    assert edges[:, 1].min() == pytest.approx(0.7 - 2 * 0.1)
    positions = np.arange(500.0).reshape(5, 100, 1)
    status = np.zeros(100, int)
    status[2] = int(jqd.Status.LEFT_GRID)
    paths = Paths(TS, positions, None, status, status, np.zeros((5, 1)), None, {})
    (axis,) = paths.plot().axes
    np.testing.assert_array_equal(lines(axis), positions[:, ::2, 0].T)
    assert axis.get_title(loc="left") == "50 of 100 paths"
    colors = [line.get_color() for line in axis.get_lines()]
    assert colors[1] not in {colors[0], colors[2]}
    assert colors[0] == colors[2]


def test_a_card():
    figure = Card("law", {"norm": judged("norm", 1e-9, 1e-9)}, 10, 2.0).plot()
    assert figure.axes[0].get_title(loc="left") == "law, t = 2"


def test_a_figure_shows_in_a_notebook():
    figure, axes = subplots(size=(2, 1))
    axes[0, 0].plot([0, 1])
    png = figure._repr_png_()
    assert png.startswith(b"\x89PNG")
    width, height = (int.from_bytes(png[k : k + 4]) for k in (16, 20))
    assert math.isclose(width / height, 2, rel_tol=0.02)

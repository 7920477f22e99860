"""Axes and tables of points."""

import numpy as np
import pytest
import xarray as xr

from jqd.sweeps import Points
from jqd.sweeps.points import Lattice


def test_an_outer_product_has_its_last_axis_fastest():
    lattice = Lattice({"q": [0.1, 0.2], "n": np.array([5, 6, 7])})
    assert (lattice.shape, lattice.dims, lattice.size) == ((2, 3), ("q", "n"), 6)
    points = lattice.take(np.arange(6))
    np.testing.assert_array_equal(points["q"], [0.1, 0.1, 0.1, 0.2, 0.2, 0.2])
    np.testing.assert_array_equal(points["n"], [5, 6, 7, 5, 6, 7])


def test_an_axis_may_hold_arrays():
    matrices = np.arange(12.0).reshape(3, 2, 2)
    lattice = Lattice({"H": matrices, "t": [1.0, 2.0]})
    points = lattice.take(np.array([[0, 5]]))
    assert points["H"].shape == (1, 2, 2, 2)
    np.testing.assert_array_equal(points["H"][0, 1], matrices[2])


@pytest.mark.parametrize(
    "table",
    [
        Points(q=[0.1, 0.2, 0.3], n=[1, 2, 3]),
        xr.Dataset({"q": ("row", [0.1, 0.2, 0.3]), "n": ("row", [1, 2, 3])}),
        np.array([(0.1, 1), (0.2, 2), (0.3, 3)], dtype=[("q", float), ("n", int)]),
    ],
)
def test_a_table_goes_row_by_row(table):
    lattice = Lattice(table)
    assert (lattice.dims, lattice.shape) == (("point",), (3,))
    points = lattice.take(np.array([2, 0]))
    np.testing.assert_array_equal(points["q"], [0.3, 0.1])
    np.testing.assert_array_equal(points["n"], [3, 1])


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({}, "name something, but is empty"),
        ([1, 2], "be a dict of arrays or a table of points, but is a list"),
        ({"q": 0.5}, r"'q' has shape \(\)"),
        ({"q": []}, r"'q' has shape \(0,\)"),
        ({"q": ["a"]}, "'q' holds <U1"),
        ({"q": [0.1, np.nan]}, "'q' is not finite"),
        ({"key": [1]}, "not name an axis 'key'"),
        ({"status": [1]}, "not name an axis 'status'"),
        ({"q r": [1]}, "'q r' cannot be one"),
        ({"a": np.zeros(2**17), "b": np.zeros(2**16)}, "at most 4294967296 points"),
        (xr.Dataset({"q": ("a", [1.0]), "r": ("b", [1.0])}), "share their first dim"),
    ],
)
def test_axes_that_cannot_be_swept_are_refused(axes, message):
    with pytest.raises(ValueError, match=f"^Argument `axes` must .*{message}"):
        Lattice(axes)


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="columns of one length, but has 2 q, 3 r"):
        Points(q=[1, 2], r=[1, 2, 3])


def test_a_lattice_is_told_by_names_values_and_dtype():
    first = Lattice({"q": np.array([1.0, 2.0])}).identity()
    assert first == Lattice({"q": [1.0, 2.0]}).identity()
    for other in ({"q": [1.0, 2.5]}, {"r": [1.0, 2.0]}, {"q": [1, 2]}):
        assert first != Lattice(other).identity()
    assert first != Lattice(Points(q=[1.0, 2.0])).identity()

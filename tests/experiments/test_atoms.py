import numpy as np
import pytest
from _support.atoms import draw_atoms, draw_scale_bar
from matplotlib.figure import Figure


def test_ellipses_have_the_axes_of_the_covariance():
    axis = Figure().subplots()
    turn = np.deg2rad(30)
    long, short = (
        np.array([np.cos(turn), np.sin(turn)]),
        np.array([-np.sin(turn), np.cos(turn)]),
    )
    tilted = 0.04 * np.outer(long, long) + 0.01 * np.outer(short, short)
    x = np.array([[0.0, 0.0], [1.0, 2.0]])
    atoms = draw_atoms(
        axis, x, [1.0, 2.0], np.stack([tilted, 0 * tilted]), radius=0.5, magnify=3.0
    )
    # full axes of one sigma, 0.2 and 0.1, three times as large
    np.testing.assert_allclose(atoms.rings.get_widths(), [1.2, 0.0], atol=1e-12)
    np.testing.assert_allclose(atoms.rings.get_heights(), [0.6, 0.0], atol=1e-12)
    assert atoms.rings.get_angles()[0] % 180 == pytest.approx(30)
    np.testing.assert_allclose(atoms.discs.get_widths(), 1.0)
    np.testing.assert_allclose(atoms.discs.get_offsets(), x)
    assert atoms.discs.norm.vmax == 2
    atoms.show(x + 1, [3.0, 4.0])
    assert not atoms.rings.get_visible()
    np.testing.assert_allclose(atoms.discs.get_offsets(), x + 1)
    np.testing.assert_allclose(atoms.discs.get_array(), [3.0, 4.0])


def test_a_scale_bar_is_as_long_as_it_says():
    axis = Figure().subplots()
    axis.set(xlim=(-5, 5), ylim=(-3, 3))
    draw_scale_bar(axis, 2.0, "2σ")
    (bar,), (label,) = axis.lines, axis.texts
    np.testing.assert_array_equal(bar.get_xydata(), [[-5, -3], [-3, -3]])
    assert label.get_text() == "2σ"
    assert label.xy == (-4, -3)
    assert (axis.get_xlim(), axis.get_ylim()) == ((-5, 5), (-3, 3))

"""Maps in other conventions are refused by a line that says how to convert them."""

import re

import numpy as np
import pytest
import scipy.ndimage

import jqd
from jqd.records import load_phase_space

G = np.sqrt(2)
ALPHA = 0.8 - 0.4j
X = np.linspace(-8, 8, 81)
Y = np.linspace(-7.5, 7.5, 76)
X0, Y0 = 2 * ALPHA.real / G, 2 * ALPHA.imag / G
APART = (X[None, :] - X0) ** 2 + (Y[:, None] - Y0) ** 2
# of a coherent state, per dx dy; vacuum: variance 1/2 in x at g = sqrt(2)
WIGNER = np.exp(-APART)[None] / np.pi


@pytest.mark.parametrize("name", ["wigner", "W"])
def test_the_line_that_is_told_makes_a_husimi_function(tmp_path, name):
    held = {"t": [0.0], "x": X, "y": Y, "alpha0": ALPHA}
    np.savez(tmp_path / "w.npz", **held, **{name: WIGNER})
    for load in (jqd.load, load_phase_space):
        with pytest.raises(ValueError, match=f"has a Wigner function `{name}`") as why:
            load(tmp_path / "w.npz")
    (call,) = re.findall(
        r"scipy\.ndimage\.\S+\(W, \(.*\), truncate=8\)", str(why.value)
    )
    dx, dy = X[1] - X[0], Y[1] - Y[0]
    names = {"scipy": scipy, "W": WIGNER, "g": G, "dx": dx, "dy": dy}
    husimi = eval(call, names)
    # sums over points that are dense beside a Gaussian converge faster than any power,
    # the kernel is cut at 8 widths and the map where Q is 1e-11: below 1e-9 in all
    np.testing.assert_allclose(husimi[0], np.exp(-APART / 2) / (2 * np.pi), atol=1e-9)
    np.savez(tmp_path / "q.npz", **held, husimi=husimi)
    assert load_phase_space(tmp_path / "q.npz").g == pytest.approx(G)


def test_a_wigner_function_beside_a_husimi_function_is_left_alone(tmp_path):
    husimi = np.exp(-APART / 2)[None] / (2 * np.pi)
    np.savez(
        tmp_path / "q.npz", t=[0.0], x=X, y=Y, alpha0=ALPHA, husimi=husimi, W=WIGNER
    )
    assert load_phase_space(tmp_path / "q.npz").kind == "husimi"


def test_another_hbar_is_refused_by_a_line_that_takes_it_away(tmp_path):
    """Of a coherent state of ħ = 1/2, over its α = sqrt(ħ) a = x + iy."""
    hbar = 0.5
    x, y = X * np.sqrt(hbar) / 2, Y * np.sqrt(hbar) / 2
    apart = np.abs(x[None, :] + 1j * y[:, None] - np.sqrt(hbar) * ALPHA) ** 2
    held = {"t": [0.0], "x": x, "y": y, "alpha0": ALPHA}
    held["husimi"] = np.exp(-apart / hbar)[None] / (np.pi * hbar)
    said = re.escape("`hbar` = 0.5: divide every α by its root (`x` and `y` by")
    for more in ({}, {"g": 2 / np.sqrt(hbar)}):
        np.savez(tmp_path / "q.npz", **held, **more, hbar=hbar)
        with pytest.raises(ValueError, match=said):
            load_phase_space(tmp_path / "q.npz")
    np.savez(tmp_path / "told.npz", **held, g=2 / np.sqrt(hbar))
    told = load_phase_space(tmp_path / "told.npz")
    expected = np.exp(-(np.abs(told.points - ALPHA) ** 2)) / np.pi
    np.testing.assert_allclose(told.values[0], expected, rtol=1e-12)
    # what files have is no parameter of a Hamiltonian
    np.savez(tmp_path / "one.npz", **held, g=2 / np.sqrt(hbar), hbar=1.0)
    assert load_phase_space(tmp_path / "one.npz").parameters == {}

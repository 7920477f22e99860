"""Standard errors of runs, and starts that are counted in a figure."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from _support.statistics import standard_error
from scipy import stats

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def test_the_error_of_a_mean_is_that_of_scipy():
    rows = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(standard_error(rows), stats.sem(rows), rtol=1e-12)
    np.testing.assert_allclose(
        standard_error(rows, axis=1), stats.sem(rows, axis=1), rtol=1e-12
    )
    assert standard_error([True, False, True]) == pytest.approx(stats.sem([1.0, 0, 1]))


def test_one_run_tells_no_error():
    assert np.isnan(standard_error(np.ones((1, 4)))).all()
    assert standard_error(np.ones((1, 4))).shape == (4,)
    assert np.isnan(standard_error([2.0]))


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXPERIMENTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_starts_that_are_aligned_to_rounding_are_counted():
    """A mean of 20 equal phases may be longer than 1 by a bit."""
    basin = load("alignment_basin")
    starts = 20
    order = np.full((2, 2, starts, 3, 2), np.nextafter(1, 2))
    individuals = sum(basin.OCCUPATION)
    data = xr.Dataset(
        {
            "order": (("damping", "potential", "start", "t", "class"), order),
            "nematic": (("damping", "potential", "start", "t", "class"), order),
            "phase": (("damping", "potential", "start", "individual"),
                      np.zeros((2, 2, starts, individuals))),
        },
        {"t": np.arange(3.0)},
    )  # fmt: skip
    aligned = dict.fromkeys(
        [(p, g) for p in basin.POTENTIALS for g in basin.GAMMAS], 0.25
    )
    figure = basin.figure(data, aligned)
    for axis in figure.axes[2::3]:
        heights = [patch.get_height() for patch in axis.patches]
        # both values of the damping
        assert sum(heights) == 2 * starts
        # ... and a title that says what was found
        assert axis.get_title() == "Both aligned: 25% of starts\n(25% undamped)"

"""Experiments on matter: the figures that each claim rests on."""

import numpy as np
import pytest

SLOW = (
    "widths",
    "time_scales",
    "temperatures",
    "harmonic_never_thermalizes",
    "maxwell_boltzmann",
    "packets_in_a_gas",
    "tower_size",
    "fluctuations",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_claim(run_quick, name):
    """Each decides its claim by its own criteria, stated in the file."""
    assert run_quick(name)["status"] == "ok"


@pytest.mark.slow
def test_lab_or_neighbour(run_quick):
    summary = run_quick("lab_or_neighbour")
    # ring and lattice sums converge like 1/N² at most 256 sites a side
    assert summary["neighbour_cold"]["line"] == pytest.approx(2 / np.pi, abs=1e-5)
    assert summary["u2_cold"]["solid"] == pytest.approx(0.228, abs=2e-3)


@pytest.mark.slow
def test_light_cone(run_quick):
    run_quick("light_cone")


@pytest.mark.slow
def test_photon_tower(run_quick):
    summary = run_quick("photon_tower")
    assert summary["norm_drift"] < 1e-12
    assert summary["energy_drift"] < 1e-10


@pytest.mark.slow
def test_planck(run_quick):
    summary = run_quick("planck")
    # The light no longer changes, and 95 % of three seeds know that to 4.3 errors.
    change, error = summary["T_change_between_halves"], summary["T_change_error"]
    assert abs(change) < 0.02 + 4.3 * error
    # The ladder never gets there.
    far, near = summary["total_variation_control"], summary["total_variation"]
    assert far > 2 * near


@pytest.mark.slow
def test_block_collision(run_quick):
    run_quick("block_collision", ".gif")

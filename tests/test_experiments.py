"""Each experiment, small, and the figures that its claim rests on."""

from pathlib import Path

import numpy as np
import pytest

from jqd.report import load_file

EXPERIMENTS = Path(__file__).resolve().parents[1] / "experiments"


@pytest.fixture
def run(run_quick):
    return run_quick


def test_every_experiment_states_its_claim():
    files = sorted(EXPERIMENTS.glob("*.py"))
    assert files
    for file in files:
        assert file.read_text(encoding="utf-8").startswith('"""Claim: ')


@pytest.mark.parametrize(
    "file", sorted(EXPERIMENTS.glob("*.py")), ids=lambda file: file.stem
)
def test_an_experiment_finds_what_it_imports(file):
    assert callable(load_file(file, "run", "context").run)


@pytest.mark.slow
def test_coarse_bodies(run):
    summary = run("coarse_bodies")
    # Largest errors over a period at spacings 1/16 and 1/32, known to three digits.
    assert summary["errors: ⟨x⟩ from cos t"] == pytest.approx(
        [1.45e-2, 3.6e-3], rel=0.02
    )
    assert summary["errors: width"] == pytest.approx([7.6e-3, 1.9e-3], rel=0.02)
    # The next order of the lattice is (1/16)^2 of this one, of hbar 0.4^2.
    assert np.ravel(summary["orders_in_spacing"]) == pytest.approx(2, abs=0.05)
    assert summary["order_in_hbar"] == pytest.approx([2], abs=0.2)
    assert summary["l1_from_liouville"] == pytest.approx([8.45e-2, 2.26e-2], rel=0.02)
    # As printed the particle runs away; the lattice slows it by its second order.
    assert summary["runaway_error"] < 0.02
    # Runge-Kutta steps: fourth order of the fastest rate, 2 hbar / a^2.
    assert summary["copy_law_minus_its_quantum_point"] < 1e-6


@pytest.mark.slow
def test_nodes(run):
    summary = run("copy_nodes")
    assert summary["runs_where_avoided"] > 50
    assert summary["node_hits_where_avoided"] == 0
    assert summary["unfinished_where_avoided"] == 0
    assert summary["two_class_first_hits_below"] == 0
    # Every decided point of the plane is on its side of the exact boundary.
    assert summary["two_class_points"] > 70
    assert summary["two_class_agreement"] == 1
    # Above the line most random states meet a node, and with q > 1/2 some below it.
    assert summary["share_met_where_q_plus_r_positive"] > 0.8
    assert summary["share_met_below_but_q_above_half"] > 0.1


@pytest.mark.slow
def test_exponents(run):
    summary = run("copy_exponents")
    # QuTiP's populations are good to 1e-12; the fit removes its step bias to 1e-10.
    assert summary["populations_error"] < 1e-8
    # Shots: errors normal, 99.7 % within three of them, and the bound attained.
    assert np.all(np.abs(summary["counts_deviation_sigmas"]) < 3)
    assert summary["standard_error_over_cramer_rao"] == pytest.approx([1, 1], abs=0.05)
    share = summary["converged_share"]
    assert share["windows that double"] >= 0.96  # 24 of 25 starts
    assert share["the whole record at once"] < 0.85
    assert summary["map_constants_at_the_least"] == {"q": 0.5, "r": -0.5}
    # 199 Runge-Kutta steps of 1/20 at a spectral radius of 2; the next point of the
    # grid is farther than a hundredth away
    assert summary["map_least"] < 1e-6
    assert summary["map_share_within_a_hundredth"] < 0.02

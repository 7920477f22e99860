"""Experiments on systems that copy each other: the figures that each claim rests on.

The slow ones take 20 to 30 s each, most of it compilation.
"""

import numpy as np
import pytest


@pytest.fixture
def run(run_quick):
    return run_quick


@pytest.mark.slow
def test_alignment_stability(run):
    summary = run("alignment_stability")
    # Known traces, to the error of the Runge-Kutta steps.
    assert summary["hill_trace_kappa_1"] == pytest.approx(-1.2908980104, abs=1e-7)
    assert summary["hill_trace_kappa_50"] == pytest.approx(-1.8325545603, abs=1e-7)
    assert summary["copy_law_alone"] == "neutral"
    verdicts = {key: said for key, said in summary.items() if "damping" in key}
    assert len(verdicts) == 16
    for setting, verdict in verdicts.items():
        if "damping 0" in setting:
            assert verdict == "unstable"
        elif setting.startswith("sin2"):
            assert verdict == "attracting modulo π"
        else:
            assert verdict == "attracting"


@pytest.mark.slow
def test_alignment_basin(run):
    summary = run("alignment_basin")
    assert summary["aligned_sin2_damped"] == 0
    assert summary["aligned_modulo_pi_sin2_damped"] == 1
    assert summary["aligned_1_cos_damped"] == 1
    assert summary["aligned_sin2"] == summary["aligned_1_cos"] == 0


@pytest.mark.slow
def test_energy_decay(run):
    summary = run("energy_decay")
    gap = np.subtract(summary["energy_at_the_end"], summary["diffusion_at_the_end"])
    assert np.all(np.abs(gap) < 3.5 * np.array(summary["its_error"]))
    # The exponential law is the tangent alone: its end is refuted.
    gap = np.subtract(summary["energy_at_the_end"], summary["exponential_at_the_end"])
    assert np.all(gap < -3 * np.array(summary["its_error"]))


@pytest.mark.slow
def test_relaxation(run):
    summary = run("relaxation")
    # The largest of some 300 deviations, each below 1/2 in this unit at one sigma.
    assert summary["largest_deviation_from_chain_times_root_of_group"] < 3
    distance = summary["rabi_distance_after_0_1_2_periods"]
    assert distance[1] / distance[0] == pytest.approx(1 / 16, abs=0.03)
    assert summary["eigenstate_systems_that_moved"] < 0.1 * summary["copies"]


@pytest.mark.slow
def test_spectators(run):
    summary = run("spectators")
    assert max(summary["rms_root_N_of_1_to_5"][0]) < 3
    assert summary["rms_root_N_over_s_of_100"][0] == pytest.approx(0.9, abs=0.1)
    # cos⁴ about its mean: what a frozen class is away from.
    assert summary["without_remedy_rms"] == pytest.approx(0.6124, abs=1e-3)


@pytest.mark.slow
def test_finite_ensemble(run):
    summary = run("finite_ensemble")
    for name, slope in summary["slopes"].items():
        # Clean N^-1/2, but for ensembles of 100 that lose classes.
        assert slope == pytest.approx(-0.5, abs=0.03)
        ratio = np.array(summary["sampled_over_law"][name][1:])
        error = np.array(summary["its_error"][name][1:])
        assert np.all(np.abs(ratio - 1) < 3.5 * error)


@pytest.mark.slow
def test_extinction(run):
    summary = run("extinction")
    assert summary["rms_deviation_in_standard_errors"] < 1.3
    # Three standard errors of 150 runs.
    one = summary["extinct_after_one_passage_from_one_system"]
    assert one == pytest.approx(1 / 2, abs=0.13)
    five = summary["extinct_after_five_passages_from_one_system"]
    assert five == pytest.approx(5 / 6, abs=0.1)
    many = summary["extinct_after_one_passage_from_many_k_1"]
    assert many == pytest.approx(np.exp(-1), abs=0.13)


@pytest.mark.slow
def test_copy_likelihood(run):
    summary = run("copy_likelihood")
    # 40 records: a coverage of .95 is known to .035.
    assert summary["coverage_q_linear"] > 0.84
    assert summary["coverage_r_linear"] > 0.84
    assert summary["chi2_per_dof_linear"] == pytest.approx(1, abs=0.1)
    assert max(summary["coverage_q_naive"], summary["coverage_r_naive"]) < 0.75


@pytest.mark.slow
def test_copy_harmonics(run):
    summary = run("copy_harmonics")
    assert summary["largest_other_amplitude"] < 1e-12
    assert abs(summary["R'/2R - 1"]) < 1e-12
    assert max(summary["q_error"], summary["r_error"]) < 1e-12
    # The control's second harmonic, through near-nodes: to a percent.
    assert summary["control_second_harmonic_error"] < 0.01
    assert summary["undetermined_from_psi"] == 0


@pytest.mark.slow
def test_free_form_copy(run):
    summary = run("free_form_copy")
    splines = summary["distances"]["splines, fresh start"]
    # The quick grid of knots: fourth order of a coarser spacing.
    assert max(splines.values()) < 1e-3
    assert summary["undetermined_directions"]["G"] == 0
    assert summary["undetermined_directions"]["S"] > summary["coefficients"] / 3
    assert summary["traffic_of_two_networks_apart"] > 0.05


@pytest.mark.slow
def test_signalling(run):
    summary = run("signalling")
    assert summary["left_alone"] == [0.5] * 5
    # Errors of some thousandths from 1e4 copies and more.
    expected = 0.5 * np.cos(np.linspace(0, np.pi, 5))
    assert summary["turned"] == pytest.approx(expected.tolist(), abs=0.02)
    assert summary["mean_field_at_quantum_point"] < 1e-7
    assert summary["mean_field_largest_entangled"] > 0.1
    for kind in ("entangled", "product"):
        assert summary[f"signal_{kind}"][0] > summary["three_standard_errors"][0]

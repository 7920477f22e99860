"""Each experiment on conservative diffusion, small, and what its claim rests on."""

import numpy as np
import pytest


@pytest.fixture
def run(run_quick):
    return run_quick


def test_brackets(run):
    summary = run("brackets")
    assert summary["largest_error"] < 1e-10  # rounding of derivatives and FFTs
    # as printed, with symmetric kernels, the algebra would be lost
    assert summary["median_error_if_symmetric"] > 0.01
    assert abs(summary["volume_lost_by_friction"]) > 0.01


@pytest.mark.slow
def test_packet_spreading(run):
    summary = run("packet_spreading")
    assert summary["largest_L1_from_16"] < 1e-9
    assert summary["crossover_time"] == pytest.approx(2.0, abs=1e-6)  # a²/D
    assert summary["printed_norm_at_the_end"] < 0.5


@pytest.mark.slow
def test_uncertainty(run):
    summary = run("uncertainty")
    # <p_u x> = ħ/2 along each axis for every density
    assert summary["largest_error_of_correlation"] < 1e-6
    # d² times the printed bound
    assert summary["smallest_over_printed_bound"]["3"] > 8.9


@pytest.mark.slow
def test_localization_energy(run):
    summary = run("localization_energy")
    assert summary["largest_error_of_U_u_and_E"] < 1e-8
    assert summary["drift_energy_of_vortices"][0] < 1e-9
    assert max(summary["drift_energy_of_vortices"]) > 0.4


@pytest.mark.slow
def test_nelson_two_times(run):
    summary = run("nelson_two_times")
    error = summary["standard_error"]
    assert abs(summary["nelson_at_pi"] - summary["exp_at_pi"]) < 4 * error
    assert abs(summary["nelson_at_pi"] - summary["quantum_at_pi"]) > 20 * error


@pytest.mark.slow
def test_arrival_times(run):
    summary = run("arrival_times", ".gif")
    medians = summary["medians"]
    # the table of `claim-arrival`; a coarse grid leaves 1e-2
    expected = {"0  (Bohm)": 5, "D/2": 4.7625, "D  (Nelson)": 4.5531, "2D": 4.2162}
    assert {k: medians[k] for k in expected} == pytest.approx(expected, abs=0.02)
    assert medians["Kijowski"] == pytest.approx(4.867, abs=0.01)
    # a box up to 60 was reached at 19.2, and its other end by what the wall reflects
    assert summary["values_of_a_wave_at_an_end_of_its_box"] == 0
    assert "describe no experiment" in summary["caution"]
    assert summary["arrivals_for_5_sigma"] == pytest.approx(740, rel=0.03)


@pytest.mark.slow
def test_box_relaxation(run):
    summary = run("box_relaxation", ".gif")
    without, noisy = (
        summary[f"H_with{name}"] for name in ("out_noise_at_4_pi", "_noise_at_the_end")
    )
    # 0.48 and 0.25, with standard errors of 0.03 and less
    assert without["linear"] > without["quadratic"] + 0.05
    assert max(noisy.values()) < without["quadratic"]
    assert summary["largest_control_in_standard_errors"] < 4.5


@pytest.mark.slow
def test_measured_path(run):
    summary = run("measured_path", ".gif")
    assert summary["largest_deviation_in_standard_errors"] < 4.5
    # a pointer that is not coupled leaves ½ exp(-2νt), here of 400 paths
    assert summary["unmeasured_from_exp_in_standard_errors"] < 4.5
    # ½ exp(-π/2) whatever the strength of the pointer
    quarter = summary["nelson_at_a_quarter_unmeasured_weak_strong"]
    assert quarter == pytest.approx([np.exp(-np.pi / 2) / 2] * 3, abs=1e-6)
    unmeasured, weak, strong = summary["nelson_at_half_a_period_unmeasured_weak_strong"]
    assert unmeasured == pytest.approx(0.021607, abs=1e-6)
    assert weak == pytest.approx(-0.239197, abs=1e-6)
    assert strong < -0.4


@pytest.mark.slow
def test_which_path_pointer(run):
    summary = run("which_path_pointer", ".gif")
    assert summary["largest_error_of_the_overlap"] < 1e-4
    assert summary["bohm_paths_that_cross_without_a_pointer"] == 0
    assert summary["paths_that_cross_with_one"]["Nelson, no pointer"] > 0.05


@pytest.mark.slow
def test_quantum_statistics(run):
    summary = run("quantum_statistics")
    # own weights for each particle are Maxwell-Boltzmann's, however many draws
    assert summary["distance_of_own_weights_from_bosons"] == pytest.approx(
        0.175, abs=0.02
    )


@pytest.mark.slow
def test_two_slits(run):
    summary = run("two_slits")
    assert summary["distance_to_added_amplitudes"] < 0.05
    assert summary["distance_to_added_probabilities"] > 0.5


@pytest.mark.slow
def test_diffusion_constant(run):
    run("diffusion_constant")


@pytest.mark.slow
def test_madelung_nodes(run):
    summary = run("madelung_nodes")
    ended = summary["ended_early"]
    assert any("window" in name for name in ended)
    assert not any("links" in name for name in ended)
    # without a node the same window is good to its tolerance, 1e-11 a step
    assert "free packet, printed equations, moving window" not in ended
    window = summary["L1_at_the_end"]["free packet, printed equations, moving window"]
    assert window < 1e-8
    # phase and density together: of the order of the error of the density
    off = summary["infidelity_at_the_end"]["collision, links, order 4"]
    assert -1e-9 < off < 1e-2


@pytest.mark.slow
def test_friction_vanishes(run):
    run("friction_vanishes")


@pytest.mark.slow
def test_cold_spot(run):
    run("cold_spot")


@pytest.mark.slow
def test_stern_gerlach(run):
    summary = run("stern_gerlach", ".gif")
    # between starts that are 1e-3 apart
    assert summary["edge_of_bohm"] == pytest.approx(0.5244005, abs=1e-3)
    # .394; 3.5 standard errors of 400 paths are .086
    assert 0.3 < summary["nelson_up_from_the_edge"] < 0.49


@pytest.mark.slow
def test_aharonov_bohm(run):
    summary = run("aharonov_bohm", ".gif")
    # of fluxes 0, 1/2 and 1; the packets begin with 1e-5 of theirs beside the solenoid
    assert max(map(abs, summary["moved_by_less_flux"])) < 1e-4
    assert summary["largest_share_in_the_field"] < 1e-4
    # half a quantum moves the paths by a good part of a fringe
    assert summary["paths_moved_by"] > 0.2

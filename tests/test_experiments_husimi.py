"""Each experiment on the Husimi law, small, and the figures its claim rests on."""

import numpy as np
import pytest


@pytest.fixture
def run(run_quick):
    return lambda name: run_quick(name, ".csv")


@pytest.mark.slow
def test_constant(run):
    summary = run("husimi_constant")
    assert summary["largest_error_without_noise"] < 1e-12  # rounding of a fit
    assert summary["agreeing_starts"] == 1
    # Errors are normal: 99.7 % within three standard errors.
    assert np.all(np.abs(summary["deviation_sigmas"]) < 3)
    # 726 values with errors of 1e-3 tell C of the Kerr oscillator to 7e-4.
    assert summary["standard_errors"] == pytest.approx([7.4e-4], rel=0.1)


@pytest.mark.slow
def test_ordering(run):
    summary = run("husimi_ordering")
    matched = summary["matched_distances"]
    assert max(matched["squeezed oscillator"]) < 1e-11
    # C = 0.4 and 0.7 are off for Kerr, C = 1 is not.
    assert matched["Kerr"][:2] == pytest.approx([0.1035, 0.0435], rel=0.02)
    assert matched["Kerr"][2] < 1e-12
    assert np.argmin(summary["husimi_distances"]) == 2


@pytest.mark.slow
def test_ordering_leaves_out_the_third_order(run):
    summary = run("ordering_residual")
    # (1 - C²)/8, and nothing else is left out.
    assert summary["third_order_factor_minus_expected"] < 1e-12
    assert summary["residual_with_third_order"] < 1e-11
    assert summary["largest_quadratic_residual"] < 1e-11


@pytest.mark.slow
def test_revival(run):
    summary = run("husimi_revival")
    assert max(summary["revival_errors"]) < 1e-12
    assert max(summary["law_minus_closed_form"]) < 1e-12
    # Known to nine digits; half of a coherent state's 1/π, but for the overlap.
    assert summary["cat_at_pi"]["C = 1"] == pytest.approx(0.159154961002, abs=1e-9)
    assert summary["cat_at_pi"]["C = 0.8"] < 0.1
    assert summary["smallest_density"] > -1e-12


@pytest.mark.slow
def test_density_density_is_not_the_bound(run):
    summary = run("beyond_density_density")
    assert summary["counterexamples_to_two_powers_in_all"] == []
    printed = summary["counterexamples_to_quadratic_in_each_variable"]
    assert {"α1α2α3 + c.c.", "|α1|⁴|α2|²"} <= set(printed)
    narrow = summary["counterexamples_to_density_density"]
    assert {"any two-body V_ijkl, 3 modes", "three-wave α1α2α3* + c.c."} <= set(narrow)
    assert summary["largest_residual_of_all_orders"] < 1e-12
    assert min(summary["residual_of_phi4"][:3]) > 0.1


@pytest.mark.slow
def test_truncated_field(run):
    summary = run("truncated_field")
    # Known to eight digits at these points.
    known = [0.048026837631, 0.363749756609]
    assert summary["first_order_at_spots"] == pytest.approx(known, abs=1e-8)
    # At λ = 0.002 the cut equation deviates 5 % more than at first order.
    assert summary["cut_equation_minus_quantum_over_lambda"] == pytest.approx(
        [0.05024], abs=1e-5
    )
    longest, shorter = summary["horizon_lambda_t"]["0.02"]
    assert 0.004 < shorter < longest < 0.012
    assert summary["nothing_past_the_horizon"] is True


@pytest.mark.slow
def test_amplifier(run):
    summary = run("amplifier_measurement")
    right = summary["P(X > 0)"]
    # By quadrature of |ψ|² smeared with the detector's noise.
    known = {"0.0": 0.631850, "0.5": 0.671413, "1.0": 0.692200, "2.0": 0.698772}
    assert {t: right[t] for t in known} == pytest.approx(known, abs=1e-6)
    assert summary["born"] == pytest.approx(0.69908254, abs=1e-6)
    assert summary["number_basis_minus_gaussians"] < 1e-8
    assert summary["valley_over_lower_hill"][2:5] == pytest.approx(
        [0.924, 0.337, 0.043], abs=1e-3
    )


@pytest.mark.slow
def test_constraints(run):
    summary = run("constraints")
    assert summary["C1_order_in_hbar"] == pytest.approx(1, abs=1e-9)
    assert summary["C4_reversal"]["amplifier (ig/2)(a†² - a²)"] == pytest.approx(2)
    assert max(summary["C5_energy_of_each_order"]) < 1e-12


@pytest.mark.slow
def test_constraints_leave_the_weights_open(run):
    summary = run("constraints_minimality")
    violated = summary["violated_by"]
    assert violated["f = 1"] == []
    assert violated["f = δ_ij"] == ["U(N) covariance", "quantum mechanics"]


def test_watanabe(run):
    summary = run("watanabe")
    assert summary["distance_of_backward_kernels"] > 0.3
    assert summary["backward_minus_forward_in_equilibrium"] < 1e-12


@pytest.mark.slow
def test_watanabe_reversal(run):
    summary = run("watanabe_reversal")
    assert max(summary["left_after_echo"].values()) < 1e-12
    # ħC/4 and the rate 2g: a variance that turns negative at once.
    assert summary["variance_rate_from_a_point"] == pytest.approx([-0.5, 0.5])


@pytest.mark.slow
def test_forward_backward_paths(run):
    summary = run("forward_backward_paths")
    joint = "<exp(-X²) cos 2Y>"
    assert summary["quantum"][joint] == pytest.approx(0.22505, abs=1e-5)
    assert summary["density_of_paths"][joint] == pytest.approx(0.2194, abs=1e-3)
    assert summary["paths"][joint] == pytest.approx(
        summary["density_of_paths"][joint], abs=4 * summary["standard_errors"][3]
    )
    assert np.all(np.abs(summary["sigmas_from_quantum"][:3]) < 4)
    assert summary["error_where_factorised"] < 1e-6


@pytest.mark.slow
def test_open_kerr_revival(run):
    summary = run("open_kerr_revival")
    assert summary["quantum_optics_minus_closed_form"] < 1e-12  # rounding
    # Read from 400 steps of the time.
    expected = {f"C = {C:g}": 2 * np.pi / C for C in (0.9, 1.0, 1.1)}
    assert summary["revival_Ut"] == pytest.approx(expected, abs=0.04)
    # exp(-πD) exp(|α₀|² (Re f - 1)), f = e^-2πD + D(1 - e^-2πD)/(D + i)
    contrasts = []
    for D in (0, 0.01, 0.03, 0.1):
        left = np.exp(-2 * np.pi * D)
        f = left + D * (1 - left) / (D + 1j)
        contrasts.append(np.exp(-np.pi * D + 4 * (f.real - 1)))
    found = list(summary["contrast_of_revival"].values())
    # The nearest of 400 steps is 2π to rounding.
    assert found == pytest.approx(contrasts, rel=1e-9)
    known = list(summary["largest_loss_all_else_known"].values())
    fitted = list(summary["largest_loss_all_fitted"].values())
    # Smaller errors bear more loss, and so does knowing the other constants.
    assert np.all(np.diff(known) < 0)
    assert np.all(np.array(fitted) < np.array(known))
    # Interpolated between 25 losses.
    assert (known[1], fitted[1]) == pytest.approx((0.165, 0.0824), rel=0.02)


@pytest.mark.slow
def test_negative_weights(run):
    summary = run("negative_weights")
    assert summary["distances"]["its coherence halved"] == pytest.approx([0], abs=1e-10)
    # 5.0e-3 on twice as fine a grid
    assert 3e-3 < summary["distances"]["one quantum"][0] < 8e-3
    # 1 - exp(-β² tanh gT)
    assert summary["threshold"] == pytest.approx(0.385791, abs=1e-6)


@pytest.mark.slow
def test_field_chains(run):
    summary = run("field_chains")
    # Known to 2 %, and a thousand samples to 3 %.
    found = [summary["total_variation"][L] for L in ("1", "4")]
    assert np.array(found)[:, [0, 2, 3]] == pytest.approx(
        np.array([[0.65, 0.95, 0.97], [0.81, 0.78, 0.92]]), rel=0.12
    )
    # Two steps of the times at which runs with 4 and 6 levels are compared.
    assert summary["horizon_lambda_t"]["L = 1, C = 1"] == pytest.approx(
        [0.023, 0.0235], abs=1e-3
    )


@pytest.mark.slow
def test_transport_tells_the_diffusion(run):
    summary = run("bose_hubbard_transport")
    _, below, _, above, _ = summary["left_in_first_site_at_Jt_2"]
    # Known to eight digits; 12 quanta leave 5e-6 of the trace out.
    assert [below, above] == pytest.approx([0.12801055, 0.09281115], abs=1e-4)
    # The slope at C = 1, and between two points with an error of second order.
    assert summary["slope_in_C_at_Jt_2"][0] == pytest.approx(-0.352414, abs=2e-3)
    # What is left out holds 13 quanta and more, and 3 of the ordering.
    assert summary["change_of_total"] < 20 * summary["left_out_of_trace"]

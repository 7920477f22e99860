"""Experiments on what records can tell, small, and the figures of their claims."""

import numpy as np
import pytest


@pytest.fixture
def run(run_quick):
    return run_quick


@pytest.mark.slow
def test_kerr_design(run):
    summary = run("kerr_design")
    # ((1.02/s)² + (.5/s)² + (.98/s)²)^(-1/2); nine digits of the formula are shown
    expected = {
        f"{s:g}": s / np.hypot(np.hypot(1.02, 0.5), 0.98) for s in (0.005, 0.01, 0.02)
    }
    assert summary["limit"] == pytest.approx(expected, rel=1e-6)
    # .004103, .007086, .013547 on 121 displacements; here 61, of the same disc
    even = list(summary["even_at_1e6"].values())
    assert even == pytest.approx([0.004103, 0.007086, 0.013547], rel=0.01)
    best = list(summary["best_at_1e6"].values())
    assert np.all(np.array(list(expected.values())) < best)
    assert np.all(np.array(best) < even)
    # a null direction, so that what is left is rounding through 26 levels
    assert summary["largest_change_along_null"] < 1e-9
    assert summary["largest_change_of_C_alone"] > 0.01
    assert " C " in summary["refused"]
    assert min(summary["looks_saved"].values()) > 2
    # of one of them to .005 and the others to .05: nearly s/1.02, s/.5, s/.98
    one = [summary["one_calibration"][name] for name in ("n0", "scale", "V")]
    assert one == pytest.approx([0.0049, 0.0097, 0.0051], rel=0.02)


@pytest.mark.slow
@pytest.mark.equation("copying", "claim-local-tests")
def test_number_of_copies(run):
    summary = run("number_of_copies")
    # ln((1 - p)/p) a period from p = .2, by 50 Runge-Kutta steps
    assert summary["lambda"] == pytest.approx(
        {"1": np.log(4), "2": 2 * np.log(4)}, rel=1e-4
    )
    # an eigenstate has no current, so that nothing is copied
    assert summary["lambda_of_an_eigenstate"] < 1e-9
    assert "200 for each setting" in summary["verdict"]
    # 500 runs one copy at a time, 1000 by leaps: 4 errors each
    scatter = summary["exact_error"]
    assert summary["exact_over_lambda_1000_copies"] == pytest.approx(1, abs=4 * scatter)
    for number in ("1000", "10000"):
        for period, ratio in summary["sampled_over_lambda"][number].items():
            error = summary["its_error"][number][period]
            assert ratio == pytest.approx(1, abs=4 * error)
    # 3 errors of 200 records, and what 1000 runs leave of the chance of a failure
    assert min(summary["least_share_that_holds"].values()) > 0.95 - 0.08
    # other failures only lower the bound
    seen = summary["median_with_other_over_N"]
    for name in ("0.001 a run", "0.0002 a period"):
        assert all(v < seen["none"][period] for period, v in seen[name].items())


@pytest.mark.slow
def test_copy_design(run):
    summary = run("copy_design")
    # 2G, and two thirds of its square; what a midpoint rule of 4000 nodes leaves
    assert summary["half_pi_slopes"]["q"] == pytest.approx(1.831931, abs=1e-5)
    assert abs(summary["half_pi_slopes"]["r"]) < 1e-12
    # from e = 1e-4 rad beside a pole, which leaves out the integral of ln cot(t/2) up
    # to e, e (1 + ln(2/e)); differences of q by 1e-3 leave their square
    start = 1e-4 * (1 + np.log(2e4))
    by_law = summary["half_pi_slopes_by_the_law"]
    assert by_law["q"] == pytest.approx(1.831931 - start, abs=1e-5)
    assert abs(by_law["r"]) < 1e-5
    gates = summary["cardinal_infidelity"]
    assert gates["qq"] == pytest.approx(2.23731, abs=2e-5)
    assert max(abs(gates["qr"]), abs(gates["rr"])) < 1e-12
    # slopes of exp(-iHt) in SciPy; times are even, so no search is behind it
    even = summary["errors"]["even times"]
    assert [even["q"], even["r"]] == pytest.approx([0.0062401, 0.0082405], rel=1e-4)
    best = summary["errors"]["three levels"]
    # 16 starts; with 64 of them .00067, .00086
    assert best["q"] < 0.0012
    assert best["r"] < 0.0015
    assert best["q"] < summary["errors"]["qubit"]["q"]
    assert summary["more_shots_at_even_times"] > 10

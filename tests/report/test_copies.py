"""Sampled ensembles beside the law: what is compared, and what is drawn of it."""

import numpy as np
import pytest

from jqd import Status
from jqd.exact import matrices
from jqd.problems import golden
from jqd.report.copies import compare, copies_table, dataset_of, figure_copies

COPIES, ROWS = 1000, 5


@pytest.fixture(scope="module")
def result():
    """Three ensembles: one is the law itself, two are off it by as much each way."""
    law, psi0 = golden()
    settings = {
        "copies": COPIES, "time": 2.0, "rows": ROWS, "spectators": 0, "admixture": 0,
        "printed": True,
    }  # fmt: skip
    psi = np.asarray(matrices.propagate(law.hamiltonian(), psi0, np.linspace(0, 2, 5)))
    share = np.abs(psi) ** 2
    off = np.zeros_like(share)
    off[:, 0], off[:, 1] = 0.01, -0.01
    main = {
        "occupation": COPIES * np.stack([share, share + off, share - off]),
        "phase": np.stack([-np.angle(psi)] * 3),
        "ended": np.full(3, int(Status.OK)),
        "extinction_time": np.full(3, np.inf),
        "steps": np.full(3, 7),
    }
    return compare(law, psi0, settings, main, None), share, main, settings


def test_the_law_itself_loses_no_fidelity(result):
    """ψ = √ρ e^(-iφ): another sign of the phase would lose much of it."""
    found, share, main, _ = result
    np.testing.assert_allclose(found.law, share, atol=1e-12)
    # N times rounding
    np.testing.assert_allclose(found.loss[0], 0, atol=1e-10)
    overlap = np.sum(np.sqrt(share * main["occupation"][1] / COPIES), axis=-1)
    np.testing.assert_allclose(found.loss[1], COPIES * (1 - overlap**2), atol=1e-9)
    assert np.max(found.loss[1]) > 0.01
    # three rows, of which the spread is 0.01: its error is 0.01/√3
    summary = found.summary
    np.testing.assert_allclose(summary["final_density"], share[-1], atol=1e-12)
    stderr = 0.01 / np.sqrt(3)
    np.testing.assert_allclose(summary["final_stderr"][:2], stderr, rtol=1e-9)
    assert summary["lost_fidelity_theory"] is None
    assert summary["lost_fidelity_theory_error"] is None
    # exact but for rounding
    assert 0 < max(summary["final_law_error"]) < 1e-12


@pytest.mark.slow
def test_theory_does_not_depend_on_the_rows(result):
    """N E[1 - F] of the golden motion at t = 20, by SciPy's DOP853: 16.69818875."""
    law, psi0 = golden()
    settings = result[-1] | {"time": 20.0, "printed": False, "copies": 1e8}
    for rows in (2, 3):
        ts = np.linspace(0, 20, rows)
        psi = np.asarray(matrices.propagate(law.hamiltonian(), psi0, ts))
        main = result[2] | {
            "occupation": 1e8 * np.stack([np.abs(psi) ** 2] * 3),
            "phase": np.stack([-np.angle(psi)] * 3),
        }
        found = compare(law, psi0, settings | {"rows": rows}, main, None)
        error = found.summary["lost_fidelity_theory_error"]
        assert error < 1e-4
        assert found.summary["lost_fidelity_theory"] == pytest.approx(
            16.69818875, abs=error + 1e-8
        )
        assert dataset_of(found, settings).theory_error[-1] == error
        assert "by steps" in copies_table(found).caption


def test_what_is_drawn_and_stored_is_what_was_sampled(result):
    found, share, main, settings = result
    data = dataset_of(found, settings)
    np.testing.assert_array_equal(data.occupation, main["occupation"])
    np.testing.assert_array_equal(data.law, found.law)
    left, right = figure_copies(found).axes
    fullest = sorted(np.argsort(-share.mean(axis=0))[:6])
    for k, a in enumerate(fullest):
        sampled, law = left.lines[2 * k : 2 * k + 2]
        np.testing.assert_allclose(sampled.get_ydata(), share[:, a], atol=1e-12)
        np.testing.assert_allclose(law.get_ydata(), share[:, a], atol=1e-12)
        assert sampled.get_label() == f"class {a}"
    np.testing.assert_allclose(right.lines[0].get_ydata(), found.loss.mean(axis=0))

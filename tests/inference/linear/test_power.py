"""What nonlinearities would show: their maps beside the laws, states, chi-square."""

import numpy as np
import pytest

import jqd
from jqd.inference.linear.low_rank import fit_rank
from jqd.inference.linear.power import (
    bloch_vectors,
    copying,
    detectable_noncentrality,
    power_of,
    weinberg,
)

Z = np.array([0.0, 0.0, 1.0])
KETS = np.array([[0.8, 0.6j], [0.6, 0.48 + 0.64j], [0.28, -0.96]])


def bloch(psi):
    """(x, y, z) with z the first population less the second."""
    across = 2 * np.conj(psi[:, 0]) * psi[:, 1]
    z = np.abs(psi[:, 0]) ** 2 - np.abs(psi[:, 1]) ** 2
    return np.stack([across.real, across.imag, z], axis=-1)


def rates(law):
    """d(x, y, z)/dt of each ket, by a central difference along the law."""
    step = 1e-6
    flow = np.stack([np.asarray(law.vector_field(0.0, law.prepare(k))) for k in KETS])
    return (bloch(KETS + step * flow) - bloch(KETS - step * flow)) / (2 * step)


def test_the_map_of_weinberg_is_that_of_the_law():
    """Turn by -ε (1 - z) t: the part with z is nonlinear, the other common to all."""
    H = np.array([[0.0, 0.2], [0.2, 0.3]])
    extra = rates(jqd.laws.Weinberg(H, 0.1)) - rates(jqd.laws.Weinberg(H, 0.0))
    r = bloch(KETS)
    step = 1e-6
    ours = (weinberg(r, Z, step) - weinberg(r, Z, -step)) / (2 * step)
    # differences of a step of 1e-6: rounding of 1e-10, over ε
    assert np.allclose(extra / 0.1, ours - np.cross(Z, r), atol=1e-8)


def test_the_map_of_copies_is_that_of_the_law():
    """Ω = 2 R: z moves by Ω (q - 1/2) |y| ln(ρ_1/ρ_2) more than at q = 1/2."""
    H = np.array([[0.0, 0.25], [0.25, 0.0]])
    off = 1e-5
    copies = jqd.CopyDynamics.from_hamiltonian(H, q=0.5 + off)
    extra = rates(copies) - rates(jqd.CopyDynamics.from_hamiltonian(H))
    r = bloch(KETS)
    change = copying(r, Z, 2 * 0.25 * off) - r
    # the next order, off² ln², and rounding of 1e-10
    assert np.allclose(extra[:, 2], change[:, 2], atol=1e-9)
    assert np.abs(change[:, 2]).max() > 1e-6


def test_at_the_poles_nothing_is_copied():
    poles = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]])
    assert np.array_equal(copying(poles, Z, 0.5), poles)


def states(number, seed):
    r = np.random.default_rng(seed).normal(size=(number, 3))
    return r / np.linalg.norm(r, axis=1)[:, None]


def test_pure_states_are_found_up_to_a_rotation():
    """Angles between them are kept, whatever basis a table has."""
    r = states(40, 0)
    basis = np.random.default_rng(1).normal(size=(4, 4))
    rows = np.column_stack([np.ones(40), r]) @ basis
    found = bloch_vectors(rows)
    # lengths are off by 1.5 times the 1e-3 at which the search ends: products by 3
    assert np.allclose(found @ found.T, r @ r.T, atol=4e-3)


def test_tables_of_no_qubit_have_no_power():
    rng = np.random.default_rng(0)
    assert bloch_vectors(rng.normal(size=(40, 3))) is None
    # no combination of these columns is 1
    assert bloch_vectors(rng.normal(size=(40, 4))) is None
    flat = np.column_stack([np.ones(40), states(40, 1)[:, :2], np.zeros(40)])
    assert bloch_vectors(flat) is None


def test_the_detectable_noncentrality_of_many_degrees():
    """Normal limit: λ = (1.645 + 0.842 √(1 + 2 λ/dof)) √(2 dof)."""
    dof = 10_000
    found = detectable_noncentrality(dof)
    expected = (1.645 + 0.842 * np.sqrt(1 + 2 * found / dof)) * np.sqrt(2 * dof)
    assert found == pytest.approx(expected, rel=1e-2)  # skewness, 1/√dof


def test_controls_that_rise_make_more_needed():
    """F(64, 32) exceeds 1.7071 once in twenty."""
    beside = detectable_noncentrality(64, controls=[(0.9, 32)])
    draws = np.random.default_rng(0).noncentral_chisquare(64, beside, 20_000) / 64
    # 4 standard errors of a share of 0.8 of so many
    assert np.mean(draws > 1.7071) == pytest.approx(0.8, abs=0.0113)
    assert beside > detectable_noncentrality(64)
    # all of it twice as large: F compares ratios
    doubled = detectable_noncentrality(64, controls=[(2.0, 32)])
    assert doubled == pytest.approx(2 * beside, rel=1e-6)


def test_what_shows_grows_as_the_square_and_with_the_runs():
    r, e = states(12, 2), 0.9 * states(10, 3)
    p = (1 + r @ np.hstack([e.T, 0.8 * e.T])) / 2
    shots = np.full(p.shape, 1000.0)
    joint = fit_rank(p, shots, 4)
    one, four = (power_of(joint, shots, 1, size, 30.0) for size in (0.01, 0.02))
    three = power_of(joint, shots, 3, 0.01, 30.0)
    assert [found.law for found in one] == ["weinberg", "copying"]
    for a, b, c in zip(one, four, three, strict=True):
        # the cubes of the sizes
        assert b.noncentrality / a.noncentrality == pytest.approx(4, rel=0.05)
        assert c.noncentrality == pytest.approx(3 * a.noncentrality)
        assert a.detectable == pytest.approx(0.01 * np.sqrt(30 / a.noncentrality))
        assert b.detectable == a.detectable
    (far, _) = power_of(joint, shots, 1, 0.01, 1e9)
    assert np.isinf(far.detectable)

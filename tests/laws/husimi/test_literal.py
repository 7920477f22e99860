"""The equation as it stands, on a grid: right until its horizon, silent after it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd import Fixed, constants, evolve
from jqd.laws.husimi import Exact, Fock, GaussianForm, HusimiFokkerPlanck, LiteralGrid
from jqd.spaces.symbols import Symbol, bose_hubbard, harmonic, phi4
from jqd.states import coherent, husimi
from jqd.status import Status
from jqd.steppers import rk4

KERR = Symbol([0.5, -2.0], [((2,), (2,)), ((1,), (1,))])
FORM = LiteralGrid(64, 5.5, cutoff=10.0, mask=5.0, tolerance=1e-2)
AXIS = np.linspace(-2, 2, 9)
POINTS = AXIS[None, :] + 1j * AXIS[:, None]


def steps(count):
    return Fixed(rk4, count, estimate_error=False)


@pytest.mark.sampled
@pytest.mark.parametrize("C", [0.8, 1.0, 1.2])
def test_right_before_the_horizon_and_silent_after(C):
    law, quantum = (
        HusimiFokkerPlanck(KERR, C, points=POINTS, form=form)
        for form in (FORM, Exact(60))
    )
    psi = coherent(1.0, 20)
    state = law.prepare(psi)
    horizon = float(state.horizon)
    assert 0.005 < horizon < 0.1
    ts = jnp.array([0.0, 0.5, 0.99, 1.5, 2.0]) * horizon
    have = evolve(law, state, ts, method=steps(100), observe="density")
    want = evolve(quantum, quantum.prepare(psi), ts, observe="density")
    assert have.status == Status.HORIZON
    assert have.failure_time == pytest.approx(horizon, rel=0.01)
    error = np.max(np.abs(have.values[:3] - want.values[:3])) * np.pi
    assert error < FORM.tolerance
    assert np.all(np.isnan(have.values[3:]))


def test_what_lies_past_the_horizon_is_wrong():
    """The reason for the horizon: ten times later the error is above the tolerance."""
    law, quantum = (
        HusimiFokkerPlanck(KERR, points=POINTS, form=form) for form in (FORM, Exact(48))
    )
    psi = coherent(1.0, 20)
    state = law.prepare(psi)
    ts = jnp.array([0.0, 10.0]) * state.horizon
    method = Fixed(rk4, 400, estimate_error=False, heed_alarms=False)
    have = evolve(law, state, ts, method=method, observe="density")
    want = evolve(quantum, quantum.prepare(psi), ts, observe="density")
    assert have.status == Status.HORIZON
    error = np.max(np.abs(have.values[-1] - want.values[-1])) * np.pi
    assert not error < FORM.tolerance


def test_horizon_formula():
    """t = ln(tolerance/δ)/(.45 CħU/4 k_c² R²), δ = exp(-ħk_c²/8): doubles with 1/C."""
    psi = coherent(0.0, 4)
    times = [
        float(HusimiFokkerPlanck(KERR, C, hbar=0.8, form=FORM).prepare(psi).horizon)
        for C in (1.0, 0.5)
    ]
    growth = 0.45 * 0.8 / 4 * 100 * 25
    expected = (np.log(1e-2) + 0.8 * 100 / 8) / growth
    # the largest radius among grid points within the mask
    np.testing.assert_allclose(times, [expected, 2 * expected], rtol=0.02)


def test_no_diffusion_no_horizon():
    """A harmonic oscillator and Liouville's equation have none."""
    psi = coherent(0.5, 12)
    law = HusimiFokkerPlanck(harmonic(1.0), points=POINTS, form=FORM)
    assert law.prepare(psi).horizon == np.inf
    run = evolve(
        law, law.prepare(psi), [0.0, 1.0], method=steps(100), observe="density"
    )
    assert run.status == Status.OK
    exact = husimi(psi, POINTS * np.exp(1j))
    # waves above the cut-off, exp(-25), and the mask, exp(-20)
    np.testing.assert_allclose(run.values[-1], exact, atol=1e-8)
    still = HusimiFokkerPlanck(KERR, 0.0, form=FORM)
    assert still.prepare(psi).horizon == np.inf


@pytest.mark.sampled
@pytest.mark.parametrize("s", [None, 1.2])
@pytest.mark.parametrize("symbol", [KERR, phi4(0.1)], ids=["kerr", "phi4"])
def test_rate_is_that_of_the_number_basis(symbol, s):
    """The right-hand side at the start, with ħ, C and a length that does not match."""
    literal, fock = (
        HusimiFokkerPlanck(symbol, 0.7, s, 0.9, points=POINTS, form=form)
        for form in (FORM, Fock(32))
    )
    psi = coherent(0.7 - 0.2j, 20)
    have = literal.vector_field(0.0, literal.prepare(psi))
    want = fock.density(fock.vector_field(0.0, fock.prepare(psi)))
    # waves above k_c = 10 of a Gaussian: exp(-ħk²/4) = 2e-10, times k² and H
    np.testing.assert_allclose(literal.density(have), want, atol=1e-6)


def test_gaussians():
    """A degenerate amplifier, within its horizon, against the closed form."""
    symbol = Symbol([-0.1j, 0.1j], [((2,), (0,)), ((0,), (2,))])
    literal, exact = (
        HusimiFokkerPlanck(symbol, points=POINTS, form=form)
        for form in (FORM, GaussianForm())
    )
    psi = coherent(0.3, 12)
    state = literal.prepare(psi)
    ts = jnp.array([0.0, 0.9]) * state.horizon
    have = evolve(literal, state, ts, method=steps(60), observe="density")
    want = evolve(exact, exact.prepare(psi), ts, observe="density")
    assert have.ok
    np.testing.assert_allclose(have.values, want.values, atol=1e-2 / np.pi)
    assert have.diagnostics["norm_drift"] < 1e-4  # what grows at the mask


def test_bad_arguments():
    with pytest.raises(ValueError, match="1 mode for form 'literal'"):
        HusimiFokkerPlanck(bose_hubbard(1.0, 1.0, [(0, 1)]), form=FORM)
    with pytest.raises(ValueError, match="Argument `cutoff`"):
        HusimiFokkerPlanck(KERR, form=LiteralGrid(16, 5.0, cutoff=10.0))
    with pytest.raises(ValueError, match="Argument `mask`"):
        HusimiFokkerPlanck(KERR, form=LiteralGrid(64, 5.0, mask=6.0))
    with pytest.raises(ValueError, match="origin in X and Y"):
        HusimiFokkerPlanck(KERR, points=np.array([7.0]), form=FORM)


def test_gradient_of_the_horizon_and_the_rate():
    law = HusimiFokkerPlanck(KERR, points=np.array([0.5 + 0j]), form=FORM)
    psi = coherent(0.0, 4)

    def value(C):
        here = constants.unpack(law, "C", jnp.asarray(C))
        state = here.prepare(psi)
        moved = here.vector_field(0.0, state)
        return here.density(moved)[0] + 0 * state.horizon

    slope = jax.jit(jax.grad(value))(1.0)
    # the rate is linear in C
    difference = 2 * (value(1.0) - value(0.5))
    np.testing.assert_allclose(slope, difference, atol=1e-12)

"""The copy law from derivatives: exponents, harmonics, error bars, free functions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support import free_form, surfaces
from _support.free_form import FreeFormCopying
from _support.gradient_matching import match_gradients
from _support.local_polynomials import local_polynomials

import jqd
from jqd import problems
from jqd.inference import Unidentifiable
from jqd.laws.copying import Harmonics

LAW = problems.golden()[0]
TS = np.linspace(0, 6, 121)
ORDERS = (0, 1, 2)
PAIRS = np.triu_indices(3, 1)
# the golden law in Cartesian coefficients: A sin y + B cos y, P cos y + Q sin y
WAVE = np.asarray(LAW.R * jnp.exp(1j * LAW.delta))[PAIRS]
TRUE = {
    "density": 2 * np.stack([WAVE.real, WAVE.imag]),
    "phase": np.stack([-WAVE.imag, WAVE.real]),
}


def quantum(hamiltonian, starts, ts=TS):
    """ψ(t) by diagonalisation: (start, t, level)."""
    energies, states = np.linalg.eigh(hamiltonian)
    turns = np.exp(-1j * energies[None] * ts[:, None])
    return np.einsum("ij,tj,sj->sti", states, turns, starts @ states.conj())


def draw_starts(number, size=3, seed=1):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet([4] * size, number)
    return np.sqrt(shares) * np.exp(2j * np.pi * rng.random((number, size)))


RECORD = quantum(LAW.hamiltonian(), draw_starts(4))


def test_polynomials_of_the_degree_are_exact():
    ts = np.sort(np.random.default_rng(0).uniform(0, 1, 25))
    record = np.stack([ts**6, 1 + 0 * ts, 1j * ts**5], axis=1)
    exact = np.stack([6 * ts**5, 0 * ts, 5j * ts**4], axis=1)
    value, slope = local_polynomials(ts, 7)(jnp.asarray(record))
    inside = slice(3, -3)
    np.testing.assert_allclose(value, record[inside], rtol=0, atol=1e-10)
    # random times lie close and apart: weights of 1e4, and the step of 1e-3 besides
    np.testing.assert_allclose(slope, exact[inside], rtol=0, atol=1e-7)


@pytest.fixture(scope="module")
def fits():
    """Both equations, from quantum evolution."""
    return {
        equation: match_gradients(TS, RECORD, equation, orders=ORDERS)
        for equation in TRUE
    }


@jax.jit
def follow(law, starts, ts):
    """ψ(t) of all starts by the law."""
    method = jqd.Fixed(jqd.steppers.rk4, 20, estimate_error=False)

    def states(psi):
        return jqd.evolve(law, psi, ts, method=method)

    return jax.vmap(states)(starts)


@pytest.mark.slow
@pytest.mark.equation("copying", "question-harmonics")
@pytest.mark.parametrize(("equation", "exact"), [("density", 0.5), ("phase", -0.5)])
def test_exponent_and_harmonics_of_quantum_evolution(fits, equation, exact):
    fit = fits[equation]
    expected = np.zeros((3, 2, 3))
    expected[1] = TRUE[equation]
    # differences of order 10 are exact to rounding over the step, 1e-14/0.05
    np.testing.assert_allclose(fit.coefficients, expected, rtol=0, atol=2e-11)
    assert float(fit.exponent) == pytest.approx(exact, abs=1e-11)
    assert float(fit.condition) < 20
    if equation == "phase":
        np.testing.assert_allclose(fit.omega, LAW.omega, rtol=0, atol=1e-11)
    assert len(fit.labels) == len(fit.values)
    # error bars are not far from the errors: below 1e-10, and never 0
    assert 0 < float(jnp.max(fit.error)) < 1e-10


def test_amplitudes_and_phases(fits):
    """R' = 2R, δ' = δ, as Schrödinger's equation has them."""
    for fit, factor in zip(fits.values(), (2, 1), strict=True):
        np.testing.assert_allclose(fit.amplitude[1], factor * abs(WAVE), rtol=1e-10)
        np.testing.assert_allclose(fit.phase[1], np.angle(WAVE), rtol=0, atol=1e-10)


def test_a_second_harmonic_is_recognised():
    """T4's law: R'^2 = 2 R², of which quantum mechanics has nothing."""
    R, delta = np.zeros((2, 3, 3))
    R[PAIRS], delta[PAIRS] = (0.1, 0.05, 0.2), (0.2, -0.4, 0.9)
    terms = Harmonics((2,), (R + R.T)[None], (delta - delta.T)[None])
    law = jqd.CopyDynamics(LAW.omega, LAW.R, LAW.delta, harmonics=terms)
    run = follow(law, RECORD[:, 0], TS / 6)
    assert run.ok.all()
    fit = match_gradients(TS / 6, run.values, "density", orders=ORDERS)
    # derivatives where ρ is small err by 1e-8 and more
    np.testing.assert_allclose(fit.amplitude[2], 2 * R[PAIRS], rtol=1e-5)
    np.testing.assert_allclose(fit.phase[2], delta[PAIRS], rtol=0, atol=1e-5)
    np.testing.assert_allclose(fit.amplitude[0], 0, rtol=0, atol=1e-5)
    assert (fit.amplitude[2] > 1e3 * jnp.max(fit.coefficient_errors)).all()


@pytest.mark.parametrize(("q", "r"), [(0.4, -0.5), (0.5, -0.8)])
def test_exponents_of_other_laws(q, r):
    law, _ = problems.golden(q, r)
    run = follow(law, RECORD[:, 0], TS / 3)
    assert run.ok.all()
    for equation, exact in (("density", q), ("phase", r)):
        fit = match_gradients(TS / 3, run.values, equation, orders=ORDERS)
        # q = 0.4 has kinks, over which any polynomial errs
        assert float(fit.exponent) == pytest.approx(exact, abs=1e-3)
        assert abs(float(fit.exponent) - exact) < 5 * float(fit.error[-1]) + 1e-10
        if q == 0.5:
            assert float(fit.exponent) == pytest.approx(exact, abs=1e-6)


def test_what_a_record_cannot_tell_is_refused():
    states = np.linalg.eigh(LAW.hamiltonian())[1]
    still = quantum(LAW.hamiltonian(), states[:, [0, 1, 2, 0]].T)
    with pytest.raises(Unidentifiable, match="change neither rate"):
        match_gradients(TS, still, "density", orders=ORDERS)


# -- functions without a formula ---------------------------------------------------

ZERO = surfaces.SplineSurface.zeros(4, 10, 2.5)


@pytest.fixture(scope="module")
def pairs():
    """The record, and (ℓ, x) of its pairs, within the knots."""
    psi = jnp.asarray(quantum(LAW.hamiltonian(), draw_starts(12), TS[:41]))
    record = free_form.pair_record(LAW, *local_polynomials(TS[:41])(psi)).within(2.5)
    return record, *record.pairs()


def far(values, exact):
    return float(jnp.linalg.norm(values - exact) / jnp.linalg.norm(exact))


@pytest.mark.slow
@pytest.mark.equation("copying", "question-factorisation")
def test_splines_find_the_copy_law(pairs):
    """2 sin x, e^{-ℓ/2} cos x; spacing (2π/10)⁴/384 of sin x is 4e-4."""
    record, level, x = pairs
    flow, values = surfaces.solve_spline(
        ZERO, free_form.density_residuals, record, 1e-9
    )
    assert far(free_form.net_flow(flow, level, x), 2 * jnp.sin(x)) < 1e-3
    rate = jnp.exp(level / 2) * 2 * jnp.maximum(jnp.sin(x), 0)
    assert far(free_form.least_rate(flow, level, x), rate) < 1e-3
    # traffic both ways: the even half of 70 coefficients, one of them its own image
    assert int(jnp.sum(values < 1e-9)) >= ZERO.coefficients.size // 2
    turn, values = surfaces.solve_spline(ZERO, free_form.phase_residuals, record, 1e-9)
    assert far(turn(level, x), jnp.exp(-level / 2) * jnp.cos(x)) < 2e-3
    assert int(jnp.sum(values < 1e-9)) == 0
    law, psi = FreeFormCopying.like(LAW, flow, turn), jnp.asarray(draw_starts(1)[0])
    got = law.vector_field(0.0, law.prepare(psi))
    exact = LAW.vector_field(0.0, psi)
    gain = 2 * jnp.real(jnp.conj(psi) * exact)
    np.testing.assert_allclose(got.density, gain, rtol=0, atol=2e-3)
    np.testing.assert_allclose(got.phase, -jnp.imag(exact / psi), rtol=0, atol=1e-2)


@pytest.mark.equation("copying", "question-factorisation-traffic")
def test_traffic_both_ways_changes_nothing(pairs):
    """... and a part that is odd does."""
    record, _, _ = pairs
    flows = (
        lambda level, x: jnp.sin(x),
        lambda level, x: jnp.sin(x) + jnp.cosh(level) * jnp.cos(x),
        lambda level, x: jnp.sin(x) + 0.1 * level,
    )
    misfits = [
        float(jnp.max(jnp.abs(free_form.density_residuals(flow, record))))
        for flow in flows
    ]
    assert max(misfits[:2]) < 1e-11
    assert misfits[2] > 1e-2


@pytest.mark.slow
def test_networks_agree_in_the_net_flow_alone(pairs):
    record, level, x = pairs
    flows = [
        surfaces.fit_surface(
            surfaces.NetworkSurface.random(jax.random.key(seed), positive=True),
            free_form.density_residuals, record, 200,
        )[0]
        for seed in (1, 2)
    ]  # fmt: skip
    for flow in flows:
        assert far(free_form.net_flow(flow, level, x), 2 * jnp.sin(x)) < 0.03
        assert float(jnp.min(flow(level, x))) >= 0
    first, second = (free_form.traffic(flow, level, x) for flow in flows)
    assert far(first, second) > 0.05

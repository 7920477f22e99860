"""Quadratic Hamiltonians in closed form, for every number of modes, C and s.

Row numbers are those of the table of tests of the law's equations.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import simpson

from jqd import Fixed, evolve
from jqd.laws.husimi import Exact, Fock, GaussianForm, GaussianSum, HusimiFokkerPlanck
from jqd.laws.husimi.gaussian import diffusion
from jqd.readings.forms import kappa_free_form, phase_space_function
from jqd.readings.truncation import taylor_orbit
from jqd.spaces.symbols import Symbol, kerr, polynomial_qp, two_mode_squeezing
from jqd.states import antinormal_moment, cat, coherent, husimi, squeezed, thermal
from jqd.status import Status
from jqd.steppers import rk4

FORM = GaussianForm()
GENERAL = Symbol(
    [0.9, 0.2 + 0.3j, 0.2 - 0.3j, 0.1 - 0.2j, 0.1 + 0.2j],
    [((1,), (1,)), ((2,), (0,)), ((0,), (2,)), ((1,), (0,)), ((0,), (1,))],
)
# ẋ = gx, ẏ = -gy with g = 1: H = 2XY = Im α²
AMPLIFIER = Symbol([-0.5j, 0.5j], [((2,), (0,)), ((0,), (2,))])
AXIS = np.linspace(-2, 2, 9)
POINTS = AXIS[None, :] + 1j * AXIS[:, None]


def run(symbol, start, ts, C=1.0, s=None, hbar=1.0, **options):
    law = HusimiFokkerPlanck(symbol, C, s, hbar, form=FORM)
    return evolve(law, law.prepare(start), ts, **options)


# -- rows of the table ----------------------------------------------------------------


def scaled_symbol(matrix, lengths, kappa):
    """½ zᵀAz of z = (q1, q2, p1, p2) in α = √(κ/2) (Q + iP), q = lQ, p = κP/l."""
    scale = np.concatenate([lengths, kappa / np.asarray(lengths)])
    scale = scale / np.sqrt(kappa)  # q = (l/√κ) √κ Q, and √κ Q = (α + α*)/√2
    full = np.asarray(matrix) * scale[:, None] * scale[None, :]
    terms = {}
    for i in range(4):
        for j in range(4):
            powers = np.zeros((2, 2), int)
            powers[i // 2, i % 2] += 1
            powers[j // 2, j % 2] += 1
            key = (tuple(powers[0].tolist()), tuple(powers[1].tolist()))
            terms[key] = terms.get(key, 0.0) + full[i, j] / 2
    return polynomial_qp(terms, ordering="antiwick")


@pytest.mark.slow
def test_two_coupled_modes():
    """Row 15: Σ of (Q, P) is 2/κ times that of (X, Y)."""
    A = [[2, 0.3, 0.4, 0.1], [0.3, 1, -0.2, 0.25], [0.4, -0.2, 1.5, 0.35],
         [0.1, 0.25, 0.35, 0.8]]  # fmt: skip
    kappa, hbar = 1.9, 0.7
    symbol = scaled_symbol(A, (1.3, 0.6), kappa)
    start = GaussianSum.coherent(np.zeros(2), hbar=hbar)
    end = run(symbol, start, [0.0, 0.6], hbar=hbar).values.covariance[-1]
    expected = [0.4207571, 1.43536516, 0.36955848, 0.27992837]
    np.testing.assert_allclose(np.diag(end) * 2 / kappa, expected, atol=1e-7)


def test_only_products_matter():
    """Row 17: (κ, l) -> (cκ, √c l), and (C, ħ) -> (C/c, cħ) from the same density."""
    start = GaussianSum.squeezed(0.3, angle=0.4, displacement=0.5 + 0.2j, hbar=0.7)
    c = 1.7

    def end(C, hbar, length, kappa):
        law = HusimiFokkerPlanck(GENERAL, C, length / kappa**0.5, hbar, form=FORM)
        return evolve(law, start, [0.0, 0.8]).values.covariance[-1]

    one = end(0.9, 0.7, 1.3, 1.9)
    np.testing.assert_allclose(end(0.9, 0.7, 1.3 * c**0.5, c * 1.9), one, rtol=1e-12)
    np.testing.assert_allclose(end(0.9 / c, 0.7 * c, 1.3, 1.9), one, rtol=1e-12)
    assert np.max(np.abs(end(0.9, 0.7, 1.3, c * 1.9) - one)) > 1e-2


@pytest.mark.slow
def test_where_the_density_ends():
    """Row 24: C = -1 loses Var Y at ln(3)/2; C = 2 keeps Var X at ½."""
    end = np.log(3) / 2
    start = GaussianSum.coherent(0.0)
    near = run(AMPLIFIER, start, [0.0, 0.5, end], C=-1.0).values.covariance
    law = HusimiFokkerPlanck(AMPLIFIER, -1.0, form=FORM)
    flow, _ = law.orbit(start, jnp.array([0.0, end]))
    assert abs(flow.covariance[1, 1, 1]) < 1e-15
    assert near[1, 1, 1] > 0
    past = run(AMPLIFIER, start, [0.0, 0.5, 0.6, 0.7], C=-1.0)
    assert past.status == Status.HORIZON
    assert past.failure_time == pytest.approx(0.6)
    flat = run(AMPLIFIER, start, [0.0, 0.5, 2.0], C=2.0)
    assert flat.status == Status.OK
    np.testing.assert_allclose(flat.values.covariance[:, 0, 0], 0.5, atol=1e-10)


def test_amplified_cat_obeys_born():
    """Row 25: from .631850 in the Husimi function to the weight .699083 of ψ(x > 0)."""
    start = GaussianSum.cat([0.5, -0.5], [0.7**0.5, 0.3**0.5], r=1.2)
    ts = [0.0, 0.5, 1.0, 2.0, 4.0]
    states = run(AMPLIFIER, start, ts).values
    positive = jax.vmap(lambda state: state.probability_positive())(states)
    expected = [0.631850, 0.671413, 0.692200, 0.698772, 0.699079]
    np.testing.assert_allclose(positive, expected, atol=1e-6)


def test_two_mode_squeezing():
    """Row 26: g = .5, t = .8; correlations are those of the Wigner function as well."""
    symbol = two_mode_squeezing(0.5)
    end = run(symbol, GaussianSum.coherent(np.zeros(2)), [0.0, 0.8]).values
    end = jax.tree.map(lambda leaf: leaf[-1], end)
    assert abs(end.moment((1, 1), (0, 0))) == pytest.approx(0.444052991, abs=1e-8)
    number = end.moment((1, 0), (1, 0)).real
    assert number == pytest.approx(1.168717473, abs=1e-8)


# -- states ---------------------------------------------------------------------------


KETS = {
    "coherent": (
        GaussianSum.coherent(0.6 - 0.4j, hbar=0.7),
        lambda: coherent(0.6 - 0.4j, 40),
    ),
    "squeezed": (
        GaussianSum.squeezed(0.4, angle=0.9, displacement=0.3 + 0.2j, hbar=0.7),
        lambda: squeezed(0.4, 40, angle=0.9, displacement=0.3 + 0.2j),
    ),
    "thermal": (
        GaussianSum.thermal(0.3, 0.5j, hbar=0.7),
        lambda: thermal(0.3, 40, 0.5j),
    ),
    "cat": (
        GaussianSum.cat([0.8, -0.8j], [1.0, 0.6j], hbar=0.7),
        lambda: cat([0.8, -0.8j], [1.0, 0.6j], 40),
    ),
    "squeezed cat": (
        GaussianSum.cat(
            [0.8 + 0.2j, -0.5], [1.0, -0.6 + 0.2j], r=0.4, angle=0.7, hbar=0.7
        ),
        lambda: cat([0.8 + 0.2j, -0.5], [1.0, -0.6 + 0.2j], 40, r=0.4, angle=0.7),
    ),
}  # fmt: skip


@pytest.mark.sampled
@pytest.mark.parametrize("name", KETS)
def test_states_and_moments(name):
    state, build = KETS[name]
    ket = build()
    exact = husimi(ket, POINTS, hbar=0.7)
    # 40 levels hold all but 1e-13 of these states
    np.testing.assert_allclose(state.density(POINTS[..., None]), exact, atol=1e-11)
    for m, n in ((0, 0), (1, 0), (1, 1), (2, 0), (1, 2), (2, 2), (4, 1), (3, 3)):
        expected = antinormal_moment(ket, m, n, hbar=0.7)
        # sixth moments weigh the cut tail with 40³
        np.testing.assert_allclose(state.moment((m,), (n,)), expected, atol=1e-8)


def test_probabilities_along_either_axis():
    """∫_0^∞ of the marginal of X and of Y, whose widths differ."""
    state = GaussianSum.cat(
        [0.5 + 0.3j, -0.2 - 0.4j], [0.8, 0.6j], r=0.7, angle=0.4, hbar=0.7
    )
    x = np.linspace(0, 12, 2001)
    for axis in range(2):
        found = float(state.probability_positive(axis))
        exact = simpson(np.asarray(state.marginal(x, axis)), x=x)
        # Simpson's rule at 1/80 of a width
        assert found == pytest.approx(exact, abs=1e-9)
        assert abs(found - 0.5) > 0.01


@pytest.mark.parametrize("name", ["coherent", "squeezed", "thermal"])
def test_gaussian_kets_are_taken(name):
    state, build = KETS[name]
    law = HusimiFokkerPlanck(GENERAL, hbar=0.7, form=FORM)
    taken = law.prepare(build())
    np.testing.assert_allclose(taken.means, state.means, atol=1e-10)
    np.testing.assert_allclose(taken.covariance, state.covariance, atol=1e-10)


def test_bad_arguments():
    law = HusimiFokkerPlanck(GENERAL, form=FORM)
    with pytest.raises(ValueError, match="Gaussian Husimi function"):
        law.prepare(cat([1.0, -1.0], [1.0, 1.0], 30))
    with pytest.raises(ValueError, match="must have 1 modes, but has 2"):
        law.prepare(GaussianSum.coherent(np.zeros(2)))
    with pytest.raises(ValueError, match="at most second degree"):
        HusimiFokkerPlanck(kerr(1.0), form=FORM)
    with pytest.raises(ValueError, match="components cancel"):
        GaussianSum.cat([0.5, 0.5], [1.0, -1.0])
    with pytest.raises(ValueError, match="not be negative"):
        GaussianSum.thermal(-0.1)


# -- evolution ------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("C", [0.7, 1.2])
def test_matches_the_number_basis(C):
    """A cat, driven, squeezed and rotated, against `Exact`."""
    ket = cat([0.8, -0.6j], [1.0, 0.5j], 40)
    start = GaussianSum.cat([0.8, -0.6j], [1.0, 0.5j])
    law, quantum = (
        HusimiFokkerPlanck(GENERAL, C, points=POINTS, form=form)
        for form in (FORM, Exact(90))
    )
    ts = [0.0, 0.4, 1.0]
    have = evolve(law, law.prepare(start), ts, observe="density")
    want = evolve(quantum, quantum.prepare(ket), ts, observe="density")
    assert have.ok
    assert want.ok
    # 90 levels at ħ_eff, 40 of the ket
    np.testing.assert_allclose(have.values, want.values, atol=1e-10)


@pytest.mark.sampled
@pytest.mark.parametrize("s", [1.0, 0.7])
def test_diffusion_is_that_of_the_equation_in_positions_and_momenta(s):
    """D of eq. (52) by derivatives of H in z = (q, p), where X = q/√2, Y = p/√2."""
    law = HusimiFokkerPlanck(GENERAL, 0.9, s, 0.8, form=FORM)
    z = jnp.asarray([0.4, -0.3])
    expected = kappa_free_form(phase_space_function(GENERAL), z, s, 0.9, 0.8).diffusion
    np.testing.assert_allclose(
        diffusion(law.equation), expected / 2, rtol=0, atol=1e-14
    )
    # Negative control: where s is not 1, Y has another scale than X.
    turned = kappa_free_form(
        phase_space_function(GENERAL), z, 1 / s, 0.9, 0.8
    ).diffusion
    assert s == 1 or np.max(np.abs(diffusion(law.equation) - turned / 2)) > 0.05


@pytest.mark.slow
def test_mismatched_length_matches_the_number_basis():
    start = GaussianSum.coherent(0.5 - 0.3j)
    law, fock = (
        HusimiFokkerPlanck(GENERAL, 0.9, 1.1, points=POINTS[3:6, 3:6], form=form)
        for form in (FORM, Fock(20))
    )
    ts = [0.0, 0.3]
    have = evolve(law, start, ts, observe="density")
    generator = fock.form.generator(fock.equation)
    (rho,) = taylor_orbit(generator, fock.prepare(coherent(0.5 - 0.3j, 20)), ts[1:])
    want = fock.density(rho)
    # entries of ρ at the cut
    np.testing.assert_allclose(have.values[-1], want, atol=1e-8)


@pytest.mark.slow
def test_steps_follow_the_closed_form():
    """Singular drift (a free particle in a field) by Runge-Kutta steps."""
    free = polynomial_qp({(0, 2): 0.5, (1, 0): 0.3})
    law = HusimiFokkerPlanck(free, 1.3, 0.8, 0.8, form=FORM)
    start = GaussianSum.squeezed(-0.2, displacement=0.4, hbar=0.8)
    ts = jnp.array([0.0, 0.5, 1.5])
    exact = evolve(law, start, ts)
    method = Fixed(rk4, 4, estimate_error=False)
    steps = evolve(law, start, ts, method=method)
    # polynomials of degree 2 in t: rk4 is exact
    for a, b in zip(jax.tree.leaves(exact.values), jax.tree.leaves(steps.values),
                    strict=True):  # fmt: skip
        np.testing.assert_allclose(a, b, atol=1e-13)


@pytest.mark.sampled
@pytest.mark.parametrize("C", [-0.5, 0.0, 0.6, 1.0, 2.4])
def test_norm_and_energy(C):
    start = GaussianSum.cat([0.8, -0.6j], [1.0, 0.5j])
    trajectory = run(GENERAL, start, jnp.linspace(0, 0.2, 5), C=C)
    assert trajectory.ok
    assert trajectory.diagnostics["norm_drift"] < 1e-14
    assert trajectory.diagnostics["energy_drift"] < 1e-13


@pytest.mark.slow
def test_gradient_and_batch():
    """d/dC of a density against differences of step 1e-5."""

    def value(C):
        law = HusimiFokkerPlanck("n + 0.3*a^2 + 0.3*ad^2", C, form=FORM)
        start = GaussianSum.squeezed(0.3, displacement=0.4)
        run = evolve(law, start, jnp.array([0.0, 0.5]))
        state = jax.tree.map(lambda leaf: leaf[-1], run.values)
        return law.density(state, 0.3 + 0.1j)

    near = jax.jit(jax.vmap(value))(jnp.array([0.7 - 1e-5, 0.7, 0.7 + 1e-5]))
    slope = jax.jit(jax.grad(value))(0.7)
    np.testing.assert_allclose(slope, (near[2] - near[0]) / 2e-5, rtol=1e-8)


def test_a_slope_where_two_widths_are_the_same():
    """Of a coherent state: Q = exp(-|α|²/2s)/2πs², by hand, s the variance."""
    alpha = 0.3 + 0.2j

    def value(s, twist):
        cov = jnp.array([[s, twist], [twist, s]])
        state = GaussianSum(jnp.ones(1, complex), jnp.zeros((1, 2), complex), cov)
        return state.density(jnp.array([[alpha]]))[0]

    s, size = 0.25, abs(alpha) ** 2
    q = np.exp(-size / (2 * s)) / (2 * np.pi * s)
    along_s, along_twist = jax.grad(value, (0, 1))(s, 0.0)
    assert along_s == pytest.approx(q * (size / (2 * s**2) - 1 / s), rel=1e-12)
    # d/dt of -xᵀΣ⁻¹x/2 is x y/s²; the determinant has no slope
    assert along_twist == pytest.approx(q * 0.3 * 0.2 / s**2, rel=1e-12)

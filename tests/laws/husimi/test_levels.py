"""The default form of the Husimi law: von Neumann evolution with ħ_eff = Cħ."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import constants
from jqd.laws.husimi import (
    Bath,
    Exact,
    GaussianSum,
    HusimiFokkerPlanck,
    Levels,
    PSamples,
    Series,
)
from jqd.laws.husimi.levels import edge_share
from jqd.laws.husimi.starts import amplify
from jqd.spaces.symbols import Symbol, bose_hubbard
from jqd.states import GaussianState, as_ensemble, cat, coherent, husimi, product

from .generic import MIXED

ALPHA = 1.2 + 0.5j


def kerr(b=-4.0):
    """(1/2)(|α|⁴ + b|α|²)"""
    return Symbol([0.5, b / 2], [((2,), (2,)), ((1,), (1,))])


def density_at(law, psi, t, points):
    ts = jnp.asarray([0.0, t])
    run = jqd.evolve(
        law, law.prepare(psi), ts, observe=lambda t, s: law.density(s, points)
    )
    assert bool(run.ok), run.describe()
    return np.asarray(run.values[1])


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("C", "t", "expected"),
    [
        (1.0, 0.37, 0.183448850082),
        (1.0, 1.1, 0.179893089356),
        (0.5, 0.37, 0.106094158827),
        (1.3, 0.37, 0.214263491377),
    ],
)
def test_kerr_for_every_C(C, t, expected):
    law = HusimiFokkerPlanck(kerr(), C, form=Exact(96))
    value = density_at(law, coherent(ALPHA, 40), t, jnp.asarray([0.7 - 0.3j]))
    # the table gives 12 digits
    np.testing.assert_allclose(value, [expected], rtol=0, atol=1e-12)


def test_kerr_cat():
    law = HusimiFokkerPlanck(kerr(0.0), form=Exact(48))
    points = jnp.asarray([2j, 2.0, 0.0])
    value = density_at(law, coherent(2.0, 48), np.pi, points)
    expected = [0.159154961002, 0.000212425804, 0.005830048930]
    np.testing.assert_allclose(value, expected, rtol=0, atol=1e-9)


@pytest.mark.sampled
@pytest.mark.parametrize(("C", "sign"), [(1.0, 1.0), (0.8, -1.0)])
def test_revival(C, sign):
    """At 2π/(UC) the density is back, turned by 2π(2 + b/2C)."""
    law = HusimiFokkerPlanck(kerr(), C, form=Exact(80))
    x = np.linspace(-3.0, 3.0, 13)
    points = jnp.asarray(x[None, :] + 1j * x[:, None])
    psi = coherent(ALPHA, 40)
    value = density_at(law, psi, 2 * np.pi / C, points)
    expected = np.exp(-(np.abs(sign * np.asarray(points) - ALPHA) ** 2)) / np.pi
    # the ket is cut at 1e-20; phases reach 1e3, their rounding 1e-13
    np.testing.assert_allclose(value, expected, rtol=0, atol=1e-10)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(value, expected[::-1], rtol=0, atol=1e-3)


def test_all_terms_that_the_form_takes():
    law = HusimiFokkerPlanck(MIXED, form=Exact(48))
    points = jnp.asarray([0.3 + 0.5j, -0.8j])
    value = density_at(law, coherent(0.6 - 0.4j, 32), 0.7, points)
    expected = [0.055844131185, 0.282569767427]
    np.testing.assert_allclose(value, expected, rtol=0, atol=1e-9)


def test_two_sites():
    law = HusimiFokkerPlanck(bose_hubbard(1.0, 0.5, [(0, 1)]), form=Exact(16))
    psi = product(coherent(np.sqrt(2), 16), coherent(0.0, 16))

    def look(t, state):
        quanta = jnp.real(law.moment(state, (1, 0), (1, 0))) - 1
        return quanta, law.density(state, jnp.asarray([1.0, 0.5j]))

    run = jqd.evolve(
        law, law.prepare(psi), jnp.asarray([0.0, 0.5, 1.0, 2.0]), observe=look
    )
    expected = [1.5519076864, 0.6706805227, 0.4665955109]
    # 16 levels hold <n> at t = 2 to 8e-9
    np.testing.assert_allclose(run.values[0][1:], expected, rtol=0, atol=2e-8)
    np.testing.assert_allclose(run.values[1][2], 0.040987503473, rtol=0, atol=1e-9)


@pytest.mark.slow
def test_three_sites_by_blocks_and_by_steps():
    """The orbit over sectors of N equals small steps of the vector field."""
    chain = bose_hubbard(1.0 + 0.2j, 0.5, [(0, 1), (1, 2)])
    psi = product(coherent(0.5, 6), coherent(0.3j, 6), coherent(0.0, 6))
    for symbol in (chain, bose_hubbard(1.0, 0.5, [(0, 1), (1, 2)])):
        law = HusimiFokkerPlanck(symbol, 0.9, form=Exact(6, Series(1)))
        state, ts = law.prepare(psi), jnp.asarray([0.0, 0.3])
        # few levels: the highest hold 1e-4, which is marked but does no harm here
        method = jqd.Fixed(
            jqd.steppers.rk4, 60, estimate_error=False, heed_alarms=False
        )
        exact = jqd.evolve(law, state, ts).values.kets[1]
        steps = jqd.evolve(law, state, ts, method=method).values.kets[1]
        # Runge-Kutta 4 at 5e-3 where energies reach 30: 30 (0.15)^5 / 120 x weight
        np.testing.assert_allclose(steps, exact, rtol=0, atol=1e-6)
        moved = float(jnp.max(jnp.abs(exact - state.kets)))
        assert moved > 0.05


@pytest.mark.slow
def test_two_sites_off_quantum_mechanics():
    law = HusimiFokkerPlanck(
        bose_hubbard(1.0, 0.5, [(0, 1)]), 1.1, form=Exact(24, Series(11))
    )
    psi = product(coherent(np.sqrt(2), 20), coherent(0.0, 20))
    run = jqd.evolve(
        law, law.prepare(psi), jnp.asarray([0.0, 2.0]),
        observe=lambda t, s: jnp.real(law.moment(s, (1, 0), (1, 0))) - 1,
    )  # fmt: skip
    # order k of the series weighs 1e-k times a moment that grows as k²
    np.testing.assert_allclose(run.values[1], 0.4193674, rtol=0, atol=1e-6)


@pytest.mark.parametrize("C", [0.4, 0.8, 1.0, 1.4])
def test_preparation_leaves_the_density_as_it_is(C):
    """The density at ħ_eff = Cħ is that at ħ, for a cat as for a mixed state."""
    x = np.linspace(-3.0, 3.0, 9)
    points = jnp.asarray(x[None, :] + 1j * x[:, None])
    kets = as_ensemble(cat([1.0, -0.5 + 1j], [1.0, 0.6j], 30))
    rho = 0.7 * np.asarray(kets.matrix())
    rho += 0.3 * np.diag(np.eye(30)[2])
    for state in (kets, rho):
        before = husimi(state, points)
        after = husimi(amplify(as_ensemble(state), jnp.asarray(C), (140,), 139),
                       points, hbar=C)  # fmt: skip
        # |1 - C|^139 is 1e-31 at the ends; rounding of binomials exp(log) 1e-13
        np.testing.assert_allclose(after, before, rtol=0, atol=1e-12)


def test_hbar_counts_only_through_C():
    points = jnp.asarray([0.7 - 0.3j, 0.1 + 1.0j])
    values = []
    for C, hbar in ((0.5, 1.4), (1.0, 0.7), (1.4, 0.5)):
        # the same density at each ħ: a coherent start broadened to that of hbar = 1.4
        start = as_ensemble(coherent(0.8 + 0.2j, 40))
        state = amplify(start, jnp.asarray(C * hbar / 1.4), (120,), 110)
        symbol = kerr()
        law = HusimiFokkerPlanck(symbol, C, hbar=hbar, form=Exact(120))
        run = jqd.evolve(
            law, state, jnp.asarray([0.0, 0.5]),
            observe=lambda t, s, law=law: law.density(s, points),
        )  # fmt: skip
        values.append(np.asarray(run.values[1]))
    np.testing.assert_allclose(values[0], values[1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(values[2], values[1], rtol=0, atol=1e-12)


def test_negative_densities_above_one_only():
    x = np.linspace(-4.5, 4.5, 61)
    points = jnp.asarray(x[None, :] + 1j * x[:, None])
    least = {}
    for C in (0.95, 1.1):
        law = HusimiFokkerPlanck(kerr(), C, form=Exact(64))
        least[C] = density_at(law, coherent(ALPHA, 40), 0.37, points).min()
    assert least[0.95] >= -1e-12
    np.testing.assert_allclose(least[1.1], -2.67e-3, rtol=0, atol=1e-4)


@pytest.mark.sampled
@pytest.mark.parametrize("C", [0.7, 1.0, 1.2])
def test_norm_energy_and_the_first_moment(C):
    """d<α>/dt = -i<∂*H> for every C: diffusion does not move the mean."""
    law = HusimiFokkerPlanck("0.5*ad^2*a^2 + 0.2*(a+ad)", C, form=Exact(72))
    state = law.prepare(coherent(ALPHA, 40))
    ts = jnp.asarray([0.0, 0.4, 0.4 + 1e-4])
    gradient = law.symbol.derivative(0, conjugate=True)

    def look(t, s):
        force = sum(c * law.moment(s, m, n) for c, m, n in gradient.terms())
        return law.moment(s, 1, 0), force

    run = jqd.evolve(law, state, ts, observe=look)
    mean, force = (np.asarray(v) for v in run.values)
    # central difference of step 1e-4 about the middle: error h^2 <α>'''/24
    rate = (mean[2] - mean[1]) / 1e-4
    np.testing.assert_allclose(rate, -1j * (force[1] + force[2]) / 2, atol=1e-7)
    assert float(run.diagnostics["norm_drift"]) < 1e-12
    assert float(run.diagnostics["energy_drift"]) < 1e-10


# -- derivatives, traces, batches, precision ------------------------------------


def family(theta):
    """A Kerr law of C, U and delta."""
    law = HusimiFokkerPlanck(
        "0.5*U*ad^2*a^2 + delta*ad*a",
        points=[0.7 - 0.3j, 1j],
        form=Exact(48, Series(30)),
        U=1.0,
        delta=1.0,
    )
    for name, value in zip(("C", "U", "delta"), theta, strict=True):
        law = constants.unpack(law, name, value[None])
    return law


def values(theta):
    law = family(theta)
    state = law.prepare(coherent(0.8 + 0.3j, 24))
    return jqd.evolve(law, state, jnp.asarray([0.0, 0.6]), observe="density").values[1]


@pytest.mark.sampled
@pytest.mark.parametrize("C", [1.0, 0.8])
def test_gradients_equal_differences(C):
    theta = jnp.asarray([C, 1.0, 0.2])
    jac = np.asarray(jax.jit(jax.jacfwd(values))(theta))
    back = np.asarray(jax.jit(jax.jacrev(values))(theta))
    np.testing.assert_allclose(back, jac, rtol=1e-10, atol=1e-14)
    run = jax.jit(values)
    for i in range(3):
        e = jnp.zeros(3).at[i].set(1e-4)
        steps = [np.asarray(run(theta + k * e) - run(theta - k * e)) for k in (1, 2)]
        # the h^2 error extrapolated away: h^4 and rounding eps/h, both below 1e-10
        difference = (4 * steps[0] - steps[1] / 2) / 3 / 2e-4
        np.testing.assert_allclose(jac[:, i], difference, rtol=0, atol=1e-8)
        with pytest.raises(AssertionError):
            np.testing.assert_allclose(
                jac[:, i] * 1.0001, difference, rtol=0, atol=1e-8
            )


def test_batch_over_constants_is_one_trace():
    chex.clear_trace_counter()
    run = jax.jit(jax.vmap(chex.assert_max_traces(values, n=1)))
    thetas = jnp.asarray([[1.0, 1.0, 0.2], [0.8, 1.1, 0.0], [1.3, 0.9, -0.3]])
    batch = run(thetas)
    singles = jnp.stack([jax.jit(values)(theta) for theta in thetas])
    # no eigensolver here (a diagonal), yet sums may be ordered otherwise: a few eps
    np.testing.assert_allclose(batch, singles, rtol=0, atol=1e-15)
    run(thetas * 1.01)


def test_single_precision():
    psi = coherent(ALPHA, 40).astype(jnp.complex64)
    law = HusimiFokkerPlanck(kerr(), 0.9, points=[0.7 - 0.3j], form=Exact(56))
    ts = jnp.asarray([0.0, 0.37])
    single = jqd.evolve(law, law.prepare(psi), ts, observe="density")
    double = jqd.evolve(law, law.prepare(coherent(ALPHA, 40)), ts, observe="density")
    assert single.values.dtype == jnp.float32
    # phases n²t/2 reach 5e2 and round to 3e-5; what carries weight has n < 12
    np.testing.assert_allclose(single.values, double.values, rtol=0, atol=2e-5)


def test_every_leaf_can_be_fitted():
    law = family(jnp.asarray([1.0, 1.0, 0.2]))
    for path, leaf in jax.tree.leaves_with_path(law):
        where = jax.tree_util.keystr(path)
        assert isinstance(leaf, jax.Array), where
        assert jnp.issubdtype(leaf.dtype, jnp.inexact), where
        assert not leaf.weak_type, where
    assert constants.names(law) == ("hbar", "C", "U", "delta")
    for name in constants.names(law):
        same = constants.unpack(law, name, constants.pack(law, name))
        chex.assert_trees_all_equal(same, law)


# -- refusals -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "end"),
    [
        (coherent(ALPHA, 40), 2.0),
        (GaussianState(r=0.5), 1 + np.exp(-1.0)),
        (cat([1.5, -1.5], [1.0, 1.0], 40), 2.0),
    ],
)
def test_existence_window(state, end):
    law = HusimiFokkerPlanck(kerr(), end + 0.01, form=Exact(64))
    with pytest.raises(ValueError, match=rf"C_max = {end:.6g}"):
        law.prepare(state)
    HusimiFokkerPlanck(kerr(), end - 0.3, form=Exact(64)).prepare(state)
    for C in (0.0, -0.5):
        with pytest.raises(ValueError, match="must be in"):
            HusimiFokkerPlanck(kerr(), C, form=Exact(64)).prepare(state)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: HusimiFokkerPlanck("q^4"), "at most two powers"),
        (lambda: HusimiFokkerPlanck("U*n + g*q"), "parameters, but not for U and g"),
        (lambda: HusimiFokkerPlanck("U*n", U=1.0, g=1.0), r"\(U\), but has 'g'"),
        (lambda: HusimiFokkerPlanck(kerr(), U=1.0), "`U` must not be given"),
        (lambda: HusimiFokkerPlanck("ad*a", s=1.1), "must be None for form 'exact'"),
        (
            lambda: HusimiFokkerPlanck(
                "ad*a", form=Exact(Levels(8, terms=20)), bath=Bath(0.1)
            ),
            "`terms` must be None in a bath",
        ),
        (
            lambda: HusimiFokkerPlanck(
                "ad1*a1 + ad2*a2 + ad3*a3 + ad4*a4 + ad5*a5",
                form=Exact(start=PSamples(1000)),
            ).prepare(GaussianSum.coherent(np.zeros(5))),
            "`levels` must .* kets of 1073741824 numbers",
        ),
        (lambda: HusimiFokkerPlanck("ad*a", form="hef"), "must be one of"),
        (lambda: HusimiFokkerPlanck(kerr().to("wick")), "must be antiwick"),
        (lambda: HusimiFokkerPlanck(kerr() * 1j), "must be real"),
        (lambda: HusimiFokkerPlanck("ad*a", np.nan), "must be finite"),
        (lambda: HusimiFokkerPlanck("ad*a", hbar=-1.0), "must be positive"),
        (
            lambda: HusimiFokkerPlanck("ad*a", form=Exact(8)).prepare(
                coherent(0.5, 20)
            ),
            "raise `levels`",
        ),
        (lambda: HusimiFokkerPlanck("ad*a").density(None), "`points` must be given"),
        (lambda: HusimiFokkerPlanck("ad*a", s=-1.0, form="fock"), "positive"),
    ],
)
def test_bad_input(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_too_few_levels_are_a_status():
    law = HusimiFokkerPlanck("ad*a + 2*(a+ad)", points=[0.0], form=Exact(16))
    run = jqd.evolve(law, law.prepare(coherent(0.5, 14)), [0.0, 0.05, 3.0])
    assert jqd.Status(int(run.status)) == jqd.Status.CUTOFF
    assert "raise the levels" in run.describe()
    assert list(np.asarray(run.reached)) == [True, True, False]


def test_the_two_highest_levels_are_the_edge():
    """Quanta that move in pairs may leave the highest level empty."""
    below_the_top = np.sqrt([0.75, 0.0, 0.0, 0.0, 0.25, 0.0])
    # rounding of the roots
    share = float(edge_share(as_ensemble(below_the_top)))
    assert share == pytest.approx(0.25, abs=1e-15)
    further_below = np.sqrt([0.75, 0.0, 0.0, 0.25, 0.0, 0.0])
    assert float(edge_share(as_ensemble(further_below))) == 0


def test_time_counts_from_the_first_save_time():
    law = HusimiFokkerPlanck(kerr(), 0.8, form=Exact(24))
    start = law.prepare(coherent(0.5, 16))
    from_zero, _ = law.orbit(start, jnp.asarray([0.0, 0.4]))
    later, bound = law.orbit(start, jnp.asarray([3.0, 3.4]))
    np.testing.assert_array_equal(later.kets[0], start.kets)
    # 3.4 - 3.0 is rounded by 2e-16, times levels of energy 3e2
    np.testing.assert_allclose(later.kets, from_zero.kets, rtol=0, atol=1e-12)
    assert float(jnp.max(jnp.abs(later.kets[1] - start.kets))) > 0.1
    assert float(bound[1]) < 1e-10


def test_drift_and_diffusion_are_refused_where_they_cannot_be_told():
    law = HusimiFokkerPlanck("0.3*ad*a", points=[0.0])
    assert "no effect" in law.fits().why_not(("C",))
    assert "product" in law.fits().why_not(("C", "hbar"))
    squeezing = HusimiFokkerPlanck("0.5*p^2 + 0.4*q^2", s=1.0, form="fock")
    assert "C (s²" in squeezing.fits().why_not(("C", "s"))
    assert squeezing.fits().why_not(("C",)) is None
    tilted = HusimiFokkerPlanck("0.5*p^2 + 0.4*q^2 + 0.1*(q*p+p*q)", s=1.0, form="fock")
    assert tilted.fits().why_not(("C", "s")) is None

"""Priors: their densities, and what fits and evidence make of them."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from scipy import integrate, optimize, stats

import jqd
from jqd.inference import Study, evidence, hamiltonian_priors
from jqd.inference.active import sides
from jqd.inference.polish import Polish, polish_all, polish_one
from jqd.inference.priors import Entries, Prior, entries
from jqd.inference.solution import _inverse, solution
from jqd.instruments import Direct, Gaussian
from jqd.problems import golden
from jqd.report import recovery_summary

from .models import itself

NEAR = {"starts": 1, "search": None, "held_out": 0.0}
TS, SIGMA = np.linspace(0.2, 2, 8), 0.1
VALUES = 0.7 * TS + 0.25 * TS**2 + SIGMA * np.cos(12.9898 * np.arange(8))
DESIGN = np.stack([TS, TS**2], axis=1)


class Parabola(jqd.Motion):
    """x = a t + b t²: a record of it is linear in its constants."""

    a: Array = jqd.free(span=(-4.0, 6.0))
    b: Array = jqd.free(span=(-3.0, 3.0))

    def vector_field(self, t, state, args=None):
        return jnp.stack([self.a + 2 * self.b * t])


def study_of(prior, free=("a",)):
    law = Parabola(jnp.asarray(0.5), jnp.asarray(0.1))
    data = jqd.Record(TS, VALUES[:, None], Gaussian(SIGMA), t0=0.0)
    return Study(
        law, data, psi0=jnp.zeros(1), free=free,
        nuisances={} if prior is None else {"b": prior},
        instrument=Direct(itself),
        method=jqd.Fixed(jqd.steppers.rk4, estimate_error=False),
    )  # fmt: skip


def half_chi2(a, b):
    return np.sum((DESIGN @ [a, b] - VALUES) ** 2) / 2 / SIGMA**2


CASES = {
    "normal": (jqd.Normal(0.3, 0.04), stats.norm(0.3, 0.04)),
    "log": (jqd.LogNormal(0.3, 0.1), stats.lognorm(0.1, scale=0.3)),
    "half": (jqd.HalfNormal(0.2), stats.halfnorm(0, 0.2)),
    "uniform": (jqd.Uniform(0.1, 0.5), stats.uniform(0.1, 0.4)),
}


@pytest.mark.parametrize("name", CASES)
def test_shares_and_quantiles_are_those_of_scipy(name):
    prior, known = CASES[name]
    x = np.array([-np.inf, -0.1, 0.05, 0.2, 0.3, 0.45, np.inf])
    np.testing.assert_allclose(prior.below(jnp.asarray(x)), known.cdf(x), atol=1e-14)
    share = np.linspace(0.001, 0.999, 7)
    got = prior.quantile(jnp.asarray(share))
    np.testing.assert_allclose(got, known.ppf(share), rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_densities_are_those_of_scipy(name):
    prior, known = CASES[name]
    x = np.array([-0.1, 0.0, 0.05, 0.2, 0.3, 0.45, 0.9])
    # SciPy's, to rounding; 0 itself is the end of two of them
    inside = x != 0
    got = np.asarray(prior.log_density(jnp.asarray(x)))
    np.testing.assert_allclose(got[inside], known.logpdf(x)[inside], rtol=1e-12)
    # the residual is normal where there is one: its slope at the origin is 1/width
    slope = jax.grad(lambda x: jnp.sum(prior.residual(x)))(prior.origin)
    np.testing.assert_allclose(slope, 1 / prior.width, rtol=1e-12)
    assert prior.residual(prior.origin) == 0
    low, high = prior.span()
    assert prior.ends()[0] <= low < prior.centre < high <= prior.ends()[1]


class SinhNormal(Prior):
    """x = scale sinh z, whose tails are longer than those of a normal one."""

    scale: Entries = entries(positive=True)

    def score(self, x):
        return jnp.arcsinh(x / self.scale)

    def at(self, z):
        return self.scale * jnp.sinh(z)


def test_a_prior_is_its_numbers_and_its_map():
    """All else follows, as SciPy's distribution of Johnson has it, to rounding."""
    prior, known = SinhNormal(0.3), stats.johnsonsu(0, 1, scale=0.3)
    x = jnp.asarray([-jnp.inf, -0.4, 0.0, 0.05, 0.9])
    np.testing.assert_allclose(prior.below(x), known.cdf(x), atol=1e-14)
    np.testing.assert_allclose(
        prior.log_density(x[1:]), known.logpdf(x[1:]), rtol=1e-12
    )
    share = np.array([0.001, 0.3, 0.999])
    got = prior.quantile(jnp.asarray(share))
    np.testing.assert_allclose(got, known.ppf(share), rtol=1e-12)
    assert (prior.walled, prior.ends()) == (False, (-np.inf, np.inf))
    np.testing.assert_allclose(prior.width, 0.3, rtol=1e-15)
    with pytest.raises(ValueError, match="`scale` must be positive"):
        SinhNormal(0.0)
    with pytest.raises(ValueError, match="`scale` must have shape"):
        SinhNormal(np.ones((2, 2)))


@pytest.mark.parametrize("name", CASES)
def test_priors_with_ends_are_walled(name):
    prior, known = CASES[name]
    assert prior.walled == bool(np.isfinite(known.support()).any())
    np.testing.assert_array_equal(prior.ends(), known.support())


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "log",
        # each is compiled for itself
        pytest.param("normal", marks=pytest.mark.slow),
        pytest.param("half", marks=pytest.mark.slow),
        pytest.param("uniform", marks=pytest.mark.slow),
    ],
)
def test_a_fit_finds_the_maximum_of_the_posterior(name):
    """By SciPy, of the density of ln x where the prior is normal in it."""
    prior, known = CASES[name]
    study = study_of(prior)
    found = jqd.recover(study, **NEAR)
    jacobian = np.log if name == "log" else lambda b: 0.0
    low, high = known.support()

    def minus(b):
        # the best a is known for every b
        a = TS @ (VALUES - b * TS**2) / (TS @ TS)
        return half_chi2(a, b) - known.logpdf(b) - jacobian(b)

    ends = max(low, -1.0) + 1e-12, min(high, 1.0)
    settings = {"method": "bounded", "options": {"xatol": 1e-9}}
    best = optimize.minimize_scalar(minus, bounds=ends, **settings)
    # a minimum is known to the root of rounding
    assert found.constants["b"].value == pytest.approx(best.x, abs=1e-7)
    pull = float(prior.residual(jnp.asarray(found.constants["b"].value)))
    assert found.constants["b"].pull == pytest.approx(pull, abs=1e-12)
    told = 8 + (name != "uniform") - 2
    misses = 2 * half_chi2(*found.theta) + pull**2
    np.testing.assert_allclose(found.chi2_per_dof, misses / told, rtol=1e-9)


def test_a_uniform_prior_is_a_wall():
    """Least squares wants b = 0.14; the prior ends below."""
    to_rounding = {**NEAR, "polish": Polish()}
    inside, outside = (
        jqd.recover(study_of(jqd.Uniform(0, x)), **to_rounding) for x in (1, 0.1)
    )
    a, b = np.linalg.lstsq(DESIGN, VALUES, rcond=None)[0]
    np.testing.assert_allclose(inside.theta, [a, b], rtol=1e-9)
    assert inside.constants["b"].pull == 0
    assert [one.at_bound for one in inside.constants.values()] == [0, 0]
    # on the wall, and the rest by least squares there
    assert (outside.status, outside.theta[1]) == ("converged", 0.1)
    assert [one.at_bound for one in outside.constants.values()] == [0, 1]
    a, b = outside.constants.values()
    best = TS @ (VALUES - 0.1 * TS**2) / (TS @ TS)
    assert a.value == pytest.approx(best, rel=1e-9)
    # of b held there, not of both, which is four times as large
    assert a.stderr == pytest.approx(SIGMA / np.linalg.norm(TS), rel=1e-9)
    least = 2 * half_chi2(best, 0.1)
    assert outside.chi2_per_dof == pytest.approx(least / 7, rel=1e-9)
    off = 0.1 - b.stderr
    raised = 2 * half_chi2(TS @ (VALUES - off * TS**2) / (TS @ TS), off)
    # the root of a quadratic whose terms are 1 and more
    assert raised - least == pytest.approx(1, abs=1e-8)
    assert b.sigmas is None
    assert "b is at its bound: errors there are one-sided" in outside.message
    assert f"at its upper bound; chi-square is larger by 1 at -{b.stderr:.2g}" in str(
        outside
    )
    told = recovery_summary(outside, 1.0)["constants"]
    assert told["b"]["at_bound"] == "upper"
    assert "at_bound" not in told["a"]
    assert (told["b"]["known"], told["b"]["alone"]) == (None, None)
    study = study_of(jqd.Uniform(0, 0.1))
    assert study.log_likelihood(jnp.array([0.7, 0.11])) == -jnp.inf
    assert np.isfinite(study.log_likelihood(jnp.array([0.7, 0.09])))
    # on the wall to rounding, on either side
    on = study.log_likelihood(jnp.array([0.7, 0.1]))
    for b in (0.1 + 1e-14, 0.1 - 1e-14):
        assert float(study.log_likelihood(jnp.array([0.7, b]))) == pytest.approx(
            float(on), rel=1e-9
        )
    # on the other side of it
    assert np.isfinite(study.log_likelihood(jnp.array([0.7, -1e-23])))


class Rising(Parabola):
    """The same, where b is not negative."""

    b: Array = jqd.free(span=(0.0, 3.0), bounds=(0.0, math.inf))


def rising_study(values):
    data = jqd.Record(TS, values[:, None], Gaussian(SIGMA), t0=0.0)
    return Study(
        Rising(jnp.asarray(0.5), jnp.asarray(0.1)), data, psi0=jnp.zeros(1),
        free=("a", "b"), instrument=Direct(itself),
        method=jqd.Fixed(jqd.steppers.rk4, estimate_error=False),
    )  # fmt: skip


def rising(values):
    return jqd.fit(rising_study(values), **NEAR)


LOWER = VALUES - 0.3 * TS**2


@pytest.mark.slow
def test_a_constant_at_its_bound_spoils_no_fit_of_its_batch():
    """With 0.3 t² less, least squares wants b = -0.16."""
    found = jax.jit(jax.vmap(rising))(jnp.asarray([VALUES, LOWER]))
    np.testing.assert_array_equal(found.status, jqd.Status.OK)
    np.testing.assert_array_equal(found.constants["b"].at_bound, [0, -1])
    np.testing.assert_array_equal(found.constants["a"].at_bound, [0, 0])
    assert found.value["b"][1] == 0
    # its polish settles to 1e-7 of spans of the starts, which are below 10
    inside = np.linalg.lstsq(DESIGN, VALUES, rcond=None)[0]
    expected = [inside[0], TS @ LOWER / (TS @ TS)]
    np.testing.assert_allclose(found.value["a"], expected, atol=1e-6)
    both = np.sqrt(np.linalg.inv(DESIGN.T @ DESIGN)[0, 0])
    expected = SIGMA * np.array([both, 1 / np.linalg.norm(TS)])
    np.testing.assert_allclose(found.stderr["a"], expected, rtol=1e-6)
    assert np.all(found.covariance[1, 1] == 0)


def test_from_beyond_a_bound_a_fit_finds_what_lies_inside():
    """A search may end beyond one, where the law has no slope; it lay on the bound."""
    slopes, mask = jnp.array([0.1, 0.0, -1e-16, -1e-6, -0.06, -1.0]), jnp.ones(8)
    starts = jnp.stack([jnp.full(slopes.shape, 0.5), slopes], axis=1)
    study = rising_study(VALUES).with_substeps(1)
    ends, _, settled = polish_all(Polish(rtol=1e-7, atol=1e-7), study, starts, mask)
    assert np.all(settled)
    best = np.linalg.lstsq(DESIGN, VALUES, rcond=None)[0]
    # it settles to 1e-7 of spans of the starts, which are below 10
    np.testing.assert_allclose(ends, np.stack([best] * len(starts)), atol=1e-6)


def test_one_round_settles_nothing_that_belongs_on_a_bound():
    """b = 0.14 is inside; with 0.3 t² less least squares wants -0.16."""
    polish, mask = Polish(rtol=1e-7, atol=1e-7, rounds=1), jnp.ones(8)
    studies = [rising_study(values).with_substeps(1) for values in (VALUES, LOWER)]
    settled = [polish_one(polish, one, one.theta(), mask)[2] for one in studies]
    assert [bool(one) for one in settled] == [True, False]


def test_what_ends_beyond_a_bound_is_told_of_on_it():
    """As the law has it; a slope of 0 there would leave b open."""
    study = rising_study(LOWER).with_substeps(1)
    a = TS @ LOWER / (TS @ TS)
    found = solution(study, jnp.array([a, -0.06]), jnp.ones(8))
    assert found.theta[1] == 0
    assert found.analysis.null == 0
    np.testing.assert_array_equal(found.side, [0, -1])


@pytest.mark.slow
def test_bounds_that_hold_nothing_ask_for_no_second_round():
    """One more would come closer than tolerances of 0.01 do."""
    study, mask = rising_study(VALUES).with_substeps(1), jnp.ones(8)
    few, many = (
        polish_one(Polish(rtol=0.01, atol=0.01, rounds=n), study, study.theta(), mask)
        for n in (2, 6)
    )
    np.testing.assert_allclose(few[0], many[0], rtol=1e-12)  # rounding
    best = np.linalg.lstsq(DESIGN, VALUES, rcond=None)[0]
    # control: there is something left to gain, for a solve of its own at least
    again = polish_one(Polish(rtol=0.01, atol=0.01, rounds=2), study, few[0], mask)[0]
    assert np.max(np.abs(again - best)) < np.max(np.abs(few[0] - best))


@pytest.mark.slow
def test_beside_a_constant_at_its_bound_others_follow_the_data():
    """By the implicit function theorem, with b = 0: a = t·x/t·t."""
    of_a = jax.grad(lambda values: rising(values).value["a"])
    gradient = jax.jit(of_a)(jnp.asarray(LOWER))
    np.testing.assert_allclose(gradient, TS / (TS @ TS), atol=1e-6)


@pytest.mark.slow
def test_a_one_sided_error_stands_beside_no_plus_and_minus():
    law = Parabola(jnp.asarray(0.5), jnp.asarray(0.1))
    held = rising_study(LOWER)
    free = Study(
        law, held.data, psi0=jnp.zeros(1), free=("a", "b"),
        instrument=held.instrument, method=held.method,
    )  # fmt: skip
    found = jqd.compare({"held": held, "free": free}, folds=2, starts=1)
    assert [list(row.stderr) for row in found.rows] == [["a"], ["a", "b"]]
    assert [list(row.inwards) for row in found.rows] == [["b"], []]
    error = found.rows[0].inwards["b"]
    assert f"({error:.1e} inwards)" in str(found.rows[0])


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_inverses_beside_what_is_held_have_derivatives(order):
    """d(1/J²)/dJ of the one that is free, by its formula, wherever it stands."""
    one = order.index("a")
    slope = jnp.asarray(np.stack([[3.0, 4.0, 0.0], [1.0, -2.0, 2.0]][:: 1 - 2 * one]).T)
    held = jnp.asarray([name == "b" for name in order])

    def variance(slope):
        return _inverse(slope, jnp.ones(2), held)[one, one]

    got = jax.grad(variance)(slope)
    expected = np.zeros((3, 2))
    # 1/|J|²: -2 J/|J|⁴ with |J| = 5
    expected[:, one] = -2 * np.array([3.0, 4.0, 0.0]) / 625
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_sides_end_at_the_solution_within_the_bounds():
    """Least squares with x >= 0, by SciPy's active sets."""
    rng, hit = np.random.default_rng(0), 0
    for _ in range(12):
        J = rng.normal(size=(8, 3))
        J[:, 1] += 3 * J[:, 0]
        y = J @ rng.normal(size=3) + rng.normal(size=8)
        ends = jnp.zeros(3), jnp.full(3, jnp.inf)
        held, x = np.zeros(3, int), np.zeros(3)
        # as many sets as there are
        for _ in range(8):
            free = held == 0
            x[:] = 0
            x[free] = np.linalg.lstsq(J[:, free], y, rcond=None)[0]
            here = np.maximum(x, 0)
            before, held = held, np.asarray(sides(J, J @ here - y, here, ends, held))
            if np.array_equal(before, held):
                break
        assert np.array_equal(before, held)
        np.testing.assert_allclose(x, optimize.nnls(J, y)[0], atol=1e-12)
        hit += held.any()
    assert hit > 6


@pytest.mark.slow
def test_a_nuisance_far_from_its_prior_is_named():
    """Least squares wants b = 0.25; the prior says -0.35 ± 0.1; both give way."""
    near, far = (
        jqd.recover(study_of(jqd.Normal(mean, 0.1)), **NEAR) for mean in (0.22, -0.35)
    )
    assert (near.status, near.pulled) == ("converged", ())
    assert far.pulled == ("b",)
    assert far.constants["b"].pull > 3
    # chi-square, in which the prior is a value, lets it pass: a warning, not a verdict
    assert far.p_value > 1e-3
    assert far.status == "converged"
    assert far.errors_hold
    assert "pulls b by +" in far.message
    assert f"pull {far.constants['b'].pull:+.2g})" in str(far)
    assert "were the nuisances known" in str(far)
    code = jqd.Status(int(jqd.fit(study_of(jqd.Normal(-0.35, 0.1)), **NEAR).status))
    assert code is jqd.Status.OK


@pytest.mark.slow
def test_evidence_of_each_prior_is_that_of_quadrature():
    for name, (prior, known) in CASES.items():
        study = study_of(prior, free=())

        def weight(b, known=known):
            a = 0.5
            return np.exp(-half_chi2(a, b) + half_chi2(0.5, 0.33)) * known.pdf(b)

        Z = integrate.quad(weight, 0, 1, points=(0.1, 0.3, 0.5), epsabs=0)[0]
        exact = math.log(Z) - half_chi2(0.5, 0.33)
        F = np.sum(TS**4) / SIGMA**2
        best = np.sum(TS**2 * (VALUES - 0.5 * TS)) / np.sum(TS**4)
        if name in ("normal", "half"):
            mean, sd = (0.3, 0.04) if name == "normal" else (0.0, 0.2)
            best = (F * best + mean / sd**2) / (F + sd**-2)
        elif name == "log":
            u = optimize.minimize_scalar(
                lambda u: half_chi2(0.5, np.exp(u)) + (u - np.log(0.3)) ** 2 / 0.02,
                (-2.0, -0.5),
            ).x
            best = np.exp(u)
        found = evidence(study, jnp.asarray([best]))
        # exact for normal ones; a logarithm is curved over its width of 5 %
        tolerance = 1e-9 if name != "log" else 0.02
        assert float(found.log) == pytest.approx(exact, abs=tolerance), name


def test_ends_within_the_error_keep_evidence_below_the_likelihood():
    """From half a standard error below the maximum to one and a half above it."""
    error = SIGMA / np.sqrt(np.sum(TS**4))
    best = np.sum(TS**2 * (VALUES - 0.5 * TS)) / np.sum(TS**4)
    low, high = best - error / 2, best + 1.5 * error
    study = study_of(jqd.Uniform(low, high), free=())
    exact = -half_chi2(0.5, best) + math.log(
        math.sqrt(2 * math.pi) * (stats.norm.cdf(1.5) - stats.norm.cdf(-0.5)) / 2
    )
    found = evidence(study, jnp.asarray([best]))
    assert float(found.log) == pytest.approx(exact, abs=1e-9)
    assert float(found.log) < -half_chi2(0.5, best)


def test_what_is_uniform_costs_as_much_as_what_is_free():
    flat, free = study_of(jqd.Uniform(-3, 3)), study_of(None, ("a", "b"))
    theta = jnp.asarray(np.linalg.lstsq(DESIGN, VALUES, rcond=None)[0])
    np.testing.assert_allclose(
        evidence(flat, theta).log, evidence(free, theta).log, rtol=1e-12
    )


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: jqd.LogNormal(0.0, 0.1), "`median` must be positive"),
        (lambda: jqd.LogNormal(1.0, -0.1), "`sd` must be positive"),
        (lambda: jqd.HalfNormal(0.0), "`sd` must be positive"),
        (lambda: jqd.HalfNormal(np.nan), "`sd` must be finite"),
        (lambda: jqd.Uniform(0.5, 0.5), "`high` must be above `low`, 0.5, but is 0.5"),
        (lambda: jqd.Uniform([0, 1], [1, 0.5]), "`high` must be above `low`"),
        (lambda: study_of(jqd.Uniform([0, 1], [1, 2])), "one for each of its 1"),
        (lambda: study_of(3.0), "a prior or a pair"),
    ],
)
def test_priors_that_cannot_be(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_priors_of_a_hamiltonian_are_of_its_real_parameters():
    """One width on Re and Im of H_ab moves |H_ab| by it and its phase by s/|H_ab|."""
    law, _ = golden()
    found = hamiltonian_priors(law, 0.01)
    np.testing.assert_allclose(found["R"].origin, [0.7, 0.5, 0.6])
    np.testing.assert_allclose(found["R"].width, 0.01)
    np.testing.assert_allclose(found["delta"].width, 0.01 / np.array([0.7, 0.5, 0.6]))
    np.testing.assert_allclose(found["omega"].width[1:], 0.01)
    assert found["omega"].width[0] < 1e-6
    H = np.array([[0, 1.0, 0], [1.0, 0, 1.0], [0, 1.0, 0]])
    chain = jqd.CopyDynamics.from_hamiltonian(H)
    # a coupling that is 0 stays so
    assert hamiltonian_priors(chain, 0.01)["R"].width[1] < 1e-6
    # in any unit: what is known is known beside rates of 1e-34 as well
    for unit in (1e-34, 1e6):
        scaled = jqd.CopyDynamics.from_hamiltonian(unit * H)
        other = hamiltonian_priors(scaled, 0.01 * unit)
        for name in ("omega", "R"):
            own = hamiltonian_priors(chain, 0.01)[name].width
            np.testing.assert_allclose(other[name].width, unit * own, rtol=1e-12)

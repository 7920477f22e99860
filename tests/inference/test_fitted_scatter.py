"""Fits beside a fitted scatter of counts: the correlation of a Dirichlet-multinomial.

Two levels that are driven on resonance, with a readout that errs, at 200 times of 100
shots each, whose variance is 2.2 times that of independent shots.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jqd
from jqd.inference import Study
from jqd.inference.answer import hidden
from jqd.inference.design.settings import gather
from jqd.inference.pattern import Pattern
from jqd.instruments import Confusion, DirichletMultinomial, Multinomial
from jqd.problems import golden
from jqd.report.tables import answers

SHOTS, RHO, READOUT = 100, 1.2 / 99, 0.1
LAW = jqd.Schrodinger(np.array([[0, 0.5], [0.5, 0]]))
TS = np.linspace(0.1, 20, 200)
TURNED = np.sin(TS / 2) ** 2
NEAR: dict[str, Any] = {
    "psi0": np.array([1.0, 0.0]), "free": "readout", "starts": 1, "start": {},
    "search": None,
}  # fmt: skip
WIDE = {"rho": jqd.Uniform(0, 0.1)}


def exponents(p, rho):
    return p * (1 - rho) / rho, (1 - p) * (1 - rho) / rho


def counted():
    """Counts of the upper level, by NumPy alone."""
    rng = np.random.default_rng(4)
    p = (1 - READOUT) * TURNED + READOUT / 2
    return rng.binomial(SHOTS, rng.beta(*exponents(p, RHO)))


def record(noise):
    upper = counted()
    return jqd.Record(TS, np.stack([SHOTS - upper, upper], axis=1), noise, t0=0.0)


def by_numpy():
    """Readout and ρ, and their errors, by least squares and the sums of squares."""
    n, eps, rho, k = counted(), READOUT, RHO, np.arange(SHOTS + 1)[:, None]
    slope = 0.5 - TURNED
    for _ in range(20):
        p = (1 - eps) * TURNED + eps / 2
        weight = SHOTS / (p * (1 - p))
        info = np.sum(slope**2 * weight)
        eps += np.sum(slope * weight * (n / SHOTS - p)) / info
    square = (n - SHOTS * p) ** 2 / (SHOTS * p * (1 - p))
    for _ in range(20):
        factor = 1 + (SHOTS - 1) * rho
        chance = stats.betabinom.pmf(k, SHOTS, *exponents(p, rho))
        each = (k - SHOTS * p) ** 2 / (SHOTS * p * (1 - p) * factor)
        variance = np.sum(chance * each**2, axis=0) - 1
        # the readout takes one of 200 squares
        apart = square * 200 / 199 - 1
        rho = np.sum(apart / variance) / np.sum((SHOTS - 1) / variance)
    error = factor / (SHOTS - 1) / np.sqrt(np.sum(1 / variance))
    return eps, np.sqrt(factor / info), rho, error


@pytest.fixture(scope="module")
def fits():
    """With independent shots, and with a scatter that is fitted."""
    see = Confusion(readout=READOUT)
    plain = jqd.fit(LAW, record(Multinomial()), instrument=see, **NEAR)
    noise = DirichletMultinomial(0.01)
    wide = jqd.fit(LAW, record(noise), instrument=see, nuisances=WIDE, **NEAR)
    return plain, wide


def test_independent_shots_are_refused(fits):
    """χ²/dof is 2.2, where it is 1 to 10 % by chance."""
    plain, _ = fits
    assert jqd.Status(int(plain.status)) is jqd.Status.MISFIT
    assert float(plain.chi2_per_dof) == pytest.approx(2.21, abs=0.01)


def test_the_scatter_is_found_and_widens_the_errors(fits):
    plain, wide = (fit.constants for fit in fits)
    readout, stderr, rho, error = by_numpy()
    assert jqd.Status(int(fits[1].status)) is jqd.Status.OK
    assert float(wide["readout"].value) == pytest.approx(readout, abs=1e-3 * stderr)
    # five rounds, each of which leaves a hundredth of the change before
    assert float(wide["rho"].value) == pytest.approx(rho, rel=1e-4)
    assert float(wide["readout"].stderr) == pytest.approx(stderr, rel=1e-4)
    assert float(wide["rho"].stderr) == pytest.approx(error, rel=1e-4)
    # 2.2 is within its error, 99 of ρ, and the readout is as far off as it says
    assert abs(float(wide["rho"].value) - RHO) < 2 * error
    assert abs(float(wide["readout"].value) - READOUT) < 2 * stderr
    ratio = float(wide["readout"].stderr / plain["readout"].stderr)
    # √2.2 = 1.483; a tenth of 2.2, the error of the factor, is a twentieth of its root
    assert ratio == pytest.approx(np.sqrt(2.2), rel=0.05)
    assert ratio == pytest.approx(np.sqrt(1 + 99 * rho), rel=1e-4)
    # 199 squares for 198: what is fitted is not tested
    assert float(fits[1].chi2_per_dof) == pytest.approx(1, abs=0.05)
    assert float(fits[1].p_value) > 0.05


@pytest.fixture(scope="module")
def study():
    return Study(
        LAW, record(DirichletMultinomial(0.01)), psi0=NEAR["psi0"], free="readout",
        instrument=Confusion(readout=READOUT), nuisances=WIDE,
        method=jqd.Propagator(),  # to rounding
    )  # fmt: skip


def test_the_likelihood_is_that_of_the_constants(study):
    upper, found, expected = counted(), [], []
    for readout, rho in ((0.1, 0.01), (0.12, 0.02)):
        p = (1 - readout) * TURNED + readout / 2
        logs = stats.betabinom.logpmf(upper, SHOTS, *exponents(p, rho))
        expected.append(logs.sum())
        found.append(float(study.log_likelihood(jnp.array([readout, rho]))))
    # 200 differences of logarithms of some hundred, each to 1e-12
    assert np.diff(found)[0] == pytest.approx(np.diff(expected)[0], abs=1e-8)


def test_the_information_is_that_of_the_fit(study):
    theta = jnp.array([0.1, 0.0125])
    slope = np.asarray(study.slope(theta))
    # values, their scatter; the prior does not pull
    assert slope.shape == (400 + 200, 2)
    assert (study.seen, study.measured, study.told) == (400, 600, 600)
    # the readout takes a square; of one that a prior tells none is taken
    np.testing.assert_array_equal(study.unaided, [True, False])
    priors = {"readout": (READOUT, 0.01)} | WIDE
    aided = Study(
        LAW, record(DirichletMultinomial(0.01)), psi0=NEAR["psi0"], free=(),
        instrument=Confusion(readout=READOUT), nuisances=priors,
    )  # fmt: skip
    assert not aided.unaided.any()
    found = jqd.fisher(study, theta)
    np.testing.assert_allclose(found.matrix, slope.T @ slope, rtol=1e-9, atol=1e-6)
    p = (1 - 0.1) * TURNED + 0.1 / 2
    info = np.sum((0.5 - TURNED) ** 2 * SHOTS / (p * (1 - p))) / (1 + 99 * 0.0125)
    np.testing.assert_allclose(found.matrix[0, 0], info, rtol=1e-9)
    assert found.stderr("rho") < 0.01
    horizon = jqd.inference.horizon(study, theta)
    assert np.all(np.isfinite(np.asarray(horizon.stderr)[-1]))


def test_a_known_scatter_is_not_fitted():
    given = Study(
        LAW, record(DirichletMultinomial(RHO)), psi0=NEAR["psi0"], free="readout",
        instrument=Confusion(readout=READOUT),
    )  # fmt: skip
    assert given.scattered == 0
    assert given.slope(given.theta()).shape == (400, 1)


def test_shots_that_are_alike_are_no_shots_of_a_design(study):
    with pytest.raises(ValueError, match=r"`study` must have shots that scatter indep"):
        gather({"": study}, {})


def test_scatter_hides_no_pattern_but_that_of_a_row():
    for name, told in (("decay", True), ("first row", False), ("row", False)):
        assert hidden(Pattern(name, 0.5, 1e-9)) == told
    assert not hidden(Pattern("none", 0.0, 1.0))
    assert not hidden(None)


@pytest.mark.slow
def test_what_a_law_lacks_is_no_scatter():
    """Contrast that fades to 2/3: 1.7 times the variance leaves as large residuals."""
    rng = np.random.default_rng(6)
    p = (1 - READOUT) * np.exp(-0.02 * TS) * (TURNED - 0.5) + 0.5
    upper = rng.binomial(SHOTS, p)
    counts = np.stack([SHOTS - upper, upper], axis=1)
    options = NEAR | {"instrument": Confusion(readout=READOUT), "held_out": 0.0}
    wide = {"nuisances": {"rho": jqd.Uniform(0, 1)}} | options
    data = jqd.Record(TS, counts, DirichletMultinomial(0.01), t0=0.0)
    found = jqd.recover(LAW, data, **wide)
    # chi-square says nothing
    assert found.p_value > 1e-3
    assert found.status == "the law does not describe the record"
    assert found.pattern is not None
    assert found.pattern.name == "decay"
    assert "fades with time" in found.message
    assert not found.errors_hold
    # with the rate it is described
    wide["instrument"] = Confusion(readout=READOUT, fading=0.02)
    assert jqd.recover(LAW, data, **wide).status == "converged"


@pytest.mark.slow
def test_errors_hold_over_many_records():
    """A thousand records of 12 rows of 50 shots, with 5 times the variance.

    The fitted factor is 5 on average, since the readout takes its part of the squares,
    and 95 % of the readouts are within Student's 2.201 errors of 11 degrees of freedom.
    """
    ts, number = np.linspace(0.3, 12, 12), 1000
    p = 0.6 * np.sin(ts / 2) ** 2 + 0.2
    mean, true = jnp.stack([1 - p, p], axis=1), DirichletMultinomial(4 / 49)
    options = NEAR | {"instrument": Confusion(readout=0.4), "substeps": None}

    def one(key):
        values = true.sample(key, mean, 50)
        data = jqd.Record(ts, values, DirichletMultinomial(0.05), t0=0.0)
        fit = jqd.fit(LAW, data, nuisances={"rho": jqd.Uniform(0, 1)}, **options)
        found = fit.constants
        return found["readout"].value, found["readout"].stderr, found["rho"].value

    keys = jax.random.split(jax.random.key(2), number)
    value, stderr, rho = map(np.asarray, jax.jit(jax.vmap(one))(keys))
    sound = np.isfinite(value)
    assert sound.mean() > 0.99
    factor = 1 + 49 * rho[sound]
    assert abs(factor.mean() - 5) < 4 * factor.std() / np.sqrt(number)
    inside = np.abs(value - 0.4)[sound] < 2.201 * stderr[sound]
    assert abs(inside.mean() - 0.95) < 4 * np.sqrt(0.05 * 0.95 / number)


@pytest.mark.slow
def test_exponents_beside_a_fitted_scatter():
    """q and r of copies: their errors are √φ as wide, and the sentences say why."""
    law, psi = golden()
    ts, rho = np.linspace(0.25, 5, 80), 1.2 / 999
    data = jqd.simulate(
        law, psi, ts, Confusion(noise=DirichletMultinomial(rho)), 1000,
        jax.random.key(3), t0=0.0, method=jqd.Fixed(jqd.rk4, 40, estimate_error=False),
    )  # fmt: skip
    plain = jqd.Record(ts, data.values, Multinomial(), t0=0.0)
    options: dict[str, Any] = {
        "psi0": psi, "free": ("q", "r"), "starts": 1, "start": {}, "search": None,
        "held_out": 0.0, "instrument": Confusion(),
    }  # fmt: skip
    narrow = jqd.recover(law, plain, **options)
    wide = jqd.recover(law, data, nuisances={"rho": jqd.Uniform(0, 0.05)}, **options)
    assert narrow.status == "the law does not describe the record"
    assert wide.status == "converged"
    factor = 1 + 999 * wide.constants["rho"].value
    # 160 squares: an error of √(2/160) = .11 of 2.2
    assert factor == pytest.approx(2.2, rel=4 * 0.11)
    for name in ("q", "r"):
        one = wide.constants[name]
        assert abs(one.deviation) < 4 * one.stderr
        ratio = one.scatter / narrow.constants[name].scatter
        # the weights are those of two fits, a tenth of an error apart
        assert ratio == pytest.approx(np.sqrt(factor), rel=0.02)
    told = f"their variance is {factor:.3g} times that of independent shots"
    assert told in wide.message
    assert all("errors include a fitted variance" in said for said in answers(wide))
    assert len(answers(wide)) == 2
    # data are drawn with the scatter of each draw
    drawn = jqd.posterior(wide, "laplace", draws=200, chains=1)
    assert drawn.predicted.p_value > 0.01

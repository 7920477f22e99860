"""Fits beside a fitted scatter of counts: the correlation of a Dirichlet-multinomial.

Two levels that are driven on resonance, with a readout that errs, at 200 times of 100
shots each, whose variance is 2.2 times that of independent shots.
"""

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jqd
from jqd.inference import Study
from jqd.inference.constant import Constant
from jqd.inference.design.settings import gather
from jqd.inference.hidden import hidden
from jqd.inference.joint import joined
from jqd.inference.limits import _freedom, _scatter, limits_of
from jqd.inference.pattern import Pattern
from jqd.inference.words import _fitted_scatter
from jqd.instruments import Confusion, DirichletMultinomial, Multinomial
from jqd.problems import golden

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
    np.testing.assert_array_equal(study.absorbing, [True, False])
    priors = {"readout": (READOUT, 0.01)} | WIDE
    aided = Study(
        LAW, record(DirichletMultinomial(0.01)), psi0=NEAR["psi0"], free=(),
        instrument=Confusion(readout=READOUT), nuisances=priors,
    )  # fmt: skip
    assert not aided.absorbing.any()
    found = jqd.fisher(study, theta)
    np.testing.assert_allclose(found.matrix, slope.T @ slope, rtol=1e-9, atol=1e-6)
    p = (1 - 0.1) * TURNED + 0.1 / 2
    info = np.sum((0.5 - TURNED) ** 2 * SHOTS / (p * (1 - p))) / (1 + 99 * 0.0125)
    np.testing.assert_allclose(found.matrix[0, 0], info, rtol=1e-9)
    assert found.stderr("rho") < 0.01
    horizon = jqd.inference.horizon(study, theta)
    assert np.all(np.isfinite(np.asarray(horizon.stderr)[-1]))


def part(rows, free=("readout", "rho"), more=None):
    """A study of some rows of the record."""
    whole = record(DirichletMultinomial(0.01))
    data = jqd.Record(TS[rows], whole.values[rows], whole.noise, t0=0.0)
    return Study(
        LAW, data, psi0=NEAR["psi0"], free=free, instrument=Confusion(readout=READOUT),
        nuisances=more, method=jqd.Propagator(),
    )  # fmt: skip


@pytest.mark.slow
def test_halves_of_a_record_that_share_the_scatter_say_what_all_of_it_does():
    """A row's mean of squares is 1, of two classes: each half has half of the square
    that the shared readout takes, 100/(100 - 1/2) = 200/(200 - 1)."""
    joint, whole = joined([part(np.s_[::2]), part(np.s_[1::2])]), part(np.s_[:])
    theta = jnp.array([0.11, 0.02])
    assert (joint.scattered, joint.measured, joint.told) == (200, 600, 600)
    both = [np.asarray(one.slope(theta)) for one in (joint, whole)]
    # of all values, then of all rows
    assert both[0].shape == both[1].shape == (600, 2)
    order = np.r_[0:200:2, 1:200:2]
    np.testing.assert_allclose(both[0][400:], both[1][400:][order], rtol=1e-9)
    missed = [
        np.asarray(
            one.residuals(theta, one.weights(theta, one.predict(theta)), jnp.ones(200))
        )
        for one in (joint, whole)
    ]
    apart = missed[0][400:600] - missed[1][400:600][order]
    np.testing.assert_allclose(apart, 0, atol=1e-9)
    found, exact = (jqd.fisher(one, theta).matrix for one in (joint, whole))
    np.testing.assert_allclose(found, exact, rtol=1e-7, atol=1e-6)
    # chi-square is that of values alone
    residuals = jnp.arange(600.0)
    assert float(joint.chi2(residuals)) == float(np.sum(np.arange(400.0) ** 2))


def test_scatters_of_several_studies_are_named_together():
    """1 + 99 x .01 = 1.99 and 1 + 99 x .02 = 2.98; the record without has none."""
    known = part(np.s_[2::3], "readout")
    studies = [part(np.s_[k::3], "readout", WIDE) for k in (0, 1)]
    joint, theta = joined([*studies, known]), np.array([0.1, 0.01, 0.02])
    assert joint.labels() == ["readout", "rho (0)", "rho (1)"]
    assert joint.scattered == 67 + 67
    (said,) = _fitted_scatter(joint, theta)
    assert "their variance is 1.99 to 2.98 times that of independent shots" in said
    apart = Constant("readout", 0.1, 0.01, 0.0, 0.1)
    rest = [Constant(f"rho ({k})", 0.01, 0.01, 0.0, None, pull=0.0) for k in (0, 1)]
    found = SimpleNamespace(
        study=joint, theta=theta, law_name="Schrodinger",
        constants={one.name: one for one in (apart, *rest)},
    )  # fmt: skip
    (told,) = _scatter(found)
    assert told.endswith("1.99 to 2.98 times that of independent shots")
    # one of the 67 rows of the first shows one class alone, where the law expects 5 of
    # the other; the readout takes a square, and ρ is the mean of those that are left
    assert _freedom(found) == pytest.approx(67 - 1, abs=1e-6)


def test_a_scan_scatters_as_its_record(study):
    """Rows with a flip of 0 are those of the record; ρ is that of all rows."""
    given = record(DirichletMultinomial(0.01))
    scan = jqd.Scan({"flip": np.zeros(200)}, given.values, given.noise, ts=TS)
    rows = Study(
        LAW, scan, psi0=NEAR["psi0"], free="readout", nuisances=WIDE,
        instrument=Confusion(readout=READOUT), method=jqd.Propagator(),
    )  # fmt: skip
    theta = jnp.array([0.12, 0.02])
    assert rows.scattered == 200
    for name in ("log_likelihood", "information"):
        found, exact = (getattr(one, name)(theta) for one in (rows, study))
        np.testing.assert_allclose(found, exact, rtol=1e-9, atol=1e-6)
    with pytest.raises(ValueError, match=r"'noise\.rho' is one of the noise"):
        Study(
            LAW, jqd.Scan({"noise.rho": TS}, given.values, given.noise, ts=TS),
            psi0=NEAR["psi0"], free="readout", instrument=Confusion(),
        )  # fmt: skip


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


def fit_of(values, options):
    data = jqd.Record(TS, values, DirichletMultinomial(0.01), t0=0.0)
    return jqd.fit(LAW, data, **options)


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
    # nor do the others take it for scatter
    near = wide | {"start": {"rho": 0.01}}
    fitted, drawn = fit_of(counts, near), jqd.posterior(found, "laplace", draws=9)
    assert jqd.Status(int(fitted.status)) is jqd.Status.MISFIT
    assert float(fitted.p_value) > 1e-3
    assert drawn.p_value > 1e-3
    assert drawn.misfits
    assert "fades with time" in str(drawn)
    # but where nothing can be looked for
    traced = jax.jit(lambda values: fit_of(values, near).status)(data.values)
    assert jqd.Status(int(traced)) is jqd.Status.OK
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
        jax.random.key(3), t0=0.0,
        method=jqd.Fixed(jqd.steppers.rk4, 40, estimate_error=False),
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
    said, without = limits_of(wide)
    assert all("errors include a fitted variance" in one.more for one in said)
    # its equations are no likelihood: errors as normal
    assert {one.level for one in said} == {"95 %, statistical"}
    assert (len(said), without) == (2, [])
    # data are drawn with the scatter of each draw
    drawn = jqd.posterior(wide, "laplace", draws=200, chains=1)
    assert drawn.predicted.p_value > 0.01

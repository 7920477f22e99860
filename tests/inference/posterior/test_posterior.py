"""Posteriors beside those that NumPy and SciPy know."""

import math
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from scipy import stats

import jqd
from jqd.inference import Study
from jqd.inference.posterior.box import box_of
from jqd.inference.posterior.coordinates import whitened
from jqd.instruments import Binomial, Gaussian, Multinomial, Noise
from jqd.problems import four_level, golden

# four standard errors of a mean or an sd: beyond them once in 1e4 times
FOUR = 4.0


def check_moments(found, mean, covariance):
    for i, (label, x) in enumerate(found.draws.items()):
        sd, worth = math.sqrt(covariance[i, i]), found.ess[label]
        assert abs(x.mean() - mean[i]) < FOUR * sd / math.sqrt(worth), label
        assert abs(x.std() / sd - 1) < FOUR / math.sqrt(2 * worth), label


# -- coordinates ---------------------------------------------------------------------


def test_a_posterior_without_ends_is_standard_normal_in_its_coordinates(line, exact):
    study = line()
    mean, _ = exact()
    target = whitened(study, box_of(study, None), jnp.asarray(mean))
    z = jnp.array([0.3, -1.1])
    drop = target.log_density(jnp.zeros(2)) - target.log_density(z)
    # rounding of residuals, of which there are some thousand
    assert float(drop) == pytest.approx(float(z @ z) / 2, abs=1e-9)
    slope = jax.grad(target.log_density)(z)
    np.testing.assert_allclose(slope, -z, atol=1e-9)


@pytest.mark.parametrize(
    "box",
    [{"a": (0.6, 0.9)}, {"a": (0.6, np.inf)}, {"a": (-np.inf, 0.9)}, {}],
)
def test_ends_go_to_infinity_with_their_jacobian(line, box):
    study = line()
    target = whitened(study, box_of(study, box), jnp.array([0.7, -0.4]))
    np.testing.assert_allclose(target.theta(jnp.zeros(2)), [0.7, -0.4], rtol=1e-12)
    z = jnp.array([0.4, 0.9])
    theta = target.theta(z)
    low, high = box.get("a", (-np.inf, np.inf))
    assert low < theta[0] < high
    _, logdet = jnp.linalg.slogdet(jax.jacfwd(target.theta)(z))
    _, constant = jnp.linalg.slogdet(target.root)
    assert float(target.log_slope(z)) == pytest.approx(float(logdet - constant))
    # ... of which the density takes account
    rest = study.log_likelihood(theta) - study.log_likelihood(jnp.array([0.7, -0.4]))
    rest = rest + target.log_slope(z) - target.log_slope(jnp.zeros(2))
    drop = target.log_density(z) - target.log_density(jnp.zeros(2))
    assert float(drop) == pytest.approx(float(rest), abs=1e-9)  # rounding
    # a fit at an end is moved inside
    at_end = whitened(study, box_of(study, box), jnp.array([high, -0.4]).clip(-9, 9))
    assert np.isfinite(at_end.log_density(jnp.zeros(2)))


def test_a_run_that_fails_has_no_density_and_no_slope(line):
    study = line(end=0.75)
    target = whitened(study, box_of(study, None), jnp.array([0.7, -0.4]))
    z = jnp.linalg.solve(target.root, jnp.array([0.8, -0.4]) - target.centre)
    value, slope = jax.value_and_grad(target.log_density)(z)
    assert value == -jnp.inf
    np.testing.assert_array_equal(slope, 0)


# -- samplers ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def aided(line, exact):
    """b has a prior; by NUTS."""
    study = line("a", {"b": (-0.3, 0.05)})
    mean, _ = exact((0.0, -0.3), (np.inf, 0.05))
    return jqd.posterior(study, theta=mean, draws=600, key=jax.random.key(1))


def test_nuts_samples_a_normal_posterior(aided, exact):
    mean, covariance = exact((0.0, -0.3), (np.inf, 0.05))
    check_moments(aided, mean, covariance)
    assert aided.labels == ["a", "b"]
    np.testing.assert_allclose(aided.stderr, np.sqrt(np.diag(covariance)), rtol=1e-6)
    assert max(aided.rhat.values()) < 1.01
    assert min(aided.ess.values()) > 0.5 * 2400
    assert aided.divergences == aided.share_failed == 0
    # another p than by chance once in a hundred times
    assert 0.005 < aided.p_value < 0.995
    assert aided.status == "converged"
    assert aided.log_evidence is None
    z = stats.norm.ppf([0.025, 0.5, 0.975])
    ends = mean[0] + z * math.sqrt(covariance[0, 0])
    # tails are known to some more errors than means
    room = 3 * FOUR * math.sqrt(covariance[0, 0] / aided.ess["a"])
    np.testing.assert_allclose(aided.quantiles()["a"], ends, atol=room)


def test_predictions_are_those_of_the_draws(aided, exact):
    """Mean and scatter of x(t) and of other records, of a linear law by NumPy."""
    mean, covariance = exact((0.0, -0.3), (np.inf, 0.05))
    ts = np.asarray(aided.study.data.ts)
    A = np.stack([ts, ts**2], axis=1)
    scatter = np.einsum("ti,ij,tj->t", A, covariance, A)
    n = len(aided.predicted.mean)
    shown = aided.predicted.mean[..., 0]
    error = FOUR * np.sqrt(scatter / (0.5 * n))
    np.testing.assert_array_less(np.abs(shown.mean(axis=0) - A @ mean), error)
    drawn = aided.predicted.values[..., 0].var(axis=0)
    # twelve rows, each within five errors of a variance
    np.testing.assert_allclose(drawn, scatter + 0.01, rtol=5 * math.sqrt(2 / n) * 1.5)
    low, high = aided.predicted.band(0.5)
    inside = (shown > low[:, 0]) & (shown < high[:, 0])
    np.testing.assert_allclose(inside.mean(), 0.5, atol=0.01)


def test_tables_and_groups(aided, tmp_path):
    text = str(aided)
    assert "R-hat" in text
    assert "nuts: converged." in text
    assert "nan" not in text
    assert "counts for M - 1" not in text
    # of rows that sum to 1 it says what it assumes
    noise = Gaussian(0.1).of(np.array([[0.2, 0.8], [0.3, 0.7]]))
    study = eqx.tree_at(lambda study: study.data.noise, aided.study, noise)
    assert "counts for M - 1" in str(aided._replace(study=study))
    path = aided.save(tmp_path / "posterior.zarr")
    with pytest.raises(ValueError, match="`path` must be a folder that does not exist"):
        aided.save(path)
    with xr.open_datatree(path, engine="zarr") as tree:
        np.testing.assert_array_equal(tree["posterior"]["a"], aided.draws["a"])
        assert tree["posterior"]["a"].dims == ("chain", "draw")
        assert set(tree.children) == {
            "posterior", "sample_stats", "posterior_predictive", "log_likelihood",
            "observed_data", "constant_data",
        }  # fmt: skip
        assert not tree["sample_stats"]["diverging"].any()
        assert tree["log_likelihood"]["values"].dims == ("sample", "t")
        assert list(tree["constant_data"]["constant"].values) == ["a", "b"]
        assert tree.attrs["status"] == "converged"
        assert tree.attrs["sampler"] == "nuts"


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["laplace", "nuts"])
def test_a_posterior_cut_off(line, exact, sampler):
    """Normal but for an end, half an sd above the mean."""
    mean, covariance = exact((0.0,), (np.inf,))
    sd = math.sqrt(covariance[0, 0])
    top = mean[0] + 0.5 * sd
    cut = stats.truncnorm(-np.inf, 0.5, mean[0], sd)
    found = jqd.posterior(
        line("a"), sampler, box={"a": (-np.inf, top)}, draws=600, theta=[mean[0]]
    )
    x = found.draws["a"]
    assert x.max() < top
    worth = found.ess["a"]
    assert abs(x.mean() - cut.mean()) < FOUR * cut.std() / math.sqrt(worth)
    np.testing.assert_allclose(
        np.quantile(x, [0.1, 0.9]), cut.ppf([0.1, 0.9]),
        atol=2 * FOUR * sd / math.sqrt(worth),
    )  # fmt: skip
    assert found.divergences == 0
    assert sampler == "laplace" or found.rhat["a"] < 1.03


@pytest.mark.parametrize(
    "sampler", ["laplace", pytest.param("nuts", marks=pytest.mark.slow)]
)
def test_runs_that_fail_are_counted_and_take_no_part(line, exact, sampler):
    mean, covariance = exact((0.0,), (np.inf,))
    sd = math.sqrt(covariance[0, 0])
    study = line("a", end=mean[0] + sd)
    found = jqd.posterior(study, sampler, draws=600, theta=[mean[0]])
    cut = stats.truncnorm(-np.inf, 1.0, mean[0], sd)
    x = found.draws["a"]
    assert np.isfinite(x).all()
    assert x.max() < mean[0] + sd
    assert np.isfinite(found.chains.log_posterior).all()
    worth = found.ess["a"]
    assert abs(x.mean() - cut.mean()) < FOUR * cut.std() / math.sqrt(worth)
    if sampler == "laplace":
        # above one sd lies .159
        share = stats.norm.sf(1)
        error = math.sqrt(share * (1 - share) / 2400)
        assert abs(found.share_failed - share) < FOUR * error
    else:
        assert (
            found.share_failed == found.chains.failed.sum() / found.chains.steps.sum()
        )
        assert found.share_failed > 0.01
        assert found.divergences == 0
    assert "% of the runs failed" in found.message


def test_draws_that_come_again_are_worth_no_more(line, exact):
    """Of 1600 draws a 112th is between 2 and 2.2 sd: 14 for the 100 asked for."""
    mean, covariance = exact((0.0,), (np.inf,))
    sd, options = math.sqrt(covariance[0, 0]), {"draws": 100, "chains": 1}
    box = {"a": (mean[0] + 2 * sd, mean[0] + 2.2 * sd)}
    found = jqd.posterior(line("a"), "laplace", box=box, theta=[mean[0]], **options)
    different = len(np.unique(found.draws["a"]))
    assert different < 40
    # of a normal posterior all weigh the same
    assert found.ess["a"] == pytest.approx(different, rel=1e-6)
    assert found.status == "not normal"
    box = {"a": (mean[0] + 8 * sd, mean[0] + 9 * sd)}
    with pytest.raises(ValueError, match="`box` must leave some"):
        jqd.posterior(line("a"), "laplace", box=box, theta=[mean[0]], **options)


@pytest.mark.slow
def test_populations_find_the_evidence(line, exact):
    """A uniform prior and a normal one: ln Z in closed form."""
    study = line("a", {"b": (-0.3, 0.05)})
    mean, covariance = exact((0.0, -0.3), (np.inf, 0.05))
    found = jqd.posterior(
        study, "smc", box={"a": (-1.0, 2.0)}, draws=500, chains=3, theta=mean,
        key=jax.random.key(3),
    )  # fmt: skip
    best = float(study.log_likelihood(jnp.asarray(mean)))
    exact_log = (
        best - math.log(3) - math.log(0.05) + np.linalg.slogdet(covariance)[1] / 2
    )
    exact_log += math.log(2 * math.pi) / 2
    log, error = found.log_evidence
    assert error < 0.2
    # the error of three populations is itself uncertain
    assert abs(log - exact_log) < 0.3
    for i, x in enumerate(found.draws.values()):
        sd = math.sqrt(covariance[i, i])
        # five moves leave some of what populations share
        assert abs(x.mean() - mean[i]) < 0.15 * sd
        assert abs(x.std() / sd - 1) < 0.15
    assert found.divergences == 0
    assert "ln Z" in str(found)


def test_what_is_refused(line):
    study = line()
    for words, said in (
        ({"sampler": "gibbs"}, "`sampler` must be one of 'nuts', 'smc', 'laplace'"),
        ({"draws": 0}, "`draws` must be at least 4"),
        ({"draws": 1.5}, "`draws` must be a whole number"),
        ({"chains": 0}, "`chains` must be at least 1"),
        ({"sampler": "smc"}, "improper prior has no populations"),
        ({"box": {"q": (0, 1)}}, "`box` must be one of 'a', 'b'"),
        ({"box": {"a": (1, 0)}}, "a lower and then an upper end"),
        ({"box": {"a": 3}}, r"`box\['a'\]` must have shape \(2,\)"),
        ({"theta": [0.7]}, r"`theta` must have shape \(2,\)"),
        ({"key": 3}, "`key` must be one key"),
    ):
        with pytest.raises(ValueError, match=said):
            jqd.posterior(study, **words)
    with pytest.raises(
        ValueError, match="must be a Study or a Recovery, but is a dict"
    ):
        jqd.posterior({})
    with pytest.raises(ValueError, match="must have a free constant or a nuisance"):
        jqd.posterior(line(()))
    bare = jqd.Record(study.data.ts, study.data.values, t0=0.0)
    bare = Study(
        study.law, bare, psi0=jnp.zeros(1), free="a", instrument=study.instrument
    )
    with pytest.raises(ValueError, match="`study` must say how the values"):
        jqd.posterior(bare)


def test_without_blackjax(line, monkeypatch):
    for name in ("blackjax", "blackjax.mcmc.nuts", "blackjax.diagnostics"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'pip install "jqd\[bayes\]"'):
        jqd.posterior(line())
    found = jqd.posterior(line(), "laplace", theta=[0.7, -0.4], draws=10)
    assert found.rhat is None
    assert "Independent draws" in str(found)


@pytest.mark.parametrize(
    ("noise", "values", "scatter"),
    [
        (Multinomial(), [[20.0, 80.0]] * 400, math.sqrt(100 * 0.3 * 0.7)),
        pytest.param(
            Binomial(50),
            [[20.0, 8.0]] * 400,
            math.sqrt(50 * 0.3 * 0.7),
            marks=pytest.mark.slow,
        ),
        (Gaussian(0.2), [[0.1, 0.7]] * 400, 0.2),
    ],
)
def test_records_are_drawn_again_with_their_own_scatter(noise, values, scatter):
    mean = jnp.tile(jnp.array([[0.3, 0.7]]), (400, 1))
    drawn = np.asarray(noise.redraw(jax.random.key(0), mean, jnp.asarray(values)))
    assert drawn.shape == (400, 2)
    # five standard errors of an sd
    assert drawn[:, 0].std() == pytest.approx(scatter, rel=5 / math.sqrt(800))
    if isinstance(noise, Multinomial):
        np.testing.assert_array_equal(drawn.sum(axis=1), 100)


class Dependent(Noise):
    """Normal errors of rows that are not said to be independent."""

    def residuals(self, prediction, values, at):
        return (prediction - values) / 0.03

    def errors(self, values, expected):
        return np.full(expected.shape, 0.03)


def test_a_misfit_needs_no_thousand_draws(line, exact):
    """Errors ten times too small: no set of data drawn is as far off."""
    mean, _ = exact()
    found = jqd.posterior(
        line(noise=Gaussian(0.01)), "laplace", theta=mean, chains=1, draws=30
    )
    # 34 sets of data from each draw
    assert found.predicted.chi2_drawn.shape == (30, 34)
    assert found.p_value == 1 / (30 * 34 + 1)
    assert found.misfits
    assert "at most 0.000979" in str(found)


def test_a_misfit_needs_no_independent_rows(line, exact):
    """The sum of squares of twelve numbers of unit variance."""
    mean, _ = exact()
    found = jqd.posterior(
        line(noise=Dependent()), "laplace", theta=mean, chains=1, draws=30
    )
    known = stats.chi2.sf(found.predicted.chi2, 12)
    assert found.p_value == pytest.approx(known.mean(), rel=1e-6)
    assert found.misfits


# -- four levels ---------------------------------------------------------------------


@pytest.mark.slow
def test_q_and_r_from_counts_of_four_levels():
    """As good as the Fisher information says; QuTiP's record of quantum mechanics."""
    problem = four_level()
    law = jqd.CopyDynamics.from_hamiltonian(problem.hamiltonian)
    study = Study(law, problem.counts, psi0=problem.psi0, free=("q", "r"))
    fit = jqd.recover(study, start={}, starts=1, search=None)
    found = jqd.posterior(fit.study, theta=fit.theta, draws=300)
    assert found.status == "converged"
    assert max(found.rhat.values()) < 1.01
    assert found.divergences == 0
    assert found.share_failed == 0
    for i, (label, truth) in enumerate((("q", 0.5), ("r", -0.5))):
        assert found.ess[label] > 0.5 * 1200
        error = found.sd[label] / math.sqrt(2 * found.ess[label])
        assert abs(found.sd[label] - found.stderr[i]) < (
            0.03 * found.stderr[i] + 3 * error
        )
        assert abs(found.mean[label] - truth) < FOUR * found.sd[label]
    assert 1e-3 < found.p_value < 0.999


@pytest.mark.slow
def test_bayes_factor_of_twenty_systems_a_time():
    """ln B of quantum mechanics against q, r by quadrature, failed runs included."""
    law, psi = golden()
    ts = 0.1 * np.arange(1, 51)
    method = jqd.Fixed(jqd.steppers.rk4, 8, estimate_error=False)
    run = jqd.evolve(
        law, law.prepare(psi), np.r_[0, ts], method=method, observe="density"
    )

    class Shares(Multinomial):
        """Counts that need not be whole."""

        def check(self, values):
            del values

    data = jqd.Record(ts, 20 * run.values[1:], Shares(), t0=0.0)
    free = Study(law, data, psi0=psi, free=("q", "r"), method=method)
    still = Study(law, data, psi0=psi, free=(), method=method)
    found = jqd.posterior(
        free, "smc", box={"q": (0.0, 1.0), "r": (-1.5, 0.0)}, chains=3, draws=400,
        theta=[0.5, -0.5],
    )  # fmt: skip
    log, _ = found.log_evidence
    log0 = float(still.log_likelihood(still.theta()))
    # three populations of 400: 0.3 of a thousand each, times √2.5
    assert log0 - log == pytest.approx(5.960, abs=0.47)
    assert 0.05 < found.share_failed < 0.3

"""What a fit says of itself: misfits, what cannot be told, what each figure is."""

import io
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from rich.console import Console
from scipy import stats

import jqd
from jqd import problems
from jqd.cli.session import conclude
from jqd.inference import Constant, Study, identifiability
from jqd.inference.estimators import fit_curve
from jqd.inference.goodness import (
    MISFIT,
    factor_words,
    p_value,
    runs_of,
    scatter_message,
)
from jqd.instruments import Binomial, Direct, Gaussian, Multinomial
from jqd.report import recovery_summary
from jqd.report.tables import recovery_tables

from .models import itself

TS = np.linspace(0, 3, 25)[1:]
SIGMA = 1e-3


@pytest.fixture(scope="module")
def golden():
    return problems.golden()


@pytest.fixture(scope="module")
def populations(golden):
    law, psi0 = golden
    quantum = jqd.Schrodinger(law.hamiltonian())
    exact = jqd.evolve(quantum, psi0, np.append(0.0, TS), observe="density")
    return np.asarray(exact.values)[1:]


def fitted(golden, values, noise):
    law, psi0 = golden
    return jqd.recover(
        law, jqd.Record(TS, values, noise, t0=0.0), psi0=psi0, free=("q", "r"),
        starts=[[0.45, -0.55]], search=None, substeps=8,
    )  # fmt: skip


# -- misfits ---------------------------------------------------------------------------


def test_p_value_is_that_of_chi_square():
    for chi2, dof in [(3.0, 5), (40.0, 20), (374.0 * 48, 48), (0.0, 7)]:
        np.testing.assert_allclose(p_value(chi2, dof), stats.chi2.sf(chi2, dof))
    assert p_value(np.inf, 4) == p_value(np.nan, 4) == 0
    assert p_value(5.0, 0) == 1


def test_runs_of_one_column_are_those_of_wald_and_wolfowitz():
    """2 n₊ n₋/n + 1, and its variance, from the paper."""
    signs = np.array([1, 1, 1, -1, -1, 1, -1, -1, -1, -1, 1, 1.0])
    plus, minus, n = 6, 6, 12
    found = runs_of(signs[:, None])
    both = 2 * plus * minus
    assert found.number == 5
    assert found.expected == pytest.approx(both / n + 1, abs=1e-12)
    variance = both * (both - n) / (n**2 * (n - 1))
    assert found.sd == pytest.approx(np.sqrt(variance), abs=1e-12)
    p = stats.norm.cdf((5 - both / n - 1) / np.sqrt(variance))
    assert found.p_value == pytest.approx(p, rel=1e-12)


def test_runs_of_columns_that_go_together_are_those_of_all_orders():
    """Mean and scatter over orders of the rows, drawn; columns that are copies."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(14, 2))
    x = np.column_stack([x, x[:, 0], -x[:, 1], x[:, 0] + 0.5 * x[:, 1]])
    found, drawn = runs_of(x), []
    for _ in range(20000):
        signs = x[rng.permutation(14)] < 0
        drawn.append(5 + np.sum(signs[1:] != signs[:-1]))
    # four errors of a mean and of a standard deviation of 20000
    assert abs(np.mean(drawn) - found.expected) < 4 * found.sd / 20000**0.5
    assert abs(np.std(drawn) / found.sd - 1) < 4 / 40000**0.5
    assert runs_of(x[:9]) is None
    assert runs_of(np.ones((20, 3))) is None
    drift = np.linspace(-1, 1, 30)[:, None] + 0.1 * rng.normal(size=(30, 3))
    assert runs_of(drift).p_value < 1e-6


@pytest.mark.parametrize("each", [60, 0.7], ids=["common", "rare"])
def test_p_values_of_true_counts(each):
    """Counts of a true law are not flagged more often than said, rare outcomes or not.

    Chi-square's own tail flags rare ones several times as often.
    """
    shots, k, rows = 1000, 12, 5
    p = np.full(k, each / shots)
    p[0] = 1 - p[1:].sum()
    draws = np.random.default_rng(4).multinomial(shots, p, size=(8000, rows))
    counts = draws.astype(float)
    noise, at = Multinomial(), jnp.broadcast_to(p, (rows, k))

    @jax.jit
    @jax.vmap
    def look(seen):
        cost = jnp.sum(noise.residuals(at, seen, at) ** 2)
        excess = noise.excess(seen, at, jnp.ones(rows))
        dof = rows * (k - 1)
        return p_value(cost, dof, excess), p_value(cost, dof)

    values, plain = look(jnp.asarray(counts))
    flagged = np.mean(values < 1e-3)
    # 8 are expected; 4 standard errors more, and the tail of few counts is longer than
    # a chi-square's of the same variance
    assert flagged <= 3e-3
    if each == 60:
        assert stats.kstest(values, "uniform").pvalue > 1e-3
    else:
        assert np.mean(plain < 1e-3) > 2 * max(flagged, 1e-3)


@pytest.mark.parametrize("kind", ["image", "settings"])
def test_rare_outcomes_have_less_than_a_degree_of_freedom(kind):
    """Mean and variance of the sum of squares of a true law, and its p-values.

    Of a packet on 64 pixels most hold less than half a count; of rates near 0 or 1
    most settings do.
    """
    rng, draws = np.random.default_rng(6), 4000
    if kind == "image":
        p = np.exp(-((np.arange(64) - 32.0) ** 2) / 18)
        noise, p = Multinomial(), np.tile(p / p.sum(), (3, 1))
        seen = np.stack([rng.multinomial(200, p[0], size=3) for _ in range(draws)])
    else:
        noise = Binomial(50.0)
        p = np.exp(-np.linspace(0, 9, 40))[:, None]
        seen = rng.binomial(50, p, size=(draws, 40, 1))
    at, mask = jnp.asarray(p), jnp.ones(len(p))

    @jax.jit
    @jax.vmap
    def look(one):
        return jnp.sum(noise.residuals(at, one, at) ** 2)

    sums, first = (
        np.asarray(look(jnp.asarray(seen, float))),
        jnp.asarray(seen[0], float),
    )
    dof = float(noise.independent(first, at, mask))
    excess = float(noise.excess(first, at, mask))
    assert dof < 0.7 * np.prod(p.shape)
    spread = np.var(sums)
    # four standard errors of a mean and of a variance
    assert abs(np.mean(sums) - dof) < 4 * np.sqrt(spread / draws)
    away = np.var((sums - np.mean(sums)) ** 2)
    assert abs(spread - (2 * dof + excess)) < 4 * np.sqrt(away / draws)
    values = np.asarray(jax.vmap(lambda x: p_value(x, dof, excess))(jnp.asarray(sums)))
    assert abs(np.mean(values) - 0.5) < 0.05
    assert np.mean(values < 0.01) < 0.03


@pytest.mark.slow
def test_a_loss_that_the_law_lacks_is_a_misfit(golden, populations):
    """5 % of the contrast is gone: the constants move by many errors, and it shows."""
    rng = np.random.default_rng(0)
    lossy = 0.95 * populations + 0.05 / 3 + rng.normal(0, SIGMA, populations.shape)
    found = fitted(golden, lossy, Gaussian(SIGMA))
    assert found.status == MISFIT
    assert not found.errors_hold
    assert found.chi2_per_dof > 10
    assert found.p_value < 1e-10
    assert "not to be trusted" in found.message
    assert "not to be trusted" in str(found)
    # exponents make up for some of it; populations go to a third, which is not the mean
    # over time of each, and so leave an offset
    assert "offset" in {found.pattern.name, *found.pattern.others}


@pytest.mark.slow
def test_a_true_law_is_no_misfit(golden, populations):
    noise = np.random.default_rng(1).normal(0, SIGMA, populations.shape)
    found = fitted(golden, populations + noise, Gaussian(SIGMA))
    assert found.status == "converged"
    assert found.errors_hold
    assert found.p_value > 1e-3
    assert found.p_value == pytest.approx(
        stats.chi2.sf(found.chi2_per_dof * (TS.size * 3 - 2), TS.size * 3 - 2), rel=1e-6
    )
    for constant in found.constants.values():
        assert constant.sigmas == pytest.approx(constant.deviation / constant.stderr)


@pytest.mark.slow
def test_the_pure_fit_says_misfit_as_well(golden, populations):
    law, psi0 = golden
    lossy = 0.95 * populations + 0.05 / 3
    options = {"psi0": psi0, "free": ("q", "r"), "starts": [[0.45, -0.55]]}
    for values, status in [(lossy, "MISFIT"), (populations, "OK")]:
        data = jqd.Record(TS, values, Gaussian(SIGMA), t0=0.0)
        found = jqd.fit(law, data, search=None, **options)
        assert jqd.Status(int(found.status)).name == status
        assert (found.p_value < 1e-3) == (status == "MISFIT")


def test_a_curve_that_is_no_occupation_is_a_misfit():
    E = np.linspace(0.5, 4, 15)
    nbar = 1 / (np.exp((E + 0.3) / 1.1) - 1)
    options = {"free": ("T", "mu"), "start": {"g": 1.0}, "starts": 2}
    assert fit_curve(nbar, E, 1e-3, **options).status == "converged"
    bent = fit_curve(nbar + 0.02 * np.sin(3 * E), E, 1e-3, **options)
    assert bent.status == MISFIT
    assert bent.p_value < 1e-10


def test_the_command_shows_a_misfit(capsys):
    """Of an offset of fifty errors, which no constant makes up for."""
    values = 0.7 * TS + 0.2 * TS**2 + 50 * SIGMA
    found = jqd.recover(of_bent(values, Gaussian(SIGMA)), **NEAR)
    summary, tables = recovery_summary(found, 1.0), recovery_tables(found)
    assert conclude(summary, tables, as_json=True) == 1
    printed = capsys.readouterr().out
    assert '"errors_hold": false' in printed
    assert f'"status": "{MISFIT}"' in printed
    assert '"chi2_per_dof": ' in printed
    assert '"p_value": ' in printed
    assert conclude(summary, tables, as_json=False) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "no standard error holds" in printed
    assert "±" not in printed
    assert MISFIT in printed


# -- what each figure is ---------------------------------------------------------------


@pytest.mark.slow
def test_exact_data_have_no_significance(golden, populations):
    """The error of a fit to exact values is its step bias: no sigmas are counted."""
    found = fitted(golden, populations, None)
    console = Console(record=True, width=120, file=io.StringIO())
    console.print(*recovery_tables(found))
    shown = console.export_text()
    for constant in found.constants.values():
        assert constant.sigmas is None
        assert constant.scatter < constant.step_bias
        assert abs(constant.deviation) < 1e-8
    assert shown.count("step bias") == 2
    assert "starts that reached the best fit" in shown
    assert "starts that converged" not in shown


def test_sigmas_are_counted_where_scatter_makes_them():
    one = Constant("q", 0.52, 0.01, 1e-6, 0.5, 0.01)
    assert one.sigmas == pytest.approx(2)
    assert Constant("q", 0.52, 0.01, 0.0, 0.5).sigmas == pytest.approx(2)
    assert Constant("q", 0.52, 0.01, 0.01, 0.5, 1e-4).sigmas is None
    assert Constant("q", 0.52, 0.01, 0.01, None, 1e-4).deviation is None


def test_an_error_that_does_not_hold_allows_no_deviation():
    one = Constant("q", 0.5226, 0.0049, 1e-6, 0.5, 0.0049, holds=False)
    assert one.deviation is None
    assert one.sigmas is None
    assert str(one) == "q = 0.523 at the best fit; no error holds"
    assert str(Constant("q", 0.5226, 0.0049, 0.0, 0.5)) == "q = 0.5226 ± 0.0049"


# -- what cannot be told ---------------------------------------------------------------


@pytest.mark.sampled
@pytest.mark.parametrize("free", [("q", "r", "omega"), ("r", "omega", "R", "delta")])
def test_a_step_along_a_null_direction_changes_nothing(golden, free):
    law, psi0 = golden
    method = jqd.Fixed(jqd.steppers.rk4)
    data = jqd.Record(TS, jnp.ones((TS.size, 3)), t0=0.0)
    study = Study(law, data, psi0=psi0, free=free, method=method).with_substeps(20)
    theta = study.theta()
    found = identifiability(study, theta)
    here = study.predict(theta)
    assert found.null_directions.shape == (1, theta.size)
    for direction in found.null_directions:
        assert float(jnp.linalg.norm(direction)) == pytest.approx(1)
        # what finite steps leave of the symmetry
        moved = study.predict(theta + 0.1 * direction)
        np.testing.assert_allclose(moved, here, rtol=0, atol=1e-6)
    # a direction that can be told moves them: the step is no small one
    moved = study.predict(theta + 0.1 * found.directions[0])
    assert np.max(np.abs(moved - here)) > 1e-3
    # the same shift of every energy, in words too
    weights = re.findall(r"([+-][\d.]+) omega", found.describe())
    assert len(weights) == 3
    assert len(set(weights)) == 1


def test_null_directions_of_a_curve_are_in_its_constants():
    """One energy alone: a warmer gas of a lower level, dμ/dT = -(E - μ)/T."""
    E, T, mu = 2.0, 4.0, -0.3
    nbar = np.full(6, 1 / (np.exp((E - mu) / T) - 1))
    start = {"g": 1.0, "T": T, "mu": mu}
    with pytest.raises(jqd.inference.Unidentifiable) as caught:
        fit_curve(nbar, np.full(6, E), 1e-3, free=("T", "mu"), start=start, starts=1)
    along = dict(
        (name, float(value))
        for value, name in re.findall(r"([+-][\d.]+) (T|mu)", str(caught.value))
    )
    # two decimals are printed
    assert along["mu"] / along["T"] == pytest.approx(-(E - mu) / T, abs=0.03)


class Bent(jqd.Motion):
    """x = a t + a b t²."""

    a: Array = jqd.free(span=(-4.0, 6.0))
    b: Array = jqd.free(span=(-3.0, 3.0))

    def vector_field(self, t, state, args=None):
        return jnp.stack([self.a + 2 * self.a * self.b * t])


def of_bent(values, noise):
    data = jqd.Record(TS[: len(values)], np.reshape(values, (-1, 1)), noise, t0=0.0)
    law = Bent(jnp.asarray(0.5), jnp.asarray(0.1))
    return Study(
        law, data, psi0=jnp.zeros(1), free=("a", "b"),
        instrument=Direct(itself),
        method=jqd.Fixed(jqd.steppers.rk4, estimate_error=False),
    )  # fmt: skip


NEAR = {"start": {"a": 0.5, "b": 0.1}, "starts": 1, "search": None, "held_out": 0.0}


def test_what_is_open_at_the_best_fit_alone_has_no_error():
    """a = 0, and b may be anything; at the start both can be told."""
    design, values = np.stack([TS, TS**2], axis=1), np.cos(12.9898 * np.arange(24))
    # of which neither t nor t² has a share
    values -= design @ np.linalg.lstsq(design, values, rcond=None)[0]
    study = of_bent(values, Gaussian(1.0))
    found = jqd.recover(study, **NEAR)
    assert found.status == "constants not determined"
    assert not found.errors_hold
    assert not found.constants["b"].holds
    assert "1.00 b" in found.message
    assert found.null_directions.shape == (1, 2)
    # as `jqd.fit` has it
    assert jqd.fit(study, **NEAR).status == jqd.Status.UNIDENTIFIABLE


def test_two_values_leave_two_constants_no_scatter_to_go_by():
    """Both are met exactly: residuals of 1e-17 are no error bar, nor a test."""
    values = 0.7 * TS[:2] + 0.2 * TS[:2] ** 2
    found = jqd.recover(of_bent(values, None), **NEAR)
    assert found.status == "converged"
    assert not found.errors_hold
    assert all(np.isinf(one.stderr) for one in found.constants.values())
    assert "a = 0.7 at the best fit; no error holds" in str(found)
    assert "the standard errors, are not known" in found.message
    constant = recovery_summary(found, 1.0)["constants"]["a"]
    assert constant["stderr"] is None
    console = Console(record=True, width=120, file=io.StringIO())
    console.print(*recovery_tables(found))
    assert "no standard error holds" in console.export_text()


def test_two_values_with_errors_test_no_law():
    values = 0.7 * TS[:2] + 0.2 * TS[:2] ** 2
    found = jqd.recover(of_bent(values, Gaussian(1e-3)), **NEAR)
    assert found.status == "converged"
    assert found.errors_hold
    assert (found.chi2_per_dof, found.p_value) == (None, None)
    assert not found.scatter_too_small
    assert "chi-square tests nothing" in found.message
    # (a, ab) by least squares, and da is the first of them
    errors = np.linalg.inv(np.stack([TS[:2], TS[:2] ** 2], axis=1))
    expected = 1e-3 * np.linalg.norm(errors[0])
    assert found.constants["a"].stderr == pytest.approx(expected, rel=1e-6)


def test_p_value_of_another_variance_is_that_of_a_gamma_distribution():
    """Of mean dof and variance 2 dof + excess, by SciPy."""
    for chi2, dof, excess in [(30.0, 12, 5.0), (30.0, 12, -3.0), (80.0, 60, 40.0)]:
        variance = 2 * dof + excess
        gamma = stats.gamma(dof**2 / variance, scale=variance / dof)
        np.testing.assert_allclose(p_value(chi2, dof, excess), gamma.sf(chi2))


def test_the_factor_of_a_scatter_in_words():
    assert factor_words([2.2, 2.2004]) == "2.2"
    assert factor_words([1.5, 2.25]) == "1.5 to 2.25"
    assert "is 2.2 times that of independent shots" in scatter_message([2.2])

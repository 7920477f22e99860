"""Evidence, and laws compared on one record."""

import importlib
import io
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from rich.console import Console
from scipy.stats import multivariate_normal

import jqd
from jqd.cli.session import table_of
from jqd.inference import Study, evidence
from jqd.inference.comparison import Candidate, Comparison, Folds
from jqd.inference.evidence import SCALES, Evidence
from jqd.inference.goodness import MISFIT
from jqd.inference.joint import Joint
from jqd.inference.steps import DRAWN_CHANGE, STEP_CHANGE, refined
from jqd.instruments import Direct, Gaussian, Multinomial
from jqd.problems import golden

from .models import itself

# the function of that name hides its room
compare = importlib.import_module("jqd.inference.compare")
FINE = jqd.Fixed(jqd.steppers.rk4, 40, estimate_error=False)


class Cubic(jqd.Motion):
    """x = a t + b t² + c t³: a record of it is linear in its constants."""

    a: Array = jqd.free(span=(-4.0, 6.0))
    b: Array = jqd.free(span=(-3.0, 3.0))
    c: Array = jqd.free(span=(-1.0, 1.0))

    def vector_field(self, t, state, args=None):
        return jnp.stack([self.a + 2 * self.b * t + 3 * self.c * t**2])


TS, SIGMA = np.linspace(0.2, 2, 12), 0.1
VALUES = 0.7 * TS - 0.4 * TS**2 + SIGMA * np.cos(12.9898 * np.arange(12))
DESIGN = np.stack([TS, TS**2, TS**3], axis=1)


def line(free, nuisances=None, values=VALUES, sigma=SIGMA, ts=TS):
    law = Cubic(*(jnp.asarray(x) for x in (0.7, -0.4, 0.0)))
    data = jqd.Record(ts, values[:, None], Gaussian(sigma), t0=0.0)
    return Study(
        law, data, psi0=jnp.zeros(1), free=free, nuisances=nuisances,
        instrument=Direct(itself),
        method=jqd.Fixed(jqd.steppers.rk4, estimate_error=False),
    )  # fmt: skip


# -- evidence ------------------------------------------------------------------------


def test_evidence_of_a_linear_model_is_exact():
    """Nuisances alone: the record is normal with covariance A P Aᵀ + σ²."""
    priors = {"a": (0.6, 0.3), "b": (-0.3, 0.2)}
    study = line((), priors)
    A = DESIGN[:, :2]
    covariance = A @ np.diag([0.09, 0.04]) @ A.T + SIGMA**2 * np.eye(12)
    exact = multivariate_normal(A @ [0.6, -0.3], covariance).logpdf(VALUES)
    # what no constant changes is left out of the likelihood
    exact += 12 * (math.log(SIGMA) + math.log(2 * math.pi) / 2)
    F = A.T @ A / SIGMA**2 + np.diag([1 / 0.09, 1 / 0.04])
    best = np.linalg.solve(F, A.T @ VALUES / SIGMA**2 + [0.6 / 0.09, -0.3 / 0.04])
    found = evidence(study, jnp.asarray(best))
    assert float(found.log) == pytest.approx(exact, abs=1e-9)  # rounding
    np.testing.assert_allclose(found.by_scale, found.log, rtol=1e-15)
    assert not np.any(found.at_wall)


@pytest.mark.slow
def test_a_law_whose_nuisances_alone_are_fitted():
    """As quantum mechanics beside a readout error: least squares with priors."""
    priors = {"a": (0.6, 0.3), "b": (-0.3, 0.2)}
    A = DESIGN[:, :2]
    F = A.T @ A / SIGMA**2 + np.diag([1 / 0.09, 1 / 0.04])
    best = np.linalg.solve(F, A.T @ VALUES / SIGMA**2 + [0.6 / 0.09, -0.3 / 0.04])
    study = line((), priors)
    found = jqd.recover(study, starts=1, search=None)
    errors = np.sqrt(np.diagonal(np.linalg.inv(F)))
    for one, value, error in zip(found.constants.values(), best, errors, strict=True):
        assert abs(one.value - value) < 0.01 * error  # what the polish leaves
        assert one.stderr == pytest.approx(error, rel=1e-6)
        assert one.known == 0
    # evidence finds it by itself, from the means of the priors: the end of the polish
    exact = float(evidence(study, jnp.asarray(best)).log)
    assert float(evidence(study).log) == pytest.approx(exact, abs=1e-6)


def test_a_uniform_prior_costs_the_logarithm_of_its_width():
    study = line(("a", "b"))
    A = DESIGN[:, :2] / SIGMA
    best, left, *_ = np.linalg.lstsq(A, VALUES / SIGMA, rcond=None)
    found = evidence(study, jnp.asarray(best), widths={"b": 5.0}, scales=(0.5, 1, 4))
    exact = -left[0] / 2 - math.log(10 * 5) + math.log(2 * math.pi)
    exact -= np.linalg.slogdet(A.T @ A)[1] / 2
    assert float(found.log) == pytest.approx(exact, abs=1e-9)  # rounding
    np.testing.assert_allclose(found.widths, [10, 5])
    np.testing.assert_allclose(
        found.by_scale, exact - 2 * np.log([0.5, 1, 4]), rtol=0, atol=1e-9
    )


def test_evidence_is_never_above_the_largest_likelihood():
    """An average over the prior: of widths of a fiftieth to fifty standard errors."""
    study, t = line(("a",)), TS
    values = VALUES + 0.4 * t**2  # the law has b = -0.4
    best = t @ values / (t @ t)
    error = SIGMA / np.sqrt(t @ t)
    highest = -np.sum((values - best * t) ** 2) / 2 / SIGMA**2
    scales = (0.02, 1.0, 50.0)
    found = evidence(study, jnp.asarray([best]), widths={"a": 2 * error}, scales=scales)
    # the middles of a million equal parts
    x = (np.arange(10**6) + 0.5) / 10**6 - 0.5
    exact = [
        highest + math.log(np.mean(np.exp(-((2 * s * x) ** 2) / 2))) for s in scales
    ]
    np.testing.assert_allclose(found.by_scale, exact, rtol=0, atol=1e-8)
    assert np.all(np.asarray(found.by_scale) <= highest)
    assert float(found.log) == pytest.approx(exact[1], abs=1e-8)


def test_a_narrow_prior_cuts_off_what_constants_share():
    """One of two correlated constants within its error, whichever comes first.

    The other has twenty errors: what a cuts off, or b, is the share of its own.
    """
    A = DESIGN[:, :2] / SIGMA
    best, left, *_ = np.linalg.lstsq(A, VALUES / SIGMA, rcond=None)
    errors = np.sqrt(np.diagonal(np.linalg.inv(A.T @ A)))
    study = line(("a", "b"))
    for spans in (errors * [20, 1], errors * [1, 20]):
        exact = -left[0] / 2 + math.log(2 * math.pi) - np.log(spans).sum()
        exact += -np.linalg.slogdet(A.T @ A)[1] / 2 + math.log(math.erf(8**-0.5))
        widths = dict(zip("ab", spans, strict=True))
        found = evidence(study, jnp.asarray(best), widths=widths)
        assert float(found.log) == pytest.approx(exact, abs=1e-9)  # rounding


def test_evidence_refuses():
    study = line(("a",))
    with pytest.raises(ValueError, match="`scales` must be finite and positive"):
        evidence(study, study.theta(), scales=(0.0, 1.0))
    with pytest.raises(ValueError, match="an improper prior has no evidence"):
        evidence(study, study.theta(), widths={"a": np.inf})
    with pytest.raises(ValueError, match="`widths` must be one of"):
        evidence(study, study.theta(), widths={"b": 1.0})
    bare = jqd.Record(TS, VALUES[:, None], t0=0.0)
    exact = Study(
        study.law, bare, psi0=jnp.zeros(1), free="a", instrument=study.instrument
    )
    with pytest.raises(ValueError, match="has no errors"):
        evidence(exact, exact.theta())


class Sum(jqd.Motion):
    """x = (a + b) t: no record tells a from b."""

    a: Array = jqd.free(span=(-1.0, 1.0))
    b: Array = jqd.free(span=(-1.0, 1.0))

    def vector_field(self, t, state, args=None):
        return jnp.stack([self.a + self.b])


def test_what_no_record_tells_has_no_evidence():
    data = jqd.Record(TS, VALUES[:, None], Gaussian(SIGMA), t0=0.0)
    study = Study(
        Sum(jnp.asarray(0.3), jnp.asarray(0.4)), data, psi0=jnp.zeros(1),
        free=("a", "b"), instrument=Direct(itself),
    )  # fmt: skip
    with pytest.raises(
        jqd.inference.Unidentifiable, match=r"0\.71 a .*0\.71 b changes nothing"
    ):
        evidence(study, study.theta())


# -- comparison ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def lines():
    return jqd.compare({"as it is": line(()), "b": line(("b",))}, folds=4, starts=1)


@pytest.mark.slow
def test_rows_left_out_are_those_of_refits_by_numpy(lines):
    still, fitted = lines.rows
    A, rest = DESIGN[:, 1] / SIGMA, (VALUES - 0.7 * TS) / SIGMA
    logs = np.zeros(12)
    for k in range(4):
        out = np.arange(12) % 4 == k
        b = A[~out] @ rest[~out] / (A[~out] @ A[~out])
        logs[out] = -((rest - b * A)[out] ** 2) / 2
    np.testing.assert_allclose(fitted.folds.rows, logs, atol=1e-8)
    b = A[:9] @ rest[:9] / (A[:9] @ A[:9])
    last = -((rest - b * A)[9:] ** 2) / 2
    np.testing.assert_allclose(fitted.folds.last, last, atol=1e-8)
    np.testing.assert_allclose(
        still.folds.rows, -((rest + 0.4 * A) ** 2) / 2, rtol=1e-9
    )
    each = logs - still.folds.rows
    difference, error = lines.elpd_difference(fitted)
    assert difference == pytest.approx(each.sum(), abs=1e-7)
    assert error == pytest.approx(math.sqrt(12 * each.var()), rel=1e-6)
    assert fitted.folds.failed == still.folds.failed == 0


@pytest.mark.slow
def test_figures_of_a_row(lines):
    still, fitted = lines.rows
    assert (still.parameters, fitted.parameters) == (0, 1)
    assert (still.dof, fitted.dof) == (12, 11)
    assert still.outcomes == fitted.outcomes == 12
    assert fitted.aic == pytest.approx(-2 * fitted.log_likelihood + 2)
    assert fitted.bic == pytest.approx(-2 * fitted.log_likelihood + math.log(12))
    assert fitted.chi2 == pytest.approx(-2 * fitted.log_likelihood)
    low, one, high = lines.log_bayes(fitted)
    assert (low - one, one - high) == pytest.approx((math.log(3), math.log(3)))
    # a width at which B = 1
    scale = lines.turning_scale(fitted)
    assert one - math.log(scale) == pytest.approx(0)
    # the record is of b = -.4: nobody is ahead, whatever the priors
    assert "No law is clearly preferred" in lines.verdict()
    assert "as it is" in str(lines)


FEW = {"values": VALUES[:3], "ts": TS[:3]}


def test_rows_that_the_others_do_not_determine_fail():
    """Three constants of three rows: two of them leave one where all rows put it."""
    told = VALUES[:3] + 0.4 * TS[:3] ** 2  # the law has b = -0.4
    one = TS[:3] @ told / (TS[:3] @ TS[:3])
    every = np.linalg.solve(DESIGN[:3], VALUES[:3])
    for free, best, failed in ((("a",), [one], 0), (("a", "b", "c"), every, 4)):
        folds = compare._left_out(line(free, **FEW), jnp.asarray(best), 3)
        assert folds.failed == failed


@pytest.mark.slow
def test_a_law_whose_refits_fail_is_not_preferred():
    found = jqd.compare(
        {"one": line(("a",), **FEW), "all": line(("a", "b", "c"), **FEW)}, folds=3
    )
    one, all_of_them = found.rows
    assert one.folds.failed == 0
    assert all_of_them.folds.failed == 4
    assert "prefers all" not in found.verdict()


def candidate(name, *, rows, settled=True, wall=False, failed=0):
    """A row as `compare` would make it."""
    logs = np.asarray(rows)
    scales = jnp.asarray(SCALES)
    proof = Evidence(
        jnp.sum(logs), scales, jnp.sum(logs) - jnp.log(scales), jnp.ones(1),
        jnp.asarray([wall]), jnp.asarray(0.0),
    )  # fmt: skip
    return Candidate(
        name, "converged", settled, {"b": 0.1}, {"b": 0.01}, {}, 1, logs.sum(), 12.0,
        11, 0.4, 1.0, proof, Folds(logs, logs[9:], failed), 12,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("best", "clear"),
    [
        ({}, True),
        ({"settled": False, "failed": 1}, False),
        ({"wall": True}, True),
    ],
)
def test_only_settled_fits_are_preferred(best, clear):
    steady = np.linspace(-1.0, -0.9, 12)
    rows = (candidate("a", rows=steady, **best), candidate("b", rows=steady - 2.0))
    said = Comparison(rows, SCALES, 4).verdict()
    assert ("The record prefers a" in said) is clear
    assert ("At a bound of a constant" in said) is ("wall" in best)
    assert ("1 of 5\n" in str(Comparison(rows, SCALES, 4))) is ("failed" in best)


STEADY = np.linspace(-1.0, -0.9, 12)


def test_a_comparison_says_what_it_assumes_of_rows(monkeypatch):
    """p and 1 - p are one number, in chi-square and in all errors."""

    def row(name, *given):
        return candidate(name, rows=STEADY)

    monkeypatch.setattr(compare, "_candidate", row)
    p, alone = 0.5 + 0.1 * np.sin(TS), line(())
    data = jqd.Record(TS, np.stack([p, 1 - p], axis=1), Gaussian(SIGMA), t0=0.0)
    both = Study(
        alone.law, data, psi0=jnp.zeros(1), free=(), method=alone.method,
        instrument=Direct(lambda t, state: jnp.concatenate([state, 1 - state])),
    )  # fmt: skip
    assert "counts for M - 1" in str(jqd.compare({"a": both, "b": both}))
    assert "sum to 1" not in str(jqd.compare({"a": alone, "b": alone}))


@pytest.mark.parametrize(
    "third",
    [
        {"settled": False, "failed": 3, "p": 0.0},
        {"settled": False, "failed": 3, "lead": 2000.0},
        # excluded, and too rugged for rows left out to be sure of it
        {"p": 1e-9, "lead": -3.0, "rugged": 40.0},
        {"p": 1e-9, "lead": 30.0},
    ],
    ids=["excluded and failed", "failed and ahead", "excluded", "excluded and ahead"],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_failed_or_excluded_law_vetoes_nothing(third, place):
    """ln B = 1200 between two others stands, whatever becomes of the third."""
    rows = [candidate("dephasing", rows=STEADY), candidate("plain", rows=STEADY - 100)]
    p, lead = third.get("p", 0.4), third.get("lead", -1e5)
    logs = STEADY + lead / 12 + third.get("rugged", 0) * (-1.0) ** np.arange(12)
    own = candidate(
        "weinberg", rows=logs, settled=third.get("settled", True),
        failed=third.get("failed", 0),
    )  # fmt: skip
    rows.insert(place, own._replace(p_value=p))
    found = Comparison(tuple(rows), SCALES, 4)
    assert ("dephasing", "plain") in found.decided()
    assert found.verdict().startswith("The record prefers dephasing to plain: ln B")
    assert "weinberg" not in found.verdict().split(".")[0]
    assert ("Not described by (p < 1e-3): weinberg." in found.verdict()) is (p < 1e-3)
    failed = "its fit or a refit failed: weinberg." in found.verdict()
    assert failed is (not own.settled)


def test_tables_fit_into_a_terminal_of_80_columns():
    rows = [
        candidate("schrodinger", rows=STEADY),
        candidate("dephasing[gamma]", rows=STEADY - 98.7654),
        candidate("gross_pitaevskii[g]", rows=STEADY - 0.012345, failed=2),
    ]
    # as long as the numbers of a comparison are
    long = "constants not determined"
    rows[1] = rows[1]._replace(chi2=1234.5, dof=1197, p_value=3.3e-12, status=long)
    found = Comparison(tuple(rows), SCALES, 10)
    told = str(found).removesuffix(f"{found.legend()}\n{found.verdict()}").splitlines()
    assert max(map(len, told)) <= 80
    for row in rows:
        assert sum(line.startswith(row.name) for line in told) == 3
    # and no cell is cut or folded on the screen
    for title, headings, lines in found.tables():
        words = Console(width=80, file=io.StringIO(), markup=False)
        words.print(table_of(title, headings, lines))
        shown = words.file.getvalue().splitlines()
        for line in lines:
            assert any(all(cell in row for cell in line) for row in shown), title


def test_pairs_that_stay_open_are_named():
    rows = [
        candidate("a", rows=STEADY), candidate("b", rows=STEADY - 0.01),
        candidate("c", rows=STEADY - 5.0), candidate("d", rows=STEADY - 5.0),
    ]  # fmt: skip
    said = Comparison(tuple(rows), SCALES, 4).verdict()
    assert said.startswith("The record prefers a to c and d: ")
    assert "It does not decide between a and b." in said


def test_a_pattern_that_a_fitted_scatter_hides_is_a_misfit():
    """Its p is as it should be; the status of its fit says what was found."""
    rows = (
        candidate("a", rows=STEADY)._replace(status=MISFIT),
        candidate("b", rows=STEADY - 0.01),
    )
    assert [row.misfits for row in rows] == [True, False]
    said = Comparison(rows, SCALES, 4).verdict()
    assert "a pattern of the residuals that a fitted scatter hides): a." in said


def test_of_laws_that_all_misfit_the_best_is_told_as_such():
    rows = [candidate("a", rows=STEADY), candidate("b", rows=STEADY - 5.0)]
    rows = [row._replace(p_value=1e-9) for row in rows]
    said = Comparison(tuple(rows), SCALES, 4).verdict()
    assert said.startswith(
        "No law describes the record (p < 1e-3 for each). The record prefers a to b: "
    )
    assert "Not described" not in said


@pytest.mark.slow
def test_a_law_that_fails_stays_in_its_row():
    """Past a node nothing is predicted: not the best law of all."""
    law, psi = golden()
    ts = 0.1 * np.arange(1, 21)
    energies, basis = np.linalg.eigh(np.asarray(law.hamiltonian()))
    turned = np.exp(-1j * np.outer(ts, energies)) * (basis.conj().T @ np.asarray(psi))
    p = np.abs(turned @ basis.T) ** 2
    counts = np.random.default_rng(1).multinomial(2000, p / p.sum(1, keepdims=True))
    data = jqd.Record(ts, counts.astype(float), Multinomial(), t0=0.0)
    ends, _ = golden(0.95, -0.05)
    found = jqd.compare(
        {"quantum": Study(law, data, psi0=psi, free=()),
         "ends": Study(ends, data, psi0=psi, free=())},
        folds=2,
    )  # fmt: skip
    quantum, failed = found.rows
    assert failed.status.startswith("no prediction: A population or density reached")
    assert not failed.predicts
    assert failed.log_likelihood == failed.elpd == failed.log_evidence == -math.inf
    assert found.log_bayes(failed) == [-math.inf] * 3
    assert found.elpd_difference(failed) == (-math.inf, math.inf)
    text = str(found)
    assert "nan" not in text
    assert "no prediction" in text
    # what predicts nothing keeps no law from being preferred
    assert "The record prefers quantum" in found.verdict()
    assert "Not described" not in found.verdict()
    # ... also where it comes first
    turned = found._replace(rows=found.rows[::-1])
    assert turned.log_bayes(turned.rows[1]) == [math.inf] * 3
    assert "nan" not in str(turned)
    assert quantum.predicts


def test_probabilities_beyond_one_are_no_likelihood():
    values, good = jnp.asarray([[30.0, 70.0]]), jnp.asarray([[0.3, 0.7]])
    logs = Multinomial().log_likelihood
    assert np.isfinite(logs(good, values, good))[0]
    assert np.isneginf(logs(40 * good, values, good))[0]


@pytest.mark.slow
def test_a_law_whose_constants_are_not_told_apart_is_not_outdone():
    """Nothing is known of how well it could do: no reason to prefer another."""
    data = jqd.Record(TS, VALUES[:, None], Gaussian(SIGMA), t0=0.0)
    both = Study(
        Sum(jnp.asarray(0.3), jnp.asarray(0.4)), data, psi0=jnp.zeros(1),
        free=("a", "b"), instrument=Direct(itself),
    )  # fmt: skip
    found = jqd.compare({"cubic": line(("b",)), "sum": both}, folds=4, starts=1)
    assert not found.rows[1].settled
    assert "+0.71 a -0.71 b" in found.rows[1].status
    assert "its fit or a refit failed: sum." in found.verdict()
    assert found.decided() == []
    assert "No law is clearly preferred" in found.verdict()


def test_the_widths_of_which_ln_b_is_are_told():
    """By default the span of b, 6; nuisances have priors of their own."""
    free = line(("b",), {"c": (0.0, 0.1)})
    found = jqd.compare({"line": line(()), "bent": free}, folds=2, starts=1)
    assert "of width x0.333, x1, x3 (x1: b 6 (bent)); rows" in found.legend()


def test_fewer_rows_than_ten_are_left_out_one_at_a_time():
    short = line((), ts=TS[:6], values=VALUES[:6])
    found = jqd.compare({"line": short})
    assert found.folds == 6
    assert "x0.333, x1, x3; rows were left out in 6 parts" in found.legend()
    assert compare._check({"line": line(())}, None) == 10


@pytest.mark.parametrize(
    ("studies", "folds", "said"),
    [
        (lambda: {}, 4, "`studies` must hold a study"),
        (lambda: [line(())], 4, "`studies` must be a dict by names"),
        (lambda: {"a": 1}, 4, "`studies` must hold studies, but 'a' is a int"),
        (lambda: {"a": [line("a"), line("a")]}, 4, "'a' is of several, which"),
        (lambda: {"a": Joint({"x": line("a"), "y": line("a")})}, 4,
         "one study for each law, but 'a' is of several, which `jqd.recover` fits"),
        (lambda: {"a": line(())}, 1, "`folds` must be"),
        (lambda: {"a": line(())}, 13, "`folds` must be at most the number of rows, 12"),
        (lambda: {"a": line(()), "b": line((), values=VALUES + 0.1)}, 4,
         "must all be of one record with its errors, but that of 'b' is another"),
        (lambda: {"a": line(()), "b": line((), sigma=0.2)}, 4,
         "of one record with its errors, but that of 'b'"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared(studies, folds, said):
    with pytest.raises(ValueError, match=said):
        jqd.compare(studies(), folds=folds)


# -- the table of three classes ------------------------------------------------------


def deterministic(N):
    """Counts about quantum mechanics, by a formula: T = 50, Δt = .1."""
    law, psi = golden()
    ts = 0.1 * np.arange(1, 51)
    run = jqd.evolve(
        law, law.prepare(psi), np.r_[0, ts], method=FINE, observe="density"
    )
    p = np.asarray(run.values[1:])
    k, j = np.arange(1, 51)[:, None], np.array([1, 2])[None, :]
    spread = np.sqrt(N * p * (1 - p))[:, :2]
    first = N * p[:, :2] + spread * math.sqrt(2) * np.cos(12.9898 * k + 78.233 * j)
    first = np.rint(first)
    counts = np.concatenate([first, N - first.sum(1, keepdims=True)], axis=1)
    return jqd.Record(ts, counts, Multinomial(), t0=0.0), N * p


@pytest.mark.slow
def test_five_laws_beside_2000_systems():
    data, _ = deterministic(2000)
    np.testing.assert_array_equal(np.sum(data.values, axis=0), [30514, 50353, 19133])

    def study(free, q=0.5):
        law, psi = golden(q)
        return Study(law, data, psi0=psi, free=free)

    found = jqd.compare(
        {"quantum": study(()), "q = .4": study((), 0.4), "q": study(("q",)),
         "r": study(("r",)), "q, r": study(("q", "r"))},
        starts=2, widths={"r": 1.5},
    )  # fmt: skip
    # ln L, X2, dof, AIC, ln Z and ELPD, less those of the first but for X2 and dof
    expected = [
        (0, 68.790, 100, 0, 0, 0),
        (-239.178, 522.66, 100, 478.356, -239.178, -239.178),
        (2.5047, 64.052, 99, -3.009, -2.013, 0.463),
        (0.0165, 68.755, 99, 1.967, -6.073, -1.728),
        (2.5072, 64.043, 98, -1.014, -8.112, -1.083),
    ]
    first = found.rows[0]
    for row, (log, chi2, dof, aic, Z, elpd) in zip(found.rows, expected, strict=True):
        # digits of the table
        got = row.log_likelihood - first.log_likelihood
        assert got == pytest.approx(log, abs=1e-3), row.name
        assert row.chi2 == pytest.approx(chi2, rel=1e-4), row.name
        assert row.dof == dof
        assert row.aic - first.aic == pytest.approx(aic, abs=2e-3), row.name
        assert found.log_bayes(row)[1] == pytest.approx(Z, abs=2e-3), row.name
        # refits
        assert found.elpd_difference(row)[0] == pytest.approx(elpd, abs=1e-2), row.name
    values = found.rows[-1].constants
    # the steps of a fit leave a hundredth of the standard errors, .0045 and .0014
    assert values["q"] == pytest.approx(0.509913, abs=4.5e-5)
    assert values["r"] == pytest.approx(-0.500095, abs=1.4e-5)
    said = found.verdict()
    assert "prefers quantum to q = .4" in said
    assert "does not decide between quantum and q, r and q, r." in said
    assert "q = .4" in found.verdict()


def eight_steps(data, free):
    law, psi = golden()
    method = jqd.Fixed(jqd.steppers.rk4, 8, estimate_error=False)
    return Study(law, data, psi0=psi, free=free, method=method)


def over(function, q, r):
    """A function of both constants on a grid of them."""

    def row(q):
        points = jnp.stack([jnp.full(r.shape, q), jnp.asarray(r)], axis=1)
        return jax.vmap(function)(points)

    return np.asarray(jax.jit(lambda qs: jax.lax.map(row, qs))(jnp.asarray(q)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("N", "laplace", "quadrature", "number"),
    # most of the wider grid is beyond the box
    [(20, 5.975, 5.960, 97), (2000, 10.580, 10.580, 49)],
)
def test_bayes_factors_by_laplace_and_by_quadrature(N, laplace, quadrature, number):
    """ln B of quantum mechanics against q, r free; failed runs have likelihood 0."""
    from scipy.integrate import simpson

    _, mean = deterministic(N)
    data = jqd.Record(0.1 * np.arange(1, 51), mean, _Shares(), t0=0.0)
    study, still = eight_steps(data, ("q", "r")), eight_steps(data, ())
    best = jnp.asarray([0.5, -0.5])
    found = evidence(study, best, widths={"r": 1.5})
    log0 = float(evidence(still).log)
    np.testing.assert_allclose(found.widths, [1.0, 1.5])
    # digits of the table
    assert log0 - float(found.log) == pytest.approx(laplace, abs=2e-3)
    # eight standard errors hold all of it, thirds of one are fine enough for a normal
    # density; beyond the box there is no prior
    sd = np.sqrt(np.diag(np.linalg.inv(study.information(best))))
    q, r = (x + np.linspace(-8, 8, number) * s for x, s in zip(best, sd, strict=True))
    q, r = q[(q >= 0) & (q <= 1)], r[(r >= -1.5) & (r <= 0)]
    L = np.exp(over(study.log_likelihood, q, r) - log0)
    Z = simpson(simpson(L, x=r, axis=1), x=q) / 1.5
    assert -math.log(Z) == pytest.approx(quadrature, abs=0.02)


@pytest.mark.slow
def test_no_failed_run_has_a_likelihood():
    """What runs past nodes gain in norm would beat the saturated model."""
    data, _ = deterministic(2000)
    study = eight_steps(data, ("q", "r"))
    box = np.linspace(0, 1, 41), np.linspace(-1.5, 0, 61)

    def gained(theta):
        past = study.trajectory(theta, jnp.asarray(51))  # goes on past nodes
        return jnp.max(jnp.abs(jnp.sum(past.values, axis=-1) - 1))

    logs, gains = over(study.log_likelihood, *box), over(gained, *box)
    assert not np.any(np.isnan(logs))
    failed = ~(gains < 1e-3)
    # a share of the box that depends on the step
    assert np.mean(failed) == pytest.approx(0.150, abs=0.03)
    assert np.all(np.isneginf(logs[failed]))
    counts = np.asarray(data.values)
    saturated = np.sum(counts * np.log(counts / 2000))
    assert np.max(logs) < saturated


class _Shares(Multinomial):
    """Expected counts, which are no whole numbers."""

    def check(self, values):
        del values


# -- draws ---------------------------------------------------------------------------


@pytest.mark.slow
def test_evidence_by_populations_is_laplaces_where_it_is_exact():
    study = line(("a", "b"))
    A = DESIGN[:, :2] / SIGMA
    best, *_ = np.linalg.lstsq(A, VALUES / SIGMA, rcond=None)
    widths = {"a": 4.0, "b": 3.0}
    exact = evidence(study, jnp.asarray(best), widths=widths)
    found = evidence(study, jnp.asarray(best), method="smc", widths=widths)
    np.testing.assert_allclose(found.widths, [4, 3])
    assert 0 < float(found.stderr) < 0.1
    assert float(exact.stderr) == 0
    # three populations know their own scatter badly: a Student of 2 degrees, 1 in 100
    assert abs(float(found.log - exact.log)) < 10 * float(found.stderr)
    assert abs(float(found.log - exact.log)) < 0.15
    np.testing.assert_allclose(
        found.by_scale, found.log - 2 * np.log(SCALES), rtol=1e-12
    )


def test_evidence_refuses_other_methods():
    study = line(("a",))
    with pytest.raises(ValueError, match="`method` must be one of"):
        evidence(study, study.theta(), method="nested")


@pytest.mark.slow
def test_rows_left_out_by_draws_are_those_of_a_linear_model():
    """The predictive density of a row given the others is normal: by NumPy."""
    pytest.importorskip("blackjax")
    study = line(("a", "b"))
    found = jqd.posterior(study, "laplace", theta=fit_by_numpy(), draws=1000)
    told = found.left_out()
    exact = []
    for i in range(12):
        others = np.arange(12) != i
        A = DESIGN[:, :2]
        covariance = SIGMA**2 * np.linalg.inv(A[others].T @ A[others])
        mean = covariance @ A[others].T @ VALUES[others] / SIGMA**2
        variance = SIGMA**2 + A[i] @ covariance @ A[i]
        away = VALUES[i] - A[i] @ mean
        exact.append(-(away**2) / variance / 2 - math.log(variance / SIGMA**2) / 2)
    # weights of 1000 draws: a hundredth, more for the last row, which counts most
    np.testing.assert_allclose(told.rows[:-1], exact[:-1], atol=0.03)
    assert told.rows[-1] == pytest.approx(exact[-1], abs=0.3)
    assert not np.any(told.unsure[:-1])


def fit_by_numpy():
    return np.linalg.lstsq(DESIGN[:, :2], VALUES, rcond=None)[0]


@pytest.mark.slow
def test_laws_compared_with_draws():
    found = jqd.compare(
        {"as it is": line(()), "b": line(("b",))}, folds=4, starts=1, sampler="smc",
        draws=500,
    )  # fmt: skip
    still, fitted = found.rows
    assert still.drawn.posterior is None
    np.testing.assert_allclose(still.drawn.left_out.rows, still.folds.rows)
    assert fitted.drawn.posterior.status == "converged"
    A, rest = DESIGN[:, 1] / SIGMA, (VALUES - 0.7 * TS) / SIGMA
    # ln p of each row with b by NumPy from the others, which it is uncertain by
    square = np.array([A @ A - a**2 for a in A])
    b = (A @ rest - A * rest) / square
    variance = 1 + A**2 / square
    exact = -((rest - A * b) ** 2) / variance / 2 - np.log(variance) / 2
    np.testing.assert_allclose(fitted.drawn.left_out.rows, exact, atol=0.1)
    loo, error = found.loo_difference(fitted)
    each = fitted.drawn.left_out.rows - still.folds.rows
    assert loo == pytest.approx(each.sum())
    assert error == pytest.approx(math.sqrt(12 * each.var()))
    assert float(fitted.drawn.evidence.log) == pytest.approx(
        fitted.log_evidence, abs=0.2
    )
    text = str(found)
    assert "rows refitted" in text
    assert "nothing to draw" in text
    assert "not to be trusted" not in text


@pytest.mark.parametrize("change", [STEP_CHANGE, DRAWN_CHANGE])
def test_steps_are_refined_until_the_likelihood_settles(change):
    law, psi = golden()
    law = eqx.tree_at(lambda law: law.q, law, jnp.asarray(0.4))
    ts = np.linspace(0, 2, 5)
    p = jqd.evolve(law, law.prepare(psi), ts, method=FINE, observe="density")
    counts = np.round(20000 * np.asarray(p.values)[1:])
    data = jqd.Record(ts[1:], counts, Multinomial(), t0=0.0)
    study = Study(law, data, psi0=psi, free="q").with_substeps(1)
    theta = study.theta()
    finer = refined(study, theta, change)
    least = int(study.substeps)
    assert least < int(finer.substeps)
    # kinks of the law: of first order, so that what is left is a last change more
    exact = float(study.with_substeps(2048).log_likelihood(theta))
    assert abs(float(finer.log_likelihood(theta)) - exact) < 2 * change


def test_draws_are_asked_for_by_name():
    with pytest.raises(ValueError, match="`sampler` must be one of"):
        jqd.compare({"a": line(())}, folds=4, sampler="gibbs")


@pytest.mark.slow
def test_nothing_is_said_of_draws_that_were_not_made(lines):
    with pytest.raises(ValueError, match="`sampler` of the comparison"):
        lines.loo_difference(lines.rows[1])
    assert len(lines.tables()) == 3
    assert "LOO" not in str(lines)

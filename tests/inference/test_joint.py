"""Several studies that share constants: a linear model by the normal equations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

import jqd
from jqd.inference import horizon
from jqd.inference.joint import Joint, joined
from jqd.inference.sensitivity import independent_rows
from jqd.inference.together import Together
from jqd.instruments import Direct

from .models import Parabola, itself

FIRST = np.linspace(0.2, 2.0, 7), np.array([0.9, 0.2, 1.4, 0.8, 2.2, 1.9, 4.0]), 0.5
SECOND = np.linspace(0.5, 1.5, 4), np.array([0.4, 1.1, 0.9, 2.0]), 0.2
PRIORS = {"first": (0.3, 0.2), "second": (0.1, 0.05)}
# cubic in time at most: Runge-Kutta is exact
METHOD = jqd.Fixed(jqd.steppers.rk4, estimate_error=False)
NEAR = {"start": {}, "starts": 1, "search": None, "polish": jqd.inference.Polish()}


def study_of(data, prior=None, free="a", law=None):
    ts, values, sigma = data
    record = jqd.Record(ts, values[:, None], jqd.Gaussian(sigma), t0=0.0)
    law = Parabola(jnp.asarray(0.5), jnp.asarray(0.1)) if law is None else law
    return jqd.Study(
        law, record, psi0=jnp.zeros(1), free=free, instrument=Direct(itself),
        nuisances={} if prior is None else {"b": prior}, method=METHOD,
    )  # fmt: skip


def alone(data):
    """a and its error where b = 0.1 is known: Σ t (y - b t²)/Σ t², σ/√Σ t²."""
    ts, values, sigma = data
    square = np.sum(ts**2)
    return np.sum(ts * (values - 0.1 * ts**2)) / square, sigma / np.sqrt(square)


def equations():
    """A, y and P of (a, b of the first, b of the second), in units of the errors."""
    rows, seen = [], []
    for k, (ts, values, sigma) in enumerate((FIRST, SECOND)):
        row = np.zeros((ts.size, 3))
        row[:, 0], row[:, 1 + k] = ts, ts**2
        rows.append(row / sigma)
        seen.append(values / sigma)
    means, widths = np.transpose(list(PRIORS.values()))
    return rows, seen, np.r_[0.0, means], np.diag(np.r_[0.0, widths**-2])


@pytest.fixture(scope="module")
def both():
    data = {"first": FIRST, "second": SECOND}
    return {name: study_of(data[name], prior) for name, prior in PRIORS.items()}


@pytest.fixture(scope="module")
def found(both):
    return jqd.fit(both, **NEAR)


def test_what_takes_one_record_says_so_of_several(both):
    """By no name of a class that nobody has written."""
    with pytest.raises(ValueError, match="`study` must be of one record, but is of se"):
        independent_rows(joined(both))


def test_nuisances_are_each_study_s_own(found):
    """θ = (A^T A + P)^-1 (A^T y + P m), three constants."""
    rows, seen, means, P = equations()
    A, y = np.concatenate(rows), np.concatenate(seen)
    F = A.T @ A + P
    mean = np.linalg.solve(F, A.T @ y + P @ means)
    assert list(found.constants) == ["a", "b (first)", "b (second)"]
    got = [float(one) for one in found.value.values()]
    # a polish ends where chi-square changes by 1e-11 of itself: 3e-6 of an error
    errors = np.sqrt(np.diag(np.linalg.inv(F)))
    np.testing.assert_allclose((got - mean) / errors, 0, atol=1e-5)
    np.testing.assert_allclose(found.covariance, np.linalg.inv(F), rtol=1e-8)
    # eleven values and two priors, three constants
    chi2 = np.sum((A @ mean - y) ** 2) + (mean - means) @ P @ (mean - means)
    np.testing.assert_allclose(found.chi2_per_dof, chi2 / 10, rtol=1e-9)
    pull = (mean[2] - PRIORS["second"][0]) / PRIORS["second"][1]
    np.testing.assert_allclose(found.constants["b (second)"].pull, pull, rtol=1e-7)


class Slow(jqd.Motion):
    """x = a t/m, which is quantum mechanics where a = 1/m."""

    a: Array = jqd.free(quantum=lambda law: 1 / law.m)
    m: Array

    def vector_field(self, t, state, args=None):
        return jnp.stack([self.a / self.m])


def test_studies_with_different_quantum_values_have_none_together():
    def together(*masses):
        laws = [Slow(jnp.asarray(0.5), jnp.asarray(m)) for m in masses]
        each = zip((FIRST, SECOND), laws, strict=True)
        return joined([study_of(data, law=law) for data, law in each]).references()

    assert together(4.0, 4.0) == [0.25]
    assert together(4.0, 2.0) == [None]


@pytest.mark.parametrize("m", [4.0, -2.0])
def test_a_quantum_value_that_others_move_is_none(m):
    """1/m where m is known, neither where it is fitted nor where rows set it."""

    def of(free, data):
        law = Slow(jnp.asarray(0.5), jnp.asarray(m))
        shown = {"instrument": Direct(itself), "method": METHOD}
        return jqd.Study(law, data, psi0=jnp.zeros(1), free=free, **shown).references()

    rows, noise = [[0.1], [0.2]], jqd.Gaussian(0.1)
    record = jqd.Record([1.0, 2.0], rows, noise, t0=0.0)
    assert of("a", record) == [1 / m]
    assert of(("a", "m"), record) == [None, None]
    assert of("a", jqd.Scan({"m": [m, 3.0]}, rows, noise, ts=1.0)) == [None]


def test_likelihood_and_information_are_sums(both, found):
    study = joined(both)
    theta = jnp.stack(list(found.value.values()))
    rows, seen, means, P = equations()
    A, y = np.concatenate(rows), np.concatenate(seen)
    np.testing.assert_allclose(study.information(theta), A.T @ A + P, rtol=1e-9)
    here = np.asarray(theta)
    pulls = np.sum(np.diag(P) * (here - means) ** 2)
    exact = -(np.sum((A @ here - y) ** 2) + pulls) / 2
    np.testing.assert_allclose(study.log_likelihood(theta), exact, rtol=1e-9)


@pytest.mark.slow
def test_what_each_study_adds_is_told(both):
    found = jqd.recover(both, held_out=0.3, **NEAR)
    rows, seen, _, _ = equations()
    at = found.theta
    chi2 = [np.sum((A @ at - y) ** 2) for A, y in zip(rows, seen, strict=True)]
    assert [part.name for part in found.parts] == ["first", "second"]
    np.testing.assert_allclose([part.chi2 for part in found.parts], chi2, rtol=1e-8)
    assert [part.values for part in found.parts] == [7, 4]
    assert "second: chi-square" in str(found)
    assert found.law_name == "Parabola"
    # the last two of seven rows, and the last of four
    assert found.held_out_rows == 3
    assert found.held_out > 0


def test_shared_constants_of_runs_in_rows(both):
    """A scan of b beside a record: Σ (t/σ)² of both."""
    settings, ts, sigma = {"b": np.array([0.0, 0.1, 0.3])}, 1.2, 0.1
    values = 0.7 * ts + np.array([0.0, 0.1, 0.3])[:, None] * ts**2
    law = Parabola(jnp.asarray(0.5), jnp.asarray(0.1))
    scan = jqd.Scan(settings, values, jqd.Gaussian(sigma), ts=ts)
    one = jqd.Study(
        law, scan, psi0=jnp.zeros(1), free="a", instrument=Direct(itself), method=METHOD
    )
    study = Joint({"scan": one, "record": study_of(FIRST)})
    told = 3 * (ts / sigma) ** 2 + alone(FIRST)[1] ** -2
    found = study.information(jnp.array([0.7]))
    np.testing.assert_allclose(found, [[told]], rtol=1e-10)


def test_rows_come_in_shares_of_each_record():
    """Of 2 and 4 rows: 1/4, 1/2 of both, 3/4, 1 of both."""
    noise = Together((jqd.Gaussian(1.0), jqd.Gaussian(1.0)), ((2, 1), (4, 1)))
    one, other = noise.places
    assert (one.tolist(), other.tolist()) == ([1, 4], [0, 2, 3, 5])
    assert [int(rows) for rows in noise.firsts(4)] == [1, 3]
    split = noise.split(np.arange(6.0))
    assert [x.ravel().tolist() for x in split] == [[0, 1], [2, 3, 4, 5]]


def test_gradient_of_a_joint_likelihood(both):
    """∂ ln L/∂θ = A^T (y - Aθ) - P (θ - m)."""
    study, theta = joined(both), np.array([0.4, 0.2, 0.15])
    rows, seen, means, P = equations()
    A, y = np.concatenate(rows), np.concatenate(seen)
    found = jax.grad(study.log_likelihood)(jnp.asarray(theta))
    exact = A.T @ (y - A @ theta) - P @ (theta - means)
    np.testing.assert_allclose(found, exact, rtol=1e-9)


def test_a_posterior_of_several_studies_is_kept(both, found):
    """Eleven values stand in one row, as their likelihoods do."""
    theta = jnp.stack(list(found.value.values()))
    drawn = jqd.posterior(joined(both), "laplace", theta=theta, draws=40, chains=1)
    tree = drawn.to_xarray()
    assert tree.attrs["law"] == "Parabola"
    assert tree["observed_data"]["values"].dims == ("value",)
    np.testing.assert_array_equal(
        tree["observed_data"]["values"], np.r_[FIRST[1], SECOND[1]]
    )
    assert tree["posterior_predictive"]["mean"].shape == (40, 11)
    assert tree["log_likelihood"]["values"].shape == (40, 11)


def test_records_of_several_studies_are_shown(both):
    assert repr(joined(both).data).splitlines() == [
        "Joined", "  records: 2", "  rows: 7, 4", "  values: 0.2 to 4",
    ]  # fmt: skip


class Wide(Parabola):
    """Its guesses of a may be anywhere from 0 to 1."""

    a: Array = jqd.free(span=(0.0, 1.0))


class Narrow(Parabola):
    """Here a is 0.3 at most."""

    a: Array = jqd.free(bounds=(0.0, 0.3), span=(0.0, 0.3))


def test_guesses_are_within_the_limits_of_all_studies():
    """From 0 to 0.3, whichever study comes first."""
    wide = study_of(FIRST, law=Wide(jnp.asarray(0.2), jnp.asarray(0.1)))
    narrow = study_of(SECOND, law=Narrow(jnp.asarray(0.2), jnp.asarray(0.1)))
    for studies in ([wide, narrow], [narrow, wide]):
        low, high = joined(studies).bounds()
        assert (low.tolist(), high.tolist()) == ([0.0], [0.3])


def test_one_record_is_no_two_studies(both):
    one = both["first"]
    again = jqd.Study(
        one.law, one.data, psi0=jnp.zeros(1), free="a", instrument=Direct(itself),
        method=METHOD,
    )  # fmt: skip
    with pytest.raises(ValueError, match="must hold each study and its data once"):
        joined([one, again])


def test_studies_that_cannot_be_joined(both):
    without = jqd.Study(
        Parabola(jnp.asarray(0.5), jnp.asarray(0.1)), (FIRST[0], FIRST[1][:, None]),
        psi0=jnp.zeros(1), free="a", instrument=lambda t, state: state + 0.9,
        method=METHOD,
    )  # fmt: skip
    own = study_of(FIRST, free="b")
    cases = [
        ([study_of(SECOND), own], "must be studies that share free constants"),
        ([study_of(SECOND), without], "must say how the values"),
        ([study_of(SECOND), FIRST], "`law` must be a study, or several of them"),
        ([joined(both), own], "must hold single studies"),
    ]
    for studies, said in cases:
        with pytest.raises(ValueError, match=said):
            jqd.fit(studies, **NEAR)
    with pytest.raises(ValueError, match="`data` must not be given beside a study"):
        jqd.fit(both, FIRST[:2])
    with pytest.raises(ValueError, match="`study` must have rows over time"):
        horizon(joined(both), jnp.zeros(3))


def test_each_record_is_weighed_by_its_own_noise():
    """Means beside counts whose shots correlate: what each gives alone, in turn."""
    kinds = jqd.Gaussian(0.5), jqd.instruments.DirichletMultinomial(0.1)
    means, counts = jnp.array([[1.0], [2.0]]), jnp.array([[6.0, 4], [5, 5], [9, 1]])
    noise = Together(kinds, ((2, 1), (3, 2)))
    values = jnp.concatenate([jnp.ravel(means), jnp.ravel(counts)])
    shares = noise.shares(values)
    alone = [kind.shares(own) for kind, own in zip(kinds, (means, counts), strict=True)]
    np.testing.assert_array_equal(shares, np.concatenate([*map(np.ravel, alone)]))
    at = noise.first_weights(shares)
    each = [kind.first_weights(own) for kind, own in zip(kinds, alone, strict=True)]
    assert jax.tree.structure(at) == jax.tree.structure(tuple(each))
    expected = [
        np.ravel(kind.residuals(own + 0.1, given, weights))
        for kind, own, given, weights in zip(
            kinds, alone, (means, counts), each, strict=True
        )
    ]
    got = noise.residuals(shares + 0.1, values, at)
    np.testing.assert_allclose(got, np.concatenate(expected), rtol=1e-12)

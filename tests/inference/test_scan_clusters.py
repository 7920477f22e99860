"""Scans whose runs have several rows: clusters of shots about one probability."""

import jax
import numpy as np
import pytest
from scipy import stats

import jqd
from jqd.inference.goodness import MISFIT
from jqd.instruments import Confusion, DirichletMultinomial, Multinomial

# angles of a fringe, each measured by clusters of so many shots
ANGLES, CLUSTERS, SHOTS, RHO, ANGLE = np.linspace(0.2, 6.0, 12), 60, 20, 0.06, 0.3
VISIT = np.repeat(np.arange(len(ANGLES)), CLUSTERS)


def probabilities(angle, contrast=1.0):
    """A qubit turned about x from a phase φ: p_0 = (1 - c sin φ sin 2 a)/2."""
    upper = 0.5 - 0.5 * contrast * np.sin(ANGLES) * np.sin(2 * angle)
    return np.stack([upper, 1 - upper], axis=1)


class Phase(jqd.Motion):
    """The fringe, as a law whose state stands still."""

    a: jax.Array
    phase: jax.Array

    def vector_field(self, t, state, args=None):
        return 0 * state

    def observables(self):
        return {"populations": lambda state: self.shown()}

    def shown(self):
        upper = 0.5 - 0.5 * jax.numpy.sin(self.phase) * jax.numpy.sin(2 * self.a)
        return jax.numpy.stack([upper, 1 - upper])


def study_of(counts, noise, visit=VISIT, nuisances=None):
    scan = jqd.Scan({"phase": ANGLES}, counts, noise, ts=1.0, visit=visit)
    return jqd.Study(
        Phase(jax.numpy.asarray(0.2), jax.numpy.asarray(0.0)), scan,
        psi0=np.zeros(1), free=("a",), nuisances=nuisances,
        instrument=Confusion(noise=Multinomial()), method=jqd.Fixed(None, 1),
    )  # fmt: skip


def drawn(p, rho, seed):
    rng = np.random.default_rng(seed)
    pi = rng.beta(p[VISIT, 0] * (1 - rho) / rho, p[VISIT, 1] * (1 - rho) / rho)
    n = rng.binomial(SHOTS, pi)
    return np.stack([n, SHOTS - n], axis=1).astype(float)


def fitted(counts):
    study = study_of(
        counts, DirichletMultinomial(0.02), nuisances={"rho": jqd.Uniform(0, 0.5)}
    )
    return jqd.recover(study, start={}, starts=1, search=None, held_out=0.0)


@pytest.fixture(scope="module")
def found():
    return fitted(drawn(probabilities(ANGLE), RHO, 1))


def test_rows_of_a_run_have_its_probabilities():
    counts = np.full((len(VISIT), 2), 10.0)
    study = study_of(counts, Multinomial())
    each = study_of(counts[: len(ANGLES)], Multinomial(), visit=None)
    theta = study.theta()
    np.testing.assert_array_equal(study.predict(theta), each.predict(theta)[VISIT])
    assert study.trajectory(theta).values.shape == (len(ANGLES), 2, 2)
    assert "60 of each of 12 runs" in repr(study.data)


def test_the_scatter_of_clusters_widens_the_error(found):
    """σ_a of the sums, whose variance is 1 + (N - 1) ρ times that of shots."""
    assert found.status == "converged"
    rho = found.constants["rho"]
    assert abs(rho.value - RHO) < 3 * rho.stderr < 0.5 * RHO
    p, total = probabilities(found.constants["a"].value)[:, 0], CLUSTERS * SHOTS
    slope = np.sin(ANGLES) * np.cos(2 * found.constants["a"].value)
    factor = 1 + (SHOTS - 1) * rho.value
    error = np.sum(slope**2 * total / (factor * p * (1 - p))) ** -0.5
    # weights are those of the fit, to 1e-3 standard errors of it
    assert found.constants["a"].stderr == pytest.approx(error, rel=1e-3)
    assert abs(found.constants["a"].value - ANGLE) < 3 * error


def test_what_the_sums_leave_is_said(found):
    counts = np.asarray(found.study.data.values)
    p = probabilities(found.constants["a"].value)
    factor = 1 + (SHOTS - 1) * found.constants["rho"].value
    mean = CLUSTERS * SHOTS * p
    summed = counts.reshape(len(ANGLES), CLUSTERS, 2).sum(axis=1)
    chi2 = np.sum((summed - mean) ** 2 / mean) / factor
    chance = stats.chi2.sf(chi2, len(ANGLES) - 1)
    said = f"chi-square {chi2:.4g} for 11 degrees of freedom (p = {chance:.2g})."
    assert said in found.message


def test_a_law_that_only_the_sums_contradict_is_refused():
    """A fringe with a second harmonic of which single clusters know nothing."""
    p = probabilities(ANGLE)
    p[:, 0] += 0.05 * np.cos(2 * ANGLES)
    p[:, 1] = 1 - p[:, 0]
    found = fitted(drawn(p, RHO, 2))
    assert found.p_value > 1e-3
    assert found.status == MISFIT
    assert "Added over the clusters of each run" in found.message
    with pytest.raises(ValueError, match="does not hold"):
        found.limit("a")


@pytest.mark.parametrize(
    "visit", [[0, 0, 1, 1], [0, 2, 1], [0, 1, 3], [0, 0.5, 2], [0, 1, 1], [1, 2, 3]]
)
def test_numbers_of_runs_that_cannot_be(visit):
    with pytest.raises(ValueError, match="`visit` must"):
        jqd.Scan(
            {"phase": np.ones(3)}, np.full((len(visit), 2), 5.0), Multinomial(),
            ts=1.0, visit=visit,
        )  # fmt: skip


def test_times_of_rows_beside_runs_are_refused():
    """Rows of one run cannot show several times."""
    with pytest.raises(ValueError, match="`ts` must have shape"):
        jqd.Scan(
            {"phase": np.ones(2)}, np.full((3, 2), 5.0), Multinomial(),
            ts=[1.0, 2.0, 3.0], visit=[0, 0, 1],
        )  # fmt: skip


def test_a_negative_distance_is_refused():
    with pytest.raises(ValueError, match="`within` must"):
        jqd.inference.Polish(within=-1e-3)


def test_numbers_of_runs_that_are_traced_are_refused():
    def of(visit):
        values = np.full((3, 2), 5.0)
        return jqd.Scan({"phase": np.ones(3)}, values, ts=1.0, visit=visit).ts

    with pytest.raises(ValueError, match="`visit` must be known"):
        jax.jit(of)(np.arange(3))

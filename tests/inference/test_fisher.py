"""Fisher information of studies: errors, null vectors, and where runs end."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.inference import standard_errors
from jqd.instruments import Confusion, Direct
from jqd.problems import golden

from .models import Parabola


def counts(ts):
    """Counts of copies at the point of quantum mechanics, 2e4 shots a time."""
    law, psi = golden()
    method = jqd.Fixed(jqd.steppers.rk4, 100, estimate_error=False)
    see = Confusion(readout=0.01)
    p = jqd.evolve(
        law, law.prepare(psi), np.r_[0, ts], method=method, observe="density"
    )
    p = 0.99 * np.asarray(p.values)[1:] + 0.01 / 3
    data = jqd.Record(ts, np.round(2e4 * p), jqd.Multinomial(), t0=0.0)
    return law, data, {"psi0": psi, "instrument": see}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sd", "expected"),
    [
        # radians on the phases of the couplings
        (0.01, (0.0058382, 0.0080303)),
        # .01 on real and imaginary parts: over |H| on the phases; by differences of
        # exp(-iHt) in SciPy
        (0.01 / np.array([0.7, 0.5, 0.6]), (0.0062401, 0.0082405)),
    ],
    ids=["phases", "parts"],
)
def test_errors_of_copies_with_an_unknown_hamiltonian(sd, expected):
    """Known and with priors (T7)."""
    law, data, rest = counts(np.arange(1, 7) * 5 / 6)
    nuisances = {
        # one energy is the zero of all
        "omega": ([0, 0.4, -0.3], [1e-6, 0.01, 0.01]),
        "R": ([0.7, 0.5, 0.6], 0.01),
        "delta": jqd.Normal([0.3, 0, -1.0], sd),
        "readout": (0.01, 0.002),
    }
    study = jqd.Study(law, data, free=("q", "r"), nuisances=nuisances, **rest)
    found = jqd.fisher(study, rtol=2e-5)
    assert found.status is jqd.Status.OK
    assert found.change < 2e-5
    # counts are whole numbers: 1e-4 of their square roots
    np.testing.assert_allclose(
        found.errors.known[:2], [0.0039864, 0.0011318], rtol=1e-4
    )
    np.testing.assert_allclose(found.errors.aided[:2], expected, rtol=1e-4)
    assert found.stderr("q") == found.errors.aided[0]
    # a common shift of energies is seen by no record
    null = np.zeros(12)
    null[2:5] = 3**-0.5
    np.testing.assert_allclose(np.abs(found.null_vectors), null[None], atol=1e-6)
    # the same as from residuals, which had these steps
    fine = study.with_substeps(400)
    again = standard_errors(fine, study.theta())
    np.testing.assert_allclose(found.errors.aided, again.aided, rtol=1e-3)
    np.testing.assert_allclose(
        np.diag(np.linalg.inv(found.matrix))[:2] ** 0.5, expected, rtol=1e-4
    )


@pytest.mark.parametrize(("off", "values"), [(0.0, 1), (0.3, 2)])
def test_what_is_assumed_of_rows_is_said(off, values):
    """x = a t and 1 - x: where rows sum to 1 they are one number, F = Σ t²/σ², and else
    two; a design of all shots at one time has an error of σ/t √(values N)."""
    ts, sigma = np.array([0.5, 1.0, 2.0]), 0.1
    rows = np.stack([0.2 * ts, 1 - 0.2 * ts + off], axis=1)
    study = jqd.Study(
        Parabola(jnp.asarray(0.2), jnp.asarray(0.0)),
        jqd.Record(ts, rows, jqd.Gaussian(sigma), t0=0.0),
        psi0=jnp.zeros(1), free="a",
        instrument=Direct(lambda t, state: jnp.concatenate([state, 1 - state])),
        method=jqd.Fixed(jqd.steppers.rk4, estimate_error=False),
    )  # fmt: skip
    found, planned = jqd.fisher(study), jqd.design(study, shots=4.0)
    # linear in a: to rounding of sums
    assert float(found.matrix[0, 0]) == pytest.approx(
        values * np.sum(ts**2) / sigma**2, rel=1e-9
    )
    assert planned.stderr("a") == pytest.approx(
        sigma / 2 / np.sqrt(4 * values), rel=1e-5
    )
    for one in (found, planned):
        assert (one.assumed is not None) == (values == 1)
        assert ("a row of M values counts for M - 1" in str(one)) == (values == 1)


@pytest.mark.slow
def test_what_is_known_of_nothing_says_so():
    law, data, rest = counts(np.array([1.0, 2.0]))
    study = jqd.Study(law, data, free=("q", "omega"), **rest)
    found = jqd.fisher(study)
    assert found.status is jqd.Status.UNIDENTIFIABLE
    assert np.isfinite(found.stderr("q"))
    assert found.stderr("omega[0]") == np.inf
    with pytest.raises(ValueError, match="`label` must be one of"):
        found.stderr("nobody")


@pytest.mark.parametrize(
    ("prior", "said"),
    [
        (([0.1, 0.2], 0.1), "one for each of its 3 entries, but gives 2"),
        (jqd.Normal(0.1, [0.1, 0.2]), "one for each of its 3 entries, but gives 2"),
        (([0.1, 0.2, 0.3], [0.1, 0.0, 0.1]), "must be positive"),
        (([[0.1]], 0.1), "must have shape"),
    ],
)
def test_priors_of_entries_that_cannot_be(prior, said):
    law, data, rest = counts(np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match=said):
        jqd.Study(law, data, free="q", nuisances={"R": prior}, **rest)


def test_a_prior_may_differ_from_entry_to_entry():
    law, data, rest = counts(np.array([1.0, 2.0]))
    prior = {"R": ([0.7, 0.5, 0.6], [0.1, 0.2, 0.3])}
    study = jqd.Study(law, data, free="q", nuisances=prior, **rest)
    mean, sd = study.prior()
    np.testing.assert_array_equal(mean, [0, 0.7, 0.5, 0.6])
    np.testing.assert_array_equal(sd, [np.inf, 0.1, 0.2, 0.3])
    low, high = study.bounds()
    np.testing.assert_allclose(high[1:] - low[1:], 4 * np.array([0.1, 0.2, 0.3]))
    np.testing.assert_allclose(study.theta(), [0.5, 0.7, 0.5, 0.6])
    batch = jax.vmap(lambda s: jqd.Normal(jnp.zeros(2), s).sd)(jnp.ones((4, 2)))
    assert batch.shape == (4, 2)


@pytest.mark.slow
def test_a_nuisance_at_its_bound_is_seen_as_well_as_inside():
    law, data, rest = counts(np.array([1.0, 2.0]))
    found = []
    for readout in (0.0, 1e-9):
        rest["instrument"] = Confusion(readout=readout)
        prior = {"readout": (readout, 0.01)}
        study = jqd.Study(law, data, free="q", nuisances=prior, **rest)
        found.append(jqd.fisher(study).matrix)
    # slopes that differ by the step of 1e-9
    np.testing.assert_allclose(found[0], found[1], rtol=1e-7)

"""Lower bounds on N, against SciPy's Clopper-Pearson limits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import betaincinv
from scipy.stats import binomtest

import jqd
from jqd.inference.bounds import failure_limit

LAMBDA = 138.629


def test_examples():
    found = jqd.inference.bounds.bounds_on_copies(
        failures=37, shots=100_000, infidelity=LAMBDA
    )
    assert found.copies == pytest.approx(2.8482e5, rel=1e-4)
    assert found.failure_limit == pytest.approx(4.8673e-4, rel=1e-4)
    assert jqd.inference.bounds.bounds_on_copies(
        0, 10**6, LAMBDA
    ).copies == pytest.approx(4.6276e7, rel=1e-4)


@pytest.mark.parametrize(
    ("failures", "shots", "confidence"),
    [
        (3, 17, 0.99),
        (0, 1, 0.5),
        (123, 456_789, 0.6827),
        (999_999, 10**6, 0.95),
        (2, 10**9, 0.9999),
        (5, 10, 0.001),
    ],
)
def test_limits_are_those_of_scipy(failures, shots, confidence):
    u = failure_limit(failures, shots, confidence)
    expected = betaincinv(failures + 1, shots - failures, confidence)
    # two series of the incomplete beta function, each 1e-11 off at a million runs
    assert u == pytest.approx(expected, rel=1e-9)
    test = binomtest(failures, shots, alternative="less")
    limit = test.proportion_ci(confidence, method="exact").high
    assert u == pytest.approx(limit, rel=1e-9)


def test_the_limit_covers():
    """u, where K or fewer of n fail in 1 - confidence of the records."""
    u = np.asarray(failure_limit(4, 200, 0.9))
    assert binomtest(4, 200, u, "less").pvalue == pytest.approx(0.1, rel=1e-9)


def test_runs_that_all_fail():
    assert failure_limit(7, 7) == 1
    found = jqd.inference.bounds.bounds_on_copies(7, 7, 2.0)
    assert found.copies == 2.0
    assert "does not hold there" in str(found)


@pytest.mark.slow
def test_lambda_is_what_the_ensemble_loses():
    """A Rabi period between .8 and .2 loses ln(.8/.2): 100 of them make the example."""
    law = jqd.CopyDynamics.from_hamiltonian(np.array([[0, 0.5], [0.5, 0]]))
    psi0 = np.sqrt([0.8, 0.2])
    ts = np.linspace(0, 2 * np.pi, 5)
    lost = jqd.ensembles.copying.infidelity(law, psi0, ts).value[-1]
    # fourth-order steps, 50 of them a quarter; LAMBDA has six digits
    assert 100 * lost == pytest.approx(LAMBDA, rel=4e-6)


def test_words():
    told = str(jqd.inference.bounds.bounds_on_copies(37, 100_000, LAMBDA))
    assert told.startswith("N >= 2.848e+05 (95 %, one-sided): 37 failures of 100000")
    for part in (
        "This is a lower bound only",
        "attributes all failures to N",
        "no other error cancels",
    ):
        assert part in told
    assert "does not hold there" not in told


def test_lambda_less_its_error():
    """What Λ may be too large by would make the bound too strong."""
    plain = jqd.inference.bounds.bounds_on_copies(37, 100_000, LAMBDA)
    found = jqd.inference.bounds.bounds_on_copies(
        37, 100_000, LAMBDA, infidelity_error=8.629
    )
    assert found.copies == pytest.approx(plain.copies * (1 - 8.629 / LAMBDA))
    assert f"{LAMBDA:.6g}/N, 8.6 less for its error" in str(found)
    assert "less for its error" not in str(plain)
    for wrong in (LAMBDA, 200.0, np.inf, np.nan, -1.0):
        with pytest.raises(ValueError, match="`infidelity_error` must"):
            jqd.inference.bounds.bounds_on_copies(
                37, 100_000, LAMBDA, infidelity_error=wrong
            )


def test_vmap():
    failures = jnp.array([0, 37, 100])
    found = jax.jit(
        jax.vmap(lambda k: jqd.inference.bounds.bounds_on_copies(k, 100, LAMBDA))
    )(failures)
    one = jqd.inference.bounds.bounds_on_copies(37, 100, LAMBDA)
    assert found.copies[1] == pytest.approx(float(one.copies), rel=1e-12)
    assert found.failure_limit[2] == 1


def test_nonsense_is_refused(complaints):
    good = {"failures": 3, "shots": 10, "infidelity": 2.0, "confidence": 0.9}
    for name, kinds in {
        "failures": "rate none",
        "shots": "positive none",
        "infidelity": "positive none",
        "confidence": "positive none",
    }.items():
        assert (
            complaints(jqd.inference.bounds.bounds_on_copies, good, name, kinds) == {}
        )
    for change, part in (
        ({"failures": 11}, "`failures` must be at most the number of shots, 10"),
        ({"failures": 1.5}, "`failures` must hold whole numbers"),
        ({"shots": 0}, "`shots` must be positive"),
        ({"confidence": 1.0}, "`confidence` must be below 1"),
    ):
        with pytest.raises(ValueError, match=part):
            jqd.inference.bounds.bounds_on_copies(**{**good, **change})

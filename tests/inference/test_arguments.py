"""What functions of inference are given and cannot use, each in one line."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jqd
from jqd.ensembles import coarse_entropy, relative_entropy
from jqd.inference import Study, horizon, identifiability, standard_errors
from jqd.inference.evidence import evidence
from jqd.instruments import Confusion, Correlated, Gaussian, Multinomial

TS = np.linspace(0, 6, 13)
P = (1 + 0.6 * np.cos(TS)) / 2
COUNTS = np.round(500_000 * np.stack([P, 1 - P], axis=1))
PSI = np.sqrt([0.8, 0.2]) + 0j


def law():
    return jqd.CopyDynamics.from_hamiltonian(jnp.array([[0.0, 0.5], [0.5, 0.0]]))


@pytest.fixture(scope="module")
def study():
    data = jqd.Record(TS, COUNTS, Multinomial())
    return Study(law(), data, psi0=PSI, free=("q",))


def test_errors_of_data_without_errors_are_refused():
    """As `jqd.fisher` does; they were those of unit errors."""
    bare = Study(law(), jqd.Record(TS, COUNTS / 500_000), psi0=PSI, free=("q",))
    theta = bare.theta()
    for call in (standard_errors, horizon, jqd.fisher):
        with pytest.raises(ValueError, match="`study` must say how the values of its"):
            call(bare, theta)
    with pytest.raises(ValueError, match="`data` must say how its values scatter"):
        bare.information(theta)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda s: jqd.recover([s, s]), "`law` must hold each study and its data"),
        (lambda s: jqd.recover([1, 2]), "`law` must be one law or one Study, but is"),
        (lambda s: jqd.fit(None), "`law` must be one law or one Study, but is None"),
        (lambda s: Study([law()], s.data, psi0=PSI, free=("q",)), "`law` must be a"),
        (lambda s: jqd.recover(law(), s.data), "`psi0` must be given"),
        (lambda s: jqd.recover(law(), s.data, psi0=PSI), "`free` must be given"),
        (lambda s: jqd.recover(s, step_tolerance=0.0), "`step_tolerance` must be pos"),
        (lambda s: jqd.recover(s, substeps=0), "`substeps` must be at least 1"),
        (lambda s: jqd.fisher(None), "`study` must be a Study, but is None"),
        (lambda s: jqd.posterior(3), "`study` must be a Study or a Recovery, but is a"),
        (lambda s: evidence(None), "`study` must be a Study, but is None"),
        (lambda s: jqd.design(None, shots=9), "`study` must be a Study, but is None"),
        (lambda s: standard_errors(None, [1.0]), "`study` must be a Study, but is"),
        (lambda s: identifiability(None, jnp.zeros(1)), "`study` must be a Study"),
        (lambda s: Gaussian("0.1"), "`sigma` must be a number or an array of numbers"),
        (lambda s: Gaussian(None), "`sigma` must be a number or an array of numbers"),
        (lambda s: Correlated("x"), "`covariance` must be a number or an array"),
        (lambda s: Multinomial().check(jnp.asarray([[3.0, 4], [0, 0], [0, 0]])),
         r"`values` must hold some counts in each row, but row 1, 2 \(from 0\) holds"),
        (lambda s: Multinomial().check(jnp.asarray([[3.0, 4], [5, -1]])),
         r"`values` must hold counts that are not negative, but entry \[1, 1\] is -1"),
        (lambda s: relative_entropy("x", [0.2, 0.8]), "`p` must be a number or an"),
        (lambda s: relative_entropy([0.5, 0.5], [1.0]), "`q` must have shape"),
    ],
)  # fmt: skip
def test_what_is_no_study_law_or_number_is_named(study, call, said):
    with pytest.raises(ValueError, match=f"Argument {said}"):
        call(study)


@pytest.mark.parametrize(
    "call",
    [
        lambda s, key: jqd.recover(s, key=key),
        lambda s, key: jqd.fit(s, key=key),
        lambda s, key: jqd.posterior(s, "laplace", key=key),
        lambda s, key: jqd.simulate(law(), PSI, TS, Confusion(), 10, key),
        lambda s, key: jqd.statistics.sample_weights(key, 3),
        lambda s, key: jqd.statistics.sample_occupations(key, 3, 2, 1.0),
        lambda s, key: jqd.states.sample_husimi(key, PSI, 3),
    ],
)
@pytest.mark.parametrize("key", [3, 0.5, "x", np.arange(3)])
def test_a_key_is_one_of_jax(study, call, key):
    with pytest.raises(
        ValueError, match=r"Argument `key` must be one key, such as jax"
    ):
        call(study, key)


def test_entropies_take_lists():
    p, q = [0.5, 0.5], [0.2, 0.8]
    assert float(relative_entropy(p, q)) == pytest.approx(stats.entropy(p, q))
    both = coarse_entropy([5, 5], q), coarse_entropy(jnp.asarray([5.0, 5]), q)
    assert both[0].value == both[1].value


def test_an_error_of_the_read_out_is_named():
    """(1 - ε) p + ε/2 with ε = .04, which 500 000 shots do not overlook."""
    read = np.round(0.96 * COUNTS + 0.02 * COUNTS.sum(axis=1, keepdims=True))
    with pytest.raises(ValueError, match="it fits if a share readout") as why:
        Study(law(), jqd.Record(TS, read, Multinomial()), psi0=PSI, free=("q",))
    assert "readout = 0.04 of the shots shows a random class" in str(why.value)
    assert "`instrument=jqd.instruments.Confusion(readout=0.04)`" in str(why.value)
    # what it proposes is taken
    seen = jqd.instruments.Confusion(readout=0.04)
    Study(
        law(), jqd.Record(TS, read, Multinomial()), psi0=PSI, free=("q",),
        instrument=seen,
    )  # fmt: skip


@pytest.mark.slow
def test_a_posterior_is_drawn_about_a_recovery(study):
    found = jqd.recover(study, starts=1, start={"q": 0.5}, search=None)
    options = {"draws": 50, "chains": 1, "key": jax.random.key(1)}
    drawn = jqd.posterior(found, "laplace", **options)
    np.testing.assert_array_equal(drawn.theta, found.theta)
    again = jqd.posterior(found.study, "laplace", theta=found.theta, **options)
    # steps are refined until ln L changes by less than 1e-4, as much as √2e-4 standard
    # errors from its maximum do
    size = np.std(np.asarray(drawn.draws["q"]))
    np.testing.assert_allclose(drawn.draws["q"], again.draws["q"], atol=0.02 * size)

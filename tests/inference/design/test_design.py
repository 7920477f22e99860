"""Designs of whole studies: weights, errors, shots, rivals, and what is refused."""

import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.instruments import Confusion, Direct
from jqd.problems import golden

from ..models import Parabola, itself

TIMES = np.arange(1, 51) / 10
SIGMA = 0.3


def parabola(ts=(0.5, 1.0, 2.0), free=("a",), nuisances=None, noise=SIGMA):
    law = Parabola(jnp.asarray(0.5), jnp.asarray(0.1))
    noise = None if noise is None else jqd.Gaussian(noise)
    data = jqd.Record(np.asarray(ts), np.zeros((len(ts), 1)), noise, t0=0.0)
    see = Direct(itself)
    method = jqd.Fixed(jqd.steppers.rk4, estimate_error=False)
    return jqd.Study(
        law, data, psi0=jnp.zeros(1), free=free, instrument=see, nuisances=nuisances,
        method=method,
    )  # fmt: skip


def copies(free=("q", "r"), nuisances=None, ts=TIMES):
    law, psi = golden()
    p = np.full((len(ts), 3), 1000.0)
    data = jqd.Record(ts, p, jqd.Multinomial(), t0=0.0)
    return jqd.Study(
        law, data, psi0=psi, free=free, instrument=Confusion(readout=0.01),
        nuisances=nuisances,
    )  # fmt: skip


# -- shares and errors ---------------------------------------------------------------


@pytest.mark.slow
def test_d_design_of_copies():
    """Times and shares by a multiplicative algorithm of another program (T9)."""
    found = jqd.design(copies(), shots=1.2e5, criterion="D")
    assert found.status is jqd.Status.OK
    shares = {setting.t: share for setting, share in found.support}
    assert sorted(shares) == [4.6, 5.0]
    np.testing.assert_allclose(shares[4.6], 0.51015, atol=2e-4)
    np.testing.assert_allclose(-found.value, 25.99830, atol=1e-5)
    assert found.gap < 1e-6
    # linear response and the law agree, so that neither has an error of its own
    assert found.disagreement < 1e-4
    assert found.allocation().sum() == 120000
    assert "t = 4.6" in str(found)


@pytest.mark.slow
def test_a_design_of_copies_with_an_unknown_hamiltonian():
    nuisances = {
        "omega": ([0, 0.4, -0.3], [1e-6, 0.01, 0.01]),
        "R": ([0.7, 0.5, 0.6], 0.01),
        "delta": ([0.3, 0, -1.0], 0.01),
        "readout": (0.01, 0.002),
    }
    study = copies(nuisances=nuisances)
    found = jqd.design(study, shots=1.2e5)
    # digits given
    np.testing.assert_allclose(found.stderr("q"), 0.005044, atol=1e-6)
    np.testing.assert_allclose(found.stderr("r"), 0.007790, atol=1e-6)
    support = [setting.t for setting, share in found.support if share > 1e-4]
    assert support == [0.8, 0.9, 2.1, 2.8, 2.9, 3.5, 3.6, 4.6, 5.0]
    even = jqd.design(study, shots=1.2e5, shares="even")
    np.testing.assert_allclose(even.stderr("q"), 0.006225, atol=1e-6)
    np.testing.assert_allclose(even.stderr("r"), 0.007965, atol=1e-6)
    assert even.status is jqd.Status.NOT_CONVERGED
    # the energy offset is a null direction of the record, which is none of q and r
    null = np.zeros(len(found.labels))
    null[2:5] = 3**-0.5
    np.testing.assert_allclose(np.abs(found.null_vectors), null[None], atol=1e-6)


def test_errors_and_shots_where_calibration_ends_it():
    """One time: a and b are one number, b is known to .2."""
    study = parabola(nuisances={"b": (0.1, 0.2)})
    found = jqd.design(study, candidates=[1.0], shots=9)
    # sd² = σ²/(N t²) + sd_b² t²
    np.testing.assert_allclose(found.stderr("a") ** 2, SIGMA**2 / 9 + 0.04, rtol=1e-9)
    np.testing.assert_allclose(found.standard_errors.known[0], 0.1, rtol=1e-9)
    assert np.all(np.isinf(found.standard_errors.alone))
    need = found.shots_for(5, 1.5)
    np.testing.assert_allclose(need.number, SIGMA**2 / (0.3**2 - 0.04), rtol=1e-9)
    np.testing.assert_allclose(need.limit, 0.2, rtol=1e-6)
    never = found.shots_for(5, 0.9, of="a")
    assert never.number == np.inf
    np.testing.assert_allclose(never.limit, 0.2, rtol=1e-6)


@pytest.mark.slow
def test_shots_without_priors_are_in_closed_form():
    found = jqd.design(parabola(free=("a", "b")), shots=9, criterion="A")
    need = found.shots_for(4, 0.25, of="a")
    V = np.linalg.inv(np.asarray(found.record) / 9)
    np.testing.assert_allclose(need.number, 16 * V[0, 0] / 0.25**2, rtol=1e-9)
    assert need.limit == 0


@pytest.mark.slow
def test_several_studies_are_candidates_together():
    """A sharper instrument takes all the shots of its times."""
    fine, coarse = parabola(noise=0.1), parabola(noise=0.3)
    found = jqd.design(fine, candidates={"fine": fine, "coarse": coarse}, shots=100)
    (setting, share) = found.support[0]
    assert (setting.study, setting.t, share) == ("fine", 2.0, 1.0)
    np.testing.assert_allclose(found.stderr("a"), 0.1 / 2 / 10, rtol=1e-9)


@pytest.mark.slow
def test_accuracies_that_are_wanted_scale_the_constants():
    """With b wanted a thousand times better than a, a does not count."""
    study = parabola(np.linspace(0.2, 2, 7), free=("a", "b"))
    alone = jqd.design(study, shots=1, criterion="c", wanted="b")
    scaled = jqd.design(study, shots=1, wanted={"a": 1.0, "b": 1e-3})
    np.testing.assert_allclose(scaled.stderr("b"), alone.stderr("b"), rtol=1e-4)
    both = jqd.design(study, shots=1, wanted={"a": 1.0, "b": 1.0})
    assert both.stderr("a") < 0.99 * alone.stderr("a")
    # a combination: the value at t = 1 is best told by looks at t = 1 ... or around it
    at_one = jqd.design(
        study, shots=1, candidates=[0.5, 1.0, 2.0], criterion="c",
        wanted={"a": 1.0, "b": 1.0},
    )  # fmt: skip
    # one setting leaves the other combination open: shares come near it slowly, and how
    # near depends on rounding; the design says by how much another may be better
    assert at_one.gap < 1e-3
    assert at_one.value <= SIGMA**2 * (1 + max(at_one.gap, 1e-6))


# -- rivals --------------------------------------------------------------------------


@pytest.mark.slow
def test_shots_that_tell_a_rival_exponent():
    """q = .49 against quantum mechanics, nothing else free."""
    study = copies(free=("q",))
    options = {"shots": 1e5, "criterion": "KL", "rival": {"q": 0.49}}
    even = jqd.design(study, shares="even", **options)
    np.testing.assert_allclose(even.value / 2e5, 2.362e-5, rtol=3e-4)
    np.testing.assert_allclose(even.shots_for(5).number, 5.29e5, rtol=1e-3)
    best = jqd.design(study, **options)
    assert [setting.t for setting, _ in best.support] == [4.7]
    np.testing.assert_allclose(best.value / 2e5, 8.966e-5, rtol=3e-4)
    np.testing.assert_allclose(best.shots_for(5).number, 1.39e5, rtol=5e-3)


@pytest.mark.slow
def test_nuisances_of_a_rival_are_fitted():
    """A slope of .2 more that b makes up for where it may: by hand at two times."""
    study = parabola((1.0, 2.0), nuisances={"b": (0.1, 0.5)})
    found = jqd.design(study, shots=20, criterion="KL", rival={"a": 0.7}, shares="even")

    def cost(b):
        misses = 0.2 * np.array([1, 2.0]) + (b - 0.1) * np.array([1, 4.0])
        return np.sum(10 * (misses / SIGMA) ** 2) + ((b - 0.1) / 0.5) ** 2

    # a parabola of b: three points give its minimum
    low, middle, high = (cost(b) for b in (-1.0, 0.0, 1.0))
    curve, tilt = (high + low) / 2 - middle, (high - low) / 2
    np.testing.assert_allclose(found.value, middle - tilt**2 / (4 * curve), rtol=1e-6)
    best = jqd.design(study, shots=20, criterion="KL", rival={"a": 0.7})
    assert best.value >= found.value
    assert best.gap <= 1e-6


@pytest.mark.slow
def test_a_rival_that_is_matched_is_refused():
    study = parabola(nuisances={"b": (0.1, 0.5)})
    with pytest.raises(
        jqd.inference.Unidentifiable, match="`rival` must differ from the law"
    ):
        jqd.design(study, shots=10, criterion="KL", rival=parabola(free=("a", "b")))


# -- what is refused -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"shots": 0}, "`shots` must be positive"),
        ({"shots": -3.0}, "`shots` must be positive"),
        ({"shots": np.nan}, "`shots` must be finite"),
        ({"candidates": []}, "`candidates` must not be empty"),
        ({"candidates": {}}, "`candidates` must not be empty"),
        ({"candidates": [-1.0, 1.0]}, "`candidates` must not be before the initial"),
        ({"candidates": [1.0, 0.5]}, "`candidates` must increase strictly"),
        ({"candidates": {"x": 3}}, "`candidates` must hold times, or studies"),
        ({"wanted": "nobody"}, "`wanted` must be one of 'a', 'b', but it is 'nobody'"),
        ({"wanted": ()}, "`wanted` must name a constant"),
        ({"wanted": {"a": 0.0}}, r"`wanted\['a'\]` must be positive"),
        ({"criterion": "E"}, "`criterion` must be one of 'A', 'D', 'c', 'KL'"),
        ({"criterion": "KL"}, "`rival` must be other constants or a study"),
        ({"rival": {"a": 1.0}}, "`rival` must be None for 'A'"),
        (
            {"criterion": "KL", "rival": {"c": 1.0}},
            "`rival` must be one of 'a', 'b', but",
        ),
        ({"criterion": "KL", "rival": 3}, "`rival` must be {name: value} or a study"),
        ({"shares": [0.5, 0.6, 0.0]}, "`shares` must have the sum 1"),
        ({"shares": [1.0]}, r"`shares` must have shape \(3,\)"),
        ({"theta": [1.0]}, r"`theta` must have shape \(2,\)"),
        ({"candidates": [1.0]}, r"constrain nothing along .*a .*b; give one of these"),
    ],
)
def test_what_makes_no_design(options, said):
    with pytest.raises(ValueError, match=said):
        jqd.design(parabola(free=("a", "b")), **{"shots": 10, **options})


def test_noise_that_has_no_shots_is_refused():
    with pytest.raises(ValueError, match="must say how the values of its record"):
        jqd.design(parabola(noise=None), shots=10)
    with pytest.raises(ValueError, match="must say how the values of its record"):
        jqd.fisher(parabola(noise=None))


def test_other_constants_in_a_candidate_are_refused():
    study = parabola(free=("a", "b"))
    with pytest.raises(ValueError, match="must be studies of the same constants, a, b"):
        jqd.design(study, candidates=[study, parabola()], shots=10)


@pytest.mark.slow
def test_a_law_that_ends_before_the_last_time_says_so():
    law, psi = golden(0.9, 0.5)
    data = jqd.Record(TIMES, np.full((50, 3), 10.0), jqd.Multinomial(), t0=0.0)
    study = jqd.Study(law, data, psi0=psi, free="q", instrument=Confusion(readout=0.01))
    assert jqd.fisher(study).status is jqd.Status.NODE
    assert jqd.design(study, shots=10).status is jqd.Status.NODE

"""The window of C: what states declare, what arrays tell, what fits obey."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import constants
from jqd.laws.husimi import (
    BeyondWindow,
    DisplacedThermal,
    Exact,
    Fock,
    GaussianForm,
    GaussianSum,
    HusimiFokkerPlanck,
    Series,
    WignerGrid,
    largest_C,
)
from jqd.laws.start import as_start
from jqd.states import (
    Cat,
    Ensemble,
    Finite,
    Mixture,
    Product,
    TwoModeSqueezed,
    as_ensemble,
    cat,
    coherent,
    covariance,
    number_state,
    product,
    squeezed,
    thermal,
)
from jqd.states import GaussianState as Gauss

ALPHA = 0.6 - 0.4j
SQUEEZING = "ad*a + 0.25*(a^2 + ad^2)"
POINTS = jnp.asarray([0.3 + 0.5j, -0.8j, 1.1 + 0.2j])
SQUEEZED_ONE = 1 + np.exp(-2.0)


def single(levels, r=1.0):
    """A squeezed vacuum cut off wherever it is."""
    whole = np.asarray(squeezed(r, 128 if r > 0.5 else levels))
    return Ensemble(jnp.asarray(whole[None, :levels]), jnp.ones(1))


def law_of(C, form, text=SQUEEZING):
    return HusimiFokkerPlanck(text, C, points=POINTS, form=form)


# -- declared ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "end"),
    [
        (Gauss(r=1.0), 1.135335283),
        (Gauss(ALPHA, r=-1.0, angle=0.3), 1.135335283),
        (TwoModeSqueezed(1.0), 1.135335283),
        (Gauss(nbar=1.0), 4.0),
        (Gauss(r=0.3, nbar=0.5), 2.097623272),
        (Cat([1.0, -1.0], [1.0, 1.0], r=0.5), 1.367879441),
        (
            Mixture([0.99, 0.01], [Gauss(ALPHA), Gauss(r=1.0)]),
            1.135335283,
        ),
        (Product(Gauss(nbar=1.0), TwoModeSqueezed(1.0)), 1.135335283),
        (Gauss(ALPHA), 2.0),
        (Finite(number_state(3, 4)), 2.0),
        (GaussianSum.squeezed(1.0), 1.135335283),
        (GaussianSum.thermal([1.0, 2.0]), 4.0),
        (DisplacedThermal(ALPHA, 0.05).state(), 2.1),
    ],
)
def test_declared_windows_in_closed_form(state, end):
    found = largest_C(state)
    assert found.kind == "exact"
    # the figures have ten digits
    np.testing.assert_allclose(found.value, end, rtol=0, atol=1e-9)
    assert "exactly" in str(found)


@pytest.mark.sampled
@pytest.mark.parametrize(
    "state",
    [Gauss(r=0.3), Gauss(ALPHA, nbar=0.3), Cat([1, -1], [1, 1], r=0.3)],
)
def test_windows_do_not_depend_on_levels(state):
    ends = [largest_C(state.ensemble(levels)) for levels in (20, 60, 120)]
    # declared, so the very same number
    assert ends == [(state.largest_C, "exact")] * 3
    assert largest_C(as_ensemble(state, levels=40)) == ends[0]


def test_hbar_of_a_sum_of_gaussians():
    sums = GaussianSum.squeezed(1.0, hbar=0.7)
    np.testing.assert_allclose(
        largest_C(sums, hbar=0.7).value, SQUEEZED_ONE, rtol=0, atol=1e-12
    )


# -- estimated -----------------------------------------------------------------------


@pytest.mark.parametrize(("r", "end"), [(1.0, 1.1394), (0.3, 1.5541)])
def test_estimate_from_an_array(r, end):
    found = largest_C(single(60, r))
    assert found.kind == "estimate"
    # it falls to the exact end as one over the levels, which it has not reached
    np.testing.assert_allclose(found.value, end, rtol=0, atol=1e-3)
    assert "estimate" in str(found)


def test_estimates_settle_and_do_not_follow_the_cut():
    ends = np.array([largest_C(single(n)).value for n in (40, 60, 100)])
    # 1.1427, 1.1394, 1.1376 to the last level that is not empty
    np.testing.assert_allclose(ends, [1.1427, 1.1394, 1.1376], rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    "state",
    [
        coherent(1.3, 40),
        coherent(3.0, 60),
        cat([1.5, -1.5], [1.0, 1.0], 40),
        cat([2.5, -2.5], [1.0, 1.0], 60),
        number_state(3, 40),
        number_state(30, 40),
        thermal(0.5, 40),
        thermal(1.0, 40, ALPHA),
        np.asarray(coherent(1.2, 60)) + 1e-17 * np.cos(np.arange(60.0) ** 2),
        np.asarray(coherent(1.2, 120)) + 1e-16 * np.cos(np.arange(120.0) ** 2),
    ],
)
def test_arrays_that_contradict_nothing_are_quiet(state):
    assert largest_C(as_ensemble(state)).kind == "at least"
    for C in (0.5, 1.0, 1.3, 1.9, 1.99):
        law_of(C, Fock(120)).prepare(state)


@pytest.mark.slow
def test_several_modes():
    pair = TwoModeSqueezed(0.5).ensemble(24)
    bare = Ensemble(pair.kets, pair.weights)
    found = largest_C(bare)
    assert found.kind == "estimate"
    # moments of a ket that lacks 1e-8 of its norm at the last levels
    np.testing.assert_allclose(found.value, 1 + np.exp(-1.0), rtol=0, atol=1e-6)
    plain = as_ensemble(product(coherent(0.5, 12), coherent(ALPHA, 12)), 2)
    assert largest_C(plain) == (2.0, "at least")
    mixed = as_ensemble(product(thermal(0.1, 8), coherent(0.1, 8)), 2)
    assert largest_C(mixed) == (1.0, "at least")


# -- refused, warned of ----------------------------------------------------------------


@pytest.mark.sampled
@pytest.mark.parametrize("form", [Exact(60), Fock(60), WignerGrid(32)])
def test_declared_windows_refuse(form):
    state = Gauss(r=0.5)
    end = 1 + np.exp(-1.0)
    law_of(end - 1e-3, form).prepare(state)
    for C in (end, end + 1e-3, 2.5, -0.1):
        with pytest.raises(ValueError, match=rf"C_max = {end:.6g}"):
            law_of(C, form).prepare(state)
    # what the form 'gaussian' solves beyond ends with a status
    law_of(end + 0.1, GaussianForm()).prepare(state)


def test_estimates_warn():
    state = squeezed(0.5, 60)
    with pytest.warns(BeyondWindow, match="an estimate from an array"):
        law_of(1.45, Exact(80)).prepare(state)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        law_of(1.3, Exact(80)).prepare(state)
    for C in (0.0, 2.0, 2.5):
        with pytest.raises(ValueError, match="C_max = 2"):
            law_of(C, Exact(80)).prepare(state)


def test_kets_end_at_two_whatever_their_window():
    start = Gauss(nbar=1.0)
    with pytest.raises(ValueError, match="must be below 2"):
        law_of(2.5, Exact(60)).prepare(start.ensemble(40))
    with pytest.raises(ValueError, match="must be below 2"):
        law_of(2.5, Fock(40)).prepare(start)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Gauss(angle=0.1), "without r"),
        (lambda: Gauss(nbar=-0.1), "nbar"),
        (lambda: Gauss([0.1, 0.2]), "`alpha` must"),
        (lambda: Mixture([0.5, 0.4], [Gauss(), Gauss(0.1)]), "sum 1"),
        (
            lambda: Mixture([1.0], [Gauss(), Gauss(0.1)]),
            "probabilities",
        ),
        (
            lambda: Mixture([0.5, 0.5], [Gauss(), TwoModeSqueezed(0.1)]),
            "as many",
        ),
        (lambda: Product(coherent(0.1, 8)), "described states"),
        (lambda: Gauss(nbar=1.0).ensemble(8), "`levels` must be enough"),
        (lambda: Gauss(r=1.0).ensemble(20), "`levels` must be at least"),
        (lambda: TwoModeSqueezed(1.0).ensemble(5), "must be at least 26"),
        (lambda: Finite(number_state(3, 4)).ensemble(3), "`levels` must be at least"),
        (lambda: as_ensemble(Gauss()), "ensemble"),
        (lambda: law_of(0.9, Exact(20)).prepare(TwoModeSqueezed(0.1)), "1 modes"),
        (
            lambda: law_of(0.9, GaussianForm()).prepare(Finite(number_state(1, 2))),
            "must be Gaussian",
        ),
    ],
)
def test_bad_input(build, message):
    with pytest.raises(ValueError, match=message):
        build()


# -- what is described is what was asked for -------------------------------------------


def test_described_states_are_those_of_the_arrays():
    same = [
        (Gauss(ALPHA), coherent(ALPHA, 40)),
        (
            Gauss(ALPHA, 0.4, 0.3),
            squeezed(0.4, 40, angle=0.3, displacement=ALPHA),
        ),
        (Gauss(ALPHA, nbar=0.4), thermal(0.4, 40, ALPHA)),
        (Cat([1.0, ALPHA], [1.0, 1j], r=0.2), cat([1, ALPHA], [1.0, 1j], 40, r=0.2)),
        (Finite(number_state(3, 4)), number_state(3, 40)),
        (
            Mixture([0.3, 0.7], [Gauss(ALPHA, nbar=0.4), Gauss(0.1)]),
            0.3 * thermal(0.4, 40, ALPHA) + 0.7 * thermal(0.0, 40, 0.1),
        ),
    ]
    for state, array in same:
        found, wanted = state.ensemble(40).matrix(), as_ensemble(array).matrix()
        # what 40 levels cut off an amplified ket, and rounding
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-13)


@pytest.mark.sampled
@pytest.mark.parametrize(
    "state",
    [
        Gauss(ALPHA, 0.4, 0.7, 0.5),
        Gauss(ALPHA, -0.4, 0.7, 0.5),
        TwoModeSqueezed(0.3, 0.8),
        Product(Gauss(0.2j, nbar=0.1), Gauss(ALPHA, r=0.2, angle=1.0)),
    ],
)
def test_moments_of_gaussians(state):
    ensemble = state.ensemble(60 if state.modes == 1 else 22)
    alpha, wigner = state.gaussian()
    cov = covariance(ensemble, modes=state.modes)
    # what the levels lack: 1e-10 of the trace and its quanta
    tolerance = {"rtol": 0, "atol": 1e-7}
    np.testing.assert_allclose(cov, wigner + np.eye(len(cov)) / 4, **tolerance)
    np.testing.assert_allclose(
        largest_C(state).value, 4 * np.min(np.linalg.eigvalsh(cov)), **tolerance
    )
    sums = GaussianSum.of(state)
    np.testing.assert_allclose(sums.covariance, cov, **tolerance)
    np.testing.assert_allclose(
        sums.means[0], np.concatenate([alpha.real, alpha.imag]), rtol=0, atol=1e-15
    )


@pytest.mark.slow
@pytest.mark.parametrize("C", [0.8, 1.1])
def test_runs_from_a_description_and_from_an_array(C):
    law = law_of(C, Exact(60), "0.5*ad^2*a^2 + 0.1*(a^2 + ad^2)")
    ts = jnp.asarray([0.0, 0.4])
    for state, array in (
        (Gauss(ALPHA, r=0.3), squeezed(0.3, 40, displacement=ALPHA)),
        (Gauss(ALPHA, nbar=0.3), thermal(0.3, 40, ALPHA)),
    ):
        one, other = (
            jqd.evolve(law, law.prepare(s), ts, observe="density").values
            for s in (state, array)
        )
        # the array lacks the levels from 40 on, 1e-12 of the trace
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-10)


@pytest.mark.sampled
@pytest.mark.parametrize("C", [0.7, 1.6, 2.5, 3.3])
def test_thermal_starts_reach_beyond_two(C):
    """Against the closed form, which has no levels and no series."""
    state, ts = Gauss(0.3 + 0.1j, nbar=1.0), jnp.asarray([0.0, 0.3])
    values = [
        jqd.evolve(law, law.prepare(state), ts, observe="density").values
        for law in (law_of(C, Exact(100)), law_of(C, GaussianForm()))
    ]
    # operators at C = 3.3 fall as 0.65^n, which 100 levels hold to 1e-14
    np.testing.assert_allclose(*values, rtol=0, atol=1e-10)


def test_cats_without_levels():
    state, ts = Cat([0.8, -0.8], [1.0, 1.0], r=0.2), jnp.asarray([0.0, 0.3])
    values = [
        jqd.evolve(law, law.prepare(state), ts, observe="density").values
        for law in (law_of(0.9, Exact(60)), law_of(0.9, GaussianForm()))
    ]
    np.testing.assert_allclose(*values, rtol=0, atol=1e-10)  # cut at 60 levels


# -- transformations -------------------------------------------------------------------


def density(theta, form=None):
    """Q at a point after a while from C, r and n̄, all traced."""
    C, r, nbar = theta
    law = law_of(C, form or Exact(40))
    state = law.prepare(Gauss(ALPHA, r=r, angle=0.2, nbar=nbar))
    states, _ = law.orbit(state, jnp.asarray([0.0, 0.3]))
    return law.density(jax.tree.map(lambda leaf: leaf[1], states))[0]


def closed(theta):
    return density(theta, GaussianForm())


@pytest.mark.slow
def test_jit_vmap_and_grad_through_a_described_start():
    thetas = jnp.asarray([[0.9, 0.2, 0.1], [1.1, -0.1, 0.2], [1.0, 0.0, 0.05]])
    batch, slopes = jax.jit(jax.vmap(jax.value_and_grad(density)))(thetas)
    wanted, steep = jax.vmap(jax.value_and_grad(closed))(thetas)
    # 40 levels
    np.testing.assert_allclose(batch, wanted, rtol=0, atol=1e-12)
    np.testing.assert_allclose(slopes, steep, rtol=0, atol=1e-10)


def test_windows_are_differentiable():
    def end(r, nbar):
        return largest_C(Product(Gauss(r=r, nbar=nbar), TwoModeSqueezed(r))).value

    slopes = jax.jit(jax.grad(end, argnums=(0, 1)))(0.4, 0.3)
    # the two modes have the smaller end
    np.testing.assert_allclose(slopes, (-2 * np.exp(-0.8), 0.0), rtol=0, atol=1e-14)


def test_estimates_are_skipped_where_traced():
    ends = jax.jit(lambda psi: largest_C(as_ensemble(psi)).value)(squeezed(0.5, 60))
    assert ends == 1.0


# -- fits ------------------------------------------------------------------------------

START = Gauss(r=1.0)
LAW = law_of(0.9, Exact(80, Series(16)))
TIMES = jnp.asarray([0.3, 0.6, 0.9])


def record_of(C):
    """Data of a C that the closed form alone knows."""
    law = law_of(C, GaussianForm())
    times = jnp.concatenate([jnp.zeros(1), TIMES])
    run = jqd.evolve(law, law.prepare(START), times, observe="density")
    return run.values[1:]


def fit(values, start=START, free=("C",), **options):
    record = jqd.Record(TIMES, values, jqd.Gaussian(1e-4), t0=0.0)
    settings = {"starts": 1, "search": None, "held_out": 0.0} | options
    return jqd.fit(LAW, record, psi0=start, free=free, **settings)


def study_of(start, free, C=0.9):
    record = jqd.Record(TIMES, record_of(0.9), jqd.Gaussian(1e-4), t0=0.0)
    return jqd.Study(law_of(C, LAW.form), record, psi0=start, free=free)


def test_names_of_a_described_start():
    law = law_of(0.9, Exact(40))
    found = constants.names(as_start(law, Gauss(ALPHA, 0.1, nbar=0.1)))
    assert found == ("alpha", "r", "nbar")
    pair = HusimiFokkerPlanck("ad1*a1 + ad2*a2", form=Exact(12, Series(3)))
    two = as_start(pair, Product(Gauss(r=0.1), Gauss(ALPHA)))
    assert constants.names(two) == ("part[0].alpha", "r", "part[1].alpha")


def test_walls_of_a_study():
    low, high = study_of(START, ("C",)).walls(jnp.asarray([0.9]))
    # inside the window by 1e-6 of its end
    np.testing.assert_allclose(high, [SQUEEZED_ONE], rtol=2e-6)
    assert 0 < low[0] < 1e-5
    array = study_of(squeezed(1.0, 80), ("C",))
    np.testing.assert_array_equal(array.walls(jnp.asarray([0.9]))[1], [np.inf])


def test_walls_move_with_the_start():
    study = study_of(START, ("C", "r"))
    for r in (1.0, 0.5):
        theta = jnp.asarray([1.9, r])
        _, high = study.walls(theta)
        np.testing.assert_allclose(high, [1 + np.exp(-2 * r), np.inf], rtol=2e-6)
        np.testing.assert_array_equal(study.scene_at(theta).law.C, high[0])
    with pytest.raises(ValueError, match="C_max"):
        study_of(START, ("C",), C=1.3)


@pytest.mark.slow
@pytest.mark.parametrize("jitted", [False, True])
def test_fits_stay_inside_the_window(jitted):
    """Data of C = 1.3, which no density of this start can follow for all times."""
    values = record_of(1.3)
    found = (jax.jit(fit) if jitted else fit)(values)
    assert 0 < found.ends[0, 0] <= SQUEEZED_ONE
    assert int(found.status) != jqd.Status.OK


@pytest.mark.slow
def test_fits_inside_find_what_was_there():
    found = fit(record_of(1.05))
    # 80 levels of a state squeezed by 1 hold 1e-10 of the norm, errors are 1e-4
    np.testing.assert_allclose(found.value["C"], 1.05, rtol=0, atol=1e-6)

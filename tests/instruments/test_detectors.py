"""Heterodyne detectors, cameras and counters that lose quanta."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jqd
from jqd.instruments import Heterodyne, Image, Thinned
from jqd.problems import golden

ORDERS = ((1, 0), (1, 1), (2, 0), (2, 1), (2, 2))


def kerr(C=1.0):
    law = jqd.HusimiFokkerPlanck("0.5*ad^2*a^2", C)
    return law, law.prepare(jqd.states.coherent(0.7 - 0.3j, 24))


@pytest.mark.slow
def test_moments_of_outcomes_are_those_of_a_wider_density():
    """A coherent state with added noise is a Gaussian of variance 1 + n_add."""
    law, state = kerr()
    gain, added, a = 1.3, 0.4, 0.7 - 0.3j
    got = Heterodyne(ORDERS, gain, added).mean(law, 0.0, state)
    v = 1 + added
    expected = [
        a, abs(a) ** 2 + v, a**2, a * (abs(a) ** 2 + 2 * v),
        abs(a) ** 4 + 4 * v * abs(a) ** 2 + 2 * v**2,
    ]  # fmt: skip
    expected = np.array(expected) * gain ** np.array([1, 2, 2, 3, 4])
    # 24 levels hold all but 1e-20 of the state
    np.testing.assert_allclose(got, np.r_[expected.real, expected.imag], atol=1e-12)
    plain = jqd.Moments(ORDERS)
    np.testing.assert_allclose(
        Heterodyne(plain).mean(law, 0.0, state), plain.bind(law)(0.0, state), rtol=1e-15
    )


def test_moments_of_two_modes_have_noise_in_each():
    """Moments of a product state are products."""
    law = jqd.HusimiFokkerPlanck("ad1*a1*ad2*a2")
    state = law.prepare(
        jqd.states.product(*(jqd.states.coherent(x, 12) for x in (0.4, -0.2j)))
    )
    see = Heterodyne((((1, 1), (1, 0)), ((1, 1), (1, 1))), 1.1, 0.3)
    got = see.mean(law, 0.0, state)
    first, second = 0.16 + 1.3, 0.04 + 1.3
    expected = [1.1**3 * first * -0.2j, 1.1**4 * first * second]
    np.testing.assert_allclose(got[:2] + 1j * got[2:], expected, atol=1e-12)


@pytest.mark.slow
def test_gain_and_added_noise_are_recovered_from_samples(key):
    """Of a Kerr oscillator, outcomes drawn at each time; C with its start known."""
    law, _ = kerr()
    psi, ts = jqd.states.coherent(1.2, 24), np.array([0.4, 0.9, 1.4, 2.0])
    run = jqd.evolve(law, law.prepare(psi), np.r_[0.0, ts])
    drawn, keys = [], jax.random.split(key, 8)
    true = Heterodyne(((1, 0),), 1.15, 0.5)
    for i in range(4):
        ensemble = jax.tree.map(lambda leaf, i=i: leaf[i + 1], run.values)
        alpha = jqd.states.sample_husimi(keys[i], ensemble.kets[0], 4000)
        drawn.append(np.asarray(true.outcomes(keys[4 + i], alpha)))
    record = jqd.records.PhaseSpaceRecord(
        "samples", ts, np.array(drawn), None, None, None, {"psi0": np.asarray(psi)}, {}
    )
    data, moments = record.data()
    study = jqd.Study(
        law, data, psi0=psi, free=("C", "gain", "added"),
        instrument=Heterodyne(moments, 1.1, 0.4),
    )  # fmt: skip
    found = jqd.recover(study, starts=1, search=None, held_out=0.0)
    for name, value in {"C": 1.0, "gain": 1.15, "added": 0.5}.items():
        constant = found.constants[name]
        # errors from moments of 4000 samples are a fifth too small
        assert abs(constant.value - value) < 5 * constant.stderr


def packet(psf=0.0, background=0.0, **more):
    grid = jqd.Grid((-12.0, 12.0), 96)
    law = jqd.Schrodinger.on_grid(grid, np.zeros(96))
    psi = grid.normalise(np.exp(-((grid.x - 1) ** 2) / 4 / 0.8**2) + 0j)
    return law, psi, Image(psf, background, **more)


def test_an_image_of_a_packet_is_wider_and_over_background():
    """A Gaussian of variance s0² + s² on the grid, by its formula."""
    law, psi, see = packet(0.6, 0.1)
    x, dx = np.asarray(law.grid.x), law.grid.cell
    got = see.mean(law, 0.0, law.prepare(psi))
    wide = stats.norm(1, np.hypot(0.8, 0.6)).pdf(x) * dx
    # the grid holds all but rounding of it
    np.testing.assert_allclose(got, 0.9 * wide + 0.1 / 96, atol=1e-12)
    np.testing.assert_allclose(np.sum(got), 1, atol=1e-12)
    pattern = np.arange(96.0)
    law, psi, see = packet(0.6, 0.1, pattern=pattern)
    got = see.mean(law, 0.0, law.prepare(psi))
    np.testing.assert_allclose(
        got, 0.9 * wide + 0.1 * pattern / pattern.sum(), atol=1e-12
    )
    sharp = packet()[2].mean(law, 0.0, law.prepare(psi))
    np.testing.assert_allclose(sharp, law.density(psi) * dx, atol=1e-14)


def test_an_image_of_a_law_that_holds_another_one():
    """Its grid is that of the law within; the density at t0 knows no g."""
    law, psi, see = packet(0.6, 0.1)
    own = jqd.laws.GrossPitaevskii(law, 0.4)
    see.check_law(own)
    got = see.mean(own, 0.0, own.prepare(psi))
    np.testing.assert_array_equal(got, see.mean(law, 0.0, law.prepare(psi)))


@pytest.mark.slow
def test_diffusion_is_known_no_better_than_the_lens():
    """Width² = s0² + s² + (D t/s0)²: sd(D)/D = s sd(s)/s0² of a prior on s alone."""
    grid = jqd.Grid((-20.0, 20.0), 160)
    law = jqd.Schrodinger.on_grid(grid, np.zeros(160))
    s0, s, sd = 0.8, 0.6, 0.05
    D = 0.5  # ħ/2m
    psi = grid.normalise(np.exp(-(grid.x**2) / 4 / s0**2) + 0j)
    ts = np.array([0.5, 1.5, 3.0])
    see = Image(s)
    run = jqd.evolve(law, psi, np.r_[0.0, ts], observe=see_of(see, law))
    # so many counts that the lens alone limits
    counts = np.round(1e12 * np.asarray(run.values)[1:])
    # the mass and the width of the start stand for D and s0
    start = Packet(jnp.asarray(s0), grid)
    record = jqd.Record(ts, counts, jqd.Multinomial(), t0=0.0)
    study = jqd.Study(
        law, record, psi0=start, free=("mass", "width"), instrument=see,
        nuisances={"psf": (s, sd)},
    )  # fmt: skip
    found = jqd.fisher(study)
    relative = found.stderr("mass") / 1.0
    assert D == 0.5
    np.testing.assert_allclose(relative, s * sd / s0**2, rtol=1e-3)


def see_of(see, law):
    return lambda t, state: see.mean(law, t, state)


class Packet(jqd.laws.start.Start):
    """A packet at rest whose width is not known."""

    width: jax.Array
    grid: jqd.Grid

    def state(self):
        return self.grid.normalise(jnp.exp(-(self.grid.x**2) / 4 / self.width**2) + 0j)


@pytest.mark.parametrize("efficiency", [0.0, 0.37, 1.0])
def test_counts_of_lossy_counters_are_thinned(efficiency):
    """A Poissonian of mean |α|² is one of mean η |α|²; columns by SciPy's binomial."""
    law = jqd.Schrodinger(np.arange(30.0))
    psi = jqd.states.coherent(1.1, 30)
    see = Thinned(efficiency=efficiency)
    got = see.mean(law, 0.0, law.prepare(psi))
    # levels from 30 on hold 1e-30
    expected = stats.poisson(efficiency * 1.21).pmf(np.arange(30))
    np.testing.assert_allclose(got, expected, atol=1e-13)
    k, n = np.indices((30, 30))
    np.testing.assert_allclose(
        see.matrix(30), stats.binom(n, efficiency).pmf(k), atol=1e-13
    )


def test_an_efficiency_has_a_derivative_at_its_ends():
    """dP(k)/dη of a Poissonian at η = 1, where 1 - η = 0."""
    law = jqd.Schrodinger(np.arange(30.0))
    state = law.prepare(jqd.states.coherent(1.1, 30))
    slope = jax.jacfwd(lambda eta: Thinned(efficiency=eta).mean(law, 0.0, state))(1.0)
    p = stats.poisson(1.21).pmf(np.arange(-1, 30))
    np.testing.assert_allclose(slope, 1.21 * (p[:-1] - p[1:]), atol=1e-12)
    zero = jax.jacfwd(lambda eta: Thinned(efficiency=eta).mean(law, 0.0, state))(0.0)
    np.testing.assert_allclose(zero[:3], [-1.21, 1.21, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Heterodyne(ORDERS, 0.0), "`gain` must be positive"),
        (lambda: Heterodyne(ORDERS, 1.0, -0.1), "`added` must not be negative"),
        (lambda: Heterodyne((1, 2)), "`orders` must hold pairs"),
        (lambda: Image(-0.1), "`psf` must not be negative"),
        (lambda: Image(0.1, 1.1), "`background` must be in"),
        (lambda: Image(0.1, 0.1, [0.0, 0.0]), "`pattern` must be positive"),
        (lambda: Image(0.1, 0.1, [1.0, -1.0]), "`pattern` must not be negative"),
        (lambda: Thinned(efficiency=1.1), "`efficiency` must be in"),
    ],
)
def test_detectors_that_cannot_be(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_detectors_look_at_laws_they_know():
    law, psi = golden()
    data = (np.arange(4.0), np.full((4, 3), 1 / 3))
    for see, said in (
        (Heterodyne(ORDERS), "no moments of a phase-space density"),
        (Image(), "no density on a grid"),
    ):
        with pytest.raises(ValueError, match=said):
            jqd.Study(law, data, psi0=psi, free="q", instrument=see)


def test_added_noise_has_its_quanta(key):
    """<|ξ|²> of g (α + ξ) is n_add, half in each quadrature."""
    draws, gain, added = 40_000, 1.3, 0.4
    read = Heterodyne(ORDERS, gain, added).outcomes(key, jnp.full(draws, 0.7 - 0.3j))
    noise = np.asarray(read) / gain - (0.7 - 0.3j)
    for part in (noise.real, noise.imag):
        # four standard errors of a variance of normal numbers
        sd = added / 2 * np.sqrt(2 / draws)
        assert np.var(part) == pytest.approx(added / 2, abs=4 * sd)
        assert np.mean(part) == pytest.approx(0, abs=4 * np.sqrt(added / 2 / draws))

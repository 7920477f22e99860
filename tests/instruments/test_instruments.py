"""Instruments between a prediction and its record."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import constants
from jqd.instruments import Confusion, Direct, Displaced, Heterodyne
from jqd.laws.husimi import DisplacedThermal
from jqd.laws.scales import scales_of
from jqd.problems import golden

POINTS = np.array([0.2 + 0.1j, -1.0 + 0.5j, 1.5j])


def test_a_readout_error_mixes_every_class_in():
    """(1 - ε) p + ε/M, from the definition."""
    law, psi = golden()
    p = np.abs(np.asarray(psi)) ** 2
    got = Confusion(readout=0.1).mean(law, 0.0, law.prepare(psi))
    np.testing.assert_allclose(got, 0.9 * p + 0.1 / 3, rtol=1e-14)
    A = np.array([[0.9, 0.2, 0.0], [0.1, 0.7, 0.3], [0.0, 0.1, 0.7]])
    got = Confusion(matrix=A).mean(law, 0.0, law.prepare(psi))
    np.testing.assert_allclose(got, A @ p, rtol=1e-14)


def test_a_flip_shows_each_other_class_alike_and_contrast_fades():
    """(1 - f) p + f (1 - p)/(M - 1), drawn to 1/M by exp(-γ (t - t₀)) from t₀ on."""
    law, psi = golden()
    p = np.abs(np.asarray(psi)) ** 2
    got = Confusion(flip=0.06).mean(law, 0.0, law.prepare(psi))
    np.testing.assert_allclose(got, 0.94 * p + 0.03 * (1 - p), rtol=1e-14)
    fading = Confusion(fading=0.4, since=1.5)
    for t, kept in ((1.0, 1.0), (1.5, 1.0), (3.5, np.exp(-0.8))):
        got = fading.mean(law, t, law.prepare(psi))
        np.testing.assert_allclose(got, kept * p + (1 - kept) / 3, rtol=1e-14)
    both = Confusion(readout=0.1, flip=0.06, fading=0.4).mean(law, 2.0, psi)
    kept = 0.9 * (1 - 0.06 * 3 / 2) * np.exp(-0.8)
    np.testing.assert_allclose(both, kept * p + (1 - kept) / 3, rtol=1e-14)
    assert "since" not in constants.names(fading)


def test_a_matrix_is_fitted_by_its_ratios_and_stays_one_of_probabilities():
    A = np.array([[0.9, 0.2, 0.05], [0.08, 0.7, 0.3], [0.02, 0.1, 0.65]])
    instrument = Confusion(matrix=A)
    assert constants.labels(instrument, "matrix") == [
        "matrix[0,1]", "matrix[0,2]", "matrix[1,0]", "matrix[1,2]", "matrix[2,0]",
        "matrix[2,1]",
    ]  # fmt: skip
    entries = constants.pack(instrument, "matrix")
    np.testing.assert_allclose(entries[0], np.log(0.2 / 0.7))
    same = constants.unpack(instrument, "matrix", entries)
    np.testing.assert_allclose(same.matrix, A, rtol=1e-14)
    moved = constants.unpack(instrument, "matrix", entries + jnp.linspace(-3, 3, 6))
    np.testing.assert_allclose(moved.matrix.sum(axis=0), 1, rtol=1e-14)
    assert np.all(np.asarray(moved.matrix) > 0)


def test_a_displaced_vacuum_shows_the_husimi_function():
    """ε + V π Q(λβ), Q of a coherent state by its closed form."""
    law = jqd.HusimiFokkerPlanck("ad*a", points=POINTS)
    state = law.prepare(jqd.states.coherent(0.7 - 0.3j, 40))
    got = Displaced(POINTS, V=0.9, eps=0.02, scale=1.1).mean(law, 0.0, state)
    overlap = np.exp(-(np.abs(1.1 * POINTS - (0.7 - 0.3j)) ** 2))
    # levels above 40 hold 1e-40 of the state; sums of 40 terms
    np.testing.assert_allclose(got, 0.02 + 0.9 * overlap, atol=1e-14)


@pytest.mark.parametrize("modes", [1, 2])
def test_a_displaced_vacuum_is_a_probability_at_any_hbar(modes):
    """exp(-|β - √ħ a|²/ħ) of a coherent state of amplitude a, once for each mode."""
    hbar, a = 0.3, 0.5 - 0.2j
    points = POINTS if modes == 1 else np.stack([POINTS, POINTS[::-1]], axis=1)
    symbol = "ad*a" if modes == 1 else "ad1*a1 + ad2*a2"
    law = jqd.HusimiFokkerPlanck(symbol, hbar=hbar, points=points)
    ket = np.asarray(jqd.states.coherent(a, 30))
    both = ket if modes == 1 else np.einsum("i,j->ij", ket, ket)
    got = Displaced(points).mean(law, 0.0, law.prepare(both))
    away = np.abs(points.reshape(-1, modes) - np.sqrt(hbar) * a) ** 2
    # levels above 30 hold 1e-20 of the state at these points
    expected = np.exp(-away.sum(axis=1) / hbar)
    np.testing.assert_allclose(np.ravel(got), expected, atol=1e-12)


@pytest.mark.parametrize("hbar", [1.0, 1e-34])
def test_added_noise_is_searched_in_units_of_hbar(hbar):
    law = jqd.HusimiFokkerPlanck("ad*a", hbar=hbar, points=POINTS)
    see = Heterodyne(orders=((1, 0), (1, 1)))
    span = constants.span(see, "added", scales_of(law, 1.0))
    np.testing.assert_allclose(span, ([0.0], [hbar]), rtol=1e-15)


@pytest.mark.sampled
@pytest.mark.parametrize("n0", [0.0, 0.02, 0.3])
def test_a_displaced_thermal_state_is_a_wider_gaussian(n0):
    """Q = exp(-|α - α_0|²/(1 + n0)) / (π (1 + n0)), at every C."""
    start = DisplacedThermal(1.2 + 0.4j, n0, levels=60, orders=40)
    for C in (0.8, 1.0, 1.1):
        law = jqd.HusimiFokkerPlanck("ad*a", C, points=POINTS)
        got = law.density(law.prepare(start.state()))
        wide = np.exp(-(np.abs(POINTS - 1.2 - 0.4j) ** 2) / (1 + n0))
        # what the series leaves out is below 1e-8 of the trace
        np.testing.assert_allclose(got, wide / np.pi / (1 + n0), atol=1e-9)


@pytest.mark.slow
def test_thermal_quanta_have_a_derivative_where_there_are_none():
    """d/dn0 of Q at n0 = 0: (|α - α_0|² - 1) Q."""
    law = jqd.HusimiFokkerPlanck("ad*a", points=POINTS)

    def density(n0):
        start = DisplacedThermal(0.5 + 0.0j, n0, levels=30)
        return law.density(law.prepare(start.state()))

    distance = np.abs(POINTS - 0.5) ** 2
    expected = (distance - 1) * np.exp(-distance) / np.pi
    np.testing.assert_allclose(jax.jacfwd(density)(0.0), expected, atol=1e-12)


def test_too_few_orders_are_seen():
    with pytest.raises(ValueError, match="`levels` and `orders` must be enough"):
        DisplacedThermal(1.0, 0.5, orders=2)
    start = jax.jit(lambda n0: DisplacedThermal(1.0, n0, orders=2).state().trace())(0.5)
    assert np.isnan(start)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Confusion(readout=-0.1), "`readout` must be in"),
        (lambda: Confusion(flip=1.2), "`flip` must be in"),
        (lambda: Confusion(fading=-1.0), "`fading` must not be negative"),
        (lambda: Confusion(since=[0.0, 1.0]), "`since` must"),
        (lambda: Confusion(readout=1.2), "`readout` must be in"),
        (lambda: Confusion(readout=[0.1, 0.2]), "`readout` must"),
        (lambda: Confusion(matrix=np.eye(3)[:2]), "`matrix` must have shape"),
        (lambda: Confusion(matrix=0.9 * np.eye(3)), "columns of sum 1"),
        (lambda: Confusion(matrix=-np.eye(3)), "`matrix` must not be negative"),
        (lambda: Displaced(POINTS, V=1.1), "`V` must be in"),
        (lambda: Displaced(POINTS, eps=-1e-3), "`eps` must be in"),
        (lambda: Displaced(POINTS, scale=0), "`scale` must be positive"),
        (lambda: Displaced([np.nan]), "`points` must be finite"),
        (lambda: DisplacedThermal(1.0, -0.1), "`n0` must not be negative"),
    ],
)
def test_instruments_that_cannot_be(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_an_instrument_looks_at_laws_it_knows():
    law, psi = golden()
    data = (np.arange(4.0), np.full((4, 3), 1 / 3))
    with pytest.raises(ValueError, match="has no density at displacements"):
        jqd.Study(law, data, psi0=psi, free="q", instrument=Displaced(POINTS))


def test_what_is_shown_directly_is_what_evolve_observes():
    law, psi = golden()
    state = law.prepare(psi)
    np.testing.assert_array_equal(Direct().mean(law, 0.0, state), law.density(state))
    shown = Direct(lambda t, state: jnp.real(state[0]) + t).mean(law, 2.0, state)
    np.testing.assert_allclose(shown, jnp.real(state[0]) + 2.0, rtol=1e-15)

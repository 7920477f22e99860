"""Temperature of levels: three definitions, their biases, gradients and error bars."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.tower_matter import kim_huse_ising
from jax.scipy.special import gammaln
from temperatures import (
    einstein_temperature,
    occupation_temperature,
)

import jqd
from jqd.matter.temperature import (
    bandwidth,
    canonical_beta,
    canonical_temperature,
    kde_beta,
    level_cumulants,
    log_density_of_states,
    temperatures,
)


def log_multiplicity(N, q):
    """ln [(q + N - 1)!/(q! (N - 1)!)], the states of q quanta in N oscillators."""
    return gammaln(q + N) - gammaln(q + 1) - gammaln(N)


@pytest.fixture(scope="module")
def ising():
    """Levels of the tilted-field Ising chain of 8 spins."""
    return np.linalg.eigvalsh(np.asarray(kim_huse_ising(8)))


def test_levels_that_almost_agree_have_a_cold_state():
    """1/(1 + e^x) = 1/4 at x = ln 3 gaps of 1e-8 of the extent, at either end."""
    beta = np.log(3) / 1e-8
    found = canonical_beta(np.array([0, 1e-8, 1.0]), 2.5e-9)
    assert float(found) == pytest.approx(beta, rel=1e-6)
    found = canonical_beta(np.array([-1.0, -1e-8, 0]), -2.5e-9)
    assert float(found) == pytest.approx(-beta, rel=1e-5)


def test_single_precision_holds_energies_in_joule():
    """The square of 1e-21 J is no number of single precision; the temperature is."""
    levels = np.linspace(-1, 1, 30) ** 3
    joule = temperatures(
        jnp.asarray(1e-21 * levels, jnp.float32), jnp.float32(-4e-22),
        jnp.float32(4e-22),
    )  # fmt: skip
    plain = temperatures(levels, -0.4, 0.4)
    for name in ("kde", "saddle", "canonical", "width"):
        found = float(getattr(joule, name)) / 1e-21
        assert found == pytest.approx(float(getattr(plain, name)), rel=1e-4)


@pytest.mark.equation("thermalization", "claim-D")
def test_gradient_through_the_eigenvalues():
    def temperature(theta):
        levels = jnp.linalg.eigvalsh(kim_huse_ising(8, theta[0], theta[1]))
        return 1 / kde_beta(levels, -4.0, 1.0)

    theta = jnp.array([0.9045, 0.8090])
    value, slope = jax.jit(jax.value_and_grad(temperature))(theta)
    assert float(value) == pytest.approx(5.919571, abs=1e-6)
    np.testing.assert_allclose(slope, [4.687881, 4.361625], atol=1e-6)


COUNT = np.arange(256.0)
FLAT, RANGE = np.zeros(256), np.linspace(-14, 14, 256)
GAP = np.r_[np.linspace(0, 1, 128), np.linspace(9, 10, 128)]


@pytest.fixture(scope="module")
def estimates(ising):
    """Temperatures of many spectra of 256 levels in one call, by name."""
    einstein = np.asarray(log_multiplicity(10.0, COUNT))
    rows = {
        "cold": (ising, -4.0, 1.0, FLAT),
        "hot": (ising, 6.0, 1.0, FLAT),
        "twice": (2 * ising, -8.0, 2.0, FLAT),
        "Einstein": (COUNT, 20.0, 1.0, einstein),
        "Gaussian 0.3": (RANGE, -1.0, 0.3, -(RANGE**2) / 2),
        "Gaussian 1": (RANGE, -1.0, 1.0, -(RANGE**2) / 2),
        "exponential 0.3": (RANGE, -1.0, 0.3, RANGE / 0.8),
        "exponential 1": (RANGE, -1.0, 1.0, RANGE / 0.8),
        "below the gap": (GAP, 0.4, 0.3, FLAT),
        "in the gap": (GAP, 4.0, 0.3, FLAT),
        "outside": (GAP, 11.0, 0.3, FLAT),
    }
    columns = [np.stack(column) for column in zip(*rows.values(), strict=True)]
    T = jax.jit(temperatures)(*columns)
    gap = T.error
    return {
        name: {
            "value": float(T.value[i]),
            "error": float(gap[i]),
            "parts": [float(part[i]) for part in (T.kde, T.saddle, T.canonical)],
            "status": int(T.status[i]),
        }
        for i, name in enumerate(rows)
    }


@pytest.mark.equation("thermalization", "claim-D")
def test_bias_of_broadening(estimates):
    """None for an exponential density, T (1 + η²/σ²) for a Gaussian one."""
    assert estimates["Gaussian 0.3"]["value"] == pytest.approx(1.0900, abs=1e-10)
    for eta in (0.3, 1):
        # the sum over levels 0.11 apart is the integral to rounding
        found = estimates[f"Gaussian {eta}"]["value"]
        assert found == pytest.approx(1 + eta**2, rel=1e-12)
        steep = estimates[f"exponential {eta}"]["value"]
        assert steep == pytest.approx(0.8, rel=1e-12)


def test_density_counts_levels():
    """∫ g dE is the number of levels, and β its logarithmic slope."""
    levels = np.array([0.0, 0.4, 0.41, 2.0])
    E = np.linspace(-3, 5, 801)
    log_g, beta = jax.jit(
        lambda E: (log_density_of_states(levels, E, 0.3), kde_beta(levels, E, 0.3))
    )(E)
    assert np.sum(np.exp(log_g)) * 0.01 == pytest.approx(4, abs=1e-12)
    slope = np.gradient(np.asarray(log_g), E)[1:-1]
    # central differences: 1e-4/6 of a third derivative, up to 1/0.3³ × 10
    np.testing.assert_allclose(beta[1:-1], slope, atol=2e-2)


def test_advised_width(ising):
    """It scales with the levels, and balances bias against noise."""
    advice = jax.jit(bandwidth)(np.stack([ising, 2 * ising]), np.array([-4.0, -8.0]))
    np.testing.assert_allclose(advice.width[1], 2 * advice.width[0], rtol=1e-9)
    np.testing.assert_allclose(np.abs(advice.bias), advice.noise, rtol=1e-9)
    # between the mean spacing and the standard deviation
    assert 10 * np.ptp(ising) / 256 < float(advice.width[0]) < np.std(ising)


def test_advised_width_of_independent_levels(ising):
    """It minimises bias² + noise², of η⁴ and η⁻³: noise² is 4/3 of bias²."""
    advice = jax.jit(bandwidth, static_argnums=2)(ising, -4.0, False)
    found = float(advice.noise / advice.bias) ** 2
    assert found == pytest.approx(4 / 3, rel=1e-9)


@pytest.mark.slow
def test_bandwidth_balances_bias_and_noise():
    """Random matrices: β scatters by the forecast noise and shifts by the bias."""
    random, n, E = np.random.default_rng(5), 200, -1.0
    a = random.normal(size=(40, n, n))
    spectra = np.linalg.eigvalsh((a + a.transpose(0, 2, 1)) / np.sqrt(2 * n))
    advice, loose = jax.jit(lambda s: (bandwidth(s, E), bandwidth(s[0], E, False)))(
        spectra
    )
    eta = float(np.median(advice.width))
    # a semicircle of radius 2: 1/√(2π²g), g = √3 n/2π, against 2η²/27 × 4
    assert eta == pytest.approx((0.00272 * 300 / n / 0.296) ** 0.25, rel=0.25)
    beta = np.asarray(jax.jit(kde_beta)(spectra, E, eta))
    noise = float(np.median(advice.noise))
    # 40 samples give a spread to 1/√80 = 11 %; four of these
    assert np.std(beta) == pytest.approx(noise, rel=0.45)
    # β = -E/(4 - E²), of which the bias is to leading order
    bias = float(np.median(advice.bias))
    assert bias > 0
    error = np.mean(beta) - 1 / 3
    assert error == pytest.approx(bias, abs=0.5 * bias + 4 * noise / np.sqrt(40))
    # Independent levels are noisier and want a wider window.
    assert float(loose.width) > eta
    assert float(loose.noise) > noise


def test_canonical_root(ising):
    """The mean energy leads back to β; ∂T/∂E = T²/C; levels may move all together."""
    betas = np.array([-0.7, 1e-3, 2.5])

    @jax.jit
    def there_and_back(beta, levels):
        gibbs = level_cumulants(levels, beta)

        def total(E, levels):
            T = canonical_temperature(levels, E)
            return jnp.sum(T), T

        slopes, T = jax.grad(total, (0, 1), has_aux=True)(gibbs.mean, levels)
        return gibbs, T, slopes

    gibbs, T, (by_energy, by_levels) = there_and_back(betas, ising)
    weights = np.exp(-betas[:, None] * ising[None] + gibbs.log_partition[:, None] * -1)
    mean = weights @ ising
    np.testing.assert_allclose(gibbs.mean, mean, rtol=1e-11)
    third = np.sum(weights * (ising[None] - mean[:, None]) ** 3, axis=1)
    np.testing.assert_allclose(gibbs.third, third, rtol=1e-9)
    # rounding of the mean over C, 1e-15 × 10/0.1 in the cold
    np.testing.assert_allclose(1 / T, betas, atol=1e-12)
    np.testing.assert_allclose(by_energy, T**2 / gibbs.variance, rtol=1e-8)
    # A shift of all levels with the energy changes nothing: of terms up to 1e4.
    assert float(by_levels.sum() + by_energy.sum()) == pytest.approx(0, abs=1e-6)


@pytest.mark.equation("thermalization", "claim-D")
def test_einstein_solid(estimates):
    micro = float(einstein_temperature(10, 20))
    assert micro == pytest.approx(2.747901, abs=1e-6)
    assert float(occupation_temperature(2.0)) == pytest.approx(2.466303, abs=1e-6)
    N = np.array([10.0, 100.0, 1000.0])
    ratio = einstein_temperature(N, 2 * N) / occupation_temperature(2.0) - 1
    np.testing.assert_allclose(ratio, [0.114, 0.0104, 0.0010], rtol=0.04)
    # 4 quanta among 3 oscillators: 15 ways
    assert np.exp(log_multiplicity(3, 4)) == pytest.approx(15, rel=1e-12)
    slope = jax.jit(jax.grad(log_multiplicity, argnums=1))(10.0, 20.0)
    assert micro * float(slope) == pytest.approx(1, rel=1e-12)
    # The three estimates of its levels, degeneracies as weights.
    _, _, canonical = estimates["Einstein"]["parts"]
    assert canonical == pytest.approx(2.466303, abs=1e-6)
    # 1 + η²/C of bias, C = N n (n + 1) = 60: 0.05
    value, error = (estimates["Einstein"][name] for name in ("value", "error"))
    assert value == pytest.approx(micro, abs=0.06)
    assert abs(value - micro) < 0.25 * error


@pytest.mark.equation("thermalization", "claim-D")
def test_three_temperatures_and_their_gap(estimates):
    cold, hot, twice = (estimates[name] for name in ("cold", "hot", "twice"))
    assert cold["value"] == pytest.approx(5.919571, abs=1e-6)
    assert cold["value"] == cold["parts"][0]
    for estimate in (cold, hot):
        assert estimate["status"] == jqd.Status.OK
        assert estimate["error"] == np.ptp(estimate["parts"])
    # At this size they are far apart, and the bar says so.
    assert cold["error"] > 1
    # Above the middle temperatures are negative, all of them.
    assert min(cold["parts"]) > 0 > max(hot["parts"])
    np.testing.assert_allclose(twice["parts"], 2 * np.array(cold["parts"]), rtol=1e-9)


@pytest.mark.slow
def test_width_by_advice(ising):
    """No width given: the advised one, for a batch of spectra."""

    @jax.jit
    def advised(levels, energy):
        T = temperatures(levels, energy)
        return T.value, T.width, T.status

    value, width, status = advised(np.stack([ising, 2 * ising]), np.array([-4.0, -8.0]))
    assert not np.any(status)
    assert float(value[1] / value[0]) == pytest.approx(2, rel=1e-9)
    assert float(width[1] / width[0]) == pytest.approx(2, rel=1e-9)


def test_trouble_is_said(estimates):
    below, inside, outside = (
        estimates[name] for name in ("below the gap", "in the gap", "outside")
    )
    assert below["status"] == jqd.Status.OK
    assert np.all(np.isfinite(below["parts"]))
    assert inside["status"] == jqd.Status.NODE
    # Gibbs states know no gaps.
    np.testing.assert_array_equal(np.isfinite(inside["parts"]), [False, True, True])
    assert outside["status"] == jqd.Status.NON_FINITE
    assert not np.any(np.isfinite(outside["parts"]))
    # A level density has an infinite temperature, and a derivative that is a number.
    T, slope = jax.jit(
        jax.value_and_grad(lambda E: temperatures(np.array([-1.0, 1.0]), E, 1.0).kde)
    )(0.0)
    assert np.isinf(T)
    assert np.isfinite(slope)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: temperatures([1.0], 1.0), "must hold at least 2 levels"),
        (lambda: temperatures([0.0, 1.0], 1.5), "must lie inside the spectrum"),
        (
            lambda: temperatures([0.0, 1.0], 0.5, 0.0),
            "Argument `width` must be positive",
        ),
        (lambda: temperatures([0.0, np.nan], 0.5), "Argument `levels` must be finite"),
        (
            lambda: temperatures([0.0, 1.0], 0.5, log_weights=[0.0, 0.0]),
            "Argument `width` must be given beside",
        ),
        (lambda: kde_beta([0.0, 1.0], 0.5, -1.0), "Argument `width` must be positive"),
        (
            lambda: kde_beta([0.0, 1.0], 0.5, 1.0, [0.0]),
            "`log_weights` must have shape",
        ),
        (lambda: canonical_beta([0.0, 1.0], 0.0), "must lie inside the spectrum"),
    ],
)
def test_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


@pytest.mark.parametrize("rigid", [True, False])
def test_noise_of_a_bandwidth_is_the_scatter_over_spectra(rigid):
    """Of 400 spectra each, random matrices and independent levels, with NumPy."""
    rng, size = np.random.default_rng(5), 120
    if rigid:
        a = rng.normal(size=(400, size, size))
        levels = np.linalg.eigvalsh((a + a.transpose(0, 2, 1)) / np.sqrt(2 * size))
    else:
        levels = np.sort(rng.normal(size=(400, size)))
    at = bandwidth(levels[0], 0.0, rigid)
    scatter = np.std(np.asarray(kde_beta(levels, 0.0, at.width)))
    # 4 % of 400 draws; 10 % for an interval that is not long beside the width
    assert float(at.noise) == pytest.approx(scatter, rel=0.2)


@pytest.mark.parametrize("unit", [1e-9, 1e6, 1e9])
def test_the_bandwidth_has_the_unit_of_the_levels(unit):
    levels = np.sort(np.random.default_rng(0).normal(size=1000))
    one = bandwidth(levels, -1.0).width
    assert float(bandwidth(unit * levels, -unit).width) == pytest.approx(
        unit * float(one), rel=1e-9
    )

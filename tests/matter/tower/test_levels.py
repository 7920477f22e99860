"""Norm, energy and entanglement per level, averages over all times."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.tower import microcanonical_weights, mixture_numbers, total_variation
from scipy.linalg import expm

import jqd
from jqd.matter import tower
from jqd.matter.photons import level_distribution
from jqd.matter.temperature import canonical_temperature

DENSITY = tower.ExponentialDensity(0.8, 7.0)
SHAPE = tower.GaussianShape(3.0)


def golden_rule(density, shape, *, omega, strength, energy, hbar=1.0):
    """Γ↓ = (2π/ħ) λ² f(ħω)² sqrt(g(E - ħω)/g(E)) of random matter; -ω absorbs."""
    quantum = hbar * omega
    change = density.log_density(energy - quantum) - density.log_density(energy)
    return 2 * jnp.pi / hbar * (strength * shape(quantum)) ** 2 * jnp.exp(change / 2)


def short_time_coefficient(law, psi):
    """<H_int²>/ħ²: a state of one photon number leaves its level as this times t²."""
    return jnp.sum(jnp.abs(law.interact(psi)) ** 2)


def schmidt_spectra(law, psi):
    """Schmidt probabilities of matter and photons in each level, by singular values."""
    levels = law.configurations.totals
    parts = [psi[:, np.flatnonzero(levels == k)] for k in range(levels[-1] + 1)]
    shares = [jnp.linalg.svd(part, compute_uv=False) ** 2 for part in parts]
    return [share / jnp.sum(share) for share in shares]


def slow_runs(levels, strength, seeds, shape=SHAPE, omega=(1.0,), seed=1):
    """Late averages of configuration weights, t = 100..300, one row a seed."""
    omega = np.asarray(omega)
    kept = tower.photon_configurations(omega, 9.0 if len(omega) == 1 else 6.5)
    ts = jnp.arange(0.0, 301.0, 3.0)

    @jax.jit
    def run(key):
        matter = tower.random_matter(key, levels, DENSITY, shape)
        law = tower.Tower(matter, omega, strength, kept)
        weights = jqd.evolve(
            law,
            tower.level_state(law, 6.0),
            ts,
            method=jqd.Propagator(terms=90),
            observe=jax.tree_util.Partial(_weights),
        )
        return jnp.mean(weights.values[34:], axis=0), weights.diagnostics

    rows, diagnostics = zip(
        *map(run, jax.random.split(jax.random.key(seed), seeds)), strict=True
    )
    assert max(float(d["norm_drift"]) for d in diagnostics) < 1e-12
    assert max(float(d["energy_drift"]) for d in diagnostics) < 1e-10
    return kept, np.stack(rows)


def _weights(t, psi):
    del t
    return tower.configuration_weights(psi)


@pytest.mark.slow
@pytest.mark.equation("thermalization", "claim-C3")
def test_matter_makes_thermal_light():
    """T17: Bose-Einstein with 1/T = ∂ ln g/∂E, six seeds; RMT has ETH built in."""
    kept, weights = slow_runs(400, 0.12, 6)
    ideal = level_distribution(jnp.ones(1), 1.25, kept.size)
    distance = [float(total_variation(p, ideal)) for p in weights]
    assert np.mean(distance) < 0.06
    # of the straight line through ln P(n), n < 5
    T = [-1 / np.polyfit(np.arange(5), np.log(p[:5]), 1)[0] for p in weights]
    # 1.33 of four seeds elsewhere; a seed scatters by .09, six by .04
    assert np.mean(T) == pytest.approx(1.33, abs=0.12)
    # negative control: light of half and of twice that temperature is far
    for wrong in (0.625, 2.5):
        far = level_distribution(jnp.ones(1), wrong, kept.size)
        assert min(float(total_variation(p, far)) for p in weights) > 0.12


@pytest.mark.slow
@pytest.mark.equation("thermalization", "claim-C4")
def test_the_shape_of_the_emitter_is_forgotten():
    """Narrow, broad and resonant f at the same f(ω): the same distribution."""
    shapes = [
        tower.GaussianShape(1.5, jnp.exp(1 / 1.5**2)),
        tower.GaussianShape(6.0, jnp.exp(1 / 36.0)),
        # f² is a Lorentzian line at |x| = 1
        lambda x: jax.lax.rsqrt(1 + ((jnp.abs(x) - 1.0) / 0.7) ** 2),
    ]
    found = []
    for shape in shapes:
        kept, weights = slow_runs(250, 0.12, 3, shape)
        ideal = level_distribution(jnp.ones(1), 1.25, kept.size)
        distances = [float(total_variation(p, ideal)) for p in weights]
        found.append(np.mean(weights, axis=0))
        assert np.mean(distances) < 0.08
    # three seeds of .03 each
    for other in found[1:]:
        assert np.sum(np.abs(other - found[0])) / 2 < 0.06


def _averages(key, levels=100, strength=0.12):
    """Averages over all times of one seed, from the eigenbasis."""
    matter = tower.random_matter(key, levels, DENSITY, SHAPE)
    law = tower.Tower(matter, 1.0, strength, tower.photon_configurations(1.0, 7.0))
    basis = tower.eigenbasis(law)
    return jnp.sum(basis.time_average(tower.level_state(law, 6.0)), axis=0)


@pytest.mark.slow
@pytest.mark.equation("thermalization", "claim-C6")
@pytest.mark.equation("thermalization", "claim-localisation-needed")
def test_small_towers_are_thermal_and_not_flat():
    """T17 at D = 100: TV .068 ± .012, T 1.10; P(n) ∝ g(E₀ - nω), levels not alike."""
    keys = jax.random.split(jax.random.key(3), 3)
    weights = jax.jit(lambda keys: jax.lax.map(_averages, keys))(keys)
    ideal = level_distribution(jnp.ones(1), 1.25, 8)
    distance = [float(total_variation(p, ideal)) for p in weights]
    # 0.068 and its scatter of .024 a seed
    assert np.mean(distance) < 0.1
    mean = np.mean(weights, axis=0)
    number = np.arange(8) @ mean
    T = 1 / np.log1p(1 / number)
    assert pytest.approx(1.1, abs=0.2) == T
    # matter at E₀ = 6 gives no more than six photons
    assert float(canonical_temperature(np.arange(7.0), number)) > T
    # C6, "roughly equal": the first levels halve from one to the next
    assert mean[0] > 1.6 * mean[1] > 2.5 * mean[2]


@pytest.mark.slow
@pytest.mark.equation("thermalization", "claim-C6")
def test_a_small_tower_is_thermal_and_not_flat(climb):
    """One seed of D = 60, over all times: nearer to Bose-Einstein than to alike."""
    average = jax.jit(lambda basis, psi: basis.time_average(psi))
    weights = np.sum(average(climb.basis, climb.psi), axis=0)
    n = np.arange(10)
    ideal = np.exp(-0.8 * n) * (1 - np.exp(-0.8))
    flat = np.where(n <= 6, 1 / 7, 0)
    # a seed scatters by .1 at this size; the flat one is .5 away
    assert np.sum(np.abs(weights - ideal)) / 2 < 0.2
    assert np.sum(np.abs(weights - flat)) / 2 > 0.3


@pytest.mark.equation("thermalization", "claim-universal")
@pytest.mark.equation("thermalization", "claim-other-constants")
def test_integrable_matter_does_not_thermalise():
    """A ladder off resonance keeps its energy for ever."""
    law = tower.Tower(tower.harmonic_ladder(14, 1.0), 0.7, 0.05, 9.0)

    @jax.jit
    def average(law):
        basis = tower.eigenbasis(law)
        return jnp.sum(basis.time_average(tower.level_state(law, 6.0)), axis=0)

    weights = average(law)
    # g is flat: the prediction is as many photons as there is energy for
    flat = np.where(0.7 * np.arange(law.shape[1]) <= 6, 1.0, 0.0)
    assert float(total_variation(weights, flat / flat.sum())) > 0.5


@pytest.mark.slow
def test_averages_over_all_times(climb):
    """Against a mean over many times; |c_a|² and ΔE; d_eff; σ_t of p_0."""
    basis, psi = climb.basis, climb.psi

    @jax.jit
    def look(basis):
        ts = jnp.linspace(0.0, 2e4, 2000)
        p0 = jnp.sum(jnp.abs(basis.states(psi, ts)[:, :, 0]) ** 2, axis=1)
        first = jnp.zeros(basis.shape).at[:, 0].set(1.0)
        average = jnp.sum(basis.time_average(psi)[:, 0])
        return p0, average, basis.temporal_std(psi, first), basis.energy_spread(psi), (
            basis.effective_dimension(psi)
        )  # fmt: skip

    p0, average, std, spread, dimension = map(np.asarray, look(basis))
    # 2000 times, more or less independent: 4/√2000 of the scatter
    assert np.mean(p0) == pytest.approx(average, abs=4 * std / np.sqrt(2000))
    # a scatter of 2000 numbers is known to 1.6 %, tails make it worse
    assert np.std(p0) == pytest.approx(std, rel=0.08)
    assert 2 < dimension < 80
    # ΔE² = λ² Σ_j X_ij²: a level without photons spreads by the coupling alone
    rate = short_time_coefficient(climb.tower, psi)
    assert float(spread) ** 2 == pytest.approx(float(rate), rel=1e-10)


@pytest.mark.slow
@pytest.mark.equation("thermalization", "claim-C9")
def test_larger_energy_spread_means_smaller_fluctuations(climb):
    """σ_t(p_0) falls as d_eff^(-1/2), against the claim that it grows with ΔE."""
    law, basis = climb.tower, climb.basis
    first = jnp.zeros(basis.shape).at[:, 0].set(1.0)

    # the basis as an argument: a constant would be multiplied out by the compiler
    @jax.jit
    @functools.partial(jax.vmap, in_axes=(None, None, 0, 0))
    def look(law, basis, width, key):
        psi = tower.level_state(law, 5.0, width, key)
        return (basis.energy_spread(psi), basis.temporal_std(psi, first),
                basis.effective_dimension(psi))  # fmt: skip

    widths = jnp.repeat(jnp.array([0.05, 0.2, 0.6]), 6)
    keys = jax.random.split(jax.random.key(4), 18)
    spread, std, dimension = (
        np.mean(np.reshape(a, (3, 6)), axis=1) for a in look(law, basis, widths, keys)
    )
    assert np.all(np.diff(spread) > 0)
    assert np.all(np.diff(std) < 0)
    # constant to a factor: .25 to .34 for 400 levels
    scaled = std * np.sqrt(dimension)
    assert np.all((scaled > 0.15) & (scaled < 0.6))


@pytest.mark.equation("thermalization", "claim-C5")
def test_levels_share_their_energy(climb):
    """C5: E_k/p_k alike up to O(λ²). C8: photon energy of one level, one frequency."""
    found = jax.jit(jax.vmap(lambda psi: tower.levels(climb.make(0.06), psi)))(
        climb.run.values[1, 10:]
    )
    norm = np.mean(found.norm, axis=0)
    alike = np.mean(found.energy, axis=0) / norm
    # 6, and 0.1 more at this coupling; levels of little norm are off resonance
    assert np.all(np.abs(alike[norm > 0.02] - 6.0) < 0.25)
    total = np.sum(found.norm, axis=1)
    np.testing.assert_allclose(total, 1, atol=1e-13)
    # one frequency: all photons of a level have the same energy, up to rounding
    np.testing.assert_allclose(found.photon_spread, 0, atol=1e-13)
    weights = jax.vmap(tower.configuration_weights)(climb.run.values[1, 10:])
    np.testing.assert_allclose(found.norm, weights, atol=1e-15)


@pytest.mark.slow
@pytest.mark.equation("thermalization", "claim-C7")
@pytest.mark.equation("thermalization", "claim-C8")
def test_levels_of_two_modes_are_no_products():
    """C7: Schmidt numbers follow the thermal mixture; C8: spread below a quantum."""
    omega = np.array([1.0, 1.3])
    kept = tower.photon_configurations(omega, 5.5)

    @jax.jit
    def look(key):
        matter = tower.random_matter(key, 60, DENSITY, SHAPE)
        law = tower.Tower(matter, omega, 0.12, kept)
        psi0 = tower.level_state(law, 6.0)
        states = tower.eigenbasis(law).states(psi0, jnp.linspace(200.0, 900.0, 24))
        numbers = jax.vmap(lambda psi: tower.schmidt_numbers(law, psi))(states)
        spectra = schmidt_spectra(law, states[5])
        thermal = microcanonical_weights(law, DENSITY.log_density, 6.0)
        spread = tower.levels(law, states[5]).photon_spread
        return numbers, spectra, thermal, spread

    numbers, spectra, thermal, spread = look(jax.random.key(8))
    predicted = mixture_numbers(kept, thermal)
    for k, spectrum in enumerate(map(np.asarray, spectra)):
        assert float(np.sum(spectrum)) == pytest.approx(1.0, abs=1e-12)
        purity = float(np.sum(spectrum**2))
        assert 1 / purity == pytest.approx(float(numbers[5, k]), rel=1e-9)
    mean = np.mean(numbers, axis=0)
    assert mean[0] == pytest.approx(1.0, abs=1e-12)  # one configuration: a product
    # k = 1 of two modes: 1.97 of 2; the chance overlap of D = 60 states takes some
    assert mean[1] == pytest.approx(float(predicted[1]), abs=0.25)
    assert np.all(mean[1:3] > 1.5)
    assert np.all(np.asarray(spread)[1:3] < 1.15)


def test_schmidt_numbers_of_complex_amplitudes(key):
    """1/Σ s² of each level by singular values, which know of no conjugate."""
    omega = np.array([1.0, 1.3])
    law = tower.Tower(
        tower.harmonic_ladder(5, 1.0),
        omega,
        0.1,
        tower.photon_configurations(omega, 4.0),
    )
    re, im = jax.random.normal(key, (2, *law.shape))
    psi = (re + 1j * im) / jnp.sqrt(jnp.sum(re**2 + im**2))
    numbers = np.asarray(tower.schmidt_numbers(law, psi))
    spectra = [np.asarray(spectrum) for spectrum in schmidt_spectra(law, psi)]
    # rounding of a matrix product
    expected = [1 / np.sum(spectrum**2) for spectrum in spectra]
    np.testing.assert_allclose(numbers, expected, rtol=1e-12)
    assert np.max(expected) > 1.5  # entangled: a product would be 1 for any conjugate


def test_golden_rule():
    """λ = .06: Γ = .01214, and detailed balance."""
    rate = golden_rule(DENSITY, SHAPE, omega=1.0, strength=0.06, energy=6.0)
    # 2π .06² e^(-2/9) e^(-.4)
    assert float(rate) == pytest.approx(0.012141, abs=1e-6)
    up = golden_rule(DENSITY, SHAPE, omega=-1.0, strength=0.06, energy=5.0)
    # detailed balance: e^(βω)
    assert float(up / rate) == pytest.approx(np.exp(0.8), rel=1e-12)
    gone = golden_rule(DENSITY, SHAPE, omega=1.0, strength=0.06, energy=0.5)
    assert float(gone) == 0


def test_rates_in_other_units():
    """ħω is an energy, and a rate is one over ħ."""
    hbar = 0.4
    rate = golden_rule(
        DENSITY, SHAPE, omega=1 / hbar, strength=0.06, energy=6.0, hbar=hbar
    )
    assert float(rate) == pytest.approx(0.012141 / hbar, rel=1e-4)


def test_states_of_a_complex_eigenbasis(key):
    """exp(-iHt/ħ) of a Hermitian matrix that is not real."""
    parts = jax.random.normal(key, (2, 4, 4))
    H = np.asarray(parts[0] + 1j * parts[1])
    H = H + H.conj().T
    basis = tower.Eigenbasis(*map(jnp.asarray, np.linalg.eigh(H)), (2, 2))
    psi = np.array([[0.5, 0.5j], [-0.1, 0.7]])
    hbar, t = 0.4, 0.7
    found = basis.states(jnp.asarray(psi), jnp.array([0.0, t]), hbar=hbar)
    expected = expm(-1j * H * t / hbar) @ psi.ravel()
    np.testing.assert_allclose(found[0], psi, atol=1e-14)
    np.testing.assert_allclose(found[1], expected.reshape(2, 2), atol=1e-13)


@pytest.mark.slow
def test_rates_of_seeds(key):
    """λ²ΣX²t², then the golden rule, of twelve seeds at once."""
    rate = golden_rule(DENSITY, SHAPE, omega=1.0, strength=0.06, energy=6.0)
    kept = tower.photon_configurations(1.0, 2.0)

    @jax.jit
    @jax.vmap
    def leave(key):
        matter = tower.random_matter(key, 150, DENSITY, SHAPE)
        law = tower.Tower(matter, 1.0, 0.06, kept)
        psi = tower.level_state(law, 6.0)
        ts = jnp.array([0.0, 0.02, 5.0, 10.0])
        run = jqd.evolve(law, psi, ts, method=jqd.Propagator(terms=70))
        p0 = tower.configuration_weights(run.values)[:, 0]
        return p0, short_time_coefficient(law, psi)

    p0, coefficient = leave(jax.random.split(key, 12))
    early = (1 - p0[:, 1]) / 0.02**2
    # the next order, (Et)²/12 with E up to 7
    np.testing.assert_allclose(early, coefficient, rtol=5e-3)
    slopes = (p0[:, 2] - p0[:, 3]) / 5
    # 13 levels a line width of 2π/10: chance of X² makes 30 % a seed
    assert np.mean(slopes) == pytest.approx(float(rate), rel=0.35)


def test_total_variation_of_lists_of_unlike_length():
    assert float(total_variation([0.5, 0.5], [1.0])) == pytest.approx(0.5)
    assert float(total_variation([0.5, 0.25], [0.5, 0.25, 0.25])) == 0


def test_a_large_tower_has_no_eigenbasis():
    law = tower.Tower(tower.harmonic_ladder(500, 1.0), 1.0, 0.1, 9.0)
    with pytest.raises(ValueError, match="must have at most 4000 dimensions"):
        tower.eigenbasis(law)

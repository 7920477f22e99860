"""The photon tower: what its levels are, and what cannot move norm between them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.constants as si
import scipy.special
from _support.tower import total_variation
from _support.tower_matter import kim_huse_ising, spin_sum

from jqd.matter import gas, photons, tower
from jqd.matter.temperature import kde_beta

from .conftest import equation

ATOMS, OMEGA = 3, np.array([1.0, 1.3])
D = 2**ATOMS
PLANCK = jax.jit(photons.planck_law)


class Small(NamedTuple):
    """Three spins and two modes, from one level of the matter and no photon."""

    kept: tower.Configurations
    H: np.ndarray
    ts: np.ndarray
    psi: np.ndarray
    alone: np.ndarray
    rate: np.ndarray


@pytest.fixture(scope="module")
def small():
    matter = tower.user_matter(kim_huse_ising(ATOMS), spin_sum(np.ones(ATOMS)))
    kept, ts = tower.photon_configurations(OMEGA, 4.0), np.array([0.0, 0.02, 2.0, 7.0])

    @jax.jit
    @jax.vmap
    def run(strength):
        law = tower.Tower(matter, OMEGA, strength, kept)
        psi = tower.level_state(law, 1.0)
        basis, H = tower.eigenbasis(law), law.dense()
        rate = jnp.sum(jnp.abs(law.interact(psi)) ** 2)  # <H_int²>/ħ²
        return H, basis.states(psi, ts), rate

    H, psi, rate = map(np.asarray, run(jnp.array([0.3, 0.0])))
    return Small(kept, H[0], ts, psi[0], psi[1], rate[0])


def level_norms(small, psi):
    return np.asarray(tower.level_norms(small.kept, tower.configuration_weights(psi)))


@equation("1")
def test_levels_radiate_into_their_neighbours_alone(small):
    """Ψ_N, Ψ_{N,1}, Ψ_{N,2}, ...: functions of ever more coordinates."""
    kept = small.kept
    level = np.tile(kept.totals, D)
    step = np.abs(level[:, None] - level[None, :])
    H = small.H - np.diag(np.diagonal(small.H))
    assert np.all(H[step != 1] == 0)
    for k in range(kept.top):
        # up and down alike
        up = H[np.ix_(level == k + 1, level == k)]
        assert np.max(np.abs(up)) > 0.1
        np.testing.assert_allclose(H[np.ix_(level == k, level == k + 1)], up.T.conj())
    # k identical photons in two modes: k + 1 ways; 3.9 of the fourth level are cut
    assert [np.sum(level == k) for k in range(4)] == [D * (k + 1) for k in range(4)]


@equation("erratum-level-one")
def test_one_photon_has_coordinates_of_its_own(small):
    """Ψ_{N,1}(X, x_A): more numbers than Ψ_N(X) has, and not that function again."""
    one = small.psi[-1][:, small.kept.totals == 1]
    zero = small.psi[-1][:, :1]
    assert one.shape == (D, len(OMEGA))
    # Printed: the symbol Ψ_N, at the arguments of the matter alone. Neither does the
    # photon's place leave the matter's function unchanged,
    assert np.linalg.matrix_rank(one, tol=1e-3) == 2
    # nor is that function Ψ_N: what a multiple of Ψ_N leaves of it
    onto = zero / np.linalg.norm(zero)
    rest = one - onto @ (onto.conj().T @ one)
    assert np.linalg.norm(rest) > 0.5 * np.linalg.norm(one)


@equation("erratum-level-index")
def test_levels_are_counted_from_zero(small):
    """k of (2) runs over the photons 1..n of a level, k of (3) over levels from 0."""
    p = level_norms(small, small.psi)
    np.testing.assert_allclose(np.sum(p, axis=1), 1, atol=1e-13)  # rounding
    # With the range of (2) the net norm below (3) is no constant.
    printed = np.sum(p[:, 1:], axis=1)
    assert printed[0] < 1e-15
    assert np.max(printed) > 0.3


@equation("erratum-photon-states")
def test_levels_have_nothing_to_do_with_the_number_of_atoms(small):
    """Norm moves first between k - 1 and k = 1; in print, between N - 1 and N."""
    p = level_norms(small, small.psi)[1]
    t = small.ts[1]
    # fourth order: (λXt)² of it
    assert 1 - p[0] == pytest.approx(float(small.rate) * t**2, rel=1e-3)
    assert p[1] == pytest.approx(1 - p[0], rel=1e-3)
    assert p[ATOMS - 1] + p[ATOMS] < 1e-3 * p[1]


@equation("claim-no-current")
def test_a_constant_current_dresses_the_light():
    """X = 1: p_0 = exp(-(2λ/ω)² sin² ωt/2), though nothing moves X. λ = 0: nothing."""
    omega, strength = 1.3, 0.4
    matter = tower.user_matter(kim_huse_ising(ATOMS), np.eye(D))
    kept = tower.photon_configurations(omega, 16 * omega)
    ts = np.array([0.0, 0.25, 0.5, 1.0]) * 2 * np.pi / omega

    @jax.jit
    @jax.vmap
    def weights(strength):
        law = tower.Tower(matter, omega, strength, kept)
        basis, psi = tower.eigenbasis(law), tower.level_state(law, 1.0)
        return tower.configuration_weights(basis.states(psi, ts))

    seen = weights(jnp.array([strength, 0.0]))
    dressed, bare = np.asarray(tower.level_norms(kept, seen))
    depth = (2 * strength / omega) ** 2
    # rounding, and 17 photons at a mean of 0.4
    np.testing.assert_allclose(
        dressed[:, 0], np.exp(-depth * np.sin(omega * ts / 2) ** 2), atol=1e-11
    )
    assert dressed[2, 0] == pytest.approx(0.685, abs=1e-3)
    np.testing.assert_allclose(bare, bare[:1] + 0 * bare, atol=1e-14)


@equation("claim-photons-alone")
def test_photons_alone_stay_as_they_are(small):
    """No coupling, no change of norm in any level or configuration."""
    share = np.sum(np.abs(small.alone) ** 2, axis=1)
    np.testing.assert_allclose(
        share, np.tile(share[:1], (len(small.ts), 1)), atol=1e-14
    )
    assert np.ptp(level_norms(small, small.psi)[:, 0]) > 0.3


@equation("claim-mixture")
@equation("claim-C9-eigenstate")
def test_states_of_one_energy_do_not_fluctuate():
    """Random phases over all states of energy 3: ΔE = 0, and nothing moves."""
    matter, kept = tower.harmonic_ladder(4, 1.0), tower.photon_configurations(1.0, 3.0)
    i, n = np.indices((4, 4))
    broad = np.exp(2j * np.pi * np.random.default_rng(2).uniform(size=i.shape)) / 4
    mixture = np.where(i + n == 3, 2 * broad, 0)

    @jax.jit
    @jax.vmap
    def look(strength, pair):
        basis = tower.eigenbasis(tower.Tower(matter, 1.0, strength, kept))
        spread = jax.vmap(basis.energy_spread)(pair)
        later = jax.vmap(lambda psi: basis.states(psi, jnp.array([2.3]))[0])(pair)
        overlap = jnp.abs(jnp.sum(pair.conj() * later, axis=(1, 2)))
        two = jnp.stack([basis.vectors[:, 7].reshape(4, 4), pair[1]])
        first = jnp.zeros((4, 4)).at[:, 0].set(1.0)
        std = jax.vmap(lambda psi: basis.temporal_std(psi, first))(two)
        return spread, overlap, std

    spread, overlap, std = map(
        np.asarray, look(jnp.array([0.0, 0.2]), np.stack([[mixture, broad]] * 2))
    )
    # uncoupled: rounding, under a root; the other state is the control
    assert spread[0, 0] < 1e-7
    assert overlap[0, 0] == pytest.approx(1, abs=1e-13)
    assert spread[0, 1] > 1
    assert overlap[0, 1] < 0.9
    # coupled: an eigenstate of the whole tower, and the other state
    assert std[1, 0] < 1e-7
    assert std[1, 1] > 1e-2


@pytest.mark.slow
@equation("claim-universal")
def test_the_same_levels_thermalise_if_coupled_at_random():
    """Five free spins and their X; then three random X of its norm instead."""
    fields = np.diagonal(spin_sum(np.linspace(0.35, 0.65, 5), "z"))
    spins, omega, E0 = tower.user_matter(fields, spin_sum(np.ones(5))), 0.5, 1.0
    X, E = np.asarray(spins.coupling), np.asarray(spins.energies)
    R = np.random.default_rng(0).normal(size=(3, *X.shape))
    R = R + R.transpose(0, 2, 1)
    R *= np.linalg.norm(X) / np.linalg.norm(R, axis=(1, 2), keepdims=True)
    kept = tower.photon_configurations(omega, 4.5)
    start = np.argsort(np.abs(E - E0))[:8]

    @jax.jit
    @jax.vmap
    def light(X):
        law = tower.Tower(tower.Matter(spins.energies, X), omega, 0.1, kept)
        basis = tower.eigenbasis(law)
        psi = jnp.zeros((8, *law.shape)).at[jnp.arange(8), start, 0].set(1.0)
        return jnp.mean(jax.vmap(basis.time_average)(psi), axis=0).sum(axis=0)

    # as many photons as there are levels of the rest of the energy, to 0.4
    rest = E0 - omega * np.arange(kept.size)
    g = np.sum(np.exp(-((E[None, :] - rest[:, None]) ** 2) / (2 * 0.4**2)), axis=1)
    weights = np.asarray(light(np.concatenate([X[None], R])))
    free, *random = (float(total_variation(p, g / g.sum())) for p in weights)
    assert free > 0.55
    # 32 levels: 0.1 to 0.2
    assert max(random) < 0.25


@pytest.mark.slow
@equation("claim-pump")
def test_a_wider_packet_pumps_no_more_light():
    """<E> = 5 and ΔE = .22 to .81: the same photon energy, means of six states.

    On average over all times, and at 5, when a third of it is there.
    """
    density = tower.ExponentialDensity(0.8, 7.0)
    matter = tower.random_matter(
        jax.random.key(5), 60, density, tower.GaussianShape(3.0)
    )
    kept = tower.photon_configurations(1.0, 8.0)

    @jax.jit
    def look(matter, keys):
        law = tower.Tower(matter, 1.0, 0.12, kept)
        basis = tower.eigenbasis(law)

        def one(width, key):
            # a density e^(βE) moves the mean of a packet by βw²
            psi = tower.level_state(law, 5.0 - 0.8 * width**2, width, key)
            light = jnp.sum(basis.time_average(psi), axis=0) @ law.photon_energies
            soon = tower.configuration_weights(basis.states(psi, jnp.array([5.0])))[0]
            return (
                basis.energy_spread(psi),
                tower.levels(law, psi).energy[0],
                light,
                soon @ law.photon_energies,
            )

        each = jax.vmap(one, in_axes=(None, 0))
        widths = jnp.array([0.05, 0.2, 0.6, 0.8])
        return jax.vmap(each, in_axes=(0, None))(widths, keys)

    keys = jax.random.split(jax.random.key(4), 6)
    spread, energy, light, soon = (np.mean(a, axis=1) for a in look(matter, keys))
    np.testing.assert_allclose(energy, 5, atol=0.02)
    assert spread[-1] > 3.5 * spread[0]
    # .03 to .06 of scatter a state, six each: 4 %; no growth with ΔE
    np.testing.assert_allclose(light, light[0], rtol=0.12)
    assert light[-1] < 1.05 * light[0]
    # nor does it come sooner: 12 % for each of the six of .22, 5 % for the widest
    assert np.all(soon < 0.5 * light)
    np.testing.assert_allclose(soon, soon[0], rtol=0.25)


@equation("claim-C8")
def test_photon_energy_spreads_with_the_root_of_k():
    """Photons of Planck's spectrum: from k = 3 on by more than the mean quantum."""
    T, omega = 0.7, np.linspace(1e-3, 40, 8001)
    spectrum = np.asarray(PLANCK(omega, T)) / omega
    spectrum = spectrum / spectrum.sum()
    mean = spectrum @ omega
    spread = np.sqrt(spectrum @ omega**2 - mean**2)
    zeta = scipy.special.zeta
    # Γ(s)ζ(s) of the moments; what lies below 1e-3 and between the points
    assert mean / T == pytest.approx(3 * zeta(4) / zeta(3), rel=1e-4)
    second = 12 * zeta(5) / zeta(3) - (mean / T) ** 2
    assert spread / T == pytest.approx(np.sqrt(second), rel=1e-4)
    # k of them add up
    over = spread * np.sqrt(np.arange(1, 10)) / mean
    assert over[0] == pytest.approx(0.65, abs=5e-3)
    assert list(over > 1).index(True) + 1 == 3
    # Counted in a tower of many modes: weights e^(-E/T) of configurations.
    modes = np.linspace(0.4, 4.4, 9)
    kept = tower.photon_configurations(modes, 9.0)
    E = kept.numbers @ modes
    found = []
    for k in (1, 2, 3):
        e = E[kept.totals == k]
        weight = np.exp(-e / 0.7) / np.sum(np.exp(-e / 0.7))
        found.append(np.sqrt(weight @ e**2 - (weight @ e) ** 2))
    # bosons keep together: a little more slowly than √k
    assert found[0] < found[1] < found[2]


ARGON = 6.6335e-26


@equation("claim-photon-recoil")
def test_recoil_of_a_thermal_photon_is_small():
    """Momentum <ħω>/c of a photon against m<v> of argon, at 300 K."""
    T = 300 * si.k
    speed = float(gas.mean_speed(T, mass=ARGON, dimension=3))
    omega = np.linspace(1e-3, 40, 8001) * T / si.hbar
    u = np.asarray(PLANCK(omega, T, hbar=si.hbar, c=si.c))
    photon = si.hbar * u.sum() / np.sum(u / omega)
    # Γ(4)ζ(4)/Γ(3)ζ(3); what lies below the first frequency and between them
    mean = 3 * scipy.special.zeta(4) / scipy.special.zeta(3)
    assert photon / T == pytest.approx(mean, rel=1e-4)
    ratio = photon / si.c / (ARGON * speed)
    # <v> = √(8T/πm)
    assert ratio == pytest.approx(mean * np.pi / 8 * speed / si.c, rel=1e-4)
    assert ratio == pytest.approx(1.41e-6, rel=5e-3)
    # Its energy is of the size of an atom's.
    assert 1 < photon / (ARGON * speed**2 / 2) < 3


@equation("claim-wavelength")
def test_thermal_light_is_longer_than_the_space_between_atoms():
    """At 300 K 2.9 mm K/T = 10 µm, against 3.4 nm in a gas and 0.25 nm in copper."""
    omega = np.linspace(1e12, 2e15, 20_001)
    u = np.asarray(PLANCK(omega, 300 * si.k, hbar=si.hbar, c=si.c))
    # per wavelength: u dω = u ω²/2πc dλ
    peak = 2 * np.pi * si.c / omega[np.argmax(u * omega**2)]
    assert peak == pytest.approx(2.898e-3 / 300, rel=1e-3)  # Wien
    density = 101325 / (300 * si.k)
    assert peak > 1e3 * density ** (-1 / 3)
    # The claim is "often": it ends where k_BT is some keV.
    assert 2.898e-3 / 1.6e7 < 0.25e-9


@equation("claim-plane-waves")
def test_a_dilute_gas_hardly_feels_its_hard_cores():
    """Argon at 300 K and 1 atm: 4φ of the pressure. Of states this tells nothing."""
    density = 101325 / (300 * si.k)
    fraction = density * np.pi * 3.4e-10**3 / 6
    excess = float(gas.compressibility(fraction, dimension=3)) - 1
    assert excess == pytest.approx(4 * fraction, rel=3e-3)
    assert excess < 3e-3
    # Negative control: liquid argon, 1.4 g/cm³.
    liquid = 1400 / ARGON * np.pi * 3.4e-10**3 / 6
    assert float(gas.compressibility(liquid, dimension=3)) > 5


@equation("claim-window")
def test_a_narrow_window_counts_single_levels():
    """∂ ln g/∂E of 256 levels: noise where the window is about their distance."""
    levels = np.linalg.eigvalsh(np.asarray(kim_huse_ising(8)))
    E = np.linspace(-5, -3, 81)
    beta = jax.jit(jax.vmap(lambda eta: kde_beta(levels, E, eta)))
    narrow, wide = np.asarray(beta(np.array([0.02, 1.0])))
    assert np.min(wide) > 0
    assert np.std(wide) < 0.3 * np.mean(wide)
    # Its sign changes from level to level.
    assert np.sum(np.diff(np.sign(narrow)) != 0) > 8
    assert np.std(narrow) > 20 * np.mean(wide)

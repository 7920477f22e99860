"""Phonons broaden cores and do not move them; coherent states move and do not."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support import ensembles

from jqd.exact import squeezed_state
from jqd.matter import solid
from jqd.matter.solid import phonons, widths
from jqd.matter.solid.modes import normal_modes

from ...papers.thermalization import waves

CHAIN = solid.chain(8, solid.Harmonic(), ends="fixed")
THREE = (3, 0, 0, 0, 0, 0, 0, 0)
OMEGA = 2 * np.sin(np.pi / 8)


@pytest.fixture(scope="module")
def modes():
    return normal_modes(CHAIN, CHAIN.sites)


@pytest.mark.equation("thermalization", "claim-A1")
def test_phonons_broaden(modes):
    """n₁ = 0 → 3 in a fixed chain of eight."""
    # 1e-7: the figures have eight digits
    assert float(modes.omega[0]) == pytest.approx(0.34729636, abs=1e-8)
    ground = phonons.atom_variances(modes)[3, 0]
    excited = phonons.atom_variances(modes, THREE)[3, 0]
    assert float(ground) == pytest.approx(0.58803396, abs=1e-7)
    assert float(excited) == pytest.approx(2.44974139, abs=1e-7)
    covariance = phonons.coordinate_covariance(modes, THREE)
    assert float(covariance[3, 3]) == pytest.approx(float(excited), rel=1e-13)
    assert float(phonons.energy(modes, THREE) - phonons.energy(modes, 0)) == (
        pytest.approx(3 * 0.34729636, abs=1e-7)
    )


@pytest.mark.slow
@pytest.mark.equation("thermalization", "claim-A1")
def test_the_wave_function_leaves_cores_in_place():
    """Two atoms by quadrature over both displacements: mean 0, variance as summed."""
    pair = solid.chain(2, solid.Harmonic(), ends="fixed", mass=np.array([1.0, 2.0]))
    modes = normal_modes(pair, pair.sites)
    line = np.linspace(-8, 8, 121)
    u = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1)[..., None]
    wave = waves.wave_function(modes, u, (2, 1))
    # dX = √(m₁m₂) du
    weight = np.asarray(wave**2) * (line[1] - line[0]) ** 2 * np.sqrt(2.0)
    # sums of analytic functions converge faster than any power; e^-60 at the ends
    assert weight.sum() == pytest.approx(1, abs=1e-12)
    variances = phonons.atom_variances(modes, (2, 1))
    for atom in range(2):
        mean = np.sum(weight * u[..., atom, 0])
        assert mean == pytest.approx(0, abs=1e-12)
        assert np.sum(weight * u[..., atom, 0] ** 2) == pytest.approx(
            float(variances[atom, 0]), abs=1e-10
        )
    # More phonons are more nodes along the mode, not a shorter wave in the crystal.
    X = np.linspace(-6, 6, 1001)
    along = waves.wave_function(modes, modes.displacements(
        jnp.stack([jnp.asarray(X), jnp.zeros(1001)], axis=1)), (2, 0))  # fmt: skip
    assert np.sum(np.diff(np.sign(np.asarray(along))) != 0) == 2


@pytest.mark.equation("thermalization", "erratum-phonon-norm")
def test_states_are_orthonormal():
    """100 levels; in print the prefactor is missing."""
    y = np.linspace(-24, 24, 2401)
    states = np.asarray(waves.phonon_states(y, 100, omega=0.7, hbar=0.6))
    overlap = states.T @ states * (y[1] - y[0])
    # rounding of 100 steps of the recursion
    np.testing.assert_allclose(overlap, np.eye(100), atol=1e-12)
    a = np.sqrt(0.6 / 0.7)
    printed = np.polynomial.hermite.hermval(y / a, [0, 0, 1]) * np.exp(
        -(y**2) / (2 * a**2)
    )
    norm = np.sum(printed**2) * (y[1] - y[0])
    assert norm > 5
    np.testing.assert_allclose(printed / norm**0.5, states[:, 2], atol=1e-12)


@pytest.mark.slow
def test_many_levels_do_not_overflow():
    """ψ_2000 about its turning point, where ψ_0 is far below the smallest float."""
    y = np.sqrt(2 * 2000 + 1) + np.array([-0.1, 0.0, 0.1])
    states = waves.phonon_states(y, 2001, omega=1.0)
    assert bool(jnp.isfinite(states).all())
    # Airy's function at the turning point: 2^(1/4) n^(-1/12) Ai(0)/…
    ai = 0.355028053887817
    expected = 2**0.25 * 2000 ** (-1 / 12) * ai
    assert abs(float(states[1, 2000])) == pytest.approx(expected, rel=2e-3)


@pytest.mark.slow
def test_thermal_occupations(modes):
    n = phonons.thermal_occupations(modes, 0.5)
    np.testing.assert_allclose(n, 1 / np.expm1(np.asarray(modes.omega) / 0.5))
    assert not np.any(np.asarray(phonons.thermal_occupations(modes, 0.0)))
    # far below ħω no overflow
    assert bool(jnp.isfinite(phonons.thermal_occupations(modes, 1e-5)).all())
    slope = jax.grad(lambda T: phonons.energy(
        modes, phonons.thermal_occupations(modes, T)))(0.0)  # fmt: skip
    assert float(slope) == 0


@pytest.mark.slow
def test_wigner_samples(modes, key):
    """Variances and energy of a thermal state, at 4 standard errors."""
    u, v = phonons.wigner_samples(key, modes, 20_000, hbar=0.3, temperature=0.2)
    n = phonons.thermal_occupations(modes, 0.2, hbar=0.3)
    expected = phonons.atom_variances(modes, n, hbar=0.3)[:, 0]
    np.testing.assert_allclose(
        np.var(np.asarray(u)[..., 0], axis=0), expected, rtol=4 * np.sqrt(2 / 2e4)
    )
    energy = np.asarray(modes.energies(u, v).sum(axis=-1))
    error = energy.std() / np.sqrt(2e4)
    exact = float(phonons.energy(modes, n, hbar=0.3))
    assert energy.mean() == pytest.approx(exact, abs=4 * error)


@pytest.mark.slow
def test_bond_widths(modes):
    """Σ_k (e_j+1,k - e_jk)² ħ/2ω_k, and the same from many samples' lengths."""
    pairs = np.stack([np.arange(7), np.arange(1, 8)], axis=1)
    covariance = phonons.coordinate_covariance(modes)
    variances = widths.bond_variances(covariance, CHAIN.sites, pairs)
    e = np.asarray(modes.vectors)
    direct = (np.diff(e, axis=0) ** 2) @ (1 / (2 * np.asarray(modes.omega)))
    np.testing.assert_allclose(variances, direct, rtol=1e-12)
    # neighbours move together
    assert np.max(variances) < 2 * float(np.min(phonons.atom_variances(modes)))


@pytest.mark.equation("thermalization", "claim-A2")
@pytest.mark.equation("thermalization", "claim-A6")
def test_a_coherent_state_moves_and_keeps_its_width():
    """ω = 2 sin π/8, |α|² = 3: variance and ΔE at any time."""
    y, ts = np.linspace(-24, 24, 2401), np.array([0.0, 0.7, 3.1, 40.0])
    cell = y[1] - y[0]
    alpha = 3**0.5 * np.exp(0.4j)
    packet = jax.jit(lambda y, t: squeezed_state(
        y, t, width=jnp.sqrt(1 / (2 * OMEGA)), omega=OMEGA,
        center=jnp.sqrt(2 / OMEGA) * alpha.real,
        momentum=jnp.sqrt(2 * OMEGA) * alpha.imag))  # fmt: skip
    wave = np.asarray(packet(y[None, :], ts[:, None]))
    weight = np.abs(wave) ** 2 * cell
    mean = weight @ y
    variance = weight @ y**2 - mean**2
    # 1e-7: the figures have eight digits
    np.testing.assert_allclose(variance, 0.65328148, atol=1e-7)
    path = np.sqrt(2 * 3 / OMEGA) * np.cos(OMEGA * ts - 0.4)
    np.testing.assert_allclose(mean, path, atol=1e-11)
    assert np.ptp(mean) > 3
    states = np.asarray(waves.phonon_states(y, 100, omega=OMEGA))[:, :40]
    share = np.abs(states.T @ wave.T * cell) ** 2
    n = np.arange(40)
    spread = OMEGA * np.sqrt(n**2 @ share - (n @ share) ** 2)
    np.testing.assert_allclose(spread, 1.32565430, atol=1e-7)


def test_phonons_in_other_units(modes):
    """ħ sets the scale: √ħ of lengths, ħ of energies, e^(-X²ω/2ħ) of the wave."""
    hbar, alpha = 0.3, np.linspace(0.1, 0.7, 8) * np.exp(1j * np.arange(8))
    path = waves.coherent_path(modes, alpha, 1.3, hbar=hbar)
    unit = waves.coherent_path(modes, alpha, 1.3)
    np.testing.assert_allclose(path, np.sqrt(hbar) * unit, rtol=1e-12)
    np.testing.assert_allclose(
        phonons.coordinate_covariance(modes, THREE, hbar=hbar),
        hbar * phonons.coordinate_covariance(modes, THREE),
        rtol=1e-12,
    )
    u = 0.3 * np.asarray(unit)
    wave = waves.wave_function(modes, np.sqrt(hbar) * u, THREE, hbar=hbar)
    # eight modes, each with (ω/πħ)^(1/4)
    expected = hbar**-2 * float(waves.wave_function(modes, u, THREE))
    assert float(wave) == pytest.approx(expected, rel=1e-11)


def test_drawn_momenta_are_thermal(modes, key):
    """<P_k²> = ħω_k (n_k + 1/2) of each mode, at 4.5 standard errors of eight."""
    n = phonons.thermal_occupations(modes, 0.6, hbar=0.3)
    assert float(n[0]) > 1  # so that the zero point is not all
    _, v = phonons.wigner_samples(key, modes, 4000, hbar=0.3, temperature=0.6)
    P = np.asarray(jax.vmap(modes.coordinates)(v))
    expected = 0.3 * np.asarray(modes.omega * (n + 0.5))
    error = np.sqrt(2 / 4000)
    np.testing.assert_allclose(np.mean(P**2, axis=0), expected, rtol=4.5 * error)


def test_bonds_across_the_seam_of_a_box():
    """A ring's last bond is as long, and varies as much, as its nearest images."""
    rng = np.random.default_rng(2)
    x = np.arange(4.0)[None, :, None] + 0.05 * rng.normal(size=(30, 4, 1))
    pairs = np.array([[0, 1], [3, 0]])
    found = ensembles.pair_lengths(x, pairs, box=np.array([4.0]))
    seam = x[:, 0, 0] + 4 - x[:, 3, 0]
    lengths = np.stack([x[:, 1, 0] - x[:, 0, 0], seam], axis=1)
    np.testing.assert_allclose(found, lengths, rtol=1e-12)
    # drawn apart by a turn of the box, the bond is the same
    x[::2, 3] -= 4.0
    again = ensembles.pair_lengths(x, pairs, box=np.array([4.0]))
    np.testing.assert_allclose(again, found, rtol=1e-12)


@pytest.mark.slow
def test_coherent_path_of_atoms(modes):
    """The mean obeys Newton's law."""
    alpha = np.linspace(0, 0.7, 8) * np.exp(1j * np.arange(8))
    ts = np.array([0.0, 1.3])
    path = waves.coherent_path(modes, alpha, ts)
    acceleration = jax.jacfwd(jax.jacfwd(lambda t: waves.coherent_path(
        modes, alpha, t)))(1.3)  # fmt: skip
    force = CHAIN.forces(CHAIN.sites + path[1])
    np.testing.assert_allclose(acceleration, force, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda m: phonons.atom_variances(m, -1),
            "Argument `occupations` must not be negative",
        ),
        (
            lambda m: phonons.atom_variances(m, np.zeros(3)),
            "Argument `occupations` must have shape (8,)",
        ),
        (
            lambda m: phonons.thermal_occupations(m, -1.0),
            "Argument `temperature` must not be negative",
        ),
        (
            lambda m: phonons.wigner_samples(jax.random.key(0), m, 0),
            "Argument `samples` must be a positive integer",
        ),
    ],
)
def test_input(call, message, modes):
    with pytest.raises(ValueError, match=re.escape(message)):
        call(modes)


def test_bond_variances_are_those_of_a_gradient():
    """g·C·g, g the derivative of a bond's length, of any covariance, across a box."""
    rng = np.random.default_rng(4)
    x, root = rng.uniform(0, 3, (4, 3)), rng.normal(size=(12, 12))
    box, pairs = np.full(3, 3.0), np.array([[0, 1], [2, 0], [3, 1]])
    expected = []
    for i, j in pairs:
        apart = x[j] - x[i]
        apart -= box * np.round(apart / box)
        gradient = np.zeros((4, 3))
        gradient[j] = apart / np.linalg.norm(apart)
        gradient[i] = -gradient[j]
        expected.append(gradient.ravel() @ root @ root.T @ gradient.ravel())
    found = widths.bond_variances(root @ root.T, x, pairs, box=box)
    np.testing.assert_allclose(found, expected, rtol=1e-12)  # rounding

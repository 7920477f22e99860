"""Solids and gases: phonons along modes, sound, energies, melting, times, order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.blocks import initial_points, two_blocks
from _support.ensembles import pair_lengths
from _support.returns import torus_recurrence

import jqd
from jqd.matter import gas, solid
from jqd.matter.solid import phonons, relax
from jqd.matter.solid.modes import hessian_modes, normal_modes
from jqd.readings.time_scales import (
    doubling_time,
    ehrenfest_time,
    localization_times,
    spreading_width,
)

from ...matter.solid.clusters import CLUSTER, thirteen
from . import waves
from .conftest import equation

# Two atoms between walls, springs of 1.
PAIR = np.array([[2.0, -1.0], [-1.0, 2.0]])


@pytest.fixture(scope="module")
def modes():
    return hessian_modes(PAIR, np.array([1.0, 2.0]))


@pytest.fixture(scope="module")
def along(modes):
    """States n = 0..5 of the first mode on a line: y, the cell, (y, n)."""
    y = np.linspace(-12, 12, 1201)
    states = waves.phonon_states(y, 6, omega=float(modes.omega[0]))
    return y, y[1] - y[0], np.asarray(states)


@equation("claim-A1-location")
def test_phonons_leave_cores_in_place(along):
    """<X> = 0 and no current, <X²> = (2n + 1) times that of the ground state."""
    y, cell, states = along
    assert not np.iscomplexobj(states)  # and so Im ψ*∂ψ = 0
    weight = states**2 * cell
    np.testing.assert_allclose(weight.sum(axis=0), 1, atol=1e-12)
    np.testing.assert_allclose(y @ weight, 0, atol=1e-12)
    variance = y**2 @ weight
    np.testing.assert_allclose(variance / variance[0], 2 * np.arange(6) + 1, rtol=1e-10)


@equation("claim-phonon-nodes")
def test_more_phonons_are_more_nodes_along_one_mode(modes, along):
    """The pattern in the crystal, e_j, and its wavelength do not depend on n."""
    states = along[2]
    nodes = [np.sum(np.diff(np.sign(column[column != 0])) != 0) for column in states.T]
    assert nodes == list(range(6))
    # Cores spread along e for every n: shares of the atoms in the added variance.
    shares = []
    for n in (1, 4):
        added = phonons.atom_variances(modes, (n, 0)) - phonons.atom_variances(modes)
        shares.append(np.ravel(added / added.sum()))
    np.testing.assert_allclose(shares[0], shares[1], rtol=1e-12)
    # In the crystal they are no shorter wave, as the second mode is.
    shorter = phonons.atom_variances(modes, (0, 1)) - phonons.atom_variances(modes)
    assert np.max(np.abs(np.ravel(shorter / shorter.sum()) - shares[0])) > 0.1


def swung(u, dt, steps, every):
    """Classical motion of a free chain from rest, V = (1 - e^-d)²/2 of each bond d.

    By Verlet's method in NumPy; displacements after each `every` steps, and the last
    velocities.
    """

    def forces(u):
        e = np.exp(-np.diff(u))
        pull = np.concatenate([[0.0], (1 - e) * e, [0.0]])
        return np.diff(pull)

    v, f, seen = np.zeros_like(u), forces(u), []
    for step in range(steps):
        v = v + dt / 2 * f
        u = u + dt * v
        f = forces(u)
        v = v + dt / 2 * f
        if (step + 1) % every == 0:
            seen.append(u)
    return np.array(seen), v


@equation("claim-sound")
def test_sound_has_the_frequency_of_its_phonons():
    """Cores moved by three spacings: in anharmonic bonds, back after that period."""
    N = 384
    body = solid.chain(N, solid.Morse(D=0.5, a=1.0, r0=1.0))
    modes = normal_modes(body, body.sites)
    missed, late = {}, {}
    for k in (1, 16):
        omega, unit = float(modes.omega[k]), np.eye(N)[k]
        quarters = np.arange(5) * np.pi / 2 / omega
        path = np.asarray(waves.coherent_path(modes, unit, quarters))[..., 0]
        alpha = 3 / np.max(np.abs(path[0])) * unit
        path = path * alpha[k]
        # the path of the phonons is that of this frequency; steps of 1/10 or less
        every = int(np.ceil(quarters[1] / 0.1))
        seen, v = swung(path[0], quarters[1] / every, 4 * every, every)
        missed[k] = np.max(np.abs(seen - path[1:]), axis=1) / 3
        # in radians: how far from its turning point the wave is, by its mean
        late[k] = v @ path[0] / (path[0] @ path[0]) / omega
        if k == 1:
            # on the way overtones of the order of the strain, 1/40
            assert np.max(np.abs(np.diff(path[0]))) < 1 / 40
            assert np.all(missed[k][:3] < 0.03)
            # and back where it was, late by the square of the strain
            assert abs(late[k]) < 2 * np.pi / 40**2
            assert missed[k][3] < 2e-5
            # in phonons a broad state: many quanta, and ΔE as many as their root
            # ΔE = ħ √(Σ_k ω_k² |α_k|²)
            spread = np.linalg.norm(np.asarray(modes.omega) * alpha * 30) / 900
            quanta = spread / (omega / 900)
            assert quanta == pytest.approx(30 * alpha[k], rel=1e-12)
            assert quanta > 50
    # Negative control: by as much in a wave 16 times as short, strained by 0.4.
    assert missed[16][3] > 0.5


@equation("claim-A3")
def test_rigid_motions_are_no_phonons():
    """Springs between nearest neighbours of 32 atoms: free, periodic, and held."""
    sites = np.asarray(solid.face_centred_cubic((2, 2, 2)))
    box = 2 * np.sqrt(2)

    def hessian(periodic):
        full = np.zeros((32, 3, 32, 3))
        for i in range(32):
            for j in range(32):
                r = sites[j] - sites[i]
                if periodic:
                    r = r - box * np.round(r / box)
                if i != j and np.linalg.norm(r) < 1.1:
                    full[i, :, i] += np.outer(r, r)
                    full[i, :, j] -= np.outer(r, r)
        return full.reshape(96, 96)

    held = hessian(False) + 0.1 * np.eye(96)
    for matrix, lost in ((hessian(False), 6), (hessian(True), 3), (held, 0)):
        modes = hessian_modes(matrix, np.ones(32))
        assert int(modes.zero_modes) == lost
        assert int(modes.vibrating.sum()) == 96 - lost


@pytest.mark.slow
@equation("claim-A9-lennard-jones")
def test_potential_energy_outgrows_the_kinetic():
    """LJ₁₃: PE/KE - 1 is .002, .022 and .08 at T = .002, .03 and .09."""
    body = CLUSTER
    rest = relax(body, thirteen(1.05))
    modes = normal_modes(body, rest.x)

    def look(t, state):
        return body.kinetic_energy(state.v), body.energy(state.x) - rest.energy

    @jax.jit
    @jax.vmap
    def run(key, T):
        push = jax.random.normal(key, modes.omega.shape) * jnp.sqrt(2 * T)
        v = modes.displacements(jnp.where(modes.vibrating, push, 0))
        seen = jqd.evolve(
            solid.AtomMotion(body), solid.Point(rest.x, v), jnp.linspace(0, 200, 1001),
            method=jqd.Fixed(jqd.steppers.strang, substeps=80, estimate_error=False),
            observe=look,
        )  # fmt: skip
        kinetic, potential = (jnp.mean(a[200:]) for a in seen.values)
        return 2 * kinetic / 33, potential / kinetic

    keys = jax.random.split(jax.random.key(1), (3, 16)).ravel()
    found = run(keys, jnp.repeat(jnp.array([0.002, 0.03, 0.1]), 16))
    T, ratio = (np.asarray(a).reshape(3, 16) for a in found)
    # Motion is chaotic: another machine has other numbers. Expected are means of 96
    # other starts. The error of the steps is (ωh)²/4, 4e-4 of the fastest mode (6e-3
    # with 20 substeps). Four standard errors of a mean of 16.
    wanted = (ratio, [1.0020, 1.0221, 1.0830]), (T, [0.00204, 0.0297, 0.0941])
    for values, expected in wanted:
        error = values.std(1, ddof=1) / 4
        np.testing.assert_array_less(abs(values.mean(1) - expected), 4 * error)
    assert (ratio.mean(1) - 4 * ratio.std(1, ddof=1) / 4 > 1).all()


@pytest.mark.slow
@equation("claim-A5-melting")
def test_fast_blocks_melt():
    """v = 2, ħ = 0.01: bonds widen past 0.4 of a spacing, 15 % and more are lost."""
    pair = two_blocks(speed=2.0)
    points = initial_points(pair, jax.random.key(3), 8, hbar=0.01)
    method = jqd.Fixed(jqd.steppers.strang, substeps=800, estimate_error=False)
    run = jax.jit(jax.vmap(lambda point: jqd.evolve(
        solid.AtomMotion(pair.body), point, jnp.linspace(0.0, 16.0, 21), method=method,
        observe=lambda t, state: state.x)))(points)  # fmt: skip
    assert run.ok.all()
    a = float(pair.spacing)
    lengths = np.asarray(pair_lengths(run.values, pair.pairs)) / a
    width = lengths.std(axis=0, ddof=1)
    mean = width.mean(axis=1)
    # one ensemble of eight: 20 %
    assert mean[0] < 0.03
    assert mean[-1] > 0.4
    assert np.mean(lengths[:, -1] < 1.5) < 0.85


@equation("claim-A10-fourth")
def test_unstable_motion_fades_soonest():
    """All these times grow as powers of 1/ħ, ln(δ/σ₀)/λ with σ₀ ∝ √ħ as ln 1/ħ."""
    # A mode of frequency 1 at amplitude 1, shifted by χ = 0.05 ħ for each phonon.
    hbar = np.array([1e-4, 1e-8, 1e-12])
    alpha, sigma = np.sqrt(1 / (2 * hbar)), np.sqrt(hbar / 2)
    kerr = localization_times(alpha, 0.05 * hbar)
    times = {
        "collapse": kerr.collapse,
        "revival": kerr.revival,
        # a body of 1e3 atoms as narrow as 0.01 of their distance
        "classicality": doubling_time(0.01, 1e3, hbar),
        "Ehrenfest": ehrenfest_time(sigma, 0.1, 0.92),
    }
    growth = {name: np.diff(np.log10(np.asarray(t))) / 4 for name, t in times.items()}
    np.testing.assert_allclose(growth["collapse"], 0.5, rtol=1e-10)
    np.testing.assert_allclose(growth["revival"], 1, rtol=1e-10)
    np.testing.assert_allclose(growth["classicality"], 1, rtol=1e-10)
    assert np.all(growth["Ehrenfest"] < 0.15)
    assert float(times["Ehrenfest"][2]) == pytest.approx(
        float(times["Ehrenfest"][0]) + 8 * np.log(10) / 2 / 0.92
    )
    # As printed the first of three would be the first of all.
    printed = np.min(
        [times[n] for n in ("collapse", "revival", "classicality")], axis=0
    )
    assert np.all(np.asarray(times["Ehrenfest"]) < printed / 5)


@equation("claim-A10")
@equation("claim-A10-fourth")
def test_vibrations_return_ever_later():
    """Exponentially in the number of modes; at 1/ħ quanta in each as ħ^(-(N-1)/2)."""

    def time(N, alpha):
        omega = 2 * np.sin(np.arange(1, N + 1) * np.pi / 2 / (N + 1))
        found = torus_recurrence(
            omega, alpha * np.ones(N), jax.random.key(0), samples=4096
        )
        assert float(found.error) < 0.02 * float(found.time)
        return float(found.time)

    # 3 standard errors and half of the last digit
    assert time(2, 1.0) == pytest.approx(11.7, rel=0.03)
    assert time(3, 1.0) == pytest.approx(44.6, rel=0.03)
    assert time(6, 1.0) == pytest.approx(8e3, rel=0.15)
    # ħ of a quarter; the surface is a sphere but for 1/|α|²
    assert time(3, 16.0) / time(3, 8.0) == pytest.approx(4, rel=2e-3)


@equation("claim-orientation")
def test_an_orientation_needs_many_angular_momenta():
    """ΔL = ħ/2σ of a peak of the angle σ, which turns it into all angles at ΔL/I."""
    angle = np.linspace(-np.pi, np.pi, 4096, endpoint=False)
    sigma, inertia = 0.01, 7.0
    share = np.abs(np.fft.fft(np.exp(-(angle**2) / (4 * sigma**2)))) ** 2
    share = share / share.sum()
    L = np.fft.fftfreq(4096, 1 / 4096)
    spread = np.sqrt(share @ L**2)
    assert spread == pytest.approx(1 / (2 * sigma), rel=1e-9)
    # An eigenstate of rotation has one L: no level holds much of the peak.
    assert np.max(share) < 0.01
    late = float(spreading_width(1e6, sigma, inertia))
    assert late / 1e6 == pytest.approx(spread / inertia, rel=1e-9)


@pytest.mark.slow
@equation("claim-countermoving")
def test_order_that_never_relaxes_is_unstable():
    """Rows of discs head-on bounce on a line for ever; 1e-6 aside they leave it."""
    x = np.array([[i * 3.0 + 1, j * 3.0 + 1] for j in range(2) for i in range(4)])
    v = np.array([[1.0 - 2 * (i % 2), 0.0] for j in range(2) for i in range(4)])
    # no two collisions at one time
    x[:, 0] += np.linspace(0, 0.4, 8)
    box = [12.0, 6.0]
    straight = gas.event_driven(x, v, box, collisions=80)
    aside = gas.event_driven(
        x + 1e-6 * np.random.default_rng(0).normal(size=x.shape), v, box, collisions=80
    )
    assert float(np.max(np.abs(straight.velocities[-1][:, 1]))) == 0
    np.testing.assert_allclose(np.abs(straight.velocities[-1][:, 0]), 1)
    assert np.max(np.abs(aside.velocities[-1][:, 1])) > 0.3
    energy = np.sum(np.asarray(aside.velocities) ** 2, axis=(1, 2))
    np.testing.assert_allclose(energy[-1], energy[0], rtol=1e-13)

"""Two cold blocks that collide: bonds stay sharp, energy is kept, modes share it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support import blocks, ensembles
from harmonic_never_thermalizes import impact_temperature

import jqd
from jqd.matter import solid
from jqd.matter.solid import phonons
from jqd.matter.solid.equipartition import effective_modes
from jqd.matter.solid.modes import normal_modes

SPRING = solid.FPUT(1.0, 0.0, 1.0)


@pytest.mark.equation("thermalization", "claim-A7")
@pytest.mark.parametrize(
    ("speed", "expected"), [(0.5, 0.031877), (1.0, 0.132270), (2.0, 0.562187)]
)
def test_predicted_temperature(speed, expected):
    """2<KE>/N = T (N - 1)/N of 64 atoms, to the six digits given."""
    T = jax.jit(impact_temperature, static_argnums=1)(SPRING, 64, speed)
    assert float(T) * 63 / 64 == pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
def test_a_harmonic_chain_shares_energy_equally():
    """<V> = T/2, so that T = N v²/8(N - 1); dT/dv = 2T/v."""
    spring = solid.Harmonic(3.0)
    go = jax.value_and_grad(lambda v: impact_temperature(spring, 10, v))
    T, slope = go(0.7)
    assert float(T) == pytest.approx(10 * 0.49 / 72, rel=1e-12)
    assert float(slope) == pytest.approx(2 * float(T) / 0.7, rel=1e-10)


@pytest.mark.slow
@pytest.mark.equation("thermalization", "claim-A5")
def test_cores_stay_sharp_in_a_harmonic_chain():
    """Two ground states of 32 atoms, joined: bonds inside do not widen, t ≤ 2000."""
    half = solid.chain(32, solid.Harmonic())
    chain = solid.chain(64, solid.Harmonic())
    modes = normal_modes(chain, chain.sites)
    part = normal_modes(half, half.sites)
    low = np.asarray(part.omega)[1]
    omega = np.where(part.vibrating, part.omega, low)
    # each half's own place has the packet of its lowest mode
    e = np.kron(np.eye(2), np.asarray(part.vectors))
    u0 = (e / (2 * np.tile(omega, 2))) @ e.T
    v0 = (e * np.tile(omega, 2) / 2) @ e.T
    E, w = np.asarray(modes.vectors), np.asarray(modes.omega)
    X, P = E.T @ u0 @ E, E.T @ v0 @ E
    bonds = np.diff(E, axis=0)[:, 1:]
    X, P, w = X[1:, 1:], P[1:, 1:], w[1:]

    def bond_widths(t):
        c, s = np.cos(w * t), np.sin(w * t) / w
        moved = c[:, None] * X * c[None, :] + s[:, None] * P * s[None, :]
        return np.sqrt(np.einsum("bk,kl,bl->b", bonds, moved, bonds))

    start = bond_widths(0.0)
    assert np.argmax(start) == 31
    later = np.stack([bond_widths(t) for t in np.linspace(0, 2000, 401)])
    ratio = np.delete(later / start[None, :], 31, axis=1)
    # the figure given, with half of its last digit
    assert np.max(np.median(ratio, axis=1)) < 1.0145
    assert later.max() == start[31]
    # Negative control: the lab frame of the joined chain is far wider than a bond.
    ground = np.asarray(phonons.atom_variances(modes))
    assert ground.max() ** 0.5 > 1.3 * np.median(start)


@pytest.fixture(scope="module")
def pair():
    return blocks.two_blocks(speed=0.5)


@pytest.mark.slow
def test_blocks_at_the_start(pair, key):
    """Energy is that of two blocks in their ground states, apart, with ±v/2."""
    body, n = pair.body, pair.x.shape[0]
    assert n == 50
    assert int(pair.modes.zero_modes) == int(pair.block.zero_modes) == 3
    # out of reach: no force at all across
    assert float(jnp.max(jnp.abs(body.forces(pair.x)))) < 1e-10
    budget = blocks.energy_budget(pair, hbar=0.01)
    excess = body.energy(pair.x) + body.kinetic_energy(pair.v) - pair.fused_energy
    assert float(excess) == pytest.approx(float(budget.impact + budget.bond), abs=1e-10)
    assert float(budget.impact) == pytest.approx(12.5 * 0.25 / 2)
    # 5 rows of 2 bonds less one, and the pairs beyond
    assert 9 < float(budget.bond) < 11
    points = blocks.initial_points(pair, key, 400, hbar=1e-4)
    energies = jax.vmap(solid.AtomMotion(body).energy)(points)
    mean, error = (float(a) for a in (energies.mean(), energies.std() / 20))
    zero = float(blocks.energy_budget(pair, hbar=1e-4).zero_point)
    start = float(body.energy(pair.x) + body.kinetic_energy(pair.v))
    assert mean - start == pytest.approx(zero, abs=4 * error)
    assert error < zero / 40
    # Weak bonds set less energy free.
    weak = blocks.two_blocks(speed=0.5, bond=0.3)
    assert float(weak.bond_energy) == pytest.approx(0.3 * float(budget.bond), rel=0.02)
    fast = pair.at_speed(2.0)
    assert float(blocks.energy_budget(fast).impact) == pytest.approx(25.0)


@pytest.mark.slow
@pytest.mark.equation("thermalization", "claim-A5-bonds")
@pytest.mark.parametrize(
    ("hbar", "start", "end", "kept", "temperature"),
    # one ensemble of 32 each: widths vary by 15 %, temperatures by 10 %
    [(1e-4, 0.0025, 0.038, 0.995, 0.111), (0.01, 0.026, 0.060, 0.99, 0.165)],
)
def test_bonds_stay_sharp(pair, key, hbar, start, end, kept, temperature):
    """v = 0.5: the blocks stick, warm up, and cores stay where they are."""
    law, ts = solid.AtomMotion(pair.body), jnp.linspace(0.0, 24.0, 25)
    method = jqd.Fixed(jqd.steppers.strang, substeps=250, estimate_error=False)
    points = blocks.initial_points(pair, key, 32, hbar=hbar)
    run = jax.jit(jax.vmap(lambda point: jqd.evolve(
        law, point, ts, method=method, observe=blocks.Readings(pair))))  # fmt: skip
    seen = run(points)
    assert seen.ok.all()
    values = {name: np.asarray(value) for name, value in seen.values.items()}
    energy = (values["kinetic"] + values["potential"]).mean(axis=0)
    budget = float(blocks.energy_budget(pair, hbar=hbar).total)
    # the scatter of 32 points is itself uncertain by half: that of 4096 others
    others = blocks.initial_points(pair, key, 4096, hbar=hbar)
    spread = float(jax.vmap(law.energy)(others).std()) / np.sqrt(32)
    assert energy[0] == pytest.approx(budget, abs=4 * spread)
    # Verlet's error at dt = 0.004
    np.testing.assert_allclose(energy, energy[0], rtol=1e-3)
    width = values["bonds"].std(axis=0, ddof=1) / float(pair.spacing)
    same = np.std(ensembles.pair_lengths(values["x"], pair.pairs), axis=0, ddof=1)
    same /= pair.spacing
    np.testing.assert_allclose(width, same, rtol=1e-10)
    assert width[0].mean() == pytest.approx(start, rel=0.1)
    assert width[-6:].mean() == pytest.approx(end, rel=0.25)
    late = ensembles.pair_lengths(values["x"][:, -6:], pair.pairs)
    assert np.mean(late < 1.5 * pair.spacing) > kept
    assert values["temperature"][:, -8:].mean() == pytest.approx(temperature, rel=0.12)
    # The lab frame would say otherwise: the body turns and drifts.
    _, covariance = ensembles.atom_ellipses(values["x"][:, -1])
    lab = np.sqrt(np.trace(np.asarray(covariance), axis1=1, axis2=2) / 2)
    assert lab.mean() / float(pair.spacing) > 1.5 * width[-1].mean()
    # The impact spreads over the modes of the fused solid.
    modes = values["modes"].mean(axis=0)
    shared = effective_modes(modes, pair.modes.vibrating)
    assert float(shared[-6:].mean()) > 0.7
    assert float(shared[:2].mean()) < 0.3

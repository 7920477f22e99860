"""Soft discs: one collision in time, quadratures, energies in contact."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.soft_spheres import SoftSpheres
from jaxtyping import Array, ArrayLike, Float
from scipy import integrate, stats

from jqd.matter import gas
from jqd.readings.gases import dilute_averages, recoil_time_spring

KAPPA = 1000.0
RECOIL = np.pi * np.sqrt(1 / (2 * KAPPA))


def contact_energy_density(
    energy: ArrayLike, contact: ArrayLike, temperature: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """The continuous part of h_PE: energies of pairs in contact, times their weight.

    h_PE(E) = (1-ε) δ(E) + ε e^(-E/T)/√(πTE), ε = τ_r/τ_coll: a particle is out of
    contact, without potential energy, for all but a part ε of the time, and in contact
    shares a spring's energy E = e sin²ωt, e with the density e^(-e/T)/T. In print
    h_PE ≈ ε h_KE and ∫ h_PE = 1, which exclude each other; the weight ε is right, of
    the contacts. The mean, εT/2, is of a pair: <PE> is half of it per particle.

    Args:
        energy: E of a pair.
        contact: ε in [0, 1], e.g. `recoil_over_collision` of `dilute_averages`.
        temperature: T.

    Returns:
        1/energy, of the broadcast shape; integrates to ε. 0 for E <= 0.

    Source: Chafin (2019), sec. 2, corrected.
    """
    inside = jnp.asarray(energy) > 0
    e = jnp.where(inside, energy, 1)
    density = jnp.exp(-e / temperature) / jnp.sqrt(jnp.pi * e * temperature)
    return jnp.where(inside, contact * density, 0)


def head_on(dt, steps):
    """Two discs at speeds 1 and -1, from 0.2 recoil times before they touch."""
    springs = SoftSpheres([6.0, 6.0], KAPPA)
    far = 1 + 2 * 0.2 * RECOIL
    x = jnp.array([[3 - far / 2, 3.0], [3 + far / 2, 3.0]])
    v = jnp.array([[1.0, 0.0], [-1.0, 0.0]])
    return springs.run(x, v, dt=dt, steps=steps, snapshots=140)


@pytest.fixture(scope="module")
def meeting():
    """100 snapshots a recoil time."""
    return head_on(RECOIL / 1000, 10)


@pytest.mark.equation("thermalization", "erratum-recoil-time")
def test_recoil_time(meeting):
    """π√(m/2κ) at any speed; the printed E/κv has another unit and another value."""
    touching = np.asarray(meeting.potential) > 0
    # within one snapshot
    assert touching.sum() / 100 == pytest.approx(1, abs=0.011)
    assert recoil_time_spring(KAPPA) == pytest.approx(RECOIL, rel=1e-14)
    printed = 1 / KAPPA  # E_th = T = 1, v_th = 1
    assert not 0.5 < printed / RECOIL < 2
    # Scaling: half the speed, the same time; the printed one halves with E/v.
    assert pytest.approx(printed / 2) == 0.25 / (KAPPA * 0.5)
    # All energy is in the spring half-way, and its time average is half of it.
    assert meeting.potential.max() == pytest.approx(1, abs=1e-5)
    assert meeting.mean_potential.mean() * 1.4 == pytest.approx(0.5, abs=2e-3)
    np.testing.assert_allclose(meeting.velocities[-1], [[-1, 0], [1, 0]], atol=1e-4)
    assert meeting.ok


@pytest.mark.equation("thermalization", "erratum-recoil-time")
def test_ramp():
    """4E/(Fv): the one reading in which E/κv is a time, κ a force."""
    mu, speed, force = 0.7, 1.3, 5.0
    energy = mu * speed**2 / 2
    # δ(t) = vt - Ft²/2μ returns to 0
    back = 2 * mu * speed / force
    assert 4 * energy / (force * speed) == pytest.approx(back, rel=1e-14)
    printed = energy / (force * speed)
    assert back / printed == pytest.approx(4, rel=1e-14)


@pytest.mark.slow
def test_order_of_the_stepper(meeting):
    coarse = head_on(RECOIL / 500, 5)
    fourfold = 4 * float(meeting.energy_drift)
    assert coarse.energy_drift == pytest.approx(fourfold, rel=0.3)
    assert meeting.energy_drift < 1e-5


@pytest.mark.equation("thermalization", "claim-B4")
def test_quadratures():
    """T13, and the limits of stiff springs."""
    found = dilute_averages(0.02, KAPPA)
    expected = [0.00150533, 0.00618132, 0.00634132]
    np.testing.assert_allclose(found, expected, atol=1e-7)
    # against an adaptive rule
    n = 0.02 * 4 / np.pi

    def weight(r):
        return r * np.exp(-KAPPA * (1 - r) ** 2 / 2)

    contacts = 2 * np.pi * n * integrate.quad(weight, 0, 1, epsabs=1e-13)[0]
    assert found.contacts == pytest.approx(contacts, rel=1e-10)
    # The weight of h_PE is τ_r/τ_coll in contacts, 1/2d of it in energy.
    for d in (2, 3):
        stiff = dilute_averages(0.02, 1e8, dimension=d)
        ratio = stiff.contacts / stiff.recoil_over_collision
        assert ratio == pytest.approx(1, abs=1e-3)
        share = stiff.potential_over_kinetic / stiff.recoil_over_collision
        assert share == pytest.approx(1 / (2 * d), rel=1e-3)
    # Negative control: as printed, of energies, it would be 1.
    assert found.potential_over_kinetic < found.recoil_over_collision / 4


def test_averages_have_no_unit():
    """Temperature, diameter and mass only set the units of κ = 1000 T/σ²."""
    t, s, m = 1.7, 0.6, 2.3
    for d in (2, 3):
        x = {"temperature": t, "diameter": s, "mass": m, "dimension": d}
        found = dilute_averages(0.02, KAPPA * t / s**2, **x)
        expected = dilute_averages(0.02, KAPPA, dimension=d)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.slow
def test_quadratures_have_slopes():
    def contacts(kappa):
        return dilute_averages(0.02, kappa).contacts

    step = 1e-2
    slope = (contacts(KAPPA + step) - contacts(KAPPA - step)) / (2 * step)
    assert jax.grad(contacts)(KAPPA) == pytest.approx(float(slope), rel=1e-6)


@pytest.mark.equation("thermalization", "erratum-h-PE")
def test_energies_in_contact():
    """(1-ε)δ + εg: its mean is that of the quadrature; the printed two contradict."""
    contact, t = 0.3, 1.7
    # E = u², which takes the root out of the density
    u, weights = np.polynomial.legendre.leggauss(60)
    u, weights = 5 * (u + 1), 5 * weights
    density = 2 * u * np.asarray(contact_energy_density(u**2, contact, t))
    assert weights @ density == pytest.approx(contact, rel=1e-9)
    assert weights @ (u**2 * density) == pytest.approx(contact * t / 2, rel=1e-9)
    # As printed, ε h_KE integrates to ε, not to 1.
    printed = contact * 2 * u * np.asarray(gas.energy_density(u**2))
    assert weights @ printed == pytest.approx(contact, rel=1e-9)


@pytest.mark.slow
def test_distribution_of_energies_in_contact():
    """The integral of the density, its mean against the quadrature, and draws."""
    contact, t = 0.3, 1.7

    def below(e, contact, t):
        """Part of the particles with a potential energy up to E: 1 - ε erfc √(E/T)."""
        return 1 - contact * jax.scipy.special.erfc(jnp.sqrt(e / t))

    e = np.array([1e-3, 0.2, 1.0, 4.0])
    slope = jax.vmap(jax.grad(lambda e: below(e, contact, t)))(e)
    np.testing.assert_allclose(slope, contact_energy_density(e, contact, t), rtol=1e-12)
    stiff = dilute_averages(0.02, 1e8)
    # Two discs share it, and <KE> = T.
    share = stiff.recoil_over_collision / 4
    assert stiff.potential_over_kinetic == pytest.approx(float(share), rel=1e-3)
    # e sin²ωt with e drawn from e^(-e/T)/T
    rng = np.random.default_rng(1)
    pair = rng.exponential(t, 20_000) * np.sin(rng.uniform(0, np.pi, 20_000)) ** 2
    distance = stats.kstest(pair, lambda e: below(e, 1.0, t))
    assert distance.statistic < 1.63 / np.sqrt(20_000)


@pytest.mark.slow
@pytest.mark.equation("thermalization", "claim-B4")
def test_dynamics_fills_the_springs():
    """<PE>/<KE> and contacts of a run at φ = .02 and .1."""
    for fraction, excess in ((0.02, 1.02), (0.1, 1.1)):
        place, push = jax.random.split(jax.random.key(2))
        x, box = gas.lattice(place, 64, fraction)
        springs = SoftSpheres(box, KAPPA)
        run = springs.run(
            x, gas.maxwell(push, 64), dt=RECOIL / 25, steps=10_000, snapshots=10
        )
        assert run.energy_drift < 4e-3
        expected = dilute_averages(fraction, KAPPA)
        # 64 discs, 28 τ_r × 400: some 1000 (φ = .02) collisions or more: 5 %
        ratio = run.mean_potential[1:].mean() / run.mean_kinetic[1:].mean()
        assert ratio / expected.potential_over_kinetic == pytest.approx(excess, abs=0.1)
        contacts = run.mean_contacts[1:].mean() / expected.contacts
        assert contacts == pytest.approx(excess, abs=0.1)


@pytest.mark.slow
def test_forces(key):
    """Minus the slope of the energy; zero without overlaps, finite for two in one."""
    springs = SoftSpheres([4.0, 3.0], KAPPA)
    x = jax.random.uniform(key, (8, 2)) * jnp.array([[4.0, 3.0]])
    slope = jax.jit(lambda x: jax.grad(springs.energy)(x))
    look = jax.jit(lambda x: springs.springs(x))
    force = look(x).forces
    np.testing.assert_allclose(force, -slope(x), rtol=1e-10, atol=1e-9)
    assert np.abs(force).max() > 1
    np.testing.assert_allclose(np.sum(force, axis=0), 0, atol=1e-9)
    twice = x.at[1].set(x[0])
    assert np.isfinite(look(twice).forces).all()
    assert np.isfinite(slope(twice)).all()
    assert look(twice).contacts >= 2 / 8


def test_input():
    with pytest.raises(ValueError, match="`stiffness` must be positive"):
        dilute_averages(0.1, 0.0)

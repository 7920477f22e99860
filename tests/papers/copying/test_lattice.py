"""A particle on the lattice: its law, its packets, Newton's law for its mean."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.lattice import lattice_law, lattice_packet, stable_step

import jqd
from jqd.readings.lattice import lattice_motion, neighbours

SHIFTS = (0.0, np.pi)


def sites(length, num_sites, low=0.0):
    return low + length / num_sites * jnp.arange(num_sites)


@pytest.mark.parametrize(("delta", "sign"), [(0.0, -1), (np.pi, 1)])
def test_hamiltonian(delta, sign):
    """V + p²/2m by second differences, whose sign is that of the mass."""
    x, mass, hbar = sites(4.0, 16), 1.3, 0.6
    V = 0.4 * jnp.cos(x)
    H = np.asarray(lattice_law(x, V, mass, hbar, delta).hamiltonian())
    bend = (
        np.roll(np.eye(16), 1, 0) + np.roll(np.eye(16), -1, 0) - 2 * np.eye(16)
    ) * 16
    kinetic = -sign * hbar**2 / (2 * mass) * bend
    # rounding of 1/spacing² = 16
    np.testing.assert_allclose(H, kinetic + np.diag(V), atol=1e-13)
    # The other sign differs by the whole kinetic energy.
    assert np.max(np.abs(H - np.diag(V) + kinetic)) > 1


@partial(jax.jit, static_argnames="literal")
def free_motion(x, delta, phase_delta, literal):
    law = lattice_law(x, 0 * x, 1.0, 0.5, delta, literal=literal)
    psi = lattice_packet(x, 0.0, 0.8, 1.0, 0.5, phase_delta)
    return lattice_motion(law, x, 0 * x, law.prepare(psi))


@pytest.mark.parametrize("literal", [False, True])
def test_free_packet(literal):
    """T20: v = (ħ/mā) sin(pā/ħ) exp(-(ā/2s)²/2), the same for either sign of mass."""
    spacing, hbar, width = 16 / 128, 0.5, 0.8
    x = sites(16.0, 128, -8.0)
    formula = hbar / spacing * np.sin(spacing / hbar)
    formula *= np.exp(-((spacing / (2 * width)) ** 2) / 2)
    assert formula == pytest.approx(0.986600, abs=1e-6)
    for delta in SHIFTS:
        motion = free_motion(x, delta, delta, literal)
        # ends of the lattice ten widths away: rounding alone
        assert float(motion.velocity) == pytest.approx(formula, abs=1e-9)
        assert float(motion.width) == pytest.approx(width, abs=1e-9)
        assert abs(float(motion.position)) < 1e-9
        assert abs(float(motion.acceleration)) < 1e-9
        # The phase of the other mass moves the packet backwards.
        wrong = free_motion(x, delta, np.pi - delta, literal)
        assert float(wrong.velocity) == pytest.approx(-formula, abs=1e-9)


@jax.jit
def quartic_residual(x):
    """Largest |m d²⟨x⟩/dt² - ⟨F⟩| and |⟨F⟩| over t in [0, 6], for x⁴/4; and d²⟨x⟩/dt²
    at t = 0 if δ = 0."""
    psi = lattice_packet(x, 1.0, 0.3, hbar=0.2)
    law = lattice_law(x, x**4 / 4, 1.0, 0.2)
    literal = lattice_law(x, x**4 / 4, 1.0, 0.2, 0.0)
    frequencies, modes = jnp.linalg.eigh(law.hamiltonian().real / law.hbar)
    turn = jnp.exp(-1j * jnp.linspace(0.0, 6.0, 61)[:, None] * frequencies[None, :])
    orbit = (turn * (modes.T @ psi)[None, :]) @ modes.T
    motion = jax.vmap(lambda state: lattice_motion(law, x, -(x**3), state))(orbit)
    gap = jnp.max(jnp.abs(motion.acceleration - motion.force))
    falls = lattice_motion(literal, x, -(x**3), psi).acceleration
    return gap, jnp.max(jnp.abs(motion.force)), falls


@pytest.mark.equation("copying", "claim-newton")
def test_newtons_law():
    """For the centre of mass in V = x⁴/4: the error falls as ā²."""
    gaps = []
    for num_sites in (96, 192):
        gap, force, falls = quartic_residual(sites(6.0, num_sites, -3.0))
        gaps.append(float(gap))
    # known to two digits at spacings 1/16 and 1/32
    assert gaps == pytest.approx([2.6e-2, 6.4e-3], rel=0.03)
    assert float(force) == pytest.approx(1.27, abs=1e-3)  # x³ of a Gaussian: 1 + 3 s²
    # With δ = 0 the particle falls up: twice the force is missing.
    assert float(falls) == pytest.approx(1.27, rel=0.02)


def test_runge_kutta_steps():
    """Just below `stable_step` nothing grows; just above, the fastest mode does."""
    law = lattice_law(sites(2.0, 32), jnp.full(32, 0.3), 0.7, 0.5)
    # 2√2 / (2ħ/(mā²) + V/ħ)
    bound = np.sqrt(8) / (2 * 0.5 / (0.7 / 256) + 0.3 / 0.5)
    assert float(stable_step(law)) == pytest.approx(bound, rel=1e-12)
    fastest = jnp.where(jnp.arange(32) % 2 == 0, 1.0, -1.0) / np.sqrt(32) + 0j

    @jax.jit
    def growth(dt):
        step = partial(law.step, dt=dt)
        end = jax.lax.fori_loop(0, 300, lambda _, psi: step(0.0, psi), fastest)
        return jnp.linalg.norm(end)

    assert float(growth(0.99 * bound)) <= 1
    assert float(growth(1.05 * bound)) > 1e6


def test_the_law_itself_follows_the_pendulum():
    """CopyDynamics by `evolve` in a harmonic well: ⟨x⟩ = cos t up to the lattice."""
    spacing, hbar = 1 / 8, 0.4
    x = spacing * jnp.arange(-36, 36)
    psi = lattice_packet(x, 1.0, 0.5, hbar=hbar)
    ts = jnp.linspace(0.0, 2.0, 5)

    def mean(delta):
        law = lattice_law(x, x**2 / 2, 1.0, hbar, delta)
        steps = int(np.ceil(0.5 / (0.7 * float(stable_step(law)))))
        method = jqd.Fixed(jqd.steppers.rk4, steps, estimate_error=False)
        run = jqd.evolve(law, psi, ts, method=method, observe="density")
        assert run.status == jqd.Status.OK
        return run.values @ x

    # Four times the 1.45e-2 of half the spacing, over a third of a period: less.
    np.testing.assert_allclose(mean(np.pi), np.cos(ts), atol=4 * 1.45e-2)
    # As printed, δ = 0: cosh 1 instead of cos 1.
    assert float(mean(0.0)[2]) == pytest.approx(np.cosh(1.0), rel=0.05)


@pytest.mark.slow
def test_gradients_and_precision():
    x = sites(4.0, 16, -2.0)

    @jax.jit
    def acceleration(mass, width):
        law = lattice_law(x, x**2 / 2, mass, 0.8)
        psi = lattice_packet(x, 0.3, width, 0.1, 0.8)
        return lattice_motion(law, x, -x, psi).acceleration

    slopes = jax.jit(jax.grad(acceleration, (0, 1)))(1.2, 0.4)
    # central differences of a step 1e-5: 1e-10, and rounding over the step
    for slope, (a, b) in zip(slopes, ((1e-5, 0), (0, 1e-5)), strict=True):
        rise = acceleration(1.2 + a, 0.4 + b) - acceleration(1.2 - a, 0.4 - b)
        assert float(slope) == pytest.approx(float(rise) / 2e-5, abs=1e-7)
    single = x.astype("float32")
    psi = lattice_packet(single, jnp.float32(0.3), jnp.float32(0.4))
    assert psi.dtype == jnp.complex64


def test_three_sites_are_a_ring():
    law = lattice_law(jnp.arange(3.0), jnp.zeros(3))
    assert law.R.shape == neighbours(3).shape

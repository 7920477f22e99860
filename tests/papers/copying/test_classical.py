"""The classical limit: which printed signs hold, and at which order."""

from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.readings import lattice

from . import classical
from .conftest import REFUTED, ROUNDING, equation, gap
from .quantum_point import hamiltonian, lagrangian

lattice_rates = jax.jit(classical.lattice_rates)
classical_lagrangian = jax.jit(classical.classical_lagrangian)

SHIFTS = (0.0, np.pi)
SITES = (32, 64, 128)


class Fields(NamedTuple):
    """A smooth density and action on a ring of length 2 pi, and their derivatives."""

    spacing: float
    density: jax.Array
    action: jax.Array
    slope: jax.Array
    current_slope: jax.Array
    curvature: jax.Array
    energy: jax.Array


@cache
def fields(num_sites, steepness=0.4):
    x = 2 * np.pi * np.arange(num_sites) / num_sites
    one, two = np.sin(x), np.sin(2 * x)
    cos_one, cos_two = np.cos(x), np.cos(2 * x)
    density = 1 + 0.3 * cos_one + 0.2 * two
    by_x, by_xx = -0.3 * one + 0.4 * cos_two, -0.3 * cos_one - 0.8 * two
    slope = steepness * (cos_one - two / 2)
    slope_by_x = -steepness * (one + cos_two)
    # (√ρ)'' / √ρ = ρ''/2ρ - (ρ'/2ρ)²
    curvature = by_xx / (2 * density) - (by_x / (2 * density)) ** 2
    total = density.sum()
    parts = (
        density / total,
        steepness * (one + cos_two / 4),
        slope,
        (by_x * slope + density * slope_by_x) / total,
        curvature,
        0.3 * np.cos(x - 0.4),
    )
    return Fields(2 * np.pi / num_sites, *map(jnp.asarray, parts))


def orders(errors):
    return np.log2(np.asarray(errors)[:-1] / np.asarray(errors)[1:])


def second_order(errors):
    return bool(np.all(np.abs(orders(errors) - 2) < 0.1))


@equation("56")
def test_lattice_coupling():
    num_sites, mass, hbar = 16, 1.3, 0.6
    spacing = 2 * np.pi / num_sites
    x = spacing * np.arange(num_sites)
    R = lattice.lattice_coupling(num_sites, spacing, mass, hbar)
    assert gap(jnp.sum(R > 0, axis=1), 2) == 0
    offset = hbar**2 / (mass * spacing**2)
    for delta, sign in zip(SHIFTS, (-1, 1), strict=True):
        shift = lattice.lattice_shift(num_sites, delta)
        assert gap(shift, -shift.T) == 0
        omega = jnp.full(num_sites, sign * offset / hbar)
        H = np.asarray(hamiltonian(omega, R, shift, hbar))
        for k in (0, 1, 3):
            wave = np.exp(1j * k * x)
            kinetic = sign * offset * (1 - np.cos(k * spacing))
            assert gap(H @ wave, kinetic * wave) < ROUNDING
    # k = 3: the kinetic energy up to (k · spacing)² / 12, positive for delta = pi.
    exact = (hbar * k) ** 2 / (2 * mass)
    assert kinetic == pytest.approx(exact, rel=(k * spacing) ** 2 / 12)


def test_a_ring_needs_three_sites():
    with pytest.raises(ValueError, match="Argument `num_sites` must be at least 3"):
        lattice.lattice_coupling(2, 0.1)


@cache
def hamilton_jacobi_residuals(num_sites, delta, hbar=0.5, mass=1.3):
    """Largest gap between the lattice law for S and its continuum form.

    By name of the part that is taken as printed, "" for none.
    """
    gaps = _hamilton_jacobi_residuals(fields(num_sites), delta, hbar, mass)
    return {name: float(value) for name, value in gaps.items()}


@jax.jit
def _hamilton_jacobi_residuals(f, delta, hbar, mass):
    units = (f.spacing, mass, hbar)
    state = (f.density, f.action, f.energy)
    _, exact = classical.lattice_rates(*state, *units, delta=delta)

    def residual(name):
        potential = classical.lattice_potential(
            f.energy, *units, delta=delta, printed=name == "potential"
        )
        quantum = classical.quantum_potential(
            f.density, *units, delta=delta, printed=name == "quantum"
        )
        rate = classical.hamilton_jacobi_rate(
            f.action, potential + quantum, f.spacing, mass,
            delta=delta, printed=name == "kinetic",
        )  # fmt: skip
        return jnp.max(jnp.abs(rate - exact))

    return {name: residual(name) for name in ("", "potential", "quantum", "kinetic")}


def residuals(delta, printed=""):
    return [hamilton_jacobi_residuals(P, delta)[printed] for P in SITES]


@equation("57")
def test_lattice_potential():
    for delta in SHIFTS:
        right = residuals(delta)
        assert second_order(right)
        printed = residuals(delta, "potential")
        # Off by hbar² / (mass · spacing²), which grows without bound.
        assert min(printed) > 1e3 * max(right)
        assert np.all(np.diff(printed) > 0)
    energy = jnp.zeros(8)
    assert float(classical.lattice_potential(energy, 0.1, delta=0.0)[0]) > 99
    assert float(classical.lattice_potential(energy, 0.1)[0]) < -99


@jax.jit
def lattice_lagrangian(f, turn, mass, hbar, delta):
    num_sites = f.density.shape[0]
    R = lattice.lattice_coupling(num_sites, f.spacing, mass, hbar)
    shift = lattice.lattice_shift(num_sites, delta)
    phase, turn, omega = f.action / hbar, turn / hbar, f.energy / hbar
    return hbar * lagrangian(f.density, phase, turn, omega, R, shift)


@equation("58")
def test_lattice_action():
    mass, hbar = 1.3, 0.5
    for delta in SHIFTS:
        errors = []
        for num_sites in SITES:
            f = fields(num_sites)
            turn = jnp.cos(f.slope)
            exact = lattice_lagrangian(f, turn, mass, hbar, delta)
            got = classical_lagrangian(
                f.density, f.action, turn, f.energy, f.spacing, mass, hbar, delta=delta
            )
            errors.append(abs(float(got - exact)))
        assert second_order(errors)
    # In print the kinetic term has the sign of delta = 0.
    args = (f.density, f.action, turn, f.energy, f.spacing, mass, hbar)
    zero = classical_lagrangian(*args, delta=0.0)
    flat = classical_lagrangian(args[0], jnp.zeros_like(f.action), *args[2:], delta=0.0)
    kinetic = float(jnp.sum(f.density * f.slope**2) / (2 * mass))
    assert float(zero - flat) == pytest.approx(kinetic, rel=f.spacing**2)


@equation("59")
def test_quantum_potential():
    mass, hbar = 1.3, 0.5
    for delta, sign in zip(SHIFTS, (1, -1), strict=True):
        errors = []
        for num_sites in SITES:
            f = fields(num_sites)
            got = classical.quantum_potential(
                f.density, f.spacing, mass, hbar, delta=delta
            )
            errors.append(gap(got, sign * hbar**2 / (2 * mass) * f.curvature))
        assert second_order(errors)
    right = residuals(np.pi)
    wrong = residuals(np.pi, "quantum")
    assert second_order(right)
    # Twice the quantum potential: hbar² / mass times curvatures of 0.3.
    assert min(wrong) > 0.05 > 10 * right[-1]
    assert np.max(np.abs(orders(wrong))) < 0.1
    assert residuals(0.0, "quantum") == residuals(0.0)


@equation("60")
def test_continuity():
    mass, hbar = 1.3, 0.5
    for delta, sign in zip(SHIFTS, (-1, 1), strict=True):
        errors = []
        for num_sites in SITES:
            f = fields(num_sites)
            got = classical.continuity_rate(
                f.density, f.action, f.spacing, mass, delta=delta
            )
            exact, _ = lattice_rates(
                f.density, f.action, f.energy, f.spacing, mass, hbar, delta=delta
            )
            scale = np.max(np.abs(exact))
            errors.append(gap(got, exact) / scale)
            formula = sign * f.current_slope / mass
            assert gap(exact, formula) / scale < 10 * f.spacing**2
        assert second_order(errors)
    # As printed the sign is plus although the action it comes from has delta = 0.
    args = (f.density, f.action, f.spacing, mass)
    vary = jax.jit(jax.grad(classical.classical_lagrangian, argnums=1))
    by_action = vary(
        f.density, f.action, f.action, f.energy, f.spacing, mass, hbar, delta=0.0
    )
    right = classical.continuity_rate(*args, delta=0.0)
    printed = classical.continuity_rate(*args, delta=0.0, printed=True)
    scale = gap(right, 0)
    assert gap(by_action, right) < 1e3 * ROUNDING * scale
    assert gap(by_action, -printed) < 1e3 * ROUNDING * scale
    assert gap(by_action, printed) > scale
    # Continuity means transport with the velocity of the same shift.
    for delta in SHIFTS:
        v = classical.velocity(f.action, f.spacing, mass, delta=delta)
        transport = -classical.gradient(f.density * v, f.spacing)
        got = classical.continuity_rate(*args, delta=delta)
        assert gap(got, transport) < ROUNDING


@partial(jax.jit, static_argnames=("num_sites", "potential"))
def packet(num_sites, length, width, momentum, hbar, potential, delta):
    """A Gaussian on a ring, and the position, velocity and acceleration of its mean."""
    spacing = length / num_sites
    x = spacing * (jnp.arange(num_sites) - num_sites // 2)
    density = jnp.exp(-((x - 1) ** 2) / (2 * width**2))
    density = density / jnp.sum(density)
    # The velocity is cos(delta) times the gradient of S.
    action = jnp.cos(delta) * momentum * x
    energy = potential(x) - classical.lattice_potential(
        jnp.zeros_like(x), spacing, 1, hbar, delta=delta
    )

    def rates(density, action):
        return classical.lattice_rates(
            density, action, energy, spacing, 1, hbar, delta=delta
        )

    def drift(density, action):
        return jnp.sum(x * rates(density, action)[0])

    speed, acceleration = jax.jvp(drift, (density, action), rates(density, action))
    slope = jax.vmap(jax.grad(potential))(x)
    return speed, acceleration, jnp.sum(density * slope)


@equation("61")
def test_newton():
    right = residuals(np.pi)
    assert second_order(right)
    printed = residuals(np.pi, "kinetic")
    # Twice the kinetic energy: slopes of 0.6, squared, over the mass.
    assert min(printed) > REFUTED > 10 * right[-1]
    # With delta = 0 the printed form is right on the lattice ...
    literal = residuals(0.0, "kinetic")
    assert second_order(literal)
    # ... but its particle falls up: the sign of Newton's law is that of -cos delta.
    hbar, width, length, num_sites = 0.5, 0.5, 16.0, 128
    # The lattice slows by half the mean square of spacing · momentum / hbar.
    error = (length / num_sites / (2 * width)) ** 2
    for delta, sign in zip(SHIFTS, (1, -1), strict=True):
        _, acceleration, slope = packet(
            num_sites, length, width, 0.0, hbar, lambda x: x**2 / 2, delta
        )
        assert slope == pytest.approx(1, abs=1e-9)
        assert acceleration == pytest.approx(sign * slope, rel=error)


@equation("62")
def test_lattice_velocity_of_a_packet():
    hbar, width, momentum, length = 0.5, 0.8, 1.0, 16.0

    @cache
    def speed(num_sites):
        args = (num_sites, length, width, momentum, hbar, jnp.zeros_like, np.pi)
        return float(packet(*args)[0])

    spacing = length / 128
    formula = (
        hbar
        / spacing
        * np.sin(momentum * spacing / hbar)
        * np.exp(-((spacing / (2 * width)) ** 2) / 2)
    )
    assert speed(128) == pytest.approx(formula, abs=1e-6)
    assert speed(128) == pytest.approx(0.986600, abs=1e-6)
    # Coarse sites, spacing · momentum / hbar = 2: far from momentum / mass.
    assert speed(16) < 0.5
    for num_sites, steepness in ((128, 0.25), (16, 2.0)):
        step = length / num_sites
        # The slope of S from a stretch of it that does not wrap around.
        action = -momentum * step * jnp.arange(num_sites)
        density = jnp.full(num_sites, 1 / num_sites)
        fewest, _ = classical.classical_conditions(density, action, 1e3, step)
        assert float(fewest) == pytest.approx(1e3 / num_sites)
        wave = jnp.sin(2 * jnp.pi * jnp.arange(num_sites) / num_sites)
        action = momentum * length / (2 * jnp.pi) * wave
        _, got = classical.classical_conditions(density, action, 1e3, step, hbar)
        assert float(got) == pytest.approx(steepness, rel=0.03)

    # Few copies: nobody enters an empty site, so that the mean lags behind, or rests.
    x = spacing * (jnp.arange(128) - 64)
    density = jnp.exp(-(x**2) / (2 * width**2))
    density = density / jnp.sum(density)

    def mean_speed(density):
        rates = lattice_rates(density, -momentum * x, 0 * x, spacing, 1, hbar)
        return float(jnp.sum(x * rates[0]))

    assert mean_speed(density) == pytest.approx(formula, abs=1e-6)
    drawn = np.random.default_rng(7).choice(128, 32, p=np.asarray(density))
    few = jnp.asarray(np.bincount(drawn, minlength=128) / 32)
    assert mean_speed(few) < 0.8
    every_other = jnp.where(jnp.arange(128) % 2 == 0, 2 * density, 0)
    assert mean_speed(every_other) == 0


@equation("claim-classical-order")
def test_orders_of_the_classical_limit():
    # In the spacing, at fixed hbar.
    assert second_order(residuals(np.pi))
    # In hbar, with sites so fine that spacing · S' / hbar stays below 0.05.
    f = fields(SITES[-1], steepness=0.05)
    errors = []
    for hbar in (0.4, 0.2, 0.1):
        _, exact = classical.lattice_rates(
            f.density, f.action, f.energy, f.spacing, 1, hbar
        )
        limit = classical.hamilton_jacobi_rate(
            f.action,
            classical.lattice_potential(f.energy, f.spacing, 1, hbar),
            f.spacing,
        )
        errors.append(gap(limit, exact))
    assert second_order(errors)

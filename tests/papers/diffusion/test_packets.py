"""Section 2.2 of the diffusion paper: packets and the analogy with diffusion."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Inexact

from jqd import _checks
from jqd.exact import closed_forms
from jqd.laws.diffusion import ClassicalDiffusion, ConservativeDiffusion
from jqd.readings import fields, packets
from jqd.spaces import Grid

from .conftest import equation

HBAR, MASS, A, VELOCITY = 1.3, 0.7, 1.1, 0.8
D = HBAR / (2 * MASS)
GRID = Grid((-24.0, 24.0), 384)
X = np.asarray(GRID.x)
# FFTs and sums of some hundred numbers of order 1 in float64.
ROUNDING = 1e-12


def diffusion_kernel(
    x: ArrayLike, x0: ArrayLike, t: ArrayLike, D: ArrayLike
) -> Inexact[Array, "..."]:
    """What diffusion takes from x0 to x in a time t, one dimension.

    K = exp(-(x - x₀)²/4Dt)/sqrt(4πDt)

    With a real D the probability density of Brownian motion, with D = iħ/2m the
    amplitude of quantum mechanics: (13) and (12) are one equation.

    Args:
        x: end.
        x0: start.
        t: time, positive.
        D: diffusion coefficient, length²/time; real part not negative.

    Returns:
        Broadcast shape, 1/length; complex where D is.
    """
    x, x0, t, D = map(_checks.widen, (x, x0, t, D))
    spread = 4 * D * t
    return jnp.exp(-((x - x0) ** 2) / spread) / jnp.sqrt(jnp.pi * spread)


def classical_variance(t, a=1.0, D=0.5):
    """Variance of the packet under ordinary diffusion (13)."""
    return a**2 / 2 + 2 * D * t


def packet(chirp=0.0):
    """(15) by hand; a slope b of the velocity adds m b x²/2 to the action."""
    norm = (A * np.sqrt(np.pi)) ** -0.5
    action = MASS * (VELOCITY * X + chirp * X**2 / 2)
    return norm * np.exp(-(X**2) / (2 * A**2) + 1j * action / HBAR)


def freely(psi, t):
    """Free motion by FFT, in NumPy: exact but for the box, 12 widths away."""
    k2 = np.asarray(GRID.k2)
    return np.fft.ifft(np.exp(-0.5j * HBAR * k2 * t / MASS) * np.fft.fft(psi))


def heated(density, t):
    """Ordinary diffusion by FFT with D_c = D."""
    return np.fft.ifft(np.exp(-D * np.asarray(GRID.k2) * t) * np.fft.fft(density)).real


def total(f):
    return float(np.sum(f)) * GRID.cell


def variance(density):
    mean = total(X * density)
    return total((X - mean) ** 2 * density)


@functools.cache
def moved():
    return freely(packet(), 0.9)


@equation("12")
@equation("claim-swapped")
def test_the_amplitude_diffuses_with_an_imaginary_coefficient():
    D, hbar = 0.37, 2 * MASS * 0.37
    law = ConservativeDiffusion(GRID, np.zeros(384), D, MASS, hbar=hbar)

    def wave(t):
        return closed_forms.free_gaussian(GRID.x, t, momentum=0.5, mass=MASS, hbar=hbar)

    psi, rate = jax.jit(lambda t: jax.jvp(wave, (t,), (jnp.ones(()),)))(0.6)
    found = np.asarray(law.vector_field(0.6, psi))
    assert np.allclose(found, rate, rtol=0, atol=ROUNDING)

    def diffused(f):
        return D * np.fft.ifft(-np.asarray(GRID.k2) * np.fft.fft(f))

    assert np.allclose(1j * diffused(psi), rate, rtol=0, atol=ROUNDING)
    # Negative controls: a real coefficient, and the density where ψ belongs.
    assert np.max(np.abs(diffused(psi) - rate)) > 0.1
    density = np.abs(psi) ** 2
    change = 2 * np.real(np.conj(psi) * rate)
    assert np.max(np.abs(change - 1j * diffused(density))) > 0.1


@equation("13")
@equation("17")
def test_classical_diffusion():
    density = np.abs(packet()) ** 2
    fine = Grid((-24.0, 24.0), 768)
    twice = np.exp(-((np.asarray(fine.x) / A) ** 2)) / (A * np.sqrt(np.pi))

    @functools.partial(jax.jit, static_argnums=0)
    def rate(grid, density):
        law = ClassicalDiffusion(grid, D)
        return law.vector_field(0.0, density), law.flux(density)[0]

    coarse, flux = map(np.asarray, rate(GRID, density))
    better = np.asarray(rate(fine, twice)[0])[::2]
    # D times the second derivative of the Gaussian, by hand
    exact = D * density * (4 * X**2 / A**4 - 2 / A**2)
    # nearest neighbours: h²/12 of the fourth derivative, 4e-3, then h⁴ of the sixth
    assert np.allclose(better, exact, rtol=0, atol=3e-3)
    assert np.allclose((4 * better - coarse) / 3, exact, rtol=0, atol=3e-5)
    assert np.max(np.abs(exact)) > 0.5
    # from high to low, midway between the points: h²/24 of the third derivative
    middle = X + GRID.spacing[0] / 2
    gauss = np.exp(-((middle / A) ** 2)) / (A * np.sqrt(np.pi))
    assert np.allclose(flux[:-1], (2 * D * middle / A**2 * gauss)[:-1], atol=3e-3)


@equation("14")
@equation("claim-path-integral")
def test_propagator():
    x, x0 = X[::4], X
    constants = {"hbar": HBAR, "mass": MASS}

    @jax.jit
    def propagate(psi):
        args = x[:, None], x0[None, :], 0.9
        right = packets.free_propagator(*args, **constants)
        printed = packets.free_propagator(*args, **constants, printed=True)
        return right @ psi * GRID.cell, printed @ psi * GRID.cell

    right, printed = map(np.asarray, propagate(jnp.asarray(packet())))
    # The sum over starts is exact to rounding: the box holds 8 oscillations a unit.
    assert np.allclose(right, moved()[::4], rtol=0, atol=1e-11)
    norm = [np.sum(np.abs(f) ** 2) * 4 * GRID.cell for f in (right, printed)]
    assert np.allclose(norm, [1.0, 0.5], rtol=0, atol=1e-10)
    # It is Wiener's kernel with the coefficient iD for D.
    args = 0.4, -1.3, 0.9
    kernel = packets.free_propagator(*args, **constants)
    assert np.isclose(diffusion_kernel(*args, 1j * D), kernel, rtol=1e-14)


@equation("claim-path-integral")
def test_kernels_of_short_times_make_that_of_a_long_one():
    @jax.jit
    def both(D):
        middle = diffusion_kernel(X[None, :], -0.7, 0.5, D)
        last = diffusion_kernel(0.9, X[None, :], 0.4, D)
        whole = diffusion_kernel(0.9, -0.7, 0.9, D)
        return jnp.sum(middle * last) * GRID.cell, whole

    # D, and iD with so much damping that the sum over the middle ends in the box
    for coefficient in (D, D * (0.2 + 1j)):
        chain, whole = both(coefficient + 0j)
        assert abs(chain - whole) < ROUNDING
        assert abs(whole) > 0.1
    # iD itself, on a packet: its waves stay in the box, and below half a wave a point
    x = np.linspace(-24, 24, 768, endpoint=False)
    psi = np.exp(-(x**2) / 2 + 0.6j * x)

    @jax.jit
    def chained(psi):
        ends = x[:, None], x[None, :]
        first, second, whole = (
            diffusion_kernel(*ends, t, 1j * D) / 16 for t in (0.5, 0.6, 1.1)
        )
        return second @ (first @ psi), whole @ psi

    two, one = map(np.asarray, chained(psi))
    near = np.abs(x) < 8
    # e^-20 where the kernel's waves are too short for the grid
    assert np.allclose(two[near], one[near], rtol=0, atol=1e-8)
    assert np.max(np.abs(one[near])) > 0.3
    brownian = diffusion_kernel(X, 0.5, 0.8, D)
    assert np.isclose(total(brownian), 1, rtol=ROUNDING)
    assert np.isclose(variance(np.asarray(brownian)), 2 * D * 0.8, rtol=ROUNDING)


@equation("15")
def test_packet():
    psi = packet()
    found = closed_forms.free_gaussian(
        X, 0.0, momentum=MASS * VELOCITY, width=A / np.sqrt(2), mass=MASS, hbar=HBAR
    )
    assert np.allclose(found, psi, rtol=0, atol=ROUNDING)
    density = packets.packet_density(X, 0.0, a=A, velocity=VELOCITY)
    assert np.allclose(density, np.abs(psi) ** 2, rtol=0, atol=ROUNDING)
    # C² = 1/(a sqrt π) and the variance a²/2
    assert np.isclose(total(np.abs(psi) ** 2), 1, rtol=ROUNDING)
    assert np.isclose(variance(np.abs(psi) ** 2), A**2 / 2, rtol=ROUNDING)


@equation("16")
def test_spreading():
    constants = {"a": A, "velocity": VELOCITY, "hbar": HBAR, "mass": MASS}
    exact = np.abs(moved()) ** 2
    found = packets.packet_density(X, 0.9, **constants)
    assert np.allclose(found, exact, rtol=0, atol=ROUNDING)
    printed = packets.packet_density(X, 0.9, **constants, printed=True)
    growth = np.sqrt(1 + (HBAR * 0.9 / (MASS * A**2)) ** 2)
    # probability is lost from the first instant on
    assert np.isclose(total(printed), 1 / growth, rtol=ROUNDING)
    assert growth > 1.5


@equation("claim-faster")
@equation("claim-square-of-D")
def test_spreading_overtakes_ordinary_diffusion_late():
    psi = packet()
    start = np.abs(psi) ** 2
    crossover = float(packets.crossover_time(A, D))
    growth = {}
    for part in (0.25, 0.5, 1.0, 2.0):
        t = part * crossover
        quantum = variance(np.abs(freely(psi, t)) ** 2)
        classical = variance(heated(start, t))
        assert np.isclose(packets.quantum_variance(t, A, D), quantum, rtol=1e-11)
        assert np.isclose(classical_variance(t, A, D), classical, rtol=1e-11)
        back = variance(np.abs(freely(psi, -t)) ** 2)
        assert np.isclose(back, quantum, rtol=1e-11)
        growth[part] = np.array([quantum, classical]) - variance(start)
    assert growth[0.5][0] < 0.6 * growth[0.5][1]
    assert np.isclose(*growth[1.0], rtol=1e-11)
    assert growth[2.0][0] > 1.9 * growth[2.0][1]
    # the widths are those; the rates of their squares agree at half that time already
    slope = jax.jit(jax.vmap(jax.grad(packets.quantum_variance), (0, None, None)))
    rates = slope(crossover * np.array([0.4, 0.5, 0.6]), A, D) / (2 * D)
    assert np.allclose(rates, [0.8, 1.0, 1.2], rtol=1e-12)
    # another width: (Dt/a²)² of the variance it had
    half = A / 2
    narrow = np.exp(-(X**2) / (2 * half**2)) / np.sqrt(half * np.sqrt(np.pi))
    spread = variance(np.abs(freely(narrow, 0.3)) ** 2) / (half**2 / 2)
    assert np.isclose(spread - 1, 4 * (D * 0.3 / half**2) ** 2, rtol=1e-9)
    # (Dt)² against Dt
    assert np.allclose(growth[0.5] / growth[0.25], [4, 2], rtol=1e-9)
    for t in (1.0, 2.0, 3.0):
        pair = packets.quantum_variance(t), classical_variance(t)
        expected = {1.0: (1.0, 1.5), 2.0: (2.5, 2.5), 3.0: (5.0, 3.5)}[t]
        assert np.allclose(pair, expected, rtol=1e-14)


@equation("claim-decay")
def test_the_density_does_not_fall_everywhere():
    before, after = np.abs(packet()) ** 2, np.abs(moved()) ** 2
    constants = {"a": A, "velocity": VELOCITY, "hbar": HBAR, "mass": MASS}
    found = packets.packet_density(X, 0.9, **constants)
    centre = VELOCITY * 0.9
    for side in (-2 * A, 2 * A):
        # in the frame of the centre
        i, j = np.argmin(np.abs(X - side)), np.argmin(np.abs(X - side - centre))
        assert after[j] > 2 * before[i]
        assert np.isclose(found[j], after[j], rtol=1e-10)
        # and then falls
        late = packets.packet_density(side + VELOCITY * 60, 60.0, **constants)
        assert late < before[i]
    assert np.max(after) < 0.8 * np.max(before)


@equation("claim-constant-drift")
def test_only_the_mean_of_the_drift_velocity_is_constant():
    psi = jnp.asarray(moved())
    v = np.asarray(fields.current_velocity(psi, GRID, hbar=HBAR, mass=MASS))[0]
    density = np.abs(psi) ** 2
    assert np.isclose(total(density * v), VELOCITY, rtol=ROUNDING)
    core = density > 1e-6
    rate = (HBAR / (MASS * A**2)) ** 2
    slope = rate * 0.9 / (1 + rate * 0.9**2)
    expected = VELOCITY + slope * (X - VELOCITY * 0.9)
    # rounding of the FFT over |ψ| = 1e-3
    assert np.allclose(v[core], expected[core], rtol=0, atol=1e-9)
    assert slope > 0.3
    # at the start it was the same everywhere
    first = jnp.asarray(packet())
    v = np.asarray(fields.current_velocity(first, GRID, hbar=HBAR, mass=MASS))[0]
    assert np.allclose(v[np.abs(first) > 1e-3], VELOCITY, rtol=0, atol=1e-9)


@equation("claim-delocalization")
def test_a_packet_may_contract_first():
    slope, start = -1.2, A**2 / 2
    law = ConservativeDiffusion(GRID, np.zeros(384), D, MASS, hbar=HBAR)
    psi = packet(slope)
    rate = 2 * np.real(psi.conj() * np.asarray(law.vector_field(0.0, psi)))
    # d⟨x²⟩/dt = 2⟨xv⟩ with v = v0 + bx
    assert np.isclose(total(X**2 * rate), 2 * slope * start, rtol=1e-10)
    spread = [variance(np.abs(freely(psi, t)) ** 2) for t in (0.0, 0.3, 1.5)]
    assert spread[1] < 0.75 * spread[0]
    assert spread[2] > 2 * spread[0]

"""Closed forms: each solves its equation of motion and has the moments it should."""

import re

import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np
import pytest

from jqd.exact import coherent_state, free_gaussian, rabi, squeezed_state
from jqd.exact.closed_forms import cos_and_sinc
from jqd.exact.matrices import propagate
from jqd.spaces import Grid

MASS, HBAR, OMEGA, CENTER, MOMENTUM, WIDTH = 1.3, 0.8, 0.9, -1.0, 1.5, 0.45
PACKET = {"center": CENTER, "momentum": MOMENTUM, "mass": MASS, "hbar": HBAR}
GRID = Grid((-30.0, 30.0), 512)
PERIOD = 2 * np.pi / OMEGA
TS = np.linspace(0.0, 1.0, 6) * PERIOD

# (closed form, its constants, ω of the well)
FORMS = [
    pytest.param(free_gaussian, PACKET | {"width": 1.4}, 0.0, id="free"),
    pytest.param(coherent_state, PACKET | {"omega": OMEGA}, OMEGA, id="coherent"),
    pytest.param(
        squeezed_state,
        PACKET | {"omega": OMEGA, "width": WIDTH},
        OMEGA,
        id="squeezed",
    ),
    pytest.param(
        squeezed_state, PACKET | {"omega": OMEGA, "width": 1.4}, OMEGA, id="wide"
    ),
]


def moments(psi, constants):
    """Norm, <x>, <p>, var x, var p of each row."""
    weight = jnp.abs(psi) ** 2
    spectrum = jnp.abs(jnp.fft.fft(psi)) ** 2
    spectrum /= spectrum.sum(axis=1, keepdims=True)
    x, p = GRID.x[None, :], constants["hbar"] * GRID.wavenumbers[0][None, :]
    mean_x = GRID.integrate(x * weight)
    mean_p = jnp.sum(p * spectrum, axis=1)
    return (
        GRID.norm2(psi),
        mean_x,
        mean_p,
        GRID.integrate((x - mean_x[:, None]) ** 2 * weight),
        jnp.sum((p - mean_p[:, None]) ** 2 * spectrum, axis=1),
    )


@pytest.mark.sampled
@pytest.mark.parametrize(("form", "constants", "omega"), FORMS)
def test_solves_the_schrodinger_equation(form, constants, omega):
    """iħ ∂ₜψ = -ħ²/2m ∂ₓ²ψ + mω²x²/2 ψ, with the time derivative by autodiff."""
    x, ts = GRID.x[None, :], jnp.asarray(TS)[:, None]
    psi, slope = jax.jvp(lambda t: form(x, t, **constants), (ts,), (jnp.ones_like(ts),))

    def residual(mass):
        kinetic = constants["hbar"] ** 2 * GRID.k2[None, :] / (2 * mass)
        energy = jnp.fft.ifft(kinetic * jnp.fft.fft(psi))
        energy += mass * omega**2 * x**2 / 2 * psi
        return jnp.max(jnp.abs(1j * constants["hbar"] * slope - energy))

    # Rounding: ε times the largest kinetic energy of the grid, 180, and the FFT's
    # log N. The spread packets are below e^-30 where the box closes.
    assert residual(MASS) < 1e-11
    # Negative control: a mass 0.1 % too large.
    assert residual(1.001 * MASS) > 1e-4


@pytest.mark.sampled
@pytest.mark.parametrize(("form", "constants", "omega"), FORMS)
def test_moments(form, constants, omega):
    norm2, x, p, var_x, var_p = moments(
        form(GRID.x[None, :], TS[:, None], **constants), constants
    )
    s2 = constants.get("width", np.sqrt(HBAR / (2 * MASS * OMEGA))) ** 2
    if omega == 0:
        cos, sin_over_omega, omega_sin = np.ones(6), TS, np.zeros(6)
    else:
        cos, sin = np.cos(omega * TS), np.sin(omega * TS)
        sin_over_omega, omega_sin = sin / omega, omega * sin
    var_p0 = HBAR**2 / (4 * s2)
    # Sums of Gaussians converge beyond rounding here; |x| and |p| reach 10.
    close = {"rtol": 1e-11, "atol": 1e-11}
    np.testing.assert_allclose(norm2, 1, **close)
    np.testing.assert_allclose(
        x, CENTER * cos + MOMENTUM / MASS * sin_over_omega, **close
    )
    np.testing.assert_allclose(p, MOMENTUM * cos - MASS * CENTER * omega_sin, **close)
    np.testing.assert_allclose(
        var_x, s2 * cos**2 + var_p0 / MASS**2 * sin_over_omega**2, **close
    )
    np.testing.assert_allclose(
        var_p, var_p0 * cos**2 + MASS**2 * s2 * omega_sin**2, **close
    )


def test_initial_phase_vanishes_at_the_centre():
    for form in (free_gaussian, coherent_state, squeezed_state):
        psi = form(GRID.x, 0.0, **PACKET)
        phase = jnp.exp(1j * MOMENTUM * (GRID.x - CENTER) / HBAR)
        np.testing.assert_allclose(psi * phase.conj(), jnp.abs(psi), atol=1e-14)


def test_a_squeezed_state_of_the_matching_width_is_coherent():
    constants = PACKET | {"omega": OMEGA}
    width = np.sqrt(HBAR / (2 * MASS * OMEGA))
    ts = np.linspace(-3, 3, 31)[:, None] * PERIOD
    # Rounding of phases of up to P x/ħ + ωt = 100.
    np.testing.assert_allclose(
        squeezed_state(GRID.x[None, :], ts, width=width, **constants),
        coherent_state(GRID.x[None, :], ts, **constants),
        atol=1e-12,
    )


def test_zero_point_energy_gives_minus_one_after_a_period():
    for form, more in ((coherent_state, {}), (squeezed_state, {"width": WIDTH})):
        constants = PACKET | {"omega": OMEGA} | more
        before, after = (form(GRID.x, t, **constants) for t in (0.3, 0.3 + PERIOD))
        np.testing.assert_allclose(after, -before, atol=1e-12)


@pytest.mark.parametrize("width", [0.05, 0.45, 5.0])
def test_squeezed_states_have_no_jump_of_sign(width):
    """Ten periods: consecutive states overlap, and the phase loses ω/2 a turn."""
    steps = 4000
    ts = np.linspace(0.0, 10 * PERIOD, steps + 1)
    psi = squeezed_state(0.0, ts, width=width, omega=OMEGA, mass=MASS, hbar=HBAR)
    turns = np.angle(psi[1:] / psi[:-1])
    # r = ħ/2mωs² is at most 137: the phase of q turns at most r ω dt = 2 a step; half
    # of it shows in ψ. A lost sign would turn it by about π.
    assert np.max(np.abs(turns)) < 2
    np.testing.assert_allclose(np.sum(turns), -10 * np.pi, atol=1e-9)


def test_a_slow_well_is_free():
    """ω -> 0: the difference is of order (ωt)² and shrinks by 100 for ω / 10."""
    constants = PACKET | {"width": 0.9}
    free = free_gaussian(GRID.x, 1.0, **constants)
    errors = [
        jnp.max(jnp.abs(squeezed_state(GRID.x, 1.0, omega=omega, **constants) - free))
        for omega in (1e-2, 1e-3)
    ]
    assert 99 < errors[0] / errors[1] < 101


@pytest.mark.sampled
@pytest.mark.parametrize(("form", "constants", "omega"), FORMS)
def test_gradients(form, constants, omega):
    names = list(constants)

    def probe(t, *values):
        psi = form(jnp.array([-0.4, 0.7]), t, **dict(zip(names, values, strict=True)))
        return psi.real, psi.imag

    jax.test_util.check_grads(
        jax.jit(probe),
        (0.8, *constants.values()),
        order=1,
        modes=("fwd", "rev"),
        # Central differences with step 1e-6 of values of order one: 1e-9.
        atol=1e-6,
        rtol=1e-6,
    )
    batch = jax.vmap(lambda t: probe(t, *constants.values())[0])(jnp.asarray(TS))
    assert batch.shape == (6, 2)


# Rabi oscillations


@pytest.mark.parametrize(
    ("coupling", "detuning"), [(0.7, 0.0), (0.7, 1.9), (0.0, 1.9), (0.0, 0.0)]
)
def test_rabi_equals_evolution_by_its_matrix(coupling, detuning):
    psi0 = np.array([0.6, 0.8j])
    matrix = np.array([[detuning / 2, coupling], [coupling, -detuning / 2]])
    ts = np.linspace(0.0, 30.0, 11)
    exact = propagate(matrix, psi0, ts, hbar=HBAR)

    def amplitudes(hbar):
        return rabi(ts, coupling=coupling, detuning=detuning, psi0=psi0, hbar=hbar)

    np.testing.assert_allclose(amplitudes(HBAR), exact, atol=1e-13)
    if np.any(matrix):  # Negative control; without a Hamiltonian ħ does nothing.
        assert np.max(np.abs(amplitudes(1.001 * HBAR) - exact)) > 1e-3


def test_rabi_formula():
    ts = np.linspace(0, 10, 50)
    rate = np.hypot(0.7, 0.6)
    np.testing.assert_allclose(
        jnp.abs(rabi(ts, coupling=0.7, detuning=1.2)[:, 1]) ** 2,
        (0.7 / rate * np.sin(rate * ts)) ** 2,
        atol=1e-14,
    )


def test_rabi_is_smooth_where_nothing_moves():
    def lower(coupling, detuning):
        return rabi(2.0, coupling=coupling, detuning=detuning)[1].imag

    slope = jax.grad(lower, argnums=(0, 1))(0.0, 0.0)
    np.testing.assert_allclose(slope, (-2.0, 0.0), atol=1e-15)
    # The series and the functions meet at (Ωt/ħ)² = 1e-3: rounding.
    edge = np.sqrt(1e-3) * np.array([1 - 1e-12, 1 + 1e-12])
    below, above = rabi(1.0, coupling=edge)
    np.testing.assert_allclose(below, above, atol=1e-13)


def test_rabi_broadcasts():
    ts, couplings = np.linspace(0, 1, 3), np.linspace(0, 2, 4)
    batch = rabi(ts[None, :], coupling=couplings[:, None])
    assert batch.shape == (4, 3, 2)
    np.testing.assert_allclose(batch[2], rabi(ts, coupling=couplings[2]), atol=1e-15)
    assert rabi(0.5, coupling=1.0).shape == (2,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: free_gaussian(0.0, 0.0, width=0.0), "`width` must be positive, but"),
        (lambda: free_gaussian(0.0, 0.0, mass=-1), "`mass` must be positive, but"),
        (lambda: coherent_state(0.0, 0.0, omega=0), "`omega` must be positive, but"),
        (lambda: squeezed_state(0.0, 0.0, hbar=0), "`hbar` must be positive, but"),
        (lambda: rabi(0.0, coupling=1, psi0=(1, 0, 0)), "`psi0` must have shape (2,)"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        call()


def test_cosine_and_sine_of_a_root_of_either_sign():
    """cos z and sin z / z as functions of z², against NumPy's of a complex z."""
    square = np.array([-9.0, -1.1e-3, -9e-4, -1e-9, 1e-9, 9e-4, 1.1e-3, 9.0, 4e6])
    z = np.sqrt(square + 0j)
    expected = np.cos(z).real, (np.sin(z) / z).real
    # rounding of z, of up to 2e3, and the next term of the slope of a series
    close = {"rtol": 0, "atol": 1e-12}
    for found, exact in zip(cos_and_sinc(jnp.asarray(square)), expected, strict=True):
        np.testing.assert_allclose(found, exact, **close)
    slope = jax.vmap(jax.grad(lambda s: cos_and_sinc(s)[0]))
    # (cos √s)' = -sin √s / 2√s; no NaN at 4e6, where a hyperbolic cosine overflows
    np.testing.assert_allclose(slope(jnp.asarray(square)), -expected[1] / 2, **close)
    np.testing.assert_allclose(slope(jnp.zeros(1)), -0.5, rtol=1e-15)

"""Pulses with exponents a little off, against quadratures and integrals by others."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

import jqd
from jqd.inference.bounds import cardinal_infidelity, pulse_response
from jqd.inference.bounds.mappings import CARDINAL

CATALAN = 0.915965594177219
H = np.array([[0, 0.5], [0.5, 0]])
POLE = np.array([1.0, 0.0])


def by_midpoints(psi0, angle, nodes=20_000):
    """The linear response, written out: N_q, N_r at the midpoints of equal steps."""
    t = (np.arange(nodes) + 0.5) * angle / nodes
    c, s = np.cos(t / 2), np.sin(t / 2)
    psi = np.stack([c * psi0[0] - 1j * s * psi0[1], c * psi0[1] - 1j * s * psi0[0]], 1)
    rho = abs(psi) ** 2
    z = np.conj(psi)[:, :, None] * H * psi[:, None, :]
    log = np.log(rho[:, :, None] / rho[:, None, :])
    N_q = psi / (2 * rho) * np.sum(2 * abs(z.imag) * log, axis=2)
    N_r = -1j * psi / rho * np.sum(z.real * log, axis=2)
    back = np.array([[c, 1j * s], [1j * s, c]])
    chi = np.stack([np.einsum("abt,tb->a", back, N) for N in (N_q, N_r)])
    chi *= angle / nodes
    c, s = np.cos(angle / 2), np.sin(angle / 2)
    U = np.array([[c, -1j * s], [-1j * s, c]])
    off = chi - np.outer(chi @ psi0.conj(), psi0)
    density = 2 * np.real(np.conj(U @ psi0) * (chi @ U.T))
    return density, np.real(off.conj() @ off.T)


@pytest.mark.parametrize(
    ("psi0", "angle"),
    [
        (POLE, np.pi / 2),
        (np.array([1.0, 1j]) / np.sqrt(2), np.pi / 2),
        # no node, and r shows
        (np.array([0.8, 0.6 * np.exp(0.7j)]), 1.1),
    ],
)
def test_a_pulse_is_the_linear_response(psi0, angle):
    density, G = by_midpoints(psi0, angle)
    found = pulse_response(psi0, angle)
    # midpoints next to a pole are ln(2)/2 of a step of 8e-5 off
    assert found.density == pytest.approx(density, abs=1e-4)
    assert found.infidelity == pytest.approx(G, abs=2e-4)


def test_a_half_pi_pulse_from_a_pole():
    """∂p/∂q = 2G, and nothing for r."""
    found = pulse_response(POLE, np.pi / 2)
    # crowded midpoints: 4000 of them leave 1e-6
    expected = [[2 * CATALAN, -2 * CATALAN], [0, 0]]
    assert found.density == pytest.approx(np.array(expected), abs=1e-6)
    assert found.density[0, 0] == pytest.approx(1.831931, abs=1e-4)


@pytest.mark.parametrize("turns", [10, -1])
def test_poles_on_the_way(turns):
    """∫ ln tan(t/2) over half a turn vanishes: whole turns change nothing."""
    angle = 2 * np.pi * turns + np.pi / 2
    found = pulse_response(POLE, angle)
    # 1e-6 of a piece, two pieces a turn, which err alike
    assert found.density[0] == pytest.approx([2 * CATALAN, -2 * CATALAN], abs=5e-5)
    off = np.abs(found.density[0] - np.array([2 * CATALAN, -2 * CATALAN]))
    assert (off < found.density_error[0]).all()
    off = np.abs(found.infidelity[0, 0] - (2 * CATALAN) ** 2)
    assert off < found.infidelity_error[0, 0] < 1e-3
    # no pole, but close to one twice a turn; by as many equal steps as resolve them
    psi0 = np.array([0.8, 0.6 * np.exp(0.7j)])
    density, G = by_midpoints(psi0, 2 * np.pi + 1.1)
    found = pulse_response(psi0, 2 * np.pi + 1.1)
    assert found.density == pytest.approx(density, abs=1e-4)
    assert found.infidelity == pytest.approx(G, abs=2e-4)


def test_cardinal_states():
    G = cardinal_infidelity()
    assert G[0, 0] == pytest.approx(2.23731, abs=1e-4)
    assert G[0, 0] == pytest.approx(2 / 3 * (2 * CATALAN) ** 2, abs=1e-5)
    # what bounds are made with
    assert np.diag(G) == pytest.approx(CARDINAL, abs=1e-5)
    # rounding, squared
    assert abs(G[1, 1]) < 1e-12
    assert abs(G[0, 1]) < 1e-12


def test_no_calibration_of_the_angle_hides_q():
    """From a pole a pulse turns too little where it turns too far from the equator."""
    pole = pulse_response(POLE, np.pi / 2).density[0, 0]
    ends = pulse_response(np.array([1.0, -1j]) / np.sqrt(2), np.pi / 2)
    # at the end, a pole, the density is even in the angle: the state shows the turn
    assert ends.infidelity[0, 0] == pytest.approx(float(pole) ** 2, abs=1e-5)
    angle = 1.2  # of the law itself, up to the equator and on from it
    for q in (0.499, 0.501):
        before = turned_by(q, np.pi / 2 - angle, angle) - angle
        after = turned_by(q, np.pi / 2, angle) - angle
        assert before * (q - 0.5) < 0 < after * (q - 0.5)
        # to second order in q - 1/2
        assert abs(before + after) < 0.01 * abs(before)


def turned_by(q, start, duration):
    """The angle by which the law itself turns ψ = (cos θ/2, -i sin θ/2).

    dθ/dt = (ρ_2/ρ_1)^(q - 1/2) = tan(θ/2)^(2q - 1), solved for the time by SciPy.
    """

    def late(end):
        return quad(lambda x: np.tan(x / 2) ** (1 - 2 * q), start, end)[0] - duration

    return brentq(late, start + 0.8 * duration, start + 1.2 * duration) - start


def test_the_law_itself_from_a_pole_to_another_angle():
    """Central differences of the nonlinear motion, at an angle of no table."""
    angle, h = 1.3, 1e-3
    p = [np.cos(turned_by(0.5 + s * h, 0, angle) / 2) ** 2 for s in (1, -1)]
    # third order: h² times a number of order 10
    found = pulse_response(POLE, angle).density[0, 0]
    assert found == pytest.approx((p[0] - p[1]) / (2 * h), abs=3e-5)


@pytest.mark.slow
def test_the_motion_of_jqd_loses_this_fidelity():
    """1 - F = δᵀGδ, up to third order, for a start whose pulse meets no node."""
    psi0, angle = np.array([0.8, 0.6 * np.exp(0.7j)]), 1.1
    G = np.asarray(pulse_response(psi0, angle).infidelity)
    quantum = jqd.CopyDynamics.from_hamiltonian(H)
    for delta in (np.array([2e-3, 0]), np.array([0, 2e-3]), np.array([-1e-3, 3e-3])):
        law = jqd.CopyDynamics.from_hamiltonian(H, *(delta + np.array([0.5, -0.5])))
        ends = [
            jqd.evolve(one, one.prepare(psi0), [0.0, angle]).values[-1]
            for one in (law, quantum)
        ]
        lost = 1 - abs(np.vdot(*ends)) ** 2
        assert lost == pytest.approx(delta @ G @ delta, rel=2e-2)


def test_32_bit_floats_do_not_see_r_either():
    cardinal_infidelity.cache_clear()
    try:
        with jax.enable_x64(False):
            G = cardinal_infidelity()
        assert G.dtype == np.float32
        # made of squares: of a response that is rounding, the square is below eps
        assert G[1, 1] <= np.finfo(G.dtype).eps * G.max()
        assert G[0, 0] == pytest.approx(CARDINAL[0], rel=2e-3)
    finally:
        cardinal_infidelity.cache_clear()


def test_pulses_work_under_vmap():
    angles = jnp.array([0.4, 1.0])
    found = jax.vmap(lambda angle: pulse_response(POLE, angle))(angles)
    one = pulse_response(POLE, angles[1])
    assert found.density[1] == pytest.approx(np.asarray(one.density), abs=1e-12)


@pytest.mark.parametrize("name", ["psi0", "angle"])
def test_nonsense_is_refused(complaints, name):
    kinds = {"psi0": "number negative vector", "angle": "scalar none"}[name]
    good = {"psi0": POLE, "angle": 1.0}
    assert complaints(pulse_response, good, name, kinds) == {}

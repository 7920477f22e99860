"""Moments of Gaussian waves and their paths, against closed forms and SciPy."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from jqd import exact

NUS = (0.0, 0.25, 0.5, 1.0)
# of steps whose own error is held at 1e-12
STEPS = 1e-9


def oscillator(variance):
    """An oscillator in its ground state and two pointers, ħ = m = ω = 1."""
    spreads = [0.5, variance, variance]
    return np.diag([*spreads, *(1 / (4 * v) for v in spreads)])


POINTERS = exact.quadratic_hamiltonian([1.0, np.inf, np.inf], np.diag([1.0, 0.0, 0.0]))


def read_twice(variance, nu, tau):
    first, second = (exact.impulse_map(3, axis, [1.0, 0.0, 0.0]) for axis in (1, 2))
    return exact.gaussian_paths(
        oscillator(variance), [0.0, tau], POINTERS, nu=[nu, 0.0, 0.0],
        impulses=[(0.0, first), (tau, second)],
    )  # fmt: skip


# E[X(0) X(tau)] of paths; records are cos(tau)/2, whatever the noise and the pointer.
MEASURED = {
    (50.0, 0.0): 0.490099, (0.5, 0.0): 0.0, (0.01, 0.0): -0.480392,
    (50.0, 0.25): 0.097960, (0.5, 0.25): -0.198030, (0.01, 0.25): -0.488158,
    (50.0, 0.5): 0.016443, (0.5, 0.5): -0.239197, (0.01, 0.5): -0.489772,
    (50.0, 1.0): -0.004026, (0.5, 1.0): -0.249533, (0.01, 1.0): -0.490178,
}  # fmt: skip


@pytest.mark.equation("diffusion", "claim-records")
@pytest.mark.equation("diffusion", "claim-measured-path")
@pytest.mark.parametrize("nu", NUS)
def test_records_do_not_know_the_noise_and_paths_do(nu):
    for variance in (50.0, 0.5, 0.01):
        half, quarter = (read_twice(variance, nu, t) for t in (np.pi, np.pi / 2))
        assert half.covariance[-1, 1, 2] == pytest.approx(-0.5, abs=STEPS)
        assert quarter.covariance[-1, 1, 2] == pytest.approx(0, abs=STEPS)
        # E[Y1 X(tau)], what the second pointer shows
        assert half.covariance[-1, 1, 0] == pytest.approx(-0.5, abs=STEPS)
        # figures of six digits
        expected = MEASURED[variance, nu]
        assert half.correlation[-1, 0, 0] == pytest.approx(expected, abs=1e-6)
        # of a quarter of a period the paths keep what they have without a pointer
        own = np.exp(-2 * nu * np.pi / 2) / 2
        assert quarter.correlation[-1, 0, 0] == pytest.approx(own, abs=STEPS)


@pytest.mark.equation("diffusion", "claim-brownian")
@pytest.mark.parametrize("nu", NUS)
def test_unmeasured_paths_of_a_ground_state_forget(nu):
    ts = np.linspace(0, np.pi, 4)
    well = exact.quadratic_hamiltonian([1.0], [[1.0]])
    found = exact.gaussian_paths(np.eye(2) / 2, ts, well, nu=nu)
    decay = np.exp(-2 * nu * ts) / 2
    np.testing.assert_allclose(found.correlation[:, 0, 0], decay, atol=STEPS)
    np.testing.assert_allclose(found.spread[:, 0, 0], 0.5, atol=STEPS)


def test_the_conditional_centre_swings():
    """K (y1/G) cos t with K = κ/(1 + κ), κ = G²σ²/s²."""
    G, variance, ts = 0.7, 0.3, np.linspace(0, 2, 5)
    first = exact.impulse_map(3, 1, [1.0, 0.0, 0.0], G)
    found = exact.gaussian_paths(
        oscillator(variance), ts, POINTERS, nu=0.0, impulses=[(0.0, first)]
    )
    slope = found.covariance[:, 0, 1] / found.covariance[:, 1, 1]
    kappa = G**2 * 0.5 / variance
    expected = kappa / (1 + kappa) / G * np.cos(ts)
    np.testing.assert_allclose(slope, expected, atol=STEPS)


def test_a_chirped_pointer_adds_its_back_action():
    """-½<{y1, p1}> sin(tau) to E[Y1 Y2]."""
    tau, twist = 1.1, 0.4
    C = oscillator(0.5)
    # pure: <p²> = (1/4 + <yp>²)/<y²>
    C[1, 4] = C[4, 1] = twist
    C[4, 4] = (0.25 + twist**2) / 0.5
    first, second = (exact.impulse_map(3, axis, [1.0, 0.0, 0.0]) for axis in (1, 2))
    found = exact.gaussian_paths(
        C, [0.0, tau], POINTERS, nu=0.5, impulses=[(0.0, first), (tau, second)]
    )
    expected = np.cos(tau) / 2 - twist * np.sin(tau)
    assert found.covariance[-1, 1, 2] == pytest.approx(expected, abs=STEPS)


def test_a_pointer_of_finite_mass_and_a_coupling_of_finite_time():
    masses, stiffness = [1.0, 20.0], np.diag([1.0, 0.0])
    on = exact.quadratic_hamiltonian(masses, stiffness, {1: [10.0, 0.0]})
    off = exact.quadratic_hamiltonian(masses, stiffness)

    def H(t):
        return jnp.where(t < 0.1, on, off)

    for nu_hat, path in ((1.0, -0.205632), (0.0, 0.036476)):
        found = exact.gaussian_paths(
            np.eye(4) / 2, [0.0, 0.1, 0.1 + np.pi], H,
            nu=nu_hat * np.array([0.5, 0.025]), jumps=[0.1],
        )  # fmt: skip
        assert found.covariance[-1, 0, 1] == pytest.approx(-0.495534, abs=1e-6)
        assert found.correlation[-1, 0, 0] == pytest.approx(path, abs=1e-6)


# -- an entangled pair -----------------------------------------------------------------


def squeezed_pair(r=0.6):
    same, cross = np.cosh(2 * r) / 2, np.sinh(2 * r) / 2
    C = np.diag([same] * 4)
    C[0, 1] = C[1, 0] = cross
    C[2, 3] = C[3, 2] = -cross
    return C


PAIR = {
    # nu: (E[X1(0) X1(1)], E X1² from identity/2, from a quarter of C) at omega_B = 1, 2
    0.0: ((0.709621, 2.113327, 0.226332), (0.764217, 1.838059, 0.226332)),
    0.5: ((0.373389, 0.908976, 0.784151), (0.418447, 0.869340, 0.757648)),
    1.0: ((0.219605, None, None), (0.265432, None, None)),
}


@pytest.mark.equation("diffusion", "claim-signals")
@pytest.mark.equation("diffusion", "claim-far-particle")
@pytest.mark.parametrize("nu", PAIR)
def test_an_entangled_pair_signals_out_of_equilibrium_alone(nu):
    C = squeezed_pair()
    inside = []
    for omega, expected in zip((1.0, 2.0), PAIR[nu], strict=True):
        H = exact.quadratic_hamiltonian([1.0, 1.0], np.diag([1.0, omega**2]))
        starts = (None, np.eye(2) / 2, C[:2, :2] / 4)
        runs = [exact.gaussian_paths(C, [0, 1], H, nu=nu, start=s) for s in starts]
        inside.append(runs[0].spread[-1, 0, 0])
        values = [runs[0].correlation, *(run.spread for run in runs[1:])]
        for value, known in zip(values, expected, strict=True):
            if known is not None:
                assert value[-1, 0, 0] == pytest.approx(known, abs=1e-6)
        symmetric = 0.905327784 * np.cos(1.0)  # ½<x(0)x(1) + x(1)x(0)>
        assert symmetric == pytest.approx(0.489151, abs=1e-6)
    # no signal in equilibrium
    np.testing.assert_allclose(inside, np.cosh(1.2) / 2, atol=1e-11)
    assert np.cosh(1.2) / 2 == pytest.approx(0.905327784, abs=1e-9)


@pytest.mark.equation("diffusion", "claim-far-particle")
def test_drift_of_one_particle_of_a_pair_depends_on_the_other():
    """b_1 = -2ν cosh(2r) x1 + 2ν sinh(2r) x2, by the slope of K at the start."""
    C, nu, dt = squeezed_pair(), 0.5, 1e-5
    H = exact.quadratic_hamiltonian([1.0, 1.0], np.eye(2))
    K = exact.gaussian_paths(C, [0, dt], H, nu=nu).correlation
    B = (K[1] - K[0]) / dt @ np.linalg.inv(C[:2, :2])
    # the next order in dt
    np.testing.assert_allclose(B[0], nu * np.array([-3.621311, 3.018923]), atol=1e-4)


# -- a free packet ---------------------------------------------------------------------


@pytest.mark.parametrize("nu_hat", [0.4, 1.0])
def test_a_free_packet_never_forgets(nu_hat):
    """exp(-(ν/D) arctan(t/T0)), T0 = 2ms0²/ħ, tends to e^(-πν/2D)."""
    free = exact.quadratic_hamiltonian([1.0], [[0.0]])
    ts = np.array([0.0, 1.0, 40.0, 1e6])
    found = exact.gaussian_paths(np.diag([0.5, 0.5]), ts, free, nu=0.5 * nu_hat)
    size = np.sqrt(np.asarray(found.covariance[:, 0, 0]))
    share = np.asarray(found.correlation[:, 0, 0]) / (size * size[0])
    np.testing.assert_allclose(share, np.exp(-nu_hat * np.arctan(ts)), atol=1e-10)
    if nu_hat == 1.0:
        assert share[-1] == pytest.approx(0.207880, abs=2e-6)  # 1/t from the end


# -- against SciPy ---------------------------------------------------------------------


def test_three_coupled_axes_against_scipy():
    """Random masses, springs and a pointer, none of which a closed form knows."""
    rng = np.random.default_rng(3)
    masses = np.array([0.7, 1.9, np.inf])
    A = rng.normal(size=(3, 3))
    stiffness = A @ A.T
    stiffness[2] = stiffness[:, 2] = 0
    coupling = np.array([0.4, -0.8, 0.0])
    M = np.asarray(exact.quadratic_hamiltonian(masses, stiffness, {2: coupling}))
    # H by hand: p²/2m + q·k q/2 + (a·q) p_3
    z = rng.normal(size=6)
    by_hand = z[3] ** 2 / 1.4 + z[4] ** 2 / 3.8 + z[:3] @ stiffness @ z[:3] / 2
    assert z @ M @ z / 2 == pytest.approx(by_hand + coupling @ z[:3] * z[5])
    # a pure state: the ground state, squeezed and sheared by a symplectic map
    J = np.block([[np.zeros((3, 3)), np.eye(3)], [-np.eye(3), np.zeros((3, 3))]])
    G = rng.normal(size=(6, 6)) / 4
    S = expm(J @ (G + G.T))
    C, P = S @ S.T / 2, np.diag([0.3, 0.5, 0.8])
    nu, ts = np.array([0.3, 0.1, 0.0]), np.linspace(0, 1.2, 4)
    found = exact.gaussian_paths(C, ts, M, nu=nu, start=P)
    F, N = J @ M, np.diag(nu)

    def rate(t, y):
        K, P = y.reshape(2, 3, 3)
        now = expm(F * t) @ C @ expm(F * t).T
        B = ((F @ now)[:3, :3] - N) @ np.linalg.inv(now[:3, :3])
        return np.concatenate([(B @ K).ravel(), (B @ P + P @ B.T + 2 * N).ravel()])

    start = np.concatenate([C[:3, :3].ravel(), P.ravel()])
    known = solve_ivp(rate, (0, 1.2), start, "DOP853", ts, rtol=1e-11, atol=1e-12)
    K, P = np.moveaxis(known.y.T.reshape(4, 2, 3, 3), 1, 0)
    np.testing.assert_allclose(found.correlation, K, atol=1e-8)
    np.testing.assert_allclose(found.spread, P, atol=1e-8)
    for t, mine in zip(ts, found.covariance, strict=True):
        exactly = expm(F * t) @ C @ expm(F * t).T
        np.testing.assert_allclose(mine, exactly, atol=1e-8)


@pytest.mark.slow
def test_gradient_by_the_strength_of_the_coupling():
    def paths(G):
        first = exact.impulse_map(3, 1, [1.0, 0.0, 0.0], G)
        run = exact.gaussian_paths(
            oscillator(0.5), [0.0, 1.0], POINTERS, nu=0.5, impulses=[(0.0, first)]
        )
        return run.correlation[-1, 0, 0]

    step = 1e-4
    slope = (paths(0.8 + step) - paths(0.8 - step)) / (2 * step)
    # 1e-12 of the steps over 1e-4
    assert jax.grad(paths)(0.8) == pytest.approx(float(slope), abs=1e-7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"covariance": np.eye(3)}, "`covariance` must have shape (2d, 2d)"),
        ({"covariance": -np.eye(2)}, "`covariance` must be positive"),
        ({"covariance": [[1, 1], [0, 1.0]]}, "`covariance` must be symmetric"),
        ({"nu": -1.0}, "`nu` must not be negative"),
        ({"nu": [1.0, 1.0]}, "`nu` must have shape (1,)"),
        ({"ts": [0.0, 0.0]}, "`ts` must increase"),
        ({"start": [[-1.0]]}, "`start` must be positive"),
        ({"hamiltonian": np.eye(3)}, "`hamiltonian` must have shape (2, 2)"),
        ({"hamiltonian": lambda t: np.eye(3)}, "`hamiltonian` must give a matrix"),
        ({"impulses": [(2.0, np.eye(2))]}, "`impulses` must act between 0.0 and 1.0"),
        ({"impulses": [(0.5, np.eye(3))]}, "`impulses` must have shape (2, 2)"),
    ],
)
def test_refused(change, message):
    good = {"covariance": np.eye(2) / 2, "ts": [0.0, 1.0], "hamiltonian": np.eye(2)}
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        exact.gaussian_paths(**(good | {"nu": 0.5} | change))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: exact.quadratic_hamiltonian([-1.0], [[1.0]]), "`mass` must be pos"),
        (lambda: exact.quadratic_hamiltonian([1.0], [1.0]), "`stiffness` must have"),
        (
            lambda: exact.quadratic_hamiltonian([1.0], [[1.0]], {0: [1.0]}),
            "`couplings` must not depend on the pointer",
        ),
        (lambda: exact.impulse_map(2, 1, [1.0, 1.0]), "`a` must not depend on the poi"),
        (lambda: exact.impulse_map(2, 2, [1.0, 0.0]), "`axis` must be at most 1"),
    ],
)
def test_refused_parts(call, message):
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        call()


def test_units_of_length_change_nothing():
    """C and ν are linear in the problem: 1e-14 of both is 1e-14 of the answer."""
    C, M, ts = (
        np.diag([4.0, 0.25]),
        exact.quadratic_hamiltonian([1.0], [[1.0]]),
        [0, 20.0],
    )
    one = exact.gaussian_paths(C, ts, M, nu=0.5)
    small = exact.gaussian_paths(1e-14 * C, ts, M, nu=0.5e-14)
    for name in ("covariance", "spread"):
        # the same steps, in units of the first widths
        np.testing.assert_allclose(
            1e14 * getattr(small, name), getattr(one, name), rtol=1e-9, atol=1e-12
        )

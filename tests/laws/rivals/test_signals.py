"""Signals of rivals between two parties: how A's density operator moves, derived.

ρ_A = tr_B |ψ><ψ| of a pair whose parts do not interact. A law is free of signals by a
distant rotation or Hamiltonian if dρ_A/dt depends on ρ_A alone.
"""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

import jqd
from jqd import Schrodinger
from jqd.laws import DoebnerGoldin, Gisin, Logarithmic, Weinberg

LEVELS = np.array([0.3, -0.2, 1.0])  # of the observable of Weinberg's law
TURN = expm(-0.8j * np.array([[0, -1j], [1j, 0]]))


def hermitian(rng, size):
    a = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    return (a + a.conj().T) / 2


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def psi(rng):
    """An entangled ket of three and two levels, (3, 2)."""
    ket = rng.normal(size=(3, 2)) + 1j * rng.normal(size=(3, 2))
    return ket / np.linalg.norm(ket)


def speed(law, psi):
    return np.asarray(law.vector_field(0.0, jnp.asarray(psi.ravel()))).reshape(3, 2)


def rate_of_A(law, psi):
    """dρ_A/dt = ψ' ψ† + h.c., (3, 3)."""
    half = speed(law, psi) @ psi.conj().T
    return half + half.conj().T


def bare(psi, eps):
    """-2iε (A_k - A_l) Σ_b a_b ψ_kb ψ*_lb, with a_b of each state of the partner."""
    rho = np.abs(psi) ** 2
    a = LEVELS @ rho / rho.sum(axis=0)
    return -2j * eps * (LEVELS[:, None] - LEVELS) * ((psi * a) @ psi.conj().T)


def logarithmic(psi, b):
    """ib Σ_b ln(ρ_kb/ρ_lb) ψ_kb ψ*_lb."""
    level = np.log(np.abs(psi) ** 2)
    ratio = level[:, None] - level[None]
    return 1j * b * np.sum(ratio * psi[:, None] * psi.conj()[None], axis=-1)


@pytest.mark.parametrize(
    ("law", "derived"),
    [
        (Weinberg(np.zeros((6, 6)), 0.4, A=LEVELS, levels=2), lambda p: bare(p, 0.4)),
        (Logarithmic(np.zeros((6, 6)), 0.4), lambda p: logarithmic(p, 0.4)),
    ],
    ids=["weinberg, bare", "logarithmic"],
)
def test_a_distant_rotation_is_seen(law, derived, psi):
    """The same ρ_A, two rates: the coherences of A know the basis of B."""
    turned = psi @ TURN.T
    np.testing.assert_allclose(psi @ psi.conj().T, turned @ turned.conj().T, atol=1e-15)
    for ket in (psi, turned):
        np.testing.assert_allclose(rate_of_A(law, ket), derived(ket), atol=1e-14)
    # a twentieth of the rates themselves, and more
    assert np.abs(derived(psi) - derived(turned)).max() > 0.004


def test_a_constant_observable_only_shifts_the_energy(psi):
    """A = c 1: ε c² n in energy, which no population sees."""
    law = Weinberg(np.zeros((6, 6)), 0.4, A=np.full(3, 0.7), levels=2)
    np.testing.assert_allclose(rate_of_A(law, psi), 0, atol=1e-15)
    shift = speed(law, psi) / psi
    np.testing.assert_allclose(shift, -1j * 0.4 * 0.7**2, atol=1e-14)


@pytest.mark.parametrize("eps", [0.4, -1.5])
def test_the_reduced_law_closes_on_rho_A(eps, rng, psi):
    """dρ_A/dt = -i[H_A + 2εaA, ρ_A], a = tr(A ρ_A), whatever B is and does."""
    H_A = hermitian(rng, 3)
    for ket in (psi, psi @ TURN.T):
        rho = ket @ ket.conj().T
        own = H_A + np.diag(2 * eps * np.real(np.diag(rho)) @ LEVELS * LEVELS)
        expected = -1j * (own @ rho - rho @ own)
        for H_B in (np.zeros((2, 2)), hermitian(rng, 2)):
            H = np.kron(H_A, np.eye(2)) + np.kron(np.eye(3), H_B)
            law = Weinberg(H, eps, A=LEVELS, levels=2, partner="reduced")
            np.testing.assert_allclose(rate_of_A(law, ket), expected, atol=1e-13)


def test_gisins_law_shows_a_distant_hamiltonian_at_first_order(rng, psi):
    """dp_A(k)/dt changes by -2λ Cov(P_k, H_B) when H_B is switched on."""
    H_A, H_B, lam = hermitian(rng, 3), hermitian(rng, 2), 0.3
    off = np.kron(H_A, np.eye(2))
    on = off + np.kron(np.eye(3), H_B)
    rates = [np.diag(rate_of_A(Gisin(H, lam), psi)).real for H in (off, on)]
    joint = np.real(np.sum(psi.conj() * (psi @ H_B.T), axis=1))
    shares = np.sum(np.abs(psi) ** 2, axis=1)
    expected = -2 * lam * (joint - shares * joint.sum())
    np.testing.assert_allclose(rates[1] - rates[0], expected, atol=1e-14)
    assert np.abs(expected).max() > 0.01
    # without λ nothing is seen
    still = [np.diag(rate_of_A(Gisin(H, 0.0), psi)).real for H in (off, on)]
    np.testing.assert_allclose(still[1], still[0], atol=1e-14)


# -- Doebner and Goldin: Schrödinger's law in disguise ---------------------------------

HBAR, MASS, D, RATIO = 0.7, 1.3, 0.1, 0.8  # ħ'/ħ
ETA, KAPPA = MASS * D / HBAR, HBAR / (4 * MASS) * (1 - RATIO**2)
PLANE = np.array([D, KAPPA - ETA * D, 0, -D, (ETA * D - KAPPA) / 2])


def ring(points, dims=1):
    return jqd.Grid(((0.0, 2 * np.pi),) * dims, (points,) * dims)


def test_the_plane_is_schrodingers_law_with_another_phase_and_another_hbar():
    """ψ = √ρ exp(i(S/ħ + η ln ρ)), where √ρ exp(iS/ħ') moves by Schrödinger's law.

    Of a pair in V_A + V_B: then ρ is that of a linear law without interaction, and H_B
    cannot be seen. L = ln ρ and S are chosen, their derivatives are exact.
    """
    grid = ring(32, 2)
    x, y = np.meshgrid(*[2 * np.pi * np.arange(32) / 32] * 2, indexing="ij")
    V = 0.4 * np.cos(x) + 0.5 * np.cos(y)
    L = 0.3 * np.cos(x) + 0.2 * np.sin(y) + 0.2 * np.cos(x - y)
    slope_L = np.stack([
        -0.3 * np.sin(x) - 0.2 * np.sin(x - y),
        0.2 * np.cos(y) + 0.2 * np.sin(x - y),
    ])  # fmt: skip
    curve_L = -0.3 * np.cos(x) - 0.2 * np.sin(y) - 0.4 * np.cos(x - y)
    S = 0.3 * np.sin(x) + 0.2 * np.sin(x + y)
    slope_S = np.stack([
        0.3 * np.cos(x) + 0.2 * np.cos(x + y), 0.2 * np.cos(x + y),
    ])  # fmt: skip
    curve_S = -0.3 * np.sin(x) - 0.4 * np.sin(x + y)
    # Madelung's equations at ħ'
    L_t = -(np.sum(slope_L * slope_S, axis=0) + curve_S) / MASS
    pressure = curve_L / 2 + np.sum(slope_L**2, axis=0) / 4
    S_t = -np.sum(slope_S**2, axis=0) / (2 * MASS) - V
    S_t += (RATIO * HBAR) ** 2 / (2 * MASS) * pressure
    psi = np.exp(L / 2 + 1j * (S / HBAR + ETA * L))
    expected = psi * (L_t / 2 + 1j * (S_t / HBAR + ETA * L_t))

    quantum = Schrodinger.on_grid(grid, V, mass=MASS, hbar=HBAR)
    found = DoebnerGoldin(quantum, D, PLANE).vector_field(0.0, jnp.asarray(psi))
    # spectral derivatives: rounding times the square of the highest wave number
    np.testing.assert_allclose(found, expected, atol=1e-10)
    # beside the plane the law is another one
    other = DoebnerGoldin(quantum, D, PLANE + np.array([0, 0, 0, 0, 0.01]))
    found = other.vector_field(0.0, jnp.asarray(psi))
    assert np.abs(found - expected).max() > 1e-4


@pytest.mark.slow
def test_a_distant_potential_is_seen_off_the_plane_alone():
    grid = ring(32)
    x = 2 * np.pi * np.arange(32) / 32
    one, two = x[:, None], x[None, :]
    ket = 1 + 0.12 * np.exp(1j * one) + 0.1 * np.exp(-1j * two)
    ket = ket + 0.14 * np.exp(1j * (one - two))
    cell = grid.cell
    ket = ket / np.sqrt(cell**2 * np.sum(np.abs(ket) ** 2))

    def on(V):
        return Schrodinger.on_grid(grid, V, mass=MASS, hbar=HBAR)

    def signal(law):
        seen = []
        for V_B in (0 * x, 0.5 * np.cos(x)):
            pair = law.pair(on(V_B))
            run = jqd.evolve(
                pair, pair.prepare(ket), np.array([0.0, 1.0]), observe="density",
                method=jqd.Fixed(jqd.steppers.rk4, 800, estimate_error=False),
            )  # fmt: skip
            assert run.ok
            seen.append(np.asarray(run.values[-1]).sum(axis=1) * cell)
        return 0.5 * cell * np.abs(seen[1] - seen[0]).sum()

    quantum = on(0.4 * np.cos(x))
    off_the_plane = signal(DoebnerGoldin(quantum, D))
    assert off_the_plane > 1e-7
    # 0 but for steps and grid, which are equal in both
    assert signal(DoebnerGoldin(quantum, D, PLANE)) < 1e-2 * off_the_plane

"""Sections 1.1, 3.2, 3.3 and appendix A of the diffusion paper: observables."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from jqd.exact import closed_forms
from jqd.readings import brackets, observables
from jqd.spaces import Grid

from .conftest import close, equation

HBAR, SITES, CELL = 0.7, 8, 0.4
# What a wrong factor or sign leaves.
REFUTED = 0.05


@functools.cache
def system():
    """Two Hermitian matrices and a state on 8 sites of volume CELL."""
    rng = np.random.default_rng(4)
    size = (3, SITES, SITES)
    A, B, H = rng.normal(size=size) + 1j * rng.normal(size=size)
    psi = rng.normal(size=SITES) + 1j * rng.normal(size=SITES)
    psi = psi / np.sqrt(np.sum(np.abs(psi) ** 2) * CELL)
    return *((m + m.conj().T) / 2 for m in (A, B, H)), psi


def mean(matrix, psi):
    """⟨ψ, Aψ⟩ in NumPy."""
    return CELL * np.vdot(psi, matrix @ psi)


def commutator(A, B, psi):
    return mean((A @ B - B @ A) / (1j * HBAR), psi).real


def site(values, index):
    return jnp.take(values, index)


@functools.cache
def bracketed():
    """All brackets of the tests, compiled once."""
    A, B, H, psi = system()
    fast = {"hbar": HBAR, "cell": CELL}
    a, b, h = (observables.bilinear(m, **fast) for m in (A, B, H))
    density, action = np.abs(psi) ** 2, HBAR * np.angle(psi)
    index = jnp.arange(SITES)

    def form(matrix):
        return lambda psi: CELL * jnp.real(jnp.vdot(psi, matrix @ psi))

    def pairs(bracket, first, second):
        return jax.vmap(lambda i: jax.vmap(lambda j: bracket(first(i), second(j)))(
            index
        ))(index)  # fmt: skip

    @jax.jit
    def everything(psi, density, action, t):
        def polar(A, B):
            return brackets.poisson_bracket(A, B, density, action, CELL)

        def complex_(A, B):
            return brackets.poisson_bracket_psi(A, B, psi, CELL, HBAR)

        def at(i):
            return lambda psi: site(psi, i)

        def conjugate(i):
            return lambda psi: jnp.conj(site(psi, i))

        def rho(i):
            return lambda density, action: site(density, i)

        def S(i):
            return lambda density, action: site(action, i)

        def moving(density, action, t):
            return jnp.cos(2 * t) * a(density, action) + t * b(density, action)

        return {
            "values": (a(density, action), b(density, action)),
            "polar": polar(a, b),
            "psi": complex_(form(A), form(B)),
            "psi_star": pairs(complex_, at, conjugate),
            "psi_psi": pairs(complex_, at, at),
            "star_star": pairs(complex_, conjugate, conjugate),
            "rates": jax.vmap(lambda i: complex_(at(i), form(H)))(index),
            "star_rates": jax.vmap(lambda i: complex_(conjugate(i), form(H)))(index),
            "density_action": pairs(polar, rho, S),
            "density_density": pairs(polar, rho, rho),
            "action_action": pairs(polar, S, S),
            "moving": brackets.time_derivative(moving, h, density, action, CELL, t),
            "still": brackets.time_derivative(a, h, density, action, CELL),
        }

    return everything(psi, density, action, 0.3)


@equation("3")
@equation("27")
@equation("38")
def test_brackets_are_commutators():
    A, B, _, psi = system()
    found, expected = bracketed(), commutator(A, B, psi)
    assert close(found["polar"], expected)
    assert close(found["psi"], expected)
    assert abs(expected) > REFUTED


@equation("4")
@equation("28")
def test_canonical_pairs():
    found, delta = bracketed(), np.eye(SITES) / CELL
    assert close(found["psi_star"], delta / (1j * HBAR))
    assert close(found["density_action"], delta)
    for name in ("psi_psi", "star_star", "density_density", "action_action"):
        assert close(found[name], 0)


@equation("5")
def test_schrodinger_equation_by_brackets():
    _, _, H, psi = system()
    rate = -1j / HBAR * H @ psi
    assert close(bracketed()["rates"], rate)
    assert close(bracketed()["star_rates"], rate.conj())


@equation("44")
def test_time_derivative():
    A, B, H, psi = system()

    def value(t, still=False):
        moved = scipy.linalg.expm(-1j / HBAR * H * (t - 0.3)) @ psi
        matrix = A if still else np.cos(2 * t) * A + t * B
        return mean(matrix, moved).real

    def slope(f, h=1e-3):
        first, second = ((f(0.3 + d) - f(0.3 - d)) / (2 * d) for d in (h, 2 * h))
        return (4 * first - second) / 3

    # h⁴ of the fifth derivative, of frequencies near 20
    assert close(bracketed()["moving"], slope(value), 1e-5)
    assert close(bracketed()["still"], slope(lambda t: value(t, True)), 1e-5)
    assert abs(bracketed()["moving"] - bracketed()["still"]) > REFUTED
    # the second form, by the commutator
    now, rate = np.cos(0.6) * A + 0.3 * B, -2 * np.sin(0.6) * A + B
    second = mean(rate, psi).real + commutator(now, H, psi)
    assert close(bracketed()["moving"], second)
    assert close(bracketed()["still"], commutator(A, H, psi))


@equation("35")
@equation("36")
@equation("37")
@equation("39")
def test_bilinear_observables():
    A, B, _, psi = system()
    assert close(bracketed()["values"], [mean(A, psi).real, mean(B, psi).real])
    # by (36) with a kernel A/cell, and the double integral (35)
    kernel = A / CELL
    image = np.array([np.sum(row * psi) * CELL for row in kernel])
    double = np.sum(psi.conj()[:, None] * kernel * psi[None, :]) * CELL**2
    assert close(double, np.sum(psi.conj() * image) * CELL)
    assert close(bracketed()["values"][0], double.real)
    # in print A(x, x') = A(x', x): then the momentum is no observable
    points = 8
    k = 2 * np.pi * np.fft.fftfreq(points, CELL)
    k[points // 2] = 0
    wave = np.exp(2j * np.pi * np.outer(range(points), range(points)) / points)
    p = wave @ np.diag(HBAR * k) @ wave.conj().T / points
    grid = Grid((0.0, points * CELL), points)
    momentum = observables.momentum(grid, hbar=HBAR)
    density, action = np.abs(psi) ** 2, HBAR * np.angle(psi)
    by_matrix = observables.bilinear(p, hbar=HBAR, cell=CELL)(density, action)
    assert close(momentum(density, action), by_matrix)
    assert abs(by_matrix) > REFUTED
    assert close(p, p.conj().T)
    assert close((p + p.T) / 2, 0)  # nothing of it is symmetric
    with pytest.raises(ValueError, match="Hermitian"):
        observables.bilinear(np.triu(p))
    x = np.arange(points) * CELL
    place = observables.bilinear(np.diag(x), hbar=HBAR, cell=CELL)(density, action)
    assert close(place, np.sum(x * density) * CELL)


@equation("40")
@equation("39")
def test_momentum_is_conserved_by_translations_alone():
    grid, mass, omega = Grid((-8.0, 8.0), 64), 1.4, 0.9
    x = np.asarray(grid.x)
    constants = {"omega": omega, "mass": mass, "hbar": HBAR}
    psi = closed_forms.coherent_state(x, 0.6, center=1.0, momentum=0.5, **constants)
    # a floor for the logarithm; 1e-14 of probability
    density, action = jnp.abs(psi) ** 2 + 1e-15, HBAR * np.angle(psi)
    X = np.cos(omega * 0.6) + 0.5 * np.sin(omega * 0.6) / (mass * omega)
    P = 0.5 * np.cos(omega * 0.6) - mass * omega * np.sin(omega * 0.6)
    p = observables.momentum(grid, hbar=HBAR)

    @jax.jit
    def rates(V, density, action):
        H = observables.hamiltonian(grid, V, mass=mass, hbar=HBAR)
        return brackets.poisson_bracket(p, H, density, action, grid.cell)

    assert close(p(density, action), P, 1e-10)
    well = mass * omega**2 * x**2 / 2
    assert close(rates(well, density, action), -mass * omega**2 * X, 1e-6)
    assert close(rates(np.full(64, 1.3), density, action), 0, 1e-6)
    assert abs(mass * omega**2 * X) > 1


@equation("claim-canonical-unitary")
@equation("claim-A-observables")
def test_canonical_maps_need_not_be_linear():
    """The flow of κ/2 ∫ρ² turns every phase by its own density."""
    _, _, H, psi = system()
    kappa = 0.8
    density, action = np.abs(psi) ** 2, HBAR * np.angle(psi)
    U = scipy.linalg.expm(-0.2j / HBAR * H)

    def turned(density, action):
        return density, action - kappa * density

    def unitary(density, action):
        moved = jnp.asarray(U) @ observables.amplitude(density, action, HBAR)
        return observables.polar(moved, HBAR)

    canonical = jax.jit(
        lambda d, s: (
            brackets.symplecticity(turned, d, s),
            brackets.symplecticity(unitary, d, s),
            brackets.symplecticity(lambda d, s: (d, s - 0.3 * jnp.roll(d, 1)), d, s),
        )
    )(density, action)
    for found in canonical[:2]:
        assert found.defect < 1e-10
        assert abs(found.determinant) < 1e-10
    # Negative control: turned by the density of a neighbour, it is not canonical.
    assert canonical[2].defect > REFUTED

    # it keeps the norm, and not the overlap of two states as unitary maps do
    def map_of(psi):
        moved = turned(np.abs(psi) ** 2, HBAR * np.angle(psi))
        return np.asarray(observables.amplitude(*moved, HBAR))

    other = np.roll(psi, 1)
    assert close(mean(np.eye(SITES), map_of(psi)).real, 1)
    before, after = np.vdot(psi, other), np.vdot(map_of(psi), map_of(other))
    assert abs(abs(before) - abs(after)) > REFUTED
    kept = np.vdot(U @ psi, U @ other)
    assert close(kept, before)

    # its generator is real, a function of ρ and S, and no bilinear form
    def parallelogram(f):
        pairs = psi + other, psi - other
        return sum(map(f, pairs)) - 2 * f(psi) - 2 * f(other)

    assert close(parallelogram(lambda psi: mean(H, psi).real), 0)
    generator = parallelogram(lambda psi: kappa / 2 * np.sum(np.abs(psi) ** 4) * CELL)
    assert abs(generator) > REFUTED


@pytest.mark.slow
@equation("claim-A-eigenstates")
def test_eigenstates_of_a_hermitian_form_are_complete():
    A, _, _, psi = system()
    values, vectors = np.linalg.eigh(A)
    weight = CELL * np.abs(vectors.conj().T @ psi) ** 2
    assert close(weight.sum(), 1)
    assert close(bracketed()["values"][0], np.sum(weight * values))
    # in one of them the bracket with A moves nothing but the phase
    state = vectors[:, 2] / np.sqrt(CELL)
    density, action = np.abs(state) ** 2, HBAR * np.angle(state)
    A_mean = observables.bilinear(A, hbar=HBAR, cell=CELL)
    rates = jax.jit(functools.partial(brackets.canonical_rates, A_mean, cell=CELL))(
        density, action
    )
    assert close(rates.density, 0)
    assert close(rates.action, -values[2])

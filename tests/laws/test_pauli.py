"""Pauli's law: against dense matrices, closed forms, and the order of its methods."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

import jqd
from jqd import steppers
from jqd.spaces import absorbing_layer, magnetic_field
from jqd.steppers import Splitting, spin_flow

SIGMA = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
LINE = jqd.Grid((0.0, 4 * np.pi), 64)
SPIN = jnp.array([0.6, 0.8j])


def well(x):
    return jnp.cos(x / 2)


def turning(x):
    return -jnp.cos(x), -jnp.sin(x), -0.3 * jnp.cos(x / 2)


def packet(grid=LINE, spin=SPIN):
    x = grid.coordinates[0]
    wave = grid.normalise(jnp.exp(2 * jnp.cos(x - np.pi) + 1j * x) + 0 * x)
    return jnp.multiply.outer(spin, wave)


def momentum(grid, hbar=1.0):
    n, k = grid.size, np.asarray(grid.wavenumbers[0])
    F = np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n)
    return hbar * F.conj().T @ np.diag(k) @ F / n


def dense(field, hbar=1.0, mass=1.0, moment=1.0):
    """p²/2m + V - moment B·σ by NumPy, components first."""
    x = np.asarray(LINE.x)
    p = momentum(LINE, hbar)
    H = np.kron(np.eye(2), p @ p / (2 * mass) + np.diag(np.cos(x / 2)))
    for s, B in zip(SIGMA, field, strict=True):
        H = H - moment * np.kron(s, np.diag(np.broadcast_to(B, x.shape)))
    return H


def test_hamiltonian_is_that_of_numpy():
    """-(g q ħ/4m) B·σ with all constants off 1."""
    x = np.asarray(LINE.x)
    law = jqd.Pauli(
        LINE, well, turning, g=1.7, charge=-0.6, mass=0.8, hbar=1.3
    )  # fmt: skip
    field = [np.asarray(B) for B in turning(x)]
    H = dense(field, 1.3, 0.8, 1.7 * -0.6 * 1.3 / (4 * 0.8))
    rng = np.random.default_rng(0)
    psi = rng.normal(size=(2, 64)) + 1j * rng.normal(size=(2, 64))
    psi /= np.sqrt(np.sum(abs(psi) ** 2) * LINE.cell)
    found = law.hamiltonian.apply(jnp.asarray(psi), 0.0, law.hbar)
    # rounding of transforms, of an H of 500
    np.testing.assert_allclose(np.ravel(found), H @ psi.ravel(), atol=1e-11)
    energy = law.invariants(law.prepare(psi))["energy"]
    mean = np.vdot(psi.ravel(), H @ psi.ravel()).real * LINE.cell
    assert energy == pytest.approx(mean, rel=1e-12)
    levels = np.linalg.eigvalsh(H)
    low, high = law.hamiltonian.spectral_bounds(law.hbar)
    assert low < levels[0]
    assert high > levels[-1]


def slope(law, stepper, H, counts=(40, 160), T=4.0):
    """Order over two halvings, of the method as it would be if nothing refused it."""
    free = Splitting(
        stepper.name, stepper.order, stepper.a, stepper.b, stepper.c, kind="composition"
    )
    psi = law.prepare(packet())
    exact = expm(-1j * T * H) @ np.ravel(psi)
    run = jax.jit(lambda n: free.sweep(law, 0.0, psi, T / n, n))
    errors = [np.linalg.norm(np.ravel(run(n)) - exact) for n in counts]
    return np.log2(errors[0] / errors[1]) / np.log2(counts[1] / counts[0])


@pytest.mark.parametrize(
    ("stepper", "order", "counts"),
    [
        (steppers.strang, 2.0, (40, 160)),
        (steppers.srkn11, 4.0, (40, 160)),
        (steppers.chin4a, 2.0, (40, 160)),
        (steppers.s6, 4.0, (40, 160)),
        (steppers.kahan_li6, 6.0, (20, 80)),
    ],
)
def test_orders_in_a_field_that_turns(stepper, order, counts):
    """Row P16: SRKN11 falls from 6 to 4, Chin's from 4 to 2."""
    law = jqd.Pauli(LINE, well, turning, charge=2.0)
    H = dense([np.asarray(B) for B in turning(LINE.x)])
    assert slope(law, stepper, H, counts) == pytest.approx(order, abs=0.2)


@pytest.mark.parametrize(
    ("stepper", "order", "counts"),
    [(steppers.srkn11, 6.0, (20, 80)), (steppers.chin4a, 4.0, (40, 160))],
)
def test_orders_in_a_field_of_one_direction(stepper, order, counts):
    """Both keep theirs along any direction, and so they may follow it."""
    law = jqd.Pauli(
        LINE, well, lambda x: -1.3 * jnp.cos(x), direction=(1.0, -2.0, 2.0), charge=2.0
    )
    strength = -1.3 * np.cos(LINE.x)
    H = dense([n * strength for n in (1 / 3, -2 / 3, 2 / 3)])
    assert slope(law, stepper, H, counts) == pytest.approx(order, abs=0.2)
    assert law.stepper is steppers.srkn11
    run = jqd.evolve(
        law, law.prepare(packet()), [0.0, 1.0], method=jqd.Fixed(stepper, 40)
    )
    assert bool(run.ok)
    # the spin along the field, no other one, stays
    before, after = (law.spin(psi) for psi in run.values)
    axis = np.array([1, -2, 2]) / 3
    assert axis @ after == pytest.approx(float(axis @ before), abs=1e-12)
    assert abs(after[2] - before[2]) > 0.05
    assert run.diagnostics["spin_drift"] < 1e-12


REFUSED = "where the magnetic field turns, the spin energies of two places do not"


@pytest.mark.parametrize("stepper", [steppers.srkn11, steppers.chin4a, steppers.srkn6])
def test_methods_that_would_lose_their_order_are_refused(stepper):
    law = jqd.Pauli(LINE, well, turning)
    assert law.stepper is steppers.kahan_li6
    with pytest.raises(ValueError, match="`stepper` must keep its order") as caught:
        jqd.evolve(law, law.prepare(packet()), [0.0, 1.0], method=jqd.Fixed(stepper))
    assert REFUSED in str(caught.value)
    assert "kahan_li6" in str(caught.value)


def test_a_spin_turns_about_the_field():
    """⟨σ⟩ about B at g q B/2m, counter to it; in one place as in all."""
    g, q, m, B = 1.6, 0.9, 0.7, 1.1
    law = jqd.Pauli(
        LINE, well, lambda x: B, g=g, charge=q, mass=m, hbar=1.4
    )  # fmt: skip
    ts = np.linspace(0.0, 3.0, 7)
    plus = np.array([1, 1]) / np.sqrt(2)
    run = jqd.evolve(
        law, law.prepare(packet(spin=plus)), ts, observe=["spin", "spin_populations"],
        method=jqd.Fixed(steppers.srkn11, 10),
    )  # fmt: skip
    angle = g * q * B / (2 * m) * ts
    exact = np.stack([np.cos(angle), -np.sin(angle), 0 * ts], axis=1)
    # rounding of 60 steps; V does not touch the spin
    np.testing.assert_allclose(run.values["spin"], exact, atol=1e-12)
    np.testing.assert_allclose(run.values["spin_populations"], 0.5, atol=1e-12)


def test_a_field_that_turns_in_time_flips_spins_as_rabi_has_it():
    """B₀ along z and B₁ turning about it: P = (Ω₁/Ω)² sin²(Ωt/2), which a field of one
    direction, however it changes in time, does not do."""
    B0, B1, drive = 2.0, 0.5, 1.7  # with g q/2m = 1 frequencies
    law = jqd.Pauli(
        LINE, lambda x: 0 * x,
        lambda x, t: (B1 * jnp.cos(drive * t), -B1 * jnp.sin(drive * t), B0),
    )  # fmt: skip
    ts = np.linspace(0.0, 6.0, 5)
    up = packet(spin=np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match="must keep its order"):
        jqd.evolve(law, law.prepare(up), ts, method=jqd.Fixed(steppers.srkn11, 10))
    run = jqd.evolve(
        law, law.prepare(up), ts, observe="spin_populations",
        method=jqd.Fixed(steppers.kahan_li8, 15),
    )  # fmt: skip
    rate = np.hypot(B1, B0 - drive)
    flipped = (B1 / rate) ** 2 * np.sin(rate * ts / 2) ** 2
    # order 8 in steps of 0.1
    np.testing.assert_allclose(run.values[:, 1], flipped, atol=1e-9)


# -- with a vector potential -----------------------------------------------------------

PLANE = jqd.Grid([(0.0, 5.0), (-3.0, 3.0)], (27, 33))
CHARGE, HBAR, MASS = 1.3, 0.7, 0.9


def potential(x, y):
    return (
        jnp.sin(2 * jnp.pi * x / 5) * jnp.cos(jnp.pi * y / 3) + 0.4,
        jnp.cos(2 * jnp.pi * x / 5) + 0.2 * jnp.sin(jnp.pi * y / 3),
    )


def smooth(grid=PLANE, seed=0):
    rng = np.random.default_rng(seed)
    waves = np.zeros((2, *grid.shape), complex)
    low = (slice(None), slice(0, 3), slice(0, 3))
    waves[low] = rng.normal(size=(2, 3, 3)) + 1j * rng.normal(size=(2, 3, 3))
    psi = np.fft.ifftn(waves, axes=(1, 2))
    return jnp.asarray(psi / np.sqrt(np.sum(abs(psi) ** 2) * grid.cell))


def test_a_spin_of_g_two_is_the_square_of_sigma_times_velocity():
    """(σ·π)²/2m, π = p - qA, without a word of B, which is then ∇×A."""
    law = jqd.Pauli(
        PLANE, lambda x, y: 0 * x * y, g=2.0, charge=CHARGE, mass=MASS, hbar=HBAR,
        vector_potential=potential,
    )  # fmt: skip
    A = [np.asarray(a) for a in potential(*PLANE.coordinates)]
    k = [np.asarray(k) for k in PLANE.wavenumbers]

    def kinetic(psi, axis):
        wave = np.fft.fft(psi, axis=axis + 1)
        return (
            HBAR * np.fft.ifft(k[axis] * wave, axis=axis + 1) - CHARGE * A[axis] * psi
        )

    def sigma_pi(psi):
        parts = [np.einsum("ab,bxy->axy", SIGMA[i], kinetic(psi, i)) for i in (0, 1)]
        return parts[0] + parts[1]

    psi = smooth()
    expected = sigma_pi(sigma_pi(np.asarray(psi))) / (2 * MASS)
    found = law.hamiltonian.apply(psi, 0.0, law.hbar)
    # waves of exp(iqχ/ħ) beyond the cut-off, see tests/spaces/test_particles.py
    np.testing.assert_allclose(found, expected, atol=1e-7)
    # a spin of another g is no such square
    other = jqd.Pauli(
        PLANE, lambda x, y: 0 * x * y, g=1.0, charge=CHARGE, mass=MASS, hbar=HBAR,
        vector_potential=potential,
    )  # fmt: skip
    gap = other.hamiltonian.apply(psi, 0.0, other.hbar) - found
    assert np.max(np.abs(gap)) > 1e-2


@pytest.mark.slow
def test_one_component_moves_as_a_particle_without_spin():
    """In B = 0 of a vector potential, two masses: each component by `Schrodinger`."""
    masses = [0.8, 2.1]
    options = {"mass": masses, "hbar": HBAR, "vector_potential": potential}

    def V(x, y):
        return jnp.cos(2 * jnp.pi * x / 5) * jnp.cos(jnp.pi * y / 3)

    one = jqd.Schrodinger.on_grid(PLANE, V, charge=CHARGE, **options)
    law = jqd.Pauli(PLANE, V, lambda x, y: 0.0, charge=CHARGE, **options)
    psi = smooth()
    ts, method = [0.0, 0.3], jqd.Fixed(steppers.kahan_li6, 4)
    run = jqd.evolve(law, law.prepare(psi), ts, method=method)
    norm = jnp.sqrt(PLANE.norm2(psi[1]))
    alone = jqd.evolve(one, one.prepare(psi[1] / norm), ts, method=method)
    np.testing.assert_allclose(run.values[-1][1], norm * alone.values[-1], atol=1e-13)
    assert run.diagnostics["energy_drift"] < 1e-6
    with pytest.raises(ValueError, match="two axes do not commute"):
        jqd.evolve(law, psi, ts, method=jqd.Fixed(steppers.srkn11))


def test_the_curl_in_three_dimensions():
    grid = jqd.Grid([(-2.0, 2.0)] * 3, (9, 10, 11))
    k = np.pi / 2

    def A(x, y, z):
        return jnp.sin(k * y), jnp.sin(k * z), jnp.sin(k * x) + jnp.cos(k * y)

    law = jqd.Pauli(grid, lambda x, y, z: 0 * x, vector_potential=A)
    x, y, z = (np.broadcast_to(c, grid.shape) for c in grid.coordinates)
    exact = -k * np.stack([np.sin(k * y) + np.cos(k * z), np.cos(k * x), np.cos(k * y)])
    field = law.hamiltonian.magnetic_field
    np.testing.assert_allclose(field(grid, 0.0), exact, atol=1e-14)
    assert field.turns


# -- flows -----------------------------------------------------------------------------


def test_the_flow_of_a_spin_is_an_exponential():
    rng = np.random.default_rng(3)
    v, w = rng.normal(size=5), rng.normal(size=(3, 5))
    w[:, 1] = 0  # no field at all
    w[:, 2] *= 0.02  # where a series takes over
    flow = spin_flow(lambda t: (jnp.asarray(v), jnp.asarray(w)))
    for dt in (0.7, -0.7, 30.0):
        factor = np.asarray(flow.factor(0.0, dt))
        for i in range(5):
            matrix = v[i] * np.eye(2) + np.einsum("k,kab->ab", w[:, i], SIGMA)
            exact = expm(-1j * dt * matrix)
            np.testing.assert_allclose(factor[:, :, i], exact, atol=3e-14 * abs(dt))


def test_derivatives_of_a_spin_flow_where_the_field_vanishes():
    """cos|θ| has the second derivative -1 at θ = 0, where |θ| has none."""

    def corner(w):
        flow = spin_flow(lambda t: (jnp.zeros(1), w[:, None]))
        return jnp.real(flow.factor(0.0, 1.0)[0, 0, 0])

    found = jax.hessian(corner)(jnp.zeros(3))
    np.testing.assert_allclose(found, -np.eye(3), atol=1e-14)


@pytest.mark.slow
def test_gradients_by_the_constants():
    """Of g, charge and the field's own, through zeros of B, against differences."""
    B = magnetic_field(lambda x, b: b * jnp.sin(x), LINE, b=0.8)
    psi = packet()

    def loss(values):
        law = jqd.Pauli(LINE, well, B, g=1.0, charge=1.2)
        for name, value in zip(("g", "charge", "b"), values, strict=True):
            law = jqd.constants.unpack(law, name, value[None])
        run = jqd.evolve(
            law, law.prepare(psi), [0.0, 1.0], observe="density",
            method=jqd.Fixed(steppers.srkn11, 4, estimate_error=False),
        )  # fmt: skip
        return jnp.sum(run.values[-1] * LINE.x) * LINE.cell

    loss, at, step = jax.jit(loss), jnp.array([1.0, 1.2, 0.8]), 1e-5
    slopes = jax.grad(loss)(at)
    for k in range(3):
        e = step * jnp.eye(3)[k]
        found = (loss(at + e) - loss(at - e)) / (2 * step)
        # differences leave 1e-10 of rounding over the step
        assert slopes[k] == pytest.approx(float(found), rel=1e-5, abs=1e-8)
    assert abs(slopes[0]) > 1e-2
    # the density tells the product g q b alone
    assert slopes[0] * 1.0 == pytest.approx(float(slopes[1]) * 1.2, rel=1e-9)


@pytest.mark.slow
def test_an_absorber_takes_either_component():
    grid = jqd.Grid((-12.0, 12.0), 96)
    wall = absorbing_layer(grid, width=4.0, strength=6.0)
    wave = grid.normalise(jnp.exp(-((grid.x) ** 2) / 2 + 3j * grid.x))
    law = jqd.Pauli(grid, lambda x: 0 * x, lambda x: (0.4, 0.0, 0.1 * x), absorber=wall)
    psi = law.prepare(jnp.multiply.outer(SPIN, wave))
    run = jqd.evolve(law, psi, [0.0, 6.0], method=jqd.Fixed(law.stepper, 240))
    assert law.stepper is steppers.strang
    assert run.diagnostics["max_absorbed"] > 0.9
    slow = jqd.evolve(law, psi, [0.0, 6.0], method=jqd.Adaptive(rtol=1e-8, atol=1e-9))
    # order 2 in steps of 1/40
    np.testing.assert_allclose(run.values[-1], slow.values[-1], atol=2e-3)
    with pytest.raises(ValueError, match="negative coefficients"):
        jqd.evolve(law, psi, [0.0, 1.0], method=jqd.Fixed(steppers.kahan_li6))


def test_what_a_law_says_of_its_states():
    law = jqd.Pauli(LINE, well, turning)
    psi = law.prepare(np.asarray(packet()).astype(np.complex64))
    assert psi.shape == (2, 64)
    known = law.observables()
    np.testing.assert_allclose(
        known["density"](psi), jnp.sum(jnp.abs(psi) ** 2, axis=0), rtol=1e-6
    )
    assert jnp.sum(known["populations"](psi)) == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(known["spin_populations"](psi), [0.36, 0.64], atol=1e-6)
    np.testing.assert_allclose(known["spin"](psi), [0, 0.96, -0.28], atol=1e-6)
    # time reversed, every velocity and spin turned round
    back = law.watch().reversed(psi)
    np.testing.assert_allclose(known["spin"](back), [0, -0.96, 0.28], atol=1e-6)
    # a grid of a quarter of the points cuts the wave off, and it is said
    assert law.watch().resolution(psi).share < 1e-5
    few = jqd.Grid(LINE.bounds, 16)
    coarse = jqd.Pauli(few, well, turning)
    assert coarse.watch().resolution(coarse.prepare(packet(few))).share > 1e-3


# -- input -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"magnetic_field": None}, "`magnetic_field` must be given where there is no"),
        ({"magnetic_field": np.zeros(64)}, "`magnetic_field` must be a function"),
        ({"magnetic_field": lambda x, y, t: x}, "`magnetic_field` must take 1 coord"),
        ({"magnetic_field": lambda x: (x, x)}, "`magnetic_field` must give a strength"),
        ({"magnetic_field": lambda x: 1j * x}, "`magnetic_field` must be real"),
        ({"magnetic_field": lambda x: 1 / (0 * x)}, "`magnetic_field` must be finite"),
        ({"magnetic_field": lambda x: x[:3]}, "`magnetic_field` must give values of"),
        ({"magnetic_field": lambda x: "B"}, "`magnetic_field` must give a strength"),
        ({"direction": (0.0, 0.0, 0.0)}, "`direction` must have a length"),
        ({"direction": (0.0, 1.0)}, "`direction` must have shape (3,)"),
        (
            {"direction": (0.0, 0.0, 1.0), "magnetic_field": turning},
            "`direction` must be left out",
        ),
        ({"g": np.ones(2)}, "`g` must have shape ()"),
        ({"charge": np.nan}, "`charge` must be finite"),
        ({"mass": -1.0}, "`mass` must be positive"),
        ({"hbar": 0.0}, "`hbar` must be positive"),
        ({"k": 1.0}, "`k` must be an option of the law"),
        (
            {"magnetic_field": None, "vector_potential": lambda x: (0 * x,)},
            "`magnetic_field` must be given in one dimension",
        ),
    ],
)
def test_refused(change, message):
    options = {"magnetic_field": lambda x: jnp.cos(x / 2)} | change
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        jqd.Pauli(LINE, well, options.pop("magnetic_field"), **options)


def test_a_spin_wants_a_mass():
    with pytest.raises(ValueError, match="`mass` must be finite on the first axis"):
        jqd.Pauli(PLANE, lambda x, y: 0 * x * y, lambda x, y: x, mass=[np.inf, 2.0])


@pytest.mark.parametrize(
    ("psi", "message"),
    [
        (lambda: packet()[0], "`psi` must have shape (2, 64)"),
        (lambda: packet().T, "`psi` must have shape (2, 64)"),
        (lambda: 2 * packet(), "`psi` must be normalised, but its squared norm is 4"),
        (lambda: packet() * jnp.nan, "`psi` must be finite"),
    ],
)
def test_states_that_are_refused(psi, message):
    law = jqd.Pauli(LINE, well, turning)
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        law.prepare(psi())


def test_the_current_of_the_spin_needs_one_mass():
    grid = jqd.Grid([(-1.0, 1.0)] * 2, (8, 8))
    with pytest.raises(ValueError, match="`spin_current` must be False"):
        jqd.Pauli(
            grid, jnp.zeros(grid.shape), lambda x, y: x, mass=[1.0, 2.0],
            spin_current=True,
        )  # fmt: skip

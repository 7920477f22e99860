"""Several masses, vector potentials and pointers on one grid, against NumPy."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

import jqd
from jqd import steppers

HBAR, CHARGE, B = 0.7, 1.3, 0.8


def momentum(grid, axis):
    """p along an axis as a dense matrix on all points."""
    parts = [np.eye(n) for n in grid.shape]
    n, k = grid.shape[axis], np.ravel(grid.wavenumbers[axis])
    F = np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n)
    parts[axis] = HBAR * F.conj().T @ np.diag(k) @ F / n
    whole = np.eye(1)
    for part in parts:
        whole = np.kron(whole, part)
    return whole


def diagonal(grid, function):
    values = np.broadcast_to(function(*map(np.asarray, grid.coordinates)), grid.shape)
    return np.diag(values.ravel())


def start(grid, seed=0):
    """A random smooth wave: few wavenumbers, so that no derivative is cut off."""
    rng = np.random.default_rng(seed)
    waves = np.zeros(grid.shape, complex)
    low = tuple(slice(0, 3) for _ in grid.shape)
    waves[low] = rng.normal(size=waves[low].shape) + 1j * rng.normal(
        size=waves[low].shape
    )
    return grid.normalise(jnp.asarray(np.fft.ifftn(waves)))


RING = jqd.Grid([(0.0, 5.0), (-3.0, 3.0)], (9, 11))
MASSES = (0.8, 2.1)


def field(x, y):
    """Periodic on the box, with a component that varies along its own axis."""
    return (
        jnp.sin(2 * jnp.pi * x / 5) * jnp.cos(jnp.pi * y / 3) + 0.4,
        jnp.cos(2 * jnp.pi * x / 5) + 0.2 * jnp.sin(jnp.pi * y / 3),
    )


def well(x, y):
    return jnp.cos(2 * jnp.pi * x / 5) * (1 + 0.3 * jnp.sin(jnp.pi * y / 3))


def charged(**options):
    return jqd.Schrodinger.on_grid(
        RING, well, mass=MASSES, hbar=HBAR, vector_potential=field, charge=CHARGE,
        **options,
    )  # fmt: skip


def dense():
    """Σ (p - qA)²/2m + V. Products of A and ψ are those of the points."""
    H = diagonal(RING, well).astype(complex)
    for axis, m in enumerate(MASSES):
        A = diagonal(RING, lambda x, y, axis=axis: field(x, y)[axis])
        p = momentum(RING, axis) - CHARGE * A
        H += p @ p / (2 * m)
    return H


def test_hamiltonian_in_a_vector_potential_is_that_of_numpy():
    """Of waves that both hold: turning by exp(iqχ/ħ) is exact, p - qA on points is
    exact where the products stay below the cut-off."""
    grid = jqd.Grid(RING.bounds, (27, 33))
    law = jqd.Schrodinger.on_grid(
        grid, well, mass=MASSES, hbar=HBAR, vector_potential=field, charge=CHARGE
    )
    psi = start(grid)
    image = np.asarray(psi).ravel()
    total = diagonal(grid, well) @ image
    for axis, m in enumerate(MASSES):
        A = diagonal(grid, lambda x, y, axis=axis: field(x, y)[axis])
        p = momentum(grid, axis) - CHARGE * A
        total = total + p @ (p @ image) / (2 * m)
    found = law.hamiltonian.apply(psi, 0.0, law.hbar)
    # exp(iqχ/ħ) has waves that fall as Bessel functions: 1e-9 at the cut-off
    np.testing.assert_allclose(np.ravel(found), total, atol=2e-8)
    energy = law.cell * law.hamiltonian.energy(psi, 0.0, law.hbar)
    mean = grid.cell * np.vdot(image, total)
    assert energy == pytest.approx(mean.real, abs=2e-8)
    assert abs(mean.imag) < 1e-12


def test_masses_of_one_value_are_one_mass():
    psi = start(RING)
    one = jqd.Schrodinger.on_grid(RING, well, mass=1.7, hbar=HBAR)
    two = jqd.Schrodinger.on_grid(RING, well, mass=[1.7, 1.7], hbar=HBAR)
    ts = jnp.array([0.0, 0.3])
    for stepper in (steppers.srkn11, steppers.chin4a):
        runs = [
            jqd.evolve(
                law,
                law.prepare(psi),
                ts,
                method=jqd.Fixed(stepper, 5, estimate_error=False),
            ).values
            for law in (one, two)
        ]
        np.testing.assert_allclose(runs[0], runs[1], atol=1e-14)
    low, high = two.hamiltonian.spectral_bounds(two.hbar)
    np.testing.assert_allclose(
        (low, high), one.hamiltonian.spectral_bounds(one.hbar), rtol=1e-14
    )


def slope(law, stepper, exact, psi, counts, T):
    errors, ts = [], jnp.array([0.0, T])
    for n in counts:  # as an array: one program for all
        method = jqd.Fixed(stepper, counts=jnp.asarray(n), estimate_error=False)
        run = jqd.evolve(law, law.prepare(psi), ts, method=method)
        errors.append(np.linalg.norm(np.ravel(run.values[-1]) - exact))
    return np.log2(errors[0] / errors[1]) / np.log2(counts[1] / counts[0])


@pytest.mark.parametrize(
    ("stepper", "order"), [(steppers.strang, 2), (steppers.kahan_li6, 6)]
)
def test_orders_in_a_vector_potential(stepper, order):
    """Against expm of the same covariant derivatives, made column by column."""
    law, T = charged(), 0.5
    H = law.hamiltonian
    columns = jax.vmap(lambda e: H.apply(e, 0.0, law.hbar).ravel())(
        jnp.eye(RING.size, dtype=complex).reshape(-1, *RING.shape)
    )
    matrix = np.asarray(columns).T
    assert np.max(abs(matrix - matrix.conj().T)) < 1e-12
    psi = start(RING)
    exact = expm(-1j * T / HBAR * matrix) @ np.ravel(psi)
    # asymptotic within 5 % of the order at these steps
    counts = {2: (40, 80), 6: (20, 40)}[order]
    assert slope(law, stepper, exact, psi, counts, T) == pytest.approx(
        order, abs=0.05 * order
    )


def test_a_field_that_grows_is_a_force():
    """A = -Et on a ring is the potential -qEx: ψ' = ψ exp(-iqEtx/ħ), and back."""
    grid, E = jqd.Grid((-10.0, 10.0), 96), 0.9
    psi = grid.normalise(jnp.exp(-((grid.x + 2) ** 2) + 0.5j * grid.x))
    ts, steps = jnp.array([0.0, 1.5]), jqd.Fixed(steppers.kahan_li6, 40)
    driven = jqd.Schrodinger.on_grid(
        grid, lambda x: 0 * x, hbar=HBAR, charge=CHARGE,
        vector_potential=lambda x, t: (-E * t + 0 * x,),
    )  # fmt: skip
    pushed = jqd.Schrodinger.on_grid(grid, lambda x: -CHARGE * E * x, hbar=HBAR)
    one, two = (
        jqd.evolve(law, law.prepare(psi), ts, method=steps).values[-1]
        for law in (driven, pushed)
    )
    turned = two * jnp.exp(-1j * CHARGE * E * ts[-1] * grid.x / HBAR)
    # the ends of the box have 1e-13 of the wave; order 6 leaves 1e-9
    np.testing.assert_allclose(one, turned, atol=1e-8)
    with pytest.raises(ValueError, match="the vector potential depends on time"):
        jqd.evolve(driven, driven.prepare(psi), ts, method=jqd.Fixed(steppers.srkn11))


POINTER = jqd.Grid([(-6.0, 6.0), (-4.0, 4.0)], (32, 40))


def measured(V=lambda x, y: x**2 / 2, **options):
    return jqd.Schrodinger.on_grid(
        POINTER, V, mass=[1.0, jnp.inf], couplings={1: lambda x, y: 0.8 * x}, **options
    )


def pointer_start():
    x, y = POINTER.coordinates
    return POINTER.normalise(jnp.exp(-((x - 0.7) ** 2) / 2 - y**2) + 0j)


def test_a_pointer_without_mass_is_moved_by_its_coupling_alone():
    """At each wavenumber of y a potential 0.8 ħk x of x, and SRKN11 keeps its order."""
    law, psi, T = measured(), pointer_start(), 1.0
    x, k = np.asarray(POINTER.coordinates[0])[:, 0], np.ravel(POINTER.wavenumbers[1])
    n, kx = x.size, np.ravel(POINTER.wavenumbers[0])
    F = np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n)
    kinetic = F.conj().T @ np.diag(kx**2 / 2) @ F / n
    waves = np.fft.fft(np.asarray(psi), axis=1)
    moved = np.stack(
        [
            expm(-1j * T * (kinetic + np.diag(x**2 / 2 + 0.8 * k[j] * x))) @ waves[:, j]
            for j in range(k.size)
        ],
        axis=1,
    )
    exact = np.fft.ifft(moved, axis=1).ravel()
    # over two halvings, between which the order wavers: 5.3 and 6.5
    order = slope(law, steppers.srkn11, exact, psi, (6, 24), T)
    assert order == pytest.approx(6, abs=0.3)
    # ⟨y⟩ = 0.8 ∫ 0.7 cos t dt, of the state that is exact
    density = np.abs(exact.reshape(POINTER.shape)) ** 2
    mean = POINTER.cell * np.sum(np.asarray(POINTER.coordinates[1]) * density)
    assert mean == pytest.approx(0.8 * 0.7 * np.sin(T), abs=1e-4)


def test_a_potential_of_the_pointer_needs_compositions():
    def tilted(x, y):
        return x**2 / 2 + 0.3 * y

    law, psi = measured(tilted), pointer_start()
    ts = jnp.array([0.0, 1.0])
    with pytest.raises(ValueError, match="`stepper` must keep its order") as caught:
        jqd.evolve(law, law.prepare(psi), ts, method=jqd.Fixed(steppers.srkn11, 5))
    assert "depends on a pointer" in str(caught.value)
    methods = [
        jqd.Fixed(steppers.kahan_li6, counts=jnp.asarray(n), estimate_error=False)
        for n in (24, 48, 192)
    ]
    runs = [jqd.evolve(law, law.prepare(psi), ts, method=one) for one in methods]
    errors = [jnp.max(abs(run.values[-1] - runs[2].values[-1])) for run in runs[:2]]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(6, abs=0.3)


def test_four_particles_of_different_masses():
    """A product of four packets moves as four packets; a mesh is no part of it."""
    grid = jqd.Grid([(-8.0, 8.0)] * 4, (20, 18, 16, 24))
    masses = [1.0, 2.0, 0.5, 1.5]
    law = jqd.Schrodinger.on_grid(grid, jnp.zeros(grid.shape), mass=masses)
    lines = [jqd.Grid((-8.0, 8.0), n) for n in grid.shape]
    packets = [
        line.normalise(jnp.exp(-((line.x - 0.3 * i) ** 2) / 4 + 0.2j * i * line.x))
        for i, line in enumerate(lines)
    ]
    ts = jnp.array([0.0, 0.8])
    psi = jnp.einsum("a,b,c,d->abcd", *packets)
    steps = jqd.Fixed(steppers.strang, 2, estimate_error=False)
    whole = jqd.evolve(law, law.prepare(psi), ts, method=steps)
    alone = []
    for line, m, packet in zip(lines, masses, packets, strict=True):
        one = jqd.Schrodinger.on_grid(line, 0 * line.x, mass=m)
        run = jqd.evolve(one, one.prepare(packet), ts, method=steps)
        alone.append(run.values[-1])
    np.testing.assert_allclose(
        whole.values[-1], jnp.einsum("a,b,c,d->abcd", *alone), atol=1e-14
    )


def test_two_particles_of_different_masses_are_a_pair():
    line = jqd.Grid((-6.0, 6.0), 24)
    light = jqd.Schrodinger.on_grid(line, lambda x: x**2 / 2)
    heavy = jqd.Schrodinger.on_grid(line, lambda x: x**2, mass=3.0)
    pair = light.pair(heavy)
    np.testing.assert_allclose(pair.hamiltonian.mass, [1.0, 3.0])
    assert light.pair(light).hamiltonian.mass.ndim == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mass": [1.0]}, "`mass` must have shape (2,)"),
        ({"mass": [1.0, -1.0]}, "`mass` must be positive on every axis and finite"),
        ({"mass": [jnp.inf, jnp.inf]}, "`mass` must be positive on every axis and"),
        ({"mass": jnp.inf}, "`mass` must be finite"),
        ({"charge": 1.0}, "`charge` must come with a `vector_potential`"),
        ({"vector_potential": np.zeros(3)}, "`vector_potential` must be a function"),
        ({"vector_potential": lambda x: (x, x)}, "`vector_potential` must take 2"),
        ({"vector_potential": lambda x, y: (x,)}, "`vector_potential` must give 2"),
        ({"vector_potential": lambda x, y: x + y}, "`vector_potential` must give 2"),
        (
            {"vector_potential": lambda x, y: (x, 0)},
            "`vector_potential` must be periodic across the seam of the box along its "
            "own axis, but component 0 differs by 5 between",
        ),
        (
            {"vector_potential": lambda x, y: (0, y**2)},
            "`vector_potential` must be smooth on the grid along its own axis",
        ),
        (
            {"vector_potential": lambda x, y: (1j * y, 0)},
            "`vector_potential` must be real",
        ),
        (
            {"vector_potential": lambda x, y: (jnp.inf * y, 0)},
            "`vector_potential` must be finite",
        ),
        ({"couplings": [1]}, "`couplings` must be a dict by axes"),
        ({"couplings": {2: lambda x, y: x}}, "`couplings` must be at most 1"),
        ({"couplings": {1: lambda x: x}}, "`couplings` must take 2 coordinates"),
        ({"couplings": {1: lambda x, y: x * y}}, "`couplings` must not depend on the"),
    ],
)
def test_refused(change, message):
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        jqd.Schrodinger.on_grid(RING, well, **change)


def test_the_field_of_a_landau_level_may_jump_at_a_seam_of_another_axis():
    """Two gauges of one field, off centre in a well: Fock and Darwin's motion."""
    grid = jqd.Grid([(-8.0, 8.0)] * 2, (64, 64))
    x, y = grid.coordinates
    frequency = np.sqrt(1 + B**2 / 4)
    psi = grid.normalise(jnp.exp(-frequency * ((x - 1) ** 2 + y**2) / 2) + 0j)
    wave = np.pi / 4
    gauges = {
        "symmetric": (lambda x, y: (-B * y / 2, B * x / 2), 0 * x * y),
        "Landau's": (lambda x, y: (0, B * x), B * x * y / 2),
        "wavy": (
            lambda x, y: (
                -B * y / 2 + 0.7 * wave * jnp.cos(wave * x) * jnp.cos(wave * y),
                B * x / 2 - 0.7 * wave * jnp.sin(wave * x) * jnp.sin(wave * y),
            ),
            0.7 * jnp.sin(wave * x) * jnp.cos(wave * y),
        ),
    }
    densities = []
    for A, chi in gauges.values():
        law = jqd.Schrodinger.on_grid(
            grid, lambda x, y: (x**2 + y**2) / 2, vector_potential=A
        )
        run = jqd.evolve(
            law, law.prepare(psi * jnp.exp(1j * chi)), jnp.array([0.0, 3.0]),
            method=jqd.Fixed(steppers.yoshida4, 120, estimate_error=False),
            observe="density",
        )  # fmt: skip
        densities.append(run.values[-1])
    mean = [grid.cell * jnp.sum(densities[0] * q) for q in (x, y)]
    # cos(Ωt) cos(Bt/2), -cos(Ωt) sin(Bt/2) at t = 3; order 4 leaves 3e-8
    np.testing.assert_allclose(mean, [-0.3609072331, 0.9283081250], atol=1e-6)
    for other in densities[1:]:
        np.testing.assert_allclose(other, densities[0], atol=1e-11)
    # the field itself matters: without it the packet swings along x
    assert abs(mean[1]) > 0.9


def test_gradients_by_charge_and_mass():
    psi = start(RING)

    def loss(charge, mass):
        law = jqd.Schrodinger.on_grid(
            RING, well, mass=mass, hbar=HBAR, vector_potential=field, charge=charge
        )
        run = jqd.evolve(
            law, law.prepare(psi), jnp.array([0.0, 0.4]), observe="density",
            method=jqd.Fixed(steppers.strang, 4, estimate_error=False),
        )  # fmt: skip
        return jnp.sum(run.values[-1] * RING.coordinates[0] ** 2)

    loss = jax.jit(loss)
    at, step = (jnp.asarray(1.3), jnp.asarray(MASSES)), 1e-5
    slopes = jax.grad(loss, (0, 1))(*at)
    found = (loss(at[0] + step, at[1]) - loss(at[0] - step, at[1])) / (2 * step)
    # differences leave 1e-10 of rounding over the step
    assert slopes[0] == pytest.approx(float(found), rel=1e-6)
    for i in range(2):
        e = step * jnp.eye(2)[i]
        found = (loss(at[0], at[1] + e) - loss(at[0], at[1] - e)) / (2 * step)
        assert slopes[1][i] == pytest.approx(float(found), rel=1e-6)

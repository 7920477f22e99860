"""Particles by name, and states of identical ones."""

import re

import jax.numpy as jnp
import numpy as np
import pytest

import jqd

LINES = jqd.Grid([(-6.0, 6.0)] * 2, (32, 32))
PAIR = jqd.Particles(one=(0, 1.0), two=(1, 1.0))


def wells(x, y):
    return (x**2 + y**2) / 2


LAW = jqd.Schrodinger.on_grid(LINES, wells, mass=PAIR)


def test_masses_by_name_are_those_of_the_axes():
    grid = jqd.Grid([(-2.0, 2.0)] * 3, (4, 4, 4))
    atoms = jqd.Particles(light=((2, 0), 0.5), heavy=(1, 3.0))
    law = jqd.Schrodinger.on_grid(grid, lambda x, y, z: x, mass=atoms)
    np.testing.assert_array_equal(law.hamiltonian.mass, [0.5, 3.0, 0.5])


@pytest.mark.parametrize(("kind", "square"), [("bosons", 1.0), ("fermions", 3.0)])
def test_ground_states_of_two_identical_particles(kind, square):
    """Levels 0 and 0, or 0 and 1: energies 1 and 2, <(x1 - x2)²> = 1 and 3."""
    sector = PAIR.identical(LINES, "one", "two", kind=kind)
    found = jqd.ground_state(LAW, dtau=0.02, symmetry=sector)
    assert bool(found.ok)
    # the step leaves 1e-12 (chin4a: dtau⁸)
    assert found.energy == pytest.approx((square + 1) / 2, abs=1e-10)
    assert sector.share(found.state) == pytest.approx(1, abs=1e-14)
    x, y = LINES.coordinates
    apart = LINES.cell * jnp.sum((x - y) ** 2 * jnp.abs(found.state) ** 2)
    # first order in what is left of the state, 1e-10
    assert apart == pytest.approx(square, abs=1e-8)


def test_without_the_symmetry_imaginary_time_ends_with_bosons():
    x, y = LINES.coordinates
    odd = LINES.normalise((x - y) * jnp.exp(-(x**2 + y**2) / 2) + 0.1)
    found = jqd.ground_state(LAW, odd, dtau=0.02)
    assert found.energy == pytest.approx(1.0, abs=1e-8)


def test_three_fermions_fill_three_levels():
    grid = jqd.Grid([(-5.5, 5.5)] * 3, (22, 22, 22))
    names = jqd.Particles(a=(0, 1.0), b=(1, 1.0), c=(2, 1.0))
    law = jqd.Schrodinger.on_grid(
        grid, lambda x, y, z: (x**2 + y**2 + z**2) / 2, mass=names
    )
    sector = names.identical(grid, "a", "b", "c", kind="fermions")
    assert sector.signs.count(-1) == 3
    found = jqd.ground_state(law, dtau=0.03, symmetry=sector)
    # ½ + 3/2 + 5/2; the box and its cut-off leave 1e-7
    assert found.energy == pytest.approx(4.5, abs=1e-6)


def test_projection_against_a_determinant():
    """Of x⁰ x¹ x² times Gaussians: Slater's determinant by NumPy."""
    grid = jqd.Grid([(-3.0, 3.0)] * 3, (6, 6, 6))
    names = jqd.Particles(a=(0, 1.0), b=(1, 1.0), c=(2, 1.0))
    line = np.ravel(grid.coordinates[0])
    waves = np.exp(-(line**2)) * np.stack([line**0, line, line**2 + 0.2j * line])
    psi = jnp.asarray(np.einsum("a,b,c->abc", *waves))
    odd = names.identical(grid, "a", "b", "c", kind="fermions").project(psi)
    table = np.array(
        [
            [[np.linalg.det(waves[:, [a, b, c]]) for c in range(6)] for b in range(6)]
            for a in range(6)
        ]
    )
    np.testing.assert_allclose(odd, table / 6, atol=1e-14)
    even = names.identical(grid, "a", "b", "c", kind="bosons").project(psi)
    for order in ((1, 0, 2), (2, 0, 1)):
        np.testing.assert_allclose(np.transpose(even, order), even, atol=1e-15)


def test_motion_keeps_the_symmetry_but_for_rounding():
    """And one of the masses a per cent off loses it at once."""
    sector = PAIR.identical(LINES, "one", "two", kind="fermions")
    x, y = LINES.coordinates
    psi = jnp.exp(-((x - 1) ** 2) / 2 - (y + 0.7) ** 2 + 0.5j * x)
    psi = LINES.normalise(sector.project(psi))

    def lost(mass):
        def V(x, y):
            return (x**2 + y**2) / 2 + jnp.exp(-((x - y) ** 2))

        law = jqd.Schrodinger.on_grid(LINES, V, mass=mass)
        run = jqd.evolve(
            law, psi, jnp.array([0.0, 2.0]),
            method=jqd.Fixed(jqd.steppers.strang, 1000, estimate_error=False),
            observe=lambda t, psi: 1 - sector.share(psi),
        )  # fmt: skip
        return float(run.values[-1])

    # a share: the square of an amplitude of 1e-13
    assert abs(lost(PAIR)) < 1e-13
    assert lost([1.0, 1.01]) > 1e-5


@pytest.mark.parametrize(
    ("particles", "message"),
    [
        ({"a": (0, 1.0), "b": (0, 2.0)}, "`b` must have axes of its own, but axis 0"),
        ({"a": ((0, 1), 1.0), "b": (1, 2.0)}, "`b` must have axes of its own"),
        ({"a": ((0, 0), 1.0)}, "`a` must have axes of its own"),
        ({}, "`particles` must name a particle"),
        ({"a": 1.0}, "`a` must be a pair (axes, mass)"),
        ({"a": (-1, 1.0)}, "`a` must be at least 0"),
        ({"a": (0.5, 1.0)}, "`a` must be a whole number"),
        ({"a": (0, 0.0)}, "`a` must have a positive mass"),
        ({"a": (0, [1.0, 2.0])}, "`a` must have shape ()"),
    ],
)
def test_particles_are_checked(particles, message):
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        jqd.Particles(**particles)


def test_every_axis_has_its_particle():
    with pytest.raises(ValueError, match="`mass` must have a particle on each of 2"):
        jqd.Schrodinger.on_grid(LINES, wells, mass=jqd.Particles(a=(0, 1.0)))


@pytest.mark.parametrize(
    ("particles", "names", "kind", "message"),
    [
        (PAIR, ("one", "two"), "anyons", "`kind` must be one of"),
        (PAIR, ("one",), "bosons", "`names` must be those of two or more"),
        (PAIR, ("one", "one"), "bosons", "`names` must be those of two or more"),
        (PAIR, ("one", "three"), "bosons", "`names` must be one of"),
        (
            jqd.Particles(one=(0, 1.0), two=(1, 2.0)), ("one", "two"), "bosons",
            "`names` must be identical particles, but the masses",
        ),
    ],
)  # fmt: skip
def test_identical_particles_are_checked(particles, names, kind, message):
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        particles.identical(LINES, *names, kind=kind)


def test_a_symmetry_is_to_be_one_of_the_law():
    sector = PAIR.identical(LINES, "one", "two", kind="bosons")
    tilted = jqd.Schrodinger.on_grid(LINES, lambda x, y: x**2 + 2 * y**2)
    with pytest.raises(ValueError, match="`symmetry` must be one of the Hamiltonian"):
        jqd.ground_state(tilted, dtau=0.1, symmetry=sector)
    other = jqd.Grid([(-6.0, 6.0), (-6.0, 6.0)], (32, 30))
    with pytest.raises(ValueError, match="have other bounds or points"):
        PAIR.identical(other, "one", "two", kind="bosons")

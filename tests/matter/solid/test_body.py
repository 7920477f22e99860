"""Energies, forces and stiffness of pairs; chains, boxes, cells; what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.matter import solid

LENNARD_JONES = solid.LennardJones(1.2, 0.8, 1.6, 2.2)
Z = np.exp(-1.7 * 0.2)  # of the Morse potential at a distance of 1.1
BONDS = [(0, 1), (1, 2), (2, 3), (3, 0), (0, 2), (4, 1), (5, 4), (5, 0)]


def points(d):
    size = {1: 6, 2: 3, 3: 2}[d]
    grid = np.indices((size,) * d).reshape(d, -1).T[:6]
    noise = np.random.default_rng(d).normal(size=(6, d))
    return jnp.asarray(0.9 * grid + 0.08 * noise)


def bodies(potential, d):
    """All pairs, open and in a box; bonds with anchors, bonds across a box."""
    masses, box = jnp.arange(1.0, 7.0), jnp.full(d, 4.6)
    if d > 1:
        yield solid.Solid(masses, potential)
        yield solid.Solid(masses, potential, box=box)
        anchored = [*BONDS, (6, 0), (3, 7)]
        walls = jnp.stack([jnp.full(d, -0.8), jnp.full(d, 2.7)])
        yield solid.Solid(masses, potential, bonds=anchored, anchors=walls)
    shifts = np.zeros((len(BONDS), d))
    shifts[-1, 0] = -1
    yield solid.Solid(masses, potential, bonds=BONDS, shifts=shifts, box=box)


def test_a_bond_without_shifts_is_to_the_nearest_image():
    """0.2 across the wall of a box of 4.6, not 4.4; at rest 0.5, K = 2."""
    x = jnp.array([[0.1, 1.0], [4.5, 1.0]])
    body = solid.Solid(
        jnp.ones(2), solid.Harmonic(2.0, 0.5), bonds=[(0, 1)], box=[4.6, 4.6]
    )
    np.testing.assert_allclose(body.distances(x), [0.2], rtol=1e-12)
    assert float(body.energy(x)) == pytest.approx(0.09)
    # pushed apart: the second is on the left
    np.testing.assert_allclose(body.forces(x), [[0.6, 0], [-0.6, 0]], atol=1e-12)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("potential", "d"),
    [
        (LENNARD_JONES, 2),
        (solid.FPUT(1.0, 0.3, 0.7, 0.9), 1),
        pytest.param(solid.Morse(2.0, 1.7, 0.9), 3, marks=pytest.mark.slow),
    ],
)
def test_forces_and_stiffness_are_derivatives_of_the_energy(potential, d):
    x = points(d)

    @jax.jit
    def gaps(all_bodies):
        result = []
        for body in all_bodies:
            force = body.forces(x) + jax.grad(body.energy)(x)
            exact = jax.hessian(body.energy)(x).reshape(x.size, x.size)
            result.append((force, body.hessian(x) - exact, exact))
        return result

    for force, stiffness, exact in gaps(tuple(bodies(potential, d))):
        scale = float(np.max(np.abs(exact)))
        # rounding: a few dozen terms, each a few eps of the largest
        assert float(np.max(np.abs(force))) < 1e-13 * scale
        assert float(np.max(np.abs(stiffness))) < 1e-13 * scale
        assert scale > 0.5


@pytest.mark.parametrize(
    ("potential", "expected"),
    [
        (solid.Harmonic(1.3, 0.9), (0.65 * 0.04, 0.26, 1.3)),
        (
            solid.FPUT(1.0, 0.3, 0.7, 0.9),
            (0.02 + 0.0008 + 0.00028, 0.2 + 0.012 + 0.0056, 1 + 0.12 + 0.084),
        ),
        (
            solid.Morse(2.0, 1.7, 0.9),
            # D ((1 - z)² - 1), 2 D a z (1 - z), 2 D a² z (2 z - 1)
            (2 * Z * (Z - 2), 6.8 * Z * (1 - Z), 11.56 * Z * (2 * Z - 1)),
        ),
        (solid.PairFunction(lambda r: jnp.cosh(r - 0.9), 0.9), None),
    ],
)
def test_potentials_have_their_values(potential, expected):
    if expected is None:
        expected = (np.cosh(0.2), np.sinh(0.2), np.cosh(0.2))
    r = jnp.asarray(1.1)
    found = (potential(r), potential.slope(r), potential.curvature(r))
    np.testing.assert_allclose(found, expected, rtol=1e-7)
    assert float(potential.rest) == 0.9


def test_lennard_jones_is_cut_twice_differentiably():
    u = LENNARD_JONES
    parts = jax.jit(lambda r: jnp.stack([u(r), u.slope(r), u.curvature(r)]))
    for r in (1.6, 2.2):
        left, right = (np.asarray(parts(jnp.asarray(r + e))) for e in (-1e-9, 1e-9))
        # the third derivative is finite: a change of 1e-9 times it
        np.testing.assert_allclose(left, right, rtol=0, atol=1e-6)
    assert float(u(jnp.asarray(2.3))) == 0
    # the minimum: -epsilon at 2^(1/6) sigma
    assert float(u(u.rest)) == pytest.approx(-1.2, rel=1e-14)
    assert abs(float(u.slope(u.rest))) < 1e-13


@pytest.mark.sampled
@pytest.mark.parametrize("ends", solid.ENDS)
def test_chains_rest_and_count_their_bonds(ends):
    chain = solid.chain(5, solid.FPUT(1.0, 0.2, 0.4), ends=ends)
    bonds = {"free": 4, "fixed": 6, "periodic": 5}[ends]
    assert chain.distances(chain.sites).shape == (bonds,)
    np.testing.assert_allclose(chain.distances(chain.sites), 1, rtol=1e-14)
    assert float(jnp.max(jnp.abs(chain.forces(chain.sites)))) < 1e-14
    # bonds in a row are added up by slices, not by the table
    assert chain.bonds.order == ends
    x = chain.sites + 0.2 * jnp.sin(jnp.arange(5.0) ** 2)[:, None]
    slope = jax.grad(chain.energy)(x)
    np.testing.assert_allclose(chain.forces(x), -slope, rtol=0, atol=1e-14)
    assert float(jnp.max(jnp.abs(slope))) > 0.1
    # every bond its own constant: the matrix of a chain with springs K_b
    K = jnp.arange(1.0, bonds + 1)
    stiff = solid.chain(5, solid.Harmonic(K), ends=ends)
    expected = np.zeros((7, 7))
    pairs = {"free": range(1, 5), "fixed": range(6), "periodic": range(1, 5)}[ends]
    for k, left in zip(np.asarray(K), pairs, strict=False):
        expected[left : left + 2, left : left + 2] += k * np.array([[1, -1], [-1, 1]])
    if ends == "periodic":
        for i, j, sign in ((5, 5, 1), (1, 1, 1), (1, 5, -1), (5, 1, -1)):
            expected[i, j] += sign * 5
    np.testing.assert_allclose(stiff.hessian(stiff.sites), expected[1:6, 1:6])


def test_bonds_of_every_atom_are_in_its_table():
    """Random bonds, anchors among them, lone atoms too: sums by NumPy's scatter."""
    rng = np.random.default_rng(3)
    atoms, anchors = 40, 3
    pairs = np.array([rng.choice(atoms + anchors, 2, replace=False) for _ in range(60)])
    pairs[pairs == 7] = 8  # none at 7
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    walls = rng.normal(size=(anchors, 2))
    solid_ = body(masses=jnp.ones(atoms), bonds=pairs, anchors=walls)
    forces = rng.normal(size=(len(pairs), 2))
    expected = np.zeros((atoms + anchors, 2))
    np.add.at(expected, pairs[:, 0], forces)
    np.subtract.at(expected, pairs[:, 1], forces)
    # rounding: sums of a few numbers near 1
    gathered = solid_.bonds.gather(jnp.asarray(forces))
    np.testing.assert_allclose(gathered, expected[:atoms], rtol=0, atol=1e-14)
    # an atom's bonds keep their order, so that sums round as they always did
    table = np.asarray(solid_.bonds.incident)
    assert np.all(np.diff(table, axis=1) >= 0)
    assert np.all(table[7] == len(pairs))


def body(**changes):
    options = {"masses": jnp.ones(3), "potential": solid.LennardJones()}
    return solid.Solid(**options | changes)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: body(masses=[1.0, 0.0, 1.0]), "`masses` must be positive"),
        (lambda: body(masses=[1.0, -1.0, 1.0]), "`masses` must be positive"),
        (lambda: body(masses=1.0), "`masses` must have shape"),
        (lambda: body(potential=lambda r: r), "must be a PairPotential"),
        (lambda: body(bonds=[(0, 3)]), "must name atoms from 0 to 2, but names 3"),
        (lambda: body(bonds=[(1, 1)]), "must join different atoms"),
        (lambda: body(bonds=[(0.0, 1.0)]), "must hold integers"),
        (lambda: body(anchors=[[0.0, 0.0]]), "must name the anchors"),
        (lambda: body(box=[4.0, 9.0]), "`box - 2 reach` must be positive"),
        (lambda: solid.LennardJones(sigma=0.0), "`sigma` must be positive"),
        (lambda: solid.LennardJones(inner=3.0), "`outer - inner` must be positive"),
        (lambda: solid.LennardJones(inner=None), "must be given with `inner`"),
        (lambda: solid.chain(1, solid.Harmonic()), "`N` must be at least 2"),
        (lambda: solid.chain(5, solid.Harmonic([1.0, 2.0])), "one for each of 4"),
        (lambda: solid.chain(5, solid.Harmonic(), ends="loose"), "`ends` must be one"),
        (lambda: solid.PairFunction(1.0), "must be a function of the distance"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_overlapping_atoms_are_named():
    motion = solid.AtomMotion(body())
    x = jnp.array([[0.0, 0.0], [1.2, 0.0], [1.25, 0.1]])
    with pytest.raises(ValueError, match=r"atoms 1 and 2 are 0\.112 apart"):
        motion.prepare((x, jnp.zeros_like(x)))
    with pytest.raises(ValueError, match="`v` must have shape"):
        motion.prepare((x.at[2, 0].set(2.4), jnp.zeros((3, 1))))
    state = motion.prepare((x.at[2, 0].set(2.4), jnp.zeros_like(x)))
    with pytest.raises(ValueError, match="must not be a name for AtomMotion"):
        jqd.evolve(motion, state, [0.0, 1.0], observe="density")

"""Lists of neighbours: the forces of all pairs, in batches and gradients as well."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import constants
from jqd.matter import solid

SPACING = 1.112
POTENTIAL = solid.LennardJones()
VERLET = jqd.Fixed(jqd.steppers.strang, 50, estimate_error=False)
TS = np.array([0.0, 0.25, 0.5])


def crystal(rows, columns):
    """Sites and box of a periodic triangular crystal."""
    x = solid.triangular((rows, columns), SPACING)
    return x, SPACING * jnp.array([columns, rows * 0.75**0.5])


def bodies(x, box, potential=POTENTIAL, **options):
    """The same atoms with all pairs and with a list."""
    near = solid.neighbours_for(x, box, 2.5, **options)
    masses = jnp.ones(len(x))
    return [
        solid.Solid(masses, potential, box=box, neighbours=how) for how in (None, near)
    ]


def warm(x, temperature, seed=0):
    return jnp.sqrt(temperature) * jax.random.normal(jax.random.key(seed), x.shape)


@jax.jit
def follow(body, x, v):
    """Positions after 100 steps, and the status."""
    run = jqd.evolve(solid.AtomMotion(body), solid.Point(x, v), TS, method=VERLET)
    return run.values.x[-1], run.status


X, BOX = crystal(20, 10)
PLAIN, LISTED = bodies(X, BOX)
HOT = warm(X, 1.0)


@jax.jit
def both(body, x):
    return body.energy(x), body.forces(x)


@pytest.mark.parametrize("d", [2, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("place", ["cells", "small box", "open"])
def test_a_list_holds_all_pairs(d, place, key):
    size, side = {2: (8, 9.0), 3: (5, 9.0)}[d]
    side, box = (side, None) if place == "open" else (side, jnp.full(d, side))
    if place == "small box":
        size, side = size - 3 + (d == 3), 5.4
        box = jnp.full(d, side)
    grid = jnp.stack(jnp.meshgrid(*(jnp.arange(size),) * d), -1).reshape(-1, d)
    x = grid * side / size + 0.1 * jax.random.normal(key, grid.shape)
    x = x.at[0, 0].set(side * (1 - 1e-17))  # on the wall itself
    plain, listed = bodies(x, box)
    assert (listed.neighbours.cells is not None) == (place == "cells")
    energy, forces = both(plain, x)
    found, by_list = both(listed, x)
    assert float(found) == pytest.approx(float(energy), rel=1e-13)
    scale = float(jnp.max(jnp.abs(forces)))
    np.testing.assert_allclose(by_list, forces, atol=1e-13 * scale)
    if box is not None:  # rounding of larger coordinates
        moved = both(listed, x + 3 * box[None, :])[1]
        np.testing.assert_allclose(moved, forces, atol=1e-12 * scale)
    # the pairs are those that NumPy finds
    apart = np.asarray(x[None] - x[:, None])
    apart = apart if box is None else apart - side * np.round(apart / side)
    reach = 2.5 + float(listed.neighbours.skin)
    expected = (np.linalg.norm(apart, axis=-1) < reach) & ~np.eye(len(x), dtype=bool)
    partners = np.asarray(listed.listed(x).partners)
    there = np.zeros((len(x), len(x) + 1), bool)
    there[np.arange(len(x))[None], partners] = True
    np.testing.assert_array_equal(there[:, :-1], expected)


@pytest.mark.slow
def test_a_hot_run_stays_on_that_of_all_pairs():
    """Both forces round differently: 1e-15 of coordinates up to 20, which grows little
    in half a time unit. A pair that a list lacks shows at 1e-3."""
    (exact, _), (found, status) = follow(PLAIN, X, HOT), follow(LISTED, X, HOT)
    assert status == jqd.Status.OK
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-12)
    # the first list does not hold to the end: it had to be made anew
    first = LISTED.listed(X)
    moved = jnp.max(jnp.linalg.norm(found - X, axis=1))
    assert moved > LISTED.neighbours.skin / 2
    sheared = X.at[100:, 0].add(0.8)
    stale = LISTED.forces(sheared, first) - PLAIN.forces(sheared)
    assert float(jnp.max(jnp.abs(stale))) > 1e-3  # control
    # one that holds is kept
    near = LISTED.listed(X + 0.05, first)
    np.testing.assert_array_equal(near.at, X)
    far = X.at[0, 0].add(0.21)
    renewed = LISTED.listed(far, first._replace(overflow=jnp.asarray(True)))
    np.testing.assert_array_equal(renewed.at, far)
    assert renewed.overflow  # that of an earlier list is not forgotten


@pytest.mark.slow
def test_4000_hot_atoms_stay_on_the_run_of_all_pairs():
    x, box = crystal(80, 50)
    plain, listed = bodies(x, box)
    v = warm(x, 1.0)
    (exact, _), (found, status) = follow(plain, x, v), follow(listed, x, v)
    assert status == jqd.Status.OK
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-12)


@pytest.mark.slow
def test_members_of_a_batch_are_as_alone():
    v = jnp.stack([warm(X, T, seed) for seed, T in enumerate([0.05, 1.0, 0.5, 1.2])])
    alone = jnp.stack([follow(LISTED, X, each)[0] for each in v])
    one = jax.vmap(follow, in_axes=(None, None, 0))
    batch, status = one(LISTED, X, v)
    assert list(status) == [jqd.Status.OK] * 4
    np.testing.assert_allclose(batch, alone, rtol=0, atol=1e-12)
    nested = jax.vmap(one, in_axes=(None, None, 0))(LISTED, X, v.reshape(2, 2, -1, 2))
    np.testing.assert_allclose(
        nested[0].reshape(batch.shape), batch, rtol=0, atol=1e-12
    )
    # each has its own list, new only where it needs it
    first = LISTED.listed(X)
    found = jax.vmap(LISTED.listed, in_axes=(0, None))(batch, first)
    lists = [LISTED.listed(each, first) for each in batch]
    for ours, theirs in zip(found, zip(*lists, strict=True), strict=True):
        np.testing.assert_array_equal(ours, jnp.stack(theirs))
    kept = [bool(jnp.all(made.at == first.at)) for made in lists]
    assert kept == [True, False, False, False]
    # over laws, each with its own potential and skin
    laws = jax.vmap(
        lambda epsilon, skin: solid.Solid(
            LISTED.masses, solid.LennardJones(epsilon), box=BOX,
            neighbours=solid.NeighbourList(skin, 33, LISTED.neighbours.cells),
        )
    )(jnp.array([1.0, 0.7]), jnp.array([0.4, 0.3]))  # fmt: skip
    mixed, _ = jax.vmap(follow, in_axes=(0, None, 0))(laws, X, v[:2])
    np.testing.assert_allclose(mixed[0], batch[0], rtol=0, atol=1e-12)
    softer = constants.unpack(PLAIN, "epsilon", jnp.array([0.7]))
    np.testing.assert_allclose(mixed[1], follow(softer, X, v[1])[0], rtol=0, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    "gradient", ["checkpointed", pytest.param("direct", marks=pytest.mark.slow)]
)
def test_gradients_are_those_of_all_pairs(gradient):
    method = jqd.Fixed(jqd.steppers.strang, 20, gradient=gradient, estimate_error=False)

    @jax.jit
    def loss(body, epsilon, outer, v):
        body = constants.unpack(body, "epsilon", epsilon[None])
        body = constants.unpack(body, "outer", outer[None])
        motion, ts = solid.AtomMotion(body), jnp.array([0.0, 0.15, 0.3])
        run = jqd.evolve(motion, solid.Point(X, v), ts, method=method)
        return jnp.sum(jnp.sin(run.values.x[1:]))

    given = jnp.asarray(1.0), jnp.asarray(2.45), HOT
    slopes = [jax.grad(loss, (1, 2, 3))(body, *given) for body in (LISTED, PLAIN)]
    for ours, expected in zip(*slopes, strict=True):
        scale = float(jnp.max(jnp.abs(expected)))
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-11 * scale)
    up, down = (loss(LISTED, given[0] + h, *given[1:]) for h in (1e-5, -1e-5))
    # central differences: 1e-10 of truncation, 1e-9 of rounding in sums of 400 terms
    assert float(slopes[0][0]) == pytest.approx(float(up - down) / 2e-5, rel=1e-6)
    forward = jax.jvp(lambda e: loss(LISTED, e, *given[1:]), given[:1], (given[0],))
    assert float(forward[1]) == pytest.approx(float(slopes[1][0]), rel=1e-10)


@pytest.mark.slow
def test_too_few_places_end_a_run():
    """Before it begins, or where a crystal of 18 partners an atom begins to melt."""
    near = LISTED.neighbours
    crowded = solid.NeighbourList(near.skin, 17, near.cells)
    narrow = solid.NeighbourList(
        near.skin, near.capacity, solid.Cells(near.cells.counts, 5)
    )
    tight = solid.NeighbourList(near.skin, 18, near.cells)
    cold = warm(X, 1e-4)
    for how, v, expected in (
        (crowded, cold, jqd.Status.CROWDED),
        (narrow, cold, jqd.Status.CROWDED),
        (tight, cold, jqd.Status.OK),
        (tight, HOT, jqd.Status.CROWDED),
    ):
        body = solid.Solid(LISTED.masses, POTENTIAL, box=BOX, neighbours=how)
        assert follow(body, X, v)[1] == expected
    # a fit that lets the potential grow out of its cells is stopped as well
    wide = constants.unpack(LISTED, "outer", jnp.array([3.5]))
    assert follow(wide, X, cold)[1] == jqd.Status.CROWDED
    # steppers that carry no list look for themselves
    body = solid.Solid(LISTED.masses, POTENTIAL, box=BOX, neighbours=crowded)
    method = jqd.Fixed(jqd.steppers.rk4, estimate_error=False)
    start = solid.Point(X, cold)
    run = jqd.evolve(solid.AtomMotion(body), start, [0.0, 1e-3], method=method)
    assert "raise `capacity`" in run.describe()
    assert run.status == jqd.Status.CROWDED


@pytest.mark.slow
def test_lists_stay_inside_of_runs():
    motion = solid.AtomMotion(LISTED)
    start = motion.prepare((X, HOT))
    assert isinstance(start, solid.Point)
    # its values are those of all pairs, see above
    made = jax.eval_shape(
        lambda start: jqd.evolve(motion, start, TS, method=VERLET).values, start
    )
    assert isinstance(made, solid.Point)
    method = jqd.Fixed(jqd.steppers.rk4, 50, estimate_error=False)
    run = jqd.evolve(motion, start, TS, method=method)
    assert isinstance(run.values, solid.Point)
    exact = jqd.evolve(solid.AtomMotion(PLAIN), start, TS, method=method)
    np.testing.assert_allclose(run.values.x, exact.values.x, rtol=0, atol=1e-12)
    # what observes sees a list that holds
    run = jqd.evolve(motion, start, TS, method=VERLET, observe=near_and_energy)
    held, energy, x = run.values
    assert np.all(held < 0.2)
    assert held[-1] > 0
    np.testing.assert_allclose(energy, [PLAIN.energy(at) for at in x], rtol=1e-12)
    with pytest.raises(ValueError, match="must carry no list of neighbours"):
        motion.vector_field(0.0, motion.carry(start, splits=True))
    # by hand, with the list carried along and without
    step = jax.jit(lambda state: jqd.steppers.strang(motion, 0.0, state, 0.005))
    with_list = step(motion.carry(start, splits=True))
    np.testing.assert_array_equal(with_list.x, step(start).x)


def near_and_energy(t, state):
    moved = jnp.max(jnp.linalg.norm(state.x - state.near.at, axis=1))
    return moved, LISTED.energy(state.x, state.near), state.x


def listed(near, **changes):
    options = {"masses": jnp.ones(3), "potential": POTENTIAL, "box": [9.0, 9.0]}
    return solid.Solid(**options | changes, neighbours=near)


NEAR = solid.NeighbourList(0.4, 8, solid.Cells((3, 3), 4))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: listed(NEAR, box=None), "must have no `cells` without a `box`"),
        (lambda: listed(NEAR, box=[9.0, 8.0]), "no smaller than reach and skin"),
        (lambda: listed(NEAR, box=[9.0] * 3), "`box` must have shape"),
        (lambda: listed(NEAR, potential=solid.Morse()), "a potential that ends"),
        (lambda: listed(NEAR, bonds=[(0, 1)]), "must be None with `bonds`"),
        (
            lambda: listed(
                NEAR, potential=solid.LennardJones(epsilon=jnp.ones((3, 3)))
            ),
            "same constants for all pairs",
        ),
        (lambda: listed(NEAR).hessian(jnp.zeros((3, 2))), "must be None for a Hessian"),
        (lambda: solid.Cells((2, 3), 4), "must be 3 or more"),
        (lambda: solid.NeighbourList(0.0, 8), "`skin` must be positive"),
        (lambda: solid.NeighbourList(0.4, 0), "`capacity` must be a positive integer"),
        (lambda: solid.neighbours_for(X, BOX, -1.0), "`reach` must be positive"),
        (lambda: solid.neighbours_for(X[0], BOX, 2.5), "`x` must have shape"),
        (
            lambda: solid.neighbours_for(X, BOX, 2.5, skin=0.0),
            "`skin` must be positive",
        ),
        (lambda: solid.neighbours_for(X * jnp.nan, BOX, 2.5), "`x` must be finite"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()

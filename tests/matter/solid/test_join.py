"""Two bodies as one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.matter import solid

TRIPLE = jnp.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.75**0.5]])
PAIR = jnp.array([[0.0, 0.0], [1.1, 0.0]])


def bodies():
    first = solid.Solid(jnp.ones(3), solid.Morse(1.0, 4.0, 1.0), sites=TRIPLE)
    second = solid.Solid(2 * jnp.ones(2), solid.Morse(3.0, 4.0, 1.1), sites=PAIR)
    return first, second


def test_far_apart_energies_add():
    first, second = bodies()
    whole = solid.join(first, second, solid.Morse(0.5, 4.0, 1.0))
    start = solid.beside(
        solid.Point(TRIPLE, jnp.zeros((3, 2))), solid.Point(PAIR, jnp.zeros((2, 2))),
        offset=[50.0, 0.0], velocity=[-1.0, 0.5],
    )  # fmt: skip
    # Morse pairs at a distance of 49 have e^-190 of their depth
    np.testing.assert_allclose(
        whole.energy(start.x), first.energy(TRIPLE) + second.energy(PAIR), rtol=1e-14
    )
    assert float(whole.kinetic_energy(start.v)) == pytest.approx(2 * (1 + 0.25))


def test_pairs_across_have_their_own_potential():
    first, second = bodies()
    across = solid.Morse(0.5, 4.0, 1.0)
    whole = solid.join(first, second, across)
    x = jnp.concatenate([TRIPLE, PAIR + jnp.array([[2.3, 0.4]])])
    r = jnp.linalg.norm(x[:3, None] - x[None, 3:], axis=-1)
    apart = first.energy(x[:3]) + second.energy(x[3:])
    # rounding of a sum of ten pairs
    np.testing.assert_allclose(
        whole.energy(x), apart + jnp.sum(across(r)), rtol=0, atol=1e-14
    )


def test_quantum_states_of_both_stay_theirs():
    """Each body has its own zero-point motion, and drifts as a whole."""
    first, second = bodies()
    points = []
    for body, key in zip(
        (first, second), jax.random.split(jax.random.key(3)), strict=True
    ):
        rest = solid.relax(body, body.sites).x
        modes = solid.normal_modes(body, rest)
        u, v = solid.wigner_samples(key, modes, 2000, hbar=0.02)
        points.append(solid.Point(rest[None] + u, v))
    start = solid.beside(*points, offset=[9.0, 0.0], velocity=[-2.0, 0.0])
    assert start.x.shape == start.v.shape == (2000, 5, 2)
    np.testing.assert_array_equal(start.x[:, :3], points[0].x)
    np.testing.assert_array_equal(start.v[:, 3:, 1], points[1].v[:, :, 1])
    motion = solid.AtomMotion(solid.join(first, second, solid.Morse(0.5, 4.0, 1.0)))

    def energy(x, v):
        one = motion.prepare(solid.Point(x, v))
        run = jqd.evolve(motion, one, [0.0, 0.05], method=jqd.Fixed(None, 10))
        return run.diagnostics["energy_drift"]

    # Verlet-like steps of .005 at frequencies of about 10
    assert float(jnp.max(jax.vmap(energy)(start.x[:8], start.v[:8]))) < 1e-4


def test_refusals():
    first, second = bodies()
    chain = solid.chain(4, solid.Harmonic(1.0))
    with pytest.raises(ValueError, match="`first` must be an open solid"):
        solid.join(chain, second, solid.Morse(1.0, 4.0, 1.0))
    with pytest.raises(ValueError, match="`across` must be of the kind"):
        solid.join(first, second, solid.Harmonic(1.0))
    point = solid.Point(TRIPLE, TRIPLE)
    with pytest.raises(ValueError, match="`offset` must have shape"):
        solid.beside(point, point, offset=[1.0])

"""Relaxation to the minimum, and the lattices that it starts from."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.matter.solid import lattices, relax
from jqd.matter.solid.modes import normal_modes

from .clusters import CLUSTER, thirteen


@pytest.fixture(scope="module")
def icosahedron():
    return relax(CLUSTER, thirteen(1.05))


@pytest.mark.equation("thermalization", "claim-A3")
def test_icosahedron(icosahedron):
    """The energy of 13 atoms, and 6 modes without a frequency: not 3N phonons."""
    assert icosahedron.status == jqd.Status.OK
    # 1e-5: the table of the field has six digits
    assert float(icosahedron.energy) == pytest.approx(-44.326801, abs=1e-5)
    # rounding of forces of size 1 to 50 that cancel
    assert float(icosahedron.force) < 1e-12
    modes = normal_modes(CLUSTER, icosahedron.x)
    assert int(modes.zero_modes) == 6
    assert int(modes.vibrating.sum()) == 3 * 13 - 6
    # the softest vibration is far from the threshold
    assert float(modes.squared[6] / modes.squared[-1]) > 1e-3
    # Printed: 3N phonons.
    with pytest.raises(ValueError, match=r"equilibrium with 0 zero modes, but 6"):
        normal_modes(CLUSTER, icosahedron.x, zero_modes=0)


def test_budget_and_overlap(icosahedron):
    short = relax(CLUSTER, thirteen(1.05), max_steps=3, max_polish=0)
    assert short.status == jqd.Status.STEP_BUDGET
    assert int(short.steps) == 3
    # Damped motion alone stops where Newton's steps would take over.
    assert float(short.force) > 1e6 * float(icosahedron.force)
    with pytest.raises(ValueError, match="overlapping atoms"):
        relax(CLUSTER, thirteen(0.3))


def test_the_centre_of_mass_stays(icosahedron):
    moved = relax(CLUSTER, thirteen(1.05) + 3.0)
    np.testing.assert_allclose(moved.x.mean(axis=0), 3.0, atol=1e-12)
    assert float(moved.energy) == pytest.approx(float(icosahedron.energy), abs=1e-11)


@pytest.mark.parametrize(
    ("lattice", "shape", "atoms", "neighbours"),
    [
        (lattices.triangular, (4, 5), 20, 6),
        (lattices.face_centred_cubic, (2, 2, 2), 32, 12),
    ],
)
def test_neighbours(lattice, shape, atoms, neighbours):
    x = np.asarray(lattice(shape, 1.3))
    assert x.shape[0] == atoms
    distance = np.linalg.norm(x[:, None] - x[None], axis=-1) + 9 * np.eye(atoms)
    assert distance.min() == pytest.approx(1.3, abs=1e-12)
    assert np.max(np.sum(distance < 1.3 * 1.01, axis=1)) == neighbours


def test_order_of_atoms():
    x = np.asarray(lattices.triangular((2, 3), 2.0))
    np.testing.assert_allclose(x[:3], [[0, 0], [2, 0], [4, 0]], atol=1e-15)
    np.testing.assert_allclose(x[3], [1, 3**0.5], atol=1e-15)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lattices.triangular((0, 3)), "Argument `shape` must be 2 positive"),
        (
            lambda: lattices.face_centred_cubic((2, 2)),
            "Argument `shape` must be 3 posit",
        ),
        (
            lambda: lattices.triangular((2, 2), 0.0),
            "Argument `spacing` must be positive",
        ),
        (
            lambda: relax(CLUSTER, np.zeros((12, 3))),
            "Argument `x` must have shape (13, any)",
        ),
        (
            lambda: relax(CLUSTER, thirteen(1.0), tolerance=0.0),
            "Argument `tolerance` must be positive",
        ),
    ],
)
def test_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


@pytest.mark.slow
def test_relaxation_under_vmap(icosahedron):
    starts = jnp.stack([thirteen(a) for a in (1.0, 1.15)])
    found = jax.vmap(lambda x: relax(CLUSTER, x))(starts)
    np.testing.assert_allclose(found.energy, float(icosahedron.energy), atol=1e-10)

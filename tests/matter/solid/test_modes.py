"""Normal modes: frequencies, zero modes, masses, round trips, instability."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.ensembles import aligned

from jqd.matter import solid
from jqd.matter.solid import lattices, rigid
from jqd.matter.solid.modes import hessian_modes, normal_modes

N = 6
MASSES = np.linspace(1.0, 3.0, N)


def expected(ends):
    """4 sin² of the waves that fit."""
    k = np.arange(N)
    angle = {
        "free": np.pi * k / (2 * N),
        "fixed": np.pi * (k + 1) / (2 * (N + 1)),
        "periodic": np.pi * k / N,
    }
    return np.sort(2 * np.sin(angle[ends]))


@pytest.mark.slow
@pytest.mark.parametrize(("ends", "zero"), [("free", 1), ("fixed", 0), ("periodic", 1)])
@pytest.mark.equation("thermalization", "claim-A3")
def test_chains(ends, zero):
    chain = solid.chain(N, solid.Harmonic(), ends=ends)
    modes = normal_modes(chain, chain.sites)
    assert int(modes.zero_modes) == zero
    # rounding of ω², 1e-15, under the root of the lowest, .05
    np.testing.assert_allclose(modes.omega, expected(ends), atol=1e-13)
    assert bool(modes.stable)


def triangle(box=None, **change):
    x = lattices.triangular((4, 4))
    box = None if box is None else np.array([4.0, 4 * 0.75**0.5])
    potential = solid.PairFunction(shell, 1.0)
    return solid.Solid(jnp.ones(16), potential, box=box, **change), x


def shell(r):
    """Springs between neighbours alone: zero from 1.5 on, smoothly."""
    return jnp.where(r < 1.5, ((r - 1) * jnp.maximum(1.5 - r, 0) ** 3) ** 2 * 64, 0)


@pytest.mark.slow
@pytest.mark.parametrize(("box", "zero"), [(None, 3), (True, 2)])
def test_zero_modes_in_the_plane(box, zero):
    body, x = triangle(box)
    assert int(normal_modes(body, x).zero_modes) == zero


def test_unequal_masses_and_round_trips(key):
    chain = solid.chain(N, solid.Harmonic(2.0), mass=MASSES)
    modes = normal_modes(chain, chain.sites)
    u, v = jax.random.normal(key, (2, 3, N, 1))
    X = modes.coordinates(u)
    np.testing.assert_allclose(modes.displacements(X), u, atol=1e-13)
    # the sum over modes is the energy of the chain
    total = modes.energies(u, v).sum(axis=-1)
    stretch = np.diff(np.asarray(u)[..., 0], axis=1)
    moving = MASSES * np.asarray(v)[..., 0] ** 2 / 2
    direct = (stretch**2).sum(axis=1) + moving.sum(axis=1)
    np.testing.assert_allclose(total, direct, rtol=1e-12)
    # Without the masses, as printed, it is not.
    printed = np.asarray(u)[..., 0] @ np.asarray(modes.vectors)
    printed = printed * np.asarray(modes.omega)
    kinetic = np.asarray(modes.kinetic_energies(v)).sum(axis=-1)
    wrong = (printed**2).sum(axis=-1) / 2 + kinetic
    assert np.min(np.abs(wrong / np.asarray(direct) - 1)) > 0.05


@pytest.mark.slow
def test_hessian_alone_gives_the_same():
    chain = solid.chain(N, solid.Harmonic(2.0), mass=MASSES)
    modes = hessian_modes(chain.hessian(chain.sites), MASSES, zero_modes=1)
    same = normal_modes(chain, chain.sites)
    np.testing.assert_array_equal(modes.omega, same.omega)
    np.testing.assert_array_equal(modes.vectors, same.vectors)


@pytest.mark.slow
def test_derivative_of_a_frequency():
    """ω ~ √K: the derivative of each is ω/2K."""

    def omega(K):
        chain = solid.chain(N, solid.Harmonic(K), ends="fixed")
        return normal_modes(chain, chain.sites).omega

    np.testing.assert_allclose(jax.jacrev(omega)(1.7), omega(1.7) / 3.4, rtol=1e-12)


@pytest.mark.slow
def test_rigid_motions():
    """Drift and spin are removed, vibrations are not; a line lacks one rotation."""
    x = jnp.asarray(lattices.triangular((2, 3)))
    masses = jnp.asarray(MASSES)
    spin = jnp.stack([-x[:, 1], x[:, 0]], axis=1) + jnp.array([[0.3, -0.2]])
    motions = rigid.rigid_motions(x, masses)
    assert int(motions.count) == 3
    np.testing.assert_allclose(motions.remove(spin, masses), 0, atol=1e-13)
    stretch = motions.remove(x, masses)
    momentum = masses @ stretch
    angular = masses @ (x[:, 0] * stretch[:, 1] - x[:, 1] * stretch[:, 0])
    np.testing.assert_allclose(momentum, 0, atol=1e-13)
    assert float(angular) == pytest.approx(0, abs=1e-13)
    assert float(jnp.max(jnp.abs(stretch))) > 0.5
    line = jnp.stack([jnp.arange(4.0), 0 * jnp.arange(4.0), 0 * jnp.arange(4.0)], 1)
    assert int(rigid.rigid_motions(line, jnp.ones(4)).count) == 5
    body = solid.Solid(np.ones(4), solid.Harmonic())
    assert rigid.rigid_count(body, line) == 5
    assert rigid.rigid_count(body, x[:4]) == 3


@pytest.mark.slow
@pytest.mark.parametrize("d", [2, 3])
def test_alignment(d):
    """A turned body has no displacement; a vibration turns with it."""
    rng = np.random.default_rng(d)
    reference, masses = rng.normal(size=(7, d)), rng.uniform(1, 2, 7)
    turn, _ = np.linalg.qr(rng.normal(size=(d, d)))
    turn[:, 0] *= np.sign(np.linalg.det(turn))
    stretch = 0.01 * (reference - masses @ reference / masses.sum())
    x = (reference + stretch) @ turn.T + 5.0
    u, v = aligned(x, reference, masses, stretch @ turn.T)
    np.testing.assert_allclose(u, stretch, atol=1e-13)
    np.testing.assert_allclose(v, stretch, atol=1e-13)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: hessian_modes(np.diag([1.0, -1.0]), np.ones(2)),
            "Argument `x` must be a stable equilibrium, but the least squared "
            "frequency is -1.",
        ),
        (
            lambda: hessian_modes(np.eye(3), np.ones(2)),
            "Argument `masses` must divide the coordinates",
        ),
        (
            lambda: hessian_modes(np.eye(2), np.array([1.0, 0.0])),
            "Argument `masses` must be positive",
        ),
        (
            lambda: hessian_modes(np.array([[1.0, 1.0], [0.0, 1.0]]), np.ones(2)),
            "Argument `hessian` must be Hermitian",
        ),
    ],
)
def test_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


@pytest.mark.slow
def test_an_unstable_lattice_under_jit():
    """Values cannot raise there: `stable` says it, and nothing is NaN."""
    modes = jax.jit(hessian_modes)(jnp.diag(jnp.array([1.0, -1.0])), jnp.ones(2))
    assert not bool(modes.stable)
    assert bool(jnp.isfinite(modes.omega).all())


@pytest.mark.slow
def test_strained_lattices_and_unknown_checks():
    body, x = triangle()
    with pytest.raises(ValueError, match="equilibrium with 3 zero modes"):
        normal_modes(body, 1.02 * x)
    with pytest.raises(ValueError, match="Argument `zero_modes` must be one of"):
        normal_modes(body, x, zero_modes="all")

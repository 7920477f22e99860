"""Sampled paths of the amplifier, and the densities that sums of Gaussians give."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.husimi import amplifier_paths, ornstein_uhlenbeck_kernel

from jqd import evolve
from jqd.laws.husimi import GaussianForm, GaussianSum, HusimiFokkerPlanck
from jqd.spaces.symbols import parametric_amplifier

BETA, END = 0.8, 1.0


def test_kernel_composes():
    x = np.linspace(-8, 8, 401)
    cell = x[1] - x[0]
    grid = (x[:, None], x[None, :])
    half = ornstein_uhlenbeck_kernel(*grid, 0.3, 0.5)
    whole = ornstein_uhlenbeck_kernel(*grid, 0.6, 0.5)
    middle = slice(100, 301)  # starts far from the ends of the grid
    # the trapezoidal rule is exact for Gaussians, to rounding
    np.testing.assert_allclose(
        (half @ half)[:, middle] * cell, whole[:, middle], atol=1e-12
    )
    np.testing.assert_allclose(whole[:, middle].sum(axis=0) * cell, 1, atol=1e-12)


@pytest.fixture(scope="module")
def paths():
    return amplifier_paths(jax.random.key(3), BETA, END, steps=2, count=40_000)


def test_marginals_of_paths_are_those_of_the_law(paths):
    law = HusimiFokkerPlanck(parametric_amplifier(1.0), form=GaussianForm())
    start = law.prepare(GaussianSum.cat([BETA, -BETA], [1, 1]))
    ts = jnp.linspace(0, END, 3)
    states = evolve(law, start, ts).values
    assert paths[0].shape == paths[1].shape == (3, 40_000)
    grid = np.linspace(-12, 12, 601)
    density = jax.jit(
        jax.vmap(lambda state, axis: state.marginal(grid, axis), (0, None)),
        static_argnums=1,
    )
    for axis, values in enumerate(paths):
        cells = np.asarray(density(states, axis)) * (grid[1] - grid[0])
        np.testing.assert_allclose(cells.sum(axis=1), 1, atol=1e-9)  # tails
        for f in (np.square, lambda v: np.cos(3 * v)):
            seen = f(np.asarray(values))
            expected = cells @ f(grid)
            error = seen.std(axis=1) / np.sqrt(seen.shape[1])
            # 12 comparisons of normal errors
            assert np.all(np.abs(seen.mean(axis=1) - expected) < 4.5 * error)


def test_joint_density_of_paths_is_another(paths):
    x, y = (np.asarray(values[1]) for values in paths)
    seen = np.exp(-(x**2)) * np.cos(2 * y)
    error = seen.std() / np.sqrt(seen.size)
    # by quadrature: 0.21958 for the paths, 0.22505 for Q, 3.4 errors apart
    assert abs(seen.mean() - 0.21958) < 4 * error
    assert error < 1.7e-3


def test_marginal_agrees_with_the_density():
    state = GaussianSum.cat([0.5, -0.5], [0.8, 0.6j], r=0.7)
    y = np.linspace(-7, 7, 301)
    x = np.array([-1.0, 0.2, 0.9])
    plane = (x[:, None] + 1j * y[None, :])[..., None]
    summed = np.asarray(state.density(plane)).sum(axis=1) * (y[1] - y[0])
    np.testing.assert_allclose(state.marginal(x), summed, atol=1e-12)

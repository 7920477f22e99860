"""The grid's conventions, its sums and its derivative."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.spaces import Grid


def test_points_exclude_the_upper_end():
    grid = Grid((-2.0, 2.0), 8)
    np.testing.assert_array_equal(grid.x, np.arange(8) * 0.5 - 2.0)
    assert grid.ndim == 1
    assert grid.size == 8
    assert grid.spacing == (0.5,)
    assert grid.cell == 0.5


def test_wavenumbers_are_those_of_the_fft():
    """A plane wave of each k lands on its own bin (both ends in x would spoil it)."""
    grid = Grid((-3.0, 5.0), 16)
    (k,) = grid.wavenumbers
    waves = jnp.exp(1j * k[:, None] * (grid.x[None, :] + 3.0))
    # Rounding of a phase of up to 16 π: 1e-14, summed over 16 points.
    np.testing.assert_allclose(jnp.fft.fft(waves), 16 * np.eye(16), atol=1e-12)
    np.testing.assert_allclose(grid.k2, k**2, rtol=1e-15)
    # Negative control: the grid that has both ends does not.
    both = np.linspace(-3.0, 5.0, 16)
    waves = np.exp(1j * np.asarray(k)[:, None] * (both[None, :] + 3.0))
    assert np.max(np.abs(np.fft.fft(waves) - 16 * np.eye(16))) > 1


def test_more_dimensions_broadcast():
    grid = Grid(((-8, 8), (-4, 4), (0, 1)), (16, 4, 2))
    assert [c.shape for c in grid.coordinates] == [(16, 1, 1), (1, 4, 1), (1, 1, 2)]
    assert [k.shape for k in grid.wavenumbers] == [(16, 1, 1), (1, 4, 1), (1, 1, 2)]
    assert grid.spacing == (1.0, 2.0, 0.5)
    assert grid.cell == 1.0
    assert grid.k2.shape == (16, 4, 2)
    np.testing.assert_allclose(
        grid.k2[3, 1, 1],
        (3 * 2 * np.pi / 16) ** 2 + (np.pi / 4) ** 2 + (2 * np.pi) ** 2,
    )
    with pytest.raises(ValueError, match="Property `x` must be read on a grid of one"):
        _ = grid.x


def test_static_hashable_and_without_leaves():
    grid = Grid((np.float32(-1), 1), np.int64(4))
    assert jax.tree.leaves(grid) == []
    assert hash(grid.bounds) == hash(((-1.0, 1.0),))
    assert type(grid.bounds[0][0]) is float
    assert type(grid.shape[0]) is int
    traces = []

    @jax.jit
    def total(grid, f):
        traces.append(1)
        return grid.integrate(f)

    total(grid, jnp.ones(4))
    total(Grid(((-1, 1),), (4,)), jnp.ones(4))
    assert len(traces) == 1, "equal grids must share one compilation"


def test_default_float_dtype():
    grid = Grid((-1.0, 1.0), 4)
    for array in (grid.x, *grid.wavenumbers, grid.k2):
        assert array.dtype == jnp.result_type(float)
        assert not array.weak_type


def test_integrals():
    grid = Grid(((-8.0, 8.0), (-9.0, 9.0)), (64, 96))
    x, y = grid.coordinates
    psi = jnp.exp(-(x**2) - y**2 / 2 + 1j * x)
    # ∫ e^(-2x² - y²) = π / sqrt 2; sums of Gaussians converge beyond rounding here.
    exact = np.pi / np.sqrt(2)
    np.testing.assert_allclose(grid.norm2(psi), exact, rtol=1e-13)
    assert not jnp.iscomplexobj(grid.norm2(psi))
    np.testing.assert_allclose(grid.norm2(grid.normalise(psi)), 1, rtol=1e-13)
    np.testing.assert_allclose(
        grid.inner(psi, x**2 * psi), exact / 4, rtol=1e-12, atol=1e-13
    )
    # The first argument is the conjugated one.
    np.testing.assert_allclose(grid.inner(1j * psi, psi), -1j * exact, rtol=1e-12)
    batch = jnp.stack((psi, 2 * psi))
    np.testing.assert_allclose(grid.norm2(batch), [exact, 4 * exact], rtol=1e-13)
    np.testing.assert_allclose(grid.norm2(grid.normalise(batch)), [1, 1], rtol=1e-13)


def test_normalising_nothing_gives_no_nan():
    grid = Grid((-1.0, 1.0), 4)
    assert jnp.all(grid.normalise(jnp.zeros(4)) == 0)
    slope = jax.grad(lambda f: grid.normalise(f).sum())(jnp.zeros(4))
    assert jnp.all(jnp.isfinite(slope))


@functools.partial(jax.jit, static_argnums=0)
def gradient_error(n, factor=1.0):
    grid = Grid(((0.0, 2 * np.pi), (0.0, 4 * np.pi)), (n, n))
    x, y = grid.coordinates
    f = jnp.exp(jnp.sin(x)) * jnp.cos(y / 2)
    dx, dy = grid.gradient(f)
    error_x = jnp.max(jnp.abs(dx - factor * jnp.cos(x) * f))
    error_y = jnp.max(jnp.abs(dy + jnp.exp(jnp.sin(x)) * jnp.sin(y / 2) / 2))
    return error_x, error_y


def test_gradient_is_of_order_eight():
    ns = np.array([32, 40, 48, 64])
    errors = np.array([gradient_error(int(n)) for n in ns])
    slope = np.polyfit(np.log(ns), np.log(errors[:, 0]), 1)[0]
    # 32 points a period are not yet asymptotic for e^sin x; 7.6 separates from 6.
    assert -8.4 < slope < -7.6
    slope_y = np.polyfit(np.log(ns), np.log(errors[:, 1]), 1)[0]
    assert -8.1 < slope_y < -7.9
    # Negative control: a slope 1 % too large.
    assert gradient_error(64, factor=1.01)[0] > 1e-2


def test_gradient_is_local_where_the_box_closes():
    """x²/2 has a kink at the seam; away from it the slope is x to rounding."""
    grid = Grid((-10.0, 10.0), 128)
    (slope,) = grid.gradient(grid.x**2 / 2)
    # Rounding of values of 50 over a spacing of 0.16.
    np.testing.assert_allclose(slope[4:-4], grid.x[4:-4], atol=1e-12)
    (k,) = grid.wavenumbers
    spectral = jnp.fft.ifft(1j * k * jnp.fft.fft(grid.x**2 / 2)).real
    assert jnp.max(jnp.abs(spectral - grid.x)[32:-32]) > 1e-3, "and this one rings"


def test_gradient_takes_batches_and_complex_values():
    grid = Grid((0.0, 2 * np.pi), 64)
    f = jnp.stack([jnp.exp(1j * grid.x), jnp.exp(2j * grid.x)])
    (slope,) = grid.gradient(f)
    # Truncation (k dx)^8 k / 630: 2.4e-9 for k = 2.
    np.testing.assert_allclose(slope, jnp.array([[1j], [2j]]) * f, atol=1e-8)


@pytest.mark.parametrize(
    ("bounds", "shape", "message"),
    [
        ((1.0, 1.0), 4, "`bounds` must have lower < upper, but axis 0 has (1.0, 1.0)."),
        (
            ((0, 1), (2, 1)),
            (4, 4),
            "`bounds` must have lower < upper, but axis 1 has (2.0, 1.0).",
        ),
        ((0, np.inf), 4, "`bounds` must be finite, but axis 0 has (0.0, inf)."),
        ((0, 1, 2), 4, "`bounds` must be (lower, upper) or one such pair for each"),
        (((0, 1), (0, 1)), 4, "`shape` must have one number of points for each axis"),
        ((0, 1), 0, "`shape` must have at least one point on every axis, but it is 0."),
        ((0, 1), 2.5, "`shape` must be whole numbers of points, but it is 2.5."),
        ((0, 1), (2.5,), "`shape` must be whole numbers of points, but it is (2.5,)."),
        (((0, 1), (0,)), (4, 4), "`bounds` must be (lower, upper) or one such pair"),
        (("a", "b"), 4, "`bounds` must be (lower, upper) or one such pair"),
    ],
)
def test_bad_grids(bounds, shape, message):
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        Grid(bounds, shape)


def test_bad_values():
    grid = Grid((0.0, 1.0), 4)
    with pytest.raises(ValueError, match=r"`psi` must end in the grid's shape \(4,\)"):
        grid.norm2(jnp.ones(5))
    with pytest.raises(ValueError, match="at least 9 on every axis for `gradient`"):
        grid.gradient(jnp.ones(4))

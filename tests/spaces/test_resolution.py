"""Whether a grid holds a state: shares at the walls and the cut-off, dispersion."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.exact import free_gaussian
from jqd.spaces import Grid, cutoff_weight, dispersion_bound, edge_density

LINE = Grid((0.0, 8.0), 16)
X = np.arange(16) / 2
PLANE = Grid(((0.0, 8.0), (0.0, 3.0)), (16, 12))


def test_edge_density():
    flat = np.ones(PLANE.shape)
    # all but the inner 12 x 8 points
    expected = 1 - 12 * 8 / (16 * 12)
    np.testing.assert_allclose(edge_density(PLANE, flat, 2), expected, rtol=1e-15)
    batch = np.stack([X, np.zeros(16)])
    found = edge_density(LINE, batch, 1)
    # points 0 and 7.5 of 0, 0.5 .. 7.5, whose sum is 60; nothing at all
    np.testing.assert_allclose(found, [7.5 / 60, 0], rtol=1e-15)
    assert edge_density(LINE, flat[:, 0].astype(np.float32), 3).dtype == jnp.float32


@pytest.mark.parametrize("n", [5, -6])
def test_cutoff_weight(n):
    """One wave: it is beyond a fraction of π/dx = 2π 8/16 or it is not."""
    wave = np.exp(2j * np.pi * n * X / 8)
    inside, outside = abs(n) / 8 + 0.01, abs(n) / 8 - 0.01
    np.testing.assert_allclose(cutoff_weight(LINE, wave, inside), 0, atol=1e-15)
    np.testing.assert_allclose(cutoff_weight(LINE, wave, outside), 1, rtol=1e-14)
    # any axis counts, and weights add: 5/6 of the short axis is beyond 0.8
    y = np.arange(12) / 4
    two = 2 * wave[:, None] + np.exp(2j * np.pi * 5 / 3 * y)[None, :]
    found = cutoff_weight(PLANE, two[None], 0.8)
    np.testing.assert_allclose(found, [1 / 5], rtol=1e-13)


@pytest.mark.parametrize("order", [2, 4, 6, 8])
def test_dispersion_of_one_wave(order):
    """2 T D |k² - k_h²|, with the differences applied to the wave itself."""
    k = 2 * np.pi * 3 / 8
    psi = np.exp(1j * k * X)
    weights = {
        2: [1],
        4: [4 / 3, -1 / 12],
        6: [3 / 2, -3 / 20, 1 / 90],
        8: [8 / 5, -1 / 5, 8 / 315, -1 / 560],
    }[order]
    applied = sum(
        w * (2 * psi - np.roll(psi, d) - np.roll(psi, -d)) / 0.25
        for d, w in enumerate(weights, start=1)
    )
    k_h2 = np.real(applied[0] / psi[0])
    np.testing.assert_allclose(
        dispersion_bound(LINE, psi, order, 0.7, 3.0),
        2 * 3 * 0.7 * abs(k**2 - k_h2),
        rtol=1e-9,
    )
    # what is left of the series: 2 k² C (kh)^order with C = 1/12 .. 1/3150
    share = {2: 1 / 12, 4: 1 / 90, 6: 1 / 560, 8: 1 / 3150}[order]
    leading = share * (k / 2) ** order
    assert 0.5 * leading < abs(1 - k_h2 / k**2) < leading


def test_each_axis_has_its_own_spacing():
    """A wave along either axis of a plane is as wrong as on a line of that spacing."""
    y = Grid((0.0, 3.0), 12)
    for axis, line in enumerate((LINE, y)):
        wave = np.exp(2j * np.pi * 3 * np.arange(line.size) / line.size)
        shape = [1, 1]
        shape[axis] = -1
        plane = np.broadcast_to(wave.reshape(shape), PLANE.shape)
        np.testing.assert_allclose(
            dispersion_bound(PLANE, plane, 4, 0.7, 3.0),
            dispersion_bound(line, wave, 4, 0.7, 3.0),
            rtol=1e-10,
        )


@pytest.mark.parametrize(("h", "bound"), [(0.2, 1.5e-4), (0.4, 2.6e-2)])
def test_dispersion_of_a_collision(h, bound):
    """Two packets at ∓3 with p = ±2, s = 0.8 and T = 3: the documented figures."""
    n = round(24 / h)
    grid = Grid((-12.0, 12.0), n)
    psi = free_gaussian(grid.x, 0, center=-3.0, momentum=2.0, width=0.8)
    psi = psi + free_gaussian(grid.x, 0, center=3.0, momentum=-2.0, width=0.8)
    found = jax.jit(lambda psi: dispersion_bound(grid, psi, 8, 0.5, 3.0))(psi)
    np.testing.assert_allclose(found, bound, rtol=0.04)  # two digits are known


def test_the_bound_holds():
    """Against a free packet moved by differences of order 4."""
    grid = Grid((-16.0, 16.0), 128)
    psi = np.asarray(free_gaussian(grid.x, 0.0, momentum=1.0, width=0.7))
    k, h = np.asarray(grid.wavenumbers[0]), grid.spacing[0]
    symbol = 4 / 3 * (2 - 2 * np.cos(k * h)) - (2 - 2 * np.cos(2 * k * h)) / 12
    densities = [
        np.abs(np.fft.ifft(np.exp(-0.5j * 2.0 * k2) * np.fft.fft(psi))) ** 2
        for k2 in (symbol / h**2, k**2)
    ]
    distance = np.sum(np.abs(densities[0] - densities[1])) * h
    bound = dispersion_bound(grid, psi, 4, 0.5, 2.0)
    assert distance < bound < 10 * distance


def test_derivatives_are_finite():
    """Where there is nothing to share, and where nothing disperses."""
    flat, empty = jnp.ones(16), jnp.zeros(16)
    bound = jax.jit(jax.grad(lambda f: dispersion_bound(LINE, f, 2, 0.5, 1.0)))
    edge = jax.jit(jax.grad(lambda f: edge_density(LINE, f, 1)))
    for slope in (bound(flat), bound(empty), edge(empty)):
        assert np.all(np.isfinite(slope))
    found = dispersion_bound(LINE, flat.astype(jnp.complex64), 2, 0.5, 1.0)
    assert found == 0
    assert found.dtype == jnp.float32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: edge_density(LINE, jnp.ones(4), 1), "`density` must end in the grid"),
        (lambda: edge_density(LINE, jnp.ones(16), 0), "`cells` must be at least 1"),
        (lambda: edge_density(LINE, jnp.ones(16), 1.5), "`cells` must be a whole"),
        (lambda: cutoff_weight(LINE, jnp.ones(4)), "`psi` must end in the grid"),
        (lambda: cutoff_weight(LINE, jnp.ones(16), 1.0), "`fraction` must lie between"),
        (
            lambda: dispersion_bound(LINE, jnp.ones(16), 3, 0.5, 1.0),
            "`order` must be one of 2, 4, 6, 8, but it is 3",
        ),
    ],
)
def test_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()

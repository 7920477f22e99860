"""Cells, and how far densities and samples are from |ψ|²."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kstest, norm

import jqd
from jqd.ensembles import (
    Cells,
    coarse_entropy,
    draw_positions,
    relative_entropy,
)
from jqd.problems import box_of_modes

LINE = jqd.Grid((-8.0, 8.0), 96)
GROUND = LINE.normalise(jnp.exp(-(LINE.x**2) / 2) + 0j)


def gaussian(x, mean, variance):
    return np.exp(-((x - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


def test_shares_of_a_gaussian():
    cells = Cells((-1.5, 2.0), 7)
    edges = norm.cdf(np.linspace(-1.5, 2.0, 8), scale=0.5**0.5)
    expected = [*np.diff(edges), 1 - edges[-1] + edges[0]]
    # the series of a Gaussian on 96 points: rounding
    np.testing.assert_allclose(cells.of_wave(GROUND, LINE), expected, atol=1e-14)
    density = 3 * jnp.abs(GROUND) ** 2
    np.testing.assert_allclose(cells.shares(density, LINE), expected, atol=1e-14)


def test_shares_of_a_wave_that_its_grid_just_resolves():
    """ψ = e^(5ix) + e^(-5ix) on 16 points: |ψ|² has k = 10, which 16 do not resolve."""
    grid, cells = jqd.Grid((0.0, 2 * np.pi), 16), Cells((0.0, 2 * np.pi), 7)
    edges = np.linspace(0, 2 * np.pi, 8)
    expected = np.diff(edges + np.sin(10 * edges) / 10) / (2 * np.pi)
    found = cells.of_wave(2 * jnp.cos(5 * grid.x) + 0j, grid)
    np.testing.assert_allclose(found[:-1], expected, atol=1e-14)


@pytest.mark.parametrize(
    ("phases", "expected"), [("quadratic", 0.910), ("linear", 0.507)]
)
def test_a_box_of_sixteen_modes(phases, expected):
    """P31 at t = 0, against sums over midpoints in NumPy."""
    box, n = box_of_modes(phases), 512
    k = np.arange(1, 17)
    g = (np.sqrt(5) - 1) / 2
    theta = 2 * np.pi * ((g * k**2 if phases == "quadratic" else 11 * g * k) % 1)
    x = (np.arange(n) + 0.5) * np.pi / n
    s = np.sin(np.outer(np.arange(1, 5), x))
    psi = np.einsum("mn,mx,ny->xy", np.exp(1j * theta).reshape(4, 4) / 2 / np.pi, s, s)
    q = (np.abs(psi) ** 2).reshape(16, n // 16, 16, n // 16).sum((1, 3))
    p = (4 / np.pi**2 * np.outer(s[0] ** 2, s[0] ** 2)).reshape(16, n // 16, 16, -1)
    p, q = p.sum((1, 3)) * (np.pi / n) ** 2, q * (np.pi / n) ** 2
    shares = box.cells.shares(box.ground, box.law.grid)
    wave = box.cells.of_wave(box.psi0, box.law.grid)
    # midpoints: (10 π/n)²/24 of a cell that varies as sin² 4x does
    np.testing.assert_allclose(shares[:-1], p.ravel(), atol=2e-7)
    np.testing.assert_allclose(wave[:-1], q.ravel(), atol=2e-6)
    assert shares[-1] == wave[-1] == 0
    found = relative_entropy(shares, wave)
    assert found == pytest.approx(expected, abs=1e-3)
    assert found == pytest.approx(np.sum(p * np.log(p / q)), abs=1e-4)


def test_counts(key):
    x = np.array(jax.random.normal(key, (500, 2))) * [1.0, 2.0]
    x[3, 1] = np.nan
    cells, weights = Cells([(-1.0, 2.0), (-2.0, 2.0)], (3, 5)), np.linspace(0, 1, 500)
    keep = np.isfinite(x).all(axis=1)
    for w in (None, weights):
        seen = cells.counts(jnp.asarray(x), w)
        mine = np.ones(500) if w is None else w
        hist = np.histogramdd(
            x[keep], [np.linspace(-1, 2, 4), np.linspace(-2, 2, 6)], weights=mine[keep]
        )[0]
        np.testing.assert_allclose(seen[:-1], hist.ravel(), atol=1e-12)
        assert seen.sum() == pytest.approx(mine[keep].sum())
    # beyond a wall, and beyond the image of the box
    box = Cells((0.0, 2.0), 4, mirrored=True)
    x = jnp.array([0.1, -0.1, 3.9, 4.1, 1.9, 2.1, -2.1, 6.1, 0.6])[:, None]
    np.testing.assert_array_equal(box.counts(x), [4, 1, 0, 4, 0])


@pytest.mark.parametrize("n", [240, 2000])
def test_sampled_entropy_has_no_bias_and_its_error(n):
    """60 cells with 4 or 33 paths each on average."""
    rng, draws, cells = np.random.default_rng(5), 400, 60
    q = rng.dirichlet(np.full(cells, 6.0))
    p = rng.dirichlet(np.full(cells, 6.0))
    look = jax.jit(jax.vmap(lambda c: coarse_entropy(c, q)))
    for shares in (q, p):
        counts = jnp.asarray(rng.multinomial(n, shares, draws), float)
        found = look(counts)
        exact = np.sum(shares * np.log(shares / q))
        spread = float(found.value.std(ddof=1))
        chance = spread / np.sqrt(draws)
        # of a cell in which less than one is expected 0.4/n may be left
        left = 0.4 * np.sum(n * shares < 1) / n
        assert float(found.value.mean()) == pytest.approx(exact, abs=4 * chance + left)
        # a standard deviation of 400 is known to 3.5 %; with 4 paths a cell ln p is
        # not yet linear in p
        rel = {240: 0.25, 2000: 0.15}[n]
        assert float(found.error.mean()) == pytest.approx(spread, rel=rel)
        assert found.resolved.all()
        assert found.equilibrium.all() == (shares is q)
        # Negative control: with its bias the sum is far off.
        raw = np.asarray(counts) / n
        raw = np.sum(raw * np.log(np.where(raw > 0, raw, 1) / q), axis=1)
        assert raw.mean() - exact > 10 * chance
        # it is the plain bias, and 1/12λ of a cell more
        bias = (cells - 1 + np.sum(1 / (6 * n * shares))) / (2 * n)
        assert raw.mean() - exact == pytest.approx(bias, abs=4 * chance + 0.02 * bias)
    # p is told from q by 2000 in every draw, by 240 in most
    assert found.equilibrium.mean() < {240: 0.5, 2000: 1e-9}[n]


def test_a_path_where_no_wave_is():
    counts, q = jnp.array([10.0, 1.0, 0.0]), jnp.array([1.0, 1e-17, 0.0])
    assert not coarse_entropy(counts, q).resolved
    assert coarse_entropy(counts, jnp.array([0.9, 0.1, 0.0])).resolved


def test_positions_from_any_density(key):
    """A density with two humps and zero between, and its Kolmogorov distance."""
    x = np.asarray(LINE.x)
    rho = 0.3 * gaussian(x, -3, 0.25) + 0.7 * gaussian(x, 2, 0.5)
    drawn = np.asarray(draw_positions(key, rho, LINE, 4000))
    assert drawn.shape == (4000, 1)

    def cdf(x):
        return 0.3 * norm.cdf(x, -3, 0.5) + 0.7 * norm.cdf(x, 2, 0.5**0.5)

    assert kstest(drawn[:, 0], cdf).pvalue > 1e-3
    with pytest.raises(ValueError, match="`density` must not be zero everywhere"):
        draw_positions(key, 0 * x, LINE, 3)
    with pytest.raises(ValueError, match="`density` must not be negative"):
        draw_positions(key, x, LINE, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Cells((0, 1), 4).of_wave(np.ones((4, 4)), SQUARE), "have 2 axes"),
        (lambda: Cells((0, 3), 4, True).of_wave(GROUND, LINE), "half as long"),
        (lambda: Cells((1, 0), 4), "lower < upper"),
        (lambda: coarse_entropy(jnp.ones(3), jnp.ones(4)), "`shares` must have shape"),
    ],
)
def test_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


SQUARE = jqd.Grid([(0, 1), (0, 1)], (4, 4))

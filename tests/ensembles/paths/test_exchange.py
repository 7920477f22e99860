"""Paths of identical particles, and of an entangled pair."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import exact
from jqd.ensembles import nelson, never_exchanged

GRID = jqd.Grid([(-6.0, 6.0)] * 2, (32, 32))
X, Y = GRID.coordinates
PAIR = jqd.Particles(one=(0, 1.0), two=(1, 1.0))
BOSONS = GRID.normalise(jnp.exp(-(X**2 + Y**2) / 2) + 0j)
FERMIONS = GRID.normalise((X - Y) * jnp.exp(-(X**2 + Y**2) / 2) + 0j)
TS = np.linspace(0, 1, 31)
KEY = jax.random.key(5)


@pytest.mark.slow
@pytest.mark.equation("diffusion", "claim-exchange")
def test_bosons_change_places():
    """(2/π) arcsin(e^{-2νt}) have not, at ν = ½, t = 1."""
    run = nelson(
        oscillators(1.0), BOSONS, TS, KEY, paths=4000, substeps=2, error_paths=0
    )
    kept = never_exchanged(run.ts, run.positions, 0.5)
    expected = 2 / np.pi * np.arcsin(np.exp(-TS))
    gap = np.abs(np.asarray(kept.value) - expected)
    assert gap[-1] < 4 * kept.error[-1]
    assert expected[-1] == pytest.approx(0.239832, abs=1e-6)
    # of the rows alone it would be too many: who has come back is not seen
    blind = never_exchanged(run.ts, run.positions, 0.0)
    assert blind.value[-1] - expected[-1] > 6 * blind.error[-1]
    apart = np.asarray(run.positions)[-1]
    square = (apart[:, 0] - apart[:, 1]) ** 2
    assert abs(square.mean() - 1) < 4 * square.std() / np.sqrt(square.size)


@pytest.mark.equation("diffusion", "claim-exchange")
@pytest.mark.parametrize(
    ("psi", "nu_hat", "square"),
    [(BOSONS, 0.0, 1), (FERMIONS, 1.0, 3), (FERMIONS, 2, 3)],
)
def test_bohm_bosons_and_fermions_of_any_noise_do_not(psi, nu_hat, square):
    """They rest, or ψ vanishes where they meet."""
    run = nelson(
        oscillators(1.0), psi, TS, KEY, nu_hat=nu_hat, paths=4000, substeps=2,
        error_paths=0,
    )  # fmt: skip
    assert never_exchanged(run.ts, run.positions, 0.0).value[-1] == 1
    assert int(run.crossings.sum()) == 0
    found = np.asarray(run.positions[-1] @ jnp.array([1.0, -1.0])) ** 2
    assert abs(found.mean() - square) < 4 * found.std() / np.sqrt(found.size)


# -- an entangled pair -----------------------------------------------------------------


def squeezed(r=0.6):
    """Two modes: (x + y) and (x - y) of variances e^{±2r}."""
    plus, minus = ((X + s * Y) / jnp.sqrt(2) for s in (1, -1))
    wave = jnp.exp(-(plus**2) * jnp.exp(-2 * r) / 2 - minus**2 * jnp.exp(2 * r) / 2)
    return GRID.normalise(wave + 0j)


def far_spring(x, y, omega):
    return (x**2 + omega**2 * y**2) / 2


def oscillators(omega):
    return jqd.Schrodinger.on_grid(GRID, far_spring, mass=PAIR, omega=omega)


@pytest.mark.slow
def test_paths_of_one_particle_feel_what_is_done_to_the_other():
    expected = {(1.0, 0.0): 0.709621, (2.0, 0.0): 0.764217}
    expected |= {(1.0, 0.5): 0.373389, (2.0, 0.5): 0.418447}
    squares = []
    for (omega, nu), known in expected.items():
        run = nelson(
            oscillators(omega), squeezed(), [0.0, 1.0], KEY, nu=nu, paths=4000,
            substeps=20, error_paths=0,
        )  # fmt: skip
        x = np.asarray(run.positions)[..., 0]
        product = x[0] * x[1]
        error = product.std() / np.sqrt(product.size)
        assert abs(product.mean() - known) < 4 * error
        squares.append((x[1] ** 2).mean())
        # but where it is does not
        error = (x[1] ** 2).std() / np.sqrt(product.size)
        assert abs(squares[-1] - np.cosh(1.2) / 2) < 4 * error


@pytest.mark.slow
def test_signals_out_of_equilibrium():
    """Starts of covariance ½, and what is not the density of the wave says so."""
    x0 = np.random.default_rng(2).normal(size=(20_000, 2)) * np.sqrt(0.5)
    ends = {}
    for omega, known in ((1.0, 0.908976), (2.0, 0.869340)):
        run = nelson(
            oscillators(omega), squeezed(), [0.0, 1.0], KEY, x0=x0, substeps=30,
            error_paths=0,
        )  # fmt: skip
        square = np.asarray(run.positions)[1, :, 0] ** 2
        error = square.std() / np.sqrt(square.size)
        assert abs(square.mean() - known) < 4 * error
        ends[omega] = square
        assert not bool(run.equilibrium[0])
        assert "not in equilibrium" in run.describe()
    # the same noise and starts: the difference is seen path by path
    change = ends[1.0] - ends[2.0]
    assert change.mean() > 5 * change.std() / np.sqrt(change.size)


@pytest.mark.slow
def test_unequal_masses_have_noise_of_their_own():
    """Two free packets of masses 1 and 4, each with the clock of its own mass."""
    law = jqd.Schrodinger.on_grid(
        GRID, jnp.zeros(GRID.shape), mass=jqd.Particles(light=(0, 1.0), heavy=(1, 4.0))
    )
    ts = np.array([0.0, 1.2])
    run = nelson(law, BOSONS, ts, KEY, paths=6000, substeps=30, error_paths=0)
    positions = np.asarray(run.positions)
    H = exact.quadratic_hamiltonian([1.0, 4.0], np.zeros((2, 2)))
    known = exact.gaussian_paths(np.eye(4) / 2, ts, H, nu=[0.5, 0.125])
    for axis in range(2):
        product = positions[0, :, axis] * positions[1, :, axis]
        error = product.std() / np.sqrt(product.size)
        gap = product.mean() - known.correlation[1, axis, axis]
        assert abs(gap) < 4 * error


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ts": [0.0]}, "`ts` must have shape (2,)"),
        ({"positions": np.zeros((2, 3))}, "`positions` must have shape"),
        ({"nu": -1.0}, "`nu` must not be negative"),
        ({"nu": [1.0]}, "`nu` must have shape (2,)"),
        ({"second": 0}, "`second` must be another axis"),
        ({"second": 2}, "`second` must be at most 1"),
    ],
)
def test_refused(change, message):
    good = {"ts": [0.0, 1.0], "positions": np.zeros((2, 3, 2)), "nu": 0.5}
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        never_exchanged(**(good | change))

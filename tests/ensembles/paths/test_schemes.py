"""The steps and the spline by themselves, without chance."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.ensembles.paths.guide import Guide
from jqd.ensembles.paths.schemes import SCHEMES, Pull
from jqd.exact import squeezed_state
from jqd.spaces import Grid

GRID = Grid((-12.0, 12.0), 192)
D = NU = jnp.full((1, 1), 0.5)
WIDTH, TIME = 0.5, 2.0


@partial(jax.jit, static_argnums=(0, 1, 2))
def moments(scheme, steps, turn=lambda L: L):
    """Mean and variance at T of paths that start from the squeezed state.

    The drift of a Gaussian is linear: a step is x' = A x + B + C dW, whose constants
    are read from three points, and the moments follow without sampling.
    """
    dt = TIME / steps
    step = SCHEMES[scheme]

    def guide(t):
        psi = squeezed_state(GRID.x, t, center=1.0, width=WIDTH)
        spline = Guide.through(GRID, psi, 4)
        return lambda x: Pull(turn(spline.log_gradient(x)), None)

    def body(carry, i):
        mean, variance = carry
        # about the mean, where there is a wave
        x = mean + jnp.array([0.0, 0.1, 0.0])[:, None]
        noise = jnp.array([0.0, 0.0, 0.1])[:, None]
        now, later = guide(i * dt), guide((i + 1) * dt)
        B, moved, kicked = step(None, later, x, now(x), noise, dt, D, NU)[:, 0]
        A, C = (moved - B) / 0.1, (kicked - B) / 0.1
        return (B, A**2 * variance + C**2 * 2 * NU[0, 0] * dt), None

    start = (jnp.asarray(1.0), jnp.asarray(WIDTH**2))
    return jax.lax.scan(body, start, jnp.arange(steps))[0]


EXACT = np.cos(TIME), WIDTH**2 * np.cos(TIME) ** 2 + np.sin(TIME) ** 2


@partial(jax.jit, static_argnums=(0, 2))
def log_gradient(grid, psi, refine, x):
    return Guide.through(grid, psi, refine).log_gradient(x)


@pytest.mark.parametrize(("scheme", "order"), [("euler", 1), ("heun", 2)])
def test_weak_orders(scheme, order):
    errors = np.array([np.subtract(moments(scheme, n), EXACT) for n in (100, 200)])
    # Errors are dt^p (1 + O(dt)), dt = 0.02 and 0.01.
    np.testing.assert_allclose(np.log2(errors[0] / errors[1]), order, atol=0.1)
    # The figures of the step 0.01: the spline does not limit them.
    largest = {"euler": 5.2e-3, "heun": 2.7e-5}[scheme]
    assert np.max(abs(errors[1])) == pytest.approx(largest, rel=0.05)


def test_the_other_sign_of_the_osmotic_drift_is_not_the_density():
    """v + u in place of v - u: the variance at T = 2 is 62.2, not 0.870."""
    right = moments("heun", 200)[1]
    wrong = moments("heun", 200, lambda L: -jnp.conj(L))[1]
    assert right == pytest.approx(0.8701, abs=1e-4)
    assert wrong == pytest.approx(62.2, abs=0.1)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("points", "refine"),
    [((128,), 4), ((24, 22, 20, 26), 1), ((48, 40), 2), ((24,) * 3, 2)],
)
def test_log_gradient_between_the_points(points, refine):
    """∇ψ/ψ = i k - x/2s² of a Gaussian packet."""
    grid = Grid([(-6.0, 6.0)] * len(points), points)
    k, s = np.array([1.0, -0.5, 0.7, 0.2])[: len(points)], 0.9
    exponent = sum(
        1j * k[a] * x - x**2 / (4 * s**2) for a, x in enumerate(grid.coordinates)
    )
    x = np.random.default_rng(1).uniform(-1.5, 1.5, (50, len(points)))
    found = log_gradient(grid, jnp.exp(exponent), refine, jnp.asarray(x))
    exact = 1j * k[None, :] - x / (2 * s**2)
    # 0.0085 Δ³ ψ'''/ψ at spacings of .023, .15, .25 and .6, with ψ'''/ψ up to 8; in
    # four dimensions ψ itself errs by Δ⁴/300 as much
    tolerance = {1: 3e-6, 2: 1e-3, 3: 4e-3, 4: 2e-2}[len(points)]
    np.testing.assert_allclose(found, exact, atol=tolerance)


def test_the_pole_of_the_drift_is_the_zero_of_the_wave():
    grid = Grid((-8.0, 8.0), 64)
    psi = grid.x * jnp.exp(-(grid.x**2) / 2) + 0j
    x = jnp.array([1e-8, -1e-4, 0.0])[:, None]
    found = log_gradient(grid, psi, 4, x)
    np.testing.assert_allclose(found[:2] * x[:2], 1.0, atol=1e-6)
    assert jnp.isfinite(found).all()


def test_implicit_step_solves_its_equation():
    """Close to the node of n = 1: x' (1 + h) - h/x' = x + dW, h = 2ν dt = D-units."""
    grid, dt = Grid((-9.0, 9.0), 128), 0.05
    psi = grid.x * jnp.exp(-(grid.x**2) / 2) + 0j
    x = jnp.array([0.01, 0.1, 0.4, -0.05])[:, None]
    noise = jnp.array([0.1, -0.4, -0.7, 0.3])[:, None]

    @jax.jit
    def step(x, noise):
        spline = Guide.through(grid, psi, 4)

        def guide(x):
            return Pull(spline.log_gradient(x), None)

        return SCHEMES["implicit"](None, guide, x, guide(x), noise, dt, D, NU)

    moved = step(x, noise)
    y = np.asarray(x + noise)
    root = np.sqrt(y**2 + 4 * dt * (1 + dt))
    exact = (y + np.sign(x) * root) / (2 * (1 + dt))
    # Four placings of the pole leave 1e-3 of the widest move.
    np.testing.assert_allclose(moved, exact, atol=2e-3)

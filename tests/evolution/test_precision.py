"""Single precision, the Chebyshev series, blocks, and long free flight."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd import Adaptive, CopyDynamics, Fixed, Grid, Propagator, Schrodinger, evolve
from jqd.exact import matrices, on_grids
from jqd.problems import golden
from jqd.steppers import chin4a, rk4, srkn11, strang

GRID = Grid((-np.pi, np.pi), 32)


def pendulum(x, depth):
    return depth * (1 - jnp.cos(x))


def shaken(x, t, depth):
    return pendulum(x, depth) + jnp.sin(x) * jnp.sin(t)


def packet(grid=GRID):
    x = grid.x
    return grid.normalise(jnp.exp(-2 * (1 - jnp.cos(x - 0.8)) + 1j * x))


def particle(V=pendulum):
    return Schrodinger.on_grid(GRID, V, depth=2.5, mass=1.2, hbar=0.9)


# -- single precision -----------------------------------------------------------------


@pytest.mark.sampled
@pytest.mark.parametrize("V", [pendulum, shaken])
@pytest.mark.parametrize("stepper", [strang, chin4a, srkn11], ids=lambda s: s.name)
def test_single_precision_stays_single(V, stepper):
    """1000 steps of complex64 while 64-bit floats are on."""
    law, ts = particle(V), jnp.array([0.0, 1.0, 2.0])
    wide = evolve(law, packet(), ts, method=Fixed(stepper, 500, estimate_error=False))
    run = evolve(law, packet().astype(jnp.complex64), ts, method=Fixed(stepper, 500))
    assert run.values.dtype == jnp.complex64
    for leaf in (run.ts, run.error, run.failure_time):
        assert leaf.dtype == jnp.float32
    assert run.diagnostics["norm_drift"].dtype == jnp.float32
    # the budget: about 4e-5 per 1000 FFT pairs and flows, whose rounding adds up with
    # one sign; Strang has one a step, srkn11 has 11
    budget = 5e-5 * len(stepper.a)
    error = np.max(np.abs(run.values - wide.values))
    # rounding is there: this is no double precision in disguise
    assert 1e-7 < error < budget


def test_single_precision_of_a_series():
    """Of a potential that is a function, whose values are those of a grid in double."""
    law, ts = particle(), jnp.array([0.0, 1.0])
    wide = evolve(law, packet(), ts, method=Propagator())
    run = evolve(law, packet().astype(jnp.complex64), ts, method=Propagator())
    assert run.values.dtype == jnp.complex64
    # some hundred terms of a series in single precision
    np.testing.assert_allclose(run.values, wide.values, atol=5e-5)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("method", "literal"),
    [
        (Fixed(rk4, 100), False),
        (Fixed(rk4, 100), True),
        (Adaptive(rtol=1e-5, atol=1e-5), True),
    ],
    ids=["rk4-psi", "rk4-literal", "adaptive-literal"],
)
def test_single_precision_of_copy_dynamics(method, literal):
    law, psi = golden(0.5, -0.7, literal=literal)
    ts = jnp.array([0.0, 1.0])
    state = law.prepare(psi.astype(jnp.complex64))
    run = evolve(law, state, ts, method=method)
    for leaf in jax.tree.leaves((run.values, run.error, run.ts)):
        assert leaf.dtype in (jnp.complex64, jnp.float32)
    wide = evolve(
        law, law.prepare(psi), ts, method=Fixed(rk4, 100, estimate_error=False)
    )
    density = jax.vmap(law.density)
    error = np.max(np.abs(density(run.values) - density(wide.values)))
    # single rounding, or the tolerance times ten steps
    assert 1e-9 < error < (2e-5 if isinstance(method, Fixed) else 2e-4)


def test_single_precision_of_the_propagator():
    law, psi = golden()
    H = law.hamiltonian()
    ts = jnp.array([0.0, 3.0])
    run = evolve(Schrodinger(H), psi.astype(jnp.complex64), ts, method=Propagator())
    assert run.values.dtype == jnp.complex64
    error = np.abs(run.values - matrices.propagate(H, psi, ts))
    # a bound that holds, and no double precision in disguise
    assert np.all(error <= run.error)
    assert np.max(error) > 1e-9


def test_reversible_gradient_in_single_precision():
    def loss(law, psi, method):
        run = evolve(law, psi, jnp.array([0.0, 1.0]), method=method, observe="density")
        return jnp.sum(run.values[-1] ** 2)

    psi = packet().astype(jnp.complex64)
    slopes = [
        jax.jit(jax.grad(loss), static_argnums=2)(
            particle(), psi, Fixed(srkn11, 20, gradient=way, estimate_error=False)
        ).hamiltonian.mass
        for way in ("reversible", "direct")
    ]
    # rounding of 20 x 22 flows: 440^1/2 x 6e-8 x 10
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=2e-5)
    assert abs(slopes[0]) > 1e-3


# -- exact propagation ----------------------------------------------------------------


@pytest.mark.sampled
@pytest.mark.parametrize("shape", [(32,), (12, 10)])
def test_chebyshev_equals_the_eigenbasis(shape):
    grid = Grid(((-np.pi, np.pi),) * len(shape), shape)
    V = np.broadcast_to(
        sum(2.5 * (1 - np.cos(np.asarray(x))) for x in grid.coordinates), shape
    )
    psi = grid.normalise(
        jnp.exp(-sum((1 - jnp.cos(x - 0.8)) for x in grid.coordinates) + 0j)
    )
    ts = jnp.array([0.0, 0.3, 2.0, 9.0])
    law = Schrodinger.on_grid(grid, V, mass=1.2, hbar=0.9)
    run = evolve(law, psi, ts, method=Propagator())
    exact = on_grids.propagate(grid, V, psi, ts, mass=1.2, hbar=0.9)
    error = np.max(np.abs(run.values - exact), axis=tuple(range(1, run.values.ndim)))
    # rounding of |H| T = 1000 radians
    assert np.all(error < 1e-11)
    # and the bound holds, up to the rounding of the reference
    assert np.all(error <= np.max(run.error.reshape(4, -1), axis=1) + 1e-12)
    assert run.status == 0
    terms = int(run.diagnostics["num_terms"])
    given = evolve(law, psi, ts, method=Propagator(terms=terms))
    np.testing.assert_array_equal(given.values, run.values)
    # Negative control: with a third of the terms the series is wrong and says so.
    short = evolve(law, psi, ts, method=Propagator(terms=terms // 3))
    miss = np.max(np.abs(short.values - exact))
    assert not miss < 1e-3
    assert short.status != 0 or np.max(short.error) > 1e-3


def test_a_matrix_in_blocks():
    """Found where its values are known; under jit it is taken as a whole."""
    rng = np.random.default_rng(4)
    H = np.zeros((7, 7), complex)
    for block in ([0, 3, 5], [1, 6], [2], [4]):
        a = rng.normal(size=(len(block),) * 2) + 1j * rng.normal(size=(len(block),) * 2)
        H[np.ix_(block, block)] = a + a.conj().T
    psi = rng.normal(size=7) + 1j * rng.normal(size=7)
    psi = jnp.asarray(psi / np.linalg.norm(psi))
    ts = jnp.linspace(0, 5, 4)

    def run(H):
        return evolve(Schrodinger(H, 0.9), psi, ts, method=Propagator()).values

    exact = matrices.propagate(H, psi, ts, hbar=0.9)
    # rounding of phases of 30 radians
    np.testing.assert_allclose(run(H), exact, rtol=0, atol=1e-13)
    np.testing.assert_allclose(jax.jit(run)(H), exact, rtol=0, atol=1e-13)
    assert np.max(np.abs(run(H.T) - exact)) > 0.1  # Negative control


# -- a packet on a ring of copies -----------------------------------------------------


def test_free_packet_on_a_ring():
    """T20: v = (hbar / m a) sin(p a / hbar) exp(-(a / 2 s)^2 / 2) = 0.986600."""
    length, sites, hbar, width, momentum = 16.0, 128, 0.5, 0.8, 1.0
    spacing = length / sites
    hop = -np.eye(sites, k=1) * hbar**2 / (2 * spacing**2)
    hop[-1, 0] = hop[0, -1] = -(hbar**2) / (2 * spacing**2)
    H = hop + hop.T - np.diag(np.diag(hop))
    H = np.triu(H, 1) + np.triu(H, 1).T + np.eye(sites) * hbar**2 / spacing**2
    x = (np.arange(sites) - sites / 2) * spacing
    psi = np.exp(-((x + 2) ** 2) / (4 * width**2) + 1j * momentum * x / hbar)
    psi = psi / np.linalg.norm(psi)
    law = CopyDynamics.from_hamiltonian(H, hbar=hbar)
    # negative hopping is a positive rate with delta = pi
    assert np.all(np.isin(np.round(np.abs(law.delta), 12), [0, np.round(np.pi, 12)]))
    ts = jnp.array([0.0, 1.0])
    # RK4: dt = 1/1000, omega dt = 0.064: 1e-8 a unit of time
    run = evolve(
        law,
        law.prepare(psi),
        ts,
        method=Fixed(rk4, 1000, estimate_error=False),
        observe="density",
    )
    mean = np.asarray(run.values) @ x
    speed = mean[1] - mean[0]
    expected = (
        hbar / spacing * np.sin(momentum * spacing / hbar)
        * np.exp(-((spacing / (2 * width)) ** 2) / 2)
    )  # fmt: skip
    np.testing.assert_allclose(expected, 0.986600, rtol=0, atol=5e-7)
    np.testing.assert_allclose(speed, expected, rtol=0, atol=1e-6)
    # Negative controls: the continuum's speed, and the printed sign of the hopping.
    assert abs(speed - momentum) > 1e-2

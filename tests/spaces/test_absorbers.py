"""Absorbing walls: what they let back, exact decay, and who may follow them."""

import re

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from jqd import Adaptive, Fixed, Grid, Propagator, Schrodinger, evolve
from jqd.exact import free_gaussian, on_grids
from jqd.spaces import absorbing_layer
from jqd.steppers import chin4a, rk4, srkn6, srkn11, strang, yoshida4

LINE = Grid((-4.0, 4.0), 32)
MASS, HBAR = 1.3, 0.8


def fixed(stepper, substeps, **options):
    return Fixed(stepper, substeps, estimate_error=False, **options)


# -- the layer ------------------------------------------------------------------------


def test_the_layer():
    W = np.asarray(absorbing_layer(LINE, 2.0, 5.0))
    x = np.asarray(LINE.x)
    expected = 5 * np.clip((np.abs(x) - 2) / 2, 0, 1) ** 3
    np.testing.assert_allclose(W, expected, rtol=1e-15)
    assert W[0] == 5  # the wall, with which the box closes
    plane = Grid(((-4.0, 4.0), (0.0, 3.0)), (32, 6))
    one = np.asarray(absorbing_layer(plane, 2.0, 5.0, axes=(0,)))
    np.testing.assert_allclose(one, np.repeat(expected[:, None], 6, 1), rtol=1e-15)
    both = np.asarray(absorbing_layer(plane, (2.0, 1.0), 5.0))
    y = np.clip(1 - np.array([0, 0.5, 1, 1.5, 1, 0.5]), 0, 1) ** 3
    np.testing.assert_allclose(both, one + 5 * y[None, :], rtol=0, atol=1e-14)
    # the strength is a constant to differentiate by
    slope = jax.jacfwd(lambda A: absorbing_layer(LINE, 2.0, A))(5.0)
    np.testing.assert_allclose(slope, W / 5, rtol=1e-15)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("wavelengths", "most"),
    # reflection + transmission at E = 1/2, A = 3E; the packet's slower waves are
    # stopped better, its faster ones worse
    [(1.6, 1e-4), (3.2, 1e-7), (6.0, 2e-9)],
)
def test_what_comes_back(wavelengths, most):
    """A packet with k = 1 is stopped; half of the layer stops it far less."""
    width = wavelengths * 2 * np.pi
    half = 96.0
    grid = Grid((-half, half), 256)
    psi = free_gaussian(grid.x, 0.0, momentum=1.0, width=10.0)
    ts = np.array([0.0, 240.0])

    layers = jnp.stack([absorbing_layer(grid, w, 1.5) for w in (width, width / 2)])
    thick, thin = jax.vmap(lambda W: _left(grid, psi, ts, W))(layers)
    assert thick < most
    assert thin > 10 * thick  # Negative control


def _left(grid, psi, ts, W):
    law = Schrodinger.on_grid(grid, jnp.zeros(grid.shape), absorber=W)
    run = evolve(law, psi, ts, method=fixed(strang, 1200), observe="density")
    return grid.integrate(run.values[-1])


# -- the law --------------------------------------------------------------------------


def well(x):
    return 0.1 * x**2 + 0.1 * x


W = np.asarray(absorbing_layer(LINE, 2.0, 3.0))
PSI = free_gaussian(LINE.x, 0.0, momentum=1.8, width=0.6)
TS = jnp.array([0.0, 1.2, 2.4])


def absorbed_law(**options):
    options = {"mass": MASS, "hbar": HBAR, "absorber": W} | options
    return Schrodinger.on_grid(LINE, well, **options)


def exact(t, absorber=W):
    """exp(-i (H - iW) t / hbar) psi by a dense exponential."""
    H = np.asarray(on_grids.hamiltonian(LINE, well(LINE.x), mass=MASS, hbar=HBAR))
    generator = -1j / HBAR * (H - 1j * np.diag(absorber))
    return scipy.linalg.expm(t * generator) @ np.asarray(PSI)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("method", "tolerance"),
    [
        # truncation at steps of 0.012, h^2 and h^4 times the rates of the fastest
        # waves; the layer has a kink where the box closes, where Chin's gradient is
        # off; rk4 at 0.003; a tolerance of 1e-8 a step
        (fixed(strang, 100), 3e-5),
        (fixed(chin4a, 100), 1e-6),
        (fixed(rk4, 400), 1e-7),
        (Adaptive(diffrax.Tsit5(), 1e-8, 1e-8, estimate_error=False), 1e-6),
    ],
    ids=["strang", "chin4a", "rk4", "adaptive"],
)
def test_evolution_equals_a_dense_exponential(method, tolerance):
    run = evolve(absorbed_law(), PSI, TS, method=method)
    last = np.asarray(run.values[-1])
    np.testing.assert_allclose(last, exact(2.4), rtol=0, atol=tolerance)
    norm = LINE.integrate(np.abs(exact(2.4)) ** 2)
    np.testing.assert_allclose(
        run.diagnostics["max_absorbed"], 1 - norm, rtol=0, atol=tolerance
    )
    # nothing is conserved, and no drift is called an error
    assert not {"norm_drift", "energy_drift"} & set(run.diagnostics)
    # Negative controls: a layer 1 % weaker, and none
    assert np.max(np.abs(last - exact(2.4, 0.99 * W))) > 3 * tolerance
    assert norm < 0.9


@pytest.mark.sampled
@pytest.mark.parametrize(("stepper", "order"), [(strang, 2), (chin4a, 4)])
def test_orders(stepper, order):
    """The correction of Chin's step holds for a complex potential too."""
    angle = np.pi * np.asarray(LINE.x) / 4
    V, smooth = jnp.sin(angle), 1.5 * (1 + np.cos(angle + 0.4))
    law = Schrodinger.on_grid(LINE, V, mass=MASS, hbar=HBAR, absorber=smooth)
    H = np.asarray(on_grids.hamiltonian(LINE, V, mass=MASS, hbar=HBAR))
    generator = -1j / HBAR * (H - 1j * np.diag(smooth))
    expected = scipy.linalg.expm(2.4 * generator) @ np.asarray(PSI)
    errors = []
    for n in (15, 30):  # as an array: one program for both
        method = fixed(stepper, 1, counts=jnp.asarray(n))
        last = evolve(law, PSI, TS, method=method).values[-1]
        errors.append(np.max(np.abs(np.asarray(last) - expected)))
    coarse, fine = errors
    np.testing.assert_allclose(np.log2(coarse / fine), order, atol=0.2)


def test_the_flow_decays_exactly():
    """exp(-W dt / hbar), whatever dt: V and W share a basis."""
    outer = absorbed_law().exact().flows().outer
    after = outer(0.0, PSI, 0.37)
    np.testing.assert_allclose(
        np.abs(after) / np.abs(PSI), np.exp(-W * 0.37 / HBAR), rtol=1e-13
    )
    turn = np.exp(-0.37j * well(np.asarray(LINE.x)) / HBAR)
    np.testing.assert_allclose(
        after, turn * np.exp(-W * 0.37 / HBAR) * PSI, rtol=1e-12, atol=1e-16
    )


def test_norm_falls_at_the_rate_of_the_absorber():
    """d<1>/dt = -2 <W> / hbar."""
    law = absorbed_law()
    slope = law.vector_field(0.0, PSI)
    rate = 2 * LINE.integrate(jnp.real(jnp.conj(PSI) * slope))
    expected = -2 * LINE.integrate(W * jnp.abs(PSI) ** 2) / HBAR
    np.testing.assert_allclose(rate, expected, rtol=1e-11)


@pytest.mark.slow
def test_batches_precision_and_gradients():
    method = fixed(strang, 8)

    def end(scale, psi=PSI):
        law = absorbed_law(absorber=scale * W)
        return evolve(law, psi, TS, method=method).values[-1]

    def norm(scale):
        return LINE.integrate(jnp.abs(end(scale)) ** 2)

    h = 1e-5
    one = jax.jit(end)
    batch = jax.jit(jax.vmap(end))(jnp.array([0.0, 1.0, 1 + h, 1 - h]))
    np.testing.assert_array_equal(batch[1], one(1.0))
    # an absorber of zero changes nothing but the rounding of a product
    closed = evolve(absorbed_law(absorber=None), PSI, TS, method=method).values[-1]
    np.testing.assert_allclose(batch[0], closed, rtol=0, atol=1e-14)
    single = one(1.0, PSI.astype(jnp.complex64))
    assert single.dtype == jnp.complex64
    # 16 steps in single precision
    np.testing.assert_allclose(single, batch[1], rtol=0, atol=3e-6)
    norms = np.sum(np.abs(np.asarray(batch)) ** 2, axis=1) * LINE.cell
    slope = jax.jit(jax.grad(norm))(1.0)
    # rounding 1e-16 / 1e-5
    np.testing.assert_allclose(
        slope, (norms[2] - norms[3]) / (2 * h), rtol=0, atol=1e-9
    )
    assert slope < -0.01


# -- refused --------------------------------------------------------------------------


@pytest.mark.parametrize("stepper", [yoshida4, srkn6, srkn11], ids=lambda s: s.name)
def test_steps_back_are_refused(stepper):
    with pytest.raises(
        ValueError, match=f"negative coefficients.*`{stepper.name}` has"
    ):
        evolve(absorbed_law(), PSI, TS, method=fixed(stepper, 1))


@pytest.mark.parametrize("terms", [None, 40])
def test_methods_that_need_a_unitary_law_are_refused(terms):
    with pytest.raises(ValueError, match="must not be a Propagator for a law with an"):
        evolve(absorbed_law(), PSI, TS, method=Propagator(terms))
    backwards = fixed(strang, 1, gradient="reversible")
    with pytest.raises(ValueError, match="`gradient` must not be 'reversible' for th"):
        evolve(absorbed_law(), PSI, TS, method=backwards)


@pytest.mark.parametrize(
    ("absorber", "message"),
    [
        (-W, "must not be negative, but its smallest entry is -3"),
        (W[1:], "must have shape (32,), but its shape is (31,)"),
        (1j * W, "must be real"),
        (W + np.nan, "must be finite"),
    ],
)
def test_bad_absorbers(absorber, message):
    with pytest.raises(ValueError, match=re.escape(f"`absorber` {message}")):
        absorbed_law(absorber=absorber)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 4.1}, "`width` must be positive and at most half the box, but is 4"),
        ({"width": 0.0}, "`width` must be positive and at most half the box, but is 0"),
        ({"strength": -1.0}, "`strength` must be positive, but it is -1.0"),
        ({"strength": np.ones(2)}, "`strength` must have shape ()"),
        ({"axes": (1,)}, "`axes` must be one of -1, 0, but it is 1"),
        ({"axes": (0, -1)}, "`axes` must name at least one axis, each once"),
        ({"axes": ()}, "`axes` must name at least one axis, each once"),
    ],
)
def test_bad_layers(change, message):
    arguments = {"width": 1.0, "strength": 1.0} | change
    with pytest.raises(ValueError, match=re.escape(message)):
        absorbing_layer(LINE, **arguments)

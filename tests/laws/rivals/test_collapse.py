"""Continuous collapse: a step and its mean, and what chance may not change."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.exact.matrices import propagate
from jqd.laws import Collapse, StepNoise
from jqd.steppers import strang

DT = 0.5


def random_law(levels, observables, draw):
    """Several observables that commute with each other, but not with H."""
    rng = np.random.default_rng(3)
    H = rng.normal(size=(levels, levels)) + 1j * rng.normal(size=(levels, levels))
    A = rng.normal(size=(observables, levels))
    gamma = rng.uniform(0.2, 0.8, observables)
    return Collapse((H + H.conj().T) / 2, A, gamma, 0.7, draw=draw)


def random_state(levels):
    rng = np.random.default_rng(4)
    psi = rng.normal(size=levels) + 1j * rng.normal(size=levels)
    return jnp.asarray(psi / np.linalg.norm(psi))


def gauss(points, dt, channels):
    """Nodes (n, K) and weights of increments, which are normal of variance dt."""
    x, weight = np.polynomial.hermite_e.hermegauss(points)
    nodes = np.stack(np.meshgrid(*[x] * channels), axis=-1).reshape(-1, channels)
    weights = functools.reduce(np.multiply.outer, [weight / weight.sum()] * channels)
    return jnp.asarray(np.sqrt(dt) * nodes), jnp.asarray(weights.reshape(-1))


def classes_of(law, psi, dt):
    """A uniform number that draws each class, and how likely it is."""
    # the law without rates turns alone
    still = Collapse(law.H, law.A, 0.0, law.hbar, draw=False)
    zero = StepNoise(jnp.zeros(law.gamma.shape))
    p = law.density(still.step(0.0, psi, dt / 2, zero))
    ends = jnp.cumsum(p)
    return ends - p / 2, p


def mean_after(law, psi, dt, observe, points=40):
    """E observe(ψ(dt)), by quadrature over the noise."""
    w, weights = gauss(points, dt, law.gamma.size)
    step = jax.jit(
        jax.vmap(
            lambda w, u: observe(law.step(0.0, psi, dt, StepNoise(w, u))), (0, None)
        )
    )
    if not law.draw:
        return jnp.tensordot(weights, step(w, None), 1)
    us, p = classes_of(law, psi, dt)
    each = jax.vmap(lambda u: jnp.tensordot(weights, step(w, u), 1))(us)
    return jnp.tensordot(p, each, 1)


def projector(psi):
    return psi[:, None] * jnp.conj(psi)[None, :]


def sz(psi):
    return jnp.abs(psi[0]) ** 2 - jnp.abs(psi[1]) ** 2


@pytest.mark.sampled
@pytest.mark.parametrize(("levels", "observables"), [(2, 1), (3, 2)])
def test_the_mean_of_a_drawn_step_is_strangs(levels, observables):
    law, psi = random_law(levels, observables, True), random_state(levels)
    mean = mean_after(law, psi, 0.05, projector)
    field = law.mean_field()
    # the quadrature of a smooth function by 40 nodes, to rounding
    np.testing.assert_allclose(
        mean, strang(field, 0.0, field.prepare(psi), 0.05), atol=1e-11
    )


def local_slope(law, series, psi):
    """Order of the error of one step in E ⟨σ_z⟩², which no density operator tells."""
    steps = np.array([0.02, 0.01])
    exact = np.polynomial.polynomial.polyval(steps, series)
    means = [mean_after(law, psi, dt, lambda psi: sz(psi) ** 2, 20) for dt in steps]
    coarse, fine = np.abs(np.array(means) - exact)
    return np.log2(coarse / fine)


def series_of(law, psi, terms=5):
    """Coefficients of E f(ψ(dt)) = Σ dtⁿ/n! (Lⁿ f)(ψ), f = ⟨σ_z⟩², L of Itô's equation.

    In the Bloch vector of a qubit with H = σ_x/2, A = σ_z:
    dx = -2γx dt - 2√γ xz dW, dy = (-z - 2γy) dt - 2√γ yz dW,
    dz = y dt + 2√γ (1 - z²) dW.
    """
    gamma = law.gamma[0]

    def drift(r):
        x, y, z = r
        return jnp.stack([-2 * gamma * x, -z - 2 * gamma * y, y])

    def noise(r):
        x, y, z = r
        return 2 * jnp.sqrt(gamma) * jnp.stack([-x * z, -y * z, 1 - z**2])

    def generator(f):
        def moved(r):
            b = noise(r)
            slope, curved = jax.jvp(jax.grad(f), (r,), (b,))
            return slope @ drift(r) + 0.5 * b @ curved

        return moved

    rho = projector(psi)
    r = jnp.stack([2 * rho[1, 0].real, 2 * rho[1, 0].imag, sz(psi)])
    f, found = lambda r: r[2] ** 2, []
    for n in range(terms):
        found.append(float(f(r)) / math.factorial(n))
        f = generator(f)
    return np.array(found)


@pytest.mark.slow
def test_paths_are_of_weak_order_two_and_without_the_root_of_order_one(qubit, girsanov):
    """Drawn steps are Strang's in the mean, whose order is measured with `Dephasing`;
    their error in this observable nearly vanishes at this state."""
    make, psi = qubit
    series = series_of(make(), psi)
    # an error of dt³ in a step: order 2 in all
    assert 2.7 < local_slope(make(False), series, psi) < 3.3
    assert 1.7 < local_slope(girsanov(make(False)), series, psi) < 2.3


def test_a_step_of_commuting_operators_is_exact_at_any_length():
    """H diagonal: the weights after one long step have the moments of the record."""
    p, gamma, t = 0.3, 0.5, 1.0
    psi = jnp.sqrt(jnp.array([p, 1 - p])) + 0j
    law = Collapse(jnp.array([0.4, -0.9]), jnp.array([1.0, -1.0]), gamma)
    root = mean_after(law, psi, t, lambda psi: jnp.abs(psi[0] * psi[1]), 90)
    # E √(p₁p₂) = √(p(1-p)) exp(-γ (ΔA)² t/2); the integrand has a scale of its own
    np.testing.assert_allclose(root, np.sqrt(0.21) * np.exp(-gamma * 2 * t), atol=1e-7)
    # Born's weight is a martingale
    born = mean_after(law, psi, t, lambda psi: jnp.abs(psi[0]) ** 2, 90)
    np.testing.assert_allclose(born, p, atol=1e-9)


@pytest.mark.parametrize("draw", [True, False])
def test_no_rate_is_schrodingers_equation(draw):
    law, psi = random_law(3, 2, draw), random_state(3)
    still = Collapse(law.H, law.A, 0.0, law.hbar, draw=draw)
    w = StepNoise(jnp.array([0.3, -0.8]), 0.4 if draw else None)
    exact = propagate(law.H, psi, jnp.array([0.0, DT]), hbar=law.hbar)[-1]
    np.testing.assert_allclose(still.step(0.0, psi, DT, w), exact, atol=1e-14)


def test_the_drift_is_that_of_the_mean_step():
    law, psi = random_law(3, 2, False), random_state(3)
    dt = 1e-4
    mean = mean_after(law, psi, dt, lambda psi: psi, 10)
    # the second derivatives of E ψ, some units, times dt
    np.testing.assert_allclose(
        (mean - psi) / dt, law.vector_field(0.0, psi), atol=30 * dt
    )


def test_the_classes_are_drawn_as_often_as_they_weigh():
    law = Collapse(jnp.zeros(4), jnp.arange(4.0), 1e6)
    psi = jnp.sqrt(jnp.array([0.1, 0.0, 0.6, 0.3])) + 0j
    u = (jnp.arange(1000) + 0.5) / 1000
    step = jax.jit(
        jax.vmap(lambda u: law.step(0.0, psi, 1.0, StepNoise(jnp.zeros(1), u)))
    )
    ends = step(u)
    # a measurement as strong as this ends in the class that was drawn
    np.testing.assert_array_equal(
        jnp.sum(law.density(ends) > 0.5, axis=0), [100, 0, 600, 300]
    )
    # an empty class is not drawn, whatever the number is
    ends = step(jnp.array([0.0, 0.1, np.nextafter(1, 0)]))
    assert np.all(np.isfinite(ends))
    np.testing.assert_array_equal(law.density(ends)[:, 1], 0)


@pytest.mark.slow
def test_paths_have_derivatives_and_draws_refuse_them(qubit):
    make, psi = qubit
    w = StepNoise(jnp.array([0.7]))

    def end(gamma, draw=False, w=w):
        law = make(draw, gamma)
        return sz(law.step(0.0, law.step(0.0, psi, 0.1, w), 0.1, w))

    h = 1e-5
    # central differences: h² times a third derivative, and rounding/h
    difference = (end(0.5 + h) - end(0.5 - h)) / (2 * h)
    np.testing.assert_allclose(jax.grad(end)(0.5), difference, rtol=1e-7)
    np.testing.assert_allclose(jax.jacfwd(end)(0.5), difference, rtol=1e-7)
    assert np.isfinite(jax.grad(end)(0.0))
    drawn = StepNoise(w.increments, jnp.asarray(0.3))
    assert np.isfinite(end(0.5, True, drawn))
    for derivative in (jax.grad, jax.jacfwd):
        with pytest.raises(ValueError, match=r"must not draw .* draw=False"):
            derivative(end)(0.5, True, drawn)


def test_constants_batch_and_jit(qubit):
    make, psi = qubit
    w = StepNoise(jnp.array([0.7]), jnp.asarray(0.3))
    gammas = jnp.array([0.0, 0.2, 0.9])
    both = jax.jit(jax.vmap(lambda g: make(True, g).step(0.0, psi, 0.1, w)))(gammas)
    each = jnp.stack([make(True, g).step(0.0, psi, 0.1, w) for g in gammas])
    np.testing.assert_allclose(both, each, atol=1e-14)
    # the same noise, the same step
    again = make(True, 0.2).step(0.0, psi, 0.1, w)
    np.testing.assert_array_equal(again, make(True, 0.2).step(0.0, psi, 0.1, w))


GOOD = {"H": np.eye(2), "A": [1.0, -1.0], "gamma": 0.5, "hbar": 1.0}


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("H", "number"),
        ("A", "real scalar"),
        ("gamma", "rate"),
        ("hbar", "positive"),
    ],
)
def test_nonsense_is_refused(complaints, name, kinds):
    assert complaints(Collapse, GOOD, name, kinds) == {}


def test_what_else_is_refused(qubit):
    make, psi = qubit
    with pytest.raises(ValueError, match="`w` must be the noise of the step"):
        make().step(0.0, psi, 0.1)
    with pytest.raises(ValueError, match="`gamma` must be one rate or one"):
        Collapse(np.eye(2), np.ones((3, 2)), [0.1, 0.2])
    with pytest.raises(ValueError, match="`draw` must be True or False"):
        Collapse(np.eye(2), [1, -1], 0.1, draw="yes")
    with pytest.raises(ValueError, match="`psi` must be normalised"):
        make().prepare([1.0, 1.0])

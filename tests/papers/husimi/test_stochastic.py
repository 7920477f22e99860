"""Section II of the Husimi paper: ordinary diffusions and the direction of time."""

import itertools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jqd.readings.path_weights import backward_kernel

from .conftest import equation

# A few operations on numbers of order 1 in float64.
ROUNDING = 1e-13


Function = Callable[[Array], Array]


def sde_step(
    drift: Float[Array, " N"],
    noise: Float[Array, "N K"],
    dt: ArrayLike,
    increments: Float[Array, " K"],
) -> Float[Array, " N"]:
    """dx_i = a_i dt + Σ_j c_ij dW_j

    Args:
        drift: a at the point, (N,).
        noise: c at the point, (N, K).
        dt: time step.
        increments: dW, (K,), independent, of variance dt.
    """
    return drift * dt + noise @ increments


def noise_covariance(noise: Float[Array, "N K"]) -> Float[Array, "N N"]:
    """D = c cᵀ, which is positive semi-definite.

    Args:
        noise: c, (N, K).
    """
    return noise @ noise.T


def fokker_planck_rate(
    drift: Function, diffusion: Function, density: Function, x: Float[Array, " N"]
) -> Float[Array, ""]:
    """∂_t p = -Σ_i ∂_i (a_i p) + (1/2) Σ_ij ∂_i ∂_j (D_ij p)

    Args:
        drift: a(x), (N,).
        diffusion: D(x), (N, N).
        density: p(x).
        x: one point, (N,).
    """

    def flow(point):
        return drift(point) * density(point)

    def spread(point):
        return diffusion(point) * density(point)

    divergence = jnp.trace(jax.jacfwd(flow)(x))
    second = jnp.einsum("ijij->", jax.jacfwd(jax.jacfwd(spread))(x))
    return second / 2 - divergence


def short_time_kernel(
    moved: Float[Array, " N"],
    x: Float[Array, " N"],
    drift: Float[Array, " N"],
    diffusion: Float[Array, "N N"],
    dt: ArrayLike,
) -> Float[Array, ""]:
    """P(x', t+Δt | x, t) for small Δt.

    exp(-|x' - x - aΔt|²/2Δt) / √((2πΔt)^N det D), with |v|² = v D⁻¹ v

    Args:
        moved: x', (N,).
        x: where it started, (N,).
        drift: a at x, (N,).
        diffusion: D at x, (N, N), positive definite.
        dt: Δt > 0.
    """
    away = moved - x - drift * dt
    square = away @ jnp.linalg.solve(diffusion, away)
    _, logdet = jnp.linalg.slogdet(2 * jnp.pi * dt * diffusion)
    return jnp.exp(-square / (2 * dt) - logdet / 2)


def nelson_drift(
    R: Function,
    S: Function,
    x: Float[Array, " N"],
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Float[Array, " N"]:
    """Forward drift ∇S/m + (ħ/2m) ∇ln R of ψ = √R e^(iS/ħ).

    Args:
        R: the probability density, R(x) > 0.
        S: the phase times ħ.
        x: one point, (N,).
    """
    osmotic = jax.grad(lambda point: jnp.log(R(point)))(x) * hbar / 2
    return (jax.grad(S)(x) + osmotic) / mass


def nelson_kernel(
    moved: Float[Array, " N"],
    x: Float[Array, " N"],
    R: Function,
    S: Function,
    dt: ArrayLike,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Float[Array, ""]:
    """P(x', t+Δt | x, t) in Nelson's mechanics: diffusion ħ/m about the forward drift.

    Args:
        moved: x', (N,).
        x: where it started, (N,).
        R: the probability density, R(x) > 0.
        S: the phase times ħ.
        dt: Δt > 0.
    """
    diffusion = jnp.asarray(hbar) / mass * jnp.eye(x.shape[0], dtype=x.dtype)
    drift = nelson_drift(R, S, x, mass, hbar)
    return short_time_kernel(moved, x, drift, diffusion, dt)


@equation("1")
@equation("claim-watanabe")
def test_backward_kernel_depends_on_the_preparation():
    rng = np.random.default_rng(1)
    forward = jnp.asarray(rng.dirichlet(np.ones(4), 3).T)  # 4 ends, 3 starts
    densities = jnp.asarray(rng.dirichlet(np.ones(3), 2))
    first, second = (backward_kernel(forward, p) for p in densities)
    assert np.allclose(first.sum(0), 1, rtol=0, atol=ROUNDING)
    # the same joint probabilities, seen from the end
    end = forward @ densities[0]
    joint = forward * densities[0][None, :]
    assert np.allclose(first * end[None, :], joint.T, rtol=0, atol=ROUNDING)
    assert np.max(np.abs(first - second)) > 0.1
    # unless the motion is deterministic
    exchange = jnp.eye(3)[jnp.array([1, 2, 0])]
    for p in densities:
        backward = backward_kernel(exchange, p)
        assert np.allclose(backward, exchange.T, rtol=0, atol=ROUNDING)
    # or unless no end can be reached from two starts: x' = (x + bit)/2, a fair bit,
    # is random forward, and backward x = 2x' mod 1 whatever the preparation
    halved = jnp.concatenate([jnp.eye(3), jnp.eye(3)]) / 2
    for p in densities:
        backward = backward_kernel(halved, p)
        assert np.allclose(backward, 2 * halved.T, rtol=0, atol=ROUNDING)
    # a deterministic merger forgets: its backward kernel is the preparation
    merger = jnp.zeros((3, 3)).at[0].set(1)
    for p in densities:
        assert np.allclose(backward_kernel(merger, p)[:, 0], p, atol=ROUNDING)
    # an end that is never reached has no past
    never = backward_kernel(jnp.zeros((2, 2)).at[0].set(1), jnp.ones(2) / 2)
    assert np.array_equal(never[:, 1], [0, 0])


@equation("2")
@equation("4")
def test_increments_of_a_diffusion():
    rng = np.random.default_rng(2)
    drift, noise, dt = rng.normal(size=3), rng.normal(size=(3, 2)), 0.01
    # Signs ±√dt have the first two moments of Gaussian increments.
    signs = np.array(list(itertools.product([-1, 1], repeat=2)))
    steps = np.stack([sde_step(drift, noise, dt, np.sqrt(dt) * sign) for sign in signs])
    D = noise_covariance(noise)
    assert np.allclose(steps.mean(0), drift * dt, rtol=0, atol=ROUNDING)
    assert np.allclose(np.cov(steps.T, bias=True), D * dt, rtol=0, atol=ROUNDING)
    # three coordinates, two sources of noise: one direction without any
    assert np.allclose(np.linalg.eigvalsh(D)[0], 0, atol=ROUNDING)
    assert np.all(np.linalg.eigvalsh(D)[1:] > 0)


def drift(x):
    return jnp.stack([jnp.sin(x[0])])


def diffusion(x):
    return jnp.reshape(1 + 0.3 * jnp.cos(x[0]), (1, 1))


def density(x):
    return jnp.exp(-jnp.sum(x**2)) * (1 + 0.5 * x[0])


@equation("3")
@equation("5")
def test_short_time_kernel_gives_the_fokker_planck_equation():
    end = jnp.array([0.4])
    grid = jnp.linspace(-1.0, 1.8, 4001)[:, None]

    @jax.jit
    def change(dt):
        def integrand(x):
            kernel = short_time_kernel(end, x, drift(x), diffusion(x), dt)
            return kernel * density(x)

        total = jnp.sum(jax.vmap(integrand)(grid)) * (grid[1, 0] - grid[0, 0])
        return (total - density(end)) / dt

    dt = 2e-3  # a width of 0.05 in a step of 7e-4: the sum is exact to rounding
    expected = fokker_planck_rate(drift, diffusion, density, end)
    first, second = change(dt), change(dt / 2)
    # errors of order dt, which one extrapolation removes up to dt² times 10
    assert abs(2 * second - first - expected) < 1e-4
    assert 1.8 < (first - expected) / (second - expected) < 2.2
    # Negative control: without the 1/2 before the second derivatives.
    double = fokker_planck_rate(drift, lambda x: 2 * diffusion(x), density, end)
    assert abs(double - expected) > 0.1


@equation("5")
def test_short_time_kernel_has_the_covariance_of_the_noise():
    a, D, dt = jnp.array([0.3, -1.0]), jnp.array([[1.0, 0.4], [0.4, 0.5]]), 0.1
    x = jnp.array([0.2, 0.1])
    axis = np.linspace(-2.5, 2.5, 201)
    away = jnp.asarray(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2))
    kernel = (
        jax.jit(jax.vmap(lambda d: short_time_kernel(x + d, x, a, D, dt)))(away)
        * (axis[1] - axis[0]) ** 2
    )
    # Gaussians summed in steps of 1/9 of their width and cut at 8 widths
    assert abs(kernel.sum() - 1) < 1e-12
    mean = kernel @ away
    assert np.allclose(mean, a * dt, rtol=0, atol=1e-12)
    covariance = (away - mean[None, :]).T @ (kernel[:, None] * (away - mean[None, :]))
    assert np.allclose(covariance, D * dt, rtol=0, atol=1e-12)


@equation("claim-one-way")
def test_diffusion_backward_in_time_has_no_bound():
    def decay(k):
        wave = lambda x: jnp.cos(k * x[0])  # noqa: E731
        still, even = lambda x: jnp.zeros(1), lambda x: jnp.eye(1)
        return fokker_planck_rate(still, even, wave, jnp.zeros(1))

    rates = jax.jit(jax.vmap(decay))(jnp.array([1.0, 10.0, 100.0]))
    # -k²/2: backward a wave grows without a bound on its rate
    assert np.allclose(rates, [-0.5, -50.0, -5000.0], rtol=1e-12)


@equation("6")
@equation("claim-nelson-density")
def test_nelson_diffusion_moves_the_density_with_the_current():
    mass, hbar, x = 1.7, 0.6, jnp.array([0.3, -0.2])

    def R(x):
        return jnp.exp(-(x[0] ** 2) - 0.5 * x[1] ** 2 + 0.3 * x[0] * x[1])

    def S(x):
        return jnp.sin(x[0]) + x[0] * x[1] ** 2

    def drift(x):
        return nelson_drift(R, S, x, mass, hbar)

    def rate(density):
        even = hbar / mass * jnp.eye(2)
        return fokker_planck_rate(drift, lambda x: even, density, x)

    def current(density):
        flow = jax.jacfwd(lambda x: density(x) * jax.grad(S)(x) / mass)
        return -jnp.trace(flow(x))

    def square(x):
        return R(x) ** 2

    @jax.jit
    def gaps():
        return rate(R) - current(R), rate(square) - current(square)

    right, printed = gaps()
    assert abs(right) < 1e-12  # second derivatives of order 10
    assert abs(printed) > 0.1  # with R² for the density it is not conserved
    # the kernel has this drift and ħ/m for its spread
    dt = 0.01
    even = hbar / mass * jnp.eye(2)
    expected = short_time_kernel(x + 0.1, x, drift(x), even, dt)
    kernel = nelson_kernel(x + 0.1, x, R, S, dt, mass, hbar)
    assert np.isclose(kernel, expected, rtol=1e-12)
    assert kernel > 0.1

"""Ordinary diffusions, and why the two directions of time differ in them."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

Function = Callable[[Array], Array]


def backward_kernel(
    forward: Float[Array, "n m"], density: Float[Array, " m"]
) -> Float[Array, "m n"]:
    """Where a system came from, by Bayes' theorem.

    P(x, t | x', t+Δt) = P(x', t+Δt | x, t) P(x, t) / P(x', t+Δt)

    Args:
        forward: P(x' | x), row x', column x; columns add up to 1.
        density: P(x, t), the preparation.

    Returns:
        P(x | x'), row x, column x'; 0 where x' is never reached.
    """
    joint = forward * density[None, :]
    total = jnp.sum(joint, axis=1)[:, None]
    reached = total > 0
    return jnp.where(reached, joint / jnp.where(reached, total, 1), 0).T


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

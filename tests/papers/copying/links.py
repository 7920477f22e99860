"""Angles and powers that live on the links between two classes.

In the formulas of this folder individuals I = 1..N carry a beable a_I (an integer in
0..M-1) and a phase φ_I; classes a = 1..M carry an occupation n_a, a density ρ_a = n_a/N
and a phase φ_a. Throughout, Ψ_a = √ρ_a e^{-iφ_a}, H_aa = ω_a, H_ab = R_ab e^{iδ_ab}
(ħ = 1), with R symmetric and non-negative, δ antisymmetric, x_ab = φ_a - φ_b + δ_ab.
Phases and angles are in radians; ω, R and all rates are per unit time. A matrix entry
[a, b] belongs to the flow b → a. A link that touches an empty class contributes
nothing: there is nobody to copy.

Where the printed equation is inconsistent, `printed=True` gives it literally. A formula
in a docstring is what the function returns. All functions take, where they say nothing
else,

    beable         a_I, (N,) integer
    phase          φ_I, (N,), or φ_a, (M,), radians
    momentum       π_I, (N,), 1/time
    occupation     n_a, (M,)
    density        ρ_a, (M,)
    num_classes    M
    omega          ω_a, (M,), 1/time
    R              coupling, (M, M), 1/time; its diagonal is ignored
    delta          δ_ab, (M, M), radians
    F              F_ab, (M, M), 1/time
    f              alignment frequency, 1/time
    potential      "sin2", the paper's, or "1-cos"
    norm           "paper" or "class"
"""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float


def per_pair(matrix: Array, beable: Array) -> Array:
    """Entry of the classes of each pair of individuals, (N, N)."""
    return matrix[beable[:, None], beable[None, :]]


def ratio_power(x: Array, power: ArrayLike) -> Array:
    """(x_a/x_b)^power, (M, M); 0 on links with an empty class."""
    # Double where: the power of 0 or 1/0 must not reach the gradient either.
    filled = x > 0
    safe = jnp.where(filled, x, 1)
    ratio = (safe[:, None] / safe[None, :]) ** power
    return jnp.where(filled[:, None] & filled[None, :], ratio, 0)


def positive_sine(angle: Float[Array, "..."]) -> Float[Array, "..."]:
    """Sine where it is positive, else zero.

    sin⁺θ = max(sin θ, 0)

    Args:
        angle: θ in radians, any shape.

    Returns:
        Array like `angle`, in [0, 1].
    """
    return jnp.maximum(jnp.sin(angle), 0)


def link_angle(
    phase: Float[Array, " M"], delta: Float[Array, "M M"]
) -> Float[Array, "M M"]:
    """Gauge-invariant angle of every link.

    x_ab = φ_a - φ_b + δ_ab, in radians

    Source: Smolin (2012), argument of eq. 30.
    """
    return phase[:, None] - phase[None, :] + delta

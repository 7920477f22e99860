"""Bilinear Hamiltonians as first derivatives on Gaussian kets of every squeezing."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex

from ..registry import equations_of

equation = equations_of("husimi")

# f(z, t) = (ψ|z, t) of the unnormalised |z, t) = exp(Σ z_i a_i† + ½ Σ t_ij a_i†a_j†)|0>
GaussianFunction = Callable[[Array, Array], Array]


@equation("claim-gaussian-operators", "V D").holds(
    "On an enlarged phase space of Gaussian operators every quartic interaction has "
    "Fokker-Planck form (reaction 2). On pure Gaussian kets every bilinear operator is "
    "a first derivative, and quartic ones are sums of their products: tried for each "
    "quartic term of one mode, and for a complex field. Expansions in other Gaussian "
    "operators were not tried.",
    test="test_gaussian_kets.py"
    "::test_quartic_interactions_are_of_second_order_on_gaussian_kets",
)
@equation("claim-gaussian-c7", "V D").corrected(
    "Enlarging the phase space may break the connection of free with deterministic "
    "(reaction 2).",
    printed="On pure Gaussian kets it grows stronger: every quadratic Hamiltonian is a "
    "first derivative, squeezing included. But then the amplifier of section V E is "
    "deterministic too, and what that section says of its noise does not carry over.",
    test="test_gaussian_kets.py"
    "::test_every_quadratic_hamiltonian_is_deterministic_on_gaussian_kets",
)
@equation("claim-gaussian-C", "V D").refuted(
    "There, as on phase space, the law has one constant C before its diffusion "
    "(reaction 2 and section III D; not in print).",
    printed="All functions obey a constraint, that the derivative by the squeezing is "
    "half the second one by the displacement, so that a diffusion can be read as a "
    "drift. Two readings of the fourth power of the position agree at C = 1 alone, and "
    "beyond it neither keeps the constraint.",
    test="test_gaussian_kets.py"
    "::test_no_strength_of_the_diffusion_is_defined_on_gaussian_kets",
)
def apply_bilinear(
    function: GaussianFunction,
    mixed: Complex[Array, "N N"],
    raised: Complex[Array, "N N"],
    lowered: Complex[Array, "N N"],
    constant: ArrayLike = 0.0,
) -> GaussianFunction:
    """(ψ|B|z, t) from f = (ψ|z, t): derivatives by z and t, none above the first.

    B = Σ_ij (m_ij a_i†a_j + ½ r_ij a_i†a_j† + ½ l_ij a_i a_j) + c. On these kets a_i†
    is ∂_i, a_i†a_j† is T_ij = ∂/∂t_ij + ∂/∂t_ji, a_i†a_j is z_j ∂_i + Σ_k t_jk T_ik and
    a_i a_j is z_i z_j + t_ij + z_i (t∂)_j + z_j (t∂)_i + (t T t)_ij.

    A quartic operator is a sum of products BB' and so of second order: apply B' to the
    function of B.

    Args:
        function: f, holomorphic in z (N,) and in the symmetric t (N, N).
        mixed: m, (N, N).
        raised: r, (N, N), symmetric.
        lowered: l, (N, N), symmetric.
        constant: c.

    Returns:
        The function of B.

    Source: reaction 2 of sec. V D, on pure Gaussians alone.
    """

    def image(z: Array, t: Array) -> Array:
        by_z, by_t = jax.grad(function, (0, 1), holomorphic=True)(z, t)
        both, moved = by_t + by_t.T, t @ by_z
        value = function(z, t)
        total = jnp.asarray(constant) * value + jnp.sum(raised * both) / 2
        total = total + jnp.sum(mixed * (by_z[:, None] * z[None, :] + both @ t))
        pair = z[:, None] * z[None, :] + t
        flow = z[:, None] * moved[None, :] + moved[:, None] * z[None, :] + t @ both @ t
        return total + jnp.sum(lowered * (pair * value + flow)) / 2

    return image

"""Coordinates of phase space, and derivatives in them."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from ..registry import equations_of

equation = equations_of("husimi")

Function = Callable[[Array], Array]


@equation("44", "III E").holds(
    "The vector of positions and momenta.",
    test="test_coordinates.py::test_scaled_coordinates",
)
def phase_space_vector(
    q: Float[Array, " N"], p: Float[Array, " N"]
) -> Float[Array, " 2N"]:
    """ξ = (q_1, .., q_N, p_1, .., p_N)"""
    return jnp.concatenate([q, p])


@equation("46", "III E").holds(
    "Dimensionless positions and momenta.",
    test="test_coordinates.py::test_scaled_coordinates",
)
def scaled_coordinates(
    xi: Float[Array, " 2N"], lengths: ArrayLike, kappa: ArrayLike
) -> Float[Array, " 2N"]:
    """z = (Q, P) = L⁻¹ ξ: Q = q/l, P = lp/κ, dimensionless."""
    q, p = jnp.split(xi, 2)
    return jnp.concatenate([q / lengths, p * lengths / kappa])


@equation("7", "III").holds(
    "Complex coordinates of phase space from positions and momenta, an action kappa "
    "and a length for each degree of freedom.",
    test="test_coordinates.py::test_complex_coordinates_are_canonical",
)
@equation("48", "III E").holds(
    "Complex coordinates from the dimensionless ones.",
    test="test_coordinates.py::test_complex_coordinates_are_canonical",
)
def complex_coordinates(
    xi: Float[Array, " 2N"], lengths: ArrayLike, kappa: ArrayLike
) -> Complex[Array, " N"]:
    """α_i = √(κ/2) (q_i/l_i + i l_i p_i/κ) = √(κ/2) (Q_i + iP_i)

    Returns:
        α, (N,), in √action; {α_i, α_j*} = -i δ_ij.
    """
    Q, P = jnp.split(scaled_coordinates(xi, lengths, kappa), 2)
    return jnp.sqrt(kappa / 2) * (Q + 1j * P)


@equation("8", "III").holds(
    "The vector of all complex coordinates and their conjugates.",
    test="test_coordinates.py::test_complex_coordinates_are_canonical",
)
def doubled_vector(alpha: Complex[Array, " N"]) -> Complex[Array, " 2N"]:
    """z = (α, α*)"""
    return jnp.concatenate([alpha, jnp.conj(alpha)])


@equation("54", "III E").holds(
    "Derivatives by the dimensionless variables.",
    test="test_coordinates.py::test_derivatives_by_alpha",
)
def scaled_gradient(
    function: Function, xi: Float[Array, " 2N"], scale: Float[Array, " 2N"]
) -> Float[Array, " 2N"]:
    """(∂_Q, ∂_P) of a function of ξ: L ∂_ξ."""
    return scale * jax.grad(function)(xi)


@equation("49", "III E").holds(
    "The Hessian of the Hamiltonian by positions and momenta.",
    test="test_coordinates.py::test_scaled_hessian",
)
@equation("50", "III E").holds(
    "The Hessian by the dimensionless variables.",
    test="test_coordinates.py::test_scaled_hessian",
)
@equation("58", "III F").holds(
    "Second derivatives of the free Hamiltonian: the squared frequency and one.",
    test="test_coordinates.py::test_free_field_in_momentum_modes",
)
def scaled_hessian(
    function: Function, xi: Float[Array, " 2N"], scale: Float[Array, " 2N"]
) -> Float[Array, "2N 2N"]:
    """H̃'' = Lᵀ H'' L, second derivatives by (Q, P)."""
    return scale[:, None] * jax.hessian(function)(xi) * scale[None, :]


@equation("A1", "Appendix A").holds(
    "Derivative by a complex coordinate.",
    test="test_coordinates.py::test_derivatives_by_alpha",
)
@equation("A2", "Appendix A").holds(
    "Derivative by a conjugate coordinate.",
    test="test_coordinates.py::test_derivatives_by_alpha",
)
def wirtinger_matrix(modes: int, kappa: ArrayLike) -> Complex[Array, "2N 2N"]:
    """W with (∂_α, ∂_α*) = W (∂_Q, ∂_P).

    ∂/∂α_j = (∂_Qj - i∂_Pj)/√(2κ),  ∂/∂α_j* = (∂_Qj + i∂_Pj)/√(2κ)
    """
    root = jnp.sqrt(2.0 * jnp.asarray(kappa))
    one = jnp.eye(modes, dtype=root.dtype)
    return jnp.block([[one, -1j * one], [one, 1j * one]]) / root


@equation("claim-covariant-length", "III F").corrected(
    "The lengths have a Lorentz-covariant generalization by the fourth root of the "
    "wave operator (section III F).",
    printed="The operator gives the lengths on static fields alone, where it is minus "
    "the Laplacian plus the squared mass, in one frame. On solutions of the free "
    "equation, which the modes are, it is 0 or twice the squared mass, by the "
    "signature, and never the squared frequency. Other covariant forms are not "
    "excluded.",
    printed_tex=r"L = \kappa^{1/2} \left(-\partial_\mu \partial^\mu + m^2"
    r"\right)^{-1/4}",
    tex=r"L = \kappa^{1/2} \left(-\nabla^2 + m^2\right)^{-1/4}",
    test="test_coordinates.py::test_wave_operator_on_shell",
)
def wave_operator(
    omega: ArrayLike, k: ArrayLike, mass: ArrayLike, *, time_sign: int
) -> Array:
    """What -□ + m² makes of a plane wave e^(i(kx - ωt)): the factor in front.

    Args:
        time_sign: +1 for □ = ∂_t² - ∇², -1 for □ = ∇² - ∂_t².

    Returns:
        The factor; a length scale √κ (-□ + m²)^(-1/4) is √(κ/ω_k) where it is ω_k².
    """
    return time_sign * (jnp.square(omega) - jnp.square(k)) + jnp.square(mass)

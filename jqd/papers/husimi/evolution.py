"""Liouville's equation, and diffusion made of the Hessian of the Hamiltonian."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from .coordinates import doubled_vector, wirtinger_matrix

Function = Callable[[Array], Array]
# Which of (α, α*), by number 0 .. 2N-1, a function is differentiated by.
Derivative = tuple[int, ...]


def complex_gradient(
    function: Function, alpha: Complex[Array, " N"]
) -> Complex[Array, "... 2N"]:
    """(∂_α, ∂_α*) of a function of phase space.

    Returns:
        The derivatives along a last axis.
    """
    real = _of_real(function, alpha.shape[0])
    slope = jax.jacfwd(real)(_to_real(alpha))
    return slope @ _wirtinger(alpha).T


def complex_hessian(
    function: Function, alpha: Complex[Array, " N"]
) -> Complex[Array, "... 2N 2N"]:
    """Second derivatives by (α, α*) of a function of phase space.

    Returns:
        The derivatives along the last two axes.
    """
    return complex_gradient(lambda point: complex_gradient(function, point), alpha)


def hamiltonian_drift(H: Function, alpha: Complex[Array, " N"]) -> Array:
    """dz/dt of z = (α, α*): dα/dt = -i ∂H/∂α*.

    Returns:
        (2N,)

    Source: after eq. (9).
    """
    return doubled_vector(-1j * complex_gradient(H, alpha)[alpha.shape[0] :])


def liouville_rate(
    H: Function, density: Function, alpha: Complex[Array, " N"]
) -> Complex[Array, ""]:
    """-∂_z(a ρ) = i Σ_i {∂_i[(∂*_i H)ρ] - ∂*_i[(∂_i H)ρ]}"""

    def flow(point):
        return hamiltonian_drift(H, point) * density(point)

    return -jnp.trace(complex_gradient(flow, alpha))


def phase_space_liouville_rate(
    H: Function, density: Function, xi: Float[Array, " 2N"]
) -> Float[Array, ""]:
    """{H, ρ} = Σ_i (∂H/∂q_i ∂/∂p_i - ∂H/∂p_i ∂/∂q_i) ρ"""
    H_q, H_p = jnp.split(jax.grad(H)(xi), 2)
    rho_q, rho_p = jnp.split(jax.grad(density)(xi), 2)
    return H_q @ rho_p - H_p @ rho_q


def complex_fokker_planck(
    H: Function,
    diffusion: Function,
    density: Function,
    alpha: Complex[Array, " N"],
    hbar: ArrayLike = 1.0,
) -> Complex[Array, ""]:
    """Liouville's flow and any diffusion over (α, α*).

    ∂_t ρ = -Σ_a ∂_a(a_a ρ) + (iħ/2) Σ_ab ∂_a ∂_b (D_ab ρ), a, b over (α, α*)

    Args:
        diffusion: D(α), (2N, 2N), see `as_doubled`.

    Returns:
        The rate; real where D is real in the sense of `reality_residual`.
    """

    def spread(point):
        return diffusion(point) * density(point)

    def divergence(point):
        return jnp.einsum("abb->a", complex_gradient(spread, point))

    second = jnp.trace(complex_gradient(divergence, alpha))
    return liouville_rate(H, density, alpha) + 0.5j * hbar * second


def energy_rate(
    H: Function,
    rate: Function,
    points: Complex[Array, "K N"],
    weights: Float[Array, " K"],
) -> Array:
    """d<H>/dt = ∫ H ∂_t ρ by a quadrature over phase space.

    Args:
        rate: ∂_t ρ, a function of α.
        points: nodes, (K, N).
        weights: d²ᴺα of each, (K,).
    """
    values = jax.vmap(lambda point: H(point) * rate(point))(points)
    return jnp.sum(values * weights)


def weighted_diffusion(
    hessian: Complex[Array, "N N"], weight: Float[Array, "N N"]
) -> Complex[Array, "N N"]:
    """D^aa_ij = f_ij ∂²H/∂α_i*∂α_j*, which conserves energy for any real f.

    Args:
        weight: f, (N, N), real, symmetric.
    """
    return weight * hessian


def weight_from_derivatives(
    H: Function,
    alpha: Complex[Array, " N"],
    terms: Sequence[tuple[Float[Array, "N N"], Sequence[Derivative]]],
) -> Float[Array, "N N"]:
    """f_ij = Re Σ c_ij Π (derivatives of H)

    Args:
        terms: coefficients c, (N, N), symmetric, and the derivatives that are
            multiplied, each as the numbers 0 .. 2N-1 of the variables (α, α*).
    """
    total = jnp.zeros((alpha.shape[0],) * 2, alpha.real.dtype)
    for coefficients, derivatives in terms:
        product = jnp.ones((), alpha.dtype)
        for variables in derivatives:
            product = product * _derivative(H, variables)(alpha)
        total = total + coefficients * product.real
    return total


def minimal_diffusion(
    hessian: Complex[Array, "N N"], C: ArrayLike = 1.0, *, printed: bool = False
) -> Complex[Array, "N N"]:
    """D^aa_ij = C ∂²H/∂α_i*∂α_j*: f_ij = C for all i and j.

    Args:
        printed: f_ij = C δ_ij, which drops the diffusion that joins modes.
    """
    kind = hessian.real.dtype
    one = jnp.ones(hessian.shape, kind)
    weight = jnp.eye(hessian.shape[0], dtype=kind) if printed else one
    return weighted_diffusion(hessian, jnp.asarray(C, kind) * weight)


def _derivative(function: Function, variables: Derivative) -> Function:
    """∂f by each variable in turn."""
    for variable in variables:
        function = _slope(function, variable)
    return function


def _slope(function: Function, variable: int) -> Function:
    return lambda alpha: complex_gradient(function, alpha)[..., variable]


def _wirtinger(alpha: Array) -> Array:
    """(∂_α, ∂_α*) from (∂_x, ∂_y), α = x + iy: that of (Q, P) at κ = 2."""
    return wirtinger_matrix(alpha.shape[0], 2.0).astype(alpha.dtype)


def _of_real(function: Function, modes: int) -> Function:
    """f as a function of (x, y)."""
    return lambda u: function(u[:modes] + 1j * u[modes:])


def _to_real(alpha: Array) -> Array:
    return jnp.concatenate([alpha.real, alpha.imag])

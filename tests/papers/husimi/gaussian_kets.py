"""Bilinear Hamiltonians as first derivatives on Gaussian kets of every squeezing."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

# f(z, t) = (ψ|z, t) of the unnormalised |z, t) = exp(Σ z_i a_i† + ½ Σ t_ij a_i†a_j†)|0>
GaussianFunction = Callable[[Array, Array], Array]


def bilinear_flow(
    mixed: Complex[Array, "N N"],
    raised: Complex[Array, "N N"],
    lowered: Complex[Array, "N N"],
    z: Complex[Array, " N"],
    t: Complex[Array, "N N"],
) -> tuple[Complex[Array, " N"], Complex[Array, "N N"]]:
    """The flow of Gaussian kets by which a bilinear operator acts on them.

    v_z = (m + t l) z,    v_t = r + m t + t mᵀ + t l t

    Args:
        mixed: m, coefficients of a_i†a_j, (N, N).
        raised: r, of ½ a_i†a_j†, (N, N), symmetric.
        lowered: l, of ½ a_i a_j, (N, N), symmetric.
        z: displacement, (N,).
        t: squeezing, (N, N), symmetric.

    Returns:
        v_z, (N,), and v_t, (N, N).

    Source: reaction 2 of sec. V D, on pure Gaussians alone.
    """
    moved = mixed @ t
    return mixed @ z + t @ (lowered @ z), raised + moved + moved.T + t @ lowered @ t


def quartic_diffusion(
    strengths: Float[Array, " R"],
    mixed: Complex[Array, "R N N"],
    raised: Complex[Array, "R N N"],
    lowered: Complex[Array, "R N N"],
    z: Complex[Array, " N"],
    t: Complex[Array, "N N"],
) -> Complex[Array, "2K 2K"]:
    """The diffusion of H = Σ_r λ_r B_r² on Gaussian kets.

    ∂F/∂time = Σ_ab (D_ab ∂_a∂_b + c.c.) F + first order,    D = i Σ_r λ_r v_r v_rᵀ

    F(z, t) = (z, t|ρ|z, t), a and b among the K = N + N(N + 1)/2 coordinates z_i and
    t_ij, i <= j.

    Args:
        strengths: λ_r, (R,), real.
        mixed: m of each bilinear B_r, (R, N, N).
        raised: r of each, (R, N, N), symmetric.
        lowered: l of each, (R, N, N), symmetric.
        z: displacement, (N,).
        t: squeezing, (N, N), symmetric.

    Returns:
        The blocks D and D* of derivatives by (z, t) and by their conjugates; the blocks
        that mix them are zero.

    Source: reaction 2 of sec. V D, on pure Gaussians alone.
    """
    by_z, by_t = jax.vmap(bilinear_flow, (0, 0, 0, None, None))(
        mixed, raised, lowered, z, t
    )
    upper = jnp.triu_indices(z.shape[0])
    flows = jnp.concatenate([by_z, by_t[:, *upper]], axis=1)
    D = 1j * jnp.einsum("r,ra,rb->ab", strengths, flows, flows)
    return jax.scipy.linalg.block_diag(D, jnp.conj(D))


def squeezed_husimi(
    function: GaussianFunction, alpha: Complex[Array, ""], t: Complex[Array, ""]
) -> Float[Array, ""]:
    """The Husimi function of a state of one mode at one squeezing.

    Q(α|t) = √(1 - |t|²) e^{-(|z|² + Re t*z²)/(1 - |t|²)} |f(z, t)|²/π,  z = α - tα*

    f = (ψ|z, t), and |z, t) is, but for its norm, the squeezed vacuum displaced by α.

    Args:
        function: f, of z (1,) and t (1, 1).
        alpha: α, scalar.
        t: squeezing, scalar, |t| < 1.

    Returns:
        Per d²α; of unit integral at each t.
    """
    z, rest = alpha - t * jnp.conj(alpha), 1 - jnp.abs(t) ** 2
    size = (jnp.abs(z) ** 2 + jnp.real(jnp.conj(t) * z**2)) / rest
    value = function(z[None], t[None, None])
    return jnp.sqrt(rest) * jnp.exp(-size) * jnp.abs(value) ** 2 / jnp.pi


def apply_bilinear(
    function: GaussianFunction,
    mixed: Complex[Array, "N N"],
    raised: Complex[Array, "N N"],
    lowered: Complex[Array, "N N"],
    constant: ArrayLike = 0.0,
) -> GaussianFunction:
    """(ψ|B|z, t) from f = (ψ|z, t): derivatives by z and t, none above the first.

    Bf = (v_z·∂_z + v_t·∂_t + c + ½ Σ_ij l_ij (z_i z_j + t_ij)) f, v of `bilinear_flow`

    B = Σ_ij (m_ij a_i†a_j + ½ r_ij a_i†a_j† + ½ l_ij a_i a_j) + c.

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
        flow = bilinear_flow(mixed, raised, lowered, z, t)
        value, moved = jax.jvp(function, (z, t), flow)
        pair = z[:, None] * z[None, :] + t
        return moved + (jnp.asarray(constant) + jnp.sum(lowered * pair) / 2) * value

    return image

"""Bilinear Hamiltonians as first derivatives on Gaussian kets of every squeezing."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from ..registry import equations_of

equation = equations_of("husimi")

# f(z, t) = (ψ|z, t) of the unnormalised |z, t) = exp(Σ z_i a_i† + ½ Σ t_ij a_i†a_j†)|0>
GaussianFunction = Callable[[Array, Array], Array]


equation("claim-gaussian-positive", "V D").open(
    "The diffusion on Gaussian kets is that of expansions in general Gaussian "
    "operators (reaction 2; not in print), which is positive on a doubled phase space "
    "by a choice of gauge. On kets it is traceless in every Hermitian metric, so that "
    "the two are not to be identified; the expansions were not tried."
)


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


@equation("claim-gaussian-traceless", "V D").holds(
    "The diffusion is traceless on Gaussian kets as on phase space (reaction 2 and "
    "section III). That of a sum of squares of bilinears, as the fourth power of a "
    "field, never joins a derivative by (z, t) with one by their conjugates, so that "
    "its trace vanishes in every Hermitian metric. It has one positive and one "
    "negative direction a site, tried for one to three sites.",
    test="test_gaussian_kets.py"
    "::test_the_diffusion_on_gaussian_kets_is_traceless_in_every_hermitian_metric",
)
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


@equation("claim-gaussian-redundant", "V D").holds(
    "On pure Gaussian kets a state is no distribution over more variables, but one "
    "Husimi function for each squeezing t (reaction 2; not in print): the derivative "
    "by t is half the second one by z, so that the one at t = 0 tells all others. Each "
    "has unit integral for every state, so that whatever weight is put on t stays; "
    "tried for one mode.",
    test="test_gaussian_kets.py"
    "::test_each_squeezing_holds_one_normalised_husimi_function",
)
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

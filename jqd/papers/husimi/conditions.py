"""What symmetry, reality, time reversal and energy ask of a diffusion matrix."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Complex

from ..registry import equations_of

equation = equations_of("husimi")

Function = Callable[[Array], Array]


@equation("11", "III A").holds(
    "Blocks of the diffusion matrix over the complex coordinates and their conjugates.",
    test="test_conditions.py::test_real_symmetric_diffusions_in_complex_variables",
)
def as_doubled(
    aa: Complex[Array, "N N"], mixed: Complex[Array, "N N"] | None = None
) -> Complex[Array, "2N 2N"]:
    """D over (α, α*) from its upper blocks, the lower ones by reality.

    [[D^aa, D^aa*], [D^a*a, D^a*a*]], (D^aa_ij)* = -D^a*a*_ij, (D^aa*_ij)* = -D^a*a_ij

    Args:
        aa: D^aa, (N, N), symmetric.
        mixed: D^aa*, (N, N), skew-Hermitian; None for 0.
    """
    upper = jnp.zeros_like(aa) if mixed is None else mixed
    return jnp.block([[aa, upper], [-jnp.conj(upper), -jnp.conj(aa)]])


@equation("12", "III A").holds(
    "Symmetry of the block of two unconjugated coordinates.",
    test="test_conditions.py::test_real_symmetric_diffusions_in_complex_variables",
)
@equation("13", "III A").holds(
    "Symmetry of the block of two conjugated coordinates.",
    test="test_conditions.py::test_real_symmetric_diffusions_in_complex_variables",
)
@equation("14", "III A").holds(
    "The two mixed blocks are transposes of each other.",
    test="test_conditions.py::test_real_symmetric_diffusions_in_complex_variables",
)
@equation("32", "III B").holds(
    "With the symmetry of the matrix, the mixed block is skew-Hermitian.",
    test="test_conditions.py::test_time_reversal_of_a_mixed_block_of_two_modes",
)
def symmetry_residual(diffusion: Complex[Array, "2N 2N"]) -> Complex[Array, "2N 2N"]:
    """D - Dᵀ: D^aa, D^a*a* are symmetric and D^aa*_ij = D^a*a_ji where it vanishes."""
    return diffusion - diffusion.T


@equation("15", "III A").holds(
    "Reality: the conjugate of the first block is minus the last.",
    test="test_conditions.py::test_real_symmetric_diffusions_in_complex_variables",
)
@equation("16", "III A").holds(
    "Reality: the conjugate of one mixed block is minus the other.",
    test="test_conditions.py::test_real_symmetric_diffusions_in_complex_variables",
)
@equation("17", "III A").holds(
    "The mixed block is skew-Hermitian.",
    test="test_conditions.py::test_real_symmetric_diffusions_in_complex_variables",
)
@equation("29", "III B").holds(
    "Reality of the first block, once more.",
    test="test_conditions.py::test_time_reversal_of_the_diffusion",
)
@equation("31", "III B").holds(
    "Reality of the mixed block, once more.",
    test="test_conditions.py::test_time_reversal_of_a_mixed_block_of_two_modes",
)
def reality_residual(diffusion: Complex[Array, "2N 2N"]) -> Complex[Array, "2N 2N"]:
    """D* + PDP, P the exchange of α and α*: 0 where i∂∂(Dρ) is real."""
    return jnp.conj(diffusion) + _exchanged(diffusion)


@equation("19", "III B").holds(
    "Time reversal exchanges the complex coordinates with their conjugates and turns "
    "time around.",
    test="test_conditions.py::test_time_reversal_of_the_law",
)
@equation("20", "III B").holds(
    "The Hamiltonians considered do not change when momenta are reversed.",
    test="test_conditions.py::test_time_reversal_of_the_law",
)
def momentum_reversed(function: Function) -> Function:
    """f(α*, α) of f(α, α*): momenta change their sign.

    Args:
        function: f of α, (N,).
    """
    return lambda alpha: function(jnp.conj(alpha))


@equation("25", "III B").holds(
    "Time reversal exchanges the blocks of the diffusion matrix and reverses the "
    "momenta at which it is taken.",
    test="test_conditions.py::test_time_reversal_of_the_diffusion",
)
def reversed_diffusion(diffusion: Function) -> Function:
    """D of T𝒟T⁻¹: the blocks exchanged, at the point with its momenta reversed."""
    return lambda alpha: _exchanged(diffusion(jnp.conj(alpha)))


@equation("24", "III B").holds(
    "So does the diffusion by itself.",
    test="test_conditions.py::test_time_reversal_of_the_diffusion",
)
@equation("26", "III B").holds(
    "Time-reversal condition on the first block: minus the last block at reversed "
    "momenta.",
    test="test_conditions.py::test_time_reversal_of_the_diffusion",
)
@equation("27", "III B").holds(
    "Time-reversal condition on the last block: minus the first block at reversed "
    "momenta.",
    test="test_conditions.py::test_time_reversal_of_the_diffusion",
)
@equation("28", "III B").holds(
    "Time-reversal condition on the mixed blocks: each is minus the other at reversed "
    "momenta.",
    test="test_conditions.py::test_time_reversal_of_a_mixed_block_of_two_modes",
)
@equation("30", "III B").holds(
    "For the first block reversing momenta is complex conjugation.",
    test="test_conditions.py::test_time_reversal_of_the_diffusion",
)
@equation("33", "III B").holds(
    "Time-reversal condition on the mixed block: minus its transpose at reversed "
    "momenta.",
    test="test_conditions.py::test_time_reversal_of_a_mixed_block_of_two_modes",
)
@equation("34", "III B").holds(
    "For the mixed block reversing momenta is complex conjugation.",
    test="test_conditions.py::test_time_reversal_of_a_mixed_block_of_two_modes",
)
@equation("35", "III B").refuted(
    "C1 to C4 make the mixed block vanish.",
    printed="The argument covers blocks that are mixed second derivatives, not "
    "products of derivatives. With G the squared gradient of H, the Poisson bracket of "
    "H and G is odd under time reversal and gives a mixed block, without a factor i, "
    "that obeys C1 to C4, and C5 too beside a first block that balances it. Minimality "
    "may ask that it vanish; C1 to C4 do not.",
    printed_tex=r"D^{\alpha\alpha^*}_{ij}(\alpha, \alpha^*) = 0",
    tex=r"D^{\alpha\alpha^*}_{ij}(\alpha, \alpha^*) = -\left(D^{\alpha\alpha^*}_{ji}("
    r"\alpha, \alpha^*)\right)^* = -D^{\alpha\alpha^*}_{ji}(\alpha^*, \alpha)",
    test="test_conditions.py::test_time_reversal_allows_a_mixed_block",
)
def time_reversal_residual(
    diffusion: Function, alpha: Complex[Array, " N"]
) -> Complex[Array, "2N 2N"]:
    """D + that of T𝒟T⁻¹: 0 where the diffusion changes its sign with time.

    D^aa(α, α*) = -D^a*a*(α*, α),  D^aa*(α, α*) = -D^a*a(α*, α)
    """
    return diffusion(alpha) + reversed_diffusion(diffusion)(alpha)


@equation("38", "III C").holds(
    "Two integrations by parts bring the second derivatives onto the Hamiltonian.",
    test="test_energy.py::test_energy_by_quadrature",
)
@equation("39", "III C").holds(
    "Energy is conserved for every density if the first block contracted with the "
    "Hessian is real at each point.",
    test="test_energy.py::test_energy_by_quadrature",
)
def energy_residual(
    hessian: Complex[Array, "2N 2N"], diffusion: Complex[Array, "2N 2N"]
) -> Complex[Array, ""]:
    """Σ_ab H_ab D_ab over (α, α*), which must vanish at each point.

    With D^aa* = 0: Σ_ij (∂_i∂_j H D^aa_ij - ∂*_i∂*_j H (D^aa_ij)*). Times iħ/2 it is
    what the diffusion adds to d<H>/dt.

    Args:
        diffusion: D over (α, α*), (2N, 2N).
    """
    return jnp.sum(hessian * diffusion)


def _exchanged(matrix: Array) -> Array:
    """PMP: α and α* exchanged."""
    modes = matrix.shape[0] // 2
    return jnp.roll(matrix, (modes, modes), (0, 1))

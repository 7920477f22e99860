"""Length scales that make a free Hamiltonian diffusion-free (constraint C7)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...spaces.symbols import Symbol


class LengthScales(NamedTuple):
    """Length scales that make a quadratic Hamiltonian diffusion-free.

    Attributes:
        lengths: l_i, shape (N,).
        residual: Σ‖[H̃'', J]‖² that is left, relative to the largest entry of H̃''/κ
            before the search; not zero where no lengths remove it.
        converged: whether the residual vanished to rounding.
    """

    lengths: Float[Array, " N"]
    residual: Float[Array, ""]
    converged: bool


def commutator_residual(
    hessian: Float[Array, "M M"], lengths: Float[Array, " N"], kappa: ArrayLike
) -> Float[Array, "M M"]:
    """[H̃'', J] with H̃'' = L H'' L, L = diag(l, κ/l).

    Args:
        hessian: H'' in (q_1.., p_1..), shape (2N, 2N).
        lengths: l_i, shape (N,).
        kappa: κ, scalar.

    Source: eqs. (52), (57)-(59).
    """
    scale = jnp.concatenate([lengths, kappa / lengths])
    scaled = scale[:, None] * hessian * scale[None, :]
    size = lengths.shape[0]
    one, zero = jnp.eye(size), jnp.zeros((size, size))
    J = jnp.block([[zero, one], [-one, zero]])
    return jnp.matmul(scaled, J) - jnp.matmul(J, scaled)


def length_scales(
    free_hamiltonian: Symbol, kappa: ArrayLike = 1.0, start: ArrayLike | None = None
) -> LengthScales:
    """l_i for which the free Hamiltonian H₀ moves densities as Liouville's law does.

    It minimises Σ‖[H̃₀'', J]‖² over log l; for oscillators l_i = √(κ/ω_i).

    This is a condition on the theory (constraint C7), not a fit to data: a fit of s to
    data returns the length scale of the detector's coherent states.

    Args:
        free_hamiltonian: quadratic symbol in α = (q + ip)/√2.
        kappa: κ, scalar, positive.
        start: initial guess of l_i, shape (N,); None for those that give q_i and p_i
            equal weight.

    Returns:
        The lengths, and the remaining commutator.

    Raises:
        ValueError: H₀ is not quadratic, κ not positive, float64 off.

    Source: eqs. (57)-(59).
    """
    import optimistix as optx

    _checks.require_x64("jqd.inference.estimators.length_scales")
    _checks.check_type(free_hamiltonian, "free_hamiltonian", Symbol, "a Symbol")
    _checks.check_positive(kappa, "kappa")
    if free_hamiltonian.degree > 2:
        raise ValueError(
            "Argument `free_hamiltonian` must be quadratic, but has total power "
            f"{free_hamiltonian.degree}."
        )
    # lengths in units of those that weigh q_i and p_i equally, and a Hessian in units
    # of its largest entry: tolerances then mean the same whatever the units of κ
    second, kappa = hessian(free_hamiltonian), jnp.asarray(kappa, float)
    unit = _equal_weights(second)
    scale = jnp.concatenate([unit, 1 / unit])
    second = scale[:, None] * second * scale[None, :]
    second = second / jnp.max(jnp.abs(second))
    unit = unit * jnp.sqrt(kappa)
    initial = unit if start is None else jnp.asarray(start, float)

    def residual(logs, args):
        del args
        return jnp.ravel(commutator_residual(second, jnp.exp(logs), 1.0))

    solver = optx.LevenbergMarquardt(rtol=1e-14, atol=1e-14)
    solution = optx.least_squares(
        residual, solver, jnp.log(initial / unit), max_steps=400, throw=False
    )
    left = jnp.sum(residual(solution.value, None) ** 2)
    return LengthScales(unit * jnp.exp(solution.value), left, bool(left < 1e-20))


def _equal_weights(second: Float[Array, "M M"]) -> Float[Array, " N"]:
    """l_i for which l_i² ∂²H/∂q_i² and ∂²H/∂p_i² / l_i² are equal; 1 where one is 0."""
    q, p = jnp.split(jnp.abs(jnp.diagonal(second)), 2)
    both = (q > 0) & (p > 0)
    return jnp.where(both, jnp.where(both, p, 1) / jnp.where(both, q, 1), 1) ** 0.25


def hessian(symbol: Symbol) -> Float[Array, "M M"]:
    """H'' of a quadratic symbol in (q_1.., p_1..), α = (q + ip)/√2."""
    size = symbol.modes

    def value(z):
        alpha = (z[:size] + 1j * z[size:]) / jnp.sqrt(2.0)
        return jnp.real(symbol(alpha[0] if size == 1 else alpha))

    return jax.hessian(value)(jnp.zeros(2 * size))

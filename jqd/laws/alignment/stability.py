"""Linear stability of a law by its Jacobian: spectrum, flow, symplectic check."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, ArrayLike, Complex, Float, PyTree


def spectrum(law: Any, state: PyTree[Array]) -> Complex[Array, " d"]:
    """Eigenvalues of the linearised law at a state.

    det(λ - ∂ẏ/∂y) = 0; Re λ > 0: a disturbance grows, while the state stands still

    For `PhaseAlignment` at aligned phases at rest they are the eigenvalues of
    A = ∂Ω/∂φ and of -Aᵀ, split within the classes by f: unless all of A's are
    imaginary, one of them grows.

    Args:
        law: a law that does not depend on time.
        state: real PyTree of d numbers in all.

    Returns:
        λ, (d,) complex, 1/time, in no order.
    """
    vector, restore = ravel_pytree(state)

    def field(y: Array) -> Array:
        return ravel_pytree(law.vector_field(0.0, restore(y)))[0]

    return jnp.linalg.eigvals(jax.jacfwd(field)(vector))


def flow_jacobian(
    law: Any, state: PyTree[Array], time: ArrayLike, *, steps: int
) -> Float[Array, "d d"]:
    """Derivative of the state at a time by the state at the start.

    S = ∂y(t)/∂y(0), through the law's own steps

    Args:
        law: a law that does not depend on time.
        state: y(0), a real PyTree of d numbers in all.
        time: t, scalar.
        steps: how many.

    Returns:
        S, (d, d), rows and columns in the order of the leaves.
    """
    vector, restore = ravel_pytree(state)
    dt = jnp.asarray(time, vector.dtype) / steps

    def flow(y: Array) -> Array:
        def one(state: Any, _: None) -> tuple[Any, None]:
            return law.step(0.0, state, dt), None

        return ravel_pytree(jax.lax.scan(one, restore(y), None, length=steps)[0])[0]

    return jax.jacfwd(flow)(vector)


def symplectic_defect(
    S: Float[Array, "2N 2N"], factor: ArrayLike = 1.0
) -> Float[Array, ""]:
    """How far a linear map is from a canonical transformation.

    max |Sᵀ Ω S - k Ω|,  Ω = [[0, 1], [-1, 0]];  k = 1 canonical, exp(-γt) damped

    Args:
        S: in the order positions, then momenta, (2N, 2N).
        factor: k, scalar.

    Returns:
        The defect, scalar.
    """
    half = S.shape[-1] // 2
    one = jnp.eye(half, dtype=S.dtype)
    form = jnp.block([[0 * one, one], [-one, 0 * one]])
    image = jnp.matmul(S.T @ form, S, precision=jax.lax.Precision.HIGHEST)
    return jnp.max(jnp.abs(image - factor * form))

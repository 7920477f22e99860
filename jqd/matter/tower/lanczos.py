"""Bounds of a spectrum from a few applications of the Hamiltonian."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..._math import abs2, divisor, safe_divide

# Steps after which the outermost levels are resolved in a spectrum of any size.
_STEPS = 40
# The bounds are moved outwards by this share of the width.
_MARGIN = 0.02


@jax.jit
def lanczos_bounds(hamiltonian: Any) -> tuple[Array, Array]:
    """Lower and upper bound of the spectrum of a Hermitian Hamiltonian.

    They are Ritz values of 40 Lanczos steps, moved outwards by their residuals (an
    eigenvalue lies within the residual of each) and by 2 % of the width.

    Args:
        hamiltonian: with `apply(psi)`, `shape` and `energies`, as a `Tower` has them.

    Returns:
        (low, high), scalars, unit of energy.
    """
    dtype = hamiltonian.energies.dtype
    steps = min(_STEPS, hamiltonian.dimension)
    # phases φ j², φ golden, spread evenly: orthogonal to an eigenstate only by chance
    turns = np.arange(hamiltonian.dimension) ** 2 * (np.sqrt(5) - 1) / 2
    start = jnp.asarray(np.cos(2 * np.pi * turns), hamiltonian.coupling.dtype)
    start = jnp.reshape(start / _length(start), hamiltonian.shape)

    def body(carry, _):
        previous, vector, beta = carry
        image = hamiltonian.apply(vector) - beta * previous
        alpha = jnp.real(jnp.sum(jnp.conj(vector) * image))
        image = image - alpha * vector
        beta = _length(image)
        # an invariant subspace is exhausted: zeros from here on, which do no harm
        known = beta > jnp.finfo(dtype).eps * jnp.abs(alpha)
        following = safe_divide(1, beta, known) * image
        return (vector, following, jnp.where(known, beta, 0)), (alpha, beta)

    begin = (jnp.zeros_like(start), start, jnp.zeros((), dtype))
    _, (alphas, betas) = jax.lax.scan(body, begin, None, length=steps)
    off = jnp.diag(betas[:-1], 1)
    ritz, vectors = jnp.linalg.eigh(jnp.diag(alphas) + off + off.T)
    residuals = betas[-1] * jnp.abs(vectors[-1])
    low, high = ritz[0] - residuals[0], ritz[-1] + residuals[-1]
    margin = _MARGIN * (high - low)
    return low - margin, high + margin


def _length(vector: Array) -> Array:
    # the square of an energy in SI is below the numbers of single precision
    unit = divisor(jnp.max(jnp.abs(vector)))
    return unit * jnp.sqrt(jnp.sum(abs2(vector / unit)))

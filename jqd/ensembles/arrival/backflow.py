"""The largest probability that can flow back: Bracken and Melloy's constant."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._gate import gated


@gated
def backflow_limit(U: ArrayLike = 20.0, nodes: int | None = None) -> Float[Array, ""]:
    """Largest backflow of probability in an interval, for waves of momenta 0 to U.

    λ = max spec of K,  K(u, v) = -(1/π) sin(u² - v²)/(u - v) on [0, U]²

    A free wave with positive momenta alone can have a negative current at a point for
    an interval of time; λ bounds the probability that flows back in it. u is the
    momentum in units of √(4mħ/duration), so that λ contains no ħ, mass or time. λ grows
    with U as λ(∞) - c/U, and 2λ(2U) - λ(U) comes near λ(∞) = 0.03845.

    Args:
        U: cut-off, positive; a known number, not traced, unless `nodes` is given.
        nodes: number of Gauss-Legendre points; None for 0.9 U² + 80, rounded up.

    Returns:
        λ, scalar.

    Raises:
        ValueError: U not positive, or fewer than 2 nodes.

    Source: A. J. Bracken and G. F. Melloy (1994) J. Phys. A 27, 2197; λ(∞) = 0.0384517
    in M. Penz et al. (2006) J. Phys. A 39, 423, 0.0384506 in arXiv:2505.13184.
    """
    _checks.check_positive(U, "U", ())
    if nodes is None:
        nodes = int(np.ceil(0.9 * float(_checks.concrete(U)) ** 2)) + 80
    points, weights = np.polynomial.legendre.leggauss(
        _checks.whole_number(nodes, "nodes", 2)
    )
    U = jnp.asarray(U, jnp.result_type(U, jnp.zeros(()).dtype))
    u = U * jnp.asarray((points + 1) / 2, U.dtype)
    root = jnp.sqrt(U * jnp.asarray(weights / 2, U.dtype))
    difference, total = u[:, None] - u[None, :], u[:, None] + u[None, :]
    # sin(u² - v²)/(u - v), which is u + v on the diagonal
    kernel = total * jnp.sinc(difference * total / jnp.pi)
    matrix = -root[:, None] * root[None, :] * kernel / jnp.pi
    return jnp.linalg.eigvalsh(matrix)[-1]

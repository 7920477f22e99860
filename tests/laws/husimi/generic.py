"""What tests of the Husimi law share: a symbol, and a check of derivatives."""

import jax
import jax.numpy as jnp
import numpy as np

from jqd.spaces.symbols import Symbol

# every monomial of one mode that a Fokker-Planck equation has
MIXED = Symbol.from_terms({
    ((2,), (2,)): 0.4, ((1,), (1,)): -1.0, ((1,), (0,)): 0.25, ((0,), (1,)): 0.25,
    ((2,), (0,)): 0.1 + 0.05j, ((0,), (2,)): 0.1 - 0.05j,
    ((2,), (1,)): 0.05, ((1,), (2,)): 0.05,
})  # fmt: skip


def assert_slopes(value, x, h):
    """Forward and reverse derivatives by x, (n,), are differences of fourth order."""
    n = x.size
    # all points of the differences by one program, (step, constant, ..)
    steps = jnp.stack([k * h * jnp.eye(n) for k in (1, -1, 2, -2)])
    ahead, behind, far_ahead, far_behind = jnp.reshape(
        jax.jit(jax.vmap(value))(x[None] + jnp.reshape(steps, (4 * n, n))), (4, n, -1)
    )
    slopes = (8 * (ahead - behind) - (far_ahead - far_behind)) / (12 * h)
    for derivative in (jax.jacfwd, jax.jacrev):
        found = derivative(value)(x)
        # h^4 leaves 1e-11
        np.testing.assert_allclose(found, slopes.T, rtol=1e-6, atol=1e-9)

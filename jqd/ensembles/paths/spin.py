"""The spin of a spinor at the position of a path."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from ... import _checks
from ..._gate import gated
from ..._math import abs2, safe_divide
from ...laws import Pauli
from ...spaces.spinors import spin_density
from .guide import REFINE, Guide


@gated
def path_spin(
    law: Pauli, psi: Complex[Array, "..."], x: Float[Array, "..."]
) -> Float[Array, "..."]:
    """The spin of paths: s = ψ†σψ/ψ†ψ at their positions, a unit vector.

    It is a property of the wave at that place, not one that the path carries.

    Args:
        law: Pauli's law.
        psi: its state, (2, *shape), or those of T times, as `jqd.evolve` gives them.
        x: positions, (n, d), or (T, n, d), as `jqd.ensembles.nelson` gives them.

    Returns:
        (n, 3) or (T, n, 3); NaN where a path has ended, 0 where ψ vanishes.

    Raises:
        ValueError: another law, or shapes that do not fit it or one another.
    """
    grid = law.grid
    lead = np.shape(x)[:-2]
    _checks.check_shape(psi, "psi", (*lead, 2, *grid.shape))
    _checks.check_shape(x, "x", (*lead, None, grid.ndim))

    def at(psi: Array, x: Array) -> Array:
        there = jnp.all(jnp.isfinite(x), axis=1)
        guide = Guide.through(grid, psi, REFINE.get(grid.ndim, 1))
        values = guide.values(jnp.where(there[:, None], x, 0))
        density = jnp.sum(abs2(values), axis=0)
        known = density > jnp.finfo(density.dtype).tiny
        share = safe_divide(1, density, known)
        return jnp.where(there, share, jnp.nan)[:, None] * spin_density(values).T

    return jax.vmap(at)(psi, x) if lead else at(psi, x)

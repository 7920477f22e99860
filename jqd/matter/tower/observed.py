"""What a record of a photon tower shows: norms of its lowest levels."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from ..._math import abs2
from ...constants import static

# Share of the levels of matter below the one at which synthetic data begin.
FOOT = 0.75
# Of the matter of synthetic data and of `jqd recover tower`: the range of its energies
# and the reach of its coupling, in the unit in which ħω is 0.8.
MATTER = {"width": 7.0, "bandwidth": 2.0}


class LevelNorms(eqx.Module):
    """Norms of the lowest levels of a tower of one mode, for `evolve` and `recover`.

    Attributes:
        levels: how many, from no photon on (static).
    """

    levels: int = static()

    def __call__(self, t: Array, state: Complex[Array, "D P"]) -> Float[Array, " k"]:
        """p_k = Σ_i |ψ_ik|²."""
        del t
        return jnp.sum(abs2(state[:, : self.levels]), axis=0)

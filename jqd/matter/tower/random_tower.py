"""A tower on random matter whose constants a fit may free, and what shows it."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, PRNGKeyArray

from ... import _checks
from ..._math import abs2
from ...constants import constant, fixed, free, static
from ...evolution.evolution import in_precision
from ...laws.wrapped import Wrapped
from .configurations import Configurations
from .density import ExponentialDensity, GaussianShape
from .matter import random_matter
from .tower import Tower


class RandomTower(Wrapped):
    """Random matter with g(E) ∝ exp(βE), coupled to one photon mode.

    The random matrix in X depends on `key` alone. The law is thus the same for every
    value of the coupling λ, the frequency ω and the inverse temperature β of the
    matter.

    Attributes:
        strength: λ.
        omega: ω, angular frequency.
        beta: β = ∂ ln g/∂E.
        width: W, matter has energies in [0, W].
        bandwidth: width of the Gaussian f(E_i - E_j) in X.
        hbar: ħ.
        key: random key of the matrix.
        levels: D (static).
        configurations: photon numbers kept (static).
    """

    strength: Float[Array, ""]
    beta: Float[Array, ""]
    hbar: Float[Array, ""]
    key: PRNGKeyArray
    levels: int = eqx.field(static=True)
    configurations: Configurations = eqx.field(static=True)
    omega: Float[Array, ""] = free(positive=True)
    width: Float[Array, ""] = fixed()
    bandwidth: Float[Array, ""] = fixed()

    def __init__(
        self,
        key: PRNGKeyArray,
        levels: int,
        photons: int,
        strength: ArrayLike,
        omega: ArrayLike,
        beta: ArrayLike,
        *,
        width: ArrayLike,
        bandwidth: ArrayLike,
        hbar: ArrayLike = 1.0,
    ):
        """A tower of random matter and one mode.

        Args:
            photons: largest number of photons.
            key, levels, strength, omega, beta, width, bandwidth, hbar: as for the
                class.

        Raises:
            ValueError: a frequency, width, bandwidth or ħ that is not positive, fewer
                than two levels or no photon.
        """
        _checks.check_all_positive(
            omega=omega, width=width, bandwidth=bandwidth, hbar=hbar
        )
        if photons < 1:
            raise ValueError(
                f"Argument `photons` must be at least 1, but is {photons}."
            )
        self.strength, self.omega, self.beta, self.hbar = map(
            constant, (strength, omega, beta, hbar)
        )
        self.width, self.bandwidth = map(constant, (width, bandwidth))
        self.key, self.levels = key, levels
        self.configurations = Configurations(np.arange(photons + 1)[:, None])

    @property
    def inner(self) -> Tower:
        """The tower with these constants."""
        density = ExponentialDensity(self.beta, self.width)
        shape = GaussianShape(self.bandwidth)
        matter = random_matter(self.key, self.levels, density, shape)
        tower = Tower(
            matter, self.omega, self.strength, self.configurations, hbar=self.hbar
        )
        # what it has by default is in JAX's precision
        return in_precision(tower, self.strength.dtype)

    def foot(self, share: float) -> Complex[Array, "D P"]:
        """Matter in the level above this share of all levels, and no photon."""
        psi = jnp.zeros((self.levels, self.configurations.size), complex)
        # of few levels all may be below the share
        level = min(round(share * self.levels), self.levels - 1)
        return psi.at[level, 0].set(1.0)


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

"""Potentials of packets: of all atoms of a solid, of chosen modes, of chains."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jqd.constants import constant
from jqd.matter.packets import GaussianState, ground_state
from jqd.matter.packets.motion import (
    ZERO_MODE,
    as_function,
    check_system,
    mass_weighted,
)


class FlatPotential(eqx.Module):
    """V(q) of positions in one vector, for an energy of positions (N, d).

    Attributes:
        energy: x (N, d) -> scalar energy, such as the `energy` of a solid.
        shape: (N, d) (static).
    """

    energy: Any = eqx.field(converter=as_function)
    shape: tuple[int, ...] = eqx.field(static=True)

    def __call__(self, q: Float[Array, " n"]) -> Float[Array, ""]:
        """The energy of positions q, in the order of a raveled (N, d) array."""
        return self.energy(jnp.reshape(q, self.shape))


class ModePotential(eqx.Module):
    """V as a function of amplitudes along some normal modes, the others at rest.

    V(X) = V(q₀ + M^(-1/2) E X), with X_k = Σ_j √m_j e_jk (q_j - q₀_j); the mass that
    belongs to each X_k is 1.

    Attributes:
        potential: V of all coordinates, q (n,) -> ().
        rest: q₀, (n,).
        vectors: M^(-1/2) E, (n, k).
        frequencies: ω_k, (k,), ascending.

    Source: Chafin (2019), sec. 1, with the √m_j that is missing in print.
    """

    potential: Any
    rest: Float[Array, " n"]
    vectors: Float[Array, "n k"]
    frequencies: Float[Array, " k"]

    def __call__(self, X: Float[Array, " k"]) -> Float[Array, ""]:
        """The energy at amplitudes X."""
        return self.potential(self.positions(X))

    def positions(self, X: Float[Array, " k"]) -> Float[Array, " n"]:
        """q of the amplitudes X."""
        return self.rest + self.vectors @ X


def free_chain(u: Float[Array, " N"]) -> Float[Array, ""]:
    """V = Σ r²/2 + r⁴/4 of displacements over the bonds, ends free; K = m = β = 1."""
    r = jnp.diff(u)
    return jnp.sum(r**2 / 2 + r**4 / 4)


def walled_chain(u: Float[Array, " N"]) -> Float[Array, ""]:
    """The same between walls."""
    return free_chain(jnp.pad(u, 1))


def wall_frequencies(N: int) -> Float[np.ndarray, " N"]:
    """ω_k = 2 sin(πk/2(N + 1)) of N atoms between walls, harmonic."""
    return 2 * np.sin(np.pi * np.arange(1, N + 1) / 2 / (N + 1))


def hot_packet(atoms: int, energy: float, seed: int) -> GaussianState:
    """Atoms at rest positions between walls, with random velocities.

    Their kinetic energy is `energy` each, and the covariance that of the harmonic
    ground state at ħ = 1.
    """
    p = np.random.default_rng(seed).normal(size=atoms)
    p = p * np.sqrt(2 * energy * atoms / np.sum(p**2))
    near = np.eye(atoms, k=1)
    rest = ground_state(2 * np.eye(atoms) - near - near.T, np.ones(atoms))
    return GaussianState(0 * p, p, rest.covariance)


@jax.jit
def _hessian(function: Any, q: Array) -> Array:
    return jax.hessian(function)(q)


def mode_potential(
    potential: Callable[[Array], Array], rest: ArrayLike, masses: ArrayLike
) -> ModePotential:
    """The internal coordinates of a system: its normal modes without the free motions.

    Args:
        potential: V, q (n,) -> scalar energy.
        rest: q₀, (n,), a minimum of V.
        masses: (n,), positive.

    Returns:
        `ModePotential` of the modes with ω² > 1e-7 ω²_max, by ascending frequency;
        each mode's largest entry is positive. Needs known (not traced) arrays, for
        their number decides a shape.

    Raises:
        ValueError: masses not positive, or a rest position that is no minimum.
    """
    rest, function = constant(rest, "rest"), as_function(potential)
    hessian, masses = check_system(_hessian(function, rest), masses)
    weighted = np.asarray(mass_weighted(hessian, masses))
    squares, vectors = np.linalg.eigh((weighted + weighted.T) / 2)
    limit = ZERO_MODE * np.max(np.abs(squares))
    if squares[0] < -limit:
        raise ValueError(
            "Argument `rest` must be a minimum of the potential, but a mode there has "
            f"the squared frequency {squares[0]:.3g}."
        )
    inner = squares > limit
    vectors = vectors[:, inner]
    largest = np.argmax(np.abs(vectors) > 0.999 * np.max(np.abs(vectors), 0), axis=0)
    vectors = vectors * np.sign(vectors[largest, np.arange(vectors.shape[1])])
    scaled = vectors / np.sqrt(np.asarray(masses))[:, None]
    return ModePotential(
        function, rest, jnp.asarray(scaled), jnp.sqrt(jnp.asarray(squares[inner]))
    )

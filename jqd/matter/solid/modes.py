"""Normal modes of a solid about an equilibrium.

Displacements u of N atoms in d dimensions have n = N d coordinates; mode k moves along
e_k in mass-weighted coordinates: u_j = Σ_k e_jk X_k / √m_j.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from ... import _checks
from ..._gate import gated
from ..._math import safe_sqrt
from ...constants import constant
from .body import Solid
from .rigid import rigid_count

# ω² below this fraction of the largest counts as zero: relaxed positions leave some
# 1e-13 in the rotations, the softest modes of a thousand atoms have 1e-6.
ZERO = 1e-7


class Modes(eqx.Module):
    """Normal modes: D e_k = ω_k² e_k, D_ij = (∂²V/∂u_i∂u_j) / √(m_i m_j).

    Attributes:
        omega: ω_k, ascending, shape (n,); exactly 0 for zero modes.
        vectors: e_jk, row j = (atom, axis), column k a mode, shape (n, n).
        squared: the eigenvalues ω_k² as computed, shape (n,).
        vibrating: which modes have a frequency, shape (n,).
        masses: shape (N,).
    """

    omega: Float[Array, " n"]
    vectors: Float[Array, "n n"]
    squared: Float[Array, " n"]
    vibrating: Bool[Array, " n"]
    masses: Float[Array, " N"]

    @property
    def zero_modes(self) -> Array:
        """Number of modes of zero frequency."""
        return jnp.sum(~self.vibrating)

    @property
    def stable(self) -> Array:
        """Whether no squared frequency is negative beyond the threshold."""
        return jnp.all(self.vibrating | (jnp.abs(self.squared) <= self._scale))

    @property
    def _scale(self) -> Array:
        return ZERO * jnp.max(jnp.abs(self.squared))

    @property
    def roots(self) -> Array:
        """√m of each coordinate, shape (n,)."""
        dimension = self.omega.shape[0] // self.masses.shape[0]
        return jnp.repeat(jnp.sqrt(self.masses), dimension)

    @jax.jit
    def coordinates(self, u: Float[Array, "... N d"]) -> Float[Array, "... n"]:
        """Mode coordinates X_k = Σ_j √m_j e_jk u_j, of velocities Ẋ_k likewise.

        The printed formula lacks the masses; that is correct only where all are 1.

        Args:
            u: displacements or velocities, shape (..., N, d).

        Returns:
            X, shape (..., n), length × √mass.

        Source: Chafin (2019), sec. 1, with the masses.
        """
        flat = jnp.reshape(u, (*np.shape(u)[:-2], self.omega.shape[0]))
        return jnp.einsum("...j,j,jk->...k", flat, self.roots, self.vectors)

    @jax.jit
    def displacements(self, X: Float[Array, "... n"]) -> Float[Array, "... N d"]:
        """u_j = Σ_k e_jk X_k / √m_j, or velocities; inverse of `coordinates`."""
        flat = jnp.einsum("...k,jk,j->...j", X, self.vectors, 1 / self.roots)
        return jnp.reshape(flat, (*np.shape(X)[:-1], self.masses.shape[0], -1))

    @jax.jit
    def kinetic_energies(self, v: Float[Array, "... N d"]) -> Float[Array, "... n"]:
        """Ẋ_k²/2 of each mode."""
        return self.coordinates(v) ** 2 / 2

    @jax.jit
    def potential_energies(self, u: Float[Array, "... N d"]) -> Float[Array, "... n"]:
        """ω_k² X_k²/2 of each mode: the harmonic part of V."""
        return jnp.einsum("k,...k->...k", self.omega, self.coordinates(u)) ** 2 / 2

    @jax.jit
    def energies(
        self, u: Float[Array, "... N d"], v: Float[Array, "... N d"]
    ) -> Float[Array, "... n"]:
        """(Ẋ_k² + ω_k² X_k²)/2 of each mode."""
        return self.kinetic_energies(v) + self.potential_energies(u)


@gated
def normal_modes(
    body: Solid, x: Float[ArrayLike, "N d"], *, zero_modes: int | str | None = "rigid"
) -> Modes:
    """Normal modes of a solid at an equilibrium, from the pairs' stiffness.

    A free body has 3N - 6 phonons, not 3N: 6 modes are rigid motions (3 in the plane, 1
    on a line, d in a box, none with anchors).

    Args:
        body: the solid.
        x: positions at rest, shape (N, d).
        zero_modes: number of modes that must have zero frequency; "rigid" for the
            number of rigid motions, None for no check (static).

    Returns:
        The modes.

    Raises:
        ValueError: a squared frequency is negative, or the number of zero modes is
            another: `x` is no equilibrium, or the solid is floppy (concrete arguments).

    Source: Chafin (2019), sec. 1; "3N phonons" in print.
    """
    x = constant(x, "x")
    body.check_positions(x)
    if isinstance(zero_modes, str):
        _checks.check_choice(zero_modes, "zero_modes", ("rigid",))
        known = _checks.is_concrete((body, x))
        zero_modes = rigid_count(body, x) if known else None
    return _checked(_modes_of(body, x), zero_modes)


@gated
def hessian_modes(
    hessian: Float[ArrayLike, "n n"],
    masses: Float[ArrayLike, " N"],
    *,
    zero_modes: int | None = None,
) -> Modes:
    """Normal modes of a Hessian ∂²V/∂u_i∂u_j.

    Frequencies have derivatives where they are distinct. The eigenvectors of a repeated
    frequency are an arbitrary basis and have no derivatives.

    Args:
        hessian: symmetric, shape (n, n), n = N d, rows (atom, axis).
        masses: shape (N,), positive.
        zero_modes: number of modes that must have zero frequency, or None for no check.

    Returns:
        The modes.

    Raises:
        ValueError: wrong shapes, not symmetric, masses not positive, a negative squared
            frequency, or another number of zero modes (values are checked if concrete).
    """
    hessian, masses = constant(hessian, "hessian"), constant(masses, "masses")
    if zero_modes is not None:
        _checks.whole_number(zero_modes, "zero_modes", 0)
    _checks.check_square(hessian, "hessian")
    _checks.check_real(hessian, "hessian")
    _checks.check_hermitian(hessian, "hessian")
    _checks.check_positive(masses, "masses", (None,))
    if masses.shape[0] == 0 or hessian.shape[0] % masses.shape[0]:
        raise ValueError(
            "Argument `masses` must divide the coordinates among its atoms, but there "
            f"are {masses.shape[0]} masses for {hessian.shape[0]} coordinates."
        )
    return _checked(_diagonalise(hessian, masses), zero_modes)


@jax.jit
def _modes_of(body: Solid, x: Array) -> Modes:
    return _diagonalise(body.hessian(x), body.masses)


@jax.jit
def _diagonalise(hessian: Array, masses: Array) -> Modes:
    roots = jnp.repeat(jnp.sqrt(masses), hessian.shape[0] // masses.shape[0])
    matrix = hessian / (roots[:, None] * roots[None, :])
    squared, vectors = jnp.linalg.eigh((matrix + matrix.T) / 2)
    threshold = ZERO * jnp.max(jnp.abs(squared))
    vibrating = squared > threshold
    omega = safe_sqrt(squared, vibrating)
    # the first of the large entries is positive, so that runs compare
    size = jnp.abs(vectors)
    first = jnp.argmax(size >= jnp.max(size, axis=0, keepdims=True) / 2, axis=0)
    entry = jnp.take_along_axis(vectors, first[None, :], axis=0)
    vectors = vectors * jnp.where(entry < 0, -1, 1)
    return Modes(omega, vectors, squared, vibrating, masses)


def _checked(modes: Modes, expected: int | None) -> Modes:
    if not _checks.is_concrete(modes):
        return modes
    squared = np.asarray(modes.squared)
    zero = int(np.sum(~np.asarray(modes.vibrating)))
    if squared[0] < -ZERO * np.max(np.abs(squared)):
        raise ValueError(
            "Argument `x` must be a stable equilibrium, but the least squared "
            f"frequency is {squared[0]:.3g}."
        )
    if expected is not None and zero != expected:
        raise ValueError(
            f"Argument `x` must be an equilibrium with {expected} zero modes, but "
            f"{zero} squared frequencies are below {ZERO:g} of the largest; relax it, "
            "or pass `zero_modes`."
        )
    return modes

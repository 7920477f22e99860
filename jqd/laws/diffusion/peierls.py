"""Vector potentials on links: the work that is subtracted from the action."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ..._math import abs2, divisor, expi, roll, safe_sqrt
from ...constants import constant
from ...spaces import Grid
from ...spaces.graphs import Graph
from ...spaces.resolution import SECOND_DIFFERENCES, TAIL
from ...spaces.vector_potentials import VectorPotential, vector_potential

# (axis, j) -> q ∫ A·dl from each site of a grid to its j-th neighbour along an axis; of
# a graph along each link, whatever the arguments.
Work = Callable[[int, int], Array]


class Peierls(eqx.Module):
    """A charge in a vector potential: S_b - S_a - q ∫_a^b A·dl for S_b - S_a.

    Attributes:
        charge: q, scalar.
        vector_potential: A on a grid; or ∫ A·dl, on a grid from each point to the next
            along each axis, (ndim, *shape), of a graph along each link, (L,).
    """

    charge: Float[Array, ""]
    vector_potential: VectorPotential | Float[Array, "..."]

    def along(self, grid: Grid, axis: int, t: ArrayLike) -> tuple[Array, Array]:
        """a and χ of A = a + ∂χ/∂x along one axis: a its mean there, χ periodic."""
        A = self.vector_potential
        if isinstance(A, VectorPotential):
            return A.along(grid, axis, t)
        step = jnp.mean(A[axis], axis=axis, keepdims=True)
        rest = A[axis] - step
        return step / grid.spacing[axis], jnp.cumsum(rest, axis=axis) - rest

    def work(self, space: Grid | Graph, t: ArrayLike) -> Work:
        """q ∫ A·dl along the links at a time, energy times time.

        The integral over j links is a j h + χ_b - χ_a, also across the seam: the sum of
        the integrals over each, and exactly what a gauge takes from the action.
        """
        q = self.charge
        if isinstance(space, Graph):
            of_links = q * self.vector_potential  # pyright: ignore[reportOperatorIssue]
            return lambda axis, j: of_links
        parts = [self.along(space, axis, t) for axis in range(space.ndim)]

        def reach(axis: int, j: int) -> Array:
            mean, chi = parts[axis]
            step = roll(chi, -j, axis) - chi
            return q * (mean * (j * space.spacing[axis]) + step)

        return reach

    def seam_share(self, space: Grid | Graph, psi: Array, t: ArrayLike) -> Array:
        """Share of |ψ|² at seams of a box across which A jumps, scalar."""
        A = self.vector_potential
        density = abs2(psi)
        if isinstance(space, Graph) or not isinstance(A, VectorPotential):
            return jnp.zeros((), density.dtype)
        return A.seam_share(space, density, t)


def read_links(given: Any, space: Grid | Graph) -> VectorPotential | Array:
    """The vector potential of a space.

    Args:
        given: a function of the coordinates of a grid, or ∫ A·dl of links as an array.
        space: the space.

    Raises:
        ValueError: see `jqd.spaces.vector_potential`; a sharded grid; an array of
            another shape, or of numbers that are not real and finite.
    """
    if isinstance(space, Grid) and space.sharding is not None:
        raise ValueError(
            "Argument `grid` must lie on one device with a vector potential, but is "
            "spread over several."
        )
    if isinstance(space, Grid) and callable(given):
        return vector_potential(given, space)
    links = (len(space.pairs),) if isinstance(space, Graph) else ()
    shape = links or (space.ndim, *space.shape)
    _checks.check_reals(given, "vector_potential", shape)
    return constant(given, "vector_potential")


class Seen(NamedTuple):
    """How well links resolve a ψ.

    Attributes:
        cut: share of |ψ|² beyond two thirds of the cut-off, see `cutoff_weight`.
        tail: error of the density by what is beyond it, see `tail_error`.
        missed: rms of Σ D_i (k_i² - k_h²), k_h² that of the differences, 1/time.
        square: rms of Σ D_i k_i².
    """

    cut: Array
    tail: Array
    missed: Array
    square: Array


def covariant(
    peierls: Peierls,
    grid: Grid,
    psi: Array,
    hbar: Sequence[Array],
    D: Sequence[Array],
    order: int,
    t: ArrayLike,
) -> Seen:
    """How well links resolve a ψ in a vector potential: κ = -i∇ - qA/ħ replaces k.

    The result is gauge invariant. Links determine κ up to 2π/h along each axis.

    Args:
        peierls: q and A.
        grid: the grid.
        psi: ψ, of the grid's shape.
        hbar: ħ, one per axis.
        D: D, one per axis.
        order: of the differences (static).
        t: time, scalar.
    """
    missed, whole = jnp.zeros_like(psi), jnp.zeros_like(psi)
    size = divisor(jnp.sum(abs2(psi)))
    cut, tail = jnp.zeros_like(size), jnp.zeros_like(size)
    for axis, (k, h) in enumerate(zip(grid.wavenumbers, grid.spacing, strict=True)):
        mean, chi = peierls.along(grid, axis, t)
        momentum = peierls.charge / hbar[axis]
        angle = momentum * chi
        turn = expi(-angle).astype(psi.dtype)
        kappa = h * (k - momentum * mean)
        kappa = kappa - 2 * jnp.pi * jnp.round(kappa / (2 * jnp.pi))
        symbol = sum(
            w * (2 * jnp.sin(d * kappa / 2)) ** 2
            for d, w in enumerate(SECOND_DIFFERENCES[order], start=1)
        )
        wave = jnp.fft.fft(turn * psi, axis=axis)
        gap, square = (
            jnp.conj(turn) * jnp.fft.ifft(D[axis] / h**2 * factor * wave, axis=axis)
            for factor in (kappa**2 - symbol, kappa**2)
        )
        missed, whole = missed + gap, whole + square
        weight = abs2(wave) / (grid.shape[axis] * size)
        far = jnp.abs(kappa) / jnp.pi
        cut = cut + jnp.sum(jnp.where(far > 2 / 3, weight, 0))
        tail = tail + jnp.sum(jnp.where(far > TAIL, weight, 0))
    squares = [jnp.sum(abs2(part)) / size for part in (missed, whole)]
    return Seen(cut, 2 * safe_sqrt(tail), *map(safe_sqrt, squares))

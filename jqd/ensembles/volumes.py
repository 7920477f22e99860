"""Finite volumes in one dimension for the density of paths with noise.

∂p/∂t = -∂(b p)/∂x + ν ∂²p/∂x²,  b = v + ν∂ln|ψ|²/∂x,  p = f|ψ|²
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import _checks
from .paths.schemes import Pull, drift
from .paths.walk import Walk

# Two-step differences are stable while a step is less than 1 + √2 times the last.
STABLE = 2.4


class Mesh(NamedTuple):
    """Adjacent cells, and the face before each.

    Attributes:
        points: centres of the cells, as positions, (n, 1).
        widths: of the cells, (n,).
        faces: the end of the first cell and the midpoints between neighbours, (n, 1).
        gaps: distances of the points across these faces, (n,).
        sign: 1 where cells are numbered against x, -1 where along x.
        leaks: 1 where the first face absorbs all that reaches it, 0 where it is a wall.
    """

    points: Float[Array, "n 1"]
    widths: Float[Array, " n"]
    faces: Float[Array, "n 1"]
    gaps: Float[Array, " n"]
    sign: int
    leaks: int

    def start(self, p: Array) -> tuple[Array, Array, Array]:
        """The state that `advance` carries along, at the first time."""
        return p, p, jnp.zeros((), p.dtype)

    def advance(
        self, walk: Walk, state: tuple[Array, Array, Array], psi: Array, dt: Array
    ) -> tuple[Array, Array, Array]:
        """p after a step to the time of ψ, p before it, and 1/dt.

        p is the probability in each cell. The step is an implicit two-step difference
        formula of order 2.
        """
        now, before, last = state
        # Steps over the one before: 0 at the first, which makes it implicit Euler's,
        # and where they grow so much that the formula is not stable.
        ratio = dt * last
        ratio = jnp.where(ratio < STABLE, ratio, 0)
        share = (1 + ratio) / (1 + 2 * ratio)
        known = ((1 + ratio) ** 2 * now - ratio**2 * before) / (1 + 2 * ratio)
        return self._solve(walk, psi, share * dt, known), now, 1 / dt

    def _solve(self, walk: Walk, psi: Array, dt: Array, known: Array) -> Array:
        """p with p - dt A p = known: exponentially fitted (Scharfetter-Gummel)."""
        pull = Pull(walk.guide(psi).log_gradient(self.faces), None)
        nu = walk.nu[0]
        # The drift away from the first face, times the gap, over ν.
        away = -self.sign * drift(pull, walk.D[None], walk.nu[None])[:, 0]
        peclet = away * self.gaps / nu
        rate = nu / self.gaps
        # Flows across each face: outwards from the cell behind, inwards from before.
        toward = rate * _bernoulli(peclet) / self.widths
        toward = toward.at[0].multiply(self.leaks)
        back = rate[1:] * _bernoulli(-peclet[1:]) / self.widths[:-1]
        none = jnp.zeros_like(rate[:1])
        leaves = toward + jnp.concatenate([back, none])
        lower = jnp.concatenate([none, -dt * back])
        upper = jnp.concatenate([-dt * toward[1:], none])
        solved = jax.lax.linalg.tridiagonal_solve(
            lower, 1 + dt * leaves, upper, known[:, None]
        )
        return solved[:, 0]


def check_volumes(cells: Any, substeps: Any, nu: Array, instead: str) -> None:
    """Raise for an odd number of cells or steps, and for ν = 0."""
    for number, name in ((cells, "cells"), (substeps, "substeps")):
        if _checks.whole_number(number, name, 2) % 2:
            raise ValueError(f"Argument `{name}` must be even, but is {number}.")
    if _checks.is_concrete(nu) and not _checks.concrete(nu).all():
        raise ValueError(
            f"Argument `nu` must be positive, but is 0; for Bohm's paths use "
            f"`{instead}`."
        )


def _bernoulli(z: Array) -> Array:
    """z/(exp z - 1), 1 at 0, without overflow."""
    small = jnp.abs(z) < 1e-3
    size = jnp.where(small, 1, jnp.abs(z))
    # B(-z) = B(z) + z
    value = size * jnp.exp(-size) / -jnp.expm1(-size) + jnp.where(z < 0, size, 0)
    # The next term is below 1e-15.
    return jnp.where(small, 1 - z / 2 + z**2 / 12, value)

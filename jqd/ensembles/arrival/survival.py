"""The share of paths that have not arrived yet, without chance, by finite volumes."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from ... import _checks
from ...evolution.evolution import in_precision
from ...laws.law import Law
from ...status import Status
from ..paths.schemes import Pull, drift
from ..paths.walk import Walk
from .detector import Detector, read_line
from .flux import edge
from .follow import follow

# More at the ends of the box than this share of the peak has come round it.
EDGE = 1e-4
# Two-step differences are stable while a step is less than 1 + √2 times the last.
STABLE = 2.4


class Survival(NamedTuple):
    """Who has not arrived yet.

    Attributes:
        ts: times, (T,).
        survival: S, share that has not arrived, (T,); at ts[0] that before the
            detector.
        error: estimate of the error of cells and steps, from a run with half as many
            of both, (T,).
        status: code of `jqd.Status` for each time, (T,): INACCURATE where the error is
            as large as S or as 1 - S, EDGE where ψ has reached the ends of the box.
    """

    ts: Float[Array, " T"]
    survival: Float[Array, " T"]
    error: Float[Array, " T"]
    status: Int[Array, " T"]

    @property
    def arrived(self) -> Float[Array, " T"]:
        """F = 1 - S, share that has arrived, (T,)."""
        return 1 - self.survival


def survival(
    law: Law,
    psi0: ArrayLike,
    ts: ArrayLike,
    *,
    detector: ArrayLike,
    side: str = "left",
    nu: ArrayLike | None = None,
    D: ArrayLike | None = None,
    cells: int = 800,
    substeps: int = 50,
    stepper: Callable[..., Any] | None = None,
    refine: int | None = None,
) -> Survival:
    """Share of the paths that have not arrived at a point yet, for any ν > 0.

    ∂p/∂t = -∂(b p)/∂x + ν ∂²p/∂x²,  b = v + ν∂ln|ψ|²/∂x,  p(L, t) = 0,  S = ∫ p dx

    p = f|ψ|² is the density of those that have never been at L; p = |ψ|² before L at
    ts[0]. Exponentially fitted finite volumes (Scharfetter-Gummel) on cells that grow
    with the square of their number from L on, and two-step backward differences: order
    2 in cells and steps, where p is smooth.

    Caution: ideal, unrecorded passages, as for `arrival`, of which this is the limit
    of many paths and small steps. Real nodes of ψ are walls to the paths, but leak
    here at a rate of the order of the width of a cell: the order is 1 there, and the
    true error some three times `error`.

    Args:
        law, psi0, ts, detector, side, D: as for `arrival`.
        nu: ν > 0, length² over time; None for D, Nelson's. For ν = 0 see
            `arrival_flux`.
        cells: between the detector and the end of the box, an even number.
        substeps: steps between two times, an even number.
        stepper, refine: as for `nelson`.

    Returns:
        S at each time, the estimated error of cells and steps, and a status.

    Raises:
        ValueError: ν = 0, odd numbers of cells or steps, and what `arrival` refuses.

    Source: D. L. Scharfetter and H. K. Gummel (1969) IEEE Trans. Electron Devices 16,
    64 for the cells.
    """
    for number, name in ((cells, "cells"), (substeps, "substeps")):
        if _checks.whole_number(number, name, 2) % 2:
            raise ValueError(f"Argument `{name}` must be even, but is {number}.")
    walk, psi, ts, place = read_line(
        law, psi0, ts, detector, side, D=D, nu=nu, scheme="implicit", stepper=stepper,
        substeps=substeps, refine=refine,
    )  # fmt: skip
    if _checks.is_concrete(walk.nu) and float(walk.nu[0]) == 0:
        raise ValueError(
            "Argument `nu` must be positive, but is 0; for Bohm's paths use "
            "`arrival_flux`."
        )
    return _run(walk, psi, ts, place, cells)


@eqx.filter_jit
def _run(walk: Walk, psi: Array, ts: Array, place: Detector, cells: int) -> Survival:
    walk = in_precision(walk, psi.real.dtype)
    S, edges = _share(walk, psi, ts, place, cells)
    half = dataclasses.replace(walk, substeps=walk.substeps // 2)
    coarse, _ = jax.lax.stop_gradient(_share(half, psi, ts, place, cells // 2))
    # Both errors fall to a quarter with twice as many cells and steps.
    error = jnp.abs(jax.lax.stop_gradient(S) - coarse) / 3
    status = jnp.where(edges > EDGE, Status.EDGE, Status.OK)
    # At the first time nothing has moved.
    unsure = (error >= jnp.minimum(S, 1 - S)) & (ts > ts[0])
    status = jnp.where(unsure, Status.INACCURATE, status)
    status = jnp.where(jnp.isfinite(S), status, Status.NON_FINITE)
    return Survival(ts, S, error, status.astype(jnp.int32))


def _share(walk, psi, ts, place, cells):
    """S and the density at the ends of the box, (T,) each."""
    mesh = _Mesh(walk, place, cells)
    p = walk.guide(psi).density(mesh.points) * mesh.widths

    def each(state, psi, dt):
        now, before, last = state
        # Steps over the one before: 0 at the first, which makes it implicit Euler's,
        # and where they grow so much that the formula is not stable.
        ratio = dt * last
        ratio = jnp.where(ratio < STABLE, ratio, 0)
        share = (1 + ratio) / (1 + 2 * ratio)
        known = ((1 + ratio) ** 2 * now - ratio**2 * before) / (1 + 2 * ratio)
        return mesh.solve(walk, psi, share * dt, known), now, 1 / dt

    def look(state, psi):
        return jnp.sum(state[0]), edge(psi)

    return follow(walk, psi, ts, (p, p, jnp.zeros_like(ts[0])), each, look)


class _Mesh:
    """Cells before the detector, y = W u² away from it.

    Attributes:
        points: middles of the cells, as positions, (n, 1).
        widths: of the cells, (n,).
        faces: the detector and the middles between neighbours, as positions, (n, 1).
        gaps: distances of the points across these faces, (n,).
    """

    def __init__(self, walk: Walk, place: Detector, cells: int):
        lower, upper = walk.grid.bounds[0]
        end = lower if place.sign > 0 else upper
        width = place.distance(jnp.asarray(end, place.position.dtype))
        # Rounded to the precision of L once, after the arithmetic.
        u2 = [(np.arange(cells + 1) / cells) ** 2, ((np.arange(cells) + 0.5) / cells)]
        edges = width * jnp.asarray(u2[0], width.dtype)
        middles = width * jnp.asarray(u2[1] ** 2, width.dtype)
        before = jnp.concatenate([jnp.zeros_like(middles[:1]), middles])
        self.sign = place.sign
        self.widths = edges[1:] - edges[:-1]
        self.gaps = before[1:] - before[:-1]
        self.points = (place.position - place.sign * middles)[:, None]
        self.faces = (place.position - place.sign * edges[:-1])[:, None]

    def solve(self, walk: Walk, psi: Array, dt: Array, known: Array) -> Array:
        """q with q - dt A q = known, q = p times the widths of the cells."""
        pull = Pull(walk.guide(psi).log_gradient(self.faces), None)
        nu = walk.nu[0]
        # The drift away from the detector, times the gap, over ν.
        away = -self.sign * drift(pull, walk.D[None], walk.nu[None])[:, 0]
        peclet = away * self.gaps / nu
        rate = nu / self.gaps
        # Flows across each face: outwards from the cell behind, inwards from before.
        toward = rate * _bernoulli(peclet) / self.widths
        back = rate[1:] * _bernoulli(-peclet[1:]) / self.widths[:-1]
        none = jnp.zeros_like(rate[:1])
        leaves = toward + jnp.concatenate([back, none])
        lower = jnp.concatenate([none, -dt * back])
        upper = jnp.concatenate([-dt * toward[1:], none])
        solved = jax.lax.linalg.tridiagonal_solve(
            lower, 1 + dt * leaves, upper, known[:, None]
        )
        return solved[:, 0]


def _bernoulli(z: Array) -> Array:
    """z/(exp z - 1), 1 at 0, without overflow."""
    small = jnp.abs(z) < 1e-3
    size = jnp.where(small, 1, jnp.abs(z))
    # B(-z) = B(z) + z
    value = size * jnp.exp(-size) / -jnp.expm1(-size) + jnp.where(z < 0, size, 0)
    # The next term is below 1e-15.
    return jnp.where(small, 1 - z / 2 + z**2 / 12, value)

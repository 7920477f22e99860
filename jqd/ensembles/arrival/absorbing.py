"""Arrival at an absorbing wall, by Werner's boundary condition."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from ... import _checks
from ..._gate import gated
from ..._math import abs2, divisor
from ..._program import saved_scan
from ...evolution.evolution import in_precision
from ...evolution.judging import judged, status_of_each
from ...laws.law import Law
from ...status import Status
from ..arguments import one_particle
from .detector import read_line
from .flux import EDGE

# Points at the other end of the box whose density is watched: a wave that is reflected
# there has a node at the end, and its first antinode within these unless it is slow.
_FAR = 8


class Absorbed(NamedTuple):
    """The probability that the wall has absorbed.

    Attributes:
        ts: times, (T,).
        arrived: share absorbed by each time, (T,); at ts[0] the share beyond the wall.
        density: of the times of arrival, (ħκ/m)|ψ(L)|², per unit of time, (T,).
        error: estimate of the error of `arrived`, from a run with twice the spacing and
            twice the step, (T,).
        status: code of `jqd.Status` for each time, (T,): INACCURATE where the error is
            as large as the share, EDGE from where ψ has reached the other end of the
            box, which reflects it.
    """

    ts: Float[Array, " T"]
    arrived: Float[Array, " T"]
    density: Float[Array, " T"]
    error: Float[Array, " T"]
    status: Int[Array, " T"]


@gated
def absorbing_boundary(
    law: Law,
    psi0: ArrayLike,
    ts: ArrayLike,
    *,
    detector: ArrayLike,
    kappa: ArrayLike,
    side: str = "left",
    substeps: int = 100,
) -> Absorbed:
    """Times of arrival at an absorbing wall, by a boundary condition on ψ.

    ∂ψ/∂x = iκψ at L from the left,  Π = (ħκ/m)|ψ(L, t)|²

    The wall is part of the motion of ψ and has its own constant κ: it absorbs a wave of
    wavenumber k with probability 1 - ((k - κ)/(k + κ))² and otherwise reflects it. No ν
    enters. ψ moves on the grid points before the wall, by central differences of order
    2 and the trapezoidal rule (Crank-Nicolson).

    Args:
        law: `jqd.Schrodinger` on a grid of one dimension, without absorber.
        psi0: ψ at ts[0], (N,), normalised; the part beyond the wall is cut off.
        ts: times, (T,), strictly increasing.
        detector: L, length, scalar; one of the grid points.
        kappa: κ > 0, 1/length, scalar.
        side: "left" or "right", the side from which the particles come.
        substeps: steps between two times, an even number.

    Returns:
        Share absorbed, density of times of arrival, estimated error and status.

    Raises:
        ValueError: a law of another kind, a detector between the grid points, κ not
            positive, wrong shapes or numbers.

    Source: R. Werner (1987) Ann. Inst. H. Poincaré 47, 429; R. Tumulka,
    arXiv:1601.03715.
    """
    if _checks.whole_number(substeps, "substeps", 2) % 2:
        raise ValueError(f"Argument `substeps` must be even, but is {substeps}.")
    walk, psi, ts, place = read_line(
        law, psi0, ts, detector, side, D=None, nu=0.0, scheme="rk4", stepper=None,
        substeps=substeps,
    )  # fmt: skip
    H, hbar = one_particle(law)
    _checks.check_positive(kappa, "kappa", ())
    count = _points_before(walk.grid, detector, place.sign)
    kappa = jnp.asarray(kappa, psi.real.dtype)
    return _run(H, hbar, kappa, psi, ts, place.sign, count, substeps)


def _points_before(grid, detector: ArrayLike, sign: int) -> int:
    """How many points there are up to the detector, which is the last of them."""
    (lower, _), (h,) = grid.bounds[0], grid.spacing
    place = float(_checks.concrete(detector))
    index = (place - lower) / h
    nearest = round(index)
    # Rounding of L and of the bounds, far below a spacing.
    if abs(index - nearest) > 1e-4:
        raise ValueError(
            f"Argument `detector` must be a point of the grid, but is {place}; the "
            f"nearest one is {lower + nearest * h:.9g}."
        )
    count = nearest + 1 if sign > 0 else grid.shape[0] - nearest
    if count < 9:
        raise ValueError(
            "Argument `detector` must have at least 9 points of the grid before it, "
            f"but has {count}."
        )
    return count


@eqx.filter_jit
def _run(H, hbar, kappa, psi, ts, sign, count, substeps) -> Absorbed:
    H, hbar = in_precision((H, hbar), psi.real.dtype)

    def absorb(times, H, hbar, kappa, psi, ts):
        steps, every = int(times * substeps), int(1 / times)
        return _absorb(H, hbar, kappa, psi, ts, sign, count, steps, every)

    # Spacing and step are halved together: errors fall to a quarter.
    given = H, hbar, kappa, psi, ts
    arrived, error, (density, far) = judged(absorb, given, order=2, finer=1 / 2)
    unsure = (error >= arrived) & (ts > ts[0])
    status = jnp.where(far > EDGE, Status.EDGE, Status.OK)
    status = status_of_each(arrived, unsure, status)
    return Absorbed(ts, arrived, density, error, status)


def _absorb(H, hbar, kappa, psi, ts, sign, count, substeps, every):
    """Share absorbed; density of arrivals, and the largest density that was at the far
    end over the largest until then; (T,) each, on every so manieth point."""
    h = H.grid.spacing[0] * every
    D = hbar / (2 * H.mass)

    def before(values):
        """The points before the wall, which is the last of them."""
        values = values[:count] if sign > 0 else values[-count:][::-1]
        return values[::-1][::every][::-1]

    psi = before(psi)
    # The wall's point carries half a cell, where inflow is twice as dense.
    halves = np.ones(psi.size)
    halves[-1] = 0.5
    cells = jnp.asarray(h * halves, D.dtype)
    hop = -D / h**2
    below = jnp.full(psi.shape, hop).at[0].set(0).at[-1].multiply(2)
    above = jnp.full(psi.shape, hop).at[-1].set(0)
    middle = (-2 * hop + jnp.zeros_like(psi)).at[-1].add(-2j * D * kappa / h)
    none = jnp.zeros_like(psi[:1])

    def step(psi, t, dt):
        diagonal = middle + before(H.potential(H.grid, t + dt / 2)) / hbar
        shifted = below * jnp.concatenate([none, psi[:-1]])
        shifted += above * jnp.concatenate([psi[1:], none])
        known = psi - 0.5j * dt * (diagonal * psi + shifted)
        rows = 0.5j * dt * below, 1 + 0.5j * dt * diagonal, 0.5j * dt * above
        return jax.lax.linalg.tridiagonal_solve(*rows, known[:, None])[:, 0]

    def look(psi):
        density = abs2(psi)
        share, rate = 1 - jnp.sum(cells * density), 2 * D * kappa * density[-1]
        return share, rate, jnp.max(density)

    def far(psi):
        return jax.lax.stop_gradient(jnp.max(abs2(psi[:_FAR])))

    def until(carry, ends):
        dt = (ends[1] - ends[0]) / substeps

        def body(carry, i):
            psi, most = carry
            psi = step(psi, ends[0] + i * dt, dt)
            return (psi, jnp.maximum(most, far(psi))), None

        carry, _ = jax.lax.scan(body, carry, jnp.arange(substeps))
        return carry, (*look(carry[0]), carry[1])

    start = psi, far(psi)
    first = (*look(psi), start[1])
    rows = saved_scan(jax.checkpoint(until), start, (ts[:-1], ts[1:]), first)[1]
    arrived, rate, largest, most = rows
    return arrived, (rate, most / divisor(jax.lax.cummax(largest)))

"""The share of paths that have not arrived yet, by finite volumes, without sampling."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from ..._gate import gated
from ...evolution.evolution import in_precision
from ...evolution.judging import judged, status_of_each
from ...laws.law import Law
from ...status import Status
from ..paths.walk import Walk
from ..volumes import Mesh, check_volumes
from .detector import Detector, read_line
from .flux import EDGE, edge
from .follow import follow


class Survival(NamedTuple):
    """The share of paths that have not arrived yet.

    Attributes:
        ts: times, (T,).
        survival: S, share that has not arrived, (T,); at ts[0] the share before the
            detector.
        error: estimate of the error by cells and steps, from a run with half as many
            of both, (T,).
        status: code of `jqd.Status` for each time, (T,): INACCURATE where the error is
            as large as S or as 1 - S, EDGE from where ψ has reached the ends of the
            box.
    """

    ts: Float[Array, " T"]
    survival: Float[Array, " T"]
    error: Float[Array, " T"]
    status: Int[Array, " T"]

    @property
    def arrived(self) -> Float[Array, " T"]:
        """F = 1 - S, share that has arrived, (T,)."""
        return 1 - self.survival


@gated
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
    """The share of paths that have not arrived at a point yet, for any ν > 0.

    ∂p/∂t = -∂(b p)/∂x + ν ∂²p/∂x²,  b = v + ν∂ln|ψ|²/∂x,  p(L, t) = 0,  S = ∫ p dx

    p = f|ψ|² is the density of the paths that have never been at L; p = |ψ|² before L
    at ts[0]. The method is exponentially fitted finite volumes (Scharfetter-Gummel), on
    cells that grow with the square of their number from L on, and two-step backward
    differences. It is of order 2 in cells and steps where p is smooth.

    Caution: these are ideal, unrecorded passages, as for `arrival`, of which this is
    the limit of many paths and small steps. Real nodes (zeros) of ψ are walls to the
    paths, but leak here at a rate of the order of the width of a cell. The order is 1
    there, and the true error is some three times `error`.

    Args:
        law, psi0, ts, detector, side, D: as for `arrival`.
        nu: ν > 0, length² over time; None for D, Nelson's value. For ν = 0 see
            `arrival_flux`.
        cells: number between the detector and the end of the box, even.
        substeps: steps between two times, an even number.
        stepper, refine: as for `nelson`.

    Returns:
        S at each time, the estimated error by cells and steps, and a status.

    Raises:
        ValueError: ν = 0, odd numbers of cells or steps, or as for `arrival`.

    Source: D. L. Scharfetter and H. K. Gummel (1969) IEEE Trans. Electron Devices 16,
    64 for the cells.
    """
    walk, psi, ts, place = read_line(
        law, psi0, ts, detector, side, D=D, nu=nu, scheme="implicit", stepper=stepper,
        substeps=substeps, refine=refine,
    )  # fmt: skip
    check_volumes(cells, substeps, walk.nu, "arrival_flux")
    return _run(walk, psi, ts, place, cells)


@eqx.filter_jit
def _run(walk: Walk, psi: Array, ts: Array, place: Detector, cells: int) -> Survival:
    walk = in_precision(walk, psi.real.dtype)

    def share(times, walk, psi, ts, place):
        walk = walk.with_steps(times)
        return _share(walk, psi, ts, place, int(times * cells))

    # Both errors fall to a quarter with twice as many cells and steps.
    S, error, edges = judged(share, (walk, psi, ts, place), order=2, finer=1 / 2)
    # At the first time nothing has moved.
    unsure = (error >= jnp.minimum(S, 1 - S)) & (ts > ts[0])
    # what has come round the box stays
    status = jnp.where(jax.lax.cummax(edges) > EDGE, Status.EDGE, Status.OK)
    return Survival(ts, S, error, status_of_each(S, unsure, status))


def _share(walk, psi, ts, place, cells):
    """S and the density at the ends of the box, (T,) each."""
    mesh = _graded(walk, place, cells)
    p = walk.guide(psi).density(mesh.points) * mesh.widths

    def each(state, psi, dt):
        return mesh.advance(walk, state, psi, dt)

    def look(state, psi):
        return jnp.sum(state[0]), edge(psi)

    return follow(walk, psi, ts, mesh.start(p), each, look)


def _graded(walk: Walk, place: Detector, cells: int) -> Mesh:
    """Cells before the detector, y = W u² away from it, which takes what comes."""
    lower, upper = walk.grid.bounds[0]
    end = lower if place.sign > 0 else upper
    width = place.distance(jnp.asarray(end, place.position.dtype))
    # Rounded to the precision of L once, after the arithmetic.
    u2 = [(np.arange(cells + 1) / cells) ** 2, ((np.arange(cells) + 0.5) / cells) ** 2]
    edges, middles = (width * jnp.asarray(u, width.dtype) for u in u2)
    before = jnp.concatenate([jnp.zeros_like(middles[:1]), middles])
    return Mesh(
        (place.position - place.sign * middles)[:, None],
        edges[1:] - edges[:-1],
        (place.position - place.sign * edges[:-1])[:, None],
        before[1:] - before[:-1],
        place.sign,
        leaks=1,
    )

"""Kijowski's distribution of times of arrival of a free particle."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ..._checks import concrete, is_concrete, whole_number
from ..._gate import gated
from ..._math import abs2, expi
from ...laws.law import Law
from ...spaces.hamiltonians import ParticleOnGrid
from .detector import Detector, read_line

# Gauss-Legendre points between two times.
_MOMENTS = 12
# Wavenumbers that are summed at a time.
_BATCH = 256


class Kijowski(NamedTuple):
    """Kijowski's distribution.

    Attributes:
        ts: times, (T,).
        density: Π_K, per unit of time, (T,).
        arrived: ∫ Π_K dt from ts[0], (T,).
        error: estimate of the error of `arrived` by the points in time and in k, (T,).
    """

    ts: Float[Array, " T"]
    density: Float[Array, " T"]
    arrived: Float[Array, " T"]
    error: Float[Array, " T"]


@gated
def kijowski(
    law: Law,
    psi0: ArrayLike,
    ts: ArrayLike,
    *,
    detector: ArrayLike,
    D: ArrayLike | None = None,
    nodes: int | None = None,
) -> Kijowski:
    """Kijowski's distribution of times of arrival of a free particle.

    Π_K = Σ± |∫ dk √(ħ|k|/2πm) ψ~(k) exp(i(kL - ħk²t/2m))|²,  k > 0 and k < 0 apart

    Π_K is positive and integrates to 1 over all times, those before ts[0] included. It
    is derived from axioms on ψ alone and describes no paths: particles from either side
    count, whenever they pass.

    Args:
        law: free law on a grid of one dimension, `jqd.Schrodinger`. ψ is assumed to
            vanish outside the box, and to be free also after it has left it.
        psi0: ψ at ts[0], (N,), normalised.
        ts: times, (T,), strictly increasing; the integral between two of them uses 12
            Gauss-Legendre points.
        detector: L, length, scalar, inside the box.
        D: ħ/2m; None to read it from the law.
        nodes: number of points in k for each sign, even; None for four per grid point.

    Returns:
        Density, share from ts[0] on, and the estimated error.

    Raises:
        ValueError: not a grid of one dimension, a potential that is not constant, a
            detector outside the box, wrong shapes or numbers.

    Source: J. Kijowski (1974) Rep. Math. Phys. 6, 361.
    """
    walk, psi, ts, place = read_line(
        law, psi0, ts, detector, "left", D=D, nu=0.0, scheme="rk4", stepper=None,
        substeps=1,
    )  # fmt: skip
    _check_free(law)
    count = 4 * psi.size if nodes is None else whole_number(nodes, "nodes", 2)
    if count % 2:
        raise ValueError(f"Argument `nodes` must be even, but is {count}.")
    return _run(walk.grid, walk.D[0].astype(psi.real.dtype), psi, ts, place, count)


def _check_free(law: Law) -> None:
    moved_by = law.exact().generator
    H = None if moved_by is None else moved_by.hamiltonian
    free = isinstance(H, ParticleOnGrid) and H.autonomous and H.absorber is None
    if free and isinstance(H, ParticleOnGrid):
        V = H.potential(H.grid, 0.0)
        free = not is_concrete(V) or bool(np.ptp(concrete(V)) == 0)
    if not free:
        raise ValueError(
            "Argument `law` must be free, with a constant potential and no absorber, "
            f"but this {type(law).__name__} is not."
        )


@eqx.filter_jit
def _run(grid, D, psi, ts, place: Detector, nodes: int) -> Kijowski:
    density, arrived = _distribution(grid, D, psi, ts, place, nodes, _MOMENTS)
    _, coarse = _distribution(grid, D, psi, ts, place, nodes // 2, _MOMENTS // 2)
    return Kijowski(ts, density, arrived, jnp.abs(arrived - coarse))


def _distribution(grid, D, psi, ts, place, nodes, moments):
    """Π_K and its integral from the first time, (T,) each."""
    waves = _waves(grid, psi, place, nodes)
    points, weights = _gauss(moments, ts.dtype)
    spans = ts[1:] - ts[:-1]

    def share(start, span):
        return span * (_density(D, ts[0], waves, start + span * points) @ weights)

    # One interval after another, to save memory.
    shares = jax.lax.map(lambda pair: share(*pair), (ts[:-1], spans))
    arrived = jnp.concatenate([jnp.zeros_like(ts[:1]), jnp.cumsum(shares)])
    return _density(D, ts[0], waves, ts), arrived


def _waves(grid, psi, place, nodes):
    """k², (nodes,), and √|k| ψ~(k) exp(ikL) dk of both signs, (2, nodes).

    In q with k = ±q² nothing has a kink at 0.
    """
    dtype = psi.real.dtype
    (x,), (h,) = grid.coordinates, grid.spacing
    points, weights = _gauss(nodes, dtype)
    end = (np.pi / h) ** 0.5
    q = end * points
    k = jnp.stack([q**2, -(q**2)])
    ahead = (place.position - x).astype(dtype)

    def spectrum(k):
        return h / (2 * np.pi) ** 0.5 * jnp.sum(expi(k * ahead) * psi)

    values = jax.lax.map(spectrum, k.reshape(-1), batch_size=_BATCH).reshape(k.shape)
    return q**4, (2 * q**2 * (end * weights))[None] * values


def _density(D, start, waves, ts):
    """Π_K at the times, (T,)."""
    square, amplitude = waves
    turns = expi(-D * (ts - start)[:, None] * square[None])
    sums = turns @ amplitude.T
    # √(ħ/2πm)² = D/π
    return D / jnp.pi * jnp.sum(abs2(sums), axis=-1)


def _gauss(count, dtype):
    """Nodes and weights of Gauss and Legendre on (0, 1)."""
    points, weights = np.polynomial.legendre.leggauss(count)
    return jnp.asarray((points + 1) / 2, dtype), jnp.asarray(weights / 2, dtype)

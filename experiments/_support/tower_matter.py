"""Matter for photon towers: chains of spins."""

from collections.abc import Mapping
from types import MappingProxyType

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jqd.constants import constant

# Fields added at two sites, which break the reflection that would hide chaos.
_DEFECTS = MappingProxyType({0: 0.123, 2: 0.07})


def kim_huse_ising(
    spins: int,
    transverse: ArrayLike = 0.9045,
    longitudinal: ArrayLike = 0.8090,
    *,
    defects: Mapping[int, float] = _DEFECTS,
    periodic: bool = False,
) -> Float[Array, "D D"]:
    """The Ising chain in a tilted field, chaotic at the default fields.

    H = Σ Z_j Z_j+1 + h (Σ Z_j + Σ_s d_s Z_s) + g Σ X_j, in units of the bond, in the
    basis of the Z_j; basis state b has spin j up where bit j of b is 0.

    Args:
        spins: L, at least 2; D = 2^L.
        transverse: g.
        longitudinal: h.
        defects: d_s by site s.
        periodic: whether the last spin is bound to the first.

    Returns:
        (D, D) real symmetric matrix, differentiable in both fields.

    Source: H. Kim and D. A. Huse (2013) Phys. Rev. Lett. 111, 127205.
    """
    up = _signs(spins)
    bonds = up[:-1] * up[1:]
    diagonal = bonds.sum(axis=0) + (up[-1] * up[0] if periodic else 0.0)
    share = np.ones(spins)
    for site, extra in defects.items():
        share[site] += extra
    g, h = constant(transverse, "transverse"), constant(longitudinal, "longitudinal")
    field = diagonal + h * jnp.asarray(share @ up)
    return jnp.diag(field) + g * spin_sum(np.ones(spins))


def spin_sum(weights: ArrayLike, axis: str = "x") -> Float[Array, "D D"]:
    """Σ_j w_j X_j, or with axis="z" Σ_j w_j Z_j, in the basis of the Z_j.

    Args:
        weights: (L,) w_j.
        axis: "x" or "z".

    Returns:
        (2^L, 2^L) real symmetric matrix.
    """
    weights = constant(weights, "weights")
    up = _signs(weights.shape[0])
    if axis == "z":
        return jnp.diag(weights @ jnp.asarray(up))
    size = up.shape[1]
    rows = np.arange(size)[None, :]
    flipped = rows ^ (1 << np.arange(up.shape[0]))[:, None]
    rows = np.broadcast_to(rows, flipped.shape)
    entries = jnp.broadcast_to(weights[:, None], flipped.shape)
    return jnp.zeros((size, size), weights.dtype).at[rows, flipped].set(entries)


def _signs(spins: int) -> np.ndarray:
    """Z_j of each basis state, (L, 2^L)."""
    bits = np.arange(1 << spins)[None, :] >> np.arange(spins)[:, None]
    return 1.0 - 2.0 * (bits & 1)

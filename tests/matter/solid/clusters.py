"""Clusters of atoms."""

import jax.numpy as jnp
import numpy as np

from jqd.matter import solid

CLUSTER = solid.Solid(jnp.ones(13), solid.LennardJones(inner=None, outer=None))


def thirteen(spacing):
    """A centre and the 12 corners of an icosahedron, `spacing` from it."""
    golden = (1 + 5**0.5) / 2
    corners = [
        np.roll((0.0, one, two), turn) / np.hypot(1, golden)
        for turn in range(3)
        for one in (-1.0, 1.0)
        for two in (-golden, golden)
    ]
    return spacing * jnp.asarray([np.zeros(3), *corners])

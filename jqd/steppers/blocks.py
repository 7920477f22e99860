"""Splitting a Hamiltonian matrix into the blocks that a conserved quantity leaves it.

A matrix that conserves, say, a number of particles falls into blocks once its rows are
sorted; each block has its own small eigenproblem.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from .eigenbasis import unitary_orbit

# Above this many entries a row the search costs more than it can save.
_SPARSE = 16


def find_blocks(matrix: np.ndarray) -> np.ndarray | None:
    """Rows of each block of a Hermitian matrix, found from its exact zeros.

    Args:
        matrix: (n, n) values.

    Returns:
        Row numbers, shape (blocks, size of the largest), filled up with n; None where
        the matrix is dense or its largest block is more than half of it.
    """
    n = matrix.shape[0]
    rows, columns = np.nonzero(matrix)
    if rows.size > _SPARSE * n:
        return None
    ends = np.searchsorted(rows, np.arange(n + 1))
    neighbours, starts = columns.tolist(), ends.tolist()
    seen, blocks = [False] * n, []
    for first in range(n):
        if seen[first]:
            continue
        seen[first], block = True, [first]
        for row in block:  # grows while it is gone through
            for other in neighbours[starts[row] : starts[row + 1]]:
                if not seen[other]:
                    seen[other] = True
                    block.append(other)
        blocks.append(block)
    largest = max(map(len, blocks))
    if 2 * largest > n:
        return None
    index = np.full((len(blocks), largest), n)
    for i, block in enumerate(blocks):
        index[i, : len(block)] = block
    return index


def block_orbit(
    matrix: Array, index: Array, psi0: Array, ts: Array, hbar: ArrayLike
) -> Array:
    """exp(-i H t / ħ) psi0 block by block; see `jqd.exact.unitary_orbit`.

    Args:
        matrix: (n, n) Hermitian.
        index: rows of each block, from `find_blocks`.
        psi0: (n,) state.
        ts: (T,) times.
        hbar: scalar.

    Returns:
        States, shape (T, n).
    """
    # one row of zeros at the end, which the shorter blocks are filled up with
    padded = jnp.pad(matrix, ((0, 1), (0, 1)))
    parts = padded[index[:, :, None], index[:, None, :]]
    start = jnp.pad(psi0, (0, 1))[index]
    orbits = jax.vmap(unitary_orbit, in_axes=(0, 0, None, None))(parts, start, ts, hbar)
    # where each row of the matrix went: to gather is faster than to scatter
    places = jnp.arange(index.size).reshape(index.shape)
    places = jnp.zeros(psi0.shape[0] + 1, int).at[index].set(places)[:-1]
    block, row = jnp.divmod(places, index.shape[1])
    return orbits[block, :, row].T

"""Splitting a Hamiltonian matrix into the blocks that a conserved quantity implies.

A matrix that conserves, say, the number of particles falls into blocks once its rows
are sorted; each block has its own small eigenproblem.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex

from .._math import add_at, take
from .eigenbasis import unitary_orbit

# Above this many entries per row the search costs more than it can save.
_SPARSE = 16
# Blocks up to this size are padded to the largest: compiling them apart costs more.
_SMALL = 128


def find_blocks(matrix: np.ndarray) -> np.ndarray | None:
    """Rows of each block of a Hermitian matrix, found from its exact zeros.

    Args:
        matrix: (n, n) values.

    Returns:
        Row numbers, shape (blocks, size of the largest), padded with n; None where the
        matrix is dense or its largest block is more than half of it.
    """
    rows, columns = np.nonzero(matrix)
    return connected_rows(rows, columns, matrix.shape[0])


def connected_rows(
    rows: np.ndarray, columns: np.ndarray, size: int
) -> np.ndarray | None:
    """`find_blocks` of a matrix with entries only at these places, rows ascending.

    Args:
        rows: (entries,) rows, ascending.
        columns: (entries,) columns.
        size: rows n of the matrix.
    """
    n = size
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
    # one row of zeros at the end, with which the shorter blocks are padded
    padded = jnp.pad(matrix, ((0, 1), (0, 1)))
    parts = take(padded, (index[:, :, None], index[:, None, :]))
    start = take(jnp.pad(psi0, (0, 1)), index)
    orbits = _over_blocks(unitary_orbit, parts, start, ts, hbar)
    # the place of each row of the matrix: gathering is faster than scattering
    places = jnp.arange(index.size).reshape(index.shape)
    places = jnp.zeros(psi0.shape[0] + 1, int).at[index].set(places)[:-1]
    block, row = jnp.divmod(places, index.shape[1])
    return take(jnp.swapaxes(orbits, 1, 2), (block, row)).T


def split_entries(
    rows: np.ndarray,
    columns: np.ndarray,
    values: Array,
    index: np.ndarray,
    size: int,
) -> list[tuple[np.ndarray, Array]]:
    """The blocks of a matrix from its entries; the whole matrix is never built.

    Args:
        rows: (entries,) rows, concrete values.
        columns: (entries,) columns, concrete values.
        values: (entries,) values; values at the same place are added.
        index: rows of each block, from `connected_rows`.
        size: rows n of the matrix.

    Returns:
        Blocks grouped by similar size, so that small ones are not padded to the size of
        the largest: rows (blocks, size), as in `index`, and matrices (blocks, size,
        size).
    """
    inside = index < size
    sizes = np.sum(inside, axis=1)
    block, place = np.zeros(size, int), np.zeros(size, int)
    member, position = np.nonzero(inside)
    block[index[inside]], place[index[inside]] = member, position
    pieces = []
    upper = index.shape[1]
    for lower in (upper // 2, upper // 4, 0) if upper > _SMALL else (0,):
        group = np.flatnonzero((sizes > lower) & (sizes <= upper))
        upper = lower
        if group.size == 0:
            continue
        width = int(np.max(sizes[group]))
        renamed = np.full(index.shape[0], -1)
        renamed[group] = np.arange(group.size)
        here = np.flatnonzero(renamed[block[rows]] >= 0)
        places = (
            renamed[block[rows[here]]], place[rows[here]], place[columns[here]]
        )  # fmt: skip
        parts = jnp.zeros((group.size, width, width), values.dtype)
        parts = add_at(parts, places, take(values, here))
        pieces.append((index[group, :width], parts))
    return pieces


def pieces_orbit(
    pieces: Sequence[tuple[np.ndarray, Array]],
    kets: Array,
    ts: Array,
    hbar: ArrayLike,
) -> Complex[Array, "nt kets n"]:
    """exp(-i H t / ħ) on kets, H given by its blocks.

    Args:
        pieces: blocks grouped by similar size, from `split_entries`.
        kets: (kets, n) states.
        ts: (nt,) times.
        hbar: scalar.
    """
    count, n = kets.shape
    states, rows = [], []
    each = jax.vmap(unitary_orbit, in_axes=(None, 0, None, None))
    for index, parts in pieces:
        start = take(jnp.pad(kets, ((0, 0), (0, 1))), index, 1)
        # (blocks, kets, nt, size)
        orbits = _over_blocks(each, parts, jnp.moveaxis(start, 1, 0), ts, hbar)
        orbits = jnp.transpose(orbits, (2, 1, 0, 3))
        flat = jnp.reshape(orbits, (ts.shape[0], count, -1))
        states.append(flat.astype(kets.dtype))
        rows.append(index.ravel())
    row = np.concatenate(rows)
    # of each row of the matrix; the row of zeros, of which there may be many, is last
    place = np.zeros(n + 1, int)
    place[row] = np.arange(row.size)
    return take(jnp.concatenate(states, axis=-1), place[:-1], 2)


def _over_blocks(
    orbit: Callable[..., Array], parts: Array, start: Array, ts: Array, hbar: ArrayLike
) -> Array:
    """orbit(matrix, start, ts, hbar) of each block, in a first axis."""
    if jax.default_backend() != "cpu":
        return jax.vmap(orbit, in_axes=(0, 0, None, None))(parts, start, ts, hbar)
    # One by one: the batched eigensolver of jaxlib distributes its batch over threads
    # of XLA's pool, and where several solvers run side by side, each may wait forever
    # for threads that the others hold.
    return jax.lax.map(lambda block: orbit(*block, ts, hbar), (parts, start))

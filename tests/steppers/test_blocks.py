"""Blocks of a matrix that is given by its entries."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.steppers.blocks import (
    block_orbit,
    connected_rows,
    find_blocks,
    pieces_orbit,
    split_entries,
)
from jqd.steppers.eigenbasis import unitary_orbit

# three sizes, of which the larger ones are filled up apart where blocks are large
SIZES = (5, 5, 3, 2, 1, 1, 1)


def shuffled(scale=1):
    """A Hermitian matrix of blocks whose rows are mixed."""
    rng = np.random.default_rng(1)
    n = sum(SIZES) * scale
    matrix, start = np.zeros((n, n), complex), 0
    for size in SIZES:
        stop = start + size * scale
        band = np.eye(size * scale, k=1) * rng.normal(size=(size * scale, 1))
        matrix[start:stop, start:stop] = np.diag(rng.normal(size=size * scale))
        matrix[start:stop, start:stop] += (1 + 0.5j) * band + (1 - 0.5j) * band.T
        start = stop
    order = rng.permutation(n)
    return matrix[np.ix_(order, order)]


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1, 26])
def test_pieces_evolve_as_the_whole(scale):
    matrix = shuffled(scale)
    n = matrix.shape[0]
    rows, columns = np.nonzero(matrix)
    index = connected_rows(rows, columns, n)
    assert index is not None
    assert index.shape == (len(SIZES), 5 * scale)
    np.testing.assert_array_equal(index, np.asarray(find_blocks(matrix)))
    # half of each value twice: values that share a place are added
    twice = jnp.asarray(np.tile(matrix[rows, columns] / 2, 2))
    pieces = split_entries(np.tile(rows, 2), np.tile(columns, 2), twice, index, n)
    # above 128 rows, blocks of half and of a quarter of the size are kept apart
    widths = [parts.shape[-1] for _, parts in pieces]
    assert widths == ([5] if scale == 1 else [130, 52, 26])
    assert sum(parts.shape[0] for _, parts in pieces) == len(SIZES)
    rng = np.random.default_rng(2)
    psi = jnp.asarray(rng.normal(size=n) + 1j * rng.normal(size=n))
    ts = jnp.asarray([0.0, 0.5, 2.0])
    states = pieces_orbit(pieces, jnp.stack([0 * psi, psi]), ts, 0.7)[:, 1]
    whole = unitary_orbit(jnp.asarray(matrix), psi, ts, 0.7)
    np.testing.assert_allclose(states, whole, rtol=0, atol=1e-11)
    gathered = block_orbit(jnp.asarray(matrix), jnp.asarray(index), psi, ts, 0.7)
    np.testing.assert_allclose(states, gathered, rtol=0, atol=1e-11)


@pytest.mark.slow
def test_derivative_with_respect_to_entries():
    matrix = shuffled()
    n = matrix.shape[0]
    rows, columns = np.nonzero(matrix)
    index = connected_rows(rows, columns, n)
    assert index is not None
    psi, ts = jnp.ones(n, complex), jnp.asarray([0.0, 0.5])

    def by_pieces(scale):
        values = scale * jnp.asarray(matrix[rows, columns])
        pieces = split_entries(rows, columns, values, index, n)
        return pieces_orbit(pieces, psi[None], ts, 1.0)[:, 0]

    def whole(scale):
        return unitary_orbit(scale * jnp.asarray(matrix), psi, ts, 1.0)

    one = jnp.asarray(1.1)
    np.testing.assert_allclose(
        jax.jacfwd(by_pieces)(one), jax.jacfwd(whole)(one), rtol=0, atol=1e-12
    )


def test_one_large_block_is_none():
    matrix = shuffled()
    rows, columns = np.nonzero(matrix + np.eye(18, k=1) + np.eye(18, k=-1))
    assert connected_rows(rows, columns, 18) is None

"""Moments of heterodyne samples, and how they scatter."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# Total power up to which moments of samples are compared.
SAMPLE_POWERS = 4


def sample_orders(modes: int) -> tuple[tuple[Any, Any], ...]:
    """(m, n) of the moments of samples that are compared: total power 1 to 4.

    Of each pair of conjugates one is kept. For several modes up to power 2.
    """
    highest = SAMPLE_POWERS if modes == 1 else 2
    orders = []
    for powers in np.ndindex(*(highest + 1,) * (2 * modes)):
        m, n = powers[:modes], powers[modes:]
        if 0 < sum(powers) <= highest and m >= n:
            orders.append((m[0], n[0]) if modes == 1 else (m, n))
    return tuple(orders)


def sample_moments(
    samples: Sequence[np.ndarray], orders: tuple[tuple[Any, Any], ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean moments of samples at each time and the covariance of the means.

    Args:
        samples: outcomes α of each time, (S,) or (S, N).
        orders: (m, n) of each moment.

    Returns:
        Real parts then imaginary parts, (T, 2k), and their covariance, (T, 2k, 2k).
    """
    means, covariances = [], []
    for row in samples:
        alpha = row if row.ndim == 2 else row[:, None]
        columns = []
        for m, n in orders:
            m, n = (np.atleast_1d(power) for power in (m, n))
            columns.append(np.prod(alpha**m * np.conj(alpha) ** n, axis=-1))
        stacked = np.stack(columns, axis=-1)
        each = np.concatenate([np.real(stacked), np.imag(stacked)], axis=-1)
        means.append(each.mean(axis=0))
        covariances.append(np.cov(each, rowvar=False) / len(each))
    return np.stack(means), np.stack(covariances)


def moment_covariance(
    law: Any, state: Any, orders: tuple[tuple[int, int], ...]
) -> Float[Array, "2k 2k"]:
    """Covariance of the moments of one sample of one mode, as the law has it.

    E z_i z_j and E z_i z_j* of z = α^m α*^n are moments themselves.

    Args:
        law: a phase-space law.
        state: of its own.
        orders: (m, n) of each moment, k of them.

    Returns:
        Of real parts then imaginary parts, (2k, 2k).
    """

    def moments(pairs: Sequence[tuple[int, int]]) -> Array:
        each = {pair: law.moment(state, *pair) for pair in sorted(set(pairs))}
        return jnp.stack([each[pair] for pair in pairs])

    size, mean = len(orders), moments(orders)
    plain = [(m + j, n + k) for m, n in orders for j, k in orders]
    conjugate = [(m + k, n + j) for m, n in orders for j, k in orders]
    zz = moments(plain).reshape(size, size) - jnp.outer(mean, mean)
    zc = moments(conjugate).reshape(size, size) - jnp.outer(mean, mean.conj())
    return 0.5 * jnp.block([
        [jnp.real(zz + zc), jnp.imag(zz - zc)],
        [jnp.imag(zz + zc), jnp.real(zc - zz)],
    ])  # fmt: skip

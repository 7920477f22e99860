"""The Taylor step of linear laws."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

from jqd import Schrodinger
from jqd.steppers import Taylor, taylor18


def matrix():
    rng = np.random.default_rng(1)
    a = rng.normal(size=(6, 6)) + 1j * rng.normal(size=(6, 6))
    return (a + a.conj().T) / 2


def test_one_step_is_the_exponential():
    H = matrix()
    psi = jnp.eye(6, dtype=complex)[0]
    after = taylor18(Schrodinger(H), 0.0, psi, 0.5)
    # |H| dt = 2: the first term left out is 2^19/19! = 4e-12, less for most vectors
    np.testing.assert_allclose(after, expm(-0.5j * H)[:, 0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("order", [3, 4])
def test_order(order):
    H, psi = matrix(), jnp.eye(6, dtype=complex)[0]
    step = Taylor(order)

    def error(count):
        state = psi
        for _ in range(count):
            state = step(Schrodinger(H), 0.0, state, 0.4 / count)
        return np.linalg.norm(np.asarray(state) - expm(-0.4j * H)[:, 0])

    # halving the step from 1/20 to 1/40 of a period or so: asymptotic to a few per cent
    ratio = np.log2(error(8) / error(16))
    assert order - 0.1 < ratio < order + 0.1

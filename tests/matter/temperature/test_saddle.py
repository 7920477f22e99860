"""The saddle-point temperature of phonons against counted states."""

import jax
import jax.numpy as jnp
import numpy as np
from temperatures import oscillator_beta, oscillator_cumulants

from jqd.matter.temperature import (
    kde_beta,
    saddle_beta,
)

CHAIN = 2 * np.sin(np.pi * np.arange(1, 25) / 50)  # 24 atoms between walls


def counted(step=0.005, top=60.0):
    """States of the chain, counted: frequencies rounded to whole steps."""
    ways = np.zeros(int(top / step))
    ways[0] = 1.0
    for quanta in np.rint(CHAIN / step).astype(int):
        rows = np.pad(ways, (0, -len(ways) % quanta)).reshape(-1, quanta)
        ways = np.cumsum(rows, axis=0).ravel()[: len(ways)]
    filled = ways > 0
    return np.arange(len(ways))[filled] * step, np.log(ways[filled])


def test_saddle_point_of_a_phonon_chain():
    E = np.array([10.0, 20.0, 40.0])

    @jax.jit
    def saddle(E):
        beta = oscillator_beta(CHAIN, E)
        cumulants = oscillator_cumulants(CHAIN, beta)
        return (
            beta,
            saddle_beta(cumulants, beta),
            (
                # S = ln Z + βE - ½ ln(2πC)
                cumulants.log_partition + beta * E - jnp.log(cumulants.variance) / 2
            ),
        )

    beta, slope, _ = saddle(E)
    np.testing.assert_allclose(1 / slope, [0.93670, 1.42599, 2.33890], atol=5e-6)
    levels, log_weights = counted()
    # Two widths take out the bias, which grows with η²; frequencies are rounded.
    widths = np.array([[0.3], [0.3 * 2**0.5]])
    narrow, wide = jax.jit(kde_beta)(levels, E[None], widths, log_weights)
    np.testing.assert_allclose(2 * narrow - wide, slope, rtol=2e-3)
    # Counted with some broadening: 0.8 % to 0.1 % above.
    np.testing.assert_allclose(1 / slope, [0.94404, 1.43049, 2.34156], rtol=8e-3)
    # The canonical temperature is 4 to 6 % lower.
    gap = np.asarray(slope / beta) - 1
    assert np.all((gap > -0.065) & (gap < -0.04))
    # and the slope is that of the entropy
    difference = (saddle(E + 1e-4)[2] - saddle(E - 1e-4)[2]) / 2e-4
    np.testing.assert_allclose(slope, difference, rtol=1e-8)

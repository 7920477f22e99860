"""A packet of N copies on a lattice: it stalls where cells are empty."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.lattice import lattice_law, lattice_packet

from jqd.ensembles import copying
from jqd.exact import unitary_orbit


@pytest.mark.slow
def test_packets_stall_without_spectators(key):
    x, ts = jnp.arange(-16, 16) * 0.375, jnp.array([0.0, 4.0])
    law = lattice_law(x, 0 * x, 1.0, 0.5)
    psi = lattice_packet(x, -3.0, 0.8, 1.0, 0.5)

    @jax.jit
    def way(copies, spectators):
        run = copying.sample(
            law, psi, ts, key, copies=copies, spectators=spectators,
            initial="drawn", error_trajectories=0,
        )  # fmt: skip
        return jnp.diff(run.density[0] @ x)[0]

    start, end = np.abs(unitary_orbit(law.hamiltonian(), psi, ts, 0.5)) ** 2 @ x
    ideal = float(end - start)
    stalled, further = float(way(1e4, 0)), float(way(1e6, 0))
    free = float(way(1e4, 1))
    # Cells that a Gaussian of 1e4 or 1e6 copies fills end 3.7 or 4.8 widths out.
    assert stalled < 0.8 * ideal
    assert stalled < further < 0.95 * ideal
    # 4 standard errors of a mean over 1e4 copies of width 1.5
    assert free == pytest.approx(ideal, abs=0.1)

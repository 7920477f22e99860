"""Models that several tests of inference fit."""

import jax.numpy as jnp
import numpy as np
from jax import Array

import jqd
from jqd.instruments import Binomial, Displaced
from jqd.laws.husimi import DisplacedThermal, Exact


class Parabola(jqd.Motion):
    """x = a t + b t²: a record of it is linear in its constants, with slopes t, t²."""

    a: Array
    b: Array

    def vector_field(self, t, state, args=None):
        return jnp.stack([self.a + 2 * self.b * t])


def itself(t, state):
    """One function for all, so that studies of one form share their programs."""
    return state


def kerr(free=("C", "U", "delta", "alpha", "eps"), nuisances=None):
    """The Kerr oscillator at six times: 1e6 shots, shared by 121 displacements."""
    axis = np.linspace(-3.6, 3.6, 21)
    points = (axis[None, :] + 1j * axis[:, None]).ravel()
    points = points[np.abs(points) < 2.2]
    assert points.size == 121
    # normal order of the symbol (U/2)|α|⁴ has 2U n beside
    law = jqd.HusimiFokkerPlanck(
        "0.5*U*ad^2*a^2 + delta*ad*a", U=1.0, delta=2.0, form=Exact(26)
    )
    start = DisplacedThermal(1.2, 0.02, levels=20, orders=6)
    instrument = Displaced(points, V=0.98, eps=0.01)
    ts = np.array([0.0, 0.2, 0.5, 1.0, 2.1, np.pi])
    exact = Displaced(points, V=0.98, eps=0.01, noise=jqd.instruments.NoNoise())
    p = jqd.simulate(law, start, ts, exact).values
    shots = 1e6 / (6 * 121)
    data = jqd.Record(ts, np.round(shots * np.asarray(p)), Binomial(shots))
    return jqd.Study(
        law, data, psi0=start, free=free, instrument=instrument, nuisances=nuisances
    )

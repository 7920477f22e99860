"""A law with a motion of its own is refused by all that goes by its constants."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from relaxation import bell_chain

import jqd
from jqd import problems
from jqd.ensembles import copying, nelson
from jqd.ensembles.copying import individuals, population
from jqd.instruments import EnsembleNoise
from jqd.records import Record

from ...papers.copying.passages import approach

GOLDEN, PSI = problems.golden()
TS = np.array([0.0, 0.5])
KEY = jax.random.key(0)


class Driven(jqd.CopyDynamics):
    """Golden with a field that turns on."""

    def vector_field(self, t, state, args=None):
        """d(state)/dt."""
        turned = -1j * jnp.sin(3 * t) * jnp.array([1.0, 0, -1]) * state
        return super().vector_field(t, state, args) + turned


class Stepped(jqd.CopyDynamics):
    """Golden at half the speed."""

    def step(self, t, state, dt):
        """The state at t + dt."""
        return super().step(t, state, dt / 2)


class Named(jqd.CopyDynamics):
    """Golden with a name, and no other motion."""

    @property
    def name(self):
        """What it is called."""
        return "golden"


def like_golden(kind):
    return kind(GOLDEN.omega, GOLDEN.R, GOLDEN.delta)


def sample(law, **options):
    return copying.sample(law, PSI, TS, KEY, copies=100, **options)


USERS = {
    "sample": sample,
    "exact": lambda law: sample(law, method="exact"),
    "tagged": lambda law: sample(law, tagged=True),
    "individuals": lambda law: individuals(law, *population(PSI, 100), TS, KEY),
    "linear_noise": lambda law: copying.linear_noise(law, PSI, TS),
    "bell_chain": lambda law: bell_chain(law, PSI, TS),
    "infidelity": lambda law: copying.infidelity(law, PSI, TS),
    "energy_drift": lambda law: copying.energy_drift(law, PSI, TS),
    "approach": lambda law: approach(law, PSI),
}


@pytest.mark.parametrize("use", USERS)
def test_a_drive_is_refused(use):
    with pytest.raises(ValueError, match=r"`law` must move by .* a `vector_field`"):
        USERS[use](like_golden(Driven))


def test_another_step_is_refused_and_a_name_is_not():
    with pytest.raises(ValueError, match=r"`law` must move by .* a `step` of its own"):
        USERS["approach"](like_golden(Stepped))
    np.testing.assert_array_equal(
        USERS["approach"](like_golden(Named)).least_density,
        USERS["approach"](GOLDEN).least_density,
    )


def test_records_of_one_ensemble_need_the_constants_too():
    counts = np.array([[10.0, 6, 4], [9, 6, 5], [8, 7, 5]])
    data = Record([0.0, 0.2, 0.4], counts, EnsembleNoise(20))
    with pytest.raises(ValueError, match="by its constants alone"):
        jqd.recover(like_golden(Driven), data, psi0=PSI, free=("q",))


class DrivenWave(jqd.Schrodinger):
    """Schrodinger's equation with a force, in its vector field alone."""

    def vector_field(self, t, state, args=None):
        """dψ/dt."""
        return super().vector_field(t, state, args) - 1j * t * self.grid.x * state


def test_flows_that_a_subclass_forgot():
    """Splittings follow flows: with another field these are not the motion."""
    grid = jqd.Grid((-6.0, 6.0), 32)
    law = DrivenWave.on_grid(grid, 0.5 * grid.x**2)
    psi = np.exp(-(grid.x**2) / 2) + 0j
    psi /= np.sqrt(np.sum(np.abs(psi) ** 2) * grid.cell)
    words = r"`law` must have an `exact` .* DrivenWave"
    with pytest.raises(ValueError, match=words):
        nelson(law, psi, TS, KEY, paths=4)
    with pytest.raises(ValueError, match=words):
        jqd.evolve(law, psi, TS, method=jqd.Fixed(substeps=4))
    with pytest.raises(ValueError, match=r"`law` must have"):
        jqd.evolve(law, psi, TS, method=jqd.Propagator())

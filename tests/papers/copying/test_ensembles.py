"""Alignment, what makes an ensemble, and what its size and its beables do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.lattice import lattice_law
from extinction import extinction_probability

import jqd
from jqd import problems
from jqd.ensembles import copying
from jqd.readings.stability import hill

from .conftest import equation, gap
from .individuals import copy_rate, occupation_rate_of_individuals
from .nodes import node_occupation_rate

ROUNDING = 1e-12
DIFFERENT = 0.05


# -- alignment -----------------------------------------------------------------------


@equation("41")
def test_nothing_in_the_model_brings_phases_together():
    # A class in Rabi oscillations with densities from 0.2 to 0.8, R = 1.
    @jax.jit
    @jax.vmap
    def growth(kappa, damping):
        spread = hill(
            lambda t: (1 + 0.6 * jnp.cos(2 * t)) / 2,
            np.pi, kappa, damping=damping, steps=300,
        )  # fmt: skip
        return spread.growth

    kappas = jnp.linspace(0.1, 20.1, 81)
    rate = np.asarray(growth(kappas, jnp.zeros(81)))
    # Neutral or unstable at every strength, as an oscillator without friction must be.
    assert rate.min() == 0
    assert np.sum(rate > 0.01) > 5
    assert rate.max() == pytest.approx(0.15, abs=0.01)
    # With damping, which the model has not: attracting at every strength.
    assert np.max(growth(kappas, jnp.full(81, 1.0))) < -0.05


# -- what makes an ensemble ----------------------------------------------------------


@jax.jit
def _density_rate(beable, phase, R, delta):
    """dρ/dt, all individuals copying one another."""
    rates = copy_rate(beable, phase, R, delta)
    total = occupation_rate_of_individuals(rates, beable, R.shape[0])
    return total / beable.shape[0]


@equation("question-preparation")
def test_preparations_must_not_share_an_ensemble(ens):
    def rate(beable, phase):
        return _density_rate(beable, phase, ens.R, ens.delta)

    # The same occupations, other phases: both are aligned.
    other = jnp.roll(ens.class_phase, 1)[ens.beable]
    apart = [rate(ens.beable, phase) for phase in (ens.aligned, other)]
    both = jnp.tile(ens.beable, 2)
    pooled = rate(both, jnp.concatenate([ens.aligned, other]))
    assert gap(pooled, (apart[0] + apart[1]) / 2) > DIFFERENT
    # Two ensembles of one preparation are one ensemble, twice as large.
    pooled = rate(both, jnp.concatenate([ens.aligned, ens.aligned]))
    assert gap(pooled, apart[0]) < ROUNDING


# -- which beables -------------------------------------------------------------------

STEPS = jnp.asarray(200)
TS = jnp.array([0.0, 2.5, 5.0])


def lost(H, psi):
    H = (H + H.conj().T) / 2  # rounding apart
    law = jqd.CopyDynamics.from_hamiltonian(H)
    return copying.infidelity(law, psi, TS, substeps=STEPS)


@pytest.mark.slow
@equation("question-preferred-basis")
@equation("claim-remedy-basis")
def test_noise_and_nodes_depend_on_the_beables():
    law, psi = problems.golden()
    H = np.asarray(law.hamiltonian())
    energy, states = np.linalg.eigh(H)
    fourier = np.exp(2j * np.pi * np.outer(range(3), range(3)) / 3) / np.sqrt(3)
    bases = {"golden": np.eye(3), "waves": fourier, "energy": states.conj().T}
    noise = {name: lost(U @ H @ U.conj().T, U @ psi) for name, U in bases.items()}
    loss = {name: float(found.value[-1]) for name, found in noise.items()}
    # 200 steps over the kinks of |J|
    assert loss["golden"] == pytest.approx(4.228261, abs=1e-3)
    assert abs(loss["waves"] / loss["golden"] - 1) > 0.2
    # Nobody copies in the basis of energies, so that nothing is lost.
    assert loss["energy"] == pytest.approx(0, abs=1e-9)
    # Nor do momenta of a free particle, which is copied a lot on its lattice.
    x = 0.5 * jnp.arange(8)
    free = lattice_law(x, 0 * x, 1.0, 0.5)
    waves = np.exp(2j * np.pi * np.outer(range(8), range(8)) / 8) / np.sqrt(8)
    momenta = waves @ np.asarray(free.hamiltonian()) @ waves.conj().T
    assert np.max(free.R) > 0.5
    assert gap(momenta, np.diag(np.diag(momenta))) < ROUNDING

    # One empty class: frozen in this basis, while quantum mechanics fills it.
    node = np.array([0.8, -0.6j, 0])
    later = states @ (np.exp(-1j * energy) * (states.conj().T @ node))
    assert abs(later[2]) ** 2 > DIFFERENT
    n, phase = jnp.asarray(np.abs(node) ** 2), jnp.asarray(-np.angle(node))
    assert node_occupation_rate(n, phase, law.R, law.delta)[2] == 0
    for name in ("waves", "energy"):
        U = bases[name]
        cured = lost(U @ H @ U.conj().T, U @ node)
        assert cured.valid(1000).all()
        # Some other state has its node there.
        assert not lost(U @ H @ U.conj().T, node).valid(1e9).any()


# -- an admixture --------------------------------------------------------------------


@pytest.mark.slow
@equation("claim-remedy-admixture")
def test_an_admixture_must_hold_many_systems(key):
    law, _ = problems.two_classes(0.5, 0.0)
    ts = np.pi / 4 * jnp.array([0.0, 3.0, 5.0, 7.0])

    def extinct(copies, empty):
        """Share of ensembles after 1, 2, 3 passages; ε = 0.04."""
        run = copying.sample(
            law, np.array([1.0, empty]), ts, key, copies=copies, trajectories=300,
            admixture=0.04, method="exact", error_trajectories=0,
        )  # fmt: skip
        np.testing.assert_allclose(run.density[:, 0, 1], 0.02, atol=ROUNDING)
        gone = run.extinction_time[:, None] <= ts[None]
        return np.asarray(jnp.mean(gone, axis=0))[1:]

    # The ground state is mixed in, with its phases: k = 1 of 50 and k = 20 of 1000 at
    # the turning point. 3.5 standard errors of 300 runs.
    few = extinction_probability(
        1.0, jnp.arange(1.0, 4.0), occupation=1.0, losing=False
    )
    np.testing.assert_allclose(extinct(50, -1e-12), few, atol=0.1)
    assert extinct(1000, -1e-12).max() < 0.02
    # With the phase that quantum mechanics gives to a class at its node, <H> = 0 and
    # the next node is met whatever was mixed in.
    assert extinct(1000, 1e-12j).min() > 0.98

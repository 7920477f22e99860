"""Quantum jumps: their mean is Lindblad's equation, their paths are what they say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

import jqd
from jqd import Lindblad
from jqd.laws import Jump, QuantumJumps
from jqd.laws.husimi.bath import Bath
from jqd.states import coherent

TS = np.array([0.0, 0.4, 1.0])
PATHS = 4000


def three_levels(rate=0.6):
    """A cascade and a dephasing that does not commute with H: Γ is no diagonal."""
    H = np.array([[0.0, 0.7, 0.2j], [0.7, 0.4, 0.6], [-0.2j, 0.6, -0.3]])
    down = np.diag([1.0, 1.4], 1) + 0.2 * np.eye(3)
    law = Lindblad(H, {"down": Jump(down, rate, 0.3), "x": Jump(H.real, 0.5)}, 0.9)
    return law, np.array([0.0, 0.6, 0.8j])


def mean(law, psi, ts, substeps, paths, seed=0, observe="density"):
    jumps = QuantumJumps(law)
    return jqd.evolve(
        jumps, jumps.prepare(psi), ts, observe=observe, key=jax.random.key(seed),
        paths=paths, method=jqd.Fixed(substeps=substeps),
    )  # fmt: skip


@pytest.mark.slow
def test_the_mean_is_lindblads_equation():
    law, psi = three_levels()

    def projector(t, state):
        del t
        return state.psi[:, None] * jnp.conj(state.psi)[None, :]

    found = mean(law, psi, TS, 16, PATHS, observe=projector)
    exact = jqd.evolve(law, law.prepare(psi), TS).values
    away = np.abs(found.values - exact)[1:]
    # 18 complex numbers: five standard errors and what steps leave, of order 2
    assert np.all(away < 5 * found.stderr[1:] + 2e-3)
    assert np.all(found.stderr[1:] < 0.02)
    assert np.max(found.diagnostics["norm_drift"]) < 1e-12
    # halved steps with the same numbers: errors of steps, below those of chance
    assert np.max(found.error[1:]) < 0.02


@pytest.mark.slow
def test_the_first_jump_comes_when_the_norm_says():
    """One level that decays: e^(-γt), whatever the step."""
    law = Lindblad(np.zeros(2), {"decay": Jump(np.array([[0, 1.0], [0, 0]]), 1.3)})
    ts = np.array([0.0, 0.2, 0.7, 1.5])
    for substeps in (1, 5):
        found = mean(law, np.array([0.0, 1.0]), ts, substeps, PATHS)
        decay = np.exp(-1.3 * ts)
        error = np.sqrt(decay * (1 - decay) / PATHS)
        assert np.all(np.abs(found.values[:, 1] - decay) <= 4 * error)
        # all is in the jumps, which do not depend on steps
        np.testing.assert_allclose(found.error, 0, atol=1e-12)


@pytest.mark.slow
def test_an_oscillator_in_a_bath():
    """Several jumps a step: n̄ + (n₀ - n̄) e^(-γt) quanta in the mean."""
    levels, bath = 20, Bath(2.0, 0.4)
    law = Lindblad.of_mode(0.3 * np.arange(levels), bath)
    psi = coherent(1.5, levels)
    ts = np.array([0.0, 0.5, 2.0])

    def quanta(t, state):
        return jnp.sum(jnp.arange(levels) * jnp.abs(state.psi) ** 2)

    found = mean(law, psi, ts, 2, 1000, observe=quanta)
    exact = 0.4 + (2.25 - 0.4) * np.exp(-2 * ts)
    assert np.all(np.abs(found.values - exact)[1:] < 4 * found.stderr[1:])
    # a coherent state stays one: nothing scatters without heat
    cold = Lindblad.of_mode(0.3 * np.arange(levels), Bath(2.0))
    still = mean(cold, psi, ts, 2, 64, observe=quanta)
    np.testing.assert_allclose(still.values, 2.25 * np.exp(-2 * ts), atol=1e-5)
    assert np.max(still.stderr[1:]) < 1e-5  # the cut at 20 levels


@pytest.mark.slow
def test_a_long_step_has_the_mean_of_strangs_splitting():
    """Half of H, the channel of the jumps, half of H: matrices by SciPy."""
    law, psi = three_levels()
    hbar, flat = float(law.hbar), np.outer(psi, psi.conj()).ravel()
    still = {
        name: Jump(np.asarray(one.operator), 0.0, 0.0)
        for name, one in law.channels.items()
    }
    turn = Lindblad(law.hamiltonian, still, hbar).generator_matrix()
    jump = Lindblad(np.zeros(3), law.channels, hbar).generator_matrix()
    half, whole = expm(0.5 * np.asarray(turn)), expm(np.asarray(jump))
    split = np.real(np.diag((half @ whole @ half @ flat).reshape(3, 3)))
    exact = jqd.evolve(law, law.prepare(psi), TS, observe="populations").values[-1]
    found = mean(law, psi, TS[[0, 2]], 1, 60000)
    assert np.all(np.abs(found.values[-1] - split) < 4 * found.stderr[-1])
    # ... which the equation itself has not, by more than paths scatter
    assert np.max(np.abs(found.values[-1] - exact) / found.stderr[-1]) > 4


def test_paths_of_one_key_are_the_same_and_others_are_not():
    law, psi = three_levels()
    one = mean(law, psi, TS, 4, 70, seed=1)
    again = mean(law, psi, TS, 4, 70, seed=1)
    other = mean(law, psi, TS, 4, 70, seed=2)
    np.testing.assert_array_equal(one.values, again.values)
    assert np.any(one.values[1:] != other.values[1:])


def test_a_pulse_and_no_jumps_is_schroedingers_equation():
    H = jqd.Schrodinger(lambda t: jnp.array([[0.0, 0.4], [0.4, 0.0]]) * jnp.cos(t))
    law = Lindblad(H.hamiltonian, {"none": Jump(np.eye(2), 0.0)})
    found = mean(law, np.array([1.0, 0.0]), TS, 64, 2)
    exact = np.sin(0.4 * np.sin(TS)) ** 2
    # the midpoint rule: dt²/24 of f''
    np.testing.assert_allclose(found.values[:, 1], exact, atol=2e-5)
    np.testing.assert_allclose(found.stderr, 0, atol=1e-15)


def test_it_refuses():
    law, psi = three_levels()
    with pytest.raises(ValueError, match="`law` must be a Lindblad, but is a Schr"):
        QuantumJumps(jqd.Schrodinger(np.eye(2)))
    with pytest.raises(ValueError, match="`psi` must"):
        QuantumJumps(law).prepare(2 * psi)
    jumps = QuantumJumps(law)
    with pytest.raises(ValueError, match="`w` must be the noise"):
        jumps.step(0.0, jumps.prepare(psi), 0.1)
    assert jumps.mean_field() is law

    def last(rate):
        changed = three_levels(rate)[0]
        return jnp.sum(mean(changed, psi, TS, 2, 4).values[-1, 0])

    with pytest.raises(ValueError, match=r"no derivative. Take `mean_field\(\)`"):
        jax.jacfwd(last)(0.6)

"""Observables by name, and what a run in single precision says."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.matter import solid

TS = jnp.linspace(0.0, 1.5, 4)


@pytest.mark.parametrize("hbar", [1.0, 0.5])
def test_number_and_quadratures_of_a_kerr_oscillator(hbar):
    """⟨a⟩ = α exp(-|α|²/ħ (1 - exp(-iUħt))) and ⟨n⟩ = |α|² of a coherent state."""
    U, alpha = 0.8, 0.9 - 0.4j
    law = jqd.HusimiFokkerPlanck("0.4*ad^2*a^2", hbar=hbar)
    state = law.prepare(jqd.states.coherent(alpha / np.sqrt(hbar), 32))
    run = jqd.evolve(law, state, TS, observe=["n", "q", "p"])
    turn = np.exp(-1j * U * hbar * np.asarray(TS))
    mean = alpha * np.exp(-(abs(alpha) ** 2) / hbar * (1 - turn))
    # the tail of the coherent state beyond the levels is below 1e-12
    np.testing.assert_allclose(run.values["n"], abs(alpha) ** 2, rtol=1e-10)
    np.testing.assert_allclose(run.values["q"], np.sqrt(2) * mean.real, atol=1e-10)
    np.testing.assert_allclose(run.values["p"], np.sqrt(2) * mean.imag, atol=1e-10)


@pytest.mark.slow
def test_populations_of_classes_and_of_points():
    H = jnp.array([[0.0, 0.7], [0.7, 0.4]])
    psi = jnp.array([0.6, 0.8]) + 0j
    law = jqd.CopyDynamics.from_hamiltonian(H)
    run = jqd.evolve(law, law.prepare(psi), TS, observe={"p": "populations"})
    # to the tolerance of adaptive steps
    np.testing.assert_allclose(run.values["p"].sum(axis=-1), 1, rtol=1e-6)
    grid = jqd.Grid((-6.0, 6.0), 64)
    law = jqd.Schrodinger.on_grid(grid, lambda x: x**2 / 2)
    psi = grid.normalise(grid.sample(lambda x: jnp.exp(-(x**2) / 2) + 0j))
    run = jqd.evolve(law, psi, TS, observe="populations")
    np.testing.assert_allclose(run.values.sum(axis=-1), 1, rtol=1e-9)
    assert float(run.diagnostics["energy_scale"]) == pytest.approx(0.5, rel=1e-9)


def test_a_name_that_is_none():
    law = jqd.CopyDynamics.from_hamiltonian(jnp.eye(2))
    psi = jnp.array([0.6, 0.8]) + 0j
    with pytest.raises(ValueError, match=r"`observe` must be one of 'density', 'pop"):
        jqd.evolve(law, psi, TS, observe="n")
    chain = solid.chain(4, solid.FPUT(1.0, 0.3, 0.6), ends="fixed")
    motion = solid.AtomMotion(chain)
    start = motion.prepare((chain.sites, jnp.zeros_like(chain.sites)))
    with pytest.raises(ValueError, match="which names no observables"):
        jqd.evolve(motion, start, TS, observe="density")


def test_single_precision_that_was_not_asked_for_says_so_once():
    code = """
import warnings, jax.numpy as jnp, jqd
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for _ in range(2):
        jqd.evolve(jqd.Schrodinger(jnp.eye(2)), jnp.array([1, 0j]), [0.0, 1.0])
print([str(w.message)[:39] for w in said])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "['jqd.evolve computes in single precision']"


def test_a_function_that_takes_another_state_is_told_which_it_gets():
    """A path of GRW is no array of ψ."""
    grid = jqd.Grid((-4.0, 4.0), 16)
    quantum = jqd.Schrodinger.on_grid(grid, lambda x: x**2 / 2)
    law, psi = jqd.laws.GRW(quantum, 0.1), grid.normalise(jnp.exp(-(grid.x**2)))
    said = r"`observe` must .* of GRW .of type JumpingKet with psi, .* bad operand"
    with pytest.raises(ValueError, match=said):
        jqd.evolve(
            law, law.prepare(psi), [0.0, 0.1], observe=lambda t, p: abs(p),
            key=jax.random.key(0), paths=2,
        )  # fmt: skip
    with pytest.raises(ValueError, match=r"`observe` must .* unsupported operand"):
        jqd.evolve(quantum, psi, [0.0, 0.1], observe=lambda t, p: p + "x")

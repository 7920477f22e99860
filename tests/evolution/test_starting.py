"""What `evolve` says of a state, or an observable, that a motion cannot take."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.steppers import cf4

H = np.array([[0.2, 0.3], [0.3, -0.2]])
TS = np.array([0.0, 0.1])
GRID = jqd.Grid((-8.0, 8.0), 16)
PSI = GRID.normalise(jnp.exp(-(GRID.x**2)) + 0j)
WAVE = jqd.Schrodinger.on_grid(GRID, np.zeros(16))
LAWS = {
    "Schrodinger": jqd.Schrodinger(H),
    "CopyDynamics": jqd.CopyDynamics.from_hamiltonian(H),
    "Lindblad": jqd.Lindblad(H, {"c": jqd.laws.Jump(H)}),
    "on_grid": WAVE,
    "Madelung": jqd.Madelung(GRID, np.zeros(16)),
    "Husimi": jqd.HusimiFokkerPlanck("ad*a", form="fock"),
}
STATES = {
    "of three": np.ones(3) / np.sqrt(3),
    "columns": np.ones((2, 3)) + 0j,
    "a column": np.array([[1.0], [0.0]]),
    "of a matrix": LAWS["Schrodinger"].prepare([0.6, 0.8]),
    "density operator": LAWS["Lindblad"].prepare([0.6, 0.8]),
    "on a grid": PSI,
    "fluid": LAWS["Madelung"].prepare(PSI),
}
FITTING = {
    ("Schrodinger", "of a matrix"),
    ("CopyDynamics", "of a matrix"),
    ("Lindblad", "density operator"),
    ("on_grid", "on a grid"),
    ("Madelung", "fluid"),
}


@pytest.mark.parametrize("name", LAWS)
def test_a_state_of_another_law_is_refused(name):
    for kind, state in STATES.items():
        if (name, kind) in FITTING:
            continue
        with pytest.raises(ValueError, match=r"^Argument `state0` must be a state of "):
            jqd.evolve(LAWS[name], state, TS)


def test_whole_numbers_and_lists_are_states():
    law = LAWS["Schrodinger"]
    want = jqd.evolve(law, np.array([1.0 + 0j, 0.0]), TS).values
    for state in ([1, 0], [1.0, 0.0], np.array([1, 0]), (1, 0)):
        got = jqd.evolve(law, state, TS).values
        assert got.dtype == np.complex128
        np.testing.assert_array_equal(got, want)


def test_a_state_in_a_batch_is_judged_alone():
    kets = jnp.eye(2) + 0j
    law = LAWS["Schrodinger"]
    run = jax.vmap(lambda psi: jqd.evolve(law, psi, TS))(kets)
    assert run.values.shape == (2, 2, 2)
    with pytest.raises(ValueError, match="an array of shape"):
        jax.vmap(lambda psi: jqd.evolve(law, psi, TS))(jnp.eye(3) + 0j)


def test_an_observable_that_takes_no_such_state_is_named():
    law = jqd.laws.GRW(WAVE, 0.1, 1.0)
    with pytest.raises(ValueError, match=r"^Argument `observe` must .*JumpingKet"):
        jqd.evolve(
            law, law.prepare(PSI), TS, key=jax.random.key(0), paths=2,
            method=jqd.Fixed(), observe=lambda t, p: abs(p),
        )  # fmt: skip
    with pytest.raises(ValueError, match="`observe` must have names as keys"):
        jqd.evolve(LAWS["Schrodinger"], [1, 0], TS, observe={1: "density"})


def test_errors_of_an_own_law_are_its_own():
    class Own(jqd.Motion):
        def vector_field(self, t, state, args=None):
            raise AttributeError("mine")

    with pytest.raises(AttributeError, match="mine"):
        jqd.evolve(Own(), jnp.ones(2), TS)


def test_cf4_takes_a_matrix_that_does_not_change():
    law, psi = LAWS["Schrodinger"], np.array([1.0, 0.0])
    run = jqd.evolve(law, psi, TS, method=jqd.Fixed(cf4, 2, estimate_error=False))
    # exp(-iHt) of an H whose square is |h|^2, t = .1; to rounding
    h, t = np.sqrt(0.13), TS[1]
    want = np.array(
        [np.cos(h * t) - 0.2j * np.sin(h * t) / h, -0.3j * np.sin(h * t) / h]
    )
    np.testing.assert_allclose(run.values[1], want, atol=1e-15)


def test_one_answer_for_all_paths():
    law = jqd.laws.QuantumJumps(LAWS["Lindblad"])
    run = jqd.evolve(
        law, law.prepare([1.0, 0.0]), TS, key=jax.random.key(0), paths=3,
        method=jqd.Fixed(),
    )  # fmt: skip
    assert run.ok.shape == (3,)
    assert run.all_ok is True

"""What the copy law predicts in other bases, for distant parts and their order."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support import composite as pairs
from scipy.linalg import expm, logm

import jqd
from jqd.states import composite

from .conftest import equation
from .quantum_point import quantum_density_rate, quantum_phase_rate

QUANTUM = (0.5, -0.5)
OTHERS = [(0.5, -0.7), (0.4, -0.5)]
# RK4 with 400 steps of 1/400 to 1/200
EXACT = 1e-8
# What other exponents change is a good part of the probabilities.
DIFFERENT = 0.01
SPIN_X = np.array([[0.0, 1.0], [1.0, 0.0]])
SPIN_Y = np.array([[0.0, -1j], [1j, 0.0]])
NONE = np.zeros((2, 2))


@jax.jit
def _run(H, psi, time, q, r):
    law = jqd.CopyDynamics.from_hamiltonian(H, q, r)

    def advance(_, psi):
        return law.step(0.0, psi, time / 400)

    return jax.lax.fori_loop(0, 400, advance, psi)


def run(H, psi, time, powers=QUANTUM):
    """ψ of the copy law with four classes."""
    H, psi = (jnp.asarray(v, complex) for v in (H, psi))
    return np.asarray(_run(H, psi, jnp.asarray(time), *map(jnp.asarray, powers)))


def chances(psi):
    return np.abs(psi) ** 2


def gap(x, y):
    return np.max(np.abs(x - y))


@pytest.fixture(scope="module")
def system():
    """H and ψ of four classes, and another basis for its beables."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 4, 4)) + 1j * rng.normal(size=(2, 4, 4))
    shares = np.sqrt([0.3, 0.2, 0.4, 0.1]) * np.exp(1j * rng.normal(size=4))
    return (a + a.conj().T) / 3, shares, np.linalg.qr(b)[0]


# -- beables -------------------------------------------------------------------------


@equation("claim-which-beable")
@pytest.mark.parametrize("powers", [QUANTUM, *OTHERS])
def test_the_choice_of_beables_shows_off_the_quantum_point(system, powers):
    H, psi, U = system
    here = chances(run(H, psi, 1.5, powers))
    there = chances(U.conj().T @ run(U @ H @ U.conj().T, U @ psi, 1.5, powers))
    if powers == QUANTUM:
        assert gap(here, there) < EXACT
        assert gap(here, chances(psi)) > DIFFERENT
    else:
        assert gap(here, there) > DIFFERENT


@equation("question-operators")
@pytest.mark.parametrize("powers", [QUANTUM, *OTHERS])
def test_other_observables_are_read_after_a_turn(system, powers):
    # An apparatus turns eigenstates of A into classes; then beables are counted.
    apparatus, psi, _ = system
    values = np.array([-1.0, 0.5, 2.0, 3.0])
    U = expm(-1j * apparatus)
    A = U.conj().T @ np.diag(values) @ U
    assert gap(A, np.diag(np.diag(A))) > 0.1
    read = chances(run(apparatus, psi, 1.0, powers))
    mean = np.vdot(psi, A @ psi).real
    if powers == QUANTUM:
        assert gap(read, chances(U @ psi)) < EXACT
        assert read @ values == pytest.approx(mean, abs=4 * EXACT)
    else:
        assert gap(read, chances(U @ psi)) > DIFFERENT
        assert abs(read @ values - mean) > DIFFERENT


# -- distant parts -------------------------------------------------------------------

H_A, H_B = (composite.hamiltonian(*parts) for parts in ((SPIN_X, NONE), (NONE, SPIN_X)))
PAIR = np.sqrt([0.14, 0.16, 0.57, 0.13]) * np.exp(1j * np.array([0, 2.0, -1.0, 0.4]))


@equation("question-simultaneity")
@pytest.mark.parametrize("powers", [QUANTUM, *OTHERS])
def test_the_order_of_distant_turns_shows_off_the_quantum_point(powers):
    turn = partial(run, powers=powers)
    first_A = chances(turn(H_B, turn(H_A, PAIR, 0.7), 0.9))
    first_B = chances(turn(H_A, turn(H_B, PAIR, 0.9), 0.7))
    if powers == QUANTUM:
        assert gap(first_A, first_B) < EXACT
    else:
        assert gap(first_A, first_B) > DIFFERENT
    # A product state does not tell it; kinks of sin⁺ leave RK4 second order.
    apart = np.asarray(composite.product(PAIR[:2], PAIR[1:3]))
    apart = apart / np.linalg.norm(apart)
    first_A = chances(turn(H_B, turn(H_A, apart, 0.7), 0.9))
    first_B = chances(turn(H_A, turn(H_B, apart, 0.9), 0.7))
    assert gap(first_A, first_B) < 1e-4


@equation("question-composite")
def test_a_part_of_an_entangled_pair_has_no_ensemble_of_its_own():
    H = composite.hamiltonian(np.array([[0.8, 1.0], [1.0, -0.8]]), NONE)

    def path(psi):
        """ρ_A at three times."""
        ends = [run(H, psi, time) for time in (0.4, 0.8, 1.2)]
        table = composite.marginal(chances(np.stack(ends)), (2, 2), 0)
        return np.asarray(table)[:, 0]

    def own(turn, share):
        """A by itself, with this share and phase; B is along for the ride."""
        alone = np.sqrt([share, 1 - share]) * np.exp([0, 1j * turn])
        return path(np.asarray(composite.product(alone, np.sqrt([0.5, 0.5]))))

    # cos 30° |00> + sin 30° |11>, B turned so that no class is empty
    pair = pairs.entangled(np.cos(np.pi / np.array([6, 3])))
    pair = composite.apply_local(pair, pairs.rotation(np.pi / 4), (2, 2), 1)
    followed = path(np.asarray(pair))
    turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    nearest = min(gap(own(turn, 0.75), followed) for turn in turns)
    # Of neighbouring phases ρ_A differs by 0.07 or less.
    assert nearest > 0.1
    single = np.asarray(composite.product(np.sqrt([0.3, 0.7]) * [1, 1j], [0.6, 0.8j]))
    assert gap(own(np.pi / 2, 0.3), path(single)) < EXACT


@pytest.fixture(scope="module")
def copied(rk4):
    """Densities of the copy law from ψ at t = 1, and the least on the way.

    In densities and phases, where an empty class stays empty.
    """

    def field(R, delta, omega, state):
        return (
            quantum_density_rate(*state, R, delta),
            quantum_phase_rate(*state, omega, R, delta),
        )

    @jax.jit
    def run(H, psi):
        law = jnp.abs(H), jnp.angle(H), jnp.real(jnp.diagonal(H))
        start = jnp.abs(psi) ** 2, -jnp.angle(psi)
        density, _ = rk4(partial(field, *law), start, 1 / 1000, 1000)
        return density[-1], jnp.min(density)

    return lambda H, psi: tuple(map(np.asarray, run(H, jnp.asarray(psi, complex))))


@equation("question-entanglement")
def test_entangled_pairs_break_bells_bound_unless_classes_are_empty(copied):
    settings = [(a, b) for a in (0, np.pi / 4) for b in (np.pi / 8, -np.pi / 8)]

    def bell_sum(psi, back):
        """CHSH: both parts are turned by half of their angles and counted.

        B was turned before, and `back` is what undoes that.
        """
        E, least = [], []
        for a, b in settings:
            H_B = 1j * logm(expm(-1j * b * SPIN_Y) @ back)
            H = composite.hamiltonian(a * SPIN_Y, (H_B + H_B.conj().T) / 2)
            density, empty = copied(np.asarray(H, complex), psi)
            E.append(density @ [1, -1, -1, 1])
            least.append(empty)
        return abs(E[0] + E[1] + E[2] - E[3]), min(least)

    singlet = pairs.entangled(np.array([1, 1]) / np.sqrt(2))
    singlet = np.asarray(composite.apply_local(singlet, 1j * SPIN_Y, (2, 2), 1))
    # B turned out of the plane in which all settings lie: no class is ever empty.
    turn = expm(0.6j * (SPIN_X + SPIN_Y + np.diag([1, -1])))
    filled = np.asarray(composite.apply_local(singlet, turn, (2, 2), 1))
    total, least = bell_sum(filled, turn.conj().T)
    assert least > DIFFERENT
    assert total == pytest.approx(2 * np.sqrt(2), abs=EXACT)
    product = composite.product([0.6, 0.8], [1, 1] / np.sqrt(2))
    assert bell_sum(product, np.eye(2))[0] < 2
    # As prepared in this basis 00 and 11 are empty, and nothing moves at any setting:
    # all four correlations are -1, their sum is the classical bound.
    total, least = bell_sum(singlet, np.eye(2))
    assert least == 0
    assert total == pytest.approx(2, abs=EXACT)

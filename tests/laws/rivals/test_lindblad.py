"""Open systems: Lindblad's equation against its definition, and closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import qutip
from scipy.integrate import solve_ivp

import jqd
from jqd.laws import Jump, Lindblad
from jqd.laws.husimi.bath import Bath

TS = np.array([0.0, 0.3, 0.6, 1.1])


def random_law(levels=3, hbar=0.7):
    rng = np.random.default_rng(5)

    def matrix():
        return rng.normal(size=(levels, levels)) + 1j * rng.normal(
            size=(levels, levels)
        )

    H, A, B, psi = matrix(), matrix() / 2, matrix() / 2, matrix()[0]
    law = Lindblad(H + H.conj().T, {"a": Jump(A, 0.4, 0.3), "b": Jump(B, 0.2)}, hbar)
    return law, psi / np.linalg.norm(psi)


def by_definition(law, psi, ts):
    """-i[H, ρ]/ħ + Σ γ (LρL† - ½{L†L, ρ}), term by term, by SciPy."""
    H = np.asarray(law.hamiltonian.matrix)
    terms = []
    for jump in law.channels.values():
        L, rate, nbar = map(np.asarray, (jump.operator, jump.rate, jump.nbar))
        terms += [(rate * (nbar + 1), L), (rate * nbar, L.conj().T)]

    def right(t, flat):
        rho = flat.reshape(H.shape)
        total = -1j / float(law.hbar) * (H @ rho - rho @ H)
        for rate, L in terms:
            square = L.conj().T @ L
            total += rate * (L @ rho @ L.conj().T - (square @ rho + rho @ square) / 2)
        return total.ravel()

    rho = np.outer(psi, psi.conj()).ravel()
    found = solve_ivp(right, (0, ts[-1]), rho, "DOP853", ts, rtol=1e-12, atol=1e-13)
    return found.y.T.reshape(-1, *H.shape)


def test_it_is_lindblads_equation():
    law, psi = random_law()
    exact = by_definition(law, psi, TS)
    run = jqd.evolve(law, law.prepare(psi), TS)
    assert law.solvable
    # what DOP853 leaves
    np.testing.assert_allclose(run.values, exact, atol=1e-10)
    method = jqd.Fixed(law.stepper, 8)
    series = jqd.evolve(law, law.prepare(psi), TS, method=method)
    np.testing.assert_allclose(series.values, exact, atol=1e-10)
    shown = jqd.evolve(law, law.prepare(psi), TS, observe="populations")
    np.testing.assert_allclose(
        shown.values, np.diagonal(exact, 0, 1, 2).real, atol=1e-10
    )
    np.testing.assert_allclose(np.sum(shown.values, axis=1), 1, atol=1e-12)


def test_a_mode_in_a_bath_has_the_moments_of_one():
    """⟨a⟩ falls by κ/2 + g/2, ⟨n⟩ tends to its end; D of the bath as for Husimi."""
    levels, bath = 30, Bath(0.3, 0.2, gain=0.1, dephasing=0.15)
    law = Lindblad.of_mode(0.9 * np.arange(levels), bath)
    psi = np.asarray(jqd.states.coherent(0.8, levels))
    method = jqd.Fixed(law.stepper, 24)
    rho = jqd.evolve(law, law.prepare(psi), TS, method=method).values
    a = np.diag(np.sqrt(np.arange(1, levels)), 1)
    kappa, up = 0.3 - 0.1, 0.3 * 0.2 + 0.1
    mean = 0.8 * np.exp(-(0.9j + kappa / 2 + 0.15 / 2) * TS)
    got = np.einsum("tab,ba->t", rho, a)
    # thermal tails above 30 levels: (0.8/1.8)^30 of what is gained
    np.testing.assert_allclose(got, mean, atol=1e-8)
    quanta = up / kappa + (0.64 - up / kappa) * np.exp(-kappa * TS)
    n = np.einsum("taa,a->t", rho, np.arange(levels)).real
    np.testing.assert_allclose(n, quanta, atol=1e-8)


def test_a_driven_system_is_followed():
    """A pulse on a qubit that relaxes, by SciPy."""
    z, x = np.diag([0.5, -0.5]), np.array([[0.0, 0.5], [0.5, 0.0]])
    lower = np.array([[0.0, 1.0], [0.0, 0.0]])
    H = jqd.driven(z, (x, jqd.pulse(lambda t: 1.5 * jnp.cos(2 * t))))
    law = Lindblad(H, {"relaxation": Jump(lower, 0.3)})
    assert not law.solvable
    method = jqd.Fixed(law.stepper, 16)
    run = jqd.evolve(law, law.prepare(np.array([0.0, 1.0])), TS, method=method)

    def right(t, flat):
        rho, square = flat.reshape(2, 2), lower.T @ lower
        H = z + 1.5 * np.cos(2 * t) * x
        lost = (square @ rho + rho @ square) / 2
        return (
            -1j * (H @ rho - rho @ H) + 0.3 * (lower @ rho @ lower.T - lost)
        ).ravel()

    start = np.array([0, 0, 0, 1], complex)
    exact = solve_ivp(right, (0, 1.1), start, "DOP853", TS, rtol=1e-11, atol=1e-12)
    # fourth order, steps of a fortieth
    np.testing.assert_allclose(run.values, exact.y.T.reshape(-1, 2, 2), atol=1e-6)


def test_a_rate_is_a_constant_like_any_other():
    """Derivative by the rate; names; and no rate below zero."""
    law, psi = random_law()

    def last(rate):
        changed = jqd.constants.unpack(law, "a.rate", rate[None])
        state = changed.prepare(psi)
        return jqd.evolve(changed, state, TS, observe="density").values[-1, 0]

    h, at = 1e-5, jnp.asarray(0.4)
    difference = (last(at + h) - last(at - h)) / (2 * h)
    # h² times a third derivative, and rounding/h
    np.testing.assert_allclose(jax.jacfwd(last)(at), difference, rtol=1e-6)
    assert jqd.constants.names(law) == ("a.rate", "a.nbar", "b.rate", "b.nbar")
    assert jqd.constants.bounds(law, "a.rate") == (0.0, np.inf)


@pytest.mark.parametrize("named", [True, False])
def test_an_operator_that_holds_its_rate_decays(named):
    """√κ a as QuTiP has it, from nine quanta: ⟨n⟩ = 9 exp(-κt)."""
    n = np.arange(10)
    a = np.diag(np.sqrt(n[1:]), 1)
    lose = np.sqrt(0.2) * a
    law = Lindblad(np.zeros(10), {"c": Jump(lose)} if named else [lose])
    run = jqd.evolve(law, law.prepare(np.eye(10)[9]), TS, observe="populations")
    np.testing.assert_allclose(run.values @ n, 9 * np.exp(-0.2 * TS), atol=1e-12)
    assert float(jqd.constants.values(law)["rate"]) == 1
    # without the jump it is quantum mechanics
    assert jqd.constants.quantum_values(law) == {"rate": 0.0}


def test_a_list_has_jumps_and_operators():
    law = Lindblad(np.eye(2), [np.eye(2), Jump(np.eye(2), 0.3), qutip.sigmam()])
    rates = {name: float(jump.rate) for name, jump in law.channels.items()}
    assert rates == {"jump0": 1.0, "jump1": 0.3, "jump2": 1.0}


@pytest.mark.slow
def test_a_rate_of_loss_is_recovered_from_counts():
    lower = np.diag([1.0, 1.0], 1)
    H = np.array([[0.0, 0.7, 0.2], [0.7, 0.4, 0.6], [0.2, 0.6, -0.3]])
    truth, ts = Lindblad(H, {"decay": Jump(lower, 0.06)}), np.linspace(0.2, 4, 20)
    psi = np.array([0.6, 0.8, 0.0])
    instrument = jqd.instruments.Confusion()
    record = jqd.simulate(truth, psi, ts, instrument, 20000, jax.random.key(1), t0=0.0)
    law = Lindblad(H, {"decay": Jump(lower, 0.01)})
    study = jqd.Study(law, record, psi0=psi, free="decay.rate", instrument=instrument)
    found = jqd.recover(study, starts=2, search=None, held_out=0.0)
    rate = found.constants["decay.rate"]
    assert found.status == "converged"
    # one seed: beyond 4 standard errors once in 1e4 times
    assert abs(rate.value - 0.06) < 4 * rate.stderr


GOOD = {"operator": np.eye(2), "rate": 0.1, "nbar": 0.0}


@pytest.mark.parametrize(("name", "kinds"), [("rate", "number"), ("nbar", "number")])
def test_nonsense_is_refused(complaints, name, kinds):
    assert complaints(Jump, GOOD, name, kinds) == {}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Jump(np.eye(2), -0.1), "`rate` must not be negative"),
        (lambda: Jump(np.ones((2, 3))), "`operator` must"),
        (lambda: Lindblad(np.eye(2), {}), "`jumps` must hold a jump, but is empty"),
        (lambda: Lindblad(np.eye(2), []), "`jumps` must hold a jump, but is empty"),
        (lambda: Lindblad(np.eye(2), {"a": np.eye(2)}), "but 'a' holds a ndarray"),
        (lambda: Lindblad(np.eye(2), np.eye(2)), "`jumps` must .*, but is a ndarray"),
        (lambda: Lindblad(np.eye(2), Jump(np.eye(2))), "`jumps` must .*but is a Jump"),
        (lambda: Lindblad(np.eye(2), ["x"]), r"`jumps\[0\]` must"),
        (lambda: Lindblad(np.eye(3), {"a": Jump(np.eye(2))}), "must have shape"),
        (lambda: Lindblad(np.eye(2), {"a": Jump(np.eye(2))}, 0), "`hbar` must be pos"),
    ],
)
def test_what_cannot_be(make, said):
    with pytest.raises(ValueError, match=said):
        make()

"""Two systems as one: against QuTiP, and what one's choice does to the other."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import qutip
from _support import composite as pairs

import jqd
from jqd.ensembles import copying
from jqd.states import composite

SPIN_X = np.array([[0.0, 1.0], [1.0, 0.0]])
NONE = np.zeros((2, 2))
PAIR = (2, 2)
# cos 30° |00> + sin 30° |11>, alone and after a turn of B by 45°
ENTANGLED = pairs.entangled(np.cos(np.pi / np.array([6, 3])))
TURNED = composite.apply_local(ENTANGLED, pairs.rotation(np.pi / 4), PAIR, 1)
# A generic state: both turned, with phases.
GENERIC = np.sqrt([0.14, 0.16, 0.57, 0.13]) * np.exp(1j * np.array([0, 2.0, -1.0, 0.4]))


def random_hermitian(rng, size):
    a = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    return (a + a.conj().T) / 2


def test_equals_qutip():
    """Sizes 3 and 2: H, product state, density of each part, a local unitary."""
    rng = np.random.default_rng(1)
    parts = [random_hermitian(rng, size) for size in (3, 2)]
    joint = random_hermitian(rng, 6)
    quantum = [qutip.Qobj(part) for part in parts]
    expected = qutip.tensor(quantum[0], qutip.qeye(2))
    expected += qutip.tensor(qutip.qeye(3), quantum[1])
    got = composite.hamiltonian(*quantum, coupling=joint)
    # rounding
    np.testing.assert_allclose(got, expected.full() + joint, atol=1e-14)

    kets = [qutip.rand_ket(3, seed=1), qutip.rand_ket(2, seed=2)]
    whole = qutip.tensor(*kets)
    psi = composite.product(*kets)
    np.testing.assert_allclose(psi, whole.full()[:, 0], atol=1e-14)
    mixed = (whole + qutip.tensor(qutip.basis(3, 2), qutip.basis(2, 0))).unit()
    psi = jnp.asarray(mixed.full()[:, 0])
    for part, size in enumerate((3, 2)):
        own = composite.marginal(jnp.abs(psi) ** 2, (3, 2), part)
        np.testing.assert_allclose(own, mixed.ptrace(part).diag().real, atol=1e-14)
        unitary = qutip.rand_unitary(size, seed=part)
        sides = [qutip.qeye(3), qutip.qeye(2)]
        sides[part] = unitary
        turned = composite.apply_local(psi, unitary, (3, 2), part)
        expected = (qutip.tensor(*sides) * mixed).full()[:, 0]
        np.testing.assert_allclose(turned, expected, atol=1e-14)


def test_three_systems():
    density = np.random.default_rng(2).dirichlet(np.ones(24), size=(5, 2))
    table = density.reshape(5, 2, 2, 3, 4)
    for part, others in enumerate([(3, 4), (2, 4), (2, 3)]):
        own = composite.marginal(density, (2, 3, 4), part)
        np.testing.assert_allclose(own, table.sum(axis=others), atol=1e-15)
    parts = [np.eye(2), np.eye(3), np.eye(4)]
    np.testing.assert_allclose(composite.hamiltonian(*parts), 3 * np.eye(24))


def test_schmidt_form():
    psi = pairs.entangled([0.6, 0.8j])
    np.testing.assert_allclose(psi, [0.6, 0, 0, 0.8j])
    density = jnp.abs(psi) ** 2
    assert float(pairs.polarisation(density, PAIR, 0)) == pytest.approx(-0.28)


@jax.jit
def seen_at_A(psi, on_B, q, r):
    """⟨z_A⟩ at t = 1 by the mean-field law: R = 1 in A, `on_B` in B."""
    rates = jnp.asarray(composite.hamiltonian(SPIN_X, NONE))
    rates = rates + on_B * composite.hamiltonian(NONE, SPIN_X)
    law = jqd.CopyDynamics(jnp.zeros(4), rates, jnp.zeros((4, 4)), q, r)
    step = 0.005

    def advance(_, state):
        return law.step(0.0, state, step)

    end = jax.lax.fori_loop(0, 200, advance, psi)
    return pairs.polarisation(law.density(end), PAIR, 0)


def signal(psi, q, r):
    return float(seen_at_A(psi, 1.0, q, r) - seen_at_A(psi, 0.0, q, r))


@pytest.mark.equation("copying", "question-signalling-exponents")
def test_the_mean_field_law_signals_off_the_quantum_point():
    psi = jnp.asarray(GENERIC)
    # RK4 in steps of 1/200: both runs to 1e-9
    assert abs(signal(psi, 0.5, -0.5)) < 1e-8
    assert abs(signal(psi, 0.5, -0.7)) > 1e-2
    assert abs(signal(psi, 0.4, -0.5)) > 1e-2


@pytest.mark.equation("copying", "question-composite-products")
@pytest.mark.parametrize(("q", "r"), [(0.5, -0.5), (0.5, -0.7), (0.4, -0.6)])
def test_product_states_do_not_signal(q, r):
    """(ρ_ab/ρ_a'b)^q is A's own ratio: the law falls into two for every q and r."""
    own = np.sqrt([0.7, 0.3]) * np.exp([0, 0.8j])
    psi = composite.product(own, np.sqrt([0.4, 0.6]) * np.exp([0.5j, 0]))
    # off q = 1/2 the kink of sin⁺ leaves RK4 second order, 0.005², in each run
    assert abs(signal(psi, q, r)) < 1e-4
    alone = jqd.CopyDynamics(jnp.zeros(2), SPIN_X, jnp.zeros((2, 2)), q, r)
    run = jax.jit(
        lambda psi: jax.lax.fori_loop(
            0, 200, lambda _, state: alone.step(0.0, state, 0.005), psi
        )
    )
    rho = np.asarray(alone.density(run(jnp.asarray(own))))
    assert float(seen_at_A(psi, 1.0, q, r)) == pytest.approx(rho[0] - rho[1], abs=1e-4)


@pytest.mark.slow
@pytest.mark.equation("copying", "question-signalling")
def test_a_far_turn_moves_A(key):
    """T24: two empty classes freeze A at ½; after B's turn A follows ½ cos 2t."""
    law = jqd.CopyDynamics.from_hamiltonian(composite.hamiltonian(SPIN_X, NONE))
    ts = jnp.array([0.0, np.pi / 8, np.pi / 4, np.pi / 2])
    options = {"copies": 10**5, "trajectories": 16, "error_trajectories": 0}

    def seen(psi, **more):
        copies = copying.sample(law, psi, ts, key, **options, **more)
        z = pairs.polarisation(copies.density, PAIR, 0)
        return np.asarray(jnp.mean(z, axis=0)), copies

    frozen, copies = seen(ENTANGLED)
    # cos² 30° - sin² 30° of whole numbers of copies, and nobody moves
    np.testing.assert_allclose(frozen, 0.5, atol=1e-15)
    assert (copies.occupation == copies.occupation[:, :1]).all()
    assert (copies.extinction_time == 0).all()
    turned, copies = seen(TURNED)
    # 4 standard errors of 16 runs of spread 2/√N; the table asks for 0.01
    np.testing.assert_allclose(turned, [0.5, 0.3536, 0, -0.5], atol=4e-3)
    assert copies.ok.all()
    # B's turn alone leaves A's own statistics as they were: only later do they differ.
    assert turned[0] == pytest.approx(frozen[0], abs=1e-5)
    assert abs(turned[3] - frozen[3]) > 0.99
    # Spectators open the empty classes: quantum mechanics, and no signal.
    cured, _ = seen(ENTANGLED, spectators=2)
    # rms 2 to 3 / √N a run, plus what two spectators of 1e5 leave
    np.testing.assert_allclose(cured, turned, atol=0.02)


@pytest.mark.equation("copying", "question-signalling-size")
@pytest.mark.slow
def test_few_copies_signal(key):
    """Sixty copies: what B's Hamiltonian is moves the mean of A, and more the fewer."""
    psi = jnp.asarray(GENERIC)
    ts = jnp.array([0.0, 2.0])

    def seen(on_B, copies):
        H = composite.hamiltonian(SPIN_X, on_B * SPIN_X)
        law = jqd.CopyDynamics.from_hamiltonian(H)
        run = copying.sample(
            law, psi, ts, key, copies=copies, trajectories=2000, method="exact"
        )
        z = pairs.polarisation(run.density, PAIR, 0)[:, 1]
        return float(jnp.mean(z)), float(jnp.std(z)) / np.sqrt(2000)

    (off, error_off), (on, error_on) = seen(0.0, 60), seen(1.0, 60)
    assert abs(on - off) > 4 * np.hypot(error_off, error_on)
    # In quantum mechanics A's mean does not depend on it at all.
    exact = [float(seen_at_A(psi, b, 0.5, -0.5)) for b in (0.0, 1.0)]
    assert exact[0] == pytest.approx(exact[1], abs=1e-8)


@pytest.mark.equation("copying", "question-signalling")
@pytest.mark.equation("copying", "claim-signalling")
@pytest.mark.slow
def test_an_empty_class_signals(key):
    """N → ∞ and one start: B's Hamiltonian shows in A, since |11> cannot be entered."""
    shares, phases = np.array([0.4, 0.3, 0.3, 0.0]), np.array([0, 5.1, 5.7, 0])
    psi = np.sqrt(shares) * np.exp(1j * phases)
    ts = jnp.array([0.0, 1.0])
    options = {"copies": 10**5, "trajectories": 16, "error_trajectories": 0}

    def seen(on_B, **more):
        H = composite.hamiltonian(SPIN_X, on_B * SPIN_X)
        law = jqd.CopyDynamics.from_hamiltonian(H)
        run = copying.sample(law, psi, ts, key, **options, **more)
        return np.asarray(jnp.mean(run.density[:, 1, 2:].sum(-1))), np.asarray(H)

    def due(H):
        """Schrödinger's equation of the three classes that are not empty."""
        energies, states = np.linalg.eigh(H[:3, :3])
        end = states @ (np.exp(-1j * energies) * (states.T @ psi[:3]))
        return np.abs(end[2]) ** 2

    (off, H_off), (on, H_on) = seen(0.0), seen(1.0)
    # 4 standard errors of 16 runs of spread 2/√N
    assert off == pytest.approx(due(H_off), abs=6e-3)
    assert on == pytest.approx(due(H_on), abs=6e-3)
    assert abs(on - off) > 0.3
    # spectators open the class: what two of 1e5 leave
    (off, _), (on, _) = (seen(on_B, spectators=2) for on_B in (0.0, 1.0))
    assert abs(on - off) < 0.05


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: composite.hamiltonian(), "`parts` must hold"),
        (lambda: composite.hamiltonian([[0, 1], [2, 0]]), "`parts[0]` must be Hermi"),
        (
            lambda: composite.hamiltonian(SPIN_X, SPIN_X, coupling=NONE),
            "`coupling` must have shape (4, 4)",
        ),
        (lambda: composite.product(SPIN_X), "`states` must be vectors"),
        (lambda: composite.marginal(np.ones(4), (2, 3), 0), "`density` must have 6"),
        (lambda: composite.marginal(np.ones(4), PAIR, 2), "`part` must be from 0 to 1"),
        (
            lambda: composite.apply_local(np.ones(6), SPIN_X, (3, 2), 0),
            "`operator` must have shape (3, 3)",
        ),
    ],
)
def test_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()

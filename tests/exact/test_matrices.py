"""Exact evolution under a matrix: states, and first derivatives at any spectrum."""

import re

import chex
import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np
import pytest
import scipy.linalg

import jqd
from jqd.exact import unitary_orbit
from jqd.exact.matrices import propagate

TS = np.linspace(0.0, 20.0, 9)


def random_hermitian(rng, size, real=False):
    a = rng.normal(size=(size, size))
    if not real:
        a = a + 1j * rng.normal(size=(size, size))
    return (a + a.conj().T) / 2


def random_state(rng, size):
    psi = rng.normal(size=size) + 1j * rng.normal(size=size)
    return psi / np.linalg.norm(psi)


def by_expm(hamiltonian, psi0, ts, hbar=1.0):
    return np.stack(
        [scipy.linalg.expm(-1j * hamiltonian * t / hbar) @ psi0 for t in ts]
    )


def degenerate(rng, real=False):
    """Six levels on three energies, and a direction that splits them."""
    basis, _ = np.linalg.qr(random_hermitian(rng, 6, real))
    hamiltonian = (basis * np.array([1.0, 1.0, 1.0, 2.0, 2.0, -1.0])) @ basis.conj().T
    return (hamiltonian + hamiltonian.conj().T) / 2, random_hermitian(rng, 6, real)


@pytest.mark.sampled
@pytest.mark.parametrize("seed", range(21))
def test_states_equal_expm(seed):
    rng = np.random.default_rng(seed)
    size = 2 + seed % 7
    hamiltonian = random_hermitian(rng, size, real=seed % 2 == 0)
    psi0 = random_state(rng, size)
    exact = by_expm(hamiltonian, psi0, TS, hbar=0.9)
    # Rounding of phases of up to |H| T / ħ = 150, with room for expm's own.
    np.testing.assert_allclose(
        propagate(hamiltonian, psi0, TS, hbar=0.9), exact, atol=1e-12, rtol=0
    )
    # Negative control: ħ wrong by 1e-6.
    wrong = propagate(hamiltonian, psi0, TS, hbar=0.9 * (1 + 1e-6))
    assert np.max(np.abs(wrong - exact)) > 1e-7


@pytest.mark.parametrize("real", [True, False])
def test_degenerate_levels(real):
    rng = np.random.default_rng(1)
    hamiltonian, _ = degenerate(rng, real)
    psi0 = random_state(rng, 6)
    np.testing.assert_allclose(
        propagate(hamiltonian, psi0, TS), by_expm(hamiltonian, psi0, TS), atol=1e-12
    )
    # All levels equal: a phase and nothing else.
    states = propagate(3 * np.eye(6), psi0, TS)
    phases = np.exp(-3j * TS)
    np.testing.assert_allclose(states, phases[:, None] * psi0, atol=1e-13)


def test_diagonal_is_the_matrix_with_that_diagonal():
    rng = np.random.default_rng(2)
    energies, psi0 = rng.normal(size=5), random_state(rng, 5)
    np.testing.assert_allclose(
        propagate(energies, psi0, TS, hbar=0.7),
        propagate(np.diag(energies), psi0, TS, hbar=0.7),
        atol=1e-13,
    )


def test_times_count_from_the_first():
    rng = np.random.default_rng(3)
    hamiltonian, psi0 = random_hermitian(rng, 4), random_state(rng, 4)
    states = propagate(hamiltonian, psi0, TS - 7.0)
    np.testing.assert_allclose(states[0], psi0, atol=1e-15)
    np.testing.assert_allclose(states, propagate(hamiltonian, psi0, TS), atol=1e-13)
    assert propagate(hamiltonian, psi0, [2.0]).shape == (1, 4)


def test_norm_and_energy_are_conserved():
    rng = np.random.default_rng(4)
    hamiltonian, psi0 = random_hermitian(rng, 40), random_state(rng, 40)
    states = propagate(hamiltonian, psi0, np.linspace(0, 1000, 50))
    np.testing.assert_allclose(np.linalg.norm(states, axis=1), 1, atol=1e-13)
    energy = np.einsum("ti,ij,tj->t", np.conj(states), hamiltonian, states)
    np.testing.assert_allclose(energy, energy[0], atol=1e-12)


def test_narrow_and_whole_arguments_are_widened():
    states = propagate(
        np.array([[0, 1], [1, 0]]), np.array([1, 0], dtype=np.complex64), [0, 1]
    )
    assert states.dtype == np.complex128
    np.testing.assert_allclose(states[1], [np.cos(1), -1j * np.sin(1)], atol=1e-15)


@pytest.mark.filterwarnings("default")  # QuTiP's own
def test_qutip_objects():
    qutip = pytest.importorskip("qutip")
    psi0 = qutip.basis(2, 0)
    states = propagate(qutip.sigmax(), psi0, TS)
    np.testing.assert_allclose(states[:, 0], np.cos(TS), atol=1e-13)


# Derivatives


def families():
    """(name, K -> H(K), the state, K): all Hermitian, most of them degenerate at K."""
    rng = np.random.default_rng(5)
    n = jnp.arange(6.0)
    kerr = jnp.diag(n * (n - 1))  # E0 = E1
    out = []
    for real in (True, False):
        start, direction = degenerate(rng, real)
        kind = "real" if real else "complex"
        out += [
            (f"degenerate-{kind}", lambda K, a=start, b=direction: a + K * b, 0.0),
            (f"split-{kind}", lambda K, a=start, b=direction: a + K * b, 1e-9),
            (f"generic-{kind}", lambda K, a=start, b=direction: a + K * b, 0.7),
        ]
    hop = jnp.eye(6, k=1) + jnp.eye(6, k=-1)
    out += [
        ("kerr", lambda K: K * kerr, 0.3),
        ("kerr-diagonal", lambda K: K * n * (n - 1), 0.3),
        ("kerr-hopping", lambda K: kerr + K * hop, 0.0),
        ("zero", lambda K: K * hop, 0.0),
    ]
    return [pytest.param(family, K, id=name) for name, family, K in out]


PSI = random_state(np.random.default_rng(6), 6)


def test_gap_below_the_series_threshold_and_above_meet():
    """Every gap from far to coincident: the derivative equals the integral it is.

    dψ(t)/dK = -i ∫ U(t - s) B U(s) ψ ds, here by 40 Gauss-Legendre points.
    """
    rng = np.random.default_rng(7)
    # Gaps times the longest time: 0, 1e-9, 0.3, 0.98, 1.02, 5 and their differences.
    energies = np.array([0.0, 0.0, 1e-9, 0.3, 0.98, 1.02, 5.0]) / 4.0
    direction, psi0 = random_hermitian(rng, 7), random_state(rng, 7)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    ts = np.array([0.0, 0.1, 2.0, 4.0])
    exact = []
    for t in ts:
        s = (nodes + 1) * t / 2
        inner = np.exp(-1j * np.outer(s, energies)) * psi0 @ direction.T
        outer = np.exp(-1j * np.outer(t - s, energies)) * inner
        exact.append(-1j * (t / 2) * weights @ outer)
    _, tangent = jax.jvp(
        lambda K: unitary_orbit(jnp.diag(energies) + K * direction, psi0, ts),
        (0.0,),
        (1.0,),
    )
    # Rounding times the longest time, 4; direction entries are of order one.
    np.testing.assert_allclose(tangent, exact, atol=1e-13)


@pytest.mark.sampled
@pytest.mark.parametrize(("family", "K"), families())
def test_derivatives_equal_central_differences(family, K):
    ts = jnp.array([0.3, 2.0, 4.0])

    def states(K):
        return unitary_orbit(family(K), PSI, ts, 0.8)

    def population(K):
        weights = jnp.arange(18.0).reshape(3, 6)
        return jnp.sum(weights * jnp.abs(states(K) + 0.1j) ** 2)

    # Richardson's pair leaves (d |B| T/ħ)⁴ |B| T/ħ / 480: 2e-8 for Kerr's 150, far
    # less for the others; rounding of the phases gives 1e-14 / d = 2e-10.
    def differences(f):
        def central(d):
            return (f(K + d) - f(K - d)) / (2 * d)

        return (4 * central(5e-5) - central(1e-4)) / 3

    _, forward = jax.jvp(states, (K,), (1.0,))
    np.testing.assert_allclose(forward, differences(states), atol=1e-6)
    reverse = jax.grad(population)(K)
    np.testing.assert_allclose(reverse, differences(population), rtol=1e-6, atol=1e-6)
    # Forward and reverse are the same linear map: equal to rounding.
    np.testing.assert_allclose(
        reverse, jax.jvp(population, (K,), (1.0,))[1], rtol=1e-11, atol=1e-11
    )
    # Negative control: the derivative at a constant 1 % off in ħ.
    wrong = jax.jvp(lambda K: unitary_orbit(family(K), PSI, ts, 0.808), (K,), (1.0,))[1]
    assert np.max(np.abs(wrong - differences(states))) > 1e-3


@pytest.mark.sampled
@pytest.mark.parametrize("real", [True, False])
def test_derivatives_in_every_argument(real):
    rng = np.random.default_rng(8)
    hamiltonian, _ = degenerate(rng, real)
    ts = jnp.array([-1.0, 0.0, 3.0])

    def states(a, psi0, ts, hbar):
        return unitary_orbit((a + a.conj().T) / 2, psi0, ts, hbar)

    jax.test_util.check_grads(
        states,
        (jnp.asarray(hamiltonian), jnp.asarray(PSI), ts, 1.3),
        order=1,
        modes=("fwd", "rev"),
        # Differences with step 1e-6 (the default) of values of order one: 1e-9,
        # times |H|²T² for the truncation and the sum over 36 entries.
        atol=1e-6,
        rtol=1e-6,
    )


def test_the_gradient_in_the_matrix_is_its_hermitian_part():
    """The kernel reads (H + H*)/2, so an antihermitian change has no effect at all."""
    rng = np.random.default_rng(9)
    hamiltonian, _ = degenerate(rng)
    ts = jnp.array([2.0])

    def population(h):
        return jnp.abs(unitary_orbit(h, PSI, ts)[0, 2]) ** 2

    gradient = jax.grad(population)(jnp.asarray(hamiltonian))
    np.testing.assert_allclose(gradient, gradient.conj().T, atol=1e-14)
    slope = jax.jvp(population, (hamiltonian,), (1j * random_hermitian(rng, 6),))[1]
    assert abs(slope) < 1e-14
    # JAX's convention: the slope along dH is Re Σ gradient_ij dH_ij.
    direction = random_hermitian(rng, 6)
    slope = jax.jvp(population, (hamiltonian,), (direction,))[1]
    np.testing.assert_allclose(slope, jnp.sum(gradient * direction).real, rtol=1e-12)
    assert abs(slope) > 1e-3


def test_times_that_are_all_zero():
    slope = jax.jacfwd(lambda K: unitary_orbit(K * jnp.eye(6), PSI, jnp.zeros(2)))(1.0)
    assert jnp.all(slope == 0)


def test_batches_equal_loops():
    rng = np.random.default_rng(10)
    hamiltonians = np.stack([random_hermitian(rng, 4) for _ in range(3)])
    states = np.stack([random_state(rng, 4) for _ in range(3)])
    times = np.sort(rng.uniform(0, 5, size=(3, 6)), axis=1)

    def slope(hamiltonian, psi0, ts):
        def population(K):
            return jnp.sum(jnp.abs(propagate(K * hamiltonian, psi0, ts)[:, 0]) ** 2)

        return jax.grad(population)(1.0)

    for function, alone in ((propagate, propagate), (slope, jax.jit(slope))):
        batch = jax.jit(jax.vmap(function))(hamiltonians, states, times)
        loop = [
            alone(*arguments)
            for arguments in zip(hamiltonians, states, times, strict=True)
        ]
        np.testing.assert_allclose(batch, np.stack(loop), atol=1e-12)
    # One axis at a time.
    np.testing.assert_allclose(
        jax.vmap(propagate, (None, 0, None))(hamiltonians[0], states, times[0])[1],
        propagate(hamiltonians[0], states[1], times[0]),
        atol=1e-13,
    )


def test_second_derivative_of_a_diagonal_hamiltonian():
    n = jnp.arange(6.0)

    def overlap(K):
        return jnp.vdot(PSI, unitary_orbit(K * n * (n - 1), PSI, jnp.ones(1))[0]).real

    energies = np.asarray(n * (n - 1))
    exact = -np.sum(np.abs(PSI) ** 2 * energies**2 * np.cos(0.3 * energies))
    np.testing.assert_allclose(jax.grad(jax.grad(overlap))(0.3), exact, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.sampled
@pytest.mark.parametrize("real", [True, False])
def test_second_derivative_of_a_dense_hamiltonian(real):
    """Where the levels are apart, and where they coincide."""
    start, direction = degenerate(np.random.default_rng(12), real)

    def population(K):
        return (
            jnp.abs(unitary_orbit(start + K * direction, PSI, jnp.ones(1))[0, 1]) ** 2
        )

    slope = jax.jit(jax.grad(population))
    seconds = [jax.jit(jax.grad(slope)), jax.jit(jax.jacfwd(slope))]
    for K in (0.0, 0.7):
        # Truncation 1e-10, rounding 1e-14/1e-5.
        difference = (slope(K + 1e-5) - slope(K - 1e-5)) / 2e-5
        for second in seconds:
            np.testing.assert_allclose(second(K), difference, atol=1e-7)
    # a third derivative is not there, and no wrong number stands for it
    assert jnp.isnan(jax.grad(seconds[1])(0.0))
    # in time all are
    orbit = jax.jit(lambda t: unitary_orbit(start, PSI, jnp.reshape(t, 1))[0])
    second = jax.jacfwd(jax.jacfwd(orbit))(0.5)
    np.testing.assert_allclose(second, -start @ start @ orbit(0.5), atol=1e-13)


def test_curvature_where_both_levels_are_equal():
    """p₀ of H = 1 + x σ_x is (.36 + .64)/2 - .14 cos 2xt: the curvature .56 t² at 0."""
    t = 1.3

    def share(x):
        H = jnp.eye(2) + x * jnp.array([[0.0, 1.0], [1.0, 0.0]])
        run = jqd.evolve(jqd.Schrodinger(H), jnp.array([0.6, 0.8]), jnp.array([0.0, t]))
        return jnp.abs(run.values[-1, 0]) ** 2

    for modes in (jax.hessian, lambda f: jax.grad(jax.grad(f))):
        assert float(jax.jit(modes(share))(0.0)) == pytest.approx(0.9464, abs=1e-13)


@pytest.mark.slow
def test_mixed_derivatives_beside_a_degenerate_matrix():
    """By H, ψ, time and ħ at once, by SciPy's exponential and differences of slopes."""
    rng = np.random.default_rng(3)
    start, direction = degenerate(rng, real=False)
    shift = rng.normal(size=PSI.shape)

    def population(z):
        states = unitary_orbit(
            start + z[0] * direction, PSI + z[1] * shift,
            jnp.array([0.4, 1.3]) * (1 + z[2]), 1 + z[3],
        )  # fmt: skip
        return jnp.sum(jnp.abs(states[:, 1]) ** 2)

    slope, zero = jax.jit(jax.grad(population)), np.zeros(4)
    second = jax.jit(jax.hessian(population))(zero)
    step = 1e-5 * np.eye(4)
    difference = [(slope(h) - slope(-h)) / 2e-5 for h in step]
    np.testing.assert_allclose(second, difference, atol=1e-7)
    np.testing.assert_allclose(second, second.T, atol=1e-12)
    # of a matrix that is zero, and in a batch

    def first(x, H):
        return jnp.abs(unitary_orbit(x * H, PSI, jnp.ones(1))[0, 0]) ** 2

    zeros = jax.vmap(jax.hessian(first), (None, 0))
    both = np.stack([direction, direction.conj()])
    expected = [
        2 * np.abs((H @ PSI)[0]) ** 2 - 2 * np.real(np.conj(PSI[0]) * (H @ H @ PSI)[0])
        for H in both
    ]
    np.testing.assert_allclose(jax.jit(zeros)(0.0, both), expected, atol=1e-12)


def test_one_trace_for_three_constants():
    @jax.jit
    @chex.assert_max_traces(n=1)
    def states(K):
        return propagate(K * jnp.arange(3.0), jnp.array([1.0, 0.0, 0.0]), TS)

    for K in (0.1, 0.2, 0.3):
        states(K)


def test_single_precision_kernel():
    """complex64 in, complex64 out; the error is that of its phases."""
    rng = np.random.default_rng(11)
    hamiltonian = random_hermitian(rng, 6).astype(np.complex64)
    ts = np.array([0.0, 5.0], dtype=np.float32)
    states = unitary_orbit(hamiltonian, PSI.astype(np.complex64), ts)
    assert states.dtype == np.complex64
    # A phase |E| t of up to 25, rounded to 6e-8 of itself, on energies as good.
    np.testing.assert_allclose(states, by_expm(hamiltonian, PSI, ts), atol=2e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"hamiltonian": np.array([[0, 1.0], [1.0012, 0]])},
            "`hamiltonian` must be Hermitian, but entry [0, 1] differs from the "
            "conjugate of entry [1, 0] by 0.0012.",
        ),
        (
            {"hamiltonian": np.ones(2) * 1j},
            "`hamiltonian` must be real where it is a diagonal",
        ),
        (
            {"hamiltonian": np.array([np.nan, 1])},
            "`hamiltonian` must be finite, but entry [0] is nan.",
        ),
        (
            {"psi0": np.array([1.0, 1.0])},
            "`psi0` must be normalised, but its squared norm is 2.",
        ),
        (
            {"psi0": np.array([1.0, 0, 0])},
            "`psi0` must have shape (2,), but its shape is (3,).",
        ),
        ({"ts": [0.0, 0.0]}, "`ts` must increase strictly, but ts[1] = 0.0 follows"),
        ({"hbar": 0.0}, "`hbar` must be positive, but it is 0.0."),
        ({"hbar": np.ones(2)}, "`hbar` must have shape (), but its shape is (2,)."),
    ],
)
def test_bad_arguments(change, message):
    arguments = {"hamiltonian": np.eye(2), "psi0": np.array([1.0, 0]), "ts": [0.0, 1.0]}
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        propagate(**(arguments | change))

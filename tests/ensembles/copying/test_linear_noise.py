"""Linear noise: closed forms, direct quadrature, sampled ensembles, gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

import jqd
from jqd import constants, problems
from jqd.ensembles import copying
from jqd.ensembles.copying.linear_noise import _spread, linear_noise
from jqd.laws import Harmonics

TS = jnp.array([0.0, 1.0, 2.0, 5.0])
STEPS = jnp.asarray(1000)  # traced: one compilation for every number of steps


def unitary_covariance(law, psi, first, second, points=4000):
    """∫ G(t, s) D(s) G(t', s)ᵀ ds of the quantum point, by the trapezoidal rule."""
    energies, basis = np.linalg.eigh(np.asarray(law.hamiltonian()))
    s = np.linspace(0, first, points + 1)

    def move(t):
        phases = np.exp(-1j * energies * np.asarray(t)[..., None])
        return (basis * phases[..., None, :]) @ basis.conj().T

    here = move(s) @ np.asarray(psi)
    H = np.asarray(law.hamiltonian()) * (1 - np.eye(len(energies)))
    flow = np.abs(2 * np.imag(here.conj()[:, :, None] * H * here[:, None, :]))
    D = np.einsum("sab,ac->sac", flow, np.eye(len(energies))) - flow
    lift = here / (2 * np.abs(here) ** 2)

    def response(t):
        there = (move(t) @ np.asarray(psi)).conj()
        return 2 * np.real(there[None, :, None] * move(t - s) * lift[:, None, :])

    kernel = response(first) @ D @ np.swapaxes(response(second), 1, 2)
    return np.trapezoid(kernel, s, axis=0)


@pytest.mark.slow
def test_the_quantum_point():
    """T9, its quadrature, and what must vanish."""
    law, psi = problems.golden()
    noise = linear_noise(law, psi, TS, substeps=STEPS)
    # T9; 1e-5 as the table asks, kinks of |J| leave some 1e-6
    expected = [0, 0.851821, 1.719116, 4.228261]
    np.testing.assert_allclose(noise.infidelity, expected, atol=1e-5)
    covariance = np.asarray(noise.covariance)
    # two times; the trapezoidal rule and its kinks leave 1e-6
    direct = unitary_covariance(law, psi, 1.0, 2.0)
    np.testing.assert_allclose(covariance[1, :, 2, :], direct, atol=1e-5)
    np.testing.assert_allclose(covariance[2, :, 1, :], direct.T, atol=1e-5)
    # negative control: phases turned the other way
    mirrored = unitary_covariance(law, jnp.conj(psi), 1.0, 2.0)
    assert np.max(np.abs(covariance[1, :, 2, :] - mirrored)) > 0.05
    # an exact start; shares that sum to 1, up to the error of the steps
    assert np.max(np.abs(covariance[0])) == 0
    assert np.max(np.abs(covariance.sum(axis=1))) < 1e-9
    flat = covariance.reshape(12, 12)
    np.testing.assert_allclose(flat, flat.T, atol=1e-15)
    assert np.linalg.eigvalsh(flat).min() > -1e-9
    lowest = float(noise.least_density[-1])
    assert noise.valid(22 / lowest).all()
    assert not noise.valid(18 / lowest)[-1]


@pytest.mark.slow
def test_a_drawn_start_adds_its_own_scatter():
    law, psi = problems.golden()
    drawn = linear_noise(law, psi, TS, substeps=STEPS, initial="drawn")
    exact = linear_noise(law, psi, TS, substeps=STEPS)
    rho = np.array([0.5, 0.3, 0.2])
    shots = np.diag(rho) - np.outer(rho, rho)
    covariance = drawn.covariance
    np.testing.assert_allclose(covariance[0, :, 0, :], shots, atol=1e-12)
    # draws are kicks at t = 0, moved by the same flow: Σ (1 - ρ_a)/4 of infidelity
    gap = drawn.infidelity - exact.infidelity
    np.testing.assert_allclose(gap, (3 - 1) / 4, atol=1e-9)


def harmonics():
    def matrix(a, b, c, sign):
        m = np.zeros((1, 3, 3))
        m[0][np.triu_indices(3, 1)] = a, b, c
        return m + sign * np.swapaxes(m, 1, 2)

    return jqd.laws.copying.Harmonics(
        (2,), matrix(0.1, 0.05, 0.2, 1), matrix(0.2, -0.4, 0.9, -1)
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["quantum", "exponents", "harmonics"])
def test_sampled_ensembles_scatter_like_it(key, kind):
    """Ensembles of N = 1e4 by leaps: two times, every pair of classes."""
    options = {
        "quantum": {},
        "exponents": {"q": 0.35, "r": -0.8},
        "harmonics": {"q": 0.45, "r": -0.6, "harmonics": harmonics()},
    }[kind]
    law, psi = problems.golden(**options)
    ts, copies, runs = jnp.array([0.0, 0.4, 0.8]), 10_000, 1500
    noise = linear_noise(law, psi, ts, substeps=200)
    run = copying.sample(
        law, psi, ts, key, copies=copies, trajectories=runs, step=0.1,
        error_trajectories=0,
    )  # fmt: skip
    away = np.sqrt(copies) * np.asarray(run.density - noise.density[None])
    away = away.reshape(runs, 9)[:, 3:]
    expected = np.asarray(noise.covariance).reshape(9, 9)[3:, 3:]
    found = away.T @ away / runs
    spread = np.sqrt(np.diag(expected))
    # a covariance of n runs is uncertain by √(2/n) = 3.7 %; five of these. Of second
    # order in a step of 0.1, it is off by less than 1 %
    gap = np.abs(found - expected) / np.outer(spread, spread)
    assert np.max(gap) < 5 * np.sqrt(2 / runs)
    # negative control: the scatter of another law
    other, _ = problems.golden(q=0.6, r=-0.3)
    wrong = np.asarray(linear_noise(other, psi, ts, substeps=200).covariance)
    wrong = wrong.reshape(9, 9)[3:, 3:]
    assert np.max(np.abs(found - wrong) / np.outer(spread, spread)) > 0.25


@pytest.mark.slow
def test_gradients_and_batches():
    """Reverse mode against differences, over a batch of q and r."""
    law, psi = problems.golden()
    ts = jnp.array([0.0, 0.7, 1.5])

    def number(pair):
        here = constants.unpack(constants.unpack(law, "q", pair[:1]), "r", pair[1:])
        noise = linear_noise(here, psi, ts, substeps=20)
        return noise.infidelity[-1] + noise.covariance[1, 0, 2, 1]

    at, h = jnp.array([0.43, -0.6]), 1e-5
    steps = h * jnp.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
    # one program for values and slopes: to compile takes nearly all of the time
    steps = jnp.concatenate([steps, jnp.zeros((1, 2))])
    values, slopes = jax.jit(jax.vmap(jax.value_and_grad(number)))(at[None] + steps)
    differences = (values[:4:2] - values[1:4:2]) / (2 * h)
    # differences: h² and rounding over h, some 1e-9
    np.testing.assert_allclose(slopes[-1], differences, rtol=1e-6)
    assert np.all(np.abs(differences) > 0.1)


@pytest.mark.slow
def test_single_precision_and_empty_classes():
    law, psi = problems.golden()
    low = linear_noise(law, psi.astype(jnp.complex64), TS, substeps=STEPS)
    assert low.psi.dtype == jnp.complex64
    assert low.infidelity.dtype == jnp.float32
    assert float(low.infidelity[1]) == pytest.approx(0.851821, rel=1e-3)
    # an exact node at the start, where the expansion has no value
    empty = jnp.array([1.0, 0.0, 0.0], dtype=complex)
    noise = linear_noise(law, empty, TS, substeps=STEPS)
    assert int(noise.status) == jqd.Status.NODE
    assert jnp.isnan(noise.infidelity).all()
    assert not noise.valid(1e12).any()
    # a class that nobody can enter is empty for ever, and is no node
    apart = np.zeros((3, 3))
    apart[:2, :2] = law.hamiltonian().real[:2, :2]
    alone = jnp.array([0.8**0.5, 0.2**0.5, 0.0], dtype=complex)
    law = jqd.CopyDynamics.from_hamiltonian(apart)
    noise = linear_noise(law, alone, TS, substeps=STEPS)
    assert int(noise.status) == jqd.Status.OK
    assert jnp.isfinite(noise.state_covariance).all()


@pytest.mark.slow
def test_steps_are_judged():
    """Adaptive steps keep the sum of shares for any time; what coarse ones miss of it
    and of the lost fidelity is within their errors."""
    law, psi = problems.golden()
    ts = jnp.array([0.0, 5.0, 20.0])
    # of `LONG` in test_laws_of_noise.py, by SciPy's DOP853
    expected = np.array([0, 4.22826076, 16.69818875])
    noise = linear_noise(law, psi, ts)
    np.testing.assert_allclose(noise.density.sum(axis=1), 1, atol=1e-9)
    off = np.abs(noise.infidelity - expected)
    assert (off < noise.error("infidelity") + 1e-8).all()
    assert (noise.error("infidelity") < 1e-5 * (1 + expected)).all()
    assert noise.error("covariance").shape == (3, 3, 3, 3)
    assert float(jnp.max(noise.error("covariance"))) < 1e-4
    coarse = linear_noise(law, psi, ts, substeps=jnp.asarray(25))
    for name, true in (("infidelity", noise.infidelity), ("density", noise.density)):
        off = np.abs(getattr(coarse, name) - true)
        assert (off <= coarse.error(name)).all()
        assert float(off.max()) > 1e-4
    with pytest.raises(ValueError, match="`name` must be one of"):
        noise.error("psi")


# Of a real Hamiltonian, so that eigenstates are real and carry no current.
REAL = np.array([[0.3, 0.2, 0.1], [0.2, -0.4, 0.5], [0.1, 0.5, 0.1]])
LEVELS, EIGENSTATES = np.linalg.eigh(REAL)


def linearised(q, r):
    """d(ρ, φ)/dt at the lowest eigenstate, with the mean of both slopes at J = 0.

    sin⁺(x) has the slopes cos(x₀) and 0 there, one for each direction of a copy.
    """
    v = EIGENSTATES[:, 0]
    rho = v**2
    h = REAL * np.sign(v)[:, None] * np.sign(v)[None, :]
    h -= np.diag(np.diag(h))
    forth = rho[:, None] ** q * rho[None, :] ** (1 - q)
    pull = h * (forth + forth.T)  # dρ_a/dt = Σ_b pull_ab (φ_a - φ_b)
    turn = r * h * (rho[:, None] / rho[None, :]) ** r
    none = np.zeros((3, 3))
    of_phases = np.diag(pull.sum(axis=1)) - pull
    of_density = (np.diag(turn.sum(axis=1)) / rho[:, None]) - turn / rho[None, :]
    return np.block([[none, of_phases], [of_density, none]])


def test_a_current_of_rounding_has_no_sign():
    """Flow and kicks of a real eigenstate turn with its phase, and do nothing else."""
    law = jqd.CopyDynamics.from_hamiltonian(REAL, 0.35, -0.5)
    start = (jnp.eye(6), jnp.zeros((6, 6)))
    angles = np.array([0.0, 0.3, 1.1, 2.7, 4.0])
    psis = EIGENSTATES[:, 0] * np.exp(-1j * angles)[:, None]
    flows, kicks = jax.jit(jax.vmap(lambda psi: _spread(law, psi, start)))(psis)
    assert np.max(np.abs(kicks)) == 0
    for angle, psi, A in zip(angles, psis, np.asarray(flows), strict=True):
        y = np.concatenate([psi.real, psi.imag])
        field = LEVELS[0] * np.concatenate([psi.imag, -psi.real])
        # the norm is kept at all y: y·f = 0, whose derivative is f + Aᵀy; to the
        # regulator, 1e-12, over the densities
        np.testing.assert_allclose(A.T @ y, -field, atol=1e-9)
        cos, sin = np.cos(angle) * np.eye(3), np.sin(angle) * np.eye(3)
        turn = np.block([[cos, sin], [-sin, cos]])
        # in place of one slope at some angles and another one at others
        np.testing.assert_allclose(turn.T @ A @ turn, flows[0], atol=1e-13)


def test_harmonics_without_a_current_have_the_mean_of_both_slopes():
    """Equal phases, at which no harmonic has a current; in closed form.

    ψ' = (ρ'/2ρ - iφ') ψ, ρ' = Σ_b (ρ_a^q ρ_b^(1-q) A_ab - ρ_b^q ρ_a^(1-q) A_ba) with
    half of the slope 2R + n R_sin for each direction, φ' = ω + Σ_b (ρ_a/ρ_b)^r C_ab.
    """
    q, r, n = 0.35, -0.7, 2
    rho, omega = np.array([0.5, 0.3, 0.2]), np.array([0.4, -0.1, 0.2])
    rng, off = np.random.default_rng(5), 1 - np.eye(3)
    R, sines, cosines = (off * (x + x.T) for x in rng.uniform(0.1, 0.5, (3, 3, 3)))
    terms = Harmonics((n,), cosines[None], np.zeros((1, 3, 3)), R_sin=sines[None])
    law = jqd.CopyDynamics(omega, R, np.zeros((3, 3)), q, r, harmonics=terms)
    A, kicks = _spread(
        law, jnp.asarray(np.sqrt(rho) + 0j), (jnp.eye(6), jnp.zeros((6, 6)))
    )
    assert np.max(np.abs(kicks)) == 0
    forth = rho[:, None] ** q * rho[None, :] ** (1 - q)
    pull = (2 * R + n * sines) * (forth + forth.T) / 2
    turn = (R + cosines) * (rho[:, None] / rho[None, :]) ** r
    rates = omega + turn.sum(axis=1)
    of_phases = np.diag(pull.sum(axis=1)) - pull
    of_density = r * (np.diag(turn.sum(axis=1) / rho) - turn / rho[None, :])
    root = np.sqrt(rho)
    expected = np.block(
        [
            [np.zeros((3, 3)), np.diag(rates) - of_phases / (2 * np.outer(root, root))],
            [-2 * np.outer(root, root) * of_density - np.diag(rates), np.zeros((3, 3))],
        ]
    )
    # the regulator, 1e-12, over the densities
    np.testing.assert_allclose(A, expected, rtol=0, atol=1e-9)


@pytest.mark.slow
def test_a_real_eigenstate_scatters_only_if_it_is_drawn():
    """Nothing is copied; draws have currents of both signs, which no linear law has."""
    law = jqd.CopyDynamics.from_hamiltonian(REAL, 0.35, -0.5)
    ts, psi = np.array([0.0, 1.0, 2.5, 20.0]), EIGENSTATES[:, 0] + 0j
    exact = linear_noise(law, psi, ts)
    assert int(exact.status) == jqd.Status.OK
    # tolerances of 1e-9 a step, which leave the eigenstate by as much
    np.testing.assert_allclose(exact.covariance, 0, atol=1e-7)
    drawn = linear_noise(law, psi, ts, initial="drawn")
    assert int(drawn.status) == jqd.Status.OK
    # no number of copies makes currents large beside their scatter
    assert not drawn.valid(1e9)[1:].any()
    # where both slopes are one, draws move as matrices exponential
    law, ts = jqd.CopyDynamics.from_hamiltonian(REAL), ts[:3]
    drawn = linear_noise(law, psi, ts, initial="drawn")
    rho = np.abs(psi) ** 2
    shots = np.diag(rho) - np.outer(rho, rho)
    for k in (1, 2):
        move = scipy.linalg.expm(linearised(0.5, -0.5) * ts[k])[:3, :3]
        # tolerances of 1e-9 a step
        np.testing.assert_allclose(
            drawn.covariance[k, :, k], move @ shots @ move.T, atol=1e-7
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"law": jqd.Schrodinger(np.eye(3))}, "`law` must be of type CopyDynamics"),
        ({"psi0": np.ones(3)}, "`psi0` must be normalised"),
        ({"ts": [0.0, 1.0, 1.0]}, "`ts` must increase"),
        ({"initial": "random"}, "`initial` must be one of"),
        ({"substeps": 0}, "`substeps` must be a positive integer"),
    ],
)
def test_wrong_input(change, words):
    law, psi = problems.golden()
    arguments = {"law": law, "psi0": psi, "ts": TS} | change
    with pytest.raises(ValueError, match=words):
        linear_noise(**arguments)

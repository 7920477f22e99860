"""What finite N costs: fidelity, energy, classes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from energy_decay import rabi_energy_loss
from extinction import extinction_probability
from scipy.optimize import brentq

import jqd
from jqd import Status, constants, problems
from jqd.ensembles import copying
from jqd.ensembles.copying.follow import _Joint, one_way_flow
from jqd.ensembles.copying.laws_of_noise import (
    _energy_rate,
    energy_drift,
    infidelity,
)
from jqd.laws.copying import node_ahead

from ...papers.copying.passages import approach

STEPS = jnp.asarray(1000)
extinct = jax.jit(extinction_probability)
PERIODS = jnp.pi * jnp.arange(4)  # of two classes with R = 1


@pytest.mark.equation("copying", "question-ensemble-size")
def test_lost_fidelity():
    """T9: the golden system."""
    law, psi = problems.golden()
    ts = jnp.array([0.0, 1.0, 2.0, 5.0])
    lost = infidelity(law, psi, ts, substeps=STEPS)
    # 1e-5 as the table asks; kinks of |J| leave some 1e-6
    expected = [0, 0.851821, 1.719116, 4.228261]
    np.testing.assert_allclose(lost.value, expected, atol=1e-5)
    assert lost.valid(1000).all()
    assert not lost.valid(20).all()


# ∫ of both laws over the golden motion up to T, by SciPy's DOP853 (rtol 1e-12) from one
# change of sign of a current to the next, of the closed form of ψ.
LONG = {5: (4.22826076, -7.9423547), 20: (16.69818875, -31.47662153)}
LONG[50] = (41.63789374, -78.29836655)


def by_quadrature(T):
    """The same by Gauss and Legendre's rule, from kink to kink."""
    law, psi = problems.golden()
    H = np.asarray(law.hamiltonian())
    energies, basis = np.linalg.eigh(H)
    parts, off = basis.conj().T @ np.asarray(psi), H * (1 - np.eye(3))

    def links(t):
        ket = np.exp(-1j * np.multiply.outer(t, energies)) * parts @ basis.T
        return np.abs(ket) ** 2, 2 * ket.conj()[..., :, None] * off * ket[..., None, :]

    def rates(t):
        rho, h = links(t)
        J, h = np.abs(h.imag), h.real
        own = -h.sum(-1) / rho**2 / 4
        mixed = h / (4 * rho[..., :, None] * rho[..., None, :])
        bend = own[..., :, None] + own[..., None, :] - 2 * mixed
        lost = (J / rho[..., :, None]).sum((-1, -2)) / 4
        return np.stack([lost, (J * bend).sum((-1, -2)) / 4])

    fine = np.linspace(0, T, 1000 * T + 1)
    J = links(fine)[1].imag[:, *np.triu_indices(3, 1)].T
    turns = [
        brentq(lambda t, p=pair: links(t)[1].imag[p], fine[i], fine[i + 1], xtol=1e-14)
        for pair, j in zip(zip(*np.triu_indices(3, 1), strict=True), J, strict=True)
        for i in np.flatnonzero(j[:-1] * j[1:] < 0)
    ]
    ends = np.sort(np.concatenate([turns, np.linspace(0, T, 4 * T + 1)]))
    x, w = np.polynomial.legendre.leggauss(12)
    spans = np.diff(ends)
    t = ends[:-1, None] + spans[:, None] * (x + 1) / 2
    return (rates(t) @ w) @ spans / 2


def test_long_horizons_by_coarse_steps():
    """Steps that are too long are told: error, status, and nothing is called valid."""
    law, psi = problems.golden()
    coarse = jnp.asarray(50)
    for T, expected in LONG.items():
        np.testing.assert_allclose(by_quadrature(T), expected, rtol=1e-8)
        ts = jnp.array([0.0, 1.0, 2.0, float(T)])
        lost = infidelity(law, psi, ts, substeps=coarse)
        off = abs(float(lost.value[-1]) - expected[0])
        assert 1e-5 < off < float(lost.error[-1])
        well_known = float(lost.error[-1]) < 0.01 * expected[0]
        assert bool(lost.valid(1e8)[-1]) == well_known == (T < 50)
        assert lost.valid(1e8)[:-1].all()
    # one step for twenty times the time of H: the error is as large as the value
    lost = infidelity(law, psi, ts * 20, substeps=jnp.asarray(1))
    assert int(lost.status) == Status.INACCURATE
    assert not lost.valid(1e8)[1:].any()


@pytest.mark.slow
def test_long_horizons():
    """Steps follow from the motion, whatever the time; in any unit of it."""
    law, psi = problems.golden()
    # the shortest time is enough for another unit, in which steps are as many
    for unit, T in ((1.0, 5), (1.0, 50), (1e-9, 5)):
        slow = constants.unpack(law, "R", unit * constants.pack(law, "R"))
        slow = eqx.tree_at(lambda law: law.omega, slow, unit * law.omega)
        expected = LONG[T]
        drift = energy_drift(slow, psi, np.array([0.0, T]) / unit)
        found = (drift.loss[-1], drift.value[-1] / unit)
        errors = np.array([drift.loss_error[-1], drift.error[-1] / unit])
        off = np.abs(np.subtract(found, expected))
        # a tolerance of 1e-9 a step, some thousand steps with kinks between them
        assert (off < 1e-6 * np.abs(expected)).all()
        assert (errors < 1e-5 * np.abs(expected)).all()
        # of one other run, ten times as loose: kinks may leave that only 1.4 times
        # worse, and the difference a third of the error
        assert (off < 3 * errors + 1e-8).all()
        assert int(drift.status) == Status.OK
        assert drift.valid(1e8).all()


def test_a_node_ends_the_laws():
    """Two classes are empty at the start: ∫ |J|/ρ diverges as ∫ dt/t."""
    law, _ = problems.golden()
    ts = jnp.array([0.0, 1.0, 2.0, 5.0])
    empty = infidelity(law, jnp.array([1.0, 0, 0]) + 0j, ts, substeps=STEPS)
    assert int(empty.status) == Status.NODE
    assert float(empty.failure_time) == 0
    assert np.isnan(empty.value).all()
    assert not empty.valid(1e12).any()


@pytest.mark.sampled
@pytest.mark.parametrize("p", [0.2, 0.35])
def test_periods_of_two_classes(p):
    """The laws along the motion give the closed forms of one period, each time."""
    law, psi = problems.two_classes(p, 0.0)
    energy = 2 * np.sqrt(p * (1 - p))
    drift = energy_drift(law, psi, PERIODS, substeps=STEPS)
    # currents vanish at save times: no kink within, RK4 alone; `loss` is what
    # `infidelity` integrates
    # ½ ∫ dp/p(1-p) a period
    lost = np.arange(4) * np.log(1 / p - 1)
    np.testing.assert_allclose(drift.loss, lost, 1e-8)
    per_period = -energy * rabi_energy_loss(p, 1 - p)
    np.testing.assert_allclose(drift.value, np.arange(4) * per_period, rtol=1e-8)


def test_closed_form_is_its_integral():
    p = np.linspace(0.1, 0.7, 20001)
    weight = p * (1 - p)
    # the trapezoidal rule: 1e-7
    energy = np.trapezoid(0.25 / weight**2, p)
    assert float(rabi_energy_loss(0.1, 0.7)) == pytest.approx(energy, rel=1e-6)


@pytest.mark.slow
@pytest.mark.equation("copying", "question-size-energy-rate")
def test_energy_of_three_classes_against_a_hessian():
    """The rate of the drift is ½ Σ |J| (∂_a - ∂_b)² ⟨H⟩, by automatic derivatives."""
    law, psi = problems.golden()
    short = 1e-4
    ts = short * jnp.array([0.0, 1.0, 2.0, 3.0])
    drift = energy_drift(law, psi, ts, substeps=STEPS)
    H, rho, phase = law.hamiltonian(), jnp.abs(psi) ** 2, jnp.angle(psi)

    def energy(rho):
        state = jnp.sqrt(rho) * jnp.exp(1j * phase)
        return jnp.real(jnp.vdot(state, H @ state))

    curvature = jax.hessian(energy)(rho)
    J = jnp.abs(2 * jnp.imag(jnp.conj(psi)[:, None] * H * psi[None, :]))
    own = jnp.diag(curvature)
    along = own[:, None] + own[None, :] - 2 * curvature
    rate = float(jnp.sum(jnp.triu(J, 1) * along)) / 2
    # the rate changes over the short time by about as much as that
    assert float(drift.value[1]) / short == pytest.approx(rate, rel=1e-3)


@pytest.mark.slow
def test_gradients():
    """Infidelity by reverse mode with respect to the couplings, against differences."""
    law, psi = problems.golden()
    ts = jnp.array([0.0, 0.5])

    def number(R):
        return infidelity(constants.unpack(law, "R", R), psi, ts, substeps=20).value[-1]

    R, h = constants.pack(law, "R"), 1e-5
    # one program for values and slopes: to compile takes nearly all of the time
    steps = h * jnp.concatenate([jnp.eye(3), -jnp.eye(3), jnp.zeros((1, 3))])
    values, slopes = jax.jit(jax.vmap(jax.value_and_grad(number)))(R[None] + steps)
    differences = (values[:3] - values[3:6]) / (2 * h)
    np.testing.assert_allclose(slopes[-1], differences, rtol=1e-6)


def test_extinction():
    """Many systems, few from a turning point, and how the two meet."""
    k, g = np.arange(1.0, 5.0), np.arange(1.0, 6.0)[:, None]
    np.testing.assert_allclose(extinct(k), np.exp(-k), rtol=1e-12)
    turning = extinct(k[None], g, occupation=k[None], losing=False)
    np.testing.assert_allclose(turning, (g / (g + 1)) ** k[None], rtol=1e-12)
    # the same from the other side, one turning point on: exactly zero at the first
    again = extinct(k[None], g + 1, occupation=k[None])
    np.testing.assert_allclose(again, turning, rtol=1e-12)
    assert float(extinct(3.0, 1, occupation=3.0)) == 0
    # n systems at a phase x with k = n cos² x; n → ∞ is e^(-k/g)
    near = extinct(2.0, 3.0, occupation=1e7)
    assert float(near) == pytest.approx(np.exp(-2 / 3), rel=1e-6)
    slopes = jax.vmap(jax.grad(lambda k, n: extinct(k, occupation=n)))(
        jnp.array([2.0, 2.0, 2.0]), jnp.array([2.0, 5.0, jnp.inf])
    )
    # d/dk of 0, (1 - k/n)^n, e^-k
    np.testing.assert_allclose(slopes[1:], [-(0.6**4), -np.exp(-2)], rtol=1e-12)
    assert float(slopes[0]) == 0


@pytest.mark.equation("copying", "question-nodes-branching")
def test_branching_is_what_the_law_solves():
    """Deaths at 2 tan|x|, then births: a passage is Poisson in, geometric out."""
    rng = np.random.default_rng(11)
    runs, k, passages = 200_000, 2, 3
    alive = np.full(runs, k)
    for _ in range(passages):
        # Yule growth from the turning point to the equator, then thinning to the next
        grown = rng.gamma(np.maximum(alive, 1)) * (alive > 0)
        alive = rng.poisson(grown)
    found = np.mean(alive == 0)
    expected = extinction_probability(k, passages, occupation=k, losing=False)
    # binomial standard error 1.1e-3; four of these
    assert found == pytest.approx(float(expected), abs=5e-3)


def test_how_a_class_stands():
    """ρ cos² x is kept through the passage of a small class."""
    for x in (-1.0, -0.3, 0.0, 0.6):
        law, psi = problems.two_classes(1e-5, x)
        ahead = jax.jit(approach)(law, psi)
        assert float(ahead.least_density[0]) == pytest.approx(1e-5 * np.cos(x) ** 2)
        assert bool(ahead.losing[0]) == (x < 0)


@pytest.mark.slow
@pytest.mark.parametrize("k", [1.0, 2.0])
def test_extinct_ensembles(key, k):
    """T11: from p = 1/2 with N p_min = k, N = 2000; half a period is one passage."""
    copies, runs = 2000, 1024
    p = k / copies
    law, psi = problems.two_classes(0.5, -np.arccos(2 * np.sqrt(p * (1 - p))))
    ts = jnp.array([0.0, 1.0])
    run = copying.sample(
        law, psi, ts, key, copies=copies, trajectories=runs, method="exact"
    )
    found = float(np.mean(np.isfinite(run.extinction_time)))
    expected = float(extinction_probability(k))
    # four binomial errors of single copies; leaps have the table's 0.03, see
    # `test_extinction_from_many`
    error = np.sqrt(expected * (1 - expected) / runs)
    assert found == pytest.approx(expected, abs=4 * error)
    assert abs(found - np.exp(-2 * k)) > 0.05


def test_only_at_the_quantum_point():
    ts = jnp.array([0.0, 1.0])
    for options in ({"q": 0.4}, {"r": -0.7}):
        law, psi = problems.golden(**options)
        with pytest.raises(ValueError, match="quantum point"):
            infidelity(law, psi, ts)


def test_currents_of_rounding_are_none():
    """Of an eigenstate with a class of 4e-12, by whose square the energy's rate is
    divided: rounding of the current would be as large as the rates of other states."""
    H = np.diag([0.0, 1.0, 50.0]) + 1e-4 * (np.ones((3, 3)) - np.eye(3))
    law = jqd.CopyDynamics.from_hamiltonian(H)
    psi = np.linalg.eigh(H)[1][:, 0]
    assert 1e-13 < psi[2] ** 2 < 1e-11
    psis = psi * np.exp(-1j * np.linspace(0, 6, 20))[:, None]

    def rates(ket):
        return one_way_flow(law, ket), _energy_rate(law, ket, 0.0)

    flows, energies = jax.jit(jax.vmap(rates))(psis)
    assert np.max(np.abs(flows)) == 0
    assert np.max(np.abs(energies)) == 0
    # a current that is one: 2 |Im ψ_a* H_ab ψ_b|, of phases 1e-6 apart
    turned = psi * np.exp([0, 1e-6j, 0])
    flow = np.asarray(one_way_flow(law, jnp.asarray(turned)))
    expected = 2e-4 * abs(psi[0] * psi[1]) * np.sin(1e-6)
    assert flow[0, 1] + flow[1, 0] == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("angle", [0.3, 1.4, 2.6, 3.9, 5.5])
def test_a_class_that_others_leave_empty_by_rounding_is_no_node(angle):
    """The middle of three, filled from both sides with opposite amplitudes."""
    H = np.array([[0, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0]])
    law = jqd.CopyDynamics.from_hamiltonian(H, 0.5, -0.2)
    side = np.sqrt(0.5)
    psi = jnp.array([side, 1e-17 * np.exp(1j * angle), -side * (1 + 4e-16)])
    links = jnp.asarray(H, complex)
    assert not node_ahead(law, psi, links).any()
    # negative control: a field that is one, at the angle at which the class loses
    lost = jnp.array([side, 1e-7 * np.exp(1.4j), side])
    assert bool(node_ahead(law, lost, links)[1])
    joint = _Joint(law, jnp.asarray(1.0), lambda law, psi, sums: sums)
    sums = jnp.zeros(()), (jnp.zeros(()), jnp.zeros(()))
    code = joint.watch().alarm(0.0, (psi, *sums), (psi, *sums))
    assert int(code) == jqd.Status.OK
    filled = jnp.array([side, 0, side], complex)
    code = joint.watch().alarm(0.0, (filled, *sums), (filled, *sums))
    assert int(code) == jqd.Status.NODE

"""What finitely many copies do: energy, turning points, nodes, a pair of qubits.

All runs draw every copy of four classes at four times in 400 ensembles, so that they
share one program. Smaller problems leave the other classes as bystanders that nobody
is coupled to.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from energy_decay import rabi_energy_loss
from scipy.stats import ks_2samp

import jqd
from jqd import problems
from jqd.ensembles import copying
from jqd.states import composite

from .conftest import equation

S, M = 400, 4
# A pair's densities have the period π, and a turning point every half of it.
QUARTER = np.pi / 4
FLIP = np.array([[0.0, 1.0], [1.0, 0.0]])


def sample(H, psi, ts, copies, *, batches=1):
    """ψ of each ensemble at each time."""
    law = jqd.CopyDynamics.from_hamiltonian(jnp.asarray(H, complex))
    runs = [
        copying.sample(
            law, jnp.asarray(psi, complex), jnp.asarray(ts), jax.random.key(5),
            copies=float(copies), trajectories=S, first=S * k, method="exact",
            error_trajectories=0,
        )
        for k in range(batches)
    ]  # fmt: skip
    return np.concatenate([run.psi for run in runs])


def pair_energy(copies, small, ts, **options):
    """⟨H⟩ of a pair, R = 1, of which `small` begin in one class, at x = 0."""
    H = np.zeros((M, M))
    H[:2, :2] = FLIP
    n = np.array([small, copies - small, 1, 1])
    psi = sample(H, np.sqrt(n / (copies + 2)), ts, copies + 2, **options)
    link = psi[..., 0].conj() * psi[..., 1]
    return 2 * np.real(link) * (copies + 2) / copies


def mean_and_error(samples):
    return samples.mean(axis=0), samples.std(axis=0, ddof=1) / len(samples) ** 0.5


# -- energy --------------------------------------------------------------------------


@pytest.mark.slow
@equation("question-size-energy")
def test_energy_falls_faster_than_its_tangent():
    """Between 0.2 and 0.8, ⟨H⟩ = 0.8 R at the start."""
    kappa = np.log(4) + 15 / 8
    assert float(rabi_energy_loss(0.2, 0.8)) == pytest.approx(kappa)

    def share(copies, periods):
        energy = pair_energy(copies, copies // 5, np.pi * np.array(periods))
        tangent = np.exp(-kappa * np.array(periods) / copies)
        return *mean_and_error(energy / 0.8), tangent

    mean, error, tangent = share(100, [0.0, 0.5, 1.0, 2.0])
    assert np.all(np.abs(mean - tangent) < 3.5 * error + 1e-12)
    assert mean[3] < 1 - 5 * error[3]
    # The exponential is no more than that: after N/4 periods the mean is half of it.
    mean, error, tangent = share(25, [0.0, 1.0, 3.0, 6.0])
    assert mean[3] < tangent[3] - 5 * error[3]
    assert mean[3] / tangent[3] == pytest.approx(0.5, abs=0.2)


@pytest.mark.slow
@equation("question-size-energy-rate")
def test_energy_drifts_by_the_law():
    """Three classes: 200 of the golden system and a bystander."""
    law, psi = problems.golden()
    H = np.zeros((M, M), complex)
    H[:3, :3] = law.hamiltonian()
    start = np.append(psi * np.sqrt(200 / 201), np.sqrt(1 / 201))
    ts = np.array([0.0, 0.2, 0.4, 0.5])
    psi_t = sample(H, start, ts, 201, batches=5)
    energy = np.real(np.einsum("sta,ab,stb->st", psi_t.conj(), H, psi_t)) * 201 / 200
    mean, error = mean_and_error(200 * (energy - energy[:, :1])[:, 1:])
    expected = copying.energy_drift(law, psi, jnp.asarray(ts)).value[1:]
    assert np.all(np.abs(mean - expected) < 3.5 * error)
    # Neither kept nor of the other sign.
    assert mean[-1] < -5 * error[-1]


# -- nodes ---------------------------------------------------------------------------


@equation("question-nodes-branching")
def test_numbers_at_turning_points_branch():
    """N p_min of the orbit after one turning point and after two, from k = 2.

    Between turning points it is the mean of the number at the next one: each of n
    grows to an exponential amount, of which the next turning point holds a Poisson
    number.
    """
    k, copies = 2, 300
    ts = QUARTER * np.array([0.0, 1.0, 2.9, 3.0])
    energy = pair_energy(copies, k, ts, batches=2)
    # p(1 - p) = (⟨H⟩/2R)² at the turning point
    least = copies * (1 - np.sqrt(1 - energy**2)) / 2
    rng = np.random.default_rng(2)
    grown = rng.gamma(k, size=100_000)
    number = rng.poisson(grown)
    again = rng.gamma(np.maximum(number, 1)) * (number > 0)
    # Corrections are of order k/N = 0.01; 800 samples see a distance of 0.07.
    assert ks_2samp(least[:, 1], grown).pvalue > 1e-2
    assert ks_2samp(least[:, 3], again).pvalue > 1e-2
    # Not if there were one passage fewer, or losses without gains before them.
    number = rng.poisson(k, size=100_000)
    ungrown = rng.gamma(np.maximum(number, 1)) * (number > 0)
    for wrong in (grown, ungrown):
        assert ks_2samp(least[:, 3], wrong).pvalue < 1e-4
    # Critical: neither grows in the mean.
    mean, error = mean_and_error(least)
    assert np.all(np.abs(mean - k) < 4 * error + 0.02 * k)


# -- qubits --------------------------------------------------------------------------

PHASE, TIME, LOST = 0.9, 1.0, 0.01


def qubits(K):
    """K qubits that turn about x, each with equal densities and a phase of 0.9."""
    one = np.array([1, np.exp(-1j * PHASE)]) / np.sqrt(2)
    return composite.hamiltonian(*[FLIP] * K), composite.product(*[one] * K)


def copies_per_state(K):
    """N/2^K for E[1 - F] = 1 %, from N E[1 - F] = ¼ 2^(K-1) Σ_k TV(ln p_k/(1-p_k))."""
    t = np.linspace(0, TIME, 20_001)
    p = (1 + np.sin(PHASE) * np.sin(2 * t)) / 2
    variation = np.sum(np.abs(np.diff(np.log(p / (1 - p)))))
    return 2 ** (K - 1) * K * variation / 4 / 2**K / LOST


@pytest.mark.slow
@pytest.mark.sampled
@equation("claim-quantum-computers")
@pytest.mark.parametrize(
    ("K", "expected"), [(2, 60.8028), (4, 121.6055), (6, 182.4083)]
)
def test_copies_that_qubits_need(K, expected):
    H, psi = qubits(K)
    law = jqd.CopyDynamics.from_hamiltonian(H)
    # all qubits turn back at π/4, where the current has a kink
    ts = jnp.array([0.0, 1e-3, np.pi / 4, TIME])
    lost = copying.infidelity(law, psi, ts, substeps=jnp.asarray(300)).value
    needed = np.asarray(lost) / 2**K / LOST
    # four decimals of the figure; 20000 points of p and 300 steps are finer
    assert copies_per_state(K) == pytest.approx(expected, abs=1e-4)
    assert needed[-1] == pytest.approx(expected, abs=1e-4)
    # The initial rate, 4 sin 0.9 for each qubit, kept for all of t would be 29 % more.
    start = K * 4 * np.sin(PHASE) / 8 / LOST
    assert needed[1] / 1e-3 == pytest.approx(start, rel=1e-3)
    assert start == pytest.approx(1.288 * expected, rel=1e-3)
    if K == 2:
        two_qubits_lose_more_than_the_law_of_first_order()


def two_qubits_lose_more_than_the_law_of_first_order():
    """With 243 copies; the smallest class comes down to 3."""
    H, psi = qubits(2)
    copies = round(4 * copies_per_state(2))
    ts = np.array([0.0, 0.25, 0.5, TIME])
    psi_t = sample(H, psi, ts, copies, batches=3)
    energies, states = np.linalg.eigh(H)
    turns = np.exp(-1j * np.outer(ts, energies)) * (states.conj().T @ np.asarray(psi))
    exact = turns @ states.T
    overlap = np.sum(exact.conj()[None] * psi_t, axis=-1)
    mean, error = mean_and_error(1 - np.abs(overlap) ** 2)
    # The figure of 20000 ensembles, and well above what the law says.
    assert mean[-1] == pytest.approx(0.01243, abs=4 * error[-1])
    assert mean[-1] > LOST + 3 * error[-1]

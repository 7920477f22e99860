"""Averages over sampled ensembles against exact laws: noise, extinction, remedies.

All runs have three classes, four times and 512 trajectories, so that they share one
program for each method. Two-class problems leave the third class as a bystander that
nobody is coupled to.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import problems
from jqd.ensembles import copying
from jqd.ensembles.copying.copies import variance_of

S = 512
TIMES = np.array([0.0, 1.0, 2.0, 5.0])
GOLDEN, PSI = problems.golden()
LINK = np.zeros((3, 3))
LINK[0, 1] = LINK[1, 0] = 1
PAIR = jqd.CopyDynamics(np.zeros(3), LINK, np.zeros((3, 3)))
# A pair's densities have the period π, and a turning point every half of it.
QUARTER = np.pi / 4


def sample(law, psi, ts, *, seed=1, batches=1, **options):
    """`batches` runs of 512 trajectories, as one dictionary of NumPy arrays."""
    options = {"error_trajectories": 0} | options
    runs = [
        copying.sample(
            law, psi, ts, jax.random.key(seed), trajectories=S, first=S * k, **options
        )
        for k in range(batches)
    ]
    names = ("density", "psi", "status", "extinction_time")
    return {n: np.concatenate([getattr(run, n) for run in runs]) for n in names}


def pair(copies, small, x):
    """ψ of a pair of `copies` systems, `small` of them in its first class; and N.

    As many are bystanders.
    """
    n = np.array([small, copies - small, copies])
    psi = np.sqrt(n / (2 * copies)) * np.exp([-1j * x, 0, 0])
    return {"psi": psi, "copies": 2.0 * copies}


def exact(law, psi, ts):
    law = jqd.Schrodinger(law.hamiltonian())
    # to rounding: 1 - F is 1e-6 where N is 1e6
    return np.asarray(jqd.evolve(law, psi, ts, method=jqd.Propagator()).values)


def infidelities(run, psi):
    overlap = np.sum(psi.conj()[None] * run["psi"], axis=-1)
    return 1 - np.abs(overlap) ** 2


def mean_and_error(samples):
    return samples.mean(axis=0), samples.std(axis=0, ddof=1) / len(samples) ** 0.5


def extinct(run, until):
    return np.mean(run["extinction_time"] <= until)


# -- scatter around quantum mechanics ------------------------------------------------

# N E[1 - F] of linear noise
LOST = np.array([0.851821, 1.719116, 4.228261])


@pytest.mark.slow
@pytest.mark.equation("copying", "question-ensemble-size")
@pytest.mark.equation("copying", "question-size-fidelity")
def test_lost_fidelity():
    ts = TIMES
    run = sample(GOLDEN, PSI, ts, copies=1e3, step=0.1, batches=2)
    value, error = mean_and_error(1e3 * infidelities(run, exact(GOLDEN, PSI, ts)))
    assert (value[1:] - 3 * error[1:] < LOST).all()
    assert (value[1:] + 3 * error[1:] > 0.985 * LOST).all()
    # 1024 runs: standard errors of 2.1 %, of which 3, and a bias of the step of 1.5 %
    np.testing.assert_allclose(value[1:], LOST, rtol=0.08)
    # Another exponent leaves quantum mechanics by far more than its noise.
    law, _ = problems.golden(q=0.2)
    run = sample(law, PSI, ts, copies=1e3)
    other = 1e3 * infidelities(run, exact(GOLDEN, PSI, ts)).mean(axis=0)
    assert other[-1] > 3 * LOST[-1]


def slope_of_scatter(law, numbers, t):
    ts = t * np.array([0.0, 0.5, 0.75, 1.0])
    density = np.abs(exact(GOLDEN, PSI, ts)) ** 2
    squares = []
    for k, number in enumerate(numbers):
        run = sample(law, PSI, ts, copies=number, seed=k)
        squares.append(np.sum((run["density"] - density[None])[:, -1] ** 2, axis=-1))
    mean, error = mean_and_error(np.array(squares).T)
    weight = 2 * mean / error
    return np.polyfit(np.log(numbers), np.log(mean) / 2, 1, w=weight, cov="unscaled")


@pytest.mark.slow
@pytest.mark.equation("copying", "question-size-scatter")
def test_scatter_falls_as_one_over_root_N():
    """rms(ρ - |ψ|²) over N = 1e2..1e6."""
    numbers = np.array([1e2, 1e3, 1e4, 1e5, 1e6])
    (slope, _), covariance = slope_of_scatter(GOLDEN, numbers, 1.0)
    # 0.03 is five standard errors
    assert covariance[0, 0] ** 0.5 < 0.006
    assert slope == pytest.approx(-0.5, abs=0.03)
    # Away from the quantum point more copies do not help.
    law, _ = problems.golden(q=0.45)
    (slope, _), _ = slope_of_scatter(law, numbers[2:], 1.0)
    assert slope > -0.3


def gap_in_errors(one, other):
    """Largest difference of means and covariances, in standard errors."""
    gaps = []
    for t in (1, 2, 3):
        moments = []
        for run in (one, other):
            at = run["density"][:, t, :2]
            apart = at - at.mean(axis=0)[None]
            seconds = np.stack([apart[:, 0] ** 2, apart[:, 1] ** 2, apart.prod(1)], 1)
            moments.append(mean_and_error(np.concatenate([at, seconds], axis=1)))
        (a, da), (b, db) = moments
        gaps.append(np.abs(a - b) / np.hypot(da, db))
    return np.max(gaps)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("copies", "until"), [(100, 1.0), pytest.param(1000, 2.0, marks=pytest.mark.slow)]
)
def test_leap_and_single_copies_agree(copies, until):
    """Means and covariances at three times: 15 numbers."""
    # single copies cost as much as there are: N times the time
    ts, batches = until * TIMES / 5, 1 if copies < 1000 else 2
    options = {"copies": float(copies), "batches": batches}
    single = sample(GOLDEN, PSI, ts, method="exact", **options)
    leaped = sample(GOLDEN, PSI, ts, seed=2, step=0.1, **options)
    assert gap_in_errors(leaped, single) < 3.5
    # Twice as many systems scatter half as much: this comparison sees it.
    other = sample(GOLDEN, PSI, ts, **options | {"copies": 2.0 * copies})
    assert gap_in_errors(other, single) > 6


@pytest.fixture(scope="module")
def singly():
    """300 systems copy by copy, and of what this is a run."""
    of = GOLDEN, PSI, TIMES / 2
    return of, copying.sample(
        *of, jax.random.key(1), copies=300.0, trajectories=4 * S, method="exact"
    )


@pytest.mark.slow
@pytest.mark.parametrize(("step", "count"), [(0.1, S), (1.0, 4 * S)])
def test_bias_of_the_leap_is_reported(singly, step, count):
    """|leap - exact| stays below the reported bound; at ten times the step it shows."""
    of, single = singly
    leaped = copying.sample(
        *of, jax.random.key(2), copies=300.0, trajectories=count, step=step,
        exact_below=0, error_trajectories=count,
    )  # fmt: skip
    a, b = leaped.mean(), single.mean()
    chance = 3 * np.hypot(a.stderr, b.stderr)
    assert (np.abs(a.value - b.value) <= leaped.bias.bound() + chance).all()
    variances = [np.var(run.density, axis=0, ddof=1) for run in (leaped, single)]
    # of a normal variance, by leaps and by single copies
    chance = 3 * variances[1] * np.sqrt(2 / count + 2 / (4 * S))
    gap = np.abs(variances[0] - variances[1])
    assert (gap <= leaped.bias.bound("variance") + chance).all()
    assert (gap > chance).any() == (step == 1.0)


@pytest.mark.slow
def test_leavers_are_binomial():
    """q = 0 and x = π/2: each of a class leaves it at the rate 2R, on its own.

    n(t) ~ Binomial(N, exp(-2Rt)). Looked at after one step of k h = 0.4, whose second
    half must feel the noise of its first twice: at its own strength alone the variance
    is too large by k h/2.
    """
    law = jqd.CopyDynamics(PAIR.omega, PAIR.R, PAIR.delta, q=0.0)
    ts, each, number = np.array([0.0, 0.2, 0.3, 0.4]), 10**6, 8 * S
    psi = np.sqrt([1 / 3, 1 / 3, 1 / 3]) * np.array([1j, 1, 1])
    run = sample(law, psi, ts, copies=3.0 * each, step=0.2, batches=8)
    n = 3 * each * run["density"][:, 1, :2].min(axis=-1)
    stay = np.exp(-2 * ts[1])
    exact = each * stay * (1 - stay)
    # four standard errors of the mean
    assert n.mean() == pytest.approx(each * stay, abs=4 * (exact / number) ** 0.5)
    # four standard errors, 9 %, and the second order, some (k h)²/6
    assert n.var() == pytest.approx(exact, rel=4 * (2 / number) ** 0.5 + 0.03)


# -- extinction ----------------------------------------------------------------------


def assert_share(share, expected, number):
    # 3.5 standard errors at a fixed seed
    chance = 3.5 * np.sqrt(expected * (1 - expected) / number)
    assert share == pytest.approx(expected, abs=chance)


@pytest.mark.equation("copying", "claim-unique-states")
@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("batches", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_extinction_from_many(k, batches):
    """From p = 1/2 past a turning point with N p_min = k: exp(-k)."""
    expected = {1: 0.3679, 2: 0.1353}[k]
    p = k / 2000
    start = pair(2000, 1000, -np.arccos(2 * np.sqrt(p * (1 - p))))
    ts = QUARTER * np.array([0.0, 0.5, 1.0, 2.0])
    run = sample(PAIR, ts=ts, **start, batches=batches)
    assert_share(extinct(run, ts[-1]), expected, S * batches)
    # ± 0.03 is 1.4 standard errors of 512 runs, 2.8 of 2048
    if batches > 1:
        assert extinct(run, ts[-1]) == pytest.approx(expected, abs=0.03)


@pytest.mark.equation("copying", "question-nodes-extinction")
@pytest.mark.parametrize(
    ("method", "copies", "k"),
    [
        ("exact", 200, 1),
        ("exact", 200, 2),
        ("leap", 2000, 1),
        pytest.param("leap", 2000, 2, marks=pytest.mark.slow),
    ],
)
def test_extinction_from_a_turning_point(method, copies, k):
    """After one half-period: 2^-k; after two: (2/3)^k."""
    # midway between turning points, when all passages are over
    ts = QUARTER * np.array([0.0, 1.0, 3.0, 5.0])
    run = sample(PAIR, ts=ts, **pair(copies, k, 0.0), method=method)
    assert extinct(run, ts[1]) == 0
    assert_share(extinct(run, ts[2]), 0.5**k, S)
    assert_share(extinct(run, ts[3]), (2 / 3) ** k, S)
    # An extinct class stays so, and the status says it.
    gone = run["density"][:, -1, :2].min(axis=1) == 0
    np.testing.assert_array_equal(run["status"] == jqd.Status.EXTINCT, gone)


# -- remedies ------------------------------------------------------------------------

NODE = np.sqrt([0.5, 1e-24, 0.5])  # ψ = (1, 0); the empty class has a phase
PASSAGE = QUARTER * np.array([0.0, 1.0, 3.0, 3.5])


def error_past_a_node(psi, spectators):
    """rms error of the pair's densities after a node was passed; N = 1000."""
    run = sample(
        PAIR, psi, PASSAGE, copies=2000.0, exact_below=10,
        spectators=np.array([spectators, spectators, 0.0]),
    )  # fmt: skip
    gap = 2 * run["density"][:, 1:, 0] - np.cos(PASSAGE[1:])[None] ** 2
    return np.sqrt(np.mean(gap**2)), run


@pytest.mark.slow
@pytest.mark.equation("copying", "claim-remedy-spectators")
def test_spectators_pass_nodes():
    few, run = error_past_a_node(NODE, 3)
    many, _ = error_past_a_node(NODE, 100)
    assert (run["status"] == jqd.Status.OK).all()
    # 1.8 to 3 /√N; and .85 √(s/N)
    assert few * 1000**0.5 == pytest.approx(2.4, abs=0.6)
    assert many == pytest.approx(0.85 * np.sqrt(100 / 1000), rel=0.2)
    # With the phase that quantum mechanics gives to a class at its node, ⟨H⟩ = 0 is
    # kept: all go over into that class, and nobody comes back.
    stuck, run = error_past_a_node(NODE * np.array([1, -1j, 1]), 3)
    assert (run["density"][:, 2:, 0] == 0).all()
    # cos² of the last two times is 1/2 and 0.854
    assert stuck == pytest.approx(np.sqrt((0.5**2 + 0.8536**2) / 3), abs=0.02)
    # None: nobody can enter the empty class.
    frozen, run = error_past_a_node(np.sqrt([0.5, 0.0, 0.5]), 0)
    assert (run["density"][:, :, 1] == 0).all()
    assert (run["status"] == jqd.Status.EXTINCT).all()
    # sin² of the times: (1/2, 1/2, 0.146)
    assert frozen == pytest.approx(0.4169, abs=1e-4)


# -- slow losses ---------------------------------------------------------------------


def energies(copies, seed):
    """<H>/H₀ of the pair after 0, 1, 2, 4 periods between 0.2 and 0.8."""
    start = pair(copies, copies / 5, 0.0)
    # far from nodes on average: nothing but a few rare ensembles needs single copies
    ts = np.array([0, 1, 2, 4]) * np.pi
    run = sample(PAIR, ts=ts, **start, seed=seed, exact_below=5)
    psi = run["psi"]
    return 2 * (2 * np.real(psi[..., 0].conj() * psi[..., 1])) / 0.8


@pytest.mark.equation("copying", "question-size-energy")
def test_energy_decays():
    """exp(-g κ/N) after g periods, κ = ¼ ∫ dp/(p²(1-p)²) from 0.2 to 0.8."""
    kappa = np.log(4) + 15 / 8
    value, error = mean_and_error(energies(200, 1))
    law = np.exp(-kappa * np.array([0, 1, 2, 4]) / 200)
    assert (np.abs(value - law) < 3.5 * error + 1e-12).all()
    assert value[-1] < 1 - 5 * error[-1]
    # N → ∞: conserved
    value, error = mean_and_error(energies(10**8, 1))
    # the single ensembles scatter by 1e-4
    np.testing.assert_allclose(value, 1, atol=1e-4)


def total_variation(psi):
    """Of individuals that began in either class of the pair, over time."""
    run = copying.sample(
        PAIR, psi, QUARTER * np.array([0.0, 1.0, 2.0, 4.0]), jax.random.key(1),
        copies=4e4, trajectories=16, error_trajectories=0, tagged=True,
    )  # fmt: skip
    began = jnp.sum(run.tagged, axis=-2, keepdims=True)
    share = (run.tagged / began)[..., :2]
    return np.mean(np.sum(np.abs(share[..., 0] - share[..., 1]), axis=-1) / 2, axis=0)


@pytest.mark.equation("copying", "question-relaxation")
@pytest.mark.slow
def test_individuals_forget():
    """Half a period between 0.2 and 0.8: each of the first class has left with 3/4."""
    distance = total_variation(pair(20_000, 4000, 0.0)["psi"])
    np.testing.assert_allclose(distance[[0, 2, 3]], [1, 0.25, 0.0625], atol=0.02)
    # Without currents nobody moves.
    still = total_variation(pair(20_000, 10_000, 0.0)["psi"])
    np.testing.assert_array_equal(still, 1)


def test_variances_of_few_samples_have_errors():
    """Of two samples a standard error of √2 of the variance; of one there is none."""
    got = variance_of(jnp.asarray([[1.0], [4.0]]))
    np.testing.assert_allclose(got.value, [4.5])
    np.testing.assert_allclose(got.stderr, [4.5 * 2**0.5])
    alone = variance_of(jnp.asarray([[1.0]]))
    assert np.isnan(alone.value).all()
    assert np.isnan(alone.stderr).all()
    # of many by the fourth moment: of 3 and -3 by turns it is 0
    many = variance_of(jnp.tile(jnp.asarray([[3.0], [-3.0]]), (50, 1)))
    np.testing.assert_allclose(many.stderr, [0.0])

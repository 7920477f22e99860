"""Where tagged systems go, by leap: Bell's chain, in steady and in turning currents."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from relaxation import bell_chain

import jqd
from jqd import problems
from jqd.ensembles import copying
from jqd.ensembles.copying.moves import at_once, in_turn, round_robin

KEY = jax.random.key(9)
RUNS = 96
# Three classes in a ring, each flowing into the next at the rate k = √3.
RING = jqd.CopyDynamics(np.zeros(3), 1 - np.eye(3), np.zeros((3, 3)))
WAVE = np.exp(2j * np.pi * np.arange(3) / 3) / np.sqrt(3)


def columns(law, psi, ts, *, copies=3e4, **options):
    """P[a, b] of each run at the last time, (RUNS, M, M), and the result."""
    run = copying.sample(
        law, psi, ts, KEY, copies=copies, trajectories=RUNS, tagged=True, **options
    )
    tagged = np.asarray(run.tagged)
    return tagged[:, -1] / tagged[:, :1].sum(axis=-2)[:, -1:], run


def mean_and_error(samples):
    return samples.mean(axis=0), samples.std(axis=0, ddof=1) / len(samples) ** 0.5


def amplitudes(P):
    """The Fourier mode of what began in one class, over its exact value at t = 0.4."""
    decay = np.exp(0.4 * np.sqrt(3) * (np.exp(-2j * np.pi / 3) - 1))
    turned = np.exp(-2j * np.pi * np.subtract.outer(range(3), range(3)) / 3)
    modes = np.sum(P * turned[None], axis=(1, 2)) / 3
    # either sense of the ring
    return np.real(modes / decay), np.real(modes / np.conj(decay))


@pytest.mark.slow
@pytest.mark.equation("copying", "question-relaxation")
def test_a_steady_ring():
    """P29: systems that move on within a step, with nothing else in motion."""
    ts = np.array([0.0, 0.4])
    P, run = columns(RING, WAVE, ts)
    chain = bell_chain(RING, WAVE, ts)
    ratios = max(amplitudes(P), key=np.mean)
    exact = max(amplitudes(np.asarray(chain.transition[1:])), key=np.mean)
    np.testing.assert_allclose(exact, 1, atol=1e-9)  # the error of RK4
    value, error = mean_and_error(ratios)
    # sampling; a move a half step would be off by 4.2 %
    assert error < 0.0015
    assert abs(value - 1) < 3 * error + 0.001  # second order: 0.05 % by quadrature
    # the bias that is reported covers the gap, and is no wider than needed
    share = run.tagged[:, 1] / run.copies
    gap = np.abs(np.mean(share, axis=0) - np.asarray(chain.transition[1]) / 3)
    chance = 3 * np.std(share, axis=0) / RUNS**0.5
    bound = np.asarray(run.bias.bound("tagged"))
    assert bound.shape == (2, 3, 3)
    assert np.all(gap <= bound[1] + chance)
    assert bound.max() < 0.01 / 3


def test_twice_the_step_costs_four_times_as_much():
    """Many copies, so that the bias shows: order 2, and the report finds it."""
    ts = np.array([0.0, 0.4])
    exact = np.asarray(bell_chain(RING, WAVE, ts).transition[1])
    gaps = []
    for step in (0.8, 0.4):
        P, run = columns(RING, WAVE, ts, copies=3e9, step=step)
        gaps.append(P.mean(axis=0) - exact)
        found = np.asarray(run.bias.tagged.value)[1] * 3
        # the next order of the step is a sixth of the bias at most
        np.testing.assert_allclose(found, gaps[-1], atol=np.abs(gaps[-1]).max() / 4)
    ratio = np.linalg.norm(gaps[0]) / np.linalg.norm(gaps[1])
    # 4, and some of the next order; first order has 2
    assert ratio == pytest.approx(4, abs=1)


@pytest.mark.equation("copying", "question-mixing-speed")
def test_the_golden_chain():
    """P29: currents that turn; the first column of P(2)."""
    law, psi = problems.golden()
    P, _ = columns(law, psi, np.array([0.0, 2.0]), copies=1e6)
    value, error = mean_and_error(P[:, :, 0])
    expected = [0.205797786, 0.496557969, 0.297644245]
    assert error.max() < 2e-4
    np.testing.assert_allclose(value, expected, atol=1e-3)


# -- draws ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7])
def test_every_two_classes_meet_once(size):
    rounds = round_robin(size)
    assert (np.take_along_axis(rounds, rounds, axis=1) == np.arange(size)).all()
    pairs = {(a, b) for row in rounds for a, b in enumerate(row) if a != b}
    assert len(pairs) == size * (size - 1)
    met = sum(int(np.sum(row != np.arange(size))) for row in rounds)
    assert met == len(pairs)


@pytest.mark.slow
@pytest.mark.parametrize("labelled", [False, True])
def test_moves_have_the_mean_and_scatter_of_single_copies(labelled):
    """Mean and covariance of Σ m_ab (e_a - e_b) with independent m_ab of variance K."""
    n = np.array([400.0, 300.0, 500.0])
    moved = np.array([[0.0, 60, 20], [30, 0, 90], [80, 10, 0]])
    counts, mean = jnp.asarray(np.diag(n) if labelled else n[None]), jnp.asarray(moved)

    def draw(key):
        if labelled:
            return jnp.sum(in_turn(counts, mean, key, both_ways=True)[0], axis=0)
        return jnp.sum(at_once(counts, mean, key)[0], axis=0)

    keys = jax.random.split(KEY, 20_000)
    after = np.asarray(jax.jit(jax.vmap(draw))(keys))
    assert (after.sum(axis=1) == n.sum()).all()
    net = moved - moved.T
    # 4 standard errors: 16 systems' scatter over √20000, and √(2/20000) of it squared
    np.testing.assert_allclose(after.mean(axis=0) - n, net.sum(axis=1), atol=0.5)
    both = moved + moved.T
    covariance = np.diag(both.sum(axis=1)) - both
    np.testing.assert_allclose(np.cov(after.T), covariance, atol=11)
    # as independent systems would: too little by far
    depleted = covariance - np.diag(moved.sum(axis=0) ** 2 / n)
    assert np.abs(np.cov(after.T) - depleted).max() > 15


def test_systems_move_on_and_back():
    """Steady flows both ways on each link: labels go as exp(∫Q) says."""
    n = 1e13 * np.array([4.0, 3, 5])
    moved = 1e13 * np.array([[0, 0.6, 0.4], [0.5, 0, 0.7], [0.5, 0.6, 0]])
    Q = moved / n[None]
    Q -= np.diag(Q.sum(axis=0))
    assert np.abs(Q @ n).max() < 1  # steady
    draw = jax.jit(in_turn, static_argnames="both_ways")
    counts, events = draw(jnp.diag(n), jnp.asarray(moved), KEY, both_ways=True)
    # of so many systems, as many as on average; 1e13 of them scatter by 1e-7
    np.testing.assert_allclose(events, moved.sum(), rtol=1e-6)
    P = np.asarray(counts).T / n[None]
    rates, basis = np.linalg.eig(Q)
    exact = np.real(basis * np.exp(rates)[None] @ np.linalg.inv(basis))
    # a third of the rates' cube; each once would leave half of their square
    np.testing.assert_allclose(P, exact, atol=0.3**3 / 3)
    assert np.abs(np.eye(3) + Q - exact).max() > 0.02

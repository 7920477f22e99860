"""How many copies the laws of order 1/N need, against what is sampled."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd import problems
from jqd.ensembles import copying

RUNS = 6000
PERIOD = np.array([0.0, np.pi])
PAIR, _ = problems.two_classes(0.5, 0.0)


def lost(psi, copies, ts=PERIOD):
    """N E[1 - F] of the pair after a period, its error, and the share that died out."""
    run = copying.sample(
        PAIR, psi, ts, jax.random.key(4), copies=copies, trajectories=RUNS,
        method="exact",
    )  # fmt: skip
    # the state after a period is the first one
    loss = copies * np.asarray(run.infidelity(np.array([psi, psi])))[:, -1]
    gone = float(np.mean(np.isfinite(run.extinction_time)))
    return loss.mean(), loss.std() / RUNS**0.5, gone


@pytest.mark.slow
@pytest.mark.parametrize(
    ("p", "bound"),
    # the smallest class decides near a node, the swing of currents far from it
    [(0.1, "20 copies"), pytest.param(0.3, "swing", marks=pytest.mark.slow)],
)
def test_the_law_just_above_its_threshold(p, bound):
    """Within 10 %, as `valid` says; where 5 copies a class were let pass, it is not."""
    psi = np.sqrt([p, 1 - p]) + 0j
    noise = copying.linear_noise(PAIR, psi, PERIOD, substeps=200)
    law = float(noise.infidelity[-1])
    least = float(noise.least_copies[-1])
    assert (least == 20) == (bound == "20 copies")
    copies = int(np.ceil(1.01 * least / p))
    assert noise.valid(copies).all()
    assert not noise.valid(copies - 2 / p)[-1]
    value, error, gone = lost(psi, copies)
    # 3 to 6 % of the next order; sampling, 1.5 % of the law
    assert error < 0.017 * law
    assert abs(value / law - 1) < 0.1
    assert gone < 0.002
    few, error, gone = lost(psi, int(5 / p))
    assert few - 4 * error > 1.1 * law
    assert gone > 0.01


@pytest.mark.slow
def test_all_laws_ask_for_the_same():
    law, psi = problems.golden()
    ts = jnp.array([0.0, 1.0, 5.0, 20.0])
    noise = copying.linear_noise(law, psi, ts, substeps=400)
    for other in (copying.infidelity, copying.energy_drift):
        found = other(law, psi, ts, substeps=400)
        for copies in (300, 400, 600, 3000, 3500):
            np.testing.assert_array_equal(found.valid(copies), noise.valid(copies))
    # more is asked of longer times: 16.7 copies' worth of fidelity is lost by t = 20
    assert noise.valid(600).tolist() == [True, True, True, False]
    assert noise.valid(3500).all()


@pytest.mark.slow
def test_a_node_between_two_steps_is_seen():
    """ψ_1 = i sin(t - 1) passes 0 within a step, whose ends have densities of 1e-4."""
    start = np.array([np.cos(1), 1j * np.sin(1)])
    noise = copying.linear_noise(PAIR, start, np.array([0.0, 2.0]), substeps=99)
    ends = np.sin(2 / 99 / 2) ** 2
    assert float(noise.least_density[-1]) < 1e-3 * ends
    assert not noise.valid(20 / ends)[-1]


@pytest.mark.slow
def test_what_stands_still_scatters_only_by_its_start():
    """A real eigenstate has no currents, but those that scatter makes."""
    H = np.array([[0.0, 0.5, 0.2], [0.5, 0.3, -0.4], [0.2, -0.4, -0.1]])
    law = jqd.CopyDynamics.from_hamiltonian(H)
    psi = np.linalg.eigh(H)[1][:, 1] + 0j
    copies = 21 / np.min(np.abs(psi) ** 2)
    # one interval: rows between begin anew from rounding, about which currents change
    # their sign all the time
    ts = np.array([0.0, 2.0])
    exact = copying.linear_noise(law, psi, ts)
    assert exact.valid(copies).all()
    drawn = copying.linear_noise(law, psi, ts, initial="drawn")
    assert not drawn.valid(1e9 * copies)[1:].any()

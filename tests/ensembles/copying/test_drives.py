"""Copies drawn under a Hamiltonian that changes in time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.ensembles import copying
from jqd.ensembles.copying.ceilings import ceilings, within
from jqd.ensembles.copying.follow import one_way_flow

from ...laws.pulsed import bump, cosine, golden

KEY = jax.random.key(5)
SX = np.array([[0.0, 1.0], [1.0, 0.0]])


def copies(q=0.5, r=-0.5):
    H, H1, H2, psi0 = golden()
    hamiltonian = jqd.driven(H, (H1, cosine), (H2, bump))
    return jqd.CopyDynamics.from_hamiltonian(hamiltonian, q=q, r=r), psi0


def spread(values):
    """Mean over trajectories and its standard error."""
    return np.mean(values, 0), np.std(values, 0, ddof=1) / np.sqrt(values.shape[0])


@pytest.mark.slow
def test_lost_fidelity():
    """N E[1 - F] beside the law of noise, a number computed once elsewhere."""
    law, psi0 = copies()
    ts = jnp.array([0.0, 1.0, 2.0])
    N = 1e5
    run = copying.sample(
        law, psi0, ts, KEY, copies=N, trajectories=1024, error_trajectories=0
    )
    assert np.all(run.status == jqd.Status.OK)
    exact = jqd.evolve(
        jqd.Schrodinger(jqd.driven(*_terms())), psi0, ts, method=jqd.Fixed(None, 200)
    ).values
    overlap = np.abs(np.einsum("sta,ta->st", np.conj(run.psi), exact)) ** 2
    lost, error = spread(N * (1 - overlap))
    # 1024 samples of a number that scatters by its own size: 2.6 % each, four of these
    assert np.all(error[1:] < 0.03 * lost[1:])
    np.testing.assert_allclose(lost[1:], [1.69212332, 4.19795137], rtol=0.1)
    # the law without its drive loses another amount
    frozen = jqd.CopyDynamics.from_hamiltonian(golden()[0])
    other = copying.infidelity(frozen, psi0, ts).value
    assert np.all(np.abs(other[1:] - lost[1:]) > 0.2 * lost[1:])


def _terms():
    H, H1, H2, _ = golden()
    return H, (H1, cosine), (H2, bump)


@pytest.mark.slow
@pytest.mark.sampled
@pytest.mark.parametrize(
    ("method", "q", "r"),
    [
        pytest.param("leap", 0.4, -0.7, marks=pytest.mark.slow),
        pytest.param("leap", 0.5, -0.5, marks=pytest.mark.slow),
        ("exact", 0.5, -0.5),
        ("exact", 0.4, -0.7),
    ],
)
def test_means_follow_the_mean_field(method, q, r):
    law, psi0 = copies(q, r)
    ts = jnp.array([0.0, 0.4, 1.2])
    N, count = (20_000, 400) if method == "leap" else (400, 60)
    run = copying.sample(
        law, psi0, ts, KEY, copies=N, trajectories=count, method=method,
        error_trajectories=0,
    )  # fmt: skip
    assert np.all(run.status == jqd.Status.OK)
    mean, error = spread(np.asarray(run.occupation) / N)
    field = jqd.evolve(
        law,
        law.prepare(psi0),
        ts,
        method=jqd.Fixed(jqd.steppers.rk4, 200, estimate_error=False),
        observe="density",
    )
    # four standard errors, and the shift of a mean by finite N, of order 1/N
    room = 4 * error + 4 / N
    assert np.all(np.abs(mean - field.values) < room)
    # negative control: without the drive they go elsewhere
    H, *_ = golden()
    still = jqd.CopyDynamics.from_hamiltonian(H, q=q, r=r)
    other = jqd.evolve(
        still, still.prepare(psi0), ts, observe="density",
        method=jqd.Fixed(jqd.steppers.rk4, 200, estimate_error=False),
    )  # fmt: skip
    assert np.max(np.abs(mean - other.values) / room) > 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "declared"),
    [
        ("exact", True),
        pytest.param("exact", False, marks=pytest.mark.slow),
        pytest.param("leap", True, marks=pytest.mark.slow),
        pytest.param("leap", False, marks=pytest.mark.slow),
    ],
)
def test_a_jump_within_a_step(method, declared):
    """Populations turn by the area of a pulse, and not before it."""
    start, stop, height = 0.3217, 0.5113, 2.0
    if declared:
        f = jqd.spaces.sampled_pulse([start, stop], [height], "steps")
    else:  # a function of the user that says nothing of its jumps

        def f(t):
            return jnp.where((t > start) & (t < stop), height, 0.0)

    law = jqd.CopyDynamics.from_hamiltonian(jqd.driven(np.zeros((2, 2)), (SX, f)))
    psi0 = np.array([np.sqrt(0.7), 1j * np.sqrt(0.3)])
    ts = jnp.array([0.0, 0.3, 0.4, 1.0])
    N, count = (10**8, 8) if method == "leap" else (500, 200)
    run = copying.sample(
        law, psi0, ts, KEY, copies=N, trajectories=count, method=method,
        error_trajectories=0,
    )  # fmt: skip
    assert np.all(run.occupation[:, 1] == run.occupation[:, 0])
    mean, error = spread(np.asarray(run.occupation)[:, :, 0] / N)
    area = height * (np.clip(ts, start, stop) - start)
    exact = np.abs(np.cos(area) * psi0[0] - 1j * np.sin(area) * psi0[1]) ** 2
    # leap: scatter 4e-5 of N = 1e8 and fourth order in a turn of .1 a half step
    room = 5 * error + (1e-5 if method == "leap" else 2 / N)
    assert np.all(np.abs(mean - exact) < room), (mean, exact, room)
    if declared:
        # steps and copies while the pulse is on alone; pieces of the run besides
        assert np.all(run.steps < (32 + 2 + 2 + 20 if method == "leap" else 1000))


@pytest.mark.slow
def test_a_pulse_that_stands_is_a_constant():
    """The same random numbers meet the same rates."""
    H, H1, _, psi0 = golden()
    ts = jnp.array([0.0, 0.3])
    one = jqd.CopyDynamics.from_hamiltonian(jqd.driven(H, (H1, lambda t: 1 + 0 * t)))
    whole = jqd.CopyDynamics.from_hamiltonian(H + H1)
    first, second = (
        copying.sample(
            law, psi0, ts, KEY, copies=5000, trajectories=200, error_trajectories=0
        )
        for law in (one, whole)
    )
    (mean, error), (other, wide) = (
        spread(np.asarray(r.occupation)[:, 1] / 5000) for r in (first, second)
    )
    assert np.all(np.abs(mean - other) < 4 * np.hypot(error, wide))
    np.testing.assert_allclose(error, wide, rtol=0.2)  # 200 samples: 5 % each


@pytest.mark.slow
def test_labels_under_a_drive():
    law, psi0 = copies()
    ts = jnp.array([0.0, 1.0])
    run = copying.sample(
        law, psi0, ts, KEY, copies=10_000, trajectories=200, tagged=True,
        error_trajectories=0,
    )  # fmt: skip
    np.testing.assert_array_equal(np.sum(run.tagged, axis=-1), run.occupation)
    # dP/dt = T P by small steps of the mean field; all start with themselves
    fine = jnp.linspace(0.0, 1.0, 2001)
    psi = jqd.evolve(
        law, law.prepare(psi0), fine, method=jqd.Fixed(jqd.steppers.rk4, 1)
    ).values
    flows = jax.jit(jax.vmap(lambda t, ket: one_way_flow(law.at(t), ket)))(fine, psi)
    P = np.eye(3)
    for flow, ket in zip(np.asarray(flows[:-1]), np.asarray(psi[:-1]), strict=True):
        T = flow / np.abs(ket[None, :]) ** 2
        T = T - np.diag(np.sum(T, 0))
        P = P + 5e-4 * T @ P
    begun = np.asarray(run.occupation[0, 0])
    shares, error = spread(np.asarray(run.tagged)[:, 1] / begun)
    # four standard errors; 1e-3 from Euler's steps of 5e-4
    assert np.all(np.abs(shares - P) < 4 * error + 1e-3)


def test_ceilings_are_above_all():
    law, _ = copies()
    ts = jnp.array([0.0, 2.0])
    bounds = ceilings(law, ts)
    for t in np.linspace(0, 1.999, 101):
        here = bounds.at(jnp.asarray(t))
        assert 0 < here.room <= 2 / 32 + 1e-12
        for later in np.linspace(t, t + float(here.room), 5):
            omega, links = law.rates_at(later)
            middle = (np.max(omega) + np.min(omega)) / 2
            assert np.all(np.abs(links) <= here.R)
            assert np.all(np.abs(omega - middle) <= here.turn + 1e-15)
    # cos 3t is the fastest: 3 sin 3t at most; slower where it stands
    assert 1.0 < float(jnp.max(bounds.pace)) < 3.2


def test_times_within_a_step():
    for t in (-1.0, 0.0, 0.3, 1e6):
        first, last = (float(within(jnp.asarray(t), 0.1, part)) for part in (0, 1))
        assert t < first < t + 1e-8 < t + 0.1 - 1e-8 < last < t + 0.1
        # a step of nothing looks past where it begins
        assert float(within(jnp.asarray(t), 1e-300, 1)) >= t

"""What the record of one collapse says of its rate."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.laws import Collapse, StepNoise

GAMMA, DT, STEPS = 0.5, 0.05, 40


def records(law, psi, number, seed=5):
    """Records of drawn paths, (number, STEPS, K)."""
    shape = (number, STEPS, *law.gamma.shape)
    normal, uniform = jax.random.split(jax.random.key(seed))
    w = StepNoise(
        jnp.sqrt(DT) * jax.random.normal(normal, shape),
        jax.random.uniform(uniform, shape[:2]),
    )

    def one(w):
        def step(psi, w):
            return law.monitored(0.0, psi, DT, w)

        return jax.lax.scan(step, law.prepare(psi), w)[1]

    return jax.jit(jax.vmap(one))(w)


def test_at_rest_the_sum_of_a_record_is_all_it_says():
    """H = 0: the sum of dY is normal about 2√γ A_x t, with x as likely as it weighs."""
    p, A = np.array([0.2, 0.5, 0.3]), np.array([1.0, -0.4, 0.3])
    law = Collapse(jnp.zeros(3), A, GAMMA)
    dY = 0.1 * np.random.default_rng(0).normal(size=STEPS) + 0.04
    total, t = dY.sum(), STEPS * DT
    exact = np.log(p @ np.exp(2 * np.sqrt(GAMMA) * A * total - 2 * GAMMA * A**2 * t))
    found = law.log_likelihood(np.sqrt(p), dY, DT)
    # rounding of 40 steps
    assert found == pytest.approx(exact, abs=1e-12)


def test_a_step_is_the_state_that_its_record_tells(qubit):
    """An independent program: Kraus operators of the record as matrices."""
    from scipy.linalg import expm

    make, psi = qubit
    law = make()
    dY = np.asarray(records(law, psi, 1))[0]
    half = expm(-0.5j * DT * np.asarray(law.H))
    known, total = np.asarray(psi), 0.0
    A = np.diag(np.asarray(law.A[0]))
    for y in dY[:, 0]:
        K = half @ expm(np.sqrt(GAMMA) * A * y - GAMMA * A @ A * DT) @ half
        known = K @ known
        total = np.log(np.vdot(known, known).real)
    assert law.log_likelihood(psi, dY, DT) == pytest.approx(total, abs=1e-11)


def test_records_tell_the_rate(qubit):
    make, psi = qubit
    dY = records(make(), psi, 2000)

    def log_likelihood(gamma, record):
        return make(gamma=gamma).log_likelihood(psi, record, DT)

    slope = jax.jit(jax.vmap(jax.grad(log_likelihood), (None, 0)))
    scores = np.asarray(slope(GAMMA, dY))
    error = scores.std() / np.sqrt(scores.size)
    # of mean 0 at the truth, within four errors, and not elsewhere
    assert abs(scores.mean()) < 4 * error
    for wrong, sign in ((0.8 * GAMMA, 1), (1.25 * GAMMA, -1)):
        away = np.asarray(slope(wrong, dY))
        assert sign * away.mean() > 8 * error
    # the maximum by Newton's method, whose slope is the spread of the scores
    gamma = 0.4
    for _ in range(20):
        each = np.asarray(slope(gamma, dY))
        gamma = gamma + each.sum() / np.sum(each**2)
    assert abs(slope(gamma, dY).sum()) < 1e-3 * np.sqrt(np.sum(scores**2))
    stderr = 1 / np.sqrt(np.sum(scores**2))
    assert abs(gamma - GAMMA) < 4 * stderr
    assert stderr < 0.03


def test_slopes_of_the_likelihood(qubit):
    make, psi = qubit
    dY = records(make(), psi, 1)[0]

    def value(gamma):
        return make(gamma=gamma).log_likelihood(psi, dY, DT)

    h = 1e-5
    difference = (value(GAMMA + h) - value(GAMMA - h)) / (2 * h)
    # h² times a third derivative, and rounding/h
    assert jax.grad(value)(GAMMA) == pytest.approx(float(difference), rel=1e-6)


@pytest.mark.parametrize(
    ("dY", "dt", "message"),
    [
        (np.ones((3, 2)), 0.1, "`dY` must have shape"),
        ([0.1, np.nan], 0.1, "`dY` must be finite"),
        ([0.1, 1j], 0.1, "`dY` must be real"),
        ([0.1, 0.2], 0.0, "`dt` must be positive"),
        ([0.1, 0.2], [0.1, 0.2], "`dt` must have shape"),
    ],
)
def test_what_is_no_record_is_refused(qubit, dY, dt, message):
    make, psi = qubit
    with pytest.raises(ValueError, match=message):
        make().log_likelihood(psi, dY, dt)

"""Averages over paths of collapse against closed forms and quadratures."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd import Fixed, evolve
from jqd.laws import Collapse

KEY = jax.random.key(11)
P, GAMMA = 0.3, 0.5
TS = jnp.array([0.0, 0.25, 0.5, 1.0, 2.0])
# E p₁p₂ at these times, and E √(p₁p₂) at t = 1
PRODUCT = (0.21, 0.1416888797, 0.0993223345, 0.0516453920, 0.0154782704)
ROOT = 0.1685835385


def at_rest(draw=True):
    """H = 0, A = ±1, p₁ = 0.3."""
    psi = jnp.sqrt(jnp.array([P, 1 - P])) + 0j
    return Collapse(jnp.zeros(2), jnp.array([1.0, -1.0]), GAMMA, draw=draw), psi


def seen(t, psi):
    p = jnp.abs(psi) ** 2
    return {"born": p[0], "product": p[0] * p[1], "root": jnp.sqrt(p[0] * p[1])}


def test_the_quadrature_of_the_record():
    """y = ∫dY is a mixture of two normal distributions, and p₁ its posterior."""
    x, step = np.linspace(-40, 40, 40001, retstep=True)
    for t, expected in zip(TS[1:], PRODUCT[1:], strict=True):
        ends = [
            np.exp(-((x - s * 2 * np.sqrt(GAMMA) * t) ** 2) / (2 * t)) for s in (1, -1)
        ]
        likely = np.array(ends) / np.sqrt(2 * np.pi * t)
        total = P * likely[0] + (1 - P) * likely[1]
        some = total > 0
        joint = P * (1 - P) * likely[0][some] * likely[1][some] / total[some]
        # ten printed digits; the sum is exact for such smooth functions
        np.testing.assert_allclose(joint.sum() * step, expected, atol=1e-8)
    np.testing.assert_allclose(ROOT, np.sqrt(0.21) * np.exp(-1.0), atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 4])
def test_a_state_at_rest_collapses_as_its_record_says(steps):
    """Drawn records are exact at any step where nothing else moves."""
    law, psi = at_rest()
    method = Fixed(substeps=steps, estimate_error=False)
    run = evolve(law, psi, TS, method=method, observe=seen, key=KEY, paths=20000)
    values, stderr = run.values, run.stderr
    # four standard errors, of which 9 are looked at
    away = np.abs(values["product"] - jnp.array(PRODUCT))
    assert np.all(away[1:] < 4 * stderr["product"][1:])
    assert abs(values["root"][3] - ROOT) < 4 * stderr["root"][3]
    assert np.all(np.abs(values["born"] - P)[1:] < 4 * stderr["born"][1:])
    assert np.all(stderr["born"][1:] < 0.004)


@pytest.mark.slow
def test_borns_weights_stay_and_without_the_root_they_do_not(girsanov):
    ts, method = jnp.array([0.0, 0.5]), Fixed(substeps=4, estimate_error=False)
    law, psi = at_rest()

    def born(law):
        more = {"method": method, "observe": seen, "key": KEY, "paths": 40000}
        run = evolve(law, psi, ts, **more)
        return run.values["born"][-1], run.stderr["born"][-1]

    mean, error = born(law)
    assert abs(mean - P) < 4 * error
    wrong, error = born(girsanov(at_rest(False)[0]))
    # biased by 0.011, as was measured elsewhere with an error of 0.0005
    assert abs(wrong - 0.28898) < 4 * np.hypot(error, 0.0005)
    assert abs(wrong - P) > 5 * error


@pytest.mark.slow
def test_the_square_of_the_monitored_spin(qubit):
    make, psi = qubit

    def square(t, psi):
        return (jnp.abs(psi[0]) ** 2 - jnp.abs(psi[1]) ** 2) ** 2

    ts, method = jnp.array([0.0, 2.0]), Fixed(substeps=128, estimate_error=False)
    more = {"method": method, "key": jax.random.key(1), "paths": 100_000}
    run = evolve(make(), psi, ts, observe=square, **more)
    # four errors: that of 0.63742 and this one's; steps of 1/64 add less than 1e-4
    assert abs(run.values[-1] - 0.63742) < 4 * np.hypot(0.00035, run.stderr[-1])
    assert run.stderr[-1] < 0.0014

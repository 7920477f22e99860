"""Errors of runs by the same run with other steps, and the status where that is all."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.evolution.judging import (
    difference,
    judged,
    richardson,
    status_from_the_first,
    status_of_each,
)
from jqd.status import Status


def with_errors(order):
    """e^x with an error x³ h^p of steps h = 1/8k, and how many steps these were."""

    def run(k, x):
        return jnp.exp(x) + x**3 * (8.0 * k) ** -order, 8 * k

    return run


@pytest.mark.parametrize("finer", [2, 1 / 2, 4])
@pytest.mark.parametrize("order", [1, 2, 6])
def test_what_falls_with_a_power_of_the_step_is_known(order, finer):
    value, error, told = judged(with_errors(order), (0.5,), order, finer)
    assert told == 8
    # of numbers of order 1
    assert error == pytest.approx(float(value) - np.exp(0.5), abs=1e-14)
    assert error == pytest.approx(0.5**3 * 8.0**-order, abs=1e-14)


def test_an_error_of_another_order_is_not_what_is_told():
    value, error, _ = judged(with_errors(2), (0.5,), 1)
    assert error == pytest.approx(1.5 * (float(value) - np.exp(0.5)), rel=1e-12)


def test_an_error_bar_has_no_derivative():
    def both(x):
        return judged(with_errors(2), (x,), 2)[:2]

    value, error = jax.jacrev(both)(0.5)
    assert value == pytest.approx(np.exp(0.5) + 3 * 0.25 / 64, rel=1e-14)
    assert error == 0
    # also of what was not frozen before
    assert jax.grad(lambda x: difference(2 * x, x**2, 1.0))(0.5) == 0


def test_the_scale_is_richardsons():
    assert [richardson(p) for p in (1, 2, 4)] == [2, 4 / 3, 16 / 15]
    assert [richardson(p, 1 / 2) for p in (1, 2)] == [1, 1 / 3]
    assert richardson(1, 4) == 4 / 3


def test_a_check_that_failed_leaves_no_bar():
    values = {"a": jnp.array([1.0, 2.0, np.nan]), "b": jnp.array([1j])}
    check = {"a": jnp.array([1.5, np.nan, 1.0]), "b": jnp.array([3 + 0j])}
    found = difference(values, check, 2.0)
    np.testing.assert_array_equal(found["a"], [1, np.inf, np.nan])
    np.testing.assert_allclose(found["b"], [2 * np.sqrt(10)], rtol=1e-15)


# -- the status ------------------------------------------------------------------------


def test_each_time_has_its_status():
    values = jnp.array([1.0, 1.0, np.nan, np.inf, 1.0])
    bad = jnp.array([False, True, True, False, False])
    edge = jnp.where(jnp.arange(5) == 4, Status.EDGE, Status.OK)
    found = status_of_each(values, bad, edge)
    assert found.dtype == jnp.int32
    assert found.tolist() == [
        Status.OK, Status.INACCURATE, Status.NON_FINITE, Status.NON_FINITE, Status.EDGE,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("bad", "status", "expected", "when"),
    [
        ([0, 0, 0], Status.OK, Status.OK, np.inf),
        ([0, 1, 1], Status.OK, Status.INACCURATE, 0.5),
        ([0, 1, 1], Status.NODE, Status.NODE, 0.7),
    ],
)
def test_a_run_is_marked_from_its_first_bad_time(bad, status, expected, when):
    ts, ended = jnp.array([0.0, 0.5, 1.0]), when if status else np.inf
    code, time = status_from_the_first(
        ts, jnp.array(bad, bool), jnp.asarray(status), jnp.asarray(ended)
    )
    assert (int(code), float(time)) == (expected, when)

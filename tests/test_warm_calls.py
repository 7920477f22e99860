"""What stands in loops: its checks cost little, and nothing is compiled anew."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from benchmarks.warm_calls import (
    MOST_CALLS,
    Call,
    calls,
    calls_within,
    metered,
    run,
    seconds_of_checks,
)
from jqd import _checks, exact, laws
from jqd.matter import photons
from jqd.readings import stability

CALLS = calls()
TS = np.array([0.0, 0.5, 1.0])
KET = np.array([0.6, 0.8])
LIGHT = photons.PhotonRates([0.5, 1.0], [1.0, 1.0], 5.0, photons.HeatCapacity(1.0))


def _density(t):
    return 0.5 + 0.2 * jnp.cos(t)


# methods with loops of their own, which a user calls alone
METHODS = {
    "exact: husimi": Call(
        lambda ket: exact.husimi.propagate(np.eye(2), ket, TS, 0.1 + 0.2j), (KET,)
    ),
    "collapse: log_likelihood": Call(
        lambda dY: laws.Collapse(np.eye(2), [1.0, -1.0], 0.3).log_likelihood(
            KET, dY, 0.01
        ),
        (np.array([0.1, -0.2, 0.1]),),
    ),
    "stability: hill": Call(
        lambda kappa: stability.hill(_density, 2 * np.pi, kappa, steps=32), (0.2,)
    ),
    "stability: lyapunov_exponents": Call(
        lambda ket: stability.lyapunov_exponents(
            jqd.Schrodinger(np.eye(2)), ket, 0.1, blocks=2
        ),
        (KET + 0j,),
    ),
    "photons: step": Call(
        lambda law, n: law.step(0.0, n, 0.1), (LIGHT, np.array([0.2, 0.1]))
    ),
    "photons: equilibrium": Call(lambda law: law.equilibrium(), (LIGHT,)),
}


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if call.looped])
def test_checks_of_a_warm_call_are_short(name):
    # counted: seconds depend on the machine and on what else it does
    _, meter = seconds_of_checks(CALLS[name], 1)
    assert calls_within(meter) < MOST_CALLS


@pytest.mark.parametrize("name", CALLS | METHODS)
def test_a_warm_call_compiles_nothing(name, compiled):
    call = (CALLS | METHODS)[name]
    for _ in range(2):
        jax.block_until_ready(call.function(*call.arguments))
    compiled.clear()
    jax.block_until_ready(call.function(*call.arguments))
    assert compiled == []


def test_a_compilation_is_heard(compiled):
    jax.jit(lambda x: x + 1)(np.ones(3)).block_until_ready()
    assert len(compiled) == 1


def test_the_meter_sees_checks():
    with metered() as meter:
        _checks.check_positive(np.ones(3), "x")
        _checks.is_concrete(1.0)
    assert len(meter.checks) == 2
    assert meter.looks >= 2
    # each calls more than itself, and twice as much is twice the number
    once = calls_within(meter)
    assert once > 6
    meter.checks *= 2
    assert calls_within(meter) == 2 * once
    del meter.checks[2:]
    with pytest.raises(ValueError, match="must be positive"), metered():
        _checks.check_positive(-1.0, "x")
    _checks.check_positive(1.0, "x")
    assert len(meter.checks) == 2  # closed: nothing is noted any more


def test_the_checks_that_are_noted_are_those_of_the_call():
    seconds, meter = seconds_of_checks(CALLS["log_probability"], 3)
    names = [check.func.__name__ for check in meter.checks]
    assert {"check_occupations", "check_g"} <= set(names)
    assert seconds.shape == (3,)
    assert seconds.min() > 0


@pytest.mark.slow
def test_the_benchmark_says_what_checks_take():
    report = run(quick=True)
    assert {row["case"] for row in report.rows} == set(CALLS)
    (goal,) = report.goals
    looped = [row for row in report.rows if CALLS[row["case"]].looped]
    most = max(row.get("checks_us", 0.0) for row in looped)
    # of three digits in the rows
    assert goal.measured == pytest.approx(most, rel=1e-2)

"""What stands in loops: its checks cost little, and nothing is compiled anew."""

import jax
import numpy as np
import pytest

from benchmarks.warm_calls import (
    MOST_CALLS,
    calls,
    calls_within,
    metered,
    run,
    seconds_of_checks,
)
from jqd import _checks

CALLS = calls()


@pytest.fixture
def compiled():
    """Programs that are compiled during a test; JAX has no way to stop listening."""
    heard, listening = [], [True]

    def listen(event, seconds, **more):
        if listening and event.endswith("backend_compile_duration"):
            heard.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield heard
    listening.clear()


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if call.looped])
def test_checks_of_a_warm_call_are_short(name):
    # counted: seconds depend on the machine and on what else it does
    _, meter = seconds_of_checks(CALLS[name], 1)
    assert calls_within(meter) < MOST_CALLS


@pytest.mark.parametrize("name", CALLS)
def test_a_warm_call_compiles_nothing(name, compiled):
    call = CALLS[name]
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

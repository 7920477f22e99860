"""What Python adds to a warm call of functions that stand in loops.

A program of some microseconds is called over and over by samplers, studies and users.
Around it stand the checks of arguments, which are Python, and conversions of them.
"""

import contextlib
import functools
import inspect
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd import _checks, instruments, states, statistics
from jqd.matter import packets, photons
from jqd.problems import four_level, golden
from jqd.statistics import _family, probabilities, sampling
from jqd.steppers import rk4, strang

from .timing import Goal, Report, compared, round_to

# seconds that the checks of a warm call may take by themselves
MOST = 50e-6
# Functions that they may call. The most found are 146, which take 30 to 40 µs.
MOST_CALLS = 180
SHOWN = ("checks_us", "around_us", "checks", "looks")
REPEATS = 200
NOTES = [
    "The second row of a case is the same call within a jitted function: its program "
    "alone. `around_us` is the difference, all that Python adds. `checks` checks of "
    "arguments are among it, which look `looks` times for tracers and take `checks_us` "
    "by themselves, called over and over; between programs they take up to three times "
    "as long. Laws and studies are arguments; numbers that a user writes are constants "
    "of the program."
]


class Call(NamedTuple):
    """One function that is called in loops.

    Attributes:
        function: of `arguments`.
        arguments: arrays and other leaves, as a user gives them.
        looped: whether it is one of those whose checks have a bound; `evolve` is none.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    looped: bool = True


def calls() -> dict[str, Call]:
    """The functions, by name."""
    key = jax.random.key(0)
    grid = jqd.Grid((-10.0, 10.0), 64)
    psi = grid.normalise(jnp.exp(-(grid.x**2) / 2 + 0.5j * grid.x))
    wave = jqd.Schrodinger.on_grid(grid, lambda x: x**2 / 2)
    copies, start = golden()
    state = copies.prepare(start)
    problem = four_level()
    classes = jqd.CopyDynamics.from_hamiltonian(problem.hamiltonian)
    study = jqd.Study(classes, problem.populations, psi0=problem.psi0, free=("q", "r"))
    matrix = jqd.Schrodinger(problem.hamiltonian)
    ket = states.coherent(1.0 + 0.5j, 20)
    packet = packets.ground_state([[1.0]], [1.0])
    shares = jnp.full((5, 3), 1 / 3)
    ts, dt = np.array([0.0, 0.5, 1.0]), 0.01
    half = jnp.array([0.5, 0.5])
    g = jnp.asarray(1.0)
    found = {
        "draw: sample_occupations": Call(
            lambda key, g: statistics.sample_occupations(key, 1000, 100, g), (key, g)
        ),
        "draw: sample_occupations, g = 1.0": Call(
            lambda key: statistics.sample_occupations(key, 1000, 100, 1.0), (key,)
        ),
        "draw: sample_weights": Call(
            lambda key: statistics.sample_weights(key, 100, 1.0), (key,)
        ),
        "draw: sample_husimi": Call(
            lambda key, ket: states.sample_husimi(key, ket, 10), (key, ket)
        ),
        "draw: sample_wigner": Call(
            lambda key, packet: packets.sample_wigner(packet, key, 10), (key, packet)
        ),
        "draw: photons.sample_counts": Call(
            lambda key: photons.sample_counts(key, 1.0, 2.0, (10,)), (key,)
        ),
        "draw: Multinomial.sample": Call(
            lambda key, mean: instruments.Multinomial().sample(key, mean, 100),
            (key, shares),
        ),
        "log_probability": Call(
            statistics.log_probability, (jnp.array([3, 2, 1, 0]), g)
        ),
        "log_marginal": Call(
            lambda n, g: statistics.log_marginal(n, 1000, 100, g), (half, g)
        ),
        "variance": Call(statistics.variance, (1000.0, 100.0, 1.0)),
        "step: grid": Call(lambda law, psi: law.step(0.0, psi, dt), (wave, psi)),
        "step: copies": Call(lambda law, s: law.step(0.0, s, dt), (copies, state)),
        "density: grid": Call(lambda law, psi: law.density(psi), (wave, psi)),
        "density: copies": Call(lambda law, s: law.density(s), (copies, state)),
        "prepare: grid": Call(lambda law, psi: law.prepare(psi), (wave, psi)),
        "prepare: copies": Call(lambda law, psi: law.prepare(psi), (copies, start)),
        "observable: populations": Call(
            lambda law, psi: law.observables()["populations"](psi), (wave, psi)
        ),
        "observable: husimi": Call(states.husimi, (ket, jnp.array([0.3 + 0.1j]))),
        "observable: expectation": Call(
            jqd.expectation, (problem.hamiltonian, problem.psi0)
        ),
        "observable: fidelity": Call(jqd.fidelity, (problem.psi0, problem.psi0)),
        "observable: total_variation": Call(jqd.total_variation, (half, half)),
        "mean of a study": Call(
            lambda study, theta: study.predict(theta), (study, study.theta())
        ),
        "evolve: copies": Call(
            lambda law, s: jqd.evolve(law, s, ts, method=jqd.Fixed(rk4, 4)),
            (copies, state), False,
        ),
        "evolve: grid": Call(
            lambda law, s: jqd.evolve(law, s, ts, method=jqd.Fixed(strang, 4)),
            (wave, psi), False,
        ),
        "evolve: matrix": Call(
            lambda law, s: jqd.evolve(law, s, ts), (matrix, problem.psi0), False
        ),
    }  # fmt: skip
    return found


class Meter:
    """The outermost checks that were called, and how many looks for tracers."""

    def __init__(self) -> None:
        self.checks: list[Callable[[], Any]] = []
        self.looks, self.within = 0, False


@contextlib.contextmanager
def metered() -> Iterator[Meter]:
    """Notes the outermost calls into the checks of jqd while it is open."""
    meter, places = Meter(), [(_checks, name) for name in vars(_checks)]
    places += [
        (module, name)
        for module in (_family, probabilities, sampling)
        for name in ("check_g", "check_count", "check_room", "check_occupations")
        if hasattr(module, name)
    ]
    with contextlib.ExitStack() as stack:
        for module, name in places:
            value = getattr(module, name)
            if inspect.isfunction(value) and value.__module__.startswith("jqd"):
                noted = _noted(value, meter)
                stack.enter_context(mock.patch.object(module, name, noted))
        yield meter


def _noted(function: Callable[..., Any], meter: Meter) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        if function.__name__ == "is_concrete":
            meter.looks += 1
        if meter.within:
            return function(*args, **options)
        meter.within = True
        meter.checks.append(functools.partial(function, *args, **options))
        try:
            return function(*args, **options)
        finally:
            meter.within = False

    return call


def seconds_of_checks(call: Call, repeats: int = REPEATS) -> tuple[np.ndarray, Meter]:
    """Seconds of all checks of a warm call, and the meter that saw them.

    The checks alone, over and over: between programs XLA's threads, which wait for the
    next one, slow down whatever runs beside them.
    """
    jax.block_until_ready(call.function(*call.arguments))
    with metered() as meter:
        jax.block_until_ready(call.function(*call.arguments))
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        for check in meter.checks:
            check()
        seconds.append(time.perf_counter() - begun)
    return np.asarray(seconds), meter


def calls_within(meter: Meter) -> int:
    """How many functions, of Python and of C, the checks of a call call in all.

    The same on every machine and under any load, unlike the seconds that they take.
    """
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    for check in meter.checks:
        sys.setprofile(note)
        try:
            check()
        finally:
            sys.setprofile(before)
    return count


def run(quick: bool = False) -> Report:
    """Microseconds of each call, of its checks, and of all around its program."""
    rows, worst = [], 0.0
    for name, call in calls().items():
        within = jax.jit(call.function)
        programs = {
            "jqd": functools.partial(call.function, *call.arguments),
            "jqd, within a program": functools.partial(within, *call.arguments),
        }
        found = compared(programs, 2 if quick else 9, case=name).rows
        each, meter = seconds_of_checks(call, 3 if quick else REPEATS)
        seconds = float(np.median(each))
        worst = max(worst, seconds if call.looped else 0.0)
        around = found[0]["median_s"] - found[1]["median_s"]
        found[0] |= {"checks": len(meter.checks), "looks": meter.looks}
        found[0]["checks_us"] = round_to(1e6 * seconds, 3)
        found[0]["around_us"] = round_to(1e6 * around, 3)
        rows += found
    text = "µs of checks in a warm call of what stands in loops, the most"
    goals = [Goal(text, 1e6 * worst, 1e6 * MOST, at_least=False)]
    return Report("Warm calls of what stands in loops", rows, goals, NOTES)

"""The Husimi law of a Kerr oscillator under two pulses: value and gradient."""

from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np

import jqd
from jqd.laws.husimi import Exact, HusimiFokkerPlanck, Levels, Series
from jqd.steppers import cf4

from .driven_qutrit import BOTH, VALUE, Programs, compiled, peers_of, raced
from .driven_qutrit import Exact as Result
from .peers import by_dynamiqs, by_qutip, dynamiqs, dynamiqs_methods, qutip
from .systems import slope
from .timing import Goal, Report, round_to

SHOWN = ("beside",)
LEVELS, LENGTH, ALPHA = 24, 1.5, 0.6 - 0.4j
STRENGTHS = np.array([0.5, 0.1])
LOWER = np.diag(np.sqrt(np.arange(1.0, LEVELS)), 1)
KERR = np.diag(0.5 * np.arange(LEVELS) * (np.arange(LEVELS) - 1.0))
PUSH, SQUEEZE = LOWER + LOWER.T, LOWER @ LOWER + (LOWER @ LOWER).T
# Steps, and terms of the series of an exponential (None: as the law chooses).
RUNS = ((20, None), (40, 16), (80, 14))
# Errors up to this many times as large are alike.
LIKE = 3


def run(quick: bool = False) -> Report:
    """Time and errors of the Husimi law under two pulses, and of its gradient."""
    want, rows, goals = exact(), [], []
    for case in (VALUE, BOTH):
        ours = {_name(*one): _ours(case, *one) for one in RUNS[: 2 if quick else 3]}
        programs = ours | _dynamiqs(case) | (_qutip() if case == VALUE else {})
        found = raced(case, programs, want, quick, 1, "run")
        for row in found.rows:
            if "error" in row:
                row["beside"] = like = found.fastest("jqd", LIKE * row["error"])
                times = found.times(row["program"], like)
                row["times_jqd"] = times and round_to(times, 3)
        times = found.column("times_jqd")
        for name in peers_of(case):
            theirs = [one for key, one in times.items() if key.startswith(name) and one]
            text = f"faster than {name} at like error, where jqd was run to it: {case}"
            goals.append(Goal(text, min(theirs, default=None), 1))
        rows += found.rows
    return Report(
        f"The Husimi law of a Kerr oscillator of {LEVELS} levels under two pulses",
        rows,
        goals,
        [
            "The value is <a> at the end at C = 1, where the law is Schrödinger's and "
            "peers have it, the gradient that of its real part with respect to the "
            "amplitudes of both pulses. Errors are beside a run of SciPy's DOP853 with "
            "24 levels and tolerances of 1e-13. QuTiP has no gradient.",
            "`beside` is the fastest run of jqd whose error is at most three times as "
            "large, `times_jqd` how often as long the program takes; without one, this "
            "method of fourth order was not run to such an error, and the goals say "
            "nothing of it.",
        ],
    )


def _start() -> np.ndarray:
    return np.asarray(jqd.states.coherent(ALPHA, LEVELS))


def exact() -> Result:
    """<a> and the slopes of its real part, by SciPy."""
    from scipy.integrate import solve_ivp

    def value(strengths):
        def field(t, psi):
            shapes = np.array([np.cos(1.7 * t), np.sin(2 * t)])
            push, squeeze = strengths * shapes
            return -1j * ((push * PUSH + squeeze * SQUEEZE + KERR) @ psi)

        run = solve_ivp(field, (0, LENGTH), _start(), "DOP853", rtol=1e-13, atol=1e-15)
        psi = run.y[:, -1]
        return np.vdot(psi, LOWER @ psi)

    slopes = [
        slope(lambda h, unit=unit: value(STRENGTHS + h * unit).real, 0.0, 1e-3)
        for unit in np.eye(2)
    ]
    return Result(value(STRENGTHS), np.array(slopes))


def _name(steps: int, terms: int | None) -> str:
    way = "own terms" if terms is None else f"{terms} terms"
    return f"jqd cf4, {steps} steps, {way}"


def _ours(case: str, steps: int, terms: int | None) -> Any:
    start = _start()

    def value(strengths):
        law = HusimiFokkerPlanck(
            "0.5*ad^2*a^2 + push(t)*(a + ad) + squeeze(t)*(a^2 + ad^2)",
            push=jqd.pulse(lambda t, f: f * jnp.cos(1.7 * t), f=strengths[0]),
            squeeze=jqd.pulse(lambda t, f: f * jnp.sin(2 * t), f=strengths[1]),
            form=Exact(Levels(LEVELS, terms), Series(0)),
        )
        run = jqd.evolve(
            law, law.prepare(law.admit(start)), np.array([0, LENGTH]),
            method=jqd.Fixed(cf4, steps, estimate_error=False),
            observe=lambda t, state: law.moment(state, 1, 0),
        )  # fmt: skip
        return run.values[-1]

    return compiled(value, STRENGTHS, case)


@qutip
def _qutip(qt: Any) -> Programs:
    pulses = [
        [qt.Qobj(PUSH), f"{STRENGTHS[0]}*cos(1.7*t)"],
        [qt.Qobj(SQUEEZE), f"{STRENGTHS[1]}*sin(2*t)"],
    ]
    H = qt.QobjEvo([qt.Qobj(KERR), *pulses])
    start, lower = qt.Qobj(_start()), qt.Qobj(LOWER)

    def value(**options) -> complex:
        return by_qutip(qt, H, start, [0.0, LENGTH], lower, **options)[0, -1]

    tight = {"rtol": 1e-9, "atol": 1e-11}
    return {
        "QuTiP adams (default)": value,
        "QuTiP adams 1e-9": partial(value, **tight),
        "QuTiP vern9 1e-9": partial(value, method="vern9", **tight),
    }


@dynamiqs
def _dynamiqs(dq: Any, case: str) -> Programs:
    start, lower = dq.asqarray(_start()[:, None]), dq.asqarray(LOWER + 0j)
    still, push, squeeze = (dq.asqarray(H + 0j) for H in (KERR, PUSH, SQUEEZE))
    ends = jnp.array([0.0, LENGTH])
    back = dq.gradient.BackwardCheckpointed() if case == BOTH else None

    def program(method):
        def value(x):
            H = still + dq.modulated(lambda t: x[0] * jnp.cos(1.7 * t), push)
            H = H + dq.modulated(lambda t: x[1] * jnp.sin(2 * t), squeeze)
            return by_dynamiqs(dq, H, start, ends, lower, method=method, gradient=back)[
                0, -1
            ]

        return compiled(value, STRENGTHS, case)

    methods = dynamiqs_methods(dq, "Tsit5 (default)", "Tsit5 1e-8", "Dopri8 1e-8")
    return {name: program(method) for name, method in methods.items()}

"""The Husimi law of a Kerr oscillator under two pulses: value and gradient."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd.laws.husimi import Exact, HusimiFokkerPlanck, Levels, Series
from jqd.steppers import cf4

from .systems import optional
from .timing import Goal, Report, missing, race, ratio

LEVELS, LENGTH, ALPHA = 24, 1.5, 0.6 - 0.4j
PUSH, SQUEEZE = 0.5, 0.1
LOWER = np.diag(np.sqrt(np.arange(1.0, LEVELS)), 1)
KERR = np.diag(0.5 * np.arange(LEVELS) * (np.arange(LEVELS) - 1.0))
X, XX = LOWER + LOWER.T, LOWER @ LOWER + (LOWER @ LOWER).T
# Steps, and terms of the series of an exponential (None: as the law chooses).
RUNS = ((20, None), (40, 16), (80, 14))
SHOWN = ("beside",)
# Errors up to this many times as large are alike.
LIKE = 3
NOTES = [
    "The value is <a> at the end at C = 1, where the law is Schrödinger's and peers "
    "have it, the gradient that of its real part with respect to the amplitudes of "
    "both pulses. Errors are beside a run of SciPy's DOP853 with 24 levels and "
    "tolerances of 1e-13. QuTiP has no gradient.",
    "`beside` is the fastest run of jqd whose error is at most three times as large, "
    "`times_jqd` how often as long the program takes; without one, this method of "
    "fourth order was not run to such an error.",
]


def exact() -> tuple[complex, np.ndarray]:
    """<a> and the slopes of its real part, by SciPy."""
    from scipy.integrate import solve_ivp

    def value(push, squeeze):
        def field(t, psi):
            H = push * np.cos(1.7 * t) * X + squeeze * np.sin(2 * t) * XX + KERR
            return -1j * (H @ psi)

        run = solve_ivp(field, (0, LENGTH), _start(), "DOP853", rtol=1e-13, atol=1e-15)
        psi = run.y[:, -1]
        return np.vdot(psi, LOWER @ psi)

    h, slopes = 1e-3, []
    for unit in np.eye(2):
        at = [
            value(*(np.array([PUSH, SQUEEZE]) + k * h * unit)) for k in (-2, -1, 1, 2)
        ]
        slopes.append((at[0] - 8 * at[1] + 8 * at[2] - at[3]).real / (12 * h))
    return value(PUSH, SQUEEZE), np.array(slopes)


def _start() -> np.ndarray:
    return np.asarray(jqd.states.coherent(ALPHA, LEVELS))


def run(quick: bool = False) -> Report:
    """Time and errors of value, and of value and gradient."""
    want, rows, goals = exact(), [], []
    for case in ("value", "value and gradient"):
        gradient = case != "value"
        peers = {} if quick else _dynamiqs(gradient)
        peers |= {} if gradient or quick else _qutip()
        runs = RUNS[:2] if quick else RUNS
        ours = {_name(*one): _ours(gradient, *one) for one in runs}
        timings = race(ours | peers, 2 if quick else 7)
        errors = {
            name: _error(timing.result, want, gradient)
            for name, timing in timings.items()
        }
        like = {name: _beside(name, ours, timings, errors) for name in timings}
        times = {
            name: None if one is None else ratio(timings[name], timings[one])
            for name, one in like.items()
        }
        for name, timing in timings.items():
            row = {"case": case, "program": name, **timing.row(1, "run")}
            row |= {"error": float(f"{errors[name]:.2g}"), "beside": like[name]}
            row["times_jqd"] = times[name] and float(f"{times[name]:.3g}")
            rows.append(row)
        for peer in ("dynamiqs", "QuTiP"):
            if gradient and peer == "QuTiP":
                continue
            if optional(peer.lower()) is None:
                rows.append(missing(peer, case=case))
            found = [time for name, time in times.items() if name.startswith(peer)]
            least = min((one for one in found if one is not None), default=None)
            goals.append(Goal(f"faster than {peer} at like error: {case}", least, 1))
    title = f"The Husimi law of a Kerr oscillator of {LEVELS} levels under two pulses"
    return Report(title, rows, goals, NOTES)


def _name(steps: int, terms: int | None) -> str:
    way = "own terms" if terms is None else f"{terms} terms"
    return f"jqd cf4, {steps} steps, {way}"


def _beside(name: str, ours: Any, timings: Any, errors: Any) -> str | None:
    """The fastest of our runs whose error is no more than alike."""
    able = [one for one in ours if errors[one] <= LIKE * errors[name]]
    return min(able, key=lambda one: timings[one].median, default=None)


def _error(result: Any, want: tuple[complex, np.ndarray], gradient: bool) -> float:
    if not gradient:
        return abs(complex(result) - want[0])
    value, slopes = result
    off = np.max(np.abs(np.asarray(slopes) - want[1]))
    return max(abs(float(value) - want[0].real), float(off))


def _ours(gradient: bool, steps: int, terms: int | None) -> Any:
    start = _start()

    def value(amplitudes):
        law = HusimiFokkerPlanck(
            "0.5*ad^2*a^2 + push(t)*(a + ad) + squeeze(t)*(a^2 + ad^2)",
            push=jqd.pulse(lambda t, f: f * jnp.cos(1.7 * t), f=amplitudes[0]),
            squeeze=jqd.pulse(lambda t, f: f * jnp.sin(2 * t), f=amplitudes[1]),
            form=Exact(Levels(LEVELS, terms), Series(0)),
        )
        run = jqd.evolve(
            law, law.prepare(law.admit(start)), np.array([0, LENGTH]),
            method=jqd.Fixed(cf4, steps, estimate_error=False),
            observe=lambda t, state: law.moment(state, 1, 0),
        )  # fmt: skip
        return run.values[-1]

    return _program(value, gradient)


def _program(value: Any, gradient: bool) -> Any:
    call = jax.value_and_grad(lambda x: jnp.real(value(x))) if gradient else value
    return partial(jax.jit(call), jnp.asarray([PUSH, SQUEEZE]))


def _qutip() -> dict[str, Any]:
    qt = optional("qutip")
    if qt is None:
        return {}
    pushed, squeezed = "0.5*cos(1.7*t)", "0.1*sin(2*t)"
    H = qt.QobjEvo([qt.Qobj(KERR), [qt.Qobj(X), pushed], [qt.Qobj(XX), squeezed]])
    start, lower = qt.Qobj(_start()), qt.Qobj(LOWER)

    def value(**options) -> complex:
        options |= {"progress_bar": "", "nsteps": 10**6}
        ends = [0.0, LENGTH]
        return qt.sesolve(H, start, ends, e_ops=[lower], options=options).expect[0][-1]

    tight = {"rtol": 1e-9, "atol": 1e-11}
    return {
        "QuTiP adams (default)": value,
        "QuTiP adams 1e-9": partial(value, **tight),
        "QuTiP vern9 1e-9": partial(value, method="vern9", **tight),
    }


def _dynamiqs(gradient: bool) -> dict[str, Any]:
    dq = optional("dynamiqs")
    if dq is None:
        return {}
    start, lower = dq.asqarray(_start()[:, None]), dq.asqarray(LOWER + 0j)
    still, push, squeeze = (dq.asqarray(H + 0j) for H in (KERR, X, XX))

    def value(x, method, way):
        H = still + dq.modulated(lambda t: x[0] * jnp.cos(1.7 * t), push)
        H = H + dq.modulated(lambda t: x[1] * jnp.sin(2 * t), squeeze)
        result = dq.sesolve(
            H, start, jnp.array([0.0, LENGTH]), exp_ops=[lower], method=method,
            gradient=way, progress_meter=False,
        )  # fmt: skip
        return result.expects[0, -1]

    back = dq.gradient.BackwardCheckpointed() if gradient else None
    method = dq.method
    tight = {"rtol": 1e-8, "atol": 1e-8}
    return {
        f"dynamiqs {name}": _program(partial(value, method=way, way=back), gradient)
        for name, way in (
            ("Tsit5 (default)", method.Tsit5()),
            ("Tsit5 1e-8", method.Tsit5(**tight)),
            ("Dopri8 1e-8", method.Dopri8(**tight)),
        )
    }

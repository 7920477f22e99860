"""A qutrit under two quadratures of a pulse: a population and its gradient."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd.steppers import cf4, exponential_midpoint

from .systems import optional
from .timing import Goal, Report, missing, race, ratio

# An anharmonic ladder in the frame of its drive: levels at 0, DETUNING and
# 2 DETUNING + ANHARMONICITY, turned by SAMPLES flat pieces of two quadratures.
SAMPLES, LENGTH = 1000, 20.0
DETUNING, ANHARMONICITY = 0.1, -2.0
LOWER = np.diag(np.sqrt([1.0, 2.0]), 1)
LEVELS = np.diag([0.0, DETUNING, 2 * DETUNING + ANHARMONICITY])
X, Y = LOWER + LOWER.T, 1j * (LOWER - LOWER.T)
OURS = "jqd exponential_midpoint"
NOTES = [
    "The value is the population of the middle level at the end, the gradient that "
    "with respect to all samples of both quadratures. Errors are the largest, beside "
    "exponentials of each piece by an eigenbasis and their derivatives. dynamiqs takes "
    "the samples as `pwc`, QuTiP as coefficients of order 0. QuTiP has no gradient: "
    "2000 differences would take 4000 of its runs, which are not made."
]


def pulse(samples: int) -> np.ndarray:
    """Both quadratures, (2, samples): smooth envelopes and some scatter."""
    t = (np.arange(samples) + 0.5) / samples
    envelope = 0.35 * np.sin(np.pi * t) ** 2
    scatter = np.random.default_rng(7).normal(size=(2, samples))
    return np.stack([envelope, 0.1 * np.cos(np.pi * t)]) + 0.02 * scatter


def exact(values: np.ndarray) -> tuple[float, np.ndarray]:
    """Value and gradient by products of exponentials, in NumPy."""
    n = values.shape[1]
    dt = LENGTH / n
    H = LEVELS + values[0, :, None, None] * X + values[1, :, None, None] * Y
    level, basis = np.linalg.eigh(H)
    phase = np.exp(-1j * dt * level)
    dagger = np.conj(np.swapaxes(basis, 1, 2))
    U = basis @ (phase[:, :, None] * dagger)
    before = [np.array([1.0 + 0j, 0, 0])]
    for step in U:
        before.append(step @ before[-1])
    after = [np.array([0, 1.0 + 0j, 0])]
    for step in U[::-1]:
        after.append(step.conj().T @ after[-1])
    after = after[::-1]
    amplitude = before[-1][1]
    # d exp(-iH dt) in the eigenbasis: divided differences of its phases
    gap = level[:, :, None] - level[:, None, :]
    near = np.abs(gap) < 1e-9
    rise = (phase[:, :, None] - phase[:, None, :]) / np.where(near, 1, gap)
    rise = np.where(near, -1j * dt * phase[:, :, None], rise)
    slopes = []
    for operator in (X, Y):
        dU = basis @ (rise * (dagger @ operator @ basis)) @ dagger
        d = np.einsum("ka,kab,kb->k", np.conj(after[1:]), dU, np.array(before[:-1]))
        slopes.append(2 * np.real(np.conj(amplitude) * d))
    return float(np.abs(amplitude) ** 2), np.stack(slopes)


def run(quick: bool = False) -> Report:
    """Time and errors of value, and of value and gradient."""
    samples = 50 if quick else SAMPLES
    values = pulse(samples)
    want = exact(values)
    rows, goals = [], []
    for case in ("value", "value and gradient"):
        gradient = case != "value"
        peers = {} if quick else _dynamiqs(values, gradient)
        peers |= {} if gradient else _qutip(values)
        timings = race(_ours(values, gradient) | peers, 2 if quick else 7)
        for name, timing in timings.items():
            error = _error(timing.result, want, gradient)
            row = {"case": case, "program": name, **timing.row(samples, "sample")}
            row["times_jqd"] = float(f"{ratio(timing, timings[OURS]):.3g}")
            row["error"] = float(f"{error:.2g}")
            rows.append(row)
        for peer in ("dynamiqs", "QuTiP"):
            theirs = [name for name in timings if name.startswith(peer)]
            if optional(peer.lower()) is None and not (gradient and peer == "QuTiP"):
                rows.append(missing(peer, case=case))
            if gradient and peer == "QuTiP":
                continue
            times = [ratio(timings[name], timings[OURS]) for name in theirs]
            least = min((one for one in times if one is not None), default=None)
            goals.append(Goal(f"faster than {peer}: {case}", least, 1))
    title = f"A qutrit under {samples} samples of two quadratures"
    return Report(title, rows, goals, NOTES)


def _error(result: Any, want: tuple[float, np.ndarray], gradient: bool) -> float:
    if not gradient:
        return abs(float(np.real(result)) - want[0])
    value, slopes = result
    off = np.max(np.abs(np.asarray(slopes) - want[1])) / np.max(np.abs(want[1]))
    return max(abs(float(np.real(value)) - want[0]), float(off))


def _ours(values: np.ndarray, gradient: bool) -> dict[str, Any]:
    n = values.shape[1]
    edges = np.linspace(0, LENGTH, n + 1)
    start = jnp.array([1.0 + 0j, 0, 0])

    def held(t, values):
        # the piece in which t is
        k = jnp.clip(jnp.floor(t * (n / LENGTH)).astype(int), 0, n - 1)
        return values[k]

    def by_function(values):
        return jqd.pulse(held, values=values)

    def sampled(values):
        return jqd.spaces.sampled_pulse(edges, values, "steps")

    def value(values, method, pulse):
        law = jqd.Schrodinger(
            jqd.driven(LEVELS, (X, pulse(values[0])), (Y, pulse(values[1])))
        )
        run = jqd.evolve(law, start, edges[[0, -1]], method=method)
        return jnp.abs(run.values[-1, 1]) ** 2

    def program(method, pulse=by_function):
        call = partial(value, method=method, pulse=pulse)
        call = jax.jit(jax.value_and_grad(call) if gradient else call)
        return partial(call, jnp.asarray(values))

    def steps(stepper, number=n, **options):
        return jqd.Fixed(stepper, number, estimate_error=False, **options)

    # steps are pieces; declared jumps of both quadratures take two steps a piece
    return {
        OURS: program(steps(exponential_midpoint)),
        f"{OURS}, direct": program(steps(exponential_midpoint, gradient="direct")),
        "jqd cf4": program(steps(cf4)),
        "jqd cf4, direct": program(steps(cf4, gradient="direct")),
        "jqd cf4, jumps declared": program(steps(cf4, 1), sampled),
    }


def _qutip(values: np.ndarray) -> dict[str, Any]:
    qt = optional("qutip")
    if qt is None:
        return {}
    n = values.shape[1]
    edges = np.linspace(0, LENGTH, n + 1)
    steps = np.concatenate([values, values[:, -1:]], axis=1)
    H = qt.QobjEvo(
        [qt.Qobj(LEVELS), [qt.Qobj(X), steps[0]], [qt.Qobj(Y), steps[1]]],
        tlist=edges, order=0,
    )  # fmt: skip
    start, middle = qt.basis(3, 0), qt.ket2dm(qt.basis(3, 1))

    def value(**options) -> float:
        options |= {"progress_bar": "", "nsteps": 10**6, "max_step": LENGTH / n}
        ends = [0.0, LENGTH]
        return qt.sesolve(H, start, ends, e_ops=[middle], options=options).expect[0][-1]

    return {
        "QuTiP adams (default)": value,
        "QuTiP vern9 1e-10": partial(value, method="vern9", rtol=1e-10, atol=1e-10),
    }


def _dynamiqs(values: np.ndarray, gradient: bool) -> dict[str, Any]:
    dq = optional("dynamiqs")
    if dq is None:
        return {}
    edges = jnp.linspace(0, LENGTH, values.shape[1] + 1)
    start, middle = dq.basis(3, 0), dq.basis_dm(3, 1)
    ends = jnp.array([0.0, LENGTH])

    def value(values, method, way):
        H = dq.asqarray(LEVELS + 0j)
        H = H + dq.pwc(edges, values[0], dq.asqarray(X + 0j))
        H = H + dq.pwc(edges, values[1], dq.asqarray(Y))
        result = dq.sesolve(
            H, start, ends, exp_ops=[middle], method=method, gradient=way,
            progress_meter=False,
        )  # fmt: skip
        return result.expects[0, -1].real

    def program(method, way=None):
        call = partial(value, method=method, way=way)
        call = jax.jit(jax.value_and_grad(call) if gradient else call)
        return partial(call, jnp.asarray(values))

    method = dq.method
    back = dq.gradient.BackwardCheckpointed() if gradient else None
    return {
        "dynamiqs Tsit5 (default)": program(method.Tsit5(), back),
        "dynamiqs Dopri8 1e-10": program(method.Dopri8(rtol=1e-10, atol=1e-10), back),
        "dynamiqs Expm": program(
            method.Expm(), dq.gradient.Direct() if gradient else None
        ),
    }

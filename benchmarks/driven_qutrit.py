"""A qutrit under two quadratures of a pulse: a population and its gradient."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd.steppers import cf4, exponential_midpoint

from .peers import by_dynamiqs, by_qutip, dynamiqs, dynamiqs_methods, qutip
from .timing import Raced, Report, compared, round_to

# An anharmonic ladder in the frame of its drive: levels at 0, DETUNING and
# 2 DETUNING + ANHARMONICITY, turned by SAMPLES flat pieces of two quadratures.
SAMPLES, LENGTH = 1000, 20.0
DETUNING, ANHARMONICITY = 0.1, -2.0
LADDER = np.diag(np.sqrt([1.0, 2.0]), 1)
LEVELS = np.diag([0.0, DETUNING, 2 * DETUNING + ANHARMONICITY])
X, Y = LADDER + LADDER.T, 1j * (LADDER - LADDER.T)
OURS = "jqd exponential_midpoint"
Programs = dict[str, Any]
VALUE, BOTH = "value", "value and gradient"


class Exact(NamedTuple):
    """What a run is compared with.

    Attributes:
        value, slopes: the result, and its derivatives.
        scale: errors of the derivatives are relative to it.
    """

    value: complex
    slopes: np.ndarray
    scale: float = 1.0

    def error(self, result: Any, case: str) -> float:
        """The larger of the errors of the value and of the gradient."""
        both = case == BOTH
        value, slopes = result if both else (result, self.slopes)
        # what has a gradient is the real part
        apart = abs(complex(value) - (np.real(self.value) if both else self.value))
        off = np.max(np.abs(np.asarray(slopes) - self.slopes)) / self.scale
        return round_to(max(apart, float(off)), 2)


def raced(
    case: str, programs: Programs, exact: Exact, quick: bool, *options: Any
) -> Raced:
    """The programs of a case, with errors; `options` are those of `compared`."""

    def look(name: str, result: Any) -> dict[str, Any]:
        return {"error": exact.error(result, case)}

    return compared(programs, 2 if quick else 7, look, *options, case=case)


def compiled(value: Callable[[Any], Any], at: Any, case: str) -> Any:
    """The value, or the gradient of its real part too."""
    both = jax.value_and_grad(lambda x: jnp.real(value(x)))
    return partial(jax.jit(both if case == BOTH else value), jnp.asarray(at))


def peers_of(case: str) -> tuple[str, ...]:
    """QuTiP has no gradient."""
    return ("dynamiqs",) if case == BOTH else ("dynamiqs", "QuTiP")


def run(quick: bool = False) -> Report:
    """Time and errors of value, and of value and gradient by all samples."""
    samples = 50 if quick else SAMPLES
    values = pulse(samples)
    want, rows, goals = exact(values), [], []
    for case in (VALUE, BOTH):
        programs = _ours(values, case) | _dynamiqs(values, case)
        programs |= _qutip(values) if case == VALUE else {}
        found = raced(case, programs, want, quick, samples, "sample", OURS)
        rows += found.rows
        goals += [
            found.faster(f"faster than {name}: {case}", 1, found.fastest(name), OURS)
            for name in peers_of(case)
        ]
    return Report(
        f"A qutrit under {samples} samples of two quadratures",
        rows,
        goals,
        [
            "The value is the population of the middle level at the end, the gradient "
            "that with respect to all samples of both quadratures. Errors are the "
            "largest, beside exponentials of each piece by an eigenbasis and their "
            "derivatives. dynamiqs takes the samples as `pwc`, QuTiP as coefficients "
            "of order 0. QuTiP has no gradient: 2000 differences would take 4000 of "
            "its runs, which are not made."
        ],
    )


def pulse(samples: int) -> np.ndarray:
    """Both quadratures, (2, samples): smooth envelopes and some scatter."""
    t = (np.arange(samples) + 0.5) / samples
    envelope = 0.35 * np.sin(np.pi * t) ** 2
    scatter = np.random.default_rng(7).normal(size=(2, samples))
    return np.stack([envelope, 0.1 * np.cos(np.pi * t)]) + 0.02 * scatter


def exact(values: np.ndarray) -> Exact:
    """Value and gradient by products of exponentials, in NumPy."""
    dt = LENGTH / values.shape[1]
    H = LEVELS + values[0, :, None, None] * X + values[1, :, None, None] * Y
    level, basis = np.linalg.eigh(H)
    phase = np.exp(-1j * dt * level)
    dagger = np.conj(np.swapaxes(basis, 1, 2))
    U = basis @ (phase[:, :, None] * dagger)
    before, after = [np.array([1.0 + 0j, 0, 0])], [np.array([0, 1.0 + 0j, 0])]
    for step, back in zip(U, U[::-1], strict=True):
        before.append(step @ before[-1])
        after.append(back.conj().T @ after[-1])
    amplitude = before[-1][1]
    # d exp(-iH dt) in the eigenbasis: divided differences of its phases
    gap = level[:, :, None] - level[:, None, :]
    near = np.abs(gap) < 1e-9
    rise = (phase[:, :, None] - phase[:, None, :]) / np.where(near, 1, gap)
    rise = np.where(near, -1j * dt * phase[:, :, None], rise)
    slopes = []
    for operator in (X, Y):
        dU = basis @ (rise * (dagger @ operator @ basis)) @ dagger
        d = np.einsum("ka,kab,kb->k", np.conj(after[-2::-1]), dU, np.array(before[:-1]))
        slopes.append(2 * np.real(np.conj(amplitude) * d))
    slopes = np.stack(slopes)
    return Exact(float(np.abs(amplitude) ** 2), slopes, float(np.max(np.abs(slopes))))


def _ours(values: np.ndarray, case: str) -> Programs:
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

    def program(stepper, number=n, pulse=by_function, **options):
        method = jqd.Fixed(stepper, number, estimate_error=False, **options)

        def value(values):
            drives = (X, pulse(values[0])), (Y, pulse(values[1]))
            law = jqd.Schrodinger(jqd.driven(LEVELS, *drives))
            run = jqd.evolve(law, start, edges[[0, -1]], method=method)
            return jnp.abs(run.values[-1, 1]) ** 2

        return compiled(value, values, case)

    # steps are pieces; declared jumps of both quadratures take two steps a piece
    return {
        OURS: program(exponential_midpoint),
        f"{OURS}, direct": program(exponential_midpoint, gradient="direct"),
        "jqd cf4": program(cf4),
        "jqd cf4, direct": program(cf4, gradient="direct"),
        "jqd cf4, jumps declared": program(cf4, 1, sampled),
    }


@qutip
def _qutip(qt: Any, values: np.ndarray) -> Programs:
    n = values.shape[1]
    steps = np.concatenate([values, values[:, -1:]], axis=1)
    H = qt.QobjEvo(
        [qt.Qobj(LEVELS), [qt.Qobj(X), steps[0]], [qt.Qobj(Y), steps[1]]],
        tlist=np.linspace(0, LENGTH, n + 1), order=0,
    )  # fmt: skip
    start, middle = qt.basis(3, 0), qt.ket2dm(qt.basis(3, 1))

    def value(**options) -> float:
        options |= {"max_step": LENGTH / n}
        return by_qutip(qt, H, start, [0.0, LENGTH], middle, **options)[0, -1]

    return {
        "QuTiP adams (default)": value,
        "QuTiP vern9 1e-10": partial(value, method="vern9", rtol=1e-10, atol=1e-10),
    }


@dynamiqs
def _dynamiqs(dq: Any, values: np.ndarray, case: str) -> Programs:
    edges, ends = jnp.linspace(0, LENGTH, values.shape[1] + 1), jnp.array([0.0, LENGTH])
    start, middle = dq.basis(3, 0), dq.basis_dm(3, 1)

    def program(method, way):
        def value(values):
            H = dq.asqarray(LEVELS + 0j)
            for one, operator in zip(values, (X, Y), strict=True):
                H = H + dq.pwc(edges, one, dq.asqarray(operator + 0j))
            way_back = way if case == BOTH else None
            found = by_dynamiqs(
                dq, H, start, ends, middle, method=method, gradient=way_back
            )
            return found[0, -1].real

        return compiled(value, values, case)

    stepped = dynamiqs_methods(dq, "Tsit5 (default)", "Dopri8 1e-10")
    back = dq.gradient.BackwardCheckpointed()
    return {name: program(method, back) for name, method in stepped.items()} | {
        "dynamiqs Expm": program(dq.method.Expm(), dq.gradient.Direct())
    }

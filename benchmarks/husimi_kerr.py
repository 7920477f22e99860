"""The Husimi function of a Kerr oscillator: density, gradient in C, batch, recovery."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd import constants
from jqd.exact import husimi as closed
from jqd.inference import recover
from jqd.laws.husimi import Exact, HusimiFokkerPlanck, Series
from jqd.records import Record
from jqd.states import coherent, husimi

from .peers import by_dynamiqs, by_qutip, dynamiqs, qutip
from .timing import Goal, Report, Timing, compared, compile_seconds, round_to

ALPHA0 = 1.2 + 0.5j
U, B = 1.0, -4.0
SYMBOL = "0.5*ad^2*a^2"
OURS = "jqd evolve"
QUTIP, DYNAMIQS = "QuTiP diag + QFunc", "dynamiqs Expm + jqd husimi"
BEHIND = {
    QUTIP: "QFunc keeps <α|n> at all points from call to call; jqd makes them in each, "
    "which is most of its time."
}
NOTE = (
    "QuTiP and dynamiqs solve the Schrödinger equation, which is C = 1; neither has C. "
    "dynamiqs has no Husimi function: its states go through that of jqd. Errors are "
    "absolute, against the closed form and its derivative."
)


def run(quick: bool = False) -> Report:
    """Time and error of densities, gradients, a batch and a fit."""
    side, levels, batch = (5, 80, 4) if quick else (21, 100, 256)
    x = np.linspace(-3.0, 3.0, side)
    points, ts = x[None, :] + 1j * x[:, None], np.linspace(0.0, 1.0, 6)
    rounds = 2 if quick else 9
    report = Report(
        f"Kerr oscillator, {side**2} points at {ts.size - 1} times",
        _densities(points, ts, rounds) + _batch(points, ts, batch, levels),
        notes=[NOTE],
    )
    rows, timing = _recovery(points, ts, levels)
    report.rows += rows
    report.goals = [
        Goal("recovery of C after compilation, seconds", timing.median, 1.0, False),
        Goal("its compilation, seconds", compile_seconds(timing), 10.0, False),
        Goal("recovered |C - 1|", rows[0]["error"], 1e-10, False),
    ]
    for row in report.rows:
        # the fastest exact way of each, and all of them exact
        if row["program"] in (QUTIP, DYNAMIQS) and "times_jqd" in row:
            text = f"density at C = 1: faster than {row['program']}"
            report.goals.append(Goal(text, row["times_jqd"], 1))
    return report


def law_of(points: np.ndarray, C: float, levels: int, orders: int | None = None):
    """The law of the benchmark."""
    form = Exact(levels, Series(orders))
    return HusimiFokkerPlanck(SYMBOL, C, points=points, form=form)


def exact(points: np.ndarray, ts: np.ndarray, C: float) -> np.ndarray:
    """The closed form at ts[1:]."""
    return np.asarray(_exact(points, ts, C))


@jax.jit
def _exact(points, ts, C):
    times = jnp.asarray(ts[1:])[:, None, None]
    return closed.kerr(points[None], times, U=U, b=B, alpha0=ALPHA0, C=C, levels=160)


def _densities(points: np.ndarray, ts: np.ndarray, rounds: int) -> list[dict[str, Any]]:
    psi0, rows = coherent(ALPHA0, 40), []
    # the ket of a coherent state needs 40 levels, the mixed one at C = 0.8 more
    for C, levels, orders in ((1.0, 40, 0), (0.8, 80, None)):
        law = law_of(points, C, levels, orders)
        programs = {OURS: partial(_evolve(ts), law, law.prepare(psi0))}
        if C == 1:
            programs |= _qutip(points, ts, psi0) | _dynamiqs(points, ts, psi0)
        rows += _rows(f"density, C = {C}", programs, rounds, exact(points, ts, C), OURS)
        rows += _gradient(points, ts, C, rounds)
    return rows


def _rows(
    case: str,
    programs: dict[str, Any],
    rounds: int,
    reference: Any,
    beside: str | None = None,
    of: Any = lambda result: result,
) -> list[dict[str, Any]]:
    """Rows with the largest distance of what is looked at from the reference."""

    def look(_: str, result: Any) -> dict[str, Any]:
        values = np.asarray(of(result)).reshape(np.shape(reference))
        return {"error": round_to(float(np.max(np.abs(values - reference))), 2)}

    return compared(programs, rounds, look, beside=beside, case=case).rows


def _evolve(ts: np.ndarray):
    @jax.jit
    def solve(law, state):
        return jqd.evolve(law, state, ts, observe="density").values[1:]

    return solve


def seen_of(law: Any, psi0: Any, ts: Any, look: Callable[..., Any], *names: str):
    """`look(law, state)` at ts[1:] as a function of constants, prepared anew."""

    def solve(*values):
        changed = law
        for name, value in zip(names, values, strict=True):
            changed = constants.unpack(changed, name, value[None])
        observe = lambda t, state: look(changed, state)  # noqa: E731
        run = jqd.evolve(changed, changed.prepare(psi0), ts, observe=observe)
        return run.values[1:]

    return solve


def density_of_C(points: np.ndarray, ts: np.ndarray, orders: int, levels: int):
    """Densities as a function of C."""
    law, look = law_of(points, 1.0, levels, orders), HusimiFokkerPlanck.density
    return seen_of(law, coherent(ALPHA0, 40), ts, look, "C")


def _gradient(points, ts, C: float, rounds: int) -> list[dict[str, Any]]:
    # at C = 1 the term of first order is the whole derivative
    solve = density_of_C(points, ts, *((1, 41) if C == 1 else (40, 80)))

    @jax.jit
    def gradient(C):
        return jax.jvp(solve, (C,), (jnp.ones_like(C),))

    slope = jax.jacfwd(lambda C: _exact(points, ts, C))(C)
    programs = {OURS: partial(gradient, jnp.asarray(C))}
    return _rows(f"d/dC, C = {C}", programs, rounds, slope, of=lambda found: found[1])


def _batch(points, ts, size: int, levels: int) -> list[dict[str, Any]]:
    values = np.linspace(0.6, 1.2, size)
    solve = jax.jit(jax.vmap(density_of_C(points, ts, 30, levels)))
    ends = np.stack([exact(points, ts, values[k]) for k in (0, -1)])
    programs = {f"{OURS}, vmap": partial(solve, jnp.asarray(values))}
    case = f"batch, C = {size} of [0.6, 1.2]"
    return _rows(case, programs, 3, ends, of=lambda found: found[np.array([0, -1])])


def _recovery(points, ts, levels: int) -> tuple[list[dict[str, Any]], Timing]:
    psi0 = coherent(ALPHA0, 40)
    law = law_of(points, 0.4, levels, 60 if levels > 60 else levels // 2)
    data = Record(ts[1:], exact(points, ts, 1.0), t0=0.0)

    def fit():
        return recover(
            law, data, psi0=psi0, free=("C",), start={"C": 0.6}, starts=1, search=None
        )

    found = compared(
        {"jqd recover": fit}, 3,
        lambda _, fitted: {"error": abs(fitted.constants["C"].value - 1)},
        case="recovery, C = 0.6 to 1",
    )  # fmt: skip
    return found.rows, found.timings["jqd recover"]


@qutip
def _qutip(qt: Any, points, ts, psi0) -> dict[str, Any]:
    a, start = qt.destroy(psi0.size), qt.Qobj(np.asarray(psi0))
    H = 0.5 * a.dag() ** 2 * a**2
    x, y = points[0].real, points[:, 0].imag
    function = qt.QFunc(x, y, 2.0)

    def solve(**options):
        kets = by_qutip(qt, H, start, ts, **options)[1:]
        return np.stack([function(qt.Qobj(ket)) for ket in kets])

    return {
        QUTIP: partial(solve, method="diag"),
        "QuTiP adams 1e-10 + QFunc": partial(solve, rtol=1e-10, atol=1e-12),
    }


@dynamiqs
def _dynamiqs(dq: Any, points, ts, psi0) -> dict[str, Any]:
    a = dq.destroy(psi0.size)
    H, start = 0.5 * a.dag() @ a.dag() @ a @ a, jnp.asarray(psi0)[:, None]
    look = jax.jit(jax.vmap(lambda psi: husimi(psi, jnp.asarray(points))))

    def solve(method):
        return look(by_dynamiqs(dq, H, start, ts, method=method)[1:, :, 0])

    tight = dq.method.Dopri8(rtol=1e-10, atol=1e-12)
    return {
        DYNAMIQS: partial(solve, dq.method.Expm()),
        "dynamiqs Dopri8 1e-10 + jqd husimi": partial(solve, tight),
    }

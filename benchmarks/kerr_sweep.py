"""256 Kerr oscillators of 64 levels, all states at 200 times."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd

from .floors import bandwidth
from .systems import (
    ALPHA,
    LEVELS,
    coherent,
    error,
    kerr_diagonal,
    kerr_exact,
    optional,
)
from .timing import Goal, Report, Timing, missing, race, ratio, round_to

QUTIP = ("QuTiP diag", "QuTiP adams (default)")
DYNAMIQS = ("dynamiqs Expm", "dynamiqs Tsit5 (default)", "dynamiqs Dopri8 1e-8")
OURS = "jqd Propagator"


def run(quick: bool = False) -> Report:
    """Time and error of the sweep over K."""
    values, saves = (4, 5) if quick else (256, 200)
    K, ts = np.linspace(0.5, 1.5, values), np.linspace(0, 2 * np.pi, saves)
    psi0 = coherent(ALPHA, LEVELS)
    exact = kerr_exact(K, ts, psi0)
    programs = _ours(K, ts, psi0) | _qutip(K, ts, psi0) | _dynamiqs(K, ts, psi0)
    timings = race(programs, 2 if quick else 5)
    ours = timings[OURS]
    # half of what a copy moves is written
    floor = exact.nbytes / (bandwidth(exact.nbytes, quick) / 2)
    rows = []
    for name, timing in timings.items():
        # 1 / ratio would mix rounds: the ratio is taken the way it is shown
        row = {"program": name, **timing.row()}
        row["times_jqd"] = float(f"{ratio(timing, ours):.3g}")
        if "jqd" in name or "plain" in name:
            row |= {"floor": "all states written once", "floor_s": round_to(floor)}
            row["share_of_floor"] = round_to(floor / timing.median, 2)
        rows.append(row | {"error": error(_states(timing.result), exact)})
        timing.result = None
    rows += [missing(name) for name in (*QUTIP, *DYNAMIQS) if name not in timings]
    goals = [_goal(6, QUTIP[0], timings), _goal(14, DYNAMIQS[0], timings)]
    goals.append(_goal(50, DYNAMIQS[1], timings))
    return Report(
        f"Kerr oscillator, {LEVELS} levels, {values} values of K, {saves} times",
        rows,
        goals,
        [
            "jqd is told that H is diagonal, dynamiqs that it is banded (`dia`); "
            "QuTiP loops over K. The dense row of jqd is told nothing.",
            "Floor: all states written once, at half the time of a copy of as many "
            "bytes in place; those of a call go to fresh memory, which costs more.",
        ],
    )


def _goal(factor: float, name: str, timings: dict[str, Timing]) -> Goal:
    measured = ratio(timings.get(name), timings[OURS])
    return Goal(f"{factor:g}x faster than {name}", measured, factor)


def _states(result: Any) -> np.ndarray:
    return np.asarray(result.values if hasattr(result, "values") else result)


def _ours(K: np.ndarray, ts: np.ndarray, psi0: np.ndarray) -> dict[str, Any]:
    psi0, K = jnp.asarray(psi0, complex), jnp.asarray(K)
    diagonal = kerr_diagonal()

    def solve(K, hamiltonian):
        law = jqd.Schrodinger(K * hamiltonian)
        return jqd.evolve(law, psi0, ts, method=jqd.Propagator())

    @jax.jit
    def states(K):
        return jax.vmap(lambda K: solve(K, diagonal).values)(K)

    @jax.jit
    def whole(K):
        return jax.vmap(lambda K: solve(K, diagonal))(K)

    @jax.jit
    def dense(K):
        return jax.vmap(lambda K: solve(K, np.diag(diagonal)).values)(K)

    @jax.jit
    def plain(K):
        angle = K[:, None, None] * ts[None, :, None] * diagonal[None, None, :]
        return jax.lax.complex(jnp.cos(angle), -jnp.sin(angle)) * psi0[None, None, :]

    return {
        OURS: partial(states, K),
        "jqd Propagator, error bars and diagnostics kept": partial(whole, K),
        "jqd Propagator, dense H": partial(dense, K),
        "plain jax.numpy phases": partial(plain, K),
    }


def _qutip(K: np.ndarray, ts: np.ndarray, psi0: np.ndarray) -> dict[str, Any]:
    qt = optional("qutip")
    if qt is None:
        return {}
    a = qt.destroy(LEVELS)
    unit, start = (a.dag() ** 2 * a**2) / 2, qt.Qobj(psi0)

    def solve(method: str | None) -> np.ndarray:
        options = {"progress_bar": "", "store_states": True}
        # the budget of steps, not the default, where saves are far apart
        options |= {"method": method} if method else {"nsteps": 100_000}
        runs = [qt.sesolve(k * unit, start, ts, options=options).states for k in K]
        return np.array([[psi.full()[:, 0] for psi in states] for states in runs])

    return {QUTIP[0]: partial(solve, "diag"), QUTIP[1]: partial(solve, None)}


def _dynamiqs(K: np.ndarray, ts: np.ndarray, psi0: np.ndarray) -> dict[str, Any]:
    dq = optional("dynamiqs")
    if dq is None:
        return {}
    a = dq.destroy(LEVELS)
    H = jnp.asarray(K)[:, None, None] * (a.dag() @ a.dag() @ a @ a) / 2
    start = jnp.asarray(psi0, complex)[:, None]
    methods = (
        dq.method.Expm(),
        dq.method.Tsit5(),
        dq.method.Dopri8(rtol=1e-8, atol=1e-10),
    )

    def solve(method):
        result = dq.sesolve(H, start, ts, method=method, progress_meter=False)
        return result.states.to_jax()

    return {
        name: partial(solve, method)
        for name, method in zip(DYNAMIQS, methods, strict=True)
    }

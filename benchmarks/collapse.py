"""A qubit that is measured without end: 1e5 trajectories beside their mean."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd

from .peers import dynamiqs, optional, qutip
from .timing import Goal, Report, compared, round_to, unit_seconds

# H, the observable, its rate, the start, the time.
H = np.array([[0.0, 0.5], [0.5, 0.0]])
A = np.array([1.0, -1.0])
GAMMA, LENGTH = 0.5, 2.0
PSI = np.array([np.cos(0.4), np.sin(0.4) * np.exp(0.3j)])
PATHS, STEPS = 100_000, 100
# Steps of ours: those of the peers, and as many as have their weak error.
RUNS = (STEPS, 8, 4)
# Trajectories of a peer: as many as take seconds.
QUTIP, DYNAMIQS = 300, PATHS
STEP = "step and trajectory"
# Of a dozen averages none lies beyond, with chance 0.999.
ERRORS = 4.0
OURS, PATHWISE = "jqd, drawn records", "jqd, pathwise"
SHOWN = ("trajectories", "steps", "same_step", "mean_in_errors", "weak_error")
NOTES = [
    "Set-up: H = σ_x/2, σ_z measured at γ = 1/2, up to t = 2; <σ_z> at the end in the "
    "mean over paths, `mean_in_errors` its distance from Lindblad's equation in "
    "standard errors. `weak_error` is what steps add to that mean, without sampling: "
    "of ours that of Strang's splitting of the mean equation, of dynamiqs that of its "
    "own mesolve with the same method and step; of QuTiP it is not known. "
    "EulerMaruyama does not keep the norm: at this step some paths run away, and take "
    "the mean along.",
    "`times_jqd` compares times of a trajectory with that of `beside`, the run of ours "
    "of the fewest steps whose weak error is no larger, and 100 steps where that is "
    "not known. `same_step` compares times of a step, whatever its error. jqd keeps "
    "the mean and its standard error of paths in blocks of 64, each path with numbers "
    "of its own that halved steps share; dynamiqs all paths at once, with one number a "
    "step; QuTiP one trajectory after the other.",
]


def run(quick: bool = False) -> Report:
    """Steps of trajectories per second, and how far means are from the exact one."""
    paths = 512 if quick else PATHS
    programs = {_name(n): (paths, n, partial(_ours, True, paths, n)) for n in RUNS}
    programs[PATHWISE] = (paths, STEPS, partial(_ours, False, paths, STEPS))
    if not quick:
        programs |= _qutip() | _dynamiqs()
    calls = {name: one and one[2] for name, one in programs.items()}
    exact = _exact()

    def look(name: str, result: Any) -> dict[str, Any]:
        (number, steps, _), (mean, error) = programs[name], result
        return {
            "trajectories": number, "steps": steps, "work": number * steps,
            "unit": STEP, "error": round_to(abs(mean - exact), 2),
            "stderr": round_to(error, 2),
            "mean_in_errors": round_to(abs(mean - exact) / error, 2),
            "weak_error": _weak_error(name, steps, exact),
        }  # fmt: skip

    rows = compared(calls, 2 if quick else 5, look, case="qubit").rows
    timed = [row for row in rows if "steps" in row]
    known = {row["program"]: row for row in timed}
    step = unit_seconds(known[_name(STEPS)])
    for row in timed:
        row["steps_per_s"] = round_to(1 / unit_seconds(row), 3)
        row["same_step"] = round_to(unit_seconds(row) / step, 3)
        row["beside"] = beside = _beside(row, known)
        row["times_jqd"] = round_to(_seconds(row) / _seconds(known[beside]), 3)
    title = f"A monitored qubit: {paths} trajectories of {STEPS} steps"
    return Report(title, rows, _goals(timed), NOTES)


def _name(steps: int) -> str:
    return OURS if steps == STEPS else f"{OURS}, {steps} steps"


def _seconds(row: dict[str, Any]) -> float:
    """Of one trajectory."""
    return unit_seconds(row) * row["steps"]


def _beside(row: dict[str, Any], known: dict[str, Any]) -> str:
    """Our run of the fewest steps whose weak error is no larger."""
    error = row["weak_error"]
    if error is None or row["program"].startswith("jqd"):
        return _name(STEPS)
    able = [n for n in RUNS if known[_name(n)]["weak_error"] <= error]
    return _name(min(able, default=STEPS))


def _goals(rows: list[dict[str, Any]]) -> list[Goal]:
    goals = []
    for peer in ("QuTiP", "dynamiqs"):
        mine = [row for row in rows if row["program"].startswith(peer)]
        like = "at like error" if peer == "dynamiqs" else "in as many steps"
        for column, what in (
            ("times_jqd", f"trajectories per second {like}"),
            ("same_step", "steps per second, whatever their error"),
        ):
            least = min((row[column] for row in mine), default=None)
            goals.append(Goal(f"{what}, over {peer}", least, 1))
    ours = [row for row in rows if row["program"].startswith("jqd")]
    # fewer steps have an error of their own
    most = max(row["mean_in_errors"] for row in ours if row["steps"] == STEPS)
    goals.append(Goal("mean from Lindblad's, in standard errors", most, ERRORS, False))
    return goals


# -- jqd -------------------------------------------------------------------------------


def _sz(t: Any, psi: Any) -> Any:
    del t
    return jnp.abs(psi[0]) ** 2 - jnp.abs(psi[1]) ** 2


TS = np.array([0.0, LENGTH])


def _ours(draw: bool, paths: int, steps: int) -> tuple[float, float]:
    """<σ_z> at the end and its standard error."""
    law = jqd.laws.Collapse(H, A, GAMMA, draw=draw)
    method = jqd.Fixed(substeps=steps, estimate_error=False)
    found = jqd.evolve(
        law, law.prepare(PSI), TS, method=method, observe=_sz, key=jax.random.key(1),
        paths=paths,
    )  # fmt: skip
    return float(found.values[-1]), float(found.stderr[-1])


def _of_mean(law: Any, method: Any) -> float:
    """<σ_z> at the end by an equation of the mean."""
    run = jqd.evolve(law, law.prepare(PSI), TS, observe="density", method=method)
    return float(run.values[-1, 0] - run.values[-1, 1])


def _exact() -> float:
    """By the exponential of the matrix of Lindblad's equation."""
    law = jqd.Lindblad(H, {"z": jqd.laws.Jump(np.diag(A), GAMMA)})
    return _of_mean(law, jqd.Propagator())


def _weak_error(name: str, steps: int, exact: float) -> float | None:
    """What the steps alone add to the mean."""
    if name.startswith(OURS):
        law = jqd.laws.Collapse(H, A, GAMMA).mean_field()
        method = jqd.Fixed(jqd.steppers.strang, steps, estimate_error=False)
        return round_to(abs(_of_mean(law, method) - exact), 2)
    if not name.startswith("dynamiqs"):
        return None
    dq = optional("dynamiqs")
    assert dq is not None
    method = dq.method.Rouchon1 if "Rouchon1" in name else dq.method.Euler
    found = dq.mesolve(
        *_dynamiqs_problem(dq), TS, exp_ops=[dq.sigmaz()],
        method=method(dt=LENGTH / steps), progress_meter=False,
    )  # fmt: skip
    return round_to(abs(float(found.expects[0, -1].real) - exact), 2)


# -- peers -----------------------------------------------------------------------------


@qutip
def _qutip(qt: Any) -> dict[str, Any]:
    turn, sz = qt.Qobj(H), qt.sigmaz()
    start, channel = qt.Qobj(PSI), np.sqrt(GAMMA) * sz
    rho = start * start.dag()
    seeds = iter(range(10**9))

    def mean(solve: Any, state: Any, method: str) -> tuple[float, float]:
        options = {
            "method": method, "dt": LENGTH / STEPS, "progress_bar": "",
            "store_states": False,
        }  # fmt: skip
        found = solve(
            turn, state, [0.0, LENGTH], sc_ops=[channel], e_ops=[sz], ntraj=QUTIP,
            options=options, seeds=next(seeds),
        )  # fmt: skip
        spread = np.asarray(found.std_expect[0])[-1]
        return float(found.average_expect[0][-1]), float(spread / np.sqrt(QUTIP))

    return {
        f"QuTiP {solve.__name__} {method}": (
            QUTIP, STEPS, partial(mean, solve, state, method),
        )
        for solve, state, method in (
            (qt.ssesolve, start, "platen"),
            (qt.ssesolve, start, "rouchon"),
            (qt.smesolve, rho, "platen"),
        )
    }  # fmt: skip


def _dynamiqs_problem(dq: Any) -> tuple[Any, Any, Any]:
    channel = dq.asqarray(np.sqrt(GAMMA) * np.diag(A) + 0j)
    return dq.asqarray(H + 0j), [channel], dq.asqarray(PSI[:, None])


@dynamiqs
def _dynamiqs(dq: Any) -> dict[str, Any]:
    turn, channels, start = _dynamiqs_problem(dq)
    sz, ts = dq.asqarray(np.diag(A) + 0j), (0.0, LENGTH)

    def program(method: Any) -> Any:
        @jax.jit
        def mean(keys: Any) -> Any:
            found = dq.dssesolve(
                turn, channels, start, ts, keys, exp_ops=[sz], method=method,
                save_states=False,
            )  # fmt: skip
            last = jnp.real(found.expects[:, 0, -1])
            return jnp.mean(last), jnp.std(last) / np.sqrt(DYNAMIQS - 1)

        keys = jax.random.split(jax.random.key(2), DYNAMIQS)
        return lambda: tuple(float(x) for x in mean(keys))

    ways = {
        "EulerMaruyama": (dq.method.EulerMaruyama, 1),
        "Rouchon1": (dq.method.Rouchon1, 1),
        "Rouchon1, 4 times the steps": (dq.method.Rouchon1, 4),
    }
    return {
        f"dynamiqs {name}": (
            DYNAMIQS, more * STEPS, program(make(dt=LENGTH / (more * STEPS))),
        )
        for name, (make, more) in ways.items()
    }  # fmt: skip

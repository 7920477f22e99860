"""N systems that copy each other: leaps, and single copies beside NumPy and C."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd.ensembles import copying
from jqd.problems import golden

from . import gillespie
from .copy_dynamics import random_problem
from .timing import Goal, Report, compared, round_to, unit_seconds

# classes, trajectories, time: some 15 leaps
LEAPS = ((3, 4096, 1.0), (8, 512, 0.5), (32, 64, 0.2), (128, 8, 0.1))
COPIES = (10**3, 10**4, 10**6, 10**9, 10**12)
# trajectories side by side, M = 3, N = 1e6, time: some 5 leaps
BATCHES, BATCH_TIME = (1, 64, 4096, 100_000), 0.2
# a small class makes single copies of leaps: enough for all that is timed
MOST_STEPS = 40
# copies, time and trajectories of the race against NumPy and C
RACE = (1000, 1.0, 512)
SLOW_TRAJECTORIES = 8
STEP = "step and trajectory"
SHOWN = ("cpu_us_per_step", "mean_in_errors")
LEAP, EXACT = "jqd leap", "jqd exact"
NUMPY, COMPILED = "numpy, one by one", "C, one by one"
BEHIND = {
    COMPILED: "C makes one trajectory after the other, with one branch of each choice "
    "and a few operations a random number; XLA keeps all in step, goes through both "
    "branches, and its counter-based numbers take some hundred operations."
}
# Of eight averages or fewer none lies beyond 4 standard errors, with chance 0.9995.
ERRORS = 4.0


def run(quick: bool = False) -> Report:
    """Microseconds a step and trajectory; time of one trajectory, and its mean."""
    rounds = 2 if quick else 5
    rows, goals = [], []
    cases = ((3, 8, 0.1),) if quick else LEAPS
    for size, trajectories, T in cases:
        found = _leaps(size, trajectories, T, COPIES[::4] if quick else COPIES, rounds)
        rows += found
        if size == 3:
            cost = found[0]["cpu_us_per_step"]
            goals.append(
                Goal("leap, M = 3, process time of a step, us", cost, 10, False)
            )
    if not quick:
        found = [one_batch(number, rounds) for number in BATCHES]
        rows += found
        if jax.devices()[0].platform == "gpu":
            rate = 1 / min(unit_seconds(row) for row in found)
            goals.append(Goal("leaps per second on the GPU, M = 3", rate, 1e8))
    one_by_one, more = _race(quick, rounds)
    return Report(
        "Ensembles that copy: leaps and single copies",
        rows + one_by_one,
        goals + more,
        [
            "Of a leap the time is the wall time of one step of one trajectory (many "
            "go side by side), cpu_us_per_step its process time, all threads together: "
            "what one core would need. Where classes have fewer than 10 systems, steps "
            f"are single copies; at most {MOST_STEPS} steps are timed. Rows of one M "
            "share one program, which the first of them compiles.",
            "One by one: the standard problem of three classes. steps counts proposals "
            "and cut steps of phases, alike in all; "
            "events_per_s is of copies that took place, at the peers' copies per "
            "trajectory. mean_in_errors: largest distance of E[n_a/N] from the exact "
            "sampler's, in standard errors. NumPy and C know only q = 1/2, r = -1/2.",
            f"C compiled by {gillespie.compiler()} {' '.join(gillespie.FLAGS)}, one "
            "trajectory after the other on one core."
            if any(row["program"] == COMPILED and "steps" in row for row in one_by_one)
            else "No C compiler was found, or it failed: no comparison with C.",
        ],
    )


def _leaps(
    size: int, trajectories: int, T: float, copies: tuple[int, ...], rounds: int
):
    """One row a number of copies."""
    sample = partial(
        _sample, *standard_problem(size), T, trajectories, "leap", MOST_STEPS
    )
    found = compared(
        {f"M = {size}, N = {float(N):g}": partial(sample, N) for N in copies}, rounds,
        _steps, M=size, trajectories=trajectories,
    )  # fmt: skip
    for row, N in zip(found.rows, copies, strict=True):
        row |= {"case": row["program"], "program": LEAP, "N": float(N)}
    return [row | _cost(row) for row in found.rows]


def one_batch(trajectories: int, rounds: int) -> dict[str, Any]:
    sample = partial(
        _sample, *standard_problem(3), BATCH_TIME, trajectories, "leap", MOST_STEPS
    )
    (row,) = compared(
        {LEAP: partial(sample, 10**6)}, rounds, _steps, M=3, N=1e6,
        case=f"M = 3, N = 1e+06, {trajectories} together", trajectories=trajectories,
    ).rows  # fmt: skip
    return row | _cost(row)


def _steps(_: str, result: Any) -> dict[str, Any]:
    steps = int(np.sum(result.steps))
    return {"steps": steps, "work": steps, "unit": STEP}


def _cost(row: dict[str, Any]) -> dict[str, Any]:
    return {"cpu_us_per_step": round_to(row["cpu_s"] / row["steps"] * 1e6, 3)}


def standard_problem(size: int) -> tuple[jqd.CopyDynamics, jax.Array]:
    """The standard three classes, or random ones of equal size and random phases."""
    if size == 3:
        return golden()
    H, psi = random_problem(size, 1)
    return jqd.CopyDynamics.from_hamiltonian(H), jnp.asarray(
        psi[0] / np.abs(psi[0]) / size**0.5
    )


def _sample(law, psi, T, trajectories, method, most, N):
    return copying.sample(
        law, psi, np.array([0.0, T]), jax.random.key(0), copies=N, method=method,
        trajectories=trajectories, max_steps=most, error_trajectories=0,
    )  # fmt: skip


def _race(quick: bool, rounds: int) -> tuple[list[dict[str, Any]], list[Goal]]:
    """Both samplers, NumPy and C at the same N and T."""
    N, T, number = (100, 0.1, 8) if quick else RACE
    law, psi = golden()
    H = np.asarray(law.hamiltonian())
    omega, H = np.diag(H).real.copy(), H - np.diag(np.diag(H))
    loop = gillespie.in_numpy(omega, H, np.asarray(psi))
    compiled = gillespie.in_c(omega, H, np.asarray(psi))
    slow = min(number, SLOW_TRAJECTORIES)
    programs = {
        EXACT: partial(_sample, law, psi, T, number, "exact", 10**9, N),
        LEAP: partial(_sample, law, psi, T, number, "leap", 10**9, N),
        NUMPY: partial(loop, slow, N, T),
        COMPILED: compiled and partial(compiled, number, N, T),
    }

    def look(_: str, result: Any) -> dict[str, Any]:
        # a leap makes many copies at once: compared by trajectories, not by steps
        number = len(_density(result))
        work = {"work": number, "unit": "trajectory", "trajectories": number}
        return work | {"steps": int(np.sum(result.steps))}

    found = compared(
        programs, rounds, look, case=f"one by one, M = 3, N = {N}", M=3, N=float(N)
    )
    timings, cost = found.timings, {}
    peer = timings.get(COMPILED, timings[NUMPY]).result
    share = peer.events / len(peer.density)
    ours = np.asarray(timings[EXACT].result.density[:, -1])
    for row in found.rows:
        name = row["program"]
        if name not in timings:
            continue
        apart = _apart(_density(timings[name].result), ours)
        row |= _cost(row) | {"mean_in_errors": round_to(apart, 2)}
        cost[name] = row["cpu_us_per_step"]
        if name != LEAP:
            row["steps_per_s"] = round_to(row["steps"] / row["median_s"], 3)
            events = share * row["trajectories"] / row["median_s"]
            row["events_per_s"] = round_to(events, 3)
    beside = cost[EXACT] / cost[COMPILED] if COMPILED in cost else None
    apart = max(found.column("mean_in_errors").values())
    return found.rows, [
        Goal("exact sampler over C, process time of a step", beside, 5, False),
        Goal(
            "numpy over the exact sampler, process time of a step",
            cost[NUMPY] / cost[EXACT], 10,
        ),
        Goal("all means agree, in standard errors", apart, ERRORS, False),
    ]  # fmt: skip


def _density(result: Any) -> np.ndarray:
    """n_a/N at the last time, (S, M)."""
    density = np.asarray(result.density)
    return density[:, -1] if density.ndim == 3 else density


def _apart(density: np.ndarray, ours: np.ndarray) -> float:
    """Distance of the means; all have the spread of `ours`, the exact sampler's."""
    spread = np.std(ours, axis=0, ddof=1)
    error = spread * np.sqrt(1 / len(density) + 1 / len(ours))
    return float(np.max(np.abs(density.mean(0) - ours.mean(0)) / error))

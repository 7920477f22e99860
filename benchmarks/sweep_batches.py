"""Points of a sweep as one batch on one device, beside dynamiqs' batched form.

A loop over points pays the start of a program a point, which says nothing of programs:
here both take all points at once, and errors are compared as well as times.
"""

from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jqd

from .peers import optional
from .timing import Goal, Timing, missing, race, ratio, round_to

BATCH, LEAST = 1024, 1.5
# a peer's error is like ours up to so many times ours, or below this
ALIKE, SMALL = 10.0, 1e-9
SCHRODINGER, COPY_LAW = "batch, Schrödinger's equation", "batch, copy law"
# method of dynamiqs and its tolerance, None where it has none
METHODS = (
    ("Expm", None), ("Tsit5", 1e-6), ("Tsit5", 1e-7), ("Dopri5", 1e-7),
    ("Dopri8", 1e-7), ("Dopri8", 1e-8),
)  # fmt: skip
NOTE = (
    "Batches: all points in one program on one device, no files. Both solve "
    "Schrödinger's equation for as many Hamiltonians, and the goal is over the fastest "
    "of dynamiqs' methods with an error like ours. dynamiqs has no copy law: beside it "
    "stand its methods that step, at Schrödinger's equation."
)


class Problem(NamedTuple):
    """One equation at many points.

    Attributes:
        H: Hamiltonian, (M, M).
        psi0: state, (M,).
        ts: times, (T,).
        scales: of the Hamiltonian of each point, (B,).
    """

    H: np.ndarray
    psi0: np.ndarray
    ts: np.ndarray
    scales: np.ndarray

    def exact(self) -> np.ndarray:
        """|ψ|² from the eigenbasis, (B, T, M)."""
        energies, basis = np.linalg.eigh(self.H)
        angles = np.multiply.outer(np.multiply.outer(self.scales, self.ts), energies)
        return np.abs((np.exp(-1j * angles) * (basis.T @ self.psi0)) @ basis.T) ** 2


def rows(
    H: np.ndarray, psi0: np.ndarray, ts: np.ndarray, quick: bool
) -> tuple[list[dict[str, Any]], list[Goal]]:
    """Rows of both cases, and the goal."""
    size = 8 if quick else BATCH
    problem = Problem(H, psi0, ts, np.linspace(0.9, 1.1, size))
    rounds = 1 if quick else 5
    found, goals = [], []
    for case, ours, methods in (
        (SCHRODINGER, _schrodinger(problem), METHODS),
        (COPY_LAW, _copy_law(problem), METHODS[1:]),
    ):
        densities = {"jqd": ours}
        if optional("dynamiqs") is not None:
            densities |= {_name(*each): _dynamiqs(problem, *each) for each in methods}
        programs = {name: _reduced(run) for name, run in densities.items()}
        timings = race(programs, rounds)
        exact = problem.exact()
        errors = {name: _error(run, exact) for name, run in densities.items()}
        found += _rows_of(case, timings, errors, size)
        if len(timings) == 1:
            found.append(missing({"case": case, "program": "dynamiqs, batched"}))
        if case == SCHRODINGER:
            goals.append(_goal(timings, errors, measured=not quick))
    return found, goals


def _rows_of(
    case: str, timings: dict[str, Timing], errors: dict[str, float], size: int
) -> list[dict[str, Any]]:
    return [
        {"case": case, "program": name, "points": size}
        | timing.row(size, "point")
        | {"error": round_to(errors[name], 2)}
        | {"times_jqd": round_to(ratio(timing, timings["jqd"]) or 0.0, 3)}
        for name, timing in timings.items()
    ]


def _goal(
    timings: dict[str, Timing], errors: dict[str, float], *, measured: bool
) -> Goal:
    """The fastest method of like error, over ours."""
    bound = max(ALIKE * errors["jqd"], SMALL)
    alike = [name for name in timings if name != "jqd" and errors[name] <= bound]
    best = min(alike, key=lambda name: timings[name].median, default=None)
    value = ratio(timings[best], timings["jqd"]) if best and measured else None
    text = "a point of a batch, over dynamiqs' batched form at like error"
    return Goal(f"{text} ({best})" if best else text, value, LEAST)


# -- programs: scales (B,) -> densities (B, T, M) -------------------------------------

Run = partial[Any]


def _schrodinger(problem: Problem) -> Run:
    def one(scale: Any) -> Any:
        law = jqd.Schrodinger(scale * (problem.H + 0j))
        return _density(law, problem, jqd.Propagator())

    return partial(jax.vmap(one), jnp.asarray(problem.scales))


def _copy_law(problem: Problem) -> Run:
    def one(scale: Any) -> Any:
        law = jqd.CopyDynamics.from_hamiltonian(scale * problem.H)
        # one step between saved times, as in the sweep
        return _density(law, problem, jqd.Fixed(jqd.steppers.rk4, estimate_error=False))

    return partial(jax.vmap(one), jnp.asarray(problem.scales))


def _density(law: Any, problem: Problem, method: Any) -> Any:
    start = law.prepare(problem.psi0)
    ts = problem.ts
    return jqd.evolve(law, start, ts, method=method, observe="density").values


def names() -> list[str]:
    """Of dynamiqs' methods, in the table."""
    return [_name(*each) for each in METHODS]


def _name(method: str, tolerance: float | None) -> str:
    return f"dynamiqs {method}" + ("" if tolerance is None else f" {tolerance:g}")


def _dynamiqs(problem: Problem, method: str, tolerance: float | None) -> Run:
    import dynamiqs as dq

    methods = import_module("dynamiqs.method")
    options = {} if tolerance is None else {"rtol": tolerance, "atol": tolerance}
    chosen = getattr(methods, method)(**options)
    start, H = jnp.asarray(problem.psi0)[:, None], jnp.asarray(problem.H)
    times = jnp.asarray(problem.ts)

    def run(scales: Any) -> Any:
        many = scales[:, None, None] * H[None]
        found = dq.sesolve(many, start, times, method=chosen, progress_meter=False)
        return jnp.abs(found.states.to_jax()[..., 0]) ** 2

    return partial(run, jnp.asarray(problem.scales))


def _reduced(run: Run) -> Run:
    """Three numbers a point, as the sweep keeps."""

    @jax.jit
    def program(scales: Any) -> Any:
        density = run.func(scales)
        return density[..., 0].max(-1), density.mean((-2, -1)), density.min((-2, -1))

    return partial(program, *run.args)


def _error(run: Run, exact: np.ndarray) -> float:
    """Largest total variation from the eigenbasis, over times and points."""
    density = jax.jit(run.func)(*run.args)
    return float(np.max(np.sum(np.abs(np.asarray(density) - exact), axis=-1)) / 2)

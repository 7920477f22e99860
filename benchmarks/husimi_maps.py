"""Husimi maps of 200 states of 40 levels on 128 x 128 points."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jqd.states import husimi_map

from .peers import qutip
from .timing import Goal, Report, compared, round_to

OURS = "jqd husimi_map"
SINGLE = "jqd husimi_map complex64"
EAGER = "jqd husimi_map, outside jit"
PLAIN = "plain jax.numpy, all amplitudes times all states"
QUTIP = {
    "kets": ("QuTiP QFunc", "QuTiP qfunc"),
    "operators": ("QuTiP QFunc", "QuTiP qfunc, little memory"),
}
# the factor by which the better of QuTiP is to be beaten
FACTORS = {"kets": (1.6, 5), "operators": (100, 100)}


def run(quick: bool = False) -> Report:
    """Time and error of the maps of kets and of density operators."""
    states, levels, points = (4, 8, 16) if quick else (200, 40, 128)
    x, y = np.linspace(-6, 6, points), np.linspace(-5, 6.5, points)
    kets, operators = _states(states, levels)
    report = Report(
        f"Husimi maps of {states} states of {levels} levels on {points} x {points}",
        [],
        [],
        [
            "QuTiP's QFunc keeps its amplitudes from call to call, as it is meant to; "
            "they are made in its first call. Operators are mixtures of full rank. "
            "Errors are absolute, of Q, whose largest value is below 1/π."
        ],
    )
    for case, batch in (("kets", kets), ("operators", operators)):
        exact = _exact(batch, x, y)

        def look(name: str, result: Any, exact=exact) -> dict[str, Any]:
            error = float(np.max(np.abs(np.asarray(result) - exact)))
            dtype = {"dtype": "complex64"} if name == SINGLE else {}
            return {"error": round_to(error, 2)} | dtype

        programs = _ours(batch, x, y) | _qutip(case, batch, x, y)
        found = compared(programs, 2 if quick else 7, look, beside=OURS, case=case)
        report.rows += found.rows
        best, text = (
            found.fastest("QuTiP"),
            "{}: {:g}x faster than the best of QuTiP, {}",
        )
        report.goals += [
            found.faster(text.format(case, factor, dtype), factor, best, ours)
            for ours, factor, dtype in zip(
                (OURS, SINGLE), FACTORS[case], ("complex128", "complex64"), strict=True
            )
        ]
        error = found.column("error")[OURS]
        report.goals.append(Goal(f"{case}: error", error, 1e-13, at_least=False))
    return report


def _states(count: int, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Random kets (count, d), and mixtures of full rank (count, d, d)."""
    rng = np.random.default_rng(0)
    draw = rng.normal(size=(2, count, levels, levels))
    vectors = draw[0] + 1j * draw[1]
    kets = vectors[:, 0] / np.linalg.norm(vectors[:, 0], axis=1, keepdims=True)
    operators = vectors @ vectors.conj().swapaxes(1, 2)
    traces = np.trace(operators, axis1=1, axis2=2).real
    return kets, operators / traces[:, None, None]


def _amplitudes(x: np.ndarray, y: np.ndarray, levels: int) -> np.ndarray:
    """<α|n> at the points of the grid, (y x, d), by powers in plain NumPy."""
    alpha = (x[None, :] + 1j * y[:, None]).ravel()
    steps = np.conj(alpha)[:, None] / np.sqrt(np.arange(1, levels))[None, :]
    powers = np.cumprod(np.concatenate((np.ones((alpha.size, 1)), steps), 1), 1)
    return np.exp(-(np.abs(alpha) ** 2) / 2)[:, None] * powers


def _exact(batch: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    bra = _amplitudes(x, y, batch.shape[-1])
    if batch.ndim == 2:
        values = np.abs(batch @ bra.T) ** 2
    else:
        values = np.stack([np.sum((bra @ s) * bra.conj(), 1).real for s in batch])
    return values.reshape(-1, y.size, x.size) / np.pi


def _ours(batch: np.ndarray, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    double, single = jnp.asarray(batch), jnp.asarray(batch, np.complex64)
    maps = partial(husimi_map, x=x, y=y, operators=batch.ndim == 3)
    compiled = jax.jit(maps)
    programs = {
        OURS: partial(compiled, double),
        SINGLE: partial(compiled, single),
        EAGER: partial(maps, double),
    }
    if batch.ndim == 2:
        bra = jnp.asarray(_amplitudes(x, y, batch.shape[-1]).T)

        @jax.jit
        def plain(kets):
            amplitudes = kets @ bra
            values = (amplitudes.real**2 + amplitudes.imag**2) / np.pi
            return values.reshape(-1, y.size, x.size)

        programs[PLAIN] = partial(plain, double)
    return programs


@qutip
def _qutip(
    qt: Any, case: str, batch: np.ndarray, x: np.ndarray, y: np.ndarray
) -> dict[str, Any]:
    states = [qt.Qobj(state) for state in batch]
    memory = 1024 if case == "kets" else None
    calls = (
        qt.QFunc(x, y, 2.0),
        lambda state: qt.qfunc(state, x, y, 2.0, precompute_memory=memory),
    )

    def solve(call):
        return np.stack([call(state) for state in states])

    return {
        name: partial(solve, call)
        for name, call in zip(QUTIP[case], calls, strict=True)
    }

"""256 Kerr oscillators of 64 levels, all states at 200 times."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd

from .floors import bandwidth
from .peers import by_dynamiqs, by_qutip, dynamiqs, qutip
from .systems import ALPHA, LEVELS, coherent, error, kerr_diagonal, kerr_exact
from .timing import Report, beside_floor, compared

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
    found = compared(
        programs, 2 if quick else 5,
        lambda _, result: {"error": error(getattr(result, "values", result), exact)},
        beside=OURS,
    )  # fmt: skip
    # half of what a copy moves is written
    floor = exact.nbytes / (bandwidth(exact.nbytes, quick) / 2)
    ours = [row for row in found.rows if row["program"].startswith(("jqd", "plain"))]
    beside_floor(ours, floor, "all states written once")
    goals = [
        found.faster(f"{factor}x faster than {name}", factor, name, OURS)
        # the fastest of each that is as exact
        for factor, name in ((6, QUTIP[0]), (14, DYNAMIQS[0]))
    ]
    return Report(
        f"Kerr oscillator, {LEVELS} levels, {values} values of K, {saves} times",
        found.rows,
        goals,
        [
            "jqd is told that H is diagonal, dynamiqs that it is banded (`dia`); "
            "QuTiP loops over K. The dense row of jqd is told nothing.",
            "Floor: all states written once, at half the time of a copy of as many "
            "bytes in place; those of a call go to fresh memory, which costs more.",
        ],
    )


def states(K: Any, ts: np.ndarray, psi0: np.ndarray, hamiltonian: np.ndarray) -> Any:
    """The runs for all K."""
    start = jnp.asarray(psi0, complex)

    def solve(K):
        law = jqd.Schrodinger(K * hamiltonian)
        return jqd.evolve(law, start, ts, method=jqd.Propagator())

    return jax.vmap(solve)(K)


def by_jqd(K: np.ndarray, ts: np.ndarray, psi0: np.ndarray, H: Any = None) -> Any:
    """States by a program that is told the diagonal, or given another form of it."""
    hamiltonian = kerr_diagonal() if H is None else H
    run = jax.jit(lambda K: states(K, ts, psi0, hamiltonian).values)
    return partial(run, jnp.asarray(K))


def _ours(K: np.ndarray, ts: np.ndarray, psi0: np.ndarray) -> dict[str, Any]:
    diagonal, many = kerr_diagonal(), jnp.asarray(K)
    whole = jax.jit(lambda K: states(K, ts, psi0, diagonal))
    start = jnp.asarray(psi0, complex)

    @jax.jit
    def plain(K):
        angle = K[:, None, None] * ts[None, :, None] * diagonal[None, None, :]
        return jax.lax.complex(jnp.cos(angle), -jnp.sin(angle)) * start[None, None, :]

    return {
        OURS: by_jqd(K, ts, psi0),
        "jqd Propagator, error bars and diagnostics kept": partial(whole, many),
        "jqd Propagator, dense H": by_jqd(K, ts, psi0, np.diag(diagonal)),
        "plain jax.numpy phases": partial(plain, many),
    }


@qutip
def _qutip(qt: Any, K: np.ndarray, ts: np.ndarray, psi0: np.ndarray) -> dict[str, Any]:
    a = qt.destroy(LEVELS)
    unit, start = (a.dag() ** 2 * a**2) / 2, qt.Qobj(psi0)

    def solve(**options: Any) -> np.ndarray:
        return np.array([by_qutip(qt, k * unit, start, ts, **options) for k in K])

    return {QUTIP[0]: partial(solve, method="diag"), QUTIP[1]: solve}


@dynamiqs
def _dynamiqs(dq: Any, K: np.ndarray, ts: np.ndarray, psi0: np.ndarray) -> Any:
    a = dq.destroy(LEVELS)
    H = jnp.asarray(K)[:, None, None] * (a.dag() @ a.dag() @ a @ a) / 2
    start = jnp.asarray(psi0, complex)[:, None]
    tight = dq.method.Dopri8(rtol=1e-8, atol=1e-10)
    methods = dq.method.Expm(), dq.method.Tsit5(), tight
    solve = partial(by_dynamiqs, dq, H, start, ts)
    return {n: partial(solve, method=m) for n, m in zip(DYNAMIQS, methods, strict=True)}

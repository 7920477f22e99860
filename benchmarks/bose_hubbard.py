"""Two-site Bose-Hubbard model of 12 x 12 levels, to an error of 1e-9."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd

from .systems import bose_hubbard, coherent, eigen_orbit, error, optional
from .timing import Goal, Report, missing, race, ratio

ERROR = 1e-9
NOTE = (
    "Where H is no tracer jqd finds its blocks of equal particle number and solves "
    "each one; under a trace of H it diagonalises the whole matrix. Tolerances of the "
    "peers were tuned to an error of 1e-9."
)
OURS = "jqd Propagator, H known"


def run(quick: bool = False) -> Report:
    """Time and error of one solve, 200 saved states."""
    levels, saves = (4, 5) if quick else (12, 200)
    H, ts = bose_hubbard(levels), np.linspace(0, 10.0, saves)
    psi0 = np.kron(coherent(1.5, levels), coherent(0.75, levels))
    exact = eigen_orbit(H, psi0, ts)
    peers = _qutip(H, ts, psi0, levels) | _dynamiqs(H, ts, psi0, levels)
    timings = race(_ours(H, ts, psi0) | peers, 2 if quick else 15)
    rows, errors = [], {}
    for name, timing in timings.items():
        errors[name] = error(timing.result, exact)
        row = {"program": name, **timing.row(saves, "saved time")}
        row["error"] = errors[name]
        row["times_jqd"] = float(f"{ratio(timing, timings[OURS]):.3g}")
        rows.append(row)
    goals = []
    for peer in ("QuTiP", "dynamiqs"):
        able = [n for n in peers if n.startswith(peer) and errors[n] <= ERROR]
        best = min(able, key=lambda n: timings[n].median, default=None)
        measured = ratio(timings[best], timings[OURS]) if best else None
        text = f"4x faster than the best of {peer} with an error <= {ERROR:g}"
        goals.append(Goal(f"{text} ({best or 'none'})", measured, 4))
        if not any(n.startswith(peer) for n in peers):
            rows.append(missing(peer))
    return Report(
        f"Bose-Hubbard, 2 sites x {levels} levels, t = 10, {saves} times",
        rows,
        goals,
        [NOTE],
    )


def _ours(H: np.ndarray, ts: np.ndarray, psi0: np.ndarray) -> dict[str, Any]:
    matrix, psi0 = jnp.asarray(H), jnp.asarray(psi0, complex)

    @jax.jit
    def traced(H):
        method = jqd.Propagator()
        return jqd.evolve(jqd.Schrodinger(H), psi0, ts, method=method).values

    @jax.jit
    def known(psi0):
        # as QuTiP and dynamiqs: solved anew in each call, H is no tracer
        return jqd.evolve(jqd.Schrodinger(matrix), psi0, ts).values

    def eager():
        return jqd.evolve(jqd.Schrodinger(matrix), psi0, ts).values

    @jax.jit
    def plain(H):
        energies, vectors = jnp.linalg.eigh(H)
        angle = energies[None, :] * ts[:, None]
        phase = jax.lax.complex(jnp.cos(angle), -jnp.sin(angle))
        return (phase * (vectors.T @ psi0)[None, :]) @ vectors.T

    return {
        OURS: partial(known, psi0),
        "jqd Propagator, H traced": partial(traced, matrix),
        "jqd, outside jit, error bars and diagnostics kept": eager,
        "plain jnp.linalg.eigh": partial(plain, matrix),
    }


def _qutip(H, ts, psi0, levels) -> dict[str, Any]:
    qt = optional("qutip")
    if qt is None:
        return {}
    dims = [levels, levels]
    matrix = qt.Qobj(H, dims=[dims, dims]).to("CSR")
    start = qt.Qobj(psi0, dims=[dims, [1]])

    def solve(**options) -> np.ndarray:
        options |= {"progress_bar": "", "store_states": True, "nsteps": 100_000}
        if options.get("method") == "diag":
            del options["nsteps"]
        result = qt.sesolve(matrix, start, ts, options=options)
        return np.array([psi.full()[:, 0] for psi in result.states])

    tight = {"rtol": 2e-11, "atol": 2e-11}
    return {
        "QuTiP default": solve,
        "QuTiP diag": partial(solve, method="diag"),
        "QuTiP vern9 1e-8": partial(solve, method="vern9", rtol=1e-8, atol=1e-8),
        "QuTiP vern9 2e-11": partial(solve, method="vern9", **tight),
        "QuTiP dop853 2e-11": partial(solve, method="dop853", **tight),
    }


def _dynamiqs(H, ts, psi0, levels) -> dict[str, Any]:
    dq = optional("dynamiqs")
    if dq is None:
        return {}
    a, b = dq.destroy(levels, levels)
    banded = -(a.dag() @ b + b.dag() @ a)
    for c in (a, b):
        banded = banded + 0.25 * c.dag() @ c.dag() @ c @ c
    start = dq.asqarray(jnp.asarray(psi0, complex)[:, None], dims=(levels, levels))

    def solve(method):
        result = dq.sesolve(banded, start, ts, method=method, progress_meter=False)
        return result.states.to_jax()

    method = dq.method
    return {
        "dynamiqs default": partial(solve, method.Tsit5()),
        "dynamiqs Expm": partial(solve, method.Expm()),
        "dynamiqs Dopri8 1e-8": partial(solve, method.Dopri8(rtol=1e-8, atol=1e-8)),
        "dynamiqs Dopri8 5e-12": partial(solve, method.Dopri8(rtol=5e-12, atol=5e-12)),
        "dynamiqs Dopri8 1e-12": partial(solve, method.Dopri8(rtol=1e-12, atol=1e-12)),
    }

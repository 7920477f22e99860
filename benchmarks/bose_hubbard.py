"""Two-site Bose-Hubbard model of 12 x 12 levels, to an error of 1e-9."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd

from .peers import by_dynamiqs, by_qutip, dynamiqs, dynamiqs_methods, qutip
from .systems import bose_hubbard, coherent, eigen_orbit, error
from .timing import Report, compared

ERROR, U = 1e-9, 0.5
NOTE = (
    "Where H is no tracer jqd finds its blocks of equal particle number and solves "
    "each one; under a trace of H it diagonalises the whole matrix. Tolerances of the "
    "peers were tuned to an error of 1e-9."
)
OURS = "jqd Propagator, H known"


def run(quick: bool = False) -> Report:
    """Time and error of one solve, 200 saved states."""
    levels, saves = (4, 5) if quick else (12, 200)
    H, ts = bose_hubbard(levels, 1.0, U), np.linspace(0, 10.0, saves)
    psi0 = np.kron(coherent(1.5, levels), coherent(0.75, levels))
    exact = eigen_orbit(H, psi0, ts)
    found = compared(
        _ours(H, ts, psi0) | _qutip(ts, psi0) | _dynamiqs(ts, psi0),
        2 if quick else 15, lambda _, states: {"error": error(states, exact)},
        saves, "saved time", OURS,
    )  # fmt: skip
    text = "4x faster than the best of {} with an error <= {:g}"
    goals = [
        found.faster(
            text.format(name, ERROR), 4, found.fastest(name, ERROR), OURS, named=True
        )
        for name in ("QuTiP", "dynamiqs")
    ]
    return Report(
        f"Bose-Hubbard, 2 sites x {levels} levels, t = 10, {saves} times",
        found.rows,
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


def sites_of_qutip(qt: Any, psi0: np.ndarray) -> tuple[Any, ...]:
    """Hopping and repulsion of unit strength, ψ and n_1, as QuTiP has them."""
    dims = [round(psi0.size**0.5)] * 2
    hop, onsite = (
        qt.Qobj(bose_hubbard(dims[0], *c), dims=[dims, dims]).to("CSR")
        for c in ((1.0, 0.0), (0.0, 1.0))
    )
    n = qt.tensor(qt.num(dims[0]), qt.qeye(dims[0]))
    return hop, onsite, qt.Qobj(psi0.ravel(), dims=[dims, [1]]), n


def sites_of_dynamiqs(dq: Any, psi0: np.ndarray) -> tuple[Any, ...]:
    """The same as dynamiqs has them, in diagonals."""
    dims = (round(psi0.size**0.5),) * 2
    a, b = dq.destroy(*dims)
    onsite = 0.5 * sum(c.dag() @ c.dag() @ c @ c for c in (a, b))
    start = dq.asqarray(jnp.asarray(psi0, complex).reshape(-1, 1), dims=dims)
    return -(a.dag() @ b + b.dag() @ a), onsite, start, a.dag() @ a


@qutip
def _qutip(qt: Any, ts: np.ndarray, psi0: np.ndarray) -> dict[str, Any]:
    hop, onsite, start, _ = sites_of_qutip(qt, psi0)
    solve = partial(by_qutip, qt, hop + U * onsite, start, ts)
    tight = {"rtol": 2e-11, "atol": 2e-11}
    return {
        "QuTiP default": solve,
        "QuTiP diag": partial(solve, method="diag"),
        "QuTiP vern9 1e-8": partial(solve, method="vern9", rtol=1e-8, atol=1e-8),
        "QuTiP vern9 2e-11": partial(solve, method="vern9", **tight),
        "QuTiP dop853 2e-11": partial(solve, method="dop853", **tight),
    }


@dynamiqs
def _dynamiqs(dq: Any, ts: np.ndarray, psi0: np.ndarray) -> dict[str, Any]:
    hop, onsite, start, _ = sites_of_dynamiqs(dq, psi0)
    solve = partial(by_dynamiqs, dq, hop + U * onsite, start, ts)
    methods = {"dynamiqs default": dq.method.Tsit5()} | dynamiqs_methods(
        dq, "Expm", "Dopri8 1e-8", "Dopri8 5e-12", "Dopri8 1e-12"
    )
    return {name: partial(solve, method=one) for name, one in methods.items()}

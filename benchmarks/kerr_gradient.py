"""d<x>/dK of a Kerr oscillator shortly before its revival: value and gradient."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd

from .systems import ALPHA, LEVELS, coherent, kerr_diagonal, optional, position
from .timing import Goal, Report, missing, race, ratio

TIME = 2 * np.pi - 0.2
REVERSE = "jqd Propagator, reverse"
ADJOINT = "dynamiqs Tsit5 (default), BackwardCheckpointed"


def exact_gradient() -> float:
    """From <a> = sum of sqrt(n + 1) conj(psi_n) psi_n+1 exp(-i K n t), in NumPy."""
    psi, n = coherent(ALPHA, LEVELS), np.arange(LEVELS - 1)
    terms = np.sqrt(n + 1) * psi[:-1] * psi[1:] * np.exp(-1j * n * TIME)
    return float(np.sqrt(2) * np.sum(-1j * n * TIME * terms).real)


def run(quick: bool = False) -> Report:
    """Time of value and gradient, relative error of the gradient."""
    exact = exact_gradient()
    peers = {} if quick else _dynamiqs()
    timings = race(_ours() | _qutip() | peers, 2 if quick else 7)
    rows = []
    for name, timing in timings.items():
        gradient = float(np.real(timing.result[1]))
        row = {"program": name, **timing.row()}
        row["times_jqd"] = float(f"{ratio(timing, timings[REVERSE]):.3g}")
        row["error"] = float(f"{abs(gradient / exact - 1):.2g}")
        rows.append(row)
    if not _has("qutip"):
        rows.append(missing("QuTiP"))
    if not _has("dynamiqs"):
        rows.append(missing("dynamiqs"))
    measured = ratio(timings.get(ADJOINT), timings[REVERSE])
    goals = [Goal("50x faster than dynamiqs' adjoint (its default)", measured, 50)]
    return Report(
        f"d<x>/dK at t = 2 pi - 0.2, {LEVELS} levels, exact {exact:.6f}", rows, goals
    )


def _has(name: str) -> bool:
    return optional(name) is not None


def _ours() -> dict[str, Any]:
    psi0 = jnp.asarray(coherent(ALPHA, LEVELS), complex)
    diagonal, off = kerr_diagonal(), np.sqrt(np.arange(1, LEVELS))
    ts = np.array([0.0, TIME])

    def value(K, hamiltonian, ts):
        law = jqd.Schrodinger(K * hamiltonian)
        psi = jqd.evolve(law, psi0, ts, method=jqd.Propagator()).values[-1]
        # <x> = <a + a*> / sqrt(2), banded
        overlap = jnp.sum(off * jnp.conj(psi[:-1]) * psi[1:])
        return jnp.sqrt(2.0) * jnp.real(overlap)

    def reverse(hamiltonian):
        return jax.jit(
            lambda K: jax.value_and_grad(lambda K: value(K, hamiltonian, ts))(K)
        )

    @jax.jit
    def forward(K):
        return jax.jvp(lambda K: value(K, diagonal, ts), (K,), (jnp.ones_like(K),))

    K = jnp.asarray(1.0)
    return {
        REVERSE: partial(reverse(diagonal), K),
        "jqd Propagator, forward": partial(forward, K),
        "jqd Propagator, dense H, reverse": partial(reverse(np.diag(diagonal)), K),
    }


def _qutip() -> dict[str, Any]:
    qt = optional("qutip")
    if qt is None:
        return {}
    a, start = qt.destroy(LEVELS), qt.Qobj(coherent(ALPHA, LEVELS))
    unit, x = (a.dag() ** 2 * a**2) / 2, qt.Qobj(position() / np.sqrt(2))

    def value(K: float, **options) -> float:
        options |= {"progress_bar": ""}
        result = qt.sesolve(K * unit, start, [0, TIME], e_ops=[x], options=options)
        return result.expect[0][-1]

    def difference(step: float, **options) -> tuple[float, float]:
        up, down = value(1 + step, **options), value(1 - step, **options)
        return (up + down) / 2, (up - down) / (2 * step)

    return {
        "QuTiP diag, central difference": partial(difference, 1e-5, method="diag"),
        "QuTiP adams 1e-8, central difference": partial(
            difference, 1e-4, rtol=1e-8, atol=1e-10, nsteps=100_000
        ),
    }


def _dynamiqs() -> dict[str, Any]:
    dq = optional("dynamiqs")
    if dq is None:
        return {}
    a = dq.destroy(LEVELS)
    unit = (a.dag() @ a.dag() @ a @ a) / 2
    x = (a + a.dag()) / np.sqrt(2)
    start = jnp.asarray(coherent(ALPHA, LEVELS), complex)[:, None]
    ts = jnp.asarray([0.0, TIME])

    def value(K, method, gradient):
        result = dq.sesolve(
            K * unit, start, ts, exp_ops=[x], method=method, gradient=gradient,
            progress_meter=False,
        )  # fmt: skip
        return result.expects[0, -1].real

    def reverse(method, gradient):
        return jax.jit(jax.value_and_grad(partial(_ordered, value, method, gradient)))

    def forward(K, method):
        call = partial(_ordered, value, method, dq.gradient.Forward())
        return jax.jvp(call, (K,), (jnp.ones_like(K),))

    K = jnp.asarray(1.0)
    backward = dq.gradient.BackwardCheckpointed()
    default, tight = dq.method.Tsit5(), dq.method.Dopri8(rtol=1e-8, atol=1e-10)
    tight_forward = jax.jit(partial(forward, method=tight))
    return {
        ADJOINT: partial(reverse(default, backward), K),
        "dynamiqs Dopri8 1e-8, BackwardCheckpointed": partial(
            reverse(tight, backward), K
        ),
        "dynamiqs Tsit5 (default), Forward": partial(
            jax.jit(partial(forward, method=default)), K
        ),
        "dynamiqs Dopri8 1e-8, Forward": partial(tight_forward, K),
        "dynamiqs Expm, Direct": partial(
            reverse(dq.method.Expm(), dq.gradient.Direct()), K
        ),
    }


def _ordered(value, method, gradient, K):
    return value(K, method, gradient)

"""The photon tower: one interval of time beside SciPy's and QuTiP's exponentials."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd.matter import tower as towers

from .peers import optional
from .timing import (
    Goal,
    Report,
    Timing,
    race,
    ratio,
    round_to,
)

# levels of the matter; four modes with 70 configurations below the cut-off
LEVELS = (300, 700, 1400, 2800)
OMEGA, CUTOFF, COUPLING, BETA, WIDTH = (1.0, 1.2, 1.4, 1.6), 5.6, 0.07, 1.0, 6.0
ENERGY, TIME, PARTS = 5.0, 4.0, 4
# a sparse matrix of more entries takes gigabytes
MOST_ENTRIES = 4e7
SHOWN = ("products", "norm_error", "drift")
OURS, KRYLOV = "jqd Propagator", "qutip krylovsolve"
SPARSE, OPERATOR = "expm_multiply, sparse", "expm_multiply, operator"
# all programs must come so close to the reference for their times to be compared
EQUAL = 1e-9


def run(quick: bool = False) -> Report:
    """Seconds of an interval over the dimension, and errors."""
    rows, goals, rounds = [], [], 2 if quick else 5
    for levels in (12,) if quick else LEVELS:
        timings, more = _race(levels, rounds)
        rows += more
        dimension = more[0]["dimension"]
        for peer, target in ((SPARSE, 10), (OPERATOR, 1), (KRYLOV, 10)):
            if peer in timings:
                measured = ratio(timings[peer], timings[OURS])
                goals.append(Goal(f"over {peer}, {dimension}", measured, target))
    ours = [row for row in rows if row["program"] == OURS]
    errors = [row["error"] for row in rows if "error" in row]
    worst = {key: max(row[key] for row in ours) for key in ("norm_error", "drift")}
    goals += [
        Goal("largest error of all programs", max(errors), EQUAL, at_least=False),
        Goal("jqd: error of the norm", worst["norm_error"], 1e-12, at_least=False),
        Goal("jqd: drift of the energy", worst["drift"], 1e-10, at_least=False),
    ]
    return Report(
        f"Photon tower of random matter and four modes, over t = {TIME:g}",
        rows,
        goals,
        [
            "SciPy's expm_multiply gets H as a sparse matrix, as QuTiP does, where it "
            f"has at most {MOST_ENTRIES:g} entries; and as an operator that makes, by "
            "BLAS, the same two real matrix products as jqd. products: of H with a "
            "state; jqd's bounds of the spectrum, found in each call, take more.",
            "error: 2-norm of the distance from jqd's result in "
            f"{PARTS} parts of the time. drift: of <H>, from the start to the end.",
        ],
    )


def tower_of(levels: int) -> towers.Tower:
    density = towers.ExponentialDensity(BETA, WIDTH)
    matter = towers.random_matter(
        jax.random.key(0), levels, density, towers.GaussianShape(2.0)
    )
    return towers.Tower(matter, OMEGA, COUPLING, CUTOFF)


def _race(levels: int, rounds: int) -> tuple[dict[str, Timing], list[dict[str, Any]]]:
    law = tower_of(levels)
    psi = towers.level_state(law, ENERGY, 0.3)
    programs: dict[str, Callable[[], Any]] = {OURS: partial(_ours, law, psi, TIME)}
    builders = {SPARSE: _sparse, OPERATOR: _operator, KRYLOV: _krylov}
    for peer, build in builders.items():
        call = build(law, np.asarray(psi))
        if call is not None:
            programs[peer] = call
    timings = race(programs, rounds)
    terms = timings[OURS].result[1]
    reference = psi
    for _ in range(PARTS):
        reference, _ = _ours(law, reference, TIME / PARTS, terms)
    reference = np.asarray(reference)
    energy = partial(jax.jit(towers.Tower.invariants), law)
    before = float(energy(psi)["energy"])
    rows = []
    for name, timing in timings.items():
        state, products = timing.result
        found = np.asarray(state).reshape(reference.shape)
        after = energy(jnp.asarray(found))
        row: dict[str, Any] = {"case": f"{law.dimension} amplitudes", "program": name}
        row["dimension"] = law.dimension
        row |= {"levels": levels, "configurations": law.shape[1]}
        if products is not None:
            row["products"] = int(products)
        row |= {
            "error": round_to(float(np.linalg.norm(found - reference)), 2),
            "norm_error": round_to(abs(float(after["norm"]) - 1), 2),
            "drift": round_to(abs(float(after["energy"]) - before), 2),
        }
        rows.append(row | timing.row())
    return timings, rows


def _ours(
    law: towers.Tower, psi: Any, time: float, terms: int | None = None
) -> tuple[Any, Any]:
    """The state after `time`, and the products that its series took."""
    method = jqd.Propagator(None if terms is None else int(terms))
    run = jqd.evolve(law, psi, np.array([0.0, time]), method=method)
    return run.values[-1], run.diagnostics["num_terms"]


def _operator(
    law: towers.Tower, psi: np.ndarray
) -> Callable[[], tuple[np.ndarray, int]] | None:
    if optional("scipy") is None:
        return None
    from scipy.sparse.linalg import LinearOperator, expm_multiply

    free, X = np.asarray(law.free_energies), np.asarray(law.coupling)
    ladder, (levels, kept), size = _ladder(law), law.shape, law.dimension
    products = 0

    def one(vector: np.ndarray, sign: int) -> np.ndarray:
        nonlocal products
        products += 1
        state = vector.astype(complex, copy=False).reshape(levels, kept)
        parts = np.concatenate([state.real, state.imag]) @ ladder
        parts = X @ np.concatenate([parts[:levels], parts[levels:]], axis=1)
        image = free * state
        image.real += parts[:, :kept]
        image.imag += parts[:, kept:]
        image *= sign * 1j * TIME
        return image.ravel()

    H = LinearOperator(
        (size, size), partial(one, sign=-1), partial(one, sign=1), dtype=complex
    )
    # X ⊗ (a + a†) has no trace
    trace = -1j * TIME * float(free.sum())

    def solve() -> tuple[np.ndarray, int]:
        nonlocal products
        products = 0
        return expm_multiply(H, psi.ravel(), traceA=trace), products

    return solve


def _matrix(law: towers.Tower) -> Any | None:
    """H in SciPy's compressed rows, unless it is too large or SciPy not there."""
    sparse, ladder = optional("scipy.sparse"), _ladder(law)
    if sparse is None or np.count_nonzero(ladder) * law.coupling.size > MOST_ENTRIES:
        return None
    H = sparse.kron(np.asarray(law.coupling), sparse.csr_matrix(ladder), "csr")
    return (H + sparse.diags(np.asarray(law.free_energies).ravel())).tocsr()


def _sparse(
    law: towers.Tower, psi: np.ndarray
) -> Callable[[], tuple[np.ndarray, None]] | None:
    H = _matrix(law)
    if H is None:
        return None
    from scipy.sparse.linalg import expm_multiply

    A = -1j * TIME * H
    return lambda: (expm_multiply(A, psi.ravel()), None)


def _krylov(
    law: towers.Tower, psi: np.ndarray
) -> Callable[[], tuple[np.ndarray, None]] | None:
    H, qutip = _matrix(law), optional("qutip")
    if H is None or qutip is None:
        return None
    H, start = qutip.Qobj(H), qutip.Qobj(psi.ravel())
    options = {"atol": 1e-11, "progress_bar": "", "store_final_state": True}

    def solve() -> tuple[np.ndarray, None]:
        run = qutip.krylovsolve(H, start, [0.0, TIME], krylov_dim=30, options=options)
        return run.final_state.full()[:, 0], None

    return solve


def _ladder(law: towers.Tower) -> np.ndarray:
    """Σ λ_m (a_m + a_m†), (P, P)."""
    lower = COUPLING * np.asarray(law.configurations.lowering()).sum(axis=0)
    return lower + lower.T

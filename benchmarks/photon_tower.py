"""The photon tower: one interval of time beside SciPy's and QuTiP's exponentials."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd.matter import tower as towers

from .peers import optional, peer
from .timing import Goal, Raced, Report, compared, round_to

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
        found = _race(levels, rounds)
        rows += found.rows
        dimension = found.rows[0]["dimension"]
        goals += [
            found.faster(f"over {name}, {dimension}", target, name, OURS)
            for name, target in ((SPARSE, 10), (OPERATOR, 1), (KRYLOV, 10))
            if name in found.timings
        ]
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


def _race(levels: int, rounds: int) -> Raced:
    law = tower_of(levels)
    psi = towers.level_state(law, ENERGY, 0.3)
    programs: dict[str, Any] = {OURS: partial(_ours, law, psi, TIME)}
    programs |= _scipy(law, np.asarray(psi)) | _krylov(law, np.asarray(psi))
    reference, terms = psi, _ours(law, psi, TIME)[1]
    for _ in range(PARTS):
        reference, _ = _ours(law, reference, TIME / PARTS, terms)
    reference = np.asarray(reference)
    energy = partial(jax.jit(towers.Tower.invariants), law)
    before = float(energy(psi)["energy"])

    def look(_: str, result: Any) -> dict[str, Any]:
        state, products = result
        found = np.asarray(state).reshape(reference.shape)
        after = energy(jnp.asarray(found))
        made = {} if products is None else {"products": int(products)}
        return made | {
            "error": round_to(float(np.linalg.norm(found - reference)), 2),
            "norm_error": round_to(abs(float(after["norm"]) - 1), 2),
            "drift": round_to(abs(float(after["energy"]) - before), 2),
        }

    return compared(
        programs, rounds, look, case=f"{law.dimension} amplitudes", levels=levels,
        dimension=law.dimension, configurations=law.shape[1],
    )  # fmt: skip


def _ours(
    law: towers.Tower, psi: Any, time: float, terms: int | None = None
) -> tuple[Any, Any]:
    """The state after `time`, and the products that its series took."""
    method = jqd.Propagator(None if terms is None else int(terms))
    run = jqd.evolve(law, psi, np.array([0.0, time]), method=method)
    return run.values[-1], run.diagnostics["num_terms"]


@peer("scipy.sparse.linalg", OPERATOR)
def _scipy(linalg: Any, law: towers.Tower, psi: np.ndarray) -> dict[str, Any]:
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

    H = linalg.LinearOperator(
        (size, size), partial(one, sign=-1), partial(one, sign=1), dtype=complex
    )
    # X ⊗ (a + a†) has no trace
    trace = -1j * TIME * float(free.sum())

    def solve() -> tuple[np.ndarray, int]:
        nonlocal products
        products = 0
        return linalg.expm_multiply(H, psi.ravel(), traceA=trace), products

    matrix = _matrix(law)
    if matrix is None:
        return {OPERATOR: solve}
    A = -1j * TIME * matrix
    whole = lambda: (linalg.expm_multiply(A, psi.ravel()), None)  # noqa: E731
    return {SPARSE: whole, OPERATOR: solve}


def _matrix(law: towers.Tower) -> Any | None:
    """H in SciPy's compressed rows, unless it is too large or SciPy not there."""
    sparse, ladder = optional("scipy.sparse"), _ladder(law)
    if sparse is None or np.count_nonzero(ladder) * law.coupling.size > MOST_ENTRIES:
        return None
    H = sparse.kron(np.asarray(law.coupling), sparse.csr_matrix(ladder), "csr")
    return (H + sparse.diags(np.asarray(law.free_energies).ravel())).tocsr()


@peer("qutip", KRYLOV)
def _krylov(qutip: Any, law: towers.Tower, psi: np.ndarray) -> dict[str, Any]:
    matrix = _matrix(law)
    if matrix is None:
        return {}
    H, start = qutip.Qobj(matrix), qutip.Qobj(psi.ravel())
    options = {"atol": 1e-11, "progress_bar": "", "store_final_state": True}

    def solve() -> tuple[np.ndarray, None]:
        run = qutip.krylovsolve(H, start, [0.0, TIME], krylov_dim=30, options=options)
        return run.final_state.full()[:, 0], None

    return {KRYLOV: solve}


def _ladder(law: towers.Tower) -> np.ndarray:
    """Σ λ_m (a_m + a_m†), (P, P)."""
    lower = COUPLING * np.asarray(law.configurations.lowering()).sum(axis=0)
    return lower + lower.T

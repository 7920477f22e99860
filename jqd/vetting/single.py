"""Rows on one system: norm, homogeneity, symmetries, energy, nodes, steps."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from ..laws import Law, Motion, Schrodinger
from .card import ROUNDING, Row, Verdict, absent, judged
from .runs import Runs, distance
from .states import matrix_of, particle_of

# Errors below which rounding hides how they fall.
EXACT = 1e-12
# Runs from beside a node, and what is left there of the probability.
NEAR_NODES, NODE = 16, 1e-12


def norm(runs: Runs, law: Law, kets: np.ndarray) -> Row:
    """Σp = 1 at all times."""
    coarse, fine = (float(np.abs(runs(law, kets, k).sum(-1) - 1).max()) for k in (1, 2))
    return judged("norm", coarse, fine)


def positivity(runs: Runs, law: Law, kets: np.ndarray) -> Row:
    """No probability below zero."""

    def size(finer: int) -> float:
        p = runs(law, kets, finer)
        return float(np.max(np.maximum(-p.min(-1), 0) / np.abs(p).max(-1)))

    return judged("positivity", size(1), size(2))


def departure(runs: Runs, law: Law, quantum: Schrodinger, kets: np.ndarray) -> Row:
    """Whether the law, as its constants stand, is Schrödinger's."""
    coarse, fine = (
        float(distance(runs(law, kets, k), runs(quantum, kets, k)).max())
        for k in (1, 2)
    )
    return judged("quantum mechanics", coarse, fine, "at the constants given")


def stationary(runs: Runs, law: Law, states: np.ndarray) -> Row:
    """The eigenstates of H do not move."""

    def size(finer: int) -> float:
        p = runs(law, states, finer)
        return float(distance(p, p[:, :1]).max())

    return judged("stationary states", size(1), size(2), "eigenvectors of H")


def nodes(runs: Runs, law: Law, kets: np.ndarray, seed: int) -> Row:
    """No state drawn, nor one with next to nothing at one point, ends the law."""
    near = kets[np.arange(NEAR_NODES) % len(kets)].copy()
    flat = near.reshape(NEAR_NODES, -1)
    empty = np.random.default_rng(seed).integers(flat.shape[-1], size=NEAR_NODES)
    at = np.arange(NEAR_NODES), empty
    flat[at] *= NODE**0.5 / np.maximum(np.abs(flat[at]), NODE)
    tried = np.concatenate([kets, near])

    def size(finer: int) -> float:
        p, alarmed = runs.with_alarms(law, tried, finer)
        return float(np.mean(alarmed | ~np.isfinite(p).all((1, 2))))

    coarse, fine = size(1), size(2)
    note = f"share of {len(tried)} runs that end, {NEAR_NODES} from beside a node"
    if coarse == fine == 0:
        return Row("nodes", 0.0, 0.0, Verdict.HOLDS, note)
    verdict = Verdict.FAILS if min(coarse, fine) > 0 else Verdict.NOT_DECIDED
    return Row("nodes", fine, 0.0, verdict, note)


def homogeneity(runs: Runs, law: Law, kets: np.ndarray) -> Row:
    """2ψ and e^{.7i}ψ give the probabilities of ψ."""

    def size(finer: int) -> float:
        p = runs(law, kets, finer)
        twice = runs(law, 2 * kets, finer)
        twice = twice / twice[:, :1].sum(-1, keepdims=True)
        turned = runs(law, np.exp(0.7j) * kets, finer)
        return float(max(distance(twice, p).max(), distance(turned, p).max()))

    return judged("homogeneity", size(1), size(2))


def gauge(runs: Runs, law: Law, quantum: Schrodinger, kets: np.ndarray) -> Row:
    """Phases of the classes, moved from ψ to H, are not seen."""
    name = "gauge"
    H = matrix_of(quantum)
    if H is None:
        return absent(name, "a grid without a vector potential")
    phases = np.exp(1j * np.array([0.3, -1.1, 2.0, 0.7, 1.9, -0.4, 2.6, -2.2]))
    turn = np.resize(phases, kets.shape[-1])
    moved = law.on(Schrodinger(turn[:, None] * H * np.conj(turn), quantum.hbar))
    if moved is None:
        return absent(name, "the law does not say what it is for another H")
    coarse, fine = (
        float(distance(runs(moved, turn * kets, k), runs(law, kets, k)).max())
        for k in (1, 2)
    )
    return judged(name, coarse, fine)


def reversal(runs: Runs, law: Law, quantum: Schrodinger, kets: np.ndarray) -> Row:
    """T, conjugate state and H, T again, conjugate: as at the start."""
    name = "time reversal"
    back, H = law, matrix_of(quantum)
    if H is not None:
        found = law.on(Schrodinger(np.conj(H), quantum.hbar))
        if found is None:
            return absent(name, "the law does not say what it is for another H")
        back = found

    def size(finer: int) -> float:
        begun = runs.prepared(law, kets)
        there = runs.ended(law, begun, finer)
        returned = runs.ended(back, jax.tree.map(jnp.conj, there), finer)
        first = jax.vmap(law.density)(begun)
        ends = jax.vmap(law.density)(returned)
        apart = np.asarray(law.cell * (ends - first)).reshape(len(kets), -1)
        return float(distance(apart, 0.0).max())

    return judged(name, size(1), size(2), "the law's state and H conjugated")


def energy(runs: Runs, law: Law, kets: np.ndarray) -> Row:
    """The energy that the law itself names is conserved."""
    name = "energy"
    first = jax.vmap(lambda ket: law.invariants(law.prepare(ket)))(jnp.asarray(kets))
    if "energy" not in first:
        return absent(name, "the law names no energy")

    def size(finer: int) -> float:
        ends = runs.ended(law, runs.prepared(law, kets), finer)
        last = jax.vmap(law.invariants)(ends)["energy"]
        scale = float(jnp.max(jnp.abs(first["energy"])))
        return float(jnp.max(jnp.abs(last - first["energy"]))) / max(scale, 1e-30)

    return judged(name, size(1), size(2), "relative")


def order(runs: Runs, law: Law, kets: np.ndarray) -> Row:
    """By which power of the step the error falls."""
    name = "order of steps"
    few = Runs(runs.time, max(runs.looks, runs.steps // 4), runs.looks)
    p = [few(law, kets, k) for k in (1, 2, 4, 8)]
    errors = [float(distance(a, b).max()) for a, b in itertools.pairwise(p)]
    if not np.isfinite(errors).all():
        return Row(name, None, None, Verdict.NOT_DECIDED, "the law ended")
    if errors[-1] < EXACT:
        return Row(name, None, errors[-1], Verdict.NOT_DECIDED, "exact to rounding")
    before, found = np.log2(np.divide(errors[:-1], errors[1:]))
    asked = getattr(law.stepper, "order", None)
    if asked is None or type(law).step is not Motion.step:
        return Row(name, found, None, Verdict.NOT_DECIDED, "no order is declared")
    verdict, more = Verdict.HOLDS, ""
    if found < asked - 0.5:
        # an order that still rises is that of steps that are too long
        rises = found > before + 0.2
        verdict = Verdict.NOT_DECIDED if rises else Verdict.FAILS
        more = ", and it still rises" if rises else ": not smooth"
    return Row(name, float(found), None, verdict, f"declared {asked}{more}")


def batching(runs: Runs, law: Law, kets: np.ndarray) -> Row:
    """A member of a batch does not depend on the others."""
    many = np.resize(kets, (64, *kets.shape[1:]))
    poisoned = many.copy()
    poisoned[9] = np.nan
    few, whole = runs(law, many[:7]), runs(law, many)
    clean = np.array_equal(runs(law, poisoned)[:7], whole[:7])
    worst = float(np.abs(whole[:7] - few).max())
    verdict = Verdict.HOLDS if clean and worst <= ROUNDING else Verdict.FAILS
    bits = "the same bits" if worst == 0 else "not the same bits"
    note = f"{bits} in batches of 64 and 7; a member that is NaN changes "
    note += "no other" if clean else "others"
    return Row("batching", worst, ROUNDING, verdict, note)


def galilei(runs: Runs, law: Law, quantum: Schrodinger, kets: np.ndarray) -> Row:
    """Without a potential, a moving packet is the same packet."""
    name, H = "Galilei", particle_of(quantum)
    if H is None or H.grid.ndim != 1:
        return absent(name, "only on a grid of one dimension")
    grid = H.grid
    still = Schrodinger.on_grid(
        grid, jnp.zeros(grid.shape), mass=H.mass, hbar=quantum.hbar
    )
    free = law.on(still)
    if free is None:
        return absent(name, "the law does not say what it is without a potential")
    # by one wave of the box; looked at after a whole number of cells
    k = 2 * np.pi / (grid.spacing[0] * grid.size)
    speed = float(quantum.hbar / H.mass) * k
    cells = max(1, round(speed * runs.time / grid.spacing[0]))
    time = cells * grid.spacing[0] / speed
    moved = Runs(time, runs.steps, runs.looks)
    boosted = kets * np.exp(1j * k * np.asarray(grid.x))

    def size(finer: int) -> float:
        p, q = (moved(free, psi, finer)[:, -1] for psi in (kets, boosted))
        return float(distance(np.roll(p, cells, axis=-1), q).max())

    return judged(name, size(1), size(2), f"one wave of the box, {cells} cells")

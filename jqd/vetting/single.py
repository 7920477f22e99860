"""Rows on one system: norm, homogeneity, symmetries, energy, nodes, steps."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..laws import HusimiFokkerPlanck, Law, Schrodinger
from ..laws.law import turned
from .card import HOLDS, ROUNDING, Row, Verdict, absent, judged
from .runs import Runs, distance
from .states import matrix_of, particle_of, refused

# Errors below which rounding hides how they fall.
EXACT = 1e-12
# Number of runs that begin beside a node, and the probability that is left there.
NEAR_NODES, NODE = 16, 1e-12


def norm(runs: Runs, law: Law, kets: np.ndarray) -> Row:
    """Σp = 1 at all times."""
    coarse, fine = (float(np.abs(runs(law, kets, k).sum(-1) - 1).max()) for k in (1, 2))
    return judged("norm", coarse, fine)


def positivity(runs: Runs, law: Law, kets: np.ndarray) -> Row:
    """No probability is below zero."""

    def size(finer: int) -> float:
        p = runs(law, kets, finer)
        return float(np.max(np.maximum(-p.min(-1), 0) / np.abs(p).max(-1)))

    return judged("positivity", size(1), size(2))


def departure(runs: Runs, law: Law, quantum: Law, kets: np.ndarray) -> Row:
    """Whether the law, with the constants it has, is Schrödinger's."""
    coarse, fine = (
        float(distance(runs(law, kets, k), runs(quantum, kets, k)).max())
        for k in (1, 2)
    )
    grid = runs.lacking(law, kets)
    return judged("quantum mechanics", coarse, fine, "at the constants given", grid)


def stationary(runs: Runs, law: Law, states: np.ndarray | None) -> Row:
    """The eigenstates of H do not move."""
    name = "stationary states"
    if states is None:
        return absent(name, "eigenvectors of H have nodes, at which the law ends")

    def size(finer: int) -> float:
        p = runs(law, states, finer)
        return float(distance(p, p[:, :1]).max())

    return judged(name, size(1), size(2), "eigenvectors of H")


def nodes(runs: Runs, law: Law, kets: np.ndarray, cell: float, seed: int) -> Row:
    """The law ends for no drawn state, nor for one that almost vanishes at a point.

    Where the law levels off densities below a regulator, a regulator 1e4 times as large
    must change nothing.
    """
    name = "nodes"
    near = kets[np.arange(NEAR_NODES) % len(kets)].copy()
    flat = near.reshape(NEAR_NODES, -1)
    empty = np.random.default_rng(seed).integers(flat.shape[-1], size=NEAR_NODES)
    at = np.arange(NEAR_NODES), empty
    left = (NODE / cell) ** 0.5
    flat[at] *= left / np.maximum(np.abs(flat[at]), NODE**0.5 * left)
    flat /= np.linalg.norm(flat, axis=-1, keepdims=True) * np.sqrt(cell)
    tried = np.concatenate([kets, near])
    if (why := refused(law, tried)) is not None:
        return Row(name, None, None, Verdict.FAILS, "kets are refused: " + why)

    def size(finer: int) -> tuple[float, np.ndarray]:
        p, alarmed = runs.with_alarms(law, tried, finer)
        return float(np.mean(alarmed | ~np.isfinite(p).all((1, 2)))), p

    (coarse, rough), (fine, p) = size(1), size(2)
    note = f"share of {len(tried)} runs that end, {NEAR_NODES} from beside a node"
    if coarse == fine == 0:
        if (other := regulated(law, 1e4)) is None:
            return Row(name, 0.0, 0.0, Verdict.HOLDS, note)
        moved = float(distance(runs(other, tried, 2), p).max())
        floor = float(distance(rough, p).max()) + ROUNDING
        held = moved <= HOLDS * floor
        note = f"none of {len(tried)} runs ends, {NEAR_NODES} from beside a node; "
        note += "by how much a regulator 1e4 times as large moves them"
        verdict = Verdict.HOLDS if held else Verdict.FAILS
        return Row(name, moved, floor, verdict, note)
    verdict = Verdict.FAILS if min(coarse, fine) > 0 else Verdict.NOT_DECIDED
    return Row(name, fine, 0.0, verdict, note)


def regulated(law: Law, times: float) -> Law | None:
    """The law with its regulator multiplied by `times`, or None if it has none."""
    value = getattr(law, "regulator", None)
    if not isinstance(value, jax.Array):
        return None
    return eqx.tree_at(lambda law: law.regulator, law, value * times)


def homogeneity(runs: Runs, law: Law, kets: np.ndarray) -> Row:
    """2ψ and e^{.7i}ψ give the probabilities of ψ."""

    def size(law: Law, finer: int) -> float:
        p = runs(law, kets, finer)
        twice = runs(law, 2 * kets, finer)
        twice = twice / twice[:, :1].sum(-1, keepdims=True)
        turned = runs(law, np.exp(0.7j) * kets, finer)
        return float(max(distance(twice, p).max(), distance(turned, p).max()))

    coarse, fine = size(law, 1), size(law, 2)
    if (less := regulated(law, 0.01)) is None:
        return judged("homogeneity", coarse, fine)
    moved = abs(size(less, 2) - fine)
    note = "but for the regulator" if moved > HOLDS * abs(fine - coarse) else ""
    return judged("homogeneity", coarse, fine, note, moved)


def gauge(runs: Runs, law: Law, quantum: Law, kets: np.ndarray) -> Row:
    """Phases of the classes, moved from ψ to H, change no probability."""
    name = "gauge"
    H = matrix_of(quantum)
    if H is None or not isinstance(quantum, Schrodinger):
        return absent(name, "no matrix: no phases of classes")
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


def reversal(runs: Runs, law: Law, quantum: Law, kets: np.ndarray) -> Row:
    """Run, conjugate state and H, run again, conjugate: the initial density returns."""
    name = "time reversal"
    back, H = law, matrix_of(quantum)
    if isinstance(law, HusimiFokkerPlanck) and np.any(np.imag(law.symbol.coefficients)):
        return absent(name, "the conjugate of this symbol is another law")
    if H is not None and isinstance(quantum, Schrodinger):
        found = law.on(Schrodinger(np.conj(H), quantum.hbar))
        if found is None:
            return absent(name, "the law does not say what it is for another H")
        back = found

    def size(finer: int) -> float:
        begun = runs.prepared(law, kets)
        there = runs.ended(law, begun, finer)
        turn = jax.vmap(partial(turned, law))
        returned = runs.ended(back, turn(there), finer)
        first = jax.vmap(law.density)(begun)
        ends = jax.vmap(law.density)(turn(returned))
        apart = np.asarray(law.cell * (ends - first)).reshape(len(kets), -1)
        return float(distance(apart, 0.0).max())

    return judged(name, size(1), size(2), "ψ and H conjugated")


def energy(runs: Runs, law: Law, quantum: Law, kets: np.ndarray) -> Row:
    """The law's own energy is conserved, or ⟨H⟩ where the law names no energy."""
    name, note = "energy", "relative"
    begun = runs.prepared(law, kets)
    read = _own_energy(law)
    if "energy" not in law.invariants(jax.tree.map(lambda leaf: leaf[0], begun)):
        shape = begun.shape[1:] if isinstance(begun, jax.Array) else None
        found = _mean_energy(quantum, mixed=shape == 2 * kets.shape[1:])
        if found is None or shape not in (kets.shape[1:], 2 * kets.shape[1:]):
            return absent(name, "the law names no energy, and its state has no ⟨H⟩")
        read, note = found, "relative, ⟨H⟩: the law names no energy"
    first = jax.vmap(read)(begun)

    def size(finer: int) -> float:
        last = jax.vmap(read)(runs.ended(law, begun, finer))
        scale = float(jnp.max(jnp.abs(first)))
        return float(jnp.max(jnp.abs(last - first))) / (scale if scale > 0 else 1.0)

    return judged(name, size(1), size(2), note)


def _own_energy(law: Law) -> Callable[[Any], Any]:
    return lambda state: law.invariants(state)["energy"]


def _mean_energy(quantum: Law, *, mixed: bool) -> Callable[[Any], Any] | None:
    """⟨H⟩ of a ket, or of a density operator between levels; None without an H."""
    H = matrix_of(quantum)
    if mixed:
        return None if H is None else lambda rho: jnp.real(jnp.trace(H @ rho))
    if not isinstance(quantum, Schrodinger):
        return None
    return lambda psi: quantum.invariants(psi)["energy"]


def order(runs: Runs, law: Law, kets: np.ndarray) -> Row:
    """The power of the step with which the error falls."""
    name = "order of steps"
    few = runs.sparing
    p = [few(law, kets, k) for k in (1, 2, 4, 8)]
    errors = [float(distance(a, b).max()) for a, b in itertools.pairwise(p)]
    if not np.isfinite(errors).all():
        return Row(name, None, None, Verdict.NOT_DECIDED, "the law ended")
    if errors[-1] < EXACT:
        return absent(name, f"no error of steps beyond {max(errors):.0e}")
    before, found = np.log2(np.divide(errors[:-1], errors[1:]))
    asked = getattr(law.stepper, "order", None)
    if asked is None or not law.by_stepper:
        return absent(name, f"no order is declared; observed {found:.2f}")
    verdict, more = Verdict.HOLDS, ""
    if found < asked - 0.5:
        # an order that still rises is that of steps that are too long
        rises = found > before + 0.2
        verdict = Verdict.NOT_DECIDED if rises else Verdict.FAILS
        more = ", and it still rises" if rises else ": not smooth"
    return Row(name, float(found), None, verdict, f"declared {asked}{more}")


def batching(runs: Runs, law: Law, kets: np.ndarray) -> Row:
    """The results of a member of a batch do not depend on the other members."""
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


def galilei(runs: Runs, law: Law, quantum: Law, kets: np.ndarray) -> Row:
    """Without a potential, a moving packet spreads as the same packet at rest."""
    name, H = "Galilei", particle_of(quantum)
    if H is None or H.grid.ndim != 1 or not isinstance(quantum, Schrodinger):
        return absent(name, "only on a grid of one dimension")
    grid = H.grid
    still = Schrodinger.on_grid(
        grid, jnp.zeros(grid.shape), mass=H.mass, hbar=quantum.hbar
    )
    free = law.on(still)
    if free is None:
        return absent(name, "the law does not say what it is without a potential")
    # boosted by one wave of the box; compared after a whole number of cells
    k = 2 * np.pi / (grid.spacing[0] * grid.size)
    speed = float(quantum.hbar / H.mass) * k
    cells = max(1, round(speed * runs.time / grid.spacing[0]))
    time = cells * grid.spacing[0] / speed
    moved = Runs(time, runs.steps, runs.looks, unit=runs.unit)
    boosted = kets * np.exp(1j * k * np.asarray(grid.x))
    if (why := refused(free, boosted)) is not None:
        return absent(name, "a moving packet is refused: " + why)

    def size(other: np.ndarray, finer: int) -> float:
        p, q = (moved(free, psi, finer)[:, -1] for psi in (kets, other))
        return float(distance(np.roll(p, cells, axis=-1), q).max())

    moved_on = np.roll(kets, cells, axis=-1)
    coarse = runs.lacking(free, boosted)
    here = judged(name, size(moved_on, 1), size(moved_on, 2), "", coarse)
    if here.verdict is Verdict.NOT_DECIDED:
        return here
    if here.verdict is Verdict.FAILS:
        return absent(name, "on this ring the law is not the same everywhere")
    note = f"one wave of the box, {cells} cells"
    return judged(name, size(boosted, 1), size(boosted, 2), note, coarse)

"""Rows on one system: norm, homogeneity, gauge, reversal, energy, steps, constants."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .. import constants
from ..laws import Law, Schrodinger
from .card import Row, Verdict, absent, judged
from .runs import Runs, distance

# Distances from the quantum values at which the slope of a departure is found.
DISTANCES = 0.1, 0.05
# Below it a singular value over the largest is none.
BLIND = 1e-8


def quantum_law(law: Law) -> Law | None:
    """The law at its quantum values, or None where a constant has none."""
    known = constants.quantum_values(law)
    if not known:
        return None
    for name, value in known.items():
        law = constants.unpack(
            law, name, jnp.full_like(constants.pack(law, name), value)
        )
    return law


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


def quantum_limit(runs: Runs, law: Law, quantum: Schrodinger, kets: np.ndarray) -> Row:
    """At its quantum values the law is Schrödinger's."""
    name, at = "quantum limit", quantum_law(law)
    if at is None:
        return absent(name, "the law names no quantum values")
    coarse, fine = (
        float(distance(runs(at, kets, k), runs(quantum, kets, k)).max()) for k in (1, 2)
    )
    return judged(
        name, coarse, fine, f"slope of the departure {_slope(runs, law, at, kets)}"
    )


def _slope(runs: Runs, law: Law, at: Law, kets: np.ndarray) -> str:
    """d ln TV / d ln distance, along the line from the quantum values to the law."""
    known = constants.quantum_values(law)
    away = []
    for part in DISTANCES:
        near = at
        for name in known:
            end, start = constants.pack(law, name), constants.pack(at, name)
            near = constants.unpack(near, name, start + part * (end - start))
        away.append(float(distance(runs(near, kets, 2), runs(at, kets, 2)).max()))
    if min(away) <= 1e-12:
        return "none: the law given is there already"
    return f"{np.log(away[0] / away[1]) / np.log(DISTANCES[0] / DISTANCES[1]):.2f}"


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
    if quantum.grid is not None:
        return absent(name, "a grid without a vector potential")
    phases = np.exp(1j * np.array([0.3, -1.1, 2.0, 0.7, 1.9, -0.4, 2.6, -2.2]))
    turn = np.resize(phases, kets.shape[-1])
    H = _matrix(quantum)
    moved = law.on(Schrodinger(turn[:, None] * H * np.conj(turn), quantum.hbar))
    if moved is None:
        return absent(name, "the law does not say what it is for another H")
    coarse, fine = (
        float(distance(runs(moved, turn * kets, k), runs(law, kets, k)).max())
        for k in (1, 2)
    )
    return judged(name, coarse, fine)


def _matrix(quantum: Schrodinger) -> np.ndarray:
    matrix = np.asarray(quantum.hamiltonian.matrix)
    return np.diag(matrix) if matrix.ndim == 1 else matrix


@eqx.filter_jit
def _states(law: Law, kets: Array, time: Any, steps: Array) -> Any:
    """The states of a law at the end."""

    def one(ket: Array) -> Any:
        dt = time / steps
        return jax.lax.fori_loop(
            0, steps, lambda i, now: law.step(i * dt, now, dt), law.prepare(ket)
        )

    return jax.vmap(one)(kets)


def reversal(runs: Runs, law: Law, quantum: Schrodinger, kets: np.ndarray) -> Row:
    """T, conjugate state and H, T again, conjugate: as at the start."""
    name = "time reversal"
    back = law
    if quantum.grid is None:
        found = law.on(Schrodinger(np.conj(_matrix(quantum)), quantum.hbar))
        if found is None:
            return absent(name, "the law does not say what it is for another H")
        back = found

    def size(finer: int) -> float:
        steps = jnp.asarray(runs.steps * finer)
        there = _states(law, jnp.asarray(kets), runs.time, steps)
        states = jax.tree.map(jnp.conj, there)
        returned = _from(back, states, runs.time, steps)
        first = jax.vmap(law.density)(jax.vmap(law.prepare)(jnp.asarray(kets)))
        ends = jax.vmap(law.density)(returned)
        apart = np.asarray(law.cell * (ends - first)).reshape(len(kets), -1)
        return float(distance(apart, np.zeros_like(apart)).max())

    return judged(name, size(1), size(2))


@eqx.filter_jit
def _from(law: Law, states: Any, time: Any, steps: Array) -> Any:
    dt = time / steps
    return jax.vmap(
        lambda state: jax.lax.fori_loop(
            0, steps, lambda i, now: law.step(i * dt, now, dt), state
        )
    )(states)


def energy(runs: Runs, law: Law, kets: np.ndarray) -> Row:
    """The energy that the law itself names is conserved."""
    name = "energy"
    first = jax.vmap(lambda ket: law.invariants(law.prepare(ket)))(jnp.asarray(kets))
    if "energy" not in first:
        return absent(name, "the law names no energy")

    def size(finer: int) -> float:
        steps = jnp.asarray(runs.steps * finer)
        ends = _states(law, jnp.asarray(kets), runs.time, steps)
        last = jax.vmap(law.invariants)(ends)["energy"]
        scale = float(jnp.max(jnp.abs(first["energy"])))
        return float(jnp.max(jnp.abs(last - first["energy"]))) / max(scale, 1e-30)

    return judged(name, size(1), size(2), "relative")


def order(runs: Runs, law: Law, kets: np.ndarray) -> Row:
    """By which power of the step the error falls."""
    name = "order of steps"
    few = Runs(runs.time, max(8, runs.steps // 8))
    p = [few(law, kets, k) for k in (1, 2, 4)]
    one, two = (float(distance(a, b).max()) for a, b in zip(p, p[1:], strict=False))
    if not np.isfinite(one + two):
        return Row(name, None, None, Verdict.NOT_DECIDED, "the law ended")
    if one < 1e-11:
        return Row(name, None, one, Verdict.NOT_DECIDED, "exact to rounding")
    found = float(np.log2(one / two)) if two > 0 else np.inf
    asked = getattr(law.stepper, "order", None)
    if asked is None:
        return Row(name, found, None, Verdict.NOT_DECIDED, "no order is declared")
    smooth = found >= asked - 0.5
    return Row(
        name, found, None, Verdict.HOLDS if smooth else Verdict.FAILS,
        f"declared {asked}" + ("" if smooth else ": not smooth"),
    )  # fmt: skip


def _constants(law: Law) -> list[str]:
    """What a fit frees: constants with a quantum value."""
    return list(constants.quantum_values(law))


def _end(law: Law, names: list[str], kets: Array, time: float, steps: int) -> Any:
    """A function of the constants to the probabilities at the end and at half time."""

    def at(values: Array) -> Array:
        here, k = law, 0
        for name in names:
            size = constants.pack(law, name).size
            here = constants.unpack(here, name, values[k : k + size])
            k += size
        dt = time / steps

        def one(ket: Array) -> Array:
            def body(now: Any, i: Array) -> tuple[Any, Array]:
                after = here.step(i * dt, now, dt)
                return after, here.density(after)

            _, p = jax.lax.scan(body, here.prepare(ket), jnp.arange(steps))
            return law.cell * p[jnp.array([steps // 2, -1])]

        return jax.vmap(one)(kets)

    return at


def _values(law: Law, names: list[str]) -> Array:
    return jnp.concatenate([jnp.ravel(constants.pack(law, name)) for name in names])


def slopes(runs: Runs, law: Law, kets: np.ndarray) -> list[Row]:
    """Derivatives are those of differences; constants are told apart."""
    names = _constants(law)
    rows = "gradients", "identifiability"
    if not names:
        return [absent(name, "the law names no free constants") for name in rows]
    end = _end(law, names, jnp.asarray(kets[:3]), runs.time, max(16, runs.steps // 4))
    at = _values(law, names)
    exact = np.asarray(jax.jit(jax.jacfwd(end))(at))
    exact = np.moveaxis(exact, -1, 0)
    run = jax.jit(end)

    def apart(h: float) -> float:
        moves = h * np.eye(at.size)
        differences = np.stack([(run(at + m) - run(at - m)) / (2 * h) for m in moves])
        scale = np.abs(exact).max()
        return float(np.abs(differences - exact).max() / max(scale, 1e-12))

    coarse, fine = apart(1e-4), apart(1e-5)
    if not np.isfinite(exact).all():
        first = Row(rows[0], None, None, Verdict.FAILS, "not finite")
        return [first, absent(rows[1], "slopes are not finite")]
    # what a difference of h = 1e-5 leaves: rounding over h, and h² of a third slope
    first = Row(
        rows[0], fine, 1e-6,
        Verdict.HOLDS if min(coarse, fine) < 1e-6 else Verdict.FAILS,
        "relative, by central differences",
    )  # fmt: skip
    singular = np.linalg.svd(exact.reshape(at.size, -1), compute_uv=False)
    share = float(singular[-1] / max(singular[0], 1e-300))
    told = share > BLIND and singular[0] > 1e-10
    second = Row(
        rows[1], share, BLIND, Verdict.HOLDS if told else Verdict.FAILS,
        f"{', '.join(names)}: least over largest singular value, 3 states",
    )  # fmt: skip
    return [first, second]


def batching(runs: Runs, law: Law, kets: np.ndarray) -> Row:
    """A member of a batch does not depend on the others, to the last bit."""
    many = np.resize(kets, (64, *kets.shape[1:]))
    few, poisoned = runs(law, many[:7]), many.copy()
    poisoned[9] = np.nan
    whole = runs(law, many)
    same = np.array_equal(whole[:7], few)
    clean = np.array_equal(runs(law, poisoned)[:7], whole[:7])
    worst = float(np.abs(whole[:7] - few).max())
    verdict = Verdict.HOLDS if same and clean else Verdict.FAILS
    return Row("batching", worst, 0.0, verdict, "batches of 64 and 7, one member NaN")


def galilei(runs: Runs, law: Law, quantum: Schrodinger, kets: np.ndarray) -> Row:
    """Without a potential, a moving packet is the same packet."""
    name, grid = "Galilei", quantum.grid
    if grid is None or grid.ndim != 1:
        return absent(name, "only on a grid of one dimension")
    H = quantum.hamiltonian
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
    moved = Runs(time, runs.steps)
    boosted = kets * np.exp(1j * k * np.asarray(grid.x))

    def size(finer: int) -> float:
        p, q = (moved(free, psi, finer)[:, -1] for psi in (kets, boosted))
        return float(distance(np.roll(p, cells, axis=-1), q).max())

    return judged(name, size(1), size(2), f"one wave of the box, {cells} cells")

"""Atoms in motion: Lennard-Jones crystals and anharmonic chains, beside NumPy."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd.matter import solid

from .systems import optional
from .timing import Goal, Report, Timing, race, ratio, round_to

# rows and columns of a periodic triangular crystal in 2D, steps in one call
CRYSTALS = (((10, 5), 1000), ((20, 10), 400), ((40, 25), 40), ((80, 50), 8))
SPACING, CRYSTAL_DT, TEMPERATURE = 1.112, 0.005, 0.05
# a NumPy neighbour list reaches so much further than the potential
SKIN = 0.4
# chains side by side, steps in one call
ATOMS, CHAINS, CHAIN_DT = 64, ((1, 10_000), (10, 4000), (100, 1000), (1000, 100)), 0.05
STEPPERS = {"Verlet": jqd.strang, "PEFRL": jqd.steppers.pefrl}
NUMPY = "numpy, Verlet"
SHOWN = ("energy_error",)
BEHIND = {
    NUMPY: "NumPy keeps a list of neighbours, some 20 pairs an atom, until an atom has "
    "moved by half its skin; jqd makes its cells anew for each force and looks through "
    "nine of them an atom, or through all pairs."
}


def run(quick: bool = False) -> Report:
    """Microseconds a step over the number of atoms and of chains."""
    rows, goals, rounds = [], [], 2 if quick else 5
    cases = (((4, 5), 4),) if quick else CRYSTALS
    for shape, steps in cases:
        timings, more = _crystal(shape, steps, rounds, quick)
        rows += more
        atoms = shape[0] * shape[1]
        if atoms in (50, 4000):
            fastest = [timings[name] for name in timings if name.endswith("s, Verlet")]
            measured = max(ratio(timings[NUMPY], t) or 0.0 for t in fastest)
            goals.append(
                Goal(f"over NumPy, crystal of {atoms}, Verlet step", measured, 1)
            )
        if atoms == 4000:
            measured = ratio(
                timings["jqd all pairs, Verlet"], timings["jqd cells, Verlet"]
            )
            goals.append(Goal("cells over all pairs, 4000 atoms", measured, 5))
    for batch, steps in ((2, 10),) if quick else CHAINS:
        timings, more = _chains(batch, steps, rounds, quick)
        rows += more
        measured = ratio(timings[NUMPY], timings["jqd, Verlet"])
        goals.append(Goal(f"over NumPy, {batch} chains, Verlet step", measured, 1))
    return Report(
        "Lennard-Jones crystals (2D, periodic) and FPUT chains of 64 atoms",
        rows,
        goals,
        [
            "A PEFRL step evaluates forces four times, a Verlet step once. NumPy keeps "
            "a list of neighbours (scipy's cKDTree, made anew once an atom has moved "
            "by half its skin), and all chains in one array; jqd's cells are made anew "
            "for each force.",
            "energy_error: of the last energy, over the kinetic energy at the start, "
            "in the steps timed (the worst chain). Chains start with β = 1 and random "
            "velocities of mean square 1.",
        ],
    )


# -- crystals -------------------------------------------------------------------


def _crystal(
    shape: tuple[int, int], steps: int, rounds: int, quick: bool
) -> tuple[dict[str, Timing], list[dict[str, Any]]]:
    x = solid.triangular(shape, SPACING)
    box = SPACING * jnp.array([shape[1], shape[0] * 0.75**0.5])
    # The smallest crystal is no wider than a nearest image may be.
    potential = solid.LennardJones(inner=1.4, outer=1.9) if quick else (
        solid.LennardJones()
    )  # fmt: skip
    reach = float(np.asarray(potential.outer))
    v = jnp.sqrt(TEMPERATURE) * jax.random.normal(jax.random.key(0), x.shape)
    masses = jnp.ones(len(x))
    bodies = {"all pairs": solid.Solid(masses, potential, box=box)}
    if float(box.min()) >= 3 * reach:
        cells = solid.cells_for(x, box, reach)
        bodies["cells"] = solid.Solid(masses, potential, box=box, cells=cells)
    start, programs = solid.Point(x, v), {}
    for pairs, body in bodies.items():
        for name, stepper in list(STEPPERS.items())[: 1 if quick else 2]:
            programs[f"jqd {pairs}, {name}"] = _program(
                body, start, stepper, steps, CRYSTAL_DT, batched=False
            )
    programs[NUMPY] = partial(
        crystal_in_numpy, *map(np.asarray, (x, v, box)), steps, potential
    )
    timings = race(programs, rounds)
    motion = solid.AtomMotion(bodies["all pairs"])
    energy = jax.jit(lambda point: motion.energy(solid.Point(*point)))
    rows = [
        {"case": f"crystal of {len(x)}", "atoms": len(x), "batch": 1, "program": name}
        | _costs(timing, steps, _energy_error(energy, start, timing))
        for name, timing in timings.items()
    ]
    # the first of a case stands for jqd: on large crystals that with cells
    rows.sort(key=lambda row: ("Verlet" not in row["program"], row["median_s"]))
    return timings, rows


def _program(
    body: solid.Solid, start: Any, stepper: Any, steps: int, dt: float, batched: bool
) -> Callable[[], Any]:
    method = jqd.Fixed(stepper, substeps=steps, estimate_error=False)
    motion, ts = solid.AtomMotion(body), np.array([0.0, steps * dt])

    def one(point):
        run = jqd.evolve(motion, point, ts, method=method)
        return jax.tree.map(lambda leaf: leaf[-1], run.values)

    return partial(jax.jit(jax.vmap(one) if batched else one), start)


def crystal_in_numpy(
    x: np.ndarray,
    v: np.ndarray,
    box: np.ndarray,
    steps: int,
    potential: solid.LennardJones,
) -> tuple[np.ndarray, np.ndarray]:
    """Velocity Verlet with a list of neighbours; positions and velocities (N, 2)."""
    inner, outer = float(potential.inner), float(potential.outer)  # pyright: ignore
    box, many = box[:, None], len(x)
    x, v = x.T.copy(), v.T.copy()

    def forces(pairs: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        i, j = pairs
        r = x[:, j] - x[:, i]
        r -= box * np.rint(r / box)
        square = r[0] * r[0] + r[1] * r[1]
        near = square < outer**2
        i, j, r, square = i[near], j[near], r[:, near], square[near]
        length, sixth = np.sqrt(square), square**-3.0
        t = np.clip((length - inner) / (outer - inner), 0, 1)
        cut = 1 - t * t * t * (10 - t * (15 - 6 * t))
        fall = -30 * (t * (1 - t)) ** 2 / (outer - inner)
        pull = 4 * sixth * (sixth - 1) * fall * length - 24 * cut * sixth * (
            2 * sixth - 1
        )
        r *= pull / square
        return np.stack([np.bincount(i, a, many) - np.bincount(j, a, many) for a in r])

    listed, pairs = x.copy(), _neighbours(x, box, outer + SKIN)
    force = forces(pairs)
    for _ in range(steps):
        v += CRYSTAL_DT / 2 * force
        x += CRYSTAL_DT * v
        moved = x - listed
        if np.max(moved[0] * moved[0] + moved[1] * moved[1]) > (SKIN / 2) ** 2:
            listed, pairs = x.copy(), _neighbours(x, box, outer + SKIN)
        force = forces(pairs)
        v += CRYSTAL_DT / 2 * force
    return x.T, v.T


def _neighbours(
    x: np.ndarray, box: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (i, j) within reach; all pairs without SciPy or in too small a box."""
    if optional("scipy") is None or reach >= box.min() / 2:
        return np.triu_indices(x.shape[1], 1)
    from scipy.spatial import cKDTree

    tree = cKDTree(np.mod(x, box).T, boxsize=box[:, 0])
    i, j = tree.query_pairs(reach, output_type="ndarray").T
    return i.copy(), j.copy()


# -- chains ---------------------------------------------------------------------


def _chains(
    batch: int, steps: int, rounds: int, quick: bool
) -> tuple[dict[str, Timing], list[dict[str, Any]]]:
    body = solid.chain(ATOMS, solid.FPUT(beta=1.0), ends="fixed")
    x = jnp.broadcast_to(body.sites[None], (batch, ATOMS, 1))  # pyright: ignore
    start = solid.Point(x, jax.random.normal(jax.random.key(1), x.shape))
    programs = {
        f"jqd, {name}": _program(body, start, stepper, steps, CHAIN_DT, batched=True)
        for name, stepper in list(STEPPERS.items())[: 1 if quick else 2]
    }
    programs[NUMPY] = partial(chains_in_numpy, *map(np.asarray, start), steps)
    timings = race(programs, rounds)
    motion = solid.AtomMotion(body)
    energy = jax.jit(jax.vmap(lambda point: motion.energy(solid.Point(*point))))
    rows = [
        {"case": f"FPUT chains x {batch}", "atoms": ATOMS, "batch": batch}
        | {"program": name}
        | _costs(timing, steps, _energy_error(energy, start, timing))
        for name, timing in timings.items()
    ]
    return timings, rows


def chains_in_numpy(
    x: np.ndarray, v: np.ndarray, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Velocity Verlet of all chains at once; bond b + 1 follows atom b."""
    shape, sites = x.shape, np.arange(ATOMS + 2.0)
    u = np.zeros((ATOMS + 2, len(x)))
    u[1:-1] = x[:, :, 0].T - sites[1:-1, None]
    v = v[:, :, 0].T.copy()

    def forces() -> np.ndarray:
        d = u[1:] - u[:-1]
        tension = d + d * d * d
        return tension[1:] - tension[:-1]

    force = forces()
    for _ in range(steps):
        v += CHAIN_DT / 2 * force
        u[1:-1] += CHAIN_DT * v
        force = forces()
        v += CHAIN_DT / 2 * force
    return (u[1:-1] + sites[1:-1, None]).T.reshape(shape), v.T.reshape(shape)


# -- both -----------------------------------------------------------------------


def _energy_error(energy: Callable[[Any], Any], start: Any, timing: Timing) -> float:
    """Largest change of an energy over the largest kinetic energy at the start."""
    before, after = energy(tuple(start)), energy(tuple(timing.result))
    kinetic = jnp.sum(start.v**2, axis=(-2, -1)) / 2
    return float(jnp.max(jnp.abs(after - before)) / jnp.max(kinetic))


def _costs(timing: Timing, steps: int, error: float) -> dict[str, Any]:
    return {
        "steps": steps,
        "steps_per_s": round_to(steps / timing.median, 3),
        "energy_error": round_to(error, 2),
    } | timing.row(steps, "step")

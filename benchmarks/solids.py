"""Atoms in motion: Lennard-Jones crystals and anharmonic chains, beside NumPy."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd.matter import solid

from .peers import optional
from .systems import last_state
from .timing import Raced, Report, compared, round_to

SPACING, CRYSTAL_DT = 1.112, 0.005
# a list of neighbours reaches so much further than the potential
SKIN = 0.4
# chains side by side, steps in one call
ATOMS, CHAINS, CHAIN_DT = 64, ((1, 10_000), (10, 4000), (100, 1000), (1000, 100)), 0.05
STEPPERS = {"Verlet": jqd.steppers.strang, "PEFRL": jqd.steppers.pefrl}
LIST, NUMPY = "list", "numpy, Verlet"
SHOWN = ("energy_error",)


class Crystal(NamedTuple):
    """A periodic triangular crystal in 2D.

    Attributes:
        shape: rows and columns.
        temperature: mean square of each component of the velocities.
        steps: in one call.
        batch: how many there are, each with velocities of its own.
        pairs: whether all pairs are gone through as well.
        goal: least time of NumPy over that with a list, if there is one.
    """

    shape: tuple[int, int]
    temperature: float = 0.05
    steps: int = 100
    batch: int = 1
    pairs: bool = True
    goal: float | None = None

    @property
    def name(self) -> str:
        """The case in the table."""
        size = f"crystal of {self.shape[0] * self.shape[1]}, T = {self.temperature:g}"
        return size if self.batch == 1 else f"{size}, x {self.batch}"


CRYSTALS = (
    Crystal((10, 5), steps=1000, goal=1),
    Crystal((20, 10), steps=400, goal=1),
    Crystal((20, 10), batch=64, pairs=False, goal=1),
    Crystal((40, 25), goal=1),
    Crystal((80, 50), steps=400, pairs=False, goal=3),
    Crystal((80, 50), temperature=1.0, pairs=False, goal=1.8),
)
QUICK = (Crystal((4, 5), steps=4), Crystal((4, 5), steps=4, batch=2))


def run(quick: bool = False) -> Report:
    """Microseconds a step over the number of atoms and of chains."""
    rows, goals, rounds = [], [], 2 if quick else 5
    for crystal in QUICK if quick else CRYSTALS:
        found = _crystal(crystal, rounds, quick)
        rows += found.rows
        if crystal.goal is not None:
            text = f"over NumPy, {crystal.name}, Verlet step"
            goals.append(found.faster(text, crystal.goal, NUMPY, f"jqd {LIST}, Verlet"))
    for batch, steps in ((2, 10),) if quick else CHAINS:
        found = _chains(batch, steps, rounds, quick)
        rows += found.rows
        text = f"over NumPy, {batch} chains, Verlet step"
        goals.append(found.faster(text, 1, NUMPY, "jqd, Verlet"))
    return Report(
        "Lennard-Jones crystals (2D, periodic) and FPUT chains of 64 atoms",
        rows,
        goals,
        [
            "A PEFRL step evaluates forces four times, a Verlet step once. Both keep a "
            "list of neighbours, made anew once an atom has moved by half its skin "
            "(NumPy by scipy's cKDTree, jqd by cells); at T = 0.05 that is never, at "
            "T = 1 some seven times in 100 steps. NumPy has all chains in one array, "
            "and crystals one after the other.",
            "energy_error: of the last energy, over the kinetic energy at the start, "
            "in the steps timed (the worst of a batch). Chains start with β = 1 and "
            "random velocities of mean square 1.",
        ],
    )


# -- crystals -------------------------------------------------------------------


def _crystal(crystal: Crystal, rounds: int, quick: bool) -> Raced:
    shape, steps, batch = crystal.shape, crystal.steps, crystal.batch
    x = solid.triangular(shape, SPACING)
    box = SPACING * jnp.array([shape[1], shape[0] * 0.75**0.5])
    # The smallest crystal is no wider than a nearest image may be.
    potential = solid.LennardJones(inner=1.4, outer=1.9) if quick else (
        solid.LennardJones()
    )  # fmt: skip
    reach = float(np.asarray(potential.outer))
    noise = jax.random.normal(jax.random.key(0), (batch, *x.shape))
    v = jnp.sqrt(crystal.temperature) * noise
    masses = jnp.ones(len(x))
    near = solid.neighbours_for(x, box, reach, skin=SKIN)
    bodies = {LIST: solid.Solid(masses, potential, box=box, neighbours=near)}
    if crystal.pairs:
        bodies["all pairs"] = solid.Solid(masses, potential, box=box)
    start = solid.Point(jnp.broadcast_to(x, v.shape), v)
    peer = partial(_crystals_in_numpy, start, np.asarray(box), crystal, potential)
    found = _raced(
        {f"jqd {pairs}, ": body for pairs, body in bodies.items()}, start, peer, steps,
        CRYSTAL_DT, rounds, quick, work=steps * batch, case=crystal.name,
        atoms=len(x), batch=batch,
    )  # fmt: skip
    # the first of a case stands for jqd
    found.rows.sort(key=lambda row: ("Verlet" not in row["program"], row["median_s"]))
    return found


def _raced(
    bodies: dict[str, solid.Solid], start: solid.Point, peer: Any, steps: int,
    dt: float, rounds: int, quick: bool, *, work: int, **columns: Any,
) -> Raced:  # fmt: skip
    """The steppers for each body beside NumPy, with the change of the energy."""
    programs = {
        f"{name}{way}": _program(body, start, stepper, steps, dt)
        for name, body in bodies.items()
        for way, stepper in list(STEPPERS.items())[: 1 if quick else 2]
    }
    motion = solid.AtomMotion(next(iter(bodies.values())))
    energy = jax.jit(jax.vmap(lambda x, v: motion.energy(solid.Point(x, v))))
    kinetic = jnp.max(jnp.sum(start.v**2, axis=(-2, -1)) / 2)

    def look(_: str, end: Any) -> dict[str, Any]:
        apart = energy(*map(jnp.asarray, end)) - energy(start.x, start.v)
        error = float(jnp.max(jnp.abs(apart)) / kinetic)
        return {"energy_error": round_to(error, 2)}

    found = compared(
        programs | {NUMPY: peer}, rounds, look, work, "step", steps=work, **columns
    )
    for row in found.rows:
        row["steps_per_s"] = round_to(work / row["median_s"], 3)
    return found


def _program(
    body: solid.Solid, start: Any, stepper: Any, steps: int, dt: float
) -> Callable[[], Any]:
    one = last_state(solid.AtomMotion(body), stepper, steps, dt)
    if len(start.x) > 1:
        return partial(jax.jit(jax.vmap(one)), start)
    # a batch of one without `vmap`, as one crystal would be run
    alone = jax.tree.map(lambda leaf: leaf[0], start)
    first = lambda point: jax.tree.map(lambda leaf: leaf[None], one(point))  # noqa: E731
    return partial(jax.jit(first), alone)


def _crystals_in_numpy(
    start: solid.Point, box: np.ndarray, crystal: Crystal, potential: solid.LennardJones
) -> list[np.ndarray]:
    points = zip(np.asarray(start.x), np.asarray(start.v), strict=True)
    ends = [crystal_in_numpy(x, v, box, crystal.steps, potential) for x, v in points]
    return [np.stack(each) for each in zip(*ends, strict=True)]


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


def _chains(batch: int, steps: int, rounds: int, quick: bool) -> Raced:
    body = solid.chain(ATOMS, solid.FPUT(beta=1.0), ends="fixed")
    x = jnp.broadcast_to(body.sites[None], (batch, ATOMS, 1))  # pyright: ignore
    start = solid.Point(x, jax.random.normal(jax.random.key(1), x.shape))
    peer = partial(chains_in_numpy, *map(np.asarray, start), steps)
    return _raced(
        {"jqd, ": body}, start, peer, steps, CHAIN_DT, rounds, quick, work=steps,
        case=f"FPUT chains x {batch}", atoms=ATOMS, batch=batch,
    )  # fmt: skip


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

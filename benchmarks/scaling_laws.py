"""One program of each law, over its size, its batch and the devices that share it."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

import jqd
from jqd.ensembles import copying, nelson
from jqd.laws.diffusion import Links
from jqd.matter import gas, solid

from . import husimi_kerr, photon_tower
from .copy_dynamics import random_problem
from .copy_ensembles import standard_problem
from .systems import last_state

# a call is to take about so long, and no more steps than this
SECONDS, MOST_STEPS = 0.05, 2000
PATHS, SAVES, PRODUCTS = 1000, 50, 80


class Task(NamedTuple):
    """A law at one size.

    Attributes:
        one: from the start of one member to its result.
        start: starts of `batch` members, batch first.
        work: units of work that a member makes, or a function of the result of all.
    """

    one: Callable[[Any], Any]
    start: Callable[[int], Any]
    work: float | Callable[[Any], float]


class Law(NamedTuple):
    """What is measured of a law.

    Attributes:
        size, unit: what its size counts, and what a unit of work is.
        build: (size, batch) -> Task.
        least: the smallest size; sizes are measured at `at` members.
        small: the size at which batches are measured.
        grows: power of the size by which the operations of a unit of work grow.
    """

    size: str
    unit: str
    build: Callable[[int, int], Task]
    least: int
    small: int
    grows: int
    at: int = 1


def _steps(seconds: float) -> int:
    """Steps in a call, where one takes about so long.

    A few at least: a call begins and ends with about the work of one.
    """
    return int(np.clip(SECONDS / seconds, 5, MOST_STEPS))


def _repeat(start: Any, batch: int) -> Any:
    return jax.tree.map(
        lambda leaf: jnp.repeat(jnp.asarray(leaf)[None], batch, axis=0), start
    )


_run = partial(last_state, gradient="direct")


def _oscillator(points: int) -> tuple[Any, Any]:
    grid = jqd.Grid((-10.0, 10.0), points)
    law = jqd.Schrodinger.on_grid(grid, lambda x: x**2 / 2)
    return law, grid.normalise(jnp.exp(-((grid.x - 1) ** 2) / 2) + 0j)


def schrodinger_grid(points: int, batch: int) -> Task:
    """Strang steps of an oscillator in 1D."""
    law, psi = _oscillator(points)
    steps = _steps(8e-9 * points * batch)
    return Task(
        _run(law, jqd.steppers.strang, steps, 1e-3), partial(_repeat, psi), steps
    )


def schrodinger_matrix(size: int, batch: int) -> Task:
    """A dense H that differs from member to member: its eigenbasis, and all times."""
    H, psi = random_problem(size, 1)
    ts, start = np.linspace(0.0, 10.0, SAVES), jnp.asarray(psi[0])

    def one(strength):
        law = jqd.Schrodinger(strength * H)
        return jqd.evolve(law, start, ts, method=jqd.Propagator()).values

    return Task(one, partial(jnp.linspace, 0.5, 1.5), SAVES)


def copy_dynamics(size: int, batch: int) -> Task:
    """Runge-Kutta steps of copy dynamics."""
    H, _ = random_problem(size, 1)
    law = jqd.CopyDynamics.from_hamiltonian(H)
    steps = _steps(3e-8 * size**2 * batch)
    start = lambda batch: jnp.asarray(random_problem(size, batch)[1])  # noqa: E731
    return Task(_run(law, jqd.steppers.rk4, steps, 0.02), start, steps)


def husimi(levels: int, batch: int) -> Task:
    """The density of a Kerr oscillator at 441 points and 5 times, one order in C."""
    x = np.linspace(-3.0, 3.0, 21)
    points, ts = x[None, :] + 1j * x[:, None], np.linspace(0.0, 1.0, 6)
    one = husimi_kerr.density_of_C(points, ts, 1, levels)
    return Task(one, partial(jnp.linspace, 0.9, 1.1), 5)


def diffusion_links(points: int, batch: int) -> Task:
    """Runge-Kutta steps of (ln √ρ, S) link by link."""
    grid = jqd.Grid((-0.05 * points, 0.05 * points), points)
    x = grid.x
    law = jqd.Madelung(grid, 0.01 * x**2, form=Links(8, 1e-8))
    # 1e-14 of the largest density is left at the walls: nearer, the run would end there
    state = law.prepare(grid.normalise(jnp.exp(-((80 * x / points) ** 2)) + 0j))
    steps = _steps(1e-6 * points * batch)
    return Task(
        _run(law, jqd.steppers.rk4, steps, 1e-4), partial(_repeat, state), steps
    )


def nelson_paths(points: int, batch: int) -> Task:
    """1000 paths each of Nelson's diffusion, Heun steps."""
    law, psi = _oscillator(points)
    steps = int(np.clip(_steps(5e-5 * batch), 5, 100))

    def one(seed):
        run = nelson(
            law, psi, np.array([0.0, 0.02 * steps]), jax.random.key(seed), paths=PATHS,
            substeps=steps, scheme="heun", stepper=jqd.steppers.strang, error_paths=0,
        )  # fmt: skip
        return run.positions[-1]

    return Task(one, jnp.arange, PATHS * steps)


def copies(size: int, batch: int) -> Task:
    """Leaps of 1e6 systems that copy each other, a trajectory a member."""
    law, psi = standard_problem(size)

    def one(seed):
        run = copying.sample(
            law, psi, np.array([0.0, 0.2]), jax.random.key(seed), copies=10**6,
            trajectories=1, max_steps=40, error_trajectories=0,
        )  # fmt: skip
        return jnp.sum(run.steps), run.density[:, -1]

    return Task(one, jnp.arange, lambda result: float(np.sum(result[0])))


def photon_tower_(levels: int, batch: int) -> Task:
    """Products of H with a state, in a series of fixed length."""
    law = photon_tower.tower_of(levels)
    psi = photon_tower.towers.level_state(law, photon_tower.ENERGY, 0.3)
    ts = np.array([0.0, photon_tower.TIME])

    def one(psi):
        return jqd.evolve(law, psi, ts, method=jqd.Propagator(PRODUCTS)).values[-1]

    return Task(one, partial(_repeat, psi), PRODUCTS)


def chains(atoms: int, batch: int) -> Task:
    """Verlet steps of FPUT chains."""
    body = solid.chain(atoms, solid.FPUT(beta=1.0), ends="fixed")
    steps = _steps(2e-9 * atoms * batch + 3e-7)
    one = _run(solid.AtomMotion(body), jqd.steppers.strang, steps, 0.05)

    def start(batch):
        x = jnp.broadcast_to(body.sites[None], (batch, atoms, 1))  # pyright: ignore
        return solid.Point(x, jax.random.normal(jax.random.key(1), x.shape))

    return Task(one, start, steps)


def hard_discs(discs: int, batch: int) -> Task:
    """Collisions of hard discs that fill 0.3 of the plane."""
    x, box = gas.lattice(jax.random.key(0), discs, 0.3, jitter=0.5)
    # the first table of pairs costs as much as N/2 collisions
    events = max(_steps(3e-8 * discs * batch), 50, discs // 2)

    def one(v):
        return gas.event_driven(x, v, box, collisions=events).velocities[-1]

    def start(batch):
        keys = jax.random.split(jax.random.key(1), batch)
        return jax.vmap(lambda key: gas.maxwell(key, discs))(keys)

    return Task(one, start, events)


# what a size counts, what a unit of work is, the sizes, and the power
LAWS = {
    "schrodinger_grid": Law("points", "step", schrodinger_grid, 64, 256, 1),
    "schrodinger_matrix": Law("levels", "saved time", schrodinger_matrix, 4, 16, 3),
    "copy_dynamics": Law("classes", "step", copy_dynamics, 4, 4, 2),
    "husimi": Law("levels", "saved density", husimi, 41, 41, 1),
    "diffusion_links": Law("points", "step", diffusion_links, 64, 256, 1),
    "nelson_paths": Law("points of ψ", "path and step", nelson_paths, 64, 256, 1),
    "copies": Law("classes", "leap", copies, 3, 3, 2, at=16),
    "photon_tower": Law("levels of matter", "product", photon_tower_, 30, 100, 2),
    "chains": Law("atoms", "step", chains, 16, 64, 1),
    "hard_discs": Law("discs", "collision", hard_discs, 16, 64, 1),
}


def program(law: Law, size: int, batch: int, devices: list[Any]) -> tuple[Any, Any]:
    """A function without arguments that runs the batch on `devices`, and its work.

    Arrays of the law are arguments of the program, as a user's are: XLA would keep
    constants in the program itself, and leave them out of the memory that it states.
    """
    task = law.build(size, batch)
    mesh = jax.sharding.Mesh(np.asarray(devices), ("batch",))
    split, whole = PartitionSpec("batch"), PartitionSpec()
    start = jax.device_put(task.start(batch), NamedSharding(mesh, split))
    member = jax.eval_shape(lambda tree: jax.tree.map(lambda x: x[0], tree), start)
    traced, results = jax.make_jaxpr(task.one, return_shape=True)(member)

    def one(constants, state):
        leaves = jax.core.eval_jaxpr(traced.jaxpr, constants, *jax.tree.leaves(state))
        return jax.tree.unflatten(jax.tree.structure(results), leaves)

    run = jax.shard_map(
        jax.vmap(one, in_axes=(None, 0)), mesh=mesh, in_specs=(whole, split),
        out_specs=split, check_vma=False,
    )  # fmt: skip
    constants = jax.device_put(traced.consts, NamedSharding(mesh, whole))
    return partial(jax.jit(run), constants, start), task.work

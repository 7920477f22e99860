"""Runs on eight virtual devices, and the same on one; prints what differs, as JSON.

A process of its own: the number of devices is fixed when jax starts. Started by
`test_sharding.py`; `python sharded_runs.py NAME ...` runs some of the groups.
"""

import json
import re
import sys

import jax
import jax.numpy as jnp
import numpy as np

import jqd

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")

FLAT = jqd.Grid([(-5.0, 5.0), (-4.0, 6.0)], (16, 24))
SOLID = jqd.Grid([(-5.0, 5.0), (-4.0, 6.0), (-6.0, 6.0)], (16, 24, 12))
TS = [0.0, 0.1, 0.3]


def mesh(*shape):
    return jax.make_mesh(shape, ("a", "b")[: len(shape)])


def packet(x, y, z=0.0):
    return jnp.exp(-((x - 0.3) ** 2) - y**2 / 2 - 0.7 * z**2 + 1j * (x + 0.5 * z))


def flat(x, y, *, k):
    return k * (x**2 / 2 + 0.02 * y**4 + 0.1 * x * y)


def solid(x, y, z, *, k):
    return flat(x, y, k=k) + k * (0.4 * z**2 + 0.1 * x * y * z)


def driven(x, y, t, *, k):
    return flat(x, y, k=k) * (1 + 0.3 * jnp.sin(5 * t))


def gap(found, expected):
    """Largest difference, relative to the largest entry."""
    found, expected = np.asarray(found), np.asarray(expected)
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def gaps(found, expected):
    """The largest gap of two trees."""
    return max(jax.tree.leaves(jax.tree.map(gap, found, expected)))


def collectives(compiled):
    """How often each kind of communication stands in a compiled program."""
    kinds = "all-gather|all-to-all|collective-permute|all-reduce"
    found = re.findall(rf" ({kinds})(?:-start)?\(", compiled.as_text())
    return {kind: found.count(kind) for kind in kinds.split("|")}


def start(grid, dtype=complex):
    return grid.normalise(grid.sample(packet)).astype(dtype)


def law_of(grid, V=None, **constants):
    if V is None:
        V = flat if grid.ndim == 2 else solid
    taken = {"k": 1.1} if hasattr(V, "__code__") else {}  # values take no constants
    return jqd.Schrodinger.on_grid(grid, V, **(taken | constants))


def run(grid, method, law=None, dtype=complex, observe=None):
    law = law_of(grid) if law is None else law
    psi = law.prepare(start(grid, dtype))
    return jqd.evolve(law, psi, TS, method=method, observe=observe)


def fixed(stepper, substeps=2, **options):
    return jqd.Fixed(stepper, substeps, **({"estimate_error": False} | options))


# --- groups ---


def transforms():
    """The FFT across devices, its inverse, derivative, transpose and batch."""
    rng, result = np.random.default_rng(1), {}
    for shape, sizes in (
        ((16, 24), (8,)), ((16, 8, 6), (8,)), ((8, 8, 12), (2, 4)),
        ((4, 8, 10), (4, 2)), ((6, 10), (2,)), ((3, 6, 5), (3,)),
        ((6, 10, 14), (2, 2)), ((3, 2, 2), (1, 2)),
        ((4, 8, 3, 5), (4,)), ((4, 4, 3, 6), (4, 2)), ((2, 4, 3, 2, 4), (2, 4)),
    ):  # fmt: skip
        grid = jqd.Grid([(-1.0, 1.0)] * len(shape), shape).sharded(mesh(*sizes))
        f, g = (rng.normal(size=shape) + 1j * rng.normal(size=shape) for _ in "fg")
        fft = grid.fft
        exact = np.transpose(np.fft.fftn(f), fft.order)
        placed = grid.shard(f)
        found = fft.forward(placed)
        bar = grid.shard(g).reshape(found.shape)
        (pulled,) = jax.linear_transpose(fft.forward, placed)(bar)
        batch = jax.vmap(fft.forward)(grid.shard(np.stack([f, 2 * f])))
        _, pushed = jax.jvp(fft.backward, (found,), (found,))
        result[f"{shape} on {sizes}"] = max(
            gap(found, exact),
            gap(fft.backward(found), f),
            # F is symmetric but for the order of its axes: <F f, g> = <f, F^T g>
            gap(np.sum(np.asarray(pulled) * f), np.sum(np.asarray(bar) * exact)),
            gap(batch, np.stack([exact, 2 * exact])),
            gap(pushed, f),
        )
    return result


def refusals():
    """What is said of a mesh, or an array, that does not fit."""
    result, grid = {}, FLAT.sharded(mesh(8))
    for name, call in {
        "first axis": lambda: jqd.Grid([(0, 1)] * 2, (12, 16)).sharded(mesh(8)),
        "second axis": lambda: jqd.Grid([(0, 1)] * 2, (16, 12)).sharded(mesh(8)),
        "last axis": lambda: jqd.Grid([(0, 1)] * 3, (8, 8, 6)).sharded(mesh(2, 4)),
        "one dimension": lambda: jqd.Grid((0, 1), 16).sharded(mesh(8)),
        "pencils in 2D": lambda: FLAT.sharded(mesh(2, 4)),
        "name": lambda: grid.sharded(mesh(8), ("x",)),
        "shape": lambda: grid.shard(np.ones((24, 16))),
        "norm": lambda: law_of(grid).prepare(np.ones((16, 24))),
        "finite": lambda: law_of(grid).prepare(np.full((16, 24), np.nan)),
        "absorber": lambda: law_of(grid, absorber=grid.shard(-np.ones((16, 24)))),
    }.items():
        try:
            call()
        except ValueError as error:
            result[name] = str(error)
    return result


class Recorded:
    """An array on disk, as far as `shard` can tell: notes the blocks that are read."""

    def __init__(self, values):
        self.values, self.shape, self.dtype = values, values.shape, values.dtype
        self.read = []

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("read as a whole")

    def __getitem__(self, index):
        block = self.values[index]
        self.read.append(block.shape)
        return block


def placement():
    """Blocks of every array that a run makes, in numbers of points."""
    grid = SOLID.sharded(mesh(2, 4))
    disk = Recorded(np.ones(SOLID.shape))
    sampled = law_of(grid, V=grid.sample(lambda *x: solid(*x, k=1.0)))
    final = run(grid, fixed(jqd.steppers.strang)).values
    arrays = {
        "sampled": start(grid), "placed": grid.shard(np.ones(SOLID.shape)),
        "from disk": grid.shard(disk), "k2": grid.k2, "spectral_k2": grid.spectral_k2,
        "eager": jnp.exp(-sum(x**2 for x in grid.coordinates)),
        "V": sampled.hamiltonian.potential.values, "states": final,
        "absorber": jqd.spaces.absorbing_layer(grid, 1.0, 2.0),
    }  # fmt: skip
    blocks = {
        name: max(shard.data.size for shard in array.addressable_shards) / array.size
        for name, array in arrays.items()
    }
    blocks["read"] = max(np.prod(shape) for shape in disk.read) / SOLID.size
    whole = run(SOLID, fixed(jqd.steppers.strang)).values
    return {
        "blocks": blocks, "k2": gap(grid.k2, SOLID.k2), "states": gap(final, whole),
        "eager": gap(arrays["eager"], jnp.exp(-sum(x**2 for x in SOLID.coordinates))),
        "equal": grid == SOLID.sharded(mesh(2, 4)), "other": grid == SOLID,
        "same": jqd.Grid(SOLID.bounds, SOLID.shape, grid.sharding) == grid,
    }  # fmt: skip


def evolution():
    """`evolve` on pencils against one device, with error bars."""
    halved = fixed(jqd.steppers.strang, estimate_error=True)
    return {"strang, 2 x 4": _against_one(SOLID, (2, 4), halved)}


def more_evolution():
    """Other steppers and meshes."""
    return {
        "Chebyshev, 2 x 4": _against_one(SOLID, (2, 4), jqd.Propagator()),
        "srkn11, slabs 3D": _against_one(SOLID, (8,), fixed(jqd.steppers.srkn11, 1)),
        "chin4a, 4 x 2": _against_one(SOLID, (4, 2), fixed(jqd.steppers.chin4a)),
        "driven": _against_one(FLAT, (4,), fixed(jqd.steppers.chin4a), V=driven),
        "three masses, 4 x 2": _against_one(
            SOLID, (4, 2), fixed(jqd.steppers.srkn11, 1), mass=[0.8, 2.0, 1.3]
        ),
        "five axes, 2 x 4": _five_axes(),
    }


def _five_axes():
    """A product of five packets of five masses, in pieces as on one device."""
    grid = jqd.Grid([(-4.0, 4.0)] * 5, (4, 8, 6, 5, 4))
    masses, V = [1.0, 2.0, jnp.inf, 0.5, 1.5], lambda v, w, x, y, z: (v + y * z) ** 2
    finals = []
    for g in (grid, grid.sharded(mesh(2, 4))):
        law = jqd.Schrodinger.on_grid(g, V, mass=masses)
        psi = g.normalise(
            g.sample(lambda *x: jnp.exp(-sum(c**2 for c in x) / 3 + 0.4j * x[1]))
        )
        finals.append(
            jqd.evolve(law, law.prepare(psi), TS, method=fixed(jqd.steppers.strang))
        )
    one, many = finals
    return {
        "values": gap(many.values, one.values),
        "error": 0.0,
        "drifts": abs(float(many.diagnostics["norm_drift"].max())),
        "status": int(many.status),
        "pieces": many.values.size / many.values.addressable_shards[0].data.size,
    }


def _against_one(grid, sizes, method, **options):
    spread = grid.sharded(mesh(*sizes))
    one, many = (run(g, method, law_of(g, **options)) for g in (grid, spread))
    top = float(jnp.abs(one.values).max())
    error = None if one.error is None else jnp.abs(many.error - one.error).max() / top
    drifts = [
        jnp.abs(one.diagnostics[k] - many.diagnostics[k]) for k in one.diagnostics
    ]
    piece = many.values.addressable_shards[0].data.size / many.values.size
    return {
        "values": gap(many.values, one.values),
        "error": 0.0 if error is None else float(error),
        "drifts": float(max(drifts)),
        "status": int(many.status),
        "pieces": 1 / piece,
    }


def single():
    """complex64 on pencils of 4 x 2: itself, and against complex128 on one device."""
    grid = SOLID.sharded(mesh(4, 2))
    many, one = (
        run(g, fixed(jqd.steppers.strang), dtype="complex64") for g in (grid, SOLID)
    )
    exact = run(SOLID, fixed(jqd.steppers.strang))
    return {
        "dtype": str(many.values.dtype), "one": gap(many.values, one.values),
        "exact": gap(many.values, exact.values),
    }  # fmt: skip


def gradients():
    """Reversible gradients by mass, V and ψ, and what the program sends."""
    return _sampled(FLAT, (8,), jqd.steppers.strang)


def more_gradients():
    """With |∇V|² on pencils, and checkpointed for a potential that is a function."""

    def make(grid, mass, k):
        return law_of(grid, mass=mass, k=k)

    return {
        "reversible": _sampled(SOLID, (2, 4), jqd.steppers.chin4a),
        "checkpointed": _gradients(
            SOLID, (8,), fixed(jqd.steppers.strang), make, (0.9, 1.1)
        ),
    }


def _sampled(grid, sizes, stepper):
    V = flat if grid.ndim == 2 else solid
    values = np.asarray(grid.sample(lambda *x: V(*x, k=1.1)))

    def make(grid, mass, V):
        return law_of(grid, V=jqd.spaces.SampledPotential(V), mass=mass)

    method = fixed(stepper, gradient="reversible")
    return _gradients(grid, sizes, method, make, (0.9, values))


def _gradients(one, sizes, method, make, constants):
    found, sent = [], {}
    for grid in (one.sharded(mesh(*sizes)), one):
        arrays = [grid.shard(c) if np.ndim(c) else jnp.asarray(c) for c in constants]

        def loss(constants, psi, grid=grid):
            law = make(grid, *constants)

            def observe(t, psi):
                r2 = sum(x**2 for x in grid.coordinates)
                return grid.integrate(law.density(psi) * r2)

            run = jqd.evolve(law, psi, TS, method=method, observe=observe)
            return run.values[-1]

        slope = jax.jit(jax.value_and_grad(loss, (0, 1)))
        compiled = slope.lower(arrays, start(grid)).compile()
        found.append(compiled(arrays, start(grid)))
        sent = sent or collectives(compiled)
    return {"gap": gaps(*found), "sent": sent}


def traffic():
    """Communication of a compiled run, and of one with the FFT of `jax.numpy`."""
    result, method = {}, fixed(jqd.steppers.strang, 4)
    for name, grid in {
        "slabs": FLAT.sharded(mesh(8)), "pencils": SOLID.sharded(mesh(2, 4))
    }.items():  # fmt: skip
        law, psi = law_of(grid), start(grid)

        def final(law, psi):
            return jqd.evolve(law, psi, [0.0, 0.4], method=method).values[-1]

        compiled = jax.jit(final).lower(law, psi).compile()
        result[name] = collectives(compiled)
        block = psi.addressable_shards[0].data.nbytes
        result[f"{name}, blocks of memory"] = (
            compiled.memory_analysis().temp_size_in_bytes / block
        )
        # what would be, were each device to hold all of it
        result[f"{name}, blocks of a state"] = psi.nbytes / block
        plain = jax.jit(jnp.fft.fftn).lower(psi).compile()
        result[f"{name}, jnp.fft"] = collectives(plain)
    return result


def wrong_order():
    """Kinetic factors in the grid's order where the spectrum's is rotated."""
    cube = jqd.Grid([(-5.0, 5.0), (-8.0, 8.0), (-3.0, 3.0)], (8, 8, 8))
    right = run(cube, fixed(jqd.steppers.strang)).values
    jqd.Grid.spectral_k2 = jqd.Grid.k2
    return gap(run(cube.sharded(mesh(2, 4)), fixed(jqd.steppers.strang)).values, right)


def observables():
    """Integrals, norms, differences, and what `evolve` observes on the way."""
    grid = SOLID.sharded(mesh(4, 2))
    a, b = start(SOLID), jnp.conj(start(SOLID)) * SOLID.coordinates[2]
    numbers = [
        (g.norm2(x), g.inner(x, y), g.gradient(x), g.normalise(y))
        for g, x, y in ((grid, grid.shard(a), grid.shard(b)), (SOLID, a, b))
    ]
    looked = [
        run(
            g, fixed(jqd.steppers.strang), observe={"density": "density", "x2": x2(g)}
        ).values
        for g in (grid, SOLID)
    ]
    return {"grid": gaps(*numbers), "evolve": gaps(*looked)}


def x2(grid):
    return lambda t, psi: grid.integrate(jnp.abs(psi) ** 2 * grid.coordinates[0] ** 2)


def other_methods():
    """Ground states, absorbers, batches and adaptive steps."""
    grid, method = FLAT.sharded(mesh(8)), fixed(jqd.steppers.chin4a)
    states = [jqd.ground_state(law_of(g), dtau=0.05) for g in (grid, FLAT)]
    result = {"energy": gap(*(s.energy for s in states))}
    result["status"] = int(states[0].status)
    walls = [
        law_of(g, absorber=jqd.spaces.absorbing_layer(g, 2.0, 3.0))
        for g in (grid, FLAT)
    ]
    result["absorber"] = gap(
        *(run(g, method, w).values for g, w in zip((grid, FLAT), walls, strict=True))
    )
    # so tight that no step is refused: refusals would make much of rounding
    tight = jqd.Adaptive(rtol=1e-12, atol=1e-12, estimate_error=False)
    result["adaptive"] = gap(*(run(g, tight).values for g in (grid, FLAT)))

    def batch(g, **options):
        psis = jnp.stack([start(g), jnp.conj(start(g))])
        law = law_of(g)

        def member(psi):
            return jqd.evolve(law, psi, TS, method=method).values

        return jax.vmap(member, **options)(psis)

    result["batch"] = gap(batch(grid), batch(FLAT))
    # a mesh of two axes: the grid over one of them, the batch over the other
    repeated = FLAT.sharded(mesh(2, 4), ("b",))
    states = batch(repeated, spmd_axis_name="a")
    result["batch in pieces"] = gap(states, batch(FLAT))
    result["pieces"] = states.size / states.addressable_shards[0].data.size
    return result


if __name__ == "__main__":
    print(json.dumps({name: globals()[name]() for name in sys.argv[1:]}))

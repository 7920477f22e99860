"""Alignment, leaps, Gaussian and Wigner forms, towers, solids, chance and posteriors
beside their floors: `python -m benchmarks.profile_rest [NAME ...] [--quick]`.

One line each: process time of a unit of work as users call it, and of its floor, what
no program can do without: the arithmetic that the equation asks for (sines, transforms,
products, random numbers, likelihoods) in a program that does nothing else.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jqd
from jqd.ensembles import copying
from jqd.ensembles.copying.binomials import binomial
from jqd.evolution.one_path import draw_noise
from jqd.inference.posterior import nuts
from jqd.inference.posterior.box import box_of
from jqd.inference.posterior.coordinates import whitened
from jqd.laws.husimi import GaussianSum
from jqd.laws.husimi.wigner import WignerGrid, _bracket
from jqd.matter import solid
from jqd.matter import tower as towers
from jqd.problems import four_level, golden

from . import photon_tower
from .profile_laws import least_seconds
from .tables import markdown

ROUNDS = 7


class Case(NamedTuple):
    """One kind of work.

    Attributes:
        ours: as users call it, without arguments.
        floor: what it cannot do without.
        floor_is: in words.
        bound: "arithmetic" or "memory".
        work: units in a call.
        unit: one of them.
    """

    ours: Callable[[], Any]
    floor: Callable[[], Any]
    floor_is: str
    bound: str
    work: float
    unit: str


def _run(law: Any, state: Any, stepper: Any, dt: float, steps: int) -> Any:
    """The last state, as `evolve` gives it."""
    method = jqd.Fixed(stepper, steps, "direct", estimate_error=False)
    ts = np.array([0.0, steps * dt])

    @jax.jit
    def run(law, state):
        found = jqd.evolve(law, state, ts, method=method)
        return jax.tree.map(lambda leaf: leaf[-1], found.values), found.status

    return partial(run, law, state)


def _repeated(function: Callable[..., Any], start: Any, times: int) -> Any:
    """A scan of start -> start, jitted."""

    @jax.jit
    def run(start):
        return jax.lax.scan(lambda x, _: (function(x), None), start, None, times)[0]

    return partial(run, start)


# -- alignment, forms of the Husimi law, towers, solids --------------------------------


def alignment(individuals: int, quick: bool) -> Case:
    """Phases of individuals in four classes, Runge-Kutta steps."""
    each = 4 if quick else individuals // 4
    H = four_level().hamiltonian
    copies = jqd.CopyDynamics.from_hamiltonian(H)
    law = jqd.PhaseAlignment.of_occupation(
        [each] * 4, copies.omega, copies.R, copies.delta, 1.0
    )
    phase = jax.random.uniform(jax.random.key(0), (4 * each,), maxval=6.0)
    steps = 4 if quick else max(4, 2**22 // individuals)

    def turn(phase):
        # a cosine and a sine a phase and vector field
        return phase + 1e-9 * (jnp.cos(phase) + jnp.sin(phase))

    return Case(
        _run(law, law.start(phase), jqd.rk4, 1e-3, steps),
        _repeated(turn, phase, 4 * steps),
        "sines and cosines of the phases", "arithmetic", steps, "step",
    )  # fmt: skip


def gaussian_form(quick: bool) -> Case:
    """The density of a cat of two packets on a plane at 50 times."""
    n, times = (8, 3) if quick else (96, 50)
    x = np.linspace(-4.0, 4.0, n)
    points = x[None, :] + 1j * x[:, None]
    law = jqd.HusimiFokkerPlanck("ad*a", 0.9, form="gaussian", points=points)
    cat = GaussianSum.cat([2.0, -2.0], [1.0, 1.0])
    state, ts = law.prepare(cat), np.linspace(0.0, 3.0, times)
    terms = state.weights.shape[0]

    @jax.jit
    def run(law, state):
        method = jqd.Propagator()
        return jqd.evolve(law, state, ts, method=method, observe="density").values

    flat = jnp.ravel(jnp.asarray(points)) * 0.1

    @jax.jit
    def exponentials(flat):
        def one(total, t):
            scale = t * (1 + jnp.arange(terms))[:, None]
            return total + jnp.sum(jnp.exp(scale * flat[None, :])), None

        return jax.lax.scan(one, jnp.zeros((), flat.dtype), jnp.asarray(ts))[0]

    return Case(
        partial(run, law, state), partial(exponentials, flat),
        f"complex exponentials, {terms} a point", "arithmetic", times * n**2,
        "point and time",
    )  # fmt: skip


def wigner_form(quick: bool) -> Case:
    """The Husimi law of a Kerr oscillator as W on a grid, Runge-Kutta steps."""
    n, steps = (16, 2) if quick else (128, 40)
    law = jqd.HusimiFokkerPlanck("0.5*ad^2*a^2", 0.9, form=WignerGrid(n, 5.0))
    state = law.prepare(jqd.states.coherent(1.0, 20))

    terms = len(list(_bracket(law.equation)))

    def transforms(W):
        # one transform there and one back for each term of the bracket
        spectrum = jnp.fft.fft2(W)
        total = W
        for k in range(terms):
            total = total + 1e-9 * jnp.imag(jnp.fft.ifft2((1 + k) * spectrum))
        return total

    return Case(
        _run(law, state, jqd.rk4, 1e-4, steps),
        _repeated(transforms, state, 4 * steps),
        f"transforms: 1 + {terms} a field", "arithmetic", steps, "step",
    )  # fmt: skip


def tower(levels: int, quick: bool) -> Case:
    """Products of a photon tower's H with a state, by the series."""
    levels, terms = (6, 10) if quick else (levels, 80)
    law = photon_tower.tower_of(levels)
    psi = towers.level_state(law, photon_tower.ENERGY, 0.3)
    ts = np.array([0.0, photon_tower.TIME])

    @jax.jit
    def run(law, psi):
        return jqd.evolve(law, psi, ts, method=jqd.Propagator(terms)).values[-1]

    parts = jnp.concatenate([jnp.real(psi), jnp.imag(psi)], axis=1)

    def product(parts):
        return 1e-3 * jnp.matmul(law.coupling, parts, precision="highest")

    return Case(
        partial(run, law, psi), _repeated(product, parts, terms),
        "products with the coupling of matter", "arithmetic", terms, "product",
    )  # fmt: skip


def crystal(quick: bool) -> Case:
    """Verlet steps of a cold Lennard-Jones crystal with its list of neighbours."""
    shape, steps = ((10, 8), 4) if quick else ((80, 50), 100)
    x = solid.triangular(shape, 1.112)
    box = 1.112 * jnp.array([shape[1], shape[0] * 0.75**0.5])
    potential = solid.LennardJones()
    near = solid.neighbours_for(x, box, 2.5)
    body = solid.Solid(jnp.ones(len(x)), potential, box=box, neighbours=near)
    v = 0.2 * jax.random.normal(jax.random.key(0), x.shape)
    partners = body.listed(x).partners
    places = jnp.full(partners.shape, 1.1)

    def slopes(r):
        # of as many places as the list has
        return r + 1e-9 * potential.slope(r)

    return Case(
        _run(solid.AtomMotion(body), solid.Point(x, v), jqd.strang, 0.005, steps),
        _repeated(slopes, places, steps),
        f"u'(r) of {partners.shape[0]} places an atom", "arithmetic", steps, "step",
    )  # fmt: skip


def chain(atoms: int, quick: bool) -> Case:
    """Verlet steps of an FPUT chain."""
    atoms, steps = (16, 4) if quick else (atoms, 2**22 // atoms)
    body = solid.chain(atoms, solid.FPUT(beta=1.0), ends="fixed")
    v = jax.random.normal(jax.random.key(1), (atoms, 1))
    start = solid.Point(jnp.asarray(body.sites), v)

    def passes(both):
        # x and v, read and written
        x, v = both
        return x + 1e-9 * v, v + 1e-9 * x

    return Case(
        _run(solid.AtomMotion(body), start, jqd.strang, 0.05, steps),
        _repeated(passes, tuple(start), steps),
        "x and v read and written", "memory", steps, "step",
    )  # fmt: skip


# -- chance ----------------------------------------------------------------------------


def leaps(size: int, quick: bool) -> Case:
    """Leaps of 10⁶ systems that copy each other, 512 trajectories side by side."""
    lanes, most = (4, 3) if quick else (512, 40)
    if size == 3:
        law, psi = golden()
    else:
        H, ket = photon_problem(size)
        law, psi = jqd.CopyDynamics.from_hamiltonian(H), ket
    keys = jax.random.key(0)

    def ours():
        return copying.sample(
            law, psi, np.array([0.0, 4.0]), keys, copies=10**6, trajectories=lanes,
            max_steps=most, error_trajectories=0,
        ).steps  # fmt: skip

    done = int(np.sum(ours()))
    n, p = jnp.full((lanes, size), 1e6 / size), jnp.full((lanes, size), 0.01)

    @jax.jit
    def draws(key):
        # two halves of M - 1 rounds, a number a class in each
        def one(total, key):
            each = jax.random.split(key, lanes)
            return total + jax.vmap(binomial)(each, n, p), None

        rounds = jax.random.split(key, 2 * (size - 1) * max(done // lanes, 1))
        return jax.lax.scan(one, jnp.zeros_like(n), rounds)[0]

    return Case(
        ours, partial(draws, keys), "binomial numbers", "arithmetic", done, "leap"
    )


def photon_problem(size: int) -> tuple[np.ndarray, np.ndarray]:
    """A random Hamiltonian of so many classes, and classes of one size."""
    rng = np.random.default_rng(size)
    H = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    psi = np.exp(2j * np.pi * rng.uniform(size=size)) / size**0.5
    return (H + H.conj().T) / 4, psi


def monitored_qubit(quick: bool) -> Case:
    """Paths of a qubit whose σ_z is measured."""
    paths, steps = (8, 4) if quick else (20_000, 50)
    law = jqd.Collapse(np.array([[0, 0.5], [0.5, 0]]), np.array([[1.0, -1.0]]), 0.5)
    return _paths(law, np.array([1.0, 0.0]) + 0j, paths, steps, 2.0)


def localised(name: str, quick: bool) -> Case:
    """Paths of ψ on 256 points that is localised at random."""
    paths, steps = (2, 2) if quick else (64, 100)
    grid = jqd.Grid((-10.0, 10.0), 16 if quick else 256)
    quantum = jqd.Schrodinger.on_grid(grid, lambda x: x**2 / 2)
    psi = grid.normalise(jnp.exp(-(grid.x**2) / 2) + 0j)
    law = jqd.QMUPL(quantum, 0.1) if name == "qmupl" else jqd.CSL(quantum, 0.1, 1.0)
    return _paths(law, psi, paths, steps, 1.0, transforms=2)


def _paths(
    law: Any, psi: Any, paths: int, steps: int, length: float, transforms: int = 0
) -> Case:
    """Steps of paths; of ψ on a grid with so many FFT pairs each."""
    state, ts = law.prepare(psi), np.array([0.0, length])
    method = jqd.Fixed(substeps=steps, estimate_error=False)
    key, shape, dt = jax.random.key(0), law.chance().noise, jnp.asarray(length / steps)

    def ours():
        return jqd.evolve(
            law, state, ts, method=method, observe="density", key=key, paths=paths
        ).values

    @jax.jit
    def numbers(key):
        def path(key):
            def step(carry, i):
                psi, total = carry
                # of a lattice twice as fine, which halved steps share
                w = draw_noise(shape, key, i, dt, 2)
                for _ in range(transforms):
                    psi = jnp.fft.ifft(jnp.fft.fft(psi))
                return (psi, total + sum(map(jnp.sum, jax.tree.leaves(w)))), None

            start = (state * (1 + 1e-9 * jax.random.uniform(key)), 0.0)
            return jax.lax.scan(step, start, jnp.arange(steps))[0]

        return jax.vmap(path)(jax.random.split(key, paths))

    pairs = f" and {transforms} FFT pairs" if transforms else ""
    return Case(
        ours, partial(numbers, key), f"{_size(shape)} random numbers{pairs}",
        "arithmetic", paths * steps, "step of a path",
    )  # fmt: skip


def _size(shape: Any) -> int:
    """Random numbers of a step, increments on a lattice twice as fine."""
    uniforms = 0 if shape.uniforms is None else int(np.prod(shape.uniforms))
    return 2 * int(np.prod(shape.increments)) + uniforms


# -- posteriors ------------------------------------------------------------------------


def posterior(quick: bool) -> Case:
    """Transitions of the no-U-turn sampler, four chains, for q and r of counts."""
    problem = four_level()
    law = jqd.CopyDynamics.from_hamiltonian(problem.hamiltonian)
    study = jqd.Study(law, problem.counts, psi0=problem.psi0, free=("q", "r"))
    study = study.with_substeps(4)
    theta = jnp.array([0.5, -0.5])
    target = whitened(study, box_of(study, None), theta)
    z, key = jnp.zeros((4, 2)), jax.random.key(0)
    length = 2 if quick else 20

    def ours():
        return nuts._moves(target, z, key, 0.8, length)

    # chains wait for the longest of each transition
    calls = int(np.sum(np.max(np.asarray(ours().steps), axis=0)))

    @jax.jit
    def gradients(target, z):
        def one(z, _):
            value, slope = jax.vmap(jax.value_and_grad(target.log_density))(z)
            return z + 1e-9 * slope, value

        return jax.lax.scan(one, z, None, calls)

    return Case(
        ours, partial(gradients, target, z), "likelihoods with gradients", "arithmetic",
        calls, "gradient of four chains",
    )  # fmt: skip


CASES: dict[str, Callable[[bool], Case]] = {
    "alignment, 1000": partial(alignment, 1000),
    "alignment, 100 000": partial(alignment, 100_000),
    "Husimi, Gaussian form": gaussian_form,
    "Husimi, Wigner form, 128 x 128": wigner_form,
    "tower, 300 levels": partial(tower, 300),
    "crystal of 4000 atoms": crystal,
    "FPUT chain of 64": partial(chain, 64),
    "FPUT chain of 4096": partial(chain, 4096),
    "leaps, M = 3 x 512": partial(leaps, 3),
    "leaps, M = 8 x 512": partial(leaps, 8),
    "monitored qubit, 20 000 paths": monitored_qubit,
    "QMUPL, 256 points x 64": partial(localised, "qmupl"),
    "CSL, 256 points x 64": partial(localised, "csl"),
    "posterior, NUTS": posterior,
}


def profile(case: Case, rounds: int) -> dict[str, Any]:
    """Microseconds of process time a unit, and the share of the floor in it."""
    least = least_seconds({"ours": case.ours, "floor": case.floor}, rounds)
    ours, floor = least["ours"], least["floor"]
    return {
        "unit": case.unit,
        "us": float(f"{ours / case.work * 1e6:.3g}"),
        "floor, us": float(f"{floor / case.work * 1e6:.3g}"),
        "floor is": case.floor_is,
        "bound by": case.bound,
        "floor / us": float(f"{floor / ours:.2g}"),
    }


def main(arguments: list[str] | None = None) -> None:
    """Profile what was named, all if nothing was."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile_rest")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CASES))
    parser.add_argument("--quick", action="store_true", help="tiny sizes")
    options = parser.parse_args(arguments)
    known = [
        n for n in CASES if not options.names or any(w in n for w in options.names)
    ]
    if not known:
        parser.error(f"no such case; there are: {', '.join(CASES)}")
    jax.config.update("jax_enable_x64", True)
    rows = []
    for name in known:
        case = CASES[name](options.quick)
        rows.append({"case": name} | profile(case, 2 if options.quick else ROUNDS))
        print(rows[-1], flush=True)
    print(markdown(list(rows[0]), [[str(v) for v in row.values()] for row in rows]))


if __name__ == "__main__":
    main()

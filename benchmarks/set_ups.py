"""A run of every law and method at a small size, for tests and `gpu_compiled`."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple
from unittest import mock

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AbstractDevice, AbstractMesh, use_abstract_mesh

import jqd
from jqd import laws
from jqd._math import abs2
from jqd.ensembles import copying
from jqd.evolution.evolution import in_precision
from jqd.laws.law import Law
from jqd.matter import gas, packets, photons, solid, tower
from jqd.problems import golden

TS = np.array([0.0, 0.1, 0.2])
RK4 = jqd.Fixed(jqd.steppers.rk4, 2)
H = np.array([[0.3, 0.2 + 0.1j, 0.0], [0.2 - 0.1j, -0.4, 0.5], [0.0, 0.5, 0.1]])
KET = np.array([0.6, 0.64j, 0.48])
UP = np.diag([1.0, 1.4], 1)
LINE = jqd.Grid((0.0, 2 * np.pi), 32)
WAVE = LINE.normalise(jnp.exp(0.3 * jnp.cos(LINE.x) + 0.5j * jnp.sin(LINE.x)))
RINGED = {"boundary": "periodic"}
RING = jqd.Schrodinger.on_grid(LINE, lambda x: 0.4 * jnp.cos(x))
COPIES, START = golden(0.4)
CASCADE = laws.Lindblad(H, {"down": laws.Jump(UP, 0.3)})


def well(q):
    return jnp.sum(q**2) / 2 + jnp.sum(q**4) / 10


def atoms():
    body = solid.chain(8, solid.FPUT(beta=1.0), ends="fixed")
    return solid.AtomMotion(body), solid.Point(body.sites, 0.1 * jnp.cos(body.sites))


def crystal():
    x, box = gas.lattice(jax.random.key(0), 64, 0.3, jitter=0.1)
    near = solid.neighbours_for(x, box, 2.5, skin=0.3)
    body = solid.Solid(jnp.ones(64), solid.LennardJones(), box=box, neighbours=near)
    law = solid.AtomMotion(body)
    return law, law.prepare((x, 0 * x))


def packet():
    law = packets.ThawedGaussian(well, np.ones(2), hbar=0.5)
    state = packets.GaussianState(np.ones(2), np.zeros(2), np.eye(4) / 4)
    return law, law.prepare(state)


def levels():
    law = tower.Tower(tower.harmonic_ladder(4, 1.0), 1.0, 0.2, 4.0)
    return law, tower.level_state(law, 1.0, 0.3)


def husimi():
    net = np.linspace(-3.0, 3.0, 7)
    law = laws.HusimiFokkerPlanck(
        "0.5*U*ad^2*a^2", points=net[None] + 1j * net[:, None], U=0.5, C=0.9
    )
    return law, jqd.states.coherent(1.0, 20)


def family(base: Any, start: Any, **constants: tuple[Any, ...]) -> dict[str, Any]:
    """Laws with the same first argument and start, by what they take beside it."""
    return {
        name: lambda name=name, rest=rest: (getattr(laws, name)(base, *rest), start)
        for name, rest in constants.items()
    }


# a law and its start, as `prepare` takes it, and how it is run where that matters
CASES = {
    "Schrodinger, steps": lambda: (laws.Schrodinger(H), KET, RK4),
    "Schrodinger, grid": lambda: (RING, WAVE),
    "CopyDynamics": lambda: (COPIES, START),
    "CopyDynamics, adaptive": lambda: (COPIES, START, jqd.Adaptive()),
    "PhaseAlignment": lambda: (
        laws.PhaseAlignment(
            [0, 0, 1, 2], COPIES.omega, COPIES.R, COPIES.delta, 0.7, damping=0.1
        ),
        START,
    ),
    "HusimiFokkerPlanck": husimi,
    "ConservativeDiffusion": lambda: (
        laws.ConservativeDiffusion(LINE, jnp.cos, 0.4, **RINGED), WAVE,
    ),
    "ConservativeDiffusion, links": lambda: (
        laws.ConservativeDiffusion(LINE, jnp.cos, 0.4, form="links", **RINGED), WAVE,
    ),
    "Madelung": lambda: (laws.Madelung(LINE, jnp.cos, **RINGED), WAVE),
    "ClassicalDiffusion": lambda: (
        laws.ClassicalDiffusion(LINE, 0.1, periodic=True), WAVE,
    ),
    "Pauli": lambda: (
        laws.Pauli(LINE, jnp.cos, lambda x: jnp.sin(x), direction=(1.0, 0, 0)),
        jnp.stack([WAVE, 1j * WAVE]) / np.sqrt(2),
    ),
    "Lindblad": lambda: (CASCADE, KET),
    "AtomMotion": atoms,
    "AtomMotion, list of neighbours": crystal,
    "ThawedGaussian": packet,
    "ClassicalMotion": lambda: (
        packets.ClassicalMotion(well, np.ones(2)),
        packets.PhasePoint(jnp.ones(2), jnp.zeros(2)),
    ),
    "PhotonRates": lambda: (
        photons.PhotonRates(
            np.array([1.0, 1.4]), 0.1, 20.0, photons.HeatCapacity(5.0)
        ),
        jnp.array([0.5, 0.2]),
    ),
    "Tower": levels,
    "RandomTower": lambda: (
        random := tower.RandomTower(
            jax.random.key(0), 6, 2, 0.2, 1.0, 0.3, width=7.0, bandwidth=2.0
        ),
        random.foot(0.3),
    ),
    **family(
        H, KET, Schrodinger=(), Beretta=(0.2,), Decay=(5.0, 4.0), Gisin=(0.1,),
        Dephasing=(H.real, 0.1), Logarithmic=(0.1,), Weinberg=(0.1,),
        Collapse=(H.real, 0.1),
    ),
    **family(
        RING, WAVE, Decoherence=(laws.GaussianDecay(0.1, 1.0),), DoebnerGoldin=(0.1,),
        DoebnerGoldinLine=(0.1,), GrossPitaevskii=(0.1,), SchrodingerNewton=(0.1,),
        CSL=(0.1,), DiosiPenrose=(0.1,), GRW=(0.1,), QMUPL=(0.1,),
    ),
    **family(
        COPIES, START, PhaseKicks=(0.1,), RandomConstant=("q", 0.1),
        RandomFrequencies=(0.1,),
    ),
    **family(CASCADE, KET, QuantumJumps=()),
}  # fmt: skip
# What is drawn has no derivative. Some have other paths with one, these have none.
UNDIFFERENTIATED = {"QuantumJumps", "GRW"}
DRAWN = UNDIFFERENTIATED | {"Collapse", "CSL", "DiosiPenrose", "QMUPL"}
NOISY = DRAWN | {"PhaseKicks"}


class Program(NamedTuple):
    """A run of one member.

    Attributes:
        run: from law and state to (values, status).
        law, state: what it is given.
        way: the method of `jqd.evolve`.
        paths: of a random motion, else 1.
    """

    run: Callable[[Any, Any], Any]
    law: Any
    state: Any
    way: Any
    paths: int = 1


def program(
    name: str,
    *,
    substeps: int = 2,
    judged: bool = True,
    differentiated: bool = False,
    single: bool = False,
    paths: int = 2,
) -> Program:
    """The run of one of `CASES`.

    Args:
        name: which.
        substeps: steps from one save time to the next, where they are fixed.
        judged: whether errors by steps are estimated.
        differentiated: without these errors, and by the paths that have a derivative.
        single: whether the state, and so the run, is in single precision.
        paths: of a random motion.
    """
    law, psi, *method = CASES[name]()
    state = law.prepare(psi) if isinstance(law, Law) else psi
    several = {"paths": paths} if name in NOISY else {}
    way = method[0] if method else jqd.Fixed(substeps=substeps)
    if method and isinstance(way, jqd.Fixed):
        way = dataclasses.replace(way, substeps=substeps)
    if differentiated or not judged:
        # of errors by steps there is no gradient
        way = dataclasses.replace(way, estimate_error=False)
    if differentiated and name in DRAWN:
        law = law.chance().pathwise()
    if single:
        state = in_precision(state, jnp.float32)
    options = {"key": jax.random.key(0), **several} if several else {}

    def run(law, state):
        found = jqd.evolve(law, state, TS, method=way, **options)
        return found.values, found.status

    return Program(run, law, state, way, **several)


def batch_of(state: Any, members: int) -> Any:
    """So many members of one state; of real and complex arrays their shapes alone."""

    def leaf(x):
        shape = (members, *jnp.shape(x))
        if eqx.is_inexact_array(x):
            return jax.ShapeDtypeStruct(shape, x.dtype)
        return np.broadcast_to(np.asarray(x), shape)

    return jax.tree.map(leaf, state)


def of_inexact(function: Callable[..., Any], *arguments: Any) -> tuple[Any, Any, Any]:
    """A function of all real and complex numbers together, these, and the others."""

    def moves(x):  # shapes as well, which `batch_of` has for inexact arrays alone
        return isinstance(x, jax.ShapeDtypeStruct) or eqx.is_inexact_array(x)

    moving, still = eqx.partition(arguments, moves)
    return lambda moving, still: function(*eqx.combine(moving, still)), moving, still


def gradient(function: Callable[..., Any], *arguments: Any) -> tuple[Any, Any, Any]:
    """The gradient of Σ |f|² by all real and complex numbers, these, and the others."""
    of_moving, moving, still = of_inexact(function, *arguments)

    def loss(moving, still):
        leaves = jax.tree.leaves(of_moving(moving, still))
        return sum(jnp.sum(abs2(x)) for x in leaves if eqx.is_inexact_array(x))

    return jax.grad(loss), moving, still


def leaps(precision):
    start = in_precision(START, precision)

    def sample(seed):
        key = jax.random.key(seed)
        return copying.sample(COPIES, start, TS, key, copies=1000, trajectories=4).psi

    return sample, jnp.asarray(0)


def one_by_one(method, precision):
    beables, phases = copying.population(in_precision(START, precision), 20)

    def sample(seed):
        run = copying.individuals(
            COPIES, beables, phases, TS, jax.random.key(seed), trajectories=4,
            method=method,
        )  # fmt: skip
        return run.phase

    return sample, jnp.asarray(0)


def discs(precision):
    x, box = gas.lattice(jax.random.key(0), 9, 0.3, jitter=0.5)
    x, box, v = in_precision((x, box, gas.maxwell(jax.random.key(1), 9)), precision)
    return lambda v: gas.event_driven(x, v, box, collisions=5).velocities, v


# of a precision: a function of one member, and what it is given
ENSEMBLES = {
    "copies, leaps": leaps,
    "copies, one by one, leap": partial(one_by_one, "leap"),
    "copies, one by one, exact": partial(one_by_one, "exact"),
    "hard discs": discs,
}


@contextlib.contextmanager
def traced_for_a_gpu() -> Iterator[list[Any]]:
    """Within, jqd takes the forms that it has for a GPU; other traces are forgotten.

    Gives the calls of Python that programs ask for, in whose place zeros stand: JAX
    lowers such a call for a device at hand alone. Newer ones ask which card a kernel of
    Triton is for.
    """
    asked = []
    card = AbstractDevice("NVIDIA H100 80GB HBM3", 132, "gpu")
    described = AbstractMesh((), (), abstract_device=card)

    def ask(function, shapes, *arguments, **options):
        asked.append(function)
        return jax.tree.map(lambda one: jnp.zeros(one.shape, one.dtype), shapes)

    jax.clear_caches()
    try:
        with (
            mock.patch.object(jax, "default_backend", return_value="gpu"),
            mock.patch.object(jax, "pure_callback", ask),
            use_abstract_mesh(described),
        ):
            yield asked
    finally:  # after an error as well, so that no zeros stay
        jax.clear_caches()

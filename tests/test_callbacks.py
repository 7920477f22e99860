"""No step of any law stops a GPU: by calls of Python, by numbers written one by one."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import jaxprs_in_params

import jqd
from jqd import laws
from jqd._math import abs2
from jqd.ensembles import copying
from jqd.laws.husimi.banded import Generator, diagonal_orbit
from jqd.laws.husimi.occupations import SparseHamiltonian, product_kets
from jqd.laws.law import Law
from jqd.laws.motion import Motion
from jqd.matter import gas, packets, solid, tower
from jqd.problems import golden
from jqd.spaces import symbols
from jqd.steppers.blocks import block_orbit, pieces_orbit

TS = np.array([0.0, 0.1, 0.2])
RK4 = jqd.Fixed(jqd.rk4, 2)
H = np.array([[0.3, 0.2 + 0.1j, 0.0], [0.2 - 0.1j, -0.4, 0.5], [0.0, 0.5, 0.1]])
KET = np.array([0.6, 0.64j, 0.48])
UP = np.diag([1.0, 1.4], 1)
LINE = jqd.Grid((0.0, 2 * np.pi), 32)
WAVE = LINE.normalise(jnp.exp(0.3 * jnp.cos(LINE.x) + 0.5j * jnp.sin(LINE.x)))
RING = jqd.Schrodinger.on_grid(LINE, lambda x: 0.4 * jnp.cos(x))
COPIES, START = golden(0.4)
CASCADE = laws.Lindblad(H, {"down": laws.Jump(UP, 0.3)})


def well(q):
    return jnp.sum(q**2) / 2 + jnp.sum(q**4) / 10


def alignment():
    one = laws.PhaseAlignment(
        [0, 0, 1, 2], COPIES.omega, COPIES.R, COPIES.delta, 0.7, damping=0.1
    )
    return one, START


def atoms():
    body = solid.chain(8, solid.FPUT(beta=1.0), ends="fixed")
    x = body.sites
    return solid.AtomMotion(body), solid.Point(x, 0.1 * jnp.cos(x))


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


def spinor():
    law = laws.Pauli(LINE, jnp.cos, lambda x: jnp.sin(x), direction=(1.0, 0, 0))
    return law, jnp.stack([WAVE, 1j * WAVE]) / np.sqrt(2)


# a law and its start, as `prepare` takes it, and how it is run where that matters
CASES = {
    "Schrodinger": lambda: (laws.Schrodinger(H), KET),
    "Schrodinger, steps": lambda: (laws.Schrodinger(H), KET, RK4),
    "Schrodinger, grid": lambda: (RING, WAVE),
    "CopyDynamics": lambda: (COPIES, START),
    "CopyDynamics, adaptive": lambda: (COPIES, START, jqd.Adaptive()),
    "PhaseAlignment": alignment,
    "HusimiFokkerPlanck": husimi,
    "ConservativeDiffusion": lambda: (
        laws.ConservativeDiffusion(LINE, jnp.cos, 0.4, boundary="periodic"), WAVE,
    ),
    "Madelung": lambda: (laws.Madelung(LINE, jnp.cos, boundary="periodic"), WAVE),
    "ClassicalDiffusion": lambda: (
        laws.ClassicalDiffusion(LINE, 0.1, periodic=True), WAVE,
    ),
    "Pauli": spinor,
    "Beretta": lambda: (laws.Beretta(H, 0.2), KET),
    "Decoherence": lambda: (
        laws.Decoherence(RING, laws.GaussianDecay(0.1, 1.0)), WAVE,
    ),
    "Decay": lambda: (laws.Decay(H, 5.0, 4.0), KET),
    "Dephasing": lambda: (laws.Dephasing(H, H.real, 0.1), KET),
    "DoebnerGoldin": lambda: (laws.DoebnerGoldin(RING, 0.1), WAVE),
    "DoebnerGoldinLine": lambda: (laws.DoebnerGoldinLine(RING, 0.1), WAVE),
    "Gisin": lambda: (laws.Gisin(H, 0.1), KET),
    "GrossPitaevskii": lambda: (laws.GrossPitaevskii(RING, 0.1), WAVE),
    "Lindblad": lambda: (CASCADE, KET),
    "Logarithmic": lambda: (laws.Logarithmic(H, 0.1), KET),
    "SchrodingerNewton": lambda: (laws.SchrodingerNewton(RING, 0.1), WAVE),
    "Weinberg": lambda: (laws.Weinberg(H, 0.1), KET),
    "PhaseKicks": lambda: (laws.PhaseKicks(COPIES, 0.1), START),
    "RandomConstant": lambda: (laws.RandomConstant(COPIES, "q", 0.1), START),
    "RandomFrequencies": lambda: (laws.RandomFrequencies(COPIES, 0.1), START),
    "QuantumJumps": lambda: (laws.QuantumJumps(CASCADE), KET),
    "Collapse": lambda: (laws.Collapse(H, H.real, 0.1), KET),
    "CSL": lambda: (laws.CSL(RING, 0.1), WAVE),
    "DiosiPenrose": lambda: (laws.DiosiPenrose(RING, 0.1), WAVE),
    "GRW": lambda: (laws.GRW(RING, 0.1), WAVE),
    "QMUPL": lambda: (laws.QMUPL(RING, 0.1), WAVE),
    "AtomMotion": atoms,
    "AtomMotion, list of neighbours": crystal,
    "ThawedGaussian": packet,
    "ClassicalMotion": lambda: (
        packets.ClassicalMotion(well, np.ones(2)),
        packets.PhasePoint(jnp.ones(2), jnp.zeros(2)),
    ),
    "Tower": levels,
    "RandomTower": lambda: (
        random := tower.RandomTower(jax.random.key(0), 6, 2, 0.2, 1.0, 0.3),
        random.foot(0.3),
    ),
}  # fmt: skip
NOISY = {"PhaseKicks", "QuantumJumps", "Collapse", "CSL", "GRW"}
NOISY |= {"DiosiPenrose", "QMUPL"}
# What is drawn has no derivative. Some have other paths with one, these have none.
DRAWN, UNDIFFERENTIATED = NOISY - {"PhaseKicks"}, {"QuantumJumps", "GRW"}


def count(wanted, function, *arguments):
    """How many such equations a program has, and how many of them within its loops."""
    found = {"all": 0, "in loops": 0}

    def look(jaxpr, *, looped):
        for equation in jaxpr.eqns:
            if wanted(equation):
                found["all"] += 1
                found["in loops"] += looped
            inside = looped or equation.primitive.name in ("scan", "while")
            for inner in jaxprs_in_params(equation.params):
                look(inner, looped=inside)

    look(jax.make_jaxpr(function)(*arguments).jaxpr, looped=False)
    return found


def callback(equation):
    return "callback" in equation.primitive.name


def one_by_one(equation):
    """Whether a GPU writes a number a turn of a loop: XLA does those of 128 bits."""
    if not equation.primitive.name.startswith("scatter"):
        return False
    numbers, places, _ = (each.aval for each in equation.invars)
    return numbers.dtype.itemsize > 8 and np.prod(places.shape[:-1]) > 1


def program(name, *, differentiated=False):
    """A run as a function of law and state, and these."""
    law, psi, *method = CASES[name]()
    state = law.prepare(psi) if isinstance(law, Law) else psi
    options = {"key": jax.random.key(0), "paths": 2} if name in NOISY else {}
    way = method[0] if method else jqd.Fixed(substeps=2)
    if differentiated:
        # of errors by steps there is no gradient
        way = dataclasses.replace(way, estimate_error=False)
        law = law.chance().pathwise() if name in DRAWN else law

    def run(law, state):
        found = jqd.evolve(law, state, TS, method=way, **options)
        return found.values, found.status

    return run, law, state, way


@pytest.mark.parametrize("name", CASES)
def test_no_step_of_a_batch_writes_numbers_one_by_one(name):
    run, law, state, _ = program(name)
    batch = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), state)
    found = count(one_by_one, jax.vmap(run, (None, 0)), law, batch)
    assert found == {"all": 0, "in loops": 0}


def count_in_gradient(function, *arguments):
    """How many numbers the gradient of Σ |f|² writes one by one, by all constants."""
    moving, still = eqx.partition(arguments, eqx.is_inexact_array)

    def loss(moving):
        leaves = jax.tree.leaves(function(*eqx.combine(moving, still)))
        return sum(jnp.sum(abs2(x)) for x in leaves if eqx.is_inexact_array(x))

    return count(one_by_one, jax.grad(loss), moving)["all"]


@pytest.mark.parametrize(
    "name", [name for name in CASES if name not in UNDIFFERENTIATED]
)
def test_no_gradient_of_a_batch_writes_numbers_one_by_one(name):
    run, law, state, _ = program(name, differentiated=True)
    batch = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), state)
    members = jax.vmap(lambda law, state: run(law, state)[0], (None, 0))
    assert count_in_gradient(members, law, batch) == 0


SQUARE = np.diag([0.1, 0.2, 0.3, 0.4]) + 0j
KETS = np.ones((2, 4), complex)
# rows of two blocks
ROWS = np.array([[0, 2], [1, 3]])
BANDS = ((0, 0), (1, 1))


def symbol(coefficients):
    return symbols.Symbol(coefficients, [((1,), (1,)), ((2,), (0,))])


def bands(weight):
    return Generator([weight, weight], BANDS, (4,))


def by_sectors(weights, kets):
    return SparseHamiltonian(np.repeat(ROWS, 2, axis=1), weights).apply(kets)


def more_legs_than_times():
    f = jqd.pulse(lambda t, height: height + 0 * t, jumps=[0.05, 0.15], height=0.2)
    law = laws.Schrodinger(jqd.driven(np.diag([0.0, 1.0]), (np.eye(2), f)))
    method = jqd.Fixed(jqd.rk4, 2, estimate_error=False)
    run = lambda law, psi: jqd.evolve(law, psi, TS, method=method).values  # noqa: E731
    return run, law, KETS[0, :2]


def large_tower():
    law = tower.Tower(tower.harmonic_ladder(2, 1.0), 1.0, 0.2, 130.0)
    return tower.Tower.interact, law, np.ones(law.shape, complex)


# a function that gathers complex numbers at many places, and what it is given
GATHERING = {
    "blocks": lambda: (
        lambda H, psi: block_orbit(H, ROWS, psi, jnp.asarray(TS), 1.0), SQUARE, KETS[0],
    ),
    "kets of blocks": lambda: (
        lambda H, kets: pieces_orbit([(ROWS, H)], kets, jnp.asarray(TS), 1.0),
        SQUARE[ROWS[:, :, None], ROWS[:, None, :]], KETS,
    ),
    "sectors": lambda: (by_sectors, KETS, KETS),
    "products": lambda: (
        lambda tables: product_kets(tables, 2), np.ones((2, 2, 3), complex),
    ),
    "diagonals": lambda: (
        lambda weight, rho: diagonal_orbit(bands(weight), rho, jnp.asarray(TS))[0],
        SQUARE, SQUARE,
    ),
    "bands": lambda: (lambda weight: bands(weight).dense(), SQUARE),
    "symbols": lambda: (
        lambda c, kets: symbols.apply(symbol(c), kets, 4), KETS[0, :2], KETS,
    ),
    "matrices": lambda: (lambda c: symbols.matrix(symbol(c), 4), KETS[0, :2]),
    "orderings": lambda: (
        lambda c: symbol(c).to("wick", 1.0, prune=False).coefficients, KETS[0, :2],
    ),
    "legs": more_legs_than_times,
    "tower": large_tower,
}  # fmt: skip


@pytest.mark.parametrize("name", GATHERING)
def test_no_gradient_of_a_gather_writes_numbers_one_by_one(name):
    function, *arguments = GATHERING[name]()
    assert count_in_gradient(function, *jax.tree.map(jnp.asarray, arguments)) == 0


@pytest.mark.parametrize("name", CASES)
def test_steps_do_not_call_back(name):
    run, law, state, way = program(name)
    found = count(callback, run, law, state)
    assert found["in loops"] == 0
    # diffrax looks at the order of save times and at their ends: once a run, before
    # its loop, in branches that are not taken
    assert found["all"] == 0 or isinstance(way, jqd.Adaptive)


def test_samples_of_copies_write_no_numbers_one_by_one():
    def sample(key):
        run = copying.sample(COPIES, START, TS, key, copies=1000, trajectories=4)
        return run.psi

    assert count(one_by_one, sample, jax.random.key(0))["all"] == 0


@pytest.mark.parametrize("method", ["leap", "exact"])
def test_individuals_write_no_numbers_one_by_one(method):
    beables, phases = copying.population(START, 20)

    def sample(key):
        run = copying.individuals(
            COPIES, beables, phases, TS, key, trajectories=4, method=method
        )
        return run.phase

    assert count(one_by_one, sample, jax.random.key(0))["all"] == 0


def test_numbers_that_are_written_one_by_one_are_seen():
    places = np.array([0, 2])
    for dtype, expected in ((complex, 1), (float, 0), (np.complex64, 0)):
        numbers = jnp.zeros(3, dtype)
        many = count(one_by_one, lambda x: x.at[places].set(1), numbers)
        alone = count(one_by_one, lambda x: x.at[1].set(1), numbers)
        assert (many["all"], alone["all"]) == (expected, 0)


def test_gradients_that_write_numbers_one_by_one_are_seen():
    places = np.array([0, 2])
    for dtype, expected in ((complex, 1), (float, 0), (np.complex64, 0)):
        gathered = lambda x: x[places]  # noqa: E731
        assert count_in_gradient(gathered, jnp.zeros(3, dtype)) == expected


def test_discs_do_not_call_back():
    x, box = gas.lattice(jax.random.key(0), 9, 0.3, jitter=0.5)
    v = gas.maxwell(jax.random.key(1), 9)
    run = lambda v: gas.event_driven(x, v, box, collisions=5).velocities  # noqa: E731
    assert count(callback, run, v)["all"] == 0


def test_a_callback_is_seen():
    def loud(x):
        return jax.pure_callback(np.sin, jax.ShapeDtypeStruct((), x.dtype), x)

    def steps(one, x):
        return jax.lax.scan(lambda x, _: (one(x), None), x, None, 3)[0]

    zero = jnp.zeros(())
    assert count(callback, jax.jit(loud), zero) == {"all": 1, "in loops": 0}
    assert count(callback, lambda x: steps(loud, x), zero) == {"all": 1, "in loops": 1}
    assert count(callback, lambda x: steps(jnp.sin, x), zero) == {
        "all": 0,
        "in loops": 0,
    }


def test_no_law_is_left_out():
    """Every class of a motion that can be made, of the library."""

    def below(kind):
        for each in kind.__subclasses__():
            yield each
            yield from below(each)

    public = {name for name in dir(laws) if isinstance(getattr(laws, name), type)}
    public |= {"AtomMotion", "ThawedGaussian", "ClassicalMotion"}
    public |= {"Tower", "RandomTower"}
    ours = {each.__name__ for each in below(Motion)} & public
    # what others are made of, and runs of no steps
    shared = {"Law", "Wrapped", "Departure", "DepartureOfKets", "SelfPotential"}
    # each of these is one law with another kernel
    kernels = {"CSL", "QMUPL", "DiosiPenrose"}
    seen = {name.partition(",")[0] for name in CASES}
    assert kernels < seen
    seen -= kernels
    assert ours - shared == seen, (ours - shared) ^ seen

"""No step of any law stops a GPU: by calls of Python, by numbers written one by one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import jaxprs_in_params

import jqd
from benchmarks.set_ups import (
    CASES,
    ENSEMBLES,
    TS,
    UNDIFFERENTIATED,
    batch_of,
    gradient,
    program,
)
from jqd import laws
from jqd.laws.husimi.banded import Generator, diagonal_orbit
from jqd.laws.husimi.occupations import SparseHamiltonian, product_kets
from jqd.laws.motion import Motion
from jqd.matter import tower
from jqd.spaces import symbols
from jqd.steppers.blocks import block_orbit, pieces_orbit


def count(wanted, function, *arguments):
    """How many such equations a program has, and how many of them within its loops."""
    return counted(jax.make_jaxpr(function)(*arguments), wanted)


def counted(program, wanted):
    """The same of a program that was traced."""
    found = {"all": 0, "in loops": 0}

    def look(jaxpr, *, looped):
        for equation in jaxpr.eqns:
            if wanted(equation):
                found["all"] += 1
                found["in loops"] += looped
            inside = looped or equation.primitive.name in ("scan", "while")
            for inner in jaxprs_in_params(equation.params):
                look(inner, looped=inside)

    look(program.jaxpr, looped=False)
    return found


def callback(equation):
    return "callback" in equation.primitive.name


def one_by_one(equation):
    """Whether a GPU writes a number a turn of a loop: XLA does those of 128 bits."""
    if not equation.primitive.name.startswith("scatter"):
        return False
    numbers, places, _ = (each.aval for each in equation.invars)
    return numbers.dtype.itemsize > 8 and np.prod(places.shape[:-1]) > 1


@pytest.mark.parametrize("name", CASES)
def test_no_step_of_a_batch_stops_a_gpu(name):
    one = program(name)
    members = jax.vmap(one.run, (None, 0))
    made = jax.make_jaxpr(members)(one.law, batch_of(one.state, 3))
    assert counted(made, one_by_one) == {"all": 0, "in loops": 0}
    found = counted(made, callback)
    assert found["in loops"] == 0
    # diffrax looks at the order of save times and at their ends: once a run, before
    # its loop
    assert found["all"] == 0 or isinstance(one.way, jqd.Adaptive)


def count_in_gradient(function, *arguments):
    """How many numbers the gradient of Σ |f|² writes one by one, by all constants."""
    slope, moving, still = gradient(function, *arguments)
    return count(one_by_one, lambda moving: slope(moving, still), moving)["all"]


@pytest.mark.parametrize(
    "name", [name for name in CASES if name not in UNDIFFERENTIATED]
)
def test_no_gradient_of_a_batch_writes_numbers_one_by_one(name):
    one = program(name, differentiated=True)
    members = jax.vmap(one.run, (None, 0))
    assert count_in_gradient(members, one.law, batch_of(one.state, 3)) == 0


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
    method = jqd.Fixed(jqd.steppers.rk4, 2, estimate_error=False)
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


@pytest.mark.parametrize("name", ENSEMBLES)
def test_no_step_of_an_ensemble_stops_a_gpu(name):
    sample, given = ENSEMBLES[name](jnp.float64)
    made = jax.make_jaxpr(sample)(given)
    assert counted(made, callback)["all"] == 0
    if name.startswith("copies"):
        assert counted(made, one_by_one)["all"] == 0


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
    public |= {"AtomMotion", "ThawedGaussian", "ClassicalMotion", "PhotonRates"}
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

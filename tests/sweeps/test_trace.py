"""A function of one point as a program for a tile."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend import core

from jqd import Status
from jqd.sweeps.points import Lattice
from jqd.sweeps.tiles import statuses
from jqd.sweeps.trace import FACTORISATIONS, OF_VECTORS, Traced

AXES = Lattice({"q": [0.1, 0.2, 0.3]})


def trace(function, lattice=AXES, seed=0, tile=4):
    return Traced(function, lattice, seed, tile)


def test_a_tile_is_the_vmapped_function():
    traced = trace(lambda q: {"double": 2 * q, "pair": jnp.stack([q, -q])})
    q = jnp.array([1.0, 2.0, 3.0, 4.0])
    found = traced({"q": q}, jnp.arange(4, dtype=jnp.uint32))
    np.testing.assert_array_equal(found["double"], 2 * q)
    np.testing.assert_array_equal(found["pair"], jnp.stack([q, -q], 1))
    assert traced.outputs["pair"].shape == (2,)
    assert traced.bytes_per_point == 16


def test_a_tile_of_one_point_takes_one_branch():
    """Of a batch both are computed: a block of trajectories would pay for it."""

    def point(q):
        return {"x": jax.lax.cond(q > 0, jnp.sin, jnp.cos, q)}

    one, many = trace(point, tile=1), trace(point)
    assert "cond[" in str(one.program)
    assert "cond[" not in str(many.program)
    q, indices = jnp.array([0.3]), jnp.zeros(1, jnp.uint32)
    # one function of one number, compiled in two ways
    np.testing.assert_allclose(one({"q": q}, indices)["x"], jnp.sin(q), rtol=1e-15)
    assert one.outputs["x"].shape == ()


def test_a_key_belongs_to_its_point():
    traced = trace(lambda q, key: {"x": jax.random.normal(key) + 0 * q}, seed=7)
    indices = jnp.array([5, 0, 5, 9], dtype=jnp.uint32)
    x = traced({"q": jnp.zeros(4)}, indices)["x"]
    expected = [
        jax.random.normal(jax.random.fold_in(jax.random.key(7), i)) for i in indices
    ]
    np.testing.assert_array_equal(x, jnp.stack(expected))


def test_the_digest_is_of_what_is_computed():
    matrix = np.arange(4.0)

    def one(q):
        return {"x": q * matrix.sum(), "m": matrix * q}

    def same(q):
        # another name and place, the same numbers
        return {"x": q * matrix.sum(), "m": matrix * q}

    first = trace(one).digest()
    assert first == trace(one).digest() == trace(same).digest()
    assert first != trace(lambda q: {"x": q * 7, "m": matrix * q}).digest()
    assert first != trace(one, tile=8).digest()
    matrix = matrix.copy()
    matrix[0] += 1e-15  # a constant that the function closes over
    assert first != trace(one).digest()


def _closed(table):
    return lambda q: {"x": jnp.sum(q * table)}


def _under_jit_and_cond(table):
    def branch(q):
        return jnp.sum(q * table)

    return lambda q: {"x": jax.lax.cond(q > 0, jax.jit(branch), lambda q: q, q)}


def _key(table):
    key = jax.random.key(jnp.round(1e9 * table[1]).astype(int))
    return lambda q: {"x": q + jax.random.normal(key)}


@pytest.mark.parametrize("make", [_closed, _under_jit_and_cond, _key])
def test_the_digest_knows_the_values_of_arrays(make):
    """Also where the text of the program has no more than their shapes."""
    table = np.linspace(0.0, 1.0, 50)
    other = table.copy()
    other[[1, 2]] += [1e-9, -1e-9]  # of the same sum
    first = trace(make(jnp.asarray(table))).digest()
    assert first == trace(make(jnp.asarray(table.copy()))).digest()
    assert first != trace(make(jnp.asarray(other))).digest()


def test_the_digest_knows_the_seed_only_where_it_matters():
    def noisy(q, key):
        return {"x": q + jax.random.normal(key)}

    assert trace(noisy, seed=1).digest() != trace(noisy, seed=2).digest()


def test_fourier_transforms_are_seen_wherever_they_stand():
    def plain(q):
        return {"x": q}

    def hidden(q):
        def step(psi, _):
            return jnp.fft.ifft(jnp.fft.fft(psi)), None

        psi, _ = jax.lax.scan(jax.checkpoint(step), q * jnp.ones(128) + 0j, length=3)
        return {"x": jnp.abs(psi[0])}

    assert trace(plain).fft_bytes == 0
    assert trace(hidden, tile=4).fft_bytes == 4 * 128 * 16


@pytest.mark.parametrize(
    "call",
    [
        jnp.linalg.eigh, jnp.linalg.svd, jnp.linalg.qr, jnp.linalg.cholesky,
        jnp.linalg.inv, jnp.linalg.eigvals, jax.scipy.linalg.lu,
        jax.scipy.linalg.schur, jax.scipy.linalg.hessenberg,
        lambda x: jnp.linalg.solve(x, x[0]),
        lambda x: jax.lax.linalg.tridiagonal_solve(x[0], x[1] + 9, x[2], x),
        lambda x: jax.grad(lambda y: jnp.linalg.eigvalsh(y)[0])(x),
    ],
)  # fmt: skip
def test_factorisations_take_one_matrix_wherever_they_stand(call):
    """In loops, branches and behind checkpoints; the results are the same."""

    def one(q):
        def step(x, _):
            found = jax.checkpoint(lambda y: jax.tree.leaves(call(y))[0].real.sum())
            return jax.lax.cond(x[0, 0] > 1, found, jnp.sum, x) / 9 + x, None

        start = q * jnp.cos(jnp.arange(9.0) ** 2).reshape(3, 3) + 9 * jnp.eye(3)
        return {"x": jax.lax.scan(step, start, length=2)[0]}

    batched, single = trace(one, tile=4), trace(one, tile=4).one_by_one()
    assert max(_batches(batched.program)) == 4
    assert set(_batches(single.program)) == {1}
    tile = {"q": jnp.linspace(0.5, 1.0, 4)}, jnp.arange(4, dtype=jnp.uint32)
    expected = jax.jit(batched)(*tile)["x"]
    # rounding of what XLA fuses around them: a few eps of numbers up to 20
    found = jax.jit(single)(*tile)["x"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-14)
    # results depend on the point
    assert np.ptp(np.asarray(expected)[:, 0, 0]) > 0.01


def _batches(program):
    """How many matrices each factorisation of a program takes."""
    for equation in program.jaxpr.eqns:
        if equation.primitive.name in FACTORISATIONS:
            vectors = equation.primitive.name in OF_VECTORS
            shape = equation.invars[0].aval.shape
            yield math.prod(shape[: len(shape) - (1 if vectors else 2)])
        for param in jax.tree.leaves(
            list(equation.params.values()),
            is_leaf=lambda p: isinstance(p, core.ClosedJaxpr | core.Jaxpr),
        ):
            if isinstance(param, core.ClosedJaxpr):
                yield from _batches(param)
            elif isinstance(param, core.Jaxpr):
                yield from _batches(core.ClosedJaxpr(param, []))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda p: {"x": p}, "it has no 'q' and no axis is called 'p'"),
        (lambda q, r: {"x": q}, "no axis is called 'r'"),
        (lambda: {"x": 1.0}, "it has no 'q'"),
    ],
)
def test_arguments_that_are_no_axes_are_refused(function, message):
    with pytest.raises(ValueError, match=f"^Argument `axes` must .*{message}"):
        trace(function)


def test_an_argument_with_a_default_needs_no_axis():
    assert set(trace(lambda q, r=2.0: {"x": q * r}).outputs) == {"x"}
    assert set(trace(lambda **point: {"x": point["q"]}).outputs) == {"x"}


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (1.0, "but returned"),
        ({}, "but returned dict"),
        ({"x": "text"}, "'x' is a str"),
        ({"q": 1.0}, "'q', which is the name of an axis"),
        ({"a b": 1.0}, "the name 'a b'"),
        ({"status": 0.5}, "'status' is no whole number"),
        ({"status": np.zeros(2, int)}, "'status' is no whole number"),
        ({"x": jax.random.key(0)}, "'x' holds key"),
    ],
)
def test_results_that_cannot_be_kept_are_refused(result, message):
    with pytest.raises(ValueError, match=f"^Argument `function` must .*{message}"):
        trace(lambda q: result)


def test_status_of_results():
    x = np.array([[1.0, 2.0], [np.nan, 1.0], [np.inf, 1.0]])
    bad = int(Status.NON_FINITE)
    np.testing.assert_array_equal(statuses({"x": x}, own=False), [0, bad, bad])
    own = {"x": x, "status": np.array([0, 0, 0])}
    # an infinite number beside a status of its own may be meant
    np.testing.assert_array_equal(statuses(own, own=True), [0, bad, 0])
    own["status"] = np.array([7, 1, 1])
    np.testing.assert_array_equal(statuses(own, own=True), [7, 1, 1])
    whole = {"n": np.array([1, 2, 3]), "z": np.array([1j, np.nan, 1])}
    np.testing.assert_array_equal(statuses(whole, own=False), [0, bad, 0])

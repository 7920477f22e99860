"""What stands for roots, logarithms and quotients at zeros: values and derivatives."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd._math import (
    FEW,
    abs2,
    divisor,
    expi,
    inverse_root,
    matmul,
    roll,
    safe_divide,
    safe_log,
    safe_sqrt,
    take,
    triangle,
)

# Of each function of one number: value, first and second derivative, away from 0 and
# where there is none.
AWAY = {
    "sqrt": (safe_sqrt, lambda x: (x**0.5, x**-0.5 / 2, -(x**-1.5) / 4)),
    "log": (safe_log, lambda x: (np.log(x), 1 / x, -(x**-2))),
    "inverse root": (
        inverse_root, lambda x: (x**-0.5, -(x**-1.5) / 2, x**-2.5 * 3 / 4),
    ),
    "over": (
        functools.partial(safe_divide, 3.0), lambda x: (3 / x, -3 * x**-2, 6 * x**-3),
    ),
    "divisor": (divisor, lambda x: (x, 1.0, 0.0)),
}  # fmt: skip
THERE = {"divisor": 1.0}
# Single numbers, and ħ² and a rate in SI units; none whose cube overflows.
SIZES = {jnp.float64: (2.0, 1e-34, 1e34), jnp.float32: (2.0, 1e-12, 1e12)}


# Where there is no such number.
NOWHERE = (0.0, -0.0, -2.0, -1e-34, np.nan, -np.inf)


@pytest.mark.parametrize("dtype", SIZES)
@pytest.mark.parametrize("name", AWAY)
def test_values_slopes_and_curvatures(name, dtype):
    """Away from zeros those of the function, elsewhere of a constant: in a batch."""
    function, exact = AWAY[name]

    def one(x):
        slope = jax.grad(function)
        return function(x), slope(x), jax.grad(slope)(x)

    x = jnp.asarray(SIZES[dtype] + NOWHERE, dtype)
    found = np.stack(jax.jit(jax.vmap(one))(x))
    assert found.dtype == dtype
    number = len(SIZES[dtype])
    # a few roundings
    expected = np.transpose([exact(size) for size in SIZES[dtype]])
    rtol = 8 * float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(found[:, :number], expected, rtol=rtol)
    constant = np.array([THERE.get(name, 0.0), 0, 0])[:, None]
    np.testing.assert_array_equal(found[:, number:] - constant, 0)


@pytest.mark.parametrize("name", ["sqrt", "log", "inverse root", "divisor"])
def test_a_mask_says_where_instead(name):
    function, exact = AWAY[name]
    x, where = jnp.array([2.0, 2.0, -3.0]), jnp.array([True, False, False])
    value, slope = jax.jvp(lambda x: function(x, where), (x,), (jnp.ones(3),))
    one = THERE.get(name, 0.0)
    np.testing.assert_allclose(value, [exact(2.0)[0], one, one], rtol=1e-15)
    np.testing.assert_allclose(slope, [exact(2.0)[1], 0, 0], rtol=1e-15)


# -- quotients -------------------------------------------------------------------------


def test_what_stands_above_has_no_slope_either():
    """Other than above a `divisor`, where it stays."""
    for b, slope in ((0.0, 0.0), (4.0, 0.25)):
        assert jax.grad(safe_divide)(1.5, b) == slope
        kept = jax.grad(lambda a, b: a / divisor(b))(1.5, b)
        assert kept == (slope or 1.0)


def test_a_quotient_takes_another_constant_a_mask_and_complex_numbers():
    a, b = jnp.array([1 + 2j, 1 + 2j, 1j]), jnp.array([2.0, 0.0, -4.0])
    found = safe_divide(a, b, b != 0, 7.0)
    np.testing.assert_array_equal(found, [0.5 + 1j, 7, -0.25j])
    assert safe_divide(1.0, jnp.zeros(()), otherwise=jnp.inf) == np.inf
    own = jnp.array([3.0, 4.0, 5.0])
    np.testing.assert_array_equal(safe_divide(own, b, otherwise=own), [1.5, 4, 5])
    # derivatives go through a constant that is none
    slope = jax.jacfwd(lambda x: safe_divide(x, b, otherwise=x))(own)
    np.testing.assert_array_equal(slope, np.diag([0.5, 1, 1]))


def test_a_mask_guards_complex_divisors():
    z = jnp.array([0j, 3 + 4j])
    np.testing.assert_array_equal(divisor(z, z != 0), [1, 3 + 4j])


# -- squares and phases ----------------------------------------------------------------


def parts(function):
    """As a function of real and imaginary part, scalar."""
    return lambda v: function(jax.lax.complex(v[0], v[1]))


@pytest.mark.parametrize("dtype", SIZES)
def test_a_square_is_a_parabola_everywhere(dtype):
    square, other = parts(abs2), parts(lambda z: jnp.abs(z) ** 2)

    @jax.jit
    @jax.vmap
    def all_four(v):
        bends = jax.jacfwd(jax.grad(square))(v), jax.jacfwd(jax.grad(other))(v)
        return square(v), jax.grad(square)(v), *bends

    z = np.array([[0.0, 0.0], [0.0, -3.0], [3e-8, 4e-8], [3e8, 4e8]])
    v = jnp.asarray(z, dtype)
    value, slope, bend, flat = all_four(v)
    assert value.dtype == dtype
    np.testing.assert_allclose(value, (z**2).sum(axis=1), rtol=1e-6)
    np.testing.assert_array_equal(slope, 2 * v)
    np.testing.assert_array_equal(bend, np.broadcast_to(2 * np.eye(2), bend.shape))
    # the square of the modulus is flat at 0
    assert np.all(flat[0] == 0)


def test_a_square_of_si_amplitudes():
    assert abs2(jnp.asarray(3e-34 + 4e-34j)) == pytest.approx(2.5e-67, rel=1e-15)


def test_squares_of_real_numbers_and_of_numpy():
    x = jnp.array([-2.0, 0.0])
    np.testing.assert_array_equal(abs2(x), [4, 0])
    np.testing.assert_array_equal(jax.jacfwd(abs2)(x), np.diag([-4.0, 0]))
    plain = abs2(np.array([3 - 4j]))
    assert type(plain) is np.ndarray
    assert plain.dtype == float
    assert plain[0] == 25


@pytest.mark.parametrize("dtype", SIZES)
def test_a_phase_is_that_of_its_angle(dtype):
    x = jnp.asarray([0.0, 1.0, -2.5, 1e3], dtype)
    value, first = jax.jvp(expi, (x,), (jnp.ones_like(x),))
    exact = np.exp(1j * np.asarray(x, float))
    assert value.dtype == jnp.result_type(dtype, jnp.complex64)
    eps = float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(value, exact, atol=4 * eps)
    np.testing.assert_allclose(first, 1j * exact, atol=4 * eps)
    np.testing.assert_array_equal(expi(-x), jnp.conj(expi(x)))


@pytest.mark.parametrize(
    ("lead", "index"),
    [
        (0, np.array([2, 0, 2])),
        (1, np.array([[1, 3], [0, 1]])),
        (0, (np.array([0, 2, 0]), np.array([1, 1, 1]))),
    ],
)
def test_take(lead, index):
    """Values and slopes of a gather, with a place that is taken twice."""
    rng = np.random.default_rng(3)
    whole = rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4))
    at = (slice(None),) * lead + (index if isinstance(index, tuple) else (index,))
    expected = whole[at]
    weight = rng.normal(size=expected.shape) + 1j * rng.normal(size=expected.shape)
    np.testing.assert_array_equal(take(whole, index, lead), expected)
    np.testing.assert_array_equal(take(jnp.asarray(whole), index, lead), expected)
    real = take(jnp.asarray(whole.real), index, lead)
    np.testing.assert_array_equal(real, expected.real)

    def loss(whole, index):
        return jnp.sum(jnp.real(weight * take(whole, index, lead)))

    # JAX's gradient of Re Σ w z is w, at each place the sum of those of its copies
    slope = np.zeros_like(whole)
    np.add.at(slope, at, weight)
    # the order of the sum of two is not given
    close = {"rtol": 1e-15, "atol": 1e-15}
    found = jax.jit(jax.grad(loss))(jnp.asarray(whole), index)
    np.testing.assert_allclose(found, slope, **close)
    batch = jnp.stack([whole, 2 * whole])
    each = jax.vmap(jax.grad(loss), (0, None))(batch, index)
    np.testing.assert_allclose(each, [slope, slope], **close)
    # forward mode, of what it is linear in
    moved = jax.jvp(lambda z: take(z, index, lead), (batch[0],), (batch[1],))[1]
    np.testing.assert_array_equal(moved, 2 * expected)


# -- products --------------------------------------------------------------------------

SHAPES = {
    "a matrix with a vector": ((3, 2), (2,)), "with a matrix": ((2, 3), (3, 4)),
    "with one row": ((1, 9), (9,)), "large": ((3, FEW + 1), (FEW + 1,)),
    "a batch": ((2, 3, 3), (2, 3, 3)),
}  # fmt: skip


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
@pytest.mark.parametrize("name", SHAPES)
def test_a_product_by_a_sum_is_the_product(monkeypatch, name, backend):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    rng, (left, right) = np.random.default_rng(1), SHAPES[name]
    a, b = rng.normal(size=left), rng.normal(size=right)
    for first, second in ((a, b), (a * (1 + 2j), b), (a, b * 1j), (a * 1j, b - 3j)):
        found = matmul(jnp.asarray(first), jnp.asarray(second))
        # sums of ten products of numbers below 10, in another order
        np.testing.assert_allclose(found, first @ second, rtol=0, atol=1e-13)
        assert found.dtype == (first @ second).dtype
    slope = jax.grad(lambda a: jnp.sum(matmul(a, jnp.asarray(b)) ** 2))(jnp.asarray(a))
    expected = 2 * (a @ b)[..., None] * b if b.ndim == 1 else None
    if expected is not None:
        np.testing.assert_allclose(slope, expected, rtol=0, atol=1e-12)


def test_small_products_call_no_library(monkeypatch):
    """And larger ones in float32 are not rounded to fewer digits on a GPU."""
    program = lambda n: str(  # noqa: E731
        jax.make_jaxpr(matmul)(jnp.ones((n, n)), jnp.ones(n))
    )
    for backend in ("cpu", "gpu"):
        monkeypatch.setattr(jax, "default_backend", lambda backend=backend: backend)
        assert "dot_general" not in program(FEW)
        assert "precision=(Precision.HIGHEST, Precision.HIGHEST)" in program(FEW + 1)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("shift", [0, 1, -2, 7])
def test_rolls_are_those_of_numpy_on_every_device(monkeypatch, shift, axis):
    z = np.arange(12.0).reshape(3, 4) * (1 + 0.5j)
    weight = np.random.default_rng(4).normal(size=z.shape)
    for backend in ("cpu", "gpu"):
        monkeypatch.setattr(jax, "default_backend", lambda backend=backend: backend)
        of = lambda z: roll(z, shift, axis)  # noqa: E731
        np.testing.assert_array_equal(of(jnp.asarray(z)), np.roll(z, shift, axis))
        pushed = jax.jvp(of, (jnp.asarray(z),), (jnp.asarray(2j * z),))[1]
        np.testing.assert_array_equal(pushed, np.roll(2j * z, shift, axis))
        slope = jax.grad(lambda x, of=of: jnp.sum(weight * of(x)))(jnp.asarray(weight))
        np.testing.assert_array_equal(slope, np.roll(weight, -shift, axis))
    assert "concatenate" not in str(jax.make_jaxpr(of)(z))


@pytest.mark.parametrize("rows", [3, 40])
def test_triangle_is_that_of_householder(rows):
    """Of columns of unlike sizes, and where one is the sum of two others."""
    A = np.random.default_rng(1).normal(size=(rows, 4)) * [1, 1e-3, 1e-6, 1e3]
    A[:, 2] = A[:, 0] + A[:, 1]
    R = np.asarray(triangle(jnp.asarray(A)))
    assert np.array_equal(R, np.triu(R))
    size = np.finfo(float).eps * np.linalg.norm(A)
    # rounding of some tens of operations, beside the largest column
    np.testing.assert_allclose(R.T @ R, A.T @ A, rtol=0, atol=40 * size * A.max())
    values = np.linalg.svd(A, compute_uv=False)
    own = np.linalg.svd(R, compute_uv=False)[: len(values)]
    np.testing.assert_allclose(own, values, rtol=0, atol=40 * size)


def test_triangle_of_nothing_and_its_derivative():
    assert np.array_equal(triangle(jnp.zeros((3, 2))), np.zeros((2, 2)))
    A = jnp.asarray(np.random.default_rng(2).normal(size=(6, 3)))

    def log_volume(A):
        return jnp.sum(jnp.log(jnp.diagonal(triangle(A))))

    # d ln √det AᵀA = A (AᵀA)⁻¹
    expected = A @ np.linalg.inv(A.T @ A)
    np.testing.assert_allclose(jax.grad(log_volume)(A), expected, rtol=1e-12)

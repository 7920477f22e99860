"""Messages of the argument checks, what they let pass, and their silence in jit."""

import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd import _checks

ROOT = Path(__file__).resolve().parent.parent


def raises(message):
    return pytest.raises(ValueError, match=f"^{re.escape(message)}$")


def test_concrete_or_tracer():
    assert _checks.is_concrete(1.0)
    assert _checks.is_concrete({"a": jnp.ones(2), "b": np.ones(3)})
    assert isinstance(_checks.concrete(jnp.ones(2)), np.ndarray)

    @jax.jit
    def traced(x):
        assert not _checks.is_concrete({"a": 1.0, "b": x})
        return x

    traced(jnp.ones(2))


def test_widen_reaches_the_default_precision():
    assert _checks.widen(np.ones(2, dtype=np.float32)).dtype == np.float64
    assert _checks.widen(np.ones(2, dtype=np.complex64)).dtype == np.complex128
    assert _checks.widen([1, 2]).dtype == np.float64
    assert not _checks.widen(2.0).weak_type


def as_they_come(value):
    """One number in every form in which users give it."""
    kind = np.asarray(value).dtype
    return [
        value, kind.type(value), np.asarray(value), jnp.asarray(value), [value],
        np.asarray([1, value]), jnp.asarray([[1], [value]]), (1, value),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (
            _checks.check_finite,
            (0.0, -2, 1j, True),
            (np.nan, np.inf, -np.inf, 1j * np.nan),
        ),
        (_checks.check_real, (0.0, 1, np.nan), (1j,)),
        (_checks.check_positive, (1e-300, 2), (0.0, -0.0, 0, -1.0, np.nan, np.inf, 1j)),
        (_checks.check_not_negative, (0.0, 0, 3.5), (-1e-300, -1, np.nan, np.inf, 1j)),
        (_checks.check_whole, (0, 3.0, True), (-1, 0.5, np.nan, np.inf)),
    ],
)
def test_checks_judge_every_form_alike(check, good, bad):
    """What passes at the first look is what the whole check lets pass."""
    for value in good:
        for form in as_they_come(value):
            check(form, "x")
    for form in (form for value in bad for form in as_they_come(value)):
        with pytest.raises(ValueError, match="Argument `x` must"):
            check(form, "x")


def test_numbers_in_every_form():
    for value in (1.5, 2, 2**62, 1j, True):
        for form in as_they_come(value):
            _checks.check_numbers(form, "x")
    # beyond every integer that arrays hold
    for value in ("a", None, 2**80, [2**80], np.array(["a"]), np.array([None])):
        with pytest.raises(ValueError, match="Argument `x` must"):
            _checks.check_numbers(value, "x")


def test_one_number_is_a_scalar_in_every_form():
    for value in (1.5, 2, np.float32(1.5), np.asarray(2.0), jnp.asarray(1)):
        _checks.check_scalar(value, "x")
    for value in (np.nan, -np.inf, 1j, [1.0], np.ones(1), jnp.asarray(np.nan), "a"):
        with pytest.raises(ValueError, match="Argument `x` must"):
            _checks.check_scalar(value, "x")


def test_arguments_of_programs():
    array = jnp.ones(2)
    assert _checks.as_leaf(array) is array
    assert _checks.as_leaf(1.5) == 1.5
    assert isinstance(_checks.as_leaf([1.0, 2.0]), np.ndarray)
    shape = jax.jit(lambda x: _checks.as_leaf([x, x]))(1.0).shape
    assert shape == (2,)
    assert _checks.widen(array) is array


def test_choice():
    _checks.check_choice("a", "kind", ("a", "b"))
    with raises("Argument `kind` must be one of 'a', 'b', but it is 'c'."):
        _checks.check_choice("c", "kind", ("a", "b"))


def test_numbers():
    for fine in (1, 2.5, 1j, True, [1, 2], np.ones(3), jnp.ones((2, 2))):
        _checks.check_numbers(fine, "x")
    _checks.check_numbers(jnp.ones(2, jnp.bfloat16), "x")
    start = "Argument `x` must be a number or an array of numbers, but it is "
    with raises(start + "'abc'."):
        _checks.check_numbers("abc", "x")
    with raises(start + "None."):
        _checks.check_numbers(None, "x")
    with raises(start + "of type list."):
        _checks.check_numbers([[1.0], [1.0, 2.0]], "x")
    with raises(start + "of type function."):
        _checks.check_numbers(lambda t: t, "x")
    with raises(start + "a random key."):
        _checks.check_numbers(jax.random.key(0), "x")
    # every other check begins with this one
    for check in (
        _checks.check_finite,
        _checks.check_real,
        _checks.check_positive,
        _checks.check_not_negative,
        _checks.check_scalar,
        _checks.check_square,
        _checks.check_hermitian,
        _checks.check_state,
        _checks.check_times,
    ):
        with raises(start + "'abc'."):
            check("abc", "x")


def test_scalar_and_not_negative():
    _checks.check_scalar(np.float32(1.0), "x")
    with raises("Argument `x` must have shape (), but its shape is (2,)."):
        _checks.check_scalar([1.0, 2.0], "x")
    with raises("Argument `x` must be real, but its dtype is complex128."):
        _checks.check_scalar(1j, "x")
    _checks.check_not_negative([0.0, 1.0], "x")
    with raises("Argument `x` must not be negative, but entry [1] is -1.0."):
        _checks.check_not_negative([0.0, -1.0], "x")


def test_size():
    _checks.check_size(np.full((2, 2), 1e150), "h")
    with pytest.raises(ValueError, match=r"entry \[1\] is 1e\+300; choose other units"):
        _checks.check_size(np.array([0.0, 1e300]), "h")
    # single precision ends earlier
    with pytest.raises(ValueError, match=r"`h` must have entries below 1\.8e\+19"):
        _checks.check_size(np.array([1e20], np.float32), "h")


def test_shape():
    _checks.check_shape(np.ones((2, 3)), "x", (2, None))
    _checks.check_shape(1.0, "x", ())
    with raises("Argument `x` must have shape (any, 4), but its shape is (2, 3)."):
        _checks.check_shape(np.ones((2, 3)), "x", (None, 4))
    with raises("Argument `x` must have shape (3,), but its shape is (2,)."):
        _checks.check_shape(np.ones(2), "x", (3,))


def test_square():
    _checks.check_square(np.eye(2), "x")
    with raises("Argument `x` must be a square matrix, but its shape is (2, 3)."):
        _checks.check_square(np.ones((2, 3)), "x")


def test_finite():
    _checks.check_finite(np.ones((2, 3), dtype=int), "x")
    with raises("Argument `x` must be finite, but entry [1, 0] is nan."):
        _checks.check_finite(np.array([[1.0, 2.0], [np.nan, np.inf]]), "x")
    with raises("Argument `x` must be finite, but it is inf."):
        _checks.check_finite(np.inf, "x")


def test_real_and_positive():
    _checks.check_positive(jnp.asarray([1, 2]), "mass")
    with raises("Argument `mass` must be positive, but it is 0.0."):
        _checks.check_positive(0.0, "mass")
    with raises("Argument `mass` must be positive, but entry [1] is -2.0."):
        _checks.check_positive(np.array([1.0, -2.0]), "mass")
    with raises("Argument `mass` must be finite, but it is nan."):
        _checks.check_positive(float("nan"), "mass")
    with raises("Argument `mass` must be real, but its dtype is complex128."):
        _checks.check_positive(1.0 + 0j, "mass")


def test_hermitian():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(60, 60)) + 1j * rng.normal(size=(60, 60))
    hermitian = a @ a.conj().T
    _checks.check_hermitian(hermitian, "h")
    _checks.check_hermitian(np.arange(3.0), "h")
    _checks.check_hermitian(np.array([[0, 1], [1, 0]]), "h")
    # One product of unitaries rounds asymmetrically; the default lets that pass.
    unitary = np.linalg.qr(a)[0]
    _checks.check_hermitian(unitary @ (hermitian @ unitary.conj().T), "h")

    wrong = np.diag([1.0, 2.0, 3.0])
    wrong[2, 0] = 1.2e-3
    message = (
        "Argument `h` must be Hermitian, but entry [0, 2] differs from the conjugate "
        "of entry [2, 0] by 0.0012."
    )
    with raises(message):
        _checks.check_hermitian(wrong, "h")
    _checks.check_hermitian(wrong, "h", tolerance=2e-3)
    with pytest.raises(ValueError, match=r"entry \[1, 1\]"):
        _checks.check_hermitian(np.diag([1.0, 1j]), "h")
    with pytest.raises(ValueError, match="must be finite"):
        _checks.check_hermitian(np.full((2, 2), np.nan), "h")
    # equal to its adjoint, and yet no Hamiltonian
    with pytest.raises(ValueError, match="must be finite"):
        _checks.check_hermitian(np.array([[0, np.inf], [np.inf, 0]]), "h")
    with pytest.raises(ValueError, match="choose other units"):
        _checks.check_hermitian(np.diag([1e300, 0.0]), "h")
    with pytest.raises(ValueError, match="must be real where it is a diagonal"):
        _checks.check_hermitian(np.ones(2) + 0j, "h")
    with pytest.raises(ValueError, match=r"but its shape is \(2, 3\)\.$"):
        _checks.check_hermitian(np.ones((2, 3)), "h")


def test_state():
    _checks.check_state(np.array([0.6, 0.8j]), "psi", size=2, weight=1.0)
    _checks.check_state(np.ones((2, 3)), "psi", size=(2, 3))
    _checks.check_state(np.array([0.6, 0.8], dtype=np.float32), "psi", weight=1.0)
    with raises(
        "Argument `psi` must be normalised, but its squared norm is 1.00000313."
    ):
        _checks.check_state(np.array([1.0, 1.77e-3]), "psi", size=2, weight=1.0)
    for bad in (np.nan, np.inf):
        with raises(f"Argument `psi` must be finite, but entry [1] is {bad}."):
            _checks.check_state(np.array([1.0, bad]), "psi", size=2, weight=1.0)
    with raises("Argument `psi` must have shape (3,), but its shape is (2,)."):
        _checks.check_state(np.ones(2), "psi", size=3)
    with raises("Argument `psi` must be finite, but entry [0] is nan."):
        _checks.check_state(np.array([np.nan, 1.0]), "psi", size=2)
    with pytest.raises(ValueError, match=r"at least one amplitude, .* \(2, 2\)\.$"):
        _checks.check_state(np.eye(2), "psi")


def test_times():
    _checks.check_times([0.5])
    _checks.check_times(np.array([-1, 0, 2]), "ts")
    with raises(
        "Argument `ts` must increase strictly, but ts[2] = 1.0 follows ts[1] = 1.0."
    ):
        _checks.check_times(np.array([0.0, 1.0, 1.0]), "ts")
    with raises("Argument `ts` must be finite, but entry [1] is inf."):
        _checks.check_times(np.array([0.0, np.inf]), "ts")
    for shape in ((), (0,), (2, 2)):
        with pytest.raises(ValueError, match="must be a vector of at least one time"):
            _checks.check_times(np.zeros(shape), "ts")


def test_tracers_skip_values_and_keep_shapes():
    @jax.jit
    def passes(bad):
        _checks.check_finite(bad, "x")
        _checks.check_hermitian(bad, "x")
        _checks.check_positive(bad, "x")
        _checks.check_state(bad[0], "x", weight=1.0)
        _checks.check_times(bad[0], "x")
        return bad

    bad = jnp.asarray([[-2.0, jnp.nan], [3.0, -2.0]])
    passes(bad)
    jax.vmap(passes)(bad[None])
    with pytest.raises(ValueError, match="must be a square matrix"):
        jax.jit(lambda x: _checks.check_hermitian(x, "x"))(jnp.ones((2, 3)))
    with pytest.raises(ValueError, match="must have shape"):
        jax.jit(lambda x: _checks.check_state(x, "x", size=3))(jnp.ones(2))


def test_without_64_bit_floats_every_exact_function_says_so():
    script = """
import jax.numpy as jnp
from jqd import exact
from jqd.spaces import Grid

grid = Grid((-1.0, 1.0), 4)
zero, one = jnp.zeros(4), jnp.ones(4) / 2
calls = {
    "matrices.propagate": lambda: exact.matrices.propagate(zero, one, [0.0]),
    "on_grids.hamiltonian": lambda: exact.on_grids.hamiltonian(grid, zero),
    "on_grids.propagate": lambda: exact.on_grids.propagate(grid, zero, one, [0.0]),
    "free_gaussian": lambda: exact.free_gaussian(0.0, 0.0),
    "coherent_state": lambda: exact.coherent_state(0.0, 0.0),
    "squeezed_state": lambda: exact.squeezed_state(0.0, 0.0),
    "rabi": lambda: exact.rabi(0.0, coupling=1.0),
}
for name, call in calls.items():
    try:
        call()
    except ValueError as error:
        assert str(error).startswith(f"`exact.{name}` needs 64-bit floats; set"), error
    else:
        raise AssertionError(name)
# The kernel itself runs in any precision.
assert exact.unitary_orbit(zero, one, jnp.zeros(1)).dtype == jnp.complex64
assert exact.unitary_orbit(jnp.eye(4), one, jnp.zeros(1)).dtype == jnp.complex64
print("done")
"""
    environment = dict(os.environ, JAX_ENABLE_X64="0", JAX_PLATFORMS="cpu")
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        check=False,
    )
    assert result.stdout == "done\n", result.stderr

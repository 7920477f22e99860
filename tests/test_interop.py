"""Matrices and states from and to other programs."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from jax.experimental import sparse as jsparse

import jqd
from jqd import _checks
from jqd.interop import as_array, to_qutip

MATRIX = np.array([[1.0, 2j, 0.0], [-2j, 0.5, 0.3], [0.0, 0.3, -1.0]])
KET = np.array([0.6, 0.0, 0.8j])


class FakeQArray:
    """What a dynamiqs array offers."""

    def __init__(self, array):
        self.array = jnp.asarray(array)

    def to_jax(self):
        return self.array


def test_from_qutip():
    qutip = pytest.importorskip("qutip")
    np.testing.assert_array_equal(as_array(qutip.Qobj(MATRIX)), MATRIX)
    ket = as_array(qutip.Qobj(KET[:, None]))
    assert ket.shape == (3,)
    assert isinstance(ket, jax.Array)
    np.testing.assert_array_equal(ket, KET)
    sparse = qutip.num(4).to("csr")
    np.testing.assert_array_equal(as_array(sparse), np.diag([0, 1, 2, 3]))


def test_from_dynamiqs():
    np.testing.assert_array_equal(as_array(FakeQArray(MATRIX)), MATRIX)
    assert as_array(FakeQArray(KET[:, None])).shape == (3,)
    batch = np.stack([KET, 1j * KET])
    np.testing.assert_array_equal(as_array(FakeQArray(batch[..., None])), batch)


def test_from_xarray_and_plain_arrays():
    xarray = pytest.importorskip("xarray")
    array = xarray.DataArray(MATRIX, dims=["row", "column"])
    np.testing.assert_array_equal(as_array(array), MATRIX)
    np.testing.assert_array_equal(as_array(MATRIX.tolist()), MATRIX)
    assert isinstance(as_array(MATRIX), jax.Array)


def test_wherever_a_matrix_or_a_state_is_expected():
    qutip = pytest.importorskip("qutip")
    for wrap in (qutip.Qobj, FakeQArray):
        law = jqd.Schrodinger(wrap(MATRIX))
        np.testing.assert_array_equal(law.hamiltonian.matrix, MATRIX)
        copying = jqd.CopyDynamics.from_hamiltonian(wrap(MATRIX))
        # abs and angle and back: 2 eps
        np.testing.assert_allclose(copying.hamiltonian(), MATRIX, atol=1e-15)
        for each in (law, copying):
            np.testing.assert_array_equal(each.prepare(wrap(KET[:, None])), KET)


def test_to_qutip_and_back():
    qutip = pytest.importorskip("qutip")
    ket, operator = to_qutip(jnp.asarray(KET)), to_qutip(jnp.asarray(MATRIX))
    assert ket.isket
    assert operator.isoper
    assert operator.isherm
    np.testing.assert_array_equal(as_array(ket), KET)
    np.testing.assert_array_equal(as_array(operator), MATRIX)
    kets = to_qutip(jnp.stack([KET, 1j * KET]))
    assert [one.isket for one in kets] == [True, True]
    np.testing.assert_array_equal(as_array(kets[1]), 1j * KET)
    operators = to_qutip(jnp.stack([MATRIX] * 3))
    assert [one.isoper for one in operators] == [True] * 3
    two = to_qutip(jnp.ones(4) / 2, dims=[[2, 2], [1]])
    assert two.dims == [[2, 2], [1]]
    # the same state as QuTiP makes it
    plus = (qutip.basis(2, 0) + qutip.basis(2, 1)).unit()
    np.testing.assert_allclose(as_array(plus), np.ones(2) / np.sqrt(2), rtol=1e-15)


# -- the gate ------------------------------------------------------------------------


class FakeTensor:
    """What a torch tensor offers; one with a gradient does not become an array."""

    dtype = "torch.float64"

    def __init__(self, array, requires_grad=True):
        self.array, self.requires_grad = np.asarray(array), requires_grad

    @property
    def shape(self):
        return self.array.shape

    def detach(self):
        return FakeTensor(self.array, requires_grad=False)

    def __array__(self, dtype=None, copy=None):
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        return self.array


def long(array):
    wide = np.clongdouble if np.iscomplexobj(array) else np.longdouble
    return np.asarray(array).astype(wide)


def big_endian(array):
    array = np.asarray(array)
    return array.astype(array.dtype.newbyteorder(">"))


def of_jax(array):
    return jsparse.BCOO.fromdense(jnp.asarray(array))


def unmasked(array):
    return np.ma.masked_array(array)


FOREIGN = [long, big_endian, of_jax, unmasked, FakeTensor]
SPARSE = [scipy.sparse.csr_array, scipy.sparse.coo_matrix, scipy.sparse.dia_array]


@pytest.mark.parametrize("made", FOREIGN + SPARSE)
def test_matrices_of_other_programs(made):
    held = as_array(made(MATRIX))
    assert held.dtype == np.complex128
    np.testing.assert_array_equal(held, MATRIX)
    law = jqd.Schrodinger(made(MATRIX))
    np.testing.assert_array_equal(law.hamiltonian.matrix, MATRIX)
    jump = jqd.laws.Jump(made(MATRIX), 0.1)
    np.testing.assert_array_equal(jump.operator, MATRIX)


@pytest.mark.parametrize("made", FOREIGN)
def test_states_and_times_of_other_programs(made):
    law, ts = jqd.Schrodinger(MATRIX), np.array([0.0, 0.5])
    np.testing.assert_array_equal(law.prepare(made(KET)), KET)
    run = jqd.evolve(law, made(KET), made(ts))
    np.testing.assert_array_equal(run.values, jqd.evolve(law, KET, ts).values)
    record = jqd.Record(made(ts), made(np.eye(2)), jqd.Gaussian(made(0.5)))
    np.testing.assert_array_equal(record.ts, ts)
    np.testing.assert_array_equal(record.noise.sigma, 0.5)


@pytest.mark.parametrize("format", ["dense", "csr", "dia"])
def test_every_format_of_qutip(format):
    qutip = pytest.importorskip("qutip")
    operator, ket = (qutip.Qobj(x).to(format) for x in (MATRIX, KET[:, None]))
    np.testing.assert_array_equal(as_array(operator), MATRIX)
    np.testing.assert_array_equal(as_array(ket), KET)


def taking(value):
    """Each place where numbers of a user enter, by the name of its argument."""
    law, ts = jqd.Schrodinger(np.diag([0.0, 1.0])), np.array([0.0, 1.0])
    ket = np.array([1.0, 0.0])
    return {
        "hamiltonian": lambda: jqd.Schrodinger(value),
        "operator": lambda: jqd.laws.Jump(value),
        "psi": lambda: law.prepare(value),
        "state0": lambda: jqd.evolve(law, value, ts),
        "ts": lambda: jqd.evolve(law, ket, value),
        "values": lambda: jqd.Record(ts, value),
        "sigma": lambda: jqd.Gaussian(value),
        "hbar": lambda: jqd.Schrodinger(np.eye(2), value),
        "omega": lambda: jqd.CopyDynamics(value, np.zeros((2, 2)), np.zeros((2, 2))),
        "x": lambda: _checks.check_finite(value, "x"),
    }


class Quantity(np.ndarray):
    """What astropy makes of numbers with a unit."""

    unit = "s"


HIDDEN = {
    "masked": (np.ma.masked_array([1.0, 99.0], [False, True]), "masked"),
    "masked in a list": ([1.0, np.ma.masked_array(2.0, True)], "masked"),
    "timedelta": (np.arange(2).astype("m8[ns]"), "times with a unit, timedelta64"),
    "date": (np.array(["2020-01-01"], "M8[D]"), "dates, datetime64"),
    "pandas": (pd.to_timedelta([0, 1], unit="s"), "times with a unit, timedelta64"),
    "objects": (np.array([1.0, None]), "dtype object"),
    "text": (np.array(["1", "2"]), "dtype <U1"),
    "quantity": (np.array([0.0, 1.0]).view(Quantity), "the unit s"),
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_numbers_that_hide_something_are_refused(kind):
    value, words = HIDDEN[kind]
    for name, call in taking(value).items():
        if name == "x" and kind in ("masked in a list", "quantity"):
            continue  # NumPy makes plain arrays of these, and so would JAX
        with pytest.raises(ValueError, match=f"^Argument `{name}` must .*{words}"):
            call()


def test_a_unit_is_divided_out_as_the_message_says():
    ts = pd.to_timedelta([0, 1, 2], unit="s").to_numpy() / np.timedelta64(1, "s")
    run = jqd.evolve(jqd.Schrodinger(np.diag([0.0, 1.0])), KET[[0, 2]], ts)
    np.testing.assert_array_equal(run.ts, [0, 1, 2])


def test_what_only_a_check_sees_is_refused_in_words():
    for value in (long([1.0]), big_endian([1.0]), np.ma.masked_array([1.0])):
        with pytest.raises(ValueError, match=r"^Argument `p` must be"):
            _checks.check_finite(value, "p")


def test_a_sparse_matrix_that_is_too_large_is_refused():
    # 1e14 entries; what is stored is one
    huge = scipy.sparse.coo_array(([1.0], ([0], [0])), shape=(10**7, 10**7))
    with pytest.raises(ValueError, match=r"^Argument `hamiltonian` must fit into mem"):
        jqd.Schrodinger(huge)


def test_whole_numbers_are_of_the_default_precision():
    jumps = {"loss": jqd.laws.Jump(np.eye(2), 0.1)}
    for law in (jqd.Schrodinger(np.eye(2)), jqd.Lindblad(np.eye(2), jumps)):
        assert law.prepare(np.array([1, 0])).dtype == np.complex128
    assert as_array([1, 0]).dtype == np.int64


def test_traced_values_pass():
    ones = jax.vmap(lambda x: as_array(x))(jnp.ones((3, 2)))
    assert ones.shape == (3, 2)
    slope = jax.grad(lambda x: jnp.sum(as_array([x, 2 * x])))(1.0)
    assert slope == 3

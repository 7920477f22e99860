"""Matrices and states from and to other programs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
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

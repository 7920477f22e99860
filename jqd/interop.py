"""Arrays from and to other programs: NumPy, QuTiP, dynamiqs, SciPy, torch, pandas."""

from typing import Any

import numpy as np
from jaxtyping import Array

from . import _checks
from ._outside import plain


def as_array(value: Any, name: str = "value") -> Array:
    """A plain array from any object that holds a matrix, a state or other numbers.

    Args:
        value: QuTiP `Qobj` or constant `QobjEvo` (kets become 1-D), dynamiqs `QArray`,
            sparse matrices of SciPy and JAX, tensors of torch, `xarray.DataArray`,
            pandas `DataFrame` or `Series`, or anything that `numpy.asarray` makes an
            array of numbers.
        name: what the caller calls it.

    Returns:
        Array; kets of shape (n, 1) from QuTiP and dynamiqs become (n,).

    Raises:
        ValueError: the object holds no numbers, masks some, has a unit, or depends on
            time.
    """
    return _checks.array(plain(value, name))


def is_foreign(value: Any) -> bool:
    """Whether a state is an object of QuTiP or dynamiqs rather than of a law."""
    return hasattr(value, "isket") or callable(getattr(value, "to_jax", None))


def to_qutip(array: Array, dims: Any = None) -> Any:
    """QuTiP objects from states or operators.

    Args:
        array: (n,) ket or (n, n) operator; with one more leading axis, a list of them.
            Two equal last axes are read as those of an operator.
        dims: QuTiP's `dims`, or None.

    Returns:
        A `Qobj`, or a list of them.
    """
    import qutip

    host = np.asarray(array)
    if host.ndim == 1:
        return qutip.Qobj(host[:, None], dims=dims)
    if host.ndim == 2 and host.shape[0] == host.shape[1]:
        return qutip.Qobj(host, dims=dims)
    return [to_qutip(item, dims) for item in host]

"""Arrays from and to other programs: QuTiP, dynamiqs, xarray, pandas."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Array

from . import _checks


def as_array(value: Any, name: str = "value") -> Array:
    """A plain array from whatever holds a matrix or a state.

    Args:
        value: QuTiP `Qobj` or constant `QobjEvo` (kets become 1-D), dynamiqs `QArray`,
            `xarray.DataArray`, pandas `DataFrame` or `Series`, or anything that
            `jax.numpy.asarray` takes.
        name: what the caller calls it.

    Returns:
        Array; kets of shape (n, 1) from QuTiP and dynamiqs become (n,).

    Raises:
        ValueError: it holds no numbers, or depends on time.
    """
    if isinstance(value, jax.Array):
        _checks.check_numbers(value, name)
        return value
    if hasattr(value, "isket") and callable(getattr(value, "full", None)):
        full = value.full()  # qutip.Qobj
        return _checks.array(full[:, 0] if value.isket else full)
    if callable(value) and getattr(value, "isconstant", False):
        return as_array(value(0), name)  # qutip.QobjEvo
    if callable(value):
        raise ValueError(
            f"Argument `{name}` must be an array of numbers, constant in time, but it "
            f"is a {type(value).__name__}."
        )
    if callable(getattr(value, "to_jax", None)):  # dynamiqs.QArray
        dense = value.to_jax()
        is_ket = dense.ndim >= 2 and dense.shape[-1] == 1
        return dense[..., 0] if is_ket else dense
    if hasattr(value, "dims") and hasattr(value, "values"):  # xarray.DataArray
        value = value.values
    if callable(getattr(value, "to_numpy", None)):  # pandas.DataFrame, Series
        value = value.to_numpy()
    _checks.check_numbers(value, name)
    return _checks.array(value)


def is_foreign(value: Any) -> bool:
    """Whether a state is an object of QuTiP or dynamiqs, which no law carries."""
    return hasattr(value, "isket") or callable(getattr(value, "to_jax", None))


def to_qutip(array: Array, dims: Any = None) -> Any:
    """QuTiP objects from states or operators.

    Args:
        array: (n,) ket or (n, n) operator; with one leading axis more, a list.
            A pair of equal last axes is read as an operator.
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

"""Arrays from and to other programs: QuTiP `Qobj`, dynamiqs arrays, xarray."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array


def as_array(value: Any) -> Any:
    """A plain array from whatever holds a matrix or a state.

    Args:
        value: QuTiP `Qobj` (kets become 1-D), dynamiqs `QArray`, `xarray.DataArray`,
            or anything that `jax.numpy.asarray` takes.

    Returns:
        Array; kets of shape (n, 1) from QuTiP and dynamiqs become (n,).
    """
    if hasattr(value, "isket") and callable(getattr(value, "full", None)):
        full = value.full()  # qutip.Qobj
        return jnp.asarray(full[:, 0] if value.isket else full)
    if callable(getattr(value, "to_jax", None)):  # dynamiqs.QArray
        dense = value.to_jax()
        is_ket = dense.ndim >= 2 and dense.shape[-1] == 1
        return dense[..., 0] if is_ket else dense
    if hasattr(value, "dims") and hasattr(value, "values"):  # xarray.DataArray
        return jnp.asarray(value.values)
    return jnp.asarray(value)


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

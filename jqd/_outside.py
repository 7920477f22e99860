"""What comes from outside: numbers of a user and of other programs, as JAX takes them.

The gate of all input: what is clear is converted, the rest is refused in one line that
names the argument. Nothing behind it meets a mask, a unit, foreign bytes or a tensor.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from . import _checks


def plain(value: Any, name: str = "value") -> Any:
    """What JAX takes as numbers, from whatever a user has: the gate of all input.

    Foreign objects become arrays of NumPy in the machine's own byte order, of at most
    64 bits a float. Arrays of JAX, traced or not, and plain numbers pass as they are.

    Args:
        value: see `as_array`.
        name: what the caller calls it.

    Returns:
        A number, or an array of NumPy or JAX.

    Raises:
        ValueError: it holds no numbers, or hides some, has a unit, or depends on time.
    """
    if isinstance(value, float | complex) or _checks.is_native(value):
        return value
    if not isinstance(value, jax.Array):
        value = _read(value, name)
    _checks.check_numbers(value, name)
    return value


def _read(value: Any, name: str) -> Any:
    """Numbers of another program, as an array of NumPy or JAX where there is one."""
    # each of these lists of words is that of an object which must be asked, since
    # `numpy.asarray` would refuse it, or leave out what it says beside its numbers
    if hasattr(value, "isket") and callable(getattr(value, "full", None)):
        full = np.asarray(value.full())  # qutip.Qobj
        return full[:, 0] if value.isket else full
    if callable(value) and getattr(value, "isconstant", False):
        return _read(value(0), name)  # qutip.QobjEvo
    if callable(value):
        raise ValueError(
            f"Argument `{name}` must be an array of numbers, constant in time, but it "
            f"is a {type(value).__name__}."
        )
    if callable(getattr(value, "to_jax", None)):  # dynamiqs.QArray
        dense = value.to_jax()
        is_ket = dense.ndim >= 2 and dense.shape[-1] == 1
        return dense[..., 0] if is_ket else dense
    if callable(getattr(value, "detach", None)):  # torch.Tensor
        return _from_torch(value, name)
    if callable(getattr(value, "todense", None)):  # scipy.sparse, jax BCOO and BCSR
        cells = math.prod(value.shape) * np.dtype(value.dtype).itemsize
        _checks.check_memory(cells, name, f"a dense array {tuple(value.shape)} of it")
        dense = value.todense()
        return dense if isinstance(dense, jax.Array) else np.asarray(dense)
    if hasattr(value, "dims") and not callable(getattr(value, "values", len)):
        value = value.values  # xarray.DataArray
    if callable(getattr(value, "to_numpy", None)):  # pandas.DataFrame, Series
        value = value.to_numpy()
    _refuse_units(value, name)
    value = _unmasked(value, name)
    if isinstance(value, list | tuple) and any(
        isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(value)
    ):
        value = jnp.asarray(value)  # Python's numbers beside them take their precision
    if not isinstance(value, np.ndarray) and _checks.is_concrete(value):
        try:
            array = np.asarray(value)
        except Exception:  # ragged, or no array
            if isinstance(value, list | tuple):
                raise ValueError(
                    f"Argument `{name}` must be an array of numbers, but its rows "
                    "differ in length."
                ) from None
            return value  # it is refused by its type
        return value if array.dtype.kind in "OSU" else _native(array)
    return _native(value)


def _from_torch(value: Any, name: str) -> Any:
    """The values of a tensor, from wherever it lies; its gradients stay there."""
    value = value.detach()
    try:
        for step in ("cpu", "to_dense", "resolve_conj", "resolve_neg"):
            value = getattr(value, step, lambda same=value: same)()
        return _native(np.asarray(value))
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"Argument `{name}` must be an array of numbers, but it is a "
            f"{type(value).__name__} that NumPy cannot read: {error}"
        ) from error


def _refuse_units(value: Any, name: str) -> None:
    """Raise for a quantity of pint or astropy: its unit would be lost."""
    unit = getattr(value, "units", None) if hasattr(value, "magnitude") else None
    unit = getattr(value, "unit", None) if isinstance(value, np.ndarray) else unit
    if unit is not None and str(unit) not in ("", "dimensionless"):
        raise ValueError(
            f"Argument `{name}` must be plain numbers, but has the unit {unit}; divide "
            "by the unit in which the law counts."
        )


def _unmasked(value: Any, name: str) -> Any:
    """An array without a mask, which hides nothing."""
    if isinstance(value, list | tuple):
        return [_unmasked(item, name) for item in value] if _masked(value) else value
    if not isinstance(value, np.ma.MaskedArray):
        return value
    hidden = int(np.ma.count_masked(value))
    if hidden:
        raise ValueError(
            f"Argument `{name}` must hold all its numbers, but {hidden} of "
            f"{value.size} are masked; leave those rows out, or fill them in."
        )
    return value.data


def _masked(values: Any) -> bool:
    return any(
        isinstance(value, np.ma.MaskedArray)
        or (isinstance(value, list | tuple) and _masked(value))
        for value in values
    )


def _native(value: Any) -> Any:
    """An array in the byte order and the precision of the machine, if it is one."""
    if isinstance(value, np.ndarray):
        value = np.asarray(value)  # of a subclass, the plain one
        if value.dtype.kind in "fc" and value.dtype.itemsize > 8 * _parts(value):
            return value.astype(complex if value.dtype.kind == "c" else float)
        return value.astype(value.dtype.newbyteorder("="), copy=False)
    return value


def _parts(value: np.ndarray) -> int:
    return 2 if value.dtype.kind == "c" else 1

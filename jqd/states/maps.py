"""Husimi maps on tensor grids, in QuTiP's conventions."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Complex, Float

from .. import _checks
from .._gate import gated
from ..interop import as_array
from ..spaces.fock import complex_type
from .beam_splitter import maps_of_kets, maps_of_operators
from .ensemble import Ensemble


def phase_grid(x: ArrayLike, y: ArrayLike, g: ArrayLike = 2.0) -> Complex[Array, "y x"]:
    """Points α = (g/2)(x + iy) of a tensor grid.

    Args:
        x: (nx,) real.
        y: (ny,) real.
        g: scale; 2 makes α = x + iy, QuTiP's default is √2.

    Returns:
        (ny, nx) complex points.

    Raises:
        ValueError: x or y is not a real vector, or g is not a positive number.
    """
    x, y = _axis(x, "x"), _axis(y, "y")
    _checks.check_positive(g, "g", ())
    kind = jnp.result_type(x, y)
    x, y = (jnp.asarray(g).astype(kind) / 2 * c.astype(kind) for c in (x, y))
    shape = (y.shape[0], x.shape[0])
    return lax.complex(
        jnp.broadcast_to(x[None, :], shape), jnp.broadcast_to(y[:, None], shape)
    )


@gated
def husimi_map(
    states: Any,
    x: ArrayLike,
    y: ArrayLike,
    *,
    g: ArrayLike = 2.0,
    hbar: ArrayLike = 1.0,
    operators: bool = False,
) -> Float[Array, "*batch y x"]:
    """Husimi functions of one mode on a tensor grid, for one state or many.

    Q(x, y) = (g/2)² <a|ρ|a> / πħ, √ħ a = (g/2)(x + iy), normalised by ∫dx dy Q = 1

    With the same g this is what QuTiP's `qfunc` returns. The map is linear in ρ: states
    of any norm are accepted. Derivatives are those of polynomials in the state.

    Args:
        states: kets (..., d), or density operators (..., d, d) with `operators`, with
            any batch axes in front; an `Ensemble` of one mode; or a QuTiP ket or
            operator, or a list of them (which then determine `operators`).
        x: (nx,) real.
        y: (ny,) real.
        g: scale of the axes, scalar.
        hbar: ħ, scalar.
        operators: whether the last two axes are those of an operator.

    Returns:
        (..., ny, nx) real, in the precision of the states.

    Raises:
        ValueError: wrong axes, values that are not finite, operators that are not
            Hermitian, or g or hbar not a positive number.
    """
    array, operators = _states(states, operators)
    _checks.check_finite(array, "states")
    for value, what in ((g, "g"), (hbar, "hbar")):
        _checks.check_positive(value, what, ())
    x, y = _axis(x, "x"), _axis(y, "y")
    real = jnp.finfo(array.dtype).dtype
    scale = jnp.asarray(g).astype(real) / 2 / jnp.sqrt(jnp.asarray(hbar).astype(real))
    xi, eta = (scale * c.astype(real) for c in (x, y))
    axes = 2 if operators else 1
    batch = array.shape[: array.ndim - axes]
    flat = jnp.reshape(array, (-1, *array.shape[array.ndim - axes :]))
    if operators:
        _check_hermitian(flat)
    values = (maps_of_operators if operators else maps_of_kets)(flat, xi, eta, scale**2)
    return jnp.reshape(values, (*batch, eta.shape[0], xi.shape[0]))


def _states(states: Any, operators: bool) -> tuple[Array, bool]:
    """The array of the states, complex, and whether they are operators."""
    if isinstance(states, Ensemble):
        if states.modes != 1:
            raise ValueError(
                f"Argument `states` must have 1 mode, but has {states.modes}."
            )
        array, operators = states.matrix(), True
    elif isinstance(states, list | tuple) and states and hasattr(states[0], "isket"):
        array, operators = jnp.stack([as_array(s) for s in states]), states[0].isoper
    else:
        operators = operators or getattr(states, "isoper", False)
        array = as_array(states, "states")
    if array.ndim < (2 if operators else 1) or not array.shape[-1]:
        raise ValueError(
            "Argument `states` must be kets (..., d), or operators (..., d, d), but "
            f"has shape {array.shape}."
        )
    if operators and array.shape[-1] != array.shape[-2]:
        raise ValueError(
            "Argument `states` must be square in its last two axes, but has shape "
            f"{array.shape}."
        )
    return array.astype(complex_type(array)), operators


def _check_hermitian(operators: Array) -> None:
    if not _checks.is_concrete(operators):
        return
    values = np.asarray(operators)
    gap = np.max(np.abs(values - np.swapaxes(values.conj(), -1, -2)), initial=0.0)
    eps = float(np.finfo(values.dtype).eps)
    if not gap <= 100 * eps * np.sqrt(values.shape[-1]) * np.max(np.abs(values)):
        raise ValueError(
            f"Argument `states` must be Hermitian, but differs by {gap:.2g} from its "
            "adjoint."
        )


def _axis(x: ArrayLike, name: str) -> Array:
    _checks.check_reals(x, name, (None,))
    x = jnp.asarray(x)
    floating = jnp.issubdtype(x.dtype, jnp.floating)
    return x if floating else x.astype(jnp.result_type(float))

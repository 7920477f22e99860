"""Couplings of a position to a pointer: H = a(x, t) p_y, after von Neumann."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from .. import _checks
from ..constants import parts
from ..steppers.flows import PhaseFlow, along
from .grids import Grid
from .potentials import FunctionPotential, Potential, SampledPotential, potential


class Coupling(eqx.Module):
    """a(x, t) p_y: a pointer along one axis that moves with the velocity a = g(t) A(x).

    Attributes:
        axis: of the pointer, y (static).
        velocity: a on the grid, length over time.
    """

    axis: int = eqx.field(static=True)
    velocity: SampledPotential | FunctionPotential = parts()

    def apply(self, grid: Grid, psi: Array, t: ArrayLike, hbar: Array) -> Array:
        """a p_y psi = -i hbar a dpsi/dy."""
        k = grid.wavenumbers[self.axis].astype(psi.real.dtype)
        slope = along(self.axis - grid.ndim, hbar * k, psi)
        return self.velocity(grid, t).astype(psi.real.dtype) * slope

    def flow(self, grid: Grid, precision: Any) -> PhaseFlow:
        """psi(x, y) -> psi(x, y - a dt), a phase at each wavenumber of y."""
        axis = self.axis - grid.ndim
        return PhaseFlow(
            rate=lambda t: self.velocity(grid, t) * grid.wavenumbers[self.axis],
            to_basis=lambda psi: jnp.fft.fft(psi, axis=axis),
            from_basis=lambda psi: jnp.fft.ifft(psi, axis=axis),
            autonomous=self.velocity.autonomous,
            precision=precision,
        )


def read_couplings(couplings: Any, grid: Grid) -> tuple[Coupling, ...]:
    """Couplings from axes of pointers and what moves them.

    Args:
        couplings: a(x, ..) or a(x, .., t) by axis of the pointer, a function of all
            coordinates (and the time) or values on the grid; None for none.
        grid: the grid.

    Raises:
        ValueError: no mapping, an axis that the grid does not have, a function or
            values that do not fit, or that depend on the pointer that they move.
    """
    if couplings is None:
        return ()
    if not isinstance(couplings, Mapping):
        raise ValueError(
            "Argument `couplings` must map axes of pointers to functions, but it is of "
            f"type {type(couplings).__name__}."
        )
    found = []
    for axis, function in couplings.items():
        _checks.whole_number(axis, "couplings", 0, grid.ndim - 1)
        try:
            velocity = potential(function, grid)
        except ValueError as error:
            raise ValueError(str(error).replace("`potential`", "`couplings`")) from None
        if depends_on(velocity, grid, axis):
            raise ValueError(
                "Argument `couplings` must not depend on the pointer that it moves, "
                f"but the one of axis {axis} does."
            )
        found.append(Coupling(int(axis), velocity))
    return tuple(found)


def depends_on(V: Potential, grid: Grid, axis: int) -> bool:
    """Whether V may change along an axis of the grid.

    A function that does not use a coordinate gives values of length 1 along its axis:
    told by shapes, for all times and under jit. Of samples it is told by their values;
    of such as are traced it is not known, and taken for granted.
    """
    if isinstance(V, FunctionPotential):
        shape = jax.eval_shape(lambda: V.at(grid.coordinates, 0.0)).shape
        shape = (1,) * (grid.ndim - len(shape)) + shape
        return shape[axis] != 1
    if not _checks.is_concrete(V.values):
        return True
    values = _checks.concrete(V.values)
    return bool(np.any(values != np.take(values, [0], axis)))


def commute(couplings: tuple[Coupling, ...], V: Potential, grid: Grid) -> bool:
    """Whether the couplings commute with V and with one another.

    They do where nothing depends on a pointer: all are then functions of the other
    positions at each wavenumber of the pointers.
    """
    parts = (V, *(coupling.velocity for coupling in couplings))
    pointers = {coupling.axis for coupling in couplings}
    return not any(depends_on(part, grid, axis) for part in parts for axis in pointers)

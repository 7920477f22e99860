"""Couplings of a position to a pointer: H = g(t) A(x) p_y, after von Neumann."""

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
from .pulses import Impulse, Pulse, SampledPulse, pulse


class Coupling(eqx.Module):
    """g(t) A(x) p_y: a pointer along one axis that moves with the velocity g A.

    Attributes:
        axis: axis of the pointer, y (static).
        velocity: A on the grid; g A is length over time.
        pulse: g; None for g = 1 at all times, or where there are impulses.
        impulses: g if it consists of impulses, between which the pointer rests, else
            None.
    """

    axis: int = eqx.field(static=True)
    velocity: SampledPotential | FunctionPotential = parts()
    pulse: Pulse | SampledPulse | None = None
    impulses: Impulse | None = parts(default=None)

    @property
    def autonomous(self) -> bool:
        """Whether g A is the same at all times."""
        return not self._driven and self.velocity.autonomous

    @property
    def _driven(self) -> bool:
        return self.pulse is not None or self.impulses is not None

    def _scaled(self, values: Array, t: ArrayLike) -> Array:
        """g A of values of A; of impulses A itself."""
        if self.pulse is None:
            return values
        return self.pulse(t).astype(values.dtype) * values

    def speed(self, grid: Grid, t: ArrayLike) -> Array:
        """g A on the grid; for impulses A itself, the pointer's shift for G = 1."""
        return self._scaled(self.velocity(grid, t), t)

    def at(self, places: tuple[Array, ...], t: ArrayLike) -> Array:
        """g A (or A, as in `speed`) at given positions, (n,).

        Raises:
            ValueError: A is given only by its values on the grid.
        """
        if not isinstance(self.velocity, FunctionPotential):
            raise ValueError(
                "Argument `couplings` must be functions where paths are to be "
                f"followed, but that of axis {self.axis} is an array."
            )
        values = jnp.broadcast_to(self.velocity.at(places, t), places[0].shape)
        return self._scaled(values, t)

    def apply(self, grid: Grid, psi: Array, t: ArrayLike, hbar: Array) -> Array:
        """g A p_y psi = -i hbar g A dpsi/dy."""
        k = grid.wavenumbers[self.axis].astype(psi.real.dtype)
        slope = along(self.axis - grid.ndim, hbar * k, psi)
        return self.speed(grid, t).astype(psi.real.dtype) * slope

    def flow(self, grid: Grid, precision: Any) -> PhaseFlow:
        """psi(x, y) -> psi(x, y - g A dt), a phase at each wavenumber of y.

        For an impulse, G takes the place of dt.
        """
        axis = self.axis - grid.ndim
        return PhaseFlow(
            rate=lambda t: self.speed(grid, t) * grid.wavenumbers[self.axis],
            to_basis=lambda psi: jnp.fft.fft(psi, axis=axis),
            from_basis=lambda psi: jnp.fft.ifft(psi, axis=axis),
            autonomous=self.pulse is None and self.velocity.autonomous,
            precision=precision,
        )


def read_couplings(couplings: Any, grid: Grid) -> tuple[Coupling, ...]:
    """Couplings from the axes of pointers and the velocities that move them.

    Args:
        couplings: by the axis of the pointer: A, a function of all coordinates (and the
            time) or values on the grid; or a pair (A, g) with a pulse or impulses g.
            None for no couplings.
        grid: the grid.

    Raises:
        ValueError: not a mapping, an axis that the grid does not have, a function,
            values or a pulse that do not fit, or a coupling that depends on the pointer
            that it moves.
    """
    if couplings is None:
        return ()
    if not isinstance(couplings, Mapping):
        raise ValueError(
            "Argument `couplings` must map axes of pointers to functions, but it is of "
            f"type {type(couplings).__name__}."
        )
    return tuple(_read(axis, given, grid) for axis, given in couplings.items())


def _read(axis: Any, given: Any, grid: Grid) -> Coupling:
    axis = _checks.whole_number(axis, "couplings", 0, grid.ndim - 1)
    A, g = given, None
    if isinstance(given, tuple):
        if len(given) != 2:
            raise ValueError(
                "Argument `couplings` must hold A or a pair (A, g), but holds "
                f"{len(given)} parts for axis {axis}."
            )
        A, g = given
    try:
        velocity = potential(A, grid)
        strength = None if g is None or isinstance(g, Impulse) else pulse(g)
    except ValueError as error:
        told = str(error).replace("`V`", "`couplings`")
        raise ValueError(told.replace("`pulse`", "`couplings`")) from None
    if g is not None and not velocity.autonomous:
        raise ValueError(
            "Argument `couplings` must have an A without the time beside a pulse g, "
            f"but that of axis {axis} takes one."
        )
    if depends_on(velocity, grid, axis):
        raise ValueError(
            "Argument `couplings` must not depend on the pointer that it moves, but "
            f"the one of axis {axis} does."
        )
    return Coupling(axis, velocity, strength, g if isinstance(g, Impulse) else None)


def depends_on(V: Potential, grid: Grid, axis: int) -> bool:
    """Whether V may change along an axis of the grid.

    A function that does not use a coordinate gives values of length 1 along its axis,
    so that shapes decide, for all times and under jit. For samples the values decide;
    if these are traced, a dependence is assumed.
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
    positions at each wavenumber of the pointers. Impulses take no time and do not
    count.
    """
    lasting = [coupling for coupling in couplings if coupling.impulses is None]
    parts = (V, *(coupling.velocity for coupling in lasting))
    pointers = {coupling.axis for coupling in lasting}
    return not any(depends_on(part, grid, axis) for part in parts for axis in pointers)

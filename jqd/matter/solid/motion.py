"""Newton's law for the atoms of a solid."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...constants import constant, parts
from ...laws.motion import Motion
from ...status import Status
from ...steppers import Flows, GeneralFlow, Splitting, pefrl
from .body import Solid


class Point(NamedTuple):
    """A point of phase space.

    Attributes:
        x: positions, shape (N, d).
        v: velocities, shape (N, d).
    """

    x: Float[Array, "N d"]
    v: Float[Array, "N d"]


class AtomMotion(Motion):
    """Classical motion of the atoms of a solid: dx/dt = v, m dv/dt = -dV/dx.

    Its flows are the kick (outer) and the drift (inner), so that every splitting of
    `jqd.steppers` follows it: `strang` is velocity Verlet, `pefrl` the default. The
    constants that a fit may free are those of the pair potential, and `masses`.

    Attributes:
        body: the solid.
    """

    body: Solid = parts()

    def prepare(self, start: Any) -> Point:
        """The state for a `Point` or a pair (x, v).

        Raises:
            ValueError: wrong shapes, values that are not finite, overlapping atoms.
        """
        x, v = start
        self.body.check_positions(x, "x")
        _checks.check_shape(v, "v", jnp.shape(x))
        _checks.check_finite(v, "v")
        return Point(constant(x, "x"), constant(v, "v"))

    def vector_field(self, t: ArrayLike, state: Point, args: Any = None) -> Point:
        """(v, F/m)."""
        del t, args
        return Point(state.v, self._acceleration(state.x))

    def flows(self) -> Flows:
        """Kick and drift."""

        def kick(t: ArrayLike, state: Point, dt: ArrayLike) -> Point:
            del t
            return Point(state.x, state.v + dt * self._acceleration(state.x))

        def drift(t: ArrayLike, state: Point, dt: ArrayLike) -> Point:
            del t
            return Point(state.x + dt * state.v, state.v)

        return Flows(GeneralFlow(kick), GeneralFlow(drift))

    def _acceleration(self, x: Array) -> Array:
        return self.body.forces(x) / self.body.masses[:, None]

    def energy(self, state: Point) -> Float[Array, ""]:
        """Kinetic and potential energy."""
        return self.body.kinetic_energy(state.v) + self.body.energy(state.x)

    def invariants(self, state: Point) -> dict[str, Array]:
        """The energy."""
        return {"energy": self.energy(state)}

    def alarm(self, t: ArrayLike, before: Point, after: Point) -> Array:
        """CUTOFF where a cell holds more atoms than it has slots."""
        del t, before
        cells, box = self.body.cells, self.body.box
        if cells is None or box is None:
            return jnp.asarray(Status.OK)
        return jnp.where(cells.overflows(after.x, box), Status.CUTOFF, Status.OK)

    @property
    def stepper(self) -> Splitting:
        """`pefrl`."""
        return pefrl

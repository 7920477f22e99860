"""Newton's law for the atoms of a solid."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...constants import constant, parts
from ...laws.groups import Exact, Watch
from ...laws.motion import Motion
from ...status import Status
from ...steppers import Flows, Splitting, general_flow, pefrl
from .body import Solid
from .neighbours import Neighbours


class Point(NamedTuple):
    """A point of phase space.

    Attributes:
        x: positions, shape (N, d).
        v: velocities, shape (N, d).
    """

    x: Float[Array, "N d"]
    v: Float[Array, "N d"]


class ListedPoint(NamedTuple):
    """A point of phase space with its neighbour list, which a splitting carries along.

    Attributes:
        x: positions, shape (N, d).
        v: velocities, shape (N, d).
        near: a neighbour list that is valid for x.
    """

    x: Float[Array, "N d"]
    v: Float[Array, "N d"]
    near: Neighbours


class AtomMotion(Motion):
    """Classical motion of the atoms of a solid: dx/dt = v, m dv/dt = -dV/dx.

    Its flows are the kick (outer) and the drift (inner), so that every splitting of
    `jqd.steppers` applies: `strang` is velocity Verlet, and `pefrl` is the default. A
    fit may free the constants of the pair potential and `masses`.

    For a solid with `neighbours`, `jqd.evolve` lets a splitting carry the neighbour
    list along. Other steppers make a list for each force, which is ten times slower.

    Attributes:
        body: the solid.
    """

    body: Solid = parts()

    def prepare(self, start: Any) -> Point:
        """The state from a `Point` or a pair (x, v).

        Raises:
            ValueError: wrong shapes, values that are not finite, overlapping atoms.
        """
        x, v = start
        self.body.check_positions(x, "x")
        _checks.check_finite(v, "v", np.shape(x))
        return Point(constant(x, "x"), constant(v, "v"))

    def vector_field(self, t: ArrayLike, state: Point, args: Any = None) -> Point:
        """(v, F/m).

        Raises:
            ValueError: a state with a neighbour list, which has no derivative.
        """
        del t, args
        if isinstance(state, ListedPoint):
            raise ValueError(
                "Argument `state` must carry no list of neighbours here, but does; "
                "follow it with a splitting, or Point(state.x, state.v)."
            )
        return Point(state.v, self._acceleration(state))

    def carry(self, state: Point | ListedPoint, *, splits: bool) -> Any:
        """The point, with a neighbour list for a splitting if the solid has one."""
        near = self.body.listed(state.x, _list(state)) if splits else None
        x, v = state[:2]
        return Point(x, v) if near is None else ListedPoint(x, v, near)

    def exact(self) -> Exact:
        """Kick and drift."""

        def kick(t: ArrayLike, state: Any, dt: ArrayLike) -> Any:
            del t
            return state._replace(v=state.v + dt * self._acceleration(state))

        def drift(t: ArrayLike, state: Any, dt: ArrayLike) -> Any:
            del t
            state = state._replace(x=state.x + dt * state.v)
            return self.carry(state, splits=isinstance(state, ListedPoint))

        return Exact(flows=lambda: Flows(general_flow(kick), general_flow(drift)))

    def _acceleration(self, state: Point | ListedPoint) -> Array:
        return self.body.forces(state.x, _list(state)) / self.body.masses[:, None]

    def energy(self, state: Point | ListedPoint) -> Float[Array, ""]:
        """Kinetic and potential energy."""
        return self.body.kinetic_energy(state.v) + self.body.energy(
            state.x, _list(state)
        )

    def invariants(self, state: Point | ListedPoint) -> dict[str, Array]:
        """The energy."""
        return {"energy": self.energy(state)}

    def watch(self) -> Watch:
        """CROWDED where an atom has more neighbours than the list has places."""

        def alarm(t: ArrayLike, before: Any, after: Point | ListedPoint) -> Array:
            del t, before
            near = _list(after) or self.body.listed(after.x)
            if near is None:
                return jnp.asarray(Status.OK)
            return jnp.where(near.overflow, Status.CROWDED, Status.OK)

        return Watch(alarm)

    @property
    def stepper(self) -> Splitting:
        """`pefrl`."""
        return pefrl


def _list(state: Point | ListedPoint) -> Neighbours | None:
    return state.near if isinstance(state, ListedPoint) else None

"""Newton's law for the atoms of a solid."""

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PyTree

from ... import _checks
from ...laws.law import ALARM_CUTOFF, ALARM_NONE, Law, constant
from ...steppers import Flows, GeneralFlow, Splitting, pefrl
from .body import Solid

MASSES = "masses"


class Point(NamedTuple):
    """A point of phase space.

    Attributes:
        x: positions, shape (N, d).
        v: velocities, shape (N, d).
    """

    x: Float[Array, "N d"]
    v: Float[Array, "N d"]


class Motion(Law):
    """Classical motion of the atoms of a solid: dx/dt = v, m dv/dt = -dV/dx.

    Its flows are the kick (outer) and the drift (inner), so that every splitting of
    `jqd.steppers` follows it: `strang` is velocity Verlet, `pefrl` the default. The
    constants that a fit may free are those of the pair potential, and `masses`.

    Attributes:
        body: the solid.
    """

    body: Solid

    def prepare(self, psi: Any) -> Point:
        """The state for a `Point` or a pair (x, v).

        Raises:
            ValueError: wrong shapes, values that are not finite, overlapping atoms.
        """
        x, v = psi
        self.body.check_positions(x, "x")
        _checks.check_shape(v, "v", jnp.shape(x))
        _checks.check_finite(v, "v")
        return Point(constant(x, "x"), constant(v, "v"))

    def admit(self, psi: Any) -> Point:
        """Positions and velocities as arrays."""
        return self.prepare(psi)

    def vector_field(self, t: ArrayLike, state: Point, args: Any = None) -> Point:
        """(v, F/m)."""
        del t, args
        return Point(state.v, self._acceleration(state.x))

    def step(self, t: ArrayLike, state: Point, dt: ArrayLike) -> Point:
        """One step of `pefrl`."""
        return pefrl(self, t, state, dt)

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

    def density(self, state: PyTree[Array]) -> Array:
        """A single classical state has no probabilities.

        Raises:
            ValueError: always.
        """
        raise ValueError(
            "Argument `observe` must not be 'density' for classical atoms, but is; "
            "observe positions or energies, or an ensemble of runs."
        )

    def apart(self, one: PyTree[Array], other: PyTree[Array]) -> None:
        """There are no probabilities to compare."""
        del one, other

    def invariants(self, state: Point) -> dict[str, Array]:
        """The energy."""
        return {"energy": self.energy(state)}

    def diagnose(self, state: Point) -> dict[str, Array]:
        """The energy."""
        return self.invariants(state)

    def alarm(self, t: ArrayLike, before: Point, after: Point) -> Array:
        """`ALARM_CUTOFF` where a cell holds more atoms than it has slots."""
        del t, before
        cells, box = self.body.cells, self.body.box
        if cells is None or box is None:
            return jnp.asarray(ALARM_NONE)
        return jnp.where(cells.overflows(after.x, box), ALARM_CUTOFF, ALARM_NONE)

    @property
    def stepper(self) -> Splitting:
        """`pefrl`."""
        return pefrl

    # -- constants for fits ---------------------------------------------------------

    def constant_names(self) -> tuple[str, ...]:
        """The constants of the pair potential, and the masses."""
        potential = self.body.potential
        names = potential.__dataclass_fields__
        own = (n for n in names if eqx.is_inexact_array(getattr(potential, n)))
        return (*own, MASSES)

    def _constant(self, name: str) -> Array:
        return getattr(self.body if name == MASSES else self.body.potential, name)

    def pack(self, name: str) -> Array:
        """The entries of the constant `name`, flat."""
        return jnp.ravel(self._constant(name))

    def unpack(self, name: str, values: Array) -> "Motion":
        """A copy whose constant `name` has these entries."""
        shaped = jnp.reshape(values, jnp.shape(self._constant(name)))
        return eqx.tree_at(lambda law: law._constant(name), self, shaped)

    def labels(self, name: str) -> list[str]:
        """A label for each entry, such as "K[2]"."""
        shape = jnp.shape(self._constant(name))
        if shape == ():
            return [name]
        count = self.pack(name).shape[0]
        return [f"{name}[{index}]" for index in range(count)]

"""Soft discs and spheres: repulsive springs, so that collisions take time."""

import functools
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from jqd.constants import constant
from jqd.status import Status


class SoftRun(eqx.Module):
    """What `SoftSpheres.run` returns; snapshot 0 is the start.

    Attributes:
        ts: (S + 1,) times.
        positions: (S + 1, N, d), not wrapped.
        velocities: (S + 1, N, d).
        kinetic: (S + 1,) kinetic energy of all.
        potential: (S + 1,) potential energy of all.
        mean_kinetic: (S,) averages over the steps up to each snapshot.
        mean_potential: (S,) likewise.
        mean_contacts: (S,) likewise, partners in contact per particle.
        status: a code of `jqd.Status`.
    """

    ts: Float[Array, " S"]
    positions: Float[Array, "S N d"]
    velocities: Float[Array, "S N d"]
    kinetic: Float[Array, " S"]
    potential: Float[Array, " S"]
    mean_kinetic: Float[Array, " S-1"]
    mean_potential: Float[Array, " S-1"]
    mean_contacts: Float[Array, " S-1"]
    status: Int[Array, ""]

    @property
    def ok(self) -> Bool[Array, "*batch"]:
        """Whether all numbers stayed finite."""
        return self.status == Status.OK

    @property
    def energy_drift(self) -> Float[Array, "*batch"]:
        """Largest relative change of the total energy from the start."""
        total = self.kinetic + self.potential
        return jnp.max(jnp.abs(total / total[..., :1] - 1), axis=-1)


class Springs(NamedTuple):
    """What the pairs in contact add up to.

    Attributes:
        energy: Σ V over pairs.
        forces: (N, d).
        contacts: partners that a particle overlaps with, on average.
    """

    energy: Float[Array, ""]
    forces: Float[Array, "N d"]
    contacts: Float[Array, ""]


class SoftSpheres(eqx.Module):
    """Particles that repel like springs where they overlap, in a periodic box.

    V(r) = κ (1 - r)²/2 for r < 1, else 0, summed over all pairs (O(N²) a step); the
    diameter and the mass are 1

    Attributes:
        box: (d,) lengths.
        stiffness: κ, energy/length².
    """

    box: Float[Array, " d"] = eqx.field(converter=constant)
    stiffness: Float[Array, ""] = eqx.field(converter=constant)

    def energy(self, x: Float[Array, "N d"]) -> Float[Array, ""]:
        """Σ V over pairs."""
        return self.springs(x).energy

    def forces(self, x: Float[Array, "N d"]) -> Float[Array, "N d"]:
        """(N, d) forces."""
        return self.springs(x).forces

    def springs(self, x: Float[Array, "N d"]) -> "Springs":
        """Energy, forces and contacts at once, over all pairs of nearest images."""
        components, square = [], jnp.zeros((), x.dtype)
        for axis in range(x.shape[1]):
            r = x[:, axis][:, None] - x[:, axis][None, :]
            r = r - self.box[axis] * jnp.round(r / self.box[axis])
            components.append(r)
            square = square + r * r
        touching = (square < 1) & ~jnp.eye(x.shape[0], dtype=bool)
        # √0 has no slope: two centres in one place repel nowhere in particular.
        apart = touching & (square > 0)
        distance = jnp.where(apart, jnp.sqrt(jnp.where(apart, square, 1)), 0)
        overlap = jnp.where(touching, 1 - distance, 0)
        push = self.stiffness * jnp.where(
            apart, overlap / jnp.where(apart, distance, 1), 0
        )
        return Springs(
            self.stiffness * jnp.sum(overlap**2) / 4,
            jnp.stack([jnp.sum(push * r, axis=1) for r in components], axis=1),
            jnp.sum(touching) / x.shape[0],
        )

    def kinetic(self, v: Float[Array, "N d"]) -> Float[Array, ""]:
        """Σ v²/2."""
        return jnp.sum(v**2) / 2

    def run(
        self,
        positions: ArrayLike,
        velocities: ArrayLike,
        *,
        dt: ArrayLike,
        steps: int,
        snapshots: int = 1,
    ) -> SoftRun:
        """Newton's motion by velocity Verlet.

        Works under jit, vmap and grad (short runs: the motion is chaotic).

        Args:
            positions: (N, d).
            velocities: (N, d).
            dt: time step; a fortieth of `recoil_time_spring` keeps energy to 1e-3 of
                what is in the springs.
            steps: steps from one snapshot to the next.
            snapshots: S.

        Returns:
            A `SoftRun`.
        """
        x, v = constant(positions, "positions"), constant(velocities, "velocities")
        return _run(self, x, v, constant(dt, "dt"), steps, snapshots)


@functools.partial(jax.jit, static_argnums=(4, 5))
def _run(
    gas: SoftSpheres, x: Array, v: Array, dt: Array, steps: int, snapshots: int
) -> SoftRun:
    def step(carry, _):
        x, v, a, sums = carry
        v = v + dt / 2 * a
        x = x + dt * v
        springs = gas.springs(x)
        a = springs.forces
        v = v + dt / 2 * a
        now = jnp.stack([gas.kinetic(v), springs.energy, springs.contacts])
        return (x, v, a, sums + now), None

    def frame(carry, _):
        start = (*carry, jnp.zeros(3, x.dtype))
        (*carry, sums), _ = lax.scan(step, start, None, length=steps)
        return tuple(carry), (carry[0], carry[1], sums / steps)

    start = (x, v, gas.forces(x))
    _, (xs, vs, means) = lax.scan(frame, start, None, length=snapshots)
    xs = jnp.concatenate([x[None], xs])
    vs = jnp.concatenate([v[None], vs])
    ts = dt * steps * jnp.arange(snapshots + 1)
    kinetic, potential = jax.vmap(gas.kinetic)(vs), lax.map(gas.energy, xs)
    sound = jnp.all(jnp.isfinite(kinetic + potential))
    status = jnp.where(sound, Status.OK, Status.NON_FINITE)
    return SoftRun(ts, xs, vs, kinetic, potential, *means.T, status)

"""Two cold blocks that collide and stick: the collision of Chafin (2019), fig. 1.

Each block is in its ground state; the pair, as one solid, is not. Atoms 0 … n - 1 are
the left block and n … 2n - 1 the right one, at the start and in the fused reference.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from jqd import _checks
from jqd.constants import constant
from jqd.matter.solid import (
    LennardJones,
    Modes,
    PairPotential,
    Point,
    Solid,
    kinetic_temperature,
    neighbour_pairs,
    normal_modes,
    relax,
    triangular,
    wigner_samples,
)
from jqd.status import Status

from .ensembles import aligned, pair_lengths

# Neighbours are pairs closer than this, in units of the pair's rest distance; the next
# ones of the triangular lattice are 1.73 apart.
_NEAR = 1.3


class TwoBlocks(eqx.Module):
    """Two equal blocks of the triangular lattice that move towards each other.

    Attributes:
        body: all 2n atoms; bonds between the blocks have a strength of their own.
        x: start, blocks apart, shape (2n, 2).
        v: velocities ±v/2 along x, shape (2n, 2).
        block: normal modes of one block at rest.
        fused: positions of the fused solid at rest, shape (2n, 2).
        modes: normal modes of the fused solid.
        pairs: neighbours in the fused solid, shape (B, 2).
        spacing: distance of a pair at rest, a.
        speed: relative speed v.
        bond_energy: E_bond, energy that fusing sets free.
        fused_energy: energy of the fused solid at rest.
    """

    body: Solid
    x: Float[Array, "N d"]
    v: Float[Array, "N d"]
    block: Modes
    fused: Float[Array, "N d"]
    modes: Modes
    pairs: Int[Array, "B 2"]
    spacing: Float[Array, ""]
    speed: Float[Array, ""]
    bond_energy: Float[Array, ""]
    fused_energy: Float[Array, ""]

    def at_speed(self, speed: ArrayLike) -> "TwoBlocks":
        """The same blocks at another relative speed (nothing is relaxed anew)."""
        speed, size = constant(speed, "speed"), self.x.shape[0] // 2
        v = jnp.zeros_like(self.x)
        v = v.at[:size, 0].set(speed / 2).at[size:, 0].set(-speed / 2)
        return eqx.tree_at(lambda two: (two.v, two.speed), self, (v, speed))


class EnergyBudget(eqx.Module):
    """Where the energy above the fused solid at rest comes from.

    Attributes:
        impact: ½μv², μ the reduced mass of the blocks.
        bond: E_bond, released where the blocks join.
        zero_point: of both blocks, that of their place and orientation included.
    """

    impact: Float[Array, ""]
    bond: Float[Array, ""]
    zero_point: Float[Array, ""]

    @property
    def total(self) -> Array:
        """Their sum: mean of KE + PE - E_fused at any time."""
        return self.impact + self.bond + self.zero_point


def two_blocks(
    rows: int = 5, columns: int = 5, *, speed: ArrayLike = 1.0, bond: ArrayLike = 1.0
) -> TwoBlocks:
    """Two relaxed blocks of the triangular lattice on a course to stick together.

    Atoms of mass 1 attract each other by Lennard-Jones with its smooth cut, and the
    blocks stand further apart than at rest by its reach.

    Args:
        rows: rows of each block (static).
        columns: atoms in a row of each block (static).
        speed: relative speed v; blocks move with ±v/2 along the rows.
        bond: strength of pairs across, relative to pairs within a block.

    Returns:
        The blocks, with the fused solid as reference.

    Raises:
        ValueError: a block does not relax.

    Source: Chafin (2019), fig. 1.
    """
    potential = LennardJones()
    a = constant(potential.rest)
    lattice = triangular((rows, 2 * columns), a)
    right = np.arange(len(lattice)) % (2 * columns) >= columns
    lattice = lattice[np.argsort(right, kind="stable")]
    masses = jnp.ones(len(lattice))
    # without a bond across, both blocks relax at once
    parts = Solid(masses, _joined(potential, 0.0, len(lattice)))
    rest = _relaxed(parts, lattice, "the blocks")
    body = Solid(masses, _joined(potential, bond, len(lattice)))
    fused = _relaxed(body, rest.x, "the fused solid")
    n = len(lattice) // 2
    block = normal_modes(Solid(masses[:n], potential), rest.x[:n])
    x = rest.x.at[n:, 0].add(potential.reach)
    two = TwoBlocks(
        body=body, x=x, v=jnp.zeros_like(x), speed=jnp.zeros_like(a), block=block,
        fused=fused.x, modes=normal_modes(body, fused.x), spacing=a,
        pairs=jnp.asarray(neighbour_pairs(fused.x, _NEAR * float(a))),
        bond_energy=rest.energy - fused.energy, fused_energy=fused.energy,
    )  # fmt: skip
    return two.at_speed(speed)


def energy_budget(two: TwoBlocks, *, hbar: ArrayLike = 1.0) -> EnergyBudget:
    """½μv², E_bond and the zero-point energy of a collision.

    The harmonic estimate of the temperature is total/(2N - 3); real solids are cooler,
    as their potential energy outgrows the kinetic.

    Args:
        two: the blocks.
        hbar: ħ.

    Returns:
        The budget, unit of energy.
    """
    block = two.block
    mass = jnp.sum(block.masses)
    lowest = jnp.min(jnp.where(block.vibrating, block.omega, jnp.inf))
    # ħω/2 of each vibration; zero modes of the sample's packet have no potential
    each = jnp.where(block.vibrating, block.omega / 2, lowest / 4)
    return EnergyBudget(
        mass / 4 * two.speed**2, two.bond_energy, 2 * hbar * jnp.sum(each)
    )


def initial_points(
    two: TwoBlocks, key: Array, samples: int, *, hbar: ArrayLike = 1.0
) -> Point:
    """Points of phase space drawn from the Wigner function of two cold blocks.

    Zero-point motion of each block, mode by mode, on top of its start and speed; place
    and orientation have the packet of the block's lowest mode.

    Args:
        two: the blocks.
        key: random key.
        samples: number S of points (static).
        hbar: ħ.

    Returns:
        Positions and velocities, shape (S, 2n, 2) each.
    """
    left, right = jax.random.split(key)
    us, vs = zip(
        wigner_samples(left, two.block, samples, hbar=hbar),
        wigner_samples(right, two.block, samples, hbar=hbar),
        strict=True,
    )
    return Point(
        two.x[None] + jnp.concatenate(us, axis=1),
        two.v[None] + jnp.concatenate(vs, axis=1),
    )


class Readings(eqx.Module):
    """What to observe of a collision: a function of (t, state) for `jqd.evolve`.

    Attributes:
        two: the blocks.
    """

    two: TwoBlocks

    def __call__(self, t: Array, state: Point) -> dict[str, Any]:
        """Readings of one state.

        Returns:
            `x`, `v` (N, d); `kinetic`, `potential` (above the fused solid at rest);
            `temperature` of the internal motion; `atom_kinetic` (N,); `bonds`, lengths
            of the reference's neighbours (B,); `modes`, energies in the modes of the
            reference, turned with the body (n,).
        """
        del t
        two, body = self.two, self.two.body
        u, inner = aligned(state.x, two.fused, body.masses, state.v)
        return {
            "x": state.x,
            "v": state.v,
            "kinetic": body.kinetic_energy(state.v),
            "potential": body.energy(state.x) - two.fused_energy,
            "temperature": kinetic_temperature(body, state.x, state.v),
            "atom_kinetic": body.masses * jnp.sum(state.v**2, axis=1) / 2,
            "bonds": pair_lengths(state.x, two.pairs),
            "modes": two.modes.energies(u, inner),
        }


def _joined(potential: LennardJones, bond: ArrayLike, size: int) -> PairPotential:
    """The potential with a strength of its own for pairs of different halves."""
    left = jnp.arange(size) < size // 2
    same = left[:, None] == left[None, :]
    strengths = potential.epsilon * jnp.where(same, 1, bond)
    return eqx.tree_at(lambda u: u.epsilon, potential, strengths)


def _relaxed(body: Solid, x: Array, what: str) -> Any:
    result = relax(body, x)
    if _checks.is_concrete(result) and int(result.status) != Status.OK:
        raise ValueError(
            f"Argument `potential` must let {what} relax, but a force of "
            f"{float(result.force):.2g} is left."
        )
    return result

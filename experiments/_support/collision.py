"""An ensemble of two blocks that collide, and what it says of the one wave function."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from jqd.evolution import Fixed, evolve
from jqd.matter.solid import (
    AtomMotion,
    Point,
    effective_modes,
    normality,
    window_average,
)
from jqd.steppers import strang

from .blocks import Readings, TwoBlocks, energy_budget
from .ensembles import aligned, atom_ellipses, internal_velocities

# A bond is kept while it is shorter than this, and blocks have met once those across
# are; in units of the spacing.
KEPT, TOUCH = 1.5, 1.2


class Collision(NamedTuple):
    """Averages over S trajectories drawn from a Wigner function, at T times.

    Attributes:
        width: √var of a bond's length, median over the bonds of the fused solid, in
            units of the spacing, (T,).
        width_groups: the same of each group of trajectories, for error bars, (T, G).
        width_mean: mean over the bonds instead; one atom that leaves one trajectory
            widens its bonds without end, and shows here, (T,).
        kept: fraction of these bonds shorter than 1.5 spacings, (T,).
        across: mean length of those that join the blocks, in spacings, (T,).
        energy: kinetic and potential, above the fused solid at rest, (T, S).
        temperature: 2 KE/(2N - 3) of the internal motion, (T, S).
        modes: mean energies in the modes of the fused solid, (T, n).
        ks: distance of all internal velocities to a normal distribution, (T,).
        kurtosis: their excess kurtosis, (T,).
        heat: mean kinetic energy of each atom, (T, N).
        x: positions in the first trajectory, (T, N, d).
        ellipses: covariance of each atom in the frame of the first trajectory, where a
            turn or shift of the whole body is no width, (T, N, d, d).
        ok: whether all trajectories reached the end.
    """

    width: Float[Array, " T"]
    width_groups: Float[Array, "T G"]
    width_mean: Float[Array, " T"]
    kept: Float[Array, " T"]
    across: Float[Array, " T"]
    energy: Float[Array, "T S"]
    temperature: Float[Array, "T S"]
    modes: Float[Array, "T n"]
    ks: Float[Array, " T"]
    kurtosis: Float[Array, " T"]
    heat: Float[Array, "T N"]
    x: Float[Array, "T N d"]
    ellipses: Float[Array, "T N d d"]
    ok: Bool[Array, ""]


def collide(
    two: TwoBlocks,
    points: Point,
    ts: Float[ArrayLike, " T"],
    *,
    method: Fixed | None = None,
    groups: int = 4,
) -> Collision:
    """Follow an ensemble of two blocks.

    Args:
        two: the blocks.
        points: positions and velocities at ts[0], (S, N, d) each, such as
            `initial_points`.
        ts: times, increasing, (T,).
        method: `Fixed` with a splitting; None for a step of Verlet per time.
        groups: number G of groups for error bars; divides S, at least 2 in each
            (static).

    Returns:
        The averages.
    """
    method = method or Fixed(strang, estimate_error=False)
    return _collide(two, points, jnp.asarray(ts), method, groups, joining_bonds(two))


def ellipses_about_first(
    x: Float[Array, "S T N d"], masses: Float[Array, " N"]
) -> Float[Array, "T N d d"]:
    """Covariance of each atom after all trajectories are turned onto the first."""

    def away(x: Array, first: Array) -> Array:
        return aligned(x, first, masses)[0]

    return atom_ellipses(jax.vmap(jax.vmap(away), (0, None))(x, x[0]))[1]


def contact_index(seen: Collision) -> Array:
    """Index of the first time at which the blocks have met; 0 if they never do."""
    return jnp.argmax(seen.across < TOUCH)


def late_readings(
    two: TwoBlocks, seen: Collision, *, hbar: ArrayLike, window: int
) -> dict[str, Array]:
    """A collision in numbers: at its start, and over the last third of its record.

    Args:
        two: the blocks.
        seen: their record.
        hbar: ħ of the ensemble.
        window: records that mode energies are averaged over.

    Returns:
        Scalars by name: `width` (in spacings) and `T`, with `_error` of the ensemble;
        `width_mean`; `n_eff` (fraction), `ks`, also at the start; `kurtosis`; `kept`;
        `T_harmonic`, the energy budget shared out among the modes; `drift`, the largest
        relative change of a trajectory's energy.
    """
    late = slice(-(seen.width.shape[0] // 3), None)
    T, groups = (jnp.mean(a[late], 0) for a in (seen.temperature, seen.width_groups))
    n_eff = shared_modes(two, seen, window)
    vibrating = jnp.sum(two.modes.vibrating)
    return {
        "width": jnp.mean(seen.width[late]),
        "width_error": jnp.std(groups, ddof=1) / groups.shape[0] ** 0.5,
        "width_mean": jnp.mean(seen.width_mean[late]),
        "kept": jnp.mean(seen.kept[late]),
        "T": jnp.mean(T),
        "T_error": jnp.std(T, ddof=1) / T.shape[0] ** 0.5,
        "T_harmonic": energy_budget(two, hbar=hbar).total / vibrating,
        "n_eff_start": n_eff[0],
        "n_eff": jnp.mean(n_eff[-(n_eff.shape[0] // 3) :]),
        "ks_start": seen.ks[0],
        "ks": jnp.mean(seen.ks[late]),
        "kurtosis": jnp.mean(seen.kurtosis[late]),
        "drift": jnp.max(jnp.abs(seen.energy / seen.energy[:1] - 1)),
    }


def shared_modes(two: TwoBlocks, seen: Collision, window: int) -> Array:
    """n_eff/n of the ensemble's mode energies over windows of so many records.

    Means nothing once atoms have changed places: the modes are those of the lattice.
    """
    energies = window_average(seen.modes, seen.modes.shape[0] // window)
    return effective_modes(energies, two.modes.vibrating)


def joining_bonds(two: TwoBlocks) -> Bool[Array, " B"]:
    """Which bonds of the fused solid join the blocks."""
    half = two.x.shape[0] // 2
    return (two.pairs[:, 0] < half) != (two.pairs[:, 1] < half)


@eqx.filter_jit
def _collide(
    two: TwoBlocks, points: Point, ts: Array, method: Fixed, groups: int, joins: Array
) -> Collision:
    law, look, masses = AtomMotion(two.body), Readings(two), two.body.masses

    def follow(point: Point):
        return evolve(law, point, ts, method=method, observe=look)

    def inner(x: Array, v: Array) -> Array:
        return internal_velocities(x, v, masses)

    run = jax.vmap(follow)(points)
    see = run.values
    velocities = jnp.moveaxis(jax.vmap(jax.vmap(inner))(see["x"], see["v"]), 1, 0)
    shape = normality(jnp.reshape(velocities, (ts.shape[0], -1)))
    bonds = see["bonds"] / two.spacing
    widths = jnp.std(bonds, axis=0, ddof=1)
    parts = jnp.reshape(bonds, (groups, -1, *bonds.shape[1:]))
    mean = jnp.mean(bonds, axis=0)
    joining = jnp.sum(jnp.where(joins[None, :], mean, 0), axis=-1)
    return Collision(
        width=jnp.median(widths, axis=-1),
        width_groups=jnp.median(jnp.std(parts, axis=1, ddof=1), axis=-1).T,
        width_mean=jnp.mean(widths, axis=-1),
        kept=jnp.mean(bonds < KEPT, axis=(0, 2), dtype=bonds.dtype),
        across=joining / jnp.sum(joins),
        energy=(see["kinetic"] + see["potential"]).T,
        temperature=see["temperature"].T,
        modes=jnp.mean(see["modes"], axis=0),
        ks=shape.ks,
        kurtosis=shape.kurtosis,
        heat=jnp.mean(see["atom_kinetic"], axis=0),
        x=see["x"][0],
        ellipses=ellipses_about_first(see["x"], masses),
        ok=jnp.all(run.ok),
    )

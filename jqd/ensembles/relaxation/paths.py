"""Paths that start from a density other than |ψ|², beside control paths."""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from ... import _checks, _html
from ..._checks import whole_number
from ..._gate import gated
from ...evolution.evolution import in_precision
from ...laws.law import Law
from ...spaces import Grid
from ...status import Status, describe
from ..arguments import trajectory_numbers
from ..arrival.follow import follow
from ..cells import Cells
from ..paths.noise import Noise
from ..paths.processes import PATHS, read_walk
from ..paths.sampling import draw_positions
from ..paths.walk import Walk, fold, run
from .entropy import coarse_entropy

# If more than this share of the paths have ended, the rest are biased.
LOST = 1e-3


class Equilibration(eqx.Module):
    """The distance of paths from |ψ|², over time.

    Attributes:
        ts: times, (T,).
        entropy: coarse-grained H of the paths without its bias, see `coarse_entropy`,
            (T,).
        error: its standard error from chance, (T,).
        control: the same for as many paths that start from |ψ|², (T,): 0 within its
            error, if steps and cells are fine enough.
        control_error: its standard error, (T,).
        lost: share of the paths that have ended, (T,).
        status: code of `jqd.Status` for each time, (T,): OK where the paths can be a
            sample of |ψ|², OUT_OF_EQUILIBRIUM where they cannot; INACCURATE where the
            control cannot either, or a path lies where |ψ|² is 0 to rounding;
            LEFT_GRID where more than one path in a thousand has ended.
    """

    ts: Float[Array, " T"]
    entropy: Float[Array, " T"]
    error: Float[Array, " T"]
    control: Float[Array, " T"]
    control_error: Float[Array, " T"]
    lost: Float[Array, " T"]
    status: Int[Array, " T"]

    @_html.shows
    def _repr_html_(self) -> _html.Card:
        both = np.stack([np.asarray(self.entropy), np.asarray(self.control)], axis=1)
        return _html.run_card(self, both, "H of paths and control over time")

    def describe(self) -> str:
        """The status in words, counted over times."""
        return describe(self.status, "sample")


class _Look(eqx.Module):
    """Counts of the paths proper and of the control."""

    cells: Cells
    ring: Grid | None = eqx.field(static=True)

    def __call__(self, t: Array, x: Array) -> Array:
        del t
        x = x if self.ring is None else fold(self.ring, x)
        half = x.shape[0] // 2
        return jnp.stack([self.cells.counts(part) for part in (x[:half], x[half:])])


@gated
def equilibration(
    law: Law,
    psi0: ArrayLike,
    ts: ArrayLike,
    key: Array,
    *,
    density: Float[ArrayLike, "..."],
    cells: Cells,
    paths: int | None = None,
    nu: ArrayLike | None = None,
    nu_hat: ArrayLike | None = None,
    D: ArrayLike | None = None,
    substeps: int = 50,
    stepper: Callable[..., Any] | None = None,
    refine: int | None = None,
    periodic: bool = False,
) -> Equilibration:
    """Sample how paths from any density relax to |ψ|², by coarse-grained H.

    H = Σ p ln(p/q) over cells,  p the share of the paths, q that of |ψ|²

    With noise H falls from any initial density, except that no path crosses a node
    (zero) of a real stationary state. Without noise Bohm's paths carry f = ρ/|ψ|²
    along; H can fall only because filaments of f become finer than the cells, and
    whether it does depends on the state, phases included. A control run starts from
    |ψ|²; its H shows the error of steps and cells.

    Nothing here says that an ensemble out of equilibrium can be prepared; in
    equilibrium no data determine ν.

    Args:
        law: law on a grid whose state is ψ, such as `jqd.Schrodinger`.
        psi0: ψ at ts[0], of the grid's shape, normalised.
        ts: times, (T,), strictly increasing.
        key: of the random numbers, `jax.random.key(...)`.
        density: ρ at ts[0] on the grid, not negative; need not be normalised.
        cells: cells over which H is taken, with some paths in each.
        paths: number of paths, and of control paths; None for 1000.
        nu, nu_hat, D, stepper, refine, periodic: as for `nelson`. At ν = 0 the paths
            are Bohm's, by a Runge-Kutta scheme, else by Heun's drift-implicit one.
        substeps: steps between two times.

    Returns:
        H of the paths and of the control with their standard errors, and a status.

    Raises:
        ValueError: as for `nelson`, an invalid density, cells of another box.

    Source: A. Valentini and H. Westman (2005) Proc. R. Soc. A 461, 253 for ν = 0.
    """
    walk, psi, ts = read_walk(
        law, psi0, ts, D, nu, "implicit", stepper, substeps, refine, periodic, nu_hat
    )
    if law.breaks().impulses is not None:
        raise ValueError(
            "Argument `law` must not have impulses here, but has: |ψ|² on the cells is "
            "followed without them."
        )
    if _checks.is_concrete(walk.nu) and not _checks.concrete(walk.nu).any():
        walk = dataclasses.replace(walk, scheme="rk4")
    cells.check(walk.grid)
    count = whole_number(PATHS if paths is None else paths, "paths", 1)
    starts, moves = jax.random.split(_checks.single_key(key))
    x0 = draw_positions(starts, density, walk.grid, count).astype(psi.real.dtype)
    noise = Noise(moves, trajectory_numbers(0, 2 * count, "path"))
    return _compare(walk, psi, ts, x0, noise, cells)


@eqx.filter_jit
def _compare(walk: Walk, psi, ts, x0, noise: Noise, cells: Cells) -> Equilibration:
    walk, count = in_precision(walk, psi.real.dtype), x0.shape[0]
    control = Noise(noise.key, noise.ids[count:]).positions(walk.grid, psi)
    look = _Look(cells, walk.grid if walk.periodic else None)
    both = jnp.concatenate([x0, control])
    seen: Any = run(walk, psi, ts, both, noise, look, 0).values
    shares = follow(
        walk, psi, ts, (), lambda *_: (), lambda _, psi: cells.of_wave(psi, walk.grid)
    )
    over_time = jax.vmap(coarse_entropy)
    found, beside = (over_time(seen[:, part], shares) for part in (0, 1))
    lost = (count - jnp.sum(seen[:, 0], axis=1)) / count
    status = jnp.where(found.equilibrium, Status.OK, Status.OUT_OF_EQUILIBRIUM)
    sound = beside.equilibrium & found.resolved & beside.resolved
    status = jnp.where(sound, status, Status.INACCURATE)
    status = jnp.where(lost <= LOST, status, Status.LEFT_GRID)
    status = jnp.where(jnp.isfinite(found.value), status, Status.NON_FINITE)
    return Equilibration(
        ts, found.value, found.error, beside.value, beside.error, lost,
        status.astype(jnp.int32),
    )  # fmt: skip

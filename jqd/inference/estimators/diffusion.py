"""D without a run: from levels, from a constant energy, or from a residual."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ... import _checks
from ..._gate import gated
from ...exact import on_grids
from ...exact.diffusion import D2_from_energy, D2_from_residual
from ...records.density import DensityRecord
from ...spaces import Grid
from ..identifiability import Unidentifiable

ESTIMATORS = ("fit", "spectrum", "energy", "residual")
# Relative change of the Fisher information below which a regression is useless.
_FLAT = 1e-9


@dataclass(frozen=True)
class Estimate:
    """D, found without following the law in time.

    Attributes:
        D: the value; the data depend on its square alone, so it is given positive.
        stderr: standard error from the scatter of the data, or None for one value.
        residual: root of the mean squared misfit, in units of the data.
        count: number of values that were used.
        converged: whether the value converged.
    """

    D: float
    stderr: float | None
    residual: float
    count: int
    converged: bool = True


@gated
def diffusion_from_levels(
    levels: ArrayLike,
    grid: Grid,
    potential: ArrayLike,
    *,
    mass: ArrayLike = 1.0,
    start: float | None = None,
    sigma: float | None = None,
) -> Estimate:
    """D from the lowest energies in a potential.

    H = -2mD² ∇² + V; Levenberg-Marquardt in ln D over E_0..E_{k-1}.

    Args:
        levels: E_n from the ground state up, (k,), energy.
        grid: grid of at most 1024 points that holds the states.
        potential: V of the grid's shape.
        mass: m.
        start: initial guess, positive; None for l √(ΔE/2m), l an eighth of the box and
            ΔE the range of the levels, or the height of one above the least of V.
        sigma: standard error of the levels; None to estimate it.

    Returns:
        The estimate.

    Raises:
        ValueError: wrong shapes, more levels than points, initial guess or sigma not
            positive.
        Unidentifiable: (a ValueError) levels that do not depend on D.
    """
    import optimistix as optx

    _checks.require_x64("jqd.inference.estimators.diffusion_from_levels")
    levels = jnp.asarray(levels, float)
    _checks.check_finite(levels, "levels", (None,))
    if start is not None:
        _checks.check_positive(start, "start")
    if sigma is not None:
        _checks.check_positive(sigma, "sigma")
    _checks.check_shape(potential, "potential", grid.shape)
    if grid.size > 1024 or levels.shape[0] > grid.size:
        raise ValueError(
            "Argument `grid` must have at most 1024 points and at least one per level, "
            f"but it has {grid.size} for {levels.shape[0]} levels."
        )
    V, m = jnp.asarray(potential, float), jnp.asarray(mass, float)
    scale = np.abs(np.asarray(levels)).max()
    scale = float(scale) if scale > 0 else 1.0
    start = _first_D(levels, grid, V, m) if start is None else start

    @jax.jit
    def residuals(log_D: Array, args: None = None) -> Array:
        del args
        hbar = 2 * m * jnp.exp(log_D)
        matrix = on_grids.hamiltonian(grid, V, mass=m, hbar=hbar)
        # over their size, which tolerances and damping are relative to
        return (jnp.linalg.eigvalsh(matrix)[: levels.shape[0]] - levels) / scale

    solver = optx.LevenbergMarquardt(rtol=1e-12, atol=1e-13)
    found = optx.least_squares(
        residuals, solver, jnp.log(jnp.asarray(start, float)), max_steps=60, throw=False
    )
    slope = scale * np.asarray(jax.jacfwd(residuals)(found.value))
    if np.abs(slope).max() < 1e-12 * scale:
        raise Unidentifiable(
            "Argument `levels` must depend on D, but does not in this potential."
        )
    left = scale * np.asarray(residuals(found.value))
    if sigma is None:
        sigma = np.sqrt(np.sum(left**2) / max(len(left) - 1, 1))
    D = float(jnp.exp(found.value))
    stderr = D * float(sigma / np.sqrt(np.sum(slope**2)))
    settled = bool(found.result == optx.RESULTS.successful)
    return Estimate(D, stderr, float(np.sqrt(np.mean(left**2))), len(left), settled)


def _first_D(levels: Array, grid: Grid, V: Array, m: Array) -> float:
    """D of which the kinetic energy in an eighth of the box is that of the levels."""
    energies = np.asarray(levels)
    energy = np.ptp(energies) or float(energies[0] - jnp.min(V))
    length = np.prod([upper - lower for lower, upper in grid.bounds])
    length = length ** (1 / grid.ndim) / 8
    found = length * np.sqrt(max(energy, 0.0) / (2 * float(jnp.max(m))))
    return float(found) if found > 0 else 1.0


def diffusion_from_energy(record: DensityRecord) -> Estimate:
    """D from the constancy of (25) over time, given density and action.

    ⟨m v²/2 + V⟩ + D² (m/2) I_F = const: minus the slope of a regression.

    Args:
        record: with `action` at every time; V must not depend on time.

    Returns:
        The estimate.

    Raises:
        ValueError: no action, or fewer than two times.
        Unidentifiable: (a ValueError) a Fisher information that does not change.
    """
    _need(record, "energy")
    if len(record.ts) < 2:
        raise ValueError(
            "Argument `data` must hold at least two times for --estimator energy, but "
            f"has {len(record.ts)}."
        )
    grid, mass = record.grid, record.mass
    density = jnp.maximum(jnp.asarray(record.density), 0)
    speed2 = _squared(_velocity(record))
    potential = jnp.asarray(record.potential)[None]
    energy = grid.integrate(density * (mass * speed2 / 2 + potential))
    fisher = 4 * grid.integrate(_squared(grid.gradient(jnp.sqrt(density))))
    change = float(jnp.ptp(fisher) / jnp.max(fisher))
    if change < _FLAT:
        raise Unidentifiable(
            "Argument `data` must change its Fisher information over time to separate "
            f"D from the energy, but it changes by {change:.1e} of its value."
        )
    square = D2_from_energy(energy, fisher, mass)
    half = np.asarray(mass / 2 * (fisher - jnp.mean(fisher)))
    gap = np.asarray(energy - jnp.mean(energy)) + float(square) * half
    return _of_square(float(square), gap, half)


def diffusion_from_residual(
    record: DensityRecord, action_rate: ArrayLike, row: int = 0
) -> Estimate:
    """D from the Hamilton-Jacobi-Madelung equation (31) at one instant.

    Args:
        record: with `action`.
        action_rate: ∂S/∂t at fixed position, shape of the grid.
        row: index of the time.

    Returns:
        The estimate.

    Raises:
        ValueError: no action, wrong shape.
        Unidentifiable: (a ValueError) a uniform density.
    """
    _need(record, "residual")
    grid = record.grid
    _checks.check_shape(action_rate, "action_rate", grid.shape)
    root = jnp.sqrt(jnp.maximum(jnp.asarray(record.density[row]), 0))
    bend = jnp.real(jnp.fft.ifftn(-grid.k2 * jnp.fft.fftn(root)))
    # what rounding makes of a uniform one, as the shortest wave bends
    least = 1e-13 * float(jnp.max(grid.k2)) * float(jnp.max(root))
    if float(jnp.max(jnp.abs(bend))) < least:
        raise Unidentifiable(
            "Argument `data` must have a density that is not uniform, but it is."
        )
    speed2 = _squared(_velocity(record))[row]
    square = D2_from_residual(
        root, bend, action_rate, speed2, record.potential, record.mass
    )
    classical = jnp.asarray(action_rate) + record.mass * speed2 / 2 + record.potential
    gap = np.ravel(root * classical - 2 * record.mass * square * bend)
    slope = np.ravel(2 * record.mass * bend)
    return _of_square(float(square), gap, slope)


def _of_square(square: float, gap: np.ndarray, slope: np.ndarray) -> Estimate:
    """An estimate of D from one of D², with the scatter of the regression."""
    residual = float(np.sqrt(np.mean(gap**2)))
    if not square > 0:
        return Estimate(float("nan"), None, residual, len(gap), False)
    D = float(np.sqrt(square))
    if len(gap) < 3:
        return Estimate(D, None, residual, len(gap))
    spread = np.sqrt(np.sum(gap**2) / (len(gap) - 2) / np.sum(slope**2))
    return Estimate(D, float(spread) / (2 * D), residual, len(gap))


def _need(record: DensityRecord, estimator: str) -> None:
    if record.action is None:
        raise ValueError(
            "Argument `data` must hold `action` at every time for --estimator "
            f"{estimator}, but does not."
        )


def _velocity(record: DensityRecord) -> tuple[Array, ...]:
    """∇S/m by local differences, so that S need not be periodic."""
    gradient = record.grid.gradient(jnp.asarray(record.action))
    return tuple(part / record.mass for part in gradient)


def _squared(vector: tuple[Array, ...]) -> Array:
    return jnp.sum(jnp.stack(vector) ** 2, axis=0)

"""Ground states by imaginary time, and excited states above given ones."""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float, Int

from .. import _checks
from .._math import safe_divide, safe_sqrt
from ..interop import as_array
from ..laws.motion import Motion
from ..laws.schrodinger import Schrodinger
from ..spaces.grids import Grid
from ..spaces.hamiltonians import OnGrid
from ..spaces.identical import Exchange
from ..spaces.particles import particles_alone
from ..status import Status
from ..steppers import PhaseFlow, Splitting, chin4a
from .evolution import in_precision
from .judging import richardson

# Steps between two looks at the energy.
_STRIDE = 10


class StationaryState(eqx.Module):
    """A stationary state found by `ground_state`.

    Attributes:
        energy: <ψ|H|ψ>, scalar. Its derivatives with respect to the law are those of
            the level (Hellmann and Feynman).
        state: ψ on the grid, of unit norm; no derivative flows through it.
        error: estimate of |energy - level|: the change by half the step, and the energy
            that further steps would still remove.
        residual: |Hψ - Eψ|; some level of the grid certainly lies within it of E.
        status: `Status.OK`, `STEP_BUDGET` or `NON_FINITE`.
        num_steps: steps taken, those of the check run included.
    """

    energy: Float[Array, "*batch"]
    state: Complex[Array, "..."]
    error: Float[Array, "*batch"]
    residual: Float[Array, "*batch"]
    status: Int[Array, "*batch"]
    num_steps: Int[Array, "*batch"]

    @property
    def ok(self) -> Array:
        """Whether the energy converged."""
        return self.status == Status.OK

    @property
    def all_ok(self) -> bool:
        """Whether all members of a batch are `ok`: one bool for `if` and `assert`."""
        return bool(jnp.all(self.ok))


def ground_state(
    law: Schrodinger,
    psi0: ArrayLike | None = None,
    *,
    dtau: ArrayLike,
    tol: ArrayLike = 1e-14,
    max_steps: ArrayLike = 20_000,
    stepper: Splitting = chin4a,
    below: ArrayLike | None = None,
    symmetry: Exchange | None = None,
) -> StationaryState:
    """The ground state of particles on a grid, or the lowest one above given states.

    ψ ← exp(-H Δτ/ħ) ψ / |..|, by a splitting, until <H> converges: the energy that is
    still to be lost, as a geometric series, is below `tol` ħ/Δτ, or below rounding. The
    step leaves a bias, of twice the order of the splitting; to estimate it, the run
    continues with half the step.

    Works under jit and vmap (over laws and initial guesses); reverse and forward mode
    differentiate the energy alone.

    Args:
        law: `Schrodinger.on_grid` with V constant in time and no absorber.
        psi0: initial guess, of the grid's shape, any norm; None for a broad Gaussian
            off the centre, which symmetry makes orthogonal to no level.
        dtau: Δτ, scalar, unit of time.
        tol: energy that may be left to lose, in units of ħ/Δτ, scalar.
        max_steps: largest number of steps of each of the two runs, an integer.
        stepper: a splitting without negative coefficients: `chin4a` or `strang`.
        below: (k, *shape) orthonormal states to which the result is orthogonal; the
            error estimate does not include their errors.
        symmetry: symmetry of identical particles, from `Particles.identical`: each step
            is projected onto it, and the lowest state that has it is found.

    Returns:
        The stationary state.

    Raises:
        ValueError: another law, a splitting with steps back, a symmetry that H does not
            have, or an argument of wrong shape or value.
    """
    _check_law(law)
    grid = cast(Grid, law.grid)  # as `_check_law` made sure
    if min(stepper.a + stepper.b) < 0:
        raise ValueError(
            "Argument `stepper` must not have negative coefficients in imaginary time, "
            f"but `{stepper.name}` has; use `chin4a` or `strang`."
        )
    _checks.check_positive(dtau, "dtau", ())
    start = _default_start(grid) if psi0 is None else as_array(psi0)
    _checks.check_finite(start, "psi0", grid.shape)
    start = _checks.complex_of(start)
    kept = jnp.zeros((0, *grid.shape)) if below is None else as_array(below)
    _checks.check_shape(kept, "below", (None, *grid.shape))
    _check_orthonormal(kept, grid)
    kept = kept.astype(start.dtype)
    if symmetry is not None:
        symmetry.check(cast(OnGrid, law.hamiltonian))
    precision = start.real.dtype
    law = cast(Schrodinger, in_precision(law, precision))
    dtau = jnp.asarray(dtau, dtype=precision)
    tol, max_steps = jnp.asarray(tol, dtype=precision), jnp.asarray(max_steps)
    allowed = _Allowed(grid, kept, symmetry)
    return _find(law, start, dtau, allowed, tol, max_steps, stepper)


class _Allowed(eqx.Module):
    """The states among which the lowest one is sought.

    Attributes:
        grid: the grid.
        below: states that they are orthogonal to, (k, *shape).
        symmetry: of identical particles, or None.
    """

    grid: Grid
    below: Array
    symmetry: Exchange | None

    def nearest(self, psi: Array) -> Array:
        """ψ without what is not allowed, normalised."""
        if self.symmetry is not None:
            psi = self.symmetry.project(psi)
        if self.below.shape[0] > 0:
            flat = self.below.reshape(self.below.shape[0], -1)
            shares = jnp.conj(flat) @ psi.reshape(-1) * self.grid.cell
            psi = psi - (shares @ flat).reshape(self.grid.shape)
        return self.grid.normalise(psi)


class _Progress(NamedTuple):
    """The run so far: `loss` is what the energy lost over the last stride, `left` what
    it may still lose, `size` |Hψ|, which rounding is relative to."""

    psi: Array
    energy: Array
    size: Array
    loss: Array
    left: Array
    steps: Array


@jax.jit(static_argnames="stepper")
def _find(
    law: Schrodinger,
    start: Array,
    dtau: Array,
    allowed: _Allowed,
    tol: Array,
    max_steps: Array,
    stepper: Splitting,
) -> StationaryState:
    frozen = jax.lax.stop_gradient(law)
    start, dtau, allowed = jax.lax.stop_gradient((start, dtau, allowed))

    def relax(psi: Array, dtau: Array) -> tuple[_Progress, Array]:
        return _relax(frozen, psi, dtau, allowed, tol, max_steps, stepper)

    tol = tol * frozen.hbar / dtau
    run, status = relax(start, dtau)
    check, _ = relax(run.psi, dtau / 2)
    bias = richardson(stepper.order) * jnp.abs(run.energy - check.energy)
    energy, residual = _energy_and_residual(law, run.psi)
    return StationaryState(
        energy,
        run.psi,
        bias + run.left + check.left,
        jax.lax.stop_gradient(residual),
        status,
        run.steps + check.steps,
    )


def _relax(
    law: Schrodinger,
    psi: Array,
    dtau: Array,
    allowed: _Allowed,
    tol: Array,
    max_steps: Array,
    stepper: Splitting,
) -> tuple[_Progress, Array]:
    """Steps in imaginary time until the energy settles, and the status."""
    grid = cast(Grid, law.grid)
    step = _decaying_step(law, dtau, stepper, psi.dtype)

    def once(_: Array, psi: Array) -> Array:
        return allowed.nearest(step(psi))

    def advance(run: _Progress) -> _Progress:
        psi = jax.lax.fori_loop(0, _STRIDE, once, run.psi)
        energy, residual = _energy_and_residual(law, psi)
        loss = jnp.abs(run.energy - energy)
        # the slowest admixture decays by this ratio; once it dominates, the losses
        # form a geometric series
        ratio = safe_divide(loss, run.loss, otherwise=1)
        left = loss / jnp.maximum(1 - ratio, 1e-6) * jnp.minimum(ratio, 1)
        size = jnp.hypot(energy, residual)
        # a first stride that loses nothing began at the end
        unknown = jnp.where(loss <= rounding(size), loss, jnp.inf)
        left = jnp.where(jnp.isfinite(run.loss), left, unknown)
        return _Progress(psi, energy, size, loss, left, run.steps + _STRIDE)

    def rounding(size: Array) -> Array:
        return 4 * jnp.finfo(size.dtype).eps * size

    def settled(run: _Progress) -> Array:
        return (run.left <= tol) | (run.loss <= rounding(run.size))

    def unfinished(run: _Progress) -> Array:
        return ~settled(run) & _is_state(run.psi, grid) & (run.steps < max_steps)

    psi = allowed.nearest(psi)
    energy, _ = _energy_and_residual(law, psi)
    never = jnp.full_like(energy, jnp.inf)
    run = _Progress(psi, energy, energy, never, never, jnp.asarray(0))
    run = jax.lax.while_loop(unfinished, advance, run)
    status = jnp.where(settled(run), Status.OK, Status.STEP_BUDGET)
    return run, jnp.where(_is_state(run.psi, grid), status, Status.NON_FINITE)


def _is_state(psi: Array, grid: Grid) -> Array:
    """Whether there is a state left: not NaN, and not zero after an overflow."""
    return jnp.abs(grid.norm2(psi) - 1) < 0.5


def _decay(flow: PhaseFlow, dt: Array, correction: Array | None = None) -> Array:
    """exp(-(dt w + c w')): a phase flow with dt → -i dt, for which dt³ → i dt³."""
    rate = flow.rate(0.0)
    # only differences count after normalisation, and these cannot overflow
    damping = dt * (rate - jnp.min(rate))
    if correction is not None and flow.correction is not None:
        damping = damping + correction * flow.correction(0.0)
    return jnp.exp(-damping)


def _decaying_step(
    law: Schrodinger, dtau: Array, stepper: Splitting, dtype: Any
) -> Callable[[Array], Array]:
    """ψ → exp(-H Δτ/ħ) ψ by one step of the splitting."""
    flows = stepper.flows(law)
    outer, inner = cast(PhaseFlow, flows.outer), cast(PhaseFlow, flows.inner)
    c = stepper.c
    corrections = [None] * len(stepper.b) if c is None else [w * dtau**3 for w in c]
    # a grid is kept in the default precision: found in it, then rounded
    potential = [
        _decay(outer, b * dtau, correction).astype(dtype)
        for b, correction in zip(stepper.b, corrections, strict=True)
    ]
    kinetic = [_decay(inner, a * dtau).astype(dtype) for a in stepper.a]

    def step(psi: Array) -> Array:
        psi = potential[0] * psi
        for T, V in zip(kinetic, potential[1:], strict=True):
            psi = V * inner.apply(T, psi)
        return psi

    return step


def _energy_and_residual(law: Schrodinger, psi: Array) -> tuple[Array, Array]:
    """<H> and |Hψ - <H>ψ| of a state of unit norm."""
    image = law.hamiltonian.apply(psi, 0.0, law.hbar)
    grid = cast(Grid, law.grid)
    energy = jnp.real(grid.inner(psi, image))
    norm2 = grid.norm2(image - energy * psi)
    return energy, safe_sqrt(norm2)


def _default_start(grid: Grid) -> Complex[Array, "..."]:
    """A Gaussian of an eighth of the box, off its centre along each axis."""

    def gaussian(*coordinates: Array) -> Array:
        exponent = jnp.zeros((1,) * grid.ndim)
        for axis, x in enumerate(coordinates):
            lower, upper = grid.bounds[axis]
            length = upper - lower
            centre = (lower + upper) / 2 + length * (0.03 + 0.01 * axis)
            exponent = exponent + ((x - centre) / (length / 8)) ** 2 / 4
        return jnp.exp(-exponent) + 0j

    return grid.sample(gaussian)


def _check_law(law: Motion) -> None:
    quantum = law.hamiltonian if isinstance(law, Schrodinger) else None
    hamiltonian = particles_alone(quantum)
    if hamiltonian is None and isinstance(quantum, OnGrid):
        wanted, found = "be free of vector potentials and pointers", "is not"
    elif hamiltonian is None:
        wanted, found = "be a particle on a grid", f"is {type(law).__name__}"
    elif _stands_still(hamiltonian.mass):
        wanted, found = "have finite masses", "has an axis of infinite mass"
    elif not hamiltonian.autonomous:
        wanted, found = "have a potential constant in time", "its V takes a time"
    elif hamiltonian.absorber is not None:
        wanted, found = "not have an absorber", "has: its levels are not real"
    else:
        return
    raise ValueError(f"Argument `law` must {wanted}, but {found}.")


def _stands_still(mass: Array) -> bool:
    """Whether nothing moves along an axis: no ground state but a point of the grid."""
    return _checks.is_concrete(mass) and bool(np.any(np.isinf(np.asarray(mass))))


def _check_orthonormal(states: Array, grid: Grid) -> None:
    _checks.check_finite(states, "below")
    if states.shape[0] == 0 or not _checks.is_concrete(states):
        return
    flat = _checks.concrete(states).reshape(states.shape[0], -1)
    gram = flat.conj() @ flat.T * grid.cell
    gap = np.abs(gram - np.eye(len(gram))).max()
    # single precision passes, a forgotten normalisation does not
    if gap > 1e-5:
        raise ValueError(
            "Argument `below` must be orthonormal, but its overlaps differ from those "
            f"by {float(gap):.2g}."
        )

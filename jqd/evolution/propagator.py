"""Exact propagation of linear laws: eigenbasis for matrices, else Chebyshev series."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from .. import _checks
from .._math import abs2
from .._program import saved_scan
from ..constants import static
from ..laws.groups import Generator, Watch
from ..laws.law import Law
from ..laws.motion import Motion
from ..spaces.hamiltonians import MatrixHamiltonian
from ..status import Status
from ..steppers.blocks import block_orbit, find_blocks
from ..steppers.chebyshev import chebyshev_step, chebyshev_terms
from ..steppers.eigenbasis import unitary_orbit
from ..steppers.flows import check_followed
from .judging import mark_inaccurate
from .trajectory import (
    Record,
    Trajectory,
    is_sound,
    mask_unreached,
    record,
    resolved,
    summarise,
)

# The Bessel coefficients of so many terms take 0.5 GiB.
_MOST_TERMS = 10**7


class Propagator(eqx.Module):
    """ψ(t) = exp(-iHt/ħ) ψ(0) to rounding, for a law with a constant generator.

    A matrix is diagonalised once (unless it is diagonal already), with first and second
    derivatives that hold at degenerate levels. A matrix that is known when `evolve` is
    called (not traced by jit, vmap or grad) and falls into blocks, as with a conserved
    number of particles, is diagonalised block by block. For every other Hamiltonian
    that has `apply`, `autonomous` and `spectral_bounds` (a particle on a grid, a photon
    tower) the exponential is a Chebyshev series between save times.

    Attributes:
        terms: number of Chebyshev terms between save times; None to find it from the
            spectrum, which needs concrete constants (outside jit, vmap and grad).
    """

    terms: int | None = static(default=None)

    def __check_init__(self) -> None:
        if self.terms is None:
            return
        whole = _checks.is_whole(self.terms)
        if not whole or not 1 <= self.terms <= _MOST_TERMS:
            raise ValueError(
                f"Argument `terms` must be an integer from 1 to {_MOST_TERMS} or None, "
                f"but is {_checks.shown(self.terms)}."
            )

    def run(
        self, law: Motion, state0: PyTree[Array], ts: Array, observe: Callable[..., Any]
    ) -> Trajectory:
        """The trajectory; see `jqd.evolve`."""
        if law.breaks().impulses is not None:
            raise ValueError(
                "Argument `method` must be Fixed for a law with impulses, but is a "
                "Propagator."
            )
        exact = law.exact()
        if exact.orbit is not None:
            check_followed(law, "exact")
            return _run_orbit(law, state0, ts, observe)
        generator = exact.generator
        hamiltonian = None if generator is None else generator.hamiltonian
        if hamiltonian is not None:
            check_followed(law, "exact")
        if isinstance(hamiltonian, MatrixHamiltonian):
            return _run_matrix(law, state0, ts, observe, _blocks(hamiltonian.matrix))
        if hamiltonian is not None and hamiltonian.autonomous:
            # found once: for some Hamiltonians the bounds cost as much as the series
            precision = jnp.finfo(state0.dtype).dtype
            low, high = _bounds(law)  # of a grid, in that of its points
            bounds = low.astype(precision), high.astype(precision)
            terms = self._terms(law, state0, ts, bounds)
            return _run_series(cast(Law, law), state0, ts, observe, bounds, terms)
        raise ValueError(
            "Argument `method` must not be a Propagator for this law, but is: it has "
            "no constant Hamiltonian; use Fixed or Adaptive."
        )

    def _terms(
        self, law: Motion, state0: Array, ts: Array, bounds: tuple[Array, Array]
    ) -> int:
        if self.terms is not None:
            return self.terms
        low, high = bounds
        span = (high - low) / (2 * _generator(law).hbar)
        if not (_checks.is_concrete(span) and _checks.is_concrete(ts)):
            raise ValueError(
                "Argument `terms` must be given inside jit, vmap or grad, but is None; "
                "evolve once outside and read `diagnostics['num_terms']`."
            )
        longest = np.max(np.diff(np.asarray(ts)), initial=0.0)
        precision = float(jnp.finfo(state0.dtype).eps)
        phase = float(np.asarray(span)) * float(longest)
        # not `>`: a NaN must fail
        if not phase < _MOST_TERMS:
            raise ValueError(
                "Argument `ts` must be close enough for the energies of the law, but "
                f"between two times the phase reaches {phase:.2g}, and a Chebyshev "
                f"series takes as many terms, at most {_MOST_TERMS}; choose other "
                "units or a shorter time."
            )
        return chebyshev_terms(phase, precision)


@jax.jit
def _bounds(law: Motion) -> tuple[Array, Array]:
    """Numbers that enclose the spectrum."""
    hamiltonian, hbar = _generator(law)
    return hamiltonian.spectral_bounds(hbar)


def _generator(law: Motion) -> Generator:
    """That of a law which is known to have one."""
    return cast(Generator, law.exact().generator)


def _blocks(matrix: Array) -> np.ndarray | None:
    """Rows of the blocks of a matrix whose values are known, if it has any."""
    if matrix.ndim == 1 or not _checks.is_concrete(matrix):
        return None
    return find_blocks(np.asarray(matrix))


@jax.jit
def _run_matrix(
    law: Motion, state0: Array, ts: Array, observe: Any, blocks: Array | None
) -> Trajectory:
    hamiltonian, hbar = _generator(law)
    matrix = hamiltonian.matrix
    if blocks is None:
        states = unitary_orbit(matrix, state0, ts - ts[0], hbar)
    else:
        states = block_orbit(matrix, blocks, state0, ts - ts[0], hbar)
    # backward error of a Hermitian eigensolver: a few eps of the norm of H
    eps = jnp.finfo(state0.dtype).eps
    size = jnp.sqrt(jnp.sum(abs2(matrix))) / hbar
    bound = eps * matrix.shape[0] ** 0.5 * (1 + size * (ts - ts[0]))
    if matrix.ndim == 1:
        # phases of finite angles are finite: no need to go through all states again
        angles = matrix[None, :] * ((ts - ts[0]) / hbar)[:, None]
        sound = jnp.all(jnp.isfinite(angles), axis=-1) & is_sound(state0)
    else:
        sound = jax.vmap(is_sound)(states)
    run, alarm = _assemble(law, state0, states, ts, observe, bound, sound), _alarm(law)
    if alarm is not None:
        run = _raise_alarms(run, jax.vmap(alarm)(ts, states, states))
    return mark_inaccurate(run, bound)


def _alarm(law: Motion) -> Callable[..., Array] | None:
    """The alarm of a law, if it is another one than that which never sounds."""
    alarm = law.watch().alarm
    return None if alarm is Watch().alarm else alarm


@jax.jit
def _run_orbit(
    law: Motion, state0: PyTree[Array], ts: Array, observe: Any
) -> Trajectory:
    orbit = cast(Callable[..., tuple[PyTree[Array], Array]], law.exact().orbit)
    states, bound = orbit(state0, ts)
    sound = jax.vmap(is_sound)(states)
    alarms = jax.vmap(law.watch().alarm)(ts, states, states)
    run = _assemble(law, state0, states, ts, observe, bound, sound)
    return mark_inaccurate(_raise_alarms(run, alarms), bound)


@jax.jit(static_argnames="terms")
def _run_series(
    law: Law,
    state0: Array,
    ts: Array,
    observe: Any,
    bounds: tuple[Array, Array],
    terms: int,
) -> Trajectory:
    low, high = bounds
    (hamiltonian, hbar), alarm = _generator(law), law.watch().alarm

    # a series keeps one state a term for reverse mode: only those of one interval
    @partial(jax.checkpoint, prevent_cse=False)
    def interval(psi, inputs):
        t, dt = inputs
        after = chebyshev_step(hamiltonian, psi, dt, hbar, terms, bounds)
        return after, (_look(law, observe, t, after), alarm(t, psi, after))

    first = (_look(law, observe, ts[0], state0), alarm(ts[0], state0, state0))
    _, rows = saved_scan(interval, state0, (ts[1:], jnp.diff(ts)), first)
    (values, records, norms, sound), alarms = rows
    # rounding of one term a time, and what the truncated series leaves of the norm
    phase = (high - low) / (2 * hbar) * (ts - ts[0])
    bound = jnp.finfo(state0.dtype).eps * (1 + phase) + jnp.abs(norms - norms[0])
    extra = {"num_terms": jnp.asarray(terms)}
    source = (law, state0, ts, observe)
    run = _summarise(values, records, ts, bound, sound, extra, source)
    return mark_inaccurate(_raise_alarms(run, alarms), bound)


def _look(law: Law, observe: Any, t: Array, psi: Array) -> tuple[Any, Any, Array, Any]:
    """What is kept of a state: values, records, the norm, and whether it is sound."""
    norm = jnp.sum(law.density(psi)) * law.cell
    return observe(t, psi), record(law, psi, judged=True), norm, is_sound(psi)


def _raise_alarms(run: Trajectory, alarms: Array) -> Trajectory:
    """Mark the run from the first alarm on.

    Unlike a number that is none, what comes after it may still be of use to a search,
    and stays.
    """
    raised = alarms != Status.OK
    first = jnp.argmax(raised)
    status = jnp.where(run.ok & jnp.any(raised), alarms[first], run.status)
    when = jnp.where(
        jnp.any(raised), jnp.minimum(run.ts[first], run.failure_time), run.failure_time
    )
    return eqx.tree_at(lambda r: (r.status, r.failure_time), run, (status, when))


def _assemble(
    law: Motion,
    state0: PyTree[Array],
    states: PyTree[Array],
    ts: Array,
    observe: Any,
    bound: Array,
    sound: Array,
) -> Trajectory:
    values = jax.vmap(observe)(ts, states)
    records = jax.vmap(lambda state: record(law, state, judged=True))(states)
    source = (law, state0, ts, observe)
    return _summarise(values, records, ts, bound, sound, {}, source)


def _summarise(
    values: PyTree[Array],
    records: Record,
    ts: Array,
    bound: Array,
    sound: Array,
    extra: dict,
    source: PyTree,
) -> Trajectory:
    ok = jnp.all(sound)
    when = jnp.where(ok, jnp.inf, ts[jnp.argmin(sound)])
    reached = ts < when
    values = mask_unreached(values, reached, source)
    bound = jax.lax.stop_gradient(bound)

    def spread(leaf: Array) -> Array:
        shape = bound.shape + (1,) * (leaf.ndim - 1)
        scale = jnp.max(jnp.abs(jax.lax.stop_gradient(leaf)), initial=0)
        return jnp.broadcast_to(jnp.reshape(bound, shape) * scale, leaf.shape)

    error = jax.tree.map(spread, values)
    status = jnp.where(ok, Status.OK, Status.NON_FINITE)
    diagnostics = summarise(records, reached) | extra
    resolution = resolved(records, ts, reached)
    return Trajectory(ts, values, error, status, when, diagnostics, resolution)

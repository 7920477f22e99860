"""The sampler of N individuals that copy each other, each with its own phase."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from .... import _checks
from ...._checks import single_key, whole_number
from ...._gate import gated
from ...._math import abs2
from ....evolution.evolution import in_precision
from ....interop import as_array
from ....laws import CopyDynamics
from ...arguments import positive_number, step_budget, trajectory_numbers
from ..loop import Clock, run
from ..populations import check_copies, check_representable, rounded
from ..rates import Process, check_law
from .population import IndividualPopulation, Observe
from .result import Individuals

# Largest turn of the fastest phase in one step, radians.
STEP = {"leap": 0.1, "exact": 0.05}


@gated
def population(
    psi0: ArrayLike, copies: int, key: Array | None = None, spread: ArrayLike = 0.0
) -> tuple[Int[Array, " N"], Float[Array, " N"]]:
    """N individuals that represent a quantum state.

    n_a ≈ N |ψ_a|² individuals have the beable a, by the method of largest remainders,
    and the phase φ_a = -arg ψ_a, or phases normally distributed about it.

    Args:
        psi0: ψ, (M,), normalised.
        copies: N, at least M.
        key: of the random phases; required where `spread` is not 0.
        spread: standard deviation of the phases within a class, radians.

    Returns:
        Beables a_I, (N,) integer, in ascending order, and phases φ_I, (N,), radians.

    Raises:
        ValueError: ψ not normalised, N below M or too small for some class, a negative
            spread, or a spread without a key.
    """
    psi = as_array(psi0)
    _checks.check_state(psi, "psi0", weight=1.0)
    psi = _checks.complex_of(psi)
    number = whole_number(copies, "copies", 1)
    dtype = jnp.finfo(psi.dtype).dtype
    check_copies(number, psi.shape[0], dtype)
    # beables and phases, twice, and the random part of the latter
    _checks.check_memory(number * 32, "copies", f"to hold {number} individuals")
    _checks.check_scalar(spread, "spread")
    known = _checks.is_concrete(spread)
    if known and _checks.concrete(spread) < 0:
        raise ValueError(f"Argument `spread` must not be negative, but is {spread}.")
    if key is None and not (known and _checks.concrete(spread) == 0):
        raise ValueError("Argument `key` must be given where `spread` is not 0.")
    noise = None if key is None else single_key(key)
    beable, phase, occupation = _populate(psi, number, noise, spread)
    check_representable(abs2(psi), occupation, number)
    return beable, phase


@eqx.filter_jit
def _populate(psi: Array, number: int, key: Array | None, spread: ArrayLike):
    density = abs2(psi)
    occupation = rounded(density / jnp.sum(density), number)
    beable = jnp.repeat(
        jnp.arange(psi.shape[0], dtype=jnp.int32),
        occupation.astype(jnp.int32),
        total_repeat_length=number,
    )
    phase = -jnp.angle(jnp.where(psi == 0, 1, psi))[beable]
    if key is not None:
        noise = jax.random.normal(key, phase.shape, phase.dtype)
        phase = phase + jnp.asarray(spread, phase.dtype) * noise
    return beable, phase, occupation


@gated
def individuals(
    law: CopyDynamics,
    beables: ArrayLike,
    phases: ArrayLike,
    ts: ArrayLike,
    key: Array,
    *,
    trajectories: int = 1,
    first: int = 0,
    method: str = "leap",
    step: ArrayLike | None = None,
    copy_phase: bool = True,
    printed: bool = False,
    histories: bool = False,
    observe: Observe | None = None,
    max_steps: int = 10**9,
) -> Individuals:
    """Sample N individuals that copy each other, each with its own phase.

    rate(I copies J) = (1/n_J) (n_J/n_I)^q A(φ_J - φ_I + δ),  A = 2R sin⁺ + harmonics
    dφ_I/dt = ω_a + Σ_{J not in a} (1/n_J) (n_I/n_J)^r C(φ_I - φ_J + δ),  C = R cos + ..

    n_I is the number of individuals in I's class a; there are no copies within a class.
    When I copies J it takes J's beable and phase. Phases that agree within classes
    remain equal, and the ensemble is then that of `sample`. N individuals cost O(N M)
    per step, because phases act through Σ_{J in b} exp(iφ_J) alone.

    With `method="leap"` all copy at once, with weak order 2 in the step; classes of few
    members shorten the step. It suits N up to 1e6. `method="exact"` draws copy by copy,
    at O(N) each, and suits N up to 1e4. Trajectory k has its own random numbers: a run
    of trajectories 0..n-1 equals two runs of them with `first` = 0 and `first` = m.
    Works under jit and vmap.

    Args:
        law: copy dynamics; its `regulator` and `literal` have no effect.
        beables: a_I at ts[0], (N,), whole numbers in [0, M); see `population`.
        phases: φ_I at ts[0], (N,), radians.
        ts: times, (T,), strictly increasing.
        key: of the random numbers, `jax.random.key(...)`.
        trajectories: number of trajectories, S.
        first: number of the first trajectory.
        method: "leap" or "exact".
        step: largest turn of the fastest class in one step, radians; None for 0.1
            (leap) or 0.05 (exact, where only phases are stepped).
        copy_phase: whether a copy takes the phase too; if not, only the beable.
        printed: use eq. (39) with its printed sign, which runs the ensemble backwards.
        histories: keep the beable of every individual at every time.
        observe: what else to keep: a function (t, beable (N,), phase (N,)) that returns
            a PyTree.
        max_steps: largest number of steps of one trajectory.

    Returns:
        Occupations, order parameters, variances of the phases, moves between classes,
        lines of descent, and the individuals at the last time.

    Raises:
        ValueError: wrong shapes, beables that are not classes of the law, fewer
            individuals than classes, negative rates, a subclass of CopyDynamics that
            changes the motion, a drive, more trajectories than memory holds, wrong
            names or numbers.

    Source: Smolin (2012), eqs. (39), (40), the sign of (39) corrected, (18), (26)-(28).
    """
    _checks.check_choice(method, "method", tuple(STEP))
    _checks.check_flags(copy_phase=copy_phase, printed=printed, histories=histories)
    check_law(law)
    if law.drive is not None:
        raise ValueError(
            "Argument `law` must have a Hamiltonian that is constant in time for "
            "copies with phases of their own, but has a drive; `sample` takes it."
        )
    size = law.omega.shape[0]
    beable, phase, dtype = _arrays(beables, phases, size)
    _checks.check_times(ts, "ts")
    if observe is not None and not callable(observe):
        raise ValueError(
            "Argument `observe` must be a function of (t, beable, phase), but is "
            f"{_checks.shown(observe)}."
        )
    step = positive_number(STEP[method] if step is None else step, "step", dtype)
    count = whole_number(trajectories, "trajectories", 1)
    _check_memory(count, beable.shape[0], np.size(ts) if histories else 0)
    ids = trajectory_numbers(whole_number(first, "first", 0), count)
    process = Process(
        in_precision(law, dtype), jnp.asarray(beable.shape[0], dtype),
        jnp.zeros(size, dtype), bool(printed),
    )  # fmt: skip
    population = IndividualPopulation(
        process, beable, phase, observe, method, bool(copy_phase), bool(histories)
    )
    clock = Clock(jnp.asarray(ts, dtype), step_budget(max_steps))
    return _run(population, clock, single_key(key), ids, step)


@eqx.filter_jit
def _run(
    population: IndividualPopulation, clock: Clock, key: Array, ids: Array, step: Array
) -> Individuals:
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, ids)
    steps = jnp.full(ids.shape, step)
    record = run(population, clock, keys, steps, ids.shape, ids.size, patient=True)
    ended = record.lanes
    crowd = ended.state
    return Individuals(
        ts=clock.ts, beable=crowd.beable, phase=jnp.angle(crowd.unit),
        ancestor=crowd.ancestor, status=record.status, extinction_time=ended.extinct,
        steps=ended.steps, proposals=ended.proposals, events=ended.events,
        **record.rows,
    )  # fmt: skip


def _check_memory(count: int, number: int, rows: int) -> None:
    """Raise before memory is taken that the machine does not have."""
    # beable, phase factor and ancestor before and after a step, four random numbers;
    # histories are held as they are written and as they are returned
    each = number * (2 * 24 + 32 + 2 * 4 * rows)
    what = f"to run {count} of them, each of {number} individuals,"
    _checks.check_memory(count * each, "trajectories", what)


def _arrays(beables: ArrayLike, phases: ArrayLike, size: int) -> tuple:
    """Beables and phases as arrays of matching precision, checked."""
    beable = jnp.asarray(beables)
    if beable.ndim != 1 or not jnp.issubdtype(beable.dtype, jnp.integer):
        raise ValueError(
            "Argument `beables` must be a vector of whole numbers, but has shape "
            f"{beable.shape} and dtype {beable.dtype}."
        )
    number = beable.shape[0]
    if number < size:
        raise ValueError(
            f"Argument `beables` must hold at least one individual for each of the "
            f"{size} classes, but holds {number}."
        )
    if _checks.is_concrete(beable):
        values = _checks.concrete(beable)
        if values.min() < 0 or values.max() >= size:
            raise ValueError(
                f"Argument `beables` must be in 0 .. {size - 1}, the classes of the "
                f"law, but holds {values.min()} .. {values.max()}."
            )
    _checks.check_reals(phases, "phases", (number,))
    phase = jnp.asarray(phases)
    if not jnp.issubdtype(phase.dtype, jnp.floating):
        phase = phase.astype(jnp.result_type(float))
    return beable.astype(jnp.int32), phase, phase.dtype

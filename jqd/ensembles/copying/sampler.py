"""The public sampler of N systems that copy each other, by class."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ... import _checks
from ..._checks import single_key, whole_number
from ..._gate import gated
from ..._math import abs2
from ...laws import CopyDynamics
from ..arguments import positive_number, step_budget, trajectory_numbers
from .ceilings import ceilings, within
from .class_population import ClassPopulation
from .copies import Copies, step_bias
from .follow import admit
from .loop import Clock, Record, run
from .populations import (
    INITIAL,
    admixed,
    check_copies,
    check_representable,
    most_copies,
    phase_factors,
    rounded,
)
from .rates import Process, check_law

# With fewer systems in a class the leap's binomials no longer stand for single copies.
EXACT_BELOW = 10
# Trajectories side by side: enough to fill vector units, few enough for the cache;
# devices other than CPUs run more at once.
CHUNK, LEAST_CHUNK, WIDE_CHUNK = 512, 32, 2**17
STEP_OF = {"leap": 0.2, "exact": 0.05}


@gated
def sample(
    law: CopyDynamics,
    psi0: ArrayLike,
    ts: ArrayLike,
    key: Array,
    *,
    copies: ArrayLike,
    trajectories: int = 1,
    first: int = 0,
    method: str = "leap",
    initial: str = "rounded",
    spectators: ArrayLike = 0,
    admixture: ArrayLike = 0.0,
    printed: bool = False,
    tagged: bool = False,
    step: ArrayLike | None = None,
    exact_below: ArrayLike = EXACT_BELOW,
    error_trajectories: int | None = None,
    observe: Callable[..., Any] | None = None,
    max_steps: int = 10**9,
) -> Copies:
    """Sample N systems that copy each other's beables and phases.

    rate(I copies J) = (1/n_J) (n_J/n_I)^q A(φ_J - φ_I + δ),  A = 2R sin⁺ + harmonics

    Systems of one class share its phase, which turns with
    dφ_a/dt = ω_a + Σ_b (n_a/n_b)^r C_ab. N is conserved; no system can copy an empty
    class, so it stays empty, with status `EXTINCT`. At q = 1/2, r = -1/2 and N → ∞ this
    is Schrödinger's equation for √(n_a/N) exp(-iφ_a).

    `method="leap"` moves many systems at once, at a cost that does not depend on N, and
    draws the copies of small classes one by one. It is of weak order 2 in the step, for
    tagged systems too; `bias` estimates the effect of the step on averages of both.
    `method="exact"` draws every copy by thinning. Under a drive, H is evaluated at the
    beginning, middle and end of a step, no step crosses a jump of a pulse, and bounds
    come from samples of the pulses at some 2000 times of the run.

    Trajectory k has its own random numbers: a run of trajectories 0..n-1 equals two
    runs of them with `first` = 0 and `first` = m. Works under jit and vmap, over keys,
    `copies` and constants of the law.

    Args:
        law: copy dynamics; its `regulator` and `literal` have no effect.
        psi0: ψ at ts[0], (M,), normalised.
        ts: times, (T,), strictly increasing.
        key: of the random numbers, `jax.random.key(...)`.
        copies: number of systems, N, scalar.
        trajectories: number of trajectories, S.
        first: number of the first trajectory.
        method: "leap" or "exact".
        initial: "rounded", N ρ_a to whole numbers, or "drawn", N draws from ρ.
        spectators: s_a, scalar or (M,): systems of each class that are copied and
            never copy; a remedy for nodes (empty classes). They are not counted in
            `occupation`. An empty class begins with the phase at which no current flows
            into it.
        admixture: ε: begin with (1 - ε) ρ_a + ε/M; another remedy for nodes.
        printed: use eq. (39) with its printed sign.
        tagged: keep how many systems of each class began in each class.
        step: of the leap, in units of the fastest turning, 0.2; of phases between
            single copies in the exact method, 0.05.
        exact_below: number of systems of a class below which its links do not leap.
        error_trajectories: number of trajectories that are run again with half the
            step, for `bias`; by default a quarter, 0 for none.
        observe: what to keep instead of occupations: a function
            (t, occupation (M,), psi (M,)) that returns a PyTree.
        max_steps: largest number of steps of one trajectory.

    Returns:
        The trajectories, with status, extinction times and the bias of the step.

    Raises:
        ValueError: N not whole, below M or too large for the precision, populations
            that N cannot represent, a subclass of CopyDynamics that changes the motion,
            more trajectories than memory holds, times too large for the clock to
            resolve a step, wrong shapes, names or numbers.

    Source: Smolin (2012), eqs. (39), (40), the sign of (39) corrected; sec. 3.4.
    """
    count, number = (
        whole_number(trajectories, "trajectories", 1),
        whole_number(first, "first", 0),
    )
    probes = _probes(error_trajectories, count, method, observe)
    population, ts = population_of(
        law, psi0, ts, copies=copies, method=method, initial=initial,
        spectators=spectators, admixture=admixture, printed=printed, tagged=tagged,
        exact_below=exact_below, observe=observe,
    )  # fmt: skip
    _check_memory(count, probes, population, ts)
    ids = trajectory_numbers(number, count)
    step = positive_number(STEP_OF[method] if step is None else step, "step", ts.dtype)
    _check_clock(population.process, ts, step)
    most = CHUNK if jax.default_backend() == "cpu" else WIDE_CHUNK
    width = min(most, count, max(probes, LEAST_CHUNK) if probes else most)
    clock = Clock(ts, step_budget(max_steps))
    record = _run(population, clock, single_key(key), ids, step, probes, width)
    return _result(population, ts, record, count)


def population_of(
    law: CopyDynamics,
    psi0: ArrayLike,
    ts: ArrayLike,
    *,
    copies: ArrayLike,
    method: str = "leap",
    initial: str = "rounded",
    spectators: ArrayLike = 0,
    admixture: ArrayLike = 0.0,
    printed: bool = False,
    tagged: bool = False,
    exact_below: ArrayLike = EXACT_BELOW,
    observe: Callable[..., Any] | None = None,
) -> tuple[ClassPopulation, Array]:
    """The population that `sample` follows, from checked arguments, and the times.

    Raises:
        ValueError: as for `sample`.
    """
    _checks.check_choice(method, "method", tuple(STEP_OF))
    _checks.check_flags(printed=printed, tagged=tagged)
    _checks.check_choice(initial, "initial", INITIAL)
    check_law(law)
    law, psi, ts = admit(law, psi0, ts)
    dtype = ts.dtype
    check_copies(copies, psi.shape[0], dtype)
    process = _process(law, copies, spectators, printed, ts)
    begun = law.at(within(ts[0], ts[-1] - ts[0], 0))
    unit = phase_factors(psi, begun.hamiltonian() / law.hbar).astype(psi.dtype)
    density = admixed(abs2(psi), _share(admixture, dtype))
    density = density / jnp.sum(density)
    if initial == "rounded":
        begin = process.weights(rounded(density, process.copies))
        check_representable(density, begin, process.copies)
    below = jnp.asarray(exact_below, dtype)
    population = ClassPopulation(
        process, below, density, unit, observe, method, initial, bool(tagged)
    )
    return population, ts


@eqx.filter_jit
def _run(
    population: ClassPopulation,
    clock: Clock,
    key: Array,
    ids: Array,
    step: Array,
    probes: int,
    chunk: int,
) -> Record:
    """The trajectories, and after them `probes` with half the step."""
    # with other random numbers: the bias is a difference of two independent averages
    keys = [
        jax.vmap(jax.random.fold_in, (None, 0))(jax.random.fold_in(key, which), some)
        for which, some in enumerate((ids, ids[:probes]))
    ]
    steps = [jnp.full(ids.shape, step), jnp.full((probes,), step / 2)]
    groups = (ids.shape[0], probes) if probes else ids.shape
    return run(
        population, clock, jnp.concatenate(keys), jnp.concatenate(steps), groups, chunk,
        patient=False,
    )  # fmt: skip


def _result(
    population: ClassPopulation, ts: Array, record: Record, count: int
) -> Copies:
    """The first `count` trajectories, with the bias that the others tell."""
    copies = population.process.copies
    main = jax.tree.map(lambda leaf: leaf[:count], record)
    occupation = psi = tagged = values = bias = None
    if population.observe is not None:
        values = main.rows
    else:
        counts, unit = main.rows
        occupation = jnp.sum(counts, axis=-2)
        psi = jnp.sqrt(occupation / copies) * unit
        tagged = jnp.swapaxes(counts, -1, -2) if population.tagged else None
    if record.status.shape[0] > count:
        # [.., a, b]: shares in class a that began in class b
        shares = jnp.swapaxes(record.rows.counts, -1, -2) / copies
        density = jnp.sum(record.rows.counts, axis=-2) / copies
        labelled = (shares[:count], shares[count:]) if population.tagged else None
        bias = step_bias(density[:count], density[count:], labelled)
    ended = main.lanes
    return Copies(
        ts, copies, occupation, psi, tagged, values, main.status,
        jnp.min(ended.extinct, axis=-1), ended.steps, ended.proposals, ended.events,
        bias,
    )  # fmt: skip


def _probes(wanted: int | None, count: int, method: str, observe: Any) -> int:
    """The number of trajectories to run again; fewer than 2 tell nothing."""
    if observe is not None:
        if wanted:
            raise ValueError(
                "Argument `error_trajectories` must be 0 where `observe` is given, but "
                f"is {wanted}: the bias is one of densities."
            )
        return 0
    probes = (0 if method == "exact" else count // 4) if wanted is None else (
        min(count, whole_number(wanted, "error_trajectories", 0))
    )  # fmt: skip
    return probes if probes > 1 else 0


def _process(
    law: CopyDynamics,
    copies: ArrayLike,
    spectators: ArrayLike,
    printed: bool,
    ts: Array,
) -> Process:
    size, dtype = law.omega.shape[0], ts.dtype
    _checks.check_whole(spectators, "spectators")
    if np.shape(spectators) not in ((), (size,)):
        raise ValueError(
            f"Argument `spectators` must be a number or one per class ({size}), but "
            f"has shape {np.shape(spectators)}."
        )
    if _checks.is_concrete(spectators):
        most = most_copies(dtype)
        if np.any(_checks.concrete(spectators) > most):
            raise ValueError(
                f"Argument `spectators` must be at most {most} to be counted in "
                f"{np.dtype(dtype).name}, but is {spectators}."
            )
    each = jnp.broadcast_to(jnp.asarray(spectators, dtype), (size,))
    bounds = None if law.drive is None else ceilings(law, ts)
    return Process(law, jnp.asarray(copies, dtype), each, bool(printed), bounds)


def _share(value: ArrayLike, dtype: Any) -> Array:
    _checks.check_shape(value, "admixture", ())
    _checks.check_real(value, "admixture")
    if _checks.is_concrete(value) and not 0 <= _checks.concrete(value) <= 1:
        raise ValueError(f"Argument `admixture` must be in [0, 1], but is {value}.")
    return jnp.asarray(value, dtype)


def _check_memory(count: int, probes: int, of: ClassPopulation, ts: Array) -> None:
    """Raise before memory is taken that the machine does not have."""
    psi = jnp.sqrt(of.density) * of.unit
    size, item = psi.shape[0], psi.real.dtype.itemsize
    row = item * size * ((size if of.tagged else 1) + 2)  # counts, phase factors
    if of.observe is not None:
        kept = jax.eval_shape(of.observe, ts[0], of.density, psi)
        row = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(kept))
    # rows are held once as they are written and once as they are returned; keys,
    # clocks and codes beside them
    each = 2 * row * ts.shape[0] + 64
    what = f"to keep {count} of them at {ts.shape[0]} times"
    _checks.check_memory((count + probes) * each, "trajectories", what)


def _check_clock(process: Process, ts: Array, step: Array) -> None:
    """Raise where t + dt would be t."""
    R = process.law.R if process.ceilings is None else process.ceilings.R
    if not _checks.is_concrete((R, ts, step)):
        return
    latest = np.abs(_checks.concrete(ts)).max()
    fastest = _checks.concrete(R).max(initial=0)
    # classes turn each other at least at the rate R
    if np.spacing(latest) * fastest > _checks.concrete(step):
        raise ValueError(
            "Argument `ts` must have times at which steps show, but near "
            f"{latest:.3g} numbers are {np.spacing(latest):.2g} apart and a step is "
            f"{_checks.concrete(step) / fastest:.2g} at most."
        )

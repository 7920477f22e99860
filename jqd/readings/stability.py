"""Is alignment attracting, neutral or unstable? Floquet, spectra, Lyapunov, basins."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, ArrayLike, Complex, Float, PyTree

from .. import _checks
from .._math import matmul
from .._program import saved_scan
from ..evolution.drives import edges
from ..evolution.judging import difference, judged
from ..laws.alignment import NORMS, PhaseAlignment, PhaseState
from ..laws.motion import Motion
from ..steppers import rk4

STEPS = 1000
# The error of `rk4` falls as this power of the step.
ORDER = 4


class _Linear:
    """The vector field A(t) X, for the Runge-Kutta step."""

    def __init__(self, generator: Callable[[Any], Array]):
        self.generator = generator

    def vector_field(self, t: Any, X: Array) -> Array:
        return matmul(self.generator(t), X)


def _jumps(function: Callable[[Array], Array], period: Array) -> Float[Array, " B"]:
    """Times within a period right before and after a function of time jumps."""
    ends = jnp.stack([jnp.zeros_like(period), period])
    # wrapped: what a partial function holds would become leaves, and need be no array
    return edges([jax.tree_util.Partial(lambda t: function(t))], ends)


def _propagated(
    generator: Callable[[Array], Array],
    period: Array,
    steps: int,
    jumps: Float[Array, " B"],
) -> Float[Array, "d d"]:
    """X(T) by so many equal steps, cut at the jumps."""
    system = _Linear(generator)
    even = period * (jnp.arange(steps + 1, dtype=period.dtype) / steps)
    # those that are not needed are at the end, and move with it in a derivative
    jumps = jnp.where(jumps < period, jumps, period)
    times = jnp.sort(jnp.concatenate([even, jumps]))
    start = jnp.eye(generator(times[0]).shape[-1], dtype=times.dtype)

    def advance(X: Array, ends: tuple[Array, Array]) -> tuple[Array, None]:
        t0, t1 = ends
        return rk4(system, t0, X, t1 - t0), None

    return jax.lax.scan(advance, start, (times[:-1], times[1:]))[0]


class Floquet(NamedTuple):
    """One period of an oscillator with periodic constants.

    Attributes:
        trace: trace of its monodromy; it grows where |trace| > 1 + determinant.
        determinant: determinant of its monodromy, exp(-γT).
        growth: mean rate of growth, ln(largest |eigenvalue|)/T, 1/time.
        trace_error: integration error of the trace; the determinant is exact.
        growth_error: error of the growth rate that follows from it.
    """

    trace: Array
    determinant: Array
    growth: Array
    trace_error: Array
    growth_error: Array


def hill_generator(
    density: ArrayLike, kappa: ArrayLike, damping: ArrayLike = 0.0, norm: str = "paper"
) -> Float[Array, "2 2"]:
    """Oscillator of one pair of phase differences in a class of share ρ.

    ẏ = ρ p,  ṗ = -κ y - γ p,  y = √ρ δφ, p = δπ/√ρ;  κ/ρ in place of κ per class

    Args:
        density: ρ_a at one time, scalar.
        kappa: κ = 2f²N, or 2f² with the norm per class, 1/time².
        damping: γ, 1/time.
        norm: "paper" or "class".

    Returns:
        The matrix of (y, p), (2, 2).

    Source: Smolin (2012), eqs. 40, 46, linear in the differences.
    """
    _checks.check_choice(norm, "norm", NORMS)
    density, kappa, damping = map(jnp.asarray, (density, kappa, damping))
    stiffness = kappa if norm == "paper" else kappa / density
    top = jnp.stack([jnp.zeros_like(density), density])
    return jnp.stack([top, -jnp.stack([stiffness, damping])]).astype(density.dtype)


def hill(
    density: Callable[[Array], Array],
    period: ArrayLike,
    kappa: ArrayLike,
    *,
    damping: ArrayLike = 0.0,
    norm: str = "paper",
    steps: int = STEPS,
) -> Floquet:
    """Parametric resonance of the spread within a class.

    A class whose share oscillates modulates its own alignment oscillator. At γ = 0 the
    spread stays bounded where |trace| < 2 and grows where |trace| > 2.

    Args:
        density: ρ_a(t), a function of a scalar time, positive, of period T.
        period: T, scalar, time.
        kappa: κ = 2f²N (norm "paper") or 2f² ("class"), scalar, 1/time²; `jax.vmap`
            for many.
        damping: γ, scalar, 1/time.
        norm: "paper" or "class".
        steps: Runge-Kutta steps per period, at least 2; the error is estimated from
            half as many. Steps end where ρ_a jumps as well, up to 16 times a period.

    Returns:
        Trace, determinant, growth rate and their errors, scalars.

    Raises:
        ValueError: another norm, fewer than 2 steps.

    Source: G. W. Hill (1886) Acta Math. 8, 1; W. Magnus and S. Winkler, Hill's
    Equation (1966), for the trace.
    """
    steps = _checks.whole_number(steps, "steps", 2)
    dtype = jnp.result_type(float)
    kappa, damping = jnp.asarray(kappa, dtype), jnp.asarray(damping, dtype)
    period = jnp.asarray(period, dtype)
    return _hill(density, period, kappa, damping, norm, steps)


@eqx.filter_jit
def _hill(
    density: Callable[[Array], Array],
    period: Array,
    kappa: Array,
    damping: Array,
    norm: str,
    steps: int,
) -> Floquet:
    jumps = _jumps(density, period)

    def run(k: float, kappa: Array, damping: Array, period: Array):
        X = _propagated(
            lambda t: hill_generator(density(t), kappa, damping, norm),
            period, int(k * steps), jumps,
        )  # fmt: skip
        return X[0, 0] + X[1, 1], None

    trace, error, _ = judged(run, (kappa, damping, period), ORDER, finer=1 / 2)
    # exact; X[0, 0] X[1, 1] - X[0, 1] X[1, 0] loses digits in strong growth
    determinant = jnp.exp(-damping * period)

    def growth(size: Array) -> Array:
        # eigenvalues t/2 ± √(t²/4 - det), a pair of modulus √det inside the bounds
        grows = size > 2 * jnp.sqrt(determinant)
        root = jnp.sqrt(jnp.where(grows, size**2 / 4 - determinant, 1))
        largest = jnp.where(grows, size / 2 + root, jnp.sqrt(determinant))
        return jnp.log(largest) / period

    size = jnp.abs(trace)
    # the rate rises with |trace|, steeply at the edge of a tongue
    ends = [growth(jax.lax.stop_gradient(size) + sign * error) for sign in (-1, 0, 1)]
    spread = jnp.maximum(ends[1] - ends[0], ends[2] - ends[1])
    # of a trace that is all error nothing is known of growth
    spread = jnp.where(error >= size / 2, jnp.maximum(spread, jnp.abs(ends[1])), spread)
    spread = jax.lax.stop_gradient(spread)
    return Floquet(trace, determinant, growth(size), error, spread)


class Tongues(NamedTuple):
    """Intervals of κ in which the spread within a class grows.

    Attributes:
        edges: lower and upper ends, (tongues, 2), 1/time².
        error: their error from the steps and the bisection, (tongues, 2); NaN where a
            tongue extends beyond the κ examined.
        undecided: those of the κ examined where growth and its absence differ by no
            more than the integration error, counted as without growth, (U,).
    """

    edges: np.ndarray
    error: np.ndarray
    undecided: np.ndarray


def tongues(
    density: Callable[[Array], Array],
    period: ArrayLike,
    kappas: ArrayLike,
    *,
    damping: ArrayLike = 0.0,
    norm: str = "paper",
    steps: int = STEPS,
    rounds: int = 20,
) -> Tongues:
    """Intervals of κ in which the spread within a class grows.

    Args:
        density: ρ_a(t); as for `hill`, like everything not explained here.
        period: T.
        kappas: κ to examine, (K,), increasing; a tongue between two of them is missed,
            and one that extends beyond them ends there.
        damping: γ.
        norm: "paper" or "class".
        steps: Runge-Kutta steps per period.
        rounds: number of bisections of each edge.

    Returns:
        The ends of each, their errors, and the κ that the steps leave undecided.

    Raises:
        ValueError: kappas not increasing, fewer than 2 steps.
    """
    _checks.check_times(kappas, "kappas")

    def margin(kappa: Array) -> tuple[Array, Array]:
        one = hill(density, period, kappa, damping=damping, norm=norm, steps=steps)
        # above 0 an eigenvalue lies outside of the unit circle
        return jnp.abs(one.trace) - 1 - one.determinant, one.trace_error

    at = jax.jit(jax.vmap(margin))
    steepness = jax.jit(jax.vmap(jax.grad(lambda kappa: margin(kappa)[0])))

    grid = np.asarray(kappas, float)
    above, wrong = map(np.asarray, at(grid))
    grows = above > wrong
    edge = np.flatnonzero(grows[1:] != grows[:-1])
    low, high, left = grid[edge], grid[edge + 1], grows[edge]
    for _ in range(rounds if edge.size else 0):
        middle = (low + high) / 2
        same = (np.asarray(at(middle)[0]) > 0) == left
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    ends, error = (low + high) / 2, (high - low) / 2
    if edge.size:
        with np.errstate(divide="ignore"):
            error = error + np.asarray(at(ends)[1]) / np.abs(steepness(ends))

    def closed(values: np.ndarray, first: Any, last: Any) -> np.ndarray:
        parts = [first[grows[:1]], values, last[grows[-1:]]]
        return np.concatenate(parts).reshape(-1, 2)

    nan = np.full(1, np.nan)
    return Tongues(
        closed(ends, grid[:1], grid[-1:]), closed(error, nan, nan),
        grid[~(np.abs(above) > wrong)],
    )  # fmt: skip


def spectrum(law: Motion, state: PyTree[Array]) -> Complex[Array, " d"]:
    """Eigenvalues of the linearised law at a state.

    det(λ - ∂ẏ/∂y) = 0. While the state stands still, disturbances with Re λ > 0 grow.

    For `PhaseAlignment` at aligned phases at rest they are the eigenvalues of
    A = ∂Ω/∂φ and of -Aᵀ, split within the classes by f. Unless all those of A are
    imaginary, some disturbance grows.

    Args:
        law: a law that does not depend on time.
        state: real PyTree of d numbers in total.

    Returns:
        λ, (d,) complex, 1/time, unordered.
    """
    vector, restore = ravel_pytree(state)

    def field(y: Array) -> Array:
        return ravel_pytree(law.vector_field(0.0, restore(y)))[0]

    return jnp.linalg.eigvals(jax.jacfwd(field)(vector))


class Lyapunov(NamedTuple):
    """Lyapunov exponents and how they converged.

    Attributes:
        exponents: mean growth rates of the tangents at the last time, (k,), 1/time,
            in descending order where they have converged.
        history: the same up to each renormalisation, (blocks, k).
        ts: times of `history`, (blocks,), from the initial state.
        error: change of the exponents with steps twice as long, or half as long where
            `substeps` is odd, (k,). Two runs of a chaotic law diverge, so there it
            includes the scatter of a run of this length.
    """

    exponents: Array
    history: Array
    ts: Array
    error: Array


def lyapunov_exponents(
    law: Motion,
    state0: PyTree[Array],
    dt: ArrayLike,
    *,
    blocks: int,
    substeps: int = 10,
    count: int | None = None,
    among: Callable[[Any], Any] | None = None,
) -> Lyapunov:
    """Lyapunov exponents by QR, along the trajectory from a state.

    Tangents are carried through the law's own step and orthonormalised after each
    block; λ_k is the mean of ln R_kk. These are finite-time exponents: check `history`
    for convergence. Lengths of tangents add up numbers of all parts of the state: give
    units in which these compare, as SI does not do for lengths and momenta, or the
    logarithm of the ratio of units takes long to average out.

    Args:
        law: a law that does not depend on time, with `step(t, state, dt)`.
        state0: its initial state, real or complex arrays.
        dt: time step, scalar.
        blocks: number of renormalisations.
        substeps: steps between two of them.
        count: number of exponents, the largest first; None for all.
        among: the part of the state whose own tangents are wanted, e.g.
            `lambda state: state.momentum`. This is right where small changes of the
            other parts do not change the rates of this one: momenta at rest, second
            moments.

    Returns:
        Exponents, their history, its times and the errors of the steps.

    Raises:
        ValueError: blocks, substeps or count that are not positive.

    Source: G. Benettin et al. (1980) Meccanica 15, 9.
    """
    size = _real_vector(state0 if among is None else among(state0))[0].size
    count = size if count is None else count
    if not 1 <= count <= size:
        raise ValueError(
            f"Argument `count` must be at least 1 and at most {size}, but is {count}."
        )
    blocks = _checks.whole_number(blocks, "blocks", 1)
    substeps = _checks.whole_number(substeps, "substeps", 1)

    dtype = _real_vector(state0)[0].dtype
    dt = jnp.asarray(dt, dtype)
    ts = dt * substeps * jnp.arange(1, blocks + 1)

    def run(k: float, state0: Any, dt: Array) -> tuple[Array, Array]:
        logs = _stretches(law, state0, dt / k, blocks, int(k * substeps), count, among)
        history = jnp.cumsum(logs, axis=0) / ts[:, None]
        return history[-1], history

    (exponents, history), error = _other_steps(run, (state0, dt), substeps)
    return Lyapunov(exponents, history, ts, error)


def _other_steps(run: Callable[..., Any], given: tuple[Any, ...], substeps: int):
    """A run, and what twice as long steps, or half as long, change of its first part.

    As it is: of motions that are chaotic no power of the step is known.
    """
    found = run(1, *given)
    other, _ = run(2 if substeps % 2 else 1 / 2, *jax.lax.stop_gradient(given))
    return found, difference(found[0], other, 1)


@eqx.filter_jit
def _stretches(
    law: Motion,
    state0: PyTree[Array],
    dt: Array,
    blocks: int,
    substeps: int,
    count: int,
    among: Callable[[Any], Any] | None,
) -> Float[Array, "blocks k"]:
    """ln R_kk of each block."""

    def one_step(carry: tuple[Any, Array], _: None):
        state, frame = carry
        here, restore = _real_vector(state if among is None else among(state))

        def move(part: Array) -> tuple[Array, Any]:
            whole = restore(part)
            start = whole if among is None else eqx.tree_at(among, state, whole)
            after = law.step(0.0, start, dt)
            return _real_vector(after if among is None else among(after))[0], after

        _, push, after = jax.linearize(move, here, has_aux=True)
        return (after, jax.vmap(push, in_axes=1, out_axes=1)(frame)), None

    def one_block(carry: tuple[Any, Array], _: None):
        (state, frame), _ = jax.lax.scan(one_step, carry, None, length=substeps)
        frame, stretch = jnp.linalg.qr(frame)
        return (state, frame), jnp.log(jnp.abs(jnp.diagonal(stretch)))

    size = _real_vector(state0 if among is None else among(state0))[0].size
    frame = jnp.eye(size, count, dtype=dt.dtype)
    return jax.lax.scan(one_block, (state0, frame), None, length=blocks)[1]


def _real_vector(tree: Any) -> tuple[Array, Callable[[Array], Any]]:
    """A PyTree as one real vector (complex leaves as two), and the way back."""
    vector, restore = ravel_pytree(
        jax.tree.map(lambda z: (z.real, z.imag) if jnp.iscomplexobj(z) else z, tree)
    )

    def back(vector: Array) -> Any:
        parts = restore(vector)
        return jax.tree.map(
            lambda z, part: jax.lax.complex(*part) if jnp.iscomplexobj(z) else part,
            tree,
            parts,
        )

    return vector, back


class Alignment(NamedTuple):
    """Alignment of the phases over time, for each of S initial states.

    Attributes:
        order: |Z_a| = |<e^{iφ}>_a|, shape (S, T, M); 1 where a class is aligned.
        nematic: |<e^{2iφ}>_a|, shape (S, T, M); 1 where it is aligned modulo π.
        speed: root mean square of the momenta, shape (S, T), 1/time.
        phase: final φ_I, shape (S, N), radians.
        ts: times, shape (T,), from 0.
        errors: those of "order", "nematic", "speed" and "phase", in their shapes: the
            change with steps twice as long, or half as long where the number of steps
            between two times is odd. In chaotic motion they are as large as the values.
    """

    order: Array
    nematic: Array
    speed: Array
    phase: Array
    ts: Array
    errors: dict[str, Array]

    def share_aligned(self, threshold: ArrayLike = 0.99) -> Array:
        """The share of initial states whose classes all end aligned, scalar."""
        return jnp.mean(self._aligned(threshold, 0))

    def share_undecided(self, threshold: ArrayLike = 0.99) -> Array:
        """The share of initial states for which errors leave alignment open, scalar."""
        sure, perhaps = self._aligned(threshold, -1), self._aligned(threshold, 1)
        return jnp.mean(perhaps & ~sure)

    def _aligned(self, threshold: ArrayLike, errors: int) -> Array:
        end = self.order[:, -1] + errors * self.errors["order"][:, -1]
        return jnp.all(end > threshold, axis=-1)


def align_from_random(
    law: PhaseAlignment,
    key: Array,
    *,
    starts: int,
    time: ArrayLike,
    steps: int,
    saves: int = 1,
) -> Alignment:
    """The basin of alignment, from many runs with random phases at rest.

    Phases are uniform on the circle. Under sin² each member of a class has a sign, and
    all 2^n patterns of signs are minima.

    Args:
        law: the alignment model; without damping nothing settles.
        key: random key of the phases, `jax.random.key(...)`.
        starts: S, number of initial states.
        time: duration, scalar.
        steps: total number of Runge-Kutta steps, a multiple of `saves`.
        saves: number of save times after t = 0.

    Returns:
        Order parameters at T = saves + 1 times, and their errors.

    Raises:
        ValueError: numbers that are not positive, or `steps` not a multiple of `saves`.
    """
    starts = _checks.whole_number(starts, "starts", 1)
    saves = _checks.whole_number(saves, "saves", 1)
    steps = _checks.whole_number(steps, "steps", 1)
    if steps % saves:
        raise ValueError(
            f"Argument `steps` must be a multiple of `saves`, {saves}, but is {steps}."
        )
    shape, key = (starts, len(law.beable)), _checks.single_key(key)
    phases = jax.random.uniform(key, shape, law.f.dtype, -jnp.pi, jnp.pi)
    dt, substeps = jnp.asarray(time, law.f.dtype) / steps, steps // saves

    def run(k: float, law: PhaseAlignment, phases: Array, dt: Array):
        return _aligning(law, phases, dt / k, int(k * substeps), saves), None

    (seen, _), errors = _other_steps(run, (law, phases, dt), substeps)
    ts = dt * substeps * jnp.arange(saves + 1, dtype=dt.dtype)
    return Alignment(**seen, ts=ts, errors=errors)


@jax.jit(static_argnums=(3, 4))
def _aligning(
    law: PhaseAlignment, phases: Array, dt: Array, substeps: int, saves: int
) -> dict[str, Array]:
    def look(state: PhaseState) -> dict[str, Array]:
        return {
            "order": jnp.abs(law.order(state)),
            "nematic": jnp.abs(law.order(state, 2)),
            "speed": jnp.sqrt(jnp.mean(state.momentum**2)),
        }

    def advance(state: PhaseState, _: Array) -> tuple[PhaseState, dict[str, Array]]:
        end = jax.lax.fori_loop(0, substeps, lambda _, y: law.step(0.0, y, dt), state)
        return end, look(end)

    def each(phase: Array) -> dict[str, Array]:
        start = law.start(phase)
        end, seen = saved_scan(advance, start, jnp.arange(saves), look(start))
        return {**seen, "phase": end.phase}

    return jax.vmap(each)(phases)

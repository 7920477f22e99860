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
from ..laws.alignment import NORMS, PhaseAlignment, PhaseState
from ..laws.motion import Motion
from ..steppers import rk4

STEPS = 1000


class _Linear:
    """The vector field A(t) X, for the Runge-Kutta step."""

    def __init__(self, generator: Callable[[Any], Array]):
        self.generator = generator

    def vector_field(self, t: Any, X: Array) -> Array:
        return jnp.matmul(self.generator(t), X, precision=jax.lax.Precision.HIGHEST)


def monodromy(
    generator: Callable[[Array], Array], period: ArrayLike, *, steps: int = STEPS
) -> Float[Array, "d d"]:
    """The map of a linear system over one period.

    X(T) of Ẋ = A(t) X, X(0) = 1, by Runge-Kutta steps

    Args:
        generator: A(t), a function of a scalar time, (d, d), 1/time.
        period: T, scalar, time.
        steps: how many; the error falls as their fourth power.

    Returns:
        X(T), (d, d).
    """
    system = _Linear(generator)
    period = jnp.asarray(period)
    dt = period / steps
    start = jnp.eye(generator(jnp.zeros_like(dt)).shape[-1], dtype=dt.dtype)

    def advance(X: Array, i: Array) -> tuple[Array, None]:
        return rk4(system, i * dt, X, dt), None

    return jax.lax.scan(advance, start, jnp.arange(steps))[0]


class Floquet(NamedTuple):
    """One period of an oscillator whose constants go round periodically.

    Attributes:
        trace: of its monodromy; |trace| > 1 + determinant: it grows.
        determinant: of its monodromy, exp(-γT).
        growth: mean rate of growth, ln(largest |eigenvalue|)/T, 1/time.
    """

    trace: Array
    determinant: Array
    growth: Array


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

    A class that fills and empties modulates its own alignment oscillator; at γ = 0 the
    spread stays bounded where |trace| < 2 and grows where |trace| > 2.

    Args:
        density: ρ_a(t), a function of a scalar time, positive, of period T.
        period: T, scalar, time.
        kappa: κ = 2f²N (norm "paper") or 2f² ("class"), scalar, 1/time²; `jax.vmap`
            for many.
        damping: γ, scalar, 1/time.
        norm: "paper" or "class".
        steps: Runge-Kutta steps a period.

    Returns:
        Trace, determinant and growth rate, scalars.

    Source: G. W. Hill (1886) Acta Math. 8, 1; W. Magnus and S. Winkler, Hill's
    Equation (1966), for the trace.
    """
    dtype = jnp.result_type(float)
    kappa, damping = jnp.asarray(kappa, dtype), jnp.asarray(damping, dtype)
    period = jnp.asarray(period, dtype)
    X = monodromy(
        lambda t: hill_generator(density(t), kappa, damping, norm), period, steps=steps
    )
    trace = X[0, 0] + X[1, 1]
    # exact; X[0, 0] X[1, 1] - X[0, 1] X[1, 0] loses digits in strong growth
    determinant = jnp.exp(-damping * period)
    # eigenvalues t/2 ± √(t²/4 - det), a pair of modulus √det inside the bounds
    grows = jnp.abs(trace) > 2 * jnp.sqrt(determinant)
    root = jnp.sqrt(jnp.where(grows, trace**2 / 4 - determinant, 1))
    largest = jnp.where(grows, jnp.abs(trace) / 2 + root, jnp.sqrt(determinant))
    return Floquet(trace, determinant, jnp.log(largest) / period)


def tongues(
    density: Callable[[Array], Array],
    period: ArrayLike,
    kappas: ArrayLike,
    *,
    damping: ArrayLike = 0.0,
    norm: str = "paper",
    steps: int = STEPS,
    rounds: int = 20,
) -> np.ndarray:
    """Intervals of κ in which the spread within a class grows.

    Args:
        kappas: κ at which to look, (K,), increasing; a tongue that lies between two of
            them is missed, one that runs out of them ends there.
        rounds: bisections of each edge; all others as for `hill`.

    Returns:
        Lower and upper ends, (tongues, 2) NumPy array, 1/time².

    Raises:
        ValueError: kappas not increasing.
    """
    _checks.check_times(kappas, "kappas")

    @jax.jit
    def unstable(kappa: Array) -> Array:
        one = jax.vmap(
            lambda k: hill(density, period, k, damping=damping, norm=norm, steps=steps)
        )(kappa)
        return jnp.abs(one.trace) > 1 + one.determinant

    grid = np.asarray(kappas)
    grows = np.asarray(unstable(jnp.asarray(grid)))
    edge = np.flatnonzero(grows[1:] != grows[:-1])
    low, high, left = grid[edge], grid[edge + 1], grows[edge]
    for _ in range(rounds if edge.size else 0):
        middle = (low + high) / 2
        same = np.asarray(unstable(jnp.asarray(middle))) == left
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    ends = (low + high) / 2
    ends = np.concatenate([grid[:1][grows[:1]], ends, grid[-1:][grows[-1:]]])
    return ends.reshape(-1, 2)


def spectrum(law: Motion, state: PyTree[Array]) -> Complex[Array, " d"]:
    """Eigenvalues of the linearised law at a state.

    det(λ - ∂ẏ/∂y) = 0; Re λ > 0: a disturbance grows, while the state stands still

    For `PhaseAlignment` at aligned phases at rest they are the eigenvalues of
    A = ∂Ω/∂φ and of -Aᵀ, split within the classes by f: unless all of A's are
    imaginary, one of them grows.

    Args:
        law: a law that does not depend on time.
        state: real PyTree of d numbers in all.

    Returns:
        λ, (d,) complex, 1/time, in no order.
    """
    vector, restore = ravel_pytree(state)

    def field(y: Array) -> Array:
        return ravel_pytree(law.vector_field(0.0, restore(y)))[0]

    return jnp.linalg.eigvals(jax.jacfwd(field)(vector))


def _at_least_one(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"Argument `{name}` must be at least 1, but is {number}.")


class Lyapunov(NamedTuple):
    """Lyapunov exponents and how they settled.

    Attributes:
        exponents: mean growth rates of the tangents at the last time, (k,), 1/time,
            falling but for what has not settled.
        history: the same up to each renormalisation, (blocks, k).
        ts: times of `history`, (blocks,), from the start.
    """

    exponents: Array
    history: Array
    ts: Array


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

    Tangents are carried through the law's own step and made orthonormal anew after
    each block; λ_k is the mean of ln R_kk. They are those of a finite time: look at
    `history`.

    Args:
        law: a law that does not depend on time, with `step(t, state, dt)`.
        state0: its state at the start, real or complex arrays.
        dt: step, scalar, time.
        blocks: renormalisations.
        substeps: steps between two of them.
        count: how many exponents, the largest first; None for all.
        among: the part of the state whose own tangents are asked for, e.g.
            `lambda state: state.momentum`. Right where the other parts, moved a
            little, do not move the rates of this one: momenta at rest, second moments.

    Returns:
        Exponents, their history and its times.

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
    _at_least_one(blocks=blocks, substeps=substeps)

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

    dtype = _real_vector(state0)[0].dtype
    frame = jnp.eye(size, count, dtype=dtype)
    _, logs = jax.lax.scan(one_block, (state0, frame), None, length=blocks)
    ts = jnp.asarray(dt, dtype) * substeps * jnp.arange(1, blocks + 1)
    history = jnp.cumsum(logs, axis=0) / ts[:, None]
    return Lyapunov(history[-1], history, ts)


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
    """How far phases have come, for each of S starts.

    Attributes:
        order: |Z_a| = |<e^{iφ}>_a|, shape (S, T, M); 1 where a class is aligned.
        nematic: |<e^{2iφ}>_a|, shape (S, T, M); 1 where it is aligned modulo π.
        speed: root mean square of the momenta, shape (S, T), 1/time.
        phase: φ_I in the end, shape (S, N), radians.
        ts: times, shape (T,), from 0.
    """

    order: Array
    nematic: Array
    speed: Array
    phase: Array
    ts: Array

    def share_aligned(self, threshold: ArrayLike = 0.99) -> Array:
        """The share of starts whose classes are all aligned in the end, scalar."""
        return jnp.mean(jnp.all(self.order[:, -1] > threshold, axis=-1))


def align_from_random(
    law: PhaseAlignment,
    key: Array,
    *,
    starts: int,
    time: ArrayLike,
    steps: int,
    saves: int = 1,
) -> Alignment:
    """Let random phases at rest run, many times: the basin of alignment.

    Phases are uniform on the circle. A class has a sign for each member under sin²,
    and all 2^n patterns of signs are least.

    Args:
        law: the alignment model; with damping, or nothing settles.
        key: of the phases, `jax.random.key(...)`.
        starts: S.
        time: how long, scalar.
        steps: Runge-Kutta steps in all, a multiple of `saves`.
        saves: times to look at after the start.

    Returns:
        Order parameters at T = saves + 1 times.

    Raises:
        ValueError: numbers that are not positive or do not divide.
    """
    _at_least_one(starts=starts, saves=saves, steps=steps)
    if steps % saves:
        raise ValueError(
            f"Argument `steps` must be a multiple of `saves`, {saves}, but is {steps}."
        )
    shape, key = (starts, len(law.beable)), _checks.single_key(key)
    phases = jax.random.uniform(key, shape, law.f.dtype, -jnp.pi, jnp.pi)
    dt = jnp.asarray(time, law.f.dtype) / steps
    return _run(law, phases, dt, steps // saves, saves)


@jax.jit(static_argnums=(3, 4))
def _run(
    law: PhaseAlignment, phases: Array, dt: Array, substeps: int, saves: int
) -> Alignment:
    def look(state: PhaseState) -> tuple[Array, Array, Array]:
        speed = jnp.sqrt(jnp.mean(state.momentum**2))
        return jnp.abs(law.order(state)), jnp.abs(law.order(state, 2)), speed

    def advance(state: PhaseState, _: None) -> tuple[PhaseState, Any]:
        end = jax.lax.fori_loop(0, substeps, lambda _, y: law.step(0.0, y, dt), state)
        return end, look(end)

    def each(phase: Array) -> tuple[Array, ...]:
        start = law.start(phase)
        end, seen = jax.lax.scan(advance, start, None, length=saves)
        seen = jax.tree.map(
            lambda a, b: jnp.concatenate([jnp.asarray(a)[None], b]), look(start), seen
        )
        return *seen, end.phase

    order, nematic, speed, phase = jax.vmap(each)(phases)
    ts = dt * substeps * jnp.arange(saves + 1, dtype=dt.dtype)
    return Alignment(order, nematic, speed, phase, ts)

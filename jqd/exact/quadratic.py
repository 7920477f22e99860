"""Nelson's and Bohm's paths of Gaussian waves, by closed equations for moments."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from .._gate import gated

# Tolerance of each step, far below what a test of four or six digits could resolve.
_TOLERANCE = 1e-12
# Smallest number of steps for a Hamiltonian that depends on time.
_STEPS = 200


class GaussianMoments(NamedTuple):
    """Moments of a Gaussian wave, and of the paths that it guides.

    Attributes:
        ts: times, (T,); the row at the time of an impulse is the one after the impulse.
        covariance: C of (q_1, .., q_d, p_1, .., p_d), symmetrised, (T, 2d, 2d).
        correlation: K = E[Z(t) Z(t_0)^T] of paths in equilibrium, with Z(t_0) before
            the impulses at t_0, (T, d, d).
        spread: P = E[Z Z^T] of paths from `start`, (T, d, d); C_zz in equilibrium.
    """

    ts: Float[Array, " T"]
    covariance: Float[Array, "T n n"]
    correlation: Float[Array, "T d d"]
    spread: Float[Array, "T d d"]


def quadratic_hamiltonian(
    mass: ArrayLike,
    stiffness: ArrayLike,
    couplings: Mapping[int, ArrayLike] | None = None,
) -> Float[Array, "n n"]:
    """The matrix of a quadratic Hamiltonian, H = ½ (q, p) M (q, p)^T.

    H = Σ p_i²/2m_i + ½ q·k q + Σ_y (a_y·q) p_y

    Args:
        mass: m, (d,); infinite for no kinetic energy.
        stiffness: k, (d, d), symmetric, energy over length².
        couplings: a_y, (d,), 1 over time, by the axis y of the pointer that a_y moves.

    Returns:
        M, (2d, 2d).

    Raises:
        ValueError: masses that are not positive, k of another shape or not symmetric,
            or a coupling that depends on its own pointer.
    """
    _checks.check_numbers(mass, "mass")
    mass = _checks.widen(mass)
    _checks.check_shape(mass, "mass", (None,))
    d = mass.shape[0]
    if _checks.is_concrete(mass) and not np.all(np.asarray(mass) > 0):
        raise ValueError(f"Argument `mass` must be positive, but is {mass}.")
    _checks.check_finite(stiffness, "stiffness", (d, d))
    k = _checks.widen(stiffness)
    _check_symmetric(k, "stiffness")
    if couplings is not None:
        _checks.check_type(couplings, "couplings", Mapping, "a dict by axes")
    mixed = jnp.zeros((d, d), k.dtype)
    for y, a in (couplings or {}).items():
        mixed = mixed.at[:, y].add(_row(a, y, d, "couplings"))
    kinetic = jnp.diag(1 / mass)
    return jnp.block([[k, mixed], [mixed.T, kinetic]])


def impulse_map(d: int, axis: int, a: ArrayLike, area: ArrayLike = 1.0) -> Array:
    """The matrix with which an impulse G (a·q) p_y of no duration acts on (q, p).

    q_y -> q_y + G a·q,  p -> p - G a p_y

    Args:
        d: number of axes.
        axis: y.
        a: (d,), 0 at y.
        area: G, scalar.

    Returns:
        S, (2d, 2d), symplectic.

    Raises:
        ValueError: no such axis, or `a` of another shape or not 0 at y.
    """
    d = _checks.whole_number(d, "d", 1)
    axis = _checks.whole_number(axis, "axis", 0, d - 1)
    _checks.check_scalar(area, "area")
    push = area * _row(a, axis, d, "a")
    moved = jnp.eye(d).at[axis].add(push)
    slowed = jnp.eye(d).at[:, axis].add(-push)
    none = jnp.zeros((d, d))
    return jnp.block([[moved, none], [none, slowed]])


@gated
def gaussian_paths(
    covariance: ArrayLike,
    ts: ArrayLike,
    hamiltonian: ArrayLike | Callable[[Array], Array],
    *,
    nu: ArrayLike,
    start: ArrayLike | None = None,
    impulses: Sequence[tuple[float, ArrayLike]] = (),
    jumps: Sequence[float] = (),
) -> GaussianMoments:
    """Second moments of a Gaussian wave and of its paths, for any noise on each axis.

    dC/dt = FC + CF^T,  F = JM;  dK/dt = BK,  dP/dt = BP + PB^T + 2N,
    B = [(FC)_zz - N] C_zz^{-1},  N = diag(ν)

    B z is the forward drift v + ν∇ln ρ of the process dZ = Bz dt + √(2N) dW. The
    equations are exact for Gaussian ψ and quadratic H, including couplings to pointers
    and impulses. Means are taken as 0; other means follow classical mechanics and are
    to be added. C is the same for every ν, and with it the readings of pointers; K is
    not.

    Args:
        covariance: C at ts[0], (2d, 2d), of a pure state.
        ts: times, (T,), strictly increasing.
        hamiltonian: M of H = ½ (q, p) M (q, p)^T, as `quadratic_hamiltonian` makes it,
            or a function of the time; no time step is then longer than 1/200 of the run
            between two impulses.
        nu: ν, (d,) or scalar, not negative, length² over time.
        start: P at ts[0], (d, d), for paths out of equilibrium; None for C_zz.
        impulses: (time, S), with S from `impulse_map`, from ts[0] on; those at the same
            time act in the given order.
        jumps: times at which `hamiltonian` jumps.

    Returns:
        The moments at ts.

    Raises:
        ValueError: shapes that do not fit, C or P not symmetric or not positive, ν
            negative, an impulse before ts[0] or after the last time, or 64-bit floats
            are off.

    Source: E. Nelson (1966) Phys. Rev. 150, 1079 for the process.
    """
    _checks.require_x64("`exact.gaussian_paths`")
    _checks.check_times(ts, "ts")
    times = np.asarray(ts, float)
    C = _read_covariance(covariance, "covariance")
    d = C.shape[0] // 2
    nu = _read_noise(nu, d)
    P = C[:d, :d] if start is None else _read_covariance(start, "start", d)
    M = _read_hamiltonian(hamiltonian, 2 * d)
    blows = _read_impulses(impulses, times, 2 * d)
    jumps = tuple(sorted(float(t) for t in jumps))
    state, rows = (C, C[:d, :d], P), []
    ends = [times[0], *(t for t, _ in blows), times[-1]]
    for (t0, t1), (_, S) in zip(
        itertools.pairwise(ends), [*blows, (None, None)], strict=True
    ):
        # times of the piece without its end where an impulse acts there; with it if it
        # is last
        inside = times[(times >= t0) & ((times < t1) if S is not None else True)]
        if t1 > t0:
            crossed = np.asarray([t for t in jumps if t0 < t < t1])
            kept, state = _solve(M, nu, state, t0, t1, inside, crossed)
            rows.append(kept)
        elif S is None:
            rows.append(jax.tree.map(lambda a, n=inside.size: a[None][:n], state))
        if S is not None:
            state = _struck(S, state)
    C, K, P = (jnp.concatenate(part) for part in zip(*rows, strict=True))
    return GaussianMoments(jnp.asarray(times), C, K, P)


@jax.jit
def _solve(M, nu, state, t0, t1, inside, jumps):
    """(C, K, P) at the times inside, and at t1."""
    import diffrax

    d = nu.shape[0]
    J = np.block([[np.zeros((d, d)), np.eye(d)], [-np.eye(d), np.zeros((d, d))]])
    N = jnp.diag(nu)
    # in units of the first widths, so that one tolerance serves all
    width = jnp.sqrt(jnp.diagonal(state[0]))
    whole, own = jnp.outer(width, width), jnp.outer(width[:d], width[:d])
    units = (whole, own, own)

    def rate(t, scaled, args):
        del args
        C, K, P = jax.tree.map(jnp.multiply, scaled, units)
        F = J @ M(t)
        flow = F @ C
        B = jnp.linalg.solve(C[:d, :d], (flow[:d, :d] - N).T).T
        spreading = B @ P
        rates = flow + flow.T, B @ K, spreading + spreading.T + 2 * N
        return jax.tree.map(jnp.divide, rates, units)

    # with 13 evaluations a step, no step may pass over a pulse of a function of time
    longest = None if M.func is _constant else (t1 - t0) / _STEPS
    controller = diffrax.PIDController(rtol=_TOLERANCE, atol=_TOLERANCE, dtmax=longest)
    if jumps.size:
        controller = diffrax.ClipStepSizeController(controller, jump_ts=jumps)
    found = diffrax.diffeqsolve(
        diffrax.ODETerm(rate), diffrax.Dopri8(), t0, t1, None,
        jax.tree.map(jnp.divide, state, units),
        stepsize_controller=controller, max_steps=16**4,
        saveat=diffrax.SaveAt(ts=jnp.append(inside, t1)),
    )  # fmt: skip
    rows = jax.tree.map(lambda a, unit: a * unit[None], found.ys, units)
    return jax.tree.map(lambda a: a[:-1], rows), jax.tree.map(lambda a: a[-1], rows)


def _struck(S, state):
    """(C, K, P) after an impulse."""
    C, K, P = state
    d = K.shape[0]
    L = S[:d, :d]
    return S @ C @ S.T, L @ K, L @ P @ L.T


def _row(a: ArrayLike, axis: int, d: int, name: str) -> Array:
    """A linear coupling, which must not depend on its own pointer."""
    _checks.check_finite(a, name, (d,))
    if _checks.is_concrete(a) and np.asarray(a)[axis] != 0:
        raise ValueError(
            f"Argument `{name}` must not depend on the pointer that it moves, but that "
            f"of axis {axis} does."
        )
    return _checks.widen(a)


def _check_symmetric(matrix: ArrayLike, name: str) -> None:
    if not _checks.is_concrete(matrix):
        return
    values = np.asarray(matrix)
    gap = float(np.max(np.abs(values - values.T)))
    if gap > 1e-12 * float(np.max(np.abs(values))):
        raise ValueError(
            f"Argument `{name}` must be symmetric, but differs from its transpose by "
            f"{gap:.3g}."
        )


def _read_covariance(value: ArrayLike, name: str, size: int | None = None) -> Array:
    _checks.check_reals(value, name, (size, size))
    matrix = _checks.widen(value)
    if size is None and (matrix.shape[0] != matrix.shape[1] or matrix.shape[0] % 2):
        raise ValueError(
            f"Argument `{name}` must have shape (2d, 2d), but its shape is "
            f"{matrix.shape}."
        )
    _check_symmetric(matrix, name)
    if _checks.is_concrete(matrix):
        # of correlations: positions and momenta have units of their own
        values = np.asarray(matrix)
        width = np.sqrt(np.maximum(np.diagonal(values), 0))
        scale = np.where(width > 0, width, 1)
        least = float(np.min(np.linalg.eigvalsh(values / np.outer(scale, scale))))
        if least <= 0:
            raise ValueError(
                f"Argument `{name}` must be positive, but its correlations have the "
                f"eigenvalue {least:.3g}."
            )
    return matrix


def _read_noise(nu: ArrayLike, d: int) -> Array:
    _checks.check_numbers(nu, "nu")
    if np.ndim(nu) > 0:
        _checks.check_shape(nu, "nu", (d,))
    _checks.check_not_negative(nu, "nu")
    return jnp.broadcast_to(_checks.widen(nu), (d,))


def _read_hamiltonian(hamiltonian: Any, n: int) -> Callable[[Any], Array]:
    if callable(hamiltonian):
        _checks.check_function(hamiltonian, "hamiltonian", "the time", 1)
        shape = jax.eval_shape(hamiltonian, 0.0).shape
        if shape != (n, n):
            raise ValueError(
                f"Argument `hamiltonian` must give a matrix of shape {(n, n)}, but its "
                f"shape is {shape}."
            )
        return jax.tree_util.Partial(hamiltonian)
    _checks.check_reals(hamiltonian, "hamiltonian", (n, n))
    _check_symmetric(hamiltonian, "hamiltonian")
    return jax.tree_util.Partial(_constant, _checks.widen(hamiltonian))


def _constant(M: Array, t: Any) -> Array:
    del t
    return M


def _read_impulses(
    impulses: Sequence[tuple[float, ArrayLike]], times: np.ndarray, n: int
) -> list[tuple[float, Array]]:
    found = []
    for t, S in impulses:
        _checks.check_scalar(t, "impulses")
        _checks.check_finite(S, "impulses", (n, n))
        if not times[0] <= float(t) <= times[-1]:
            raise ValueError(
                f"Argument `impulses` must act between {times[0]} and {times[-1]}, but "
                f"one does at {float(t)}."
            )
        found.append((float(t), _checks.widen(S)))
    return sorted(found, key=lambda one: one[0])

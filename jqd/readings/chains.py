"""A φ⁴ field on a ring of sites, cut at second derivatives, at first order in λ.

H = Σ_j (p_j² + m² q_j² + g (q_{j+1} - q_j)²)/2 + λ Σ_j q_j⁴,    ħ = 1

The coherent states are those of the normal modes: α_k = (√ω_k Q_k + i P_k/√ω_k)/√2,
Q_k = Σ_j V_jk q_j.
"""

import collections
import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, Float

from .. import _checks
from ..spaces import symbols
from ..spaces.symbols import Symbol


def normal_modes(
    sites: int, mass: ArrayLike, coupling: ArrayLike
) -> tuple[Float[Array, " L"], Float[np.ndarray, "L L"]]:
    """Frequencies ω_k = √(m² + g μ_k) and shapes V_jk of the free ring.

    μ_k and V are the eigenvalues and orthonormal eigenvectors of Σ_bonds (q_i - q_j)²,
    so V depends on neither m nor g. Two sites have one bond, and one site has none.

    Args:
        sites: L (static).
        mass: m > 0, scalar.
        coupling: g >= 0, scalar.

    Returns:
        ω, (L,), ascending, and V, (L, L).

    Raises:
        ValueError: no site, m not a single positive number, or g negative.
    """
    _checks.check_positive_integer(sites, "sites")
    _checks.check_positive(mass, "mass", ())
    _checks.check_not_negative(coupling, "coupling", ())
    joined = np.zeros((sites, sites), bool)
    here = np.arange(sites)
    joined[here, (here + 1) % sites] = joined[(here + 1) % sites, here] = True
    np.fill_diagonal(joined, False)
    levels, V = np.linalg.eigh(np.diag(joined.sum(axis=0)) - joined.astype(float))
    levels = np.maximum(levels, 0)  # that of the uniform mode is 0 but for rounding
    return jnp.sqrt(jnp.asarray(mass) ** 2 + jnp.asarray(coupling) * levels), V


def chain_amplitudes(
    xi: Float[Array, "... 2L"], mass: ArrayLike, coupling: ArrayLike
) -> Complex[Array, "... L"]:
    """α_k of the normal modes.

    Args:
        xi: ξ = (q_1, .., q_L, p_1, .., p_L) of the sites, (..., 2L).
        mass: m > 0, scalar.
        coupling: g >= 0, scalar.

    Raises:
        ValueError: an odd number of coordinates, or as for `normal_modes`.
    """
    xi = jnp.asarray(xi)
    if xi.ndim == 0 or xi.shape[-1] % 2 or xi.shape[-1] == 0:
        raise ValueError(
            "Argument `xi` must have positions and momenta, an even number, along its "
            f"last axis, but has the shape {xi.shape}."
        )
    frequencies, V = normal_modes(xi.shape[-1] // 2, mass, coupling)
    q, p = jnp.split(xi, 2, axis=-1)
    root = jnp.sqrt(frequencies)[None, :]
    return (q @ (V * root) + 1j * (p @ (V / root))) / math.sqrt(2)


def chain_symbol(
    sites: int, mass: ArrayLike, coupling: ArrayLike, lam: ArrayLike
) -> Symbol:
    """The anti-Wick symbol of H in the amplitudes of the normal modes.

    Args:
        sites: L (static); the number of terms grows like L⁴.
        mass: m > 0, scalar.
        coupling: g >= 0, scalar.
        lam: λ, scalar.

    Raises:
        ValueError: as for `normal_modes`.
    """
    frequencies, V = normal_modes(sites, mass, coupling)
    quartic = collections.defaultdict(float)
    for modes in itertools.product(range(sites), repeat=4):
        power = tuple(modes.count(k) for k in range(sites))
        quartic[power] += np.prod(V[:, modes], axis=1).sum()
    kept = {
        (power, (0,) * sites): lam * weight
        for power, weight in quartic.items()
        if abs(weight) > 1e-12  # what symmetry forbids, but for rounding
    }
    field = symbols.polynomial_qp(kept, 1 / jnp.sqrt(frequencies))
    return symbols.harmonic(frequencies) + field


def chain_deviation(
    start: Float[Array, " 2L"],
    ts: ArrayLike,
    points: Float[Array, "... 2L"],
    *,
    mass: ArrayLike = 1.0,
    coupling: ArrayLike = 0.0,
    nodes: int = 64,
) -> Float[Array, "T ..."]:
    """How the truncated law of a φ⁴ ring of any size deviates from quantum mechanics.

    (Q_cut - Q)/λ -> 2 Q ∫₀ᵗ Σ_j Im(e_j⁴ - 4 q_j e_j³ + 12 ν_j e_j²) ds as λ -> 0, with
    e_j = Σ_k c_jk (α_k - α⁰_k)*, q_j = 2 Re Σ_k c_jk α_k, ν_j = Σ_k c_jk² and c_jk =
    V_jk/√(2ω_k), at the point and the centre carried by free motion to the time s
    before t.

    The truncated law omits these third and fourth derivatives. All terms of higher
    order in λ are omitted here.

    Args:
        start: ξ of the coherent state at t = 0, (2L,).
        ts: times, (T,).
        points: ξ at which to evaluate Q, (..., 2L).
        mass: m > 0, scalar.
        coupling: g >= 0 of neighbours, scalar.
        nodes: number of nodes of the Gauss-Legendre rule from 0 to t (static).

    Returns:
        Per d²α of each normal mode and per λ, shape (T, ...).

    Raises:
        ValueError: shapes that differ, m not positive, g negative, or fewer nodes than
            the fastest oscillation needs.

    Source: reaction 3 of sec. V D; orders 3 and 4 of eq. (63).
    """
    ring, alpha, ts = _started(start, ts, mass, coupling, nodes)
    _checks.check_shape(points, "points", (*np.shape(points)[:-1], np.shape(start)[0]))
    goals = jnp.reshape(points, (-1, np.shape(start)[0]))
    found = _deviation(ring, alpha, ts, chain_amplitudes(goals, mass, coupling), nodes)
    return jnp.reshape(found, (-1, *np.shape(points)[:-1]))


def chain_total_variation(
    key: Array,
    start: Float[Array, " 2L"],
    ts: ArrayLike,
    *,
    mass: ArrayLike = 1.0,
    coupling: ArrayLike = 0.0,
    count: int = 20_000,
    nodes: int = 64,
) -> tuple[Float[Array, " T"], Float[Array, " T"]]:
    """Total variation of the truncated law and quantum mechanics, per λ, from samples.

    ½ ∫|Q_cut - Q| d²ᴸα/λ = ½ E_Q|(Q_cut - Q)/λQ| as λ -> 0

    Args:
        key: random key.
        start: ξ of the coherent state at t = 0, (2L,).
        ts: times, (T,); all use the same samples about the centre.
        mass: m > 0, scalar.
        coupling: g >= 0 of neighbours, scalar.
        count: number of samples (static).
        nodes: number of nodes of the Gauss-Legendre rule from 0 to t (static).

    Returns:
        Values and their standard errors, (T,) each.

    Raises:
        ValueError: as for `chain_deviation`.
    """
    ring, alpha, ts = _started(start, ts, mass, coupling, nodes)
    _checks.check_positive_integer(count, "count")
    return _total_variation(ring, alpha, ts, _checks.single_key(key), count, nodes)


Ring = tuple[Array, Array]  # ω, (L,), and c, (L, L)


def _started(
    start: ArrayLike, ts: ArrayLike, mass: ArrayLike, coupling: ArrayLike, nodes: int
) -> tuple[Ring, Complex[Array, " L"], Float[Array, " T"]]:
    """The ring, α of the start and the times, once there are nodes enough."""
    _checks.check_shape(start, "start", (None,))
    _checks.check_shape(ts, "ts", (None,))
    _checks.check_positive_integer(nodes, "nodes")
    alpha = chain_amplitudes(jnp.asarray(start), mass, coupling)
    if _checks.is_concrete((ts, mass, coupling)):
        # e⁴ turns by 4ωt, on [-1, 1] by half of that; 20 nodes more give all digits
        fastest = np.sqrt(np.square(mass) + 4 * np.asarray(coupling))
        needed = 2 * fastest * np.max(np.abs(ts), initial=0) + 20
        if nodes < needed:
            raise ValueError(
                f"Argument `nodes` must be at least {math.ceil(needed)} for such "
                f"times, but is {nodes}."
            )
    frequencies, V = normal_modes(alpha.shape[0], mass, coupling)
    ring = frequencies, jnp.asarray(V) / jnp.sqrt(2 * frequencies)[None, :]
    return ring, alpha, jnp.asarray(ts, alpha.real.dtype)


@functools.partial(jax.jit, static_argnames="nodes")
def _deviation(ring: Ring, alpha: Array, ts: Array, goals: Array, nodes: int) -> Array:
    def at(t):
        away = goals - (alpha * jnp.exp(-1j * ring[0] * t))[None, :]
        Q = jnp.exp(-jnp.sum(jnp.abs(away) ** 2, axis=-1)) / np.pi ** alpha.shape[0]
        return Q * _relative_deviation(ring, goals, away, t, nodes)

    return jax.lax.map(at, ts)


@functools.partial(jax.jit, static_argnames=("count", "nodes"))
def _total_variation(
    ring: Ring, alpha: Array, ts: Array, key: Array, count: int, nodes: int
) -> tuple[Array, Array]:
    # of variance 1, as α has in a coherent state
    away = jax.random.normal(key, (count, alpha.shape[0]), alpha.dtype)

    def at(t):
        goals = (alpha * jnp.exp(-1j * ring[0] * t))[None, :] + away
        ratio = jnp.abs(_relative_deviation(ring, goals, away, t, nodes)) / 2
        return jnp.mean(ratio), jnp.std(ratio, ddof=1) / math.sqrt(count)

    return jax.lax.map(at, ts)


def _relative_deviation(
    ring: Ring, goals: Array, away: Array, t: Array, nodes: int
) -> Array:
    """(Q_cut - Q)/λQ of points (P, L) and what lies between them and the centre."""
    frequencies, c = ring
    x, weights = np.polynomial.legendre.leggauss(nodes)
    spread = jnp.sum(c**2, axis=1)[None, :]

    def add(total, node):
        back, weight = node
        turned = (c * jnp.exp(1j * frequencies * back)[None, :]).T
        q, e = 2 * jnp.real(goals @ turned), jnp.conj(away @ turned)
        lost = jnp.imag(e**2 * (e**2 - 4 * q * e + 12 * spread))
        return total + weight * jnp.sum(lost, axis=-1), None

    rule = (t * (x + 1) / 2, t * weights)  # 2 ∫₀ᵗ ds
    return jax.lax.scan(add, jnp.zeros(goals.shape[0], t.dtype), rule)[0]

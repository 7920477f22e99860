"""Heterodyne outcomes: points of phase space drawn from a Husimi function."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, PRNGKeyArray

from .. import _checks
from .._gate import gated
from .._math import abs2, expi
from ..spaces.fock import coherent_amplitudes
from .ensemble import Ensemble, as_ensemble

# Where Q is a density, weights are negative only by rounding.
_ROUNDING = 1e-9
# Halvings of a full turn until an angle is known to rounding.
_HALVINGS = 52
# Outcomes drawn at once, so few that their coefficients fit into a cache.
_BLOCK = 1024


@gated
def sample_husimi(
    key: PRNGKeyArray, state: Any, shots: int, *, hbar: ArrayLike = 1.0
) -> Complex[Array, " S"]:
    """Outcomes α of heterodyne detection of one mode, drawn from Q(α) without error.

    Q(α) = Σ_k w_k |Σ_n <α/√ħ|n> v_kn|²/(πħ): a ket k and a level n are drawn with
    w_k |v_kn|², |α|²/ħ as the sum of n + 1 exponential numbers, and the angle from Q on
    that circle, a trigonometric polynomial, by the inverse of its integral.

    Args:
        key: a jax.random key.
        state: ket, density operator, `Ensemble` or QuTiP object of one mode.
        shots: number of outcomes.
        hbar: ħ, scalar.

    Returns:
        α in action units, shape (shots,).

    Raises:
        ValueError: not a state of one mode, negative weights (no density), no shots, or
            hbar not positive.
    """
    ensemble = as_ensemble(state, 1)
    _checks.check_positive(hbar, "hbar", ())
    if not _checks.is_whole(shots) or shots < 1:
        raise ValueError(
            f"Argument `shots` must be a whole number from 1 on, but is "
            f"{_checks.shown(shots)}."
        )
    if _checks.is_concrete(ensemble.weights):
        least = float(np.min(np.asarray(ensemble.weights)))
        if least < -_ROUNDING:
            raise ValueError(
                "Argument `state` must have weights that are not negative, since "
                f"outcomes are drawn from a density, but one is {least:.3g}."
            )
    return _draw(_checks.single_key(key), ensemble, jnp.asarray(hbar), shots)


@partial(jax.jit, static_argnums=3)
def _draw(key: Array, ensemble: Ensemble, hbar: Array, shots: int) -> Array:
    weights = jnp.maximum(ensemble.weights, 0)
    ends = jnp.cumsum(jnp.ravel(weights[:, None] * abs2(ensemble.kets)))
    levels, real = ensemble.kets.shape[1], ends.dtype
    for_kets, for_radii, for_angles = jax.random.split(key, 3)
    shares = jax.random.uniform(for_kets, (shots,), real)
    # a value at the last end by rounding still belongs to the last level
    drawn = jnp.searchsorted(ends[:-1], shares * ends[-1], side="right")
    turns = jax.random.uniform(for_angles, (shots,), real)

    def outcome(of: tuple[Array, Array, Array]) -> Array:
        drawn, key, turn = of
        ket, level = jnp.divmod(drawn, levels)
        # a Gamma variate of shape n + 1: the sum of n + 1 exponential ones
        waits = jax.random.exponential(key, (levels,), real)
        radius = jnp.sqrt(jnp.sum(jnp.where(jnp.arange(levels) <= level, waits, 0)))
        # Q(r e^iφ) ∝ |Σ_n a_n e^-inφ|²
        amplitudes = coherent_amplitudes(radius, levels).real * ensemble.kets[ket]
        phi = _angle(amplitudes, turn)
        return radius * expi(phi)

    each = drawn, jax.random.split(for_radii, shots), turns
    alpha = jax.lax.map(outcome, each, batch_size=min(_BLOCK, shots))
    return jnp.sqrt(hbar).astype(real) * alpha


def _angle(amplitudes: Complex[Array, " d"], turn: Array) -> Array:
    """φ in [-π, π) at which |Σ_n a_n e^-inφ|² has this share of its integral."""
    size = amplitudes.shape[0]
    padded = jnp.concatenate([amplitudes, jnp.zeros_like(amplitudes)])
    # c_j = Σ_n a_n+j* a_n; the square is then c_0 + 2 Re Σ_j c_j e^ijφ
    square = abs2(jnp.fft.fft(padded))
    c = jnp.conj(jnp.fft.ifft(square))[:size]
    j = jnp.arange(1, size)
    slope, mean = c[1:] / (1j * j), jnp.real(c[0])

    def below(phi: Array) -> Array:
        """The integral from -π, less what the constant in it adds."""
        z = expi(phi)

        def horner(total: Array, slope: Array) -> tuple[Array, None]:
            return (total + slope) * z, None

        total, _ = jax.lax.scan(horner, jnp.zeros_like(z), slope, reverse=True)
        return mean * (phi + np.pi) + 2 * jnp.real(total)

    start = below(jnp.asarray(-np.pi, turn.dtype))
    wanted = start + turn * 2 * np.pi * mean

    def halve(_: Array, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low + high) / 2
        left = below(middle) > wanted
        return jnp.where(left, low, middle), jnp.where(left, middle, high)

    ends = jnp.full_like(turn, -np.pi), jnp.full_like(turn, np.pi)
    low, high = jax.lax.fori_loop(0, _HALVINGS, halve, ends)
    return (low + high) / 2

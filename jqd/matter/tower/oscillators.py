"""Coupled oscillators as matter: quartic bonds between harmonic modes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ... import _checks
from ...laws.constants import constant
from .configurations import Configurations, photon_configurations
from .matter import Matter, user_matter


def coupled_oscillators(
    omega: ArrayLike,
    forms: ArrayLike,
    strengths: ArrayLike,
    *,
    cutoff: float,
    couplings: ArrayLike | None = None,
    hbar: float = 1.0,
) -> Matter:
    """Harmonic modes of unit mass with quartic bonds, in number states up to a cut-off.

    H = Σ ħω_k (n_k + 1/2) + Σ_s κ_s (Σ_k u_sk x_k)⁴ and X = Σ c_k x_k, with x_k =
    sqrt(ħ/2ω_k) (b_k + b_k†). Sums of fourth powers make every quartic energy. Matrix
    elements are exact (no product of cut matrices), so that levels fall as the cut-off
    rises; those above about half of it are not to be trusted.

    Args:
        omega: (m,) angular frequencies; their values decide the basis.
        forms: (s, m) u_sk.
        strengths: (s,) κ_s, not negative.
        cutoff: keeps Σ ħω_k n_k <= cutoff, unit of energy.
        couplings: (m,) c_k; all ones by default.
        hbar: ħ.

    Returns:
        The matter: D levels, those of the basis.

    Raises:
        ValueError: wrong shapes, a frequency that is not positive, a κ_s below zero
            (no lowest level), or a cut-off below one quantum.
    """
    frequencies = np.atleast_1d(np.asarray(omega, float))
    basis = photon_configurations(frequencies, cutoff, hbar)
    modes = basis.modes
    _checks.check_shape(forms, "forms", (None, modes))
    _checks.check_shape(strengths, "strengths", (np.shape(forms)[0],))
    _checks.check_finite(forms, "forms")
    _checks.check_finite(strengths, "strengths")
    if _checks.is_concrete(strengths) and (_checks.concrete(strengths) < 0).any():
        raise ValueError(
            "Argument `strengths` must not be negative, but is: there would be no "
            "lowest level."
        )
    couplings = np.ones(modes) if couplings is None else couplings
    _checks.check_shape(couplings, "couplings", (modes,))
    # x² leads at most two quanta out of the basis: in this larger one it is exact
    larger = photon_configurations(
        frequencies, cutoff + 2 * hbar * float(frequencies.max()), hbar
    )
    constants = map(constant, (frequencies, hbar, forms, strengths, couplings))
    return user_matter(*_operators(basis, larger, *constants))


@functools.partial(jax.jit, static_argnums=(0, 1))
def _operators(
    basis: Configurations,
    larger: Configurations,
    omega: Array,
    hbar: Array,
    forms: Array,
    strengths: Array,
    couplings: Array,
) -> tuple[Array, Array]:
    """H and X in the smaller basis."""
    kept = _rows(basis, larger)
    lengths = jnp.sqrt(hbar / (2 * omega))
    start = jnp.eye(larger.size, dtype=omega.dtype)[kept]

    def quartic(total: Array, term: tuple[Array, Array]) -> tuple[Array, None]:
        u, strength = term
        square = _position(_position(start, larger, u * lengths), larger, u * lengths)
        return total + strength * (square @ square.T), None

    quanta = jnp.asarray(basis.numbers + 0.5, omega.dtype) @ (hbar * omega)
    H, _ = jax.lax.scan(quartic, jnp.diag(quanta), (forms, strengths))
    X = _position(start, larger, couplings * lengths)[:, kept]
    return (H + H.T) / 2, (X + X.T) / 2


def _rows(basis: Configurations, larger: Configurations) -> np.ndarray:
    """Where the configurations of `basis` stand in `larger`."""
    place = {row.tobytes(): i for i, row in enumerate(larger.numbers)}
    return np.array([place[row.tobytes()] for row in basis.numbers])


def _position(states: Array, basis: Configurations, weights: Array) -> Array:
    """Σ_k w_k (b_k + b_k†) applied to each row of `states`."""
    padded = jnp.pad(states, ((0, 0), (0, 1)))
    numbers = jnp.asarray(basis.numbers.T, states.dtype)
    total = jnp.zeros_like(states)
    for mode in range(basis.modes):
        # the amplitude of n comes from n + 1 by b and from n - 1 by b†
        fallen = jnp.sqrt(numbers[mode] + 1)[None, :] * padded[:, basis.raised[mode]]
        risen = jnp.sqrt(numbers[mode])[None, :] * padded[:, basis.lowered[mode]]
        total = total + weights[mode] * (fallen + risen)
    return total

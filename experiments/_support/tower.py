"""How near the light of a tower is to thermal light: weights and distances."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jqd.constants import constant
from jqd.matter.tower import Configurations, Tower, configuration_weights


def mixture_numbers(
    kept: Configurations, weights: Float[Array, " P"]
) -> Float[Array, " levels"]:
    """Effective number of configurations in each level, (Σ w)²/Σ w².

    With `microcanonical_weights` the Schmidt numbers that a thermal tower has.
    """
    part = jnp.asarray(kept.of_level, weights.dtype)
    squares = weights**2 @ part
    held = squares > 0
    return jnp.where(held, (weights @ part) ** 2 / jnp.where(held, squares, 1), 0)


def microcanonical_weights(
    tower: Tower, log_density: Callable[[Array], Array], energy: ArrayLike
) -> Float[Array, " P"]:
    """The prediction P(n_1, ..., n_m) ∝ g(E₀ - Σ ħω_m n_m).

    At a finite number of levels it, and not exp(-Σ ħω n/T), is what a chaotic tower
    comes to: all states of matter and photons of total energy E₀ alike.

    Args:
        tower: the tower.
        log_density: ln g(E), -inf where there is no level, up to a constant.
        energy: E₀, unit of energy.

    Returns:
        (P,) probabilities.
    """
    logs = log_density(constant(energy, "energy") - tower.photon_energies)
    return jax.nn.softmax(logs)


def light_up_to(
    energy: float, photons: np.ndarray, T: ArrayLike
) -> Float[np.ndarray, "... P"]:
    """P ∝ exp(-E/T) of configurations of light of energies E up to E₀, none beyond.

    It is `microcanonical_weights` where g(E) ∝ exp(E/T).

    Args:
        energy: E₀.
        photons: E of each configuration, (P,).
        T: temperatures, (...).
    """
    p = np.where(photons <= energy, np.exp(-photons / np.asarray(T)[..., None]), 0)
    return p / p.sum(axis=-1, keepdims=True)


def light_temperature(
    weights: np.ndarray, energy: float, photons: np.ndarray, Ts: np.ndarray
) -> Float[np.ndarray, "..."]:
    """T at which `light_up_to` E₀ has the energy of these weights, on a grid of T."""
    return np.interp(weights @ photons, light_up_to(energy, photons, Ts) @ photons, Ts)


@jax.tree_util.Partial
def weights_at(t: ArrayLike, psi: Array) -> Float[Array, " P"]:
    """What runs observe: the norm of each configuration."""
    del t
    return configuration_weights(psi)


def total_variation(p: ArrayLike, q: ArrayLike) -> Float[Array, "..."]:
    """Σ |p - q|/2 over the last axis, and over what the shorter one does not list.

    Both are probabilities of n = 0, 1, ...; one that is listed further, or whose sum
    falls short of 1 by its tail, counts with all it holds beyond the other's end.
    """
    p, q = constant(p, "p"), constant(q, "q")
    common = min(p.shape[-1], q.shape[-1])
    apart = jnp.sum(jnp.abs(p[..., :common] - q[..., :common]), axis=-1)
    rest_p = 1 - jnp.sum(p[..., :common], axis=-1)
    rest_q = 1 - jnp.sum(q[..., :common], axis=-1)
    return (apart + jnp.abs(rest_p - rest_q)) / 2

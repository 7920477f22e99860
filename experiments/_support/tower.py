"""How near the light of a tower is to thermal light: weights, distances, T."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jqd import _checks
from jqd.constants import constant
from jqd.matter.temperature import canonical_temperature
from jqd.matter.tower import Configurations, Tower

# Newton's steps to the temperature: the first ones divide β by e, the last ones
# double the digits.
_NEWTON = 40


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


def slope_temperature(
    distribution: ArrayLike, omega: ArrayLike, points: int = 5, hbar: ArrayLike = 1.0
) -> Float[Array, ""]:
    """T from the straight line through ln P(n), n = 0..points - 1, of one mode.

    P(n) ∝ exp(-ħωn/T). It looks at the shape alone, where `fit_temperature` looks at
    the mean number: the two differ where P(n) is not geometric.

    Args:
        distribution: P(n) from n = 0 on, positive where it is used.
        omega: angular frequency of the mode.
        points: how many n, at least 2.
        hbar: ħ.

    Returns:
        T in units of energy.

    Raises:
        ValueError: fewer than two points, or more than there are.
    """
    distribution = constant(distribution, "distribution")
    if not 2 <= points <= distribution.shape[0]:
        raise ValueError(
            f"Argument `points` must lie between 2 and {distribution.shape[0]}, but is "
            f"{points}."
        )
    n = jnp.arange(points) - (points - 1) / 2
    slope = jnp.sum(n * jnp.log(distribution[:points])) / jnp.sum(n**2)
    return -constant(hbar, "hbar") * constant(omega, "omega") / slope


def fit_temperature(
    numbers: ArrayLike,
    omega: ArrayLike,
    hbar: ArrayLike = 1.0,
    *,
    kept: Configurations | None = None,
) -> Float[Array, ""]:
    """T of the thermal light nearest to the mean photon numbers of several modes.

    The maximum of the likelihood: the T at which thermal light has their energy,
    Σ_p ε_p e^{-ε_p/T} / Σ_p e^{-ε_p/T} = Σ ħω <n>, ε_p = Σ ħω n of the configurations
    that there are. Without a cut-off that is Σ ħω/(exp(ħω/T) - 1) = Σ ħω <n>; light
    that a cut-off keeps from its higher numbers therefore looks colder.

    Args:
        numbers: (m,) mean photon numbers, not all 0, or a scalar.
        omega: (m,) angular frequencies, or a scalar.
        hbar: ħ.
        kept: configurations that the light may have: `Tower.configurations`, or
            `photon_configurations(omega, E₀)` where E₀ is all the energy that matter
            can give; None for no cut-off.

    Returns:
        T in units of energy; negative where the numbers are higher than at any T > 0.

    Raises:
        ValueError: shapes differ, a frequency is not positive, `kept` is of other
            modes, or has no such numbers.
    """
    omega, numbers = (
        jnp.atleast_1d(constant(omega, "omega")),
        jnp.atleast_1d(constant(numbers, "numbers")),
    )
    _checks.check_positive(omega, "omega")
    _checks.check_shape(numbers, "numbers", omega.shape)
    quanta = constant(hbar, "hbar") * omega
    if kept is not None:
        if kept.modes != omega.shape[0]:
            raise ValueError(
                f"Argument `kept` must be of the {omega.shape[0]} modes of `omega`, "
                f"but is of {kept.modes}."
            )
        energies = jnp.asarray(kept.numbers, quanta.dtype) @ quanta
        return canonical_temperature(energies, jnp.sum(quanta * numbers))
    target = jnp.log(jnp.sum(quanta * numbers))

    def miss(log_beta: Array, target: Array, quanta: Array) -> Array:
        x = jnp.exp(log_beta) * quanta
        logs = jnp.log(quanta) - x - jnp.log(-jnp.expm1(-x))
        return jax.nn.logsumexp(logs) - target

    def newton(log_beta: Array, target: Array, quanta: Array) -> Array:
        value, slope = jax.value_and_grad(miss)(log_beta, target, quanta)
        return log_beta - value / slope

    # ln energy is concave in ln β: Newton's steps from the large β of classical light,
    # m T = energy, which is colder than quantum light, never pass the root
    start = jnp.log(quanta.shape[0]) - target
    fixed = jax.lax.stop_gradient((target, quanta))
    root = jax.lax.fori_loop(
        0, _NEWTON, lambda _, b: newton(b, *fixed), jax.lax.stop_gradient(start)
    )
    # one more step with the derivatives of the arguments: those of the root
    return jnp.exp(-newton(jax.lax.stop_gradient(root), target, quanta))

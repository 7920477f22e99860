"""What each level of the tower holds: norm, energy, entanglement, photons, and T."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Inexact

from ... import _checks
from ...laws.constants import constant
from ..temperature import canonical_temperature
from .configurations import Configurations
from .tower import Tower

# Newton's steps to the temperature: the first ones divide β by e, the last ones
# double the digits.
_NEWTON = 40


class Levels(NamedTuple):
    """Norm and energies of the levels k = 0..K, photons k; energies are of the norm.

    Attributes:
        norm: p_k, their sum is the norm of the tower.
        matter_energy: <H_M> within level k, per norm.
        photon_energy: <Σ ħω a†a> within level k, per norm.
        matter_spread: standard deviation of H_M within level k.
        photon_spread: standard deviation of the photon energy within level k.
    """

    norm: Float[Array, " levels"]
    matter_energy: Float[Array, " levels"]
    photon_energy: Float[Array, " levels"]
    matter_spread: Float[Array, " levels"]
    photon_spread: Float[Array, " levels"]

    @property
    def energy(self) -> Float[Array, " levels"]:
        """E_{N,k} of the free parts, norm included (Chafin (2019), eq. 3)."""
        return self.norm * self.energy_per_norm

    @property
    def energy_per_norm(self) -> Float[Array, " levels"]:
        """E_{N,k}/p_k: the claim is that it is the same for all k."""
        return self.matter_energy + self.photon_energy


def configuration_weights(psi: Inexact[Array, "... D P"]) -> Float[Array, "... P"]:
    """Norm of each photon configuration, Σ_i |ψ_ip|²."""
    return jnp.sum(jnp.real(psi) ** 2 + jnp.imag(psi) ** 2, axis=-2)


def level_norms(
    kept: Configurations, weights: Float[Array, "... P"]
) -> Float[Array, "... levels"]:
    """p_k = Σ of the weights of all configurations of k photons.

    Args:
        kept: the configurations.
        weights: (..., P) norms or probabilities of them.

    Returns:
        (..., K + 1).
    """
    return weights @ jnp.asarray(kept.of_level, weights.dtype)


def occupations(
    kept: Configurations, weights: Float[Array, "... P"]
) -> Float[Array, "... m"]:
    """Mean number of photons in each mode, <a_m†a_m>, for weights of sum 1."""
    return weights @ jnp.asarray(kept.numbers, weights.dtype)


def number_distribution(
    kept: Configurations, weights: Float[Array, "... P"], mode: int = 0
) -> Float[Array, "... n"]:
    """P(n), n = 0..N, of one mode."""
    return weights @ jnp.asarray(kept.of_number(mode), weights.dtype)


def levels(tower: Tower, psi: Inexact[Array, "D P"]) -> Levels:
    """Norm, energies and their spread in each level of the tower.

    Args:
        tower: the tower.
        psi: (D, P) state.

    Returns:
        Arrays (K + 1,); energies of an empty level are 0.

    Source: Chafin (2019), eqs. 2 and 3, for photons that are counted by their modes.
    """
    share = jnp.real(psi) ** 2 + jnp.imag(psi) ** 2
    onto = jnp.asarray(tower.configurations.of_level, share.dtype)
    norm = jnp.sum(share, axis=0) @ onto
    held = jnp.where(norm > 0, norm, 1)

    def moments(values: Array) -> tuple[Array, Array]:
        """Mean and standard deviation per level, of values that broadcast to psi."""
        mean = jnp.sum(values * share, axis=0) @ onto / held
        away = values - (onto @ mean)[None, :]
        variance = jnp.sum(away**2 * share, axis=0) @ onto / held
        spread = jnp.where(variance > 0, variance, 1) ** 0.5
        return mean, jnp.where(variance > 0, spread, 0)

    matter, matter_spread = moments(tower.energies[:, None])
    photons, photon_spread = moments(tower.photon_energies[None, :])
    return Levels(norm, matter, photons, matter_spread, photon_spread)


def free_energy(tower: Tower, psi: Inexact[Array, "D P"]) -> Float[Array, ""]:
    """Σ_k E_{N,k}, the energy without the coupling.

    It is not conserved, against Chafin (2019), sec. 3: it drifts by as much as
    `interaction_energy` does, in the order λ². Their sum is <H>.
    """
    share = jnp.real(psi) ** 2 + jnp.imag(psi) ** 2
    return jnp.sum(tower.free_energies * share)


def interaction_energy(tower: Tower, psi: Inexact[Array, "D P"]) -> Float[Array, ""]:
    """<H_int>, what the printed energy of the tower leaves out."""
    return jnp.sum(jnp.real(jnp.conj(psi) * tower.interact(psi)))


def schmidt_spectra(
    tower: Tower, psi: Inexact[Array, "D P"]
) -> tuple[Float[Array, " r"], ...]:
    """Schmidt coefficients of matter and photons within each level.

    Ψ_{N,k} is a product Ψ_N 𝒜_k where one of them is all there is.

    Args:
        tower: the tower.
        psi: (D, P) state.

    Returns:
        For k = 0..K the probabilities, in falling order, of sum 1 (0 where the level
        is empty).
    """
    spectra = []
    for k in range(tower.configurations.top + 1):
        part = psi[:, np.flatnonzero(tower.configurations.totals == k)]
        share = jnp.linalg.svd(part, compute_uv=False) ** 2
        total = jnp.sum(share)
        spectra.append(share / jnp.where(total > 0, total, 1))
    return tuple(spectra)


def schmidt_numbers(
    tower: Tower, psi: Inexact[Array, "D P"]
) -> Float[Array, " levels"]:
    """1/Σ s² of each level's Schmidt probabilities: 1 for a product; 0 if empty."""
    part = jnp.asarray(tower.configurations.of_level, psi.real.dtype)
    # without singular values: the purity of the photons' reduced matrix
    overlaps = jnp.abs(psi.conj().T @ psi) ** 2
    purity = jnp.sum(part * (overlaps @ part), axis=0)
    total = level_norms(tower.configurations, configuration_weights(psi)) ** 2
    return jnp.where(purity > 0, total / jnp.where(purity > 0, purity, 1), 0)


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
    that a cut-off keeps from its higher numbers looks colder so than it is.

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

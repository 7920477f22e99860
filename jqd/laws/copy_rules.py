"""The rules of copy dynamics, one equation a function.

Individuals I = 1..N carry a beable a_I (an integer in 0..M-1) and a phase φ_I;
classes a = 1..M carry an occupation n_a, a density ρ_a = n_a/N and a phase φ_a.
Throughout, Ψ_a = √ρ_a e^{-iφ_a}, H_aa = ω_a, H_ab = R_ab e^{iδ_ab} (ħ = 1), with
R symmetric and non-negative, δ antisymmetric, and x_ab = φ_a - φ_b + δ_ab. Phases
and angles are in radians; ω, R and all rates are per unit time. A matrix entry
[a, b] belongs to the flow b → a. A link that touches an empty class contributes
nothing: there is nobody to copy.

Where the printed equation is inconsistent, `printed=True` gives it literally.
"""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Complex, Float, Int


def _off_diagonal(matrix: Array) -> Array:
    return jnp.where(jnp.eye(matrix.shape[-1], dtype=bool), 0, matrix)


def _per_pair(matrix: Array, beable: Array) -> Array:
    return matrix[beable[:, None], beable[None, :]]


def _ratio_power(x: Array, power: ArrayLike) -> Array:
    # Double where: the power of 0 or 1/0 must not reach the gradient either.
    filled = x > 0
    safe = jnp.where(filled, x, 1)
    ratio = (safe[:, None] / safe[None, :]) ** power
    return jnp.where(filled[:, None] & filled[None, :], ratio, 0)


def _inverse_root(n: Array) -> Array:
    filled = n > 0
    return jnp.where(filled, 1 / jnp.sqrt(jnp.where(filled, n, 1)), 0)


def _root(x: Array) -> Array:
    filled = x > 0
    return jnp.where(filled, jnp.sqrt(jnp.where(filled, x, 1)), 0)


def positive_sine(angle: Float[Array, "..."]) -> Float[Array, "..."]:
    """Sine where it is positive, else zero.

    sin⁺θ = max(sin θ, 0)

    Args:
        angle: θ in radians, any shape.

    Returns:
        Array like `angle`, in [0, 1].

    Source: Smolin (2012), eq. 29.
    """
    return jnp.maximum(jnp.sin(angle), 0)


def link_angle(
    phase: Float[Array, " M"], delta: Float[Array, "M M"]
) -> Float[Array, "M M"]:
    """Gauge-invariant angle of every link.

    x_ab = φ_a - φ_b + δ_ab

    Args:
        phase: φ_a, (M,) real, radians.
        delta: δ_ab, (M, M) real, radians.

    Returns:
        x_ab, (M, M) real, radians.

    Source: Smolin (2012), argument of eq. 30.
    """
    return phase[:, None] - phase[None, :] + delta


# --- individuals ----------------------------------------------------------------


def copy_beables(
    beable: Int[Array, " N"],
    phase: Float[Array, " N"],
    copier: ArrayLike,
    copied: ArrayLike,
) -> tuple[Int[Array, " N"], Float[Array, " N"]]:
    """State after one individual has copied another.

    a_I → a_J, φ_I → φ_J

    Args:
        beable: a_I, (N,) integer.
        phase: φ_I, (N,) real, radians.
        copier: the index I, scalar integer.
        copied: the index J, scalar integer.

    Returns:
        The new (beable, phase), shapes and dtypes unchanged.

    Source: Smolin (2012), eqs. 1 and 4.
    """
    return (
        beable.at[copier].set(beable[copied]),
        phase.at[copier].set(phase[copied]),
    )


def occupations(
    beable: Int[Array, " N"], num_classes: int, *, dtype=None
) -> Float[Array, " M"]:
    """Number of individuals in each class.

    n_a = Σ_I [a_I = a]

    Args:
        beable: a_I, (N,) integer.
        num_classes: M.
        dtype: real dtype of the result; JAX's default when None.

    Returns:
        n_a, (M,) real, summing to N. Divided by N it is the density ρ_a.

    Source: Smolin (2012), eq. 8 and the definition before eq. 7.
    """
    return jnp.sum(jax.nn.one_hot(beable, num_classes, dtype=dtype), axis=0)


def copy_rate(
    beable: Int[Array, " N"],
    phase: Float[Array, " N"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    *,
    occupation: Float[Array, " M"] | None = None,
    printed: bool = False,
) -> Float[Array, "N N"]:
    """Rate at which I copies J.

    P(I copy J) = 2 R_{a_I a_J} sin⁺(φ_J - φ_I + δ_{a_J a_I}) / √(n_I n_J)

    Args:
        beable: a_I, (N,) integer.
        phase: φ_I, (N,) real, radians.
        R: coupling, (M, M) real, 1/time; its diagonal is ignored.
        delta: δ_ab, (M, M) real, radians.
        occupation: n_a, (M,) real; counted from `beable` when None.
        printed: take sin⁺(φ_I - φ_J + δ_{a_I a_J}), which runs time backwards.

    Returns:
        P[I, J], (N, N) real, 1/time; zero within a class.

    Source: Smolin (2012), eq. 39.
    """
    if occupation is None:
        occupation = occupations(beable, R.shape[-1], dtype=R.dtype)
    x = link_angle(phase, _per_pair(delta, beable))
    weight = _inverse_root(occupation)[beable]
    rate = 2 * _per_pair(_off_diagonal(R), beable) * weight[:, None] * weight[None, :]
    return rate * positive_sine(x if printed else x.T)


def power_copy_rate(
    beable: Int[Array, " N"],
    phase: Float[Array, " N"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    q: ArrayLike,
    *,
    printed: bool = False,
) -> Float[Array, "N N"]:
    """Rate at which I copies J for a general power of the occupation ratio.

    P(I copy J) = (1/n_J) (n_J/n_I)^q 2 R sin⁺(φ_J - φ_I + δ_{a_J a_I})

    Args:
        beable: a_I, (N,) integer.
        phase: φ_I, (N,) real, radians.
        R: coupling, (M, M) real, 1/time; its diagonal is ignored.
        delta: δ_ab, (M, M) real, radians.
        q: power, scalar; 1/2 is quantum mechanics.
        printed: put the copier I, not the copied J, into the first slot.

    Returns:
        P[I, J], (N, N) real, 1/time.

    Source: Smolin (2012), eqs. 3, 14, 16 and 18.
    """
    n = occupations(beable, R.shape[-1], dtype=R.dtype)
    x = link_angle(phase, _per_pair(delta, beable))
    strength = 2 * _per_pair(_off_diagonal(R), beable) * positive_sine(x)
    # first_slot[K, L]: K fills the first slot, L the second.
    first_slot = _ratio_power(n[beable], q) * strength / n[beable][:, None]
    return first_slot if printed else first_slot.T


def copy_rate_from_function(
    F: Float[Array, "M M"], beable: Int[Array, " N"], *, printed: bool = False
) -> Float[Array, "N N"]:
    """Individual copy rates read off the class function F.

    P(I copy J) = F_ab with a = a_J (copied) and b = a_I (copier)

    Args:
        F: F_ab, (M, M) real, 1/time.
        beable: a_I, (N,) integer.
        printed: read a = a_I, b = a_J, at odds with the equations that follow.

    Returns:
        P[I, J], (N, N) real, 1/time.

    Source: Smolin (2012), eq. 5.
    """
    rate = _per_pair(F, beable)
    return rate if printed else rate.T


def occupation_rate_of_individuals(
    rate: Float[Array, "N N"], beable: Int[Array, " N"], num_classes: int
) -> Float[Array, " M"]:
    """Mean change of the occupations under given individual copy rates.

    ṅ_a = Σ_I Σ_{J≠I} [a_J = a][a_I ≠ a] (P(I copy J) - P(J copy I))

    Args:
        rate: P[I, J], (N, N) real, 1/time.
        beable: a_I, (N,) integer.
        num_classes: M.

    Returns:
        ṅ_a, (M,) real, 1/time.

    Source: Smolin (2012), eq. 7, first line.
    """
    member = jax.nn.one_hot(beable, num_classes, dtype=rate.dtype)
    return jnp.einsum("Ja,Ia,IJ->a", member, 1 - member, rate - rate.T)


def phase_coupling(
    beable: Int[Array, " N"],
    phase: Float[Array, " N"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    *,
    occupation: Float[Array, " M"] | None = None,
) -> Float[Array, "N N"]:
    """Pull of J on the phase of I, before any pair is left out.

    G_IJ = R_{a_I a_J} cos(φ_I - φ_J + δ_{a_I a_J}) / √(n_I n_J)

    Args:
        beable: a_I, (N,) integer.
        phase: φ_I, (N,) real, radians.
        R: coupling, (M, M) real, 1/time.
        delta: δ_ab, (M, M) real, radians.
        occupation: n_a, (M,) real; counted from `beable` when None.

    Returns:
        G[I, J], (N, N) real, 1/time.

    Source: Smolin (2012), eqs. 6, 12 and 40.
    """
    if occupation is None:
        occupation = occupations(beable, R.shape[-1], dtype=R.dtype)
    x = link_angle(phase, _per_pair(delta, beable))
    weight = _inverse_root(occupation)[beable]
    return _per_pair(R, beable) * weight[:, None] * weight[None, :] * jnp.cos(x)


def phase_rate(
    beable: Int[Array, " N"],
    phase: Float[Array, " N"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    *,
    printed: bool = False,
) -> Float[Array, " N"]:
    """Continuous rate of every individual's phase.

    Ω_I = ω_{a_I} + Σ_{J: a_J ≠ a_I} G_IJ

    Args:
        beable: a_I, (N,) integer.
        phase: φ_I, (N,) real, radians.
        omega: ω_a, (M,) real, 1/time.
        R: coupling, (M, M) real, 1/time; its diagonal matters only if `printed`.
        delta: δ_ab, (M, M) real, radians.
        printed: sum over all J ≠ I, members of I's own class included.

    Returns:
        Ω_I, (N,) real, radians/time.

    Source: Smolin (2012), eq. 40.
    """
    pull = phase_coupling(beable, phase, R, delta)
    left_out = (
        jnp.eye(beable.shape[0], dtype=bool)
        if printed
        else beable[:, None] == beable[None, :]
    )
    return omega[beable] + jnp.sum(jnp.where(left_out, 0, pull), axis=1)


def folded_phase_rate(
    beable: Int[Array, " N"],
    phase: Float[Array, " N"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    *,
    printed: bool = False,
) -> Float[Array, " N"]:
    """Phase rate with the frequencies folded into the coupling, R_aa = ω_a.

    Ω_I = Σ_J G_IJ, the term J = I included

    Args:
        beable: a_I, (N,) integer.
        phase: φ_I, (N,) real, radians.
        omega: ω_a, (M,) real, 1/time; replaces the diagonal of `R`.
        R: coupling, (M, M) real, 1/time.
        delta: δ_ab, (M, M) real, radians, zero on the diagonal.
        printed: leave out J = I, which loses ω_a/n_a.

    Returns:
        Ω_I, (N,) real, radians/time.

    Source: Smolin (2012), eqs. 12 and 40, with ω_a = U_aa as after eq. 26.
    """
    folded = _off_diagonal(R) + jnp.diag(omega)
    pull = phase_coupling(beable, phase, folded, delta)
    return jnp.sum(_off_diagonal(pull) if printed else pull, axis=1)


# --- classes: transition rates and general powers --------------------------------


def copy_function(
    occupation: Float[Array, " M"],
    phase: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    q: ArrayLike,
) -> Float[Array, "M M"]:
    """Rate at which one system of class b copies one given system of class a.

    F_ab = (1/n_a) (n_a/n_b)^q 2 R_ab sin⁺x_ab ≥ 0

    Args:
        occupation: n_a, (M,) real.
        phase: φ_a, (M,) real, radians.
        R: coupling, (M, M) real, 1/time; its diagonal is ignored.
        delta: δ_ab, (M, M) real, radians.
        q: power, scalar; 1/2 is quantum mechanics.

    Returns:
        F_ab, (M, M) real, 1/time, zero on the diagonal.

    Source: Smolin (2012), eqs. 3, 5, 14, 18 and 30.
    """
    angle = link_angle(phase, jnp.zeros_like(delta))
    factor = power_law(occupation, copy_angular(angle, R, delta), q)
    return factor * (_inverse_root(occupation) ** 2)[:, None]


def occupation_rate(
    F: Float[Array, "M M"], occupation: Float[Array, " M"]
) -> Float[Array, " M"]:
    """Change of the occupations, class by class.

    ṅ_a = Σ_b n_a n_b (F_ab - F_ba)

    Args:
        F: F_ab, (M, M) real, 1/time.
        occupation: n_a, (M,) real.

    Returns:
        ṅ_a, (M,) real, 1/time, summing to zero.

    Source: Smolin (2012), eq. 7, third line.
    """
    return occupation * ((F - F.T) @ occupation)


def transition_rate(
    F: Float[Array, "M M"], occupation: Float[Array, " M"]
) -> Float[Array, "M M"]:
    """Rate at which one system of class b becomes a system of class a.

    T_{b→a} = F_ab n_a

    Args:
        F: F_ab, (M, M) real, 1/time.
        occupation: n_a, (M,) real.

    Returns:
        T[a, b] = T_{b→a}, (M, M) real, 1/time.

    Source: Smolin (2012), eq. 10.
    """
    return F * occupation[:, None]


def master_rate(
    density: Float[Array, " M"], transition: Float[Array, "M M"]
) -> Float[Array, " M"]:
    """Change of the density under given transition rates.

    ρ̇_a = Σ_b (ρ_b T_{b→a} - ρ_a T_{a→b})

    Args:
        density: ρ_a, (M,) real.
        transition: T[a, b] = T_{b→a}, (M, M) real, 1/time.

    Returns:
        ρ̇_a, (M,) real, 1/time.

    Source: Smolin (2012), eq. 9.
    """
    return transition @ density - density * jnp.sum(transition, axis=0)


def power_law(
    density: Float[Array, " M"], angular: Float[Array, "M M"], power: ArrayLike
) -> Float[Array, "M M"]:
    """A power of the occupation ratio times a function of the relative phase.

    F'_ab = (ρ_a/ρ_b)^q ℛ_ab and G'_ab = (ρ_a/ρ_b)^r 𝒰_ab

    Args:
        density: ρ_a or n_a, (M,) real.
        angular: ℛ_ab or 𝒰_ab at the present phases, (M, M) real, 1/time.
        power: q or r, scalar.

    Returns:
        F'_ab or G'_ab, (M, M) real, 1/time.

    Source: Smolin (2012), eqs. 15-19.
    """
    return _ratio_power(density, power) * angular


def density_rate(
    density: Float[Array, " M"], angular: Float[Array, "M M"], q: ArrayLike
) -> Float[Array, " M"]:
    """Change of the density for any power q.

    ρ̇_a = Σ_b [(ρ_a/ρ_b)^q ρ_b ℛ_ab - (ρ_b/ρ_a)^q ρ_a ℛ_ba]

    Args:
        density: ρ_a, (M,) real.
        angular: ℛ_ab at the present phases, (M, M) real, 1/time, so that its
            transpose is ℛ_ba at the opposite relative phase.
        q: power, scalar.

    Returns:
        ρ̇_a, (M,) real, 1/time, summing to zero.

    Source: Smolin (2012), eqs. 20 and 21.
    """
    return master_rate(density, power_law(density, angular, q))


def reversible_density_rate(
    density: Float[Array, " M"], angular: Float[Array, "M M"]
) -> Float[Array, " M"]:
    """Change of the density at the time-reversible power q = 1/2.

    ρ̇_a = Σ_b √(ρ_a ρ_b) (ℛ_ab - ℛ_ba)

    Args:
        density: ρ_a, (M,) real.
        angular: ℛ_ab at the present phases, (M, M) real, 1/time.

    Returns:
        ρ̇_a, (M,) real, 1/time.

    Source: Smolin (2012), eq. 23 and eq. 25, second line.
    """
    root = _root(density)
    return root * ((angular - angular.T) @ root)


def pair_density_rate(
    density: Float[Array, " M"], factor: Float[Array, "M M"], *, printed: bool = False
) -> Float[Array, " M"]:
    """Change of the density written with the rescaled copy function.

    ρ̇_a = Σ_b (ρ_b F'_ab - ρ_a F'_ba)

    Args:
        density: ρ_a, (M,) real.
        factor: F'_ab, (M, M) real, 1/time.
        printed: use ρ_a F'_ab - ρ_b F'_ba, with the weights exchanged.

    Returns:
        ρ̇_a, (M,) real, 1/time.

    Source: Smolin (2012), eq. 25, first line.
    """
    weight = density[:, None] if printed else density[None, :]
    flow = weight * factor
    return jnp.sum(flow - flow.T, axis=1)


def class_phase_rate(
    density: Float[Array, " M"],
    angular: Float[Array, "M M"],
    omega: Float[Array, " M"],
    r: ArrayLike,
) -> Float[Array, " M"]:
    """Change of the class phases for any power r.

    φ̇_a = ω_a + Σ_{b≠a} (ρ_a/ρ_b)^r 𝒰_ab

    Args:
        density: ρ_a or n_a, (M,) real.
        angular: 𝒰_ab at the present phases, (M, M) real, 1/time; its diagonal is
            ignored.
        omega: ω_a, (M,) real, 1/time.
        r: power, scalar; -1/2 is quantum mechanics.

    Returns:
        φ̇_a, (M,) real, radians/time.

    Source: Smolin (2012), eqs. 13 and 26.
    """
    return omega + jnp.sum(power_law(density, _off_diagonal(angular), r), axis=1)


# --- classes: functions of the relative phase ------------------------------------


def copy_angular(
    angle: Float[Array, "M M"], R: Float[Array, "M M"], delta: Float[Array, "M M"]
) -> Float[Array, "M M"]:
    """Phase dependence of copying, first harmonic.

    ℛ(e^{iθ})_ab = 2 R_ab sin⁺(θ + δ_ab), with δ_ba = -δ_ab

    Args:
        angle: θ for each entry, (M, M) real, radians; φ_a - φ_b in the law.
        R: coupling, (M, M) real, 1/time; its diagonal is ignored.
        delta: δ_ab, (M, M) real, radians.

    Returns:
        ℛ_ab, (M, M) real, 1/time.

    Source: Smolin (2012), eqs. 22 and 30.
    """
    return 2 * _off_diagonal(R) * positive_sine(angle + delta)


def phase_angular(
    angle: Float[Array, "M M"], R: Float[Array, "M M"], delta: Float[Array, "M M"]
) -> Float[Array, "M M"]:
    """Phase dependence of the phase rate, first harmonic.

    𝒰(e^{iθ})_ab = R_ab cos(θ + δ_ab), with δ_ba = -δ_ab

    Args:
        angle: θ for each entry, (M, M) real, radians; φ_a - φ_b in the law.
        R: coupling, (M, M) real, 1/time; its diagonal is ignored.
        delta: δ_ab, (M, M) real, radians.

    Returns:
        𝒰_ab, (M, M) real, 1/time.

    Source: Smolin (2012), eqs. 24 and 31.
    """
    return _off_diagonal(R) * jnp.cos(angle + delta)


def copy_series(
    angle: Float[Array, "M M"],
    R: Float[Array, "K M M"],
    delta: Float[Array, "K M M"],
    *,
    printed: bool = False,
) -> Float[Array, "M M"]:
    """Phase dependence of copying, Fourier series.

    ℛ(e^{iθ})_ab = Σ_{n≥0} R'ⁿ_ab sin⁺(nθ + δⁿ_ab)

    Args:
        angle: θ for each entry, (M, M) real, radians.
        R: R'ⁿ_ab, (K, M, M) real, 1/time; the first axis is n = 0..K-1.
        delta: δⁿ_ab, (K, M, M) real, radians, antisymmetric in a, b.
        printed: start the sum of row a at n = a (classes counted from 1).

    Returns:
        ℛ_ab, (M, M) real, 1/time.

    Source: Smolin (2012), eq. 27.
    """
    return jnp.sum(
        _kept_harmonics(R, printed) * positive_sine(_multiples(angle, R) + delta),
        axis=0,
    )


def phase_series(
    angle: Float[Array, "M M"],
    R: Float[Array, "K M M"],
    delta: Float[Array, "K M M"],
    *,
    printed: bool = False,
) -> Float[Array, "M M"]:
    """Phase dependence of the phase rate, Fourier series.

    𝒰(e^{iθ})_ab = Σ_{n≥0} Rⁿ_ab cos(nθ + δ'ⁿ_ab)

    Args:
        angle: θ for each entry, (M, M) real, radians.
        R: Rⁿ_ab, (K, M, M) real, 1/time; the first axis is n = 0..K-1.
        delta: δ'ⁿ_ab, (K, M, M) real, radians.
        printed: start the sum of row a at n = a (classes counted from 1).

    Returns:
        𝒰_ab, (M, M) real, 1/time.

    Source: Smolin (2012), eq. 28.
    """
    return jnp.sum(
        _kept_harmonics(R, printed) * jnp.cos(_multiples(angle, R) + delta), axis=0
    )


def _multiples(angle: Array, R: Array) -> Array:
    return jnp.arange(R.shape[0])[:, None, None] * angle[None]


def _kept_harmonics(R: Array, printed: bool) -> Array:
    if not printed:
        return R
    n = jnp.arange(R.shape[0])[:, None, None]
    return jnp.where(n >= jnp.arange(1, R.shape[1] + 1)[None, :, None], R, 0)


# --- the quantum point -----------------------------------------------------------


def quantum_density_rate(
    density: Float[Array, " M"],
    phase: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
) -> Float[Array, " M"]:
    """Change of the density in the quantum case.

    ρ̇_a = Σ_{b≠a} 2 √(ρ_a ρ_b) R_ab sin x_ab

    Args:
        density: ρ_a, (M,) real.
        phase: φ_a, (M,) real, radians.
        R: coupling, (M, M) real, 1/time; its diagonal is ignored.
        delta: δ_ab, (M, M) real, radians.

    Returns:
        ρ̇_a, (M,) real, 1/time; sums to zero only if δ is antisymmetric.

    Source: Smolin (2012), eq. 32.
    """
    root = _root(density)
    return 2 * root * ((_off_diagonal(R) * jnp.sin(link_angle(phase, delta))) @ root)


def quantum_phase_rate(
    density: Float[Array, " M"],
    phase: Float[Array, " M"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    r: ArrayLike = -0.5,
) -> Float[Array, " M"]:
    """Change of the class phases with one harmonic.

    φ̇_a = ω_a + Σ_{b≠a} (ρ_a/ρ_b)^r R_ab cos x_ab

    Args:
        density: ρ_a, (M,) real.
        phase: φ_a, (M,) real, radians.
        omega: ω_a, (M,) real, 1/time.
        R: coupling, (M, M) real, 1/time; its diagonal is ignored.
        delta: δ_ab, (M, M) real, radians.
        r: power, scalar; only -1/2 is quantum mechanics.

    Returns:
        φ̇_a, (M,) real, radians/time.

    Source: Smolin (2012), eq. 33.
    """
    angle = link_angle(phase, jnp.zeros_like(delta))
    return class_phase_rate(density, phase_angular(angle, R, delta), omega, r)


def action_phase(phase: Float[Array, " M"], hbar: ArrayLike = 1) -> Float[Array, " M"]:
    """Hamilton-Jacobi function of a phase.

    S_a = ħ φ_a, the negative of the standard one

    Args:
        phase: φ_a, (M,) real, radians.
        hbar: ħ, scalar, energy · time.

    Returns:
        S_a, (M,) real, energy · time.

    Source: Smolin (2012), eq. 35.
    """
    return phase * hbar


def quantum_state(
    density: Float[Array, " M"], phase: Float[Array, " M"], *, printed: bool = False
) -> Complex[Array, " M"]:
    """Quantum state of an aligned ensemble.

    Ψ_a = √ρ_a e^{-iS_a/ħ} = √ρ_a e^{-iφ_a}

    Args:
        density: ρ_a, (M,) real.
        phase: φ_a, (M,) real, radians.
        printed: take e^{+iS/ħ}, the sign of the wave function quoted first.

    Returns:
        Ψ_a, (M,) complex, of squared norm Σ_a ρ_a.

    Source: Smolin (2012), eq. 34; `printed` is eq. 2.
    """
    return _root(density) * jnp.exp((1j if printed else -1j) * phase)


def hamiltonian(
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    hbar: ArrayLike = 1,
) -> Complex[Array, "M M"]:
    """Hamiltonian that drives the quantum state.

    H_aa = ħ ω_a, H_ab = ħ R_ab e^{iδ_ab}

    Args:
        omega: ω_a, (M,) real, 1/time.
        R: coupling, (M, M) real, 1/time; its diagonal is ignored.
        delta: δ_ab, (M, M) real, radians; antisymmetric, or H is not Hermitian.
        hbar: ħ, scalar, energy · time.

    Returns:
        H, (M, M) complex, energy.

    Source: Smolin (2012), eqs. 37 and 38.
    """
    return (jnp.diag(omega) + _off_diagonal(R) * jnp.exp(1j * delta)) * hbar


def schrodinger_rate(
    psi: Complex[Array, " M"], H: Complex[Array, "M M"], hbar: ArrayLike = 1
) -> Complex[Array, " M"]:
    """Change of the quantum state.

    iħ Ψ̇ = H Ψ

    Args:
        psi: Ψ_a, (M,) complex.
        H: Hamiltonian, (M, M) complex, energy.
        hbar: ħ, scalar, energy · time.

    Returns:
        Ψ̇, (M,) complex, 1/time.

    Source: Smolin (2012), eq. 36.
    """
    return -1j * (H @ psi) / hbar


def lagrangian(
    density: Float[Array, " M"],
    phase: Float[Array, " M"],
    phase_velocity: Float[Array, " M"],
    omega: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
) -> Float[Array, ""]:
    """Integrand of the action of an aligned ensemble.

    L = Σ_a [ρ_a (φ̇_a - ω_a) - Σ_{b≠a} √(ρ_a ρ_b) R_ab cos x_ab]

    Args:
        density: ρ_a, (M,) real.
        phase: φ_a, (M,) real, radians.
        phase_velocity: φ̇_a, (M,) real, radians/time.
        omega: ω_a, (M,) real, 1/time.
        R: coupling, (M, M) real, 1/time; its diagonal is ignored.
        delta: δ_ab, (M, M) real, radians.

    Returns:
        L/ħ, scalar real, 1/time.

    Source: Smolin (2012), eq. 55.
    """
    root = _root(density)
    mixing = root @ (_off_diagonal(R) * jnp.cos(link_angle(phase, delta))) @ root
    return jnp.sum(density * (phase_velocity - omega)) - mixing


# --- nodes -----------------------------------------------------------------------


def node_occupation_rate(
    occupation: Float[Array, " M"],
    phase: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    *,
    printed: bool = False,
) -> Float[Array, " M"]:
    """Change of the occupations, which vanishes for an empty class.

    ṅ_a = 2 Σ_b √(n_a n_b) R_ab sin x_ab

    Args:
        occupation: n_a, (M,) real.
        phase: φ_a, (M,) real, radians.
        R: coupling, (M, M) real, 1/time; its diagonal is ignored.
        delta: δ_ab, (M, M) real, radians.
        printed: drop the factor 2.

    Returns:
        ṅ_a, (M,) real, 1/time.

    Source: Smolin (2012), eq. 63.
    """
    rate = quantum_density_rate(occupation, phase, R, delta)
    return rate / 2 if printed else rate


def node_occupation_acceleration(
    occupation: Float[Array, " M"],
    phase: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    *,
    printed: bool = False,
) -> Float[Array, " M"]:
    """Second derivative of the occupation at a class that is empty.

    n̈_a = 2 Σ_b Σ_c √(n_b n_c) R_ab R_ac (sin x_ab sin x_ac + cos x_ab cos x_ac)

    This is what quantum mechanics demands at a node, 2N |(HΨ)_a|²; the copy law
    itself leaves an empty class empty.

    Args:
        occupation: n_a, (M,) real; meaningful for the classes with n_a = 0.
        phase: φ_a, (M,) real, radians; φ_a of the empty class drops out.
        R: coupling, (M, M) real, 1/time; its diagonal is ignored.
        delta: δ_ab, (M, M) real, radians.
        printed: no factor 2, no cosines, and δ_ab in place of δ_ac.

    Returns:
        n̈_a, (M,) real, 1/time².

    Source: Smolin (2012), eq. 64.
    """
    x = link_angle(phase, delta)
    weighted = _off_diagonal(R) * _root(occupation)[None, :]
    sine = jnp.sum(weighted * jnp.sin(x), axis=1)
    if not printed:
        cosine = jnp.sum(weighted * jnp.cos(x), axis=1)
        return 2 * (sine**2 + cosine**2)
    # φ_a - φ_c + δ_ab: the phase shift belongs to b although c is summed.
    mixed = jnp.sin((phase[:, None] - phase[None, :])[:, None, :] + delta[:, :, None])
    return jnp.einsum("ab,ac,abc->a", weighted * jnp.sin(x), weighted, mixed)


def least_density(
    density: ArrayLike, angle: ArrayLike, q: ArrayLike, r: ArrayLike
) -> Float[Array, ""]:
    """Least density that a small class reaches while it loses to a large one.

    ρ_min^s = ρ_0^s + 2 s ln cos x_0 with s = q + r; ρ_min = ρ_0 cos²x_0 at s = 0

    The right side can vanish only if s > 0, so nodes are avoided iff q + r ≤ 0.

    Args:
        density: ρ_0 ≪ 1 of the small class, real.
        angle: x_0 in (-π/2, 0), real, radians.
        q: power of the copy rate, scalar.
        r: power of the phase rate, scalar.

    Returns:
        ρ_min, real; 0 where the class reaches a node.

    Source: Smolin (2012), section 3.4 (nodes) with eqs. 20 and 26.
    """
    s = jnp.asarray(q + r)
    log_cosine = jnp.log(jnp.cos(angle))
    small = jnp.abs(s) < jnp.sqrt(jnp.finfo(s.dtype).eps)
    safe_s = jnp.where(small, 1, s)
    base = 1 + 2 * safe_s * log_cosine * density ** (-safe_s)
    survives = base > 0
    factor = jnp.where(survives, base, 1) ** (1 / safe_s)
    factor = jnp.where(survives, factor, 0)
    return jnp.where(small, jnp.exp(2 * log_cosine), factor) * density

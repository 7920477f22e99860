"""Classes: how copying and phase rates depend on the relative phase."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..registry import equations_of
from .links import off_diagonal, positive_sine

equation = equations_of("copying")


@equation("22", "3 real ensemble formulation").corrected(
    "Time reversal makes the phase function of copying symmetric in its two classes.",
    printed="The phase shifts must change sign along with the exchange of classes; as "
    "printed it fails for general shifts and holds for shifts 0 or pi, that is real "
    "Hamiltonians.",
    printed_tex=r"\mathcal{R}\left(e^{i(\phi_a-\phi_b)}\right)_{ba}=\mathcal{R}"
    r"\left(e^{i(\phi_a-\phi_b)}\right)_{ab}",
    tex=r"\mathcal{R}\left(e^{i(\phi_a-\phi_b)};\delta\right)_{ba}=\mathcal{R}"
    r"\left(e^{i(\phi_a-\phi_b)};-\delta\right)_{ab}",
    test="test_densities.py::test_symmetry_of_the_copy_angular",
)
@equation("30", "3.1 Schroedinger equation").corrected(
    "Quantum mechanics takes the first harmonic alone for copying, with twice the "
    "coupling.",
    printed="In the scanned text the condition on the phase shifts is lost after the "
    "last comma; they must be antisymmetric, or the Hamiltonian is not Hermitian.",
    printed_tex=r"\mathcal{R}\left(e^{i(\phi_a-\phi_b)}\right)_{ab}=2R_{ab}\sin^{+}("
    r"\phi_a-\phi_b+\delta_{ab}),\qquad R_{ab}=R_{ba}",
    tex=r"\mathcal{R}\left(e^{i(\phi_a-\phi_b)}\right)_{ab}=2R_{ab}\sin^{+}(\phi_a-"
    r"\phi_b+\delta_{ab}),\qquad R_{ab}=R_{ba},\quad \delta_{ab}=-\delta_{ba}",
    test="test_densities.py::test_shifts_must_be_antisymmetric",
)
def copy_angular(
    angle: Float[Array, "M M"], R: Float[Array, "M M"], delta: Float[Array, "M M"]
) -> Float[Array, "M M"]:
    """Phase dependence of copying, first harmonic.

    ℛ(e^{iθ})_ab = 2 R_ab sin⁺(θ + δ_ab), with δ_ba = -δ_ab

    Args:
        angle: θ for each entry, (M, M) real, radians; φ_a - φ_b in the law.

    Returns:
        ℛ_ab, (M, M) real, 1/time.
    """
    return 2 * off_diagonal(R) * positive_sine(angle + delta)


@equation("24", "3 real ensemble formulation").corrected(
    "Time reversal makes the phase function of the phase rate even.",
    printed="It is even only if the phase shifts change sign as well.",
    printed_tex=r"\mathcal{U}(z)_{ab}=\mathcal{U}(\bar z)_{ab}",
    tex=r"\mathcal{U}(z;\delta)_{ab}=\mathcal{U}(\bar z;-\delta)_{ab}",
    test="test_densities.py::test_symmetry_of_the_phase_angular",
)
@equation("31", "3.1 Schroedinger equation").corrected(
    "Quantum mechanics takes the first harmonic alone for the phase rate, with the "
    "same coupling and shift.",
    printed="As for (30): the antisymmetry of the shifts is missing.",
    printed_tex=r"\mathcal{U}\left(e^{i(\phi_a-\phi_b)}\right)_{ab}=R_{ab}\cos(\phi_a-"
    r"\phi_b+\delta_{ab}),\qquad R_{ab}=R_{ba}",
    tex=r"\mathcal{U}\left(e^{i(\phi_a-\phi_b)}\right)_{ab}=R_{ab}\cos(\phi_a-\phi_b+"
    r"\delta_{ab}),\qquad R_{ab}=R_{ba},\quad \delta_{ab}=-\delta_{ba}",
    test="test_densities.py::test_shifts_must_be_antisymmetric",
)
def phase_angular(
    angle: Float[Array, "M M"], R: Float[Array, "M M"], delta: Float[Array, "M M"]
) -> Float[Array, "M M"]:
    """Phase dependence of the phase rate, first harmonic.

    𝒰(e^{iθ})_ab = R_ab cos(θ + δ_ab), with δ_ba = -δ_ab

    Args:
        angle: θ for each entry, (M, M) real, radians; φ_a - φ_b in the law.

    Returns:
        𝒰_ab, (M, M) real, 1/time.
    """
    return off_diagonal(R) * jnp.cos(angle + delta)


@equation("27", "3.1 Schroedinger equation").corrected(
    "Fourier series of the phase function of copying, each harmonic rectified.",
    printed="In the scanned text the sum starts at n = a, which drops the first "
    "harmonic of classes above the first; it must start at 0 or 1. Nothing says that "
    "the shifts are antisymmetric, without which rectified terms do not combine to a "
    "sine.",
    printed_tex=r"\mathcal{R}\left(e^{i(\phi_a-\phi_b)}\right)_{ab}=\sum_{n=a}^{"
    r"\infty}R'^{\,n}_{ab}\sin^{+}\left(n(\phi_a-\phi_b)+\delta^{n}_{ab}\right)",
    tex=r"\mathcal{R}\left(e^{i(\phi_a-\phi_b)}\right)_{ab}=\sum_{n=0}^{\infty}R'^{"
    r"\,n}_{ab}\sin^{+}\left(n(\phi_a-\phi_b)+\delta^{n}_{ab}\right),\qquad "
    r"\delta^{n}_{ba}=-\delta^{n}_{ab}",
    test="test_densities.py::test_fourier_series",
)
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
    """
    return jnp.sum(
        _kept_harmonics(R, printed) * positive_sine(_multiples(angle, R) + delta),
        axis=0,
    )


@equation("28", "3.1 Schroedinger equation").corrected(
    "Fourier series of the phase function of the phase rate.",
    printed="In the scanned text the sum starts at n = a, which drops the first "
    "harmonic of classes above the first; it must start at 0 or 1.",
    printed_tex=r"\mathcal{U}\left(e^{i(\phi_a-\phi_b)}\right)_{ab}=\sum_{n=a}^{"
    r"\infty}R^{n}_{ab}\cos\left(n(\phi_a-\phi_b)+\delta'^{\,n}_{ab}\right)",
    tex=r"\mathcal{U}\left(e^{i(\phi_a-\phi_b)}\right)_{ab}=\sum_{n=0}^{"
    r"\infty}R^{n}_{ab}\cos\left(n(\phi_a-\phi_b)+\delta'^{\,n}_{ab}\right)",
    test="test_densities.py::test_fourier_series",
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

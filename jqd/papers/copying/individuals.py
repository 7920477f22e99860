"""Individuals: copying, its rates, and the rates of the phases."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from ...laws.alignment import inverse_root
from ..registry import equations_of
from .links import link_angle, off_diagonal, per_pair, positive_sine, ratio_power

equation = equations_of("copying")


@equation("1", "2.2 postulates").holds(
    "When one system copies another it takes over both of its beables, the value and "
    "the phase.",
    test="test_individuals.py::test_copying_moves_both_beables",
)
@equation("4", "2.4 mathematical formulation").holds(
    "The state of the copied system replaces that of the copier, beable and phase "
    "together.",
    test="test_individuals.py::test_copying_moves_both_beables",
)
def copy_beables(
    beable: Int[Array, " N"],
    phase: Float[Array, " N"],
    copier: ArrayLike,
    copied: ArrayLike,
) -> tuple[Int[Array, " N"], Float[Array, " N"]]:
    """State after one individual has copied another.

    a_I → a_J, φ_I → φ_J

    Args:
        copier: the index I, scalar integer.
        copied: the index J, scalar integer.

    Returns:
        The new (beable, phase), shapes and dtypes unchanged.
    """
    return (
        beable.at[copier].set(beable[copied]),
        phase.at[copier].set(phase[copied]),
    )


@equation("8", "3 real ensemble formulation").holds(
    "The density of a class is its share of the ensemble.",
    test="test_individuals.py::test_density_is_a_share",
)
def occupations(
    beable: Int[Array, " N"], num_classes: int, *, dtype=None
) -> Float[Array, " M"]:
    """Number of individuals in each class.

    n_a = Σ_I [a_I = a]

    Args:
        dtype: real dtype of the result; JAX's default when None.

    Returns:
        n_a, (M,) real, summing to N. Divided by N it is the density ρ_a.

    Source: Smolin (2012), eq. 8 and the definition before eq. 7.
    """
    return jnp.sum(jax.nn.one_hot(beable, num_classes, dtype=dtype), axis=0)


@equation("3", "2.4 mathematical formulation").holds(
    "The rate at which I copies J depends only on the beables and the class "
    "occupations of the two.",
    test="test_individuals.py::test_rates_depend_on_the_pair_alone",
)
@equation("39", "3.1.1 final evolution rules").corrected(
    "Final copy rule: rate at which one individual copies another.",
    printed="Phases and labels are those of the copier less the copied; they must be "
    "those of the copied less the copier. As printed the density moves at exactly "
    "minus the quantum rate.",
    printed_tex=r"\mathcal{P}(I\text{ copy }J)=\frac{1}{\sqrt{n_I n_J}}\,2R_{a_I a_J}"
    r"\sin^{+}(\phi_I-\phi_J+\delta_{a_I a_J})",
    tex=r"\mathcal{P}(I\text{ copy }J)=\frac{1}{\sqrt{n_I n_J}}\,2R_{a_I a_J}\sin^{+}("
    r"\phi_J-\phi_I+\delta_{a_J a_I})",
    test="test_quantum.py::test_copy_rule",
)
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
        occupation: n_a, (M,) real; counted from `beable` when None.
        printed: take sin⁺(φ_I - φ_J + δ_{a_I a_J}), which runs time backwards.

    Returns:
        P[I, J], (N, N) real, 1/time; zero within a class.
    """
    if occupation is None:
        occupation = occupations(beable, R.shape[-1], dtype=R.dtype)
    x = link_angle(phase, per_pair(delta, beable))
    weight = inverse_root(occupation)[beable]
    rate = 2 * per_pair(off_diagonal(R), beable) * weight[:, None] * weight[None, :]
    return rate * positive_sine(x if printed else x.T)


@equation("14", "3 real ensemble formulation").corrected(
    "For a good limit of many copies the transition rate depends on the ratio of the "
    "two occupations and on the relative phase only.",
    printed="The copier fills the first slot of ratio and phase; it must be the copied "
    "system, or at q = 1/2 the density runs backwards in time.",
    printed_tex=r"F(n_I,\phi_I,n_J,\phi_J)_{ab}\,n_a=F'\left(\frac{n_I}{n_J},\,e^{i("
    r"\phi_{a_I}-\phi_{a_J})}\right)_{ab}",
    tex=r"F(n_J,\phi_J,n_I,\phi_I)_{ab}\,n_a=F'\left(\frac{n_J}{n_I},\,e^{i("
    r"\phi_{a_J}-\phi_{a_I})}\right)_{ab}",
    test="test_individuals.py::test_slots_of_the_copy_function",
)
@equation("16", "3 real ensemble formulation").corrected(
    "The rescaled copy function factorises into a function of the occupation ratio and "
    "one of the relative phase.",
    printed="The same exchange of slots as in (14).",
    printed_tex=r"F'\left(\frac{n_a}{n_b},\,e^{i(\phi_{a_I}-\phi_{a_J})}\right)_{ab}="
    r"\mathcal{F}\left(\frac{n_a}{n_b}\right)_{ab}\mathcal{R}\left(e^{i(\phi_{a_I}-"
    r"\phi_{a_J})}\right)_{ab}",
    tex=r"F'\left(\frac{n_a}{n_b},\,e^{i(\phi_{a_J}-\phi_{a_I})}\right)_{ab}="
    r"\mathcal{F}\left(\frac{n_a}{n_b}\right)_{ab}\mathcal{R}\left(e^{i(\phi_{a_J}-"
    r"\phi_{a_I})}\right)_{ab},\qquad a=a_J,\ b=a_I",
    test="test_individuals.py::test_slots_of_the_copy_function",
)
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
        q: power, scalar; 1/2 is quantum mechanics.
        printed: put the copier I, not the copied J, into the first slot.

    Returns:
        P[I, J], (N, N) real, 1/time.
    """
    n = occupations(beable, R.shape[-1], dtype=R.dtype)
    x = link_angle(phase, per_pair(delta, beable))
    strength = 2 * per_pair(off_diagonal(R), beable) * positive_sine(x)
    # first_slot[K, L]: K fills the first slot, L the second.
    first_slot = ratio_power(n[beable], q) * strength / n[beable][:, None]
    return first_slot if printed else first_slot.T


@equation("5", "2.4 mathematical formulation").corrected(
    "The individual copy rates are the components of one class function F, "
    "non-negative, labelled by the two classes.",
    printed="The labels are exchanged: (7), (9) and (10) need the first label for the "
    "class that is copied and the second for the class of the copier.",
    printed_tex=r"P(I\operatorname{copy}J)\big|_{a=a_I,\,b=a_J}=F(\ldots)_{ab}",
    tex=r"P(I\operatorname{copy}J)\big|_{a=a_J,\,b=a_I}=F(\ldots)_{ab}",
    test="test_individuals.py::test_labels_of_the_copy_function",
)
def copy_rate_from_function(
    F: Float[Array, "M M"], beable: Int[Array, " N"], *, printed: bool = False
) -> Float[Array, "N N"]:
    """Individual copy rates read off the class function F.

    P(I copy J) = F_ab with a = a_J (copied) and b = a_I (copier)

    Args:
        printed: read a = a_I, b = a_J, at odds with the equations that follow.

    Returns:
        P[I, J], (N, N) real, 1/time.
    """
    rate = per_pair(F, beable)
    return rate if printed else rate.T


def occupation_rate_of_individuals(
    rate: Float[Array, "N N"], beable: Int[Array, " N"], num_classes: int
) -> Float[Array, " M"]:
    """Mean change of the occupations under given individual copy rates.

    ṅ_a = Σ_I Σ_{J≠I} [a_J = a][a_I ≠ a] (P(I copy J) - P(J copy I)), in 1/time

    Args:
        rate: P[I, J], (N, N) real, 1/time.

    Source: Smolin (2012), eq. 7, first line.
    """
    member = jax.nn.one_hot(beable, num_classes, dtype=rate.dtype)
    return jnp.einsum("Ja,Ia,IJ->a", member, 1 - member, rate - rate.T)


@equation("6", "2.4 mathematical formulation").holds(
    "Between copies each phase moves at the frequency of its class and a sum over the "
    "ensemble of terms for pairs.",
    test="test_individuals.py::test_phase_rate_is_a_sum_over_pairs",
)
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
        R: coupling, (M, M) real, 1/time.
        occupation: n_a, (M,) real; counted from `beable` when None.

    Returns:
        G[I, J], (N, N) real, 1/time.
    """
    if occupation is None:
        occupation = occupations(beable, R.shape[-1], dtype=R.dtype)
    x = link_angle(phase, per_pair(delta, beable))
    weight = inverse_root(occupation)[beable]
    return per_pair(R, beable) * weight[:, None] * weight[None, :] * jnp.cos(x)


@equation("11", "3 real ensemble formulation").holds(
    "Aligned phases, one for each class, stay aligned under the phase rule.",
    test="test_individuals.py::test_alignment_is_preserved",
)
@equation("40", "3.1.1 final evolution rules").corrected(
    "Final phase rule: rate of each individual's phase.",
    printed="The sum leaves out the system itself only; with the frequency as the "
    "coupling of a class to itself, as after (26), it must leave out the whole class, "
    "whose pull would be counted beside the frequency. In the scanned text the shift "
    "carries free labels instead of the classes of the pair.",
    printed_tex=r"\dot\phi_I=\Omega_I=\omega_{a_I}+\sum_{J\neq I}\frac{1}{\sqrt{n_I "
    r"n_J}}R_{a_I a_J}\cos(\phi_I-\phi_J+\delta_{ab})",
    tex=r"\dot\phi_I=\Omega_I=\omega_{a_I}+\sum_{J:\,a_J\neq a_I}\frac{1}{\sqrt{n_I "
    r"n_J}}R_{a_I a_J}\cos(\phi_I-\phi_J+\delta_{a_I a_J})",
    test="test_quantum.py::test_phase_rule",
)
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

    Ω_I = ω_{a_I} + Σ_{J: a_J ≠ a_I} G_IJ, in radians/time

    Args:
        R: coupling, (M, M) real, 1/time; its diagonal matters only if `printed`.
        printed: sum over all J ≠ I, members of I's own class included.
    """
    pull = phase_coupling(beable, phase, R, delta)
    left_out = (
        jnp.eye(beable.shape[0], dtype=bool)
        if printed
        else beable[:, None] == beable[None, :]
    )
    return omega[beable] + jnp.sum(jnp.where(left_out, 0, pull), axis=1)


@equation("12", "3 real ensemble formulation").corrected(
    "For aligned phases the sum over individuals becomes a sum over classes weighted "
    "with their occupations.",
    printed="The two sums agree only if the system itself is counted; leaving it out, "
    "as (40) does, changes the rate by a term of order 1/n_a.",
    printed_tex=r"\dot\phi^I=\sum_J G_{a_I a_J}=\sum_b n_b\,G_{a_I b}",
    tex=r"\dot\phi^I=\sum_{J\neq I}G_{a_I a_J}+G_{a_I a_I}=\sum_b n_b\,G_{a_I b}",
    test="test_individuals.py::test_sum_over_classes_includes_oneself",
)
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

    Ω_I = Σ_J G_IJ, the term J = I included, in radians/time

    Args:
        omega: ω_a, (M,) real, 1/time; replaces the diagonal of `R`.
        R: coupling, (M, M) real, 1/time.
        delta: δ_ab, (M, M) real, radians, zero on the diagonal.
        printed: leave out J = I, which loses ω_a/n_a.

    Source: Smolin (2012), eqs. 12 and 40, with ω_a = U_aa as after eq. 26.
    """
    folded = off_diagonal(R) + jnp.diag(omega)
    pull = phase_coupling(beable, phase, folded, delta)
    return jnp.sum(off_diagonal(pull) if printed else pull, axis=1)

"""Nodes: what happens at a class that is empty or nearly so."""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from ..registry import equations_of
from .links import link_angle, off_diagonal, square_root
from .quantum_point import quantum_density_rate

equation = equations_of("copying")


@equation("63", "3.4 open issues").corrected(
    "An empty class stays empty, since copying needs somebody to copy.",
    printed="A factor 2 is missing in the second line.",
    printed_tex=r"\dot n_a=\sum_b\sqrt{n_a n_b}\,R_{ab}\sin(\phi_a-\phi_b+"
    r"\delta_{ab})=0",
    tex=r"\dot n_a=2\sum_b\sqrt{n_a n_b}\,R_{ab}\sin(\phi_a-\phi_b+\delta_{ab})=0",
    test="test_nodes.py::test_empty_class_stays_empty",
)
def node_occupation_rate(
    occupation: Float[Array, " M"],
    phase: Float[Array, " M"],
    R: Float[Array, "M M"],
    delta: Float[Array, "M M"],
    *,
    printed: bool = False,
) -> Float[Array, " M"]:
    """Change of the occupations, which vanishes for an empty class.

    ṅ_a = 2 Σ_b √(n_a n_b) R_ab sin x_ab, in 1/time

    Args:
        printed: drop the factor 2.
    """
    rate = quantum_density_rate(occupation, phase, R, delta)
    return rate / 2 if printed else rate


@equation("64", "3.4 open issues").corrected(
    "Second derivative of the occupation at a node, as quantum mechanics has it.",
    printed="A factor 2 and the product of cosines are missing, and the second shift "
    "carries the labels of the first.",
    printed_tex=r"\ddot n_a=\sum_{b\neq a}\sum_{c\neq a}\sqrt{n_b n_c}\,R_{ab}R_{ac}"
    r"\sin(\phi_a-\phi_b+\delta_{ab})\sin(\phi_a-\phi_c+\delta_{ab})",
    tex=r"\ddot n_a=2\sum_{b\neq a}\sum_{c\neq a}\sqrt{n_b n_c}\,R_{ab}R_{ac}\left["
    r"\sin(\phi_a-\phi_b+\delta_{ab})\sin(\phi_a-\phi_c+\delta_{ac})+\cos(\phi_a-"
    r"\phi_b+\delta_{ab})\cos(\phi_a-\phi_c+\delta_{ac})\right]",
    test="test_nodes.py::test_acceleration_at_a_node",
)
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
        printed: no factor 2, no cosines, and δ_ab in place of δ_ac.

    Returns:
        n̈_a, (M,) real, 1/time².
    """
    x = link_angle(phase, delta)
    weighted = off_diagonal(R) * square_root(occupation)[None, :]
    sine = jnp.sum(weighted * jnp.sin(x), axis=1)
    if not printed:
        cosine = jnp.sum(weighted * jnp.cos(x), axis=1)
        return 2 * (sine**2 + cosine**2)
    # φ_a - φ_c + δ_ab: the phase shift belongs to b although c is summed.
    mixed = jnp.sin((phase[:, None] - phase[None, :])[:, None, :] + delta[:, :, None])
    return jnp.einsum("ab,ac,abc->a", weighted * jnp.sin(x), weighted, mixed)


@equation("claim-nodes", "3.4 open issues").holds(
    "Two classes of equal energy avoid nodes from almost every start if and only if q "
    "+ r is not positive; quantum mechanics lies on the boundary. Starts with x = "
    "-pi/2 exactly meet a node at any powers.",
    test="test_nodes.py::test_nodes_and_the_sum_of_powers",
)
def least_density(
    density: ArrayLike, angle: ArrayLike, q: ArrayLike, r: ArrayLike
) -> Float[Array, ""]:
    """Least density that a small class reaches while it loses to a large one.

    ρ_min^s = ρ_0^s + 2 s ln cos x_0 with s = q + r; ρ_min = ρ_0 cos²x_0 at s = 0

    The right side can vanish only if s > 0: with two classes, and x_0 off ±π/2, nodes
    are avoided iff q + r ≤ 0.

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

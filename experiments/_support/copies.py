"""What few copies do in a Rabi period and near a node, in closed form."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

# -- two classes of equal ω, one period between p_min and p_max ---------------------


def rabi_energy_loss(p_min: ArrayLike, p_max: ArrayLike) -> Float[Array, "..."]:
    """N times the share of the energy that two classes of equal ω lose in each period.

    E⟨H⟩ ≈ H_0 (1 - g κ/N) after g ≪ N/κ periods,  κ = ¼ ∫ dp/(p²(1-p)²)

    Later more is lost than exp(-g κ/N) says, since orbits spread towards the nodes.

    Args:
        p_min: least density of the first class, in (0, 1).
        p_max: greatest density of it.

    Returns:
        κ.
    """
    low, high = jnp.asarray(p_min), jnp.asarray(p_max)

    def primitive(p: Array) -> Array:
        return 2 * _logit(p) + (2 * p - 1) / (p * (1 - p))

    return (primitive(high) - primitive(low)) / 4


def _logit(p: Array) -> Array:
    return jnp.log(p) - jnp.log1p(-p)


# -- extinction ---------------------------------------------------------------------


def extinction_probability(
    least: ArrayLike,
    passages: ArrayLike = 1,
    *,
    occupation: ArrayLike = jnp.inf,
    losing: ArrayLike = True,
) -> Float[Array, "..."]:
    """Probability that a class has died out after g passages close to its node.

    losing: (1 - k/(g n))ⁿ,  gaining: (1 + k/(g n))⁻ⁿ,  many systems: e^{-k/g}

    While its phase x runs from -π/2 to π/2, each system of a small class dies at rate
    2 tan|x| per unit of x before x = 0 and is copied at that rate after it. So each of
    n systems that begin at x < 0 survives with probability cos² x, and the numbers
    of successive passages of x = 0 are a critical branching process. For two classes a
    passage is a half-period: each is small in its turn. Noise shifts a node by about as
    long as a passage lasts: the laws hold midway between turning points, not at them.

    Args:
        least: k <= n, the mean number at the turning point, n cos² x; N p_min.
        passages: g >= 1, turning points passed, or still to pass where it is gaining.
        occupation: n, systems at the start; inf if the class comes in from many, as
            from p = 1/2 (e^{-k}). With n = k the start is the turning point:
            (1 - 1/g)^k, and gaining, (g/(g+1))^k midway after g further ones.
        losing: whether x < 0 at the start.

    Returns:
        Probability, the broadcast of all arguments.
    """
    k, g, n = (jnp.asarray(value, float) for value in (least, passages, occupation))
    some = jnp.isfinite(n) & (n > 0)
    safe = jnp.where(some, n, 1)
    share = jnp.clip(k / g / safe, 0, 1)
    dies = jnp.asarray(losing)
    # log1p(-1) is -inf, as it should be, but its derivative is not wanted
    certain = some & dies & (share >= 1)
    inside = jnp.where(certain | ~some, 0, share)
    log = safe * jnp.where(dies, jnp.log1p(-inside), -jnp.log1p(inside))
    result = jnp.exp(jnp.where(some, log, -k / g))
    return jnp.where(certain, 0, result)

"""The parametric amplifier in closed form, for every strength of diffusion."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jqd import _checks


def amplifier_variances(
    t: ArrayLike,
    g: ArrayLike,
    C: ArrayLike,
    V_x: ArrayLike,
    V_y: ArrayLike,
    *,
    hbar: ArrayLike = 1.0,
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Variances of X and Y in a parametric amplifier, at any strength C of diffusion.

    ∂ₜQ = -g∂_X(XQ) + g∂_Y(YQ) - (għC/4)∂_X²Q + (għC/4)∂_Y²Q, so that
    V_X(t) = ħC/4 + (V_X - ħC/4) e^(2gt), V_Y(t) = ħC/4 + (V_Y - ħC/4) e^(-2gt)

    Variances are in action, ħ/2 in a coherent state. Where one is negative the density
    has ceased to exist, see `amplifier_collapse_time`.
    """
    t, g, C, V_x, V_y, hbar = map(_checks.widen, (t, g, C, V_x, V_y, hbar))
    floor = hbar * C / 4
    growth = jnp.exp(2 * g * t)
    return floor + (V_x - floor) * growth, floor + (V_y - floor) / growth


def amplifier_collapse_time(
    g: ArrayLike,
    C: ArrayLike,
    V_x: ArrayLike,
    V_y: ArrayLike,
    *,
    hbar: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """When a variance of `amplifier_variances` reaches zero, and the density ends.

    t = ln(ħC/(ħC - 4V_X))/2g where 4V_X < ħC (too much diffusion in X), and
    t = ln((4V_Y - ħC)/(-ħC))/2g where C < 0 (negative diffusion in Y); else inf.
    """
    g, C, V_x, V_y, hbar = map(_checks.widen, (g, C, V_x, V_y, hbar))
    strength = hbar * C
    in_x, in_y = 4 * V_x < strength, strength < 0
    x_ratio = strength / jnp.where(in_x, strength - 4 * V_x, 1)
    y_ratio = (4 * V_y - strength) / jnp.where(in_y, -strength, 1)
    ratio = jnp.where(in_x, x_ratio, jnp.where(in_y, y_ratio, 1))
    return jnp.where(in_x | in_y, jnp.log(ratio) / (2 * g), jnp.inf)

"""Gaussian densities under conservative diffusion mixed with friction and noise.

A Gaussian density with S = m (b (x - X)²/2 + P (x - X)) + const stays one, in a
harmonic well or free, under (31) with a drag -γ (S - ⟨S⟩) and (32) with D_c Δdensity:

    ds/dt = 2bs + 2D_c            s  variance
    db/dt = D²/s² - b² - ω² - γb    b  slope of the velocity v = P + b (x - X)
    dX/dt = P                      X  mean position
    dP/dt = -ω²X - γP              P  mean velocity

Quantum mechanics is D = ħ/2m, γ = 0, D_c = 0; ordinary diffusion in the rest frame of
its medium is D = 0, b = 0.
"""

from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr
from jaxtyping import Array, ArrayLike, Float

from jqd import _checks

# A few ε: the drift over some hundred steps of order 8 stays near rounding.
_RTOL, _ATOL, _MAX_STEPS = 1e-14, 1e-15, 4096


class GaussianMotion(NamedTuple):
    """A Gaussian density and its velocity field at each time.

    Attributes:
        variance: s, (nt,), length².
        slope: b, (nt,), dv/dx, 1/time.
        position: X, (nt,), length.
        velocity: P, (nt,), length/time: the mean momentum over the mass.
    """

    variance: Array
    slope: Array
    position: Array
    velocity: Array


def gaussian_closure(
    ts: ArrayLike,
    s0: ArrayLike,
    b0: ArrayLike = 0.0,
    X0: ArrayLike = 0.0,
    P0: ArrayLike = 0.0,
    *,
    D: ArrayLike = 0.5,
    classical_diffusion: ArrayLike = 0.0,
    friction: ArrayLike = 0.0,
    omega: ArrayLike = 0.0,
) -> GaussianMotion:
    """The Gaussian solution of the mixed model, to rounding.

    The equations at the head of this file, integrated by Dopri8. Works under jit, vmap,
    grad and jacfwd, with respect to every constant.

    Args:
        ts: (nt,) strictly increasing times; the state is given at ts[0].
        s0: variance at ts[0], positive.
        b0: slope of the velocity field.
        X0: mean position.
        P0: mean velocity.
        D: constant of conservative diffusion, ħ/2m in quantum mechanics.
        classical_diffusion: D_c of ordinary diffusion.
        friction: γ, rate.
        omega: ω of the well, 0 for none.

    Returns:
        `GaussianMotion`.

    Raises:
        ValueError: times that do not increase, a variance not positive, a negative D,
            D_c or friction, values that are not real numbers, or 64-bit floats are off.

    Source: Zakir, eqs. (13), (31), (32), for a Gaussian; the mixture is ours.
    """
    _checks.require_x64("`gaussian_closure`")
    _checks.check_times(ts)
    _checks.check_scalar(s0, "s0")
    _checks.check_positive(s0, "s0")
    for value, name in ((b0, "b0"), (X0, "X0"), (P0, "P0"), (omega, "omega")):
        _checks.check_scalar(value, name)
    rates = (D, classical_diffusion, friction)
    names = ("D", "classical_diffusion", "friction")
    for value, name in zip(rates, names, strict=True):
        _checks.check_scalar(value, name)
        _checks.check_not_negative(value, name)
    start = tuple(map(_checks.widen, (s0, b0, X0, P0)))
    constants = tuple(map(_checks.widen, (D, classical_diffusion, friction, omega)))
    return _integrate(_checks.widen(ts), GaussianMotion(*start), constants)


def reversal_distance(
    duration: ArrayLike,
    s0: ArrayLike,
    P0: ArrayLike,
    *,
    D: ArrayLike = 0.5,
    classical_diffusion: ArrayLike = 0.0,
    friction: ArrayLike = 0.0,
    omega: ArrayLike = 0.0,
) -> Float[Array, ""]:
    """Distance from the initial density after a run forward and, with -S, back.

    ∫ |density - density₀| dx; 0 for conservative diffusion alone.

    Args:
        duration: T of each of the two runs, positive.
        s0: variance at the start, where the velocity is P0 everywhere.
        P0: mean velocity at the start.
        D: constant of conservative diffusion.
        classical_diffusion: D_c.
        friction: γ.
        omega: ω.

    Returns:
        Scalar in [0, 2].

    Raises:
        ValueError: see `gaussian_closure`.
    """
    constants = {
        "D": D,
        "classical_diffusion": classical_diffusion,
        "friction": friction,
        "omega": omega,
    }
    _checks.check_scalar(duration, "duration")
    _checks.check_positive(duration, "duration")
    ts = jnp.stack([jnp.zeros_like(jnp.asarray(duration)), jnp.asarray(duration)])
    forth = gaussian_closure(ts, s0, 0.0, 0.0, P0, **constants)
    s, b, X, P = (part[-1] for part in forth)
    back = gaussian_closure(ts, s, -b, X, -P, **constants)
    return gaussian_distance(0.0, s0, back.position[-1], back.variance[-1])


def gaussian_distance(
    mean1: ArrayLike, variance1: ArrayLike, mean2: ArrayLike, variance2: ArrayLike
) -> Float[Array, "..."]:
    """∫ |density₁ - density₂| dx of two Gaussian densities, in closed form.

    The densities cross where a quadratic form vanishes; between and beyond the
    crossings the integral is a difference of normal distribution functions.

    Args:
        mean1: mean of the first.
        variance1: its variance, positive.
        mean2: mean of the second.
        variance2: its variance, positive.

    Returns:
        Broadcast shape, in [0, 2].

    Raises:
        ValueError: variances that are not positive, means that are not real.
    """
    for value, name in ((mean1, "mean1"), (mean2, "mean2")):
        _checks.check_real(value, name)
        _checks.check_finite(value, name)
    for value, name in ((variance1, "variance1"), (variance2, "variance2")):
        _checks.check_positive(value, name)
    m1, s1, m2, s2 = map(_checks.widen, (mean1, variance1, mean2, variance2))
    # in units of the first: a y² - 2 h y + c = 0 for y = (x - m1)/√s1
    shift, ratio = (m2 - m1) / jnp.sqrt(s1), s2 / s1
    a, h = ratio - 1, -shift
    c = -(shift**2) - ratio * jnp.log(ratio)
    square = h**2 - a * c
    same = square <= 0
    root = jnp.sqrt(jnp.where(same, 1, square))
    # the two stable forms of the roots; the one at infinity belongs to a = 0
    q = h + jnp.where(h < 0, -root, root)
    first = c / jnp.where(same, 1, q)
    level = jnp.abs(a) <= jnp.finfo(a.dtype).tiny
    second = jnp.where(level, jnp.inf, q / jnp.where(level, 1, a))

    def gap(y: Array) -> Array:
        return ndtr(y) - ndtr((y - shift) / jnp.sqrt(ratio))

    return jnp.where(same, 0, 2 * jnp.abs(gap(first) - gap(second)))


@jax.jit
def _integrate(
    ts: Array, start: GaussianMotion, constants: tuple[Array, ...]
) -> GaussianMotion:
    import diffrax

    def field(t: Any, y: GaussianMotion, args: Any) -> GaussianMotion:
        del t
        D, D_c, gamma, omega = args
        s, b, X, P = y
        return GaussianMotion(
            2 * b * s + 2 * D_c,
            (D / s) ** 2 - b**2 - omega**2 - gamma * b,
            P,
            -(omega**2) * X - gamma * P,
        )

    if ts.shape[0] == 1:
        return GaussianMotion(*(jnp.reshape(part, (1,)) for part in start))
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field), diffrax.Dopri8(), ts[0], ts[-1], None, start,
        args=constants, saveat=diffrax.SaveAt(ts=ts), max_steps=_MAX_STEPS,
        stepsize_controller=diffrax.PIDController(rtol=_RTOL, atol=_ATOL),
        # forward mode too: fits take the Jacobian by jacfwd
        adjoint=diffrax.DirectAdjoint(),
    )  # fmt: skip
    return cast(GaussianMotion, solution.ys)

"""Closed forms of rival laws; ħ = m = 1.

Each function works under jit, vmap and grad.
"""

from typing import Any, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from .. import _checks
from .._math import expi
from .closed_forms import cos_and_sinc


def gausson(
    x: ArrayLike,
    t: ArrayLike,
    b: ArrayLike,
    *,
    velocity: ArrayLike = 0.0,
    center: ArrayLike = 0.0,
) -> Complex[Array, "..."]:
    """The soliton of the logarithmic law, i dψ/dt = -½ψ'' - b ln ρ ψ, at b > 0.

    ρ is a Gaussian of variance 1/4b that moves with any velocity; at rest the phase of
    ψ turns at the rate b + b/2 ln(π/2b).

    Args:
        x: positions.
        t: times, broadcast against `x`.
        b: strength, positive.
        velocity: v.
        center: mean position at t = 0.

    Returns:
        Complex amplitudes of the broadcast shape.

    Raises:
        ValueError: b is not positive.

    Source: I. Białynicki-Birula, J. Mycielski (1976) Ann. Phys. 100, 62.
    """
    _checks.check_positive(b, "b")
    x, t, b, v = map(jnp.asarray, (x, t, b, velocity))
    apart = x - center - v * t
    # -½ψ''/ψ of exp(-b y²) is b - 2b²y², and -b ln ρ = -b/2 ln(2b/π) + 2b²y²
    rate = b - b / 2 * jnp.log(2 * b / jnp.pi)
    phase = v * (x - center) - (v**2 / 2 + rate) * t
    return (2 * b / jnp.pi) ** 0.25 * jnp.exp(-b * apart**2 + 1j * phase)


def bright_soliton(
    x: ArrayLike, t: ArrayLike, g: ArrayLike, *, velocity: ArrayLike = 0.0
) -> Complex[Array, "..."]:
    """The soliton of the cubic law, i dψ/dt = -½ψ'' + g|ψ|²ψ, at g < 0.

    ψ = √(κ/2) sech(κ(x - vt)) exp(ivx + i(κ² - v²)t/2), κ = -g/2.

    Args:
        x: positions.
        t: times, broadcast against `x`.
        g: strength, negative.
        velocity: v.

    Returns:
        Complex amplitudes of the broadcast shape.

    Raises:
        ValueError: g is not negative.
    """
    _checks.check_positive(-jnp.asarray(g), "-g")
    x, t, g, v = map(jnp.asarray, (x, t, g, velocity))
    kappa = -g / 2
    phase = v * x + (kappa**2 - v**2) * t / 2
    shape = jnp.sqrt(kappa / 2) / jnp.cosh(kappa * (x - v * t))
    return shape * expi(phase)


def gisin_populations(
    p: ArrayLike, energies: ArrayLike, lam: ArrayLike, t: ArrayLike
) -> Float[Array, "... n"]:
    """Populations of energy levels under Gisin's law: p_k exp(-2λE_k t), normalised.

    Args:
        p: populations at t = 0, (n,).
        energies: E_k, (n,).
        lam: λ.
        t: times, any shape.

    Returns:
        Populations, one row for each time.
    """
    p, E, t = map(jnp.asarray, (p, energies, t))
    exponent = -2 * lam * t[..., None] * (E - jnp.min(E))
    # at negative λ the largest energy grows
    weights = p * jnp.exp(exponent - jnp.max(exponent, axis=-1, keepdims=True))
    return weights / jnp.sum(weights, axis=-1, keepdims=True)


# -- localisation ----------------------------------------------------------------------


def qmupl_packet(
    t: ArrayLike, lam: ArrayLike, width: ArrayLike
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Variances of position and momentum on each path of QMUPL, for a free Gaussian.

    ψ ~ exp(-α (x - X)²), α' = λ - 2iα², the same on all paths: only X is random.
    Var x = 1/(4 Re α), Var p = |α|²/Re α.

    Args:
        t: times, from 0 on.
        lam: λ >= 0, in 1 over the unit of time and of length².
        width: standard deviation of |ψ|² at t = 0, where ψ is real, positive.

    Returns:
        Var x and Var p, of the broadcast shape; for long times 1/(2√λ) and √λ.

    Source: A. Bassi (2005) J. Phys. A 38, 3173.
    """
    _checks.check_positive(width, "width")
    t, lam, width = map(jnp.asarray, (t, lam, width))
    start = 1 / (4 * width**2)
    square = 2j * lam * t**2
    small = jnp.abs(square) < 1e-8
    u = jnp.sqrt(jnp.where(small, 1, square))
    # cosh u and sinh u / u, both divided by exp(u), since they would overflow
    cosh = jnp.where(small, 1 + square / 2, (1 + jnp.exp(-2 * u)) / 2)
    sinhc = jnp.where(small, 1 + square / 6, (1 - jnp.exp(-2 * u)) / (2 * u))
    alpha = (start * cosh + lam * t * sinhc) / (cosh + 2j * t * start * sinhc)
    real = jnp.real(alpha)
    return 1 / (4 * real), (real**2 + jnp.imag(alpha) ** 2) / real


def qmupl_spread(t: ArrayLike, lam: ArrayLike, width: ArrayLike) -> Float[Array, "..."]:
    """Variance of the position of a free Gaussian, averaged over paths of QMUPL.

    s² + t²/4s² + λt³/3, in which λt³/3 comes from the momenta that are gained: the
    energy grows by λ/2 per unit of time.

    Args:
        t: times.
        lam: λ.
        width: s, standard deviation at t = 0, where ψ is real.

    Returns:
        Variance, length².
    """
    t, lam, width = map(jnp.asarray, (t, lam, width))
    return width**2 + (t / (2 * width)) ** 2 + lam * t**3 / 3


def csl_rate(
    distance: ArrayLike, lam: ArrayLike, r_C: ArrayLike
) -> Float[Array, "..."]:
    """Rate at which CSL and GRW destroy coherence between two places of one particle.

    λ (1 - exp(-d²/4r_C²))

    Args:
        distance: d, length.
        lam: λ, in 1 over the unit of time.
        r_C: width, length, positive.

    Returns:
        Rate, in 1 over the unit of time.
    """
    _checks.check_positive(r_C, "r_C")
    distance, lam, r_C = map(jnp.asarray, (distance, lam, r_C))
    return -lam * jnp.expm1(-((distance / (2 * r_C)) ** 2))


def newtonian_self_energy(
    distance: ArrayLike, G_m2: ArrayLike, R0: ArrayLike
) -> Float[Array, "..."]:
    """Newtonian self-energy of the difference between one smeared mass in two places.

    E_Δ = ½ ∫∫ Δ(r) G Δ(r')/|r - r'| = Gm² (1/(√π R_0) - erf(d/2R_0)/d)

    Δ is the difference of two Gaussian densities of standard deviation R_0 in each
    direction of space. E_Δ/ħ is the rate of Diósi and Penrose.

    Args:
        distance: d, length.
        G_m2: Gm², energy times length.
        R0: R_0, length, positive.

    Returns:
        E_Δ, energy.

    Source: L. Diósi (1987) Phys. Lett. A 120, 377.
    """
    _checks.check_positive(R0, "R0")
    d, G_m2, R0 = map(jnp.asarray, (distance, G_m2, R0))
    near = jnp.abs(d) < 1e-2 * R0
    z = jnp.where(near, 1, d / (2 * R0))
    far = 1 / jnp.sqrt(jnp.pi) - jax.scipy.special.erf(z) / (2 * z)
    # a series, since the difference of two close numbers would lose its digits there
    q = jnp.where(near, d / (2 * R0), 0) ** 2
    series = q * (1 / 3 - q * (1 / 10 - q / 42)) / jnp.sqrt(jnp.pi)
    return G_m2 / R0 * jnp.where(near, series, far)


# -- friction --------------------------------------------------------------------------

# Relative tolerance of each step for the width of Kostin's packet.
_KOSTIN = 1e-11


def kostin_packet(
    t: ArrayLike,
    gamma: ArrayLike,
    omega: ArrayLike,
    *,
    center: ArrayLike = 0.0,
    width: ArrayLike = 1.0,
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Centre and width of a Gaussian under Kostin's law in a trap.

    i dψ/dt = Hψ + γ(S - ⟨S⟩)ψ:
    x'' + γx' + ω²x = 0,  σ'' + γσ' = 1/4σ³ - ω²σ, both at rest at t = 0

    The centre is known in closed form; the width is computed by adaptive steps of a
    relative tolerance of 1e-11, NaN where 65 536 of them do not reach a time.

    Args:
        t: times, from 0 on, any shape.
        gamma: γ, friction, scalar.
        omega: ω, angular frequency of the trap, scalar.
        center: mean position at t = 0, scalar.
        width: standard deviation of |ψ|² at t = 0, scalar, positive.

    Returns:
        Mean positions and standard deviations, of the shape of `t`.

    Source: M. D. Kostin (1972) J. Chem. Phys. 57, 3589.
    """
    _checks.check_positive(width, "width")
    t = jnp.asarray(t)
    t, gamma, omega, center, width = (
        jnp.asarray(x, jnp.result_type(t, float))
        for x in (t, gamma, omega, center, width)
    )
    square = (omega**2 - gamma**2 / 4) * t**2
    swing = center * jnp.exp(-gamma * t / 2)
    cos, sinc = cos_and_sinc(square)
    swing = swing * (cos + gamma * t / 2 * sinc)
    return swing, _kostin_widths(jnp.ravel(t), gamma, omega, width).reshape(t.shape)


@jax.jit
def _kostin_widths(t: Array, gamma: Array, omega: Array, width: Array) -> Array:
    import diffrax

    # in units of the width and of the time 2σ² in which it spreads
    unit = 2 * width**2
    friction, trap = gamma * unit, (omega * unit) ** 2

    def field(t: Any, state: Any, args: Any) -> tuple[Array, Array]:
        del t, args
        size, speed = state
        return speed, 1 / size**3 - trap * size - friction * speed

    def one(end: Array) -> Array:
        start = jnp.ones_like(end), jnp.zeros_like(end)
        found = diffrax.diffeqsolve(
            diffrax.ODETerm(field), diffrax.Dopri8(), 0.0, end, None, start,
            stepsize_controller=diffrax.PIDController(rtol=_KOSTIN, atol=_KOSTIN),
            max_steps=16**4, throw=False,
        )  # fmt: skip
        sound = found.result == diffrax.RESULTS.successful
        sizes, _ = cast(tuple[Array, Array], found.ys)
        return jnp.where(sound, sizes[-1], jnp.nan)

    return width * jax.vmap(one)(t / unit)

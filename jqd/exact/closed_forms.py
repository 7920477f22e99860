"""Solutions of the Schrödinger equation in closed form.

Every wave function has unit norm and, at t = 0, the phase p₀ (x - x₀) / ħ, which
vanishes at the centre. Times and positions broadcast: for all times at all positions
pass `x[None, :]` and `t[:, None]`. Everything works under jit, vmap and grad.
"""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Complex

from jqd import _checks
from jqd._program import program


def free_gaussian(
    x: ArrayLike,
    t: ArrayLike,
    *,
    center: ArrayLike = 0.0,
    momentum: ArrayLike = 0.0,
    width: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Complex[Array, "..."]:
    """A Gaussian packet that moves freely and spreads.

    ψ = (2πs₀²)^(-1/4) q^(-1/2) exp(-(x - x₀ - p₀t/m)² / 4s₀²q + i(p₀(x - x₀) -
    p₀²t/2m)/ħ), q = 1 + iħt/2ms₀²; the density has the variance s₀² + (ħt/2ms₀)².

    Args:
        x: positions.
        t: times, broadcast against `x`.
        center: x₀, the mean position at t = 0.
        momentum: p₀.
        width: s₀, the standard deviation of the density at t = 0.
        mass: m.
        hbar: ħ.

    Returns:
        complex128 amplitudes of the broadcast shape, in length^(-1/2).

    Raises:
        ValueError: width, mass or hbar is not positive, or 64-bit floats are off.
    """
    _checks.require_x64("`exact.free_gaussian`")
    _checks.check_all_positive(width=width, mass=mass, hbar=hbar)
    _checks.check_all_real(x=x, t=t, center=center, momentum=momentum)
    x, t, center, momentum, width, mass, hbar = _broadcast(
        x=x, t=t, center=center, momentum=momentum, width=width, mass=mass, hbar=hbar
    )
    return _free_gaussian(x, t, center, momentum, width, mass, hbar)


@program
def _free_gaussian(x, t, center, momentum, width, mass, hbar):
    q = 1 + 1j * hbar * t / (2 * mass * width**2)
    moved = x - center - momentum * t / mass
    phase = (momentum * (x - center) - momentum**2 * t / (2 * mass)) / hbar
    # Re q = 1: the principal root has no jump.
    prefactor = (2 * jnp.pi * width**2) ** -0.25 / jnp.sqrt(q)
    return prefactor * jnp.exp(-(moved**2) / (4 * width**2 * q) + 1j * phase)


def coherent_state(
    x: ArrayLike,
    t: ArrayLike,
    *,
    center: ArrayLike = 0.0,
    momentum: ArrayLike = 0.0,
    omega: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Complex[Array, "..."]:
    """The displaced ground state of a harmonic well: it swings and keeps its shape.

    ψ = (mω/πħ)^(1/4) exp(-mω(x - X)²/2ħ + iP(x - X)/ħ + i(XP - x₀p₀)/2ħ - iωt/2) with
    X = x₀ cos ωt + p₀/mω sin ωt and P = p₀ cos ωt - mωx₀ sin ωt, for V = mω²x²/2.

    Args:
        x, t, center, momentum, mass, hbar: as for `free_gaussian`.
        omega: ω, angular frequency of the well, positive.

    Returns:
        complex128 amplitudes of the broadcast shape, in length^(-1/2).

    Raises:
        ValueError: as for `free_gaussian`, or omega is not positive.
    """
    _checks.require_x64("`exact.coherent_state`")
    _checks.check_all_positive(omega=omega, mass=mass, hbar=hbar)
    _checks.check_all_real(x=x, t=t, center=center, momentum=momentum)
    x, t, center, momentum, omega, mass, hbar = _broadcast(
        x=x, t=t, center=center, momentum=momentum, omega=omega, mass=mass, hbar=hbar
    )
    moved, phase = _swing(x, t, center, momentum, omega, mass, hbar)
    prefactor = (mass * omega / (jnp.pi * hbar)) ** 0.25
    exponent = -mass * omega * moved**2 / (2 * hbar)
    return prefactor * jnp.exp(lax.complex(*_same_shape(exponent, phase)))


def squeezed_state(
    x: ArrayLike,
    t: ArrayLike,
    *,
    center: ArrayLike = 0.0,
    momentum: ArrayLike = 0.0,
    width: ArrayLike = 1.0,
    omega: ArrayLike = 1.0,
    mass: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Complex[Array, "..."]:
    """A Gaussian of any width in a harmonic well: it swings and breathes.

    ψ = (2πs₀²)^(-1/4) q^(-1/2) exp(-(x - X)² (cos ωt + (i/r) sin ωt) / 4s₀²q + iP(x -
    X)/ħ + i(XP - x₀p₀)/2ħ) with q = cos ωt + ir sin ωt, r = ħ/2mωs₀², and X and P as
    in `coherent_state`, to which it reduces at r = 1.

    q circles the origin once per period. Its root follows it continuously, because the
    last factor of q = e^(iωt) ((1 + r) + (1 - r) e^(-2iωt)) / 2 stays in the right half
    plane: the sign is right at all times.

    Args:
        x, t, center, momentum, width, mass, hbar: as for `free_gaussian`.
        omega: ω, angular frequency of the well, positive.

    Returns:
        complex128 amplitudes of the broadcast shape, in length^(-1/2).

    Raises:
        ValueError: as for `free_gaussian`, or omega is not positive.
    """
    _checks.require_x64("`exact.squeezed_state`")
    _checks.check_all_positive(width=width, omega=omega, mass=mass, hbar=hbar)
    _checks.check_all_real(x=x, t=t, center=center, momentum=momentum)
    x, t, center, momentum, width, omega, mass, hbar = _broadcast(
        x=x,
        t=t,
        center=center,
        momentum=momentum,
        width=width,
        omega=omega,
        mass=mass,
        hbar=hbar,
    )
    moved, phase = _swing(x, t, center, momentum, omega, mass, hbar)
    angle = omega * t
    ratio = hbar / (2 * mass * omega * width**2)
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    q = cos + 1j * ratio * sin
    # exp(-iωt/2) of the root is in `phase`; the rest has a positive real part.
    rest = ((1 + ratio) + (1 - ratio) * jnp.exp(-2j * angle)) / 2
    prefactor = (2 * jnp.pi * width**2) ** -0.25 / jnp.sqrt(rest)
    shape = (cos + 1j * sin / ratio) / (4 * width**2 * q)
    return prefactor * jnp.exp(-(moved**2) * shape + 1j * phase)


def rabi(
    t: ArrayLike,
    *,
    coupling: ArrayLike,
    detuning: ArrayLike = 0.0,
    psi0: ArrayLike | Sequence[complex] = (1.0, 0.0),
    hbar: ArrayLike = 1.0,
) -> Complex[Array, "... 2"]:
    """Rabi oscillations of two coupled levels.

    ψ(t) = (cos Ωt/ħ - i H (t/ħ) sinc Ωt/ħ) ψ(0) for H = [[δ/2, g], [g, -δ/2]], with
    Ω = sqrt(g² + δ²/4); from the upper level |ψ₁|² = (g/Ω)² sin² Ωt/ħ.

    Args:
        t: times.
        coupling: g, unit of energy, broadcast against `t`.
        detuning: δ, unit of energy, broadcast against `t`.
        psi0: (2,) state at t = 0.
        hbar: ħ.

    Returns:
        (..., 2) complex128 amplitudes.

    Raises:
        ValueError: psi0 is not a normalised pair, hbar is not positive, or 64-bit
            floats are off.
    """
    _checks.require_x64("`exact.rabi`")
    _checks.check_all_positive(hbar=hbar)
    _checks.check_all_real(t=t, coupling=coupling, detuning=detuning)
    _checks.check_numbers(psi0, "psi0")
    psi0 = _checks.widen(jnp.asarray(psi0))
    _checks.check_state(psi0, "psi0", size=2, weight=1.0)
    t, coupling, detuning, hbar = _broadcast(
        t=t, coupling=coupling, detuning=detuning, hbar=hbar
    )
    tau = t / hbar
    cos, sinc = cos_and_sinc((coupling**2 + detuning**2 / 4) * tau**2)
    upper, lower = psi0[0], psi0[1]
    turn = -1j * tau * sinc
    return jnp.stack(
        (
            cos * upper + turn * (detuning / 2 * upper + coupling * lower),
            cos * lower + turn * (coupling * upper - detuning / 2 * lower),
        ),
        axis=-1,
    )


@program
def cos_and_sinc(square: Array) -> tuple[Array, Array]:
    """cos z and sin z / z of a real z², smooth at 0, where the root is not.

    Where z² is negative they are cosh |z| and sinh |z| / |z|.
    """
    small, back = jnp.abs(square) < 1e-3, square < 0
    z = jnp.sqrt(jnp.where(small, jnp.ones_like(square), jnp.abs(square)))
    # 0 where it is not chosen: an infinite slope times 0 would be NaN
    slow = jnp.where(back, z, 0)
    # The next terms are below 1e-3⁴/8! = 2e-17.
    cos = 1 - square / 2 * (1 - square / 12 * (1 - square / 30))
    sinc = 1 - square / 6 * (1 - square / 20 * (1 - square / 42))
    far = jnp.where(back, jnp.cosh(slow), jnp.cos(z))
    side = jnp.where(back, jnp.sinh(slow), jnp.sin(z)) / z
    return jnp.where(small, cos, far), jnp.where(small, sinc, side)


@program
def _swing(x, t, center, momentum, omega, mass, hbar):
    """x - X(t), and the phase P(x - X)/ħ + action/ħ - ωt/2, in a harmonic well."""
    cos, sin = jnp.cos(omega * t), jnp.sin(omega * t)
    position = center * cos + momentum / (mass * omega) * sin
    speed = momentum * cos - mass * omega * center * sin
    moved = x - position
    action = (position * speed - center * momentum) / 2
    return moved, (speed * moved + action) / hbar - omega * t / 2


def _same_shape(*arrays):
    shape = jnp.broadcast_shapes(*(a.shape for a in arrays))
    return (jnp.broadcast_to(a, shape) for a in arrays)


def _broadcast(**values: ArrayLike) -> list[Array]:
    """Numbers of at least the default precision, all of one shape."""
    _checks.check_broadcast(**values)
    return jnp.broadcast_arrays(*map(_checks.widen, values.values()))

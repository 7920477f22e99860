"""Closed forms for a Kerr oscillator with loss, gain and dephasing."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Complex, Float

from .. import _checks
from .._gate import gated
from .._math import abs2, expi
from ..spaces.fock import check_levels, coherent_amplitudes
from .husimi import kerr_levels

# Series of cosh √z and of (sinh √z)/√z: the next term is below 1e-21 at |z| = 1.
_COSH = tuple(1 / math.factorial(2 * j) for j in range(10, -1, -1))
_SINH = tuple(1 / math.factorial(2 * j + 1) for j in range(10, -1, -1))
# Terms of the sum may exceed Q by the exponential of this, which leaves six digits.
_LARGEST_EXCESS = 23.0
# Largest net growth (gain - loss) t: the exponential of twice it is still a float.
_LARGEST_GROWTH = 300.0


@gated
def open_kerr(
    points: ArrayLike,
    t: ArrayLike,
    *,
    U: ArrayLike,
    b: ArrayLike,
    alpha0: ArrayLike,
    C: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
    loss: ArrayLike = 0.0,
    gain: ArrayLike = 0.0,
    dephasing: ArrayLike = 0.0,
    levels: int | None = None,
) -> Float[Array, "..."]:
    """A coherent state in an open Kerr oscillator, for every strength of diffusion.

    H = (U/2)(|α|⁴ + b|α|²), anti-Wick symbol, and D[a], D[a†], D[n] of the rates D, G
    and g. In units of √ħ, with κ = D - G, μ = ikU, s = μC + κ, Δ² = s² - 4Dμ,
    v = cosh(Δt/2) + (2D - s) S, S = sinh(Δt/2)/Δ, A = (cosh(Δt/2) + (s - 2μ) S)/v:

    Q = (1/π) Σ_k e^(ikφ) I_k(2rr₀/v) exp((μ(b/2 + C) + κ/2)t + 2Dr₀²S/v - r₀² - Ar² -
    gk²t/2)/v,   r = |α|, r₀ = |α₀|, φ the angle between them

    Starting from the same Q at t = 0 for all C, it solves

    ∂ₜQ = (i∂[(∂*H) Q] + (iħC/2) ∂²[(∂*²H) Q] + (κ/2) ∂[αQ] + c.c.) + ħD ∂∂*Q + (g/2)
    ∂_φ²Q

    At C = 1 it is the Husimi function of the master equation; at loss = gain =
    dephasing = 0 it is that of `husimi.kerr`. As there, for C > 1 terms of the sum may
    exceed Q by a factor exp(2r₀²(C-1)/(2-C)). From C = 2 on, a coherent state has no
    solution, with a bath or without: the bath's own limit, 2 loss/(loss - gain), is
    never smaller.

    Args:
        points: α in action units, complex.
        t: times from 0 on, broadcast against `points`.
        U: strength, scalar, in energy/action².
        b: constant of H, scalar, in action.
        alpha0: α₀, scalar, action units.
        C: strength of the diffusion, scalar, 0 < C < 2.
        hbar: ħ, scalar.
        loss: D, scalar, in 1/time; κ(n + 1) of a bath of n quanta.
        gain: G, scalar, in 1/time; κn of such a bath.
        dephasing: g, scalar, in 1/time.
        levels: number of terms of the two sums; by default chosen from α₀, C and ħ. It
            must be given where these are traced.

    Returns:
        float64 values of the broadcast shape, in 1/action.

    Raises:
        ValueError: C is not in (0, 2), or is so near 2 that fewer than six digits are
            left, a negative rate or time, growth by more than e^300, no `levels` with
            traced arguments, values that are not finite, or 64-bit floats are off.

    Source: derived from the equation, and checked with master equations; at C = 1 see
    Milburn and Holmes, Phys. Rev. Lett. 56, 2237 (1986), Daniel and Milburn, Phys. Rev.
    A 39, 4628 (1989).
    """
    _checks.require_x64("`exact.open_kerr`")
    _checks.check_finite(points, "points")
    _check(t, U, b, alpha0, C, hbar, loss, gain, dephasing)
    _check_excess(alpha0, C, hbar)
    if levels is None:
        levels = kerr_levels(alpha0, C, hbar)
    check_levels(levels)
    points, alpha0 = (_checks.widen(jnp.asarray(v) + 0j) for v in (points, alpha0))
    t, U, b, C, hbar, loss, gain, dephasing = map(
        _checks.widen, (t, U, b, C, hbar, loss, gain, dephasing)
    )
    shape = jnp.broadcast_shapes(points.shape, t.shape)
    points, t = (jnp.ravel(jnp.broadcast_to(v, shape)) for v in (points, t))
    a, start = points / jnp.sqrt(hbar), alpha0 / jnp.sqrt(hbar)
    values = _husimi(a, t, U * hbar, b / hbar, start, C, loss, gain, dephasing, levels)
    return jnp.reshape(values / (np.pi * hbar), shape)


@gated
def open_kerr_amplitude(
    t: ArrayLike,
    *,
    U: ArrayLike,
    b: ArrayLike,
    alpha0: ArrayLike,
    C: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
    loss: ArrayLike = 0.0,
    gain: ArrayLike = 0.0,
    dephasing: ArrayLike = 0.0,
) -> Complex[Array, "..."]:
    """The mean amplitude of a coherent state in an open Kerr oscillator.

    <α> = α₀ N⁻² exp((μ(b/2 + C) + κ/2 - g/2)t + r₀²(2DS/v - 1 + 1/vN)),   N = vA,

    with μ = -iU and the other symbols of `open_kerr`, of which it is the first angular
    moment. At C = 1 it is <a>√ħ of the master equation.

    Args:
        t: times from 0 on.
        U, b, alpha0, C, hbar, loss, gain, dephasing: as for `open_kerr`, and so are the
            errors.

    Returns:
        complex128 values of the shape of `t`, in action units.
    """
    _checks.require_x64("`exact.open_kerr_amplitude`")
    _check(t, U, b, alpha0, C, hbar, loss, gain, dephasing)
    alpha0 = _checks.widen(jnp.asarray(alpha0) + 0j)
    t, U, b, C, hbar, *rates = map(
        _checks.widen, (t, U, b, C, hbar, loss, gain, dephasing)
    )
    start = alpha0 / jnp.sqrt(hbar)
    return jnp.sqrt(hbar) * _amplitude(t, U * hbar, b / hbar, start, C, *rates)


def _check(t, U, b, alpha0, C, hbar, loss, gain, dephasing) -> None:
    rates = {"loss": loss, "gain": gain, "dephasing": dephasing}
    _checks.check_not_negative(t, "t")
    _checks.check_finite(alpha0, "alpha0", ())
    for name, value in ({"U": U, "b": b, "C": C, "hbar": hbar} | rates).items():
        _checks.check_scalar(value, name)
    for name, value in rates.items():
        _checks.check_not_negative(value, name)
    _checks.check_positive(C, "C")
    _checks.check_positive(hbar, "hbar")
    if _checks.is_concrete((C, loss, gain)):
        strength, down, up = (float(np.asarray(v)) for v in (C, loss, gain))
        if not strength < 2:
            end = 2 * down / (down - up) if down > up else math.inf
            raise ValueError(
                "Argument `C` must be below 2, the end of a coherent state "
                f"(that of this bath is {end:g}), but it is {C}."
            )
    if _checks.is_concrete((t, loss, gain)):
        growth = np.asarray(gain, float) - np.asarray(loss, float)
        if np.any(growth * np.asarray(t, float) > _LARGEST_GROWTH):
            raise ValueError(
                f"Argument `t` must keep (gain - loss) t below {_LARGEST_GROWTH:g}, "
                f"but it reaches {np.max(growth * np.asarray(t, float)):g}."
            )


def _check_excess(alpha0, C, hbar) -> None:
    if not _checks.is_concrete((alpha0, C, hbar)):
        return
    strength = float(np.asarray(C))
    start2 = abs(complex(np.asarray(alpha0))) ** 2 / float(np.asarray(hbar))
    excess = 2 * start2 * (strength - 1) / (2 - strength)
    if excess > _LARGEST_EXCESS:
        end = (start2 + _LARGEST_EXCESS) / (start2 + _LARGEST_EXCESS / 2)
        raise ValueError(
            f"Argument `C` must be at most {end:.4g} at this alpha0, beyond which "
            f"terms that cancel leave no six digits, but it is {C}."
        )


@jax.jit
def _amplitude(t, U, b, start, C, loss, gain, dephasing):
    h, w, n, sinh = _flow(-1.0, t, U, C, loss, gain)
    start2 = abs2(start)
    exponent = ((loss - gain - dephasing) / 2 - 1j * U * (b / 2 + C)) * t - 2 * h
    spread = 2 * loss * sinh / w - 1 + jnp.exp(-2 * h) / (w * n)
    return start * jnp.exp(exponent + start2 * spread) / n**2


def _husimi(a, t, U, b, start, C, loss, gain, dephasing, levels):
    """π Q as Σ_k of Σ_m z_(m+k) z_m* v^-(2m+k)/|v|^-(2m+k), k = 0, 1, ...

    z_n = <n|a p><start q|n> with p² = Re A and pq = 1/|v|; the term of -k is the
    conjugate of that of k.
    """
    r2, start2 = abs2(a), abs2(start)
    m = jnp.arange(levels, dtype=r2.dtype)

    @jax.checkpoint  # for reverse mode keeps Σ, not every pair of amplitudes
    def add(total, k):
        h, w, n, sinh = _flow(k, t, U, C, loss, gain)
        overlap = (n * jnp.conj(w)).real  # |v|² Re A exp(-2 Re h)
        modulus = jnp.sqrt(abs2(w))
        q = jnp.exp(-h.real) / jnp.sqrt(overlap)
        z = coherent_amplitudes(a * (jnp.sqrt(overlap) / modulus), levels)
        z = z * jnp.conj(coherent_amplitudes(start * q, levels))
        inside = (m + k < levels)[None, :]
        pairs = jnp.where(inside, jnp.roll(z, -k, axis=-1) * jnp.conj(z), 0)
        turn = -(h.imag + jnp.angle(w))[:, None] * (2 * m + k)[None, :]
        inner = jnp.sum(pairs * expi(turn), axis=-1)
        rates = (loss - gain - dephasing * k**2) / 2 + 1j * k * U * (b / 2 + C)
        exponent = rates * t - h - 1j * (n / w).imag * r2
        exponent = exponent + start2 * (2 * loss * sinh / w - 1 + q**2)
        term = inner * jnp.exp(exponent) / w
        return total + jnp.where(k == 0, 1.0, 2.0) * term.real, None

    total, _ = lax.scan(add, jnp.zeros_like(r2), jnp.arange(levels))
    return total


_husimi = jax.jit(_husimi, static_argnums=9)


def _flow(k, t, U, C, loss, gain):
    """(h, v e^-h, vA e^-h, S e^-h) of the harmonic k; h = Δt/2, or 0 where it is small.

    v = c₊e^h + c₋e^-h and c₊c₋ has no difference of large numbers; so vA.
    """
    mu = 1j * k * U
    s = mu * C + loss - gain
    square = s**2 - 4 * loss * mu  # Δ²
    z = square * (t / 2) ** 2
    near = abs2(z) < 1
    # One of two branches is chosen, but neither may have an infinite derivative.
    small, root = jnp.where(near, z, 0), jnp.sqrt(jnp.where(near, 1, square))
    cosh, sinh = (jnp.polyval(jnp.array(c), small) for c in (_COSH, _SINH))
    sinh = sinh * t / 2
    h = jnp.where(near, 0, root * t / 2)
    back = jnp.exp(-2 * h)
    rest = mu * (C - 1) - gain

    def sides(slope, product):
        """(1 ± slope/Δ)/2, from their product where they nearly vanish."""
        x = slope / root
        ahead = x.real >= 0
        large = (1 + jnp.where(ahead, x, -x)) / 2
        other = product / root**2 / large
        return jnp.where(ahead, large + other * back, other + large * back)

    v = jnp.where(near, cosh + (2 * loss - s) * sinh, sides(2 * loss - s, loss * rest))
    vA = jnp.where(near, cosh + (s - 2 * mu) * sinh, sides(s - 2 * mu, mu * rest))
    return h, v, vA, jnp.where(near, sinh, (1 - back) / (2 * root))

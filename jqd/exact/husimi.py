"""Husimi functions by exact evolution, and closed-form solutions of their equation."""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from .._math import abs2, expi
from ..interop import as_array
from ..spaces.fock import check_levels, coherent_amplitudes
from ..states import Ensemble, as_ensemble
from ..states import husimi as husimi_function
from ..steppers.eigenbasis import unitary_orbit

# Beyond it, the sums over the square of so many amplitudes take hours per point.
_LARGEST_REACH = 500.0


def propagate(
    hamiltonian: Any,
    state: Any,
    ts: ArrayLike,
    points: ArrayLike,
    *,
    hbar: ArrayLike = 1.0,
    modes: int = 1,
) -> Float[Array, "nt ..."]:
    """The Husimi function under a constant Hamiltonian, by exact evolution.

    Q(α, t) of ρ(t) = exp(-iHt/ħ) ρ exp(iHt/ħ), t counted from ts[0]

    Args:
        hamiltonian: (D, D) Hermitian matrix over the flattened number basis, D = d_1 ..
            d_N, in which the last mode varies fastest; or its (D,) real diagonal. Unit
            of energy.
        state: ket, density operator, `Ensemble` or QuTiP object of N modes at ts[0].
        ts: (nt,) strictly increasing times.
        points: α in action units, (...,) for one mode, (..., N) for N.
        hbar: ħ, scalar.
        modes: N.

    Returns:
        (nt, ...) real, in 1/action^N.

    Raises:
        ValueError: an argument has a wrong shape or value, or 64-bit floats are off.
    """
    _checks.require_x64("`exact.husimi.propagate`")
    ensemble = as_ensemble(state, modes)
    hamiltonian = as_array(hamiltonian, "hamiltonian")
    _checks.check_hermitian(hamiltonian, "hamiltonian")
    _checks.check_finite(hamiltonian, "hamiltonian")
    size = math.prod(ensemble.levels)
    if hamiltonian.shape[0] != size:
        raise ValueError(
            f"Argument `hamiltonian` must act on the {size} levels of the state, but "
            f"its shape is {hamiltonian.shape}."
        )
    _checks.check_times(ts, "ts")
    _checks.check_positive(hbar, "hbar", ())
    _checks.check_finite(points, "points")
    wide = map(_checks.widen, (hamiltonian, ensemble.kets, ensemble.weights, ts))
    return _propagated(*wide, _checks.as_leaf(points), hbar, modes)


@partial(jax.jit, static_argnames="modes")
def _propagated(
    hamiltonian: Array,
    kets: Array,
    weights: Array,
    ts: Array,
    points: Array,
    hbar: ArrayLike,
    modes: int,
) -> Array:
    def orbit(ket):
        return unitary_orbit(hamiltonian, ket, ts - ts[0], hbar)

    def values(kets):
        at_once = Ensemble(kets, weights)
        return husimi_function(at_once, points, hbar=hbar, modes=modes)

    flat = jnp.reshape(kets, (kets.shape[0], -1))
    orbits = jax.vmap(orbit, out_axes=1)(flat)
    return lax.map(values, jnp.reshape(orbits, (ts.shape[0], *kets.shape)))


def kerr(
    points: ArrayLike,
    t: ArrayLike,
    *,
    U: ArrayLike,
    b: ArrayLike,
    alpha0: ArrayLike,
    C: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
    levels: int | None = None,
) -> Float[Array, "..."]:
    """A coherent state under the Kerr Hamiltonian, for every strength of diffusion.

    H = (U/2)(|α|⁴ + b|α|²), anti-Wick symbol. In units of √ħ, r = |α|, r₀ = |α₀|, φ the
    angle between them and θ = UkCt:

    Q = (1/π) Σ_k e^(ikφ) I_k(2rr₀e^(iθ/2)) exp(iUk(b/2 + 3C/2)t + r²((e^(iθ) - 1)/C -
    e^(iθ)) - r₀²)

    At C = 1 this is the Husimi function of quantum mechanics; at any other 0 < C < 2 it
    is the solution of eq. (43) with C times its diffusion, from the same Q at t = 0.
    The Bessel functions are summed as products of amplitudes of coherent states, which
    are at most 1 for C <= 1. For C > 1, terms may exceed Q by a factor
    exp(2r₀²(C-1)/(2-C)), and from C = 2 on no solution exists.

    Args:
        points: α in action units, complex.
        t: times, broadcast against `points`.
        U: strength, in energy/action².
        b: constant of H, in action.
        alpha0: α₀, scalar, action units.
        C: strength of the diffusion, scalar, 0 < C < 2.
        hbar: ħ, scalar.
        levels: number of terms of the two sums; by default chosen from α₀, C and ħ. It
            must be given where these are traced.

    Returns:
        float64 values of the broadcast shape, in 1/action.

    Raises:
        ValueError: C is not in (0, 2), no `levels` with traced arguments, values that
            are not finite, or 64-bit floats are off.
    """
    _checks.require_x64("`exact.husimi.kerr`")
    for value, name in ((alpha0, "alpha0"), (C, "C"), (hbar, "hbar")):
        _checks.check_finite(value, name, ())
    for value, name in ((points, "points"), (t, "t"), (U, "U"), (b, "b")):
        _checks.check_finite(value, name)
    for value, name in ((t, "t"), (U, "U"), (b, "b")):
        _checks.check_real(value, name)
    _checks.check_positive(C, "C")
    _checks.check_positive(hbar, "hbar")
    if _checks.is_concrete(C) and not float(np.asarray(C)) < 2:
        raise ValueError(f"Argument `C` must be below 2, but it is {C}.")
    if levels is None:
        levels = kerr_levels(alpha0, C, hbar)
    check_levels(levels)
    points, alpha0 = (_checks.widen(jnp.asarray(v) + 0j) for v in (points, alpha0))
    t, U, b, C, hbar = map(_checks.widen, (t, U, b, C, hbar))
    shape = jnp.broadcast_shapes(points.shape, t.shape)
    points, t = (jnp.ravel(jnp.broadcast_to(v, shape)) for v in (points, t))
    values = _kerr(points, t, U * hbar, b / hbar, alpha0, C, hbar, levels)
    return jnp.reshape(values, shape)


def kerr_levels(alpha0: ArrayLike, C: ArrayLike, hbar: ArrayLike) -> int:
    """Number of terms until <n|r₀s> <n|r₀/s> is below rounding for every angle."""
    if not _checks.is_concrete((alpha0, C, hbar)):
        raise ValueError(
            "Argument `levels` must be given where alpha0, C or hbar is traced, but it "
            "is None."
        )
    strength = float(np.asarray(C))
    reach = abs(complex(np.asarray(alpha0))) / math.sqrt(float(np.asarray(hbar)))
    reach *= math.sqrt(max(1.0, strength / (2 - strength)))
    if reach > _LARGEST_REACH:
        raise ValueError(
            f"Argument `alpha0` must be below {_LARGEST_REACH:g} √hbar in modulus at "
            f"C = 1, and less elsewhere, but takes as many terms as one of {reach:.3g} "
            "√hbar, its square."
        )
    return math.ceil(reach**2 + 10 * reach + 40)


def _kerr(points, t, U, b, alpha0, C, hbar, levels):
    """Σ_k of Σ_m z_(m+k) z_m* e^(iθ(m+k/2)), z_n = <n|a s><a₀/s|n>, k = 0, 1, ..

    s² = (1 - (1-C) cos θ)/C makes the exponential of r² that of coherent states; the
    term of -k is the conjugate of that of k.
    """
    a, start = points / jnp.sqrt(hbar), alpha0 / jnp.sqrt(hbar)
    r2, start2 = abs2(a), abs2(start)
    m = jnp.arange(levels, dtype=r2.dtype)

    def add(total, k):
        theta = U * k * C * t
        s2 = (1 - (1 - C) * jnp.cos(theta)) / C
        s = jnp.sqrt(s2)
        z = coherent_amplitudes(a * s, levels)
        z = z * jnp.conj(coherent_amplitudes(start / s, levels))
        ahead = jnp.roll(z, -k, axis=-1)
        inside = (m + k < levels)[None, :]
        turn = theta[:, None] * (m + k / 2)[None, :]
        pairs = jnp.where(inside, ahead * jnp.conj(z), 0)
        inner = jnp.sum(pairs * expi(turn), axis=-1)
        angle = U * k * (b + 3 * C) / 2 * t + r2 * jnp.sin(theta) * (1 - C) / C
        size = jnp.exp(start2 * (1 / s2 - 1)) * jnp.where(k == 0, 1.0, 2.0)
        return total + size * (inner * expi(angle)).real, None

    total, _ = lax.scan(add, jnp.zeros_like(r2), jnp.arange(levels))
    return total / (np.pi * hbar)


_kerr = jax.jit(_kerr, static_argnums=7)

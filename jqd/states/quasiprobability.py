"""Quasiprobabilities of one mode between the Wigner, Husimi and P functions."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float

from .. import _checks
from .._gate import gated
from .._math import abs2
from ..spaces.fock import coherent_amplitudes
from .ensemble import as_ensemble


@gated
def quasiprobability(
    state: Any, points: ArrayLike, C: ArrayLike, *, hbar: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """The s-ordered quasiprobability of one mode, s = -C.

    W_C(α) = (2/πħ(1+C)) Tr(ρ D(a) ((C-1)/(C+1))^(a†a) D(a)†), α = √ħ a

    C = 1 is the Husimi function, C = 0 the Wigner function, and C -> -1 the P function,
    which is not a function at all for finite superpositions of number states.
    W_C' is W_C convolved with a Gaussian of variance ħ(C' - C)/4 in X and Y, C' > C.
    Below C = 0 rounding errors grow like |(C-1)/(C+1)|^d. From |a| = 18 on (6 in single
    precision) exp(-2|a|²/(1+C)) falls below the smallest float, and so does W_C.

    Args:
        state: ket, density operator, `Ensemble` or QuTiP object of one mode, d levels.
        points: α, complex, any shape.
        C: C, above -1, scalar.
        hbar: ħ, scalar.

    Returns:
        Real, shape of `points`, in the precision of the state, in 1/action;
        ∫d²α W_C = 1.

    Raises:
        ValueError: not a state of one mode, points that are not finite, C not above -1,
            or hbar not positive.

    Source: K. E. Cahill and R. J. Glauber, Phys. Rev. 177 (1969) 1882, eqs. (6.22) ff.
    """
    ensemble = as_ensemble(state, 1)
    _checks.check_finite(points, "points")
    _checks.check_positive(hbar, "hbar", ())
    _checks.check_scalar(C, "C")
    if _checks.is_concrete(C) and not float(np.asarray(C)) > -1:
        raise ValueError(
            "Argument `C` must be above -1, where the P function begins, which is no "
            f"function for a finite superposition of number states, but it is {C}."
        )
    alpha = jnp.asarray(points).astype(ensemble.kets.dtype)
    values = _quasiprobability(ensemble.matrix(), jnp.ravel(alpha), C, hbar)
    return jnp.reshape(values, alpha.shape)


@jax.jit
def _quasiprobability(rho: Array, alpha: Array, C: ArrayLike, hbar: ArrayLike) -> Array:
    """Σ_nk ρ_{n,n+k} b_nk, b_nk ~ √(n!/(n+k)!) x^k τ^n L_n^k(4|a|²/(1-C²)).

    With x = 2a/(1+C), τ = (C-1)/(C+1) and b_0k = <k|x> exp(-C|x|²/2), the recurrence of
    the Laguerre polynomials holds τ and |x|² alone, both regular at C = 1.
    """
    real = jnp.finfo(rho.dtype).dtype
    C, hbar = (jnp.asarray(c).astype(real) for c in (C, hbar))
    levels = rho.shape[0]
    x = 2 * alpha / ((1 + C) * jnp.sqrt(hbar))
    x2 = abs2(x)[:, None]
    tau = (C - 1) / (C + 1)
    k = jnp.arange(levels, dtype=real)
    first = coherent_amplitudes(x, levels) * jnp.exp(-C * x2 / 2)

    def step(carry, row):
        value, previous, total = carry
        n, entries = row
        total = total + jnp.sum((entries[None, :] * value).real, axis=1)
        ahead = jnp.sqrt((n + 1) * (n + 1 + k))[None, :]
        behind = jnp.sqrt(n * (n + k))[None, :]
        up = ((2 * n + 1 + k) * tau)[None, :] + x2
        up = (up * value - tau**2 * behind * previous) / ahead
        return (up, value, total), None

    n, j = np.indices((levels, levels))
    inside = n + j < levels
    twice = np.where(inside, np.where(j > 0, 2.0, 1.0), 0.0)
    rows = rho[n, np.where(inside, n + j, 0)] * jnp.asarray(twice, real)
    start = (first, jnp.zeros_like(first), jnp.zeros(alpha.shape, real))
    (_, _, total), _ = lax.scan(step, start, (k, rows))
    return total * 2 / (np.pi * hbar * (1 + C))

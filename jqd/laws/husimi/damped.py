"""ρ of one mode in a bath, whose energy is a function of its quanta: in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex

from ..._math import abs2, divisor, take
from ...spaces.symbols import diagonal
from .fock import Fock
from .form import Equation, read_levels

# |z| below which cosh √z and sinh √z/√z are taken from 8 terms of their series: the
# first one left out is 1e-16 of the sum.
_SERIES = 0.3


class Damped(Fock):
    """Each diagonal of ρ by itself, at any times at once.

    With E_n = e n + b n², v_n = ρ_n,n+k moves by the ladder of su(1,1),

        dv/dt = (D K₋ + G K₊ + c K₀ + d) v,
        K₋v_n = √((n+1)(n+1+k)) v_n+1,  K₊v_n = √(n(n+k)) v_n-1,
        K₀v_n = (n + (k+1)/2) v_n,
        c = -(D + G) + 2ikb/ħ,  d = (D - G)/2 + ik(e - b)/ħ - g k²/2,

    whose exponential is exp(A₊K₊) A₀^K₀ exp(A₋K₋) e^(dt), the first and the last a sum
    that ends at the highest level.

    Source: D. R. Truax, Phys. Rev. D 31, 1988 (1985) for the factors; C. W. Gardiner &
    P. Zoller, Quantum Noise (2004), ch. 5 for the master equation.
    """

    def solves(self, equation: Equation) -> bool:
        """True: for quantum mechanics, `Equation.quantum`, of at most n²."""
        del equation
        return True

    def orbit(
        self, equation: Equation, state0: Complex[Array, "D D"], ts: Array
    ) -> tuple[Complex[Array, "T D D"], Array]:
        """ρ at times `ts` and a bound on its relative rounding, (T,)."""
        assert equation.bath is not None
        (size,) = read_levels(self.levels, 1)
        down, up, blur = (jnp.reshape(rate, ()) for rate in equation.bath.rates())
        hbar = equation.hbar
        energies = diagonal(equation.symbol, (max(size, 3),), hbar=hbar) / hbar
        first, second = energies[1] - energies[0], energies[2] - energies[0]
        b = (second - 2 * first) / 2
        k, n = np.indices((size, size))
        lift = np.sqrt((n + 1) * (n + 1 + k)) * (n + 1 + k < size)
        column = np.minimum(n + k, size - 1)
        lines = jnp.where(n + k < size, take(state0, (n, column)), 0)[None]

        # axes of times, k, n
        t, k = (ts - ts[0])[:, None, None], k[None, :, :1]
        odd = jnp.asarray(2 * n[None] + k + 1, t.dtype)
        k = jnp.asarray(k, t.dtype)
        turn = jax.lax.complex(-(down + up) * t, 2 * b * k * t)
        log, sinh = _factors(turn / 2, down * up * t**2)
        still = jax.lax.complex(
            (down - up) / 2 * t - blur / 2 * k**2 * t, (first - 2 * b) * k * t
        )
        lines = _ladder(sinh * down * t, lines, lift, lower=True)
        # an odd multiple of K₀ beside a logarithm: its branch does not matter
        lines = jnp.exp(still - odd * log) * lines
        lines = _ladder(sinh * up * t, lines, lift, lower=False)

        row, column = np.indices((size, size))
        found = take(lines, (np.abs(column - row), np.minimum(row, column)), 1)
        rho = jnp.where(column >= row, found, jnp.conj(found)).astype(state0.dtype)
        eps = jnp.finfo(ts.dtype).eps
        rate = jnp.max(jnp.abs(energies)) + (down + jnp.abs(up) + blur * size) * size
        scale = divisor(jnp.max(abs2(state0))) ** 0.5
        growth = jnp.max(jnp.abs(rho), axis=(1, 2)) / scale
        return rho, eps * (size + rate * (ts - ts[0])) * jnp.maximum(growth, 1)


def _factors(half: Array, product: Array) -> tuple[Array, Array]:
    """ln X, of X = cosh φ - h sinh φ/φ with φ² = h² - p, and sinh φ/(φX)."""
    z = half**2 - product
    small = abs2(z) < _SERIES**2
    near, far = jnp.where(small, z, 0), divisor(z, ~small)
    cosh = sinh = jnp.ones_like(z)
    for m in range(14, 0, -2):
        cosh, sinh = 1 + near / (m * (m - 1)) * cosh, 1 + near / (m * (m + 1)) * sinh
    inner = cosh - half * sinh
    # far from 0 with exp(-φ), Re φ > 0, for a factor: nothing overflows
    root = jnp.sqrt(far)
    fall = jnp.exp(-2 * root)
    slope = (1 - fall) / (2 * root)
    outer = (1 + fall) / 2 - half * slope
    log = jnp.where(small, jnp.log(divisor(inner, small)), root + jnp.log(outer))
    return log, jnp.where(small, sinh / divisor(inner, small), slope / outer)


def _ladder(
    rung: Complex[Array, "T D 1"], lines: Array, lift: np.ndarray, *, lower: bool
) -> Complex[Array, "T D D"]:
    """exp(A K₋) or exp(A K₊) on lines (T, D, D) or (1, D, D), the last axis n."""
    weights = lift if lower else np.pad(lift, ((0, 0), (1, 0)))[:, :-1]
    weights = jnp.asarray(weights, rung.real.dtype)[None]

    def next_term(carry: tuple[Array, Array], j: Array) -> tuple[tuple, None]:
        total, term = carry
        if lower:
            moved = jnp.pad(term[..., 1:], ((0, 0), (0, 0), (0, 1)))
        else:
            moved = jnp.pad(term[..., :-1], ((0, 0), (0, 0), (1, 0)))
        term = rung / j * weights * moved
        return (total + term, term), None

    size = lift.shape[-1]
    whole = jnp.broadcast_to(lines, (rung.shape[0], size, size))
    whole = whole.astype(jnp.result_type(rung, lines))
    js = jnp.arange(1, size, dtype=rung.real.dtype)
    return jax.lax.scan(next_term, (whole, whole), js)[0][0]

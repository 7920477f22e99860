"""States of bosonic modes in the number basis.

Amplitudes are dimensionless (α of a|α> = α|α>). States are cut off and never
renormalised: the part that is cut off must stay below 1e-6 of the norm.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Complex

from .. import _checks
from .._math import abs2, matmul
from ..interop import as_array
from ..spaces.fock import (
    check_levels,
    coherent_amplitudes,
    complex_type,
    log_binomials,
    squeezed_amplitudes,
)

# Largest loss of norm by a cut-off, and the limit of the search for a larger one.
_LOSS = 1e-6
_MOST_LEVELS = 4096
_MOST_SQUEEZED = math.asinh(math.sqrt(_MOST_LEVELS))


def coherent(
    alpha: ArrayLike, levels: int | Sequence[int]
) -> Complex[Array, "*levels"]:
    """A coherent state |α>, or a product of them.

    Args:
        alpha: α, scalar, or (N,) for N modes.
        levels: number of levels d, or one number for each mode.

    Returns:
        Ket, (d,) or (d_1, .., d_N).

    Raises:
        ValueError: the levels lose more than 1e-6 of the norm, or alpha is not finite
            or has more quanta than the 4096 levels that are tried.
    """
    _checks.check_finite(alpha, "alpha")
    _refuse_bytes(levels, "levels")
    if isinstance(levels, Sequence):
        _checks.check_shape(alpha, "alpha", (len(levels),))
        alpha = jnp.asarray(alpha)
        return product(*(coherent(alpha[i], d) for i, d in enumerate(levels)))
    _checks.check_shape(alpha, "alpha", ())
    check_levels(levels)
    _check_reach(alpha, "alpha")
    if _checks.is_concrete(alpha):
        # ten standard deviations below the mean of a Poisson distribution
        mean = float(np.abs(_checks.concrete(alpha))) ** 2
        if levels < mean - 10 * math.sqrt(mean) - 20:
            raise ValueError(
                f"Argument `levels` must be more than the {mean:.3g} quanta of this "
                f"state, whose ket then takes {mean / 2**26:.3g} GiB, but it is "
                f"{levels}."
            )
    return _enough(functools.partial(coherent_amplitudes, alpha), levels)


def number_state(
    n: int | Sequence[int], levels: int | Sequence[int]
) -> Complex[Array, "*levels"]:
    """A number state |n>, or a product of them.

    Args:
        n: number of quanta, or one number for each mode.
        levels: number of levels d, or one number for each mode.

    Returns:
        Ket, (d,) or (d_1, .., d_N), of the default complex type.

    Raises:
        ValueError: n is negative or not below its levels, or n and levels differ in
            number.
    """
    _refuse_bytes(n, "n")
    _refuse_bytes(levels, "levels")
    quanta = tuple(n) if isinstance(n, Sequence) else (n,)
    shape = tuple(levels) if isinstance(levels, Sequence) else (levels,)
    if len(quanta) != len(shape):
        raise ValueError(
            f"Argument `n` must have one entry for each of {len(shape)} modes, but has "
            f"{len(quanta)}."
        )
    for count, d in zip(quanta, shape, strict=True):
        check_levels(d)
        if isinstance(count, bool) or not isinstance(count, int | np.integer):
            raise ValueError(
                f"Argument `n` must be whole numbers, but holds {_checks.shown(count)}."
            )
        if not 0 <= count < d:
            raise ValueError(
                f"Argument `n` must be from 0 to {d - 1} for {d} levels, but is "
                f"{count}."
            )
    return jnp.zeros(shape, jnp.result_type(complex)).at[quanta].set(1)


def squeezed(
    r: ArrayLike,
    levels: int,
    *,
    angle: ArrayLike = 0.0,
    displacement: ArrayLike = 0.0,
) -> Complex[Array, " d"]:
    """A displaced squeezed vacuum.

    |β, ζ> = D(β) S(ζ)|0>, S = exp((ζ* a² - ζ a†²)/2), ζ = r e^(iθ)

    For θ = 0 and r > 0 the variance of X = (a + a†)/2 is e^(-2r)/4. D and S are those
    of QuTiP's `displace` and `squeeze`.

    Args:
        r: squeezing, scalar, of either sign.
        levels: number of levels d.
        angle: θ, scalar.
        displacement: β, scalar.

    Returns:
        Ket, (d,).

    Raises:
        ValueError: the levels lose more than 1e-6 of the norm; an argument is not
            finite; r or angle is not real; or there are more quanta than the 4096
            levels that are tried.
    """
    for value, name in ((r, "r"), (angle, "angle"), (displacement, "displacement")):
        _checks.check_finite(value, name, ())
    for value, name in ((r, "r"), (angle, "angle")):
        _checks.check_real(value, name)
    _check_reach(displacement, "displacement")
    _check_squeezing(r)
    kind = complex_type(jnp.asarray(sum(map(jnp.asarray, (r, angle, displacement)))))
    args = (jnp.asarray(v).astype(kind) for v in (r, angle, displacement))
    return _enough(functools.partial(squeezed_amplitudes, *args), levels)


def cat(
    alphas: ArrayLike,
    weights: ArrayLike,
    levels: int,
    *,
    r: ArrayLike = 0.0,
    angle: ArrayLike = 0.0,
) -> Complex[Array, " d"]:
    """A normalised superposition of coherent or of displaced squeezed states.

    |ψ> = Σ_k c_k D(α_k) S(ζ)|0> / norm, ζ = r e^(iθ)

    Args:
        alphas: α_k, (k,).
        weights: c_k, (k,), complex; the norm takes the overlaps into account.
        levels: number of levels d.
        r: squeezing of all components, scalar, as in `squeezed`.
        angle: θ, scalar.

    Returns:
        Ket, (d,).

    Raises:
        ValueError: shapes differ, the components cancel, an argument is not finite, or
            the levels lose more than 1e-6 of the norm.
    """
    _checks.check_shape(alphas, "alphas", (None,))
    _checks.check_shape(weights, "weights", np.shape(alphas))
    for value, name in ((alphas, "alphas"), (weights, "weights")):
        _checks.check_finite(value, name)
    for value, name in ((r, "r"), (angle, "angle")):
        _checks.check_scalar(value, name)
    _check_reach(alphas, "alphas")
    _check_squeezing(r)
    alphas = jnp.asarray(alphas)
    alphas = alphas.astype(complex_type(alphas))
    weights = jnp.asarray(weights).astype(alphas.dtype)
    r, angle = (jnp.asarray(value).astype(alphas.dtype) for value in (r, angle))
    # <α,ζ|β,ζ> = exp(i Im α*β - |γ|²/2), γ = δ cosh r + δ* e^(iθ) sinh r, δ = β - α
    apart = alphas[None, :] - alphas[:, None]
    apart = apart * jnp.cosh(r) + jnp.conj(apart) * jnp.exp(1j * angle) * jnp.sinh(r)
    phase = (jnp.conj(alphas)[:, None] * alphas[None, :]).imag
    overlaps = jnp.exp(lax.complex(-abs2(apart) / 2, phase))
    pairs = jnp.conj(weights)[:, None] * overlaps * weights[None, :]
    norm2 = jnp.sum(pairs.real)
    largest = jnp.sum(abs2(weights))
    if _checks.is_concrete(norm2) and not float(norm2) > 1e-6 * float(largest):
        raise ValueError(
            "Argument `weights` must not make the components cancel, but leaves the "
            f"squared norm {float(norm2):.2g}."
        )
    weights = weights / jnp.sqrt(norm2)

    def build(levels):
        kets = jax.vmap(lambda alpha: squeezed_amplitudes(r, angle, alpha, levels))(
            alphas
        )
        return jnp.sum(weights[:, None] * kets, axis=0)

    return _enough(build, levels)


def thermal(
    nbar: ArrayLike, levels: int, alpha: ArrayLike = 0.0
) -> Complex[Array, "d d"]:
    """A displaced thermal state.

    ρ = D(α) Σ_n n̄^n (1 + n̄)^(-n-1) |n><n| D(α)†, which a quantum-limited amplifier of
    gain 1 + n̄ makes from a coherent state: every entry is exact.

    Args:
        nbar: n̄ >= 0, mean number of thermal quanta, scalar.
        levels: number of levels d.
        alpha: α, scalar.

    Returns:
        Density operator, (d, d).

    Raises:
        ValueError: nbar is negative or not finite, or the levels lose more than 1e-6 of
            the trace.
    """
    for value, name in ((nbar, "nbar"), (alpha, "alpha")):
        _checks.check_finite(value, name, ())
    _checks.check_not_negative(nbar, "nbar")
    _check_reach(alpha, "alpha")
    if _checks.is_concrete(nbar):
        _check_reach(np.sqrt(np.asarray(nbar, float)), "nbar", "its root")
    alpha = jnp.asarray(alpha)
    alpha = alpha.astype(complex_type(jnp.asarray(nbar) + alpha))
    nbar = jnp.asarray(nbar).astype(jnp.finfo(alpha.dtype).dtype)
    return _enough(functools.partial(_thermal, nbar, alpha), levels)


def product(*states: Any) -> Complex[Array, "..."]:
    """The product of states of single modes.

    Args:
        states: kets (d_i,) or density operators (d_i, d_i), arrays or QuTiP objects.

    Returns:
        Ket (d_1, .., d_N) if all are kets, else density operator
        (d_1, .., d_N, d_1, .., d_N).

    Raises:
        ValueError: no states, or one that is neither a ket nor a density operator.
    """
    arrays = [as_array(state, f"states[{i}]") for i, state in enumerate(states)]
    if not arrays or any(array.ndim not in (1, 2) for array in arrays):
        raise ValueError(
            "Argument `states` must be kets or density operators of single modes, at "
            f"least one, but has the shapes {[array.shape for array in arrays]}."
        )
    operators = any(array.ndim == 2 for array in arrays)
    if operators:
        arrays = [
            jnp.outer(array, jnp.conj(array)) if array.ndim == 1 else array
            for array in arrays
        ]
    whole = functools.reduce(lambda a, b: jnp.tensordot(a, b, axes=0), arrays)
    if operators:
        axes = range(whole.ndim)
        whole = jnp.transpose(whole, (*axes[0::2], *axes[1::2]))
    return whole.astype(complex_type(whole))


@functools.partial(jax.jit, static_argnums=2)
def _thermal(nbar: Array, alpha: Array, levels: int) -> Array:
    """Σ_k (1-c)^k |v_k><v_k|, <n+k|v_k> = √(C(n+k,k) c^(n+1)) <n|α√c>, c = 1/(1+n̄)."""
    real = nbar.dtype
    gain = 1 + nbar
    start = coherent_amplitudes(alpha / jnp.sqrt(gain), levels)
    k, m = np.indices((levels, levels))
    n = np.where(m >= k, m - k, 0)
    ways = jnp.asarray(np.where(m >= k, log_binomials(levels)[m, k], 0), real)
    amplified = jnp.exp((ways - (jnp.asarray(n, real) + 1) * jnp.log(gain)) / 2)
    kets = jnp.where(m >= k, amplified * start[n], 0)
    lost = jnp.full(levels - 1, nbar / gain)
    weights = jnp.cumprod(jnp.concatenate((jnp.ones(1, real), lost)))
    return matmul(kets.T * weights[None, :], jnp.conj(kets))


def _check_reach(alpha: ArrayLike, name: str, what: str = "its modulus") -> None:
    """Refuse, before memory is taken, what has more quanta than levels there can be.

    Where the mean number lies above the last level, no cut-off keeps the state.
    """
    if not _checks.is_concrete(alpha):
        return
    largest = float(np.max(np.abs(np.asarray(alpha)), initial=0))
    if largest > math.sqrt(_MOST_LEVELS):
        raise ValueError(
            f"Argument `{name}` must be of at most {_MOST_LEVELS} quanta, the largest "
            f"number of levels, but {what} is {largest:.6g}; choose larger units, or "
            "`GaussianSum` with form 'gaussian', which has no levels."
        )


def _check_squeezing(r: ArrayLike) -> None:
    """sinh² r quanta are below the largest number of levels."""
    if _checks.is_concrete(r) and abs(float(np.asarray(r))) > _MOST_SQUEEZED:
        raise ValueError(
            f"Argument `r` must be at most {_MOST_SQUEEZED:.3g} in size, which fills "
            f"{_MOST_LEVELS} levels, but it is {np.asarray(r)}."
        )


def _enough(build: Callable[[int], Array], levels: int) -> Array:
    """The state with so many levels, if they lose no more than 1e-6 of its norm."""
    check_levels(levels)
    _checks.check_memory(16.0 * levels, "levels", f"a ket of {levels} levels")
    state = build(levels)
    if not _checks.is_concrete(state):
        return state
    # the exponent of a state far out is rounded by a few tens of its ε
    loss = _LOSS + 64 * float(np.finfo(state.dtype).eps)
    if _held(state)[-1] >= 1 - loss:
        return state
    more = levels
    while more < _MOST_LEVELS:
        more = min(2 * more, _MOST_LEVELS)
        held = _held(build(more))
        if held[-1] >= 1 - loss:
            needed = int(np.argmax(held >= 1 - loss)) + 1
            raise ValueError(
                f"Argument `levels` must be at least {needed} for this state to lose "
                f"no more than {_LOSS:g} of its norm, but it is {levels}."
            )
    raise ValueError(
        f"Argument `levels` must be more than {_MOST_LEVELS} for this state, but it is "
        f"{levels}."
    )


def _held(state: Array) -> np.ndarray:
    """What the first 1, 2, .. levels hold of the norm."""
    values = np.asarray(state).astype(complex)
    held = np.abs(values if values.ndim == 1 else np.diagonal(values))
    held = held**2 if values.ndim == 1 else held
    return np.cumsum(held)


def _refuse_bytes(numbers: Any, name: str) -> None:
    """Raise for bytes, which Python takes for a sequence of numbers."""
    if isinstance(numbers, bytes | bytearray):
        raise ValueError(
            f"Argument `{name}` must be an integer or integers, but is "
            f"{_checks.shown(numbers)}."
        )

"""The number basis of a bosonic mode."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Complex, Float

from .. import _checks
from .._math import abs2, expi

# ln n! = n ln n - n + ln(2πn)/2 + Σ_k b_k n^(1-2k); the next term is 2e-17 at n = 16.
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)
_MOST_LEVELS = 2**20


def destroy(levels: int) -> Float[Array, "d d"]:
    """The annihilation operator, <n-1|a|n> = √n.

    Args:
        levels: number of levels d kept, at least 1.

    Returns:
        (d, d) matrix of the default float type.

    Raises:
        ValueError: levels is not at least 1.
    """
    check_levels(levels)
    return jnp.diag(jnp.sqrt(jnp.arange(1, levels, dtype=jnp.result_type(float))), 1)


def coherent_amplitudes(points: ArrayLike, levels: int) -> Complex[Array, "... d"]:
    """Amplitudes of coherent states in the number basis.

    <n|b> = exp(-|b|²/2) b^n / √n!, where a|b> = b|b>

    The modulus is computed from n D(|b|²/n), D(u) = u - 1 - ln u, which is small
    wherever the amplitude is not: nothing overflows, and the relative error is a few
    times n ε plus √n ε. Derivatives of all orders are exact, also at b = 0.

    Args:
        points: b, dimensionless, any shape.
        levels: number of levels d, at least 1.

    Returns:
        Complex amplitudes, shape of `points` + (d,), in the precision of `points`.

    Raises:
        ValueError: levels is not at least 1.

    Source: C. Loader, Fast and accurate computation of binomial probabilities (2000).
    """
    check_levels(levels)
    points = jnp.asarray(points)
    return _amplitudes(points.astype(complex_type(points)), levels)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
@functools.partial(jax.jit, static_argnums=1, inline=True)
def _amplitudes(b: Array, levels: int) -> Array:
    real = jnp.finfo(b.dtype).dtype
    count = np.maximum(np.arange(levels), 1)
    shape = (1,) * b.ndim + (levels,)
    rest = np.log(2 * np.pi * count) / 4 + _stirling_rest(count) / 2
    n, rest = (jnp.asarray(c.reshape(shape), real) for c in (count, rest))
    r2 = abs2(b)[..., None]
    excess = (r2 - n) / n
    near = jnp.abs(excess) < 0.5
    ratio = jnp.where(r2 > 0, r2 / n, 1)
    log = jnp.where(near, jnp.log1p(jnp.where(near, excess, 0)), jnp.log(ratio))
    modulus = jnp.exp(-n * (excess - log) / 2 - rest)
    modulus = jnp.where(r2 > 0, modulus, 0)
    ground = np.arange(levels).reshape(shape) == 0
    modulus = jnp.where(ground, jnp.exp(-r2 / 2), modulus)
    angle = jnp.where(r2 > 0, jnp.arctan2(b.imag, b.real)[..., None], 0)
    angle = angle * jnp.where(ground, 0, n)
    return lax.complex(modulus * jnp.cos(angle), modulus * jnp.sin(angle))


@_amplitudes.defjvp
def _amplitudes_jvp(levels, primals, tangents):
    """d<n|b> = √n <n-1|b> db - <n|b> Re(b* db): no polar angle, so no pole at 0."""
    (b,), (d_b,) = primals, tangents
    amplitudes = _amplitudes(b, levels)
    real = jnp.finfo(b.dtype).dtype
    roots = jnp.sqrt(jnp.arange(1, levels, dtype=real)).reshape((1,) * b.ndim + (-1,))
    pad = [(0, 0)] * b.ndim + [(1, 0)]
    lowered = jnp.pad(amplitudes[..., :-1] * roots, pad)
    radial = b.real * d_b.real + b.imag * d_b.imag
    return amplitudes, lowered * d_b[..., None] - amplitudes * radial[..., None]


@functools.partial(jax.jit, static_argnums=3)
def squeezed_amplitudes(
    r: Array, angle: Array, beta: Array, levels: int
) -> Complex[Array, " d"]:
    """Amplitudes of D(β) S(r e^(iθ))|0> in the number basis.

    The recurrence follows from (cosh r) (a - β) + e^(iθ) (sinh r) (a† - β*) = 0 on the
    state. The first amplitude may lie below the smallest float, so the recurrence
    starts at 1 and keeps the exponent separately.

    Args:
        r: r, scalar; only its real part counts.
        angle: θ, scalar; only its real part counts.
        beta: β, complex scalar; the result has its precision.
        levels: number of levels d.

    Returns:
        (d,) complex.
    """
    real = jnp.finfo(beta.dtype).dtype
    r, twist = r.real, expi(angle.real)
    source = beta * jnp.cosh(r) + jnp.conj(beta) * twist * jnp.sinh(r)
    lead, back = 1 / jnp.cosh(r), twist * jnp.tanh(r)
    first = -abs2(beta) / 2 - jnp.conj(beta) ** 2 * back / 2
    first = first - jnp.log(jnp.cosh(r)) / 2
    big = 2.0 ** (jnp.finfo(real).maxexp // 4)

    def step(carry, n):
        value, previous, exponent = carry
        up = lead * source * value - back * jnp.sqrt(n) * previous
        up = up / jnp.sqrt(n + 1)
        large = jnp.maximum(jnp.abs(up.real), jnp.abs(up.imag)) > big
        scale = jnp.where(large, 1 / big, jnp.ones_like(exponent))
        grown = exponent + jnp.where(large, math.log(big), jnp.zeros_like(exponent))
        return (up * scale, value * scale, grown), value * jnp.exp(exponent)

    start = (jnp.ones_like(beta), jnp.zeros_like(beta), first.real)
    _, values = lax.scan(step, start, jnp.arange(levels, dtype=real))
    return values * expi(first.imag)


def hermite_functions(x: ArrayLike, levels: int) -> Float[Array, "... d"]:
    """Wave functions of the number states at the quadrature x = (a + a†)/√2.

    h_n(x) = exp(-x²/2) H_n(x) / √(2^n n! √π), orthonormal in x

    The recurrence keeps the exponent separately, so that values which start below the
    smallest float are still right where they have grown.

    Args:
        x: real positions, dimensionless, any shape.
        levels: number of levels d, at least 1.

    Returns:
        Real values, shape of `x` + (d,).

    Raises:
        ValueError: levels is not at least 1, or `x` is complex.
    """
    check_levels(levels)
    _checks.check_real(x, "x")
    x = jnp.asarray(x)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        x = x.astype(jnp.result_type(float))
    return _hermite(x, levels)


@functools.partial(jax.jit, static_argnums=1)
def _hermite(x: Array, levels: int) -> Array:
    big = 2.0 ** (jnp.finfo(x.dtype).maxexp // 4)

    def step(carry, n):
        value, previous, exponent = carry
        up = jnp.sqrt(2 / (n + 1)) * x * value - jnp.sqrt(n / (n + 1)) * previous
        large = jnp.abs(up) > big
        scale = jnp.where(large, 1 / big, jnp.ones_like(up))
        grown = exponent + jnp.where(large, math.log(big), jnp.zeros_like(up))
        return (up * scale, value * scale, grown), value * jnp.exp(exponent)

    start = (jnp.full_like(x, np.pi**-0.25), jnp.zeros_like(x), -(x**2) / 2)
    _, values = lax.scan(step, start, jnp.arange(levels, dtype=x.dtype))
    return jnp.moveaxis(values, 0, -1)


def log_factorials(count: int) -> np.ndarray:
    """ln n! for n = 0 .. count - 1, shape (count,), float64."""
    return np.array([math.lgamma(n + 1) for n in range(count)])


def log_binomials(count: int) -> np.ndarray:
    """ln C(n, k) for n, k < count, -inf where k > n; shape (count, count), float64."""
    log = log_factorials(count)
    n, k = np.indices((count, count))
    values = log[n] - log[k] - log[np.maximum(n - k, 0)]
    return np.where(k <= n, values, -np.inf)


def complex_type(x: Array) -> np.dtype:
    """The complex dtype of the precision of `x`; for integers the default one."""
    inexact = jnp.issubdtype(x.dtype, jnp.inexact)
    start = x.dtype if inexact else jnp.result_type(float)
    return jnp.result_type(start, jnp.complex64)


def check_levels(levels: int, name: str = "levels") -> None:
    """Require an integer `levels` of at least 1, with kets that fit into memory."""
    if isinstance(levels, bool) or not isinstance(levels, int | np.integer):
        raise ValueError(
            f"Argument `{name}` must be an integer, but is {_checks.shown(levels)}."
        )
    if levels < 1:
        raise ValueError(f"Argument `{name}` must be at least 1, but it is {levels}.")
    if levels > _MOST_LEVELS:
        raise ValueError(
            f"Argument `{name}` must be at most {_MOST_LEVELS}, of which a ket takes "
            f"16 MiB, but it is {levels}."
        )


def _stirling_rest(n: np.ndarray) -> np.ndarray:
    """ln n! - (n ln n - n + ln(2πn)/2) for n >= 1, to rounding of itself."""
    n = n.astype(float)
    series = sum(b * n ** (-1 - 2 * k) for k, b in enumerate(_STIRLING))
    few = np.minimum(n, 16)
    direct = np.array([math.lgamma(k + 1) for k in few])
    direct = direct - (few * np.log(few) - few + np.log(2 * np.pi * few) / 2)
    return np.where(n > 16, series, direct)

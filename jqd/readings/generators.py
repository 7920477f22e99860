"""The right-hand sides of the Husimi law at a point, for any density.

These are the literal equations, by automatic differentiation. They serve to compare
forms and orders. They do not evolve a density, since the equations are ill-posed
forward in time.

`H` is the anti-Wick symbol as a real function of z = (q, p), or `symbol` the real
symbol itself; `density` is ρ, real, of one point z, (2N,), or α, () for one mode and
(N,) for N; C is the strength of the diffusion, 1 in quantum mechanics.

Source: "Can Quantum Field Theory be Recovered from Time-Symmetric Stochastic Mechanics?
Part I".
"""

import functools
import itertools
import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from ..spaces.symbols import Symbol
from .forms import PhaseFunction, kappa_free_form, real_form, scales, symplectic


def real_generator(
    H: PhaseFunction,
    density: PhaseFunction,
    z: Float[Array, " 2N"],
    lengths: ArrayLike,
    kappa: ArrayLike,
    C: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Float[Array, ""]:
    """∂_t ρ at a point, by automatic differentiation of the products in the equation.

    ∂_t ρ = Σ_i (∂H/∂q_i ∂/∂p_i - ∂H/∂p_i ∂/∂q_i) ρ + (ħ/2κ) Σ_ab ∂_a ∂_b (D_ab ρ),
    ∂ = (∂_Q, ∂_P)

    Args:
        lengths: l_i > 0, scalar or (N,).
        kappa: κ > 0, an action.

    Source: eq. (56).
    """
    L = scales(z, lengths, kappa)

    def product(point):
        return real_form(H, point, lengths, kappa, C).diffusion * density(point)

    second = jnp.einsum("abab,a,b->", jax.hessian(product)(z), L, L)
    drift = symplectic(z) @ jax.grad(H)(z)
    return -drift @ jax.grad(density)(z) + hbar / (2 * kappa) * second


def kappa_free_generator(
    H: PhaseFunction,
    density: PhaseFunction,
    z: Float[Array, " 2N"],
    s: ArrayLike = 1.0,
    C: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Float[Array, ""]:
    """∂_t ρ = {H, ρ} + (1/2) Σ_ab ∂_a ∂_b (D_ab ρ) at a point, see `kappa_free_form`.

    `s` is s_i > 0, scalar or (N,).
    """

    def product(point):
        return kappa_free_form(H, point, s, C, hbar).diffusion * density(point)

    drift = symplectic(z) @ jax.grad(H)(z)
    return (
        -drift @ jax.grad(density)(z)
        + jnp.einsum("abab->", jax.hessian(product)(z)) / 2
    )


def complex_generator(
    symbol: Symbol,
    density: PhaseFunction,
    alpha: ArrayLike,
    C: ArrayLike = 1.0,
    hbar: ArrayLike = 1.0,
) -> Float[Array, ""]:
    """∂_t ρ at a point: the first order of the exact equation, and C times the second.

    ∂_t ρ = i Σ_i ∂_i((∂*_i H)ρ) + (iħC/2) Σ_ij ∂_i ∂_j((∂*_i ∂*_j H)ρ) + c.c.

    Source: eq. (43).
    """
    return order_term(symbol, density, alpha, 1, hbar) + C * order_term(
        symbol, density, alpha, 2, hbar
    )


def order_term(
    symbol: Symbol,
    density: PhaseFunction,
    alpha: ArrayLike,
    order: int,
    hbar: ArrayLike = 1.0,
) -> Float[Array, ""]:
    """The terms of one order of the exact equation of the Husimi function.

    (i/ħ) Σ_{|m| = order} (ħ^|m|/m!) ∂^m((∂*^m H) Q) + c.c.; the orders from 1 to the
    holomorphic degree of H add up to <α|-(i/ħ)[Ĥ, ρ̂]|α>.

    Args:
        order: order, at least 1; the cost grows as 2^order.

    Raises:
        ValueError: order below 1, or a symbol that is not anti-Wick ordered.

    Source: eq. (63).
    """
    if order < 1:
        raise ValueError(f"Argument `order` must be at least 1, but is {order}.")
    if symbol.ordering != "antiwick":
        raise ValueError(
            f"Argument `symbol` must be antiwick ordered, but is {symbol.ordering}."
        )
    alpha = symbol.points(alpha)
    single = symbol.modes == 1
    total = jnp.zeros((), alpha.real.dtype)
    for modes in itertools.combinations_with_replacement(range(symbol.modes), order):
        if not any(
            all(n[i] >= modes.count(i) for i in modes) for _, n in symbol.powers
        ):
            continue  # the derivative of H vanishes
        derivative = functools.reduce(
            lambda f, i: f.derivative(i, conjugate=True), modes, symbol
        )

        def product(point, derivative=derivative):
            place = point[0] if single else point
            return derivative(place) * density(place)

        function = functools.reduce(_holomorphic_derivative, modes, product)
        repeats = math.prod(math.factorial(modes.count(i)) for i in set(modes))
        # H and Q are real: the other bracket is the complex conjugate.
        total = total - 2 * function(alpha).imag / repeats
    return total * hbar ** (order - 1)


def _holomorphic_derivative(function: PhaseFunction, mode: int) -> PhaseFunction:
    """∂f/∂α_mode = (∂f/∂x - i ∂f/∂y)/2 of a complex function of α = x + iy."""

    def derivative(alpha: Complex[Array, " N"]) -> Complex[Array, ""]:
        unit = jnp.zeros_like(alpha).at[mode].set(1)
        along_x = jax.jvp(function, (alpha,), (unit,))[1]
        along_y = jax.jvp(function, (alpha,), (1j * unit,))[1]
        return (along_x - 1j * along_y) / 2

    return derivative

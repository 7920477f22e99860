"""Wave functions of phonons: eigenstates and coherent states of normal modes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float

from jqd.constants import constant
from jqd.matter.solid.modes import Modes
from jqd.matter.solid.phonons import checked_occupations


def phonon_states(
    y: ArrayLike, levels: int, *, omega: ArrayLike, hbar: ArrayLike = 1.0
) -> Float[Array, "... levels"]:
    """Wave functions of the lowest states of one mode.

    ψ_n(y) = (2ⁿ n! √π a)^(-1/2) H_n(y/a) exp(-y²/2a²), a = √(ħ/ω), of unit norm; in
    print the prefactor is missing.

    The recursion carries its exponent apart: nothing overflows for thousands of levels.

    Args:
        y: mode coordinate (mass-weighted), any shape.
        levels: how many states, from the ground state up (static).
        omega: ω, scalar or of a shape that broadcasts with `y`.
        hbar: ħ, scalar.

    Returns:
        Real amplitudes, shape (..., levels).

    Source: Chafin (2019), sec. 1, normalised.
    """
    a = jnp.sqrt(constant(hbar, "hbar") / constant(omega, "omega"))
    y, a = jnp.broadcast_arrays(constant(y, "y"), a)
    return _hermite_functions(y / a, levels) / jnp.sqrt(a)[..., None]


@functools.partial(jax.jit, static_argnums=1)
def _hermite_functions(xi: Array, levels: int) -> Array:
    """h_n(ξ), n < levels: h_{n+1} = √(2/(n+1)) ξ h_n - √(n/(n+1)) h_{n-1}."""

    def climb(carry, n):
        now, before, log = carry
        then = jnp.sqrt(2 / (n + 1)) * xi * now - jnp.sqrt(n / (n + 1)) * before
        size = lax.stop_gradient(jnp.maximum(jnp.abs(then), jnp.abs(now)))
        size = jnp.where(size > 0, size, 1)
        new = (then / size, now / size, log + jnp.log(size))
        return new, now * jnp.exp(log)

    one = jnp.full_like(xi, np.pi**-0.25)
    start = (one, jnp.zeros_like(xi), -(xi**2) / 2)
    _, states = lax.scan(climb, start, jnp.arange(levels, dtype=xi.dtype))
    return jnp.moveaxis(states, 0, -1)


def wave_function(
    modes: Modes,
    u: Float[ArrayLike, "... N d"],
    occupations: ArrayLike,
    *,
    hbar: ArrayLike = 1.0,
    levels: int | None = None,
) -> Float[Array, "..."]:
    """The many-body wave function Φ = ∏_k ψ_{n_k}(X_k) at displacements u.

    Of unit norm over the mode coordinates: ∫|Φ|² ∏ dX_k = 1.

    Args:
        modes: normal modes.
        u: displacements from rest, shape (..., N, d).
        occupations: phonons n_k of each mode, integers (n,); those of zero modes do not
            count.
        hbar: ħ, scalar.
        levels: more than the largest n_k; needed where `occupations` is traced.

    Returns:
        Φ, real, shape (...).

    Source: Chafin (2019), sec. 1.
    """
    occupations = checked_occupations(modes, occupations)
    if levels is None:
        levels = int(np.max(np.asarray(occupations))) + 1
    return _product(
        modes, constant(u, "u"), occupations, constant(hbar, "hbar"), levels
    )


@jax.jit(static_argnames="levels")
def _product(
    modes: Modes, u: Array, occupations: Array, hbar: Array, levels: int
) -> Array:
    X = modes.coordinates(u)
    a = jnp.sqrt(hbar / jnp.where(modes.vibrating, modes.omega, 1))
    a = jnp.broadcast_to(a, X.shape)
    states = _hermite_functions(X / a, levels) / jnp.sqrt(a)[..., None]
    chosen = jnp.broadcast_to(occupations.astype(int), states.shape[:-1])
    factors = jnp.take_along_axis(states, chosen[..., None], axis=-1)[..., 0]
    vibrating = jnp.broadcast_to(modes.vibrating, factors.shape)
    return jnp.prod(jnp.where(vibrating, factors, 1), axis=-1)


def coherent_path(
    modes: Modes, alpha: ArrayLike, t: ArrayLike, *, hbar: ArrayLike = 1.0
) -> Float[Array, "... N d"]:
    """Mean displacements of a coherent state: <X_k> = √(2ħ/ω_k) Re α_k exp(-iω_k t).

    Widths stay those of the ground state. Zero modes stay at rest.

    Args:
        modes: normal modes.
        alpha: amplitudes α_k, complex, shape (n,).
        t: times, any shape.
        hbar: ħ.

    Returns:
        Mean u, shape (..., N, d).
    """
    alpha, t = jnp.asarray(alpha), constant(t, "t")
    return _path(modes, alpha, t, constant(hbar, "hbar"))


@jax.jit
def _path(modes: Modes, alpha: Array, t: Array, hbar: Array) -> Array:
    omega = jnp.where(modes.vibrating, modes.omega, 1)
    reach = jnp.where(modes.vibrating, jnp.sqrt(2 * hbar / omega), 0)
    turn = jnp.exp(-1j * jnp.einsum("...,k->...k", t, omega))
    return modes.displacements(
        jnp.real(jnp.einsum("...k,k->...k", turn, reach * alpha))
    )

"""Identical atoms of a solid: the symmetrised wave function, corrected and printed."""

import itertools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...matter.solid.modes import Modes
from .phonons import phonon_states, wave_function

# 8! = 40320 wave functions; a sum over n! terms is for showing, not for computing.
_MOST = 8


def symmetrised(
    modes: Modes,
    sites: Float[ArrayLike, "N d"],
    x: Float[ArrayLike, "N d"],
    occupations: ArrayLike,
    *,
    hbar: ArrayLike = 1.0,
    printed: bool = False,
) -> Float[Array, ""]:
    """Wave function of identical atoms, a sum over the labels of the particles.

    Ψ(x) = Σ_π Φ(x_π(1) - R_1, .., x_π(N) - R_N), Φ the phonon state at one assignment
    of atoms to sites. Exchanging two atoms leaves Ψ as it is. Not normalised.

    Args:
        modes: normal modes about the sites, of equal masses.
        sites: R_j, (N, d).
        x: positions, (N, d).
        occupations: phonons of each mode, concrete integers (n,).
        hbar: ħ, scalar.
        printed: the sum over the modes, Σ_π ∏_i ψ_n(i)(X^π(i)), all of them vibrations
            (fixed ends). The atoms keep their labels, so that an exchange changes it.

    Returns:
        Ψ, ().

    Raises:
        ValueError: more than 8 atoms (as printed: modes), or a wrong shape.

    Source: Chafin (2019), sec. 1.
    """
    sites, x = _positions(modes, sites, x)
    n = np.asarray(occupations)
    if printed:
        return _over_modes(modes, x - sites, n, hbar)
    orders = _permutations(len(sites), "sites")
    u = x[orders] - sites[None]
    return jnp.sum(wave_function(modes, u, n, hbar=hbar, levels=int(n.max()) + 1))


def _over_modes(modes: Modes, u: Array, n: np.ndarray, hbar: ArrayLike) -> Array:
    _checks.check_shape(n, "occupations", modes.omega.shape)
    X = modes.coordinates(u)
    # ψ_n(i) with the width of mode i, at the coordinate of mode k
    at = jnp.broadcast_to(X[None, :], (len(n), len(n)))
    states = phonon_states(at, int(n.max()) + 1, omega=modes.omega[:, None], hbar=hbar)
    table = states[jnp.arange(len(n)), :, n]
    orders = _permutations(len(n), "modes")
    terms = table[jnp.arange(len(n))[None, :], orders]
    return jnp.sum(jnp.prod(terms, axis=1))


def _positions(modes, sites, x) -> tuple[Array, Array]:
    count = modes.masses.shape[0]
    shape = (count, modes.omega.shape[0] // count)
    for name, value in (("sites", sites), ("x", x)):
        _checks.check_shape(value, name, shape)
        _checks.check_finite(value, name)
    return _checks.widen(sites), _checks.widen(x)


def _permutations(count: int, name: str) -> Array:
    """All orders of `count` things, (count!, count)."""
    if count > _MOST:
        raise ValueError(
            f"Argument `{name}` must hold at most {_MOST} to be permuted, but it holds "
            f"{count}."
        )
    return jnp.array(list(itertools.permutations(range(count))))

"""Identical atoms of a solid: the symmetrised wave function, corrected and printed."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ... import _checks
from ...matter.solid.modes import Modes
from ...matter.solid.phonons import phonon_states, wave_function
from ..registry import equations_of

equation = equations_of("thermalization")

# 8! = 40320 wave functions; a sum over n! terms is for showing, not for computing.
_MOST = 8


@equation("erratum-symmetriser", "1 solids and phonons").corrected(
    "Identical atoms: a sum over permutations of the particles' labels.",
    printed="A sum over permutations of the modes, which changes its value if two "
    "atoms are exchanged.",
    printed_tex=r"\Psi=\sum_{\pi}\Phi(X^{\pi(i)}-R_{\pi(i)})",
    tex=r"\Psi=\sum_{\pi}\Phi(x_{\pi(1)}-R_1,\dots,x_{\pi(N)}-R_N)",
    test="test_symmetrise.py::test_particles_are_permuted_not_modes",
)
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
            (Displacements are e·(x - R); for that misprint see `offsets_printed`.)

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


def offsets_printed(
    modes: Modes, sites: Float[ArrayLike, "N 1"], x: Float[ArrayLike, "N 1"]
) -> Float[Array, " N"]:
    """Arguments of the phonon states as printed, X^i - R_i with X^i = Σ_j e_j x_j.

    R_i is the place of a site and X^i a sum over all of them, so that the state does
    not sit at the lattice; `Modes.coordinates(x - sites)` does: Σ √m_j e_j (x_j - R_j).

    Args:
        modes: normal modes, on a line.
        sites: R_i, (N, 1).
        x: positions, (N, 1).

    Returns:
        X^i - R_i, (N,).

    Raises:
        ValueError: a wrong shape, or more than one dimension.

    Source: Chafin (2019), sec. 1 as printed.
    """
    sites, x = _positions(modes, sites, x)
    _checks.check_shape(sites, "sites", (None, 1))
    return coordinates_printed(modes, x) - sites[:, 0]


def coordinates_printed(modes: Modes, u: Float[ArrayLike, "N d"]) -> Float[Array, " n"]:
    """Mode coordinates as printed, X^i = Σ_j e_j u_j, without √m_j.

    Right for equal masses of 1 only: else H is not a sum over these coordinates.

    Args:
        modes: normal modes.
        u: displacements, (N, d).

    Returns:
        X, (n,).

    Source: Chafin (2019), sec. 1 as printed.
    """
    return _checks.widen(u).reshape(-1) @ modes.vectors


def phonon_state_printed(
    y: ArrayLike, n: int, *, omega: ArrayLike = 1.0, hbar: ArrayLike = 1.0
) -> Float[Array, "..."]:
    """ψ_n(y) = H_n(y/a) e^{-y²/2a²} as printed, without (2ⁿ n! √π a)^(-1/2).

    Args:
        y: mode coordinate.
        n: number of phonons.
        omega: ω, scalar.
        hbar: ħ, scalar.

    Returns:
        Amplitudes of the shape of y; ∫ ψ_n² dy = 2ⁿ n! √π a, a = √(ħ/ω).

    Raises:
        ValueError: n is negative, or ω or ħ is not positive.

    Source: Chafin (2019), sec. 1 as printed.
    """
    state = phonon_states(y, n + 1, omega=omega, hbar=hbar)[..., n]
    a = jnp.sqrt(_checks.widen(hbar) / _checks.widen(omega))
    log_norm = n * jnp.log(2.0) + jax.scipy.special.gammaln(n + 1.0)
    return state * jnp.sqrt(jnp.exp(log_norm) * jnp.sqrt(jnp.pi) * a)


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

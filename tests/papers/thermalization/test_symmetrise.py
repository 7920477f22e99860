"""Section 1: identical atoms, mode coordinates, norms of phonon states."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, ArrayLike, Float

from jqd import _checks
from jqd.matter.solid.modes import Modes, hessian_modes

from .conftest import equation
from .waves import phonon_states, wave_function

# Three atoms between walls, springs 1.0, 1.3, 0.8, 1.1: no symmetry.
SPRINGS = np.array([1.0, 1.3, 0.8, 1.1])
HESSIAN = (
    np.diag(SPRINGS[:-1] + SPRINGS[1:])
    - np.diag(SPRINGS[1:-1], 1)
    - np.diag(SPRINGS[1:-1], -1)
)
SITES = np.array([[1.0], [2.0], [3.0]])
X = np.array([[1.3], [1.7], [3.4]])
MODES = hessian_modes(HESSIAN, np.ones(3), zero_modes=0)
HEAVY = hessian_modes(HESSIAN, np.array([1.0, 4.0, 2.0]), zero_modes=0)


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

    Source: Chafin (2019), sec. 1.
    """
    sites, x = _checks.widen(sites), _checks.widen(x)
    n = np.asarray(occupations)
    if printed:
        return _over_modes(modes, x - sites, n, hbar)
    orders = _permutations(len(sites))
    u = x[orders] - sites[None]
    return jnp.sum(wave_function(modes, u, n, hbar=hbar, levels=int(n.max()) + 1))


def _over_modes(modes: Modes, u: Array, n: np.ndarray, hbar: ArrayLike) -> Array:
    X = modes.coordinates(u)
    # ψ_n(i) with the width of mode i, at the coordinate of mode k
    at = jnp.broadcast_to(X[None, :], (len(n), len(n)))
    states = phonon_states(at, int(n.max()) + 1, omega=modes.omega[:, None], hbar=hbar)
    table = states[jnp.arange(len(n)), :, n]
    orders = _permutations(len(n))
    terms = table[jnp.arange(len(n))[None, :], orders]
    return jnp.sum(jnp.prod(terms, axis=1))


def _permutations(count: int) -> Array:
    """All orders of `count` things, (count!, count): of a few."""
    return jnp.array(list(itertools.permutations(range(count))))


def coordinates_printed(modes, u):
    """X^i = Σ_j e_j u_j, without √m_j: right for equal masses of 1 only."""
    return jnp.reshape(u, -1) @ modes.vectors


def phonon_state_printed(y, n, omega, hbar):
    """H_n(y/a) e^{-y²/2a²} without (2ⁿ n! √π a)^(-1/2), a = √(ħ/ω)."""
    norm = 2.0**n * math.factorial(n) * jnp.sqrt(jnp.pi * hbar / omega)
    return phonon_states(y, n + 1, omega=omega, hbar=hbar)[..., n] * jnp.sqrt(norm)


@equation("erratum-symmetriser")
def test_particles_are_permuted_not_modes():
    occupations = (1, 0, 2)
    sums = [
        jax.jit(
            lambda x, p=p: symmetrised(
                MODES, SITES, x, np.array(occupations), printed=p
            )
        )
        for p in (False, True)
    ]
    orders = [[0, 1, 2], [1, 0, 2], [2, 1, 0], [1, 2, 0]]
    corrected, printed = (np.array([f(X[o]) for o in orders]) for f in sums)
    np.testing.assert_allclose(corrected, corrected[0], rtol=1e-12)
    assert np.ptp(printed) > 0.05 * np.max(np.abs(printed))
    # It is the six terms.
    one = jax.jit(lambda x: wave_function(MODES, x - SITES, occupations, levels=3))
    terms = [one(X[list(order)]) for order in itertools.permutations(range(3))]
    assert corrected[0] == pytest.approx(float(sum(terms)), rel=1e-12)


def test_symmetrised_in_other_units():
    """The six terms at ħ = 0.3."""
    value = symmetrised(MODES, SITES, X, np.array((1, 0, 2)), hbar=0.3)
    one = jax.jit(
        lambda x: wave_function(MODES, x - SITES, (1, 0, 2), hbar=0.3, levels=3)
    )
    terms = [one(X[list(order)]) for order in itertools.permutations(range(3))]
    assert float(value) == pytest.approx(float(sum(terms)), rel=1e-12)
    other = symmetrised(MODES, SITES, X, np.array((1, 0, 2)))
    assert abs(float(other) - float(value)) > 1e-3  # Negative control


@equation("erratum-offset")
def test_the_peak_sits_on_the_lattice():
    """At rest every mode coordinate vanishes; as printed none does."""
    np.testing.assert_allclose(MODES.coordinates(0 * SITES), 0, atol=1e-15)
    offsets = coordinates_printed(MODES, SITES) - SITES[:, 0]
    assert np.min(np.abs(offsets)) > 0.2


@equation("erratum-mode-coordinate")
def test_masses_belong_into_the_mode_coordinates():
    """(HΦ)/Φ of the ground state is the same everywhere, with √m only."""

    def local_energy(coordinates):
        def log_state(u):
            return -jnp.sum(HEAVY.omega * coordinates(u[:, None]) ** 2) / 2

        @jax.jit
        def energy(u):
            slope, curve = jax.grad(log_state)(u), jax.hessian(log_state)(u)
            kinetic = -(jnp.diag(curve) + slope**2) / (2 * HEAVY.masses)
            return jnp.sum(kinetic) + u @ jnp.asarray(HESSIAN) @ u / 2

        return np.array([energy(u) for u in np.array([[0, 0, 0], [0.5, -1, 0.3]])])

    corrected = local_energy(HEAVY.coordinates)
    np.testing.assert_allclose(corrected, np.sum(HEAVY.omega) / 2, rtol=1e-12)
    printed = local_energy(lambda u: coordinates_printed(HEAVY, u))
    assert np.ptp(printed) > 0.1 * corrected[0]
    # They differ for unequal masses only.
    u = X - SITES
    np.testing.assert_allclose(coordinates_printed(MODES, u), MODES.coordinates(u))


@equation("erratum-phonon-norm")
def test_phonon_states_need_a_norm():
    """H_n(y/a) e^{-y²/2a²} by NumPy; its square integrates to 2ⁿ n! √π a."""
    omega, hbar, n = 0.7, 0.4, 5
    a = np.sqrt(hbar / omega)
    y = np.linspace(-9, 9, 1201)
    state = jax.jit(phonon_state_printed, static_argnums=1)
    printed = np.asarray(state(y, n, omega=omega, hbar=hbar))
    coefficients = np.zeros(n + 1)
    coefficients[n] = 1
    hermite = np.polynomial.hermite.hermval(y / a, coefficients)
    np.testing.assert_allclose(
        printed, hermite * np.exp(-((y / a) ** 2) / 2), atol=1e-11 * np.max(hermite)
    )
    norm = np.sum(printed**2) * (y[1] - y[0])
    factorial = np.prod(np.arange(1, n + 1))
    assert norm / (2**n * factorial * np.sqrt(np.pi) * a) == pytest.approx(1, abs=1e-12)
    assert abs(norm - 1) > 0.1

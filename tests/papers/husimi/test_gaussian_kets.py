"""Reaction 2 of section V D: quartic interactions on Gaussian operators."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.papers.husimi import apply_bilinear
from jqd.spaces import symbols

from .conftest import equation

# Second derivatives of polynomials of order 100 in float64.
ROUNDING = 1e-11
Z = jnp.array([0.6 - 0.3j, -0.2 + 0.5j])
T = jnp.array([[0.25 + 0.2j, 0.1 - 0.15j], [0.1 - 0.15j, -0.3j]])


def gaussian_ket(z, t, levels):
    """|z, t) in the number basis: the raising operators end at the last level."""
    modes = z.shape[0]
    raise_one = np.diag(np.sqrt(np.arange(1.0, levels)), -1)
    one = np.eye(levels)
    raised = [
        functools.reduce(np.kron, [raise_one if i == j else one for j in range(modes)])
        for i in range(modes)
    ]
    X = sum(z[i] * jnp.asarray(raised[i]) for i in range(modes))
    for i, j in itertools.product(range(modes), repeat=2):
        X = X + t[i, j] / 2 * jnp.asarray(raised[i] @ raised[j])
    term = total = jnp.zeros(levels**modes, complex).at[0].set(1)
    for k in range(1, modes * (levels - 1) + 1):
        term = X @ term / k
        total = total + term
    return total


def overlap(psi, levels):
    """f = (ψ|z, t)."""
    return lambda z, t: jnp.sum(jnp.conj(psi) * gaussian_ket(z, t, levels))


def bilinear(modes, mixed=0.0, raised=0.0, lowered=0.0, constant=0.0):
    """An operator that acts on functions of (z, t)."""
    tables = [jnp.zeros((modes, modes), complex) + m for m in (mixed, raised, lowered)]
    return lambda f: apply_bilinear(f, *tables, constant)


def random_ket(few, levels, modes):
    rng = np.random.default_rng(5)
    shape = (few,) * modes
    ket = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    return np.pad(ket, (0, levels - few)).ravel()


def square(modes):
    """q² of one mode, |φ|² = (a + b†)(a† + b)/2 of two."""
    if modes == 1:
        return bilinear(1, 1.0, 1.0, 1.0, 0.5)
    swap = jnp.array([[0, 0.5], [0.5, 0]])
    return bilinear(2, jnp.eye(2) / 2, swap, swap, 0.5)


@equation("claim-gaussian-operators")
@pytest.mark.parametrize("modes", [1, 2])
def test_quartic_interactions_are_of_second_order_on_gaussian_kets(modes):
    """φ⁴ and the complex field: squares of an operator of first order."""
    few, levels = (5, 9) if modes == 1 else (2, 6)  # the quartic term adds four quanta
    psi = random_ket(few, levels, modes)
    symbol = symbols.phi4(0.1) if modes == 1 else symbols.complex_field(0.2)
    free = symbols.harmonic(jnp.ones(modes)) if modes > 1 else symbols.harmonic(1.0)
    quartic = np.asarray(symbols.matrix(symbol - free, (levels,) * modes))
    z, t = Z[:modes], T[:modes, :modes]
    L, f = square(modes), overlap(psi, levels)
    exact = overlap(quartic @ psi, levels)
    strength = 0.1  # λ, and λ/2 for the complex field

    @jax.jit
    def values(z, t):
        return strength * L(L(f))(z, t), exact(z, t), L(f)(z, t)

    found, expected, once = values(z, t)
    assert abs(found - expected) < ROUNDING * abs(expected)
    # Negative control: the square of the value is another number
    assert abs(strength * once**2 / f(z, t) - expected) > 1e-2 * abs(expected)


@equation("claim-gaussian-operators")
def test_every_quartic_term_of_one_mode_is_a_product_of_bilinears():
    few, levels = 5, 9
    psi = random_ket(few, levels, 1)
    a = np.diag(np.sqrt(np.arange(1.0, levels)), 1)
    up, down = bilinear(1, raised=2.0), bilinear(1, lowered=2.0)
    number, f = bilinear(1, mixed=1.0), overlap(psi, levels)
    # (ψ|AB|z, t): B acts on the function of A
    products = [up(up(f)), number(up(f)), down(up(f)), down(number(f)), down(down(f))]
    pairs = {2: a.T @ a.T, 1: a.T @ a, 0: a @ a}
    operators = [
        pairs[m] @ pairs[n] for m, n in ((2, 2), (2, 1), (2, 0), (1, 0), (0, 0))
    ]

    @jax.jit
    def values(z, t):
        ket = gaussian_ket(z, t, levels)
        return jnp.stack([g(z, t) for g in products]), ket

    found, ket = values(Z[:1], T[:1, :1])
    exact = np.array([psi.conj() @ A @ np.asarray(ket) for A in operators])
    assert np.max(np.abs(np.asarray(found) / exact - 1)) < ROUNDING


@equation("claim-gaussian-c7")
def test_every_quadratic_hamiltonian_is_deterministic_on_gaussian_kets():
    """A first-order operator obeys Leibniz' rule: no diffusion, squeezing included."""
    rng = np.random.default_rng(6)
    tables = rng.normal(size=(3, 2, 2)) + 1j * rng.normal(size=(3, 2, 2))
    mixed, raised, lowered = (m + m.T for m in tables)
    B = bilinear(2, mixed, raised, lowered, 0.3)
    few, levels = 2, 4
    psi = random_ket(few, levels, 2)
    f = overlap(psi, levels)
    other = lambda z, t: jnp.sin(z[0] + t[0, 1] + t[1, 0]) + z[1] * t[1, 1]  # noqa: E731
    one = lambda z, t: jnp.ones((), complex) + 0 * z[0]  # noqa: E731

    def leibniz(B):
        product = B(lambda z, t: f(z, t) * other(z, t))(Z, T)
        apart = f(Z, T) * B(other)(Z, T) + other(Z, T) * B(f)(Z, T)
        return product - apart + f(Z, T) * other(Z, T) * B(one)(Z, T)

    a = np.diag(np.sqrt(np.arange(1.0, levels)), 1)
    a1, a2 = np.kron(a, np.eye(levels)), np.kron(np.eye(levels), a)
    lower = [a1, a2]
    H = 0.3 * np.eye(levels**2, dtype=complex)
    for i, j in itertools.product(range(2), repeat=2):
        H += mixed[i, j] * lower[i].T @ lower[j]
        H += raised[i, j] / 2 * lower[i].T @ lower[j].T
        H += lowered[i, j] / 2 * lower[i] @ lower[j]
    L = square(2)

    @jax.jit
    def values():
        exact = overlap(H.conj().T @ psi, levels)(Z, T)
        return B(f)(Z, T) - exact, leibniz(B), leibniz(lambda f: L(L(f))), exact

    wrong, second, quartic, exact = map(abs, values())
    assert wrong < ROUNDING * exact
    assert second < ROUNDING * exact
    assert quartic > 1e-2 * exact  # the interaction does diffuse


def fourth(z, t):
    """(4|z, t) of one mode."""
    return (z**4 + 6 * t * z**2 + 3 * t**2) / np.sqrt(24)


@equation("claim-gaussian-C")
def test_no_strength_of_the_diffusion_is_defined_on_gaussian_kets():
    """∂_t f = ½ ∂_z² f holds for each f, so that a diffusion can be read as a drift."""
    z, t = Z[0], T[0, 0]
    ket = gaussian_ket(Z[:1], T[:1, :1], 5)
    assert abs(fourth(z, t) - ket[4]) < ROUNDING

    def by_z(f):
        return jax.grad(f, holomorphic=True)

    def by_t(f):
        return jax.grad(f, 1, holomorphic=True)

    def constraint(f):
        return by_z(by_z(f))(z, t) - 2 * by_t(f)(z, t)

    def quartic(z, t):
        wide = lambda z, t: fourth(z[0], t[0, 0])  # noqa: E731
        return square(1)(square(1)(wide))(z[None], t[None, None])

    def pure(z, t):  # v_z² ∂_z², v = ((1+t)z, (1+t)²); on each f it is 2 v_z² ∂_t
        return (1 + t) ** 2 * z**2 * by_z(by_z(fourth))(z, t)

    def rest(z, t):
        mixed = 2 * (1 + t) ** 3 * z * by_z(by_t(fourth))(z, t)
        return mixed + (1 + t) ** 4 * by_t(by_t(fourth))(z, t)

    @jax.jit
    def values(C):
        """The law with all of (v∂)² times C, and with v_z² ∂_z² read as a drift."""

        def one(z, t):
            return quartic(z, t) + (C - 1) * (pure(z, t) + rest(z, t))

        def other(z, t):
            return quartic(z, t) + (C - 1) * rest(z, t)

        left = [constraint(f) for f in (fourth, one, other)]
        return one(z, t) - other(z, t), left

    for C in (1.0, 0.8):
        apart, (given, first, second) = values(C + 0j)
        assert abs(given) < ROUNDING
        factor = np.sqrt(6) * (C - 1)
        assert abs(apart - factor * z**2 * (1 + t) ** 2 * (t + z**2)) < ROUNDING
        # and at C = 1 alone they keep what every f obeys
        expected = -2 * (1 + t) * (2 * z**4 + 3 * t * z**2 + z**2 - t**2 - t)
        assert abs(first - factor * expected) < ROUNDING
        assert abs(second + 12 * factor * z**2 * (1 + t) ** 2) < ROUNDING
    assert abs(apart) > 1e-2
    assert abs(first) > 1e-2

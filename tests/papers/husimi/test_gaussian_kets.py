"""Reaction 2 of section V D: quartic interactions on Gaussian operators."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd import states
from jqd.spaces import symbols

from .conftest import equation
from .gaussian_kets import apply_bilinear, quartic_diffusion, squeezed_husimi

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


@pytest.mark.sampled
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


def field_square(shapes):
    """m = r = l of q_j², q_j = Σ_k c_jk (a_k + a_k†), for each site: 2 c_j c_jᵀ."""
    return 2 * shapes[:, :, None] * shapes[:, None, :]


@pytest.mark.sampled
@equation("claim-gaussian-traceless")
@pytest.mark.parametrize("sites", [1, 2, 3])
def test_the_diffusion_on_gaussian_kets_is_traceless_in_every_hermitian_metric(sites):
    rng = np.random.default_rng(7)
    shapes = np.eye(sites) + 0.3 * rng.normal(size=(sites, sites))
    tables = jnp.asarray(field_square(shapes)) + 0j
    t = rng.normal(size=(sites, sites)) + 1j * rng.normal(size=(sites, sites))
    t = jnp.asarray((t + t.T) / 20)
    z = jnp.asarray(rng.normal(size=sites) + 1j * rng.normal(size=sites))
    strengths = jnp.asarray(1 + 0.3 * rng.normal(size=sites))
    D = np.asarray(quartic_diffusion(strengths, *[tables] * 3, z, t))
    size = len(D) // 2
    assert size == sites + sites * (sites + 1) // 2
    # the second derivatives that i Σ_r λ_r B_r² leaves, by B_r of the functions x_a x_b
    upper = np.triu_indices(sites)
    origin = jnp.concatenate([z, t[*upper]])

    def away(pair):
        def function(z, t):
            x = jnp.concatenate([z, t[*upper]]) - origin
            return x[pair[0]] * x[pair[1]]

        return function

    pair = (0, size - 1)

    @jax.jit
    def moved():
        images = [away(pair)] * sites
        for _ in range(2):
            images = [
                apply_bilinear(f, *[m] * 3) for f, m in zip(images, tables, strict=True)
            ]
        return sum(s * f(z, t) for s, f in zip(strengths, images, strict=True))

    found = 1j * np.asarray(moved())
    assert abs(2 * D[pair] - found) < ROUNDING * abs(found)
    # as many directions of each sign as sites, in real coordinates
    turn = np.block(
        [[np.eye(size), np.eye(size)], [-1j * np.eye(size), 1j * np.eye(size)]]
    )
    real = turn @ D @ turn.T / 4
    assert np.max(np.abs(real.imag)) < ROUNDING
    values = np.linalg.eigvalsh(real.real)
    scale = np.max(np.abs(values)) * ROUNDING
    assert [np.sum(values > scale), np.sum(values < -scale)] == [sites, sites]
    # the trace in a Hermitian metric, and in one that is not
    g = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    g, none = g @ g.conj().T, np.zeros((size, size))
    assert np.sum(np.block([[none, g], [g.conj(), none]]) * D) == 0
    assert abs(np.sum(np.block([[g, none], [none, g.conj()]]) * D)) > 1e-2


@equation("claim-gaussian-operators")
def test_generator_of_phi4_on_gaussian_kets():
    """(ψ|a†a + 0.1 q⁴|z, t) by derivatives of (ψ|z, t)."""
    few, levels = 7, 11
    psi = random_ket(few, levels, 1)
    psi, f = psi / np.linalg.norm(psi), overlap(psi / np.linalg.norm(psi), levels)
    number, L = bilinear(1, mixed=1.0), square(1)
    quartic = symbols.phi4(0.1) - symbols.harmonic(1.0)
    H = np.diag(np.arange(levels)) + np.asarray(symbols.matrix(quartic, levels))
    exact = overlap(H @ psi, levels)

    @jax.jit
    def residual(z, t):
        return number(f)(z, t) + 0.1 * L(L(f))(z, t) - exact(z, t)

    # a sum of a hundred terms of order 1
    assert abs(residual(Z[:1], T[:1, :1])) < 1e-12


@equation("claim-gaussian-redundant")
def test_each_squeezing_holds_one_normalised_husimi_function():
    few = 4
    psi = random_ket(few, few, 1)
    psi = jnp.asarray(psi / np.linalg.norm(psi))
    f = overlap(psi, few)
    narrow = lambda z, t: f(z[None], t[None, None])  # noqa: E731

    @jax.jit
    def constraint(z, t):
        by_z = jax.grad(jax.grad(narrow, holomorphic=True), holomorphic=True)
        by_t = jax.grad(narrow, 1, holomorphic=True)
        return by_t(z, t) - by_z(z, t) / 2, by_t(z, t)

    left, size = constraint(Z[0], T[0, 0])
    assert abs(left) < ROUNDING
    assert abs(size) > 1e-2
    # the trapezoidal rule is exact to rounding for polynomials times Gaussians
    axis = np.linspace(-10, 10, 161)
    plane = jnp.asarray(axis[:, None] + 1j * axis[None, :]).ravel()
    densities = jax.jit(
        jax.vmap(lambda alpha, t: squeezed_husimi(f, alpha, t), (0, None))
    )
    for t in (0.0, T[0, 0], -0.6 + 0.2j):
        total = (
            jnp.sum(densities(plane, jnp.asarray(t, complex)))
            * (axis[1] - axis[0]) ** 2
        )
        assert abs(total - 1) < ROUNDING
    # at t = 0 it is the Husimi function
    found = densities(plane[:5000:7], jnp.zeros((), complex))
    assert np.allclose(found, states.husimi(psi, plane[:5000:7]), rtol=0, atol=ROUNDING)


class Polynomial(dict):
    """Of z and t with whole coefficients: {(i, j): coefficient of zⁱ tʲ}."""

    def __add__(self, other):
        keys = self.keys() | other.keys()
        total = {k: self.get(k, 0) + other.get(k, 0) for k in keys}
        return Polynomial({k: c for k, c in total.items() if c})

    def __mul__(self, other):
        terms = (
            Polynomial({(i + k, j + m): c * d})
            for ((i, j), c), ((k, m), d) in itertools.product(
                self.items(), other.items()
            )
        )
        return sum(terms, start=Polynomial())

    def by_z(self):
        return Polynomial({(i - 1, j): i * c for (i, j), c in self.items() if i})

    def by_t(self):
        return Polynomial({(i, j - 1): j * c for (i, j), c in self.items() if j})

    def at(self, z, t):
        return sum(c * z**i * t**j for (i, j), c in self.items())


def number(c):
    return Polynomial({(0, 0): c})


@pytest.mark.slow
@equation("claim-gaussian-C")
def test_no_strength_of_the_diffusion_is_defined_on_gaussian_kets():
    """∂_t f = ½ ∂_z² f holds for each f, so that a diffusion can be read as a drift."""
    z, t = Polynomial({(1, 0): 1}), Polynomial({(0, 1): 1})
    one = number(1)
    w = one + t
    # √24 (4|z, t)
    f = z * z * z * z + number(6) * t * z * z + number(3) * t * t

    def constraint(f):
        return f.by_z().by_z() + number(-2) * f.by_t()

    def square_of_position(f):  # 2L
        drift = number(2) * z * w * f.by_z() + number(2) * w * w * f.by_t()
        return (z * z + w) * f + drift

    # (v∂)² = v_z² ∂_z² + the rest, v = ((1+t)z, (1+t)²)
    pure = w * w * z * z * f.by_z().by_z()
    rest = number(2) * w * w * w * z * f.by_z().by_t()
    rest = rest + w * w * w * w * f.by_t().by_t()
    quartic = square_of_position(square_of_position(f))  # 4 L²

    # exact: at C = 1 the constraint is kept ...
    assert constraint(f) == constraint(quartic) == {}
    # ... and what stands before C - 1 in two readings of the law differs, and breaks it
    assert pure == number(12) * z * z * w * w * (t + z * z)
    first = (z * z + number(-1) * (t + one)) * t + (number(2) * z * z + one) * z * z
    first = first + number(2) * t * z * z
    assert constraint(pure + rest) == number(-24) * w * first
    assert constraint(rest) == number(-144) * z * z * w * w
    # the same function and operator by numbers
    Z0, T0 = Z[:1], T[:1, :1]
    ket = gaussian_ket(Z0, T0, 5)
    assert abs(f.at(Z[0], T[0, 0]) / np.sqrt(24) - ket[4]) < ROUNDING
    wide = lambda z, t: f.at(z[0], t[0, 0])  # noqa: E731
    found = square(1)(square(1)(wide))(Z0, T0)
    assert abs(4 * found - quartic.at(Z[0], T[0, 0])) < ROUNDING

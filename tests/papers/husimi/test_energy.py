"""Section III C and D of the Husimi paper: energy, minimality and the law itself."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Complex, Float

from jqd.readings import generators
from jqd.readings.conditions import (
    as_doubled,
    energy_residual,
    minimal_diffusion,
    weighted_diffusion,
)
from jqd.readings.phase_space import (
    Function,
    complex_fokker_planck,
    complex_gradient,
    complex_hessian,
    liouville_rate,
)
from jqd.spaces import symbols
from jqd.spaces.symbols import Symbol

from .conftest import density, equation, minimal, norm

HBAR, C = 0.7, 1.3
ALPHA = jnp.array([0.4 - 0.3j, -0.2 + 0.6j])
# Up to sixth derivatives of polynomials of order 10 in float64.
ROUNDING = 1e-12
# What a wrong form leaves is of the order of the couplings.
REFUTED = 1e-2


# Which of (α, α*), by number 0 .. 2N-1, a function is differentiated by.
Derivative = tuple[int, ...]


def energy_rate(
    H: Function,
    rate: Function,
    points: Complex[Array, "K N"],
    weights: Float[Array, " K"],
) -> Array:
    """d<H>/dt = ∫ H ∂_t ρ by a quadrature over phase space.

    Args:
        rate: ∂_t ρ, a function of α.
        points: nodes, (K, N).
        weights: d²ᴺα of each, (K,).
    """
    values = jax.vmap(lambda point: H(point) * rate(point))(points)
    return jnp.sum(values * weights)


def weight_from_derivatives(
    H: Function,
    alpha: Complex[Array, " N"],
    terms: Sequence[tuple[Float[Array, "N N"], Sequence[Derivative]]],
) -> Float[Array, "N N"]:
    """f_ij = Re Σ c_ij Π (derivatives of H)

    Args:
        terms: coefficients c, (N, N), symmetric, and the derivatives that are
            multiplied, each as the numbers 0 .. 2N-1 of the variables (α, α*).
    """
    total = jnp.zeros((alpha.shape[0],) * 2, alpha.real.dtype)
    for coefficients, derivatives in terms:
        product = jnp.ones((), alpha.dtype)
        for variables in derivatives:
            product = product * _derivative(H, variables)(alpha)
        total = total + coefficients * product.real
    return total


def _derivative(function: Function, variables: Derivative) -> Function:
    """∂f by each variable in turn."""
    for variable in variables:
        function = _slope(function, variable)
    return function


def _slope(function: Function, variable: int) -> Function:
    return lambda alpha: complex_gradient(function, alpha)[..., variable]


@equation("36")
@equation("37")
@equation("38")
@equation("39")
def test_energy_by_quadrature(as_function):
    H = as_function(symbols.phi4(0.3) + symbols.kerr(0.4))
    nodes, weights = np.polynomial.hermite.hermgauss(14)
    x, y = np.meshgrid(nodes, nodes)
    # exact for the polynomials of degree 12 in front of exp(-|α|²)
    points = jnp.asarray((x + 1j * y).reshape(-1, 1))
    weights = jnp.asarray(
        np.outer(weights, weights).ravel() * np.exp(x**2 + y**2).ravel()
    )

    def bell(alpha):
        polynomial = 1 + 0.5 * alpha[0].imag + (alpha[0] ** 2).imag
        return jnp.exp(-(jnp.abs(alpha[0]) ** 2)) * polynomial

    def weighted(factor):
        return lambda alpha: as_doubled(factor * minimal(H)(alpha)[:1, :1])

    @jax.jit
    def rates(factor):
        diffusion = weighted(factor)

        def rate(alpha):
            return complex_fokker_planck(H, diffusion, bell, alpha, HBAR)

        def residual(alpha):
            hessian = complex_hessian(H, alpha)
            change = energy_residual(hessian, diffusion(alpha))
            return 0.5j * HBAR * change * bell(alpha)

        return (
            energy_rate(H, rate, points, weights),
            jnp.sum(jax.vmap(residual)(points) * weights),
        )

    conserved, pointwise = rates(1.0 + 0j)
    # sums of 196 terms of order 100
    assert abs(conserved) < 1e-10
    assert abs(pointwise) < 1e-10
    # a complex f_ij breaks it, by what (38) says
    lost, expected = rates(0.6 + 0.8j)
    assert abs(lost - expected) < 1e-10
    assert abs(lost) > REFUTED


@equation("40")
@equation("41")
@equation("42")
@equation("claim-uniqueness")
def test_energy_leaves_the_weights_free(as_function, mixed_state):
    symbol = symbols.cross_kerr(0.8, hbar=HBAR) + Symbol(
        [0.2, 0.2], [((1, 1), (0, 0)), ((0, 0), (1, 1))]
    )
    # so that no entry of the Hessian vanishes
    symbol = symbol + symbols.bose_hubbard(0.5, 0.6, [(0, 1)], hbar=HBAR)
    H, state = as_function(symbol), mixed_state(2, HBAR)
    rng = np.random.default_rng(6)
    random = rng.normal(size=(2, 2))
    random = jnp.asarray(random + random.T)
    # ∂_1 H ∂*_1 H and ∂_1 ∂*_2 H, each with its tensor
    terms = [(random, [(0,), (2,)]), (jnp.ones((2, 2)), [(0, 3)])]

    @jax.jit
    def values(alpha):
        hessian = complex_hessian(H, alpha)
        own = hessian[2:, 2:]
        weights = [random, weight_from_derivatives(H, alpha, terms)]
        residuals = []
        for weight in weights:
            D = as_doubled(weighted_diffusion(own, weight))
            residuals.append(energy_residual(hessian, D))
        complex_one = as_doubled(own * (0.3 + 0.4j))
        turned = weight_from_derivatives(H, jnp.conj(alpha), terms)
        return (
            jnp.stack(residuals),
            energy_residual(hessian, complex_one),
            weights[1],
            weights[1] - turned,
            own,
            minimal_diffusion(own, printed=True),
        )

    residuals, lost, weight, odd, own, literal = values(ALPHA)
    assert norm(residuals) < ROUNDING
    assert abs(lost) > REFUTED
    assert norm(odd) < ROUNDING  # even under T, so that D is odd
    assert norm(weight - weight[0, 0]) > REFUTED

    assert norm(literal - np.eye(2) * np.asarray(own)) < ROUNDING
    # rotations of the modes ask for equal constants
    turn = np.linalg.qr(rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2)))[0]
    for f, covariant in ((np.ones((2, 2)), True), (np.eye(2), False), (random, False)):
        gap = f * (turn @ own @ turn.T) - turn @ (np.asarray(f) * own) @ turn.T
        assert (norm(gap) < ROUNDING) == covariant

    @jax.jit
    @jax.vmap
    def rates(alpha):
        """The rate without a diffusion, and what f_11, f_12 and f_22 add to it."""

        def one(weight):
            def diffusion(alpha):
                own = complex_hessian(H, alpha)[2:, 2:]
                return as_doubled(weighted_diffusion(own, weight))

            return complex_fokker_planck(H, diffusion, state.density, alpha, HBAR).real

        basis = jnp.zeros((4, 2, 2)).at[1, 0, 0].set(1).at[2, :, :].set(1 - jnp.eye(2))
        found = jax.vmap(one)(basis.at[3, 1, 1].set(1))
        return found[0], found[1:] - found[0]

    points = jnp.stack([ALPHA, 1j * ALPHA, ALPHA[::-1], 0.5 * ALPHA + 0.2])
    plain, added = map(np.asarray, rates(points))
    exact = np.array([state.rate(symbol, alpha) for alpha in points])
    assert norm(plain + added @ np.ones(3) - exact) < ROUNDING
    # the three are independent: C δ_ij, and all other constants, are other laws
    sizes = np.linalg.svd(added)[1]
    assert sizes.min() > REFUTED * sizes.max()


THEORIES = {
    "Bose-Hubbard, cross-Kerr": symbols.bose_hubbard(0.5, 0.8, [(0, 1)], hbar=HBAR)
    + symbols.cross_kerr(0.7, hbar=HBAR),
    "two-mode squeezing": symbols.two_mode_squeezing(0.6, hbar=HBAR)
    + symbols.cross_kerr(0.7, hbar=HBAR),
    "Kerr, squeezed": symbols.kerr(0.8, 0.3, hbar=HBAR)
    + symbols.squeezed_oscillator(1.0, 0.3 - 0.2j, hbar=HBAR),
}


@pytest.mark.sampled
@equation("43")
@equation("65")
@equation("66")
@pytest.mark.parametrize("theory", THEORIES)
def test_the_law_is_quantum_mechanics(theory, as_function, mixed_state):
    symbol = THEORIES[theory]
    H, state = as_function(symbol), mixed_state(symbol.modes, HBAR)
    alpha = ALPHA[: symbol.modes]

    def density(point):
        return state.density(jnp.reshape(point, alpha.shape))

    @jax.jit
    def rates(C):
        law = complex_fokker_planck(H, minimal(H, C), density, alpha, HBAR)
        point = alpha[0] if symbol.modes == 1 else alpha
        short = generators.complex_generator(symbol, density, point, C, HBAR)
        return jnp.stack([law.real, short])

    exact = state.rate(symbol, alpha)
    law, short = rates(1.0)
    assert abs(law - exact) < ROUNDING
    assert abs(short - exact) < ROUNDING
    # Negative control: another C
    for strength in (0.0, 0.9, -1.0):
        law, short = rates(strength)
        assert abs(law - short) < ROUNDING
        assert abs(law - exact) > REFUTED * abs(exact)


@equation("claim-minimality")
def test_no_other_diffusion_beside_liouvilles_flow_is_quantum_mechanics():
    """Coherent states tell all coefficients of a second-order equation at a point."""
    rng = np.random.default_rng(11)
    centres = jnp.asarray(rng.normal(size=(40, 2)) + 1j * rng.normal(size=(40, 2))) / 2

    def bell(alpha, centre):
        return jnp.exp(-jnp.sum(jnp.abs(alpha - centre) ** 2) / HBAR)

    upper = np.triu_indices(4)

    @jax.jit
    @jax.vmap
    def derivatives(centre):
        Q = lambda alpha: bell(alpha, centre)  # noqa: E731
        second = complex_hessian(Q, ALPHA)[upper]
        first = complex_gradient(Q, ALPHA)
        return jnp.concatenate([second, first, Q(ALPHA)[None]]) / Q(ALPHA)

    table = np.asarray(derivatives(centres))
    # 10 second derivatives, 4 first, the value: none is a combination of the others,
    # so that no ΔD but 0 leaves ∂∂(ΔD Q) = 0 for all of them
    assert np.linalg.matrix_rank(table, tol=REFUTED) == table.shape[1] == 15

    def H(alpha):
        return THEORIES["two-mode squeezing"](alpha).real

    def deformed(alpha, weights):
        slope = complex_gradient(H, alpha)[0]
        own = minimal(H, 1.0)(alpha)
        mixed = 1j * jnp.eye(2) * H(alpha)  # an ordinary diffusion, by H
        kinds = (
            own,
            jnp.abs(slope) ** 2 * own,
            H(alpha) * own,
            as_doubled(0 * mixed, mixed),
        )
        return sum(w * kind for w, kind in zip(weights, kinds, strict=True))

    @jax.jit
    @jax.vmap
    def rate(weights):
        return complex_fokker_planck(
            H,
            lambda alpha: deformed(alpha, weights),
            lambda alpha: bell(alpha, centres[0]),
            ALPHA,
            HBAR,
        ).real

    more = 0.3 * np.concatenate([np.zeros((1, 4)), np.eye(4)[1:]])
    rates = np.asarray(rate(jnp.asarray(np.eye(4)[:1] + more)))
    # <α|H|β> of the two-mode squeezing and the cross-Kerr term, by their Wick symbol
    wick = THEORIES["two-mode squeezing"].to("wick", HBAR)
    a, b = np.asarray(ALPHA).conj(), np.asarray(centres[0])
    value = sum(
        c * np.prod(b ** np.array(m)) * np.prod(a ** np.array(n))
        for c, m, n in wick.terms()
    )
    exact = 2 / HBAR * np.imag(value) * float(bell(ALPHA, centres[0]))
    assert abs(rates[0] - exact) < ROUNDING
    assert np.min(np.abs(rates[1:] - exact)) > REFUTED * abs(exact)


@equation("claim-classical-limit")
def test_diffusion_vanishes_with_hbar(as_function):
    symbol = symbols.kerr(0.8, b=-2.0)

    @jax.jit
    def gap(hbar):
        single = lambda alpha: density(jnp.reshape(alpha, (1,)))  # noqa: E731
        rate = generators.complex_generator(symbol, single, ALPHA[0], 1.0, hbar)
        return rate - liouville_rate(as_function(symbol), density, ALPHA[:1]).real

    gaps = np.array([gap(hbar) for hbar in (1.0, 0.5, 0.0)])
    assert abs(gaps[2]) < ROUNDING
    assert abs(gaps[0] - 2 * gaps[1]) < ROUNDING
    assert abs(gaps[0]) > REFUTED

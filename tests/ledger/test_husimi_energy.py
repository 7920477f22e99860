"""Section III C and D of the Husimi paper: energy, minimality and the law itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.laws.husimi import generators, rules
from jqd.spaces import symbols
from jqd.spaces.symbols import Symbol

HBAR, C = 0.7, 1.3
ALPHA = jnp.array([0.4 - 0.3j, -0.2 + 0.6j])
# Up to sixth derivatives of polynomials of order 10 in float64.
ROUNDING = 1e-12
# What a wrong form leaves is of the order of the couplings.
REFUTED = 1e-2


def equation(number):
    return pytest.mark.equation("husimi", number)


def norm(x):
    return float(np.max(np.abs(np.asarray(x))))


def density(alpha):
    weight = jnp.exp(-jnp.sum(jnp.abs(alpha - 0.3 + 0.1j) ** 2))
    return weight * (1 + 0.5 * alpha[0].imag + (alpha[0] * alpha[-1]).real ** 2)


def minimal(H, strength=C):
    """D over (α, α*) of eq. (43)."""

    def diffusion(alpha):
        modes = alpha.shape[0]
        hessian = rules.complex_hessian(H, alpha)[modes:, modes:]
        return rules.as_doubled(rules.minimal_diffusion(hessian, strength))

    return diffusion


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
        return lambda alpha: rules.as_doubled(factor * minimal(H)(alpha)[:1, :1])

    @jax.jit
    def rates(factor):
        diffusion = weighted(factor)

        def rate(alpha):
            return rules.complex_fokker_planck(H, diffusion, bell, alpha, HBAR)

        def residual(alpha):
            hessian = rules.complex_hessian(H, alpha)
            change = rules.energy_residual(hessian, diffusion(alpha))
            return 0.5j * HBAR * change * bell(alpha)

        return (
            rules.energy_rate(H, rate, points, weights),
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
    H, state = as_function(symbol), mixed_state(2, HBAR)
    rng = np.random.default_rng(6)
    random = rng.normal(size=(2, 2))
    random = jnp.asarray(random + random.T)
    # ∂_1 H ∂*_1 H and ∂_1 ∂*_2 H, each with its tensor
    terms = [(random, [(0,), (2,)]), (jnp.ones((2, 2)), [(0, 3)])]

    @jax.jit
    def values(alpha):
        hessian = rules.complex_hessian(H, alpha)
        own = hessian[2:, 2:]
        weights = [random, rules.weight_from_derivatives(H, alpha, terms)]
        residuals = []
        for weight in weights:
            D = rules.as_doubled(rules.weighted_diffusion(own, weight))
            residuals.append(rules.energy_residual(hessian, D))
        complex_one = rules.as_doubled(own * (0.3 + 0.4j))
        turned = rules.weight_from_derivatives(H, jnp.conj(alpha), terms)
        return (
            jnp.stack(residuals),
            rules.energy_residual(hessian, complex_one),
            weights[1],
            weights[1] - turned,
        )

    residuals, lost, weight, odd = values(ALPHA)
    assert norm(residuals) < ROUNDING
    assert abs(lost) > REFUTED
    assert norm(odd) < ROUNDING  # even under T, so that D is odd
    assert norm(weight - weight[0, 0]) > REFUTED

    @jax.jit
    def rates(alpha):
        def one(weight):
            def diffusion(alpha):
                own = rules.complex_hessian(H, alpha)[2:, 2:]
                return rules.as_doubled(rules.weighted_diffusion(own, weight))

            return rules.complex_fokker_planck(H, diffusion, state.density, alpha, HBAR)

        def printed(alpha):
            own = rules.complex_hessian(H, alpha)[2:, 2:]
            return rules.as_doubled(rules.minimal_diffusion(own, printed=True))

        literal = rules.complex_fokker_planck(H, printed, state.density, alpha, HBAR)
        return jnp.stack([one(jnp.ones((2, 2))), one(random), literal]).real

    exact = state.rate(symbol, ALPHA)
    right, other, literal = rates(ALPHA)
    assert abs(right - exact) < ROUNDING
    # C δ_ij, and any other constants, obey C1-C6 just as well and are other laws
    assert abs(literal - exact) > REFUTED * abs(exact)
    assert abs(other - exact) > REFUTED * abs(exact)


@equation("43")
@equation("65")
@equation("66")
@equation("claim-minimality")
def test_the_law_is_quantum_mechanics(as_function, mixed_state):
    symbol = symbols.bose_hubbard(0.5, 0.8, [(0, 1)], hbar=HBAR) + symbols.cross_kerr(
        0.7, hbar=HBAR
    )
    H, state = as_function(symbol), mixed_state(2, HBAR)

    @jax.jit
    def rates(C):
        def deformed(alpha):
            # f = 1 + |∂_1 H|²: as good as f = 1 for C1-C5
            slope = rules.complex_gradient(H, alpha)[0]
            return (1 + jnp.abs(slope) ** 2) * minimal(H, C)(alpha)

        law = rules.complex_fokker_planck(H, minimal(H, C), state.density, ALPHA, HBAR)
        short = generators.complex_generator(symbol, state.density, ALPHA, C, HBAR)
        other = rules.complex_fokker_planck(H, deformed, state.density, ALPHA, HBAR)
        return jnp.stack([law.real, short, other.real])

    exact = state.rate(symbol, ALPHA)
    law, short, other = rates(1.0)
    assert abs(law - exact) < ROUNDING
    assert abs(short - exact) < ROUNDING
    # Negative controls: another f, another C
    assert abs(other - exact) > REFUTED * abs(exact)
    for strength in (0.0, 0.9, -1.0):
        law, short, _ = rates(strength)
        assert abs(law - short) < ROUNDING
        assert abs(law - exact) > REFUTED * abs(exact)


@equation("claim-classical-limit")
def test_diffusion_vanishes_with_hbar(as_function):
    symbol = symbols.kerr(0.8, b=-2.0)

    @jax.jit
    def gap(hbar):
        single = lambda alpha: density(jnp.reshape(alpha, (1,)))  # noqa: E731
        rate = generators.complex_generator(symbol, single, ALPHA[0], 1.0, hbar)
        return rate - rules.liouville_rate(as_function(symbol), density, ALPHA[:1]).real

    gaps = np.array([gap(hbar) for hbar in (1.0, 0.5, 0.0)])
    assert abs(gaps[2]) < ROUNDING
    assert abs(gaps[0] - 2 * gaps[1]) < ROUNDING
    assert abs(gaps[0]) > REFUTED

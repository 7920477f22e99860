"""Section III A and B of the Husimi paper: symmetries of a diffusion."""

import jax
import jax.numpy as jnp
import numpy as np

from jqd.readings import conditions
from jqd.readings.conditions import Function
from jqd.readings.phase_space import (
    complex_fokker_planck,
    complex_gradient,
    complex_hessian,
    liouville_rate,
)
from jqd.spaces import symbols
from jqd.spaces.symbols import Symbol

from .blocks import real_diffusion
from .conftest import density, equation, minimal, norm
from .coordinates import phase_space_liouville_rate

HBAR, C = 0.7, 1.3
ALPHA = jnp.array([0.4 - 0.3j, -0.2 + 0.6j])
# Up to sixth derivatives of polynomials of order 10 in float64.
ROUNDING = 1e-12
# What a wrong form leaves is of the order of the couplings.
REFUTED = 1e-2


def momentum_reversed(function: Function) -> Function:
    """f(α*, α) of f(α, α*): momenta change their sign.

    Args:
        function: f of α, (N,).
    """
    return lambda alpha: function(jnp.conj(alpha))


def interacting(alpha):
    """Two anharmonic oscillators, coupled in position and momentum; T-invariant."""
    q, p = alpha.real, alpha.imag
    return (
        jnp.sum(p**2 + 1.4 * q**2)
        + 0.3 * q[0] ** 4
        + 0.5 * q[0] * q[1] ** 2
        + 0.4 * q[0] * q[1] * p[0] ** 2
        + 0.3 * p[0] * p[1]
    )


def driven(alpha):
    """What (20) excludes: odd in the momenta."""
    return interacting(alpha) + 2 * jnp.sum(alpha.real * alpha.imag)


@equation("9")
@equation("21")
def test_liouville_flow():
    def in_xi(function):
        # α = (q + ip)/√2
        return lambda xi: function((xi[:2] + 1j * xi[2:]) / np.sqrt(2))

    @jax.jit
    def rates():
        xi = np.sqrt(2) * jnp.concatenate([ALPHA.real, ALPHA.imag])
        args = in_xi(interacting), in_xi(density), xi
        return (
            liouville_rate(interacting, density, ALPHA),
            phase_space_liouville_rate(*args),
        )

    complex_form, real_form = rates()
    assert abs(complex_form - real_form) < ROUNDING
    assert abs(real_form) > REFUTED


@equation("10")
@equation("11")
@equation("12")
@equation("13")
@equation("14")
@equation("15")
@equation("16")
@equation("17")
@equation("18")
def test_real_symmetric_diffusions_in_complex_variables():
    """Any real symmetric D(Q, P), traceless or not, is of the forms (10)-(18)."""
    rng = np.random.default_rng(4)
    base, slope = (m + m.T for m in rng.normal(size=(2, 4, 4)))
    one = np.eye(2)
    turn = np.linalg.inv(np.block([[one, -1j * one], [one, 1j * one]]))

    def real(u):  # u = (Re α, Im α) = (Q, P) at κ = 2
        return base + slope * jnp.sin(u[0] * u[3])

    def diffusion(alpha):
        u = jnp.concatenate([alpha.real, alpha.imag])
        return -2j * turn.T @ real(u).astype(alpha.dtype) @ turn

    def literal(alpha):
        """(18): the first block, minus its conjugate, and the mixed one twice."""
        aa, mixed = diffusion(alpha)[:2, :2], diffusion(alpha)[:2, 2:]
        return jnp.block([[aa, 2 * mixed], [jnp.zeros_like(aa), -jnp.conj(aa)]])

    def free(alpha):
        return jnp.zeros(())

    @jax.jit
    def rates():
        u = jnp.concatenate([ALPHA.real, ALPHA.imag])

        def product(u):
            return real(u) * density(u[:2] + 1j * u[2:])

        second = jnp.einsum("abab->", jax.hessian(product)(u))
        at = diffusion(ALPHA)
        simple = conditions.as_doubled(at[:2, :2], at[:2, 2:])
        return (
            complex_fokker_planck(free, diffusion, density, ALPHA, HBAR),
            HBAR / 4 * second,  # ħ/2κ at κ = 2
            jnp.stack([at, simple]),
            complex_fokker_planck(
                free, lambda alpha: 1j * diffusion(alpha), density, ALPHA, HBAR
            ),
            real_diffusion(at) - real(u),
            complex_fokker_planck(free, literal, density, ALPHA, HBAR),
        )

    rate, expected, (at, simple), imaginary, back, short = rates()
    assert abs(rate - expected) < ROUNDING
    assert abs(short - expected) < ROUNDING
    assert norm(back) < ROUNDING
    assert norm(conditions.symmetry_residual(at)) < ROUNDING
    assert norm(conditions.reality_residual(at)) < ROUNDING
    # one block of each kind is enough, and the mixed one is skew-Hermitian
    assert norm(simple - at) < ROUNDING
    mixed = at[:2, 2:]
    assert norm(mixed + mixed.conj().T) < ROUNDING
    assert norm(mixed) > REFUTED
    # Negative controls: a factor i makes the rate imaginary, transposed blocks differ.
    assert norm(conditions.reality_residual(1j * at)) > REFUTED
    assert abs(imaginary.imag) > REFUTED
    assert norm(conditions.symmetry_residual(at.at[0, 1].add(1))) > REFUTED


def both_ways(rate):
    """Rates of ρ at α and of Tρ at Tα."""

    def one(sign):
        # α* for -1
        def turned(function):
            return lambda a: function(a.real + 1j * sign * a.imag)

        return rate(turned(density), turned(lambda a: a)(ALPHA))

    return jax.jit(jax.vmap(one))(jnp.array([1.0, -1.0]))


@equation("19")
@equation("20")
@equation("22")
@equation("23")
def test_time_reversal_of_the_law():
    turned = momentum_reversed(interacting)
    assert abs(turned(ALPHA) - interacting(ALPHA)) < ROUNDING
    turned = momentum_reversed(driven)
    assert abs(turned(ALPHA) - driven(ALPHA)) > REFUTED

    def ordinary(alpha):
        # D_QQ = D_PP = 1
        return -1j * jnp.roll(jnp.eye(4), 2, 0).astype(alpha.dtype)

    def law(diffusion):
        return lambda density, alpha: complex_fokker_planck(
            interacting, diffusion, density, alpha, HBAR
        )

    def flow(H):
        return lambda density, alpha: liouville_rate(H, density, alpha)

    for rate in (flow(interacting), law(minimal(interacting))):
        forward, backward = both_ways(rate)
        assert abs(forward + backward) < ROUNDING
        assert abs(forward) > REFUTED
    # Negative controls: positive diffusion, and a Hamiltonian that (20) excludes.
    for rate in (flow(driven), law(ordinary)):
        forward, backward = both_ways(rate)
        assert abs(forward + backward) > REFUTED


@equation("24")
@equation("25")
@equation("26")
@equation("27")
@equation("29")
@equation("30")
def test_time_reversal_of_the_diffusion():
    D = minimal(driven)  # (25) holds for every H, (26)-(30) where (20) does
    turned = conditions.reversed_diffusion(D)

    def rate(diffusion):
        return lambda density, alpha: complex_fokker_planck(
            lambda alpha: jnp.zeros(()), diffusion, density, alpha, HBAR
        )

    backward = both_ways(rate(D))[1]
    assert abs(backward - both_ways(rate(turned))[0]) < ROUNDING
    assert abs(backward) > REFUTED

    @jax.jit
    def values():
        D = minimal(interacting)
        residuals = [
            conditions.time_reversal_residual(minimal(H), ALPHA)
            for H in (interacting, driven)
        ]
        return residuals, D(ALPHA), D(jnp.conj(ALPHA))

    (residual, excluded), here, there = values()
    assert norm(residual) < ROUNDING
    assert norm(excluded) > REFUTED
    assert norm(here[:2, :2] + there[2:, 2:]) < ROUNDING
    assert norm(here[2:, 2:] + there[:2, :2]) < ROUNDING
    assert norm(here[:2, :2].conj() + here[2:, 2:]) < ROUNDING
    assert norm(here[:2, :2].conj() - there[:2, :2]) < ROUNDING
    assert norm(here[:2, :2] - there[:2, :2]) > REFUTED


def mixed_counterexample():
    """D^aa and D^aa* of one mode from derivatives of H, with no factor i.

    With G = ∂H ∂*H and K = ∂H ∂*G - ∂G ∂*H: D^aa* = |∂²H|² K and D^aa = -(∂∂*H) K ∂*²H.
    """
    field = Symbol([1.0, 1.0], [((1,), (0,)), ((0,), (1,))])
    H = symbols.harmonic(1.0) + field**3 * 0.3
    H_a, H_c = H.derivative(), H.derivative(conjugate=True)
    G = H_a * H_c
    K = H_a * G.derivative(conjugate=True) - G.derivative() * H_c
    H_aa, H_cc = H_a.derivative(), H_c.derivative(conjugate=True)
    mixed = H_aa * H_cc * K
    aa = -(H_a.derivative(conjugate=True) * K * H_cc)
    return H, aa, mixed


def two_mode_diffusion(alpha):
    """The same of two modes: D^aa*_ij = S ∂_iH ∂*_jH K, S = Σ|∂_i∂_jH|²."""
    slope = complex_gradient(interacting, alpha)
    hessian = complex_hessian(interacting, alpha)
    a, c = slope[:2], slope[2:]
    G = hessian @ jnp.concatenate([c, a])  # gradient of Σ ∂_iH ∂*_iH
    K = a @ G[2:] - G[:2] @ c
    own, mixed = hessian[2:, 2:], a[:, None] * c[None, :]
    size = jnp.sum(jnp.abs(own) ** 2)
    balance = jnp.sum(hessian[:2, 2:] * mixed)
    return conditions.as_doubled(-balance * K * own, size * mixed * K)


@equation("28")
@equation("31")
@equation("32")
@equation("33")
@equation("34")
def test_time_reversal_of_a_mixed_block_of_two_modes():
    @jax.jit
    def values():
        return (
            conditions.time_reversal_residual(two_mode_diffusion, ALPHA),
            two_mode_diffusion(ALPHA),
            two_mode_diffusion(jnp.conj(ALPHA)),
            complex_hessian(interacting, ALPHA),
        )

    residual, here, there, hessian = values()
    size = norm(here)
    here, there, residual = here / size, there / size, residual / size
    for left in (
        residual,
        conditions.symmetry_residual(here),
        conditions.reality_residual(here),
    ):
        assert norm(left) < ROUNDING
    assert abs(conditions.energy_residual(hessian, here)) < ROUNDING * norm(hessian)
    block = here[:2, 2:]
    assert norm(block + there[2:, :2]) < ROUNDING  # (28)
    assert norm(block.conj() + here[2:, :2]) < ROUNDING  # (31)
    assert norm(block.conj() + block.T) < ROUNDING  # (32)
    assert norm(block + there[:2, 2:].T) < ROUNDING  # (33)
    assert norm(there[:2, 2:] - block.conj()) < ROUNDING  # (34)
    # it is there, and not symmetric, so that each transpose above counts
    assert norm(block) > REFUTED
    assert norm(block - block.T) > REFUTED


@equation("35")
@equation("claim-trace-from-reversal")
def test_time_reversal_allows_a_mixed_block(as_function):
    """A diffusion with D^aa* that is real, symmetric, T-odd and conserves energy."""
    symbol, aa, mixed = mixed_counterexample()
    H = as_function(symbol)

    def diffusion(alpha):
        blocks = (jnp.reshape(f(alpha[0]), (1, 1)) for f in (aa, mixed))
        return conditions.as_doubled(*blocks)

    forward, backward = both_ways(
        lambda density, alpha: complex_fokker_planck(
            H, diffusion, lambda one: density(one[0] * jnp.ones(2)), alpha[:1]
        )
    )
    # products of seven derivatives of order 1
    assert abs(forward + backward) < 1e-10
    assert abs(forward.imag) < 1e-10
    assert abs(forward) > REFUTED
    alpha = jnp.array([0.7 - 0.9j])

    @jax.jit
    def values():
        return (
            conditions.time_reversal_residual(diffusion, alpha),
            diffusion(alpha),
            diffusion(jnp.conj(alpha)),
            complex_hessian(H, alpha),
        )

    residual, here, there, hessian = values()
    assert norm(residual) < ROUNDING
    assert norm(conditions.symmetry_residual(here)) < ROUNDING
    assert norm(conditions.reality_residual(here)) < ROUNDING
    assert abs(conditions.energy_residual(hessian, here)) < ROUNDING
    # (35) in print: it vanishes. It does not, and nor does the trace, which is odd.
    assert norm(here[:1, 1:]) > REFUTED
    traces = [np.trace(real_diffusion(D)) for D in (here, there)]
    assert abs(traces[0]) > REFUTED
    assert abs(traces[0] + traces[1]) < ROUNDING


@equation("claim-relaxed-C4")
def test_energy_alone_leaves_no_positive_diffusion_where_H_is_convex():
    """C5: Σ D_ij ∂_i∂_j H = 0, at least the least curvature times the trace of D."""
    rng = np.random.default_rng(2)
    roots = rng.normal(size=(2, 4, 4))
    convex, D = roots @ np.swapaxes(roots, 1, 2) + 0.1 * np.eye(4)
    assert np.sum(D * convex) > np.linalg.eigvalsh(convex)[0] * np.trace(D) > 0
    # of H = qp, the amplifier, an isotropic one does not change the energy
    assert np.sum(np.eye(2) * np.array([[0, 1], [1, 0]])) == 0
    # that of the law has both signs and keeps the energy of every H
    J = np.kron(np.array([[0, 1], [-1, 0]]), np.eye(2))
    commutator = convex @ J - J @ convex
    assert abs(np.sum(commutator * convex)) < ROUNDING
    values = np.linalg.eigvalsh(commutator)
    assert values[0] < -REFUTED < REFUTED < values[-1]

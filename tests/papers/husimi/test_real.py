"""Section III E and appendix A of the Husimi paper: the law in real variables."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jqd.readings import conditions, forms, generators
from jqd.readings.phase_space import complex_hessian
from jqd.spaces import symbols

from .blocks import (
    appendix_rate,
    complex_diffusion,
    expanded_rate,
    hessian_parts,
    real_blocks,
    real_diffusion,
)
from .conftest import equation, norm
from .coordinates import complex_coordinates, phase_space_liouville_rate, scaled_hessian

HBAR, KAPPA, C = 0.7, 1.9, 1.3
LENGTHS = np.array([1.3, 0.6])
XI = jnp.array([0.4, -0.7, 0.3, 1.1])
# Fourth derivatives of functions of order 10 in float64.
ROUNDING = 1e-12
# What a wrong form leaves is of the order of the couplings.
REFUTED = 1e-2


def energy(xi):
    """Every second derivative, so that all blocks of the Hessian differ."""
    q, p = xi[:2], xi[2:]
    return (
        jnp.sum(p**2 + 1.4 * q**2) / 2
        + 0.3 * q[0] ** 4
        + 0.5 * q[0] * q[1] ** 2 * p[1]
        + 0.2 * q[0] * p[1] ** 3
        + 0.4 * p[0] * p[1] * q[1]
    )


def density(xi):
    return jnp.exp(-jnp.sum(xi**2)) * (1 + 0.5 * xi[0] + xi[1] * xi[3])


@functools.cache
def pieces():
    """Everything at one point, compiled once."""

    @jax.jit
    def at(xi):
        scale = forms.scales(xi, LENGTHS, KAPPA)
        z = xi / scale

        def hessian(z):
            return scaled_hessian(energy, scale * z, scale)

        def parts(z):
            return hessian_parts(hessian(z))

        def in_z(z):
            return density(scale * z)

        args = parts, in_z, z, KAPPA, C, HBAR
        real = functools.partial(
            generators.real_generator, energy, density, xi, LENGTHS, KAPPA
        )
        rate, flow = jax.vmap(lambda C: real(C, HBAR))(jnp.array([C, 0.0]))
        form = forms.real_form(energy, xi, LENGTHS, KAPPA, C)
        aa = complex_diffusion(hessian(z), KAPPA, C)
        return {
            "hessian": hessian(z),
            "parts": parts(z),
            "form": form,
            "aa": aa,
            "real": real_diffusion(conditions.as_doubled(aa)),
            "expanded": expanded_rate(*args),
            "appendix": appendix_rate(*args),
            "printed": appendix_rate(*args, printed=True),
            "rate": rate,
            "flow": flow,
            "bracket": phase_space_liouville_rate(energy, density, xi),
        }

    return at(XI)


@pytest.mark.slow
@equation("45")
@equation("51")
def test_hamiltonian_flow():
    found = pieces()
    J = forms.symplectic(XI)
    assert np.array_equal(J, np.kron(np.array([[0, 1], [-1, 0]]), np.eye(2)))
    q, p = np.split(np.asarray(XI), 2)
    # q' = H_p, p' = -H_q, by hand
    expected = [
        p[0] + 0.4 * p[1] * q[1],
        p[1] + 0.5 * q[0] * q[1] ** 2 + 0.6 * q[0] * p[1] ** 2 + 0.4 * p[0] * q[1],
        -(1.4 * q[0] + 1.2 * q[0] ** 3 + 0.5 * q[1] ** 2 * p[1] + 0.2 * p[1] ** 3),
        -(1.4 * q[1] + q[0] * q[1] * p[1] + 0.4 * p[0] * p[1]),
    ]
    assert np.allclose(found["form"].drift, expected, rtol=0, atol=ROUNDING)
    assert abs(found["bracket"] - found["flow"]) < ROUNDING
    assert abs(found["bracket"]) > REFUTED


@equation("52")
@equation("A3")
@equation("A7")
@equation("A8")
@equation("A10")
@equation("A14")
@equation("A15")
@equation("A16")
@equation("A17")
def test_commutator_form():
    found = pieces()
    hessian, (A, B) = np.asarray(found["hessian"]), found["parts"]
    # D^aa = C ∂²H/∂α*∂α*, differentiated by α itself
    scale = forms.scales(XI, LENGTHS, KAPPA)

    def in_alpha(alpha):
        z = jnp.concatenate([alpha.real, alpha.imag]) / math.sqrt(KAPPA / 2)
        return energy(scale * z)

    alpha = complex_coordinates(XI, LENGTHS, KAPPA)
    by_alpha = C * jax.jit(lambda a: complex_hessian(in_alpha, a))(alpha)
    assert norm(found["aa"] - by_alpha[2:, 2:]) < ROUNDING
    assert norm(A - A.T) < ROUNDING
    assert norm(B - B.T) < ROUNDING
    # blocks, and the commutator
    half = C / (2 * KAPPA)
    (qq, qp), (pq, pp) = real_blocks(found["real"])
    assert norm(qq + half * B) < ROUNDING
    assert norm(qp - half * A) < ROUNDING
    assert norm(pq - half * A) < ROUNDING
    assert norm(pp - half * B) < ROUNDING
    J = np.asarray(forms.symplectic(XI))
    commutator = half * (hessian @ J - J @ hessian)
    assert norm(found["real"] - commutator) < ROUNDING
    assert norm(found["form"].diffusion - commutator) < ROUNDING
    assert norm(commutator) > REFUTED
    # Negative control: the anticommutator is another matrix
    assert norm(found["real"] - half * (hessian @ J + J @ hessian)) > REFUTED


@equation("55")
@equation("A9")
@equation("A11")
@equation("A12")
@equation("A13")
def test_sign_of_the_expanded_diffusion():
    found = pieces()
    diffusion = found["rate"] - found["flow"]
    assert abs(found["expanded"] - diffusion) < ROUNDING
    assert abs(found["appendix"] - diffusion) < ROUNDING
    # without the minus sign the blocks (A14)-(A16) do not follow
    assert abs(found["printed"] + diffusion) < ROUNDING
    assert abs(found["printed"] - diffusion) > REFUTED


@equation("53")
@equation("claim-signature")
@equation("claim-frobenius")
@equation("claim-traceless")
def test_traceless_in_scaled_variables_alone():
    found = pieces()
    D, hessian = np.asarray(found["form"].diffusion), np.asarray(found["hessian"])
    assert abs(np.trace(D)) < ROUNDING
    J = np.asarray(forms.symplectic(XI))
    assert norm(D @ J + J @ D) < ROUNDING
    assert abs(np.trace(D @ hessian)) < ROUNDING
    values = np.linalg.eigvalsh(D)
    assert np.allclose(values, -values[::-1], rtol=0, atol=ROUNDING)
    # in the units of q and p the trace is there, and the signature stays
    scale = np.asarray(forms.scales(XI, LENGTHS, KAPPA))
    physical = scale[:, None] * D * scale[None, :]
    assert abs(np.trace(physical)) > REFUTED
    for matrix in (D, physical):
        signature = forms.diffusion_signature(jnp.asarray(matrix))
        assert [int(k) for k in signature] == [2, 2]
    # L D L goes with the Hessian of q and p
    unscaled = hessian / scale[:, None] / scale[None, :]
    assert abs(np.trace(physical @ unscaled)) < ROUNDING


@pytest.mark.slow
@equation("56")
def test_the_law_in_real_variables(mixed_state):
    symbol = symbols.kerr(0.8, hbar=HBAR) + symbols.squeezed_oscillator(
        1.0, 0.3 - 0.2j, hbar=HBAR
    )
    state, s = mixed_state(1, HBAR), LENGTHS[0] / math.sqrt(KAPPA)
    H = forms.phase_space_function(symbol, s)

    def alpha(xi):
        return jnp.reshape(xi[0] / s + 1j * s * xi[1], (1,)) / math.sqrt(2)

    @jax.jit
    def rate(C):
        return generators.real_generator(
            H, lambda xi: state.density(alpha(xi)), XI[:2], LENGTHS[0], KAPPA, C, HBAR
        )

    exact = state.rate(symbol, alpha(XI[:2]))
    assert abs(rate(1.0) - exact) < ROUNDING
    for wrong in (0.0, -1.0):
        assert abs(rate(wrong) - exact) > REFUTED * abs(exact)
    # only where (64) holds
    quartic = symbols.phi4(0.3, hbar=HBAR)
    H = forms.phase_space_function(quartic, s)
    rate = jax.jit(
        lambda xi: generators.real_generator(
            H, lambda xi: state.density(alpha(xi)), xi, LENGTHS[0], KAPPA, 1.0, HBAR
        )
    )
    exact = state.rate(quartic, alpha(XI[:2]))
    assert abs(rate(XI[:2]) - exact) > REFUTED * abs(exact)

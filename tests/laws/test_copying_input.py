"""Copy dynamics: from and to Hamiltonians, states, refused input, symmetries."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jqd import CopyDynamics, Fixed, constants, evolve
from jqd.laws import DensityPhase, Harmonics
from jqd.problems import golden
from jqd.steppers import rk4, strang

HERMITIAN = np.array(
    [[0.2, 0.3 - 0.4j, 0.0], [0.3 + 0.4j, -0.1, -0.7], [0.0, -0.7, 0.5]]
)
SYMMETRIC = np.array([[0.0, 1.0], [1.0, 0.0]])
ZEROS = np.zeros((2, 2))
properties = settings(deadline=None, derandomize=True, max_examples=20, database=None)


# -- Hamiltonians and states ----------------------------------------------------------


def test_hamiltonian_round_trip():
    """An entry of zero and a negative one included; hbar divides out."""
    law = CopyDynamics.from_hamiltonian(HERMITIAN, hbar=0.7)
    # cos and sin of the angle: 2 eps
    np.testing.assert_allclose(law.hamiltonian(), HERMITIAN, rtol=0, atol=1e-15)
    np.testing.assert_allclose(law.omega, np.diag(HERMITIAN).real / 0.7, rtol=1e-15)
    np.testing.assert_allclose(law.R[0, 1], 0.5 / 0.7, rtol=1e-15)
    np.testing.assert_allclose(law.delta[1, 2], np.pi, rtol=1e-15)
    assert law.R[0, 2] == law.delta[0, 2] == 0
    # Negative control: the transposed matrix has the phases reversed.
    other = CopyDynamics.from_hamiltonian(HERMITIAN.T, hbar=0.7)
    assert np.max(np.abs(other.hamiltonian() - HERMITIAN)) > 0.5


def test_gradient_through_zeros_of_the_hamiltonian():
    def there_and_back(parts):
        H = jax.lax.complex(parts[0], parts[1])
        return CopyDynamics.from_hamiltonian(H, hbar=0.7).hamiltonian()

    parts = jnp.stack([HERMITIAN.real, HERMITIAN.imag])
    weight = np.random.default_rng(0).normal(size=(3, 3))
    slope = jax.grad(lambda z: jnp.sum(weight * there_and_back(z).real))(parts)
    assert np.all(np.isfinite(slope))
    # Re H -> Re H is the identity but where H is zero, whose phase is undefined
    np.testing.assert_allclose(
        slope[0], np.where(HERMITIAN != 0, weight, 0), rtol=0, atol=1e-14
    )


def test_states_in_both_forms():
    law, psi = golden()
    literal, _ = golden(literal=True)
    np.testing.assert_array_equal(law.prepare(psi), psi)
    state = literal.prepare(psi)
    assert isinstance(state, DensityPhase)
    # rounding of sqrt, exp and angle
    np.testing.assert_allclose(state.density, [0.5, 0.3, 0.2], atol=1e-15)
    np.testing.assert_allclose(state.phase, [0.0, 0.5, -0.8], atol=1e-15)
    np.testing.assert_allclose(literal.psi(state), psi, atol=1e-15)
    np.testing.assert_allclose(law.density(psi), literal.density(state), atol=1e-15)
    for name, value in law.invariants(psi).items():
        np.testing.assert_allclose(value, literal.invariants(state)[name], rtol=1e-14)
    # an empty class has no phase; it is given 0 rather than NaN
    empty = literal.prepare([1.0, 0.0, 0.0])
    np.testing.assert_array_equal(empty.phase, np.zeros(3))


def test_both_forms_have_the_same_field():
    """psi' = psi (rho' / 2 rho - i phi') wherever no class is empty."""
    for q, r in ((0.5, -0.5), (0.3, -0.9), (0.8, 0.2)):
        law, psi = golden(q, r)
        literal, _ = golden(q, r, literal=True)
        state = literal.prepare(psi)
        rates = literal.vector_field(0.0, state)
        expected = psi * (rates.density / (2 * state.density) - 1j * rates.phase)
        field = law.vector_field(0.0, psi)
        # the regulator: eps / rho = 5e-12
        np.testing.assert_allclose(field, expected, rtol=0, atol=2e-11)
        # Negative control: another r.
        other, _ = golden(q, r + 1e-6)
        assert np.max(np.abs(other.vector_field(0.0, psi) - expected)) > 1e-8


@pytest.mark.parametrize("n", [2, 3, -1])
def test_both_forms_have_the_same_harmonics(n):
    antisymmetric = np.array([[0, 0.2, -0.4], [-0.2, 0, 0.9], [0.4, -0.9, 0]])
    terms = Harmonics(
        (n,), (1 - np.eye(3))[None] / 5, antisymmetric[None],
        R_sin=(1 - np.eye(3))[None] / 3, delta_sin=-antisymmetric[None],
    )  # fmt: skip
    law, psi = golden(0.4, -0.7, harmonics=terms)
    literal, _ = golden(0.4, -0.7, harmonics=terms, literal=True)
    state = literal.prepare(psi)
    rates = literal.vector_field(0.0, state)
    expected = psi * (rates.density / (2 * state.density) - 1j * rates.phase)
    # the regulator, as above
    np.testing.assert_allclose(law.vector_field(0.0, psi), expected, atol=2e-11)
    plain, _ = golden(0.4, -0.7)
    assert np.max(np.abs(plain.vector_field(0.0, psi) - expected)) > 0.05


# -- refused input --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros(2), np.zeros((3, 3)), ZEROS), "`R` must have shape (2, 2)"),
        ((np.zeros(2), SYMMETRIC, np.zeros(2)), "`delta` must have shape (2, 2)"),
        ((np.zeros((1, 2)), SYMMETRIC, ZEROS), "`omega` must have shape (2,)"),
        ((0.0, SYMMETRIC, ZEROS), "`omega` must have shape (0,)"),
        ((np.zeros(2), -SYMMETRIC, ZEROS), "`R` must be symmetric and not negative"),
        (
            (np.zeros(2), np.triu(SYMMETRIC), ZEROS),
            "`R` must be symmetric and not negative",
        ),
        (
            (np.zeros(2), SYMMETRIC, 0.3 * SYMMETRIC),
            "`delta` must be antisymmetric (up to full turns)",
        ),
        (([0.0, np.nan], SYMMETRIC, ZEROS), "`omega` must be finite, but entry [1]"),
        ((np.zeros(2), [[0, np.inf], [np.inf, 0]], ZEROS), "`R` must be finite"),
        ((np.zeros(2), SYMMETRIC, [[0, np.nan], [0, 0]]), "`delta` must be finite"),
        ((np.zeros(2), SYMMETRIC, ZEROS, np.nan), "`q` must be finite, but it is nan"),
        ((np.zeros(2), SYMMETRIC, ZEROS, 0.5, np.inf), "`r` must be finite"),
    ],
)
def test_refused_constants(arguments, message):
    with pytest.raises(ValueError, match=re.escape(f"Argument {message}")):
        CopyDynamics(*arguments)


def test_phases_are_antisymmetric_up_to_full_turns_and_where_used():
    turned = np.array([[0.0, 0.3], [2 * np.pi - 0.3, 0.0]])
    law = CopyDynamics(np.zeros(2), SYMMETRIC, turned)
    H = law.hamiltonian()
    np.testing.assert_allclose(H, H.conj().T, atol=1e-15)
    CopyDynamics(np.zeros(2), ZEROS, 0.3 * SYMMETRIC)  # no coupling, no phase
    CopyDynamics(np.zeros(2), SYMMETRIC, np.pi * SYMMETRIC)  # -pi is pi


@pytest.mark.parametrize(
    ("H", "message"),
    [
        (np.zeros((2, 3)), "`hamiltonian` must be a square matrix"),
        (np.zeros(3), "`hamiltonian` must be a square matrix"),
        ([[0.0, 1.0], [0.5, 0.0]], "`hamiltonian` must be Hermitian"),
        ([[0.0, np.nan], [np.nan, 0.0]], "`hamiltonian` must be finite"),
    ],
)
def test_refused_hamiltonians(H, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        CopyDynamics.from_hamiltonian(H)


@pytest.mark.parametrize(
    ("psi", "message"),
    [
        ([1.0, 0.0], r"`psi` must have shape \(3,\)"),
        ([1.0, 1.0, 0.0], "`psi` must be normalised, but its squared norm is 2"),
        ([np.nan, 0.0, 1.0], "`psi` must be finite"),
    ],
)
@pytest.mark.parametrize("literal", [False, True])
def test_refused_states(literal, psi, message):
    law, _ = golden(literal=literal)
    with pytest.raises(ValueError, match=message):
        law.prepare(psi)


def test_refused_harmonics():
    with pytest.raises(ValueError, match=r"`R_cos` must have shape \(2, 2, 2\)"):
        Harmonics((1, 2), SYMMETRIC[None], ZEROS[None])


def test_a_law_without_flows_cannot_be_split():
    law, psi = golden()
    with pytest.raises(ValueError, match="splitting"):
        evolve(law, psi, [0.0, 1.0], method=Fixed(strang))


# -- symmetries of the motion ---------------------------------------------------------

angles = st.lists(
    st.floats(-np.pi, np.pi, allow_nan=False), min_size=3, max_size=3
).map(jnp.asarray)
exponents = st.tuples(st.floats(0.2, 0.6), st.floats(-1.2, -0.6)).map(jnp.asarray)
TS = np.array([0.0, 0.5])


@jax.jit
def after_half(law, psi):
    return evolve(
        law, psi, TS, method=Fixed(rk4, 100, "direct", estimate_error=False)
    ).values[-1]


def with_exponents(pair):
    law, psi = golden()
    return constants.unpack(constants.unpack(law, "q", pair[:1]), "r", pair[1:]), psi


def gap(a, b):
    return float(np.max(np.abs(np.asarray(a) - np.asarray(b))))


# rounding of 100 steps of order one: 1e3 eps
ROUNDING = 2e-13


@properties
@given(exponents, angles)
def test_sum_of_densities_is_conserved(pair, phases):
    law, psi = with_exponents(pair)
    end = after_half(law, jnp.abs(psi) * jnp.exp(1j * phases))
    # RK4 at h = 1/200 in psi conserves to h^4 / 100 = 1e-11; kinks: h^2 jumps 1e-8
    assert abs(float(jnp.sum(law.density(end))) - 1) < 1e-7


@properties
@given(exponents, st.floats(-3, 3))
def test_a_global_phase_changes_nothing(pair, angle):
    law, psi = with_exponents(pair)
    turn = jnp.exp(1j * angle)
    assert gap(after_half(law, turn * psi), turn * after_half(law, psi)) < ROUNDING
    # Negative control: a phase of one class alone is no symmetry.
    one = jnp.array([turn, 1, 1])
    assert gap(one * psi, psi) < 0.1 or (
        gap(after_half(law, one * psi), one * after_half(law, psi)) > 1e-6
    )


@properties
@given(exponents, st.permutations(range(3)))
def test_classes_have_no_order(pair, order):
    law, psi = with_exponents(pair)
    p = jnp.asarray(order)
    other = CopyDynamics(law.omega[p], law.R[p][:, p], law.delta[p][:, p], law.q, law.r)
    assert gap(after_half(other, psi[p]), after_half(law, psi)[p]) < ROUNDING
    # Negative control: permuting the state alone.
    assert order == [0, 1, 2] or (
        gap(after_half(law, psi[p]), after_half(law, psi)[p]) > 1e-3
    )


@properties
@given(exponents, angles)
def test_rephasing_classes_with_their_couplings(pair, c):
    """phi_a -> phi_a + c_a with delta_ab -> delta_ab - c_a + c_b: same densities."""
    law, psi = with_exponents(pair)
    shift = c[:, None] - c[None, :]
    other = CopyDynamics(law.omega, law.R, law.delta - shift, law.q, law.r)
    turn = jnp.exp(-1j * c)
    assert gap(after_half(other, turn * psi), turn * after_half(law, psi)) < ROUNDING
    # Negative control: with the other sign of the shift.
    wrong = CopyDynamics(law.omega, law.R, law.delta + shift, law.q, law.r)
    distance = gap(after_half(wrong, turn * psi), turn * after_half(law, psi))
    assert distance > 1e-6 or float(jnp.max(jnp.abs(shift))) < 0.1


@properties
@given(angles)
def test_quantum_motion_reverses(phases):
    law, psi = golden()
    start = jnp.abs(psi) * jnp.exp(1j * phases)
    mirrored = constants.unpack(law, "delta", -constants.pack(law, "delta"))
    back = jnp.conj(after_half(mirrored, jnp.conj(after_half(law, start))))
    # RK4 loses T |H|^6 h^5 / 72 of the norm on the way: 1e-12
    assert gap(back, start) < 1e-11
    # Negative control: without mirroring delta.
    wrong = jnp.conj(after_half(law, jnp.conj(after_half(law, start))))
    assert gap(wrong, start) > 1e-3


def test_a_drive_that_is_none_is_refused():
    links = np.array([[0.0, 0.7], [0.7, 0.0]])
    with pytest.raises(ValueError, match="`drive` must be a Driven or None"):
        CopyDynamics(np.zeros(2), links, np.zeros((2, 2)), drive="cos")

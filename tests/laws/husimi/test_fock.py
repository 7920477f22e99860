"""The law in the number basis: order by order, truncated, and in full.

Row numbers are those of the table of tests of the law's equations: values there were
computed by other programs.
"""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _support.husimi import truncation_deviation

from jqd import Adaptive, Fixed, constants, evolve
from jqd.laws.husimi import Exact, Fock, HusimiFokkerPlanck
from jqd.readings.truncation import horizon, taylor_orbit
from jqd.spaces.symbols import (
    Symbol,
    bose_hubbard,
    complex_field,
    matrix,
    parametric_amplifier,
    phi4,
    polynomial_qp,
)
from jqd.states import coherent, number_state, squeezed
from jqd.status import Status

from .generic import MIXED

FINE = Adaptive(rtol=1e-11, atol=1e-12, estimate_error=False)
KERR = Symbol([0.5, -2.0], [((2,), (2,)), ((1,), (1,))])
FREE = Symbol([1.0], [((1,), (1,))])
QUARTIC = polynomial_qp({(4, 0): 1.0})


def final_density(law, psi, t, method=None):
    run = evolve(law, law.prepare(psi), [0.0, t], method=method, observe="density")
    assert run.status == Status.OK
    return run.values[-1]


def series_density(law, psi, t):
    """By Taylor series of exp(Gt): exact to rounding, and quick to compile."""
    generator = law.form.generator(law.equation)
    (rho,) = taylor_orbit(generator, law.prepare(psi), [t])
    return law.density(rho)


def random_rho(levels, seed=0):
    """Hermitian, in the lowest levels: nothing of it moves past the cut."""
    rng = np.random.default_rng(seed)
    rho = np.zeros((levels, levels), complex)
    low = levels // 3
    a = rng.normal(size=(low, low)) + 1j * rng.normal(size=(low, low))
    rho[:low, :low] = a @ a.conj().T
    return jnp.asarray(rho / np.trace(rho))


# -- against quantum mechanics --------------------------------------------------------


@pytest.mark.slow
def test_mixed_hamiltonian():
    """Row 9."""
    points = np.array([0.3 + 0.5j, -0.8j])
    law = HusimiFokkerPlanck(MIXED, points=points, form=Fock(32))
    values = final_density(law, coherent(0.6 - 0.4j, 24), 0.7, FINE)
    # the integrator: 1e-11 of each step
    np.testing.assert_allclose(values, [0.055844131185, 0.282569767427], atol=1e-9)


@pytest.mark.slow
def test_two_modes():
    """Row 12: 16 levels of each mode hold all but 1e-11."""
    law = HusimiFokkerPlanck(
        bose_hubbard(1.0, 0.5, [(0, 1)]), points=np.array([[1, 0.5j]]), form=Fock(16)
    )
    values = series_density(law, coherent([2**0.5, 0], [16, 16]), 1.0)
    np.testing.assert_allclose(values, [0.040987503473], atol=1e-9)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("C", "expected"), [(0.5, 0.106094158827), (1.3, 0.214263491377)]
)
@pytest.mark.parametrize("exponential", [False, True])
def test_other_strengths(C, expected, exponential):
    """Row 5."""
    levels = 20 if exponential else 32
    form = Fock(levels, exponential=exponential)
    law = HusimiFokkerPlanck(KERR, C, points=np.array([0.7 - 0.3j]), form=form)
    assert law.solvable == exponential
    run = final_density if exponential else series_density
    # 20 levels leave 1e-8 of this state
    atol = 1e-7 if exponential else 1e-10
    value = run(law, coherent(1.2 + 0.5j, levels), 0.37)
    np.testing.assert_allclose(value, [expected], atol=atol)


@pytest.mark.slow
def test_all_orders_are_quantum_mechanics():
    """Row 22: the cut at 64 levels leaves 4e-8 (at 200 it is .10642860853)."""
    form = Fock(64, orders=None)
    law = HusimiFokkerPlanck(phi4(0.1), points=np.array([1 - 0.7j]), form=form)
    value = final_density(law, coherent(1.0, 40), 1.0, FINE)
    np.testing.assert_allclose(value, [0.10642860853], atol=1e-7)


# -- order by order -------------------------------------------------------------------


def test_residual_of_each_order():
    """Row 23: the series ends at the holomorphic degree, and not before."""
    symbol, exact_from = MIXED, 2
    form = Fock(30, orders=None)
    law = HusimiFokkerPlanck(symbol, form=form)
    rho = random_rho(30)
    operator = matrix(symbol, 30)
    exact = -1j * (operator @ rho - rho @ operator)
    total, residuals = 0, []
    for order in range(1, 5):
        total = total + form.generator(law.equation, (order,))(rho)
        residuals.append(np.linalg.norm(total - exact) / np.linalg.norm(exact))
    # rounding of sums of terms up to 30² times as large as what is left
    assert max(residuals[exact_from - 1 :]) < 1e-12
    assert min(residuals[: exact_from - 1], default=1) > 0.05


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_each_order_conserves_norm_and_energy(order):
    """Row 23; a moment of higher powers is not conserved."""
    symbol = FREE + 0.1 * QUARTIC
    form = Fock(30, orders=None)
    law = HusimiFokkerPlanck(symbol, form=form)
    change = form.generator(law.equation, (order,))(random_rho(30))
    size = float(jnp.linalg.norm(change))
    assert size > 0.05
    assert abs(law.moment(change, 0, 0)) < 1e-13 * size
    assert abs(law.energy(change)) < 1e-12 * size
    assert abs(law.moment(change, 5, 3)) > 1e-3 * size


@pytest.mark.slow
def test_dense_and_banded_agree():
    form = Fock((5, 4), orders=None)
    symbol = complex_field(0.3)
    law = HusimiFokkerPlanck(symbol, 0.8, form=form)
    rng = np.random.default_rng(1)
    rho = jnp.asarray(rng.normal(size=(20, 20)) + 1j * rng.normal(size=(20, 20)))
    banded = law.vector_field(0.0, rho)
    dense = form.generator(law.equation).dense() @ jnp.ravel(rho)
    # rounding: 40 bands of entries up to 10
    np.testing.assert_allclose(jnp.ravel(banded), dense, atol=1e-12)


# -- the equation in q and p ----------------------------------------------------------


def literal_rate(symbol, density, s, C, hbar):
    """{H, Q} + (ħC/2){∂q∂p[(s²H_qq - s⁻²H_pp)Q] - s²∂q²[H_qp Q] + s⁻²∂p²[H_qp Q]}"""

    def alpha(z):
        return (z[0] + 1j * z[1]) / np.sqrt(2)

    def energy(z):
        return jnp.real(symbol(alpha(z)))

    def product(pick):
        return lambda z: pick(jax.hessian(energy)(z)) * density(alpha(z))

    def rate(z):
        dH, dQ = jax.grad(energy)(z), jax.grad(lambda z: density(alpha(z)))(z)
        bracket = dH[0] * dQ[1] - dH[1] * dQ[0]
        mixed = jax.hessian(product(lambda h: s**2 * h[0, 0] - h[1, 1] / s**2))(z)
        cross = jax.hessian(product(lambda h: h[0, 1]))(z)
        spread = mixed[0, 1] - s**2 * cross[0, 0] + cross[1, 1] / s**2
        return bracket + hbar * C / 2 * spread

    return rate


@pytest.mark.sampled
@pytest.mark.parametrize("s", [None, 1.3])
def test_generator_is_the_equation(s):
    """Row 3, in the number basis, with the length scale that does not match."""
    hbar, C = 0.7, 0.8
    law = HusimiFokkerPlanck(MIXED, C, s, hbar, form=Fock(30))
    rho = random_rho(30, 2)

    def density(alpha):
        return law.density(rho, alpha)

    rate = jax.jit(literal_rate(MIXED, density, 1.0 if s is None else s, C, hbar))
    moved = law.vector_field(0.0, rho)
    for z in ([0.3, -0.8], [1.1, 0.4]):
        here = law.density(moved, jnp.asarray((z[0] + 1j * z[1]) / np.sqrt(2)))
        # fourth derivatives of a polynomial of degree 18 by automatic differentiation
        np.testing.assert_allclose(here, rate(jnp.asarray(z)), atol=1e-12)
    if s is not None:
        matched = eqx.tree_at(
            lambda law: law.s, law, None, is_leaf=lambda x: x is None
        ).vector_field(0.0, rho)
        assert float(jnp.max(jnp.abs(moved - matched))) > 0.1


def test_only_products_matter():
    """Row 17: (κ, l) -> (cκ, √c l); (C, ħ) -> (C/c, cħ) for the same density."""
    rho = random_rho(20)
    scales = 1.3 / 1.9**0.5, 1.3 * 2**0.5 / 3.8**0.5
    laws = [HusimiFokkerPlanck(KERR, s=s, form=Fock(20)) for s in scales]
    rates = [law.vector_field(0.0, rho) for law in laws]
    size = float(jnp.max(jnp.abs(rates[0])))
    np.testing.assert_allclose(*rates, atol=1e-13 * size)  # rounding of s


# -- recovery -------------------------------------------------------------------------


def model(symbol, levels):
    axis = np.linspace(-2.5, 2.5, 9)
    points = axis[None, :] + 1j * axis[:, None]
    method = Adaptive(
        rtol=1e-11,
        atol=1e-12,
        estimate_error=False,
        adjoint=diffrax.ForwardMode(),
    )

    start = HusimiFokkerPlanck(symbol, s=1.0, points=points, form=Fock(levels))

    def values(theta):
        law = constants.unpack(constants.unpack(start, "C", theta[:1]), "s", theta[1:])
        psi = coherent(1.2 + 0.5j, levels)
        ts = jnp.array([0.0, 0.1, 0.2, 0.3])
        run = evolve(law, law.prepare(psi), ts, method=method, observe="density")
        return jnp.ravel(run.values[1:])

    return jax.jit(values), jax.jit(jax.jacfwd(values))


@pytest.mark.slow
def test_strength_and_length_are_recovered_together():
    """Kerr, Ut <= 0.3: from 10 % and 1 % off to rounding, by Gauss-Newton.

    At C = .9 and s = 1.03 the state reaches the edge of its basis, at t = .21 with 22
    levels and .23 with 30.
    """
    values, jacobian = model(KERR, 22)
    data = values(jnp.ones(2))
    assert np.linalg.svd(jacobian(jnp.ones(2)), compute_uv=False).min() > 0.2
    theta = np.array([0.9, 1.01])
    for _ in range(7):
        theta = (
            theta
            - np.linalg.lstsq(jacobian(theta), values(theta) - data, rcond=None)[0]
        )
    # tolerance of the integrator, 1e-11 a step, over singular values of 0.4
    np.testing.assert_allclose(theta, 1, atol=1e-9)


@pytest.mark.slow
def test_a_harmonic_oscillator_tells_one_of_the_two():
    """H_qp = 0: C and s enter as C(s² - s⁻²) alone."""
    _, jacobian = model(FREE, 22)
    singular = np.linalg.svd(jacobian(jnp.ones(2)), compute_uv=False)
    assert singular[0] > 0.1
    assert singular[1] < 1e-12 * singular[0]


# -- the truncated law ----------------------------------------------------------------


def test_first_order_deviation():
    """Row 20, and no deviation at whole half periods: sinc of an integer."""
    points = np.array([1 - 0.7j, 0.3 + 0.2j])
    ts = [0.5, np.pi, 2 * np.pi]
    change = truncation_deviation(FREE, QUARTIC, coherent(1.0, 40), ts, points)
    np.testing.assert_allclose(change[0], [0.048026837631, 0.363749756609], atol=1e-8)
    np.testing.assert_allclose(change[1:], 0, atol=1e-12)


def test_deviation_in_other_units():
    """α = √ħ a: a bond of fourth order is ħ times as strong, a density 1/ħ as high."""
    hbar, points = 0.6, np.array([1 - 0.7j, 0.3 + 0.2j])
    bond = Symbol([0.4 + 0.3j, 0.4 - 0.3j], [((3,), (1,)), ((1,), (3,))])
    psi, ts = coherent(0.8, 24), [0.0, 0.5, 1.3]
    unit = truncation_deviation(FREE, bond, psi, ts, points, levels=32)
    found = truncation_deviation(
        FREE, bond, psi, ts, np.sqrt(hbar) * points, levels=32, hbar=hbar
    )
    np.testing.assert_allclose(found, unit, atol=1e-12)
    assert np.max(np.abs(unit)) > 1e-3


def test_largest_deviation():
    """On a grid, the largest deviation over the largest Q is known to three digits."""
    axis = np.linspace(-3, 3, 49)
    points = axis[None, :] + 1j * axis[:, None]
    ts = [0.1, 0.5, 1.0, np.pi / 2]
    change = truncation_deviation(FREE, QUARTIC, coherent(1.0, 30), ts, points)
    largest = np.max(np.abs(change), axis=(1, 2)) * np.pi
    # the spacing of the grid, 0.125, squared times the curvature
    np.testing.assert_allclose(largest, [0.252, 1.17, 1.95, 2.21], rtol=0.02)


@pytest.mark.slow
def test_deviation_of_a_complex_field():
    """Two modes, vacuum: .0281, .138, .275 of the largest Q, 0 at half a period."""
    free = Symbol([1.0, 1.0], [((1, 0), (1, 0)), ((0, 1), (0, 1))])
    axis = np.linspace(-2, 2, 9)
    plane = np.ravel(axis[None, :] + 1j * axis[:, None])
    points = np.stack(np.broadcast_arrays(plane[:, None], plane[None, :]), -1)
    ts = [0.1, 0.5, np.pi / 2, np.pi]
    change = truncation_deviation(
        free, complex_field(1.0) - free, coherent([0.0, 0.0], [3, 3]), ts, points,
        levels=9,
    )  # fmt: skip
    largest = np.max(np.abs(change), axis=(1, 2)) * np.pi**2
    # a grid of spacing 0.5
    np.testing.assert_allclose(largest[:3], [0.028, 0.138, 0.275], rtol=0.04)
    assert largest[3] < 1e-12


def test_deviation_is_the_limit_of_runs():
    """(Q_truncated - Q_exact)/λ at 1-.7i: .0486 at λ = .0005, .0480 in the limit."""
    lam, points = 0.0005, np.array([1 - 0.7j])
    runs = [
        series_density(
            HusimiFokkerPlanck(phi4(lam), points=points, form=Fock(20, orders=orders)),
            coherent(1.0, 16),
            0.5,
        )
        for orders in (2, None)
    ]
    np.testing.assert_allclose((runs[0] - runs[1]) / lam, 0.04860, atol=1e-4)


@pytest.mark.slow
def test_horizon_of_the_truncated_law():
    """1 % agreement is lost near λt = 0.007, and nothing is told past it."""
    axis = np.linspace(-3, 3, 9)
    points = axis[None, :] + 1j * axis[:, None]
    law = HusimiFokkerPlanck(phi4(0.05), points=points, form=Fock(12))
    ts = np.linspace(0, 0.3, 13)
    found = horizon(law, coherent(1.0, 10), ts)
    assert 0.08 <= found.time <= 0.16
    past = ts > found.time
    assert np.all(np.isnan(found.densities[past]))
    assert np.all(np.isfinite(found.densities[~past]))
    # quantum mechanics of the same H has no horizon within these times
    full = horizon(eqx.tree_at(lambda law: law.form, law, Fock(12, orders=None)),
                   coherent(1.0, 10), ts, levels=(20, 24), tolerance=1e-3)  # fmt: skip
    assert full.time == ts[-1]


# -- what is refused, marked, batched -------------------------------------------------


@pytest.mark.slow
def test_a_full_basis_is_marked():
    law = HusimiFokkerPlanck(parametric_amplifier(1.0), form=Fock(16))
    run = evolve(law, law.prepare(number_state(0, 16)), [0.0, 0.2, 3.0], method=FINE)
    assert run.status == Status.CUTOFF
    assert 0.2 < run.failure_time < 3.0
    assert np.all(np.isnan(run.values[-1]))


def test_bad_arguments():
    with pytest.raises(ValueError, match="Argument `levels` must be 1 positive"):
        HusimiFokkerPlanck(KERR, form=Fock((3, 4)))
    with pytest.raises(ValueError, match="Argument `orders` must be at least 1"):
        HusimiFokkerPlanck(KERR, form=Fock(orders=0))
    law = HusimiFokkerPlanck(KERR, form=Fock(12))
    with pytest.raises(ValueError, match=r"at most .12,. levels"):
        law.prepare(coherent(0.5, 20))
    with pytest.raises(ValueError, match="C_max"):
        HusimiFokkerPlanck(KERR, 2.5, form=Fock(12)).prepare(coherent(0.5, 12))
    with pytest.raises(ValueError, match="two different"):
        horizon(law, coherent(0.5, 12), [0.0, 1.0], levels=(12,))
    with pytest.raises(ValueError, match="Argument `free`"):
        truncation_deviation(
            FREE + QUARTIC, QUARTIC, coherent(0.5, 12), [1.0], np.array([0j])
        )


@pytest.mark.slow
def test_batches_gradients_and_single_precision():
    """A batch of C; the derivative against differences of step 1e-5 (error 1e-9)."""
    method = Fixed(None, 60, estimate_error=False)
    points = np.array([0.7 - 0.3j])
    psi = squeezed(0.2, 16, displacement=0.8)

    start = HusimiFokkerPlanck(KERR, points=points, form=Fock(20))

    def value(C):
        law = constants.unpack(start, "C", C)
        run = evolve(law, law.prepare(psi), jnp.array([0.0, 0.2]), method=method,
                     observe="density")  # fmt: skip
        return run.values[-1, 0]

    near = jax.jit(jax.vmap(value))(jnp.array([1 - 1e-5, 1.0, 1 + 1e-5]))
    slope = jax.jit(jax.grad(value))(1.0)
    np.testing.assert_allclose(slope, (near[2] - near[0]) / 2e-5, atol=1e-8)
    law = HusimiFokkerPlanck(KERR, form=Fock(20))
    small = law.prepare(psi.astype(jnp.complex64))
    run = evolve(law, small, jnp.array([0.0, 0.2], jnp.float32), method=method)
    assert run.values.dtype == jnp.complex64
    density = law.density(run.values[-1], points)
    assert density.dtype == jnp.float32
    np.testing.assert_allclose(density[0], near[1], atol=1e-5)  # 240 stages of 1e-7


@pytest.mark.slow
def test_matches_the_exact_form_near_the_origin():
    """|α| <= 1.5, C in [.5, 1.5], t = 3, 32 levels: what the basis leaves."""
    points = 1.5 * np.exp(2j * np.pi * np.arange(6) / 6)
    for C in (0.5, 1.5):
        fock, quantum = (
            HusimiFokkerPlanck(KERR, C, points=points, form=form)
            for form in (Fock(32), Exact(120))
        )
        psi = coherent(0.8, 24)
        value = series_density(fock, psi, 1.0)
        exact = final_density(quantum, psi, 1.0)
        # entries of ρ grow, and rounding with them
        np.testing.assert_allclose(value, exact, atol=1e-11)

"""What is beside laws and records gives in SI what it gives where ħ = 1.

Guards, tolerances and starts are numbers without units or in units of the problem: the
same physics gives the same numbers without dimension, whatever its units.
"""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jqd
from jqd.ensembles.paths import schemes
from jqd.inference import fit_likelihood, log_likelihood
from jqd.inference.design.robust import _drawn
from jqd.inference.estimators import length_scales
from jqd.inference.identifiability import analyse
from jqd.laws.husimi import Exact, Fock, HusimiFokkerPlanck, Series
from jqd.matter import solid
from jqd.matter.temperature import bandwidth
from jqd.readings import brackets, energies, fields, gases, slits, time_scales
from jqd.readings.truncation import horizon
from jqd.spaces import Grid
from jqd.spaces.driven_input import read_driven
from jqd.spaces.symbols import Symbol, parse_hamiltonian, phi4, polynomial_qp
from jqd.states import coherent
from jqd.statistics._family import falling_root
from jqd.status import Status
from jqd.vetting import single

HBAR = 1.05e-34
# A length, and a mass of an atom.
NEAR, ATOM = 1e-7, 1e-26
SINGLE = jnp.float32
# Numbers that differ by the rounding of their units.
ROUNDING = 1e-10


# -- readings --------------------------------------------------------------------------


def test_a_map_is_as_canonical_in_any_units():
    """Phases turned by the density of a neighbour, which is not canonical."""
    rng = np.random.default_rng(0)
    shares, phases = rng.uniform(0.5, 1, 6), rng.uniform(-1, 1, 6)

    def defect(hbar, cell):
        def turned(density, action):
            return density, action - 0.3 * hbar * cell * jnp.roll(density, 1)

        point = shares / cell, hbar * phases
        return brackets.symplecticity(turned, *point, cell, hbar).defect

    here = defect(1.0, 1.0)
    assert here > 0.1
    np.testing.assert_allclose(defect(HBAR, NEAR), here, rtol=ROUNDING)


@pytest.mark.slow
@pytest.mark.parametrize("unit", [1e-12, 1e12])
def test_a_horizon_lies_at_the_same_turn_of_the_phase(unit):
    """The 18th power of a rate per second is beyond floats."""
    points = np.array([[0.3 + 0.1j, 1.0 - 0.4j], [-0.7j, 0.2]])
    ts, psi = np.linspace(0, 0.6, 13), coherent(1.0, 10)

    def found(unit):
        law = HusimiFokkerPlanck(phi4(0.05) * (1 / unit), points=points, form=Fock(12))
        return horizon(law, psi, ts * unit)

    here, there = found(1.0), found(unit)
    assert 0 < here.time < ts[-1]
    np.testing.assert_allclose(there.time / unit, here.time, rtol=ROUNDING)
    np.testing.assert_allclose(there.densities, here.densities, rtol=1e-7, atol=1e-12)


def test_single_precision_keeps_what_is_as_small_as_its_numbers():
    """ħ² is below float32; ΔE, σ(t), U_q and p²/2m of an atom are not."""
    hbar, mass, width = SINGLE(HBAR), SINGLE(ATOM), SINGLE(NEAR)
    late = SINGLE(3 * ATOM * NEAR**2 / HBAR)
    grid = Grid((-8 * NEAR, 8 * NEAR), 64)
    psi = jnp.exp(-((grid.x / NEAR) ** 2) / 4)
    psi = (psi / jnp.sqrt(grid.integrate(psi**2))).astype(jnp.complex64)
    options = {"hbar": hbar, "mass": mass}
    scale = HBAR**2 / ATOM / NEAR**2
    spread = gases.energy_spread(SINGLE(0), width, **options)
    # 1e-5: rounding to seven digits, in transforms of 64 points as well
    assert float(spread) == pytest.approx(scale / 32**0.5, rel=1e-5)
    wide = time_scales.spreading_width(late, width, mass, hbar)
    assert float(wide) == pytest.approx(NEAR * (1 + 1.5**2) ** 0.5, rel=1e-5)
    flux = energies.localization_energy(psi, grid, **options)
    assert float(flux) == pytest.approx(scale / 8, rel=1e-4)
    potential = fields.quantum_potential(psi, grid, **options)
    # U_q = ħ²/4mσ² at the centre; k² of the spectrum adds up to 150/σ² of rounding
    assert float(potential[32]) == pytest.approx(scale / 4, rel=1e-3)


def test_the_kinetic_energy_of_an_atom_in_single_precision():
    grid = Grid((-8 * NEAR, 8 * NEAR), 16)
    law = jqd.Schrodinger.on_grid(grid, np.zeros(16), mass=ATOM, hbar=HBAR)
    single = jax.tree.map(lambda leaf: leaf.astype(SINGLE), law.hamiltonian)
    expected = HBAR**2 / (2 * ATOM) * np.asarray(grid.k2)
    np.testing.assert_allclose(single.kinetic(SINGLE(HBAR)), expected, rtol=1e-5)


def test_the_spread_of_atoms_in_single_precision():
    """ħ/2mω, 5e-22 m², is a number of float32; ħ/2ω, 5e-48 kg m², is none."""
    omega = np.array([0.0, 1e13])
    modes = solid.Modes(
        SINGLE(omega), jnp.eye(2, dtype=SINGLE), SINGLE(omega) ** 2, omega > 0,
        jnp.full(2, ATOM, SINGLE),
    )  # fmt: skip
    hbar, spread = SINGLE(HBAR), HBAR / (2e13 * ATOM)
    found = solid.atom_variances(modes, 1, hbar=hbar)
    assert found.dtype == SINGLE
    np.testing.assert_allclose(found[:, 0], [0, 3 * spread], rtol=1e-5)
    drawn, _ = solid.wigner_samples(jax.random.key(0), modes, 1000, hbar=hbar)
    # of 1000 draws within 5 of its errors
    assert np.var(drawn[:, 1, 0] / spread**0.5) == pytest.approx(1, abs=0.25)
    with pytest.raises(ValueError, match=r"^Argument `hbar` must .*float32"):
        solid.mode_variances(modes, hbar=hbar)
    variances = solid.mode_variances(modes, hbar=SINGLE(1))
    np.testing.assert_allclose(variances, [0, 5e-14], rtol=1e-6)


def test_a_wall_has_no_size_of_its_own():
    grid = Grid(((-5 * NEAR, 5 * NEAR),) * 2, (16, 16))
    with pytest.raises(TypeError, match="opening"):
        slits.slit_wall(grid, (NEAR,))


# -- solids, statistics ----------------------------------------------------------------


def test_the_cut_of_a_pair_goes_with_its_size():
    sigma, epsilon = 3.4e-10, 1.65e-21
    r = np.array([1.1, 2.2, 2.45, 2.6])
    here = solid.LennardJones()
    there = solid.LennardJones(epsilon, sigma)
    np.testing.assert_allclose(there(r * sigma) / epsilon, here(r), atol=ROUNDING)
    np.testing.assert_allclose(there.reach / sigma, here.reach, rtol=ROUNDING)
    assert solid.LennardJones(sigma=sigma, inner=None, outer=None).reach is None


@pytest.mark.slow
@pytest.mark.parametrize("energy", [1.0, 1e-30])
def test_a_spring_without_a_linear_part_relaxes(energy):
    pair = solid.FPUT(0.0, beta=energy)
    body = solid.Solid(jnp.ones(2), pair, bonds=[[0, 1]])
    found = solid.relax(body, jnp.asarray([[0.0], [1.3]]))
    assert found.status == Status.OK
    # a force of 1e-12 × 0.03 is reached where d³ is: d of some 1e-5
    assert float(found.x[1, 0] - found.x[0, 0]) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("unit", [1.0, 1e-34])
def test_a_root_is_found_to_rounding_of_its_own_size(unit):
    def falling(x):
        return unit / x - 1 / 0.3

    root = falling_root(falling, jnp.asarray(1e-3 * unit), jnp.asarray(unit))
    assert float(root) / unit == pytest.approx(0.3, rel=1e-12)


@pytest.mark.parametrize("rigid", [True, False])
def test_a_width_far_from_all_levels_goes_with_the_unit_of_energy(rigid):
    levels, unit = np.random.default_rng(2).normal(size=40), 1e-21
    here = bandwidth(levels, 60.0, rigid)
    there = bandwidth(levels * unit, 60 * unit, rigid)
    found = there.width / unit, there.bias * unit, there.noise * unit
    np.testing.assert_allclose(found, here, rtol=1e-7)


# -- pulses, symbols -------------------------------------------------------------------


def test_pulses_of_nanoseconds_are_looked_at():
    def short(t):
        return jnp.where((t > 0) & (t < 1e-8), 1.0, jnp.nan)

    assert float(jqd.pulse(short)(1e-9)) == 1

    def gaussian(t):
        return jnp.exp(-(((t - 5e-9) / 5e-10) ** 2))

    levels, lower = jnp.diag(jnp.array([1.0, -1])), jnp.array([[0, 1.0], [0, 0]])
    with pytest.raises(ValueError, match="Hermitian"):
        jqd.driven(levels, (lower, jqd.pulse(gaussian)))
    with pytest.raises(ValueError, match="Hermitian"):
        read_driven(lambda t: levels + gaussian(t) * lower)


@pytest.mark.parametrize("hbar", [1.0, HBAR])
def test_an_imaginary_rate_is_seen_beside_a_large_coefficient(hbar):
    """Coefficients of |α|⁴ are ħ⁻¹ as large as those of |α|²."""
    powers = [((1,), (1,)), ((2,), (2,))]
    symbol = Symbol([1j, 1 / hbar], powers)
    assert not symbol.is_real(hbar=hbar)
    assert Symbol([1.0, 1 / hbar], powers).is_real(hbar=hbar)
    with pytest.raises(ValueError, match="must be real"):
        HusimiFokkerPlanck(symbol, hbar=hbar)
    with pytest.raises(ValueError, match="Hermitian"):
        parse_hamiltonian(f"1j*n + {1 / hbar}*ad^2*a^2", hbar=hbar)


@pytest.mark.parametrize("hbar", [1.0, HBAR])
def test_driven_symbols_are_hermitian_beside_a_large_coefficient(hbar):
    """Nothing says what ħ is: coefficients of one degree have one unit."""
    level, rate = Symbol([1 / hbar], [((2,), (2,))]), Symbol([1.0], [((1,), (1,))])
    lower = Symbol([hbar**-0.5], [((1,), (0,))])
    with pytest.raises(ValueError, match=r"`hamiltonian\[0\]` must be Hermitian"):
        jqd.driven(level + 1j * rate, (rate, jnp.cos))
    with pytest.raises(ValueError, match=r"must be Hermitian, but .* at t = 0"):
        jqd.driven(level, (lower, jnp.cos))
    turned = [
        (lower, lambda t: jnp.exp(1j * t)), (lower.conj(), lambda t: jnp.exp(-1j * t)),
    ]  # fmt: skip
    H = jqd.driven(level, *turned)
    # α e^it + α* e^-it at the point α = √ħ e^0.5i, and |α|⁴/ħ there
    value = H.at(0.3)(hbar**0.5 * np.exp(0.5j))
    np.testing.assert_allclose(value, 2 * np.cos(0.8) + hbar, rtol=1e-13)


def test_a_law_under_jit_knows_its_unit_of_coefficients():
    """Where ħ is a number it counts; where it is traced, only equal degrees do."""
    powers = [((1,), (1,)), ((2,), (2,))]
    gain, sound = (Symbol([rate, 1 / HBAR], powers) for rate in (1j, 1.0))

    def made(symbol, C, hbar):
        return HusimiFokkerPlanck(symbol, C, hbar=hbar, form=Fock(8)).C

    for built in (lambda C: made(gain, C, HBAR), lambda C: made(gain, 0.9, C * HBAR)):
        with pytest.raises(ValueError, match="must be real"):
            jax.jit(built)(0.9)
    assert float(jax.jit(lambda C: made(sound, C, C * HBAR))(0.9)) == 0.9


# -- inference -------------------------------------------------------------------------


@pytest.mark.slow
def test_length_scales_where_the_action_is_that_of_si():
    omega, kappa = np.array([0.5, 2.6]), HBAR
    terms = {((2, 0), (0, 0)): omega[0] ** 2 / 2, ((0, 2), (0, 0)): omega[1] ** 2 / 2}
    terms |= {((0, 0), (2, 0)): 0.5, ((0, 0), (0, 2)): 0.5}
    expected = np.sqrt(kappa / omega)
    for start in (None, expected * np.array([3.0, 0.5])):
        found = length_scales(polynomial_qp(terms), kappa, start)
        assert found.converged
        # the solver stops where the commutator is 1e-14
        np.testing.assert_allclose(found.lengths, expected, rtol=1e-8)


def kerr(hbar, time, C=1.0):
    """A Kerr oscillator of ten levels or so, and two outcomes at each of two times."""
    symbol = Symbol([0.5 / (hbar * time)], [((2,), (2,))])
    law = HusimiFokkerPlanck(symbol, C, hbar=hbar, form=Exact(32, Series(3)))
    samples = np.array([[0.7 - 0.3j, 1.4 + 0.4j], [1.1 + 0.1j, 12.0]])
    ts = np.array([0.2, 0.5]) * time
    return law, coherent(1.2 + 0.5j, 24), ts, samples * hbar**0.5


def test_a_likelihood_changes_by_the_unit_of_its_density():
    """At 12 √ħ, where Q is below the least that counts, as elsewhere."""
    here = log_likelihood(*kerr(1.0, 1.0))
    there = log_likelihood(*kerr(HBAR, 1e-9))
    # e^-69 counts where Q is some e^-114
    assert here < -60
    np.testing.assert_allclose(there + 4 * np.log(HBAR), here, rtol=1e-9)


@pytest.mark.slow
def test_a_likelihood_is_fitted_as_well_in_si():
    fits = [
        fit_likelihood(law, psi, ts, samples[:, :1], start={"C": 0.8})
        for law, psi, ts, samples in (kerr(1.0, 1.0, 0.8), kerr(HBAR, 1e-9, 0.8))
    ]
    assert fits[0].converged == fits[1].converged
    # the minimum of a mean that rounds to 1e-13 is known to 1e-6
    C = [fit.constants["C"] for fit in fits]
    assert C[1] == pytest.approx(C[0], abs=1e-5)
    values = [fit.log_likelihood for fit in fits]
    assert values[1] + 2 * np.log(HBAR) == pytest.approx(values[0], abs=1e-6)


@pytest.mark.parametrize("unit", [1.0, 1e-25])
def test_words_name_an_energy_beside_an_exponent(unit):
    jacobian = np.array([[1.0, -0.5, 0.2], [2.0, -1.0, 0.7]]) / [unit, 1, 1]
    width = np.array([unit, 2.0, 1.0])
    words = analyse(jnp.asarray(jacobian), jnp.asarray(width), ["E", "q", "r"])
    assert words.describe().split()[1::2] == ["E", "q"]


def test_draws_of_a_small_constant_are_those_of_a_large_one():
    """Variances of 1e-50 and 1e-2 in one matrix."""
    root = np.array([[1.0, 0, 0], [0.6, 0.8, 0], [-0.2, 0.3, 0.5]])
    unit = np.array([1e-25, 0.1, 1e9])
    theta, key = np.array([2.0, -1.0, 0.5]), jax.random.key(4)

    def drawn(unit):
        spread = unit[:, None] * (root @ root.T) * unit
        draws = _drawn(key, jnp.asarray(theta * unit), jnp.asarray(spread), 16)
        return np.asarray(draws) / unit

    here = drawn(np.ones(3))
    assert np.all(np.std(here, axis=0) > 0.2)
    np.testing.assert_allclose(drawn(unit), here, rtol=1e-9, atol=1e-12)


# -- vetting, paths --------------------------------------------------------------------


def test_a_state_beside_a_node_has_the_same_share_there_in_any_units():
    rng = np.random.default_rng(1)
    kets = rng.normal(size=(3, 12)) + 1j * rng.normal(size=(3, 12))
    kets /= np.linalg.norm(kets, axis=1, keepdims=True)

    def tried(cell):
        seen = []

        def with_alarms(law, kets, finer):
            seen.append(kets)
            return np.ones((len(kets), 2, 12)), np.zeros(len(kets), bool)

        runs = SimpleNamespace(with_alarms=with_alarms)
        law = SimpleNamespace(prepare=lambda ket: ket)
        single.nodes(runs, law, kets / cell**0.5, cell, 0)
        return seen[0] * cell**0.5

    least = np.min(np.abs(tried(1.0)[3:]) ** 2, axis=1)
    # up to the share that was there, which goes to the other points
    np.testing.assert_allclose(least, single.NODE, rtol=1)
    np.testing.assert_allclose(tried(NEAR), tried(1.0), rtol=ROUNDING)


@pytest.mark.parametrize("length", [1.0, 1e-10])
def test_a_step_beside_a_node_is_as_long_in_single_precision(length):
    """Noise of 1e-11 m: its square is 1e-22, and not the root of the least float32."""
    one = SINGLE(length)
    nu = jnp.asarray([[0.5]], SINGLE) * one**2
    start, noise = (jnp.asarray([[move]], SINGLE) * one for move in (0.1, -0.15))
    along = jnp.ones((1, 1), SINGLE)

    def later(x):
        return schemes.Pull((1 / x).astype(jnp.complex64), None)

    found = schemes._pole_step(
        later, start, noise, schemes._Unit.of(nu), SINGLE(0.01), along,
        jnp.zeros((1, 1), SINGLE), later(start).log_gradient,
    )  # fmt: skip
    # x' = x + noise + 2ν dt/x', on the side where it began
    x = (-0.05 + (0.05**2 + 4 * 0.01) ** 0.5) / 2
    assert float(found[0, 0]) / length == pytest.approx(x, rel=1e-4)

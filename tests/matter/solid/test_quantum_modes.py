"""Few phonons in few anharmonic modes keep where they are: no thermal equilibrium."""

import numpy as np
import pytest

import jqd
from jqd.matter.solid.modes import hessian_modes

from .few_modes import (
    anharmonic_spectrum,
    basis_state,
    diagonal_average,
    microcanonical_average,
    number_basis,
)

# Four oscillators of frequency 1 in a row, with springs of stiffness 1 between them,
# and (λ/3) Σ u⁴.
ROW = np.diag([2.0, 3.0, 3.0, 2.0]) - np.eye(4, k=1) - np.eye(4, k=-1)


@pytest.fixture(scope="module")
def modes():
    return hessian_modes(ROW, np.ones(4))


@pytest.mark.equation("thermalization", "claim-A7-quantum")
@pytest.mark.equation("thermalization", "claim-microcanonical")
def test_two_quanta_stay_in_their_mode(modes):
    """λ = 0.1: time averages against those of the levels of this energy."""
    spectrum = anharmonic_spectrum(modes, 0.1 / 3, 11.0)
    state = basis_state(spectrum, (0, 0, 0, 2))
    mean = diagonal_average(spectrum, state)
    assert mean.status == jqd.Status.OK
    # half of the last digit given, and 1 % of the basis's edge
    np.testing.assert_allclose(mean.occupations, (0.006, 0.002, 0.001, 2.00), atol=6e-4)
    thermal = microcanonical_average(spectrum, mean.energy, 12)
    np.testing.assert_allclose(thermal.occupations, (1.26, 0.84, 0.50, 0.42), atol=6e-3)
    # Mean ratio of adjacent gaps (Oganesyan and Huse 2007): .531 in chaos, of
    # independent levels .386; of 343 ratios the error is .014
    gaps = np.diff(spectrum.energies)
    ratio = np.mean(np.minimum(gaps[1:], gaps[:-1]) / np.maximum(gaps[1:], gaps[:-1]))
    assert abs(ratio - 0.386) < 3 * 0.014
    assert ratio < 0.531 - 5 * 0.014


@pytest.mark.slow
def test_one_oscillator():
    """H = p²/2 + u²/2 + g u⁴ at g = 0.1, from Bender and Wu's table: .559146."""
    modes = hessian_modes(np.eye(1), np.ones(1))
    spectrum = anharmonic_spectrum(modes, 0.1, 40.0)
    assert float(spectrum.energies[0]) == pytest.approx(0.559146327, abs=1e-8)
    assert float(spectrum.energies[1]) == pytest.approx(1.769502643, abs=1e-8)


@pytest.mark.slow
def test_units():
    """Scaling: u⁴ has (ħ/mω)², energies ħω."""
    plain = anharmonic_spectrum(hessian_modes(np.eye(1), np.ones(1)), 0.1, 40.0)
    # ω = 2, m = 3, ħ = .5: ħω = 1, g' = g ħω (mω/ħ)²
    modes = hessian_modes(np.eye(1) * 12.0, np.array([3.0]))
    other = anharmonic_spectrum(modes, 0.1 * 144.0, 40.0, hbar=0.5)
    np.testing.assert_allclose(other.energies, plain.energies, rtol=1e-10)


@pytest.mark.slow
def test_a_small_basis_is_said():
    modes = hessian_modes(np.eye(1), np.ones(1))
    spectrum = anharmonic_spectrum(modes, 4.0, 12.0)
    mean = diagonal_average(spectrum, basis_state(spectrum, (6,)))
    assert mean.status == jqd.Status.CUTOFF
    assert float(mean.edge) > 0.01
    # At rest the basis is enough.
    free = anharmonic_spectrum(modes, 0.0, 12.0)
    mean = diagonal_average(free, basis_state(free, (6,)))
    assert mean.status == jqd.Status.OK
    np.testing.assert_allclose(mean.occupations, [6.0], atol=1e-12)


def test_basis():
    assert number_basis([1.0, 1.5], 3.0).tolist() == [
        [0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [2, 0], [3, 0],
    ]  # fmt: skip

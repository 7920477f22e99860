"""Lab frame or neighbours: which mean square displacement stays finite."""

import numpy as np
import pytest
from lab_or_neighbour import mean_square_displacements, ring_law

from jqd.matter import solid
from jqd.matter.solid import phonons, widths
from jqd.matter.solid.modes import normal_modes


@pytest.mark.equation("thermalization", "claim-A4")
def test_ring():
    ring = mean_square_displacements((512,))
    # 2e-6: the figures have seven digits
    assert float(ring.lab) == pytest.approx(1.012855, abs=2e-6)
    assert float(ring.neighbour[0]) == pytest.approx(0.636618, abs=2e-6)
    # the next term of the law is O(N⁻²)
    assert float(ring_law(512)) == pytest.approx(float(ring.lab), abs=1e-6)


@pytest.mark.equation("thermalization", "claim-A4")
def test_the_lab_diverges_and_neighbours_do_not():
    """A line: ln N at T = 0; ever more atoms, and neighbours stay at 2/π."""
    small, large = mean_square_displacements((64,)), mean_square_displacements((4096,))
    growth = float(large.lab - small.lab)
    assert growth == pytest.approx(np.log(64) / (2 * np.pi), abs=1e-4)
    for ring in (small, large):
        # Euler and Maclaurin: 2/π - π/6N² …
        assert float(ring.neighbour[0]) == pytest.approx(2 / np.pi, abs=2e-4)


@pytest.mark.parametrize(
    ("shape", "limit", "tolerance"),
    # what is missing of the infinite crystal is O(1/N) in the plane, O(1/N²) in space
    [((128, 128), 0.3214, 3e-3), ((32, 32, 32), 0.2277, 4e-4)],
)
def test_planes_and_crystals_are_finite(shape, limit, tolerance):
    crystal = mean_square_displacements(shape)
    assert float(crystal.lab) == pytest.approx(limit, abs=tolerance)
    np.testing.assert_allclose(crystal.neighbour, crystal.neighbour[0], rtol=1e-12)
    # Σ_a <Δu_a²> = Σ_k ħω/2 · 2/K: twice the potential energy of an atom is below
    # the bound by the mean of ω².
    assert float(crystal.neighbour.sum()) < np.sqrt(2 * len(shape)) / 2


@pytest.mark.slow
def test_a_warm_plane_diverges():
    """<u²> grows by (T/2πK) ln 4 where N₁ grows fourfold; neighbours reach T/2K."""
    T = 50.0
    small = mean_square_displacements((32, 32), temperature=T)
    large = mean_square_displacements((128, 128), temperature=T)
    growth = float(large.lab - small.lab)
    assert growth == pytest.approx(T * np.log(4) / (2 * np.pi), rel=2e-3)
    # K Σ_a <Δu_a²> = T per component, less the mode at rest, and Wigner's ħ²ω²/12T²
    expected = T / 2 * (1 - 1 / 128**2 + 4 / (12 * T**2))
    np.testing.assert_allclose(large.neighbour, expected, rtol=1e-6)


@pytest.mark.slow
def test_agrees_with_modes_of_the_ring():
    ring = solid.chain(12, solid.Harmonic(), ends="periodic")
    modes = normal_modes(ring, ring.sites)
    n = phonons.thermal_occupations(modes, 0.4)
    sums = mean_square_displacements((12,), temperature=0.4)
    variances = phonons.atom_variances(modes, n)
    np.testing.assert_allclose(variances, float(sums.lab), rtol=1e-12)
    pairs = np.stack([np.arange(12), (np.arange(12) + 1) % 12], axis=1)
    bonds = widths.bond_variances(
        phonons.coordinate_covariance(modes, n), ring.sites, pairs, box=ring.box
    )
    np.testing.assert_allclose(bonds, float(sums.neighbour[0]), rtol=1e-12)

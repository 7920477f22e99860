"""Energy spread and free spreading of packets."""

import jax
import numpy as np
import pytest
from packets_in_a_gas import first_collision

import jqd
from jqd.exact import free_gaussian
from jqd.readings.gases import energy_spread
from jqd.readings.time_scales import spreading_width

ARGON = {"mass": 6.6335e-26, "diameter": 3.4e-10}


@pytest.mark.equation("thermalization", "claim-B2")
def test_energy_spread():
    """T14: k₀σ = 10 and a packet at rest; as printed it is k₀σ times too small."""
    assert energy_spread(10.0, 1.0) == pytest.approx(5.003124, abs=1e-5)
    assert energy_spread(0.0, 1.0) == pytest.approx(0.176777, abs=1e-5)
    printed = 0.5  # ħ²/2md²
    assert energy_spread(10.0, 1.0) / printed == pytest.approx(10, rel=1e-3)


@pytest.mark.equation("thermalization", "erratum-energy-spread")
@pytest.mark.parametrize("dimension", [1, 3])
def test_energy_spread_of_a_wave_function(dimension):
    """From the momenta of a packet: a Gaussian of width ħ/2s about mv₀ on one axis."""
    speed, width, mass, hbar = 1.7, 0.6, 0.8, 0.5
    nodes, weights = np.polynomial.hermite_e.hermegauss(12)
    weights = weights / weights.sum()
    p = hbar / (2 * width) * nodes
    moving, resting = (mass * speed + p) ** 2 / (2 * mass), p**2 / (2 * mass)

    def variance(e):
        return weights @ e**2 - (weights @ e) ** 2

    exact = np.sqrt(variance(moving) + (dimension - 1) * variance(resting))
    x = {"mass": mass, "hbar": hbar, "dimension": dimension}
    assert energy_spread(speed, width, **x) == pytest.approx(exact, rel=1e-12)
    # Negative control: the printed form
    printed = hbar**2 / (2 * mass * width**2)
    assert abs(printed / exact - 1) > 0.3


@pytest.mark.slow
@pytest.mark.equation("thermalization", "claim-B2-constant")
def test_energy_spread_never_changes():
    """The packet's own wave function, at two times."""
    grid = jqd.Grid((-40.0, 60.0), 1024)
    k = 2 * np.pi * np.fft.fftfreq(1024, grid.spacing[0])
    for t in (0.0, 5.0):
        psi = free_gaussian(grid.x, t, momentum=2.0, width=1.1)
        p = np.abs(np.fft.fft(psi)) ** 2
        p, e = p / p.sum(), k**2 / 2
        spread = np.sqrt(p @ e**2 - (p @ e) ** 2)
        assert spread == pytest.approx(float(energy_spread(2.0, 1.1)), rel=1e-9)
        density = np.abs(psi) ** 2 * grid.cell
        mean = density @ grid.x
        width = np.sqrt(density @ grid.x**2 - mean**2)
        assert width == pytest.approx(float(spreading_width(t, 1.1, 1.0)), rel=1e-9)


@pytest.mark.equation("thermalization", "claim-B3")
def test_argon():
    """At 300 K and 1 atm packets spread past their neighbours before they collide."""
    gas_ = {"temperature": 300.0, "pressure": 101325.0, **ARGON}
    narrow = first_collision(1e-11, **gas_)
    assert narrow.spreading_time == pytest.approx(1.26e-13, rel=5e-3)
    assert narrow.collision_time == pytest.approx(2.0e-10, rel=5e-3)
    assert narrow.width == pytest.approx(15.9e-9, rel=5e-3)
    assert narrow.spacing == pytest.approx(3.4e-9, rel=2e-2)
    wide = first_collision(1e-10, **gas_)
    assert wide.width == pytest.approx(1.6e-9, rel=1e-2)
    assert narrow.free_path > narrow.width


@pytest.mark.slow
def test_slopes_of_the_energy_spread():
    slope = jax.grad(lambda s: energy_spread(3.0, s))(0.5)
    step = 1e-6
    high, low = (float(energy_spread(3.0, 0.5 + h)) for h in (step, -step))
    assert slope == pytest.approx((high - low) / (2 * step), rel=1e-7)
    assert np.isfinite(jax.grad(lambda v: energy_spread(v, 0.5))(0.0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: energy_spread(1.0, 0.0), "`width` must be positive"),
        (lambda: energy_spread(1j, 1.0), "`speed` must be real"),
        (lambda: energy_spread(1.0, 1.0, mass=-1.0), "`mass` must be positive"),
    ],
)
def test_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()

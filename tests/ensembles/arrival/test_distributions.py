"""Werner's wall, Kijowski's distribution and the limit of backflow."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import expm
from scipy.stats import norm

import jqd
from jqd import Status
from jqd.ensembles import absorbing_boundary, backflow_limit, kijowski
from jqd.exact import free_gaussian

# Spacing 1/40, and the wall at 0.
FINE = jqd.Grid((-38.0, 2.0), 1600)
LINE = jqd.Grid((-15.0, 17.0), 128)
FREE = jqd.Schrodinger.on_grid(LINE, 0 * LINE.x)


@pytest.mark.parametrize(
    ("kappa", "expected"), [(2.0, 0.995951771), (1.0, 0.888750646)]
)
def test_share_absorbed(kappa, expected):
    """k₀ = 2, σ = 2: the mean of 1 - ((k - κ)/(k + κ))² over |ψ~|²."""
    mean = quad(
        lambda k: norm.pdf(k, 2, 0.25) * (1 - ((k - kappa) / (k + kappa)) ** 2), 0, 5
    )
    assert mean[0] == pytest.approx(expected, abs=1e-9)
    law = jqd.Schrodinger.on_grid(FINE, 0 * FINE.x)
    psi = free_gaussian(FINE.x, 0.0, center=-10.0, momentum=2.0, width=2.0)
    ts = np.array([0.0, 14.0, 25.0])
    run = absorbing_boundary(law, psi, ts, detector=0.0, kappa=kappa, substeps=2000)
    # (k₀h)²/24 = 1e-4 in the speed at h = 1/40: 1.3e-4 at κ = 1.
    np.testing.assert_allclose(run.arrived[1:], expected, atol=2e-4)
    assert np.all(abs(run.arrived[1:] - expected) < 1.5 * run.error[1:])
    # what the wall has reflected is at the other end, 38 away, from t = 19 on
    np.testing.assert_array_equal(run.status, [Status.OK, Status.OK, Status.EDGE])


def test_density_is_the_rate():
    law = jqd.Schrodinger.on_grid(FINE, 0 * FINE.x)
    psi = free_gaussian(FINE.x, 4.0, center=-10.0, momentum=2.0, width=2.0)
    psi = FINE.normalise(psi)  # cut off beyond the wall, as it is anyway
    ts = np.linspace(4.0, 6.0, 41)
    run = absorbing_boundary(law, psi, ts, detector=0.0, kappa=2.0, substeps=8)
    # The discrete law of balance is exact; Simpson's rule leaves dt⁴.
    weights = np.tile([2.0, 4.0], 21)[:41]
    weights[[0, -1]] = 1
    total = float(np.sum(weights * run.density)) * 0.05 / 3
    assert 0.3 < total < 0.7
    assert run.arrived[-1] - run.arrived[0] == pytest.approx(total, rel=1e-4)


def test_slope_in_front_of_a_wall_on_the_left():
    """Not in any table: another mass, a slope, from the right, against expm."""
    grid = jqd.Grid((-1.0, 19.0), 400)
    law = jqd.Schrodinger.on_grid(grid, lambda x: 0.3 * x, mass=1.5, hbar=0.8)
    psi = free_gaussian(grid.x, 0.0, center=6.0, momentum=-1.0, mass=1.5, hbar=0.8)
    psi = grid.normalise(psi)
    h, kappa, t = 0.05, 1.7, 4.0
    x = h * np.arange(380)  # the wall first
    kinetic = 0.8**2 / (2 * 1.5 * h**2)
    H = np.diag(2 * kinetic + 0.3 * x).astype(complex)
    H -= kinetic * (np.eye(380, k=1) + np.eye(380, k=-1))
    H[0, 1] *= 2
    H[0, 0] -= 2j * kinetic * h * kappa
    out = expm(-1j * t / 0.8 * H) @ np.asarray(psi)[20:]
    cells = np.full(380, h)
    cells[0] = h / 2
    kept = {"detector": 0.0, "side": "right", "kappa": kappa, "substeps": 4000}
    run = absorbing_boundary(law, psi, [0.0, t], **kept)
    expected = 1 - np.sum(cells * abs(out) ** 2)
    assert 0.1 < expected < 0.9
    # The same matrix: Crank and Nicolson's (E dt/ħ)²/12 of a phase E t/ħ ~ 10, 1e-6.
    assert run.arrived[-1] == pytest.approx(expected, abs=1e-5)


def test_gradient_of_the_wall():
    grid = jqd.Grid((-12.0, 2.0), 140)
    law = jqd.Schrodinger.on_grid(grid, 0 * grid.x)
    psi = free_gaussian(grid.x, 0.0, center=-5.0, momentum=2.0)

    def share(kappa):
        run = absorbing_boundary(
            law, psi, [0.0, 3.0], detector=0.0, kappa=kappa, substeps=60
        )
        return run.arrived[-1]

    h = 1e-5
    slope = (share(1.3 + h) - share(1.3 - h)) / (2 * h)
    # Differences: rounding over h, 1e-11, of a slope of 0.1.
    assert jax.grad(share)(1.3) == pytest.approx(float(slope), rel=1e-6)


def test_kijowski_of_a_packet():
    psi = free_gaussian(LINE.x, 0.0, momentum=1.0)
    run = kijowski(FREE, psi, [0.0, 3.0, 4.867, 5.0, 10.0], detector=5.0)
    # Figures of four digits; the second is the median.
    np.testing.assert_allclose(
        run.arrived[1:], [0.1423, 0.5, 0.5204, 0.8473], atol=1e-4
    )
    assert (run.error < 1e-5).all()


def reference(t, distance, momentum):
    """Π_K of a packet in closed form in k, k = ±q², by adaptive quadrature."""
    total = 0.0
    for sign in (1, -1):

        def wave(q, sign=sign):
            k = sign * q**2
            size = (2 / np.pi) ** 0.25 * np.exp(-((k - momentum) ** 2))
            phase = k * distance - k**2 * t / 2
            return 2 * q**2 * size * np.exp(1j * phase) / np.sqrt(2 * np.pi)

        parts = [
            quad(lambda q, f=f, wave=wave: f(wave(q)), 0, 3, epsabs=1e-12, limit=200)
            for f in (np.real, np.imag)
        ]
        total += parts[0][0] ** 2 + parts[1][0] ** 2
    return total


@pytest.mark.parametrize(("distance", "momentum"), [(2.0, 0.3), (-1.0, 0.5)])
def test_kijowski_of_both_signs(distance, momentum):
    """Not in any table: momenta of both signs, and a detector behind the packet."""
    psi = free_gaussian(LINE.x, 0.0, momentum=momentum)
    ts = np.array([0.0, 1.0, 4.0])
    run = kijowski(FREE, psi, ts, detector=distance)
    expected = [reference(t, distance, momentum) for t in ts]
    # Quadrature and the box's ends, where the packet is exp(-15²/4).
    np.testing.assert_allclose(run.density, expected, atol=1e-9)
    share = quad(lambda t: reference(t, distance, momentum), 0, 1, epsabs=1e-7)[0]
    assert run.arrived[1] == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize(("U", "expected"), [(10.0, 0.035127681), (20.0, 0.036779047)])
def test_limit_of_backflow(U, expected):
    # Nine digits are given.
    assert backflow_limit(U) == pytest.approx(expected, abs=1e-9)


@pytest.mark.equation("diffusion", "claim-backflow")
@pytest.mark.slow
def test_limit_of_backflow_without_cut_off():
    # c/U cancels; literature has 0.03845 and the next order is 1e-5 at U = 20.
    last = 2 * backflow_limit(40.0) - backflow_limit(20.0)
    assert last == pytest.approx(0.03845, abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"detector": 0.0101}, "`detector` must be a point of the grid"),
        ({"kappa": 0.0}, "`kappa` must be positive"),
        ({"substeps": 3}, "`substeps` must be even"),
        ({"detector": -14.5}, "at least 9 points"),
    ],
)
def test_refused_by_the_wall(arguments, message):
    psi = free_gaussian(LINE.x, 0.0)
    given = {"detector": 0.0, "kappa": 1.0} | arguments
    with pytest.raises(ValueError, match=message):
        absorbing_boundary(FREE, psi, [0.0, 1.0], **given)


def test_refused_elsewhere():
    psi = free_gaussian(LINE.x, 0.0)
    well = jqd.Schrodinger.on_grid(LINE, lambda x: x**2 / 2)
    with pytest.raises(ValueError, match="`law` must be free"):
        kijowski(well, psi, [0.0, 1.0], detector=1.0)
    layer = jqd.spaces.absorbing_layer(LINE, 3.0, 1.0)
    leaky = jqd.Schrodinger.on_grid(LINE, jnp.zeros(128), absorber=layer)
    with pytest.raises(ValueError, match="without absorber"):
        absorbing_boundary(leaky, psi, [0.0, 1.0], detector=0.0, kappa=1.0)
    with pytest.raises(ValueError, match="`U` must be positive"):
        backflow_limit(0.0)

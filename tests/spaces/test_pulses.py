"""Pulses from samples: values, slopes, derivatives, and where they jump."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.interpolate import CubicSpline

import jqd
from jqd.instruments import Gaussian


@pytest.mark.parametrize("spacing", ["equal", "wild"])
def test_long_samples_have_the_slopes_of_the_whole_spline(spacing):
    """SciPy's spline through all 6000 samples; a table of 600 of 105 weights each."""
    rng = np.random.default_rng(1)
    gaps = np.ones(6000) if spacing == "equal" else 10.0 ** rng.uniform(-3, 0, 6000)
    ts, values = np.cumsum(gaps), rng.normal(size=6000)
    f = jqd.spaces.sampled_pulse(ts, values)
    inside = rng.uniform(ts[0], ts[-1], 4000)
    inside[:2] = ts[0] + gaps[1] / 3, ts[-1] - gaps[-1] / 3
    want = CubicSpline(ts, values)(inside)
    got = jax.vmap(f)(jnp.asarray(inside))
    # rounding of splines that overshoot by the ratios of their gaps
    scale = np.max(np.abs(want))
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-13 * scale)
    assert f.slopes.size <= 105 * ts.size


def test_a_value_has_the_derivative_of_the_spline():
    """The spline is linear in its values: the derivative is that of a unit vector."""
    ts = np.linspace(0.0, 30.0, 200)
    f = jqd.spaces.sampled_pulse(ts, np.sin(ts))
    at = 7.77

    def value(values):
        return jqd.spaces.sampled_pulse(ts, values)(at)

    want = CubicSpline(ts, np.eye(200))(at)
    np.testing.assert_allclose(jax.grad(value)(f.values), want, rtol=0, atol=1e-15)


def test_only_the_ends_of_a_spline_count_as_jumps():
    ts = np.linspace(0.0, 1.0, 600)
    assert jqd.spaces.sampled_pulse(ts, np.cos(ts)).jumps.tolist() == [0.0, 1.0]
    assert jqd.spaces.sampled_pulse(ts, np.cos(ts), "linear").jumps.shape == (600,)
    assert jqd.spaces.sampled_pulse(ts, np.cos(ts[1:]), "steps").jumps.shape == (600,)


@pytest.mark.parametrize("width", [0.3, 1.0, 2.5])
def test_a_gaussian_pulse_has_its_area_and_width(width):
    f = jqd.spaces.named_pulse("gaussian", area=0.7, center=1.5, width=width)
    # quad's own tolerance is 1.5e-8
    area = quad(lambda t: float(f(t)), 1.5 - 9 * width, 1.5 + 9 * width)[0]
    assert area == pytest.approx(0.7, abs=1e-7)
    assert float(f(1.5 + width) / f(1.5)) == pytest.approx(np.exp(-0.5))


def test_a_square_pulse_is_there_from_its_start_to_just_before_its_end():
    f = jqd.spaces.named_pulse("square", height=2.5, start=0.5, end=2.0)
    found = f(jnp.array([0.499, 0.5, 1.0, 1.999, 2.0, 2.001]))
    np.testing.assert_array_equal(found, [0, 2.5, 2.5, 2.5, 0, 0])


@pytest.mark.parametrize(
    ("name", "needed", "zero"),
    [
        ("gaussian", {"area": 0.7, "width": 2e-9}, "center"),
        ("cosine", {"amplitude": 3e5, "omega": 2e9}, "phase"),
        ("square", {"height": 3e5, "end": 2e-9}, "start"),
    ],
)
def test_a_named_pulse_has_no_unit_of_its_own(name, needed, zero):
    """A width of 1 is a second to one user and a nanosecond to another; 0 is both."""
    f = jqd.spaces.named_pulse(name, **needed)
    same = jqd.spaces.named_pulse(name, **needed, **{zero: 0.0})
    ts = jnp.linspace(-1e-9, 3e-9, 9)
    np.testing.assert_array_equal(f(ts), same(ts))
    for key in needed:
        rest = {other: value for other, value in needed.items() if other != key}
        with pytest.raises(ValueError, match=f"`{key}` must be given"):
            jqd.spaces.named_pulse(name, **rest)


def trapezoid(t, knots, height):
    return height * jnp.interp(t, knots, jnp.array([0.0, 1.0, 1.0, 0.0]))


KNOTS = np.array([0.11, 0.37, 0.83, 1.13])


def test_jumps_are_times_and_parameters():
    f = jqd.pulse(trapezoid, jumps=(0.05, "knots"), knots=KNOTS, height=2.0)
    np.testing.assert_array_equal(f.jumps, [0.05, *KNOTS])
    moved = jax.tree.map(lambda x: 2 * x, f)
    np.testing.assert_array_equal(moved.jumps, 2 * f.jumps)
    alone = jqd.pulse(trapezoid, jumps="knots", knots=KNOTS, height=2.0)
    np.testing.assert_array_equal(alone.jumps, KNOTS)
    single = jqd.pulse(trapezoid, jumps=0.3, knots=KNOTS, height=2.0)
    np.testing.assert_array_equal(single.jumps, [0.3])
    with pytest.raises(ValueError, match="`jumps` must be one of 'knots', 'height'"):
        jqd.pulse(trapezoid, jumps="knot", knots=KNOTS, height=2.0)


def test_rows_of_a_scan_have_kinks_of_their_own():
    """Steps of order 4 need them: of each row half the step leaves a sixteenth."""
    delays = np.array([0.0, 0.031, 0.077])
    knots = KNOTS + delays[:, None]
    X, Z = np.array([[0, 1.0], [1, 0]]), np.diag([0.5, -0.5])

    def changes(**more):
        pulse = jqd.pulse(trapezoid, knots=KNOTS, height=1.7, **more)
        law = jqd.CopyDynamics.from_hamiltonian(jqd.driven(Z, (X, pulse)))
        scan = jqd.Scan(
            {"knots": knots}, np.full((3, 2), 0.5), Gaussian(0.1),
            ts=np.full(3, 1.4),
        )  # fmt: skip
        study = jqd.Study(
            law, scan, psi0=np.sqrt([0.7, 0.3]), free=("q",),
            method=jqd.Fixed(jqd.steppers.rk4),
        )  # fmt: skip
        theta = study.theta()
        runs = [study.with_substeps(n).predict(theta) for n in (160, 320, 640)]
        first, second = np.diff(np.asarray(runs), axis=0)
        return np.abs(first[:, 0]), np.abs(second[:, 0])

    first, second = changes(jumps="knots")
    # order 4; steps are whole, of which a leg has 32 or more: (1 + 1/32)^4
    np.testing.assert_allclose(first / second, 16, rtol=0.2)
    first, second = changes()
    assert np.min(first / second) < 8

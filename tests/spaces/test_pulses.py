"""Pulses by name: areas, ends, values."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

import jqd


@pytest.mark.parametrize("width", [0.3, 1.0, 2.5])
def test_a_gaussian_pulse_has_its_area_and_width(width):
    f = jqd.named_pulse("gaussian", area=0.7, center=1.5, width=width)
    # quad's own tolerance is 1.5e-8
    area = quad(lambda t: float(f(t)), 1.5 - 9 * width, 1.5 + 9 * width)[0]
    assert area == pytest.approx(0.7, abs=1e-7)
    assert float(f(1.5 + width) / f(1.5)) == pytest.approx(np.exp(-0.5))


def test_a_square_pulse_is_there_from_its_start_to_just_before_its_end():
    f = jqd.named_pulse("square", height=2.5, start=0.5, end=2.0)
    found = f(jnp.array([0.499, 0.5, 1.0, 1.999, 2.0, 2.001]))
    np.testing.assert_array_equal(found, [0, 2.5, 2.5, 2.5, 0, 0])

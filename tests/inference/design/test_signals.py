"""Settings of the strongest signal, beside a NumPy program and random settings."""

import jax
import numpy as np
import pytest
import scipy.linalg

import jqd
from jqd.inference.design import strongest_signal
from jqd.readings.signals import slopes

from ...readings import pairs


@pytest.mark.slow
@pytest.mark.parametrize("exponent", ["q", "r"])
def test_the_strongest_setting_beats_others(exponent, key):
    found = strongest_signal(key, exponent)
    assert found.status == jqd.Status.OK
    which = ("q", "r").index(exponent)
    for H in (found.H_A, found.H_B):
        assert 0 < H[0, 1] <= np.pi / 2
    slope = float(found.slope)
    # by linear response in the search, and through the law: steps beside a node
    assert abs(slope) == pytest.approx(float(found.ends[0]), rel=0.03)
    psi = np.asarray(found.psi)
    # no class comes near to being empty, with H_B or without
    for H_B in (found.H_B, 0 * found.H_B):
        H = np.kron(found.H_A, np.eye(2)) + np.kron(np.eye(2), H_B)
        path = [scipy.linalg.expm(-1j * H * t) @ psi for t in np.linspace(0, 1, 101)]
        assert np.min(np.abs(path) ** 2) > 0.018
    due = pairs.slopes(psi, found.H_A, found.H_B, 1.0, steps=4000, h=1e-4)
    assert slope == pytest.approx(float(due[which, 0]), rel=0.03)

    rng = np.random.default_rng(6)
    others = rng.dirichlet([1.0] * 4, 64) ** 0.5 * np.exp(6.3j * rng.random((64, 4)))
    quarter = np.pi / 2 * pairs.SPIN_X
    each = jax.vmap(lambda psi: slopes(psi, [0.0, 1.0], quarter, quarter).slope)
    random = np.abs(each(others)[:, which, -1, 0])
    assert abs(slope) > 1.2 * np.max(random)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"exponent": "s"}, "Argument `exponent` must be one of"),
        ({"turn": -1.0}, "Argument `turn` must be positive"),
        ({"rounds": 0}, "Argument `rounds` must"),
        ({"key": 1}, "Argument `key` must"),
    ],
)
def test_senseless_arguments(changed, message, key):
    with pytest.raises(ValueError, match=message):
        strongest_signal(**({"key": key} | changed))

"""Designs of a Kerr oscillator, whose C calibration ends."""

import numpy as np
import pytest

import jqd

from ..models import kerr

FREE = ("C", "U", "delta", "alpha", "eps")


@pytest.mark.slow
def test_c_is_refused_by_name_without_calibration():
    study = kerr((*FREE, "n0", "scale", "V"))
    found = jqd.fisher(study)
    assert found.status is jqd.Status.UNIDENTIFIABLE
    (null,) = np.asarray(found.null_vectors)
    null = dict(zip(found.labels, null / null[found.labels.index("C")], strict=True))
    expected = {"U": -1.0, "alpha.re": 0.6, "n0": 1.02, "scale": 0.5, "V": 0.98}
    for name, value in expected.items():
        # rounding of a null direction among constants of scales 1e-2 to 1 (T3)
        np.testing.assert_allclose(null[name], value, atol=1e-4)
    with pytest.raises(
        jqd.inference.Unidentifiable, match=r"constrain nothing along .*C .*U .*alpha"
    ):
        jqd.design(study, shots=1e6, wanted="C")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sd", "error"), [(0.005, 0.004103), (0.01, 0.007086), (0.02, 0.013547)]
)
def test_priors_limit_c(sd, error):
    """Even shares, priors of this width on n0, λ, V; and what no shots go below."""
    priors = {"n0": (0.02, sd), "scale": (1.0, sd), "V": (0.98, sd)}
    study = kerr(nuisances=priors)
    even = jqd.design(study, shots=1e6, wanted="C", shares="even")
    np.testing.assert_allclose(even.stderr("C"), error, rtol=1e-3)
    limit = ((1.02 / sd) ** 2 + (0.5 / sd) ** 2 + (0.98 / sd) ** 2) ** -0.5
    need = even.shots_for(5, 4.9 * limit, of="C")
    assert need.number == np.inf
    np.testing.assert_allclose(need.limit, limit, rtol=1e-3)
    # better shares reach the same errors with fewer shots, down to the same limit
    best = jqd.design(study, shots=1e6, wanted="C")
    assert best.status is jqd.Status.OK
    assert best.stderr("C") < even.stderr("C")
    assert best.stderr("C") > limit

"""Errors of a design by its number of shots."""

from types import SimpleNamespace

import numpy as np
from _support.designs import errors_by_shots


def test_information_grows_with_the_shots_and_priors_stay():
    design = SimpleNamespace(
        shots=100.0, record=[[4.0, 1.0], [1.0, 2.0]], prior=np.diag([0.0, 9.0]),
        labels=("a", "b"),
    )  # fmt: skip
    # F + P is [[4, 1], [1, 11]], and with 400 shots [[16, 4], [4, 17]]
    expected = {"a": [11 / 43, 17 / 256], "b": [4 / 43, 16 / 256]}
    for name, variances in expected.items():
        found = errors_by_shots(design, [100, 400], name)
        np.testing.assert_allclose(found, np.sqrt(variances), rtol=1e-14)

"""Verdicts by a figure and its floor."""

import numpy as np
import pytest

from jqd.vetting.card import Verdict, judged


@pytest.mark.parametrize(
    ("coarse", "fine", "verdict"),
    [
        # the floor is the change, and 1e-13 of rounding
        (0.0, 0.0, Verdict.HOLDS),
        (1.1e-6, 1.0e-6, Verdict.HOLDS),
        (1.05e-6, 1.0e-6, Verdict.NOT_DECIDED),  # 20 floors
        (1.001e-6, 1.0e-6, Verdict.FAILS),
        (0.05, 0.051, Verdict.NOT_DECIDED),  # 51 floors
        (0.0500001, 0.05, Verdict.FAILS),
        # halved steps move it: neither of a law that holds nor of one that fails
        (0.1, 0.127, Verdict.NOT_DECIDED),
        (0.0, 2e-4, Verdict.NOT_DECIDED),
        (np.nan, 0.1, Verdict.NOT_DECIDED),
        (0.1, np.inf, Verdict.NOT_DECIDED),
    ],
)
def test_verdicts(coarse, fine, verdict):
    row = judged("norm", coarse, fine, "note")
    assert row.verdict is verdict
    assert "note" in row.note
    if np.isfinite(coarse + fine):
        assert row.figure == fine
        assert row.floor == pytest.approx(abs(fine - coarse), abs=2e-13)

"""Set-ups of the Husimi law, and the answers that they are known for."""

import numpy as np
import pytest
from _support import problems


def test_squeezed_cat():
    cat = problems.squeezed_cat()
    assert np.sum(cat.weights**2) == pytest.approx(1)
    # by quadrature of |ψ|², smeared with the detector's noise
    known = [0.631850, 0.671413, 0.692200, 0.699083]
    found = cat.born_weight(np.array([0, 0.5, 1, np.inf]))
    np.testing.assert_allclose(found, known, atol=1e-6)
    assert cat.husimi.probability_positive() == pytest.approx(known[0], abs=1e-6)
    assert np.linalg.norm(cat.ket(60)) == pytest.approx(1, abs=1e-6)  # cut off


def test_bosonic_theories_up_to_three_waves_are_fokker_planck():
    theories = problems.bosonic_theories(np.random.default_rng(0))
    names = list(theories)
    last = names.index("three-wave α1α2α3* + c.c.")
    closed = [bool(symbol.is_fokker_planck()) for symbol in theories.values()]
    assert closed[: last + 1] == [True] * (last + 1)
    assert "φ⁴, |α|² + 0.1 q⁴" in [
        n for n, c in zip(names, closed, strict=True) if not c
    ]


def test_husimi_problems_fit_their_forms():
    for symbol, form, ket in problems.husimi_problems().values():
        assert symbol.is_fokker_planck()
        assert symbol.is_real(hbar=1.0)
        assert ket.ndim == symbol.modes
        assert form is not None

"""After which order the series (63) is exact, for the theories of the Husimi paper."""

import math

import numpy as np
import pytest

from jqd.laws.husimi import Fock, HusimiFokkerPlanck
from jqd.spaces import symbols
from jqd.spaces.symbols import Symbol


def two_body():
    """Any number-conserving V_ijkl on three modes, Hermitian."""
    rng = np.random.default_rng(4)
    v = rng.normal(size=(3,) * 4) + 1j * rng.normal(size=(3,) * 4)
    return symbols.two_body(v + v.conj().transpose(2, 3, 0, 1))


def triple(powers, values=(1.0, 1.0)):
    m, n = powers
    return Symbol(list(values), [(m, n), (n, m)])


# (symbol, order from which the residual vanishes)
THEORIES = {
    "harmonic": (lambda: symbols.harmonic([0.7, 1.3]), 1),
    "kerr": (lambda: symbols.kerr(1.0, 0.3), 2),
    "bose-hubbard": (lambda: symbols.bose_hubbard(1.0, 0.5, [(0, 1)]), 2),
    "cross-kerr": (lambda: symbols.cross_kerr(0.8), 2),
    "amplifier": (lambda: symbols.parametric_amplifier(0.6), 2),
    "squeezed": (lambda: symbols.squeezed_oscillator(1.0, 0.2), 2),
    "three-wave": (lambda: symbols.three_wave(0.9), 2),
    "two-body": (two_body, 2),
    "cubic": (lambda: FREE + 0.1 * symbols.polynomial_qp({(3, 0): 1.0}), 3),
    "phi4": (lambda: symbols.phi4(0.1), 4),
    "density-density": (lambda: Symbol([1.0], [((2, 2), (2, 2))]), 4),
    "three-mode": (lambda: triple(((1, 1, 1), (0, 0, 0))), 3),
}
FREE = Symbol([1.0], [((1,), (1,))])


def low_rho(modes, levels, low):
    """Hermitian, in the lowest levels: nothing of it moves past the cut."""
    rng = np.random.default_rng(0)
    inside = np.zeros((levels,) * modes, bool)
    inside[(slice(low),) * modes] = True
    kept = np.flatnonzero(inside.ravel())
    a = rng.normal(size=(2, kept.size, kept.size))
    rho = np.zeros((levels**modes,) * 2, complex)
    rho[np.ix_(kept, kept)] = (a[0] + 1j * a[1]) @ (a[0] + 1j * a[1]).conj().T
    return rho / np.trace(rho)


@pytest.mark.sampled
@pytest.mark.equation("husimi", "63")
@pytest.mark.equation("husimi", "64")
@pytest.mark.parametrize("name", THEORIES)
def test_the_series_ends_at_the_holomorphic_degree(name):
    build, exact_from = THEORIES[name]
    symbol = build()
    assert symbol.holomorphic_degree == exact_from
    assert bool(symbol.is_fokker_planck()) == (exact_from <= 2)
    modes, levels, low = symbol.modes, {1: 16, 2: 8, 3: 5}[symbol.modes], 3
    low = 2 if modes == 3 else low
    form = Fock(levels, orders=None)
    law = HusimiFokkerPlanck(symbol, form=form)
    rho = low_rho(modes, levels, low)
    H = np.asarray(symbols.matrix(symbol, (levels,) * modes))
    exact = -1j * (H @ rho - rho @ H)
    total, residuals = 0, []
    for order in range(1, exact_from + 1):
        total = total + np.asarray(form.generator(law.equation, (order,))(rho))
        residuals.append(np.linalg.norm(total - exact) / np.linalg.norm(exact))
    # rounding: entries are products of at most 4 factors √n < 4
    assert residuals[-1] < 1e-12
    # Negative control: one order less is not enough.
    assert min(residuals[:-1], default=math.inf) > 0.1

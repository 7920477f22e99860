"""The forms among themselves and with QuTiP, on unequal axes and other conventions."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest
import qutip

from jqd import evolve
from jqd.laws.husimi import Exact, Fock, GaussianForm, HusimiFokkerPlanck
from jqd.states import coherent, phase_grid, product

ALPHA, TIME, LEVELS = 0.8 - 0.4j, 0.6, 40
X, Y = np.linspace(-2.0, 2.2, 9), np.linspace(-1.5, 1.0, 6)

TEXTS = {
    "harmonic": "0.7*ad*a",
    "kerr": "0.5*ad^2*a^2 - 0.3*ad*a",
    "squeezed": "ad*a + 0.1*(ad^2 + a^2)",
    "amplifier": "0.2j*ad^2 - 0.2j*a^2",
    "driven": "0.4*ad^2*a^2 + 0.25*(a + ad) + (0.1+0.05j)*a^2 + (0.1-0.05j)*ad^2",
    "skew": "0.5*ad^2*a^2 + 0.05*ad^2*a + 0.05*ad*a^2",
}
QUADRATIC = ("harmonic", "squeezed", "amplifier")


def qutip_hamiltonian(name):
    a = qutip.destroy(LEVELS)
    ad = a.dag()
    return {
        "harmonic": 0.7 * ad * a,
        "kerr": 0.5 * ad**2 * a**2 - 0.3 * ad * a,
        "squeezed": ad * a + 0.1 * (ad**2 + a**2),
        "amplifier": 0.2j * ad**2 - 0.2j * a**2,
        "driven": 0.4 * ad**2 * a**2 + 0.25 * (a + ad)
        + (0.1 + 0.05j) * a**2 + (0.1 - 0.05j) * ad**2,
        "skew": 0.5 * ad**2 * a**2 + 0.05 * (ad**2 * a + ad * a**2),
    }[name]  # fmt: skip


@functools.cache
def density(name, form, C=1.0, g=2.0):
    law = HusimiFokkerPlanck(
        TEXTS[name], C, points=phase_grid(jnp.asarray(X), jnp.asarray(Y), g), form=form
    )
    run = evolve(law, law.prepare(coherent(ALPHA, 30)), [0.0, TIME], observe="density")
    assert bool(run.ok), run.describe()
    return np.asarray(run.values[1])


@pytest.mark.sampled
@pytest.mark.parametrize("name", TEXTS)
def test_quantum_mechanics_of_another_program(name):
    """QuTiP's convention g: α = g/2 (x + iy), values per dx dy."""
    ket = qutip.Qobj(np.asarray(coherent(ALPHA, LEVELS)))
    after = (-1j * TIME * qutip_hamiltonian(name)).expm() * ket
    for g in (2.0, np.sqrt(2)):
        # rows are y, columns x; both programs cut at 40 levels, 1e-13 of the ket
        theirs = qutip.qfunc(after, X, Y, g=g)
        ours = density(name, Exact(LEVELS), g=g) * (g / 2) ** 2
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-11)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(ours, theirs[::-1], rtol=0, atol=1e-6)


@pytest.mark.sampled
@pytest.mark.parametrize("C", [pytest.param(1.0, marks=pytest.mark.slow), 0.8])
@pytest.mark.parametrize("name", QUADRATIC)
def test_gaussians(name, C):
    # a closed form against 48 levels at ħ_eff, which leave out less than 1e-12
    want = density(name, Exact(48 if C == 1 else 72), C)
    got = density(name, GaussianForm(), C)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "C"),
    [
        ("kerr", 0.8),
        ("squeezed", 1.0),
        pytest.param("driven", 0.8, marks=pytest.mark.slow),
    ],
)
def test_number_basis(name, C):
    want = density(name, Exact(72), C)
    got = density(name, Fock(32), C)
    # adaptive steps at 1e-9; with C != 1, |α| < 2.7 is at the reach of 32 levels
    np.testing.assert_allclose(got, want, rtol=0, atol=2e-8)


@pytest.mark.slow
def test_two_modes_of_another_program():
    a = qutip.tensor(qutip.destroy(14), qutip.qeye(12))
    b = qutip.tensor(qutip.qeye(14), qutip.destroy(12))
    H = 0.3 * a.dag() ** 2 * a**2 + 0.2j * (a.dag() * b.dag() - a * b)
    H = H - (a.dag() * b + b.dag() * a) * 0.7
    psi = product(coherent(0.6, 14), coherent(-0.3j, 12))
    ket = qutip.Qobj(np.asarray(psi).ravel(), dims=[[14, 12], [1]])
    after = ((-1j * 0.5 * H).expm() * ket).full().reshape(14, 12)
    points = np.array([[0.5, 0.1j], [-0.3j, 0.4], [1.0, -1.0]])
    law = HusimiFokkerPlanck(
        "0.3*ad1^2*a1^2 + 0.2j*(ad1*ad2 - a1*a2) - 0.7*(ad1*a2 + ad2*a1)",
        points=points, form=Exact((14, 12)),
    )  # fmt: skip
    got = evolve(law, law.prepare(ket), [0.0, 0.5], observe="density").values[1]
    amplitudes = [
        np.vdot(np.kron(coherent(z, 14), coherent(w, 12)), after.ravel())
        for z, w in points
    ]  # fmt: skip
    # coherent kets of |α| = 1 lose 1e-9 of their norm to 12 levels; antinormal and
    # normal products differ in the last rows of a cut matrix, where 1e-7 is left
    want = np.abs(amplitudes) ** 2 / np.pi**2
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-7)

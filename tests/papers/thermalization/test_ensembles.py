"""Light, counts and spreads of energy: what the paper says of ensembles, in numbers."""

import numpy as np
import pytest
import scipy.constants as si
from scipy.special import gammaln

from jqd.matter import photons

from .conftest import equation


def force(u, omega, speed):
    """Force of isotropic light u(ω) on an oscillator of frequency ω, over u(ω).

    In its frame light along n has ω³ f(γω(1 + βn)), since f = u/ω³ is the same in all
    frames. What is absorbed pushes along n, what is emitted does not push. The mean is
    over n, for dipoles of all directions.
    """
    n, weights = np.polynomial.legendre.leggauss(12)
    seen = omega * (1 + speed * n) / np.sqrt(1 - speed**2)
    light = omega**3 * np.asarray(u(seen)) / seen**3
    return weights / 2 @ (n * light) / float(u(omega))


@equation("claim-einstein-hopf")
@pytest.mark.parametrize("omega", [0.2, 1.0, 4.0])
def test_plancks_light_slows_an_oscillator(omega):
    """-β (1 - d ln u/3 d ln ω), which of Planck's law is -β x/(3 - 3 e^-x), x = ω/T."""
    T, speed = 0.7, 1e-4
    x = omega / T

    def planck(omega):
        return photons.planck_law(omega, T)

    # the next order is smaller by (β x)², 3e-7 at most
    drag = -speed * x / (3 * -np.expm1(-x))
    assert force(planck, omega, speed) == pytest.approx(drag, rel=1e-6)
    assert drag < -speed / 3
    # at rest none, and of the light of the vacuum none at any speed
    assert abs(force(planck, omega, 0.0)) < 1e-15
    assert abs(force(lambda omega: omega**3, omega, 0.3)) < 1e-15
    # of Rayleigh and Jeans a third
    jeans = force(lambda omega: omega**2, omega, speed)
    assert jeans == pytest.approx(-speed / 3, rel=1e-6)


@equation("claim-photon-share")
def test_light_has_a_small_share_of_the_energy():
    """aT⁴ beside 3kT an atom of copper and 3kT/2 an atom of a gas, at 300 K."""
    kT, a = 300 * si.k, np.pi**2 * si.k**4 / (15 * si.hbar**3 * si.c**3)
    omega = kT / si.hbar * np.linspace(1e-3, 60, 60_001)
    light = np.trapezoid(photons.planck_law(omega, kT, si.hbar, si.c), omega)
    # of the integral 3e-10 lies below the first frequency
    assert light == pytest.approx(a * 300**4, rel=1e-8)
    copper = 8960 / 63.546e-3 * si.N_A  # kg/m³ over kg/mol
    assert light / (3 * copper * kT) == pytest.approx(5.8e-15, rel=0.01)
    assert light / (1.5 * si.atm) == pytest.approx(4.0e-11, rel=0.01)
    # as much as copper, could it stay solid
    hot = (3 * copper * si.k / a) ** (1 / 3)
    assert hot == pytest.approx(1.67e7, rel=0.01)


def log_choose(n, k):
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


FILLINGS = {
    "bosons": lambda N, M: log_choose(N + M - 1, N),
    "fermions": lambda N, M: log_choose(M, N),
    "classical over N!": lambda N, M: N * np.log(M) - gammaln(N + 1),
}


@equation("claim-gibbs")
@equation("claim-gibbs-classical")
@pytest.mark.parametrize("kind", FILLINGS)
def test_mixing_like_gases_gains_no_entropy_of_their_size(kind):
    """ln W of 2N in 2M states less twice that of N in M grows as half of ln N."""
    S = FILLINGS[kind]

    def gain(N, M):
        return S(2 * N, 2 * M) - 2 * S(N, M)

    small, large = gain(1e4, 5e4), gain(1e6, 5e6)
    assert 0 < small < 6
    # to 1/N
    assert large - small == pytest.approx(np.log(100) / 2, abs=1e-4)
    # particles that are told apart, M^N, gain ln 2 each; of unlike gases nearly so
    apart = 2e4 * np.log(2)
    unlike = 2 * (S(1e4, 1e5) - S(1e4, 5e4))
    assert unlike == pytest.approx(apart, rel=0.1)


@equation("claim-ultracold-spread")
def test_energy_and_its_spread_are_varied_independently():
    """Four quanta: spreads 0, 2, √40; <x²> swings by |<a²>|, 0, 4, √20, about 4.5."""
    n = np.arange(400)
    pairs = n // 2
    number = np.where(n == 4, 1.0, 0.0)
    coherent = np.exp(-2 + n * np.log(2) - gammaln(n + 1) / 2)
    # sinh² r = 4: tanh² r = 4/5, cosh² r = 5
    logs = gammaln(n + 1) / 2 - gammaln(pairs + 1) + pairs * np.log(0.8**0.5 / 2)
    squeezed = np.where(n % 2 == 0, np.exp(logs), 0) / 5**0.25
    expected = {0: (number, 0.0), 2: (coherent, 4.0), 40**0.5: (squeezed, 20**0.5)}
    for spread, (ket, swing) in expected.items():
        p = ket**2
        assert p.sum() == pytest.approx(1, rel=1e-12)
        assert p @ n == pytest.approx(4, rel=1e-12)
        assert np.sqrt(p @ (n - 4.0) ** 2) == pytest.approx(spread, abs=1e-12)
        squared = np.sqrt((n[:-2] + 1) * (n[:-2] + 2)) @ (ket[:-2] * ket[2:])
        # <x²> = <n> + ½ + <a²> cos 2ωt
        assert squared == pytest.approx(swing, abs=1e-12)

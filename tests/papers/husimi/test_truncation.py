"""Until when the law cut at second derivatives can be followed, beside SciPy."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from jqd.laws.husimi import Fock, HusimiFokkerPlanck
from jqd.readings.chains import chain_symbol, normal_modes
from jqd.readings.truncation import horizon
from jqd.states import coherent
from jqd.status import Status

MASS, COUPLING, LAMBDA = 1.0, 0.5, 0.1
TS = np.linspace(0, 1.2, 241)
# the largest part of the difference lies where |α| is largest
RING = 1.5 * np.exp(2j * np.pi * np.arange(64) / 64)


def points_of(sites):
    """|α| = 1.5, one mode in place of the other, and both."""
    if sites == 1:
        return RING
    each = [RING[:, None] * one[None, :] for one in np.eye(sites)]
    return np.concatenate([*each, RING[:, None] * np.full((1, sites), sites**-0.5)])


def cut_law(sites, C, orders=2):
    symbol = chain_symbol(sites, MASS, COUPLING, LAMBDA)
    return HusimiFokkerPlanck(
        symbol, C, points=points_of(sites), form=Fock(8, orders=orders)
    )


def vacuum(sites):
    return coherent(np.zeros(sites), (2,) * sites) if sites > 1 else coherent(0.0, 2)


# -- the same by NumPy and SciPy ------------------------------------------------------


def ladder(levels, mode, sites):
    one = np.diag(np.sqrt(np.arange(1.0, levels)), 1)
    parts = [one if k == mode else np.eye(levels) for k in range(sites)]
    whole = np.eye(1)
    for part in parts:
        whole = np.kron(whole, part)
    return whole


def cut_rate(sites, C, levels):
    """(G₁ + C G₂)ρ of the ring: q_j ρ = Σ c_jk (ρ a_k + a_k†ρ), ∂ρ = [ρ, a†].

    i{∂[(∂*H)Q] - ∂*[(∂H)Q]} + iC/2 {∂²[(∂*²H)Q] - ∂*²[(∂²H)Q]} site by site, with the
    anti-Wick symbol q⁴ - 6νq², on four levels more and then cut.
    """
    padded = levels + 4
    frequencies, V = (np.asarray(x) for x in normal_modes(sites, MASS, COUPLING))
    a = [ladder(padded, k, sites) for k in range(sites)]
    numbers = sum(w * low.T @ low for w, low in zip(frequencies, a, strict=True))
    c = V / np.sqrt(2 * frequencies)
    kept = np.indices((padded,) * sites).max(axis=0).ravel() < levels

    def rate(t, small):
        rho = np.zeros((kept.size, kept.size), complex)
        rho[np.ix_(kept, kept)] = small.reshape(kept.sum(), -1)
        total = -1j * (numbers @ rho - rho @ numbers)
        for row in c:
            low = np.tensordot(row, np.array(a), 1)
            q = [rho]
            for _ in range(3):
                q.append(q[-1] @ low + low.T @ q[-1])
            slope = 4 * (q[3] - 3 * np.sum(row**2) * q[1])
            bend = 12 * (q[2] - np.sum(row**2) * q[0])
            for sign, x in (1, low.T), (-1, -low):
                once = C / 2 * (bend @ x - x @ bend) + slope
                total += LAMBDA * 1j * sign * (once @ x - x @ once)
        return total[np.ix_(kept, kept)].ravel()

    return rate


def husimi(rho, points, levels, sites):
    alpha = np.reshape(points, (-1, sites))
    kets = np.ones((alpha.shape[0], 1))
    n = np.arange(levels)
    factorials = np.cumprod(np.maximum(n, 1.0))
    for k in range(sites):
        one = alpha[:, k, None] ** n / np.sqrt(factorials)
        one = one * np.exp(-(np.abs(alpha[:, k, None]) ** 2) / 2)
        kets = np.reshape(kets[:, :, None] * one[:, None, :], (alpha.shape[0], -1))
    return np.einsum("pi,ij,pj->p", kets.conj(), rho, kets).real / np.pi**sites


def spread_apart(sites, C, levels, t):
    """Largest difference of Q with fewer and with more levels, over the largest Q."""
    found = []
    for N in levels:
        start = np.zeros(N ** (2 * sites), complex)
        start[0] = 1
        run = solve_ivp(
            cut_rate(sites, C, N), (0, t), start, "DOP853", rtol=1e-8, atol=1e-10
        )
        rho = run.y[:, -1].reshape(N**sites, -1)
        found.append(husimi(rho, points_of(sites), N, sites))
    return np.max(np.abs(found[0] - found[1])) / np.max(np.abs(found[1]))


def check(sites, C, levels):
    """The horizon, between two times next to each other."""
    found = horizon(cut_law(sites, C), vacuum(sites), TS, levels=levels)
    assert found.status == Status.HORIZON
    k = int(np.searchsorted(TS, found.until))
    assert found.spread[k - 1] <= 0.01 < found.spread[k]
    assert np.all(np.isnan(found.densities[k:]))
    assert np.all(np.isfinite(found.densities[:k]))
    return found, k


@pytest.mark.parametrize(("C", "time"), [(0.8, 0.18), (1.0, 0.095), (1.2, 0.065)])
def test_one_site(C, time):
    """Falls as C grows; SciPy's runs, whose steps err by 1e-8, part at 1 % as well."""
    found, k = check(1, C, (6, 8))
    assert found.time == pytest.approx(time)
    for at, place in ((found.time, k - 1), (found.until, k)):
        other = spread_apart(1, C, (6, 8), at)
        assert other == pytest.approx(found.spread[place], rel=1e-5)


@pytest.mark.slow
def test_two_sites():
    found, k = check(2, 1.2, (4, 6))
    other = spread_apart(2, 1.2, (4, 6), found.until)
    assert other == pytest.approx(found.spread[k], rel=1e-5)


@pytest.mark.slow
def test_three_sites():
    check(3, 1.2, (4, 6))

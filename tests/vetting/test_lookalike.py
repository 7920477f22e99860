"""What decoherence explains of a departure, beside SciPy."""

import numpy as np
import pytest
from scipy.linalg import expm

from jqd.vetting.lookalike import operators, responses, shares

KEY = np.random.default_rng(5)
LEVELS = 3
TS = np.array([0.4, 1.1])


def hermitian(n):
    A = KEY.normal(size=(n, n)) + 1j * KEY.normal(size=(n, n))
    return (A + A.conj().T) / 2


H = hermitian(LEVELS)
KETS = KEY.normal(size=(12, LEVELS)) + 1j * KEY.normal(size=(12, LEVELS))
KETS = KETS / np.linalg.norm(KETS, axis=1, keepdims=True)


def populations(h, a):
    """Of the master equation with -i[H + Σ h F, ρ] and Kossakowski's matrix a."""
    F, unit = operators(LEVELS), np.eye(LEVELS)
    moved = H + np.tensordot(h, F, 1)
    generator = -1j * (np.kron(moved, unit) - np.kron(unit, moved.T))
    for i, one in enumerate(F):
        for j, other in enumerate(F):
            both = other @ one
            generator = generator + a[i, j] * (
                np.kron(one, other.T)
                - (np.kron(both, unit) + np.kron(unit, both.T)) / 2
            )
    rho = np.einsum("ka,kb->kab", KETS, KETS.conj()).reshape(len(KETS), -1)
    ended = np.stack([rho @ expm(generator * t).T for t in TS], axis=1)
    ended = ended.reshape(len(KETS), len(TS), LEVELS, LEVELS)
    return np.real(np.einsum("ktaa->kta", ended))


def test_first_orders_are_those_of_differences():
    F = operators(LEVELS)
    overlaps = np.einsum("iab,jba->ij", F, F)
    np.testing.assert_allclose(overlaps, np.eye(len(F)), atol=1e-14)
    by_h, by_a = responses(H, KETS, TS)
    n, step = len(F), 1e-5
    h, a = KEY.normal(size=n), hermitian(n)
    none = np.zeros((n, n))
    # central differences: h² of a third derivative, and rounding over h
    moved = populations(step * h, none) - populations(-step * h, none)
    np.testing.assert_allclose(np.tensordot(h, by_h, 1), moved / (2 * step), atol=1e-8)
    moved = populations(0 * h, step * a) - populations(0 * h, -step * a)
    told = np.einsum("ij,ijkta->kta", a, by_a)
    assert np.abs(told.imag).max() < 1e-12
    np.testing.assert_allclose(told.real, moved / (2 * step), atol=1e-8)


@pytest.mark.parametrize("sign", [1, -1])
def test_what_decoherence_is_and_is_not(sign):
    """Rates explain a departure of their own wholly, and none of the opposite one."""
    by_h, by_a = responses(H, KETS, TS)
    n = len(by_h)
    root = KEY.normal(size=(n, 2)) + 1j * KEY.normal(size=(n, 2))
    a = sign * root @ root.conj().T
    off = np.real(np.einsum("ij,ijkta->kta", a, by_a)).ravel()
    off = off + np.tensordot(KEY.normal(size=n), by_h, 1).ravel()
    by_h, by_a = by_h.reshape(n, -1), by_a.reshape(n, n, -1)
    alone, left = shares(off, by_h, by_a)
    assert left <= alone <= 1
    if sign > 0:
        assert left < 1e-4 < alone
    else:
        assert left > 0.5 * alone

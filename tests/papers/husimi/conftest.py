"""Mixed states and how quantum mechanics moves them; densities and diffusions."""

import math
from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest

from jqd.readings.conditions import as_doubled, minimal_diffusion
from jqd.readings.phase_space import complex_hessian
from jqd.spaces import symbols


def equation(number):
    return pytest.mark.equation("husimi", number)


def norm(x):
    return float(np.max(np.abs(np.asarray(x))))


def density(alpha):
    weight = jnp.exp(-jnp.sum(jnp.abs(alpha - 0.3 + 0.1j) ** 2))
    return weight * (1 + 0.5 * alpha[0].imag + (alpha[0] * alpha[-1]).real ** 2)


def minimal(H, strength=1.3):
    """D over (α, α*) of eq. (43)."""

    def diffusion(alpha):
        modes = alpha.shape[0]
        hessian = complex_hessian(H, alpha)[modes:, modes:]
        return as_doubled(minimal_diffusion(hessian, strength))

    return diffusion


class MixedState:
    """A mixed state of a few quanta, its Husimi function, and how quantum moves it."""

    levels = 3

    def __init__(self, modes, hbar, seed=3):
        rng = np.random.default_rng(seed)
        size = self.levels**modes
        factor = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
        rho = factor @ factor.conj().T
        self.modes, self.hbar, self.rho = modes, hbar, rho / np.trace(rho)

    def density(self, alpha):
        """Q(α) at α (N,), up to the constant of its volume element."""
        return self._husimi(jnp.asarray(self.rho), self.levels, alpha)

    def rate(self, symbol, alpha):
        """<α|-(i/ħ)[H, ρ]|α>, on a space that H cannot leave from the support of ρ."""
        size = self.levels + symbol.degree
        H = np.asarray(symbols.matrix(symbol, size, hbar=self.hbar))
        big = np.zeros((size,) * (2 * self.modes), complex)
        small = (self.levels,) * (2 * self.modes)
        big[tuple(map(slice, small))] = self.rho.reshape(small)
        big = big.reshape(H.shape)
        rate = -1j / self.hbar * (H @ big - big @ H)
        return float(self._husimi(jnp.asarray(rate), size, jnp.asarray(alpha)))

    def _husimi(self, matrix, levels, alpha):
        a = jnp.conj(alpha) / np.sqrt(self.hbar)
        root = np.sqrt([float(math.factorial(n)) for n in range(levels)])
        ket = jnp.ones(1, a.dtype)
        for i in range(self.modes):
            powers = jnp.stack([a[i] ** n for n in range(levels)]) / root
            ket = (ket[:, None] * powers[None, :]).ravel()
        weight = jnp.exp(-jnp.sum(a.real**2 + a.imag**2))
        return weight * (ket @ matrix @ jnp.conj(ket)).real


@pytest.fixture(scope="session")
def mixed_state():
    """Mixed states by number of modes and ħ."""
    return cache(MixedState)


@pytest.fixture(scope="session")
def as_function():
    """A symbol, its real part, as a function of α (N,)."""

    def function_of(symbol):
        single = symbol.modes == 1
        return lambda alpha: symbol(alpha[0] if single else alpha).real

    return function_of

"""Bosonic problems with known answers: Husimi laws, theories of few modes, a cat."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erf
from jaxtyping import Array, ArrayLike, Float

from jqd.laws.husimi import Exact, Form, GaussianForm, GaussianSum, Series
from jqd.spaces import symbols
from jqd.spaces.symbols import Symbol
from jqd.states import cat, coherent


class HusimiProblem(NamedTuple):
    """A Hamiltonian, a start, and a form that follows it at any C near 1; ħ = 1.

    Attributes:
        symbol: the anti-Wick symbol.
        form: of the law.
        ket: ψ at t = 0, (d_1, .., d_N).
    """

    symbol: Symbol
    form: Form
    ket: Array


def husimi_problems() -> dict[str, HusimiProblem]:
    """Hamiltonians of one and two modes, by name; a fit of each must find C = 1.

    The generic one is 0.4|α|⁴ - |α|² + [0.25α + (0.1 + 0.05i)α² + 0.05α²α* + c.c.].
    """
    drives = {((1,), (0,)): 0.25, ((2,), (0,)): 0.1 + 0.05j, ((2,), (1,)): 0.05}
    terms: dict = {((2,), (2,)): 0.4, ((1,), (1,)): -1.0}
    for (m, n), value in drives.items():
        terms |= {(m, n): value, (n, m): np.conj(value)}
    sites = (14, 14)
    return {
        "Kerr oscillator": HusimiProblem(
            symbols.kerr(1.0), Exact(80, Series(40)), coherent(1.2 + 0.5j, 40)
        ),
        "squeezed oscillator": HusimiProblem(
            symbols.squeezed_oscillator(1.0, 0.4j),
            GaussianForm(),
            coherent(0.6 - 0.4j, 60),
        ),
        "all terms of (64), one mode": HusimiProblem(
            Symbol.from_terms(terms), Exact(60, Series(30)), coherent(0.6 - 0.4j, 40)
        ),
        "Bose-Hubbard, two sites": HusimiProblem(
            symbols.bose_hubbard(1.0, 0.5, [(0, 1)]),
            Exact(sites, Series(5)),
            coherent(jnp.array([1.0, 0.5j]), sites),
        ),
    }


def bosonic_theories(rng: np.random.Generator) -> dict[str, Symbol]:
    """Theories of up to three modes, by name; their Husimi laws need 1 to 4 orders.

    Args:
        rng: draws the V_ijkl of a general two-body interaction.

    Returns:
        Anti-Wick symbols; those up to "three-wave" are exactly Fokker-Planck.
    """
    V = rng.normal(size=(3, 3, 3, 3)) + 1j * rng.normal(size=(3, 3, 3, 3))
    V = V + np.conj(np.transpose(V, (3, 2, 1, 0)))
    triple, vacuum = (1, 1, 1), (0, 0, 0)
    return {
        "harmonic oscillator": symbols.harmonic(1.0),
        "Kerr": symbols.kerr(1.0),
        "cross-Kerr": symbols.cross_kerr(1.0),
        "Bose-Hubbard, 2 sites": symbols.bose_hubbard(1.0, 0.5, [(0, 1)]),
        "any two-body V_ijkl, 3 modes": symbols.two_body(V),
        "parametric amplifier": symbols.parametric_amplifier(1.0),
        "squeezed oscillator": symbols.squeezed_oscillator(1.0, 0.4j),
        "three-wave α1α2α3* + c.c.": symbols.three_wave(1.0),
        "α1α2α3 + c.c.": Symbol([1.0, 1.0], [(triple, vacuum), (vacuum, triple)]),
        "|α1|⁴|α2|²": Symbol([1.0], [((2, 1), (2, 1))]),
        "cubic, |α|² + 0.1 q³": symbols.harmonic(1.0)
        + symbols.polynomial_qp({(3, 0): 0.1}),
        "φ⁴, |α|² + 0.1 q⁴": symbols.phi4(0.1),
        "complex |φ|⁴, 2 modes": symbols.complex_field(0.1),
        "gauge bosons SU(2), 3 modes": symbols.gauge_bosons(0.3),
    }


def ordered_problems() -> dict[str, Symbol]:
    """Hamiltonians whose equation closes for Husimi's order alone, and for all."""
    return {
        "Kerr": symbols.kerr(1.0, 0.5),
        "squeezed oscillator": symbols.squeezed_oscillator(1.0, 0.3 + 0.4j),
    }


def dual_symbol(symbol: Symbol, C: ArrayLike) -> Symbol:
    """H_C = e^(ħ(1-C)∂∂*/2) H, as the symbol that the law of W_C uses."""
    moved = symbol.to("weyl", 1 - C, prune=False)
    return Symbol(moved.coefficients, moved.powers)


def displacements(number: int = 21) -> np.ndarray:
    """Points with |β| < 2.2 of a square grid with so many on a side."""
    axis = np.linspace(-3.6, 3.6, number)
    points = (axis[None, :] + 1j * axis[:, None]).ravel()
    return points[np.abs(points) < 2.2]


class SqueezedCat(eqx.Module):
    """Σ_k c_k |x_k, squeezed by r>, ready to be amplified along X; ħ = g = 1.

    Attributes:
        places: x_k, real, shape (K,).
        weights: c_k, real, shape (K,).
        squeezing: r > 0, which narrows X.
    """

    places: np.ndarray
    weights: np.ndarray
    squeezing: float

    @property
    def husimi(self) -> GaussianSum:
        """Its Husimi function."""
        return GaussianSum.cat(self.places, self.weights, r=self.squeezing)

    def ket(self, levels: int) -> Array:
        """ψ in the number basis, (levels,)."""
        return cat(self.places, self.weights, levels, r=self.squeezing)

    def born_weight(self, gain: ArrayLike = np.inf) -> Float[Array, "..."]:
        """Probability of X > 0 after amplification: at infinite gain that of |ψ(x)|².

        x exp(gt) + noise > 0, with noise of variance 1/4, which is the detector's

        Args:
            gain: gt, any shape.
        """
        x = np.linspace(-4, 4, 8001)
        width = np.exp(-self.squeezing) / 2
        away = x[:, None] - self.places[None, :]
        density = (np.exp(-((away / width) ** 2) / 4) @ self.weights) ** 2
        # beyond exp(12) the step of the error function is narrower than the grid
        sharpness = np.sqrt(2) * np.exp(np.minimum(gain, 12.0))
        seen = (1 + erf(np.asarray(sharpness)[..., None] * x)) / 2
        return jnp.matmul(seen, density) / np.sum(density)


def squeezed_cat() -> SqueezedCat:
    """Places ±0.5 with |c|² = 0.7 and 0.3, r = 1.2: one hill in Q, two outcomes.

    Returns:
        The cat; P(X > 0) is 0.631850 at gt = 0, 0.692200 at 1, 0.699083 at infinity.
    """
    return SqueezedCat(np.array([0.5, -0.5]), np.sqrt([0.7, 0.3]), 1.2)

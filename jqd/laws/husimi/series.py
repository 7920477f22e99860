"""The series of derivatives in the number basis, as a banded superoperator.

Where Q is the Husimi function of ρ (a-units, α = √ħ a), αQ, α*Q, ∂Q and ∂*Q are those
of ρa, a†ρ, [ρ, a†] and [a, ρ]. Every term of the series is then a sum of products of a
few ladder operators on either side, each of which moves the entries of ρ by fixed
numbers of rows and columns. All entries are those of the operators before they are cut.
"""

import functools
import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...spaces.symbols.monomials import Powers
from .banded import Generator
from .bath import Rates
from .form import Equation

# Sums that cancel leave this much of their largest term.
_ROUNDING = 1e-13


def series_generator(
    equation: Equation, levels: tuple[int, ...], orders: tuple[int, ...]
) -> Generator:
    """The given orders of derivatives of the equation, the second times C.

    ∂ₜQ = (i/ħ) Σ_m ħ^|m|/m! {∂^m[(∂*^m H)Q] - ∂*^m[(∂^m H)Q]}; at |m| = 2 with the
    derivatives along β = μα + να*, where the equation has `s`.

    Args:
        equation: with any polynomial Hamiltonian.
        levels: levels kept of each mode.
        orders: which |m|.

    Source: eq. (63).
    """
    symbol = equation.symbol
    bands = _bands(symbol.powers, levels, orders, equation.s is not None)
    degrees = [sum(m) + sum(n) for m, n in symbol.powers]
    root = jnp.sqrt(equation.hbar)
    scaled = [
        1j * coefficient * root**degree / equation.hbar
        for coefficient, degree in zip(symbol.coefficients, degrees, strict=True)
    ]
    scales = equation.slopes

    def value(key: "_Key") -> Array:
        result = scaled[key.term] * (equation.C if key.order == 2 else 1)
        for mode, (plain, mixed) in enumerate(key.lengths):
            result = result * scales[mode][0] ** plain * scales[mode][1] ** mixed
        return result

    def total(band: dict["_Key", np.ndarray]) -> Array:
        real = scaled[0].real.dtype
        values = jnp.stack([value(key) for key in band])
        parts = jnp.asarray(np.stack(list(band.values())), real)
        return jnp.tensordot(values, parts.astype(values.dtype), 1)

    weights = [total(band) for band in bands.values()]
    return Generator(weights, tuple(bands), levels)


def bath_generator(rates: Rates, levels: tuple[int, ...]) -> Generator:
    """Σ_i D_i D[a_i] + G_i D[a_i†] + g_i D[a_i†a_i], D[x]ρ = xρx† - ½{x†x, ρ}.

    Args:
        rates: D, G and g, one for all modes or one of each.
        levels: levels kept of each mode.
    """
    modes = len(levels)
    down, up, dephasing = (jnp.broadcast_to(rate, (modes,)) for rate in rates)
    places = np.indices(levels * 2)
    real = down.dtype
    weights, still = {}, jnp.zeros(levels * 2, real)
    for i in range(modes):
        n, m = places[i], places[modes + i]
        one = tuple(int(i == k) for k in range(modes)) * 2
        for sign, rate, inside in ((1, down[i], (n + 1) * (m + 1)), (-1, up[i], n * m)):
            offset = tuple(sign * step for step in one)
            weights[offset] = rate * jnp.asarray(np.sqrt(inside), real)
        still -= down[i] * jnp.asarray((n + m) / 2, real)
        still -= up[i] * jnp.asarray((n + m) / 2 + 1, real)
        still -= dephasing[i] * jnp.asarray((n - m) ** 2 / 2, real)
    weights[(0,) * (2 * modes)] = still
    return Generator(list(weights.values()), tuple(weights), levels)


# -- static structure ------------------------------------------------------------------


class _Key(NamedTuple):
    """The factors of a weight: a coefficient of H, the order, powers of (μ, ν)."""

    term: int
    order: int
    lengths: tuple[tuple[int, int], ...] = ()


class _Part(NamedTuple):
    """factor × ∂^j ∂*^k [α^p α*^q ·], where derivatives = (j, k), inner = (p, q)."""

    key: _Key
    factor: float
    derivatives: Powers
    inner: Powers


@functools.lru_cache(maxsize=64)
def _bands(
    powers: tuple[Powers, ...],
    levels: tuple[int, ...],
    orders: tuple[int, ...],
    mismatched: bool,
) -> dict[tuple[int, ...], dict[_Key, np.ndarray]]:
    """Weights of every key for each offset, those that cancel left out."""
    bands: dict[tuple[int, ...], dict[_Key, np.ndarray]] = {}
    largest: dict[_Key, float] = {}
    for term, power in enumerate(powers):
        for order in orders:
            along = mismatched and order == 2
            parts = _parts_along if along else _parts
            for part in parts(term, power, order):
                for offset, weight in _words(part, levels):
                    band = bands.setdefault(offset, {})
                    band[part.key] = band.get(part.key, 0.0) + weight
                    peak = float(np.max(np.abs(weight), initial=0.0))
                    largest[part.key] = max(largest.get(part.key, 0.0), peak)
    kept = {
        offset: {
            key: weight
            for key, weight in band.items()
            if np.max(np.abs(weight), initial=0.0) > _ROUNDING * largest[key]
        }
        for offset, band in bands.items()
    }
    return {offset: band for offset, band in kept.items() if band}


def _parts(term: int, power: Powers, order: int) -> Iterator[_Part]:
    """1/j! {∂^j[(∂*^j f)·] - ∂*^j[(∂^j f)·]} of a monomial f for all |j| = order."""
    modes = len(power[0])
    none = (0,) * modes
    for j in itertools.product(range(order + 1), repeat=modes):
        if sum(j) != order:
            continue
        weight = 1 / math.prod(map(math.factorial, j))
        key = _Key(term, order)
        factor, inner = _derived(power, none, j)
        if factor:
            yield _Part(key, factor * weight, (j, none), inner)
        factor, inner = _derived(power, j, none)
        if factor:
            yield _Part(key, -factor * weight, (none, j), inner)


def _parts_along(term: int, power: Powers, order: int) -> Iterator[_Part]:
    """½ Σ_ij {D_i D_j[(D*_i D*_j f)·] - cc}, D = μ∂ + ν∂*, expanded."""
    modes = len(power[0])
    for pair in itertools.product(range(modes), repeat=2):
        for kinds in itertools.product((0, 1), repeat=4):
            lengths = [[0, 0] for _ in range(modes)]
            for mode, kind in zip(pair * 2, kinds, strict=True):
                lengths[mode][kind] += 1
            key = _Key(term, order, tuple((a, b) for a, b in lengths))
            for sign, flip in ((1, 0), (-1, 1)):
                outer = _multi_index(pair, kinds[:2], flip, modes)
                inner = _multi_index(pair, kinds[2:], 1 - flip, modes)
                factor, left = _derived(power, *inner)
                if factor:
                    yield _Part(key, sign * factor / 2, outer, left)


def _multi_index(
    pair: tuple[int, ...], kinds: tuple[int, ...], flip: int, modes: int
) -> Powers:
    """How often each variable is differentiated: kind 0 is α where flip is 0."""
    counts = np.zeros((2, modes), int)
    for mode, kind in zip(pair, kinds, strict=True):
        counts[kind ^ flip, mode] += 1
    return tuple(map(int, counts[0])), tuple(map(int, counts[1]))


def _derived(
    power: Powers, m: tuple[int, ...], n: tuple[int, ...]
) -> tuple[float, Powers]:
    """∂^m ∂*^n of a monomial: factor and monomial."""
    factor = 1.0
    left = []
    for part, lost in zip(power, (m, n), strict=True):
        factor *= math.prod(math.perm(p, k) for p, k in zip(part, lost, strict=True))
        left.append(tuple(max(p - k, 0) for p, k in zip(part, lost, strict=True)))
    return factor, (left[0], left[1])


def _words(
    part: _Part, levels: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """Offsets and weights of a part: products over modes."""
    (j, k), (p, q) = part.derivatives, part.inner
    choices = [
        list(_one_mode(d, *counts).items())
        for d, *counts in zip(levels, j, k, p, q, strict=True)
    ]
    modes = len(levels)
    for chosen in itertools.product(*choices):
        offset = tuple(o[0] for o, _ in chosen) + tuple(o[1] for o, _ in chosen)
        weight = functools.reduce(
            lambda a, b: np.tensordot(a, b, 0), [w for _, w in chosen]
        )
        order = (*range(0, 2 * modes, 2), *range(1, 2 * modes, 2))
        yield offset, part.factor * np.transpose(weight, order)


@functools.lru_cache(maxsize=4096)
def _one_mode(
    levels: int, j: int, k: int, p: int, q: int
) -> dict[tuple[int, int], np.ndarray]:
    """∂^j ∂*^k [α^p α*^q ·] of one mode, for each (row, column) offset.

    = Σ_uv C(j,u) C(k,v) (-1)^(u+k-v) a^v a†^(u+q) ρ a^p a†^(j-u) a^(k-v)
    """
    bands: dict[tuple[int, int], np.ndarray] = {}
    for u, v in itertools.product(range(j + 1), range(k + 1)):
        sign = (-1) ** (u + k - v) * math.comb(j, u) * math.comb(k, v)
        rise = u + q - v
        left = _word(np.arange(levels) - rise, (u + q, -v))
        right = _word(np.arange(levels), (v - k, j - u, -p))
        offset = (-rise, j - u - p - k + v)
        weight = sign * left[:, None] * right[None, :]
        bands[offset] = bands.get(offset, 0.0) + weight
    return bands


def _word(start: np.ndarray, moves: tuple[int, ...]) -> np.ndarray:
    """The factor that ladder operators give |n>: a†^k for k > 0, a^-k for k < 0."""
    n = start.copy()
    value = np.where(n >= 0, 1.0, 0.0)
    for move in moves:
        for _ in range(abs(move)):
            value = value * np.maximum(n + 1 if move > 0 else n, 0)
            n = n + (1 if move > 0 else -1)
    return np.sqrt(value)

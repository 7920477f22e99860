"""Static arithmetic of monomials in α and α*: powers are tuples of integers."""

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ... import _checks, _math

# s of the operator ordering: symbols are converted into one another by
# f_s' = exp((s' - s)(ħ/2) Σ_i ∂_i ∂*_i) f_s.
ORDERINGS = {"antiwick": -1, "weyl": 0, "wick": 1}

# ((m_1, .., m_N), (n_1, .., n_N)): the monomial Π_i α_i^m_i α_i*^n_i.
Powers = tuple[tuple[int, ...], tuple[int, ...]]

# (power of ħ, factor, monomial): a term of a product or of a reordering.
Contraction = tuple[int, float, Powers]


class FokkerPlanckCheck(NamedTuple):
    """Whether the Husimi function of a Hamiltonian obeys a Fokker-Planck equation.

    Attributes:
        holds: whether no derivative beyond the second is needed.
        offending: the terms that need more, as text.
    """

    holds: bool
    offending: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.holds


def monomial(alpha: Array, m: Sequence[int], n: Sequence[int]) -> Array:
    """Π_i α_i^m_i α_i*^n_i for points of shape (..., N)."""
    value = jnp.ones(alpha.shape[:-1], alpha.dtype)
    for i, (p, q) in enumerate(zip(m, n, strict=True)):
        if p:
            value = value * alpha[..., i] ** p
        if q:
            value = value * jnp.conj(alpha[..., i]) ** q
    return value


def format_monomial(power: Powers, dagger: str = "a{}*", first: int = 0) -> str:
    """A monomial as text, such as "a1^2 a1*".

    Args:
        power: the monomial.
        dagger: how α* is written; {} stands for the number of the mode.
        first: 0 to write α before α*, 1 to write it after.
    """
    names = ("a{}", dagger)
    modes = len(power[0])
    parts = []
    for i in range(modes):
        for side in (first, 1 - first):
            exponent = power[side][i]
            if exponent:
                name = names[side].format("" if modes == 1 else i + 1)
                parts.append(name if exponent == 1 else f"{name}^{exponent}")
    return " ".join(parts) or "1"


def add_powers(left: Powers, right: Powers) -> Powers:
    """The product of two monomials."""
    m, n = (
        tuple(a + b for a, b in zip(x, y, strict=True))
        for x, y in zip(left, right, strict=True)
    )
    return m, n


def lower(power: Powers, side: int, mode: int) -> Powers:
    """The powers, with the power of one variable lowered by one."""
    parts = [list(part) for part in power]
    parts[side][mode] -= 1
    return tuple(parts[0]), tuple(parts[1])


@functools.lru_cache(maxsize=4096)
def reorder(power: Powers, step: float) -> tuple[Contraction, ...]:
    """exp(step ħ Σ_i ∂_i ∂*_i) of a monomial, term by term.

    α^m α*^n -> Σ_k k! C(m, k) C(n, k) (step ħ)^k α^(m-k) α*^(n-k) in each mode.
    """
    choices = [
        [(k, _pairings(m, n, k) * step**k) for k in range(min(m, n) + 1)]
        for m, n in zip(*power, strict=True)
    ]
    terms = []
    for chosen in itertools.product(*choices):
        lost = tuple(k for k, _ in chosen)
        weight = math.prod(weight for _, weight in chosen)
        if weight:
            m, n = (_minus(part, lost) for part in power)
            terms.append((sum(lost), weight, (m, n)))
    return tuple(terms)


@functools.lru_cache(maxsize=65536)
def multiply(left: Powers, right: Powers, s: int) -> tuple[Contraction, ...]:
    """The product of two operators whose symbols of order s are monomials.

    exp(ħ ((1 + s)/2 ∂_left ∂*_right - (1 - s)/2 ∂*_left ∂_right)): a Wick symbol
    contracts the left α with the right α*, an anti-Wick one the left α* with the right
    α, a Weyl one both (Moyal).
    """
    choices = []
    for m1, n1, m2, n2 in zip(*left, *right, strict=True):
        choices.append(
            [
                (k, j, weight)
                for k in range(min(m1, n2) + 1)
                for j in range(min(n1, m2) + 1)
                if (
                    weight := _pairings(m1, n2, k)
                    * ((1 + s) / 2) ** k
                    * _pairings(n1, m2, j)
                    * (-(1 - s) / 2) ** j
                )
            ]
        )
    whole = add_powers(left, right)
    terms = []
    for chosen in itertools.product(*choices):
        lost = tuple(k + j for k, j, _ in chosen)
        m, n = (_minus(part, lost) for part in whole)
        terms.append((sum(lost), math.prod(w for _, _, w in chosen), (m, n)))
    return tuple(terms)


def add_at(shape: tuple[int, ...], index: Any, values: Any) -> Any:
    """Zeros of this shape with values, NumPy or traced, added at static places."""
    if isinstance(values, np.ndarray):
        total = np.zeros(shape, values.dtype)
        np.add.at(total, index, values)
        return total
    return _math.add_at(jnp.zeros(shape, values.dtype), index, values)


def collect(
    rows: Sequence[tuple[int, Contraction]], values: Any, hbar: ArrayLike
) -> tuple[Any, list[Powers]]:
    """Coefficients and monomials of contracted terms.

    Args:
        rows: for each term, the index of the value in `values` that it multiplies, and
            the term itself.
        values: coefficients before the contraction, shape (..).
        hbar: ħ, scalar.
    """
    real = values.real.dtype
    source = np.array([k for k, _ in rows])
    order = np.array([term[0] for _, term in rows])
    weight = np.array([term[1] for _, term in rows], real)
    scaled = _math.take(values, source) * (powers_of(hbar, order, real) * weight)
    return scaled, [term[2] for _, term in rows]


def powers_of(x: ArrayLike, exponents: np.ndarray, dtype: np.dtype) -> Any:
    """x^e for each of the static integers e >= 0, differentiable in x."""
    value = _checks.known(x)
    if isinstance(value, np.ndarray):
        return np.power(value, exponents).astype(dtype)
    value = value.astype(dtype)
    table = [jnp.ones_like(value)]
    for _ in range(int(exponents.max(initial=0))):
        table.append(table[-1] * value)
    return jnp.stack(table)[exponents]


def all_powers(modes: int, degree: int) -> list[Powers]:
    """Every monomial of at most this total degree."""
    return [
        (power[:modes], power[modes:])
        for power in itertools.product(range(degree + 1), repeat=2 * modes)
        if sum(power) <= degree
    ]


def _pairings(m: int, n: int, k: int) -> int:
    """Ways to pair k of m things with k of n."""
    return math.factorial(k) * math.comb(m, k) * math.comb(n, k)


def _minus(part: tuple[int, ...], lost: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(p - k for p, k in zip(part, lost, strict=True))

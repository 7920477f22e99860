"""Polynomials in â and â† as plain numbers: what parsers and word lists compute with.

A polynomial is a dict from powers to complex numbers, in Wick order (α̂†^n α̂^m), in
action units: [α̂, α̂†] = ħ.
"""

import math
import re

from .monomials import Powers, multiply

Polynomial = dict[Powers, complex]

LETTERS = ("ad", "a", "n", "q", "p")
_NAME = re.compile(r"(ad|[anqp])([0-9]*)")


def operator_parts(name: str) -> tuple[str, int | None] | None:
    """("ad", 2) for "ad2", ("ad", None) for "ad", None for any other name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    letter, digits = match.groups()
    return letter, int(digits) if digits else None


def number(value: complex, modes: int) -> Polynomial:
    """A multiple of the identity."""
    zero = (0,) * modes
    return {(zero, zero): complex(value)}


def operator(letter: str, mode: int, modes: int) -> Polynomial:
    """α̂, α̂†, n̂ = α̂†α̂, q̂ = (α̂ + α̂†)/√2 or p̂ = (α̂ - α̂†)/i√2 of a mode (from 0)."""
    zero = (0,) * modes
    one = tuple(int(i == mode) for i in range(modes))
    root = math.sqrt(0.5)
    return {
        "a": {(one, zero): 1 + 0j},
        "ad": {(zero, one): 1 + 0j},
        "n": {(one, one): 1 + 0j},
        "q": {(one, zero): root + 0j, (zero, one): root + 0j},
        "p": {(one, zero): -1j * root, (zero, one): 1j * root},
    }[letter]


def add(left: Polynomial, right: Polynomial) -> Polynomial:
    """The sum."""
    total = dict(left)
    for power, value in right.items():
        _accumulate(total, power, value)
    return total


def product(left: Polynomial, right: Polynomial, hbar: float) -> Polynomial:
    """The product of operators, left times right."""
    total: Polynomial = {}
    for p, x in left.items():
        for q, y in right.items():
            for order, weight, power in multiply(p, q, 1):
                _accumulate(total, power, x * y * weight * hbar**order)
    return total


def adjoint(polynomial: Polynomial) -> Polynomial:
    """The adjoint operator."""
    return {(n, m): value.conjugate() for (m, n), value in polynomial.items()}


def degree(polynomial: Polynomial) -> int:
    """Largest total power, 0 without terms."""
    return max((sum(m) + sum(n) for m, n in polynomial), default=0)


def _accumulate(total: Polynomial, power: Powers, value: complex) -> None:
    """Add to a coefficient; what rounding leaves of a cancellation is dropped."""
    old = total.get(power, 0j)
    new = old + value
    # √½ to some power, added up in different orders, leaves a few rounding errors.
    if abs(new) <= 1e-14 * abs(old):
        total.pop(power, None)
    else:
        total[power] = new

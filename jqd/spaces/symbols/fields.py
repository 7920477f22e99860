"""Hamiltonians in positions and momenta, and the modes of interacting fields.

As in `builders`, `hbar` is ħ, a scalar.
"""

import functools
import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import ArrayLike

from ... import _checks
from .builders import common, harmonic, one_real
from .monomials import Powers, add_powers, powers_of
from .symbol import Symbol


def polynomial_qp(
    coefficients: Mapping[Any, ArrayLike],
    s: ArrayLike = 1.0,
    *,
    hbar: ArrayLike = 1.0,
    ordering: str = "weyl",
) -> Symbol:
    """The anti-Wick symbol of Σ c_jk Π_i q_i^j_i p_i^k_i.

    q = s(α + α*)/√2, p = (α - α*)/i√2 s, so that α = (q/s + isp)/√2.

    Args:
        coefficients: {(j, k): c} for one mode, {((j_1, ..), (k_1, ..)): c} for several.
        s: ratio of q to √2 Re α, scalar or (N,), length over √action.
        hbar: ħ, scalar.
        ordering: which symbol the polynomial is: the "weyl" symbol (then q^j + p^k is
            the operator q̂^j + p̂^k), the "antiwick" or the "wick" one.

    Returns:
        The anti-Wick symbol.

    Raises:
        ValueError: powers that are negative or of different numbers of modes, or an
            unknown ordering.
    """
    if not coefficients:
        raise ValueError("Argument `coefficients` must hold a term, but is empty.")
    keys = [(_tuple(positions), _tuple(momenta)) for positions, momenta in coefficients]
    modes = len(keys[0][0])
    _checks.check_numbers(s, "s")
    _checks.check_positive(s.real if hasattr(s, "real") else s, "s")  # pyright: ignore
    _checks.check_not_negative(hbar, "hbar", ())
    named = {f"coefficients[{key}]": c for key, c in coefficients.items()}
    length, *weights = common(s=s, **named)
    lengths = length.real + np.zeros(modes, length.real.dtype)
    values, powers = [], []
    for (j, k), value in zip(keys, weights, strict=True):
        if {len(j), len(k)} != {modes} or min(*j, *k) < 0:
            raise ValueError(
                "Argument `coefficients` must have powers >= 0 for the same modes in "
                f"each term, but has the powers {j} of q and {k} of p."
            )
        for i in range(modes):
            up, down = np.array([max(j[i] - k[i], 0)]), np.array([max(k[i] - j[i], 0)])
            value = value * powers_of(lengths[i], up, lengths.dtype)[0]
            value = value * powers_of(1 / lengths[i], down, lengths.dtype)[0]
        for weight, power in _expanded(j, k):
            values.append(value * weight)
            powers.append(power)
    return Symbol(values, powers, ordering).to("antiwick", hbar, prune=False)


def phi4(lam: ArrayLike, omega: ArrayLike = 1.0, *, hbar: ArrayLike = 1.0) -> Symbol:
    """One mode of a real φ⁴ field, H = ω α̂†α̂ + λ q̂⁴ with q̂ = (α̂ + α̂†)/√2.

    The anti-Wick symbol of q̂⁴ is q⁴ - 3ħq² + 3ħ²/4, which has four powers of α.

    Args:
        lam: λ, coupling.
        omega: ω, angular frequency.
        hbar: ħ, scalar.
    """
    one_real(lam=lam, omega=omega)
    strength, rate = common(lam=lam, omega=omega)
    quartic = polynomial_qp({(4, 0): strength}, hbar=hbar)
    return harmonic(rate, hbar=hbar) + quartic


def complex_field(
    lam: ArrayLike, omega: ArrayLike = 1.0, *, hbar: ArrayLike = 1.0
) -> Symbol:
    """One mode of a complex field, H = ω(α̂†α̂ + β̂†β̂) + (λ/2)|φ̂|⁴.

    φ = (α + β*)/√(2ω); mode 0 is the particle α, mode 1 the antiparticle β. φ and φ*
    commute as operators, so that |φ|⁴ is the Weyl symbol.

    Args:
        lam: λ, coupling.
        omega: ω > 0, angular frequency, which is the mass m.
        hbar: ħ, scalar.

    Source: eqs. (70)-(72).
    """
    one_real(lam=lam, omega=omega, hbar=hbar)
    _checks.check_positive(omega, "omega")
    _checks.check_not_negative(hbar, "hbar")
    strength, rate = common(lam=lam, omega=omega)
    one = np.ones(2, strength.dtype)
    field = Symbol(one, [((1, 0), (0, 0)), ((0, 0), (0, 1))], "weyl")
    square = field * field.conj()
    quartic = (square * square).to("antiwick", hbar, prune=False)
    return harmonic(rate * one, hbar=hbar) + quartic * (strength / (8 * rate**2))


def gauge_bosons(
    g: ArrayLike, omega: ArrayLike = 1.0, *, hbar: ArrayLike = 1.0
) -> Symbol:
    """Three SU(2) gauge bosons, H = Σ_a (p_a² + B_a²)/2 with B_a = ωφ_a - gφ_bφ_c.

    The vacuum energy of the free bosons is left out. (a, b, c) are in cyclic order.
    The field is A_i^a = δ_i^a φ_a, of one helicity, curl A = ωA; its magnetic part is
    B_i^a = ωA_i^a - (g/2) ε_ijk ε_abc A_j^b A_k^c.
    The cubic term -3gω φ1φ2φ3 and the quartic terms g²φ_b²φ_c²/2 contain no φ in a
    power above the second, and yet three and four powers of α.

    Args:
        g: coupling.
        omega: ω > 0, angular frequency; φ_a = (α_a + α_a*)/√(2ω).
        hbar: ħ, scalar.

    Source: a small model of eqs. (73)-(75).
    """
    one_real(g=g, omega=omega)
    _checks.check_positive(omega, "omega")
    rate, coupling = common(omega=omega, g=g)
    none = (0, 0, 0)
    pairs = [(0, 2, 2), (2, 0, 2), (2, 2, 0)]
    terms: dict[Any, ArrayLike] = {(pair, none): coupling**2 / 2 for pair in pairs}
    terms[((1, 1, 1), none)] = -3 * coupling * rate
    interaction = polynomial_qp(terms, rate**-0.5, hbar=hbar)
    return harmonic(rate * np.ones(3, rate.dtype), hbar=hbar) + interaction


@functools.lru_cache(maxsize=1024)
def _expanded(
    j: tuple[int, ...], k: tuple[int, ...]
) -> tuple[tuple[complex, Powers], ...]:
    """Π_i q_i^j_i p_i^k_i at s = 1 in monomials of α and α*."""
    modes = len(j)
    total: dict[Powers, complex] = {((0,) * modes, (0,) * modes): 1 + 0j}
    for i in range(modes):
        one = tuple(int(i == m) for m in range(modes))
        grown: dict[Powers, complex] = {}
        choices = itertools.product(range(j[i] + 1), range(k[i] + 1))
        for (power, value), (x, y) in itertools.product(total.items(), list(choices)):
            # x of the factors q and y of the factors p give α*, and the others α.
            lowered = tuple((j[i] + k[i] - x - y) * e for e in one)
            raised = tuple((x + y) * e for e in one)
            sign = (-1) ** y * (-1j) ** k[i]
            weight = sign * math.comb(j[i], x) * math.comb(k[i], y)
            place = add_powers(power, (lowered, raised))
            grown[place] = grown.get(place, 0) + value * weight
        total = {place: value for place, value in grown.items() if value}
    scale = math.sqrt(0.5) ** (sum(j) + sum(k))
    return tuple((value * scale, power) for power, value in total.items())


def _tuple(power: Any) -> tuple[int, ...]:
    return (
        (int(power),) if isinstance(power, int | np.integer) else tuple(map(int, power))
    )

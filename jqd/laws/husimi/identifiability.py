"""Constants of the Husimi law that no data at all can distinguish."""

import numpy as np

from ... import _checks
from ...spaces.symbols import Symbol


def refusal(symbol: Symbol, free: tuple[str, ...], *, matched: bool) -> str | None:
    """Why no data can distinguish these constants, or None.

    Args:
        symbol: anti-Wick symbol of the Hamiltonian.
        free: names of the constants to be fitted.
        matched: whether the length scales of diffusion and coherent states agree.

    Returns:
        The reason as the end of a sentence, or None.
    """
    if "C" in free and "hbar" in free:
        return "C and hbar enter the law only as their product; free one of them"
    if "C" in free and matched and not diffuses(symbol):
        return (
            "the diffusion vanishes for this Hamiltonian (no second derivative in α* "
            "alone), so that C has no effect"
        )
    if {"C", "s"} <= set(free) and _lacks_qp(symbol):
        return (
            "for a quadratic Hamiltonian of one mode without a term in qp, C and s "
            "enter only as C (s² H_qq - H_pp / s²); free one of them"
        )
    return None


def diffuses(symbol: Symbol) -> bool:
    """Whether H has any second derivative in α* alone."""
    pruned = symbol.pruned()
    return any(max(sum(m), sum(n)) >= 2 for m, n in pruned.powers)


def _lacks_qp(symbol: Symbol) -> bool:
    """Whether H is quadratic in one mode with H_qp = 0."""
    if symbol.modes != 1 or symbol.degree > 2:
        return False
    for k, power in enumerate(symbol.powers):
        if power == ((2,), (0,)) and _checks.is_concrete(symbol.coefficients):
            return bool(abs(np.asarray(symbol.coefficients)[k].imag) < 1e-12)
    return True

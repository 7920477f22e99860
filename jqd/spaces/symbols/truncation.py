"""Whether the evolution of a Husimi function ends with its second derivatives."""

from typing import NamedTuple

from jaxtyping import Array

from ... import _checks
from .monomials import Powers, format_monomial


class FokkerPlanckCheck(NamedTuple):
    """Whether the Husimi function of a Hamiltonian obeys a Fokker-Planck equation.

    Attributes:
        holds: no derivative beyond the second is needed.
        offending: the terms that need more, as text.
    """

    holds: bool
    offending: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.holds


def fokker_planck_check(
    powers: tuple[Powers, ...], coefficients: Array
) -> FokkerPlanckCheck:
    """Terms with more than two powers of α, or of α*, summed over modes.

    Terms whose coefficient is known to be zero do not count.
    """
    values = None
    if _checks.is_concrete(coefficients):
        values = _checks.concrete(coefficients)
    offending = tuple(
        format_monomial(power)
        for k, power in enumerate(powers)
        if max(map(sum, power)) > 2 and (values is None or values[k] != 0)
    )
    return FokkerPlanckCheck(not offending, offending)

"""What the Husimi law asks of its arguments."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import ArrayLike

from ... import _checks
from ...spaces.symbols import ParametricSymbol, parse_hamiltonian

if TYPE_CHECKING:
    from .law import HusimiFokkerPlanck


def check_law(law: "HusimiFokkerPlanck") -> None:
    """Raise ValueError unless the fields of a law are sound and its form takes it."""
    symbol = law.symbol
    symbol._require("antiwick")
    _checks.check_finite(law.C, "C")
    _checks.check_shape(law.C, "C", ())
    _checks.check_positive(law.hbar, "hbar")
    _checks.check_shape(law.hbar, "hbar", ())
    if law.s is not None:
        _checks.check_positive(law.s, "s")
    if _checks.is_concrete(symbol.coefficients) and not symbol.is_real(1e-6):
        raise ValueError(
            "Argument `symbol` must be real (a Hermitian Hamiltonian), but is "
            f"{symbol}."
        )
    if law.points is not None:
        symbol.points(law.points)  # raises where the modes differ
    law.form.check(law)


def read_hamiltonian(text: str, hbar: ArrayLike) -> ParametricSymbol:
    """An operator as text; its order depends on ħ, which must be known."""
    if not _checks.is_concrete(hbar):
        raise ValueError(
            "Argument `symbol` must be a Symbol where hbar is traced, but is text."
        )
    return parse_hamiltonian(text, hbar=np.asarray(hbar).item())

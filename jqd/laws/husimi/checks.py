"""What the Husimi law asks of its arguments."""

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from ... import _checks
from ...spaces.symbols import (
    ParametricSymbol,
    Symbol,
    from_operator,
    parse_hamiltonian,
)
from ..constants import constant

if TYPE_CHECKING:
    from .law import HusimiFokkerPlanck


def check_law(law: "HusimiFokkerPlanck") -> None:
    """Raise ValueError unless the fields of a law are sound and its form takes it."""
    symbol = law.symbol
    symbol._require("antiwick")
    if _checks.is_concrete(symbol.coefficients) and not symbol.is_real(1e-6):
        raise ValueError(
            "Argument `symbol` must be real (a Hermitian Hamiltonian), but is "
            f"{symbol}."
        )
    if law.points is not None:
        symbol.points(law.points)  # raises where the modes differ
    law.form.check(law)


def read_hamiltonian(
    symbol: Any, hbar: ArrayLike, values: dict[str, Any]
) -> Symbol | ParametricSymbol:
    """A symbol as it is; an operator as the symbol of its order, which depends on ħ."""
    if isinstance(symbol, str):
        return _read_text(symbol, hbar, values)
    if isinstance(symbol, ParametricSymbol):
        return symbol.with_values(**values)
    if values:
        raise ValueError(
            f"Argument `{next(iter(values))}` must not be given to a Hamiltonian "
            "without named parameters, but is."
        )
    if isinstance(symbol, Symbol):
        return symbol
    if callable(getattr(symbol, "full", None)):  # qutip.Qobj
        return from_operator(symbol, hbar=hbar)
    raise ValueError(
        "Argument `symbol` must be a Symbol, an operator as text or a QuTiP Qobj, but "
        f"is of type {type(symbol).__name__}; for other operators see "
        "`jqd.spaces.symbols.from_operator`."
    )


def read_scales(s: ArrayLike | None, modes: int) -> Array | None:
    """The length scales s_i > 0, one of each mode, or None.

    Raises:
        ValueError: not positive, or not one of each mode.
    """
    if s is None:
        return None
    _checks.check_positive(s, "s")
    scales = constant(s, "s")
    if scales.ndim:
        _checks.check_shape(scales, "s", (modes,))
    return jnp.broadcast_to(scales, (modes,))


def check_levels(levels: Any, modes: int) -> None:
    """Raise ValueError unless `levels` is one positive integer, or one of each mode."""
    each = levels if isinstance(levels, tuple | list) else (levels,) * modes
    whole = all(isinstance(n, int) and not isinstance(n, bool) for n in each)
    if len(each) != modes or not whole or min(each, default=0) < 1:
        raise ValueError(
            f"Argument `levels` must be {modes} positive integers, or one for all, but "
            f"is {levels!r}."
        )


def check_box(n: Any, half_width: Any) -> None:
    """Raise ValueError unless a grid of n² points fills a box of this half width."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 2:
        raise ValueError(
            f"Argument `n` must be an integer of at least 2, but is {n!r}."
        )
    _checks.check_scalar(half_width, "half_width")
    _checks.check_positive(half_width, "half_width")


def _read_text(text: str, hbar: ArrayLike, values: dict[str, Any]) -> ParametricSymbol:
    if not _checks.is_concrete(hbar):
        raise ValueError(
            "Argument `symbol` must be a Symbol where hbar is traced, but is text."
        )
    return parse_hamiltonian(text, hbar=np.asarray(hbar).item(), **values)

"""Hamiltonians of the Husimi law, in the forms in which users have them."""

from typing import Any

import numpy as np
from jaxtyping import Array, ArrayLike

from ... import _checks
from ..._outside import plain
from ...spaces.driven import Driven
from ...spaces.driven_input import read_driven
from ...spaces.symbols import (
    Symbol,
    from_matrix,
    from_operator,
    parse_hamiltonian,
)

# Largest total power that is read from the matrices of a Hamiltonian that changes.
DEGREE = 4


def read_hamiltonian(
    symbol: Any, hbar: ArrayLike, values: dict[str, Any]
) -> Symbol | Driven:
    """A symbol as it is; an operator as the symbol of its order, which depends on ħ."""
    if isinstance(symbol, str):
        if not _checks.is_concrete(hbar):
            raise ValueError(
                "Argument `symbol` must be a Symbol where hbar is traced, but is text."
            )
        return parse_hamiltonian(
            symbol, hbar=np.asarray(plain(hbar, "hbar")).item(), **values
        )
    if isinstance(symbol, Driven):
        return symbol.with_values(**values) if values else symbol
    if values:
        raise ValueError(
            f"Argument `{next(iter(values))}` must not be given to a Hamiltonian "
            "without named parameters, but is."
        )
    if isinstance(symbol, Symbol):
        return symbol
    if callable(getattr(symbol, "full", None)):  # qutip.Qobj
        return from_operator(symbol, hbar=hbar)
    if isinstance(symbol, list | tuple) and not symbol:
        raise ValueError("Argument `symbol` must hold terms, but is an empty list.")
    if isinstance(symbol, list | tuple) or hasattr(symbol, "to_list"):
        return _read_driven(symbol, hbar)
    raise ValueError(
        "Argument `symbol` must be a Symbol, an operator as text, a QuTiP Qobj or "
        "QobjEvo, or a list [H_0, [H_1, f_1], ..] of these, but is of type "
        f"{type(symbol).__name__}; for other operators see "
        "`jqd.spaces.symbols.from_operator`."
    )


def _read_driven(given: Any, hbar: ArrayLike) -> Driven:
    """[H_0, [H_1, f_1], ..] of symbols or QuTiP's operators, or its QobjEvo."""
    whole = read_driven(given)
    if isinstance(whole.constant, Symbol):
        return whole
    first = given[0] if isinstance(given, list | tuple) else given
    first = first[0] if isinstance(first, list | tuple) else first
    levels = tuple(getattr(first, "dims", [[whole.levels]])[0])

    def symbol(matrix: Array) -> Symbol:
        return from_matrix(matrix, levels, DEGREE, hbar=hbar)

    operators = {name: symbol(matrix) for name, matrix in whole.operators.items()}
    return Driven(symbol(whole.constant), operators, whole.values)


def check_real(symbol: Symbol, hbar: ArrayLike) -> None:
    """Raise unless an anti-Wick symbol is that of a Hermitian Hamiltonian."""
    symbol._require("antiwick")
    if not _checks.is_concrete(symbol.coefficients):
        return
    if not symbol.is_real(1e-6, hbar if _checks.is_concrete(hbar) else None):
        raise ValueError(
            "Argument `symbol` must be real (a Hermitian Hamiltonian), but is "
            f"{symbol}."
        )

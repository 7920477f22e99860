"""Hamiltonians of the Husimi law, in the forms in which users have them."""

from typing import Any

import numpy as np
from jaxtyping import ArrayLike

from ... import _checks
from ..._outside import plain
from ...spaces.driven import read_driven
from ...spaces.symbols import (
    ParametricSymbol,
    Symbol,
    from_matrix,
    from_operator,
    parse_hamiltonian,
)

# Largest total power that is read from the matrices of a Hamiltonian that changes.
DEGREE = 4


def read_hamiltonian(
    symbol: Any, hbar: ArrayLike, values: dict[str, Any]
) -> Symbol | ParametricSymbol:
    """A symbol as it is; an operator as the symbol of its order, which depends on ħ."""
    if isinstance(symbol, str):
        if not _checks.is_concrete(hbar):
            raise ValueError(
                "Argument `symbol` must be a Symbol where hbar is traced, but is text."
            )
        return parse_hamiltonian(
            symbol, hbar=np.asarray(plain(hbar, "hbar")).item(), **values
        )
    if isinstance(symbol, ParametricSymbol):
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
    if isinstance(symbol, list | tuple) or hasattr(symbol, "to_list"):
        return _read_driven(symbol, hbar)
    raise ValueError(
        "Argument `symbol` must be a Symbol, an operator as text, a QuTiP Qobj or "
        "QobjEvo, or a list [H_0, [H_1, f_1], ..] of these, but is of type "
        f"{type(symbol).__name__}; for other operators see "
        "`jqd.spaces.symbols.from_operator`."
    )


def _read_driven(given: Any, hbar: ArrayLike) -> ParametricSymbol:
    """[H_0, [H_1, f_1], ..] of symbols or QuTiP's operators, or its QobjEvo."""
    terms = list(given) if isinstance(given, list | tuple) else []
    still = [term for term in terms if not isinstance(term, list | tuple)]
    moving = [term for term in terms if isinstance(term, list | tuple)]
    if still and isinstance(still[0], Symbol) and all(map(_is_pair, moving)):
        constant = still[0].plus(still[1:])
        operators, pulses = (list(part) for part in zip(*moving, strict=True))
    else:
        driven = read_driven(given)
        first = terms[0] if still else terms[0][0] if terms else given
        levels = tuple(getattr(first, "dims", [driven.matrix.shape[:1]])[0])
        constant, *operators = (
            from_matrix(matrix, levels, DEGREE, hbar=hbar)
            for matrix in (driven.matrix, *driven.operators)
        )
        pulses = driven.pulses
    count = len(pulses)
    names = ["pulse"] if count == 1 else [f"pulse{k}" for k in range(count)]
    parts, values = (dict(zip(names, of, strict=True)) for of in (operators, pulses))
    return ParametricSymbol(constant, parts, values)


def _is_pair(term: Any) -> bool:
    return len(term) == 2 and isinstance(term[0], Symbol)


def check_real(symbol: Symbol) -> None:
    """Raise unless an anti-Wick symbol is that of a Hermitian Hamiltonian."""
    symbol._require("antiwick")
    if _checks.is_concrete(symbol.coefficients) and not symbol.is_real(1e-6):
        raise ValueError(
            "Argument `symbol` must be real (a Hermitian Hamiltonian), but is "
            f"{symbol}."
        )

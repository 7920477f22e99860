"""Symbols of Hamiltonians given as text."""

import cmath
from typing import Any

import numpy as np

from ... import _checks
from ..driven import Driven
from ..pulses import pulse
from .monomials import ORDERINGS, format_monomial
from .parser import INFINITE, MAX_MODES, Form, Parser, Polynomial, number
from .symbol import Symbol


def parse_hamiltonian(
    text: str,
    *,
    modes: int | None = None,
    hbar: float = 1.0,
    ordering: str = "antiwick",
    **values: Any,
) -> Driven:
    """The symbol of a Hamiltonian operator given as text.

    Examples are "U/2*ad^2*a^2 + delta*n" and "-J*(ad1*a2 + h.c.) + U/2*(n1*(n1-1) +
    n2*(n2-1))". Operators a, ad (α̂, α̂†), n = ad*a, q = (a + ad)/√2 and
    p = (a - ad)/(1j √2) carry the number of their mode where there are several, and
    keep their order: [a, ad] = ħ. "h.c." as the last summand of a sum adds the adjoint
    of the preceding summands. pi, hbar and sqrt(number) are numbers, 1j is the
    imaginary unit. Any other name is a real parameter, and a name followed by the time,
    "drive(t)", is a pulse; the text must be linear in both.

    Args:
        text: at most 2000 characters, of degree at most 12.
        modes: number of modes; None for the highest in the text.
        hbar: ħ, a concrete number.
        ordering: ordering of the result.
        **values: values of all parameters and pulses, such as U=0.63; for drive(t) a
            function of the time, or a pulse made by `jqd.pulse` or
            `jqd.spaces.sampled_pulse`.

    Returns:
        The Hamiltonian with these values.

    Raises:
        ValueError: the text does not follow the grammar (the error names the column), a
            term makes the operator not Hermitian, or a parameter has no value (it names
            both); a number for a pulse, a function for a parameter, a pulse that is not
            real or is finite nowhere.
    """
    _checks.check_choice(ordering, "ordering", tuple(ORDERINGS))
    parser, form = _read(text, modes, hbar)
    for name, part in form.items():
        _check_hermitian(name, part, parser.hbar)
    symbols = {
        name: _symbol(form.get(name, {}), parser.modes, ordering, hbar)
        for name in (None, *parser.parameters, *parser.pulses)
    }
    fixed = symbols.pop(None)
    parts = {str(name): part for name, part in symbols.items()}
    for name in parser.pulses:
        if name in values:
            values[name] = pulse(values[name])
    for name in parser.parameters:
        if callable(values.get(name)):
            raise ValueError(
                f"Argument `{name}` must be a number for the parameter {name}, but is "
                f"a function; write `{name}(t)` in the text for a pulse."
            )
    return Driven(fixed, parts, values)


def parameters_of(
    text: str, *, modes: int | None = None, hbar: float = 1.0
) -> tuple[str, ...]:
    """The parameters that a Hamiltonian given as text names, sorted.

    Args:
        text: as for `parse_hamiltonian`.
        modes: as for `parse_hamiltonian`.
        hbar: as for `parse_hamiltonian`.

    Raises:
        ValueError: the text does not follow the grammar; the error names the column.
    """
    parser, _ = _read(text, modes, hbar)
    return tuple(sorted(parser.parameters))


def pulses_of(text: str, *, modes: int | None = None) -> tuple[str, ...]:
    """The pulses that a Hamiltonian given as text names, sorted.

    Args:
        text: as for `parse_hamiltonian`.
        modes: as for `parse_hamiltonian`.

    Raises:
        ValueError: the text does not follow the grammar; the error names the column.
    """
    parser, _ = _read(text, modes, 1.0)
    return tuple(sorted(parser.pulses))


def _read(text: str, modes: int | None, hbar: float) -> tuple[Parser, Form]:
    _checks.check_positive(hbar, "hbar", ())
    if not _checks.is_concrete(hbar):
        raise ValueError(
            "Argument `hbar` must be a concrete number for a text, but is traced."
        )
    if modes is not None and (
        not _checks.is_whole(modes) or not 1 <= modes <= MAX_MODES
    ):
        raise ValueError(
            f"Argument `modes` must be an integer from 1 to {MAX_MODES}, but is "
            f"{_checks.shown(modes)}."
        )
    parser = Parser(text, modes, float(hbar))
    return parser, parser.read()


def _symbol(part: Polynomial, modes: int, ordering: str, hbar: float) -> Symbol:
    terms = part or number(0, modes)
    with np.errstate(over="ignore", invalid="ignore"):
        symbol = Symbol.from_terms(terms, "wick").to(ordering, hbar)
    values = symbol.coefficients
    if _checks.is_concrete(values) and not np.all(np.isfinite(values)):
        raise ValueError(INFINITE)
    return symbol


def _check_hermitian(name: str | None, part: Polynomial, hbar: float) -> None:
    """Raise for a coefficient that is not the conjugate of that of the adjoint."""
    # in powers of ħ: coefficients of different powers of α have different units
    degrees = {(m, n): sum(m) + sum(n) for m, n in part}
    # from the end that leaves no power above 1
    ends = sorted(degrees.values()) or [0]
    end = ends[0] if hbar < 1 else ends[-1]
    unit = {power: hbar ** ((k - end) / 2) for power, k in degrees.items()}
    # of quarters the absolute value cannot overflow
    sizes = (abs(value / 4) * unit[power] for power, value in part.items())
    largest = max(sizes, default=0.0)
    for (m, n), value in part.items():
        if not cmath.isfinite(value):
            raise ValueError(
                "Argument `hamiltonian` must have finite coefficients, but that of "
                f"`{_written(name, (m, n))}` is {value:.6g}."
            )
        partner = part.get((n, m), 0j)
        if abs(value / 4 - partner.conjugate() / 4) * unit[m, n] > 1e-12 * largest:
            raise ValueError(
                "Argument `hamiltonian` must be Hermitian, but the coefficient of "
                f"`{_written(name, (m, n))}` is {value:.6g} and that of "
                f"`{_written(name, (n, m))}` is {partner:.6g}."
            )


def _written(name: str | None, power: Any) -> str:
    """A term as it is typed, such as "U*ad1^2*a2"."""
    factors = format_monomial(power, "ad{}", first=1).replace(" ", "*")
    return factors if name is None else f"{name}*{factors}"

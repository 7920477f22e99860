"""Hamiltonians given as text: tokens, and a recursive descent without evaluation.

    sum     = ["+" | "-"] product { ("+" | "-") product } [ "+" "h.c." ]
    product = factor { "*" factor | "/" factor }
    factor  = { "+" | "-" } power
    power   = atom [ ("^" | "**") integer ]
    atom    = number | name [ "(" "t" ")" ] | "sqrt" "(" sum ")" | "(" sum ")"

A name followed by "(t)" is a pulse, a function of the time. A value is a linear form in
parameters and pulses: a dict from the name of one, or None for what has none, to a
polynomial in operators.
"""

import cmath
import math
import re
import string
from typing import NamedTuple

from ... import _checks
from .monomials import Powers, multiply

MAX_LENGTH = 2000
MAX_DEGREE = 12
MAX_MODES = 16
MAX_DEPTH = 50
# Contractions of products in one text: about a second.
MAX_WORK = 200_000

# Polynomials in â and â† in Wick order (α̂†^n α̂^m) in action units, [α̂, α̂†] = ħ: plain
# numbers, by their powers.
Polynomial = dict[Powers, complex]
Form = dict[str | None, Polynomial]

_NAME = re.compile(r"(ad|[anqp])([0-9]*)")
_DIGITS = frozenset(string.digits)
_LETTERS = frozenset(string.ascii_letters + "_")


# -- tokens ----------------------------------------------------------------------------


class Token(NamedTuple):
    """A piece of text.

    Attributes:
        kind: "number", "name", "hc", "end", or the sign itself.
        text: as written.
        column: of its first character, from 1.
        value: of a number.
    """

    kind: str
    text: str
    column: int
    value: complex = 0j


def fail(requirement: str, column: int, problem: str) -> ValueError:
    """The error of a text at a column, on one line."""
    return ValueError(
        f"Argument `hamiltonian` must {requirement}, but at column {column} {problem}."
    )


def tokenize(text: str) -> list[Token]:
    """Tokens from left to right, the last of kind "end".

    Raises:
        ValueError: no text, more than 2000 characters, a character that has no meaning.
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError(
            "Argument `hamiltonian` must be a text that is not empty, but is "
            f"{_checks.shown(text)}."
        )
    if len(text) > MAX_LENGTH:
        raise ValueError(
            f"Argument `hamiltonian` must have at most {MAX_LENGTH} characters, but "
            f"has {len(text)}."
        )
    tokens, start = [], 0
    while start < len(text):
        if text[start].isspace():
            start += 1
            continue
        token = _token(text, start)
        tokens.append(token)
        start += len(token.text)
    return [*tokens, Token("end", "", len(text) + 1)]


def _token(text: str, start: int) -> Token:
    """The token that begins here."""
    first, column = text[start], start + 1
    for word in ("h.c.", "h.c", "hc"):
        after = text[start + len(word) : start + len(word) + 1]
        if text.startswith(word, start) and after not in _LETTERS | _DIGITS:
            return Token("hc", word, column)
    if first in _LETTERS:
        end = _run(text, start, _LETTERS | _DIGITS)
        return Token("name", text[start:end], column)
    if first in _DIGITS or first == ".":
        return _number(text, start)
    if text.startswith("**", start):
        return Token("^", "**", column)
    if first in "+-*/^()":
        return Token(first, first, column)
    raise fail(
        "be made of numbers, names and + - * / ^ ( )",
        column,
        f"there is {first!r}",
    )


def _number(text: str, start: int) -> Token:
    """Digits, a point, digits, an exponent and j for the imaginary unit."""
    end = _run(text, start, _DIGITS)
    if text[end : end + 1] == ".":
        end = _run(text, end + 1, _DIGITS)
    digits = text[start:end]
    if digits == ".":
        raise fail("have digits beside a point", start + 1, "there is '.'")
    if text[end : end + 1] in ("e", "E"):
        signed = end + 1 + (text[end + 1 : end + 2] in ("+", "-"))
        after = _run(text, signed, _DIGITS)
        if after > signed:
            end = after
    value = float(text[start:end])
    if value == float("inf"):
        raise fail("be finite", start + 1, f"{text[start:end]} is not")
    after = text[end + 1 : end + 2]
    if text[end : end + 1] == "j" and (not after or after not in _LETTERS | _DIGITS):
        return Token("number", text[start : end + 1], start + 1, 1j * value)
    return Token("number", text[start:end], start + 1, complex(value))


def _run(text: str, start: int, members: frozenset[str]) -> int:
    """The end of the characters of a set that follow each other."""
    while start < len(text) and text[start] in members:
        start += 1
    return start


# -- grammar ---------------------------------------------------------------------------


class Parser:
    """Reads one text."""

    def __init__(self, text: str, modes: int | None, hbar: float):
        self.tokens = tokenize(text)
        self.place = 0
        self.depth = 0
        self.work = 0
        self.hbar = hbar
        self.modes = _modes(self.tokens, modes)
        # in the order of the text
        self.parameters: dict[str, None] = {}
        self.pulses: dict[str, None] = {}

    def read(self) -> Form:
        """The Hamiltonian in Wick order.

        Raises:
            ValueError: the text does not follow the grammar.
        """
        form = self._sum()
        token = self.next
        if token.kind == ")":
            raise fail("have matching parentheses", token.column, "a ')' is too many")
        if token.kind != "end":
            raise fail(
                "have an operator such as * between factors",
                token.column,
                f"`{token.text}` follows without one",
            )
        return form

    @property
    def next(self) -> Token:
        """The token that is read next."""
        return self.tokens[self.place]

    def _take(self, *kinds: str) -> Token | None:
        """The next token, passed over, if it is of one of these kinds."""
        token = self.next
        if token.kind not in kinds:
            return None
        self.place += 1
        return token

    def _sum(self) -> Form:
        total = self._product()
        while sign := self._take("+", "-"):
            if hc := self._take("hc"):
                if sign.kind == "-" or self.next.kind not in (")", "end"):
                    raise fail(
                        "have h.c. as the last summand, added",
                        hc.column,
                        "it is subtracted or more follows",
                    )
                return _add(total, {x: adjoint(part) for x, part in total.items()})
            term = self._product()
            total = _add(total, term if sign.kind == "+" else _scaled(term, -1))
        return total

    def _product(self) -> Form:
        total = self._factor()
        while sign := self._take("*", "/"):
            column = self.next.column
            factor = self._factor()
            if sign.kind == "/":
                value = self._as_number(factor, column, "divide by numbers only")
                if value == 0:
                    raise fail("not divide by zero", column, "the divisor is 0")
                total = _scaled(total, 1 / value)
            else:
                total = self._times(total, factor, column)
        return total

    def _factor(self) -> Form:
        sign = 1
        while token := self._take("+", "-"):
            sign = -sign if token.kind == "-" else sign
        form = self._power()
        return form if sign == 1 else _scaled(form, -1)

    def _power(self) -> Form:
        base = self._atom()
        if not self._take("^"):
            return base
        token = self._take("number")
        if token is None or not token.text.isdecimal() or int(token.text) > MAX_DEGREE:
            found = token or self.next
            raise fail(
                f"have integers from 0 to {MAX_DEGREE} as exponents",
                found.column,
                f"there is {_shown(found)}",
            )
        result: Form = {None: number(1, self.modes)}
        for _ in range(int(token.text)):
            result = self._times(result, base, token.column)
        if self.next.kind == "^":
            raise fail(
                "have parentheses around a power that is raised again",
                self.next.column,
                f"there is {_shown(self.next)}",
            )
        return result

    def _atom(self) -> Form:
        token = self.next
        self.place += token.kind != "end"
        if token.kind == "number":
            return {None: number(token.value, self.modes)}
        if token.kind == "name" and token.text == "sqrt" and self.next.kind == "(":
            column = self.next.column
            inner = self._parentheses(self._atom_open())
            value = self._as_number(inner, column, "take roots of numbers only")
            return {None: number(cmath.sqrt(value), self.modes)}
        if token.kind == "name":
            return self._name(token)
        if token.kind == "(":
            return self._parentheses(token)
        raise fail(
            "have h.c. as the last summand, added"
            if token.kind == "hc"
            else "have a number, a name or a parenthesis for each term",
            token.column,
            f"there is {_shown(token)}",
        )

    def _atom_open(self) -> Token:
        """The opening parenthesis, passed over."""
        token = self.next
        self.place += 1
        return token

    def _parentheses(self, opening: Token) -> Form:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise fail(
                f"nest at most {MAX_DEPTH} parentheses",
                opening.column,
                "another one opens",
            )
        form = self._sum()
        if not self._take(")"):
            if self.next.kind != "end":
                raise fail(
                    "have an operator such as * between factors",
                    self.next.column,
                    f"`{self.next.text}` follows without one",
                )
            raise fail(
                "have matching parentheses", opening.column, "a '(' is not closed"
            )
        self.depth -= 1
        return form

    def _name(self, token: Token) -> Form:
        """An operator, a constant or a parameter."""
        parts = operator_parts(token.text)
        if parts is not None:
            mode = 1 if parts[1] is None else parts[1]
            return {None: operator(parts[0], mode - 1, self.modes)}
        constants = {"pi": math.pi, "hbar": self.hbar}
        if token.text in constants:
            return {None: number(constants[token.text], self.modes)}
        if token.text in ("i", "j", "I"):
            raise fail(
                "write the imaginary unit as 1j", token.column, f"there is {token.text}"
            )
        kind, other = self.parameters, self.pulses
        ahead = self.tokens[self.place : self.place + 3]
        if [piece.text for piece in ahead] == ["(", "t", ")"]:
            self.place += 3
            kind, other = other, kind
        if token.text in other:
            raise fail(
                "write a pulse with its time wherever it stands",
                token.column,
                f"`{token.text}` and `{token.text}(t)` are both there",
            )
        kind.setdefault(token.text)
        return {token.text: number(1, self.modes)}

    def _times(self, left: Form, right: Form, column: int) -> Form:
        """The product of two forms of which one at most has parameters."""
        names = [name for form in (left, right) for name in form if name is not None]
        if set(left) - {None} and set(right) - {None}:
            raise fail(
                "be linear in its parameters",
                column,
                f"`{names[0]}` is multiplied by `{names[-1]}`",
            )
        total: Form = {}
        for x, f in left.items():
            for y, g in right.items():
                self._check_cost(f, g, column)
                total = _add(total, {x or y: product(f, g, self.hbar)})
        return total

    def _check_cost(self, left: Polynomial, right: Polynomial, column: int) -> None:
        both = degree(left) + degree(right)
        if both > MAX_DEGREE:
            raise fail(
                f"have at most degree {MAX_DEGREE}", column, f"it reaches {both}"
            )
        self.work += len(left) * len(right) * (1 + both // 2)
        if self.work > MAX_WORK:
            raise fail(
                "be short when multiplied out", column, "there are too many terms"
            )

    def _as_number(self, form: Form, column: int, requirement: str) -> complex:
        polynomial = form.get(None, {})
        if set(form) - {None} or degree(polynomial) > 0:
            raise fail(requirement, column, "there is a name")
        return sum(polynomial.values())


def _modes(tokens: list[Token], modes: int | None) -> int:
    """Number of modes, after a check of every operator in the text."""
    named = [
        (token, parts[1])
        for token in tokens
        if token.kind == "name" and (parts := operator_parts(token.text))
    ]
    highest = max((mode or 1 for _, mode in named), default=1)
    count = highest if modes is None else modes
    for token, mode in named:
        if mode is None and count > 1:
            raise fail(
                "number the operators where there are several modes",
                token.column,
                f"`{token.text}` has no number",
            )
        if mode is not None and not 1 <= mode <= min(count, MAX_MODES):
            raise fail(
                f"have modes from 1 to {min(count, MAX_MODES)}",
                token.column,
                f"there is `{token.text}`",
            )
    return count


def _add(left: Form, right: Form) -> Form:
    total = dict(left)
    for name, part in right.items():
        total[name] = add(total.get(name, {}), part)
    return total


def _scaled(form: Form, factor: complex) -> Form:
    return {
        name: {power: value * factor for power, value in part.items()}
        for name, part in form.items()
    }


def _shown(token: Token) -> str:
    return "the end" if token.kind == "end" else f"`{token.text}`"


# -- polynomials in operators ---------------------------------------------------------


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

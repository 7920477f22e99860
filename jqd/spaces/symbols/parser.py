"""Hamiltonians given as text, which is read with Python's grammar and never evaluated.

The text is cut into numbers, names and signs, each of which must fit the one before it.
Python's parser then sees only the signs, with an x for every number and name, and
determines how they are grouped. A name followed by "(t)" is a pulse, a function of the
time; "+ h.c." adds the adjoint of the preceding terms in its sum.

A value is a linear form in parameters and pulses: a dict from the name of a parameter
or pulse, or from None for the rest, to a polynomial in operators.
"""

import ast
import cmath
import math
import re
from typing import NamedTuple

from ... import _checks
from .monomials import Powers, multiply

MAX_LENGTH = 2000
MAX_DEGREE = 12
MAX_MODES = 16
MAX_DEPTH = 50
INFINITE = "Argument `hamiltonian` must have finite coefficients, but one is too large."
# Most contractions of products in one text, which take about a second.
MAX_WORK = 200_000

# Polynomials in â and â† in Wick order (α̂†^n α̂^m) in action units, [α̂, α̂†] = ħ: plain
# numbers, by their powers.
Polynomial = dict[Powers, complex]
Form = dict[str | None, Polynomial]

_TOKEN = re.compile(
    r"""
    (?P<hc> (?:h\.c\.?|hc) END )
    | (?P<operator> (?:ad|[anqp])[0-9]* END )
    | (?P<constant> (?:pi|hbar) END )
    | (?P<root> sqrt (?=\s*\() )
    | (?P<pulse> NAME \s*\(\s*t\s*\) )
    | (?P<name> NAME )
    | (?P<number> (?:[0-9]+\.?[0-9]*|\.[0-9]+) (?:[eE][+-]?[0-9]+)? (?:j END)? )
    | (?P<sign> \*\*|[-+*/^()] )
    | (?P<other> \S )
    """.replace("NAME", "[A-Za-z_][A-Za-z0-9_]*").replace("END", "(?![A-Za-z0-9_])"),
    re.VERBOSE,
)
# Kinds of tokens with which a value begins, and those with which it ends.
_ATOMS = frozenset({"hc", "operator", "constant", "pulse", "name", "number"})
_BEGINS, _ENDS = _ATOMS | {"root", "("}, _ATOMS | {")"}
_ADDED = "have h.c. as the last summand, added"


# -- tokens ----------------------------------------------------------------------------


class Token(NamedTuple):
    """A piece of text.

    Attributes:
        kind: as above, or the sign itself; "end" for the last token.
        text: as written; for a pulse only its name.
        column: column of the first character, from 1.
    """

    kind: str
    text: str
    column: int


def fail(requirement: str, token: Token, problem: str = "") -> ValueError:
    """The error for a text at a token, on one line."""
    shown = "the end" if token.kind == "end" else f"`{token.text}`"
    return ValueError(
        f"Argument `hamiltonian` must {requirement}, but at column {token.column} "
        f"{problem or f'there is {shown}'}."
    )


def tokenize(text: str) -> list[Token]:
    """Tokens from left to right; the last is of kind "end".

    Raises:
        ValueError: no text, more than 2000 characters, a character that has no meaning,
            a number that is not finite, or a token that does not fit those before it.
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
    tokens = []
    for match in _TOKEN.finditer(text):
        kind, word, column = str(match.lastgroup), match[0], match.start() + 1
        if kind == "other":
            token = Token(kind, word, column)
            requirement = "be made of numbers, names and + - * / ^ ( )"
            raise fail(requirement, token, f"there is {word!r}")
        if kind == "sign":
            kind = "^" if word == "**" else word
        if kind == "pulse":
            word = word.split("(")[0].rstrip()
        tokens.append(Token(kind, word, column))
    tokens.append(Token("end", "", len(text) + 1))
    _check(tokens)
    return tokens


def _check(tokens: list[Token]) -> None:
    """Raise for a token that does not fit to those before it."""
    opened: list[Token] = []
    last = before = Token("start", "", 0)
    for token in tokens:
        _check_number_or_name(token)
        _check_order(last, before, token)
        if token.kind == "(":
            opened.append(token)
            if len(opened) > MAX_DEPTH:
                requirement = f"nest at most {MAX_DEPTH} parentheses"
                raise fail(requirement, token, "another one opens")
        elif token.kind == ")":
            if not opened:
                raise fail("have matching parentheses", token, "a ')' is too many")
            opened.pop()
        last, before = before, token
    if opened:
        raise fail("have matching parentheses", opened[-1], "a '(' is not closed")


def _check_number_or_name(token: Token) -> None:
    if token.text in ("i", "j", "I"):
        raise fail("write the imaginary unit as 1j", token, f"there is {token.text}")
    if token.kind == "number" and not cmath.isfinite(complex(token.text)):
        raise fail("be finite", token, f"{token.text} is not")


def _check_order(last: Token, before: Token, token: Token) -> None:
    """Raise where a token cannot follow the two before it."""
    if before.kind == "^":
        exponent = token.text if token.kind == "number" else ""
        if not exponent.isdecimal() or int(exponent) > MAX_DEGREE:
            raise fail(f"have integers from 0 to {MAX_DEGREE} as exponents", token)
    elif token.kind == "^" and last.kind == "^":
        raise fail("have parentheses around a power that is raised again", token)
    elif token.kind == "hc" and not (before.kind == "+" and last.kind in _ENDS):
        raise fail(_ADDED, token, "it is not")
    elif before.kind == "hc" and token.kind not in (")", "end"):
        raise fail(_ADDED, before, "more follows")
    elif before.kind in _ENDS and token.kind in _BEGINS:
        requirement = "have an operator such as * between factors"
        raise fail(requirement, token, f"`{token.text}` follows without one")
    elif before.kind not in _ENDS and token.kind not in {*_BEGINS, "+", "-"}:
        raise fail("have a number, a name or a parenthesis for each term", token)


# -- grammar ---------------------------------------------------------------------------


class Parser:
    """Reads one text."""

    def __init__(self, text: str, modes: int | None, hbar: float):
        self.tokens = tokenize(text)
        self.work = 0
        self.hbar = hbar
        self.modes = _modes(self.tokens, modes)
        # in the order of the text
        self.parameters: dict[str, None] = {}
        self.pulses: dict[str, None] = {}

    def read(self) -> Form:
        """The Hamiltonian in Wick order.

        Raises:
            ValueError: the text is not linear in its parameters, is too long when
                multiplied out, divides by something other than a number, or is too
                large.
        """
        # one token per line, so that a node knows its token
        lines = [
            {"^": "**", "end": ""}.get(kind, kind if len(kind) == 1 else "x")
            for kind, *_ in self.tokens
        ]
        try:
            tree = ast.parse("(" + "\n".join(lines) + ")", mode="eval")
        except (RecursionError, MemoryError):
            raise fail("be short", self.tokens[-1], "too many signs nest") from None
        try:
            return self._form(tree.body)
        except OverflowError:
            raise ValueError(INFINITE) from None

    def _form(self, node: ast.expr) -> Form:
        """The value of an expression."""
        # from the left end, where long sums and products are deep
        outer: list[ast.BinOp | ast.UnaryOp] = []
        while isinstance(node, ast.BinOp | ast.UnaryOp):
            outer.append(node)
            node = node.left if isinstance(node, ast.BinOp) else node.operand
        if isinstance(node, ast.Call):
            root = self._number(node.args[0], "take roots of numbers only")
            form = self._multiple(cmath.sqrt(root))
        else:
            form = self._atom(self.tokens[node.lineno - 1])
        minus = False
        for part in reversed(outer):
            if isinstance(part, ast.BinOp):
                form = self._joined(_scaled(form, -1) if minus else form, part)
                minus = False
            elif isinstance(part.op, ast.USub):
                minus = not minus
        return _scaled(form, -1) if minus else form

    def _joined(self, form: Form, node: ast.BinOp) -> Form:
        """The value of the left side of an operator, with its right side."""
        token = self._token(node.right)
        match node.op:
            case ast.Add() if token.kind == "hc":
                return _add(form, {x: adjoint(part) for x, part in form.items()})
            case ast.Add():
                return _add(form, self._form(node.right))
            case ast.Sub():
                return _add(form, _scaled(self._form(node.right), -1))
            case ast.Mult():
                return self._times(form, self._form(node.right), token)
            case ast.Div():
                value = self._number(node.right, "divide by numbers only")
                if value == 0:
                    raise fail("not divide by zero", token, "the divisor is 0")
                return _scaled(form, 1 / value)
            case _:
                power = self._multiple(1)
                for _ in range(int(token.text)):
                    power = self._times(power, form, token)
                return power

    def _token(self, node: ast.expr) -> Token:
        """The first token of an operand, with its parentheses."""
        place = node.lineno - 1
        while self.tokens[place - 1].kind == "(":
            place -= 1
        return self.tokens[place]

    def _multiple(self, value: complex) -> Form:
        return {None: number(value, self.modes)}

    def _number(self, node: ast.expr, requirement: str) -> complex:
        form = self._form(node)
        polynomial = form.get(None, {})
        if set(form) - {None} or degree(polynomial) > 0:
            raise fail(requirement, self._token(node), "there is a name")
        return sum(polynomial.values())

    def _atom(self, token: Token) -> Form:
        """A number, an operator, a constant, a parameter or a pulse."""
        if token.kind == "number":
            return self._multiple(complex(token.text))
        if parts := operator_parts(token.text):
            return {None: operator(parts[0], (parts[1] or 1) - 1, self.modes)}
        if token.kind == "constant":
            return self._multiple({"pi": math.pi, "hbar": self.hbar}[token.text])
        kind, other = self.parameters, self.pulses
        if token.kind == "pulse":
            kind, other = other, kind
        if token.text in other:
            raise fail(
                "write a pulse with its time wherever it stands",
                token,
                f"`{token.text}` and `{token.text}(t)` are both there",
            )
        kind.setdefault(token.text)
        return {token.text: number(1, self.modes)}

    def _times(self, left: Form, right: Form, token: Token) -> Form:
        """The product of two forms of which one at most has parameters."""
        names = [name for form in (left, right) for name in form if name is not None]
        if set(left) - {None} and set(right) - {None}:
            raise fail(
                "be linear in its parameters",
                token,
                f"`{names[0]}` is multiplied by `{names[-1]}`",
            )
        total: Form = {}
        for x, f in left.items():
            for y, g in right.items():
                both = degree(f) + degree(g)
                if both > MAX_DEGREE:
                    problem = f"it reaches {both}"
                    raise fail(f"have at most degree {MAX_DEGREE}", token, problem)
                self.work += len(f) * len(g) * (1 + both // 2)
                if self.work > MAX_WORK:
                    problem = "there are too many terms"
                    raise fail("be short when multiplied out", token, problem)
                total = _add(total, {x or y: product(f, g, self.hbar)})
        return total


def _modes(tokens: list[Token], modes: int | None) -> int:
    """Number of modes, after a check of every operator in the text."""
    parts = [(token, operator_parts(token.text)) for token in tokens]
    named = [(token, found[1]) for token, found in parts if found]
    highest = max((mode or 1 for _, mode in named), default=1)
    count = highest if modes is None else modes
    for token, mode in named:
        if mode is None and count > 1:
            raise fail(
                "number the operators where there are several modes",
                token,
                f"`{token.text}` has no number",
            )
        if mode is not None and not 1 <= mode <= min(count, MAX_MODES):
            raise fail(
                f"have modes from 1 to {min(count, MAX_MODES)}",
                token,
                f"there is `{token.text}`",
            )
    return count


def _add(left: Form, right: Form) -> Form:
    return left | {x: add(left.get(x, {}), part) for x, part in right.items()}


def _scaled(form: Form, factor: complex) -> Form:
    return {x: {p: c * factor for p, c in part.items()} for x, part in form.items()}


# -- polynomials in operators ---------------------------------------------------------


def operator_parts(name: str) -> tuple[str, int | None] | None:
    """("ad", 2) for "ad2", ("ad", None) for "ad", None for any other name."""
    if not (match := re.fullmatch(r"(ad|[anqp])([0-9]*)", name)):
        return None
    return match[1], int(match[2]) if match[2] else None


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
    """The largest total power; 0 without terms."""
    return max((sum(m) + sum(n) for m, n in polynomial), default=0)


def _accumulate(total: Polynomial, power: Powers, value: complex) -> None:
    """Add to a coefficient; what rounding leaves of a cancellation is dropped."""
    old = total.get(power, 0j)
    new = old + value
    # Powers of √½, added up in different orders, differ by a few rounding errors.
    if abs(new) <= 1e-14 * abs(old):
        total.pop(power, None)
    else:
        total[power] = new

"""Tokens of a Hamiltonian given as text, with their columns."""

import string
from typing import NamedTuple

MAX_LENGTH = 2000

_DIGITS = frozenset(string.digits)
_LETTERS = frozenset(string.ascii_letters + "_")


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
            f"Argument `hamiltonian` must be a text that is not empty, but is {text!r}."
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

"""Words that messages share."""

import difflib
from collections.abc import Iterable
from typing import Any


def did_you_mean(given: Any, known: Iterable[Any]) -> str:
    """The end of a refusal of a word: a full stop, or a question by its nearest kin.

    Args:
        given: what was given.
        known: what would have been taken; only words are compared.
    """
    words = {str(word).lower(): str(word) for word in known if isinstance(word, str)}
    near = difflib.get_close_matches(str(given).lower(), words, n=1)
    return f"; did you mean {words[near[0]]!r}?" if near else "."


def p_words(p: float, sign: str = "= ", digits: int = 2) -> str:
    """A p-value; where no float is as small, what it is below.

    Args:
        p: the p-value; NaN stays NaN.
        sign: before it, "" for a cell of a table.
        digits: of the number.
    """
    return "< 1e-300" if p == 0 else f"{sign}{p:.{digits}g}"

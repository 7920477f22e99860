"""Equations of docstrings, written in a line with Unicode, as TeX.

`√(2ν) x₀²` becomes `\\sqrt{2ν} x_{0}^{2}`: no sign is lost, fractions keep their slash.
What this does not know stays on the page as it is.
"""

import re
import unicodedata
from collections.abc import Sequence

FUNCTIONS = {
    "exp", "ln", "cos", "sin", "tanh", "coth", "artanh", "det", "min", "max", "diag",
    "var", "median", "sd", "Re", "Im", "Cov",
}  # fmt: skip
# Words of two letters, which else are products, and what is no product of letters.
SHORT = {
    "of", "in", "at", "if", "is", "to", "by", "as", "on", "or", "it", "up", "an", "no",
    "eq",
}  # fmt: skip
NAMES = {"KE", "PE", "ZPE", "KL", "MB"}
SIGNS = {
    "<=": "≤", ">=": "≥", "->": "→", "...": r"\dots ", "~": r"\sim ", "½": r"\tfrac12 ",
    "ħ": r"\hbar ", "Σ": r"\sum ", "Π": r"\prod ", "%": r"\%", "{": r"\{", "}": r"\}",
}  # fmt: skip
ACCENTS = {"\u0307": "dot", "\u0304": "bar", "\u0302": "hat"}
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀ†"
SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉₊₋ₜₓ"
CLOSING = {"(": ")", "[": "]", "{": "}"}
LATIN, GREEK = "A-Za-z", "α-ωΑ-ΡΤ-Ω"  # Σ is a sum
WORD = re.compile(rf"[{LATIN}]+(?:'s)?")
RUN = re.compile(rf"[-+]?(?:[{LATIN}{GREEK}0-9]+|½)")
MEAN = re.compile(r"<(?=\S)([^<>=]{1,40})(?<=\S)>")  # <x>, and no relation
KET = re.compile(r"\|([^|<>\s]{1,9})>")
# Not text: what TeX would read as markup.
UNKNOWN = set('`"\\$#&')


def tex(lines: Sequence[str]) -> str | None:
    """TeX of the lines of an equation; None where most is prose, or is not known."""
    lines = [unicodedata.normalize("NFC", line.rstrip()) for line in lines]
    if UNKNOWN & set("".join(lines)) or is_prose(" ".join(lines)):
        return None
    try:
        rows = [row(line.strip()) for line in lines]
    except ValueError:  # a bracket is not closed, or a root has no clear end
        return None
    if len(rows) == 1:
        return rows[0]
    return "\\begin{aligned}\n& " + " \\\\\n& ".join(rows) + "\n\\end{aligned}"


def is_prose(text: str) -> bool:
    """Whether half of the letters are those of words."""
    words = [word for word in WORD.findall(text) if is_word(word)]
    letters = re.findall(rf"[{LATIN}{GREEK}]", text)
    return 2 * sum(map(len, words)) > len(letters)


def is_word(text: str) -> bool:
    """Whether letters are a word and no product, function or name."""
    if text in FUNCTIONS | NAMES | {"sqrt"}:
        return False
    return text in SHORT or len(text) > 2


def row(text: str) -> str:
    """A line, or what stands in brackets, an index or a root."""
    text = "".join(map(apart, text))
    text = MEAN.sub(r"⟨\1⟩", text)
    text = KET.sub(r"|\1⟩", text)
    out, at = [], 0
    while at < len(text):
        piece, at = atom(text, at)
        marks, at = indices(text, at) if piece.strip() else ("", at)
        out.append(piece + marks)
    # neighbouring words are one text, lest there be two spaces between them
    return re.sub(r" \} ?\\text\{ ?", " ", "".join(out))


def apart(sign: str) -> str:
    """A letter and its dot, bar or hat, which may be one character."""
    parts = unicodedata.normalize("NFD", sign)
    return parts if parts[1:] in ACCENTS else sign


def atom(text: str, at: int) -> tuple[str, int]:
    """A sign, a letter with its accent, a word or a root, and where it ends."""
    if spaces := re.compile(r" {2,}").match(text, at):
        return r" \quad ", spaces.end()
    if text[at] == "√" or text.startswith("sqrt(", at):
        at += 1 if text[at] == "√" else 4
        if text[at] in "([":
            inside, end = bracket(text, at)
            marks, after = indices(text, end, only_below=True)
            if marks:  # the root of an entry, not the entry of a root
                return rf"\sqrt{{{text[at]}{row(inside)}{text[end - 1]}{marks}}}", after
            return rf"\sqrt{{{row(inside)}}}", end
        if found := re.compile(r"\d+").match(text, at):
            piece, at = found[0], found.end()
            if text[at : at + 1].isalpha():
                raise ValueError(text)  # √2π may be either
        else:
            piece, at = atom(text, at)
        marks, at = indices(text, at, only_below=True)
        return rf"\sqrt{{{piece}{marks}}}", at
    if (word := WORD.match(text, at)) and not accented(text, word.end()):
        return letters(text, word)
    for sign, meant in SIGNS.items():
        if text.startswith(sign, at):
            return meant, at + len(sign)
    if accented(text, at + 1):
        return rf"\{ACCENTS[text[at + 1]]}{{{text[at]}}}", at + 2
    return text[at], at + 1


def accented(text: str, at: int) -> bool:
    return text[at : at + 1] in ACCENTS and bool(text[at : at + 1])


def letters(text: str, word: re.Match) -> tuple[str, int]:
    """Words as text, functions upright, the first of what is a product."""
    if word[0] in FUNCTIONS:
        return rf"\operatorname{{{word[0]}}}", word.end()
    if word[0] in NAMES:
        return rf"\mathrm{{{word[0]}}}", word.end()
    following = WORD.match(text, word.end() + 1)
    article = word[0] == "a" and text[word.end() :].startswith(" ") and following
    if not is_word(word[0]) and not (article and is_word(following[0])):
        return text[word.start()], word.start() + 1
    before = " " * text[: word.start()].endswith(" ")
    after = " " * text[word.end() :].startswith(" ")
    return rf"\text{{{before}{word[0]}{after}}}", word.end()


def indices(text: str, at: int, only_below: bool = False) -> tuple[str, int]:
    """Superscripts and subscripts that follow, those of a kind together."""
    above, below = [], []
    while at < len(text):
        sign = text[at]
        if sign in SUBSCRIPTS:
            below.append(unicodedata.normalize("NFKC", sign))
        elif sign == "_":
            inside, at = index(text, at + 1)
            below.append(inside)
            continue
        elif only_below:
            break
        elif sign in SUPERSCRIPTS:
            plain = {"†": r"\dagger ", "⁻": "-"}
            above.append(plain.get(sign) or unicodedata.normalize("NFKC", sign))
        elif sign == "*" and at and text[at - 1] != " ":
            above.append("*")
        elif sign == "^":
            inside, at = index(text, at + 1)
            above.append(inside)
            continue
        else:
            break
        at += 1
    up = f"^{{{''.join(above)}}}" if above else ""
    return (f"_{{{''.join(below)}}}" if below else "") + up, at


def index(text: str, at: int) -> tuple[str, int]:
    """What stands behind `_` or `^`: in brackets, between bars, or letters in a run."""
    if text[at] in CLOSING:
        inside, at = bracket(text, at)
        return row(inside), at
    if text[at] == "|":
        end = text.index("|", at + 1) + 1
        return row(text[at:end]), end
    found = RUN.match(text, at)
    if not found:
        return text[at], at + 1
    named = WORD.fullmatch(found[0]) and is_word(found[0])
    return (rf"\text{{{found[0]}}}" if named else row(found[0])), found.end()


def bracket(text: str, at: int) -> tuple[str, int]:
    """What stands in the brackets that open here, and where they end."""
    opening, closing, depth = text[at], CLOSING[text[at]], 0
    for end in range(at, len(text)):
        depth += (text[end] == opening) - (text[end] == closing)
        if not depth:
            return text[at + 1 : end], end + 1
    raise ValueError(text)

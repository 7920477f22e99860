"""Two formulas with what differs underlined."""

import difflib
import re

from katex_math import render
from sphinx.errors import ExtensionError

TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|\s+|.", re.DOTALL)
# A run that begins or ends with one of these would be torn from what it belongs to.
BOUND = {"^", "_", "&", r"\\"}


def marked(printed: str, right: str) -> tuple[str, str]:
    """Both formulas; each without marks where TeX does not let what differs be marked.

    Args:
        printed: TeX.
        right: TeX.
    """
    one, other = TOKEN.findall(printed), TOKEN.findall(right)
    changes = difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    first = [(i, j) for tag, i, j, _, _ in changes if tag != "equal" and j > i]
    second = [(i, j) for tag, _, _, i, j in changes if tag != "equal" and j > i]
    return _underlined(one, first, printed), _underlined(other, second, right)


def _underlined(tokens: list[str], runs: list[tuple[int, int]], plain: str) -> str:
    """The tokens, the runs underlined one by one as far as the result is TeX."""
    for start, end in reversed(runs):
        run = tokens[start:end]
        before = tokens[start - 1] if start else ""
        index = before in ("^", "_") and len(run) == 1
        torn = BOUND & set(run) or (before in BOUND and not index)
        if torn or run.count("{") != run.count("}") or not "".join(run).strip():
            continue
        opening, closing = (r"{\underline{", "}}") if index else (r"\underline{", "}")
        tried = [*tokens[:start], opening, *run, closing, *tokens[end:]]
        if _is_tex(text := "".join(tried)):
            tokens, plain = tried, text
    return plain


def _is_tex(text: str) -> bool:
    try:
        render(text, True, "mathml")
    except ExtensionError:
        return False
    return True

"""Pages and messages use the field's words, none of those that puzzled readers."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# what to write instead
AVOIDED = {
    r"also-rans?": "laws that fit worse",
    r"by custom": "by default",
    r"ledgers?": "equations of the papers",
    r"(cannot|can|must) tell": "determine, distinguish",
    r"tells? nothing": "constrains nothing",
    r"(tell|told|tells) (\w+ )?apart": "distinguish",
    r"told from": "distinguished from",
    r"what \w+ steps may have done": "the integration error",
    r"so-called": "nothing of it",
    r"node of the law": "a population reaches zero",
    r"settled with": "converged",
    r"a page a \w+": "one page for each ..",
}


def avoided(text):
    """Each avoided word in the text, and what to write instead."""
    for words, instead in AVOIDED.items():
        for match in re.finditer(rf"\b{words}\b", text, re.IGNORECASE):
            yield f"{match[0]!r}; write {instead}"


def pages():
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def messages(tree):
    """Strings of code but docstrings: messages, help, labels."""
    scopes = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    described = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, scopes) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if text and id(node) not in described:
            yield node.lineno, node.value


def test_pages():
    found = [
        f"{page.relative_to(ROOT)}:{number}: {match}"
        for page in pages()
        for number, line in enumerate(page.read_text().splitlines(), 1)
        for match in avoided(line)
    ]
    assert not found, "\n".join(found)


def test_displayed_equations():
    """A `$$` that opens or ends within a line is shown as it stands."""
    found = [
        f"{page.relative_to(ROOT)}:{number}"
        for page in pages()
        for number, line in enumerate(page.read_text().splitlines(), 1)
        if "$$" in line and not re.fullmatch(r"\s*\$\$(.*\$\$)?", line)
    ]
    assert not found, "\n".join(found)


def test_messages():
    found = [
        f"{path.relative_to(ROOT)}:{line}: {match}"
        for path in sorted((ROOT / "jqd").rglob("*.py"))
        for line, text in messages(ast.parse(path.read_text()))
        for match in avoided(text)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("text", ["The data cannot tell q.", "by custom", "A ledger"])
def test_the_check_finds(text):
    source = f"def f():\n    '''{text}'''\n    raise ValueError({text!r})\n"
    ((line, message),) = messages(ast.parse(source))
    assert line == 3
    assert len(list(avoided(message))) == 1

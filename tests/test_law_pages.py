"""Each page of a law has a snippet that prints what stands below it."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from jqd.cli.law_words import parse_laws
from jqd.cli.vet_laws import KNOWN

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page for page in (ROOT / "docs" / "laws").glob("*.md") if page.stem != "index"
)
BLOCK = r"((?:(?!```).)*)```"
SNIPPET = re.compile(rf"```python\n{BLOCK}\n\n```text\n{BLOCK}", re.DOTALL)
COMMANDS = re.compile(rf"```sh\n{BLOCK}", re.DOTALL)
# Nothing to compile but a few levels or numbers; the others take seconds.
QUICK = {
    "classical_diffusion", "copying", "dephasing", "gisin", "lindblad", "packets",
    "schrodinger", "statistics", "temperature", "weinberg",
}  # fmt: skip


def text(page):
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_has_a_snippet_its_output_and_a_command(page):
    before, found, _ = text(page).partition("\n## In Python\n")
    assert found
    assert "$$" in before  # the equation comes first
    ((code, shown),) = SNIPPET.findall(text(page))
    assert "jqd" in code
    assert shown.strip()
    assert any(line.startswith("jqd ") for line in commands(page))


def commands(page):
    return [
        line for block in COMMANDS.findall(text(page)) for line in block.split("\n")
    ]


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[] if page.stem in QUICK else pytest.mark.slow)
        for page in PAGES
    ],
    ids=lambda page: page.stem,
)
def test_a_snippet_prints_what_stands_below_it(page):
    """Outputs are closed forms, rounded to far more than the steps' errors."""
    ((code, shown),) = SNIPPET.findall(text(page))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, str(page), "exec"), {"__name__": "__main__"})
    assert printed.getvalue() == shown


def test_laws_and_experiments_of_commands_exist():
    laws = set()
    for page in PAGES:
        for line in commands(page):
            words = shlex.split(line, comments=True)
            for word in words:
                if word.startswith("experiments/"):
                    assert (ROOT / word).exists(), (page.stem, word)
                if "[" in word:
                    laws |= set(parse_laws(word, beyond=KNOWN))
    assert {"logarithmic[b=0.2]", "csl[lam=0.2,r_C=0.5]"} <= laws
    assert len(laws) >= 13

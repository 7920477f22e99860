"""What pages take from the code and its data, in place of a comment that asks for it.

A line `<!-- made: NAME WORDS -->` of a page becomes what the function of that NAME in
`MAKERS` returns of WORDS. On a page that is read elsewhere the line shows nothing.
"""

import json
import re
import shlex
from collections.abc import Callable
from functools import cache
from pathlib import Path

import cli_pages
import gallery
import rooms
from docstrings import is_equation
from gallery import entry_link, escape
from law_examples import LAWS, facts, undeclared

from jqd.cli.vet import SHORT
from jqd.inference.bounds import bounds
from jqd.inference.bounds.table import number_text
from jqd.inference.words import WORDS
from jqd.papers import registry
from jqd.papers.citations import PAPERS, SOFTWARE
from jqd.records.kinds import page_sections
from jqd.status import Status
from jqd.vetting import ROWS, Verdict

DOCS = Path(__file__).parents[1]
LINE = re.compile(r"^<!-- made: (\w+)(.*?) -->$", re.MULTILINE)
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


# -- laws ------------------------------------------------------------------------------


def constants_table(name: str) -> str:
    """Constants of a law as its code declares them."""
    law = LAWS[name]()
    lines = [
        f"| `{name}` | {cell(said)} | {value or '-'} | {inside or 'any'} |"
        for name, said, value, inside in facts(law)
    ]
    heads = ("constant", "what it is", "in quantum mechanics", "bounds")
    parts = [table(heads, lines)] if lines else []
    others = ", ".join(f"`{one}`" for one in undeclared(law))
    if others:
        parts.append(f"Arrays that a fit may free by name as well: {others}.")
    return "\n\n".join(parts) or "No constant that a fit may free."


def card(*laws: str) -> str:
    """The report cards of laws, side by side, verdicts in words with figures."""
    cards = stored_cards()
    lines = []
    for row in ROWS:
        cells = [told(cards[law]["rows"][row]) for law in laws]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    heads = ("property", *(f"`{law}`" for law in laws))
    first = laws[0]
    after = (
        "`-` does not apply, `?` is not decided. "
        "[What the rows mean](../vet.md#what-the-rows-mean); "
        f'<a href="../explorers/cards.html#{first}">this card among the others</a>.'
    )
    return f"{table(heads, lines)}\n\n{after}"


def cards(*laws: str) -> str:
    """The cards of many laws, without what says what rows mean."""
    found = stored_cards()
    lines = [
        f"| {row} | {' | '.join(told(found[law]['rows'][row]) for law in laws)} |"
        for row in ROWS
    ]
    return table(("property", *(f"`{law}`" for law in laws)), lines)


@cache
def stored_cards() -> dict[str, dict]:
    text = (DOCS / "cards.json").read_text(encoding="utf-8")
    return json.loads(text)["laws"]


def told(row: dict) -> str:
    verdict = Verdict(row["verdict"])
    if verdict is Verdict.FAILS and row["figure"] is not None:
        return f"**fails** {row['figure']:.2g}"
    return "**fails**" if verdict is Verdict.FAILS else SHORT[verdict]


def entries(paper: str, *numbers: str) -> str:
    """Entries of a paper by number, with verdicts and links."""
    known = {entry.number: entry for entry in registry.load(paper)}
    lines = [
        f"| {entry_link(paper, number)} | {known[number].verdict} | "
        f"{cell(known[number].statement)} |"
        for number in numbers
    ]
    return table(("entry", "verdict", "statement"), lines)


def experiments(*words: str) -> str:
    """Experiments whose files hold one of these words."""
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, words))})\b")
    found = [
        one
        for one in gallery.experiments().values()
        if pattern.search((gallery.ROOT / one.path).read_text(encoding="utf-8"))
    ]
    if not found:
        return "None yet."
    lines = [
        f"- [{one.title}](../gallery/{one.name}.md): {escape(one.claim)}"
        for one in found
    ]
    return "\n".join(lines)


# -- data ------------------------------------------------------------------------------


def bounds_table(printed: str) -> str:
    """What published numbers say: those that were worked out, or limits as printed."""
    rows = [b for b in bounds().rows if b.printed == (printed == "printed")]
    lines = [
        f"| `{b.claim.constant}` | {cell(b.told)} | {b.level} | "
        f"{cell(number_text(b.published))}, {cell(b.published.quantity)}; "
        f"{cell(b.published.cited)} | {cell(b.assumed)} | {'yes' if b.read else 'no'} |"
        for b in rows
    ]
    heads = ("constant", "bound", "confidence", "number", "it assumes", "read in print")
    return table(heads, lines)


def statements() -> str:
    """The sentences that the bounds allow."""
    found = bounds()
    return "\n".join(f"- {escape(s)}" for s in (*found.statements, *found.notes))


def references() -> str:
    """The software and the papers, in a line and as BibTeX."""
    found = [SOFTWARE, *PAPERS.values()]
    lines = "\n".join(f"- {escape(one.text)}" for one in found)
    bibtex = "\n\n".join(one.bibtex for one in found)
    return f"{lines}\n\n```bibtex\n{bibtex}\n```"


def statuses() -> str:
    """Every status with its sentence, and with the words of a fit."""
    words = {s: f' A fit prints "{said}".' for s, said in WORDS.items()}
    lines = [
        f"| `{s.name}` | {int(s)} | {cell(s.sentence)}{words.get(s, '')} |"
        for s in Status
    ]
    return table(("status", "code", "what it says"), lines)


# -- texts -----------------------------------------------------------------------------


def snippet(*title: str) -> str:
    """A section of laws.md, each on one page."""
    name = " ".join(title)
    return sections()[name]


@cache
def sections() -> dict[str, str]:
    """Sections of laws.md by title."""
    text = (DOCS / "laws.md").read_text(encoding="utf-8")
    _, *parts = HEADING.split(text)
    return {t: body.strip() for t, body in zip(parts[::2], parts[1::2], strict=True)}


@cache
def homes() -> dict[str, str]:
    """Page of each section of laws.md, by the anchor that links in it use."""
    found = {}
    for page in DOCS.rglob("*.md"):
        if "_build" in page.parts:
            continue
        for name, words in LINE.findall(page.read_text(encoding="utf-8")):
            if name == "snippet":
                anchor = words.strip().lower().replace(" ", "-")
                found[anchor] = page.relative_to(DOCS).as_posix()
    return found


def from_the_root(text: str) -> str:
    """Links of a page of docs/ that hold on any other: from the root of the site."""
    text = re.sub(
        r"\]\((?:laws\.md)?#([\w-]+)\)",
        lambda found: f"](/{homes().get(found[1], 'laws.md#' + found[1])})",
        text,
    )
    return re.sub(r"\]\((\w+\.(?:md|json))([)#])", r"](/\1\2", text)


def file(path: str, until: str = "") -> str:
    """A file of the repository without its title, or what comes before a heading."""
    text = (gallery.ROOT / path).read_text(encoding="utf-8")
    text = re.sub(r"\A# .*\n", "", text)
    if until:
        text, found, _ = text.partition(f"\n## {until}")
        if not found:
            raise KeyError(until)
    return re.sub(r"\]\(docs/", "](/", text)


# -- pages -----------------------------------------------------------------------------

MAKERS: dict[str, Callable[..., str]] = {
    "constants": constants_table,
    "card": card,
    "cards": cards,
    "entries": entries,
    "experiments": experiments,
    "bounds": bounds_table,
    "statements": statements,
    "references": references,
    "statuses": statuses,
    "snippet": lambda *title: from_the_root(snippet(*title)),
    "file": file,
    "verbs": cli_pages.verbs_table,
    "formats": page_sections,
    "rooms": lambda part: {"picture": rooms.picture, "table": rooms.table}[part](),
}


def table(heads: tuple[str, ...], lines: list[str]) -> str:
    head = f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}"
    return "\n".join([head, *lines])


def cell(text: str) -> str:
    """Text of a cell; what is an equation stands as code."""
    if is_equation([text]) and "`" not in text:
        return f"`{text}`".replace("|", r"\|")
    return escape(text)


def expand(app, docname, source):
    """What each made line asks for."""

    def made(found: re.Match) -> str:
        try:
            return MAKERS[found[1]](*shlex.split(found[2]))
        except (KeyError, StopIteration) as error:
            raise ValueError(f"{docname}: {found[0]}: {error!r}") from error

    if LINE.search(source[0]):
        source[0] = LINE.sub(made, source[0])
        for name in ("laws.md", "cards.json"):
            app.env.note_dependency(str(DOCS / name), docname=docname)


def setup(app):
    app.connect("source-read", expand)
    return {"parallel_read_safe": True}

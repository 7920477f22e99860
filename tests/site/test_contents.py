"""What is due on the site is there: names, equations, experiments, laws, commands."""

import html
import inspect
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import api_pages
import cli_pages
import docstrings
import equations
import gallery
import law_examples
import made
import public_names
import pytest
from sphinx.util.inventory import InventoryFile
from tex_difference import marked

import jqd
from jqd.cli import main
from jqd.inference.words import WORDS
from jqd.laws import Law
from jqd.papers import registry

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SOURCES = [
    path
    for path in DOCS.rglob("*.md")
    if not {"_build", "api", "cli", "equations", "gallery"} & set(path.parts)
]


def test_every_public_name_is_on_a_page(site):
    with (site / "objects.inv").open("rb") as file:
        known = InventoryFile.load(file, "", lambda base, end: end)
    described = (
        {name for kind, names in known.data.items() for name in names}
        if hasattr(known, "data")
        else {name for names in known.values() for name in names}
    )
    rooms = public_names.rooms()
    assert {n.name for n in rooms["jqd"]} >= set(jqd.__all__) - set(vars(jqd))
    missing = {n.home for names in rooms.values() for n in names} - described
    assert missing == set()
    assert len(described) > 800


def test_every_room_has_a_topic():
    for room in public_names.rooms():
        if room != "jqd":
            assert api_pages.topic_of(room) in api_pages.TOPICS
    with pytest.raises(ValueError, match="belongs to no topic"):
        api_pages.topic_of("jqd.astrology")


@pytest.mark.parametrize("paper", registry.papers())
def test_every_entry_is_on_its_page(site, paper):
    text = (site / "equations" / f"{paper}.html").read_text("utf-8")
    rows = dict(re.findall(r'<tr id="([^"]+)" (.*?)</tr>', text, re.S))
    entries, alone = registry.load(paper), []
    assert len(rows) == len(entries)
    for entry in entries:
        row = html.unescape(rows[f"{paper}-{entry.number}"])
        assert f'data-verdict="{entry.verdict}"' in row
        assert f'data-section="{entry.section}"' in row
        assert html.unescape(html.escape(entry.statement)) in row
        assert (entry.printed in row) if entry.printed else ("In print" not in row)
        assert row.count("<figure>") == bool(entry.tex) + bool(entry.printed_tex)
        owner, _, last = entry.function.rpartition(".")
        known = equations.homes()
        linked = rf'<a href="\.\./api/[^"]+"><code>[^<]+<wbr>{last}<'
        if entry.function in known or owner in known:
            assert re.search(linked, row), entry.number
        elif entry.function:  # no public name
            alone.append(entry.function)
    assert len(alone) < len(entries) / 10


def test_what_differs_between_formulas_is_marked():
    printed, right = marked(
        r"\Psi = \sqrt{\rho}\,e^{+iS}", r"\Psi = \sqrt{\rho}\,e^{-iS}"
    )
    assert r"\underline{+}" in printed
    assert r"\underline{-}" in right
    # an index of one token gets braces
    assert marked("a_I", "a_J") == (r"a_{\underline{I}}", r"a_{\underline{J}}")
    # where a mark would tear TeX apart there is none
    assert marked(r"x_{ab}", r"x^{ab}") == (r"x_{ab}", r"x^{ab}")
    pairs = [
        marked(entry.printed_tex, entry.tex)
        for paper in registry.papers()
        for entry in registry.load(paper)
        if entry.tex and entry.printed_tex
    ]
    found = sum(any("underline" in formula for formula in pair) for pair in pairs)
    assert found >= len(pairs) * 2 / 3


def test_every_experiment_is_in_the_gallery(site):
    files = {p.stem for p in (ROOT / "experiments").rglob("*.py")
             if "_support" not in p.parts}  # fmt: skip
    assert sorted(gallery.placed()) == sorted(files)
    index = (site / "gallery" / "index.html").read_text("utf-8")
    tiles = re.findall(r"<li>(.*?)</li>", index, re.S)
    for name, one in gallery.experiments().items():
        assert any(f'href="{name}.html"' in tile for tile in tiles), name
        page = html.unescape((site / "gallery" / f"{name}.html").read_text("utf-8"))
        assert one.command in page
        assert not one.claim[:1].islower()
        first = one.verdict or one.claim
        words = re.findall(r"[A-Za-z]{5,}", first)[:3]
        assert words
        assert all(word in page or word.lower() in page for word in words)


def test_pictures_of_the_gallery_are_small_and_of_experiments():
    notes = gallery.thumbs()
    files = {p.stem: p for p in (DOCS / "thumbs").glob("*.webp")}
    assert set(files) == set(notes)
    assert set(notes) <= set(gallery.placed())
    without = set(gallery.placed()) - set(notes)
    # a sweep draws nothing
    assert without <= {"copying_exponents", "copying_signals", "error_bars"}
    sizes = [path.stat().st_size for path in files.values()]
    assert max(sizes) <= 25_000
    assert sum(sizes) <= 1_500_000
    for note in notes.values():
        assert set(note) == {"figure", "quick", "seconds"}


def public_laws():
    """Concrete laws that jqd.laws exports."""
    return {
        name
        for name, value in vars(jqd.laws).items()
        if inspect.isclass(value)
        and issubclass(value, Law)
        and not inspect.isabstract(value)
        and value is not jqd.laws.Law
    }


def test_every_law_has_a_page_with_its_constants():
    shown = {
        law
        for page in (DOCS / "laws").glob("*.md")
        for law in re.findall(r"<!-- made: constants (\w+) -->", page.read_text())
    }
    assert shown == set(law_examples.LAWS)
    assert public_laws() <= shown
    for name, make in law_examples.LAWS.items():
        if inspect.isclass(getattr(jqd.laws, name, None)):
            assert type(make()).__name__ == name
    assert ("q", "0.5") in {
        (n, v) for n, _, v, _ in law_examples.facts(law_examples.copies())
    }


def test_pages_of_laws_are_complete():
    """Where it ends, what it keeps, an equation and where to look it up."""
    pages = [p for p in (DOCS / "laws").glob("*.md") if p.stem != "index"]
    listed = (DOCS / "laws" / "index.md").read_text()
    for page in pages:
        text = page.read_text()
        assert "$$" in text, page
        for heading in ("## Where it ends", "## What it keeps", "## Reference"):
            assert heading in text, (page, heading)
        assert f"({page.name})" in listed
        assert f"\n{page.stem}\n" in listed


def test_every_card_is_on_a_page_of_its_law():
    cards = json.loads((DOCS / "cards.json").read_text())["laws"]
    text = "\n".join(p.read_text() for p in (DOCS / "laws").glob("*.md"))
    asked = " ".join(re.findall(r"<!-- made: card (.*?) -->", text)).split()
    assert sorted(asked) == sorted(cards)
    table = re.findall(r"<!-- made: cards (.*?) -->", (DOCS / "cards.md").read_text())
    assert sorted(" ".join(table).split()) == sorted(cards)


def test_every_status_is_in_the_table_that_pages_link_to():
    rows = made.statuses().splitlines()[2:]
    assert [re.match(r"\| `(\w+)` \| (\d+) \|", row).groups() for row in rows] == [
        (status.name, str(int(status))) for status in jqd.Status
    ]
    for status, words in WORDS.items():
        assert f'"{words}"' in rows[int(status)]
    assert "### Statuses\n\n<!-- made: statuses -->" in (DOCS / "trust.md").read_text()


def test_every_word_of_the_glossary_stands_once_in_order():
    words = re.findall(r"^## (.+)$", (DOCS / "glossary.md").read_text(), re.M)
    assert words == sorted(words, key=str.casefold)
    assert len(words) > 20
    # of the words that readers met without a meaning
    assert {"Node", "Floor", "Polish", "Tower", "Report card"} <= set(words)


def test_every_section_of_the_laws_is_on_one_page():
    asked = [
        words.strip()
        for path in SOURCES
        for name, words in made.LINE.findall(path.read_text("utf-8"))
        if name == "snippet"
    ]
    assert sorted(asked) == sorted(made.sections())


def test_the_help_of_every_command_is_on_its_page(site, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "78")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    shown = {
        "\n".join(line.rstrip() for line in plain(block).strip("\n").splitlines())
        for page in (site / "cli").glob("*.html")
        for block in re.findall(r"<pre>(.*?)</pre>", page.read_text("utf-8"), re.S)
    }
    words = list(cli_pages.commands())
    assert len(words) > 35
    for command in words:
        assert main([*command, "--help"]) == 0
        lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
        assert "\n".join(lines).strip("\n") in shown, command


def test_the_table_of_verbs_has_every_cell():
    head, _, *rows = made.MAKERS["verbs"]().split("\n\n")[0].splitlines()
    assert head.count("|") == len(cli_pages.VERBS) + 2
    assert [row.split("`")[1] for row in rows] == [*cli_pages.SETUPS]
    assert all(row.count("|") == head.count("|") for row in rows)
    pages = set(re.findall(r"\]\(/cli/(\w+)\.md\)", "\n".join(rows)))
    assert pages <= {words[0] for words in cli_pages.commands()}
    assert len(pages) == 6


def plain(block):
    return html.unescape(re.sub(r"<[^>]+>", "", block))


# Read one by one: paragraphs of docstrings that look like an equation, or do not.
PROSE = [
    ["At q = 1/2, r = -1/2 the law is Schrödinger's for ψ_a = √ρ_a exp(-iφ_a) and",
     "H/ħ = ω_a on the diagonal, R_ab exp(iδ_ab) off it."],
    ["None for `Propagator` where the law is solvable."],
    ["Works under jit, vmap and grad."],
]  # fmt: skip
EQUATIONS = [
    "dX/dt = (ħ/m) Im ∇ψ/ψ at X",
    "i dψ/dt = Hψ/ħ",
    "P = A p,   A = (1 - ε) I + ε/M",
]


def test_equations_of_docstrings_are_told_from_prose():
    assert not any(docstrings.is_equation(lines) for lines in PROSE)
    assert all(docstrings.is_equation([line]) for line in EQUATIONS)
    boxed, words = 0, []
    for names in public_names.rooms().values():
        for name in names:
            text = inspect.getdoc(name.value) or ""
            if public_names.kind(name.value) == "autodata":
                continue
            for block in docstrings.paragraphs(
                text.split("\nArgs:")[0].splitlines()[1:]
            ):
                if docstrings.is_boxed(block) and docstrings.is_equation(block):
                    boxed += 1
                    plain = docstrings.CODE.sub("", " ".join(block))
                    # words of seven letters and more, which equations hardly have
                    long = [w for w in re.findall(r"\b[a-z]{7,}\b", plain)]
                    if len(long) > 3:
                        words.append((name.path, block))
    assert boxed > 130
    assert words == []


def blocks(text):
    return re.findall(r"```python\n(.*?)```", text, re.S)


WITH_CODE = [
    p
    for p in SOURCES
    if blocks(p.read_text("utf-8"))
    and p.name not in ("laws.md", "bounds.md", "scaling.md", "engines.md")
    and (p.parent.name != "laws" or p.stem == "paths")
]  # two have tests of their own, one wants eight devices, one a cluster with a bucket;
# of laws, tests/test_law_pages.py runs the first block, and only paths have a second


@pytest.mark.parametrize(
    "path", WITH_CODE, ids=lambda p: p.relative_to(DOCS).as_posix()
)
def test_code_of_pages_runs(path, tmp_path):
    """The blocks of a page, one after the other, as a reader copies them."""
    code = "\n".join(blocks(path.read_text("utf-8")))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def commands_on_pages():
    """Lines of the pages' shell blocks that are ours, continued lines joined."""
    for path in SOURCES:
        text = path.read_text("utf-8").replace("\\\n", " ")
        for block in re.findall(r"```(?:ba)?sh\n(.*?)```", text, re.S):
            for line in block.splitlines():
                words = line.removeprefix("srun ").split("#")[0].split()
                if words[:1] in (["jqd"], ["make"]):
                    yield path, words


def unknown(words):
    """Words of a line `jqd ..` that name no command, or options that it has not."""
    known = set(cli_pages.commands())
    lengths = [n for n in (1, 2, 3) if tuple(words[1 : 1 + n]) in known]
    if not lengths:
        return words[1:2]
    command = tuple(words[1 : 1 + max(lengths)])
    command = ("sweep", "run") if command == ("sweep",) else command
    said = help_of(command)
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    return [o for o in options if not re.search(rf"{o}(?![\w-])", said)]


help_of = cache(cli_pages.help_of)


def test_commands_and_options_of_pages_exist():
    found = list(commands_on_pages())
    for path, (first, *words) in found:
        if first == "make":
            assert f"\n{words[0]}:" in (ROOT / "Makefile").read_text(), (path, words)
        else:
            assert unknown([first, *words]) == [], (path, words)
    assert sum(words[0] == "jqd" for _, words in found) > 15
    assert unknown(["jqd", "sweep", "FILE", "--out", "STORE", "--hosts", "auto"]) == [
        "--hosts"
    ]
    assert unknown(["jqd", "astrology"]) == ["astrology"]


def test_every_tutorial_asserts_its_result():
    tutorials = [p for p in (DOCS / "tutorials").glob("*.md") if p.stem != "index"]
    assert len(tutorials) >= 11
    for path in tutorials:
        text = path.read_text("utf-8")
        hidden = re.findall(r":tags: \[remove-cell\]\n(.*?)```", text, re.S)
        assert any("assert " in cell for cell in hidden), path
        assert "alt:" in text or "figure\n```" not in text


CELL = re.compile(r"```\{code-cell\} ipython3\n(.*?)```", re.S)
OPTIONS = re.compile(r"\A(?:---\n.*?\n---\n|(?::[^\n]*\n)+)", re.S)


def visible_code(text):
    """What a reader of a tutorial sees and copies: cells that are not removed."""
    cells = [cell for cell in CELL.findall(text) if "remove-cell" not in cell]
    return "\n".join(OPTIONS.sub("", cell) for cell in cells)


def undefined(code):
    """Names that code uses and does not define, or its errors, as ruff tells."""
    words = ["check", "--isolated", "--select", "F821", "--output-format", "concise"]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *words, "-"],
        input=code, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return re.findall(r"-:\d+:\d+: (.*)", done.stdout) + done.stderr.splitlines()


def test_what_tutorials_show_needs_nothing_hidden():
    for path in sorted((DOCS / "tutorials").glob("*.md")):
        code = visible_code(path.read_text("utf-8"))
        assert ("import jqd" in code) == (path.stem != "index")
        assert undefined(code) == [], path
    assert undefined("print(a)") == ["F821 Undefined name `a`"]
    assert len(undefined("print(")) > 0

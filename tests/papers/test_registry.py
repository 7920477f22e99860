"""The registry is complete: what it names exists, and what it refutes is tested."""

import ast
import dataclasses
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from jqd.papers import registry

ROOT = Path(__file__).resolve().parents[2]
ENTRIES = [(p, entry) for p in registry.papers() for entry in registry.load(p)]
IDS = [f"{paper}-{entry.number}" for paper, entry in ENTRIES]


def marked_tests(path):
    """Name of each test function in a file and the equations that it is marked with.

    A file in a paper's folder shortens `pytest.mark.equation("paper", number)` to
    `equation(number)`.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            marks = found.setdefault(node.name, set())
            for mark in node.decorator_list:
                if not isinstance(mark, ast.Call):
                    continue
                name = ast.unparse(mark.func)
                values = tuple(
                    arg.value for arg in mark.args if isinstance(arg, ast.Constant)
                )
                if name == "equation":
                    marks.add((path.parent.name, *values))
                elif name == "pytest.mark.equation":
                    marks.add(values)
    return found


MARKS = {
    path.relative_to(ROOT).as_posix(): marked_tests(path)
    for path in sorted((ROOT / "tests").rglob("test_*.py"))
}


def test_papers_are_listed():
    assert "copying" in registry.papers()
    with pytest.raises(ValueError, match=r"Argument `paper` must be one of .*copying"):
        registry.load("relativity")


def test_entries_are_frozen():
    entry = registry.load("copying")[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.verdict = "refuted"


SOUND = r"""
[1]
section = "2"
verdict = "corrected"
statement = '''
It is
what it is.'''
tex = '\hbar  = 1'
test = "tests/test_it.py::test_it"
"""


def test_a_file_is_read(tmp_path):
    file = tmp_path / "relativity.toml"
    file.write_text(SOUND + "[claim-x]\n" + SOUND.partition("[1]")[2])
    first, second = registry.read(file)
    assert first == registry.Equation(
        "1",
        "It is what it is.",
        "corrected",
        "2",
        tex=r"\hbar  = 1",
        tests=("tests/test_it.py::test_it",),
    )
    assert second == dataclasses.replace(first, number="claim-x")
    both = '''"""
tests/test_it.py::test_it
tests/test_it.py::test_all"""'''
    file.write_text(SOUND.replace('"tests/test_it.py::test_it"', both))
    (entry,) = registry.read(file)
    assert entry.tests == ("tests/test_it.py::test_it", "tests/test_it.py::test_all")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"2"', '"2', "must be a TOML file, but: "),
        ("[1]", "[1]\n[1]", "must be a TOML file, but: .*twice"),
        ("[1]", "1 = 2\n[x]", "entry 1: must be a table, but is 2"),
        ("corrected", "plausible", "entry 1: key `verdict` must be one of holds, .*"),
        ("section", "chapter", "entry 1: key `section` is missing"),
        ("tex", "latex", "entry 1: key `latex` must be one of statement, .*"),
        ("test =", "printed =", "entry 1: key `test` is missing"),
        ('"2"', "2", "entry 1: key `section` must be a text, but is 2"),
        ('"2"', '""', "entry 1: key `section` must be a text, but is ''"),
    ],
)
def test_a_damaged_file_is_named_in_a_line(tmp_path, old, new, why):
    file = tmp_path / "relativity.toml"
    file.write_text(SOUND.replace(old, new, 1))
    with pytest.raises(ValueError, match=rf"^relativity.toml(, | ){why}") as caught:
        list(registry.read(file))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "path", ["jqd.papers.nothing", "nothing.at.all", "jqd", "jqd.nothing.load", ""]
)
def test_unknown_functions_are_refused(path):
    with pytest.raises(ValueError, match="Argument `function` must name a function"):
        registry.resolve(path)


def test_resolve_finds_functions_and_methods():
    assert registry.resolve("jqd.papers.registry.load") is registry.load
    method = registry.resolve("jqd.papers.registry.Equation.__init__")
    assert method is registry.Equation.__init__


def test_equations_are_listed_without_jax():
    script = (
        "import sys; from jqd.cli import main; code = main(['equations', '--json']); "
        "print('jax' in sys.modules, file=sys.stderr); sys.exit(code)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "False"
    listed = json.loads(done.stdout)
    assert {p: len(listed[p]) for p in listed} == Counter(p for p, _ in ENTRIES)


def test_every_equation_of_the_copy_paper_is_there():
    numbers = [e.number for e in registry.load("copying") if e.number.isdigit()]
    assert numbers == [str(n) for n in range(1, 65)]


@pytest.mark.parametrize(("paper", "entry"), ENTRIES, ids=IDS)
def test_entry_is_complete(paper, entry):
    assert entry.statement.endswith(".")
    assert entry.section
    wrong = entry.verdict in ("corrected", "refuted")
    assert bool(entry.printed) == wrong
    assert wrong or not (entry.printed_tex or entry.tex)
    # a question that nothing here can answer has neither: it may still be open
    assert entry.function or entry.tests or entry.verdict in ("open", "not computable")
    if entry.function:
        assert callable(registry.resolve(entry.function))
    if entry.verdict in ("holds", "corrected", "refuted"):
        assert entry.tests
    # all that are marked, and no other
    marked = {
        f"{file}::{name}"
        for file, tests in MARKS.items()
        for name, marks in tests.items()
        if (paper, entry.number) in marks
    }
    assert set(entry.tests) == marked
    assert len(set(entry.tests)) == len(entry.tests)


def test_every_marker_names_an_entry():
    known = {(paper, entry.number) for paper, entry in ENTRIES}
    used = {mark for tests in MARKS.values() for m in tests.values() for mark in m}
    assert used
    assert used <= known

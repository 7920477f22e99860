"""The registry is complete: what it names exists, and what it refutes is tested."""

import ast
import dataclasses
import importlib
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


def test_entries_are_frozen_and_checked():
    entry = registry.load("copying")[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.verdict = "refuted"
    with pytest.raises(ValueError, match="Argument `verdict` must be one of"):
        registry.Equation("1", "A statement.", "plausible", "1")


@pytest.mark.parametrize(
    "path", ["jqd.papers.nothing", "nothing.at.all", "jqd", "jqd.nothing.load", ""]
)
def test_unknown_functions_are_refused(path):
    with pytest.raises(ValueError, match="Argument `function` must name a function"):
        registry.resolve(path)


def test_resolve_finds_functions_and_methods():
    assert registry.resolve("jqd.papers.registry.load") is registry.load
    method = registry.resolve("jqd.papers.registry.Equation.__post_init__")
    assert method is registry.Equation.__post_init__


@pytest.mark.parametrize("paper", registry.papers())
def test_what_is_read_is_what_is_imported(paper):
    read = {entry.number: entry for entry in registry.load(paper)}
    for file in sorted((ROOT / "jqd" / "papers" / paper).glob("[!_]*.py")):
        importlib.import_module(f"jqd.papers.{paper}.{file.stem}")
    said = {n: entry for (p, n), entry in registry.ENTRIES.items() if p == paper}
    functions = {n: f for (p, n), f in registry.FUNCTIONS.items() if p == paper}
    assert said == {
        number: dataclasses.replace(entry, function="")
        for number, entry in read.items()
    }
    assert functions.keys() == {n for n, entry in read.items() if entry.function}
    for number, function in functions.items():
        assert registry.resolve(read[number].function) is function


@pytest.mark.parametrize("paper", registry.papers())
def test_numbers_are_unique(paper):
    numbers = [entry.number for entry in registry.load(paper)]
    assert len(numbers) == len(set(numbers))


def test_equations_are_listed_without_jax_or_a_module_of_a_paper():
    script = (
        "import sys; from jqd.cli import main; code = main(['equations', '--json']); "
        "known = {'jax', *(f'jqd.papers.{p}' for p in %r)} & {*sys.modules}; "
        "print(sorted(known), file=sys.stderr); sys.exit(code)"
    )
    command = [sys.executable, "-c", script % (registry.papers(),)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
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
    # a question that nothing here can answer has no function: it may still be open
    if entry.function or entry.verdict not in ("open", "not computable"):
        assert callable(registry.resolve(entry.function))
    if entry.verdict in ("holds", "corrected", "refuted"):
        assert entry.test
    if entry.test:
        file, _, name = entry.test.partition("::")
        assert (paper, entry.number) in MARKS[file][name]


def test_every_marker_names_an_entry():
    known = {(paper, entry.number) for paper, entry in ENTRIES}
    used = {mark for tests in MARKS.values() for m in tests.values() for mark in m}
    assert used
    assert used <= known

"""`jqd --help` lists the commands without importing them."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from rich.markup import render

from jqd.cli import app, main
from jqd.cli.listing import said_in
from jqd.cli.options import FEWEST, PANELS
from jqd.report.examples import examples

ROOT = Path(__file__).resolve().parents[2]

LISTS = """
import sys
from jqd.cli import main
assert main({words}) == {code}
ours = {{name for name in sys.modules if name.partition(".")[0] == "jqd"}}
print(*sorted(ours), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("words", "code"), [(["--help"], 0), ([], 2), (["--version"], 0), (["recoer"], 2)]
)
def test_a_list_of_commands_imports_none_of_them(words, code):
    """What is imported takes the time, on any machine."""
    program = LISTS.format(words=words, code=code)
    command = [sys.executable, "-X", "importtime", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *times, ours = done.stderr.splitlines()
    loaded = {line.rpartition("|")[2].strip() for line in times}
    libraries = {"jax", "jaxlib", "numpy", "scipy", "matplotlib", "xarray", "pandas"}
    assert not loaded & {*libraries, "equinox", "jqd.records", "jqd.laws"}
    # the package, its names, version and revision, the list and log of the command,
    # and what the log hides
    assert len(ours.split()) <= 9, ours


def test_the_list_has_the_words_of_the_commands():
    group = typer.main.get_command(app)
    context = typer.Context(group)
    assert group.list_commands(context) == [*group.commands]
    for name, command in group.commands.items():
        assert group.get_command(context, name).help == command.help
    assert group.get_command(context, "recoer") is None


def helps(command, words=()):
    """Whoever has a help: a command, its options, its example, what is below it."""
    for one in (command, *command.params):
        yield (*words, command.name, one.name), one.help or ""
    yield (*words, command.name, "example"), command.epilog or ""
    for inner in getattr(command, "commands", {}).values():
        yield from helps(inner, (*words, command.name))


def test_brackets_of_a_help_are_shown():
    """`copying[q]` looks like markup, which would be left out."""
    bracketed = 0
    for command in typer.main.get_command(app).commands.values():
        for name, text in helps(command):
            shown = render(text)
            assert shown.spans == [], name
            assert shown.plain.count("[") == text.count("["), name
            bracketed += "[" in text
    assert bracketed > 10


def run_by_words(commands, words=()):
    """Commands that are run, not groups, with the words that name them."""
    for name, command in commands.items():
        inner = getattr(command, "commands", None)
        if inner is None:
            yield (*words, name), command
        else:
            yield from run_by_words(inner, (*words, name))


def test_every_help_has_sections_and_an_example():
    """An example has options of its command alone, and comes after its name."""
    sections, seen = set(), 0
    for words, command in run_by_words(typer.main.get_command(app).commands):
        options = [one for one in command.params if one.param_type_name == "option"]
        panels = [one.rich_help_panel for one in options if one.name != "help"]
        wanted = set(PANELS) if len(panels) >= FEWEST else {None}
        assert set(panels) <= wanted, words
        sections |= set(panels)
        known = {name for one in options for name in one.opts + one.secondary_opts}
        example = render(command.epilog or "").plain
        assert example.startswith("Example: jqd "), words
        given = shlex.split(example.removeprefix("Example: jqd "))
        assert tuple(given[: len(words)]) == words
        asked = {word.partition("=")[0] for word in given if word.startswith("--")}
        assert asked <= known, words
        seen += 1
    assert sections == {None, *PANELS}
    assert seen > 30


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def lines_of(page):
    """Lines of a page's shell blocks that call jqd."""
    for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"[;&|]+", line.partition("  #")[0]):
                if part.strip().startswith("jqd "):
                    yield part.strip()


def test_commands_of_pages_have_the_options_that_they_give():
    """Names of commands and options are known; values are not looked at."""
    commands = typer.main.get_command(app).commands
    programs = dict(run_by_words(commands))
    seen = 0
    for page in PAGES:
        if {"_build", "cli", "api"} & set(page.relative_to(ROOT).parts):
            continue  # made from the code
        for line in lines_of(page):
            given = shlex.split(line)[1:]
            if {"--help", "--version"} & set(given) or given[0].isupper():
                continue
            sizes = [
                k for k in range(1, len(given) + 1) if tuple(given[:k]) in programs
            ]
            default = ("sweep", "run")  # `jqd sweep FILE.py` is short for it
            words = tuple(given[: sizes[0]]) if sizes else default
            assert sizes or given[0] == "sweep", (page.name, line)
            options = [
                o for o in programs[words].params if o.param_type_name == "option"
            ]
            known = {name for one in options for name in one.opts + one.secondary_opts}
            asked = {word.partition("=")[0] for word in given if word.startswith("--")}
            assert asked <= known, (page.name, line, asked - known)
            if words == ("examples", "copy"):
                assert given[2] in examples(), (page.name, line)
            seen += 1
    assert seen > 60


def test_the_help_of_compare_names_the_constants(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    assert main(["compare", "--help"]) == 0
    assert "copying[q,r], copying[q=0.4], logarithmic[b]," in capsys.readouterr().out


def test_a_command_without_words_is_an_error_of_ours():
    with pytest.raises(LookupError, match=r"cite\.py makes no bounds"):
        said_in("cite", "bounds")

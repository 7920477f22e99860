"""The formats of files: a page, `--help` and refusals say what the loaders read."""

from pathlib import Path

import numpy as np
import pytest
import typer
from rich.text import Text

from jqd import records
from jqd.cli import app
from jqd.records.file import File
from jqd.records.kinds import KINDS, help_text, page_sections
from jqd.records.parts import Part
from jqd.records.reading import format_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "files.md"
COMMANDS = typer.main.get_command(app).commands


def test_the_page_is_made_of_the_formats():
    """Their sections are where the page asks for them, and nowhere by hand."""
    assert PAGE.read_text(encoding="utf-8").endswith("\n\n<!-- made: formats -->\n")
    assert "|" not in PAGE.read_text(encoding="utf-8")
    assert page_sections().count("\n## ") == len(KINDS) - 1


def test_no_table_of_the_page_is_wide():
    """Two columns: six do not fit a telephone."""
    rows = [line for line in page_sections().splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {3}
    every = [part for of in KINDS.values() for one in of.formats
             for part in (*one.needed, *one.optional)]  # fmt: skip
    assert len(rows) == len(every) + 2 * sum(len(of.formats) for of in KINDS.values())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_loader_and_its_options_say_what_it_takes(kind):
    of = KINDS[kind]
    assert callable(getattr(records, of.loader))
    option, *commands = (part.split() for part in of.options.split("`")[1::2])
    group = ""
    for *before, name in commands:  # `jqd recover copying`, `tower`
        group = before[-1] if before else group
        # `TABLE` of `jqd linear`
        command = (COMMANDS if group == "jqd" else COMMANDS[group].commands)[name]
        words = option[0].lower()
        (told,) = (one.help for one in command.params if words in one.opts)
        assert Text.from_markup(told).plain.startswith(help_text(kind))
    assert help_text(kind).count(".") > len(of.suffixes)  # a sentence with the endings


@pytest.mark.parametrize("kind", KINDS)
def test_help_names_every_needed_part(kind):
    for one in KINDS[kind].formats:
        for name in (name for part in one.needed for name in part.name.split("|")):
            assert name in help_text(kind)
        assert all(suffix in help_text(kind) for suffix in one.suffixes)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"matrix", "state"}))
def test_a_file_with_the_needed_names_is_of_its_format(kind):
    """What the table says that a format needs is enough, and without it is not."""
    for one in KINDS[kind].formats:
        names = [name for part in one.needed for name in some(part)]
        for suffix in one.suffixes:
            whole = File(Path(f"a{suffix}"), arrays=dict.fromkeys(names, np.zeros(2)))
            assert format_of(KINDS[kind], whole, suffix) is one
            arrays = dict.fromkeys(names[:-1], np.zeros(2))
            less = File(Path(f"a{suffix}"), arrays=arrays)
            with pytest.raises(ValueError, match=r"Argument `.*`.*a\."):
                format_of(KINDS[kind], less, suffix)


def some(part):
    """Names that satisfy a part."""
    if part.stem:
        return [f"{part.stem}0"]
    return part.name.split("|")[-1].split(",")


def test_numbered_columns_have_no_gap():
    part = Part("p0,p1,..", "")
    assert part.there({"t", "p0", "p1"})
    assert not part.there({"p0", "p2"})
    assert not part.there({"t"})


@pytest.mark.parametrize(("kind", "load"), [("light", "load_photons"),
                                            ("matrix", "load_matrix"),
                                            ("state", "load_state")])  # fmt: skip
def test_an_empty_file_is_named_by_its_option(kind, load, tmp_path):
    path = tmp_path / "empty.csv"
    path.touch()
    words = (
        f"Argument `{KINDS[kind].argument}` must hold data, but .*empty.csv is empty"
    )
    with pytest.raises(ValueError, match=words):
        getattr(records, load)(path)

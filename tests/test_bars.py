"""Bars: rich's in a terminal, text in a notebook, silence or lines in a log."""

import sys

import jax.numpy as jnp
import numpy as np
import pytest
from rich import console

import jqd
from jqd import _bars
from jqd.cli.session import conclude
from jqd.report import Context


@pytest.fixture
def notebook(monkeypatch):
    """A notebook without ipywidgets."""
    monkeypatch.setattr(console, "_is_jupyter", lambda: True)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)


def work(count=3):
    with jqd.progress("Fitting") as report:
        for i in range(count):
            report("search", i + 1, count)


@pytest.mark.parametrize("width", range(20, 60))
def test_no_line_ends_before_a_unit(width):
    text = (
        "abs(q - 0.5) < 0.0296 (95 %, statistical); in 12 s, of 3 MB.\n\n  Told: 7 sets"
    )
    lines = _bars.in_lines(text, width).split("\n")
    assert all(len(line) <= width for line in lines)
    together = " ".join(lines)
    assert together.split() == text.split()
    for whole in ("(95 %,", "12 s,", "3 MB."):
        assert sum(whole in line for line in lines) == 1
    # lines of the text stay, with what they begin with
    assert "" in lines
    assert any(line.startswith("  Told:") for line in lines)


def test_commands_print_their_sentences_so(capsys):
    """Of 80 columns "(95" ends at the 79th: rich alone would break after it."""
    text = "x " * 38 + "(95 %, statistical)"
    conclude({"status": "ok"}, [text], as_json=False)
    assert "(95 %, statistical)" in capsys.readouterr().out.splitlines()


def test_a_log_gets_none(capsys):
    work()
    assert capsys.readouterr() == ("", "")


def test_a_log_gets_no_line_of_what_takes_no_time(capsys):
    with jqd.progress("Fitting", lines=True) as report:
        for i in range(3):
            report("search", i, 2)
    assert capsys.readouterr().err == ""


def test_the_log_of_a_command_gets_a_line_for_each_tenth(capsys, monkeypatch):
    monkeypatch.setattr(_bars, "PATIENCE", 0.0)
    with jqd.progress("Fitting", lines=True) as report:
        for i in range(101):
            report("search", i, 100)
        report("polish", 0, 4)
        report("polish", 4, 4)
    out, err = capsys.readouterr()
    assert out == ""
    lines = [line.rpartition(" (")[0] for line in err.splitlines()]
    search = [f"Fitting {i}/100" for i in range(0, 101, 10)]
    assert lines == [*search, "Fitting: polish 0/4", "Fitting: polish 4/4"]


def test_a_terminal_gets_rich_bars_on_standard_error(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    work()
    out, err = capsys.readouterr()
    assert out == ""
    assert "Fitting" in err
    assert "\x1b[" in err


def test_names_are_no_markup(capsys, monkeypatch):
    """What a user calls a thing is printed as it is, on every console of jqd's."""
    _bars.plain_console().print("Results in r[/b] :smile: [red]")
    assert capsys.readouterr().out == "Results in r[/b] :smile: [red]\n"
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with jqd.progress("Vetting [/b]") as report:
        report("law", 1, 1)
    assert "Vetting [/b]" in capsys.readouterr().err


def test_a_notebook_gets_text(notebook, capsys):
    work()
    out, err = capsys.readouterr()
    assert err == ""
    last = out.split("\r")[-1]
    assert last.startswith(f"Fitting {'█' * _bars.WIDTH} 3/3")
    assert last.endswith("\n")
    assert "\x1b" not in out
    # a line is written over, and what a longer one left is hidden
    assert out.count("\n") == 1
    assert {len(line.rstrip("\n")) for line in out.split("\r")[1:]} == {90}


def test_each_stage_has_its_bar(notebook, capsys):
    with jqd.progress("Fitting") as report:
        for stage, done in (("search", 1), ("search", 2), ("polish", 0), ("polish", 2)):
            report(stage, done, 2)
    lines = [line.split("\r")[-1] for line in capsys.readouterr().out.split("\n")[:-1]]
    assert [line.split(" █")[0] for line in lines] == ["Fitting", "Fitting: polish"]
    assert all("2/2" in line for line in lines)


def test_a_bar_of_text_is_not_written_at_each_step(notebook, capsys):
    work(100_000)
    assert capsys.readouterr().out.count("\r") < 100


def test_nothing_is_shown_before_something_is_reported(notebook, capsys):
    with jqd.progress("Fitting"):
        pass
    assert capsys.readouterr().out == ""


def test_the_last_state_stays_when_work_fails(notebook, capsys):
    def fail():
        with jqd.progress("Fitting") as report:
            report("search", 1, 4)
            report("search", 2, 4)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert "2/4" in capsys.readouterr().out.split("\r")[-1]


def test_several_bars_have_a_line_each(notebook, capsys):
    shown = _bars.bars()
    with shown:
        first, second = (shown.add_task(name, total=2) for name in ("one", "two"))
        for task in (first, first, second, second):
            shown.update(task, completed=1)
        list(shown.track(range(2), "three"))
        list(shown.track((x for x in "ab"), "four"))
    lines = [line.split("\r")[-1] for line in capsys.readouterr().out.split("\n")[:-1]]
    assert [line.split()[0] for line in lines] == ["one", "two", "three", "four"]
    assert "2/2" in lines[2]
    assert lines[3].startswith("four 2 (")


@pytest.mark.parametrize("where", ["notebook", "log"])
def test_a_sweep(where, request, tmp_path, capsys):
    if where == "notebook":
        request.getfixturevalue("notebook")

    def point(a):
        return {"value": jnp.sin(a)}

    jqd.sweep(point, {"a": np.linspace(0, 1, 20)}, store=tmp_path / "sweep", tile=8)
    out, err = capsys.readouterr()
    assert err == ""
    if where == "log":
        assert out == ""
    else:
        assert out.split("\r")[-1].startswith("Sweeping")
        assert "20/20" in out.split("\r")[-1]


def test_an_experiment(notebook, tmp_path, capsys):
    with Context(tmp_path) as context:
        assert list(context.progress(3, "points")) == [0, 1, 2]
        context.log("a line")
    out = capsys.readouterr().out
    assert "3/3" in out
    assert "a line\n" in out

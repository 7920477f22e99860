"""What a command tells of its way, and that a library tells nothing."""

import logging

import pytest

from jqd.cli import main

SWEEP = """axes = {"x": [0.0, 1.0, 2.0]}


def point(x):
    return {"y": x * x}
"""


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "squares.py").write_text(SWEEP)
    return ["sweep", "squares.py", "--out", "store", "--chunk", "2"]


def test_a_file_has_the_command_what_was_done_and_the_end(sweep, tmp_path, capsys):
    file = tmp_path / "jqd.log"
    file.write_text("of an earlier day\n")
    assert main(["--log", str(file), *sweep]) == 0
    lines = file.read_text().splitlines()
    assert lines[0] == "of an earlier day"
    assert "jqd sweep squares.py --out store" in lines[1].replace(f"--log {file} ", "")
    said = [line.partition(": ")[2] for line in lines]
    assert {"chunk 0 is committed", "chunk 1 is committed"} <= set(said)
    assert said[-1] == "exit code 0"
    assert "chunk" not in capsys.readouterr().err
    # the next command is not written there
    assert main(["sweep", "status", "store"]) == 0
    assert file.read_text().splitlines() == lines


def test_the_screen_has_it_where_it_is_asked_for(sweep, capsys):
    assert main(["--verbose", *sweep]) == 0
    captured = capsys.readouterr()
    assert "chunk 0 is committed" in captured.err
    assert "committed" not in captured.out


def test_bad_input_ends_the_log_too(tmp_path, capsys):
    file = tmp_path / "jqd.log"
    assert main(["--log", str(file), "cite", "no law"]) == 2
    assert file.read_text().splitlines()[-1].endswith("exit code 2")
    assert main(["--log", str(tmp_path), "cite"]) == 2
    assert "`--log` must be a file that can be written" in capsys.readouterr().err


def test_the_library_is_silent_by_custom():
    jqd = logging.getLogger("jqd")
    assert [type(one) for one in jqd.handlers] == [logging.NullHandler]
    assert jqd.level == logging.NOTSET

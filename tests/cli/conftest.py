"""What the tests of commands share."""

import json

import jsonschema
import pytest

from jqd.cli import main
from jqd.report import json_schema


@pytest.fixture(autouse=True)
def figures_a_journal_takes(journal):
    """All that a test here saves."""


@pytest.fixture
def printed(capsys):
    """What a command has printed as JSON and nothing else, once its schema takes it."""

    def read(command):
        result = json.loads(capsys.readouterr().out)
        jsonschema.validate(result, json_schema(command))
        return result

    return read


@pytest.fixture
def complaint(capsys):
    """What a command says that fails: one line on standard error, and nothing else.

    With `blank`, but for the blank lines that a spinner leaves.
    """

    def of(*words, code=2, blank=False):
        assert main([str(word) for word in words]) == code
        captured = capsys.readouterr()
        assert captured.out == ""
        lines = captured.err.splitlines()
        (line,) = [one for one in lines if one.strip()] if blank else lines
        assert line.startswith("Error: ")
        return line

    return of

"""What the tests of commands share."""

import json

import jsonschema
import pytest

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

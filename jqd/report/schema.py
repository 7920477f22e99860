"""The JSON schema of the output of each command with `--json`."""

import json
from importlib.resources import files
from typing import Any


def json_schema(command: str) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of the output of a command with `--json`.

    Args:
        command: the words after `jqd`, e.g. "recover copying"; `jqd sweep` is
            "sweep run".

    Returns:
        The schema, complete without references to others.

    Raises:
        ValueError: no such command.
    """
    text = files("jqd.report").joinpath("schema.json").read_text(encoding="utf-8")
    known = json.loads(text)
    commands = known.pop("commands")
    if command not in commands:
        raise ValueError(
            f"Argument `command` must be one of {', '.join(commands)}, but is "
            f"{command!r}."
        )
    return known | {"title": f"jqd {command} --json"} | commands[command]

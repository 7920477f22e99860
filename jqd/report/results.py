"""Results that a command has written, read back; the schema of what it prints."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

SUMMARY = "summary.json"
# Largest size of a summary that is read.
MOST_SUMMARY = 50_000_000
_RULE = "Argument `RESULTS` must be what a command of jqd has written, but"


class Results(NamedTuple):
    """Results that a command has written.

    Attributes:
        place: folder, store or plan, as the user named it.
        kind: "recovery", "sample", "design", "comparison", "cards", "linearity",
            "experiment" or "sweep".
        summary: the contents of summary.json; for a sweep, those of its store.
        figures: files, with .svg, .png or both for each name.
        dataset: the dataset of a sweep; else None.
    """

    place: str
    kind: str
    summary: Mapping[str, Any]
    figures: tuple[Path, ...] = ()
    dataset: Any = None


def read_results(place: str | Path) -> Results:
    """The results in a folder, beside the plan of a design, or in a summary file.

    Args:
        place: folder of a run, plan (.toml) of `jqd design`, or a summary (.json).
    """
    path = Path(place)
    if path.is_dir():
        file, pattern = path / SUMMARY, "*"
    else:
        stem = path.stem.removesuffix("_summary")
        file, pattern = path.with_name(f"{stem}_summary.json"), f"{stem}_*"
        if path.name == SUMMARY:
            file, pattern = path, "*"
    if not file.is_file():
        raise ValueError(f"{_RULE} {_absent(path, file)}.")
    summary = _summary(file)
    kind = _kind(summary)
    if kind is None:
        raise ValueError(f"{_RULE} {file} is of something else.")
    files = [
        one
        for one in sorted(file.parent.glob(pattern))
        if one.suffix in (".svg", ".png") and not one.name.startswith(".")
    ]
    # the fit before its residuals
    first = ("fit", "density", "copies", "laws", "cards")
    files.sort(key=lambda one: first.index(one.stem) if one.stem in first else 99)
    return Results(str(place), kind, summary, tuple(files))


def damaged(place: str, error: Exception) -> ValueError:
    """The error for results that are not as jqd writes them."""
    said = str(error) or type(error).__name__
    if isinstance(error, KeyError):
        said = f"it has no {said}"
    return ValueError(f"{_RULE} {place} is damaged: {said}.")


def _absent(path: Path, file: Path) -> str:
    if not path.exists():
        return f"{path} is not there"
    if path.is_dir():
        return f"{path} has no {SUMMARY} and is no store of a sweep"
    return f"there is no {file} beside {path}"


def _summary(file: Path) -> Mapping[str, Any]:
    try:
        if file.stat().st_size > MOST_SUMMARY:
            raise ValueError(f"it has more than {MOST_SUMMARY} bytes")
        summary = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(str(file), error) from None
    if not isinstance(summary, dict) or not isinstance(summary.get("provenance"), dict):
        raise ValueError(f"{_RULE} {file} does not say where it comes from.")
    return summary


def _kind(summary: Mapping[str, Any]) -> str | None:
    """What kind of results a summary is of, by what only that kind has."""
    laws = summary.get("laws")
    if "null_vectors" in summary and "criterion" in summary:
        return "design"
    if isinstance(laws, list) and "verdict" in summary:
        return "comparison"
    if isinstance(laws, dict):
        return "cards"
    if "joint" in summary and "controls" in summary:
        return "linearity"
    if "trajectories" in summary and "extinct" in summary:
        return "sample"
    if "law" in summary and "status" in summary:
        return "recovery"
    return "experiment" if "quick" in summary["provenance"] else None


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

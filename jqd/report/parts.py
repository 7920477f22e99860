"""A run in parts: each is written as it ends, and a stopped run takes up again."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._files import atomic_file, to_plain, write_json, writing

PROBLEM, SETTINGS, PARTS = "problem.npz", "settings.json", "parts"
STATED = "__parameters__"  # of a part, as JSON, beside its arrays


class Parts:
    """The folder of a run in parts.

    `settings.json` and `problem.npz` say what is run, `parts/NAME.npz` hold what is
    done. A part is written whole or not at all, so that a run that was killed has each
    part once or not yet.

    Attributes:
        folder: the run folder.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    @classmethod
    def begin(
        cls, folder: Path, settings: Mapping[str, Any], problem: Mapping[str, Any]
    ) -> "Parts":
        """Write down what is run, before anything is.

        Args:
            folder: an empty run folder.
            settings: what JSON can hold.
            problem: arrays by name.

        Returns:
            The run, with no part done.
        """
        _write(folder / PROBLEM, problem)
        write_json(settings, folder / SETTINGS)
        return cls(folder)

    @classmethod
    def resume(cls, folder: Path) -> tuple["Parts", dict[str, Any], dict[str, Any]]:
        """Take up a run that was stopped.

        Args:
            folder: its folder.

        Returns:
            The run, its settings and its arrays.

        Raises:
            ValueError: no such run there, or its files are damaged.
        """
        _check_there(folder, PROBLEM)
        settings = read_settings(folder)
        try:
            problem = _read(folder / PROBLEM)
        except (OSError, ValueError, EOFError, KeyError) as error:
            raise _unreadable(folder, error) from None
        return cls(folder), settings, problem

    def missing(self, names: Sequence[str]) -> list[str]:
        """Which of these parts are not done, in order."""
        return [name for name in names if not self._path(name).is_file()]

    def keep(self, name: str, arrays: Mapping[str, Any]) -> None:
        """Write a part that is done."""
        path = self._path(name)
        with writing(path.parent):
            path.parent.mkdir(exist_ok=True)
        _write(path, arrays)

    def once(
        self,
        name: str,
        function: Callable[[], Mapping[str, Any]],
        parameters: Mapping[str, Any],
    ) -> dict[str, np.ndarray]:
        """A part that is done, or one that is done and written now.

        Args:
            name: of the part.
            function: does it and returns arrays by name.
            parameters: what the part depends on; what `to_plain` accepts.

        Returns:
            The arrays as they are on disk.

        Raises:
            ValueError: a name that no file can have, a part that was done with other
                parameters, or one that cannot be read.
        """
        if not name or Path(name).name != name:
            raise ValueError(
                f"Argument `name` must be a plain file name, but is {name!r}."
            )
        wanted = to_plain(parameters)
        if self.missing([name]):
            self.keep(name, {**function(), STATED: json.dumps(wanted)})
        arrays = self._load(name)
        found = json.loads(str(arrays.pop(STATED, "{}")))
        if found != wanted:
            other = [k for k in {**found, **wanted} if found.get(k) != wanted.get(k)]
            raise ValueError(
                f"Part {name!r} must have the parameters of the part in {self.folder}, "
                f"but differs in {', '.join(other)}; start a new run."
            )
        return arrays

    def joined(self, names: Sequence[str]) -> dict[str, np.ndarray]:
        """The arrays of these parts, one after the other along the first axis.

        Raises:
            ValueError: a part cannot be read; remove it and resume.
        """
        parts = [self._load(name) for name in names]
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}

    def _load(self, name: str) -> dict[str, np.ndarray]:
        path = self._path(name)
        try:
            return _read(path)
        except (OSError, ValueError, EOFError, KeyError) as error:
            raise ValueError(
                f"Argument `--resume` must be the folder of a run with whole parts, "
                f"but {path} cannot be read ({error}); remove it and resume."
            ) from None

    def _path(self, name: str) -> Path:
        return self.folder / PARTS / f"{name}.npz"


def read_settings(folder: Path) -> dict[str, Any]:
    """The settings of a run in parts.

    Raises:
        ValueError: no such run there, or its file is damaged.
    """
    _check_there(folder, SETTINGS)
    try:
        return json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(folder, error) from None


def stopped_run(folder: Path, experiment: str) -> dict[str, Any]:
    """The settings of a run of an experiment that was stopped.

    Raises:
        ValueError: the folder holds no such run, or one that is done.
    """
    settings = read_settings(folder)
    rule = (
        f"Argument `--resume` must be the folder of a stopped run of {experiment}, "
        f"but {folder}"
    )
    if settings.keys() != {"experiment", "quick"}:
        raise ValueError(f"{rule} has other settings.")
    if settings["experiment"] != experiment:
        raise ValueError(f"{rule} is one of {settings['experiment']}.")
    if (folder / "summary.json").exists():
        raise ValueError(f"{rule} has its summary: it is done.")
    return settings


def _check_there(folder: Path, name: str) -> None:
    if not (folder / name).is_file():
        raise ValueError(
            "Argument `--resume` must be the folder of a run in parts, but "
            f"{folder} has no {name}."
        )


def _unreadable(folder: Path, error: Exception) -> ValueError:
    return ValueError(
        "Argument `--resume` must be the folder of a run in parts, but the settings "
        f"in {folder} cannot be read: {error}."
    )


def _write(path: Path, arrays: Mapping[str, Any]) -> None:
    plain: dict[str, Any] = {key: np.asarray(value) for key, value in arrays.items()}
    with atomic_file(path) as draft, draft.open("wb") as file:
        np.savez(file, **plain)


def _read(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}

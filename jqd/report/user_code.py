"""The user's code: load a file, and name the line at which it fails."""

import contextlib
import hashlib
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Iterator
from importlib.machinery import SOURCE_SUFFIXES, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from .._files import OutputError

# Files of the user that were loaded, by their absolute paths.
_LOADED: dict[str, Path] = {}


class ExperimentError(RuntimeError):
    """The user's file failed; the message names its line."""


class _AsItStands(SourceFileLoader):
    """Compiles a file as it stands.

    Python finds bytecode by the second and the size of a file, which a quick edit of
    one character leaves as they were; and none is left in the user's folder.
    """

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def load_file(path: str | Path, function: str, arguments: str) -> ModuleType:
    """Load a file of the user that must define a function.

    Args:
        path: a Python file.
        function: a function that it must define.
        arguments: arguments of that function, for messages.

    Returns:
        Its module.

    Raises:
        ValueError: if there is no such file, or it lacks the function.
        ExperimentError: if the file fails while it is loaded.
    """
    module = load_module(path)
    if not callable(getattr(module, function, None)):
        raise ValueError(
            f"Argument `FILE` must define a function `{function}({arguments})`, but "
            f"{path} does not."
        )
    return module


def load_module(path: str | Path) -> ModuleType:
    """Load a file of the user from any place; this runs its code.

    The name of its module follows from its path: it is the same in every process, and
    differs between files.

    Raises:
        ValueError: if there is no such file, or it is not Python.
        ExperimentError: if the file fails while it is loaded.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(
            f"Argument `FILE` must be a Python file, but {path} is not there."
        )
    name = _module_name(path)
    loader = _AsItStands(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None or path.suffix not in SOURCE_SUFFIXES:
        raise ValueError(f"Argument `FILE` must be a Python file, but is {path}.")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickled functions look their module up by its name.
    _LOADED[os.path.abspath(path)] = path
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        with import_folder(path.parent), failures_of(path):
            loader.exec_module(module)
    except BaseException:  # half of a module is none
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before
        raise
    return module


def _module_name(path: Path) -> str:
    place = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
    return f"jqd_user_{re.sub(r'[^0-9A-Za-z_]', '_', path.stem)}_{place[:16]}"


@contextlib.contextmanager
def failures_of(path: Path, *, own_only: bool = False) -> Iterator[None]:
    """Name the line of the user's file at which it failed.

    Args:
        own_only: whether to pass on failures outside the file unchanged.
    """
    try:
        yield
    except OutputError:
        raise
    except SyntaxError as error:
        where = f"{error.filename}:{error.lineno}"
        raise ValueError(
            f"Argument `FILE` must be valid Python, but {where}: {error.msg}."
        ) from error
    except (Exception, SystemExit) as error:  # who exits leaves no result
        lines = _lines_in(path, error)
        if own_only and not lines:
            raise
        where = f"{path}:{lines[-1]}" if lines else str(path)
        reason = str(error).strip().splitlines()
        name = type(error).__name__
        text = f"{name}: {reason[0]}" if reason else name
        raise ExperimentError(f"{where}: {text}") from error


def user_line(error: BaseException) -> str | None:
    """FILE:LINE where a loaded file of the user failed, or None if none did."""
    found = None
    for frame in traceback.extract_tb(error.__traceback__):
        path = _LOADED.get(os.path.abspath(frame.filename))
        found = found if path is None else f"{path}:{frame.lineno}"
    return found


def _lines_in(path: Path, error: BaseException) -> list[int]:
    frames = traceback.extract_tb(error.__traceback__)
    here = os.path.abspath(path)
    return [f.lineno or 0 for f in frames if os.path.abspath(f.filename) == here]


@contextlib.contextmanager
def import_folder(folder: Path) -> Iterator[None]:
    """Let a file import the files beside it, as `python FILE` does."""
    entry = str(folder.resolve())
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        if entry in sys.path:
            sys.path.remove(entry)
